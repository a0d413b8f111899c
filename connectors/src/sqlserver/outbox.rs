//! The trigger outbox in SQL Server: its text, and whether it is there.
//!
//! The triggers run inside the cashier's transaction, so they must be beyond reproach: they work on sets, report no counts
//! (`SET NOCOUNT ON`), have no identity column (the POS may read `@@IDENTITY`), need no right the cashier does not have, wait
//! for nobody longer than a second, and swallow every error of their own. A change that is lost that way is found by the
//! nightly comparison. If the table is taken away they do nothing.
//!
//! Rows are numbered by a `rowversion` and read up to `MIN_ACTIVE_ROWVERSION()`, so that a transaction that commits late is
//! not passed over.

use fluxion_model::stream::StreamSpec;
use fluxion_model::value::Value;

use super::KIND;
use super::allowed::{self, no};
use super::fault::{self, QueryFault};
use super::names::{self, bracketed, literal, quoted};
use super::session::Session;
use crate::connector::{Allowed, OutboxPart, OutboxScript};
use crate::error::{SourceError, SourceResult};
use crate::sql::SqlFault;
use crate::sql::outbox::{self, Operation, OutboxSpelling, Watched, source_of, trigger_name};

/// The table, in the schema that every database has.
const TABLE: &str = "dbo.fluxion_outbox";

/// The longest part of a key.
const PART: usize = 450;

/// The longest name of a trigger; identifiers have 128 characters.
const LONGEST_NAME: usize = 120;

/// Whether a trigger is there and works.
pub(super) const TRIGGER: &str = "SELECT CAST(t.is_disabled AS int) FROM sys.triggers AS t \
     WHERE t.object_id = OBJECT_ID(@P1, 'TR')";

/// Whether the outbox is there, and may be read and pruned.
pub(super) const STATE: &str = "SELECT OBJECT_ID(@P1, 'U'), \
     CAST(HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'SELECT') AS int), \
     CAST(HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'DELETE') AS int)";

/// Our triggers, wherever they are.
pub(super) const OURS: &str = "SELECT CAST(s.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)) \
     FROM sys.triggers AS t JOIN sys.objects AS o ON o.object_id = t.parent_id \
     JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE t.name LIKE N'fluxion[_]%' ORDER BY s.name, t.name";

/// Who reads, as the database calls it.
pub(super) const READER: &str = "SELECT CAST(USER_NAME() AS nvarchar(128))";

/// How the outbox is read and pruned. Only the oldest rows are looked at for pruning, and nobody else touches those.
pub(super) fn spelling() -> OutboxSpelling {
    OutboxSpelling {
        table: TABLE.to_owned(),
        seq: "CAST(seq AS bigint)",
        number: ("CAST(", " AS binary(8))"),
        bound: Some("MIN_ACTIVE_ROWVERSION()"),
        step: None,
        prune: Some((
            "WITH oldest AS (SELECT TOP (500) seq, at FROM dbo.fluxion_outbox WITH (ROWLOCK) WHERE op <> N'x' AND seq < ",
            " ORDER BY seq) DELETE FROM oldest WHERE at < DATEADD(day, -3, SYSUTCDATETIME())",
        )),
    }
}

/// A table as the server knows it, with the lists of its columns that hold keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Triggered {
    pub schema: String,
    pub name: String,
    pub watched: Watched,
    /// The columns' base types, in the order of the lists.
    pub types: Vec<Vec<String>>,
}

impl Triggered {
    fn full_name(&self) -> String {
        format!("{}.{}", bracketed(&self.schema), bracketed(&self.name))
    }

    fn trigger(&self) -> String {
        trigger(&self.schema, &self.watched.table)
    }
}

/// One trigger serves all three operations.
fn trigger(schema: &str, table: &str) -> String {
    let name = trigger_name(table, Operation::Update, LONGEST_NAME);
    let name = name.strip_suffix("_u").unwrap_or(&name);
    format!("{}.{}", bracketed(schema), bracketed(name))
}

