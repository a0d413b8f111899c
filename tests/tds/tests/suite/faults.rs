//! What goes wrong on purpose.

use std::time::{Duration, Instant};

use fluxion_tds::{Action, Options, Server};
use futures::TryStreamExt;

use super::client::{client, code, int, log_in, rows};

fn server() -> Server {
    let server = Options::default().start().unwrap();
    let values: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    server
        .execute(&format!(
            "CREATE TABLE t (id int PRIMARY KEY); INSERT t VALUES {}",
            values.join(",")
        ))
        .unwrap();
    server
}

#[tokio::test]
async fn a_line_that_breaks_amid_a_result_gives_some_rows_and_then_an_error() {
    let server = server();
    server.fail("from t", Action::DisconnectAfterRows(700));
    let mut first = client(&server).await;
    let mut stream = first
        .simple_query("SELECT id FROM t")
        .await
        .unwrap()
        .into_row_stream();
    let mut seen = 0;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("the end came too soon and without an error"),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, 700, "{error}");
    let mut second = client(&server).await;
    assert_eq!(
        rows(&mut second, "SELECT id FROM t").await.unwrap().len(),
        1000
    );
}

#[tokio::test]
async fn a_deadlock_comes_once_and_the_connection_lives_on() {
    let server = server();
    let mut client = client(&server).await;
    server.fail_after("from t", 1, 1, Action::Deadlock);
    assert_eq!(int(&mut client, "SELECT COUNT(*) FROM t").await, 1000);
    assert_eq!(code(&mut client, "SELECT COUNT(*) FROM t").await, 1205);
    assert_eq!(int(&mut client, "SELECT COUNT(*) FROM t").await, 1000);
}

#[tokio::test]
async fn an_attention_ends_a_statement_that_hangs() {
    let server = server();
    let mut client = client(&server).await;
    server.fail("count", Action::Stall(Duration::from_secs(60)));
    let started = Instant::now();
    let asked = tokio::time::timeout(
        Duration::from_millis(200),
        rows(&mut client, "SELECT COUNT(*) FROM t"),
    );
    asked.await.unwrap_err();
    client.cancel_query().await.unwrap();
    assert_eq!(int(&mut client, "SELECT COUNT(*) FROM t").await, 1000);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_attention_ends_a_long_result() {
    let server = server();
    let mut client = client(&server).await;
    let sql =
        "SELECT a.id, b.id, REPLICATE('x', 500) FROM t a CROSS JOIN (SELECT TOP (50) id FROM t) b";
    let mut stream = client.simple_query(sql).await.unwrap().into_row_stream();
    stream.try_next().await.unwrap().unwrap();
    drop(stream);
    client.cancel_query().await.unwrap();
    assert_eq!(int(&mut client, "SELECT COUNT(*) FROM t").await, 1000);
}

#[tokio::test]
async fn a_login_is_refused_with_18456() {
    let server = server();
    for attempt in ["wrong", "Secret-1"] {
        if attempt == "Secret-1" {
            server.refuse_logins();
        }
        match log_in(&server, attempt).await {
            Err(tiberius::error::Error::Server(error)) => assert_eq!(error.code(), 18456),
            other => panic!("{:?}", other.err()),
        }
    }
    server.heal();
    log_in(&server, "Secret-1").await.unwrap();
}

#[tokio::test]
async fn rights_are_looked_at() {
    let server = server();
    server
        .execute("CREATE TABLE hidden (id int); CREATE LOGIN reader WITH PASSWORD = 'r'; GRANT SELECT ON dbo.t TO reader")
        .unwrap();
    let mut config = super::client::config(&server, "r");
    config.authentication(tiberius::AuthMethod::sql_server("reader", "r"));
    let socket = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let socket = tokio_util::compat::TokioAsyncWriteCompatExt::compat_write(socket);
    let mut reader = tiberius::Client::connect(config, socket).await.unwrap();
    assert_eq!(int(&mut reader, "SELECT COUNT(*) FROM t").await, 1000);
    assert_eq!(code(&mut reader, "SELECT COUNT(*) FROM hidden").await, 229);
    assert_eq!(code(&mut reader, "DELETE t").await, 229);
    assert_eq!(
        int(
            &mut reader,
            "SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT')"
        )
        .await,
        1
    );
    assert_eq!(
        int(
            &mut reader,
            "SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'VIEW CHANGE TRACKING')"
        )
        .await,
        0
    );
    assert_eq!(int(&mut reader, "SELECT COUNT(*) FROM sys.tables").await, 1);
}
