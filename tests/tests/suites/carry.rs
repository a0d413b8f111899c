//! A store without a line, with agent and cloud as they are shipped: what it reads leaves in a file, and a receipt comes
//! back.
//!
//! The programs must have been built: `cargo build --workspace`, or `cargo xtask test`, which does it first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use fluxion_tests::demo::api::Api;
use fluxion_tests::demo::chain::port;
use fluxion_tests::demo::chain::{Agent, Cloud, EMAIL, PASSWORD, export_section, program};
use fluxion_tests::demo::narrate::Narrator;
use fluxion_tests::servers::{Durability, PostgreSql};
use serde_json::Value;

/// Nobody listens there.
const NO_LINE: &str = "http://127.0.0.1:9";

struct World {
    _folder: tempfile::TempDir,
    _postgres: Option<PostgreSql>,
    root: PathBuf,
    cloud: Cloud,
    api: Api,
}

struct Store {
    agent: Agent,
    exports: PathBuf,
    stick: PathBuf,
    files: u32,
}

impl World {
    async fn new(postgres: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let postgres = postgres.then(|| PostgreSql::start(Durability::Relaxed).unwrap());
        let root = folder.path().to_owned();
        let mut cloud =
            Cloud::new(&root, port(0, &Narrator::new()).unwrap(), postgres.as_ref()).unwrap();
        cloud.start().unwrap();
        let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await.unwrap();
        Self {
            _folder: folder,
            _postgres: postgres,
            root,
            cloud,
            api,
        }
    }

    /// A store whose agent was enrolled over a line that it may have lost since.
    async fn store(&self, name: &str, has_line: bool) -> Store {
        let folder = self.root.join(name);
        let (exports, stick) = (folder.join("exports"), folder.join("stick"));
        fs::create_dir_all(&exports).unwrap();
        fs::create_dir_all(&stick).unwrap();
        let section = export_section("caja", &exports, "USD");
        let section = format!("{section}settle_seconds = 0.2\n").replace("2s", "1s");
        let agent = Agent::install(&self.api, &self.cloud.url, &folder, name, "Cúa", &section)
            .await
            .unwrap();
        if !has_line {
            let text = fs::read_to_string(&agent.config).unwrap();
            fs::write(&agent.config, text.replace(&self.cloud.url, NO_LINE)).unwrap();
        }
        Store {
            agent,
            exports,
            stick,
            files: 0,
        }
    }

    async fn products(&self) -> usize {
        let products: Vec<Value> = self.api.all("/v1/source-products").await.unwrap();
        products.len()
    }

    async fn bring(&self, file: &Path) -> Value {
        let (status, answer) = self.api.bring(fs::read(file).unwrap()).await.unwrap();
        assert!(status.is_success(), "{answer}");
        answer
    }
}

impl Store {
    /// The POS drops a file with all its products, and the agent takes it.
    fn sell(&mut self, products: u32) {
        self.files += 1;
        let mut text = "codigo;nombre;precio_venta;existencia;categoria\n".to_owned();
        for code in 0..products {
            let price = code + self.files;
            text += &format!(
                "{code:06};Producto {code};{price},50;{};Víveres\n",
                code % 90
            );
        }
        let file = self.exports.join(format!("productos-{}.csv", self.files));
        fs::write(&file, text).unwrap();
        until("the file is read", || !file.exists());
        // What follows the file, the report of its job, comes a moment later.
        until("the job has ended", || {
            let before = self.last_job();
            std::thread::sleep(Duration::from_millis(500));
            before == self.last_job()
        });
    }

    fn look(&self, sql: &str) -> i64 {
        let spool = self.agent.config.with_file_name("agent").join("spool.db");
        let db = rusqlite::Connection::open(spool).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn waiting(&self) -> i64 {
        self.look("SELECT count(*) FROM batches")
    }

    fn last_job(&self) -> i64 {
        self.look("SELECT value FROM meta WHERE key = 'next_seq'")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("fluxion-agent").unwrap());
        command.arg("carry").args(arguments);
        command
            .args(["--lang", "en", "--config"])
            .arg(&self.agent.config);
        command
    }

