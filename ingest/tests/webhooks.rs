//! A POS that calls out to the cloud by itself: who is believed, what an event becomes, and that it counts once.

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use chrono::Utc;
use fluxion_ingest::views::account::Role;
use fluxion_mappings::Mapping;
use fluxion_model::webhook::{Secret, sign};
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::http::cloud::{Answer, Cloud, Who};

mod events;
mod example;
mod keeping;
mod trust;

/// A store with a webhook, and its admin.
struct Shop {
    cloud: Arc<Cloud>,
    chain: Chain,
    admin: Who,
    store: String,
    path: String,
    secret: Secret,
}

fn mapping() -> Value {
    let text = include_str!("webhooks/mapping.toml");
    serde_json::to_value(Mapping::from_toml(text).unwrap()).unwrap()
}

fn wish(name: &str) -> Value {
    json!({ "name": name, "mapping": mapping(), "settings": { "warehouse": "W7" } })
}

fn sale(number: &str) -> Value {
    json!({ "event_type": "sale_completed", "data": {
        "number": number, "at": "2026-11-20 09:30:00", "total": 21,
        "lines": [{ "sku": "7591", "quantity": 2, "price": 10.5 }],
        "payments": [{ "method": "efectivo", "amount": 21 }],
    } })
}

fn product(sku: &str, price: Value) -> Value {
    json!({ "type": "product_updated", "data": {
        "sku": sku, "name": "Harina P.A.N. Ñandú", "price": price, "stock": "12.5", "cost": 8,
    } })
}

impl Shop {
    async fn open(chain: Chain) -> Self {
        let cloud = Cloud::over(chain.database.clone(), chain.tenant).await;
        let admin = cloud.person(Role::Admin).await;
        let store = cloud
            .post(&admin, "/v1/stores", json!({ "name": "Centro" }))
            .await
            .is(201);
        let store = store.json()["id"].as_str().unwrap().to_owned();
        let mut shop = Self {
            cloud: Arc::new(cloud),
            chain,
            admin,
            store,
            path: String::new(),
            secret: Secret::from_random(&[1; 32]).unwrap(),
        };
        let made = shop.make(wish("caja")).await.is(201).json();
        shop.path = made["path"].as_str().unwrap().to_owned();
        shop.secret = secret_in(&made);
        shop
    }

    async fn make(&self, wish: Value) -> Answer {
        let path = format!("/v1/stores/{}/webhooks", self.store);
        self.cloud.post(&self.admin, &path, wish).await
    }

    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// Sends an event as its POS does.
    async fn tell(&self, id: &str, event: &Value) -> Answer {
        self.call(
            id,
            Utc::now().timestamp(),
            event.to_string().as_bytes(),
            &self.secret,
        )
        .await
    }

    async fn call(&self, id: &str, timestamp: i64, body: &[u8], secret: &Secret) -> Answer {
        let signature = sign(id, timestamp, body, secret);
        let timestamp = timestamp.to_string();
        self.send(
            &self.path,
            &[
                ("webhook-id", id),
                ("webhook-timestamp", &timestamp),
                ("webhook-signature", &signature),
            ],
            body,
        )
        .await
    }

    async fn send(&self, path: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        self.cloud
            .send(&Who::Nobody, Method::POST, path, headers, body.to_vec())
            .await
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let path = format!("/v1/{what}?pos_system={}", self.id());
        let list = self.cloud.get(&self.admin, &path).await.is(200).json();
        list["items"].as_array().unwrap().clone()
    }

    async fn detail(&self) -> Value {
        let path = format!("/v1/stores/{}", self.store);
        self.cloud.get(&self.admin, &path).await.is(200).json()
    }

    async fn webhook(&self) -> Value {
        self.detail().await["pos_systems"][0]["webhook"].clone()
    }
}

fn secret_in(answer: &Value) -> Secret {
    Secret::parse(answer["secret"].as_str().unwrap()).unwrap()
}

fn applied(records: u32) -> Value {
    json!({ "result": "applied", "records": records, "set_aside": 0 })
}
