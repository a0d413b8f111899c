//! A first look at a server and at what it holds.

use std::sync::Arc;

use chrono::Utc;
use fluxion_model::value::Value;

use super::KIND;
use super::config::Target;
use super::decode::moment;
use super::session::Session;
use crate::connector::{Catalog, CatalogColumn, CatalogTable, Finding, Level, Probe, Said};
use crate::error::{SourceError, SourceResult};
use crate::sql::{SqlFault, SqlSession, Statement};

/// A clock that is further off than this confuses people who compare times.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

pub(super) async fn probe(target: &Arc<Target>) -> SourceResult<Probe> {
    let mut session = Session::open(target).await?;
    look(&mut session)
        .await
        .map_err(|fault| explain(target, "look at", fault))
}

async fn look(session: &mut Session) -> Result<Probe, SqlFault> {
    let version = session.product().await?;
    let is_mariadb = version.contains("MariaDB");
    let number = version.split('-').next().unwrap_or(&version);
    let product = format!("{} {number}", if is_mariadb { "MariaDB" } else { "MySQL" });
    let mut findings = Vec::new();

    let mut offset = None;
    let mut clock = Statement::new(&session.dialect());
    clock.push("SELECT UTC_TIMESTAMP()");
    session
        .rows(&clock, &mut |values, _| {
            let now = values.first().and_then(moment);
            offset = now.map(|now| (now.and_utc() - Utc::now()).num_seconds());
        })
        .await?;
    if let Some(seconds) = offset.filter(|seconds| seconds.abs() > CLOCK_TOLERANCE_SECONDS) {
        let ahead = seconds > 0;
        let (side, lado) = if ahead {
            ("ahead of", "adelantado")
        } else {
            ("behind", "atrasado")
        };
        findings.push(Finding {
            level: Level::Warning,
            what: Said::new(
                format!(
                    "The clock of the database's PC is {} s {side} this PC's.",
                    seconds.abs()
                ),
                format!(
                    "El reloj del equipo de la base de datos está {} s {lado} respecto al de este equipo.",
                    seconds.abs()
                ),
            ),
            remedy: Some(Said::new(
                "Set both by a time server.",
                "Sincronice ambos con un servidor de hora.",
            )),
        });
    }

    let mut tables = 0;
    let mut count = Statement::new(&session.dialect());
    count.push("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()");
    session
        .rows(&count, &mut |values, _| {
            if let Some(Value::Int(number)) = values.first() {
                tables = *number;
            }
        })
        .await?;
    if tables == 0 {
        let (user, database) = (&session.target.config.user, &session.target.config.database);
        findings.push(Finding {
            level: Level::Problem,
            what: Said::new(
                format!("User {user:?} sees no table in {database:?}."),
                format!("El usuario {user:?} no ve ninguna tabla en {database:?}."),
            ),
            remedy: Some(Said::new(
                "Grant it SELECT, or check `connection.database`.",
                "Otórguele SELECT, o revise `connection.database`.",
            )),
        });
    }

    let mut grants = Vec::new();
    session
        .text("SHOW GRANTS", |row| grants.extend(row.get::<String, _>(0)))
        .await?;
    if grants.iter().any(|grant| may_write(grant)) {
        let user = &session.target.config.user;
        findings.push(Finding {
            level: Level::Warning,
            what: Said::new(
                format!("User {user:?} may change data; SELECT is enough."),
                format!("El usuario {user:?} puede modificar datos; basta con SELECT."),
            ),
            remedy: Some(Said::new(
                "Use an account that can only read.",
                "Use una cuenta que solo pueda leer.",
            )),
        });
    }
    findings.extend(line(session).await?);
    findings.extend(database(session).await?);
    Ok(Probe { product, findings })
}

