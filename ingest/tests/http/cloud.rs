//! A service with two companies and a person of each role, and requests to it in one line.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use fluxion_ingest::auth::password;
use fluxion_ingest::config::Cookies;
use fluxion_ingest::database::accounts::NewUser;
use fluxion_ingest::database::fleet::{MatchRule, NewTenant};
use fluxion_ingest::database::{self, Database};
use fluxion_ingest::routes::{self, AppState};
use fluxion_ingest::views::account::Role;
use fluxion_model::id::TenantId;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const PASSWORD: &str = "correct horse battery";

/// A running service.
pub struct Cloud {
    pub app: Router,
    pub database: Arc<dyn Database>,
    pub tenant: TenantId,
    hash: String,
    _folder: Option<tempfile::TempDir>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, after looking that it is a whole one.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert_eq!(
            problem["request_id"],
            self.header("x-request-id"),
            "{problem}"
        );
        for field in ["type", "title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
        let told = problem.to_string().to_lowercase();
        assert!(
            !told.contains("sqlite") && !told.contains("select "),
            "database text left: {told}"
        );
        problem["code"].as_str().unwrap().to_owned()
    }

    pub fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub enum Who {
    #[default]
    Nobody,
    Person(String),
    Agent(String),
}

impl Cloud {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("fluxion.db").display());
        let database = database::open(&url).await.unwrap();
        let tenant = database
            .add_tenant(&company("Abastos Unidos"))
            .await
            .unwrap();
        Self {
            _folder: Some(folder),
            ..Self::over(database, tenant).await
        }
    }

    /// The service over a database that is there.
    pub async fn over(database: Arc<dyn Database>, tenant: TenantId) -> Self {
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let app = routes::app(AppState::new(database.clone(), Cookies::Secure, metrics));
        let hash = password::hash(PASSWORD.to_owned()).await.unwrap();
        Self {
            app,
            database,
            tenant,
            hash,
            _folder: None,
        }
    }

    /// Another company beside the first.
    pub async fn other_tenant(&self) -> TenantId {
        self.database
            .add_tenant(&company("La Competencia"))
            .await
            .unwrap()
    }

    /// A person of the first company, logged in.
    pub async fn person(&self, role: Role) -> Who {
        self.person_of(self.tenant, role).await
    }

    pub async fn person_of(&self, tenant: TenantId, role: Role) -> Who {
        let email = format!("{}@{tenant}.example", role.as_str());
        let user = NewUser {
            name: email.clone(),
            email: email.clone(),
            password_hash: self.hash.clone(),
            role,
        };
        self.database.add_user(tenant, &user).await.unwrap();
        let answer = self
            .post(
                &Who::Nobody,
                "/v1/session",
                json!({ "email": email, "password": PASSWORD }),
            )
            .await
            .is(200);
        let cookie = answer.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        Who::Person(cookie.to_owned())
    }

    /// A store with an agent, and the store's id.
    pub async fn agent(&self, admin: &Who, store: &str) -> (Who, String) {
        let created = self
            .post(admin, "/v1/stores", json!({ "name": store }))
            .await;
        assert!(created.status.is_success(), "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let code = self
            .post(
                admin,
                &format!("/v1/stores/{id}/enrolment-codes"),
                json!({}),
            )
            .await;
        assert!(code.status.is_success(), "{code:?}");
        let request =
            json!({ "code": code.json()["code"], "machine": "CAJA-1", "version": "0.1.0" });
        let enrolled = self
            .post(&Who::Nobody, "/v1/agents/enrol", request)
            .await
            .is(200)
            .json();
        (
            Who::Agent(enrolled["token"].as_str().unwrap().to_owned()),
            id,
        )
    }

    /// A POS system of an agent's store.
    pub async fn pos_system(&self, agent: &Who, name: &str) -> String {
        let declaration = json!({
            "system_type": "systimax", "connector": "mysql", "connection": { "host": "10.0.0.5" }, "mapping": {},
            "mapping_name": "systimax-mysql", "mapping_version": 3,
        });
        let path = format!("/v1/agents/pos-systems/{name}");
        let answer = self
            .call(agent, Method::PUT, &path, Some(declaration))
            .await
            .is(200);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, who: &Who, path: &str) -> Answer {
        self.call(who, Method::GET, path, None).await
    }

    pub async fn post(&self, who: &Who, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body)).await
    }

    pub async fn call(&self, who: &Who, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut headers = HeaderMap::new();
        let body = body.map_or_else(Vec::new, |body| {
            headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            body.to_string().into_bytes()
        });
        self.send(who, method, path, headers, body).await
    }

    /// Posts a delivery as an agent does.
    pub async fn deliver(&self, agent: &Who, body: Vec<u8>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-ndjson".parse().unwrap());
        headers.insert(CONTENT_ENCODING, "zstd".parse().unwrap());
        self.send(agent, Method::POST, "/v1/agents/batches", headers, body)
            .await
    }

    pub async fn send(
        &self,
        who: &Who,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "fluxion.example");
        match who {
            Who::Nobody => {}
            Who::Person(cookie) => request = request.header(COOKIE, cookie),
            Who::Agent(token) => request = request.header(AUTHORIZATION, format!("Bearer {token}")),
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.headers_mut().extend(headers);
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

fn company(name: &str) -> NewTenant {
    NewTenant {
        name: name.to_owned(),
        country: None,
        currency: None,
        time_zone: None,
        match_rule: MatchRule::Both,
    }
}

/// A delivery of these lines, compressed.
pub fn delivery(pos_system: &str, epoch: &str, seq: u64, lines: &[Value]) -> Vec<u8> {
    let header = json!({
        "fluxion": 1, "epoch": epoch, "seq": seq, "made_at": "2026-11-20T12:00:00Z", "pos_system": pos_system,
        "stream": "items", "job": "0190a000-0000-7000-8000-000000000001", "mapping_version": 3, "lines": lines.len(),
    });
    let text: String = std::iter::once(&header)
        .chain(lines)
        .map(|line| format!("{line}\n"))
        .collect();
    compressed(text.as_bytes())
}

pub fn compressed(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

/// Every operation of the API's description.
pub fn operations() -> Vec<(Method, String, Value)> {
    let document: Value = serde_json::from_str(&routes::openapi_json().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Ok(method) = method.to_uppercase().parse::<Method>()
                && operation.get("responses").is_some()
            {
                operations.push((method, path.clone(), operation.clone()));
            }
        }
    }
    operations
}

/// The path with something in each placeholder.
pub fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| {
            if part.starts_with('{') {
                "0190a000-0000-7000-8000-00000000dead"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The name of the security scheme that an operation asks for.
pub fn scheme(operation: &Value) -> Option<&str> {
    operation["security"]
        .as_array()?
        .first()?
        .as_object()?
        .keys()
        .next()
        .map(String::as_str)
}
