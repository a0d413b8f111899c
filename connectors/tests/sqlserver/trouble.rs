//! Lines that break, servers that stall, tills that hold locks: nothing is lost, and the agent tries again.

use std::time::Duration;

use fluxion_connectors::{BatchLimit, Remedy, SourceError};
use fluxion_model::stream::StreamSpec;
use fluxion_tds::Action;
use serde_json::json;

use super::{Database, NAME, spec, table};
use crate::mirror::{Mirror, Step};

fn rows(count: usize) -> String {
    let rows: Vec<String> = (1..=count)
        .map(|id| format!("({id}, N'row {id}')"))
        .collect();
    let inserts = rows
        .chunks(500)
        .map(|rows| format!("INSERT INTO dbo.t (id, name) VALUES {}", rows.join(", ")));
    let inserts: Vec<String> = inserts.collect();
    format!(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, name nvarchar(20) NOT NULL);\n{}",
        inserts.join(";\n")
    )
}

fn all() -> StreamSpec {
    table("dbo.t", &["id"], json!({"id": "id", "name": "name"}))
}

/// Reads like an agent that opens again after its last cursor whenever something fails, and says what failed.
async fn read_on(database: &Database, mirror: &mut Mirror) -> Vec<SourceError> {
    let connector = database.connector_with(json!({"query_timeout_seconds": 1}));
    let limit = BatchLimit {
        rows: 100,
        ..BatchLimit::default()
    };
    let mut errors = Vec::new();
    'open: loop {
        assert!(errors.len() < 10, "{errors:?}");
        let mut stream = match connector
            .open(&all(), mirror.start(), mirror.context())
            .await
        {
            Ok(stream) => stream,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        loop {
            match mirror.step(stream.as_mut(), limit).await {
                Ok(Step::Batch) => {}
                Ok(Step::ScanComplete | Step::Rest) => return errors,
                Err(error) => {
                    errors.push(error);
                    continue 'open;
                }
            }
        }
    }
}

async fn survives(action: Action) -> SourceError {
    let database = Database::with(&rows(500));
    // The statement that reads a page, not those that ask about the table.
    database.server.fail_after("ORDER BY id", 1, 1, action);
    let mut mirror = Mirror::default();
    let mut errors = read_on(&database, &mut mirror).await;
    assert_eq!(mirror.rows.len(), 500);
    assert_eq!(mirror.delivered, 500, "no row twice");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    assert_eq!(error.remedy, Remedy::Retry, "{error:?}");
    error
}

#[tokio::test]
async fn a_line_that_breaks_between_two_rows_loses_nothing() {
    survives(Action::DisconnectAfterRows(37)).await;
}

#[tokio::test]
async fn a_line_that_breaks_before_the_answer_loses_nothing() {
    survives(Action::Disconnect).await;
}

