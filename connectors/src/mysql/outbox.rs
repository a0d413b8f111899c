//! The trigger outbox in MySQL and MariaDB: its text, and whether it is there.
//!
//! Triggers run for each row, so they hold one plain insert and a handler that swallows whatever goes wrong with it: a
//! lock, a full disk, a missing table. The cashier's statement goes on in any case; what was missed is found by the
//! nightly sweep.

use std::sync::Arc;

use fluxion_model::stream::StreamSpec;
use fluxion_model::value::Value;
use mysql_async::Error;

use super::KIND;
use super::config::Target;
use super::session::{QueryFault, Session};
use crate::connector::{Allowed, OutboxPart, OutboxScript, Said};
use crate::error::{SourceError, SourceResult};
use crate::sql::outbox::{
    self, Operation, OutboxSpelling, TABLE, Watched, source_of, trigger_name,
};
use crate::sql::{SqlFault, SqlSession, Statement};

/// How the outbox is read: numbers count up by one, and are handed out before they are committed.
pub(super) fn spelling() -> OutboxSpelling {
    OutboxSpelling {
        table: TABLE.to_owned(),
        seq: "seq",
        number: ("", ""),
        bound: None,
        step: Some("@@global.auto_increment_increment"),
        prune: Some((
            "DELETE FROM fluxion_outbox WHERE seq < ",
            " AND op <> 'x' AND at < UTC_TIMESTAMP() - INTERVAL 1 DAY ORDER BY seq LIMIT 500",
        )),
    }
}

/// The statements for these streams. Reads the catalog and changes nothing.
pub(super) async fn script(
    target: &Arc<Target>,
    streams: &[StreamSpec],
    part: OutboxPart,
) -> SourceResult<OutboxScript> {
    let watched = outbox::watched(KIND, streams)?;
    let mut session = Session::open(target).await?;
    let schema = &target.config.database;
    let statements = match part {
        OutboxPart::Install => {
            let mut tables = Vec::with_capacity(watched.len());
            for watched in &watched {
                let types = column_types(&mut session, target, watched).await?;
                tables.push((watched, types));
            }
            let reader = current_user(&mut session).await;
            let reader = reader.map_err(|fault| trouble(target, fault))?;
            install(schema, &tables, reader.as_deref())
        }
        OutboxPart::Remove => {
            let ours = our_triggers(&mut session).await;
            let ours = ours.map_err(|fault| trouble(target, fault))?;
            remove(schema, &watched, &ours)
        }
    };
    let for_client = for_client(&statements);
    Ok(OutboxScript {
        statements,
        for_client,
    })
}

/// With a delimiter of its own, because the bodies of triggers hold semicolons.
fn for_client(statements: &[String]) -> String {
    format!(
        "DELIMITER //\n{} //\nDELIMITER ;\n",
        statements.join(" //\n")
    )
}

/// For whoever reviews it.
const INTRO: &str = "\
-- The outbox of Fluxion Sync: a small table, and triggers that note in it which rows changed.
-- Run it with an account that stays: a trigger whose creator is deleted makes every write to its table fail.
-- Each trigger does one plain insert, and an error in it is swallowed, so that no sale can fail because of it.
-- Nothing here starts a program or uses the network. To take it away: fluxion-agent outbox remove
";

/// A column of a key and its type.
type Typed = (String, String);

fn install(
    schema: &str,
    tables: &[(&Watched, Vec<Vec<Typed>>)],
    reader: Option<&str>,
) -> Vec<String> {
    let outbox = format!("{}.{TABLE}", quote(schema));
    let mut statements = vec![format!(
        "{INTRO}CREATE TABLE IF NOT EXISTS {outbox} (\n  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,\n  at DATETIME NOT \
         NULL,\n  source VARCHAR(190) NOT NULL,\n  op CHAR(1) NOT NULL,\n  k1 VARCHAR(255) NULL,\n  k2 VARCHAR(255) \
         NULL,\n  k3 VARCHAR(255) NULL,\n  k4 VARCHAR(255) NULL\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 \
         COLLATE=utf8mb4_bin"
    )];
    for (watched, types) in tables {
        let table = table_in(schema, &watched.table);
        for operation in Operation::ALL {
            let name = trigger_in(schema, &watched.table, operation);
            statements.push(format!("DROP TRIGGER IF EXISTS {name}"));
            let body = body(&outbox, watched, types, operation);
            statements.push(format!(
                "CREATE TRIGGER {name} AFTER {} ON {table} FOR EACH ROW\nBEGIN\n  DECLARE CONTINUE HANDLER FOR \
                 SQLEXCEPTION BEGIN END;\n{body}END",
                operation.word()
            ));
        }
    }
    for (watched, _) in tables {
        for key in &watched.keys {
            let source = literal(&source_of(&watched.table, key));
            statements.push(format!(
                "INSERT INTO {outbox} (at, source, op) VALUES (UTC_TIMESTAMP(), {source}, 'x')"
            ));
        }
    }
    statements.push(format!(
        "INSERT INTO {outbox} (at, source, op) VALUES (UTC_TIMESTAMP(), '', 'a')"
    ));
    if let Some(reader) = reader {
        statements.push(format!("GRANT SELECT, DELETE ON {outbox} TO {reader}"));
    }
    statements
}