/// The statements for these streams. Reads the catalog and changes nothing.
pub(super) async fn script(
    session: &mut Session,
    streams: &[StreamSpec],
    part: OutboxPart,
) -> SourceResult<OutboxScript> {
    let watched = outbox::watched(KIND, streams)?;
    let statements = match part {
        OutboxPart::Install => {
            let mut tables = Vec::new();
            for watched in watched {
                tables.push(allowed::triggered(session, watched).await?);
            }
            let reader = allowed::reader(session).await?;
            install(&tables, reader.as_deref())?
        }
        OutboxPart::Remove => {
            let ours = session.all(OURS, &[]).await;
            let ours = ours.map_err(|fault| fault::looking(&session.target, "look at", fault))?;
            remove(&ours)
        }
    };
    let for_client = for_client(&statements, part);
    Ok(OutboxScript {
        statements,
        for_client,
    })
}

/// For `sqlcmd` or Management Studio, which end each statement at a GO.
pub(super) fn for_client(statements: &[String], part: OutboxPart) -> String {
    let intro = match part {
        OutboxPart::Install => INTRO,
        OutboxPart::Remove => "-- Takes away the outbox of Fluxion Sync.\n",
    };
    let mut text = intro.to_owned();
    for statement in statements {
        text.push_str(statement);
        text.push_str("\nGO\n");
    }
    text
}

/// For whoever reviews it.
const INTRO: &str = "\
-- The outbox of Fluxion Sync: a small table, and triggers that note in it which rows changed.
-- They change no table of the POS, run as a part of the cashier's own statement, wait for a second at most, and swallow
-- their own errors. Nothing here starts a program or uses the network.
-- One thing to know: SQL Server refuses OUTPUT without INTO on a table that has a trigger, whatever the trigger does
-- (error 334). Ring up a sale after installing. To take it away: fluxion-agent outbox remove
";

pub(super) fn install(tables: &[Triggered], reader: Option<&str>) -> SourceResult<Vec<String>> {
    let mut statements = vec![
        create_table(),
        format!("ALTER TABLE {TABLE} SET (LOCK_ESCALATION = DISABLE)"),
        // The trigger writes with the cashier's rights where its table has another owner than the outbox.
        format!("GRANT INSERT ON {TABLE} TO public"),
    ];
    for table in tables {
        let trigger = table.trigger();
        let there = literal(&trigger);
        statements.push(format!(
            "IF OBJECT_ID({there}, N'TR') IS NOT NULL DROP TRIGGER {trigger}"
        ));
        statements.push(create_trigger(table)?);
    }
    for table in tables {
        for key in &table.watched.keys {
            let source = literal(&source_of(&table.watched.table, key));
            statements.push(format!(
                "INSERT INTO {TABLE} (at, source, op) VALUES (SYSUTCDATETIME(), {source}, N'x')"
            ));
        }
    }
    // Readers begin behind this row and not behind one that stays for good: while it is there, nothing was pruned.
    statements.push(format!(
        "INSERT INTO {TABLE} (at, source, op) VALUES (SYSUTCDATETIME(), N'', N'a')"
    ));
    if let Some(reader) = reader {
        let reader = bracketed(reader);
        statements.push(format!("GRANT SELECT, DELETE ON {TABLE} TO {reader}"));
        for table in tables {
            // So that the agent notices when a trigger is gone.
            let table = table.full_name();
            statements.push(format!("GRANT VIEW DEFINITION ON {table} TO {reader}"));
        }
    }
    Ok(statements)
}

