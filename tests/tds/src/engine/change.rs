//! Statements that change rows.

mod target;

use std::sync::Arc;

use target::{Hits, Place};

use super::bind::{Named, Runner, Scope};
use super::evaluate::Frame;
use super::locals::Small;
use super::permission::Permission;
use super::plan::{Field, Typed};
use super::statement::{Reply, Work};
use super::store::Database;
use super::table::{Column, Table};
use crate::data::convert::store;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError, Stop};
use crate::sql::ast::{
    Delete, Expr, Insert, InsertFrom, Name, Output, Source, SourceKind, Target, Update,
};

/// The values that an insert brings for one row, by column of the table; none where it brings none.
type Brought = Vec<Option<(Value, SqlType)>>;

/// What is written about one row: before and after.
type Written = (Option<Row>, Option<Row>);

/// What a trigger fires on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Insert,
    Update,
    Delete,
}

pub(super) fn table_fields(table: &Table) -> Vec<Field> {
    table
        .columns
        .iter()
        .map(|column| Field {
            name: column.name.clone(),
            kind: column.kind,
            nullable: column.nullable,
            identity: column.identity.is_some(),
        })
        .collect()
}

impl Runner<'_> {
    fn place(&self, name: &Name, permission: Permission) -> Result<(&Database, &Table)> {
        let Some((database, table)) = self.state.table(name, &self.locals.database) else {
            return Err(SqlError::no_object(&name.to_string()).into());
        };
        self.may(permission, database, table.id, &table.name)?;
        Ok((database, table))
    }

    /// The values of each row that an insert brings, by column of the table; none where it brings none.
    fn brought(&self, insert: &Insert, names: &[Column]) -> Result<Vec<Brought>> {
        let positions = insert_columns(insert, names, self.locals.identity_insert.is_some())?;
        let mut brought = Vec::new();
        let mut take = |values: Brought| -> Result<()> {
            if values.len() != positions.len() {
                return Err(SqlError::general(
                    213,
                    "Column name or number of supplied values does not match table definition.",
                )
                .into());
            }
            let mut row = vec![None; names.len()];
            for (at, value) in positions.iter().zip(values) {
                row[*at] = value;
            }
            brought.push(row);
            Ok(())
        };
        match &insert.from {
            InsertFrom::DefaultValues => brought.push(vec![None; names.len()]),
            InsertFrom::Rows(rows) => {
                let scope = Scope::empty();
                for row in rows {
                    let values = row.iter().map(|value| match value {
                        Expr::Default => Ok(None),
                        value => {
                            let typed = self.value(value, &scope)?;
                            Ok(Some((self.constant(&typed)?, typed.kind)))
                        }
                    });
                    take(values.collect::<Result<_>>()?)?;
                }
            }
            InsertFrom::Query(query) => {
                let plan = self.query(query, None)?;
                for row in self.rows_of(&plan, None)? {
                    let values = row.iter().cloned().zip(&plan.fields);
                    take(
                        values
                            .map(|(value, field)| Some((value, field.kind)))
                            .collect(),
                    )?;
                }
            }
        }
        Ok(brought)
    }

    /// A whole row as the table keeps it; identity, rowversion and computed columns are still to come.
    fn completed(&self, table: &Table, brought: Brought) -> Result<Vec<Value>> {
        let mut row = Vec::with_capacity(table.columns.len());
        for (column, value) in table.columns.iter().zip(brought) {
            let value = match (value, &column.default) {
                _ if column.computed.is_some() || column.is_rowversion() => Value::Null,
                (Some((value, kind)), _) => {
                    store(&value, kind, column.kind).map_err(|e| name_column(e, table, column))?
                }
                (None, Some(default)) => {
                    let typed = self.value(default, &Scope::empty())?;
                    let value = self.constant(&typed)?;
                    store(&value, typed.kind, column.kind)?
                }
                (None, None) => Value::Null,
            };
            row.push(value);
        }
        Ok(row)
    }

    /// Fills computed columns and looks for forbidden NULLs.
    fn finished(&self, table: &Table, mut row: Vec<Value>, verb: &str) -> Result<Vec<Value>> {
        if table.columns.iter().any(|column| column.computed.is_some()) {
            let mut scope = Scope::empty();
            scope.sources.push(Named {
                alias: table.name.clone(),
                fields: table_fields(table),
            });
            let known: Row = row.clone().into();
            let rows = [Some(known)];
            let frame = Frame {
                rows: &rows,
                ..Frame::EMPTY
            };
            for (at, column) in table.columns.iter().enumerate() {
                if let Some(computed) = &column.computed {
                    let typed = self.value(computed, &scope)?;
                    row[at] = self.typed(&typed, &frame)?;
                }
            }
        }
        for (value, column) in row.iter().zip(&table.columns) {
            let filled_later = column.is_rowversion() || column.computed.is_some();
            if value.is_null() && !column.nullable && !filled_later {
                return Err(SqlError::general(
                    515,
                    format!(
                        "Cannot insert the value NULL into column '{}', table '{}.{}'; column does not allow nulls. {verb} fails.",
                        column.name,
                        self.locals.database,
                        table.full_name()
                    ),
                )
                .into());
            }
        }
        Ok(row)
    }

    /// The rows of an OUTPUT clause.
    fn output_rows(
        &self,
        output: &Output,
        fields: &[Field],
        written: &[Written],
    ) -> Result<(Vec<Field>, Vec<Row>)> {
        let mut scope = Scope::empty();
        for alias in ["inserted", "deleted"] {
            scope.sources.push(Named {
                alias: alias.to_owned(),
                fields: fields.to_vec(),
            });
        }
        let (items, fields, _) = self.bind_items(&output.items, &scope)?;
        let mut rows = Vec::with_capacity(written.len());
        for (before, after) in written {
            let pair = [after.clone(), before.clone()];
            let frame = Frame {
                rows: &pair,
                ..Frame::EMPTY
            };
            let row = items
                .iter()
                .map(|item| self.typed(item, &frame))
                .collect::<Result<Vec<_>>>()?;
            rows.push(row.into());
        }
        Ok((fields, rows))
    }
}

