//! Ways of noticing changes: Change Tracking, triggers, a restored backup.

use std::time::Duration;

use fluxion_tds::{Options, Server};

fn tracked() -> Server {
    let server = Options::default().database("till").start().unwrap();
    server
        .execute(
            "ALTER DATABASE till SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)
             CREATE TABLE dbo.t (a varchar(5), b int, v int, PRIMARY KEY (a, b))
             INSERT t VALUES ('x', 1, 0), ('x', 2, 0), ('x', 3, 0)
             ALTER TABLE dbo.t ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF)",
        )
        .unwrap();
    server
}

fn one(server: &Server, sql: &str) -> String {
    server.query(sql).unwrap()[0][0]
        .clone()
        .unwrap_or_else(|| "NULL".to_owned())
}

fn changes(server: &Server, since: u32) -> Vec<String> {
    let sql = format!(
        "SELECT CONCAT(ct.SYS_CHANGE_VERSION, ct.SYS_CHANGE_OPERATION, ' ', ct.a, ct.b) FROM CHANGETABLE(CHANGES dbo.t, \
         {since}) AS ct ORDER BY ct.SYS_CHANGE_VERSION, ct.b"
    );
    server
        .query(&sql)
        .unwrap()
        .into_iter()
        .map(|row| row[0].clone().unwrap())
        .collect()
}

#[test]
fn change_tracking_tells_what_became_of_each_key_by_commit() {
    let server = tracked();
    assert_eq!(
        one(&server, "SELECT CHANGE_TRACKING_CURRENT_VERSION()"),
        "0"
    );
    let mut slow = server.session();
    slow.execute("BEGIN TRAN; UPDATE t SET v = 1 WHERE b = 1; INSERT t VALUES ('y', 9, 0)")
        .unwrap();
    // By its key: without one it would wait for the rows of the other.
    server.execute("DELETE t WHERE a = 'x' AND b = 2").unwrap();
    assert_eq!(changes(&server, 0), ["1D x2"]);
    slow.execute("UPDATE t SET v = 2 WHERE b = 1; COMMIT")
        .unwrap();
    server.execute("UPDATE t SET b = 30 WHERE b = 3").unwrap();
    assert_eq!(
        changes(&server, 0),
        ["1D x2", "2U x1", "2I y9", "3D x3", "3I x30"]
    );
    assert_eq!(changes(&server, 2), ["3D x3", "3I x30"]);
    server
        .execute("BEGIN TRAN; INSERT t VALUES ('z', 1, 1); DELETE t WHERE a = 'z'; COMMIT")
        .unwrap();
    assert_eq!(
        one(&server, "SELECT CHANGE_TRACKING_CURRENT_VERSION()"),
        "3"
    );
}

#[test]
fn changes_older_than_the_retention_are_gone_and_the_lowest_valid_version_says_so() {
    let server = tracked();
    let lowest = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('dbo.t'))";
    server.execute("DELETE t WHERE b = 1").unwrap();
    assert_eq!(one(&server, lowest), "0");
    server.advance_clock(Duration::from_secs(3 * 86_400));
    server.execute("DELETE t WHERE b = 2").unwrap();
    assert_eq!(one(&server, lowest), "1");
    assert_eq!(changes(&server, 1), ["2D x2"]);
    server.purge_change_tracking("till").unwrap();
    assert_eq!(one(&server, lowest), "2");
    assert_eq!(
        one(
            &server,
            "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('dbo.other'))"
        ),
        "NULL"
    );
}

#[test]
fn a_restored_backup_brings_rowversions_and_tracking_back() {
    let server = tracked();
    server
        .execute("ALTER TABLE t ADD rv rowversion; DELETE t WHERE b = 1")
        .unwrap();
    let backup = server.back_up("till").unwrap();
    let last = "SELECT CAST(@@DBTS AS bigint)";
    let before = one(&server, last);
    server.execute("UPDATE t SET v = 5").unwrap();
    assert_ne!(one(&server, last), before);
    server.restore(&backup);
    assert_eq!(one(&server, last), before);
    assert_eq!(
        one(&server, "SELECT CHANGE_TRACKING_CURRENT_VERSION()"),
        "1"
    );
    assert_eq!(one(&server, "SELECT SUM(v) FROM t"), "0");
}

/// As an outbox has it.
const TRIGGER: &str = "CREATE TRIGGER dbo.noticed ON dbo.t AFTER INSERT, UPDATE, DELETE AS
BEGIN
  SET NOCOUNT ON;
  SET XACT_ABORT OFF;
  IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
  BEGIN TRY
    INSERT INTO dbo.noted (a, b, op)
    SELECT a, b, CASE WHEN NOT EXISTS (SELECT 1 FROM deleted) THEN 'i' WHEN NOT EXISTS (SELECT 1 FROM inserted) THEN 'd' ELSE 'u' END
    FROM (SELECT a, b FROM inserted UNION SELECT a, b FROM deleted) AS changed;
  END TRY
  BEGIN CATCH
    RETURN;
  END CATCH;
END";

fn with_trigger() -> Server {
    let server = tracked();
    server
        .execute(&format!("CREATE TABLE noted (a varchar(5), b int, op char(1), rv rowversion)\nGO\n{TRIGGER}\nGO\n"))
        .unwrap();
    server
}

#[test]
fn a_trigger_notes_what_changed_within_the_same_transaction() {
    let server = with_trigger();
    let mut till = server.session();
    till.execute("BEGIN TRAN; INSERT t VALUES ('n', 1, 0); UPDATE t SET b = 40 WHERE b = 3; DELETE t WHERE b = 99; ROLLBACK").unwrap();
    assert_eq!(one(&server, "SELECT COUNT(*) FROM noted"), "0");
    till.execute("INSERT t VALUES ('n', 1, 0), ('n', 2, 0); UPDATE t SET b = 40 WHERE b = 3; DELETE t WHERE b = 40").unwrap();
    let noted = server
        .query("SELECT CONCAT(op, a, b) FROM noted ORDER BY op, b")
        .unwrap();
    let noted: Vec<String> = noted
        .into_iter()
        .map(|row| row[0].clone().unwrap())
        .collect();
    assert_eq!(noted, ["dx40", "in1", "in2", "ux3", "ux40"]);
    assert_eq!(
        one(
            &server,
            "SELECT COUNT(*) FROM sys.triggers WHERE parent_id = OBJECT_ID('dbo.t')"
        ),
        "1"
    );
}

#[test]
fn an_error_that_a_trigger_swallows_harms_the_sale_only_while_xact_abort_is_on() {
    let server = with_trigger();
    server.execute("DROP TABLE noted").unwrap();
    server.execute("INSERT t VALUES ('ok', 1, 0)").unwrap();
    let strict = TRIGGER
        .replace("CREATE", "ALTER")
        .replace("SET XACT_ABORT OFF;", "");
    server.execute(&strict).unwrap();
    let error = server.execute("INSERT t VALUES ('no', 1, 0)").unwrap_err();
    assert_eq!(error.number, 3616);
    assert_eq!(
        one(&server, "SELECT COUNT(*) FROM t WHERE a IN ('ok', 'no')"),
        "1"
    );
    let output = server
        .execute("INSERT t OUTPUT inserted.a VALUES ('o', 1, 0)")
        .unwrap_err();
    assert_eq!(
        output.number, 334,
        "a table with a trigger refuses OUTPUT without INTO"
    );
}