fn create_table() -> String {
    let there = literal(TABLE);
    let mut sql = format!(
        "IF OBJECT_ID({there}, N'U') IS NULL CREATE TABLE {TABLE} (\n  \
         seq rowversion NOT NULL CONSTRAINT PK_fluxion_outbox PRIMARY KEY CLUSTERED,\n  \
         at datetime2(3) NOT NULL,\n  source nvarchar(190) NOT NULL,\n  op nchar(1) NOT NULL"
    );
    for number in 1..=outbox::KEY_PARTS {
        sql += &format!(",\n  k{number} nvarchar({PART}) COLLATE Latin1_General_BIN2 NULL");
    }
    sql + "\n)"
}

fn create_trigger(table: &Triggered) -> SourceResult<String> {
    let mut sql = format!(
        "CREATE TRIGGER {} ON {} AFTER INSERT, UPDATE, DELETE AS\nBEGIN\n  \
         SET NOCOUNT ON;\n  SET XACT_ABORT OFF;\n  SET LOCK_TIMEOUT 1000;\n  \
         IF OBJECT_ID({}, N'U') IS NULL RETURN;\n  BEGIN TRY\n",
        table.trigger(),
        table.full_name(),
        literal(TABLE),
    );
    for (key, types) in table.watched.keys.iter().zip(&table.types) {
        sql += &note(table, key, types)?;
    }
    Ok(sql + "  END TRY\n  BEGIN CATCH\n    RETURN;\n  END CATCH;\nEND")
}

/// One insert for all rows of the statement; a changed key is two keys.
fn note(table: &Triggered, key: &[String], types: &[String]) -> SourceResult<String> {
    let mut parts = Vec::new();
    for (number, (column, base_type)) in key.iter().zip(types).enumerate() {
        let text = as_text(table, &names::parts(column).join("."), base_type)?;
        parts.push(format!("{text} AS k{}", number + 1));
    }
    let columns: Vec<String> = (1..=key.len()).map(|number| format!("k{number}")).collect();
    let (columns, parts) = (columns.join(", "), parts.join(", "));
    let source = literal(&source_of(&table.watched.table, key));
    Ok(format!(
        "    INSERT INTO {TABLE} (at, source, op, {columns})\n    \
         SELECT SYSUTCDATETIME(), {source}, CASE WHEN NOT EXISTS (SELECT 1 FROM deleted) THEN N'i' \
         WHEN NOT EXISTS (SELECT 1 FROM inserted) THEN N'd' ELSE N'u' END, {columns}\n    \
         FROM (SELECT {parts} FROM inserted AS r UNION SELECT {parts} FROM deleted AS r) AS changed;\n"
    ))
}

/// A key value as the stream's own query shows it, compared byte by byte, so that no collation gets in the way.
fn as_text(table: &Triggered, column: &str, base_type: &str) -> SourceResult<String> {
    const EXACT: &str = "COLLATE Latin1_General_BIN2";
    let name = format!("r.{}", bracketed(column));
    Ok(match base_type {
        "char" | "varchar" | "nchar" | "nvarchar" => {
            format!("CONVERT(nvarchar({PART}), {name}) {EXACT}")
        }
        "tinyint" | "smallint" | "int" | "bigint" | "decimal" | "numeric" | "bit"
        | "uniqueidentifier" => format!("CONVERT(nvarchar(60), {name}) {EXACT}"),
        "datetime" | "smalldatetime" | "date" => {
            format!("CONVERT(nvarchar(30), {name}, 126) {EXACT}")
        }
        other => {
            let hint = format!(
                "Column {column} of {} is of type {other} and cannot be the key of an outbox: use Change Tracking, \"watermark\" or \"diff\" for that stream.",
                table.full_name()
            );
            let why = format!("a key of type {other} has no exact text");
            return Err(SourceError::ask(
                KIND,
                "write an outbox",
                "unsupported",
                hint,
                why,
            ));
        }
    })
}

pub(super) fn remove(ours: &[Vec<Value>]) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for row in ours {
        if let [schema, name] = &row[..] {
            let schema = bracketed(&schema.to_string());
            let name = bracketed(&name.to_string());
            statements.push(format!("DROP TRIGGER {schema}.{name}"));
        }
    }
    let there = literal(TABLE);
    statements.push(format!(
        "IF OBJECT_ID({there}, N'U') IS NOT NULL DROP TABLE {TABLE}"
    ));
    statements
}

