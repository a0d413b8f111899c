//! A table: rows with their versions, and indexes over them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::data::types::{BytesKind, SqlType};
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError, Stop};
use crate::sql::ast::{Expr, Query, TriggerDef};

/// What a reader may see of rows that others are changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// What is committed; waits for rows that others are changing.
    Committed,
    /// What is committed, without waiting: `READ_COMMITTED_SNAPSHOT`.
    LastCommitted,
    /// Everything: `NOLOCK`.
    Uncommitted,
    /// What is committed; rows that others are changing are passed over: `READPAST`.
    PassOver,
    /// What was committed when the transaction began.
    Snapshot(u64),
}

#[derive(Debug, Clone)]
struct Version {
    commit: u64,
    row: Option<Row>,
}

/// A row as a transaction will leave it.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub transaction: u64,
    pub row: Option<Row>,
}

/// All versions of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot {
    versions: Vec<Version>,
    pub pending: Option<Pending>,
}

impl Slot {
    pub fn committed(&self) -> Option<&Row> {
        self.versions
            .last()
            .and_then(|version| version.row.as_ref())
    }

    fn visible(&self, sight: Sight, transaction: Option<u64>) -> Result<Option<&Row>> {
        if let Some(pending) = &self.pending {
            if transaction == Some(pending.transaction) {
                return Ok(pending.row.as_ref());
            }
            match sight {
                Sight::Committed => return Err(Stop::Blocked(pending.transaction)),
                Sight::Uncommitted => return Ok(pending.row.as_ref()),
                Sight::PassOver => return Ok(None),
                Sight::LastCommitted | Sight::Snapshot(_) => {}
            }
        }
        Ok(match sight {
            Sight::Snapshot(at) => self
                .versions
                .iter()
                .rev()
                .find(|version| version.commit <= at)
                .and_then(|version| version.row.as_ref()),
            Sight::Committed | Sight::LastCommitted | Sight::Uncommitted | Sight::PassOver => {
                self.committed()
            }
        })
    }

    /// Rows of any version, for the upkeep of indexes.
    fn all(&self) -> impl Iterator<Item = &Row> {
        let pending = self.pending.iter().filter_map(|p| p.row.as_ref());
        self.versions
            .iter()
            .filter_map(|version| version.row.as_ref())
            .chain(pending)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub id: i64,
    pub name: String,
    pub kind: SqlType,
    pub nullable: bool,
    pub identity: Option<(i64, i64)>,
    pub default: Option<Expr>,
    pub computed: Option<Expr>,
}

impl Column {
    pub fn is_rowversion(&self) -> bool {
        matches!(
            self.kind,
            SqlType::Bytes {
                kind: BytesKind::RowVersion,
                ..
            }
        )
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub id: i64,
    pub name: String,
    pub columns: Vec<usize>,
    pub unique: bool,
    pub primary: bool,
    /// Whether it came as a constraint, which has another error number.
    pub constraint: bool,
    entries: BTreeSet<(Vec<u8>, u64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Trigger {
    pub id: i64,
    pub definition: TriggerDef,
    pub enabled: bool,
}

/// What Change Tracking remembers of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracked {
    pub min_valid: i64,
    pub entries: Vec<Change>,
    pub begin: i64,
}

/// One change of one row, by its primary key.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub version: i64,
    pub operation: char,
    pub key: Vec<Value>,
    /// When it was committed, in ticks of UTC.
    pub at: i64,
}

/// A query with a name.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub id: i64,
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
    pub query: Query,
    pub text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub id: i64,
    pub schema: String,
    pub name: String,
    pub columns: Vec<Column>,
    pub indexes: Vec<Index>,
    pub triggers: Vec<Trigger>,
    pub tracked: Option<Tracked>,
    pub identity: i64,
    pub next_column: i64,
    rows: BTreeMap<u64, Slot>,
    next_row: u64,
}

/// Which rows to look at: those whose index key lies within, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    /// None: in no order.
    pub index: Option<usize>,
    pub from: Vec<u8>,
    /// None: to the end.
    pub to: Option<Vec<u8>>,
    pub backwards: bool,
}

pub(crate) type Each<'a> = dyn FnMut(u64, &Row) -> Result<ControlFlow<()>> + 'a;