/// Whether the line is encrypted, where it leaves this PC.
async fn line(session: &mut Session) -> Result<Option<Finding>, SqlFault> {
    if session.target.is_local() {
        return Ok(None);
    }
    let mut cipher = String::new();
    session
        .text("SHOW SESSION STATUS LIKE 'Ssl_cipher'", |row| {
            cipher = row.get::<String, _>(1).unwrap_or_default();
        })
        .await?;
    if !cipher.is_empty() {
        return Ok(Some(Finding {
            level: Level::Info,
            what: Said::new(
                format!("The line to the database is encrypted ({cipher})."),
                format!("La conexión con la base de datos está cifrada ({cipher})."),
            ),
            remedy: None,
        }));
    }
    Ok(Some(Finding {
        level: Level::Warning,
        what: Said::new(
            "The line to the database is not encrypted.",
            "La conexión con la base de datos no está cifrada.",
        ),
        remedy: Some(Said::new(
            "Set up TLS on the server and `connection.tls` to \"require\", or run the agent on the database's PC.",
            "Configure TLS en el servidor y ponga `connection.tls` en \"require\", o ejecute el agente en el equipo de la base de datos.",
        )),
    }))
}

/// Its character set, and tables whose engine knows no transactions.
async fn database(session: &mut Session) -> Result<Vec<Finding>, SqlFault> {
    let mut findings = Vec::new();
    let mut charset = String::new();
    session
        .text("SELECT CAST(@@character_set_database AS CHAR)", |row| {
            charset = row.get::<String, _>(0).unwrap_or_default();
        })
        .await?;
    findings.push(Finding {
        level: Level::Info,
        what: Said::new(
            format!("The database's character set is {charset}; text arrives in Unicode."),
            format!("El juego de caracteres de la base de datos es {charset}; el texto llega en Unicode."),
        ),
        remedy: None,
    });
    let mut old = 0;
    session
        .text(
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND ENGINE = 'MyISAM'",
            |row| old = row.get::<i64, _>(0).unwrap_or_default(),
        )
        .await?;
    if old > 0 {
        findings.push(Finding {
            level: Level::Info,
            what: Said::new(
                format!("{old} tables are MyISAM: a sale may wait the milliseconds a page of them is read."),
                format!("{old} tablas son MyISAM: una venta puede esperar los milisegundos que dura leer una página de ellas."),
            ),
            remedy: Some(Said::new(
                "Lower `rows_per_second` if the tills feel it; InnoDB tables never wait.",
                "Reduzca `rows_per_second` si las cajas lo sienten; las tablas InnoDB nunca esperan.",
            )),
        });
    }
    Ok(findings)
}

fn may_write(grant: &str) -> bool {
    let Some((privileges, _)) = grant.split_once(" ON ") else {
        return false;
    };
    let writes = [
        "ALL PRIVILEGES",
        "INSERT",
        "UPDATE",
        "DELETE",
        "DROP",
        "ALTER",
        "CREATE",
    ];
    writes.iter().any(|write| privileges.contains(write))
}

pub(super) async fn catalog(target: &Arc<Target>) -> SourceResult<Catalog> {
    let mut session = Session::open(target).await?;
    let mut statement = Statement::new(&session.dialect());
    statement.push(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION",
    );
    let mut catalog = Catalog::default();
    let mut add = |values: Vec<Value>, _: usize| {
        let text = |at: usize| values.get(at).map(text).unwrap_or_default();
        let table = text(0);
        if catalog.tables.last().is_none_or(|last| last.name != table) {
            catalog.tables.push(CatalogTable {
                name: table,
                columns: Vec::new(),
            });
        }
        if let Some(last) = catalog.tables.last_mut() {
            last.columns.push(CatalogColumn {
                name: text(1),
                type_name: text(2),
            });
        }
    };
    let read = session.rows(&statement, &mut add).await;
    read.map_err(|fault| explain(target, "list the tables of", fault))?;
    Ok(catalog)
}

/// Those that this account may enter; the server shows it no other.
pub(super) async fn databases(target: &Arc<Target>) -> SourceResult<Vec<String>> {
    let mut session = Session::open(target).await?;
    let mut statement = Statement::new(&session.dialect());
    statement.push(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN \
         ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY SCHEMA_NAME",
    );
    let mut names = Vec::new();
    let mut add = |values: Vec<Value>, _: usize| names.extend(values.first().map(text));
    let read = session.rows(&statement, &mut add).await;
    read.map_err(|fault| explain(target, "list the databases of", fault))?;
    Ok(names)
}

/// Old servers hand the names of their own things over as bytes.
fn text(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        value => value.to_string(),
    }
}

fn explain(target: &Target, action: &str, fault: SqlFault) -> SourceError {
    SourceError::retry(KIND, format!("{action} {}", target.name()), fault)
}
