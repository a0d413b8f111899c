//! `fluxion-agent doctor` as a technician uses it: a real MariaDB, an export folder and a cloud, each with a problem.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::response::Html;
use fluxion_model::id::AgentId;
use fluxion_tests::servers::MariaDb;
use serde_json::json;

use crate::cloud::{Cloud, TOKEN};

struct Store {
    mariadb: MariaDb,
    database: String,
    folder: tempfile::TempDir,
    server: String,
    token: &'static str,
    account: Account,
    columns: &'static str,
    more: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    OnlyReads,
    Writes,
    WrongPassword,
}

impl Store {
    /// A store in which all is well.
    fn new(server: &str) -> Self {
        let mariadb = MariaDb::shared().expect("MariaDB must be installed");
        let database = mariadb.fresh_database().unwrap();
        let store = Self {
            mariadb,
            database,
            folder: tempfile::tempdir().unwrap(),
            server: server.to_owned(),
            token: TOKEN,
            account: Account::OnlyReads,
            columns: "code = \"code\", name = \"name\"",
            more: "",
        };
        store.run(&format!(
            "CREATE TABLE items(code VARCHAR(20) PRIMARY KEY, name VARCHAR(40));
             INSERT INTO items VALUES ('1', 'Café');
             CREATE USER r_{d}@'%' IDENTIFIED BY 'only reads';
             GRANT SELECT ON {d}.items TO r_{d}@'%';
             CREATE USER w_{d}@'%' IDENTIFIED BY 'only reads';
             GRANT SELECT, DELETE ON {d}.items TO w_{d}@'%'",
            d = store.database
        ));
        std::fs::create_dir(store.path().join("exports")).unwrap();
        store
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, sql: &str) {
        self.mariadb.query(&self.database, sql).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn set_up(&self) {
        let records = "[[streams.records]]\nentity = \"product\"\n[streams.records.fields]\n\
                       id = { column = \"code\" }\nsku = { column = \"code\" }\nname = { column = \"name\" }\n";
        let head = "name = \"test\"\nversion = 1\nsystem = \"custom\"\n";
        self.write(
            "mapping.toml",
            &format!(
                "{head}connector = \"mysql\"\n[[streams]]\nname = \"items\"\nkey = [\"code\"]\n\
                 source.query = {{ from = \"items\", columns = {{ {} }} }}\ncapture = {{ strategy = \"diff\" }}\n\
                 changes = [{{ table = \"items\", key = [\"code\"] }}]\n{records}",
                self.columns
            ),
        );
        self.write(
            "exports.toml",
            &format!(
                "{head}connector = \"files\"\n[[streams]]\nname = \"items\"\nkey = [\"code\"]\n\
                 source.files = {{ pattern = \"*.csv\", content = \"changes\" }}\ncapture = {{ strategy = \"arrival\" }}\n{records}"
            ),
        );
        let (user, password) = match self.account {
            Account::OnlyReads => (format!("r_{}", self.database), "only reads"),
            Account::Writes => (format!("w_{}", self.database), "only reads"),
            Account::WrongPassword => (format!("r_{}", self.database), "wrong"),
        };
        self.write(
            "fluxion-agent.toml",
            &format!(
                "server = \"{}\"\ndata_dir = \"data\"\n[[pos]]\nname = \"caja\"\nconnector = \"mysql\"\n\
                 mapping = \"mapping.toml\"\ncurrency = \"VES\"\n{}\n[pos.connection]\nhost = \"127.0.0.1\"\n\
                 port = {}\ndatabase = \"{}\"\nuser = \"{user}\"\npassword = \"{password}\"\n[[pos]]\n\
                 name = \"exportes\"\nconnector = \"files\"\nmapping = \"exports.toml\"\ncurrency = \"VES\"\n\
                 [pos.connection]\nfolder = \"exports\"\n",
                self.server,
                self.more,
                self.mariadb.port(),
                self.database,
            ),
        );
        std::fs::create_dir_all(self.path().join("data")).unwrap();
        let identity = json!({
            "server": self.server, "agent_id": AgentId::generate(), "token": self.token,
            "tenant_name": "Cadena", "store_name": "Centro",
        });
        self.write("data/agent-token.json", &identity.to_string());
    }

    /// What doctor prints, and whether it is content.
    async fn doctor(&self, lang: &str) -> (String, bool) {
        self.set_up();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fluxion-agent"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let output = command
            .current_dir(self.path())
            .env_remove("FLUXION_AGENT_CONFIG")
            .env_remove("FLUXION_AGENT_DATA")
            .args(["doctor", "--lang", lang])
            .output()
            .await
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (text, output.status.success())
    }

    /// The finding in both languages, each with what to do.
    async fn fails(&self, english: &str, spanish: &str) {
        for (lang, expected, what_to_do) in [
            ("en", english, "What to do:"),
            ("es", spanish, "Qué hacer:"),
        ] {
            let (said, content) = self.doctor(lang).await;
            assert!(!content, "{said}");
            let lines: Vec<_> = said.lines().collect();
            let at = lines
                .iter()
                .position(|line| line.starts_with("[FAIL]") && line.contains(expected));
            let at = at.unwrap_or_else(|| panic!("no failure {expected:?}: {said}"));
            assert!(lines[at + 1].contains(what_to_do), "{said}");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let d = &self.database;
        self.run(&format!(
            "DROP USER IF EXISTS r_{d}@'%'; DROP USER IF EXISTS w_{d}@'%'; DROP DATABASE {d}"
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_order_is_told_so_line_by_line() {
    let (_cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let (said, content) = store.doctor("en").await;
    assert!(content, "{said}");
    for expected in [
        "Data folder is writable",
        "Enrolled in the store: Centro (Cadena)",
        "The clock is right",
        "The cloud accepts the agent",
        "MariaDB",
        "caja/items: can be read; changes are noticed by diff",
        "changes would be noticed sooner by outbox",
        "exportes/items: can be read; changes are noticed by arrival",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(
        !said.contains("[FAIL]") && !said.contains("only reads"),
        "{said}"
    );
    let (said, content) = store.doctor("es").await;
    assert!(content, "{said}");
    for expected in [
        "El reloj está en hora",
        "La nube acepta el agente",
        "caja/items: se puede leer; los cambios se notan por diff",
        "los cambios se notarían antes por outbox",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_gone_is_named_in_both_languages() {
    let (_cloud, server) = Cloud::start().await;
    let mut store = Store::new(&server);
    store.columns = "code = \"code\", name = \"nombre\"";
    store
        .fails("Unknown column 'nombre'", "caja/items: falta una columna")
        .await;
    let (said, _) = store.doctor("es").await;
    assert!(said.contains("corrija la columna en el mapeo"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_wrong_and_an_account_that_may_write_are_said() {
    let (_cloud, server) = Cloud::start().await;
    let mut store = Store::new(&server);
    store.account = Account::WrongPassword;
    store
        .fails("Access denied", "el inicio de sesión fue rechazado")
        .await;
    store.account = Account::Writes;
    let (said, content) = store.doctor("es").await;
    assert!(content, "it works: {said}");
    assert!(
        said.contains("puede modificar datos; basta con SELECT"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_gone_or_whose_files_cannot_be_moved_is_said() {
    let (_cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    store.write("exports/processed", "a file where a folder must be");
    store
        .fails("cannot be moved to", "no se pueden mover a")
        .await;
    std::fs::remove_dir_all(store.path().join("exports")).unwrap();
    store.fails("exportes: ", "exportes: no se encuentra").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timetable_that_reads_everything_in_opening_hours_is_odd() {
    let (_cloud, server) = Cloud::start().await;
    let mut store = Store::new(&server);
    store.more = "sweep = \"0 0 12 * * *\"\nevery = \"5s\"";
    let (said, content) = store.doctor("en").await;
    assert!(content, "{said}");
    assert!(said.contains("have it at night"), "{said}");
    assert!(said.contains("more often than once a minute"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_between_the_store_and_its_cloud_is_named() {
    let (cloud, server) = Cloud::start().await;
    let mut store = Store::new(&server);
    cloud.inner(|inner| inner.refuses_health = true);
    store
        .fails("The cloud is in trouble", "La nube tiene problemas")
        .await;

    cloud.inner(|inner| inner.refuses_health = false);
    store.server = hotel().await;
    store
        .fails("A web page answers", "Una página web responde")
        .await;

    store.server = "http://127.0.0.1:9".to_owned();
    store
        .fails("The server is not reached (TCP)", "no se alcanza (TCP)")
        .await;

    store.server = server.replace("http://", "https://");
    store
        .fails(
            "No encryption is agreed on (TLS)",
            "No se acuerda el cifrado",
        )
        .await;

    store.server = "https://no-such-host.invalid".to_owned();
    store
        .fails("The name is not found (DNS)", "El nombre no se encuentra")
        .await;

    store.server = server;
    store.token = "another";
    store
        .fails("does not accept this agent", "no acepta este agente")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_the_proxy_that_is_missing_is_named_with_the_command() {
    let (_cloud, server) = Cloud::start().await;
    let mut store = Store::new(&server);
    store.more = "[network]\nproxy = \"http://127.0.0.1:9\"\nproxy_user = \"ana\"\n\
                  proxy_password = { secret = \"proxy\" }";
    store
        .fails(
            "network.proxy_password: the secret \"proxy\" is missing",
            "network.proxy_password: falta el secreto \"proxy\"",
        )
        .await;
    let (said, _) = store.doctor("es").await;
    assert!(said.contains("`fluxion-agent secret set proxy`"), "{said}");
}

/// A network that shows its login page, whatever is asked for.
async fn hotel() -> String {
    let app = Router::new().fallback(|| async { Html("<h1>Welcome to the hotel</h1>") });
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}
