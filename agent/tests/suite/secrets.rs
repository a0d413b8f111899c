//! Secrets through the real agent: kept sealed, used, and found in nothing that it writes or sends.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_agent::agent::{Agent, BuildPos, Mode};
use fluxion_agent::capture::PosSystem;
use fluxion_agent::config::LogConfig;
use fluxion_agent::folder::DataFolder;
use fluxion_agent::{crash, logs};
use fluxion_connectors::{
    Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, Probe, SourceError, SourceResult,
    StartAt,
};
use fluxion_model::id::AgentId;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::StreamSpec;
use fluxion_model::webhook::{Secret, sign};
use fluxion_tests::servers::MariaDb;
use serde_json::{Value as Json, json};

use crate::cloud::{Cloud, TOKEN};

pub const RIGHT: &str = "Contraseña/de+la\"tienda@9";
pub const WRONG: &str = "Equivocada/de ayer:7";
pub const WEBHOOK: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A store with a POS on MariaDB and one that calls out.
pub struct Store {
    mariadb: MariaDb,
    database: String,
    folder: tempfile::TempDir,
    webhook: SocketAddr,
}

impl Store {
    pub fn new(server: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let mariadb = MariaDb::shared().expect("MariaDB must be installed");
        let database = mariadb.fresh_database().unwrap();
        let user = format!("r_{database}");
        let sql = format!(
            "CREATE TABLE items(code VARCHAR(20) PRIMARY KEY, name VARCHAR(40));
             INSERT INTO items VALUES ('R-4417-Q', 'Café molido de Trujillo');
             CREATE USER {user}@'%' IDENTIFIED BY '{RIGHT}';
             GRANT SELECT ON {database}.items TO {user}@'%';"
        );
        mariadb.query(&database, &sql).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = listener.local_addr().unwrap();
        let store = Self {
            folder: tempfile::tempdir().unwrap(),
            webhook,
            database,
            mariadb,
        };
        store.write(
            "mapping.toml",
            "name = \"test\"\nversion = 1\nsystem = \"custom\"\nconnector = \"mysql\"\n[[streams]]\nname = \"items\"\n\
             key = [\"code\"]\nsource.query = { from = \"items\", columns = { code = \"code\", name = \"name\" } }\n\
             capture = { strategy = \"diff\" }\n[[streams.records]]\nentity = \"product\"\n[streams.records.fields]\n\
             id = { column = \"code\" }\nsku = { column = \"code\" }\nname = { column = \"name\" }\n",
        );
        store.write(
            "fluxion-agent.toml",
            &format!(
                "server = \"{server}\"\ndata_dir = \"data\"\n[log]\nlevel = \"trace\"\n\
                 [[pos]]\nname = \"caja\"\nconnector = \"mysql\"\nmapping = \"mapping.toml\"\ncurrency = \"VES\"\n\
                 every = \"1s\"\n[pos.connection]\nhost = \"127.0.0.1\"\nport = {}\ndatabase = \"{}\"\n\
                 user = \"{user}\"\npassword = {{ secret = \"caja\" }} # sellada\n\
                 [[pos]]\nname = \"avisos\"\nconnector = \"webhook\"\npack = \"pos-service\"\ncurrency = \"USD\"\n\
                 [pos.connection]\nlisten = \"{webhook}\"\nsecret = {{ secret = \"avisos\" }}\n",
                store.mariadb.port(),
                store.database,
            ),
        );
        std::fs::create_dir(store.path("data")).unwrap();
        let identity = json!({
            "server": server, "agent_id": AgentId::generate(), "token": TOKEN, "tenant_name": "Cadena",
            "store_name": "Centro",
        });
        store.write("data/agent-token.json", &identity.to_string());
        store
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fluxion-agent"));
        command
            .current_dir(self.folder.path())
            .env_remove("FLUXION_AGENT_CONFIG")
            .env_remove("FLUXION_AGENT_DATA")
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .args(arguments);
        command
    }

    /// What the agent says to a command that is given this on standard input; it is also kept among the outputs.
    pub fn says(&self, arguments: &[&str], input: &str) -> (String, bool) {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A command that asks for nothing may have closed its end.
        drop(pipe.write_all(input.as_bytes()));
        drop(pipe);
        let output: Output = child.wait_with_output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let name = format!("output-{}.txt", arguments.join("-").replace('/', "_"));
        self.write(&name, &said);
        (said, output.status.success())
    }

    /// Keeps the right secret of each POS.
    pub fn keep_secrets(&self) {
        for (name, secret) in [("caja", RIGHT), ("avisos", WEBHOOK)] {
            let (said, done) = self.says(&["secret", "set", name], secret);
            assert!(done, "{said}");
        }
    }

    pub fn run(&self) -> Process {
        let screen = std::fs::File::create(self.path("screen.txt")).unwrap();
        let mut command = self.command(&["run"]);
        command
            .stdin(Stdio::null())
            .stdout(screen.try_clone().unwrap())
            .stderr(screen);
        Process(command.spawn().unwrap())
    }

