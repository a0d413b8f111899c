//! The `webhook` connector, called over real HTTP. A till calls; `Desk` stands for the agent that pulls and stores.

mod faults;
mod hostile;
mod once;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use fluxion_connectors::{
    BatchLimit, ChangeStream, Connector, ConnectorKind, Next, RowProblem, Settled, StartAt,
    registry,
};
use fluxion_model::stream::StreamSpec;
use fluxion_model::webhook::{self, Secret};
use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;

use crate::mirror::Mirror;

pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub const OTHER: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

/// A port that is free now.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

pub fn connector(address: SocketAddr, more: Json) -> Box<dyn Connector> {
    let mut settings = json!({"listen": address.to_string(), "secret": SECRET});
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    registry::build(ConnectorKind::Webhook, &settings).unwrap()
}

pub fn sales() -> StreamSpec {
    serde_json::from_value(json!({
        "name": "sales", "key": ["number"], "capture": {"strategy": "push"},
        "source": {"event": {"event": "sale_completed", "columns": {"number": "/number", "total": "/total"}}},
        "children": [{"name": "lines", "json": {"items": "/items", "columns": {"sku": "/sku", "quantity": "/quantity"}}}],
    }))
    .unwrap()
}

pub fn products() -> StreamSpec {
    serde_json::from_value(json!({
        "name": "products", "key": ["code"], "capture": {"strategy": "push"},
        "source": {"event": {"event": "product_updated", "columns": {"code": "/code", "price": "/price"}}},
    }))
    .unwrap()
}

pub fn sale(number: &str) -> String {
    json!({"event_type": "sale_completed", "data": {"number": number, "total": 12.30, "items": [
        {"sku": "A", "quantity": 0.1}, {"sku": "B", "quantity": 2}]}})
    .to_string()
}

/// The agent: streams that are opened, and what was stored of them.
pub struct Agent {
    pub address: SocketAddr,
    pub connector: Arc<dyn Connector>,
    pub stored: Arc<Mutex<Mirror>>,
    /// While set, nothing is pulled.
    pub held: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Agent {
    pub async fn start(more: Json) -> Self {
        Self::after(free_address(), more, Arc::default()).await
    }

    /// Begins with what was stored before.
    pub async fn after(address: SocketAddr, more: Json, stored: Arc<Mutex<Mirror>>) -> Self {
        let connector: Arc<dyn Connector> = connector(address, more).into();
        let held = Arc::<AtomicBool>::default();
        let mut tasks = Vec::new();
        for spec in [sales(), products()] {
            let context = stored.lock().unwrap().context();
            let stream = connector
                .open(&spec, StartAt::Snapshot, context)
                .await
                .unwrap();
            tasks.push(tokio::spawn(work(stream, stored.clone(), held.clone())));
        }
        Self {
            address,
            connector,
            stored,
            held,
            tasks,
        }
    }

    /// What was stored stays.
    pub async fn stop(self) -> Arc<Mutex<Mirror>> {
        for task in self.tasks {
            task.abort();
            task.await.unwrap_err();
        }
        self.stored
    }

    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }

    pub fn stored<R>(&self, look: impl FnOnce(&Mirror) -> R) -> R {
        look(&self.stored.lock().unwrap())
    }

    pub async fn send(&self, id: &str, body: &str) -> Answer {
        Call::new(id, body).send(self.address).await
    }
}

/// As the worker of a stream does it: woken by the stream, never by a clock.
async fn work(
    mut stream: Box<dyn ChangeStream>,
    stored: Arc<Mutex<Mirror>>,
    held: Arc<AtomicBool>,
) {
    loop {
        stream.ready().await;
        while held.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while let Next::Batch(batch) = stream.next(BatchLimit::default()).await.unwrap() {
            let mut problems: Vec<RowProblem> = batch.unreadable.clone();
            // A mapping would set such a row aside.
            let is_odd = |change: &fluxion_model::row::RowChange| change.key().as_str() == "odd";
            if batch.rows.changes.iter().any(is_odd) {
                problems.push(RowProblem {
                    position: None,
                    field: Some("total".to_owned()),
                    raw: None,
                    message: "the total is odd".to_owned(),
                });
            }
            stored.lock().unwrap().commit(batch);
            stream
                .settled(Settled {
                    problems: &problems,
                })
                .await
                .unwrap();
        }
    }
}

/// One call of a till.
pub struct Call {
    pub id: Option<String>,
    pub timestamp: Option<String>,
    pub signature: Option<String>,
    pub body: Vec<u8>,
}

impl Call {
    pub fn new(id: &str, body: &str) -> Self {
        Self::signed(id, Utc::now().timestamp(), body, SECRET)
    }

    pub fn signed(id: &str, timestamp: i64, body: &str, secret: &str) -> Self {
        let secret = Secret::parse(secret).unwrap();
        Self {
            id: Some(id.to_owned()),
            timestamp: Some(timestamp.to_string()),
            signature: Some(webhook::sign(id, timestamp, body.as_bytes(), &secret)),
            body: body.into(),
        }
    }

    pub async fn send(self, address: SocketAddr) -> Answer {
        self.send_by(&client(), address).await
    }

    pub async fn send_by(self, client: &reqwest::Client, address: SocketAddr) -> Answer {
        let mut request = client
            .post(format!("http://{address}/webhook"))
            .body(self.body);
        for (name, value) in [
            ("webhook-id", self.id),
            ("webhook-timestamp", self.timestamp),
            ("webhook-signature", self.signature),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

/// What a till hears.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub retry_after: Option<u64>,
    pub body: Json,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let header = |name| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        Self {
            status: response.status().as_u16(),
            kind: header("content-type").unwrap(),
            retry_after: header("retry-after").map(|seconds| seconds.parse().unwrap()),
            body: serde_json::from_str(&response.text().await.unwrap()).unwrap(),
        }
    }

    pub fn is_new(&self) -> bool {
        self.status == 200 && self.body == json!({"status": "kept"})
    }

    pub fn is_duplicate(&self) -> bool {
        self.status == 200 && self.body["duplicate"] == true
    }
}

pub fn client() -> reqwest::Client {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
