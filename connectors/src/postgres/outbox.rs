//! The outbox: a small table that triggers write changed keys to.
//!
//! The triggers cannot fail a sale: they work on whole statements, ask for no lock that the statement does not hold,
//! and swallow their own errors, leaving a line in the server's log (the nightly sweep finds what they missed). They use
//! no sequence, because a POS may ask `lastval()` after its INSERT. They run with their owner's rights, so the POS's
//! accounts need none.
//!
//! Each row names the transaction that wrote it. What is new is what the last look's snapshot of the server did not
//! show and this one does; so a transaction that stays open for an hour is neither missed when it commits nor holds up
//! the others.

use fluxion_model::stream::{ChangedTable, StreamSpec};
use fluxion_model::value::Value;
use sha2::{Digest, Sha256};

use super::KIND;
use super::config::Target;
use super::session::Session;
use crate::connector::{Allowed, OutboxPart, OutboxScript, Said};
use crate::error::{SourceError, SourceResult};
use crate::sql::{SqlFault, SqlSession, Statement};

/// The outbox's table, in the first schema of the search path.
pub(super) const TABLE: &str = "fluxion_outbox";

/// Transition tables, by which a trigger sees a whole statement, came with this version.
const STATEMENT_TRIGGERS: u32 = 100_000;

/// A table as the server knows it.
pub(super) struct Watched {
    /// Schema and name, quoted.
    pub table: String,
    /// Key columns with their types, quoted.
    pub key: Vec<(String, String)>,
    /// What our triggers and function for it are called.
    pub name: String,
    pub stream: String,
}

/// The tables of a stream, looked up.
pub(super) async fn watched(
    session: &mut Session,
    spec: &StreamSpec,
) -> SourceResult<Vec<Watched>> {
    if spec.changes.is_empty() {
        return Err(ask(
            spec,
            "invalid_mapping",
            "name the tables whose changes concern it under `changes`",
        ));
    }
    let mut all = Vec::with_capacity(spec.changes.len());
    for changed in &spec.changes {
        all.push(look_up(session, spec, changed).await?);
    }
    Ok(all)
}

fn ask(spec: &StreamSpec, code: &'static str, what: &str) -> SourceError {
    SourceError::ask(
        KIND,
        format!("follow stream {} by an outbox", spec.name),
        code,
        format!("Stream {:?}: {what}.", spec.name.to_string()),
        what.to_owned(),
    )
}

async fn look_up(
    session: &mut Session,
    spec: &StreamSpec,
    changed: &ChangedTable,
) -> SourceResult<Watched> {
    let failed = |fault: SqlFault| {
        let action = format!("look at table {} for the outbox", changed.table);
        SourceError::retry(KIND, action, fault)
    };
    let mut statement = Statement::new(&session.dialect());
    statement
        .push(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), CAST(c.relkind AS text), \
             CAST(a.attname AS text), pg_catalog.format_type(a.atttypid, NULL) \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.oid = to_regclass(",
        )
        .bind(Value::text(changed.table.as_str()))
        .push(")");
    let rows = session.all(&statement).await.map_err(failed)?;
    let Some(table) = rows.first().map(|row| row[0].to_string()) else {
        let what = format!(
            "table {} does not exist; correct `changes` in the mapping",
            changed.table
        );
        return Err(ask(spec, "missing_table", &what));
    };
    if !rows
        .iter()
        .any(|row| matches!(row[1].to_string().as_str(), "r" | "p"))
    {
        let what = format!(
            "{} is no table, and only tables have triggers; name the tables behind it in `changes`",
            changed.table
        );
        return Err(ask(spec, "unsupported", &what));
    }
    let mut key = Vec::with_capacity(changed.key.len());
    for name in &changed.key {
        let bare = name.trim_matches('"');
        let found = rows
            .iter()
            .find(|row| row[2].to_string().eq_ignore_ascii_case(bare));
        let Some(found) = found else {
            let what = format!(
                "table {} has no column {name}; correct `changes` in the mapping",
                changed.table
            );
            return Err(ask(spec, "missing_column", &what));
        };
        let column = session.dialect().quote(&found[2].to_string());
        key.push((column, found[3].to_string()));
    }
    let name = name_of(spec, &table, &key);
    Ok(Watched {
        table,
        key,
        name,
        stream: spec.name.to_string(),
    })
}

