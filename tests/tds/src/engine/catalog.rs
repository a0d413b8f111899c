//! The views of schema `sys`, made when they are asked for.

mod tables;

use tables::{
    columns, identity_columns, index_columns, indexes, key_constraints, modules, partitions,
    tracked_tables, trigger_events, triggers, types,
};

use super::bind::Runner;
use super::plan::Field;
use super::store::Database;
use super::table::Table;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::Name;

/// A system view: its columns and its rows.
pub(super) type View = (Vec<Row>, Vec<Field>);

pub(super) const NAME: fn() -> SqlType = || SqlType::nvarchar(128);

pub(super) fn fields(columns: &[(&str, SqlType)]) -> Vec<Field> {
    columns
        .iter()
        .map(|(name, kind)| Field::new(name, *kind))
        .collect()
}

pub(super) fn bit(truth: bool) -> Value {
    Value::Bit(truth)
}

pub(super) fn int(number: impl TryInto<i64>) -> Value {
    number.try_into().map_or(Value::Null, Value::Int)
}

/// `dbo` is 1; others follow from 5 on, after the fixed ones.
pub(super) fn schema_id(at: usize) -> Option<i64> {
    let at = i64::try_from(at).ok()?;
    Some(if at == 0 { 1 } else { at + 4 })
}

fn id_of_schema(database: &Database, name: &str) -> Value {
    database
        .schemas
        .iter()
        .position(|schema| schema.eq_ignore_ascii_case(name))
        .and_then(schema_id)
        .map_or(Value::Int(1), Value::Int)
}

/// One of each type, for `sys.types`.
pub(super) fn type_names() -> Vec<SqlType> {
    let collation = crate::data::collation::Collation::default_one();
    [
        "image",
        "text",
        "uniqueidentifier",
        "date",
        "time",
        "datetime2",
        "datetimeoffset",
        "tinyint",
        "smallint",
        "int",
        "smalldatetime",
        "real",
        "money",
        "datetime",
        "float",
        "ntext",
        "bit",
        "decimal",
        "smallmoney",
        "bigint",
        "varbinary",
        "varchar",
        "binary",
        "char",
        "timestamp",
        "nvarchar",
        "nchar",
        "xml",
    ]
    .iter()
    .filter_map(|name| SqlType::named(name, &[], collation))
    .collect()
}

