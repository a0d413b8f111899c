//! `fluxion-agent discover` as a technician uses it, on a real MariaDB.

use std::process::{Command, Output, Stdio};

use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use fluxion_tests::servers::{MariaDb, PostgreSql};

fn agent(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
        .current_dir(folder)
        .env_remove("FLUXION_AGENT_CONFIG")
        .env_remove("FLUXION_AGENT_DATA")
        .args(["discover", "--lang", "en"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_known_pos_is_recognised_and_its_section_is_added_once() {
    let server = MariaDb::shared().expect("MariaDB must be installed");
    let database = server.fresh_database().unwrap();
    let schema = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../mappings/fixtures/mybusiness-mysql/schema.sql"
    );
    let schema = std::fs::read_to_string(schema).unwrap();
    server.query(&database, &schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fluxion-agent.toml");
    let before = "# ours\nserver = \"http://127.0.0.1:9\"";
    std::fs::write(&config, before).unwrap();
    let secret = folder.path().join("secret.txt");
    std::fs::write(&secret, PASSWORD).unwrap();
    let port = server.port().to_string();

    let found = agent(folder.path(), &["--port", &port]);
    assert!(said(&found).contains("MariaDB"), "{}", said(&found));

    let login = [
        "--port",
        &port,
        "--user",
        USER,
        "--password-file",
        secret.to_str().unwrap(),
        "--database",
        &database,
        "--currency",
        "VES",
        "--time-zone",
        "America/Caracas",
        "--write",
    ];
    let written = agent(folder.path(), &login);
    assert!(written.status.success(), "{}", said(&written));
    let after = std::fs::read_to_string(&config).unwrap();
    assert!(after.starts_with(before), "{after}");
    for expected in ["pack = \"mybusiness-mysql\"", "password_file", "[[pos]]"] {
        assert!(after.contains(expected), "{expected}: {after}");
    }
    assert!(!after.contains("password = "), "{after}");

    let again = agent(folder.path(), &login);
    assert!(!again.status.success());
    assert!(said(&again).contains("--name"), "{}", said(&again));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), after);
    server
        .query("mysql", &format!("DROP DATABASE {database}"))
        .unwrap();
}

#[test]
fn servers_are_told_apart_on_ports_of_their_own() {
    let postgres = PostgreSql::shared().expect("PostgreSQL must be installed");
    let sqlserver = fluxion_tds::Options::default()
        .instance("COMPAC")
        .start()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (postgres.port().to_string(), sqlserver.port().to_string());
    let found = said(&agent(
        folder.path(),
        &["--port", &first, "--port", &second],
    ));
    assert!(found.contains(&format!("{first}: PostgreSQL")), "{found}");
    assert!(
        found.contains(&format!("{second}: SQL Server 15.0")),
        "{found}"
    );

    let browser = sqlserver.browser_port().unwrap().to_string();
    let found = said(&agent(
        folder.path(),
        &["--port", &first, "--browser-port", &browser],
    ));
    assert!(found.contains("COMPAC"), "{found}");
    let refused = agent(folder.path(), &["--lan", "8.8.8.0/24"]);
    assert!(!refused.status.success());
}