fn name_column(mut error: SqlError, table: &Table, column: &Column) -> SqlError {
    if error.number == 8152 {
        error.number = 2628;
        error.message = format!(
            "String or binary data would be truncated in table '{}', column '{}'.",
            table.full_name(),
            column.name
        );
    }
    error
}

fn insert_columns(
    insert: &Insert,
    columns: &[Column],
    explicit_identity: bool,
) -> Result<Vec<usize>> {
    let given = |column: &Column| {
        column.computed.is_none() && (column.identity.is_none() || explicit_identity)
    };
    if insert.columns.is_empty() {
        // Without a list a rowversion column counts, and only DEFAULT or NULL will do for it.
        let all = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| given(column));
        return Ok(all.map(|(at, _)| at).collect());
    }
    let mut positions = Vec::new();
    for name in &insert.columns {
        let at = columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| SqlError::no_column(name))?;
        if columns[at].is_rowversion() {
            return Err(SqlError::general(273, "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the timestamp column, or insert a DEFAULT into the timestamp column.").into());
        }
        if columns[at].identity.is_some() && !explicit_identity {
            return Err(SqlError::general(544, "Cannot insert explicit value for identity column in table when IDENTITY_INSERT is set to OFF.").into());
        }
        positions.push(at);
    }
    Ok(positions)
}

