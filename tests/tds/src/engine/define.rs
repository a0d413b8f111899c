//! Statements that define tables, indexes, triggers, views, databases, logins and permissions. They take effect at once
//! and are not undone by a rollback, unlike in SQL Server.

mod alter;

use std::sync::Arc;

use alter::{add_key, alter_database};

use super::bind::Scope;
use super::locals::Small;
use super::permission::Permission;
use super::plan::Field;
use super::statement::{Reply, Work};
use super::store::{Database, Login};
use super::table::{Column, Table, Trigger, View};
use crate::data::collation::Collation;
use crate::data::types::SqlType;
use crate::error::{Result, SqlError};
use crate::server::Version;
use crate::sql::ast::{ColumnDef, Grant, KeyDef, Name, ObjectKind, Statement, TriggerDef};

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
                if *lenient && self.state.identity.version < Version::Sql2016 {
                    return Err(SqlError::new(156, 15, "Incorrect syntax near the keyword 'IF'.").into());
                }
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
