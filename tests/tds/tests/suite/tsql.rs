//! FreeTDS, a client written by others from the same specification, plain and encrypted.

use std::io::Write;
use std::process::{Command, Stdio};

use fluxion_tds::{Encrypting, Options, Server};

/// What `tsql` prints, with a TDS version and a way of encryption (`off`, `request`: the login alone, `require`: all).
fn tsql(server: &Server, version: &str, encryption: &str, sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("freetds.conf");
    let port = server.port();
    let text = format!(
        "[s]\nhost = 127.0.0.1\nport = {port}\ntds version = {version}\nencryption = {encryption}\n"
    );
    std::fs::write(&file, text).unwrap();
    let mut child = Command::new("tsql")
        .args(["-S", "s", "-U", "sa", "-P", "Secret-1", "-o", "q"])
        .env("FREETDSCONF", &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tsql is needed: apt-get install freetds-bin");
    write!(child.stdin.take().unwrap(), "{sql}\ngo\n").unwrap();
    let output = child.wait_with_output().unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const ENCRYPTED: &str =
    "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID";

#[test]
fn freetds_reads_types_that_tiberius_cannot() {
    let server = Options::default().start().unwrap();
    let sql = "SELECT CAST(922337203685477.5807 AS money), CAST('ñ' AS varchar(5)) COLLATE SQL_Latin1_General_CP850_CI_AS, \
        CAST(1234567890123456789012345678.0123456789 AS decimal(38,10)), CAST(NULL AS ntext), CAST(0xCAFE AS image)";
    let printed = tsql(&server, "7.4", "off", sql);
    for expected in [
        "922337203685477.5807",
        "ñ",
        "1234567890123456789012345678.0123456789",
        "NULL",
        "cafe",
    ] {
        assert!(
            printed.contains(expected),
            "{expected} is not in: {printed}"
        );
    }
}

#[test]
fn the_login_alone_or_everything_is_encrypted() {
    let server = Options::default().start().unwrap();
    assert!(tsql(&server, "7.4", "require", ENCRYPTED).contains("TRUE"));
    assert!(tsql(&server, "7.4", "request", ENCRYPTED).contains("FALSE"));
    assert!(tsql(&server, "7.3", "off", ENCRYPTED).contains("FALSE"));
}

#[test]
fn a_server_that_insists_encrypts_for_all() {
    let server = Options::default()
        .encryption(Encrypting::Always)
        .start()
        .unwrap();
    assert!(tsql(&server, "7.4", "request", ENCRYPTED).contains("TRUE"));
    assert!(tsql(&server, "7.4", "require", ENCRYPTED).contains("TRUE"));
}

#[test]
fn a_server_that_cannot_encrypt_says_so() {
    let server = Options::default()
        .encryption(Encrypting::Never)
        .start()
        .unwrap();
    assert!(tsql(&server, "7.4", "off", ENCRYPTED).contains("FALSE"));
    assert!(!tsql(&server, "7.4", "require", ENCRYPTED).contains("TRUE"));
}

#[test]
fn an_error_has_its_number_class_and_line() {
    let server = Options::default().start().unwrap();
    let printed = tsql(&server, "7.4", "off", "SELECT 1\n\nSELECT 1/0");
    assert!(
        printed.contains("Msg 8134 (severity 16, state 1)") && printed.contains("Line 3"),
        "{printed}"
    );
}
