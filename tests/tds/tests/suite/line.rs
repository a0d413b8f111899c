//! The line: versions, named instances.

use std::net::UdpSocket;
use std::time::Duration;

use fluxion_tds::{Options, Version};

use super::client::{client, rows};

#[tokio::test]
async fn sql_server_2008_is_played_with_tds_7_3() {
    let server = Options::default()
        .version(Version::Sql2008)
        .start()
        .unwrap();
    let mut client = client(&server).await;
    let sql =
        "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), NULL, N'ñ', @@VERSION";
    let found = rows(&mut client, sql).await.unwrap();
    assert_eq!(found[0].get::<&str, _>(0), Some("10.0.6000.29"));
    assert_eq!(found[0].get::<i32, _>(1), None);
    assert_eq!(found[0].get::<&str, _>(2), Some("ñ"));
    assert!(found[0].get::<&str, _>(3).unwrap().contains("Express"));
}

#[test]
fn the_browser_tells_the_port_of_a_named_instance() {
    let server = Options::default().instance("SQLEXPRESS").start().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    socket
        .connect(("127.0.0.1", server.browser_port().unwrap()))
        .unwrap();
    for question in [&b"\x04sqlexpress\0"[..], b"\x03"] {
        socket.send(question).unwrap();
        let mut buffer = [0; 500];
        let length = socket.recv(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[3..length]).into_owned();
        assert!(text.contains("InstanceName;SQLEXPRESS;"), "{text}");
        assert!(text.contains(&format!("tcp;{};", server.port())), "{text}");
    }
    assert_eq!(
        server.query("SELECT @@SERVERNAME").unwrap()[0][0].as_deref(),
        Some("TILL\\SQLEXPRESS")
    );
}

#[tokio::test]
async fn what_was_asked_can_be_looked_at() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    rows(&mut client, "SELECT 1").await.unwrap();
    client.execute("SELECT @P1", &[&1i32]).await.unwrap();
    assert_eq!(server.heard(), ["SELECT 1", "SELECT @P1"]);
}

#[test]
fn an_old_server_does_not_know_what_came_later() {
    let server = Options::default()
        .version(Version::Sql2008R2)
        .start()
        .unwrap();
    for (sql, number) in [
        ("SELECT CONCAT('a', 'b')", 195),
        ("SELECT IIF(1 = 1, 1, 2)", 195),
        ("SELECT TRY_CAST('1' AS int)", 195),
        (
            "SELECT name FROM sys.types ORDER BY name OFFSET 1 ROWS",
            102,
        ),
        ("DROP TABLE IF EXISTS t", 156),
    ] {
        assert_eq!(server.query(sql).unwrap_err().number, number, "{sql}");
    }
    let younger = Options::default()
        .version(Version::Sql2022)
        .start()
        .unwrap();
    assert_eq!(
        younger.query("SELECT CONCAT('a', 'b')").unwrap()[0][0].as_deref(),
        Some("ab")
    );
}
