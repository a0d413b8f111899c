//! From lines to rows: a sale is many lines that carry one number.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use fluxion_model::row::{Row, RowChange, RowKey, RowShape};
use fluxion_model::stream::{FileSource, StreamSpec};
use fluxion_model::value::Value;

use super::content::Digest;
use super::table::{Broken, Line, Table};
use crate::connector::{BatchLimit, RowProblem};

/// Lines that may be held in memory when the lines of a document do not stand together.
const SCATTERED_LINES: u64 = 500_000;

/// Reads the rows of one file.
pub(super) struct Documents {
    pub shape: Arc<RowShape>,
    layout: Layout,
    source: Source,
    /// Rows given out; documents when they were scattered.
    pub taken: u64,
}

/// Where the parts of a row stand in a line.
#[derive(Debug, Clone)]
struct Layout {
    key: Vec<usize>,
    own: Vec<usize>,
    groups: Vec<Vec<usize>>,
    names: Vec<Box<str>>,
    /// Whether lines stand within their record: then each record is a document by itself.
    is_nested: bool,
}

enum Source {
    /// Lines of a document stand together.
    Flowing {
        table: Box<Table>,
        /// The line that begins the next document.
        ahead: Option<(RowKey, Line)>,
        is_over: bool,
    },
    /// They do not; every document was put together first.
    Gathered {
        documents: std::vec::IntoIter<RowChange>,
        unreadable: Vec<RowProblem>,
    },
}

/// Some rows.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub changes: Vec<RowChange>,
    pub unreadable: Vec<RowProblem>,
    pub is_last: bool,
}

impl Documents {
    /// Opens a file and checks that it can be what the stream reads.
    pub fn open(
        path: &Path,
        spec: &StreamSpec,
        source: &FileSource,
        digest: &Digest,
    ) -> Result<Self, Broken> {
        let table = Table::open(path, source, Some(spec), digest)?;
        let (shape, layout) = Layout::of(&table, spec, source)?;
        let is_scattered = layout.joins()
            && layout.is_scattered(Table::open(path, source, Some(spec), digest)?)?;
        let source = if is_scattered {
            layout.gather(table)?
        } else {
            Source::Flowing {
                table: Box::new(table),
                ahead: None,
                is_over: false,
            }
        };
        Ok(Self {
            shape: Arc::new(shape),
            layout,
            source,
            taken: 0,
        })
    }

    /// Passes over what was given out before.
    pub fn skip(&mut self, count: u64) -> Result<(), Broken> {
        match &mut self.source {
            Source::Gathered {
                documents,
                unreadable,
            } => {
                if count > 0 {
                    unreadable.clear();
                }
                for _ in 0..count {
                    documents.next();
                }
            }
            Source::Flowing { table, .. } => {
                for _ in 0..count {
                    table.next()?;
                }
            }
        }
        self.taken = count;
        Ok(())
    }

    /// Whole documents within the limit, at least one.
    pub fn take(&mut self, limit: BatchLimit) -> Result<Taken, Broken> {
        match &mut self.source {
            Source::Gathered {
                documents,
                unreadable,
            } => {
                let changes: Vec<RowChange> = documents.by_ref().take(limit.rows.max(1)).collect();
                self.taken += changes.len() as u64;
                let is_last = documents.as_slice().is_empty();
                Ok(Taken {
                    changes,
                    unreadable: std::mem::take(unreadable),
                    is_last,
                })
            }
            Source::Flowing {
                table,
                ahead,
                is_over,
            } => {
                let mut taken = Taken::default();
                let mut bytes = 0;
                loop {
                    let next = match ahead.take() {
                        Some(line) => Some(line),
                        None => self.layout.line(
                            table,
                            &mut taken.unreadable,
                            &mut self.taken,
                            is_over,
                        )?,
                    };
                    let Some((key, line)) = next else {
                        taken.is_last = true;
                        return Ok(taken);
                    };
                    let continues = self.layout.joins()
                        && taken.changes.last().is_some_and(|last| *last.key() == key);
                    let is_full = taken.changes.len() >= limit.rows.max(1)
                        || bytes >= limit.bytes
                        || taken.unreadable.len() >= limit.rows.max(1);
                    if !continues
                        && is_full
                        && !(taken.changes.is_empty() && taken.unreadable.is_empty())
                    {
                        *ahead = Some((key, line));
                        return Ok(taken);
                    }
                    self.taken += 1;
                    bytes += rough_size(&line);
                    self.layout.add(&mut taken.changes, key, line, continues);
                }
            }
        }
    }
}

