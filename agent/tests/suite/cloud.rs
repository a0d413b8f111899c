//! A cloud that does what an ingest service must, and misbehaves when a test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use fluxion_model::command::Command;
use fluxion_model::enrolment::EnrolRequest;
use fluxion_model::id::{AgentId, BatchSeq, Epoch, PosSystemId, StoreId, TenantId};
use fluxion_model::wire;
use serde_json::json;

use crate::rows::CloudModel;

pub const TOKEN: &str = "the-token";

/// What to do instead of an answer.
#[derive(Debug, Clone)]
pub enum Mischief {
    Status(u16, Option<u64>),
    /// A hotel's login page.
    Html,
    /// Applies the batch and loses the answer.
    LostAnswer,
    Slow(Duration),
}

#[derive(Default)]
pub struct Inner {
    pub model: CloudModel,
    pub epoch: Option<Epoch>,
    pub last: u64,
    pub mischief: VecDeque<Mischief>,
    /// A batch with this text in it is refused as not processable.
    pub refuses: Option<String>,
    pub refuses_all: bool,
    pub posts: u64,
    pub duplicates: u64,
    pub heartbeats: u64,
    pub declared: Vec<String>,
    /// Heartbeats and declarations as they came.
    pub heard: Vec<String>,
    pub commands: Vec<Command>,
    pub outcomes: Vec<String>,
    pub tokens_refused: bool,
    pub refuses_health: bool,
    pub largest: usize,
    /// The code that enrols an agent, with the token of the one that used it.
    pub code: Option<(String, Option<String>)>,
    /// Enrols, and loses the answer.
    pub loses_enrolment: bool,
}

#[derive(Clone, Default)]
pub struct Cloud(pub Arc<Mutex<Inner>>);

impl Cloud {
    /// Serves on a free port until the test ends.
    pub async fn start() -> (Self, String) {
        let (cloud, address) = (Self::default(), SocketAddr::from(([127, 0, 0, 1], 0)));
        let server = cloud.serve(address).await;
        (cloud, server)
    }

    /// Serves here until the test ends.
    pub async fn serve(&self, address: SocketAddr) -> String {
        let app = Router::new()
            .route("/v1/agents/enrol", post(enrol))
            .route("/v1/agents/batches", post(batches))
            .route("/v1/agents/pos-systems/{name}", put(declare))
            .route("/v1/agents/heartbeat", post(heartbeat))
            .route("/v1/agents/commands", get(commands))
            .route("/v1/agents/commands/{id}/outcome", post(outcome))
            .route("/v1/agents/resume-point", get(resume_point))
            .route("/health", get(health))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}")
    }

    pub fn inner<R>(&self, look: impl FnOnce(&mut Inner) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    /// Waits until this holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&Inner) -> bool) {
        for _ in 0..600 {
            if self.inner(|inner| holds(inner)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "waited in vain until {what}: {:?}",
            self.inner(|inner| inner.model.clone())
        );
    }
}

/// As ingest does: a code works once, and again for whoever has the token that it gave.
async fn enrol(State(cloud): State<Cloud>, body: axum::Json<EnrolRequest>) -> Response {
    cloud.inner(|inner| {
        let token = body.token.clone().unwrap();
        let known = inner.code.as_mut().filter(|(code, used)| {
            *code == body.code && used.as_ref().is_none_or(|used| *used == token)
        });
        let Some((_, used)) = known else {
            let problem = json!({"title": "not found", "detail": "The code is not known."});
            return (StatusCode::NOT_FOUND, axum::Json(problem)).into_response();
        };
        *used = Some(token.clone());
        if std::mem::take(&mut inner.loses_enrolment) {
            return (StatusCode::BAD_GATEWAY, "").into_response();
        }
        axum::Json(json!({
            "agent_id": AgentId::generate(), "token": token, "tenant_id": TenantId::generate(),
            "tenant_name": "Cadena", "store_id": StoreId::generate(), "store_name": "Centro",
        }))
        .into_response()
    })
}

