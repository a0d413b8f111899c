//! What the server says of itself: `@@VERSION`, `SERVERPROPERTY`, names and ids of objects, permissions, the clock.

use uuid::Uuid;

use super::bind::Runner;
use super::functions::Arguments;
use super::permission::Permission;
use super::store::Database;
use crate::data::collation::Collation;
use crate::data::moment;
use crate::data::types::SqlType;
use crate::data::value::Value;
use crate::error::{Result, SqlError};
use crate::sql::ast::Name;

impl Runner<'_> {
    /// `@@name`.
    pub(super) fn global(&self, name: &str) -> Result<(Value, SqlType)> {
        let identity = &self.state.identity;
        let locals = self.locals;
        let text = |text: &str| (Value::text(text), SqlType::nvarchar(300));
        let int = |number: i64| (Value::Int(number), SqlType::Int);
        Ok(match name {
            "@@version" => text(&identity.version_text()),
            "@@servername" => text(&identity.server_name()),
            "@@servicename" => text(identity.instance.as_deref().unwrap_or("MSSQLSERVER")),
            "@@spid" => (Value::Int(i64::from(locals.session)), SqlType::SmallInt),
            "@@trancount" => int(i64::from(locals.depth)),
            "@@rowcount" => int(locals.row_count),
            "@@error" => int(i64::from(locals.last_error)),
            "@@identity" => (locals.identity.clone(), SqlType::decimal(38, 0)),
            "@@dbts" => {
                let last = self
                    .state
                    .database(&locals.database)
                    .map_or(0, |d| d.rowversion);
                (Value::bytes(last.to_be_bytes()), SqlType::varbinary(8))
            }
            "@@lock_timeout" => int(locals.lock_timeout),
            "@@language" => text("us_english"),
            "@@datefirst" => (Value::Int(7), SqlType::TinyInt),
            "@@max_precision" => (Value::Int(38), SqlType::TinyInt),
            "@@microsoftversion" => int(i64::from(identity.major()) << 24),
            "@@textsize" => int(2_147_483_647),
            "@@options" => int(5496),
            "@@nestlevel" => int(i64::try_from(locals.firing.len()).unwrap_or(0)),
            "@@fetch_status" => int(-1),
            _ => {
                let message = format!("Must declare the scalar variable \"{name}\".");
                return Err(SqlError::new(137, 15, message).into());
            }
        })
    }

    pub(super) fn about_server(&self, arguments: &Arguments<'_>) -> Result<Value> {
        let current = self.state.database(&self.locals.database);
        let number = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
        let named = |name: Option<&str>| name.map_or(Value::Null, Value::text);
        Ok(match arguments.name {
            "GETDATE" | "CURRENT_TIMESTAMP" => {
                Value::Moment(moment::to_datetime(self.state.local_now()))
            }
            "GETUTCDATE" => Value::Moment(moment::to_datetime(self.state.now())),
            "SYSDATETIME" => Value::Moment(self.state.local_now()),
            "SYSUTCDATETIME" => Value::Moment(self.state.now()),
            "SYSDATETIMEOFFSET" => {
                Value::Offset(self.state.now(), self.state.identity.utc_offset_minutes)
            }
            "NEWID" | "NEWSEQUENTIALID" => Value::Guid(Uuid::new_v4().to_bytes_le()),
            "MIN_ACTIVE_ROWVERSION" => {
                let lowest = self.state.min_active_rowversion(&self.locals.database);
                Value::bytes(lowest.to_be_bytes())
            }
            "CHANGE_TRACKING_CURRENT_VERSION" => self.tracking_version(),
            "CHANGE_TRACKING_MIN_VALID_VERSION" => self.min_valid_version(arguments.int(0)),
            "SCOPE_IDENTITY" => self.locals.identity.clone(),
            "IDENT_CURRENT" => {
                let table = arguments.text(0)?.and_then(|name| object_name(&name));
                let table = table.and_then(|name| self.state.table(&name, &self.locals.database));
                number(table.map(|(_, table)| table.identity))
            }
            "OBJECT_ID" => match arguments.text(0)?.and_then(|name| object_name(&name)) {
                Some(name) => number(self.object_id(&name, arguments.text(1)?.as_deref())),
                None => Value::Null,
            },
            "OBJECT_NAME" => named(
                arguments
                    .int(0)
                    .and_then(|id| object_by_id(current.ok()?, id))
                    .map(|o| o.1),
            ),
            "OBJECT_SCHEMA_NAME" => named(
                arguments
                    .int(0)
                    .and_then(|id| object_by_id(current.ok()?, id))
                    .map(|o| o.0),
            ),
            "OBJECT_DEFINITION" => {
                let text = current
                    .ok()
                    .zip(arguments.int(0))
                    .and_then(|(database, id)| definition(database, id));
                named(text)
            }
            "DB_ID" => match arguments.text(0)? {
                Some(name) => number(self.state.database(&name).ok().map(|d| d.id)),
                None => number(current.ok().map(|d| d.id)),
            },
            "DB_NAME" => match arguments.int(0) {
                Some(id) => named(
                    self.state
                        .databases
                        .values()
                        .find(|d| d.id == id)
                        .map(|d| d.name.as_str()),
                ),
                None => named(current.ok().map(|d| d.name.as_str())),
            },
            "SCHEMA_ID" => {
                let name = arguments.text(0)?.unwrap_or_else(|| "dbo".to_owned());
                let at = current
                    .ok()
                    .and_then(|d| d.schemas.iter().position(|s| s.eq_ignore_ascii_case(&name)));
                number(at.and_then(super::catalog::schema_id))
            }
            "SCHEMA_NAME" => {
                let id = arguments.int(0).unwrap_or(1);
                let found = current.ok().and_then(|d| {
                    (0..d.schemas.len())
                        .find(|at| super::catalog::schema_id(*at) == Some(id))
                        .map(|at| d.schemas[at].as_str())
                });
                named(found)
            }
            "TYPE_NAME" => {
                let id = arguments.int(0).unwrap_or(0);
                named(
                    super::catalog::type_names()
                        .iter()
                        .find(|t| i64::from(t.id()) == id)
                        .map(|t| t.name()),
                )
            }
            "TYPE_ID" => {
                let name = arguments.text(0)?.unwrap_or_default();
                number(
                    super::catalog::type_names()
                        .iter()
                        .find(|t| t.name().eq_ignore_ascii_case(&name))
                        .map(|t| i64::from(t.id())),
                )
            }
            "COL_LENGTH" | "COLUMNPROPERTY" | "COL_NAME" => self.about_column(arguments)?,
            "SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN" | "SYSTEM_USER" => {
                Value::text(&self.locals.login)
            }
            "USER_NAME" | "SESSION_USER" | "CURRENT_USER" | "USER" => {
                Value::text(if self.locals.is_admin {
                    "dbo"
                } else {
                    &self.locals.login
                })
            }
            "HOST_NAME" | "APP_NAME" => {
                let present = self.state.sessions.get(&self.locals.session);
                named(present.map(|p| {
                    if arguments.name == "HOST_NAME" {
                        p.host.as_str()
                    } else {
                        p.program.as_str()
                    }
                }))
            }
            "IS_SRVROLEMEMBER" | "IS_MEMBER" | "IS_ROLEMEMBER" => {
                let role = arguments.text(0)?.unwrap_or_default().to_lowercase();
                Value::Int(i64::from(role == "public" || self.locals.is_admin))
            }
            "HAS_DBACCESS" => {
                let name = arguments.text(0)?.unwrap_or_default();
                number(self.state.database(&name).ok().map(|_| 1))
            }
            "HAS_PERMS_BY_NAME" => self.has_permission(arguments)?,
            "SERVERPROPERTY" => self
                .state
                .identity
                .property(&arguments.text(0)?.unwrap_or_default().to_lowercase()),
            "CONNECTIONPROPERTY" => match arguments
                .text(0)?
                .unwrap_or_default()
                .to_lowercase()
                .as_str()
            {
                "net_transport" | "physical_net_transport" => Value::text("TCP"),
                "protocol_type" => Value::text("TSQL"),
                "auth_scheme" => Value::text("SQL"),
                "local_net_address" | "client_net_address" => Value::text("127.0.0.1"),
                _ => Value::Null,
            },
            "DATABASEPROPERTYEX" => self.about_database(arguments)?,
            "OBJECTPROPERTY" | "OBJECTPROPERTYEX" | "INDEXPROPERTY" => {
                self.about_object(arguments)?
            }
            "COLLATIONPROPERTY" => {
                let known = arguments.text(0)?.and_then(|name| Collation::named(&name));
                match (
                    known,
                    arguments
                        .text(1)?
                        .unwrap_or_default()
                        .to_lowercase()
                        .as_str(),
                ) {
                    (Some(known), "codepage") => Value::Int(known.page.number()),
                    (Some(known), "lcid") => Value::Int(known.language()),
                    _ => Value::Null,
                }
            }
            "SQL_VARIANT_PROPERTY" => about_value(arguments)?,
            "XACT_STATE" => Value::Int(match (self.locals.doomed, self.locals.depth) {
                (true, _) => -1,
                (false, 0) => 0,
                (false, _) => 1,
            }),
            "TRIGGER_NESTLEVEL" => Value::Int(i64::try_from(self.locals.firing.len()).unwrap_or(0)),
            "ERROR_NUMBER" => number(self.locals.caught.as_ref().map(|e| i64::from(e.number))),
            "ERROR_SEVERITY" => number(self.locals.caught.as_ref().map(|e| i64::from(e.class))),
            "ERROR_STATE" => number(self.locals.caught.as_ref().map(|e| i64::from(e.state))),
            "ERROR_LINE" => number(self.locals.caught.as_ref().map(|e| i64::from(e.line))),
            "ERROR_MESSAGE" => named(self.locals.caught.as_ref().map(|e| e.message.as_str())),
            "ERROR_PROCEDURE" => named(
                self.locals
                    .caught
                    .as_ref()
                    .map(|e| e.procedure.as_str())
                    .filter(|name| !name.is_empty()),
            ),
            "USER_ID" | "SUSER_ID" => Value::Int(1),
            other => return Err(SqlError::beyond(format!("the function {other}")).into()),
        })
    }

    fn object_id(&self, name: &Name, kind: Option<&str>) -> Option<i64> {
        let database = name.database.as_deref().unwrap_or(&self.locals.database);
        let database = self.state.database(database).ok()?;
        let schema = name.schema.as_deref();
        let wanted = |code: &str| kind.is_none_or(|kind| kind.trim().eq_ignore_ascii_case(code));
        if let Some(table) = database.table(schema, &name.object).filter(|_| wanted("U")) {
            return Some(table.id);
        }
        if let Some(view) = database.view(schema, &name.object).filter(|_| wanted("V")) {
            return Some(view.id);
        }
        let triggers = database.tables.values().flat_map(|table| &table.triggers);
        triggers
            .filter(|_| wanted("TR"))
            .find(|trigger| {
                trigger
                    .definition
                    .name
                    .object
                    .eq_ignore_ascii_case(&name.object)
            })
            .map(|trigger| trigger.id)
    }

    fn about_column(&self, arguments: &Arguments<'_>) -> Result<Value> {
        let Ok(database) = self.state.database(&self.locals.database) else {
            return Ok(Value::Null);
        };
        let table = match arguments.name {
            "COL_LENGTH" => arguments
                .text(0)?
                .and_then(|name| object_name(&name))
                .and_then(|name| self.state.table(&name, &self.locals.database))
                .map(|(_, table)| table),
            _ => arguments.int(0).and_then(|id| database.tables.get(&id)),
        };
        let Some(table) = table else {
            return Ok(Value::Null);
        };
        if arguments.name == "COL_NAME" {
            let found = table
                .columns
                .iter()
                .find(|c| Some(c.id) == arguments.int(1));
            return Ok(found.map_or(Value::Null, |c| Value::text(&c.name)));
        }
        let name = arguments.text(1)?.unwrap_or_default();
        let Some(column) = table.column(&name).map(|at| &table.columns[at]) else {
            return Ok(Value::Null);
        };
        if arguments.name == "COL_LENGTH" {
            return Ok(Value::Int(column.kind.max_length()));
        }
        Ok(
            match arguments
                .text(2)?
                .unwrap_or_default()
                .to_lowercase()
                .as_str()
            {
                "isidentity" => Value::Int(i64::from(column.identity.is_some())),
                "iscomputed" => Value::Int(i64::from(column.computed.is_some())),
                "allowsnull" => Value::Int(i64::from(column.nullable)),
                "columnid" => Value::Int(column.id),
                "precision" => Value::Int(i64::from(column.kind.precision_scale().0)),
                "scale" => Value::Int(i64::from(column.kind.precision_scale().1)),
                _ => Value::Null,
            },
        )
    }

    fn about_database(&self, arguments: &Arguments<'_>) -> Result<Value> {
        let name = arguments.text(0)?.unwrap_or_default();
        let Ok(database) = self.state.database(&name) else {
            return Ok(Value::Null);
        };
        Ok(
            match arguments
                .text(1)?
                .unwrap_or_default()
                .to_lowercase()
                .as_str()
            {
                "collation" => Value::text(database.collation.name),
                "status" => Value::text("ONLINE"),
                "updateability" => Value::text("READ_WRITE"),
                "useraccess" => Value::text("MULTI_USER"),
                "recovery" => Value::text("SIMPLE"),
                "version" => Value::Int(904),
                _ => Value::Null,
            },
        )
    }

    fn about_object(&self, arguments: &Arguments<'_>) -> Result<Value> {
        let Ok(database) = self.state.database(&self.locals.database) else {
            return Ok(Value::Null);
        };
        let property = arguments.text(1)?.unwrap_or_default().to_lowercase();
        let id = arguments.int(0).unwrap_or(0);
        let table = database.tables.get(&id);
        let trigger = database
            .tables
            .values()
            .flat_map(|t| &t.triggers)
            .find(|t| t.id == id);
        let truth = |truth: bool| Value::Int(i64::from(truth));
        Ok(match property.as_str() {
            "istable" | "isusertable" => truth(table.is_some()),
            "isview" => truth(database.views.contains_key(&id)),
            "istrigger" => truth(trigger.is_some()),
            "execistriggerdisabled" => trigger.map_or(Value::Null, |t| truth(!t.enabled)),
            "tablehasprimarykey" => table.map_or(Value::Null, |t| truth(t.primary().is_some())),
            "tablehasidentity" => table.map_or(Value::Null, |t| {
                truth(t.columns.iter().any(|c| c.identity.is_some()))
            }),
            "tablehastimestamp" => table.map_or(Value::Null, |t| {
                truth(t.columns.iter().any(super::table::Column::is_rowversion))
            }),
            _ => Value::Null,
        })
    }

    fn has_permission(&self, arguments: &Arguments<'_>) -> Result<Value> {
        let Some(permission) = arguments.text(2)? else {
            return Ok(Value::Null);
        };
        let Some(permission) = Permission::named(&permission.to_uppercase()) else {
            return Ok(if permission.eq_ignore_ascii_case("ANY") {
                Value::Int(1)
            } else {
                Value::Int(i64::from(self.locals.is_admin))
            });
        };
        let class = arguments.text(1)?.unwrap_or_default().to_uppercase();
        let name = arguments.text(0)?;
        let current = self.state.database(&self.locals.database)?;
        if class != "OBJECT" {
            let database = match &name {
                Some(name) if class == "DATABASE" => {
                    match self.state.database(name.trim_matches(['[', ']'])) {
                        Ok(database) => database,
                        Err(_) => return Ok(Value::Null),
                    }
                }
                _ => current,
            };
            return Ok(Value::Int(i64::from(
                self.is_allowed(permission, database, None),
            )));
        }
        let Some(name) = name.and_then(|name| object_name(&name)) else {
            return Ok(Value::Null);
        };
        let Some(id) = self.object_id(&name, None) else {
            return Ok(Value::Null);
        };
        let database = match &name.database {
            Some(database) => self.state.database(database)?,
            None => current,
        };
        Ok(Value::Int(i64::from(self.is_allowed(
            permission,
            database,
            Some(id),
        ))))
    }
}