fn rough_size(line: &Line) -> usize {
    let nested = line
        .nested
        .iter()
        .flatten()
        .map(|row| size_of_values(&row.values));
    size_of_values(&line.values) + nested.sum::<usize>()
}

fn size_of_values(values: &[Value]) -> usize {
    let text = values.iter().map(|value| match value {
        Value::Text(text) => text.len(),
        _ => 0,
    });
    text.sum::<usize>() + size_of_val(values)
}

impl Layout {
    fn of(
        table: &Table,
        spec: &StreamSpec,
        source: &FileSource,
    ) -> Result<(RowShape, Self), Broken> {
        let all = RowShape::flat(table.columns().iter().cloned());
        let mut missing = Vec::new();
        let mut find = |name: &String| {
            let found = all.position(name);
            if found.is_none() && !missing.contains(name) {
                missing.push(name.clone());
            }
            found
        };
        let nested = table.nested();
        let is_of_lines = |name: &String| {
            nested.iter().flatten().any(|columns| {
                columns
                    .iter()
                    .any(|column| column.eq_ignore_ascii_case(name))
            })
        };
        for name in &source.required_columns {
            if !is_of_lines(name) {
                find(name);
            }
        }
        let key: Vec<usize> = spec.key.iter().filter_map(&mut find).collect();
        let groups: Vec<Vec<usize>> = spec
            .children
            .iter()
            .filter(|_| nested.is_none())
            .map(|child| child.columns.iter().filter_map(&mut find).collect())
            .collect();
        if !missing.is_empty() {
            return Err(Broken::new(format!(
                "it has no column {}; its header has: {}. Export it with that column, or correct the mapping of stream {:?}",
                missing.join(", "),
                all.columns.join(", "),
                spec.name.to_string()
            )));
        }
        let own: Vec<usize> = (0..all.columns.len())
            .filter(|at| !groups.iter().flatten().any(|other| other == at))
            .collect();
        let pick =
            |places: &[usize]| RowShape::flat(places.iter().map(|at| all.columns[*at].clone()));
        let mut shape = pick(&own);
        shape.children = spec
            .children
            .iter()
            .zip(&groups)
            .map(|(child, places)| (child.name.as_str().into(), pick(places)))
            .collect();
        if let Some(nested) = &nested {
            let groups = spec.children.iter().zip(nested);
            shape.children = groups
                .map(|(child, columns)| {
                    let columns = RowShape::flat(columns.iter().cloned());
                    (child.name.as_str().into(), columns)
                })
                .collect();
        }
        Ok((
            shape,
            Self {
                key,
                own,
                groups,
                names: all.columns,
                is_nested: nested.is_some(),
            },
        ))
    }

    /// Whether lines that follow each other may belong to one document.
    fn joins(&self) -> bool {
        !self.groups.is_empty() && !self.is_nested
    }

    /// The next line with a key. Lines without one are reported and passed over.
    fn line(
        &self,
        table: &mut Table,
        unreadable: &mut Vec<RowProblem>,
        passed: &mut u64,
        is_over: &mut bool,
    ) -> Result<Option<(RowKey, Line)>, Broken> {
        while !*is_over {
            match table.next()? {
                None => *is_over = true,
                Some(Err(problem)) => {
                    *passed += 1;
                    unreadable.push(problem);
                }
                Some(Ok(line)) => match self.key_of(&line) {
                    Ok(key) => return Ok(Some((key, line))),
                    Err(problem) => {
                        *passed += 1;
                        unreadable.push(problem);
                    }
                },
            }
        }
        Ok(None)
    }

