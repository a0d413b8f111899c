//! `fluxion-agent discover` as a technician uses it, on real servers and folders of this computer.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::Utc;
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use fluxion_tests::servers::{Firebird, MariaDb, PostgreSql, firebird};
use fluxion_tests::sim::adminpaq;

fn agent(folder: &Path, arguments: &[&str]) -> Output {
    let nowhere = folder.join("no-odbc");
    agent_with_odbc(folder, &nowhere, arguments)
}

fn agent_with_odbc(folder: &Path, odbc: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
        .current_dir(folder)
        .env("ODBCSYSINI", odbc)
        .env("ODBCINI", odbc.join("user.ini"))
        .env_remove("FLUXION_AGENT_CONFIG")
        .env_remove("FLUXION_AGENT_DATA")
        .args(["discover", "--lang", "en"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The tables of a pack with the rows of its fixture.
fn schema(pack: &str) -> String {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../mappings/fixtures");
    std::fs::read_to_string(format!("{fixtures}/{pack}/schema.sql")).unwrap()
}

/// A folder with the configuration of an agent, and a file with this password.
fn place(password: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fluxion-agent.toml");
    std::fs::write(config, "server = \"http://127.0.0.1:9\"").unwrap();
    std::fs::write(folder.path().join("secret.txt"), password).unwrap();
    folder
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
    server
        .query(&database, &schema("mybusiness-mysql"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fluxion-agent.toml");
    let before = "# ours\nserver = \"http://127.0.0.1:9\"\ndata_dir = \"data\"";
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
    let reference = "password = { secret = \"mybusiness-mysql\" }";
    for expected in ["pack = \"mybusiness-mysql\"", reference, "[[pos]]"] {
        assert!(after.contains(expected), "{expected}: {after}");
    }
    let kept = std::fs::read_to_string(folder.path().join("data/secrets.json")).unwrap();
    assert!(kept.contains("\"mybusiness-mysql\": \"fxs1:"), "{kept}");
    // The agent can open it.
    let checked = Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
        .current_dir(folder.path())
        .args(["config", "check"])
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", said(&checked));

    let again = agent(folder.path(), &login);
    assert!(!again.status.success());
    assert!(said(&again).contains("--name"), "{}", said(&again));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), after);
    server
        .query("mysql", &format!("DROP DATABASE {database}"))
        .unwrap();
}

#[test]
fn what_a_pack_must_be_told_is_asked_for_by_name_and_written_once_it_is_said() {
    let server = MariaDb::shared().expect("MariaDB must be installed");
    let database = server.fresh_database().unwrap();
    let tables = "CREATE TABLE categories(category_id INT PRIMARY KEY, category_name VARCHAR(40));
        CREATE TABLE items(item_id INT PRIMARY KEY, item_code VARCHAR(20), item_name VARCHAR(40), category_id INT,
            sale_price DECIMAL(12,2), active CHAR(1));
        CREATE TABLE stock(item_id INT, location_id INT, qty_on_hand DECIMAL(12,3), PRIMARY KEY (item_id, location_id));
        CREATE TABLE transactions(trans_id INT PRIMARY KEY, trans_no VARCHAR(20), trans_date DATETIME,
            subtotal DECIMAL(12,2), tax_amount DECIMAL(12,2), total_amount DECIMAL(12,2), payment_type VARCHAR(10));
        CREATE TABLE transaction_details(trans_id INT, item_code VARCHAR(20), qty DECIMAL(12,3),
            unit_price DECIMAL(12,2));";
    server.query(&database, tables).unwrap();
    let folder = place(PASSWORD);
    let config = folder.path().join("fluxion-agent.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let port = server.port().to_string();
    let login = |more: &[&str]| {
        let data = folder.path().join("data");
        let mut arguments = vec![
            "--port",
            &port,
            "--user",
            USER,
            "--password-file",
            "secret.txt",
        ];
        arguments.extend([
            "--database",
            &database,
            "--pack",
            "systimax-mysql",
            "--write",
        ]);
        arguments.extend(["--currency", "VES", "--time-zone", "America/Caracas"]);
        arguments.extend(["--data-dir", data.to_str().unwrap()]);
        arguments.extend(more);
        agent(folder.path(), &arguments)
    };
    let asked = login(&["--country", "ve"]);
    assert!(!asked.status.success(), "{}", said(&asked));
    assert!(
        said(&asked).contains("--setting location_id=…    The location_id"),
        "{}",
        said(&asked)
    );
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);

    let written = login(&["--country", "ve", "--setting", "location_id=1"]);
    assert!(written.status.success(), "{}", said(&written));
    let after = std::fs::read_to_string(&config).unwrap();
    for expected in ["country = \"VE\"", "[pos.settings]\nlocation_id = \"1\""] {
        assert!(after.contains(expected), "{expected}: {after}");
    }
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

#[test]
fn every_database_the_account_may_enter_is_looked_into() {
    let postgres = PostgreSql::shared().expect("PostgreSQL must be installed");
    let url = postgres.fresh_database().unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    postgres.query(name, &schema("odoo")).unwrap();
    let sqlserver = fluxion_tds::Options::default().start().unwrap();
    let mut session = sqlserver.session();
    session.execute("CREATE DATABASE SAINT").unwrap();
    session.execute("USE SAINT").unwrap();
    for batch in schema("saint").split("\nGO") {
        session.execute(batch).unwrap();
    }
    for (port, user, password, database, pack) in [
        (postgres.port(), "fluxion", "", name, "odoo"),
        (sqlserver.port(), "sa", "Secret-1", "SAINT", "saint"),
    ] {
        let folder = place(password);
        let port = port.to_string();
        let login = [
            "--port",
            &port,
            "--user",
            user,
            "--password-file",
            "secret.txt",
        ];
        let found = agent(folder.path(), &login);
        let found = said(&found);
        assert!(found.contains(" databases"), "{found}");
        for expected in [
            format!("pack = \"{pack}\""),
            format!("database = \"{database}\""),
            format!("user = \"{user}\""),
            format!("password = {{ secret = \"{pack}\" }}"),
            format!("fluxion-agent secret set {pack}"),
        ] {
            assert!(found.contains(&expected), "{expected}: {found}");
        }
        assert!(!found.contains("Secret-1"), "{found}");
    }
}

#[test]
fn a_firebird_is_found_by_its_port_and_its_file_and_recognised() {
    let server = Firebird::start().expect("Firebird must be installed");
    let database = server.fresh_database("NONE").unwrap();
    server.query(&database, &schema("eleventa")).unwrap();
    let folder = place(firebird::PASSWORD);
    let company = folder.path().join("AbarrotesPDV/db");
    std::fs::create_dir_all(&company).unwrap();
    std::fs::write(company.join("PDVDATA.FDB"), "").unwrap();
    let port = server.port().to_string();
    let above = folder.path().to_str().unwrap();
    let found = said(&agent(folder.path(), &["--port", &port, "--folder", above]));
    assert!(found.contains(&format!("{port}: Firebird")), "{found}");
    assert!(found.contains("PDVDATA.FDB: Firebird"), "{found}");

    let login = [
        "--port",
        &port,
        "--user",
        firebird::USER,
        "--password-file",
        "secret.txt",
        "--database",
        &database,
    ];
    let found = said(&agent(folder.path(), &login));
    assert!(found.contains("pack = \"eleventa\""), "{found}");
    let nameless = agent(folder.path(), &login[..6]);
    assert!(!nameless.status.success());
    assert!(said(&nameless).contains("name one"), "{}", said(&nameless));
}

#[test]
fn data_sources_of_odbc_are_listed_and_one_is_recognised_by_its_tables() {
    let server = MariaDb::shared().expect("MariaDB must be installed");
    let database = server.fresh_database().unwrap();
    server
        .query(&database, &schema("mybusiness-mysql"))
        .unwrap();
    let folder = place(PASSWORD);
    let odbc = tempfile::tempdir().unwrap();
    let drivers = std::fs::read_to_string("/etc/odbcinst.ini").expect("ODBC must be installed");
    std::fs::write(odbc.path().join("odbcinst.ini"), drivers).unwrap();
    let source = format!(
        "[POS]\nDriver = MariaDB Unicode\nServer = 127.0.0.1\nPort = {}\nDatabase = {database}\n",
        server.port()
    );
    std::fs::write(odbc.path().join("odbc.ini"), source).unwrap();
    std::fs::write(
        odbc.path().join("user.ini"),
        "[MINE]\nDriver = SQLite3\nDatabase = /nonexistent.db\n",
    )
    .unwrap();
    let nobody = ["--port", "9"];
    let found = said(&agent_with_odbc(folder.path(), odbc.path(), &nobody));
    assert!(
        found.contains("ODBC POS: MariaDB Unicode (of the system)"),
        "{found}"
    );
    assert!(
        found.contains("ODBC MINE: SQLite3 (of this user"),
        "{found}"
    );

    let login = [
        "--port",
        "9",
        "--dsn",
        "POS",
        "--user",
        USER,
        "--password-file",
        "secret.txt",
    ];
    let found = said(&agent_with_odbc(folder.path(), odbc.path(), &login));
    // The pack for these tables reads them without ODBC, and that is said.
    assert!(found.contains("mybusiness-mysql"), "{found}");
    assert!(found.contains("is read by mysql"), "{found}");
    server
        .query("mysql", &format!("DROP DATABASE {database}"))
        .unwrap();
}

#[test]
fn a_company_of_dbf_tables_is_recognised_in_its_folder() {
    let folder = place("");
    let companies = folder.path().join("Empresas");
    adminpaq::Shop::open(
        &companies.join("TIENDA"),
        1,
        20,
        20,
        1,
        Utc::now().naive_utc(),
    )
    .unwrap();
    let arguments = ["--port", "9", "--folder", companies.to_str().unwrap()];
    let found = said(&agent(folder.path(), &arguments));
    assert!(found.contains("pack = \"adminpaq-dbf\""), "{found}");
    assert!(found.contains("TIENDA\""), "{found}");
}

#[test]
fn a_folder_of_exports_is_recognised_by_its_files() {
    let folder = place("");
    let exports = folder.path().join("exportaciones");
    std::fs::create_dir(&exports).unwrap();
    let arguments = ["--port", "9", "--folder", exports.to_str().unwrap()];
    std::fs::write(
        exports.join("PRODUCTOS_20260301.csv"),
        "codigo;nombre;existencia\n0001;Café;3\n",
    )
    .unwrap();
    let found = said(&agent(folder.path(), &arguments));
    assert!(!found.contains("pack = "), "{found}");
    assert!(found.contains("precio_venta"), "{found}");

    std::fs::write(
        exports.join("PRODUCTOS_20260301.csv"),
        "codigo;nombre;precio_venta;existencia\n0001;Café;1,50;3\n",
    )
    .unwrap();
    let found = said(&agent(folder.path(), &arguments));
    assert!(found.contains("pack = \"fluxion-export\""), "{found}");
    assert!(found.contains("exportaciones\""), "{found}");
}

#[test]
fn a_segment_is_searched_and_each_server_is_found_where_it_listens() {
    let sqlserver = fluxion_tds::Options::default().start().unwrap();
    let port = sqlserver.port().to_string();
    let folder = place("");
    let arguments = ["--lan", "127.0.0.0/29", "--port", &port];
    let found = said(&agent(folder.path(), &arguments));
    let servers: Vec<&str> = found
        .lines()
        .filter(|line| line.contains("SQL Server"))
        .collect();
    assert_eq!(servers.len(), 1, "{found}");
    assert!(servers[0].contains(&format!("127.0.0.1 {port}")), "{found}");
    for refused in ["10.0.0.0/16", "192.168.0.0/21"] {
        let refused = agent(folder.path(), &["--lan", refused]);
        assert!(said(&refused).contains("/22"), "{}", said(&refused));
    }
}
