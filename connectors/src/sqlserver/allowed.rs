//! Which ways of noticing changes a database allows for a stream, and what would have to be done for the others.

use fluxion_model::stream::{Capture, ChangedTable, Source, StreamSpec, WatermarkKind};
use fluxion_model::value::Value;
use tiberius::ColumnType;

use super::KIND;
use super::fault;
use super::names::{self, database_of, quoted};
use super::outbox::{self, Triggered};
use super::session::Session;
use super::tracking::how_to_switch_on;
use crate::connector::{Allowed, Said};
use crate::error::{SourceError, SourceResult};
use crate::sql::outbox::Watched;

/// A table as the server knows it: its database, schema, name, and what Change Tracking remembers of it.
pub(super) const TABLE: &str = "SELECT CAST(DB_NAME() AS nvarchar(128)), CAST(s.name AS nvarchar(128)), \
     CAST(o.name AS nvarchar(128)), CHANGE_TRACKING_MIN_VALID_VERSION(o.object_id) \
     FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
     WHERE o.object_id = OBJECT_ID(@P1)";

/// The columns of a table's primary key.
pub(super) const PRIMARY_KEY: &str = "SELECT CAST(c.name AS nvarchar(128)) FROM sys.indexes AS i \
     JOIN sys.index_columns AS x ON x.object_id = i.object_id AND x.index_id = i.index_id \
     JOIN sys.columns AS c ON c.object_id = x.object_id AND c.column_id = x.column_id \
     WHERE i.object_id = OBJECT_ID(@P1) AND i.is_primary_key = 1 ORDER BY x.key_ordinal";

/// The columns of a table and their base types.
pub(super) const COLUMN_TYPES: &str = "SELECT CAST(c.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)) \
     FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.system_type_id \
     WHERE c.object_id = OBJECT_ID(@P1) ORDER BY c.column_id";

pub(super) async fn allows(
    session: &mut Session,
    spec: &StreamSpec,
    capture: &Capture,
) -> SourceResult<Allowed> {
    match capture {
        Capture::Diff => Ok(Allowed::Yes),
        Capture::Watermark { columns, kind, .. } => watermark(session, spec, columns, *kind).await,
        Capture::Log => tracking(session, spec).await,
        Capture::Outbox => outbox::allows(session, spec).await,
        Capture::Arrival | Capture::Push => Ok(no(
            "SQL Server neither drops files nor calls out.",
            "SQL Server ni deja archivos ni hace llamadas.",
        )),
    }
}

pub(super) fn no(en: impl Into<String>, es: impl Into<String>) -> Allowed {
    Allowed::No {
        why: Said::new(en, es),
    }
}

fn no_tables(spec: &StreamSpec) -> Option<Allowed> {
    spec.changes.is_empty().then(|| {
        no(
            format!(
                "The mapping does not say which tables stream \"{}\" follows (`changes`).",
                spec.name
            ),
            format!(
                "El mapeo no dice qué tablas sigue el flujo \"{}\" (`changes`).",
                spec.name
            ),
        )
    })
}

/// Whether the columns of a watermark are there, and are what they are said to be.
pub(super) async fn watermark(
    session: &mut Session,
    spec: &StreamSpec,
    columns: &[String],
    kind: WatermarkKind,
) -> SourceResult<Allowed> {
    let Source::Query(source) = &spec.source else {
        return Ok(no("The stream reads files.", "El flujo lee archivos."));
    };
    let sql = format!(
        "SELECT TOP (0) {} FROM {}",
        without_settings(&columns.join(", ")),
        without_settings(&source.from)
    );
    let types = match session.columns(&sql, &[]).await {
        Ok(types) => types,
        Err(fault) if fault::code(&fault) == Some(207) => {
            return Ok(no(
                format!("A column to follow is missing: {fault}."),
                format!("Falta una columna que seguir: {fault}."),
            ));
        }
        Err(fault) => return Err(fault::looking(&session.target, "look at", fault)),
    };
    if kind == WatermarkKind::Value {
        return Ok(Allowed::Yes);
    }
    if let Some(table) = source
        .from
        .split_whitespace()
        .find(|word| database_of(word).is_some())
    {
        let known = session
            .all("SELECT CAST(DB_NAME() AS nvarchar(128))", &[])
            .await;
        let known = known.map_err(|fault| fault::looking(&session.target, "look at", fault))?;
        if known.first().is_none_or(|known| elsewhere(known, table)) {
            return Ok(other_database(table));
        }
    }
    let is_rowversion = |column: &ColumnType| matches!(column, ColumnType::BigBinary);
    if !types.iter().all(is_rowversion) {
        let columns = columns.join(", ");
        return Ok(no(
            format!("{columns} is no rowversion; use kind \"value\"."),
            format!("{columns} no es un rowversion; use el tipo \"value\"."),
        ));
    }
    Ok(Allowed::Yes)
}

/// The same with NULL in the place of every setting: it is only asked whether the columns exist.
fn without_settings(sql: &str) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push_str("NULL");
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    text + rest
}

