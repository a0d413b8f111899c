//! The outbox beside a sale: it never fails one, leaves no trace in what the POS reads, and goes away whole.

use fluxion_connectors::{Allowed, Connector, OutboxPart, Remedy};
use fluxion_model::stream::{Capture, StreamSpec};
use serde_json::json;

use super::{Database, spec};

const TABLES: &str = "CREATE TABLE dbo.tickets (number int IDENTITY(41, 1) NOT NULL PRIMARY KEY, till varchar(5) NOT NULL, total money NULL);
     CREATE TABLE dbo.lines (till varchar(5) NOT NULL, number int NOT NULL, line int NOT NULL, product nvarchar(20) NULL,
         PRIMARY KEY (till, number, line))";

fn tickets() -> StreamSpec {
    spec(json!({
        "name": "tickets", "key": ["number"], "capture": {"strategy": "outbox"},
        "changes": [{"table": "dbo.tickets", "key": ["number"]}, {"table": "dbo.lines", "key": ["number"]}],
        "source": {"query": {"from": "dbo.tickets AS t", "columns": {"number": "t.number", "total": "t.total"}}},
    }))
}

fn by_till() -> StreamSpec {
    spec(json!({
        "name": "by_till", "key": ["till", "number"], "capture": {"strategy": "outbox"},
        "changes": [{"table": "dbo.lines", "key": ["till", "number"]}],
        "source": {"query": {"from": "dbo.lines AS l", "columns": {"till": "l.till", "number": "l.number"}}},
    }))
}

async fn install(connector: &dyn Connector, streams: &[StreamSpec]) {
    let script = connector.outbox(streams, OutboxPart::Install).await;
    connector.run_outbox(&script.unwrap()).await.unwrap();
}

async fn installed() -> Database {
    let database = Database::with(TABLES);
    install(database.connector().as_ref(), &[tickets(), by_till()]).await;
    database
}

fn one(database: &Database, sql: &str) -> String {
    let rows = database.server.query(sql).unwrap();
    rows[0][0].clone().unwrap_or_default()
}

#[tokio::test]
async fn what_the_pos_reads_back_of_its_own_insert_is_what_it_was() {
    let database = installed().await;
    let mut till = database.server.session();
    let read = till
        .query("INSERT INTO dbo.tickets (till, total) VALUES ('01', 5); SELECT @@IDENTITY, SCOPE_IDENTITY(), @@ROWCOUNT")
        .unwrap();
    assert_eq!(read[0][0].as_deref(), Some("41"));
    assert_eq!(read[0][1].as_deref(), Some("41"));
}

#[tokio::test]
async fn each_change_notes_the_keys_of_every_stream_once() {
    let database = installed().await;
    database.run("INSERT INTO dbo.lines (till, number, line) VALUES ('01', 7, 1), ('01', 7, 2), ('02', 7, 1)");
    let count = |source: &str| {
        let sql = format!(
            "SELECT COUNT(*) FROM dbo.fluxion_outbox WHERE op = N'i' AND source = N'{source}'"
        );
        one(&database, &sql)
    };
    assert_eq!(count("dbo.lines(number)"), "1");
    assert_eq!(count("dbo.lines(till,number)"), "2");
    database.run("UPDATE dbo.lines SET number = 8 WHERE till = '02'");
    let keys = "SELECT k2 FROM dbo.fluxion_outbox WHERE op = N'u' AND source = N'dbo.lines(till,number)' ORDER BY k2";
    let keys = database.server.query(keys).unwrap();
    assert_eq!(keys, [[Some("7".to_owned())], [Some("8".to_owned())]]);
    database.run("DELETE FROM dbo.lines WHERE 1 = 0");
    assert_eq!(
        one(
            &database,
            "SELECT COUNT(*) FROM dbo.fluxion_outbox WHERE op = N'd'"
        ),
        "0"
    );
}

#[tokio::test]
async fn the_sale_goes_on_when_the_outbox_is_gone_or_cannot_be_written() {
    let database = installed().await;
    // Without that column the insert of the trigger fails, and nothing else does.
    database.run("ALTER TABLE dbo.fluxion_outbox DROP COLUMN k1");
    database.run("BEGIN TRANSACTION; INSERT INTO dbo.tickets (till, total) VALUES ('01', 5); COMMIT TRANSACTION");
    assert_eq!(one(&database, "SELECT COUNT(*) FROM dbo.tickets"), "1");
    database.run("DROP TABLE dbo.fluxion_outbox");
    database.run("BEGIN TRANSACTION; INSERT INTO dbo.tickets (till, total) VALUES ('01', 6); COMMIT TRANSACTION");
    assert_eq!(one(&database, "SELECT COUNT(*) FROM dbo.tickets"), "2");
}