    /// The agent's state, once it is as it should be.
    pub async fn state(&self, what: &str, holds: impl Fn(&Json) -> bool) -> Json {
        let mut state = Json::Null;
        for _ in 0..900 {
            let text = std::fs::read(self.path("data/state.json")).unwrap_or_default();
            state = serde_json::from_slice(&text).unwrap_or_default();
            if holds(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("waited in vain until {what}: {state:#}");
    }

    /// Tells of a product, signed with this secret; returns the status of the answer.
    pub async fn call(&self, secret: &str) -> u16 {
        self.call_with(secret, "evt_1", 40_417.25).await
    }

    pub async fn call_with(&self, secret: &str, id: &str, price: impl Into<Json>) -> u16 {
        let body = json!({"event_type": "product_updated", "data": {
            "variant_id": id, "name": "Ron añejo de la casa", "selling_price": price.into(), "stock": 3}})
        .to_string();
        let now = chrono::Utc::now().timestamp();
        let signature = sign(id, now, body.as_bytes(), &Secret::parse(secret).unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client
            .post(format!("http://{}/webhook", self.webhook))
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(body);
        sent.send().await.unwrap().status().as_u16()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let d = &self.database;
        let sql = format!("DROP USER IF EXISTS r_{d}@'%'; DROP DATABASE {d}");
        self.mariadb.query(d, &sql).unwrap();
    }
}

/// Ends the agent as a power cut does.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Every file below a folder that holds one of these texts, however it may be written.
pub fn holders(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for text in texts {
                let escaped = serde_json::to_string(text).unwrap();
                for form in [*text, escaped.trim_matches('"')] {
                    let at = bytes
                        .windows(form.len())
                        .position(|part| part == form.as_bytes());
                    if let Some(at) = at {
                        let around = &bytes[at.saturating_sub(80)..(at + 80).min(bytes.len())];
                        let around = String::from_utf8_lossy(around);
                        found.push(format!("{}: {text} in …{around}…", path.display()));
                    }
                }
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_anything_that_is_written_or_sent() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let (said, done) = store.says(&["secret", "set", "caja"], &format!("{WRONG}\r\n"));
    assert!(done, "{said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("secret.txt");
    std::fs::write(&file, WEBHOOK).unwrap();
    let set = ["secret", "set", "avisos", "--file", file.to_str().unwrap()];
    let (said, done) = store.says(&set, "");
    assert!(done, "{said}");

    let process = store.run();
    store
        .state("the login is refused", |state| {
            let streams = state["streams"].as_array().into_iter().flatten();
            streams
                .into_iter()
                .any(|stream| stream["halted"]["code"] == "login_refused")
        })
        .await;
    cloud
        .until("a heartbeat tells of it", |inner| {
            inner.heard.iter().any(|one| one.contains("Access denied"))
        })
        .await;
    let (said, _) = store.says(&["doctor", "--lang", "en"], "");
    assert!(said.contains("Access denied"), "{said}");

    let (said, done) = store.says(&["secret", "set", "caja"], &format!("{RIGHT}\n"));
    assert!(done && said.contains("takes it over now"), "{said}");
    cloud
        .until("the row of the POS is there", |inner| {
            inner.model.records.len() == 1
        })
        .await;
    let other = "whsec_BBBBAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_eq!(store.call(other).await, 401);
    assert_eq!(store.call(WEBHOOK).await, 200);
    cloud
        .until("the event is there", |inner| inner.model.records.len() == 4)
        .await;
    for command in [
        &["doctor", "--lang", "es"][..],
        &["status"],
        &["status", "--json"],
        &["config", "check"],
        &["secret", "list"],
        &["spool"],
        &["sync", "--full"],
    ] {
        let (said, done) = store.says(command, "");
        assert!(done, "{command:?}: {said}");
    }
    drop(process);

    let heard = cloud.inner(|inner| inner.heard.join("\n"));
    store.write("heard.txt", &heard);
    let log = std::fs::read_dir(store.path("data/logs")).unwrap().count();
    assert!(log > 0, "there is a log");
    let found = holders(store.folder.path(), &[RIGHT, WRONG, WEBHOOK, TOKEN]);
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_stops_its_pos_alone_and_is_named_with_the_command() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let (said, done) = store.says(&["secret", "set", "avisos"], WEBHOOK);
    assert!(done, "{said}");
    let _process = store.run();
    let state = store
        .state("the POS is named", |state| {
            state["pos_problems"]["caja"].is_string()
        })
        .await;
    let problem = state["pos_problems"]["caja"].as_str().unwrap();
    assert!(
        problem.contains("fluxion-agent secret set caja"),
        "{problem}"
    );
    for _ in 0..100 {
        if std::net::TcpStream::connect(store.webhook).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.call(WEBHOOK).await, 200, "the other POS works");
    let (said, done) = store.says(&["doctor", "--lang", "es"], "");
    assert!(
        !done && said.contains("falta el secreto \"caja\""),
        "{said}"
    );
    let (said, _) = store.says(&["secret", "list"], "");
    assert!(said.contains("caja: MISSING; used by caja"), "{said}");
    assert!(said.contains("avisos: avisos"), "{said}");
    let (said, done) = store.says(&["secret", "set", "caja"], RIGHT);
    assert!(done, "{said}");
    cloud
        .until("the row is there without a restart", |inner| {
            inner.model.records.len() == 4
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_of_an_old_configuration_move_into_the_store() {
    let (_cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let path = store.path("fluxion-agent.toml");
    let sealed = std::fs::read_to_string(&path).unwrap();
    let plain = sealed
        .replace("{ secret = \"caja\" }", &format!("'{RIGHT}'"))
        .replace("{ secret = \"avisos\" }", &format!("\"{WEBHOOK}\""));
    store.write("fluxion-agent.toml", &plain);
    let (said, _) = store.says(&["doctor", "--lang", "en"], "");
    assert!(said.contains("secret move-from-config"), "{said}");
    assert!(said.contains("caja.password, avisos.secret"), "{said}");

    let (said, done) = store.says(&["secret", "move-from-config"], "");
    assert!(done, "{said}");
    let moved = std::fs::read_to_string(&path).unwrap();
    assert_eq!(moved, sealed.replace("\"avisos\" }", "\"avisos-secret\" }"));
    let (said, done) = store.says(&["doctor", "--lang", "en"], "");
    assert!(done && !said.contains("move-from-config"), "{said}");
    assert!(said.contains("caja/items: can be read"), "{said}");
    let (said, done) = store.says(&["secret", "move-from-config"], "");
    assert!(done && said.contains("holds no passwords"), "{said}");
    let found = holders(store.folder.path(), &[RIGHT, WEBHOOK]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_secret_is_refused_where_it_makes_no_sense_and_forgotten_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
            .args(arguments)
            .args([
                "--data-dir",
                folder.path().to_str().unwrap(),
                "--lang",
                "es",
            ])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let empty = run(&["secret", "set", "caja"]);
    assert!(!empty.status.success(), "standard input was empty");
    let file = folder.path().join("clave.txt");
    std::fs::write(&file, "\u{feff}clave de la caja\r\n").unwrap();
    let kept = run(&["secret", "set", "caja", "--file", file.to_str().unwrap()]);
    assert!(kept.status.success());
    let listed = run(&["secret", "list"]);
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout),
        "caja: nadie lo usa\n"
    );
    assert!(run(&["secret", "remove", "caja"]).status.success());
    let again = run(&["secret", "remove", "caja"]);
    assert!(!again.status.success());
}

/// A POS whose driver panics, with the password in its last words.
struct Panics;

#[async_trait]
impl Connector for Panics {
    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Mysql
    }

    async fn probe(&self) -> SourceResult<Probe> {
        Err(SourceError::retry(
            ConnectorKind::Mysql,
            "connect",
            format!("mysql://ana:{WRONG}@host refused {RIGHT}"),
        ))
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        panic!("catalog with {RIGHT}");
    }

    async fn open(
        &self,
        _: &StreamSpec,
        _: StartAt,
        _: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        tracing::trace!("DSN=pos;PWD={RIGHT}");
        panic!("assertion failed: PWD={RIGHT};TOKEN={TOKEN}");
    }

    async fn read_keys(
        &self,
        _: &StreamSpec,
        _: &[RowKey],
        _: OpenContext,
    ) -> SourceResult<RowBatch> {
        panic!("keys with {RIGHT}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_leaves_a_report_without_secrets_and_the_agent_goes_on() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    store.keep_secrets();
    let loaded = fluxion_agent::config::load(&store.path("fluxion-agent.toml"), None).unwrap();
    let data = DataFolder::open(&loaded.data_dir).unwrap();
    let log = LogConfig {
        level: "trace".to_owned(),
        keep_days: 1,
        max_mb: 10,
    };
    let guard = logs::begin(&log, &data.logs(), logs::Screen::Warnings).unwrap();
    crash::report_to(&data.logs());
    let build: BuildPos = Arc::new(|loaded, config| {
        let pos = PosSystem::prepare(loaded, config)?;
        if config.name == "caja" {
            return PosSystem::with_connector(loaded, config, Arc::new(Panics));
        }
        Ok(pos)
    });
    let agent = Agent::start(loaded, data.clone(), Mode::Resident, build).unwrap();
    let mut reports = Vec::new();
    for _ in 0..200 {
        reports = crash::reports(&data.logs());
        if !reports.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let report = std::fs::read_to_string(reports.first().expect("a crash report")).unwrap();
    assert!(
        report.contains("assertion failed: PWD=***;TOKEN=***"),
        "{report}"
    );
    assert!(report.contains("secrets.rs:"), "where it was: {report}");
    assert_eq!(store.call(WEBHOOK).await, 200, "the other POS works");
    cloud
        .until("its event is there", |inner| inner.model.records.len() == 3)
        .await;
    agent.stop().await;
    drop(guard);
    let found = holders(&store.path("data"), &[RIGHT, WRONG, WEBHOOK, TOKEN]);
    assert!(found.is_empty(), "{found:#?}");
}
