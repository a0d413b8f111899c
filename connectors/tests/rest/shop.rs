//! The shop of the common promises, behind an API that gives three items a page.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json as Answer;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use serde_json::{Value as Json, json};

use super::{Api, parameter, spec};
use crate::scenario::{Shop, promises};

#[derive(Default)]
struct Held {
    products: BTreeMap<String, Json>,
    sales: BTreeMap<u32, Json>,
}

struct Online {
    held: Arc<Mutex<Held>>,
    connector: Box<dyn Connector>,
    _api: Api,
}

async fn open() -> Online {
    let held = Arc::<Mutex<Held>>::default();
    let shared = held.clone();
    let api = Api::start(move |request| {
        let held = shared.clone();
        async move { answer(&held.lock().unwrap(), &request) }
    })
    .await;
    Online {
        held,
        connector: api.connector(),
        _api: api,
    }
}

fn answer(held: &Held, request: &Request) -> Response {
    let all: Vec<&Json> = match request.uri().path() {
        "/api/products" => held.products.values().collect(),
        _ => held.sales.values().collect(),
    };
    let page: usize = parameter(request, "page").unwrap().parse().unwrap();
    let part: Vec<&Json> = all.iter().skip((page - 1) * 3).take(3).copied().collect();
    Answer(json!({"data": part, "total": all.len()})).into_response()
}

fn source(path: &str, columns: Json) -> Json {
    json!({"http": {"path": path, "items": "/data", "columns": columns,
        "paging": {"by": "page", "parameter": "page", "total": "/total"}}})
}

impl Shop for Online {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn products(&self) -> StreamSpec {
        let columns = json!({"code": "/code", "name": "/info/name", "price": "/price"});
        spec(
            json!({"name": "products", "key": ["code"], "capture": {"strategy": "diff"},
            "source": source("/api/products", columns)}),
        )
    }

    fn sales(&self) -> StreamSpec {
        spec(
            json!({"name": "sales", "key": ["number"], "capture": {"strategy": "diff"},
            "source": source("/api/sales", json!({"number": "/number", "total": "/total"})),
            "children": [{"name": "lines", "json": {"items": "/lines",
                "columns": {"product": "/product", "quantity": "/quantity"}}}]}),
        )
    }

    async fn put_product(&mut self, code: &str, name: &str, price: &str) {
        let product = json!({"code": code, "info": {"name": name}, "price": price});
        self.held
            .lock()
            .unwrap()
            .products
            .insert(code.to_owned(), product);
    }

    async fn remove_product(&mut self, code: &str) {
        self.held.lock().unwrap().products.remove(code);
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        let lines: Vec<Json> = lines
            .iter()
            .map(|(product, quantity)| json!({"product": product, "quantity": quantity}))
            .collect();
        let sale = json!({"number": number, "total": "1.00", "lines": lines});
        self.held.lock().unwrap().sales.insert(number, sale);
    }

    async fn publish(&mut self) {}
}

promises!(open());
