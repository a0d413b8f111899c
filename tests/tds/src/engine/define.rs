//! Statements that define tables, indexes, triggers, views, databases, logins and permissions. They take effect at once
//! and are not undone by a rollback, unlike in SQL Server.

use std::sync::Arc;

use super::bind::Scope;
use super::evaluate::Frame;
use super::locals::Small;
use super::permission::Permission;
use super::plan::Field;
use super::statement::{Reply, Work};
use super::store::{Database, Login, Tracking};
use super::table::{Column, Table, Tracked, Trigger, View};
use crate::data::collation::Collation;
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::{
    AlterTable, ColumnDef, Grant, KeyDef, Name, ObjectKind, Statement, TriggerDef,
};

fn taken(name: &str) -> SqlError {
    SqlError::general(
        2714,
        format!("There is already an object named '{name}' in the database."),
    )
}

impl Work<'_> {
    pub fn define(&mut self, statement: &Statement) -> Result<Vec<Reply>> {
        match statement {
            Statement::DeclareTable(name, columns, _) => {
                let fields = columns.iter().map(|column| Field::new(&column.name, column.kind)).collect();
                let small = Small {
                    fields,
                    rows: Vec::new(),
                };
                self.locals.tables.insert(name.clone(), Arc::new(small));
                return Ok(Vec::new());
            }
            Statement::Nothing => {}
            Statement::CreateTable(name, columns, keys) => {
                self.runner().may_define("CREATE TABLE")?;
                self.create_table(name, columns, keys)?;
            }
            Statement::AlterTable(name, how) => {
                self.runner().may_define("ALTER TABLE")?;
                self.alter_table(name, how)?;
            }
            Statement::CreateIndex {
                name,
                table,
                unique,
                columns,
            } => {
                self.runner().may_define("CREATE INDEX")?;
                let key = KeyDef {
                    name: Some(name.clone()),
                    primary: false,
                    unique: *unique,
                    columns: columns.clone(),
                };
                self.with_table(table, |table| add_key(table, &key, false))?;
            }
            Statement::DropIndex {
                name,
                table,
                lenient,
            } => self.with_table(table, |table| {
                let before = table.indexes.len();
                table.indexes.retain(|index| !index.name.eq_ignore_ascii_case(name));
                if table.indexes.len() == before && !lenient {
                    return Err(SqlError::new(3701, 11, format!("Cannot drop the index '{name}', because it does not exist or you do not have permission.")));
                }
                Ok(())
            })?,
            Statement::CreateTrigger(definition) => {
                self.runner().may_define("CREATE TRIGGER")?;
                self.create_trigger(definition)?;
            }
            Statement::CreateView {
                name,
                columns,
                query,
                text,
                replace,
            } => {
                self.runner().may_define("CREATE VIEW")?;
                self.runner().query(query, None)?;
                let database = self.database(name)?;
                let schema = name.schema.as_deref();
                let known = database.view(schema, &name.object).map(|view| view.id);
                if known.is_some() && !replace || database.table(schema, &name.object).is_some() {
                    return Err(taken(&name.object).into());
                }
                let id = known.unwrap_or_else(|| database.new_object());
                let view = View {
                    id,
                    schema: schema.unwrap_or("dbo").to_owned(),
                    name: name.object.clone(),
                    columns: columns.clone(),
                    query: query.clone(),
                    text: text.clone(),
                };
                database.views.insert(id, view);
            }
            Statement::Drop {
                kind,
                names,
                lenient,
            } => {
                self.runner().may_define("DROP")?;
                for name in names {
                    self.drop_object(*kind, name, *lenient)?;
                }
            }
            Statement::CreateSchema(name) => {
                let current = self.locals.database.clone();
                self.state.database_mut(&current)?.schemas.push(name.clone());
            }
            Statement::CreateDatabase { name, collation } => {
                let database = self.state.create_database(name)?;
                database.collation = collation.unwrap_or(Collation::default_one());
            }
            Statement::DropDatabase(name) => {
                self.state.database(name)?;
                self.state.databases.remove(&name.to_lowercase());
            }
            Statement::AlterDatabase(name, words) => {
                let name = name.clone().unwrap_or_else(|| self.locals.database.clone());
                self.runner().may_define("ALTER DATABASE")?;
                alter_database(self.state.database_mut(&name)?, words)?;
            }
            Statement::CreateLogin { name, password } => self.state.logins.push(Login {
                name: name.clone(),
                password: password.clone(),
                ..Login::default()
            }),
            Statement::Grant {
                how,
                permissions,
                on,
                to,
            } => self.grant(*how, permissions, on.as_ref(), to)?,
            other => return Err(SqlError::beyond(format!("this statement here: {other:?}")).into()),
        }
        Ok(vec![Reply::Done(None)])
    }

    fn database(&mut self, name: &Name) -> Result<&mut Database, SqlError> {
        let database = name
            .database
            .clone()
            .unwrap_or_else(|| self.locals.database.clone());
        self.state.database_mut(&database)
    }

    fn with_table(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut Table) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let database = self.database(name)?;
        let Some(id) = database
            .table(name.schema.as_deref(), &name.object)
            .map(|table| table.id)
        else {
            return Err(SqlError::general(
                4902,
                format!(
                    "Cannot find the object \"{name}\" because it does not exist or you do not have permissions."
                ),
            ));
        };
        match database.tables.get_mut(&id) {
            Some(table) => change(table),
            None => Err(SqlError::no_object(&name.to_string())),
        }
    }

    fn create_table(
        &mut self,
        name: &Name,
        definitions: &[ColumnDef],
        keys: &[KeyDef],
    ) -> Result<()> {
        let mut columns = Vec::new();
        for (definition, id) in definitions.iter().zip(1..) {
            let mut column = self.column(definition, id, &columns, name)?;
            if definition.primary
                || keys.iter().any(|key| {
                    key.primary
                        && key
                            .columns
                            .iter()
                            .any(|k| k.eq_ignore_ascii_case(&column.name))
                })
            {
                column.nullable = false;
            }
            columns.push(column);
        }
        let database = self.database(name)?;
        let schema = name.schema.as_deref().unwrap_or("dbo");
        if database.table(Some(schema), &name.object).is_some()
            || database.view(Some(schema), &name.object).is_some()
        {
            return Err(taken(&name.object).into());
        }
        if !database
            .schemas
            .iter()
            .any(|known| known.eq_ignore_ascii_case(schema))
        {
            return Err(SqlError::general(2760, format!("The specified schema name \"{schema}\" either does not exist or you do not have permission to use it.")).into());
        }
        let mut table = Table::new(database.new_object(), schema, &name.object, columns);
        for definition in definitions.iter().filter(|d| d.primary || d.unique) {
            let key = KeyDef {
                name: None,
                primary: definition.primary,
                unique: true,
                columns: vec![definition.name.clone()],
            };
            add_key(&mut table, &key, true)?;
        }
        for key in keys {
            add_key(&mut table, key, true)?;
        }
        database.tables.insert(table.id, table);
        Ok(())
    }

    /// A column from its definition; a computed one gets the type of its expression.
    fn column(
        &self,
        definition: &ColumnDef,
        id: i64,
        before: &[Column],
        table: &Name,
    ) -> Result<Column> {
        let mut kind = definition.kind;
        if let SqlType::Text {
            kind: text,
            length,
            collation,
        } = kind
            && collation == Collation::default_one()
        {
            // Without a collation of its own a column has that of the database.
            let database = table.database.as_deref().unwrap_or(&self.locals.database);
            let collation = self.state.database(database)?.collation;
            kind = SqlType::Text {
                kind: text,
                length,
                collation,
            };
        }
        if let Some(computed) = &definition.computed {
            let mut scope = Scope::empty();
            scope.sources.push(super::bind::Named {
                alias: table.object.clone(),
                fields: before.iter().map(|c| Field::new(&c.name, c.kind)).collect(),
            });
            kind = self.runner().value(computed, &scope)?.kind;
        }
        let mut column = Column {
            id,
            name: definition.name.clone(),
            kind,
            nullable: definition.nullable.unwrap_or(definition.identity.is_none()),
            identity: definition.identity,
            default: definition.default.clone(),
            computed: definition.computed.clone(),
        };
        if column.is_rowversion() {
            column.nullable = definition.nullable.unwrap_or(false);
        }
        Ok(column)
    }

    fn alter_table(&mut self, name: &Name, how: &AlterTable) -> Result<()> {
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

    fn create_trigger(&mut self, definition: &TriggerDef) -> Result<()> {
        let name = &definition.name.object;
        let database = self.database(&definition.table)?;
        let fresh = database.new_object();
        let schema = definition.table.schema.as_deref();
        let mut known = None;
        for table in database.tables.values_mut() {
            let at = table
                .triggers
                .iter()
                .position(|t| t.definition.name.object.eq_ignore_ascii_case(name));
            if let Some(at) = at {
                if !definition.replace {
                    return Err(taken(name).into());
                }
                known = Some(table.triggers.remove(at).id);
            }
        }
        let id = database
            .table(schema, &definition.table.object)
            .map(|table| table.id);
        let Some(table) = id.and_then(|id| database.tables.get_mut(&id)) else {
            return Err(SqlError::general(
                8197,
                format!(
                    "The object '{}' does not exist or is invalid for this operation.",
                    definition.table
                ),
            )
            .into());
        };
        table.triggers.push(Trigger {
            id: known.unwrap_or(fresh),
            definition: definition.clone(),
            enabled: true,
        });
        Ok(())
    }

    fn drop_object(&mut self, kind: ObjectKind, name: &Name, lenient: bool) -> Result<()> {
        let database = self.database(name)?;
        let schema = name.schema.as_deref();
        let found = match kind {
            ObjectKind::Table => {
                let id = database.table(schema, &name.object).map(|table| table.id);
                id.and_then(|id| database.tables.remove(&id)).is_some()
            }
            ObjectKind::View => {
                let id = database.view(schema, &name.object).map(|view| view.id);
                id.and_then(|id| database.views.remove(&id)).is_some()
            }
            ObjectKind::Trigger => database.tables.values_mut().any(|table| {
                let before = table.triggers.len();
                table
                    .triggers
                    .retain(|t| !t.definition.name.object.eq_ignore_ascii_case(&name.object));
                table.triggers.len() < before
            }),
        };
        if found || lenient {
            return Ok(());
        }
        let what = match kind {
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::Trigger => "trigger",
        };
        Err(SqlError::new(3701, 11, format!("Cannot drop the {what} '{name}', because it does not exist or you do not have permission.")).into())
    }

    fn grant(
        &mut self,
        how: Grant,
        permissions: &[String],
        on: Option<&Name>,
        to: &str,
    ) -> Result<()> {
        let object = match on {
            None => None,
            Some(name) => match self.state.table(name, &self.locals.database) {
                Some((database, table)) => Some((database.name.clone(), table.id)),
                None => return Err(SqlError::no_object(&name.to_string()).into()),
            },
        };
        let logins = &mut self.state.logins;
        let login = logins
            .iter_mut()
            .find(|login| login.name.eq_ignore_ascii_case(to));
        let held = match login {
            Some(login) => &mut login.permissions,
            None if to.eq_ignore_ascii_case("public") => &mut self.state.public,
            None => {
                return Err(SqlError::general(
                    15151,
                    format!("Cannot find the user '{to}', because it does not exist or you do not have permission."),
                )
                .into());
            }
        };
        for permission in permissions {
            let Some(permission) = Permission::named(permission) else {
                continue;
            };
            held.retain(|known| known.1 != permission || known.2 != object);
            held.push((how, permission, object.clone()));
        }
        Ok(())
    }
}

fn add_key(table: &mut Table, key: &KeyDef, constraint: bool) -> Result<(), SqlError> {
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

fn alter_database(database: &mut Database, words: &[String]) -> Result<(), SqlError> {
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
