//! The cloud's API as a partner's program would use it. Types of its own, so that a mistake in the service's types
//! cannot hide itself.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use fluxion_model::entity::{EntityKind, Record};
use reqwest::{Client, Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A logged-in caller.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    cookie: String,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

/// A job, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// Its POS system.
    pub pos_system: String,
    /// Its stream.
    pub stream: String,
    /// `full_sync`, …
    pub kind: String,
    /// `completed`, …
    pub status: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// What it did.
    pub counts: Value,
    /// Why it failed.
    pub error: Option<Value>,
}

/// A row set aside, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Reject {
    /// What it would have become.
    pub entity: EntityKind,
    /// Its key at the source.
    pub key: String,
    /// Its identity, where that could be read.
    pub external_id: Option<String>,
    /// Which field.
    pub field: Option<String>,
    /// Which rule.
    pub rule: String,
    /// The value.
    pub raw: Option<String>,
    /// Why, for a person.
    pub message: String,
}

/// The path of the list of a kind's records as their POS sent them.
#[must_use]
pub fn path_of(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Location => "/v1/locations",
        EntityKind::Category => "/v1/categories",
        EntityKind::Supplier => "/v1/suppliers",
        EntityKind::Customer => "/v1/customers",
        EntityKind::Product => "/v1/source-products",
        EntityKind::Price => "/v1/prices",
        EntityKind::StockLevel => "/v1/stock-levels",
        EntityKind::StockMovement => "/v1/stock-movements",
        EntityKind::Sale => "/v1/sales",
        EntityKind::AccountPayment => "/v1/account-payments",
        EntityKind::CashSession => "/v1/cash-sessions",
    }
}

impl Api {
    /// Waits until the service is ready and logs in.
    ///
    /// # Errors
    /// When the service does not come up within a minute or refuses the login.
    pub async fn log_in(base: &str, email: &str, password: &str) -> Result<Self> {
        // Two providers may be compiled in; rustls wants to be told which one, once.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .context("no HTTP client")?;
        wait_ready(&client, base).await?;
        let body = json!({ "email": email, "password": password });
        let answer = client
            .post(format!("{base}/v1/session"))
            .json(&body)
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!(
                "the login failed: {} {}",
                answer.status(),
                answer.text().await?
            );
        }
        let cookies = answer
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let cookie = cookies
            .filter_map(|cookie| cookie.split(';').next())
            .collect::<Vec<_>>()
            .join("; ");
        Ok(Self {
            client,
            base: base.to_owned(),
            cookie,
        })
    }

    /// A request that the service answers with JSON, or with nothing. Tried again while the service restarts.
    ///
    /// # Errors
    /// With what the service said.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.once(method.clone(), path, body.as_ref()).await {
                Ok((status, text)) if status.is_success() => {
                    let text = if text.is_empty() { "null" } else { &text };
                    return serde_json::from_str(text).with_context(|| {
                        format!(
                            "{method} {path} answered {}",
                            text.chars().take(300).collect::<String>()
                        )
                    });
                }
                Ok((status, text)) if attempt > 20 || !is_passing(status) => {
                    bail!("{method} {path}: {status} {text}")
                }
                Err(error) if attempt > 20 => {
                    return Err(error).with_context(|| format!("{method} {path}"));
                }
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(StatusCode, String)> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header(header::COOKIE, &self.cookie);
        request = request.header(header::ORIGIN, &self.base);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path, None).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Brings a file that an agent wrote. Whatever is answered is told.
    ///
    /// # Errors
    /// When nothing is.
    pub async fn bring(&self, file: Vec<u8>) -> Result<(StatusCode, Value)> {
        let request = self.client.post(format!("{}/v1/carry", self.base));
        let request = request
            .header(header::COOKIE, &self.cookie)
            .header(header::ORIGIN, &self.base);
        let answer = request.body(file).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// All pages of a list.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        let joint = if path.contains('?') { '&' } else { '?' };
        loop {
            let after = cursor
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let page: Page = self.get(&format!("{path}{joint}limit=1000{after}")).await?;
            for item in page.items {
                items.push(
                    serde_json::from_value(item)
                        .with_context(|| format!("an item of {path} looks odd"))?,
                );
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// Every record of a kind that a POS system sent, by identity.
    ///
    /// # Errors
    /// When the list cannot be read, or gives a record twice.
    pub async fn records(
        &self,
        kind: EntityKind,
        pos_system: &str,
    ) -> Result<BTreeMap<String, Record>> {
        let path = format!("{}?pos_system={pos_system}", path_of(kind));
        let facts: Vec<Value> = self.all(&path).await?;
        let mut records = BTreeMap::new();
        for mut fact in facts {
            let tagged = json!({ kind.as_str(): fact["record"].take() });
            let record: Record = serde_json::from_value(tagged)
                .with_context(|| format!("a record of {path} looks odd"))?;
            if let Some(twice) = records.insert(record.id().as_str().to_owned(), record) {
                bail!("{path} lists {} twice", twice.id());
            }
        }
        Ok(records)
    }
}

/// What a restart or a moment's rush may answer.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Waits until `/ready` says so.
///
/// # Errors
/// After a minute.
pub async fn wait_ready(client: &Client, base: &str) -> Result<()> {
    for _ in 0..600 {
        let answer = client.get(format!("{base}/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the service at {base} was not ready within a minute")
}