/// One insert per list of key columns; a changed key is two keys.
fn body(outbox: &str, watched: &Watched, types: &[Vec<Typed>], operation: Operation) -> String {
    let mut body = String::new();
    for (key, types) in watched.keys.iter().zip(types) {
        let source = literal(&source_of(&watched.table, key));
        let insert = |row: &str| {
            let columns: Vec<_> = (1..=types.len())
                .map(|number| format!("k{number}"))
                .collect();
            let values: Vec<_> = types
                .iter()
                .map(|(column, kind)| as_text(&format!("{row}.{}", quote(column)), kind))
                .collect();
            format!(
                "INSERT INTO {outbox} (at, source, op, {}) VALUES (UTC_TIMESTAMP(), {source}, '{}', {});\n",
                columns.join(", "),
                operation.letter(),
                values.join(", ")
            )
        };
        match operation {
            Operation::Insert => body += &format!("  {}", insert("NEW")),
            Operation::Delete => body += &format!("  {}", insert("OLD")),
            Operation::Update => {
                let same: Vec<_> = key
                    .iter()
                    .map(|column| {
                        let column = quote(column);
                        format!("CAST(OLD.{column} AS BINARY) <=> CAST(NEW.{column} AS BINARY)")
                    })
                    .collect();
                body += &format!("  {}", insert("NEW"));
                body += &format!(
                    "  IF NOT ({}) THEN\n    {}  END IF;\n",
                    same.join(" AND "),
                    insert("OLD")
                );
            }
        }
    }
    body
}

/// A key value as the reader writes it.
fn as_text(value: &str, kind: &str) -> String {
    if kind.contains("binary") || kind.contains("blob") {
        format!("CONCAT('0x', LOWER(HEX({value})))")
    } else if kind.starts_with("bit") {
        format!("CAST({value} + 0 AS CHAR)")
    } else if kind.starts_with("timestamp") {
        // Whatever the till's time zone is, the moment is written in UTC.
        format!("CAST(CONVERT_TZ({value}, @@session.time_zone, '+00:00') AS CHAR)")
    } else {
        format!("CONVERT({value} USING utf8mb4)")
    }
}

