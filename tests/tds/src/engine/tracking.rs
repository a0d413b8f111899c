//! Change Tracking: which rows changed since a version, by primary key.

use std::collections::BTreeMap;

use super::bind::Runner;
use super::permission::Permission;
use super::plan::Field;
use super::store::Database;
use super::table::{Change, Table, Tracked};
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::Name;

/// What happened to one key, all in all.
struct Net<'a> {
    last: &'a Change,
    created: Option<i64>,
    /// Whether it was there before.
    existed: bool,
}

impl Runner<'_> {
    fn tracked(&self, name: &Name) -> Result<(&Database, &Table, &Tracked)> {
        let Some((database, table)) = self.state.table(name, &self.locals.database) else {
            return Err(SqlError::no_object(&name.to_string()).into());
        };
        let tracked = database.tracking.as_ref().and(table.tracked.as_ref());
        let Some(tracked) = tracked else {
            let message = format!("Change tracking is not enabled on table '{}'.", table.name);
            return Err(SqlError::general(22105, message).into());
        };
        self.may(Permission::Select, database, table.id, &table.name)?;
        self.may(
            Permission::ViewChangeTracking,
            database,
            table.id,
            &table.name,
        )?;
        Ok((database, table, tracked))
    }

    /// `CHANGETABLE(CHANGES table, @version)`; no version: every row there is.
    pub(super) fn changes(
        &self,
        name: &Name,
        since: Option<i64>,
    ) -> Result<(Vec<Row>, Vec<Field>)> {
        let (database, table, tracked) = self.tracked(name)?;
        let keys = key_fields(table);
        let mut fields = vec![
            Field::new("SYS_CHANGE_VERSION", SqlType::BigInt),
            Field::new("SYS_CHANGE_CREATION_VERSION", SqlType::BigInt),
            Field::new(
                "SYS_CHANGE_OPERATION",
                SqlType::Text {
                    kind: crate::data::types::TextKind::NChar,
                    length: 1,
                    collation: crate::data::collation::Collation::default_one(),
                },
            ),
            Field::new("SYS_CHANGE_COLUMNS", SqlType::varbinary(4100)),
            Field::new("SYS_CHANGE_CONTEXT", SqlType::varbinary(128)),
        ];
        fields.extend(keys.iter().cloned());
        let since = since.unwrap_or(0);
        let mut nets: BTreeMap<Vec<u8>, Net<'_>> = BTreeMap::new();
        let newest = self.tracked_until(database);
        let first = tracked
            .entries
            .partition_point(|change| change.version <= since);
        let entries = tracked.entries[first..]
            .iter()
            .take_while(|change| change.version <= newest);
        for change in entries {
            let mut key = Vec::new();
            for (value, field) in change.key.iter().zip(&keys) {
                value.key(field.kind, &mut key);
            }
            let net = nets.entry(key).or_insert(Net {
                last: change,
                created: None,
                existed: change.operation != 'I',
            });
            net.last = change;
            if change.operation == 'I' {
                net.created = Some(change.version);
            }
        }
        let mut nets: Vec<Net<'_>> = nets.into_values().collect();
        nets.sort_by_key(|net| net.last.version);
        let rows = nets
            .into_iter()
            .map(|net| {
                let operation = match (net.last.operation, net.existed) {
                    ('D', _) => "D",
                    (_, false) => "I",
                    (_, true) => "U",
                };
                let mut row = vec![
                    Value::Int(net.last.version),
                    net.created.map_or(Value::Null, Value::Int),
                    Value::text(operation),
                    Value::Null,
                    Value::Null,
                ];
                row.extend(net.last.key.iter().cloned());
                row.into()
            })
            .collect();
        Ok((rows, fields))
    }

    /// `CHANGETABLE(VERSION table, (columns), (values))`: the newest version of one row.
    pub(super) fn version_of(
        &self,
        name: &Name,
        values: &[(Value, SqlType)],
    ) -> Result<(Vec<Row>, Vec<Field>)> {
        let (_, table, tracked) = self.tracked(name)?;
        let keys = key_fields(table);
        let mut wanted = Vec::new();
        for ((value, from), field) in values.iter().zip(&keys) {
            wanted.push(convert(value, *from, field.kind)?);
        }
        let newest = tracked
            .entries
            .iter()
            .rev()
            .find(|change| change.key == wanted);
        let mut row = vec![
            newest.map_or(Value::Null, |change| Value::Int(change.version)),
            Value::Null,
        ];
        row.extend(wanted);
        let mut fields = vec![
            Field::new("SYS_CHANGE_VERSION", SqlType::BigInt),
            Field::new("SYS_CHANGE_CONTEXT", SqlType::varbinary(128)),
        ];
        fields.extend(keys);
        Ok((vec![row.into()], fields))
    }

    /// `CHANGE_TRACKING_CURRENT_VERSION()`: NULL where the database is not tracked.
    pub(super) fn tracking_version(&self) -> Value {
        match self.state.database(&self.locals.database) {
            Ok(database) if database.tracking.is_some() => Value::Int(self.tracked_until(database)),
            _ => Value::Null,
        }
    }

    /// The newest version that this session sees: for a snapshot, that of the moment it was taken.
    fn tracked_until(&self, database: &Database) -> i64 {
        let open = self
            .locals
            .transaction
            .and_then(|id| self.state.transactions.get(&id))
            .filter(|open| open.snapshot.is_some());
        let then = open.and_then(|open| open.tracking_then.get(&database.name.to_lowercase()));
        let now = database
            .tracking
            .as_ref()
            .map_or(0, |tracking| tracking.version);
        then.copied().unwrap_or(now)
    }

    /// `CHANGE_TRACKING_MIN_VALID_VERSION(object)`: NULL where the table is not tracked or the login may not look.
    pub(super) fn min_valid_version(&self, object: Option<i64>) -> Value {
        let Ok(database) = self.state.database(&self.locals.database) else {
            return Value::Null;
        };
        let table = object.and_then(|object| database.tables.get(&object));
        match table.and_then(|table| table.tracked.as_ref()) {
            Some(tracked) if self.is_allowed(Permission::ViewChangeTracking, database, object) => {
                Value::Int(tracked.min_valid)
            }
            _ => Value::Null,
        }
    }
}

fn key_fields(table: &Table) -> Vec<Field> {
    let columns = table.primary().map_or(&[][..], |index| &index.columns);
    columns
        .iter()
        .map(|at| {
            let column = &table.columns[*at];
            let mut field = Field::new(&column.name, column.kind);
            field.nullable = false;
            field
        })
        .collect()
}