impl Table {
    pub fn new(id: i64, schema: &str, name: &str, columns: Vec<Column>) -> Self {
        let next_column = i64::try_from(columns.len()).unwrap_or(0) + 1;
        Self {
            id,
            schema: schema.to_owned(),
            name: name.to_owned(),
            columns,
            indexes: Vec::new(),
            triggers: Vec::new(),
            tracked: None,
            identity: 0,
            next_column,
            rows: BTreeMap::new(),
            next_row: 1,
        }
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    }

    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    pub fn primary(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| index.primary)
    }

    pub fn primary_key(&self, row: &Row) -> Vec<Value> {
        self.primary().map_or_else(Vec::new, |index| {
            index.columns.iter().map(|at| row[*at].clone()).collect()
        })
    }

    /// Adds an index and fills it. Fails when it is unique and the rows are not.
    pub fn add_index(&mut self, mut index: Index) -> Result<(), SqlError> {
        let mut seen = BTreeSet::new();
        for (id, slot) in &self.rows {
            for row in slot.all() {
                index.entries.insert((self.key_of(&index, row), *id));
            }
            if index.unique
                && let Some(row) = slot.committed()
                && !seen.insert(self.key_of(&index, row))
            {
                return Err(SqlError::general(
                    1505,
                    format!(
                        "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object \
                         name '{}' and the index name '{}'.",
                        self.full_name(),
                        index.name
                    ),
                ));
            }
        }
        self.indexes.push(index);
        Ok(())
    }

    pub fn new_index(&self, name: String, columns: Vec<usize>) -> Index {
        Index {
            id: i64::try_from(self.indexes.len()).unwrap_or(0) + 1,
            name,
            columns,
            unique: false,
            primary: false,
            constraint: false,
            entries: BTreeSet::new(),
        }
    }

    fn key_of(&self, index: &Index, row: &Row) -> Vec<u8> {
        let mut key = Vec::new();
        for at in &index.columns {
            row[*at].key(self.columns[*at].kind, &mut key);
        }
        key
    }

    /// Visits the rows that can be seen.
    pub fn scan(
        &self,
        range: &Range,
        sight: Sight,
        transaction: Option<u64>,
        each: &mut Each<'_>,
    ) -> Result<ControlFlow<()>> {
        let Some(index) = range.index.map(|at| &self.indexes[at]) else {
            for (id, slot) in &self.rows {
                if let Some(row) = slot.visible(sight, transaction)?
                    && each(*id, row)?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            return Ok(ControlFlow::Continue(()));
        };
        let from = (range.from.clone(), 0);
        let to = range.to.clone().map(|key| (key, 0));
        if to.as_ref().is_some_and(|to| *to <= from) {
            return Ok(ControlFlow::Continue(()));
        }
        let entries = match to {
            Some(to) => index.entries.range(from..to),
            None => index.entries.range(from..),
        };
        let mut visit = |(key, id): &(Vec<u8>, u64)| -> Result<ControlFlow<()>> {
            let Some(slot) = self.rows.get(id) else {
                return Ok(ControlFlow::Continue(()));
            };
            // An entry may belong to another version of the row.
            match slot.visible(sight, transaction)? {
                Some(row) if self.key_of(index, row) == *key => each(*id, row),
                _ => Ok(ControlFlow::Continue(())),
            }
        };
        if range.backwards {
            for entry in entries.rev() {
                if visit(entry)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        } else {
            for entry in entries {
                if visit(entry)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes a row (none: deletes it) for a transaction; returns what was pending before.
    pub fn write(
        &mut self,
        id: u64,
        transaction: u64,
        row: Option<Row>,
    ) -> Result<Option<Pending>> {
        let slot = self.rows.get(&id);
        let before = slot.and_then(|slot| slot.pending.clone());
        if let Some(other) = before.as_ref().filter(|p| p.transaction != transaction) {
            return Err(Stop::Blocked(other.transaction));
        }
        if let Some(row) = &row {
            self.check_unique(id, transaction, row)?;
        }
        if let Some(row) = &row {
            let keys: Vec<Vec<u8>> = self
                .indexes
                .iter()
                .map(|index| self.key_of(index, row))
                .collect();
            for (index, key) in self.indexes.iter_mut().zip(keys) {
                index.entries.insert((key, id));
            }
        }
        self.rows.entry(id).or_default().pending = Some(Pending { transaction, row });
        Ok(before)
    }

    pub fn new_row(&mut self) -> u64 {
        self.next_row += 1;
        self.next_row
    }

    fn check_unique(&self, id: u64, transaction: u64, row: &Row) -> Result<()> {
        for index in self.indexes.iter().filter(|index| index.unique) {
            let key = self.key_of(index, row);
            let mut end = key.clone();
            end.push(0xFF);
            for (_, other) in index.entries.range((key.clone(), 0)..(end, 0)) {
                if *other == id {
                    continue;
                }
                let Some(slot) = self.rows.get(other) else {
                    continue;
                };
                let Some(found) = slot.visible(Sight::Committed, Some(transaction))? else {
                    continue;
                };
                if self.key_of(index, found) == key {
                    return Err(self.duplicate(index, row).into());
                }
            }
        }
        Ok(())
    }

    fn duplicate(&self, index: &Index, row: &Row) -> SqlError {
        let shown: Vec<String> = index
            .columns
            .iter()
            .map(|at| {
                crate::data::convert::display(&row[*at], self.columns[*at].kind, None)
                    .unwrap_or_default()
            })
            .collect();
        let shown = shown.join(", ");
        if index.constraint {
            let what = if index.primary {
                "PRIMARY KEY"
            } else {
                "UNIQUE KEY"
            };
            return SqlError::new(
                2627,
                14,
                format!(
                    "Violation of {what} constraint '{}'. Cannot insert duplicate key in object '{}'. The duplicate key \
                     value is ({shown}).",
                    index.name,
                    self.full_name()
                ),
            );
        }
        SqlError::new(
            2601,
            14,
            format!(
                "Cannot insert duplicate key row in object '{}' with unique index '{}'. The duplicate key value is \
                 ({shown}).",
                self.full_name(),
                index.name
            ),
        )
    }

    /// Takes a pending write back.
    pub fn restore(&mut self, id: u64, before: Option<Pending>) {
        let mut dropped = Vec::new();
        if let Some(slot) = self.rows.get_mut(&id) {
            dropped.extend(slot.pending.take().and_then(|pending| pending.row));
            slot.pending = before;
        }
        self.tidy(id, &dropped);
    }

    /// What a transaction did to a row, before and after; `None` when it did nothing in the end.
    pub fn outcome(&self, id: u64) -> Option<(Option<Row>, Option<Row>)> {
        let slot = self.rows.get(&id)?;
        let after = slot.pending.as_ref()?.row.clone();
        Some((slot.committed().cloned(), after))
    }

    /// Makes a pending write the newest version; older ones stay while somebody may look at them.
    pub fn commit(&mut self, id: u64, commit: u64, oldest_snapshot: Option<u64>) {
        let mut dropped = Vec::new();
        if let Some(slot) = self.rows.get_mut(&id)
            && let Some(pending) = slot.pending.take()
        {
            slot.versions.push(Version {
                commit,
                row: pending.row,
            });
            let keep_from = match oldest_snapshot {
                None => slot.versions.len() - 1,
                Some(oldest) => slot
                    .versions
                    .iter()
                    .rposition(|version| version.commit <= oldest)
                    .unwrap_or(0),
            };
            dropped.extend(slot.versions.drain(..keep_from).filter_map(|v| v.row));
        }
        self.tidy(id, &dropped);
    }

    /// Drops index entries that no version has any more, and the row itself when nothing is left of it.
    fn tidy(&mut self, id: u64, dropped: &[Row]) {
        let Some(slot) = self.rows.get(&id) else {
            return;
        };
        let live: Vec<Row> = slot.all().cloned().collect();
        for at in 0..self.indexes.len() {
            for row in dropped {
                let key = self.key_of(&self.indexes[at], row);
                let used = live
                    .iter()
                    .any(|row| self.key_of(&self.indexes[at], row) == key);
                if !used {
                    self.indexes[at].entries.remove(&(key, id));
                }
            }
        }
        if live.is_empty() {
            self.rows.remove(&id);
        }
    }

    /// Changes every version of every row, for a new, changed or dropped column; indexes are filled anew.
    pub fn rebuild(
        &mut self,
        change: &mut dyn FnMut(&Row) -> Result<Row, SqlError>,
    ) -> Result<(), SqlError> {
        for slot in self.rows.values_mut() {
            for version in &mut slot.versions {
                if let Some(row) = &mut version.row {
                    *row = change(row)?;
                }
            }
            if let Some(Pending { row: Some(row), .. }) = &mut slot.pending {
                *row = change(row)?;
            }
        }
        Ok(())
    }

    /// Fills the indexes anew, after [`Self::rebuild`].
    pub fn reindex(&mut self) -> Result<(), SqlError> {
        for mut index in std::mem::take(&mut self.indexes) {
            index.entries.clear();
            self.add_index(index)?;
        }
        Ok(())
    }

    /// Forgets uncommitted writes, as a backup does.
    pub fn forget_pending(&mut self) {
        let ids: Vec<u64> = self.rows.keys().copied().collect();
        for id in ids {
            self.restore(id, None);
        }
    }

    pub fn row_count(&self) -> usize {
        self.rows
            .values()
            .filter(|slot| slot.committed().is_some())
            .count()
    }
}
