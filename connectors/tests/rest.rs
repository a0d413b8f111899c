//! The `rest` connector against real HTTP servers on this computer.

mod access;
mod changes;
mod faults;
mod shop;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use serde_json::{Value as Json, json};

/// An API that answers as it is told.
pub struct Api {
    pub url: String,
    pub requests: Arc<AtomicUsize>,
    pub asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Api {
    pub async fn start<F, R>(answer: F) -> Self
    where
        F: Fn(Request) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, asked) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let (count, list) = (requests.clone(), asked.clone());
        let app = Router::new().fallback(move |request: Request| {
            count.fetch_add(1, Ordering::SeqCst);
            list.lock().unwrap().push(request.uri().to_string());
            answer(request)
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            requests,
            asked,
            task,
        }
    }

    pub fn settings(&self) -> Json {
        json!({"base_url": self.url, "poll_seconds": 1})
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        build(self.settings())
    }

    pub fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn build(settings: Json) -> Box<dyn Connector> {
    registry::build(ConnectorKind::Rest, &settings).unwrap()
}

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

/// The value of a query parameter.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.to_owned())
}

pub fn items(paging: Json) -> StreamSpec {
    let mut http = json!({"path": "/api/items", "items": "/items", "columns": {"code": "/code", "price": "/price"}});
    if !paging.is_null() {
        http["paging"] = paging;
    }
    spec(
        json!({"name": "items", "key": ["code"], "capture": {"strategy": "diff"}, "source": {"http": http}}),
    )
}