#[tokio::test]
async fn a_sale_that_is_taken_back_notes_nothing() {
    let database = installed().await;
    database.run("BEGIN TRANSACTION; INSERT INTO dbo.tickets (till, total) VALUES ('01', 5); ROLLBACK TRANSACTION");
    let noted = "SELECT COUNT(*) FROM dbo.fluxion_outbox WHERE op <> N'x' AND op <> N'a'";
    assert_eq!(one(&database, noted), "0");
}

#[tokio::test]
async fn what_is_installed_is_told_and_wholly_removed() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    let before = connector
        .allows(&tickets(), &Capture::Outbox)
        .await
        .unwrap();
    assert!(
        matches!(&before, Allowed::No { why } if why.es.contains("outbox print")),
        "{before:?}"
    );
    install(connector.as_ref(), &[tickets()]).await;
    let allowed = |spec: StreamSpec| {
        let connector = database.connector();
        async move { connector.allows(&spec, &Capture::Outbox).await.unwrap() }
    };
    assert_eq!(allowed(tickets()).await, Allowed::Yes);
    assert!(matches!(allowed(by_till()).await, Allowed::No { .. }));
    database.run("DISABLE TRIGGER dbo.fluxion_dbo_lines ON dbo.lines");
    let disabled = allowed(tickets()).await;
    assert!(
        matches!(&disabled, Allowed::No { why } if why.en.contains("lost its trigger")),
        "{disabled:?}"
    );

    let remove = connector
        .outbox(&[tickets()], OutboxPart::Remove)
        .await
        .unwrap();
    connector.run_outbox(&remove).await.unwrap();
    let left = "SELECT COUNT(*) FROM sys.triggers AS t WHERE t.name LIKE N'fluxion%'";
    assert_eq!(one(&database, left), "0");
    let left = "SELECT COUNT(*) FROM sys.objects AS o WHERE o.name LIKE N'fluxion%'";
    assert_eq!(one(&database, left), "0");
}

#[tokio::test]
async fn what_an_outbox_cannot_follow_is_said_before_anything_is_installed() {
    let database = Database::with("CREATE TABLE dbo.t (id float NOT NULL PRIMARY KEY)");
    let connector = database.connector();
    let with = |table: &str, key: &str| {
        spec(json!({
            "name": "t", "key": ["id"], "capture": {"strategy": "outbox"},
            "changes": [{"table": table, "key": [key]}],
            "source": {"query": {"from": "dbo.t", "columns": {"id": "id"}}},
        }))
    };
    for (stream, expected) in [
        (with("dbo.t", "id"), "unsupported"),
        (with("dbo.t", "code"), "missing_column"),
        (with("dbo.u", "id"), "missing_table"),
        (with("elsewhere.dbo.t", "id"), "unsupported"),
    ] {
        let error = connector
            .outbox(&[stream], OutboxPart::Install)
            .await
            .unwrap_err();
        assert!(
            matches!(&error.remedy, Remedy::AskOperator { code, .. } if *code == expected),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_cashier_without_rights_on_the_outbox_sells() {
    let database = installed().await;
    database.run("CREATE LOGIN cashier WITH PASSWORD = N'x'");
    database.run("CREATE USER cashier FOR LOGIN cashier");
    database.run("GRANT SELECT, INSERT, UPDATE ON dbo.tickets TO cashier");
    let connector = database.connector_with(json!({"user": "cashier", "password": "x"}));
    let script = fluxion_connectors::OutboxScript {
        statements: vec!["INSERT INTO dbo.tickets (till, total) VALUES ('01', 5)".to_owned()],
        ..fluxion_connectors::OutboxScript::default()
    };
    connector.run_outbox(&script).await.unwrap();
    let noted = "SELECT COUNT(*) FROM dbo.fluxion_outbox WHERE op = N'i'";
    assert_eq!(one(&database, noted), "1");
}
