//! From a stream's description to the parts of its queries.

use std::sync::Arc;

use fluxion_model::row::RowShape;
use fluxion_model::stream::{Capture, QuerySource, Source, StreamSpec, WatermarkKind};

use super::session::{Cast, Dialect};
use super::statement::{Fragment, Statement};
use super::tables::{Table, mentions, owner, tables, unquoted};
use super::watermark::Watermark;
use crate::connector::{ConnectorKind, Settings};
use crate::error::{SourceError, SourceResult};

/// Columns, tables and condition of one query.
#[derive(Debug)]
pub(crate) struct Select {
    /// As the mapping writes them: what is compared and ordered by.
    pub columns: Vec<Fragment>,
    /// What to write around each in the list of columns.
    casts: Vec<Option<Cast>>,
    /// Tables and joins.
    pub from: Fragment,
    filter: Option<Fragment>,
    dialect: Arc<dyn Dialect>,
}

impl Select {
    fn compile(source: &QuerySource, settings: &Settings, about: About<'_>) -> SourceResult<Self> {
        let compile = |sql: &str| about.fragment(sql, settings);
        let columns: Vec<_> = source
            .columns
            .values()
            .map(|sql| compile(sql))
            .collect::<SourceResult<_>>()?;
        let from = compile(&source.from)?;
        let filter = match source.filter.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(sql) => Some(compile(sql)?),
        };
        Ok(Self {
            casts: vec![None; columns.len()],
            columns,
            from,
            filter,
            dialect: Arc::clone(about.dialect),
        })
    }

    /// `SELECT columns FROM tables WHERE (condition)`.
    pub fn start(&self) -> Statement {
        self.begin(None)
    }

    /// The same, of which at most so many rows are wanted. [`Statement::limit_last`] must end it.
    pub fn start_limited(&self, rows: usize) -> Statement {
        self.begin(Some(rows))
    }

    fn begin(&self, rows: Option<usize>) -> Statement {
        let mut statement = Statement::new(&self.dialect);
        statement.push("SELECT ");
        if let Some(rows) = rows {
            statement.limit_first(rows);
        }
        for (i, (column, cast)) in self.columns.iter().zip(&self.casts).enumerate() {
            statement.push(if i == 0 { "" } else { ", " });
            statement.push(cast.as_ref().map_or("", |cast| &cast.before));
            statement.fragment(column);
            statement.push(cast.as_ref().map_or("", |cast| &cast.after));
        }
        self.tables(&mut statement);
        statement
    }

    /// ` FROM tables WHERE (condition)`.
    pub fn tables(&self, statement: &mut Statement) {
        statement.push(" FROM ").fragment(&self.from);
        if let Some(filter) = &self.filter {
            statement.and().push("(").fragment(filter).push(")");
        }
    }

    /// ` ORDER BY` these columns.
    pub fn order(&self, statement: &mut Statement, columns: impl IntoIterator<Item = usize>) {
        for (i, column) in columns.into_iter().enumerate() {
            statement
                .push(if i == 0 { " ORDER BY " } else { ", " })
                .fragment(&self.columns[column]);
        }
    }

    /// From now on each column is written with its cast.
    pub fn cast(&mut self, casts: impl IntoIterator<Item = Option<Cast>>) {
        self.casts = casts.into_iter().collect();
        self.casts.resize(self.columns.len(), None);
    }
}

/// Everything a stream asks.
#[derive(Debug)]
pub(crate) struct StreamQuery {
    /// Which connector, for errors.
    pub kind: ConnectorKind,
    /// The stream's name.
    pub name: String,
    /// Columns of a row and its children.
    pub shape: Arc<RowShape>,
    /// Rows.
    pub main: Select,
    /// Where the key stands among the columns.
    pub key: Vec<usize>,
    /// Rows that belong to them.
    pub children: Vec<ChildQuery>,
    pub(super) watermark: Option<Watermark>,
    /// Whether changes come from a log or an outbox.
    pub(super) follows: bool,
    /// The first table, for progress and reports.
    pub table: Arc<str>,
    pub(super) dialect: Arc<dyn Dialect>,
}

/// Rows that travel with their parent.
#[derive(Debug)]
pub(crate) struct ChildQuery {
    /// Their columns and tables.
    pub select: Select,
    /// Where the parent's key stands among the child's columns.
    pub parent: Vec<usize>,
    /// What puts them in order.
    pub order: Vec<usize>,
}

