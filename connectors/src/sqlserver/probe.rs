//! A first look at a server and at what it holds. Reads the server's own views, and no row of the POS.

use std::sync::Arc;

use chrono::Utc;
use fluxion_model::value::Value;

use super::config::{Encryption, Target};
use super::fault::{self, QueryFault};
use super::line::Privacy;
use super::session::Session;
use crate::connector::{Catalog, CatalogColumn, CatalogTable, Finding, Level, Probe, Said};
use crate::error::SourceResult;

/// A clock that is further off than this confuses people who compare times.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

/// The first version this connector was written for: SQL Server 2008.
const OLDEST: u8 = 10;

/// Version, edition and collation of the server, and its clock.
pub(super) const SERVER: &str = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), \
     CAST(SERVERPROPERTY('ProductLevel') AS nvarchar(128)), \
     CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), \
     CAST(SERVERPROPERTY('Collation') AS nvarchar(128)), \
     SYSUTCDATETIME()";

/// What the database serves, its collation and the code page of that.
pub(super) const DATABASE: &str = "SELECT CAST(d.collation_name AS nvarchar(128)), \
     CAST(COLLATIONPROPERTY(d.collation_name, 'CodePage') AS int), \
     CAST(d.snapshot_isolation_state AS int), CAST(d.is_read_committed_snapshot_on AS int), \
     CAST(d.compatibility_level AS int) FROM sys.databases AS d WHERE d.database_id = DB_ID()";

/// Whether Change Tracking is on, and for how long it remembers.
pub(super) const TRACKING: &str = "SELECT t.retention_period, CAST(t.retention_period_units_desc AS nvarchar(60)), \
     CAST(t.is_auto_cleanup_on AS int) FROM sys.change_tracking_databases AS t WHERE t.database_id = DB_ID()";

/// How many tables it is on for.
pub(super) const TRACKED_TABLES: &str = "SELECT COUNT(*) FROM sys.change_tracking_tables AS t";

/// How many tables and views the login sees.
pub(super) const TABLES: &str = "SELECT COUNT(*) FROM sys.objects AS o \
     WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0";

/// What the login may do beyond reading.
pub(super) const PERMISSIONS: &str = "SELECT CAST(IS_SRVROLEMEMBER('sysadmin') AS int), \
     CAST(IS_MEMBER('db_owner') AS int), \
     CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'INSERT') AS int), \
     CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'UPDATE') AS int), \
     CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'DELETE') AS int), \
     CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'ALTER') AS int)";

/// Every column of every table and view, with its type in the server's own words.
pub(super) const COLUMNS: &str = "SELECT CAST(s.name AS nvarchar(128)), CAST(o.name AS nvarchar(128)), \
     CAST(c.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)), \
     CAST(c.max_length AS int), CAST(c.precision AS int), CAST(c.scale AS int) \
     FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
     JOIN sys.columns AS c ON c.object_id = o.object_id \
     JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
     WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name, c.column_id";

/// What is online, without the four that every server has.
pub(super) const DATABASES: &str = "SELECT CAST(d.name AS nvarchar(128)) FROM sys.databases AS d \
     WHERE d.database_id > 4 AND d.state = 0 ORDER BY d.name";

pub(super) async fn probe(target: &Arc<Target>) -> SourceResult<Probe> {
    let mut session = Session::open(target).await?;
    look(&mut session)
        .await
        .map_err(|fault| fault::looking(target, "look at", fault))
}

async fn look(session: &mut Session) -> Result<Probe, QueryFault> {
    let server = one(session, SERVER).await?;
    let text = |at: usize| server.get(at).map(ToString::to_string).unwrap_or_default();
    let product = format!(
        "Microsoft {} {} {} ({})",
        marketing_name(&text(0)),
        text(1),
        text(2),
        text(0)
    );
    let mut findings = vec![line(session)];
    if session.major_version < OLDEST {
        findings.push(too_old());
    }
    findings.extend(clock(server.get(4)));
    let database = one(session, DATABASE).await?;
    findings.extend(collation(&database));
    findings.push(snapshots(&database));
    match tracking(session).await {
        Ok(finding) => findings.push(finding),
        // Some servers show these views to administrators only.
        Err(fault) if fault::denies(&fault) => {}
        Err(fault) => return Err(fault),
    }
    findings.extend(permissions(session).await?);
    Ok(Probe { product, findings })
}

