//! A POS that calls out, through the real agent: from the call to the cloud, killed in between.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fluxion_agent::agent::{Agent, BuildPos, Mode};
use fluxion_agent::capture::{PosSystem, Task};
use fluxion_agent::config::Loaded;
use fluxion_agent::folder::{DataFolder, Identity};
use fluxion_connectors::{
    BatchLimit, Catalog, ChangeStream, Connector, ConnectorKind, Next, OpenContext, Probe, Settled,
    SourceError, SourceResult, StartAt, registry,
};
use fluxion_model::command::SyncMode;
use fluxion_model::entity::EntityKind;
use fluxion_model::id::AgentId;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::StreamSpec;
use fluxion_model::webhook::{Secret, sign};
use serde_json::{Value as Json, json};

use crate::cloud::{Cloud, TOKEN};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Store {
    folder: tempfile::TempDir,
    loaded: Loaded,
    address: SocketAddr,
}

impl Store {
    fn new(server: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("webhook-secret.txt"), SECRET).unwrap();
        let config = format!(
            "server = \"{server}\"\ndata_dir = \"data\"\n[[pos]]\nname = \"caja\"\nconnector = \"webhook\"\n\
             pack = \"pos-service\"\ncurrency = \"USD\"\ncountry = \"PA\"\ntime_zone = \"America/Panama\"\n\
             [pos.connection]\nlisten = \"{address}\"\nsecret_file = \"webhook-secret.txt\"\n"
        );
        let path = folder.path().join("fluxion-agent.toml");
        std::fs::write(&path, config).unwrap();
        let loaded = fluxion_agent::config::load(&path, None).unwrap();
        let identity = Identity {
            server: server.to_owned(),
            agent_id: AgentId::generate(),
            token: TOKEN.to_owned(),
            tenant_name: "Cadena".to_owned(),
            store_name: "Tienda".to_owned(),
        };
        let data = DataFolder::open(&loaded.data_dir).unwrap();
        data.keep_identity(&identity).unwrap();
        Self {
            folder,
            loaded,
            address,
        }
    }

    fn start(&self, build: BuildPos) -> Agent {
        let data = DataFolder::open(&self.loaded.data_dir).unwrap();
        Agent::start(self.loaded.clone(), data, Mode::Resident, build).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fluxion-agent"));
        command
            .current_dir(self.folder.path())
            .env_remove("FLUXION_AGENT_CONFIG")
            .env_remove("FLUXION_AGENT_DATA")
            .stdin(Stdio::null());
        command
    }

    fn run(&self) -> Process {
        let mut command = self.command();
        command
            .arg("run")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Process(command.spawn().unwrap())
    }

    /// Sends until it is told that the event is kept, as a sender must. Returns the answer.
    async fn send(&self, id: &str, body: &str) -> Json {
        for _ in 0..400 {
            if let Some((200, answer)) = self.try_send(id, body).await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{id} was never taken");
    }

    async fn try_send(&self, id: &str, body: &str) -> Option<(u16, Json)> {
        let now = chrono::Utc::now().timestamp();
        let signature = sign(id, now, body.as_bytes(), &Secret::parse(SECRET).unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client
            .post(format!("http://{}/webhook", self.address))
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(body.to_owned())
            .send()
            .await
            .ok()?;
        let status = response.status().as_u16();
        Some((
            status,
            serde_json::from_str(&response.text().await.ok()?).ok()?,
        ))
    }
}

/// Ends the agent as a power cut does.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn sale(number: usize) -> String {
    json!({"event_type": "sale_completed", "data": {
        "transaction_id": format!("txn_{number}"), "timestamp": "2026-03-05T18:40:00-05:00", "total_amount": 2.50,
        "items": [{"variant_id": "v1", "quantity": 2, "unit_price": 1.25}],
        "payments": [{"method": "yappy", "amount": 2.50}]}})
    .to_string()
}

/// The connector, but the first answer is lost after the event was stored.
struct Forgetful {
    inner: Box<dyn Connector>,
    lost: Arc<AtomicBool>,
}

struct ForgetfulStream {
    inner: Box<dyn ChangeStream>,
    lost: Arc<AtomicBool>,
}

#[async_trait]
impl Connector for Forgetful {
    fn kind(&self) -> ConnectorKind {
        self.inner.kind()
    }

    async fn probe(&self) -> SourceResult<Probe> {
        self.inner.probe().await
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        self.inner.catalog().await
    }

    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let inner = self.inner.open(stream, start, context).await?;
        let lost = Arc::clone(&self.lost);
        Ok(Box::new(ForgetfulStream { inner, lost }))
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        self.inner.read_keys(stream, keys, context).await
    }
}

