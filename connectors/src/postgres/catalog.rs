//! A first look at a server and at what it holds.

use std::sync::Arc;

use chrono::Utc;
use fluxion_model::value::Value;

use super::config::Target;
use super::decode::utc;
use super::fault;
use super::session::Session;
use crate::connector::{Catalog, CatalogColumn, CatalogTable, Finding, Level, Probe, Said};
use crate::error::SourceResult;
use crate::sql::SqlFault;

/// A clock that is further off than this confuses people who compare times.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

/// The oldest version that is looked after anywhere; older ones are read all the same.
const OLDEST_KNOWN: u32 = 90_600;

/// Tables a person made, as the session's search path shows them.
const TABLES: &str = "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'";

pub(super) async fn probe(target: &Arc<Target>) -> SourceResult<Probe> {
    let mut session = Session::open(target).await?;
    look(&mut session)
        .await
        .map_err(|fault| fault::passing(format!("look at {}", target.name()), fault))
}

async fn look(session: &mut Session) -> Result<Probe, SqlFault> {
    let version = session
        .texts("SELECT current_setting('server_version')")
        .await?;
    let number = version.first().map_or("?", |text| {
        text.split_whitespace().next().unwrap_or(text.as_str())
    });
    let product = format!("PostgreSQL {number}");
    let mut findings = Vec::new();
    if session.version < OLDEST_KNOWN {
        findings.push(finding(
            Level::Warning,
            Said::new(
                "This version of PostgreSQL is older than 9.6; it is read, but was not tried.",
                "Esta versión de PostgreSQL es anterior a la 9.6; se lee, pero no se ha probado.",
            ),
            None,
        ));
    }
    findings.extend(clock(session).await?);
    findings.extend(permissions(session).await?);
    findings.extend(server(session).await?);
    Ok(Probe { product, findings })
}

fn finding(level: Level, what: Said, remedy: Option<Said>) -> Finding {
    Finding {
        level,
        what,
        remedy,
    }
}

async fn clock(session: &mut Session) -> Result<Option<Finding>, SqlFault> {
    let rows = session.ask("SELECT clock_timestamp()").await?;
    let now = rows.first().and_then(|row| row.first()).and_then(utc);
    let Some(seconds) = now.map(|now| (now - Utc::now()).num_seconds()) else {
        return Ok(None);
    };
    if seconds.abs() <= CLOCK_TOLERANCE_SECONDS {
        return Ok(None);
    }
    let (side, lado) = if seconds > 0 {
        ("ahead of", "adelantado")
    } else {
        ("behind", "atrasado")
    };
    let seconds = seconds.abs();
    Ok(Some(finding(
        Level::Warning,
        Said::new(
            format!("The clock of the database's PC is {seconds} s {side} this PC's."),
            format!(
                "El reloj del equipo de la base de datos está {seconds} s {lado} respecto al de este equipo."
            ),
        ),
        Some(Said::new(
            "Set both by a time server.",
            "Sincronice ambos con un servidor de hora.",
        )),
    )))
}

async fn permissions(session: &mut Session) -> Result<Vec<Finding>, SqlFault> {
    let user = session.target.config.user.clone();
    let database = session.target.config.database.clone();
    let rows = session
        .ask(&format!(
            "SELECT count(*) FILTER (WHERE has_table_privilege(c.oid, 'SELECT')), \
             count(*) FILTER (WHERE has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') \
             AND c.relname <> 'fluxion_outbox'), \
             (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) {TABLES}"
        ))
        .await?;
    let Some([Value::Int(readable), Value::Int(writable), superuser]) =
        rows.first().map(Vec::as_slice)
    else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    if *readable == 0 {
        findings.push(finding(
            Level::Problem,
            Said::new(
                format!("User {user:?} sees no table in {database:?}."),
                format!("El usuario {user:?} no ve ninguna tabla en {database:?}."),
            ),
            Some(Said::new(
                "Grant it USAGE on the schema and SELECT on its tables, or check `connection.database`.",
                "Otórguele USAGE sobre el esquema y SELECT sobre sus tablas, o revise `connection.database`.",
            )),
        ));
    }
    if *superuser == Value::Bool(true) || *writable > 0 {
        findings.push(finding(
            Level::Warning,
            Said::new(
                format!("User {user:?} may change data; SELECT is enough."),
                format!("El usuario {user:?} puede modificar datos; basta con SELECT."),
            ),
            Some(Said::new(
                "Use an account that can only read.",
                "Use una cuenta que solo pueda leer.",
            )),
        ));
    } else if *readable > 0 {
        findings.push(finding(
            Level::Info,
            Said::new(
                format!("User {user:?} may read {readable} tables and change nothing."),
                format!("El usuario {user:?} puede leer {readable} tablas y no modificar nada."),
            ),
            None,
        ));
    }
    Ok(findings)
}