fn remove(schema: &str, watched: &[Watched], ours: &[String]) -> Vec<String> {
    let expected = watched.iter().flat_map(|watched| {
        Operation::ALL.map(|operation| trigger_in(schema, &watched.table, operation))
    });
    let mut statements: Vec<String> = Vec::new();
    for name in expected.chain(ours.iter().cloned()) {
        let statement = format!("DROP TRIGGER IF EXISTS {name}");
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    statements.push(format!("DROP TABLE IF EXISTS {}.{TABLE}", quote(schema)));
    statements
}

/// Carries a script out with the login of this target.
pub(super) async fn run(target: &Arc<Target>, script: &OutboxScript) -> SourceResult<()> {
    let mut session = Session::open_to_install(target).await?;
    for statement in &script.statements {
        match session.set(statement).await {
            Ok(()) => {}
            Err(QueryFault::Server(error)) if statement.starts_with("GRANT") => {
                tracing::warn!(
                    %error,
                    "the outbox is installed, but this login could not let the agent's account prune it: run {statement}"
                );
            }
            Err(fault) => return Err(refused(target, statement, fault)),
        }
    }
    Ok(())
}

fn refused(target: &Target, statement: &str, fault: QueryFault) -> SourceError {
    let first = statement.lines().next().unwrap_or_default();
    let action = format!("run {first:?} in {}", target.name());
    let code = match &fault {
        QueryFault::Server(Error::Server(error)) => error.code,
        QueryFault::Server(_) | QueryFault::Late(_) => 0,
    };
    match code {
        1044 | 1142 | 1143 | 1227 | 1370 => {
            let hint = "This login may not do that: use one with CREATE, DROP and TRIGGER on the database, as in \
                        `fluxion-agent outbox install --user root`.";
            SourceError::ask(KIND, action, "permission_denied", hint, fault)
        }
        1419 => {
            let hint = "The server keeps a binary log and lets only SUPER create triggers: use such a login, or set \
                        log_bin_trust_function_creators = 1 on the server while installing.";
            SourceError::ask(KIND, action, "permission_denied", hint, fault)
        }
        1235 => {
            let hint = "This server allows one trigger per table and operation, and the POS has one there already: use \
                        \"watermark\" or \"diff\" for the streams of that table. Run `fluxion-agent outbox remove` to \
                        take away what was installed so far.";
            SourceError::ask(KIND, action, "unsupported", hint, fault)
        }
        1205 => {
            let hint = "A table stays in use: install while the shop is closed.";
            SourceError::ask(KIND, action, "unsupported", hint, fault)
        }
        _ => SourceError::retry(KIND, action, fault),
    }
}

/// Whether the outbox is there for this stream.
pub(super) async fn allows(target: &Arc<Target>, stream: &StreamSpec) -> SourceResult<Allowed> {
    outbox::watched(KIND, std::slice::from_ref(stream))?;
    let mut session = Session::open(target).await?;
    let installed = match outbox::installed(&mut session, &spelling()).await {
        Ok(installed) => installed,
        Err(fault) => return not_readable(target, fault),
    };
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
    // Triggers can be seen only by an account that may create them. Where some are seen, all must be there.
    let ours = our_triggers(&mut session).await;
    let ours = ours.map_err(|fault| trouble(target, fault))?;
    let schema = &target.config.database;
    let gone = stream.changes.iter().find(|changed| {
        !ours.is_empty()
            && Operation::ALL
                .iter()
                .any(|operation| !ours.contains(&trigger_in(schema, &changed.table, *operation)))
    });
    Ok(match gone {
        None => Allowed::Yes,
        Some(changed) => no(
            format!(
                "table {} has lost its triggers, perhaps when the POS was updated; run `fluxion-agent outbox install`",
                changed.table
            ),
            format!(
                "la tabla {} perdió sus disparadores, quizá al actualizar el POS; ejecute `fluxion-agent outbox install`",
                changed.table
            ),
        ),
    })
}

fn no(en: String, es: String) -> Allowed {
    Allowed::No {
        why: Said::new(en, es),
    }
}

fn not_readable(target: &Target, fault: SqlFault) -> SourceResult<Allowed> {
    let code = match fault.downcast_ref::<QueryFault>() {
        Some(QueryFault::Server(Error::Server(error))) => error.code,
        _ => 0,
    };
    match code {
        1146 => Ok(no(
            "the outbox is not installed; look at `fluxion-agent outbox print`".to_owned(),
            "la bandeja de salida no está instalada; vea `fluxion-agent outbox print`".to_owned(),
        )),
        1142 | 1143 => {
            let user = &target.config.user;
            Ok(no(
                format!("user {user:?} may not read {TABLE}: grant it SELECT on that table"),
                format!(
                    "el usuario {user:?} no puede leer {TABLE}: otórguele SELECT sobre esa tabla"
                ),
            ))
        }
        _ => Err(trouble(target, fault)),
    }
}

fn trouble(target: &Target, fault: SqlFault) -> SourceError {
    SourceError::retry(
        KIND,
        format!("look at the outbox of {}", target.name()),
        fault,
    )
}

/// The types of the key columns, in the order of the lists.
async fn column_types(
    session: &mut Session,
    target: &Target,
    watched: &Watched,
) -> SourceResult<Vec<Vec<Typed>>> {
    let (schema, table) = parts(&target.config.database, &watched.table);
    let mut statement = Statement::new(&session.dialect());
    statement
        .push(
            "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ",
        )
        .bind(Value::text(schema))
        .push(" AND TABLE_NAME = ")
        .bind(Value::text(table));
    let mut types: Vec<Typed> = Vec::new();
    let read = session
        .rows(&statement, &mut |values, _| {
            let text = |at: usize| values.get(at).map(text).unwrap_or_default();
            types.push((text(0), text(1).to_lowercase()));
        })
        .await;
    read.map_err(|fault| trouble(target, fault))?;
    let find = |column: &String| {
        let found = types
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(column));
        found.cloned().ok_or_else(|| {
            let hint = format!(
                "`changes` of the mapping names column {column} of table {}, which is not there: correct the mapping, or \
                 grant the account SELECT on that table.",
                watched.table
            );
            SourceError::ask(
                KIND,
                format!("look at table {}", watched.table),
                "missing_column",
                hint,
                "the column is not in the catalog",
            )
        })
    };
    let lists = watched.keys.iter();
    lists
        .map(|key| key.iter().map(find).collect::<SourceResult<_>>())
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        value => value.to_string(),
    }
}

