//! How the line to a server is made: encrypted or not, by port or by name, and what is told of it.

use std::net::Ipv4Addr;

use fluxion_connectors::{Connector, ConnectorKind, Finding, Level, Remedy, registry};
use fluxion_tds::{Encrypting, Options, Version};
use serde_json::{Value as Json, json};
use tokio::net::UdpSocket;

use super::{Database, NAME};

async fn line(connector: &dyn Connector) -> Finding {
    let probe = connector.probe().await.unwrap();
    let mut findings = probe.findings.into_iter();
    findings
        .find(|finding| finding.what.en.starts_with("The line"))
        .unwrap()
}

fn server(encryption: Encrypting) -> Database {
    Database::on(Options::default().encryption(encryption), "")
}

#[tokio::test]
async fn a_line_is_encrypted_where_that_is_asked_for() {
    let database = server(Encrypting::WhenAsked);
    let required = database.connector_with(json!({"encryption": "required"}));
    let found = line(required.as_ref()).await;
    assert!(found.what.en.contains("is encrypted"), "{found:?}");
    assert_eq!(found.level, Level::Info);
    required.catalog().await.unwrap();
}

#[tokio::test]
async fn on_this_pc_nothing_is_encrypted_unless_the_server_insists() {
    let found = line(server(Encrypting::WhenAsked).connector().as_ref()).await;
    assert!(found.what.en.contains("not encrypted"), "{found:?}");
    assert_eq!(found.level, Level::Info);
    let found = line(server(Encrypting::Always).connector().as_ref()).await;
    assert!(found.what.en.contains("is encrypted"), "{found:?}");
}

#[tokio::test]
async fn a_plain_line_that_was_asked_for_is_pointed_out() {
    let database = server(Encrypting::Never);
    let plain = database.connector_with(json!({"encryption": "none"}));
    let found = line(plain.as_ref()).await;
    assert_eq!(found.level, Level::Warning);
    assert!(found.remedy.unwrap().es.contains("TLS 1.2"));
}

#[tokio::test]
async fn encryption_that_cannot_be_had_is_not_silently_done_without() {
    let database = server(Encrypting::Never);
    let required = database.connector_with(json!({"encryption": "required"}));
    let error = required.probe().await.unwrap_err();
    assert!(
        matches!(&error.remedy, Remedy::AskOperator { code: "tls", .. }),
        "{error:?}"
    );
    let insisting = server(Encrypting::Always);
    let none = insisting.connector_with(json!({"encryption": "none"}));
    let error = none.probe().await.unwrap_err();
    assert!(error.hint().unwrap().contains("\"required\""), "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_we_trust_signed_is_refused_where_it_is_checked() {
    let database = server(Encrypting::WhenAsked);
    let authority = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/sqlserver/another-authority.pem"
    );
    let checking = database.connector_with(json!({
        "encryption": "required", "certificate": "verify", "certificate_authority": authority,
        "certificate_name": "localhost",
    }));
    let error = checking.probe().await.unwrap_err();
    assert!(
        error.hint().unwrap().contains("certificate_authority"),
        "{error:?}"
    );
    let unreadable = database.connector_with(json!({
        "encryption": "required", "certificate": "verify", "certificate_authority": "/nowhere.pem",
    }));
    let error = unreadable.probe().await.unwrap_err();
    assert!(matches!(
        &error.remedy,
        Remedy::AskOperator { code: "tls", .. }
    ));
}

fn pem(der: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "-----BEGIN CERTIFICATE-----".to_owned();
    for (at, part) in der.chunks(3).enumerate() {
        text.push_str(if at % 16 == 0 { "\n" } else { "" });
        let bits = (0..3).fold(0_usize, |bits, i| {
            bits << 8 | usize::from(*part.get(i).unwrap_or(&0))
        });
        for i in 0..4 {
            let sign = SIGNS[bits >> (18 - 6 * i) & 63];
            text.push(if i > part.len() { '=' } else { sign.into() });
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

#[tokio::test]
async fn a_certificate_that_we_trust_must_be_that_of_the_host() {
    let database = server(Encrypting::WhenAsked);
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, pem(database.server.certificate())).unwrap();
    let named = |name: &str| {
        database.connector_with(json!({
            "encryption": "required", "certificate": "verify", "certificate_authority": authority,
            "certificate_name": name,
        }))
    };
    let found = line(named("localhost").as_ref()).await;
    assert!(found.what.en.contains("is encrypted"), "{found:?}");
    let error = named("another.example").probe().await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("certificate_name"), "{error:?}");
}

#[tokio::test]
async fn every_version_from_2008_on_is_understood() {
    for version in [
        Version::Sql2008,
        Version::Sql2008R2,
        Version::Sql2012,
        Version::Sql2016,
        Version::Sql2022,
    ] {
        let database = Database::on(
            Options::default().version(version),
            "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, at date NULL)",
        );
        let connector = database.connector();
        let probe = connector.probe().await.unwrap();
        let year = &format!("{version:?}")[3..7];
        assert!(
            probe.product.contains(year),
            "{} is not {version:?}",
            probe.product
        );
        assert_eq!(connector.catalog().await.unwrap().tables.len(), 1);
    }
}

#[tokio::test]
async fn a_named_instance_is_found_through_the_browser() {
    let database = Database::on(Options::default().instance("COMPAC"), "");
    let settings = json!({
        "host": "127.0.0.1", "instance": "compac", "browser_port": database.server.browser_port(),
        "database": NAME, "user": "sa", "password": "Secret-1",
    });
    let named = registry::build(ConnectorKind::Sqlserver, &settings).unwrap();
    named.probe().await.unwrap();
}

/// Answers like the SQL Server Browser of a PC with one instance that does not listen on TCP.
async fn browser_of_a_fresh_express() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut question = [0; 64];
        let (_, from) = socket.recv_from(&mut question).await.unwrap();
        let text = "ServerName;TILL;InstanceName;SQLEXPRESS;IsClustered;No;Version;15.0.2000.5;;";
        let mut answer = vec![5];
        answer.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        answer.extend(text.as_bytes());
        socket.send_to(&answer, from).await.unwrap();
    });
    port
}

#[tokio::test]
async fn an_instance_without_tcp_and_a_browser_that_is_silent_are_told_apart() {
    let by_browser = |port: u16| {
        let settings: Json = json!({
            "host": "127.0.0.1", "database": "d", "user": "u", "instance": "SQLEXPRESS",
            "browser_port": port,
        });
        registry::build(ConnectorKind::Sqlserver, &settings).unwrap()
    };
    let deaf = by_browser(browser_of_a_fresh_express().await);
    let error = deaf.probe().await.unwrap_err();
    assert!(error.hint().unwrap().contains("TCP/IP"), "{error:?}");
    let error = by_browser(1).probe().await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    let told = error.source.to_string();
    assert!(told.contains("SQL Server Browser"), "{told}");
}