/// Changes with whatever the triggers depend on.
fn name_of(spec: &StreamSpec, table: &str, key: &[(String, String)]) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{}|{table}|{key:?}", spec.name));
    let hash: String = digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("fluxion_outbox_{hash}")
}

/// Whether the outbox of a stream is installed.
pub(super) async fn allows(session: &mut Session, spec: &StreamSpec) -> SourceResult<Allowed> {
    let failed =
        |fault: SqlFault| SourceError::retry(KIND, "look whether the outbox is installed", fault);
    let wanted = watched(session, spec).await?;
    for watched in &wanted {
        let mut statement = Statement::new(&session.dialect());
        statement
            .push("SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgenabled <> 'D' AND tgrelid = to_regclass(")
            .bind(Value::text(watched.table.as_str()))
            .push(") AND tgname LIKE ")
            .bind(Value::text(format!("{}\\_%", watched.name.replace('_', "\\_"))));
        let rows = session.all(&statement).await.map_err(failed)?;
        let count = match rows.first().and_then(|row| row.first()) {
            Some(Value::Int(count)) => *count,
            _ => 0,
        };
        if count < 4 {
            return Ok(Allowed::No {
                why: Said::new(
                    format!(
                        "The outbox of stream {} is not installed on {}: run `fluxion-agent outbox print` to see what it would do, then `fluxion-agent outbox install`.",
                        spec.name, watched.table
                    ),
                    format!(
                        "El outbox del flujo {} no está instalado en {}: ejecute `fluxion-agent outbox print` para ver qué haría, y luego `fluxion-agent outbox install`.",
                        spec.name, watched.table
                    ),
                ),
            });
        }
    }
    Ok(Allowed::Yes)
}

/// The statements, for review.
pub(super) async fn script(
    session: &mut Session,
    streams: &[StreamSpec],
    part: OutboxPart,
) -> SourceResult<OutboxScript> {
    let schema = schema(session).await?;
    let outbox = format!("{schema}.{TABLE}");
    let mut statements = Vec::new();
    match part {
        OutboxPart::Install => {
            statements.push(format!(
                "CREATE TABLE IF NOT EXISTS {outbox} (xid bigint NOT NULL, stream text NOT NULL, key text[])"
            ));
            statements.push(format!(
                "CREATE INDEX IF NOT EXISTS {TABLE}_by_stream ON {outbox} (stream, xid)"
            ));
            let user = session.dialect().quote(&session.target.config.user);
            statements.push(format!("GRANT SELECT, DELETE ON {outbox} TO {user}"));
            for spec in streams {
                // Whoever empties the table takes this row away too, and that is noticed.
                let name = literal(spec.name.as_ref());
                statements.push(format!(
                    "INSERT INTO {outbox} (xid, stream) SELECT 0, {name} WHERE NOT EXISTS \
                     (SELECT 1 FROM {outbox} WHERE xid = 0 AND stream = {name})"
                ));
                for watched in watched(session, spec).await? {
                    let by_statement = session.version >= STATEMENT_TRIGGERS;
                    statements.extend(install(&watched, &schema, &outbox, by_statement));
                }
            }
        }
        OutboxPart::Remove => {
            let mut names = Vec::new();
            for spec in streams {
                names.extend(watched(session, spec).await?.into_iter().map(|w| w.name));
            }
            statements = remove(session, &names, &outbox).await?;
        }
    }
    Ok(OutboxScript {
        statements,
        ..OutboxScript::default()
    })
}

async fn schema(session: &mut Session) -> SourceResult<String> {
    let failed = |fault: SqlFault| SourceError::retry(KIND, "look for a schema", fault);
    let found = session
        .texts("SELECT quote_ident(current_schema())")
        .await
        .map_err(failed)?;
    match found.into_iter().next() {
        Some(schema) if !schema.is_empty() => Ok(schema),
        _ => Err(SourceError::ask(
            KIND,
            "look for a schema",
            "missing_setting",
            "Name the POS's schema in `connection.schema`.",
            "the account's search path names no schema that exists",
        )),
    }
}

