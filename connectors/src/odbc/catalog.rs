//! A first look at a data source and at what it holds.

use std::sync::Arc;

use odbc_api::Cursor;

use super::KIND;
use super::config::Target;
use super::dialect::DialectName;
use super::fault::OdbcFault;
use super::line::{Line, Worker};
use crate::connector::{Catalog, CatalogColumn, CatalogTable, Finding, Level, Probe, Said};
use crate::error::{SourceError, SourceResult};
use crate::registry::DataSourceOwner;

/// No POS has more columns in all.
const MOST: usize = 200_000;

/// Schemas that no POS keeps its data in.
const SYSTEM: [&str; 8] = [
    "information_schema",
    "pg_catalog",
    "pg_toast",
    "sys",
    "system",
    "mysql",
    "performance_schema",
    "xdb",
];

pub(super) async fn probe(target: &Arc<Target>) -> SourceResult<Probe> {
    let line = Line::open(target).await?;
    let product = match line.product.as_str() {
        "" => "an ODBC data source".to_owned(),
        name => name.to_owned(),
    };
    let mut findings = vec![driver(target)];
    findings.extend(
        line.call(version)
            .await
            .ok()
            .flatten()
            .map(|version| Finding {
                level: Level::Info,
                what: Said::new(format!("Version {version}."), format!("Versión {version}.")),
                remedy: None,
            }),
    );
    let better = match line.dialect.0 {
        DialectName::Mysql => Some("mysql"),
        DialectName::Postgresql => Some("postgres"),
        DialectName::Sqlserver => Some("sqlserver"),
        _ => None,
    };
    if let Some(better) = better {
        findings.push(Finding {
            level: Level::Info,
            what: Said::new(
                format!("{product} can be read without ODBC."),
                format!("{product} se puede leer sin ODBC."),
            ),
            remedy: Some(Said::new(
                format!("Connector \"{better}\" is faster and sees more kinds of changes."),
                format!("El conector \"{better}\" es más rápido y ve más clases de cambios."),
            )),
        });
    }
    match line.dialect.0 {
        DialectName::Generic => findings.push(Finding {
            level: Level::Info,
            what: Said::new(
                format!("{product} is not known to this connector; the plainest SQL is used."),
                format!("{product} no es conocido por este conector; se usa el SQL más sencillo."),
            ),
            remedy: Some(Said::new(
                "Set `connection.dialect` if it speaks the SQL of a known one.",
                "Ponga `connection.dialect` si habla el SQL de uno conocido.",
            )),
        }),
        DialectName::Mdbtools => findings.push(Finding {
            level: Level::Warning,
            what: Said::new(
                "This driver cannot sort: each stream is read whole, and changes are found by comparison only.",
                "Este controlador no puede ordenar: cada flujo se lee completo y los cambios se hallan solo por comparación.",
            ),
            remedy: Some(Said::new(
                "On Windows use Microsoft's Access driver.",
                "En Windows use el controlador de Access de Microsoft.",
            )),
        }),
        DialectName::Sqlite => findings.push(Finding {
            level: Level::Info,
            what: Said::new(
                "The SQLite driver cuts floating-point numbers to 15 digits.",
                "El controlador de SQLite corta los números de coma flotante a 15 dígitos.",
            ),
            remedy: Some(Said::new(
                "Money in REAL columns is whole with 15 digits; for more write printf('%!.17g', column) in the mapping.",
                "El dinero en columnas REAL llega entero con 15 dígitos; para más escriba printf('%!.17g', columna) en el mapeo.",
            )),
        }),
        _ => {}
    }
    let tables = line.call(tables).await;
    if tables
        .as_ref()
        .is_ok_and(|catalog| catalog.tables.is_empty())
    {
        findings.push(Finding {
            level: Level::Warning,
            what: Said::new(
                "The driver shows no table.",
                "El controlador no muestra ninguna tabla.",
            ),
            remedy: Some(Said::new(
                "Check that the data source is the POS's database and that the account may SELECT.",
                "Revise que el origen de datos sea la base del POS y que la cuenta pueda hacer SELECT.",
            )),
        });
    }
    Ok(Probe { product, findings })
}

