//! From a stream's description to the parts of its queries.

use std::sync::Arc;

use fluxion_model::row::RowShape;
use fluxion_model::stream::{Capture, QuerySource, Source, StreamSpec};
use fluxion_model::value::Value;
use mysql_async::Value as Param;

use super::KIND;
use super::decode::to_param;
use crate::connector::Settings;
use crate::error::{SourceError, SourceResult};

/// A piece of SQL with its settings bound.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fragment {
    pub text: String,
    params: Vec<Param>,
}

/// A query being put together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Statement {
    pub text: String,
    pub params: Vec<Param>,
    has_conditions: bool,
}

impl Statement {
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    pub fn fragment(&mut self, fragment: &Fragment) -> &mut Self {
        self.text.push_str(&fragment.text);
        self.params.extend_from_slice(&fragment.params);
        self
    }

    pub fn bind(&mut self, param: Param) -> &mut Self {
        self.params.push(param);
        self
    }

    /// Begins one more condition that must hold.
    pub fn and(&mut self) -> &mut Self {
        let joint = if self.has_conditions {
            " AND "
        } else {
            " WHERE "
        };
        self.has_conditions = true;
        self.push(joint)
    }
}

/// Columns, tables and condition of one query.
#[derive(Debug)]
pub(super) struct Select {
    pub columns: Vec<Fragment>,
    pub from: Fragment,
    pub filter: Option<Fragment>,
}

