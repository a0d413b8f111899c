//! Several sessions at once: what each sees of the others, who waits, and who gives way.

use std::thread;
use std::time::Duration;

use fluxion_tds::{Options, Server};

use super::client::{client, code, int, rows};

fn server() -> Server {
    let server = Options::default().database("till").start().unwrap();
    server
        .execute("CREATE TABLE t (id int PRIMARY KEY, v int, rv rowversion); INSERT t (id, v) VALUES (1, 10), (2, 20)")
        .unwrap();
    server
}

const ALL: &str = "SELECT COUNT(*) FROM t";

#[tokio::test]
async fn rows_of_an_open_transaction_are_waited_for_and_then_seen() {
    let server = server();
    let mut reader = client(&server).await;
    let mut till = server.session();
    till.execute("BEGIN TRAN; INSERT t (id, v) VALUES (3, 30)")
        .unwrap();
    assert_eq!(
        code(&mut reader, &format!("SET LOCK_TIMEOUT 100; {ALL}")).await,
        1222
    );
    assert_eq!(
        int(&mut reader, "SELECT COUNT(*) FROM t WITH (NOLOCK)").await,
        3
    );
    assert_eq!(
        int(&mut reader, "SELECT COUNT(*) FROM t WITH (READPAST)").await,
        2
    );
    assert_eq!(int(&mut reader, "SELECT v FROM t WHERE id = 2").await, 20);
    let committing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        till.execute("COMMIT").unwrap();
    });
    assert_eq!(
        int(&mut reader, &format!("SET LOCK_TIMEOUT -1; {ALL}")).await,
        3
    );
    committing.join().unwrap();
}

#[tokio::test]
async fn a_rollback_leaves_nothing_behind() {
    let server = server();
    let mut till = client(&server).await;
    rows(&mut till, "BEGIN TRAN").await.unwrap();
    rows(
        &mut till,
        "DELETE t WHERE id = 1; UPDATE t SET v = 0, id = 5; INSERT t (id) VALUES (7)",
    )
    .await
    .unwrap();
    rows(&mut till, "ROLLBACK").await.unwrap();
    assert_eq!(
        server.query("SELECT id, v FROM t ORDER BY id").unwrap(),
        [
            [Some("1".to_owned()), Some("10".to_owned())],
            [Some("2".to_owned()), Some("20".to_owned())],
        ]
    );
}

#[tokio::test]
async fn a_snapshot_sees_what_was_committed_when_it_began() {
    let server = server();
    let mut reader = client(&server).await;
    assert_eq!(
        code(
            &mut reader,
            &format!("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; {ALL}")
        )
        .await,
        3952
    );
    server
        .execute("ALTER DATABASE till SET ALLOW_SNAPSHOT_ISOLATION ON")
        .unwrap();
    rows(
        &mut reader,
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN",
    )
    .await
    .unwrap();
    assert_eq!(int(&mut reader, ALL).await, 2);
    server
        .execute("INSERT t (id) VALUES (3); UPDATE t SET v = 11 WHERE id = 1")
        .unwrap();
    let mut till = server.session();
    till.execute("BEGIN TRAN; DELETE t WHERE id = 2").unwrap();
    assert_eq!(int(&mut reader, "SELECT SUM(v) FROM t").await, 30);
    rows(&mut reader, "COMMIT").await.unwrap();
    till.execute("COMMIT").unwrap();
    assert_eq!(int(&mut reader, "SELECT SUM(v) FROM t").await, 11);
}

#[tokio::test]
async fn the_lowest_rowversion_in_flight_bounds_what_may_be_read() {
    let server = server();
    let mut reader = client(&server).await;
    let bound = "SELECT CAST(CAST(MIN_ACTIVE_ROWVERSION() AS bigint) AS int)";
    let before = int(&mut reader, bound).await;
    let mut slow = server.session();
    slow.execute("BEGIN TRAN; INSERT t (id) VALUES (3)")
        .unwrap();
    server.execute("INSERT t (id) VALUES (4)").unwrap();
    assert_eq!(int(&mut reader, bound).await, before);
    slow.execute("COMMIT").unwrap();
    assert_eq!(int(&mut reader, bound).await, before + 2);
    assert_eq!(
        int(&mut reader, "SELECT CAST(CAST(@@DBTS AS bigint) AS int)").await,
        before + 1
    );
}

#[tokio::test]
async fn of_two_that_wait_for_each_other_the_one_of_lower_priority_gives_way() {
    let server = server();
    let mut agent = client(&server).await;
    rows(
        &mut agent,
        "SET DEADLOCK_PRIORITY LOW; BEGIN TRAN; UPDATE t SET v = 1 WHERE id = 1",
    )
    .await
    .unwrap();
    let mut till = server.session();
    till.execute("BEGIN TRAN; UPDATE t SET v = 2 WHERE id = 2")
        .unwrap();
    let till = thread::spawn(move || {
        till.execute("UPDATE t SET v = 3 WHERE id = 1; COMMIT")
            .unwrap();
    });
    thread::sleep(Duration::from_millis(100));
    assert_eq!(
        code(&mut agent, "UPDATE t SET v = 4 WHERE id = 2").await,
        1205
    );
    till.join().unwrap();
    assert_eq!(int(&mut agent, "SELECT @@TRANCOUNT").await, 0);
    assert_eq!(int(&mut agent, "SELECT SUM(v) FROM t").await, 5);
}

#[tokio::test]
async fn what_a_parameterised_statement_sets_ends_with_it() {
    let server = server();
    let mut client = client(&server).await;
    client
        .execute("SET LOCK_TIMEOUT 1", &[&1i32])
        .await
        .unwrap();
    assert_eq!(int(&mut client, "SELECT @@LOCK_TIMEOUT").await, -1);
    rows(&mut client, "SET LOCK_TIMEOUT 1").await.unwrap();
    assert_eq!(int(&mut client, "SELECT @@LOCK_TIMEOUT").await, 1);
}

#[tokio::test]
async fn a_connection_that_breaks_takes_its_transaction_with_it() {
    let server = server();
    let mut till = client(&server).await;
    rows(&mut till, "BEGIN TRAN; DELETE t").await.unwrap();
    drop(till);
    let mut reader = client(&server).await;
    assert_eq!(int(&mut reader, ALL).await, 2);
}