async fn one(session: &mut Session, sql: &str) -> Result<Vec<Value>, QueryFault> {
    let rows = session.all(sql, &[]).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// As people call it; the number stays beside it.
fn marketing_name(version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    let minor = parts.next().unwrap_or_default();
    let name = match (major, minor) {
        ("9", _) => "2005",
        ("10", "0" | "00") => "2008",
        ("10", _) => "2008 R2",
        ("11", _) => "2012",
        ("12", _) => "2014",
        ("13", _) => "2016",
        ("14", _) => "2017",
        ("15", _) => "2019",
        ("16", _) => "2022",
        ("17", _) => "2025",
        _ => return "SQL Server".to_owned(),
    };
    format!("SQL Server {name}")
}

fn finding(level: Level, what: Said, remedy: Option<Said>) -> Finding {
    Finding {
        level,
        what,
        remedy,
    }
}

/// How the line really is, and why.
fn line(session: &Session) -> Finding {
    let instance = session.target.name();
    if session.privacy == Privacy::Encrypted {
        return finding(
            Level::Info,
            Said::new(
                format!("The line to {instance} is encrypted (TLS 1.2)."),
                format!("La conexión con {instance} está cifrada (TLS 1.2)."),
            ),
            None,
        );
    }
    let why = match (&session.no_tls, session.target.config.encryption) {
        (Some(why), _) => (
            format!(" Encryption was tried first, and failed: {why}."),
            format!(" Primero se intentó cifrar, y falló: {why}."),
        ),
        (None, Encryption::Prefer) => (
            " Nothing leaves this PC, so encryption was not tried.".to_owned(),
            " Nada sale de este equipo, por lo que no se intentó cifrar.".to_owned(),
        ),
        (None, Encryption::None | Encryption::Required) => (
            " `connection.encryption` is \"none\".".to_owned(),
            " `connection.encryption` es \"none\".".to_owned(),
        ),
    };
    let is_local =
        session.no_tls.is_none() && session.target.config.encryption == Encryption::Prefer;
    let remedy = Said::new(
        "Update the server so that it speaks TLS 1.2 (SQL Server 2008 to 2014 need an update) and set `connection.encryption` to \"required\", or keep the network to the POS alone: on a plain line anybody who listens sees the data, and the password hardly hidden.",
        "Actualice el servidor para que hable TLS 1.2 (SQL Server 2008 a 2014 necesitan una actualización) y ponga `connection.encryption` en \"required\", o reserve la red para el POS: en una línea sin cifrar cualquiera que escuche ve los datos, y la contraseña apenas disimulada.",
    );
    finding(
        if is_local {
            Level::Info
        } else {
            Level::Warning
        },
        Said::new(
            format!("The line to {instance} is not encrypted.{}", why.0),
            format!("La conexión con {instance} no está cifrada.{}", why.1),
        ),
        (!is_local).then_some(remedy),
    )
}

fn too_old() -> Finding {
    finding(
        Level::Warning,
        Said::new(
            "This server is older than SQL Server 2008, for which this connector was written.",
            "Este servidor es anterior a SQL Server 2008, para el que se escribió este conector.",
        ),
        Some(Said::new(
            "Use connector \"odbc\" if reading fails.",
            "Use el conector \"odbc\" si la lectura falla.",
        )),
    )
}

fn clock(now: Option<&Value>) -> Option<Finding> {
    let Some(Value::DateTime(now)) = now else {
        return None;
    };
    let seconds = (now.and_utc() - Utc::now()).num_seconds();
    if seconds.abs() <= CLOCK_TOLERANCE_SECONDS {
        return None;
    }
    let (side, lado) = if seconds > 0 {
        ("ahead of", "adelantado")
    } else {
        ("behind", "atrasado")
    };
    let seconds = seconds.abs();
    Some(finding(
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
    ))
}

fn collation(database: &[Value]) -> Option<Finding> {
    let Some(Value::Text(name)) = database.first() else {
        return None;
    };
    let page = match database.get(1) {
        Some(Value::Int(65_001)) => "UTF-8".to_owned(),
        Some(Value::Int(0)) | None => "Unicode".to_owned(),
        Some(page) => format!("CP{page}"),
    };
    Some(finding(
        Level::Info,
        Said::new(
            format!("The database's collation is {name} ({page}); text arrives in Unicode."),
            format!(
                "La intercalación de la base de datos es {name} ({page}); el texto llega en Unicode."
            ),
        ),
        None,
    ))
}

fn snapshots(database: &[Value]) -> Finding {
    let is_on = |at: usize| database.get(at) == Some(&Value::Int(1));
    if is_on(2) {
        return finding(
            Level::Info,
            Said::new(
                "Reads use snapshots: no till ever waits for the agent.",
                "Las lecturas usan instantáneas: ninguna caja espera nunca al agente.",
            ),
            None,
        );
    }
    if is_on(3) {
        return finding(
            Level::Info,
            Said::new(
                "Reads use row versions: no till ever waits for the agent.",
                "Las lecturas usan versiones de fila: ninguna caja espera nunca al agente.",
            ),
            None,
        );
    }
    finding(
        Level::Info,
        Said::new(
            "The database allows no snapshots; reads are short and give way, and a sale that is being changed may be seen between two of its lines until it is read again.",
            "La base de datos no permite instantáneas; las lecturas son cortas y ceden el paso, y una venta que se está modificando puede verse entre dos de sus líneas hasta que se lea de nuevo.",
        ),
        Some(Said::new(
            "Its owner may run `ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON`, which needs room in tempdb.",
            "Su dueño puede ejecutar `ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON`, lo que requiere espacio en tempdb.",
        )),
    )
}

async fn tracking(session: &mut Session) -> Result<Finding, QueryFault> {
    let known = one(session, TRACKING).await?;
    let [period, units, cleans] = &known[..] else {
        return Ok(finding(
            Level::Info,
            Said::new(
                "Change Tracking is off; changes are noticed by other means.",
                "El seguimiento de cambios (Change Tracking) está desactivado; los cambios se notan por otros medios.",
            ),
            Some(Said::new(
                "Its owner may switch it on: it exists in every edition, changes no table, and tells deletes within seconds.",
                "Su dueño puede activarlo: existe en todas las ediciones, no cambia ninguna tabla, y avisa de lo eliminado en segundos.",
            )),
        ));
    };
    let tables = one(session, TRACKED_TABLES).await?;
    let tables = tables.first().map(ToString::to_string).unwrap_or_default();
    let hours = match (period, units.to_string().as_str()) {
        (Value::Int(minutes), "MINUTES") => minutes / 60,
        (Value::Int(days), "DAYS") => days * 24,
        (Value::Int(hours), _) => *hours,
        _ => 0,
    };
    let short = hours < 48 && *cleans == Value::Int(1);
    Ok(finding(
        if short { Level::Warning } else { Level::Info },
        Said::new(
            format!("Change Tracking is on for {tables} tables and remembers {hours} hours."),
            format!("El seguimiento de cambios está activo en {tables} tablas y recuerda {hours} horas."),
        ),
        short.then(|| {
            Said::new(
                "Let it remember for days, so that a PC that was off over the weekend need not be read again in full.",
                "Haga que recuerde varios días, para que un equipo apagado el fin de semana no tenga que leerse de nuevo por completo.",
            )
        }),
    ))
}

async fn permissions(session: &mut Session) -> Result<Vec<Finding>, QueryFault> {
    let mut findings = Vec::new();
    let user = match session.target.config.user.as_str() {
        "" => "(Windows)".to_owned(),
        user => user.to_owned(),
    };
    let tables = one(session, TABLES).await?;
    if tables.first() == Some(&Value::Int(0)) {
        let database = &session.target.config.database;
        findings.push(finding(
            Level::Problem,
            Said::new(
                format!("User {user:?} sees no table in {database:?}."),
                format!("El usuario {user:?} no ve ninguna tabla en {database:?}."),
            ),
            Some(Said::new(
                "Grant it SELECT (db_datareader), or check `connection.database`.",
                "Otórguele SELECT (db_datareader), o revise `connection.database`.",
            )),
        ));
    }
    let may = one(session, PERMISSIONS).await?;
    if may.contains(&Value::Int(1)) {
        findings.push(finding(
            Level::Warning,
            Said::new(
                format!("User {user:?} may change data; SELECT is enough."),
                format!("El usuario {user:?} puede modificar datos; basta con SELECT."),
            ),
            Some(Said::new(
                "Use a login that can only read: db_datareader, and VIEW CHANGE TRACKING where that is used.",
                "Use un inicio de sesión que solo pueda leer: db_datareader, y VIEW CHANGE TRACKING donde se use.",
            )),
        ));
    }
    Ok(findings)
}

pub(super) async fn databases(target: &Arc<Target>) -> SourceResult<Vec<String>> {
    let mut session = Session::open(target).await?;
    let rows = session
        .all(DATABASES, &[])
        .await
        .map_err(|fault| fault::looking(target, "list the databases of", fault))?;
    let names = rows.iter().filter_map(|row| row.first());
    let names = names.map(ToString::to_string);
    // Those of a report server keep reports.
    Ok(names
        .filter(|name| !name.starts_with("ReportServer"))
        .collect())
}

pub(super) async fn catalog(target: &Arc<Target>) -> SourceResult<Catalog> {
    let mut session = Session::open(target).await?;
    let mut catalog = Catalog::default();
    session
        .plain_rows(COLUMNS, &[], &mut |row, _| add_column(&mut catalog, &row))
        .await
        .map_err(|fault| fault::looking(target, "list the tables of", fault))?;
    Ok(catalog)
}

fn add_column(catalog: &mut Catalog, row: &[Value]) {
    let text = |at: usize| row.get(at).map(ToString::to_string).unwrap_or_default();
    let number = |at: usize| match row.get(at) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    let name = match text(0).as_str() {
        "dbo" => text(1),
        schema => format!("{schema}.{}", text(1)),
    };
    if catalog.tables.last().is_none_or(|last| last.name != name) {
        catalog.tables.push(CatalogTable {
            name,
            columns: Vec::new(),
        });
    }
    if let Some(last) = catalog.tables.last_mut() {
        last.columns.push(CatalogColumn {
            name: text(2),
            type_name: type_name(&text(3), number(4), number(5), number(6)),
        });
    }
}

/// As one would write it in a CREATE TABLE.
fn type_name(name: &str, bytes: i64, precision: i64, scale: i64) -> String {
    match name {
        "nvarchar" | "nchar" if bytes > 0 => format!("{name}({})", bytes / 2),
        "varchar" | "char" | "varbinary" | "binary" if bytes > 0 => format!("{name}({bytes})"),
        "varchar" | "nvarchar" | "varbinary" => format!("{name}(max)"),
        "decimal" | "numeric" => format!("{name}({precision},{scale})"),
        "datetime2" | "time" | "datetimeoffset" => format!("{name}({scale})"),
        "timestamp" => "rowversion".to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_in_a_create_table() {
        assert_eq!(type_name("nvarchar", 30, 0, 0), "nvarchar(15)");
        assert_eq!(type_name("varchar", -1, 0, 0), "varchar(max)");
        assert_eq!(type_name("numeric", 9, 18, 0), "numeric(18,0)");
        assert_eq!(type_name("timestamp", 8, 0, 0), "rowversion");
        assert_eq!(type_name("float", 8, 53, 0), "float");
    }

    #[test]
    fn versions_have_the_names_people_know() {
        assert_eq!(marketing_name("10.0.6000.29"), "SQL Server 2008");
        assert_eq!(marketing_name("10.50.1600.1"), "SQL Server 2008 R2");
        assert_eq!(marketing_name("16.0.1000.6"), "SQL Server 2022");
    }
}