impl Select {
    fn compile(source: &QuerySource, settings: &Settings, stream: &str) -> SourceResult<Self> {
        let compile = |sql: &str| Fragment::compile(sql, settings, stream);
        let columns = source
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
            columns,
            from,
            filter,
        })
    }

    /// `SELECT columns FROM tables WHERE (condition)`.
    pub fn start(&self) -> Statement {
        let mut statement = Statement::default();
        statement.push("SELECT ");
        for (i, column) in self.columns.iter().enumerate() {
            statement
                .push(if i == 0 { "" } else { ", " })
                .fragment(column);
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
}

/// Everything a stream asks.
#[derive(Debug)]
pub(super) struct StreamQuery {
    pub name: String,
    pub shape: Arc<RowShape>,
    pub main: Select,
    /// Where the key stands among the columns.
    pub key: Vec<usize>,
    pub children: Vec<ChildQuery>,
    pub watermark: Option<Watermark>,
    /// The first table, for progress and reports.
    pub table: Arc<str>,
}

/// Rows that travel with their parent.
#[derive(Debug)]
pub(super) struct ChildQuery {
    pub select: Select,
    /// Where the parent's key stands among the child's columns.
    pub parent: Vec<usize>,
    pub order: Vec<usize>,
}

/// What tells that a row changed.
#[derive(Debug)]
pub(super) struct Watermark {
    pub columns: Vec<Fragment>,
    pub overlap: u64,
}

impl StreamQuery {
    pub fn compile(spec: &StreamSpec, settings: &Settings) -> SourceResult<Self> {
        let name = spec.name.to_string();
        let Source::Query(source) = &spec.source else {
            return Err(invalid(
                &name,
                "it reads files; use connector \"files\" for it",
            ));
        };
        let main = Select::compile(source, settings, &name)?;
        let mut shape = RowShape::flat(source.columns.keys().map(String::as_str));
        let key = positions(&shape, &spec.key, "key", &name)?;
        if key.is_empty() {
            return Err(invalid(&name, "it has no `key`"));
        }
        let mut children = Vec::with_capacity(spec.children.len());
        for child in &spec.children {
            let what = format!("children {}", child.name);
            let Some(source) = &child.query else {
                return Err(invalid(&name, &format!("{what} has no `query`")));
            };
            let select = Select::compile(source, settings, &name)?;
            let child_shape = RowShape::flat(source.columns.keys().map(String::as_str));
            let parent = positions(&child_shape, &child.parent, &what, &name)?;
            if parent.len() != key.len() {
                let reason =
                    format!("`parent` of {what} must name one column for each column of `key`");
                return Err(invalid(&name, &reason));
            }
            let order = positions(&child_shape, &child.order, &what, &name)?;
            shape
                .children
                .push((child.name.as_str().into(), child_shape));
            children.push(ChildQuery {
                select,
                parent,
                order,
            });
        }
        let watermark = watermark(&spec.capture, settings, &name)?;
        let tables = tables(&main.from.text);
        let table = tables
            .first()
            .map_or(main.from.text.as_str(), |table| table.name.as_str());
        let table = unquoted(table).into();
        Ok(Self {
            name,
            shape: Arc::new(shape),
            main,
            key,
            children,
            watermark,
            table,
        })
    }

    /// Columns of the mapping that are read from this column of a table.
    pub fn columns_using(&self, column: &str) -> Vec<String> {
        let own = self.shape.columns.iter().zip(&self.main.columns);
        let of_children = self.children.iter().zip(&self.shape.children);
        let of_children =
            of_children.flat_map(|(c, (_, s))| s.columns.iter().zip(&c.select.columns));
        own.chain(of_children)
            .filter(|(_, fragment)| mentions(&fragment.text, column))
            .map(|(name, _)| format!("{name:?}"))
            .collect()
    }

    /// The table behind `p.price`, as well as it can be told.
    pub fn table_of(&self, column: &str) -> String {
        let alias = column.rsplit_once('.').map(|(alias, _)| alias);
        let selects =
            std::iter::once(&self.main).chain(self.children.iter().map(|child| &child.select));
        let all: Vec<Table> = selects
            .flat_map(|select| tables(&select.from.text))
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

    /// One query for the highest value of each watermark column. Where a column belongs to one table, that table
    /// alone is asked, which an index answers at once; the mark may then be higher than any row of the stream, which
    /// is harmless, for later changes are later still.
    pub fn high_marks(&self, watermark: &Watermark) -> Statement {
        let tables = tables(&self.main.from.text);
        let mut statement = Statement::default();
        statement.push(
            "SELECT UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone)",
        );
        let own: Option<Vec<_>> = watermark
            .columns
            .iter()
            .map(|column| owner(&column.text, &tables))
            .collect();
        if let Some(own) = own {
            for (column, table) in own {
                statement.push(&format!(", (SELECT MAX({column}) FROM {table})"));
            }
            return statement;
        }
        for column in &watermark.columns {
            statement.push(", MAX(").fragment(column).push(")");
        }
        self.main.tables(&mut statement);
        statement
    }
}

fn watermark(
    capture: &Capture,
    settings: &Settings,
    stream: &str,
) -> SourceResult<Option<Watermark>> {
    match capture {
        Capture::Diff => Ok(None),
        Capture::Arrival => Err(invalid(
            stream,
            "capture \"arrival\" is for files; use \"watermark\" or \"diff\"",
        )),
        Capture::Watermark { columns, .. } if columns.is_empty() => Err(invalid(
            stream,
            "capture \"watermark\" needs at least one column",
        )),
        Capture::Log | Capture::Outbox | Capture::Push => Err(invalid(
            stream,
            "this connector reads by \"watermark\" or \"diff\"",
        )),
        Capture::Watermark {
            columns, overlap, ..
        } => {
            let columns = columns
                .iter()
                .map(|sql| Fragment::compile(sql, settings, stream));
            Ok(Some(Watermark {
                columns: columns.collect::<SourceResult<_>>()?,
                overlap: *overlap,
            }))
        }
    }
}

pub(super) fn invalid(stream: &str, reason: &str) -> SourceError {
    SourceError::ask(
        KIND,
        format!("open stream {stream}"),
        "invalid_mapping",
        format!("Stream {stream:?} of the mapping cannot be read: {reason}."),
        reason,
    )
}

fn positions(
    shape: &RowShape,
    names: &[String],
    what: &str,
    stream: &str,
) -> SourceResult<Vec<usize>> {
    names
        .iter()
        .map(|name| {
            shape.position(name).ok_or_else(|| {
                invalid(
                    stream,
                    &format!("{what} names {name:?}, which is not among its columns"),
                )
            })
        })
        .collect()
}

impl Fragment {
    /// Binds `{setting}` outside of quotes.
    pub fn compile(sql: &str, settings: &Settings, stream: &str) -> SourceResult<Self> {
        let mut fragment = Self::default();
        let mut rest = sql.trim();
        while let Some(at) = rest.find(['\'', '"', '`', '{', '?']) {
            fragment.text.push_str(&rest[..at]);
            rest = &rest[at..];
            let taken = match rest.as_bytes()[0] {
                b'{' => fragment.setting(rest, settings, stream)?,
                b'?' => {
                    return Err(invalid(
                        stream,
                        "`?` has no value; write `{setting}` instead",
                    ));
                }
                quote => {
                    let end = end_of_quote(rest, quote).ok_or_else(|| {
                        invalid(stream, &format!("a quote is left open in {sql:?}"))
                    })?;
                    fragment.text.push_str(&rest[..end]);
                    end
                }
            };
            rest = &rest[taken..];
        }
        fragment.text.push_str(rest);
        Ok(fragment)
    }

    fn setting(&mut self, rest: &str, settings: &Settings, stream: &str) -> SourceResult<usize> {
        let end = rest
            .find('}')
            .ok_or_else(|| invalid(stream, "a `{` is not closed"))?;
        let name = rest[1..end].trim();
        let Some(value) = settings.get(name) else {
            let hint = format!(
                "Stream {stream:?} needs the setting `{name}`: give it under `settings` of the POS system."
            );
            let action = format!("open stream {stream}");
            return Err(SourceError::ask(
                KIND,
                action,
                "missing_setting",
                hint,
                format!("no setting {name:?}"),
            ));
        };
        match value {
            Value::Decimal(_) => self.text.push_str("CAST(? AS DECIMAL(65,30))"),
            _ => self.text.push('?'),
        }
        self.params.push(to_param(value));
        Ok(end + 1)
    }
}

/// Past the closing quote; a doubled or escaped one does not close.
fn end_of_quote(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 1,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A table of a FROM clause.
#[derive(Debug, PartialEq)]
struct Table {
    name: String,
    alias: String,
}

impl Table {
    fn is_called(&self, name: &str) -> bool {
        unquoted(&self.alias).eq_ignore_ascii_case(&unquoted(name))
    }
}

fn unquoted(name: &str) -> String {
    name.replace('`', "")
}

/// Whether an expression mentions a column as the server names it in its messages.
fn mentions(sql: &str, column: &str) -> bool {
    let column = unquoted(column).to_lowercase();
    words(&unquoted(sql).to_lowercase())
        .iter()
        .any(|word| *word == column)
}

/// The table that alone owns a column such as `p.updated_at`, and the column's bare name.
fn owner<'a>(column: &'a str, tables: &'a [Table]) -> Option<(&'a str, &'a str)> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '`'))
    };
    match column.split_once('.') {
        Some((alias, name)) if is_name(alias) && is_name(name) => tables
            .iter()
            .find(|table| table.is_called(alias))
            .map(|table| (name, table.name.as_str())),
        None if is_name(column) && tables.len() == 1 => Some((column, tables[0].name.as_str())),
        _ => None,
    }
}

/// Words that end a table's name and are not its alias.
const AFTER_TABLE: [&str; 14] = [
    "LEFT",
    "RIGHT",
    "INNER",
    "CROSS",
    "JOIN",
    "STRAIGHT_JOIN",
    "NATURAL",
    "ON",
    "USING",
    "USE",
    "FORCE",
    "IGNORE",
    "PARTITION",
    "OUTER",
];

/// The plain tables of a FROM clause and what it calls them; derived tables are passed over.
fn tables(from: &str) -> Vec<Table> {
    let words = words(from);
    let mut found = Vec::new();
    let (mut depth, mut expected) = (0_u32, true);
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        at += 1;
        match word {
            "(" => {
                depth += 1;
                expected = false;
            }
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => expected = true,
            _ if depth > 0 => {}
            _ if word.eq_ignore_ascii_case("JOIN")
                || word.eq_ignore_ascii_case("STRAIGHT_JOIN") =>
            {
                expected = true
            }
            name if expected => {
                expected = false;
                if words
                    .get(at)
                    .is_some_and(|word| word.eq_ignore_ascii_case("AS"))
                {
                    at += 1;
                }
                let alias = words.get(at).copied().filter(|word| {
                    !AFTER_TABLE
                        .iter()
                        .any(|ending| ending.eq_ignore_ascii_case(word))
                        && !matches!(*word, "(" | ")" | ",")
                });
                let bare = name.rsplit('.').next().unwrap_or(name);
                found.push(Table {
                    name: name.to_owned(),
                    alias: alias.unwrap_or(bare).to_owned(),
                });
            }
            _ => {}
        }
    }
    found
}

/// Names with their dots and backticks, and single punctuation marks; text in quotes is one word.
fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let start = at;
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if matches!(c, '\'' | '"') {
            at += end_of_quote(&sql[at..], c as u8).unwrap_or(sql.len() - at);
        } else if is_part(c) || c == '`' {
            while let Some(c) = sql[at..].chars().next() {
                if c == '`' {
                    at += end_of_quote(&sql[at..], b'`').unwrap_or(sql.len() - at);
                } else if is_part(c) {
                    at += c.len_utf8();
                } else {
                    break;
                }
            }
        } else {
            at += c.len_utf8();
        }
        words.push(&sql[start..at]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn names(from: &str) -> Vec<(String, String)> {
        tables(from)
            .into_iter()
            .map(|table| (table.name, table.alias))
            .collect()
    }

    fn pair(name: &str, alias: &str) -> (String, String) {
        (name.to_owned(), alias.to_owned())
    }

    #[test]
    fn the_tables_of_a_join_are_found_with_their_aliases() {
        assert_eq!(names("items"), [pair("items", "items")]);
        assert_eq!(
            names("pos.items AS p LEFT JOIN `stock` s ON s.item_id = p.item_id AND s.loc = ?"),
            [pair("pos.items", "p"), pair("`stock`", "s")]
        );
        assert_eq!(
            names("a, b x CROSS JOIN c USE INDEX (i)"),
            [pair("a", "a"), pair("b", "x"), pair("c", "c")]
        );
        assert_eq!(
            names("(SELECT 1 FROM hidden) d JOIN t ON 1"),
            [pair("t", "t")]
        );
    }

    #[test]
    fn settings_are_bound_and_text_in_quotes_is_left_alone() {
        let settings = BTreeMap::from([("location_id".to_owned(), Value::Int(7))]);
        let fragment = Fragment::compile(
            "s.loc = {location_id} AND s.note <> '{x} it''s ?'",
            &settings,
            "s",
        )
        .unwrap();
        assert_eq!(fragment.text, "s.loc = ? AND s.note <> '{x} it''s ?'");
        assert_eq!(fragment.params, [Param::Int(7)]);
    }

    #[test]
    fn a_setting_that_is_not_given_is_named() {
        let error = Fragment::compile("a = {location_id}", &BTreeMap::new(), "stock").unwrap_err();
        assert!(error.hint().unwrap().contains("location_id"), "{error:?}");
    }

    #[test]
    fn a_mark_is_asked_of_the_table_that_owns_it() {
        let tables = tables("items p LEFT JOIN stock s ON s.id = p.id");
        assert_eq!(
            owner("s.updated_at", &tables),
            Some(("updated_at", "stock"))
        );
        assert_eq!(owner("GREATEST(s.a, p.b)", &tables), None);
        assert_eq!(owner("updated_at", &tables), None);
    }

    #[test]
    fn a_message_about_a_column_finds_who_reads_it() {
        assert!(mentions("COALESCE(p.`sale_price`, 0)", "p.sale_price"));
        assert!(!mentions("p.sale_price_2", "p.sale_price"));
    }
}
