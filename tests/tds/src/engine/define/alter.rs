//! Changes of what is defined already: columns, keys, Change Tracking, options of a database.

use crate::data::collation::Collation;
use crate::data::convert::convert;
use crate::data::value::{Row, Value};
use crate::engine::bind::Scope;
use crate::engine::evaluate::Frame;
use crate::engine::statement::Work;
use crate::engine::store::{Database, Tracking};
use crate::engine::table::{Column, Table, Tracked};
use crate::error::{Result, SqlError};
use crate::sql::ast::{AlterTable, ColumnDef, KeyDef, Name};

impl Work<'_> {
    pub(super) fn alter_table(&mut self, name: &Name, how: &AlterTable) -> Result<()> {
        match how {
            AlterTable::AddColumn(definition) => self.add_column(name, definition),
            AlterTable::AlterColumn {
                name: column,
                kind,
                nullable,
            } => Ok(self.with_table(name, |table| {
                let at = table
                    .column(column)
                    .ok_or_else(|| SqlError::no_column(column))?;
                let from = table.columns[at].kind;
                table.columns[at].kind = *kind;
                table.columns[at].nullable = nullable.unwrap_or(true);
                table.rebuild(&mut |row| {
                    let mut row = row.to_vec();
                    row[at] = convert(&row[at], from, *kind)?;
                    Ok(row.into())
                })?;
                table.reindex()
            })?),
            AlterTable::DropColumn(column) => {
                Ok(self.with_table(name, |table| drop_column(table, column))?)
            }
            AlterTable::AddKey(key) => {
                Ok(self.with_table(name, |table| add_key(table, key, true))?)
            }
            AlterTable::AddDefault { column, value } => Ok(self.with_table(name, |table| {
                let at = table
                    .column(column)
                    .ok_or_else(|| SqlError::no_column(column))?;
                table.columns[at].default = Some(value.clone());
                Ok(())
            })?),
            AlterTable::AddIgnored => Ok(()),
            AlterTable::DropConstraint(constraint) => Ok(self.with_table(name, |table| {
                table.indexes.retain(|index| {
                    !(index.constraint && index.name.eq_ignore_ascii_case(constraint))
                });
                Ok(())
            })?),
            AlterTable::ChangeTracking(enabled) => self.track(name, *enabled),
            AlterTable::Trigger {
                name: trigger,
                enabled,
            } => Ok(self.with_table(name, |table| {
                for found in &mut table.triggers {
                    if trigger
                        .as_ref()
                        .is_none_or(|name| found.definition.name.object.eq_ignore_ascii_case(name))
                    {
                        found.enabled = *enabled;
                    }
                }
                Ok(())
            })?),
        }
    }

    fn add_column(&mut self, name: &Name, definition: &ColumnDef) -> Result<()> {
        let known = match self.state.table(name, &self.locals.database) {
            Some((_, table)) => table.columns.clone(),
            None => return Err(SqlError::no_object(&name.to_string()).into()),
        };
        if known
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(&definition.name))
        {
            return Err(SqlError::general(2705, format!("Column names in each table must be unique. Column name '{}' in table '{name}' is specified more than once.", definition.name)).into());
        }
        let column = self.column(definition, 0, &known, name)?;
        let fill = match &column.default {
            Some(default) if !column.nullable => {
                let runner = self.runner();
                let typed = runner.value(default, &Scope::empty())?;
                let value = runner.typed(&typed, &Frame::EMPTY)?;
                convert(&value, typed.kind, column.kind)?
            }
            _ => Value::Null,
        };
        let database = self.database(name)?;
        let mut next = database.rowversion;
        let id = database
            .table(name.schema.as_deref(), &name.object)
            .map(|table| table.id);
        let Some(table) = id.and_then(|id| database.tables.get_mut(&id)) else {
            return Err(SqlError::no_object(&name.to_string()).into());
        };
        let is_rowversion = column.is_rowversion();
        table.columns.push(Column {
            id: table.next_column,
            ..column
        });
        table.next_column += 1;
        table.rebuild(&mut |row: &Row| {
            let mut row = row.to_vec();
            if is_rowversion {
                next += 1;
                row.push(Value::bytes(next.to_be_bytes()));
            } else {
                row.push(fill.clone());
            }
            Ok(row.into())
        })?;
        database.rowversion = next;
        Ok(())
    }

    fn track(&mut self, name: &Name, enabled: bool) -> Result<()> {
        let database = self.database(name)?;
        let Some(version) = database.tracking.as_ref().map(|tracking| tracking.version) else {
            let message = format!(
                "Change tracking is not enabled on database '{}'.",
                database.name
            );
            return Err(SqlError::general(4996, message).into());
        };
        Ok(self.with_table(name, |table| {
            if enabled && table.primary().is_none() {
                return Err(SqlError::general(4997, format!("Cannot enable change tracking on table '{}'. Change tracking requires a primary key on the table. Create a primary key on the table before enabling change tracking.", table.name)));
            }
            if enabled && table.tracked.is_some() {
                return Err(SqlError::general(4996, format!("Change tracking is already enabled for table '{}'.", table.name)));
            }
            table.tracked = enabled.then(|| Tracked {
                min_valid: version,
                begin: version,
                entries: Vec::new(),
            });
            Ok(())
        })?)
    }
}