async fn server(session: &mut Session) -> Result<Vec<Finding>, SqlFault> {
    let mut findings = Vec::new();
    let encoding = session
        .texts("SELECT current_setting('server_encoding')")
        .await?;
    if encoding.first().is_some_and(|name| name == "SQL_ASCII") {
        findings.push(finding(
            Level::Warning,
            Said::new(
                "The database does not know its own encoding (SQL_ASCII): text that is not UTF-8 cannot be read.",
                "La base de datos no conoce su propia codificación (SQL_ASCII): el texto que no sea UTF-8 no se puede leer.",
            ),
            Some(Said::new(
                "In the mapping, write convert_from(CAST(column AS bytea), 'WIN1252') for text columns.",
                "En el mapeo, escriba convert_from(CAST(columna AS bytea), 'WIN1252') para las columnas de texto.",
            )),
        ));
    }
    let zone = session
        .texts("SELECT current_setting('server_encoding') || ', ' || reset_val FROM pg_catalog.pg_settings \
             WHERE name = 'TimeZone'")
        .await?;
    if let Some(zone) = zone.first() {
        findings.push(finding(
            Level::Info,
            Said::new(
                format!("Encoding and time zone of the database: {zone}."),
                format!("Codificación y zona horaria de la base de datos: {zone}."),
            ),
            None,
        ));
    }
    let replica = session.ask("SELECT pg_catalog.pg_is_in_recovery()").await?;
    if replica.first().and_then(|row| row.first()) == Some(&Value::Bool(true)) {
        findings.push(finding(
            Level::Info,
            Said::new(
                "This server is a read replica: it may cancel long queries, and changes arrive with its delay.",
                "Este servidor es una réplica de lectura: puede cancelar consultas largas, y los cambios llegan con su retraso.",
            ),
            None,
        ));
    }
    if !session.target.is_local() && session.version >= 90_500 {
        let encrypted = session
            .ask("SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()")
            .await?;
        if encrypted.first().and_then(|row| row.first()) == Some(&Value::Bool(false)) {
            findings.push(finding(
                Level::Warning,
                Said::new(
                    "The line to the database is not encrypted.",
                    "La conexión con la base de datos no está cifrada.",
                ),
                Some(Said::new(
                    "Set `ssl = on` in postgresql.conf, or run the agent on the database's PC.",
                    "Ponga `ssl = on` en postgresql.conf, o ejecute el agente en el equipo de la base de datos.",
                )),
            ));
        }
    }
    Ok(findings)
}

/// Those that this account may enter.
pub(super) async fn databases(target: &Arc<Target>) -> SourceResult<Vec<String>> {
    let mut session = Session::open(target).await?;
    let names = session
        .texts(
            "SELECT CAST(datname AS text) FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate \
             AND datname <> 'postgres' AND has_database_privilege(datname, 'CONNECT') ORDER BY datname",
        )
        .await;
    names.map_err(|fault| fault::passing(format!("list the databases of {}", target.name()), fault))
}

pub(super) async fn catalog(target: &Arc<Target>) -> SourceResult<Catalog> {
    let mut session = Session::open(target).await?;
    list(&mut session)
        .await
        .map_err(|fault| fault::passing(format!("list the tables of {}", target.name()), fault))
}

async fn list(session: &mut Session) -> Result<Catalog, SqlFault> {
    let tables = TABLES.replace(
        "WHERE",
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE",
    );
    let rows = session
        .ask(&format!(
            "SELECT CAST(CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN CAST(c.relname AS text) \
             ELSE n.nspname || '.' || c.relname END AS text), CAST(a.attname AS text), \
             pg_catalog.format_type(a.atttypid, a.atttypmod) {tables} ORDER BY n.nspname, c.relname, a.attnum"
        ))
        .await?;
    let mut catalog = Catalog::default();
    for row in rows {
        let [table, column, kind] = [0, 1, 2].map(|at| row[at].to_string());
        if catalog.tables.last().is_none_or(|last| last.name != table) {
            catalog.tables.push(CatalogTable {
                name: table,
                columns: Vec::new(),
            });
        }
        if let Some(last) = catalog.tables.last_mut() {
            last.columns.push(CatalogColumn {
                name: column,
                type_name: kind,
            });
        }
    }
    Ok(catalog)
}