#[async_trait]
impl ChangeStream for ForgetfulStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        self.inner.next(limit).await
    }

    async fn ready(&mut self) {
        self.inner.ready().await;
    }

    async fn settled(&mut self, settled: Settled<'_>) -> SourceResult<()> {
        if !self.lost.swap(true, Ordering::SeqCst) {
            return Err(SourceError::retry(
                ConnectorKind::Webhook,
                "answer",
                "the line broke",
            ));
        }
        self.inner.settled(settled).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_after_the_event_was_stored_doubles_nothing() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let build: BuildPos = Arc::new(|loaded, config| {
        let mut connection = config.connection_json();
        connection["secret"] = SECRET.into();
        connection.as_object_mut().unwrap().remove("secret_file");
        let inner = registry::build(ConnectorKind::Webhook, &connection).unwrap();
        let lost = Arc::default();
        PosSystem::with_connector(loaded, config, Arc::new(Forgetful { inner, lost }))
    });
    let agent = store.start(build);
    let answer = store.send("evt_1", &sale(1)).await;
    assert_eq!(answer, json!({"status": "kept", "duplicate": true}));
    assert_eq!(
        store.send("evt_2", &sale(2)).await,
        json!({"status": "kept"})
    );
    cloud
        .until("both sales are there", |inner| {
            inner.model.records.len() == 2
        })
        .await;
    cloud.inner(|inner| assert_eq!(inner.model.puts, 2));
    agent.stop().await;
    // The mark outlives the agent.
    let agent = store.start(fluxion_agent::agent::build_pos());
    let answer = store.send("evt_2", &sale(2)).await;
    assert_eq!(answer["duplicate"], true);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_in_the_cloud_within_a_moment_and_a_delete_is_one_too() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let agent = store.start(fluxion_agent::agent::build_pos());
    let product = |more: Json| {
        let mut data =
            json!({"variant_id": "v1", "name": "Ron", "selling_price": 12.5, "stock": 3});
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"event_type": "product_updated", "data": data}).to_string()
    };
    store.send("evt_1", &product(json!({}))).await;
    let begun = std::time::Instant::now();
    cloud
        .until("the product is there", |inner| {
            inner.model.records.len() == 3
        })
        .await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    store
        .send("evt_2", &product(json!({"deleted": true})))
        .await;
    cloud
        .until("it is gone", |inner| inner.model.records.is_empty())
        .await;
    let odd = json!({"event_type": "product_updated", "data": {"name": "sin código"}}).to_string();
    let answer = store.send("evt_3", &odd).await;
    assert_eq!(answer["rejected"], true, "{answer}");
    let odd = product(json!({"selling_price": "tres"}));
    let answer = store.send("evt_4", &odd).await;
    assert_eq!(answer["rejected"], true, "{answer}");
    cloud
        .until("both rejects are there", |inner| {
            inner.model.rejects.len() == 2
        })
        .await;
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_read_everything_it_ends_well_and_says_the_same_next_time() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let agent = store.start(fluxion_agent::agent::build_pos());
    store.send("evt_1", &sale(1)).await;
    for task in [
        Task::Sync(SyncMode::Full),
        Task::Replay(Vec::new()),
        Task::ConfirmDeletes,
    ] {
        for wait in agent.sync(None, None, &task) {
            assert!(wait.await.unwrap(), "{task:?}");
        }
    }
    store.send("evt_2", &sale(2)).await;
    cloud
        .until("both sales are there", |inner| {
            inner.model.records.len() == 2
        })
        .await;
    cloud.inner(|inner| assert_eq!((inner.model.puts, inner.model.deletes), (2, 0)));
    agent.stop().await;
}

/// The sender forgets only what was answered with 200, and sends all else again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_every_sale_arrives_and_none_twice() {
    const SALES: usize = 120;
    let (cloud, server) = Cloud::start().await;
    let store = Arc::new(Store::new(&server));
    let mut process = store.run();
    let tills: Vec<_> = (0..4)
        .map(|till| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in (till..SALES).step_by(4) {
                    store.send(&format!("evt_{number}"), &sale(number)).await;
                }
            })
        })
        .collect();
    for pause in [900, 1_300, 700] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(process);
        process = store.run();
    }
    for till in tills {
        till.await.unwrap();
    }
    cloud
        .until("all sales are there", |inner| {
            inner
                .model
                .records
                .keys()
                .filter(|(kind, _)| *kind == EntityKind::Sale)
                .count()
                == SALES
        })
        .await;
    cloud.inner(|inner| assert_eq!(inner.model.puts, SALES as u64, "none was sent twice"));
    drop(process);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_that_the_agent_listens_also_while_it_runs() {
    let (_cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    for runs in [false, true] {
        let process = runs.then(|| store.run());
        if runs {
            store.send("evt_1", &sale(1)).await;
        }
        let mut command = store.command();
        command.args(["doctor", "--lang", "es"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains(&format!(
                "[ OK ] caja: webhook listener at {}",
                store.address
            )),
            "{said}"
        );
        assert!(
            said.contains("caja/sales: espera las llamadas del POS"),
            "{said}"
        );
        assert_eq!(said.contains("ya escucha"), runs, "{said}");
        drop(process);
    }
}