/// What errors and fragments need to know.
#[derive(Clone, Copy)]
struct About<'a> {
    kind: ConnectorKind,
    stream: &'a str,
    dialect: &'a Arc<dyn Dialect>,
}

impl About<'_> {
    fn fragment(self, sql: &str, settings: &Settings) -> SourceResult<Fragment> {
        Fragment::compile(
            sql,
            settings,
            self.stream,
            (self.kind, self.dialect.as_ref()),
        )
    }

    fn invalid(self, reason: &str) -> SourceError {
        invalid(self.kind, self.stream, reason)
    }

    fn positions(self, shape: &RowShape, names: &[String], what: &str) -> SourceResult<Vec<usize>> {
        let find = |name: &String| {
            shape.position(name).ok_or_else(|| {
                self.invalid(&format!(
                    "{what} names {name:?}, which is not among its columns"
                ))
            })
        };
        names.iter().map(find).collect()
    }
}

impl StreamQuery {
    /// Takes a stream's description apart and binds its settings.
    ///
    /// # Errors
    /// When the description cannot be read by this kind of connector, or a setting is missing.
    pub fn compile(
        spec: &StreamSpec,
        settings: &Settings,
        kind: ConnectorKind,
        dialect: &Arc<dyn Dialect>,
    ) -> SourceResult<Self> {
        let name = spec.name.to_string();
        let about = About {
            kind,
            stream: &name,
            dialect,
        };
        let Source::Query(source) = &spec.source else {
            return Err(about.invalid("it reads files; use connector \"files\" for it"));
        };
        let main = Select::compile(source, settings, about)?;
        let mut shape = RowShape::flat(source.columns.keys().map(String::as_str));
        let key = about.positions(&shape, &spec.key, "key")?;
        if key.is_empty() {
            return Err(about.invalid("it has no `key`"));
        }
        let mut children = Vec::with_capacity(spec.children.len());
        for child in &spec.children {
            let what = format!("children {}", child.name);
            let Some(source) = &child.query else {
                return Err(about.invalid(&format!("{what} has no `query`")));
            };
            let select = Select::compile(source, settings, about)?;
            let child_shape = RowShape::flat(source.columns.keys().map(String::as_str));
            let parent = about.positions(&child_shape, &child.parent, &what)?;
            if parent.len() != key.len() {
                return Err(about.invalid(&format!(
                    "`parent` of {what} must name one column for each column of `key`"
                )));
            }
            let order = about.positions(&child_shape, &child.order, &what)?;
            shape
                .children
                .push((child.name.as_str().into(), child_shape));
            children.push(ChildQuery {
                select,
                parent,
                order,
            });
        }
        let watermark = watermark(&spec.capture, settings, about)?;
        let tables = tables(&main.from.text, dialect.lexis());
        let table = tables
            .first()
            .map_or(main.from.text.as_str(), |table| table.name.as_str());
        let table = unquoted(table).into();
        Ok(Self {
            kind,
            shape: Arc::new(shape),
            main,
            key,
            children,
            watermark,
            follows: matches!(spec.capture, Capture::Log | Capture::Outbox),
            table,
            dialect: Arc::clone(dialect),
            name,
        })
    }

    /// Columns of the mapping that are read from this column of a table.
    pub fn columns_using(&self, column: &str) -> Vec<String> {
        let lexis = self.dialect.lexis();
        let own = self.shape.columns.iter().zip(&self.main.columns);
        let of_children = self.children.iter().zip(&self.shape.children);
        let of_children =
            of_children.flat_map(|(c, (_, s))| s.columns.iter().zip(&c.select.columns));
        own.chain(of_children)
            .filter(|(_, fragment)| mentions(&fragment.text, column, lexis))
            .map(|(name, _)| format!("{name:?}"))
            .collect()
    }

    /// The table behind `p.price`, as well as it can be told.
    pub fn table_of(&self, column: &str) -> String {
        let alias = column.rsplit_once('.').map(|(alias, _)| alias);
        let selects =
            std::iter::once(&self.main).chain(self.children.iter().map(|child| &child.select));
        let all: Vec<Table> = selects
            .flat_map(|select| tables(&select.from.text, self.dialect.lexis()))
            .collect();
        let found = match alias {
            Some(alias) => all.iter().find(|table| table.is_called(alias)),
            None => all.first().filter(|_| all.len() == 1),
        };
        match found {
            Some(table) => format!("table {}", unquoted(&table.name)),
            None => "its tables".to_owned(),
        }
    }