/// A key column as text that does not depend on the settings of whoever writes.
fn as_text(row: &str, (column, kind): &(String, String)) -> String {
    let value = format!("{row}.{column}");
    match kind.as_str() {
        "bytea" => format!("'0x' || encode({value}, 'hex')"),
        "date" => format!("to_char({value}, 'YYYY-MM-DD')"),
        "timestamp without time zone" => {
            format!("to_char({value}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')")
        }
        "timestamp with time zone" => {
            format!("to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        "money" => format!("CAST(CAST({value} AS numeric) AS text)"),
        _ => format!("CAST({value} AS text)"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Function and triggers of one table. Before version 10 a trigger sees one row at a time.
fn install(watched: &Watched, schema: &str, outbox: &str, by_statement: bool) -> Vec<String> {
    let Watched {
        table,
        key,
        name,
        stream,
    } = watched;
    let function = format!("{schema}.{name}");
    let stream = literal(stream);
    let keys = |row: &str| {
        let parts: Vec<String> = key.iter().map(|column| as_text(row, column)).collect();
        format!("ARRAY[{}]", parts.join(", "))
    };
    let select = |row: &str| {
        let from = if by_statement {
            format!(" FROM {row}")
        } else {
            String::new()
        };
        format!("SELECT txid_current(), {stream}, {}{from}", keys(row))
    };
    let (old, new) = if by_statement {
        ("fluxion_old", "fluxion_new")
    } else {
        ("OLD", "NEW")
    };
    let insert = format!("INSERT INTO {outbox} (xid, stream, key)");
    let body = format!(
        "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
         SET search_path = pg_catalog, pg_temp AS $fluxion$
BEGIN
  IF TG_OP = 'INSERT' THEN
    {insert} {};
  ELSIF TG_OP = 'DELETE' THEN
    {insert} {};
  ELSIF TG_OP = 'UPDATE' THEN
    {insert} {} UNION {};
  ELSE
    {insert} VALUES (txid_current(), {stream}, NULL);
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'fluxion outbox {name}: %', SQLERRM;
  RETURN NULL;
END
$fluxion$",
        select(new),
        select(old),
        select(old),
        select(new),
    );
    let mut statements = vec![body];
    let each = if by_statement { "STATEMENT" } else { "ROW" };
    for (ending, event, tables) in [
        ("ins", "INSERT", "NEW TABLE AS fluxion_new"),
        (
            "upd",
            "UPDATE",
            "OLD TABLE AS fluxion_old NEW TABLE AS fluxion_new",
        ),
        ("del", "DELETE", "OLD TABLE AS fluxion_old"),
        ("trn", "TRUNCATE", ""),
    ] {
        let referencing = match (by_statement, tables) {
            (true, tables) if !tables.is_empty() => format!(" REFERENCING {tables}"),
            _ => String::new(),
        };
        let each = if event == "TRUNCATE" {
            "STATEMENT"
        } else {
            each
        };
        statements.push(format!("DROP TRIGGER IF EXISTS {name}_{ending} ON {table}"));
        statements.push(format!(
            "CREATE TRIGGER {name}_{ending} AFTER {event} ON {table}{referencing} FOR EACH {each} EXECUTE PROCEDURE {function}()"
        ));
    }
    statements
}

/// Takes away the triggers of these names; and the table with the last of them all.
async fn remove(
    session: &mut Session,
    names: &[String],
    outbox: &str,
) -> SourceResult<Vec<String>> {
    let failed = |fault: SqlFault| SourceError::retry(KIND, "look for the outbox", fault);
    let rows = session
        .ask(
            "SELECT CAST(t.tgname AS text), quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
             CAST(p.proname AS text), quote_ident(pn.nspname) || '.' || quote_ident(p.proname) \
             FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
             JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace \
             WHERE t.tgname LIKE 'fluxion\\_outbox\\_%' ORDER BY 1",
        )
        .await
        .map_err(failed)?;
    let mut statements = Vec::new();
    let mut functions = Vec::new();
    let mut others = false;
    for row in &rows {
        let [trigger, table, function, path] = [0, 1, 2, 3].map(|at| row[at].to_string());
        if names.contains(&function) {
            statements.push(format!("DROP TRIGGER IF EXISTS {trigger} ON {table}"));
            functions.push(path);
        } else {
            others = true;
        }
    }
    functions.dedup();
    statements.extend(
        functions
            .iter()
            .map(|function| format!("DROP FUNCTION IF EXISTS {function}()")),
    );
    if !others {
        statements.push(format!("DROP TABLE IF EXISTS {outbox}"));
    }
    Ok(statements)
}

/// Carries a script out, all of it or nothing, giving way to the POS where it holds a table.
pub(super) async fn run(session: &mut Session, script: &OutboxScript) -> SourceResult<()> {
    let target = session.target.clone();
    let explain = |statement: &str, fault: SqlFault| explain(&target, statement, fault);
    let begin = "BEGIN READ WRITE";
    session
        .command(begin)
        .await
        .map_err(|fault| explain(begin, fault))?;
    for statement in &script.statements {
        session
            .command(statement)
            .await
            .map_err(|fault| explain(statement, fault))?;
    }
    session
        .command("COMMIT")
        .await
        .map_err(|fault| explain("COMMIT", fault))
}

fn explain(target: &Target, statement: &str, fault: SqlFault) -> SourceError {
    let first: String = statement
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(100)
        .collect();
    let action = format!("run `{first}` on {}", target.name());
    let code = fault
        .downcast_ref::<sqlx::Error>()
        .and_then(super::fault::code)
        .unwrap_or_default();
    match code {
        "42501" => {
            let hint = format!(
                "User {:?} may not do that: have the database's owner run what `fluxion-agent outbox print` shows, or log in as the owner for the installation. Nothing was changed.",
                target.config.user
            );
            SourceError::ask(KIND, action, "permission_denied", hint, fault)
        }
        "55P03" => {
            let hint =
                "The POS is using a table; nothing was changed. Try again in a quiet moment.";
            SourceError::ask(KIND, action, "unsupported", hint, fault)
        }
        _ => SourceError::ask(
            KIND,
            action,
            "invalid_query",
            "The server refuses the statement; nothing was changed. Show the statement to the database's technician.",
            fault,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Watched {
        Watched {
            table: "public.items".into(),
            key: vec![
                ("\"id\"".into(), "integer".into()),
                ("\"made\"".into(), "date".into()),
            ],
            name: "fluxion_outbox_x".into(),
            stream: "items".into(),
        }
    }

    #[test]
    fn a_trigger_sees_whole_statements_and_swallows_its_own_errors() {
        let all = install(&items(), "public", "public.fluxion_outbox", true).join("\n");
        assert!(all.contains("SELECT txid_current(), 'items', ARRAY[CAST(fluxion_new.\"id\" AS text), to_char(fluxion_new.\"made\", 'YYYY-MM-DD')] FROM fluxion_new"), "{all}");
        assert!(all.contains(
            "AFTER DELETE ON public.items REFERENCING OLD TABLE AS fluxion_old FOR EACH STATEMENT"
        ));
        assert!(all.contains("EXCEPTION WHEN OTHERS THEN"));
        assert!(!all.contains("nextval") && !all.contains("serial"));
    }

    #[test]
    fn before_version_10_it_sees_rows() {
        let all = install(&items(), "public", "public.fluxion_outbox", false).join("\n");
        assert!(
            all.contains("AFTER UPDATE ON public.items FOR EACH ROW"),
            "{all}"
        );
        assert!(all.contains("AFTER TRUNCATE ON public.items FOR EACH STATEMENT"));
        assert!(all.contains(
            "ARRAY[CAST(OLD.\"id\" AS text), to_char(OLD.\"made\", 'YYYY-MM-DD')] UNION SELECT"
        ));
        assert!(!all.contains("REFERENCING"));
    }
}