async fn batches(State(cloud): State<Cloud>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["content-encoding"], "zstd");
    let mischief = cloud.inner(|inner| {
        inner.posts += 1;
        inner.mischief.pop_front()
    });
    match mischief {
        None => {}
        Some(Mischief::Status(status, retry_after)) => {
            let status = StatusCode::from_u16(status).unwrap();
            let mut response = (status, "trouble").into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            return response;
        }
        Some(Mischief::Html) => {
            let page = "<!DOCTYPE html><html><body>Welcome to the hotel</body></html>";
            return axum::response::Html(page).into_response();
        }
        Some(Mischief::Slow(time)) => tokio::time::sleep(time).await,
        Some(Mischief::LostAnswer) => {
            let answer = take(&cloud, &headers, &body);
            if answer.status() == StatusCode::OK {
                return (StatusCode::BAD_GATEWAY, "").into_response();
            }
            // A batch that was sent early is not applied; the answer to one that is gets lost.
            cloud.inner(|inner| inner.mischief.push_front(Mischief::LostAnswer));
            return answer;
        }
    }
    take(&cloud, &headers, &body)
}

fn take(cloud: &Cloud, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = zstd::stream::decode_all(body).unwrap();
    let (header, lines) = wire::split(&text).unwrap();
    cloud.inner(|inner| {
        if inner.tokens_refused || headers["authorization"] != format!("Bearer {TOKEN}") {
            return (
                StatusCode::UNAUTHORIZED,
                axum::Json(json!({"title": "no such agent"})),
            )
                .into_response();
        }
        inner.largest = inner.largest.max(text.len());
        let begins = header.seq == BatchSeq::FIRST && inner.epoch != Some(header.epoch);
        if inner.epoch == Some(header.epoch) && header.seq.0 <= inner.last {
            inner.duplicates += 1;
            return axum::Json(json!({"result": "duplicate", "last_seq": inner.last}))
                .into_response();
        }
        if !begins && (inner.epoch != Some(header.epoch) || header.seq.0 != inner.last + 1) {
            let body =
                json!({"title": "out of order", "epoch": inner.epoch, "expected": inner.last + 1});
            return (StatusCode::CONFLICT, axum::Json(body)).into_response();
        }
        let poison = inner.refuses.as_ref().is_some_and(|text_in_it| {
            lines.iter().any(|line| {
                String::from_utf8_lossy(line).contains(text_in_it) && line.starts_with(b"{\"put")
            })
        });
        if poison || inner.refuses_all {
            let body = json!({"title": "not processable", "detail": "a record is too strange"});
            return (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response();
        }
        inner.epoch = Some(header.epoch);
        inner.last = header.seq.0;
        let lines: Vec<Vec<u8>> = lines.into_iter().map(<[u8]>::to_vec).collect();
        inner.model.apply(&lines);
        axum::Json(json!({"result": "applied", "seq": header.seq, "rejected": 0})).into_response()
    })
}

async fn declare(State(cloud): State<Cloud>, Path(name): Path<String>, body: String) -> Response {
    cloud.inner(|inner| {
        inner.declared.push(name);
        inner.heard.push(body);
    });
    axum::Json(json!({"id": PosSystemId::generate()})).into_response()
}

async fn heartbeat(State(cloud): State<Cloud>, body: String) -> Response {
    cloud.inner(|inner| {
        inner.heartbeats += 1;
        inner.heard.push(body);
    });
    axum::Json(json!({"now": chrono::Utc::now(), "next_in_seconds": 30})).into_response()
}

async fn commands(State(cloud): State<Cloud>) -> Response {
    let waiting = cloud.inner(|inner| std::mem::take(&mut inner.commands));
    if waiting.is_empty() {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let waiting: Vec<Command> = if waiting.is_empty() {
        cloud.inner(|inner| std::mem::take(&mut inner.commands))
    } else {
        waiting
    };
    axum::Json(waiting).into_response()
}

async fn outcome(State(cloud): State<Cloud>, body: String) -> StatusCode {
    cloud.inner(|inner| inner.outcomes.push(body));
    StatusCode::NO_CONTENT
}

async fn health(State(cloud): State<Cloud>) -> Response {
    if cloud.inner(|inner| inner.refuses_health) {
        return (StatusCode::SERVICE_UNAVAILABLE, "").into_response();
    }
    axum::Json(json!({"status": "ok"})).into_response()
}

async fn resume_point(State(cloud): State<Cloud>, headers: HeaderMap) -> Response {
    if headers["authorization"] != format!("Bearer {TOKEN}") {
        let body = axum::Json(json!({"title": "no such agent"}));
        return (StatusCode::UNAUTHORIZED, body).into_response();
    }
    let answer = cloud.inner(|inner| {
        let last = (inner.last > 0).then_some(inner.last);
        json!({"epoch": inner.epoch, "last_seq": last})
    });
    axum::Json(answer).into_response()
}
