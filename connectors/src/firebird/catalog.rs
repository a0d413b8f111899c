//! A first look at a server and at what it holds.

use std::sync::Arc;

use fluxion_model::value::Value;

use super::KIND;
use super::config::Target;
use super::session::Session;
use crate::connector::{Catalog, CatalogColumn, CatalogTable, Finding, Level, Probe, Said};
use crate::error::{SourceError, SourceResult};
use crate::sql::SqlFault;

pub(super) async fn probe(target: &Arc<Target>) -> SourceResult<Probe> {
    let mut session = Session::open(target).await?;
    look(&mut session, target)
        .await
        .map_err(|fault| SourceError::retry(KIND, format!("look at {}", target.name()), fault))
}

async fn look(session: &mut Session, target: &Target) -> Result<Probe, SqlFault> {
    let version = session
        .ask("SELECT RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION') FROM RDB$DATABASE")
        .await?;
    let version = first(&version).map(ToString::to_string).unwrap_or_default();
    let mut findings = Vec::new();
    if target.config.user.eq_ignore_ascii_case("SYSDBA") {
        findings.push(Finding {
            level: Level::Warning,
            what: Said::new(
                "User SYSDBA may change data; SELECT is enough. The agent reads in read-only transactions all the same.",
                "El usuario SYSDBA puede modificar datos; basta con SELECT. Aun así, el agente lee en transacciones de solo lectura.",
            ),
            remedy: Some(Said::new(
                "Use an account that can only read.",
                "Use una cuenta que solo pueda leer.",
            )),
        });
    }
    findings.extend(too_old(&version));
    let charset = session
        .ask("SELECT RDB$CHARACTER_SET_NAME FROM RDB$DATABASE")
        .await?;
    let charset = first(&charset).map(|name| name.to_string().trim().to_owned());
    findings.extend(charset.map(|name| texts(&name, &target.config.encoding)));
    let dialect = session
        .ask("SELECT MON$SQL_DIALECT FROM MON$DATABASE")
        .await?;
    if let Some(Value::Int(dialect)) = first(&dialect) {
        findings.push(spelling(*dialect));
    }
    Ok(Probe {
        product: format!("Firebird {version}").trim_end().to_owned(),
        findings,
    })
}

/// 2.5 is the oldest whose protocol is spoken.
fn too_old(version: &str) -> Option<Finding> {
    let mut parts = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return None;
    };
    ((major, minor) < (2, 5)).then(|| Finding {
        level: Level::Warning,
        what: Said::new(
            format!("Firebird {version} is older than 2.5, and was never tried."),
            format!("Firebird {version} es anterior a la 2.5, y nunca se ha probado."),
        ),
        remedy: Some(Said::new(
            "Compare some prices and sales in the dashboard with the POS before you rely on them.",
            "Compare algunos precios y ventas del panel con el POS antes de confiar en ellos.",
        )),
    })
}

fn texts(charset: &str, encoding: &str) -> Finding {
    if charset != "NONE" {
        return Finding {
            level: Level::Info,
            what: Said::new(
                format!("The database keeps text in {charset}."),
                format!("La base de datos guarda el texto en {charset}."),
            ),
            remedy: None,
        };
    }
    Finding {
        level: Level::Info,
        what: Said::new(
            format!(
                "The database does not say which character set it uses; text is read as {encoding}."
            ),
            format!(
                "La base de datos no dice qué juego de caracteres usa; el texto se lee como {encoding}."
            ),
        ),
        remedy: Some(Said::new(
            "Set `connection.encoding` where accents arrive wrong.",
            "Ponga `connection.encoding` si los acentos llegan mal.",
        )),
    }
}

/// Databases that were made by InterBase 5 and never converted keep dialect 1.
fn spelling(dialect: i64) -> Finding {
    if dialect == 3 {
        return Finding {
            level: Level::Info,
            what: Said::new("SQL dialect 3.", "Dialecto SQL 3."),
            remedy: None,
        };
    }
    Finding {
        level: Level::Warning,
        what: Said::new(
            format!(
                "The database has SQL dialect {dialect}, which keeps amounts of more than 9 digits as floating point."
            ),
            format!(
                "La base de datos tiene el dialecto SQL {dialect}, que guarda los importes de más de 9 dígitos en coma flotante."
            ),
        ),
        remedy: Some(Said::new(
            "Round these amounts in the mapping (`round`).",
            "Redondee esos importes en el mapeo (`round`).",
        )),
    }
}

fn first(rows: &[Vec<Value>]) -> Option<&Value> {
    rows.first()?.first().filter(|value| !value.is_null())
}

pub(super) async fn catalog(target: &Arc<Target>) -> SourceResult<Catalog> {
    let mut session = Session::open(target).await?;
    list(&mut session).await.map_err(|fault| {
        SourceError::retry(KIND, format!("list the tables of {}", target.name()), fault)
    })
}

async fn list(session: &mut Session) -> Result<Catalog, SqlFault> {
    let rows = session
        .ask(
            "SELECT f.RDB$RELATION_NAME, f.RDB$FIELD_NAME, t.RDB$FIELD_TYPE, t.RDB$FIELD_SUB_TYPE, \
             t.RDB$FIELD_PRECISION, t.RDB$FIELD_SCALE, t.RDB$CHARACTER_LENGTH \
             FROM RDB$RELATION_FIELDS f JOIN RDB$FIELDS t ON t.RDB$FIELD_NAME = f.RDB$FIELD_SOURCE \
             JOIN RDB$RELATIONS r ON r.RDB$RELATION_NAME = f.RDB$RELATION_NAME \
             WHERE COALESCE(r.RDB$SYSTEM_FLAG, 0) = 0 ORDER BY f.RDB$RELATION_NAME, f.RDB$FIELD_POSITION",
        )
        .await?;
    let mut catalog = Catalog::default();
    for row in rows {
        let [table, column] = [0, 1].map(|at| row[at].to_string());
        let number = |at: usize| match row.get(at) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        };
        let type_name = type_name(number(2), number(3), number(4), number(5), number(6));
        if catalog.tables.last().is_none_or(|last| last.name != table) {
            catalog.tables.push(CatalogTable {
                name: table,
                columns: Vec::new(),
            });
        }
        if let Some(last) = catalog.tables.last_mut() {
            last.columns.push(CatalogColumn {
                name: column,
                type_name,
            });
        }
    }
    Ok(catalog)
}

/// As the catalog's numbers mean it.
fn type_name(kind: i64, sub_type: i64, precision: i64, scale: i64, length: i64) -> String {
    if scale < 0 || (matches!(sub_type, 1 | 2) && matches!(kind, 7 | 8 | 16 | 26)) {
        return format!("NUMERIC({precision},{})", -scale);
    }
    match kind {
        7 => "SMALLINT".to_owned(),
        8 => "INTEGER".to_owned(),
        16 => "BIGINT".to_owned(),
        26 => "INT128".to_owned(),
        10 => "FLOAT".to_owned(),
        27 => "DOUBLE PRECISION".to_owned(),
        12 => "DATE".to_owned(),
        13 => "TIME".to_owned(),
        35 => "TIMESTAMP".to_owned(),
        14 => format!("CHAR({length})"),
        37 => format!("VARCHAR({length})"),
        23 => "BOOLEAN".to_owned(),
        261 if sub_type == 1 => "BLOB SUB_TYPE TEXT".to_owned(),
        261 => "BLOB".to_owned(),
        other => format!("type {other}"),
    }
}