impl Runner<'_> {
    pub(super) fn system_view(&self, name: &Name) -> Result<Option<View>> {
        let schema = name.schema.as_deref().unwrap_or("dbo").to_lowercase();
        let object = name.object.to_lowercase();
        let database = name.database.as_deref().unwrap_or(&self.locals.database);
        let database = match self.state.database(database) {
            Ok(database) => database,
            Err(_) => return Ok(None),
        };
        Ok(match (schema.as_str(), object.as_str()) {
            ("information_schema", view) => self.information_schema(view, database),
            ("sys", view) => self.sys(view, database),
            // The compatibility views of SQL Server 2000.
            ("dbo", "sysobjects") => Some(self.objects(database)),
            _ => None,
        })
    }

    fn sys(&self, view: &str, database: &Database) -> Option<View> {
        Some(match view {
            "databases" => self.databases(),
            "schemas" => {
                let rows = database.schemas.iter().enumerate().map(|(at, name)| {
                    vec![
                        Value::text(name),
                        schema_id(at).map_or(Value::Null, Value::Int),
                        Value::Int(1),
                    ]
                    .into()
                });
                (
                    rows.collect(),
                    fields(&[
                        ("name", NAME()),
                        ("schema_id", SqlType::Int),
                        ("principal_id", SqlType::Int),
                    ]),
                )
            }
            "tables" | "objects" | "all_objects" | "views" => {
                let (mut rows, fields) = self.objects(database);
                let wanted = match view {
                    "tables" => "U ",
                    "views" => "V ",
                    _ => "",
                };
                rows.retain(|row| wanted.is_empty() || row[4].as_text() == Some(wanted));
                (rows, fields)
            }
            "columns" | "all_columns" => columns(database),
            "types" => types(),
            "indexes" => indexes(database),
            "index_columns" => index_columns(database),
            "key_constraints" => key_constraints(database),
            "identity_columns" => identity_columns(database),
            "triggers" => triggers(database),
            "trigger_events" => trigger_events(database),
            "sql_modules" => modules(database),
            "partitions" => partitions(database),
            "change_tracking_databases" => self.tracked_databases(),
            "change_tracking_tables" => tracked_tables(database),
            "dm_exec_sessions" => self.dm_sessions(),
            "dm_exec_connections" => self.dm_connections(),
            "dm_tran_active_transactions" | "dm_tran_session_transactions" => {
                self.dm_transactions()
            }
            "foreign_keys"
            | "foreign_key_columns"
            | "computed_columns"
            | "default_constraints"
            | "synonyms" => (
                Vec::new(),
                fields(&[
                    ("name", NAME()),
                    ("object_id", SqlType::Int),
                    ("parent_object_id", SqlType::Int),
                    ("column_id", SqlType::Int),
                ]),
            ),
            "configurations" => (
                Vec::new(),
                fields(&[
                    ("configuration_id", SqlType::Int),
                    ("name", NAME()),
                    ("value_in_use", SqlType::Int),
                ]),
            ),
            _ => return None,
        })
    }

    fn databases(&self) -> View {
        let rows = self.state.databases.values().map(|database| {
            vec![
                Value::text(&database.name),
                Value::Int(database.id),
                Value::Int(database.compatibility),
                Value::text(database.collation.name),
                Value::Int(0),
                Value::text("ONLINE"),
                Value::Int(i64::from(database.snapshot)),
                Value::text(if database.snapshot { "ON" } else { "OFF" }),
                bit(database.read_committed_snapshot),
                bit(false),
                Value::text("SIMPLE"),
                bit(false),
            ]
            .into()
        });
        let fields = fields(&[
            ("name", NAME()),
            ("database_id", SqlType::Int),
            ("compatibility_level", SqlType::TinyInt),
            ("collation_name", NAME()),
            ("state", SqlType::TinyInt),
            ("state_desc", SqlType::nvarchar(60)),
            ("snapshot_isolation_state", SqlType::TinyInt),
            ("snapshot_isolation_state_desc", SqlType::nvarchar(60)),
            ("is_read_committed_snapshot_on", SqlType::Bit),
            ("is_read_only", SqlType::Bit),
            ("recovery_model_desc", SqlType::nvarchar(60)),
            ("is_cdc_enabled", SqlType::Bit),
        ]);
        (rows.collect(), fields)
    }

    fn objects(&self, database: &Database) -> View {
        let mut rows: Vec<Row> = Vec::new();
        let mut push =
            |name: &str, id: i64, schema: &str, parent: i64, kind: &str, described: &str| {
                let row = vec![
                    Value::text(name),
                    Value::Int(id),
                    id_of_schema(database, schema),
                    Value::Int(parent),
                    Value::text(kind),
                    Value::text(described),
                    bit(false),
                    Value::Int(id),
                    Value::text(kind),
                ];
                rows.push(row.into());
            };
        for table in database
            .tables
            .values()
            .filter(|table| self.sees(database, table))
        {
            push(&table.name, table.id, &table.schema, 0, "U ", "USER_TABLE");
            for trigger in &table.triggers {
                let name = &trigger.definition.name.object;
                push(
                    name,
                    trigger.id,
                    &table.schema,
                    table.id,
                    "TR",
                    "SQL_TRIGGER",
                );
            }
        }
        for view in database.views.values() {
            push(&view.name, view.id, &view.schema, 0, "V ", "VIEW");
        }
        let char2 = SqlType::Text {
            kind: crate::data::types::TextKind::Char,
            length: 2,
            collation: crate::data::collation::Collation::default_one(),
        };
        let fields = fields(&[
            ("name", NAME()),
            ("object_id", SqlType::Int),
            ("schema_id", SqlType::Int),
            ("parent_object_id", SqlType::Int),
            ("type", char2),
            ("type_desc", SqlType::nvarchar(60)),
            ("is_ms_shipped", SqlType::Bit),
            ("id", SqlType::Int),
            ("xtype", char2),
        ]);
        (rows, fields)
    }

    /// Who may not do anything with a table does not see it either.
    pub(super) fn sees(&self, database: &Database, table: &Table) -> bool {
        use super::permission::Permission;
        [
            Permission::Select,
            Permission::ViewDefinition,
            Permission::Insert,
            Permission::Alter,
        ]
        .iter()
        .any(|permission| self.is_allowed(*permission, database, Some(table.id)))
    }

    fn tracked_databases(&self) -> View {
        let rows = self.state.databases.values().filter_map(|database| {
            let tracking = database.tracking.as_ref()?;
            let row = vec![
                Value::Int(database.id),
                bit(tracking.auto_cleanup),
                Value::Int(tracking.retention_minutes),
                Value::Int(1),
                Value::text("MINUTES"),
                Value::Null,
            ];
            Some(row.into())
        });
        let fields = fields(&[
            ("database_id", SqlType::Int),
            ("is_auto_cleanup_on", SqlType::Bit),
            ("retention_period", SqlType::Int),
            ("retention_period_units", SqlType::TinyInt),
            ("retention_period_units_desc", SqlType::nvarchar(60)),
            ("max_cleanup_version", SqlType::BigInt),
        ]);
        (rows.collect(), fields)
    }

    fn dm_sessions(&self) -> View {
        let rows = self.state.sessions.values().map(|session| {
            let open = self
                .state
                .transactions
                .values()
                .filter(|t| t.session == session.id)
                .count();
            vec![
                Value::Int(i64::from(session.id)),
                Value::text(&session.login),
                Value::text(&session.host),
                Value::text(&session.program),
                bit(true),
                Value::Int(session.isolation),
                Value::Int(session.lock_timeout),
                Value::Int(session.deadlock_priority),
                int(open),
                int(self.state.database(&session.database).map_or(0, |d| d.id)),
                Value::text("sleeping"),
            ]
            .into()
        });
        let fields = fields(&[
            ("session_id", SqlType::SmallInt),
            ("login_name", NAME()),
            ("host_name", NAME()),
            ("program_name", NAME()),
            ("is_user_process", SqlType::Bit),
            ("transaction_isolation_level", SqlType::SmallInt),
            ("lock_timeout", SqlType::Int),
            ("deadlock_priority", SqlType::Int),
            ("open_transaction_count", SqlType::Int),
            ("database_id", SqlType::SmallInt),
            ("status", SqlType::nvarchar(30)),
        ]);
        (rows.collect(), fields)
    }

    fn dm_connections(&self) -> View {
        let rows = self.state.sessions.values().map(|session| {
            vec![
                Value::Int(i64::from(session.id)),
                Value::text("TCP"),
                Value::text("SQL"),
                Value::text(if session.encrypted { "TRUE" } else { "FALSE" }),
                Value::text("127.0.0.1"),
            ]
            .into()
        });
        let fields = fields(&[
            ("session_id", SqlType::Int),
            ("net_transport", SqlType::nvarchar(40)),
            ("auth_scheme", SqlType::nvarchar(40)),
            ("encrypt_option", SqlType::nvarchar(40)),
            ("client_net_address", SqlType::varchar(48)),
        ]);
        (rows.collect(), fields)
    }

    fn dm_transactions(&self) -> View {
        let rows = self
            .state
            .transactions
            .iter()
            .map(|(id, open)| vec![int(*id), Value::Int(i64::from(open.session))].into());
        let fields = fields(&[
            ("transaction_id", SqlType::BigInt),
            ("session_id", SqlType::Int),
        ]);
        (rows.collect(), fields)
    }

    /// Functions in FROM.
    pub(super) fn table_function(&self, name: &Name, arguments: &[Value]) -> Result<View> {
        match name.object.to_lowercase().as_str() {
            "fn_my_permissions" => {
                let names = [
                    "SELECT",
                    "INSERT",
                    "UPDATE",
                    "DELETE",
                    "VIEW CHANGE TRACKING",
                    "ALTER",
                    "VIEW DEFINITION",
                ];
                let database = self.state.database(&self.locals.database)?;
                let object = arguments
                    .first()
                    .and_then(Value::as_text)
                    .and_then(super::system::object_name);
                let object = object
                    .and_then(|name| self.state.table(&name, &self.locals.database))
                    .map(|(_, t)| t.id);
                let rows = names
                    .iter()
                    .filter(|name| {
                        super::permission::Permission::named(name)
                            .is_some_and(|p| self.is_allowed(p, database, object))
                    })
                    .map(|name| vec![Value::Null, Value::Null, Value::text(name)].into());
                Ok((
                    rows.collect(),
                    fields(&[
                        ("entity_name", NAME()),
                        ("subentity_name", NAME()),
                        ("permission_name", NAME()),
                    ]),
                ))
            }
            "string_split" => {
                let text = arguments
                    .first()
                    .and_then(Value::as_text)
                    .unwrap_or_default();
                let by = arguments.get(1).and_then(Value::as_text).unwrap_or(",");
                let rows = text
                    .split(by)
                    .map(|part| vec![Value::text(part)].into())
                    .collect();
                Ok((rows, fields(&[("value", SqlType::nvarchar(4000))])))
            }
            _ => Err(SqlError::no_object(&name.to_string()).into()),
        }
    }
}