/// Which driver stands behind the data source, and whether the service will see it.
fn driver(target: &Target) -> Finding {
    let good = |what: Said| Finding {
        level: Level::Info,
        what,
        remedy: None,
    };
    let Some(dsn) = &target.config.dsn else {
        return good(Said::new(
            "The driver is named in `connection.connection_string`.",
            "El controlador se nombra en `connection.connection_string`.",
        ));
    };
    let sources = super::data_sources().unwrap_or_default();
    let mut named = sources
        .iter()
        .filter(|source| source.name.eq_ignore_ascii_case(dsn.trim()));
    // System sources are listed first.
    match named.next() {
        Some(found) if found.owner == DataSourceOwner::User => Finding {
            level: Level::Warning,
            what: Said::new(
                format!(
                    "Data source {dsn} ({}) belongs to one user; the agent as a service does not see it.",
                    found.driver
                ),
                format!(
                    "El origen de datos {dsn} ({}) es de un usuario; el agente como servicio no lo ve.",
                    found.driver
                ),
            ),
            remedy: Some(Said::new(
                "Make it again as a system data source (on Windows in the ODBC administrator, on Linux in odbc.ini).",
                "Créelo de nuevo como origen de sistema (en Windows en el administrador de ODBC, en Linux en odbc.ini).",
            )),
        },
        Some(found) => good(Said::new(
            format!("Data source {dsn} uses the driver {}.", found.driver),
            format!(
                "El origen de datos {dsn} usa el controlador {}.",
                found.driver
            ),
        )),
        None => good(Said::new(
            format!("Data source {dsn} is open."),
            format!("El origen de datos {dsn} está abierto."),
        )),
    }
}

/// As the database says it, where its dialect is known to have a word for it.
fn version(worker: &Worker) -> Result<Option<String>, OdbcFault> {
    let sql = match worker.dialect.0 {
        DialectName::Mysql | DialectName::Postgresql => "SELECT version()",
        DialectName::Sqlite => "SELECT sqlite_version()",
        DialectName::Sqlserver => "SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(60))",
        _ => return Ok(None),
    };
    let Some(mut rows) = worker.connection.execute(sql, (), None)? else {
        return Ok(None);
    };
    let Some(mut row) = rows.next_row()? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    row.get_text(1, &mut text)?;
    let text = String::from_utf8_lossy(&text);
    Ok(Some(text.chars().take(60).collect()))
}

pub(super) async fn catalog(target: &Arc<Target>) -> SourceResult<Catalog> {
    let line = Line::open(target).await?;
    let action = format!("list the tables of {}", target.name());
    line.call(tables)
        .await
        .map_err(|fault| SourceError::retry(KIND, action, fault))
}

/// Tables, columns and types, as the driver lists them: all at once, or table by table where it cannot.
fn tables(worker: &Worker) -> Result<Catalog, OdbcFault> {
    let mut catalog = Catalog::default();
    let here = worker.connection.current_catalog().unwrap_or_default();
    let here = here.trim_matches('\0').to_owned();
    if let Ok(()) = columns(worker, &here, "%", &mut catalog)
        && !catalog.tables.is_empty()
    {
        return Ok(catalog);
    }
    let mut names = Vec::new();
    let statement = worker.connection.preallocate()?;
    let mut found = statement.into_tables_cursor("", "", "%", "TABLE,VIEW")?;
    while let Some(mut row) = found.next_row()? {
        let mut name = Vec::new();
        if row.get_text(3, &mut name)? {
            names.push(shown(&name));
        }
        if names.len() >= MOST {
            break;
        }
    }
    drop(found);
    for name in names {
        columns(worker, "", &name, &mut catalog)?;
    }
    Ok(catalog)
}

fn columns(
    worker: &Worker,
    catalog_name: &str,
    table: &str,
    catalog: &mut Catalog,
) -> Result<(), OdbcFault> {
    let schema = if table == "%" { "%" } else { "" };
    let statement = worker.connection.preallocate()?;
    let mut found = statement.into_columns_cursor(catalog_name, schema, table, "%")?;
    for _ in 0..MOST {
        let Some(mut row) = found.next_row()? else {
            break;
        };
        let mut texts = [Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for (at, text) in [2, 3, 4, 6, 7].into_iter().zip(&mut texts) {
            row.get_text(at, text)?;
        }
        let [schema, table, column, kind, size] = texts.map(|text| shown(&text));
        if SYSTEM.contains(&schema.to_lowercase().as_str()) || table.starts_with("MSys") {
            continue;
        }
        let name = match schema.as_str() {
            "" | "public" | "dbo" => table,
            schema => format!("{schema}.{table}"),
        };
        if catalog.tables.last().is_none_or(|last| last.name != name) {
            catalog.tables.push(CatalogTable {
                name,
                columns: Vec::new(),
            });
        }
        let type_name = match size.as_str() {
            "" | "0" => kind,
            size => format!("{kind}({size})"),
        };
        if let Some(last) = catalog.tables.last_mut() {
            last.columns.push(CatalogColumn {
                name: column,
                type_name,
            });
        }
    }
    Ok(())
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches('\0').to_owned()
}
