//! `fluxion-agent outbox` as a technician uses it, on a real MariaDB.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use fluxion_tests::servers::MariaDb;
use fluxion_tests::servers::mariadb::{PASSWORD, USER};

struct Shop {
    server: MariaDb,
    database: String,
    folder: tempfile::TempDir,
}

impl Shop {
    /// A POS whose agent may only read, and whose products are followed as `capture` says.
    fn new(capture: &str) -> Self {
        let server = MariaDb::shared().expect("MariaDB must be installed");
        let database = server.fresh_database().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shop = Self {
            server,
            database,
            folder,
        };
        shop.run(&format!(
            "CREATE TABLE items(code VARCHAR(20) PRIMARY KEY, name VARCHAR(40));
             INSERT INTO items VALUES ('1', 'Café');
             CREATE USER {user}@'%' IDENTIFIED BY 'only reads';
             GRANT SELECT ON {database}.items TO {user}@'%'",
            user = shop.reader(),
            database = shop.database
        ));
        let mapping = r#"
name = "test"
version = 1
system = "custom"
connector = "mysql"
[[streams]]
name = "items"
key = ["code"]
source.query = { from = "items", columns = { code = "code", name = "name" } }
capture = { strategy = "diff" }
changes = [{ table = "items", key = ["code"] }]
[[streams.records]]
entity = "product"
[streams.records.fields]
id = { column = "code" }
sku = { column = "code" }
name = { column = "name" }
"#;
        shop.write("mapping.toml", mapping);
        shop.write("root password.txt", &format!("{PASSWORD}\r\n"));
        shop.write(
            "fluxion-agent.toml",
            &format!(
                "server = \"http://127.0.0.1:9\"\ndata_dir = \"data\"\n[[pos]]\nname = \"caja\"\nconnector = \"mysql\"\n\
                 mapping = \"mapping.toml\"\ncurrency = \"VES\"\n{capture}\n[pos.connection]\nhost = \"127.0.0.1\"\n\
                 port = {}\ndatabase = \"{}\"\nuser = \"{}\"\npassword = \"only reads\"\n",
                shop.server.port(),
                shop.database,
                shop.reader(),
            ),
        );
        shop
    }

    fn reader(&self) -> String {
        format!("r_{}", self.database)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, sql: &str) -> String {
        self.server.query(&self.database, sql).unwrap()
    }

    fn triggers(&self) -> String {
        let count =
            "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
        self.run(count).trim().to_owned()
    }

    fn agent(&self, arguments: &[&str]) -> Output {
        agent(self.folder.path(), arguments)
    }

    /// With the login that may create triggers.
    fn agent_as_owner(&self, arguments: &[&str]) -> Output {
        let file = self.folder.path().join("root password.txt");
        let mut all = arguments.to_vec();
        all.extend(["--user", USER, "--password-file", file.to_str().unwrap()]);
        self.agent(&all)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let user = self.reader();
        self.run(&format!(
            "DROP USER IF EXISTS {user}@'%'; DROP DATABASE {}",
            self.database
        ));
    }
}

fn agent(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
        .current_dir(folder)
        .env_remove("FLUXION_AGENT_CONFIG")
        .env_remove("FLUXION_AGENT_DATA")
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

const OUTBOX: &str = "[pos.capture]\nitems = \"outbox\"";

#[test]
fn an_outbox_is_shown_installed_with_consent_used_and_removed() {
    let shop = Shop::new(OUTBOX);
    let printed = shop.agent(&["outbox", "print", "--lang", "en"]);
    let text = said(&printed);
    assert!(printed.status.success(), "{text}");
    for expected in [
        "CREATE TRIGGER",
        "xp_cmdshell",
        "swallow their own errors",
        "items",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(shop.triggers(), "0", "printing changes nothing");
    let printed = said(&shop.agent(&["outbox", "print", "--lang", "es"]));
    assert!(printed.contains("disparadores"), "{printed}");

    // Before it is there, doctor says what it would take, and the stream goes on by comparing.
    let doctor = said(&shop.agent(&["doctor", "--lang", "en"]));
    assert!(
        doctor.contains("changes are noticed by diff, not by outbox"),
        "{doctor}"
    );

    let refused = shop.agent_as_owner(&["outbox", "install"]);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("--yes"),
        "nobody consented: {}",
        said(&refused)
    );
    assert_eq!(shop.triggers(), "0");

    let refused = shop.agent(&["outbox", "install", "--yes"]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains("--user"), "{}", said(&refused));
    assert_eq!(shop.triggers(), "0");

    let installed = shop.agent_as_owner(&["outbox", "install", "--yes"]);
    assert!(installed.status.success(), "{}", said(&installed));
    assert!(!said(&installed).contains(PASSWORD) || PASSWORD == USER);
    assert_eq!(shop.triggers(), "3");
    shop.run("UPDATE items SET name = 'Café molido'");
    assert_eq!(
        shop.run("SELECT op, k1 FROM fluxion_outbox WHERE source = 'items(code)' AND op <> 'x'")
            .trim(),
        "u\t1"
    );
    let doctor = said(&shop.agent(&["doctor", "--lang", "en"]));
    assert!(!doctor.contains("not by outbox"), "{doctor}");

    let removed = shop.agent_as_owner(&["outbox", "remove", "--yes"]);
    assert!(removed.status.success(), "{}", said(&removed));
    assert_eq!(shop.triggers(), "0");
    assert_eq!(shop.run("SHOW TABLES").trim(), "items");
}

#[test]
fn an_outbox_that_no_stream_wants_is_not_installed() {
    let shop = Shop::new("");
    let printed = shop.agent(&["outbox", "print"]);
    assert!(!printed.status.success());
    assert!(
        said(&printed).contains("[pos.capture]"),
        "{}",
        said(&printed)
    );
}