    fn export(&self) -> PathBuf {
        let stick = self.stick.to_str().unwrap().to_owned();
        let said = well(&mut self.command(&["export", &stick]));
        assert!(said.contains("Import from USB stick"), "{said}");
        let files = self.files_on_stick();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    fn files_on_stick(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.stick).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "carry"))
            .collect()
    }

    fn import(&self, receipt: &Value) -> Output {
        let path = self.stick.join("cloud.receipt");
        fs::write(&path, receipt["receipt"].as_str().unwrap()).unwrap();
        let mut command = self.command(&["import", path.to_str().unwrap()]);
        command.output().unwrap()
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(180), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn well(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn out_and_back(postgres: bool) {
    let world = World::new(postgres).await;
    let mut store = world.store("sin-linea", false).await;
    store.agent.start().unwrap();
    store.sell(300);
    store.sell(310);
    let waiting = store.waiting();
    assert!(waiting >= 2, "{waiting}");

    // The agent works on meanwhile.
    let first = store.export();
    let text = fs::read(&first).unwrap();
    assert!(!text.windows(8).any(|part| part == b"Producto"));
    let report = world.bring(&first).await;
    assert_eq!(report["applied"], waiting, "{report}");
    assert_eq!(world.products().await, 310);
    let again = world.bring(&first).await;
    assert_eq!(again["applied"], 0, "{again}");

    // Without the receipt the next file holds everything once more.
    store.sell(320);
    let second = store.export();
    let report = world.bring(&second).await;
    assert_eq!(report["known"], waiting, "{report}");
    assert_eq!(world.products().await, 320);

    // The receipt reaches the agent that works, and another one that does not.
    let done = store.import(&report);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(store.waiting(), 0);
    store.sell(330);
    let third = store.export();
    let report = world.bring(&third).await;
    assert_eq!(report["known"], 0, "{report}");
    assert_eq!(world.products().await, 330);
    store.agent.stop();
    let done = store.import(&report);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(store.waiting(), 0);
    let nothing = store.stick.to_str().unwrap().to_owned();
    let said = well(&mut store.command(&["export", &nothing]));
    assert!(said.contains("nothing to carry"), "{said}");

    let other = world.store("otra", false).await;
    let refused = refusal(&other.import(&report));
    assert!(refused.contains("damaged"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_line_reaches_the_cloud_and_hears_back_on_sqlite() {
    out_and_back(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_line_reaches_the_cloud_and_hears_back_on_postgresql() {
    out_and_back(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_comes_back_while_the_file_is_on_its_way_doubles_nothing() {
    let mut world = World::new(false).await;
    let mut store = world.store("con-linea", true).await;
    world.cloud.stop();
    store.agent.start().unwrap();
    store.sell(200);
    let file = store.export();
    store.sell(210);
    world.cloud.start().unwrap();
    until("the agent has posted everything", || store.waiting() == 0);
    let report = world.bring(&file).await;
    assert_eq!(report["applied"], 0, "{report}");
    assert_eq!(world.products().await, 210);
    // The receipt tells the agent nothing new, and it goes on.
    let done = store.import(&report);
    assert!(done.status.success(), "{done:?}");
    store.sell(220);
    until("the agent has posted everything", || store.waiting() == 0);
    assert_eq!(world.products().await, 220);

    // The other way round: the file arrives first, and the line then carries only what is newer.
    world.cloud.stop();
    store.sell(230);
    let file = store.export();
    store.agent.stop();
    world.cloud.start().unwrap();
    let report = world.bring(&file).await;
    assert_ne!(report["applied"], 0, "{report}");
    store.agent.start().unwrap();
    until("the agent has posted everything", || store.waiting() == 0);
    assert_eq!(world.products().await, 230);
    let jobs: Value = world.api.get("/v1/rejects").await.unwrap();
    assert_eq!(jobs["items"].as_array().unwrap().len(), 0, "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_whole_or_not_there_when_the_power_fails_or_the_stick_is_full() {
    let world = World::new(false).await;
    let mut store = world.store("sin-linea", false).await;
    store.agent.start().unwrap();
    store.sell(6_000);
    store.agent.stop();
    let stick = store.stick.to_str().unwrap().to_owned();
    for milliseconds in (0..60).step_by(6) {
        let mut child = store.command(&["export", &stick]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in store.files_on_stick() {
            world.bring(&file).await;
        }
    }
    let report = world.bring(&store.export()).await;
    assert_eq!(report["outcome"], "complete");
    assert_eq!(world.products().await, 6_000);

    // A stick without room, as the operating system tells of it while the file grows.
    let export = store.command(&["export", &stick]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]);
    limited.arg(export.get_program()).args(export.get_args());
    let refused = refusal(&limited.output().unwrap());
    assert!(
        refused.contains("exFAT") && refused.contains("Nothing is lost"),
        "{refused}"
    );
    assert!(!store.stick.join("fluxion-export.part").exists());
    let refused = refusal(
        &store
            .command(&["export", "/nowhere/at/all"])
            .output()
            .unwrap(),
    );
    assert!(refused.contains("no such folder"), "{refused}");
}