impl Work<'_> {
    fn transaction(&self) -> Result<u64> {
        self.locals
            .transaction
            .ok_or_else(|| Stop::Error(SqlError::beyond("a change outside of a transaction")))
    }

    fn table_at(&self, place: &Place) -> Result<&Table> {
        let database = self.state.database(&place.database)?;
        let table = database.tables.get(&place.table);
        table.ok_or_else(|| Stop::Error(SqlError::no_object("(dropped meanwhile)")))
    }

    pub fn insert(&mut self, insert: &Insert) -> Result<Vec<Reply>> {
        let name = match &insert.into {
            SourceKind::Table(name) => name,
            SourceKind::Variable(name) => return self.insert_small(name.clone(), insert),
            _ => return Err(SqlError::beyond("inserting into this").into()),
        };
        let runner = self.runner();
        let (database, table) = runner.place(name, Permission::Insert)?;
        let place = Place {
            database: database.name.to_lowercase(),
            table: table.id,
        };
        let mut rows = Vec::new();
        for brought in runner.brought(insert, &table.columns)? {
            rows.push(runner.completed(table, brought)?);
        }
        let columns = table.columns.clone();
        let transaction = self.transaction()?;
        let mut written = Vec::new();
        for mut row in rows {
            if let Some(at) = columns.iter().position(|column| column.identity.is_some()) {
                self.next_identity(&place, &columns[at], &mut row[at])?;
            }
            let runner = self.runner();
            let row = runner.finished(self.table_at(&place)?, row, "INSERT")?;
            let stored =
                self.state
                    .write(transaction, &place.database, place.table, None, Some(row))?;
            written.push((None, stored));
        }
        self.conclude(&place, Event::Insert, written, insert.output.as_ref())
    }

    fn next_identity(&mut self, place: &Place, column: &Column, value: &mut Value) -> Result<()> {
        let (seed, step) = column.identity.unwrap_or((1, 1));
        let database = self.state.database_mut(&place.database)?;
        let Some(table) = database.tables.get_mut(&place.table) else {
            return Ok(());
        };
        match value.as_int() {
            Some(explicit) => table.identity = table.identity.max(explicit),
            None => {
                table.identity = if table.identity == 0 {
                    seed
                } else {
                    table.identity + step
                };
                let next = Value::Int(table.identity);
                *value = crate::data::convert::convert(&next, SqlType::BigInt, column.kind)?;
            }
        }
        let shown = crate::data::convert::convert(value, column.kind, SqlType::decimal(38, 0))?;
        if self.locals.firing.is_empty() {
            self.locals.identity = shown;
        }
        Ok(())
    }

    fn insert_small(&mut self, name: String, insert: &Insert) -> Result<Vec<Reply>> {
        let Some(small) = self.locals.tables.get(&name).cloned() else {
            let message = format!("Must declare the table variable \"{name}\".");
            return Err(SqlError::new(1087, 15, message).into());
        };
        let columns: Vec<Column> = small
            .fields
            .iter()
            .zip(1..)
            .map(|(field, id)| Column {
                id,
                name: field.name.clone(),
                kind: field.kind,
                nullable: true,
                identity: None,
                default: None,
                computed: None,
            })
            .collect();
        let table = Table::new(0, "dbo", &name, columns.clone());
        let runner = self.runner();
        let mut added: Vec<Row> = Vec::new();
        for brought in runner.brought(insert, &columns)? {
            added.push(runner.completed(&table, brought)?.into());
        }
        let count = added.len();
        let mut small = (*small).clone();
        small.rows.extend(added);
        self.locals.tables.insert(name, Arc::new(small));
        let done = self.affected(count);
        Ok(vec![done])
    }

    pub fn update(&mut self, update: &Update) -> Result<Vec<Reply>> {
        let runner = self.runner();
        let Hits {
            place,
            at,
            scope,
            rows: hits,
        } = runner.hits(&update.target, Permission::Update)?;
        let table = self.table_at(&place)?;
        let mut set = Vec::new();
        for (name, value) in &update.set {
            let column = table
                .column(name)
                .ok_or_else(|| SqlError::no_column(name))?;
            if table.columns[column].is_rowversion() {
                return Err(SqlError::general(272, "Cannot update a timestamp column.").into());
            }
            if table.columns[column].identity.is_some() {
                return Err(SqlError::general(
                    8102,
                    format!("Cannot update identity column '{name}'."),
                )
                .into());
            }
            let value = match (value, &table.columns[column].default) {
                (Expr::Default, Some(default)) => runner.value(default, &scope)?,
                (Expr::Default, None) => Typed::constant(Value::Null, SqlType::Null),
                (value, _) => runner.value(value, &scope)?,
            };
            set.push((column, value));
        }
        let mut changed = Vec::new();
        for hit in &hits {
            let frame = Frame {
                rows: &hit.rows,
                ..Frame::EMPTY
            };
            let Some(before) = hit.rows[at].clone() else {
                continue;
            };
            let mut row = before.to_vec();
            for (column, value) in &set {
                let definition = &table.columns[*column];
                let new = runner.typed(value, &frame)?;
                row[*column] = store(&new, value.kind, definition.kind)
                    .map_err(|e| name_column(e, table, definition))?;
            }
            changed.push((hit.id, before, runner.finished(table, row, "UPDATE")?));
        }
        let transaction = self.transaction()?;
        let mut written = Vec::new();
        for (id, before, row) in changed {
            let stored = self.state.write(
                transaction,
                &place.database,
                place.table,
                Some(id),
                Some(row),
            )?;
            written.push((Some(before), stored));
        }
        self.conclude(&place, Event::Update, written, update.output.as_ref())
    }

    pub fn delete(&mut self, delete: &Delete) -> Result<Vec<Reply>> {
        let runner = self.runner();
        let Hits {
            place,
            at,
            rows: hits,
            ..
        } = runner.hits(&delete.target, Permission::Delete)?;
        let transaction = self.transaction()?;
        let mut written = Vec::new();
        for hit in hits {
            self.state.write(
                transaction,
                &place.database,
                place.table,
                Some(hit.id),
                None,
            )?;
            written.push((hit.rows[at].clone(), None));
        }
        self.conclude(&place, Event::Delete, written, delete.output.as_ref())
    }

    /// Removes all rows, without triggers, as SQL Server does; changes before it can no longer be followed.
    pub fn truncate(&mut self, name: &Name) -> Result<Vec<Reply>> {
        let target = Target {
            table: name.clone(),
            hints: Vec::new(),
            top: None,
            with: Vec::new(),
            from: Vec::new(),
            filter: None,
        };
        let Hits {
            place, rows: hits, ..
        } = self.runner().hits(&target, Permission::Alter)?;
        let transaction = self.transaction()?;
        for hit in hits {
            self.state.write(
                transaction,
                &place.database,
                place.table,
                Some(hit.id),
                None,
            )?;
        }
        let database = self.state.database_mut(&place.database)?;
        if let Some(table) = database.tables.get_mut(&place.table) {
            table.identity = 0;
            if let (Some(tracking), Some(tracked)) = (&mut database.tracking, &mut table.tracked) {
                tracking.version += 1;
                tracked.entries.clear();
                tracked.min_valid = tracking.version;
            }
        }
        Ok(vec![Reply::Done(None)])
    }

    /// Fires triggers, and tells what was done.
    fn conclude(
        &mut self,
        place: &Place,
        event: Event,
        written: Vec<Written>,
        output: Option<&Output>,
    ) -> Result<Vec<Reply>> {
        let table = self.table_at(place)?;
        let fields = table_fields(table);
        let triggers: Vec<i64> = table
            .triggers
            .iter()
            .filter(|trigger| trigger.enabled)
            .filter(|trigger| match event {
                Event::Insert => trigger.definition.insert,
                Event::Update => trigger.definition.update,
                Event::Delete => trigger.definition.delete,
            })
            .map(|trigger| trigger.id)
            .collect();
        let mut replies = Vec::new();
        if let Some(output) = output {
            if output.into.is_none() && !triggers.is_empty() {
                return Err(SqlError::general(
                    334,
                    format!(
                        "The target table '{}' of the DML statement cannot have any enabled triggers if the statement \
                         contains an OUTPUT clause without INTO clause.",
                        table.name
                    ),
                )
                .into());
            }
            let (columns, rows) = self.runner().output_rows(output, &fields, &written)?;
            match &output.into {
                None => replies.push(Reply::Rows(columns, rows)),
                Some(into) => self.output_into(into, &columns, rows)?,
            }
        }
        let count = written.len();
        if !triggers.is_empty() {
            self.locals.row_count = i64::try_from(count).unwrap_or(i64::MAX);
            let (before, after): (Vec<_>, Vec<_>) = written.into_iter().unzip();
            let small = |rows: Vec<Option<Row>>| {
                Arc::new(Small {
                    fields: fields.clone(),
                    rows: rows.into_iter().flatten().collect(),
                })
            };
            let (deleted, inserted) = (small(before), small(after));
            for trigger in triggers {
                let told = self.fire(&place.database, place.table, trigger, &inserted, &deleted)?;
                replies.extend(told);
            }
        }
        let done = self.affected(count);
        replies.push(done);
        Ok(replies)
    }

    fn output_into(&mut self, into: &Source, columns: &[Field], rows: Vec<Row>) -> Result<()> {
        let rows = rows
            .into_iter()
            .map(|row| {
                row.iter()
                    .zip(columns)
                    .map(|(value, field)| Expr::Literal(value.clone(), field.kind))
                    .collect()
            })
            .collect::<Vec<Vec<Expr>>>();
        if rows.is_empty() {
            return Ok(());
        }
        let insert = Insert {
            into: into.kind.clone(),
            columns: into.columns.clone(),
            output: None,
            from: InsertFrom::Rows(rows),
        };
        self.insert(&insert).map(|_| ())
    }
}