/// Carries a script out with the login of this session.
pub(super) async fn run(session: &mut Session, script: &OutboxScript) -> SourceResult<()> {
    // Tables cannot be made in a snapshot.
    let plain = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned();
    for statement in std::iter::once(&plain).chain(&script.statements) {
        match session.batch(statement).await {
            Ok(()) => {}
            Err(fault) if statement.starts_with("GRANT") => {
                tracing::warn!(
                    %fault,
                    "the outbox is installed, but this login could not give the agent's account its rights: run {statement}"
                );
            }
            Err(fault) => return Err(refused(session, statement, fault)),
        }
    }
    Ok(())
}

fn refused(session: &Session, statement: &str, fault: QueryFault) -> SourceError {
    let first = statement.lines().next().unwrap_or_default();
    let action = format!("run {first:?} in {}", session.target.name());
    match fault::code(&fault) {
        Some(1222 | 1205) => {
            let hint = "A table stays in use: install while the shop is closed.";
            SourceError::ask(KIND, action, "unsupported", hint, fault)
        }
        Some(_) => {
            let hint = "This login may not do that: use one that owns the database (db_owner) while installing, or have its owner run what `fluxion-agent outbox print` shows.";
            SourceError::ask(KIND, action, "permission_denied", hint, fault)
        }
        None => SourceError::retry(KIND, action, fault),
    }
}

/// Whether the outbox is there for this stream.
pub(super) async fn allows(session: &mut Session, stream: &StreamSpec) -> SourceResult<Allowed> {
    let watched = outbox::watched(KIND, std::slice::from_ref(stream))?;
    let state = allowed::ask(session, STATE, TABLE).await?;
    let state = state.into_iter().next().unwrap_or_default();
    if !matches!(state.first(), Some(Value::Int(_))) {
        return Ok(no(
            "the outbox is not installed; look at `fluxion-agent outbox print`",
            "la bandeja de salida no está instalada; vea `fluxion-agent outbox print`",
        ));
    }
    if state[1..] != [Value::Int(1), Value::Int(1)] {
        let user = &session.target.config.user;
        return Ok(no(
            format!(
                "user {user:?} may not read and prune {TABLE}: grant it SELECT and DELETE on that table"
            ),
            format!(
                "el usuario {user:?} no puede leer y depurar {TABLE}: otórguele SELECT y DELETE sobre esa tabla"
            ),
        ));
    }
    let installed = outbox::installed(session, &spelling()).await;
    let installed = installed.map_err(|fault| trouble(session, fault))?;
    let missing = outbox::missing(stream, &installed);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Ok(no(
            format!(
                "the outbox does not note changes of {missing}; run `fluxion-agent outbox install`"
            ),
            format!(
                "la bandeja de salida no anota los cambios de {missing}; ejecute `fluxion-agent outbox install`"
            ),
        ));
    }
    for watched in watched {
        let table = allowed::triggered(session, watched).await?;
        let state = allowed::ask(session, TRIGGER, &table.trigger()).await?;
        if state.first().and_then(|row| row.first()) != Some(&Value::Int(0)) {
            let name = quoted(&table.watched.table);
            return Ok(no(
                format!(
                    "table {name} has lost its trigger, perhaps when the POS was updated, or it is disabled; run `fluxion-agent outbox install`"
                ),
                format!(
                    "la tabla {name} perdió su disparador, quizá al actualizar el POS, o está deshabilitado; ejecute `fluxion-agent outbox install`"
                ),
            ));
        }
    }
    Ok(Allowed::Yes)
}

fn trouble(session: &Session, fault: SqlFault) -> SourceError {
    let action = format!("look at the outbox of {}", session.target.name());
    SourceError::retry(KIND, action, fault)
}