async fn tracking(session: &mut Session, spec: &StreamSpec) -> SourceResult<Allowed> {
    if let Some(no) = no_tables(spec) {
        return Ok(no);
    }
    for changed in &spec.changes {
        let table = &changed.table;
        let known = known(session, table).await?;
        if elsewhere(&known, table) {
            return Ok(other_database(table));
        }
        if !matches!(known.get(3), Some(Value::Int(_))) {
            let how = how_to_switch_on(Some(table));
            return Ok(no(
                format!("Change Tracking is off for {table}, or the login may not see it: {how}"),
                format!(
                    "El seguimiento de cambios (Change Tracking) está desactivado en {table}, o el usuario no puede verlo. Para activarlo: {how}"
                ),
            ));
        }
        let primary = primary_key(session, table).await?;
        if let Some(outside) = outside(changed, &primary) {
            return Ok(no(
                format!(
                    "Change Tracking remembers the primary key of {table}, to which {outside} does not belong."
                ),
                format!(
                    "El seguimiento de cambios recuerda la clave primaria de {table}, de la que {outside} no forma parte."
                ),
            ));
        }
    }
    Ok(Allowed::Yes)
}

fn outside(changed: &ChangedTable, primary: &[String]) -> Option<String> {
    let mut names = changed
        .key
        .iter()
        .map(|column| names::parts(column).join("."));
    let is_in = |column: &String| primary.iter().any(|name| name.eq_ignore_ascii_case(column));
    names.find(|column| !is_in(column))
}

fn elsewhere(known: &[Value], table: &str) -> bool {
    match (database_of(table), known.first()) {
        (Some(named), Some(Value::Text(current))) => !named.eq_ignore_ascii_case(current),
        (Some(_), _) => true,
        (None, _) => false,
    }
}

fn other_database(table: &str) -> Allowed {
    no(
        format!(
            "{table} is in another database: make its database a POS system of its own, with its own connection."
        ),
        format!(
            "{table} está en otra base de datos: haga de esa base un sistema POS aparte, con su propia conexión."
        ),
    )
}

/// A table of an outbox, as the server knows it.
pub(super) async fn triggered(session: &mut Session, watched: Watched) -> SourceResult<Triggered> {
    let table = watched.table.clone();
    let known = known(session, &table).await?;
    if elsewhere(&known, &table) {
        let hint = format!(
            "{table} is in another database: make its database a POS system of its own, with its own connection."
        );
        return Err(unusable(
            "unsupported",
            hint,
            "a trigger writes into its own database",
        ));
    }
    let [_, Value::Text(schema), Value::Text(name), _] = &known[..] else {
        let hint = format!(
            "Table {table}, which the mapping follows, does not exist or may not be seen: check `connection.database` and the mapping."
        );
        return Err(unusable("missing_table", hint, "there is no such table"));
    };
    let columns = ask(session, COLUMN_TYPES, &table).await?;
    let mut types = Vec::new();
    for key in &watched.keys {
        let found = key.iter().map(|column| base_type(&table, column, &columns));
        types.push(found.collect::<SourceResult<_>>()?);
    }
    Ok(Triggered {
        schema: schema.to_string(),
        name: name.to_string(),
        watched,
        types,
    })
}

fn base_type(table: &str, column: &str, known: &[Vec<Value>]) -> SourceResult<String> {
    let wanted = names::parts(column).join(".");
    let found = known.iter().find_map(|row| match &row[..] {
        [Value::Text(name), Value::Text(base_type)] if name.eq_ignore_ascii_case(&wanted) => {
            Some(base_type.to_string())
        }
        _ => None,
    });
    found.ok_or_else(|| {
        let hint = format!(
            "Column {wanted} of {table}, which the mapping names as a key under `changes`, does not exist: correct it in the mapping."
        );
        unusable("missing_column", hint, "there is no such column")
    })
}

fn unusable(code: &'static str, hint: String, why: &'static str) -> SourceError {
    SourceError::ask(KIND, "work with an outbox", code, hint, why)
}

/// Who reads, where a right can be granted to them.
pub(super) async fn reader(session: &mut Session) -> SourceResult<Option<String>> {
    let rows = session
        .all(outbox::READER, &[])
        .await
        .map_err(|fault| fault::looking(&session.target, "look at", fault))?;
    let name = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next());
    Ok(match name {
        Some(Value::Text(name)) if !matches!(&*name, "dbo" | "guest") => Some(name.into()),
        _ => None,
    })
}

async fn known(session: &mut Session, table: &str) -> SourceResult<Vec<Value>> {
    let rows = ask(session, TABLE, table).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

async fn primary_key(session: &mut Session, table: &str) -> SourceResult<Vec<String>> {
    let rows = ask(session, PRIMARY_KEY, table).await?;
    let names = rows.into_iter().filter_map(|row| row.into_iter().next());
    Ok(names.map(|name| name.to_string()).collect())
}

/// A question about one table.
pub(super) async fn ask(
    session: &mut Session,
    sql: &str,
    table: &str,
) -> SourceResult<Vec<Vec<Value>>> {
    let name = Value::text(quoted(table));
    let rows = session.all(sql, &[name]).await;
    rows.map_err(|fault| fault::looking(&session.target, "look at", fault))
}