#[tokio::test]
async fn the_victim_of_a_deadlock_tries_again() {
    let error = survives(Action::Deadlock).await;
    assert!(error.source.to_string().contains("1205"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_and_asked_again() {
    let error = survives(Action::Stall(Duration::from_secs(3))).await;
    assert!(
        error.source.to_string().contains("no answer within 1 s"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_till_that_holds_a_lock_is_waited_for_and_then_left_alone() {
    let database = Database::with(&rows(3));
    let busy = database.run_aside(
        "BEGIN TRANSACTION; UPDATE dbo.t SET name = N'held' WHERE id = 2; WAITFOR DELAY '00:00:03'; COMMIT".to_owned(),
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connector = database.connector_with(json!({"lock_timeout_seconds": 1}));
    let mut mirror = Mirror::default();
    let error = mirror.scan(connector.as_ref(), &all()).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(error.source.to_string().contains("1222"), "{error:?}");
    tokio::task::spawn_blocking(move || busy.join().unwrap())
        .await
        .unwrap();
    mirror.scan(connector.as_ref(), &all()).await.unwrap();
    assert_eq!(mirror.cell("2", "name"), "held");
}

#[tokio::test]
async fn where_the_database_serves_snapshots_nobody_waits() {
    let database = Database::with(&rows(3));
    database.allow_snapshots();
    let busy = database.run_aside(
        "BEGIN TRANSACTION; UPDATE dbo.t SET name = N'held' WHERE id = 2; WAITFOR DELAY '00:00:03'; COMMIT".to_owned(),
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connector = database.connector_with(json!({"lock_timeout_seconds": 1}));
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &all()).await.unwrap();
    assert_eq!(mirror.cell("2", "name"), "row 2");
    tokio::task::spawn_blocking(move || busy.join().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_restored_backup_is_noticed_by_every_strategy() {
    for capture in [
        json!({"strategy": "log"}),
        json!({"strategy": "watermark", "columns": ["version"], "kind": "rowversion"}),
    ] {
        let database = Database::with(&rows(3));
        database.run("ALTER TABLE dbo.t ADD version rowversion NOT NULL");
        database.track(&["dbo.t"]);
        database.run("UPDATE dbo.t SET name = N'before' WHERE id = 1");
        let backup = database.server.back_up(NAME).unwrap();
        database.run("UPDATE dbo.t SET name = N'lost' WHERE id = 1");
        database.run("DELETE FROM dbo.t WHERE id = 2");
        let mut stream = all();
        stream.capture = serde_json::from_value(capture).unwrap();
        stream.changes =
            serde_json::from_value(json!([{"table": "dbo.t", "key": ["id"]}])).unwrap();
        let connector = database.connector();
        let mut mirror = Mirror::default();
        mirror.scan(connector.as_ref(), &stream).await.unwrap();
        assert_eq!(mirror.rows.len(), 2);
        database.server.restore(&backup);
        let mut reopened = connector
            .open(&stream, mirror.start(), mirror.context())
            .await
            .unwrap();
        let error = loop {
            match mirror.step(reopened.as_mut(), BatchLimit::default()).await {
                Ok(Step::Batch) => {}
                Ok(Step::ScanComplete | Step::Rest) => panic!("went on as if nothing had happened"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
        mirror.scan(connector.as_ref(), &stream).await.unwrap();
        assert_eq!(mirror.keys(), ["1", "2", "3"]);
        assert_eq!(mirror.cell("1", "name"), "before");
    }
}

#[tokio::test]
async fn a_session_gives_way_and_says_who_it_is() {
    let database = Database::with(&rows(3));
    let mut mirror = Mirror::default();
    mirror
        .scan(database.connector().as_ref(), &all())
        .await
        .unwrap();
    let heard = database.server.heard().join("\n");
    assert!(heard.contains("SET DEADLOCK_PRIORITY LOW"), "{heard}");
    assert!(heard.contains("SET LOCK_TIMEOUT 5000"), "{heard}");
    assert!(!heard.to_uppercase().contains("NOLOCK"), "{heard}");
}

#[tokio::test]
async fn a_second_database_without_snapshots_is_read_without_them() {
    let database = Database::with(&rows(3));
    database.allow_snapshots();
    database.run("CREATE DATABASE VAD20");
    database.run("USE VAD20; CREATE TABLE dbo.tickets (number int NOT NULL PRIMARY KEY); INSERT INTO dbo.tickets (number) VALUES (7)");
    let stream = spec(json!({
        "name": "tickets", "key": ["number"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "VAD20.dbo.tickets AS g", "columns": {"number": "g.number"}}},
    }));
    let connector = database.connector();
    let mut mirror = Mirror::default();
    // The first try finds out; the agent tries again.
    if let Err(error) = mirror.scan(connector.as_ref(), &stream).await {
        assert_eq!(error.remedy, Remedy::Retry, "{error:?}");
        mirror.scan(connector.as_ref(), &stream).await.unwrap();
    }
    assert_eq!(mirror.keys(), ["7"]);
}
