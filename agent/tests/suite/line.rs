//! The store's line to the cloud, where it is narrow, leads through a proxy, or is a network that asks for a login first.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use fluxion_agent::agent::{Agent, Mode};
use fluxion_agent::bandwidth::Bandwidth;
use fluxion_agent::capture::Task;
use fluxion_agent::config::{BandwidthConfig, NetworkConfig};
use fluxion_agent::secrets::Secrets;
use fluxion_agent::sender::Cloud;
use fluxion_model::command::{Action, SyncMode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::cloud::Mischief;
use crate::pos::{DIFF, Pos, Store, rows};

/// What arrived: the length that was announced, and the body.
type Arrived = Arc<Mutex<Vec<(String, Bytes)>>>;

async fn receive(
    State(arrived): State<Arrived>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::Json<serde_json::Value> {
    let length = headers["content-length"].to_str().unwrap().to_owned();
    assert!(headers.get("transfer-encoding").is_none());
    arrived.lock().unwrap().push((length, body));
    axum::Json(json!({"result": "applied", "seq": 1, "rejected": 0}))
}

async fn server() -> (Arrived, String) {
    let arrived = Arrived::default();
    let app = Router::new()
        .route("/v1/agents/batches", post(receive))
        .with_state(Arc::clone(&arrived));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (arrived, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_takes_the_time_the_limit_allows_and_announces_its_length() {
    crate::pos::install_tls();
    let (arrived, server) = server().await;
    let bandwidth = Bandwidth::new(BandwidthConfig {
        kb_per_s: 200,
        ..BandwidthConfig::default()
    });
    let limited = Cloud::new(&server, None, &NetworkConfig::default(), Path::new("."))
        .unwrap()
        .within(Arc::new(bandwidth));
    let body: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let begun = Instant::now();
    limited.deliver(body.clone()).await.unwrap();
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_350), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    let free = Cloud::new(&server, None, &NetworkConfig::default(), Path::new(".")).unwrap();
    let begun = Instant::now();
    free.deliver(body.clone()).await.unwrap();
    assert!(begun.elapsed() < took / 2, "without a limit nothing waits");
    for (length, content) in arrived.lock().unwrap().iter() {
        assert_eq!(length, "300000");
        assert_eq!(content, &body);
    }
}

async fn problem(agent: &Agent, contains: &str) {
    for _ in 0..400 {
        let problem = agent.live.cloud_now().problem.unwrap_or_default();
        if problem.contains(contains) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{contains:?} was never told: {:?}", agent.live.cloud_now());
}

async fn read(agent: &Agent) {
    for wait in agent.sync(None, None, &Task::Sync(SyncMode::Incremental)) {
        assert!(wait.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_asks_for_a_login_is_told_as_such_and_takes_nothing() {
    for portal in [
        Mischief::Html,
        Mischief::Status(302, None),
        Mischief::Status(511, None),
    ] {
        let (cloud, server) = crate::cloud::Cloud::start().await;
        cloud.inner(|inner| inner.mischief = vec![portal.clone(); 2].into());
        let store = Store::new(&server, Pos::with("items", rows(20)), &[("items", DIFF)]);
        store.enrol();
        let agent = store.start(Mode::OneShot);
        read(&agent).await;
        problem(&agent, "this network asks for a login").await;
        assert!(agent.spool.info().batches > 0, "{portal:?}");
        let all = format!("all of it arrives after {portal:?}");
        cloud
            .until(&all, |inner| inner.model.records.len() == 40)
            .await;
        agent.stop().await;
    }
}

/// A proxy that leads every name to one address, and notes what it is asked for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Asks for this login, where there is one, as in `Basic …`.
    async fn start(leads_to: String, login: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(Self::serve(
                    client,
                    leads_to.clone(),
                    login,
                    Arc::clone(&seen),
                ));
            }
        });
        Self { address, asked }
    }

    async fn serve(
        mut client: TcpStream,
        leads_to: String,
        login: Option<&'static str>,
        asked: Arc<Mutex<Vec<String>>>,
    ) {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut part = [0; 4096];
            let read = client.read(&mut part).await.unwrap_or(0);
            if read == 0 {
                return;
            }
            head.extend_from_slice(&part[..read]);
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        asked
            .lock()
            .unwrap()
            .push(text.lines().next().unwrap_or_default().to_owned());
        if let Some(login) = login
            && !text.contains(&format!("proxy-authorization: {}", login.to_lowercase()))
        {
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"red\"\r\n\
                           Content-Length: 0\r\nConnection: close\r\n\r\n";
            drop(client.write_all(answer).await);
            return;
        }
        let mut server = TcpStream::connect(leads_to).await.unwrap();
        if text.starts_with("connect ") {
            let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
            client.write_all(answer).await.unwrap();
        } else {
            server.write_all(&head).await.unwrap();
        }
        drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
    }

    fn network(&self, more: &str) -> NetworkConfig {
        toml::from_str(&format!("proxy = \"http://{}\"\n{more}", self.address)).unwrap()
    }
}

/// `ana:s3cret`.
const LOGIN: &str = "Basic YW5hOnMzY3JldA==";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_through_the_proxy_of_the_configuration() {
    let (cloud, server) = crate::cloud::Cloud::start().await;
    let proxy = Proxy::start(server.replace("http://", ""), Some(LOGIN)).await;
    // Nobody but the proxy can find this name.
    let server = "http://ingest.fluxion.invalid";
    let mut store = Store::new(server, Pos::with("items", rows(20)), &[("items", DIFF)]);
    store.loaded.config.network =
        proxy.network("proxy_user = \"ana\"\nproxy_password = \"s3cret\"");
    store.enrol();
    let agent = store.start(Mode::OneShot);
    read(&agent).await;
    cloud
        .until("all of it arrives", |inner| inner.model.records.len() == 40)
        .await;
    agent.stop().await;
    let asked = proxy.asked.lock().unwrap().clone();
    let posts = "post http://ingest.fluxion.invalid/v1/agents/";
    assert!(
        asked.iter().any(|line| line.starts_with(posts)),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_the_proxy_may_be_a_secret_which_is_missed_by_name_and_taken_up_once_it_is_set()
 {
    let (cloud, server) = crate::cloud::Cloud::start().await;
    let proxy = Proxy::start(server.replace("http://", ""), Some(LOGIN)).await;
    let server = "http://ingest.fluxion.invalid";
    let mut store = Store::new(server, Pos::with("items", rows(20)), &[("items", DIFF)]);
    store.loaded.config.network =
        proxy.network("proxy_user = \"ana\"\nproxy_password = { secret = \"proxy\" }");
    store.enrol();
    let data = store.data();
    let set = |password: &str| {
        let mut secrets = Secrets::load(data.path()).unwrap();
        secrets.set("proxy", password).unwrap();
        // As `secret set` does.
        data.leave_request(Action::ReloadMapping).unwrap();
    };
    let mut agent = store.start(Mode::Resident);
    let live = Arc::clone(&agent.live);
    let problem = async |part: &str| {
        for _ in 0..600 {
            let cloud = live.cloud_now();
            if let Some(said) = cloud.problem.filter(|said| said.contains(part)) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody says {part:?}");
    };
    agent
        .serve(async {
            let said = problem("secret set proxy").await;
            assert!(said.contains("network.proxy_password"), "{said}");
            set("Equivocada-8");
            problem("asks for a login").await;
            set("s3cret");
            cloud
                .until("all of it arrives", |inner| inner.model.records.len() == 40)
                .await;
        })
        .await;
    agent.stop().await;
    let state = std::fs::read_to_string(data.state_file()).unwrap();
    assert!(!state.contains("s3cret") && !state.contains("Equivocada"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_asks_for_a_login_is_told_whether_the_line_is_encrypted_or_not() {
    crate::pos::install_tls();
    let proxy = Proxy::start("127.0.0.1:9".to_owned(), Some(LOGIN)).await;
    for (server, line) in [
        (
            "http://ingest.fluxion.invalid",
            "get http://ingest.fluxion.invalid/v1/",
        ),
        (
            "https://ingest.fluxion.invalid",
            "connect ingest.fluxion.invalid:443",
        ),
    ] {
        let cloud = {
            let network = proxy.network("proxy_user = \"ana\"");
            Cloud::new(server, None, &network, Path::new(".")).unwrap()
        };
        let said = cloud.resume_point().await.unwrap_err().to_string();
        assert!(said.contains("proxy_password"), "{said}");
        let asked = proxy.asked.lock().unwrap().clone();
        assert!(
            asked.iter().any(|asked| asked.starts_with(line)),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn what_is_on_this_computer_is_asked_without_the_proxy() {
    crate::pos::install_tls();
    let (_cloud, server) = crate::cloud::Cloud::start().await;
    let network = NetworkConfig {
        proxy: "http://127.0.0.1:9".parse().unwrap(),
        ..NetworkConfig::default()
    };
    let cloud = Cloud::new(&server, None, &network, Path::new(".")).unwrap();
    assert_eq!(cloud.health().await.unwrap().status, 200);
}