/// Our triggers, as far as this account can see them.
async fn our_triggers(session: &mut Session) -> Result<Vec<String>, SqlFault> {
    let mut statement = Statement::new(&session.dialect());
    statement.push(
        "SELECT TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_NAME LIKE 'fluxion\\\\_%' AND \
         ACTION_STATEMENT LIKE CONCAT('%`', REPLACE(DATABASE(), '`', '``'), '`.fluxion\\\\_outbox%')",
    );
    let mut names = Vec::new();
    session
        .rows(&statement, &mut |values, _| {
            if let [schema, name] = &values[..] {
                names.push(format!("{}.{}", quote(&text(schema)), quote(&text(name))));
            }
        })
        .await?;
    Ok(names)
}

/// The reading account as GRANT wants it.
async fn current_user(session: &mut Session) -> Result<Option<String>, SqlFault> {
    let mut statement = Statement::new(&session.dialect());
    statement.push("SELECT CURRENT_USER()");
    let mut user = None;
    session
        .rows(&statement, &mut |values, _| user = values.first().map(text))
        .await?;
    Ok(user.and_then(|user| {
        let (name, host) = user.rsplit_once('@')?;
        Some(format!("{}@{}", literal(name), literal(host)))
    }))
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Schema and table of a name as the mapping writes it.
fn parts(schema: &str, table: &str) -> (String, String) {
    let bare = table.replace('`', "");
    match bare.split_once('.') {
        Some((schema, table)) => (schema.to_owned(), table.to_owned()),
        None => (schema.to_owned(), bare),
    }
}

fn table_in(schema: &str, table: &str) -> String {
    let (schema, table) = parts(schema, table);
    format!("{}.{}", quote(&schema), quote(&table))
}

fn trigger_in(schema: &str, table: &str, operation: Operation) -> String {
    let (schema, bare) = parts(schema, table);
    let name = trigger_name(&bare, operation, 64);
    format!("{}.{}", quote(&schema), quote(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_notes_the_old_and_the_new_key_and_swallows_its_own_errors() {
        let watched = Watched {
            table: "sale_lines".into(),
            keys: vec![vec!["number".into()]],
        };
        let types = vec![vec![("number".to_owned(), "int(11)".to_owned())]];
        let statements = install("pos", &[(&watched, types)], Some("'reader'@'%'"));
        let update = statements
            .iter()
            .find(|statement| statement.contains("AFTER UPDATE"))
            .unwrap();
        assert_eq!(
            update,
            "CREATE TRIGGER `pos`.`fluxion_sale_lines_u` AFTER UPDATE ON `pos`.`sale_lines` FOR EACH ROW\nBEGIN\n  \
             DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;\n  INSERT INTO `pos`.fluxion_outbox (at, source, op, \
             k1) VALUES (UTC_TIMESTAMP(), 'sale_lines(number)', 'u', CONVERT(NEW.`number` USING utf8mb4));\n  IF NOT \
             (CAST(OLD.`number` AS BINARY) <=> CAST(NEW.`number` AS BINARY)) THEN\n    INSERT INTO `pos`.fluxion_outbox \
             (at, source, op, k1) VALUES (UTC_TIMESTAMP(), 'sale_lines(number)', 'u', CONVERT(OLD.`number` USING \
             utf8mb4));\n  END IF;\nEND"
        );
        assert_eq!(
            statements.last().unwrap(),
            "GRANT SELECT, DELETE ON `pos`.fluxion_outbox TO 'reader'@'%'"
        );
        let all = statements.join("\n").to_lowercase();
        assert!(!all.contains("sys_exec") && !all.contains("outfile"));
    }
}