    fn key_of(&self, line: &Line) -> Result<RowKey, RowProblem> {
        let mut parts = Vec::with_capacity(self.key.len());
        for at in &self.key {
            let value = &line.values[*at];
            let text = value.to_string();
            if text.trim().is_empty() || matches!(value, Value::Undecodable(_)) {
                let column = &self.names[*at];
                let message = format!(
                    "Row {} has no usable {column}, which tells it apart from others: give it one and export it again.",
                    line.position
                );
                return Err(RowProblem {
                    position: Some(line.position),
                    field: Some(column.to_string()),
                    raw: Some(text),
                    message,
                });
            }
            parts.push(text);
        }
        Ok(RowKey::join(parts.iter().map(|part| part.trim())))
    }

    /// Begins a row with a line, or adds the line to the row before.
    fn add(&self, changes: &mut Vec<RowChange>, key: RowKey, line: Line, continues: bool) {
        let Line {
            position,
            mut values,
            nested,
        } = line;
        if self.is_nested {
            changes.push(RowChange::Upsert {
                key,
                row: Row {
                    values,
                    children: nested,
                    position: Some(position),
                },
            });
            return;
        }
        let mut children: Vec<Option<Row>> = Vec::with_capacity(self.groups.len());
        for places in &self.groups {
            let child: Vec<Value> = places
                .iter()
                .map(|at| std::mem::replace(&mut values[*at], Value::Null))
                .collect();
            let is_empty = child
                .iter()
                .all(|value| matches!(value, Value::Null) || value.to_string().trim().is_empty());
            children.push((!is_empty).then(|| Row {
                values: child,
                children: Vec::new(),
                position: Some(position),
            }));
        }
        if continues && let Some(RowChange::Upsert { row, .. }) = changes.last_mut() {
            for (group, child) in row.children.iter_mut().zip(children) {
                group.extend(child);
            }
            return;
        }
        let values = if self.groups.is_empty() {
            values
        } else {
            self.own
                .iter()
                .map(|at| std::mem::replace(&mut values[*at], Value::Null))
                .collect()
        };
        let children = children
            .into_iter()
            .map(|child| child.into_iter().collect())
            .collect();
        changes.push(RowChange::Upsert {
            key,
            row: Row {
                values,
                children,
                position: Some(position),
            },
        });
    }

    /// Whether a document goes on after another began.
    fn is_scattered(&self, mut table: Table) -> Result<bool, Broken> {
        let mut seen: HashSet<RowKey> = HashSet::new();
        let mut last: Option<RowKey> = None;
        let (mut unreadable, mut passed, mut is_over) = (Vec::new(), 0, false);
        while let Some((key, _)) =
            self.line(&mut table, &mut unreadable, &mut passed, &mut is_over)?
        {
            unreadable.clear();
            if last.as_ref() != Some(&key) {
                if !seen.insert(key.clone()) {
                    return Ok(true);
                }
                last = Some(key);
            }
        }
        Ok(false)
    }

    fn gather(&self, mut table: Table) -> Result<Source, Broken> {
        let mut documents: Vec<RowChange> = Vec::new();
        let mut places: HashMap<RowKey, usize> = HashMap::new();
        let (mut unreadable, mut passed, mut is_over, mut lines) = (Vec::new(), 0, false, 0);
        while let Some((key, line)) =
            self.line(&mut table, &mut unreadable, &mut passed, &mut is_over)?
        {
            lines += 1;
            if lines > SCATTERED_LINES {
                return Err(Broken::new(format!(
                    "the lines of its documents do not stand together, and it has more than {SCATTERED_LINES} lines, which is too many to sort them in memory: sort the export by {}",
                    self.key
                        .iter()
                        .map(|at| self.names[*at].as_ref())
                        .collect::<Vec<_>>()
                        .join(", ")
                )));
            }
            let mut one = Vec::new();
            self.add(&mut one, key.clone(), line, false);
            match (places.get(&key), one.pop()) {
                (Some(at), Some(RowChange::Upsert { row: more, .. })) => {
                    if let RowChange::Upsert { row, .. } = &mut documents[*at] {
                        for (group, child) in row.children.iter_mut().zip(more.children) {
                            group.extend(child);
                        }
                    }
                }
                (_, Some(document)) => {
                    places.insert(key, documents.len());
                    documents.push(document);
                }
                (_, None) => {}
            }
        }
        Ok(Source::Gathered {
            documents: documents.into_iter(),
            unreadable,
        })
    }
}
