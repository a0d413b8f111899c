//! Whether a stream may follow the log, and what a first look says of it.

use std::sync::Arc;

use fluxion_model::stream::StreamSpec;
use mysql_async::Error;
use tokio::time::timeout;

use super::super::KIND;
use super::super::config::Target;
use super::super::session::connect;
use super::layout::{Kind, Layout};
use super::rows::Followed;
use super::server::{Facts, layout};
use super::{BinlogFeed, request};
use crate::connector::{Allowed, Finding, Said};
use crate::error::{SourceError, SourceResult};

/// Whether the server and the account allow a stream to follow the log.
pub(in super::super) async fn allows(
    target: &Arc<Target>,
    spec: &StreamSpec,
    server_id: u32,
) -> SourceResult<Allowed> {
    let no = |why| Ok(Allowed::No { why });
    if spec.changes.is_empty() {
        return no(Said::new(
            format!(
                "The mapping does not say which tables concern stream {:?} (`changes`).",
                spec.name.to_string()
            ),
            format!(
                "El mapeo no dice qué tablas conciernen al flujo {:?} (`changes`).",
                spec.name.to_string()
            ),
        ));
    }
    let feed = BinlogFeed::new(target, spec, server_id);
    let action = feed.action();
    let failed = |error: Error| SourceError::retry(KIND, action.clone(), error);
    let mut conn = connect(target).await?;
    let facts = Facts::ask(&mut conn).await.map_err(failed)?;
    if let Some((what, remedy)) = facts.obstacle() {
        return no(joined(what, &remedy));
    }
    for table in &feed.tables {
        let found = layout(&mut conn, &table.name).await.map_err(failed)?;
        if let Err(obstacle) = fitting(&feed.stream, table, found) {
            return no(obstacle.what);
        }
    }
    let head = match facts.head(&mut conn).await {
        Ok(Some(head)) => head,
        Ok(None) => return no(missing_right(target)),
        Err(Error::Server(_)) => return no(missing_right(target)),
        Err(error) => return Err(failed(error)),
    };
    match timeout(target.limits.query, request(conn, &facts, server_id, &head)).await {
        Ok(Ok(log)) => {
            if let Err(error) = log.close().await {
                tracing::debug!(%error, "the trial connection did not end in order");
            }
            Ok(Allowed::Yes)
        }
        Ok(Err(Error::Server(_))) => no(missing_right(target)),
        Ok(Err(error)) => Err(failed(error)),
        Err(late) => Err(SourceError::retry(KIND, feed.action(), late)),
    }
}

/// What a first look should say of the log.
pub(in super::super) async fn findings(target: &Arc<Target>) -> SourceResult<Vec<Finding>> {
    let mut conn = connect(target).await?;
    match Facts::ask(&mut conn).await {
        Ok(facts) => Ok(facts.findings()),
        Err(error) => Err(SourceError::retry(
            KIND,
            format!("look at the log of {}", target.name()),
            error,
        )),
    }
}

fn joined(what: Said, remedy: &Said) -> Said {
    Said::new(
        format!("{} {}", what.en, remedy.en),
        format!("{} {}", what.es, remedy.es),
    )
}

pub(super) fn missing_right(target: &Target) -> Said {
    let user = &target.config.user;
    let grant = format!("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{user}'@'...';");
    Said::new(
        format!("User {user:?} may not read the binary log. Run as administrator: {grant}"),
        format!(
            "El usuario {user:?} no puede leer el registro binario. Ejecute como administrador: {grant}"
        ),
    )
}

/// Why a table of `changes` cannot be followed.
pub(super) struct Obstacle {
    pub code: &'static str,
    pub what: Said,
}

/// Checks that the table is there, and that the log tells its keys as a query would.
pub(super) fn fitting(
    stream: &str,
    table: &Followed,
    found: Option<Layout>,
) -> Result<Layout, Obstacle> {
    let name = format!("{}.{}", table.name.database, table.name.table);
    let Some(layout) = found else {
        return Err(Obstacle {
            code: "missing_table",
            what: Said::new(
                format!(
                    "Table {name}, whose changes concern stream {stream:?}, does not exist: correct `changes` in the mapping, or `connection.database`."
                ),
                format!(
                    "La tabla {name}, cuyos cambios conciernen al flujo {stream:?}, no existe: corrija `changes` en el mapeo, o `connection.database`."
                ),
            ),
        });
    };
    for key in table.keys.iter().flatten() {
        let column = layout
            .columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(key));
        let (code, en, es) = match column.map(|column| column.kind) {
            None => (
                "missing_column",
                "does not exist: correct `changes` in the mapping",
                "no existe: corrija `changes` en el mapeo",
            ),
            Some(Kind::Other) => (
                "unsupported",
                "is of a type or character set that the log does not tell as a query would: use \"watermark\" or \"diff\" for the stream",
                "es de un tipo o juego de caracteres que el registro no dice como una consulta: use \"watermark\" o \"diff\" para el flujo",
            ),
            Some(_) => continue,
        };
        return Err(Obstacle {
            code,
            what: Said::new(
                format!(
                    "Column {key} of table {name}, which holds the key of stream {stream:?}, {en}."
                ),
                format!(
                    "La columna {key} de la tabla {name}, que tiene la clave del flujo {stream:?}, {es}."
                ),
            ),
        });
    }
    Ok(layout)
}