    /// `SELECT 1`, and the watermark's columns, to have the server look whether they are there.
    pub(super) fn watermark_columns(&self, watermark: &Watermark) -> Statement {
        let mut statement = Statement::new(&self.dialect);
        statement.push("SELECT ");
        for (i, column) in watermark.columns.iter().enumerate() {
            statement
                .push(if i == 0 { "" } else { ", " })
                .fragment(column);
        }
        self.main.tables(&mut statement);
        statement
    }

    /// One query for the server's clocks and the highest value of each watermark column. Where a column belongs to one
    /// table, that table alone is asked, which an index answers at once; the mark may then be higher than any row of
    /// the stream, which is harmless, for later changes are later still.
    pub(super) fn high_marks(&self, watermark: &Watermark) -> Statement {
        let mut statement = Statement::new(&self.dialect);
        statement.push("SELECT ");
        if let Some(clock) = self.dialect.clock() {
            statement.push(&format!("{}, {}, ", clock.utc, clock.local));
        }
        if let Some(bound) = watermark.bound {
            for i in 0..watermark.columns.len() {
                statement.push(if i == 0 { "" } else { ", " }).push(bound);
            }
            statement.push(self.dialect.from_nothing());
            return statement;
        }
        let tables = tables(&self.main.from.text, self.dialect.lexis());
        let own: Option<Vec<_>> = watermark
            .columns
            .iter()
            .map(|column| owner(&column.text, &tables))
            .collect();
        let casts = || {
            let none = std::iter::repeat(&None);
            let casts = watermark.casts.iter().chain(none);
            casts.map(|cast| match cast {
                Some(cast) => (cast.before.as_str(), cast.after.as_str()),
                None => ("", ""),
            })
        };
        if let Some(own) = own {
            for (i, ((column, table), (before, after))) in own.into_iter().zip(casts()).enumerate()
            {
                statement.push(if i == 0 { "" } else { ", " });
                statement.push(&format!(
                    "(SELECT {before}MAX({column}){after} FROM {table})"
                ));
            }
            statement.push(self.dialect.from_nothing());
            return statement;
        }
        for (i, (column, (before, after))) in watermark.columns.iter().zip(casts()).enumerate() {
            statement.push(if i == 0 { "" } else { ", " });
            statement.push(before).push("MAX(").fragment(column);
            statement.push(")").push(after);
        }
        self.main.tables(&mut statement);
        statement
    }
}

fn watermark(
    capture: &Capture,
    settings: &Settings,
    about: About<'_>,
) -> SourceResult<Option<Watermark>> {
    let Capture::Watermark {
        columns,
        overlap,
        kind,
        format,
    } = capture
    else {
        return match capture {
            Capture::Diff | Capture::Log | Capture::Outbox | Capture::Watermark { .. } => Ok(None),
            Capture::Arrival => {
                Err(about
                    .invalid("capture \"arrival\" is for files; use \"watermark\" or \"diff\""))
            }
            Capture::Push => Err(about.invalid(
                "capture \"push\" is for systems that call out; use \"watermark\" or \"diff\"",
            )),
        };
    };
    if columns.is_empty() {
        return Err(about.invalid("capture \"watermark\" needs at least one column"));
    }
    let bound = match kind {
        WatermarkKind::Value => None,
        WatermarkKind::Rowversion => {
            let bound = about.dialect.rowversion_bound();
            Some(bound.ok_or_else(|| {
                about.invalid("this kind of database has no rowversion; use kind \"value\"")
            })?)
        }
    };
    if let Some(format) = format {
        Watermark::check_format(format).map_err(|reason| about.invalid(&reason))?;
    }
    let columns = columns.iter().map(|sql| about.fragment(sql, settings));
    Ok(Some(Watermark {
        columns: columns.collect::<SourceResult<_>>()?,
        overlap: *overlap,
        bound,
        format: format.clone(),
        casts: Vec::new(),
    }))
}

/// A stream's description that cannot be read.
pub(crate) fn invalid(kind: ConnectorKind, stream: &str, reason: &str) -> SourceError {
    SourceError::ask(
        kind,
        format!("open stream {stream}"),
        "invalid_mapping",
        format!("Stream {stream:?} of the mapping cannot be read: {reason}."),
        reason,
    )
}