/// `[dbo].[name]`, as text.
pub(super) fn object_name(text: &str) -> Option<Name> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut bracket = None;
    for c in text.trim().chars() {
        match (bracket, c) {
            (None, '[') => bracket = Some(']'),
            (None, '"') => bracket = Some('"'),
            (Some(close), c) if c == close => bracket = None,
            (None, '.') => parts.push(std::mem::take(&mut current)),
            (_, c) => current.push(c),
        }
    }
    if current.is_empty() {
        return None;
    }
    let filled = |part: String| Some(part).filter(|part| !part.is_empty());
    Some(Name {
        object: current,
        schema: parts.pop().and_then(filled),
        database: parts.pop().and_then(filled),
    })
}

/// Schema and name.
fn object_by_id(database: &Database, id: i64) -> Option<(&str, &str)> {
    if let Some(table) = database.tables.get(&id) {
        return Some((&table.schema, &table.name));
    }
    if let Some(view) = database.views.get(&id) {
        return Some((&view.schema, &view.name));
    }
    database.tables.values().find_map(|table| {
        let trigger = table.triggers.iter().find(|trigger| trigger.id == id)?;
        Some((
            table.schema.as_str(),
            trigger.definition.name.object.as_str(),
        ))
    })
}

fn definition(database: &Database, id: i64) -> Option<&str> {
    if let Some(view) = database.views.get(&id) {
        return Some(&view.text);
    }
    let triggers = database.tables.values().flat_map(|table| &table.triggers);
    triggers
        .filter(|trigger| trigger.id == id)
        .map(|trigger| trigger.definition.text.as_str())
        .next()
}

/// `SQL_VARIANT_PROPERTY`, of any value.
fn about_value(arguments: &Arguments<'_>) -> Result<Value> {
    if arguments.value(0).is_null() {
        return Ok(Value::Null);
    }
    let kind = arguments.kinds[0];
    let (precision, scale) = kind.precision_scale();
    Ok(
        match arguments
            .text(1)?
            .unwrap_or_default()
            .to_lowercase()
            .as_str()
        {
            "basetype" => Value::text(match kind {
                // A rowversion in a variant is what it is made of.
                SqlType::Bytes { length: 8, .. } if kind.name() == "timestamp" => "binary",
                kind => kind.name(),
            }),
            "collation" => kind
                .collation()
                .map_or(Value::Null, |c| Value::text(c.name)),
            "precision" => Value::Int(i64::from(precision)),
            "scale" => Value::Int(i64::from(scale)),
            "maxlength" => Value::Int(kind.max_length()),
            _ => Value::Null,
        },
    )
}