pub(super) fn add_key(table: &mut Table, key: &KeyDef, constraint: bool) -> Result<(), SqlError> {
    let columns = key
        .columns
        .iter()
        .map(|name| {
            table.column(name).ok_or_else(|| {
                SqlError::general(
                    1911,
                    format!("Column name '{name}' does not exist in the target table or view."),
                )
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if key.primary {
        if table.primary().is_some() {
            return Err(SqlError::general(
                1779,
                format!(
                    "Table '{}' already has a primary key defined on it.",
                    table.name
                ),
            ));
        }
        for at in &columns {
            table.columns[*at].nullable = false;
        }
    }
    let prefix = if key.primary { "PK" } else { "UQ" };
    let name = key
        .name
        .clone()
        .unwrap_or_else(|| format!("{prefix}__{}__{:08X}", table.name, table.id));
    if table
        .indexes
        .iter()
        .any(|index| index.name.eq_ignore_ascii_case(&name))
    {
        return Err(SqlError::general(
            1913,
            format!(
                "The operation failed because an index or statistics with name '{name}' already exists on table '{}'.",
                table.full_name()
            ),
        ));
    }
    let mut index = table.new_index(name, columns);
    index.unique = key.unique || key.primary;
    index.primary = key.primary;
    index.constraint = constraint;
    table.add_index(index)
}

fn drop_column(table: &mut Table, name: &str) -> Result<(), SqlError> {
    let at = table.column(name).ok_or_else(|| {
        SqlError::general(4924, format!("ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{}'.", table.name))
    })?;
    if let Some(index) = table
        .indexes
        .iter()
        .find(|index| index.columns.contains(&at))
    {
        return Err(SqlError::general(
            5074,
            format!(
                "The index '{}' is dependent on column '{name}'.",
                index.name
            ),
        ));
    }
    table.columns.remove(at);
    for index in &mut table.indexes {
        for column in &mut index.columns {
            *column -= usize::from(*column > at);
        }
    }
    table.rebuild(&mut |row| {
        let mut row = row.to_vec();
        row.remove(at);
        Ok(row.into())
    })?;
    table.reindex()
}

pub(super) fn alter_database(database: &mut Database, words: &[String]) -> Result<(), SqlError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["SET", "CHANGE_TRACKING", "OFF", ..] => {
            if database
                .tables
                .values()
                .any(|table| table.tracked.is_some())
            {
                return Err(SqlError::general(
                    22115,
                    "Change tracking is enabled for one or more tables in the database. Disable change tracking on each table before disabling it for the database.",
                ));
            }
            database.tracking = None;
        }
        ["SET", "CHANGE_TRACKING", rest @ ..] => {
            let retention = rest.iter().position(|word| *word == "CHANGE_RETENTION");
            let minutes = match retention.map(|at| &rest[at + 1..]) {
                Some([count, unit, ..]) => {
                    let count: i64 = count.parse().unwrap_or(2);
                    match *unit {
                        "MINUTES" => count,
                        "HOURS" => count * 60,
                        _ => count * 1440,
                    }
                }
                _ => 2880,
            };
            let version = database
                .tracking
                .as_ref()
                .map_or(0, |tracking| tracking.version);
            let manual = rest.windows(2).any(|pair| pair == ["AUTO_CLEANUP", "OFF"]);
            database.tracking = Some(Tracking {
                version,
                retention_minutes: minutes,
                auto_cleanup: !manual,
            });
        }
        ["SET", "ALLOW_SNAPSHOT_ISOLATION", value, ..] => database.snapshot = *value == "ON",
        ["SET", "READ_COMMITTED_SNAPSHOT", value, ..] => {
            database.read_committed_snapshot = *value == "ON"
        }
        ["SET", "COMPATIBILITY_LEVEL", value, ..] => {
            database.compatibility = value.parse().unwrap_or(150)
        }
        ["COLLATE", name, ..] => {
            database.collation = Collation::named(name)
                .ok_or_else(|| SqlError::general(448, format!("Invalid collation '{name}'.")))?;
        }
        _ => {}
    }
    Ok(())
}
