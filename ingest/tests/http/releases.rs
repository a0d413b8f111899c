//! How agents come to newer versions: offered in the answer to a heartbeat, fetched piece by piece, shown in the store.

use axum::Router;
use axum::http::{HeaderMap, Method, header};
use chrono::{Duration, Utc};
use fluxion_ingest::config::Cookies;
use fluxion_ingest::database::releases::{Release, ReleaseState, Waves};
use fluxion_ingest::routes::{self, AppState};
use fluxion_ingest::views::account::Role;
use fluxion_tests::release::{PROGRAM, manifest, this_computer};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

use super::cloud::{Answer, Cloud, Who};

struct Releases {
    cloud: Cloud,
    admin: Who,
    agent: Who,
    store: String,
    program: Vec<u8>,
    _folder: tempfile::TempDir,
}

/// A cloud with one agent and the release 0.2.0.
async fn published() -> Releases {
    let folder = tempfile::tempdir().unwrap();
    let mut cloud = Cloud::start().await;
    cloud.app = app(&cloud, folder.path());
    let admin = cloud.person(Role::Admin).await;
    let (agent, store) = cloud.agent(&admin, "Centro").await;
    let program: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    std::fs::create_dir(folder.path().join("0.2.0")).unwrap();
    std::fs::write(folder.path().join("0.2.0").join(PROGRAM), &program).unwrap();
    let now = Utc::now();
    let release = Release {
        version: "0.2.0".to_owned(),
        manifest: manifest("0.2.0", &this_computer(), &program),
        signature: "signed".to_owned(),
        state: ReleaseState::Offered,
        halted_because: None,
        waves: Waves {
            shares: vec![100],
            every: Duration::hours(1),
        },
        published_at: now,
        counted_from: now,
    };
    cloud.database.add_release(&release).await.unwrap();
    Releases {
        cloud,
        admin,
        agent,
        store,
        program,
        _folder: folder,
    }
}

fn app(cloud: &Cloud, folder: &std::path::Path) -> Router {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let state = AppState::new(cloud.database.clone(), Cookies::Secure, metrics);
    routes::app(state.with_releases_in(folder.to_owned()))
}

impl Releases {
    async fn fetch(&self, who: &Who, path: &str, range: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(header::RANGE, range.parse().unwrap());
        }
        let path = format!("/v1/agents/releases/{path}");
        self.cloud
            .send(who, Method::GET, &path, headers, Vec::new())
            .await
    }

    async fn beat(&self, version: &str, update: Value) -> Value {
        let body = json!({
            "version": version, "now": Utc::now(), "epoch": "0190a000-0000-7000-8000-0000000000aa", "update": update,
        });
        self.cloud
            .post(&self.agent, "/v1/agents/heartbeat", body)
            .await
            .is(200)
            .json()
    }

    async fn shown(&self) -> Value {
        let path = format!("/v1/stores/{}", self.store);
        self.cloud.get(&self.admin, &path).await.is(200).json()["agents"][0].clone()
    }
}

#[tokio::test]
async fn a_program_is_fetched_whole_or_from_where_it_stopped() {
    let releases = published().await;
    let path = format!("0.2.0/{PROGRAM}");
    let whole = releases.fetch(&releases.agent, &path, None).await.is(200);
    assert_eq!(whole.body, releases.program);
    let rest = releases
        .fetch(&releases.agent, &path, Some("bytes=1000000-"))
        .await
        .is(206);
    assert_eq!(rest.body, releases.program[1_000_000..]);
    assert_eq!(
        rest.header("content-range"),
        "bytes 1000000-1199999/1200000"
    );
}

#[tokio::test]
async fn only_files_of_releases_that_are_offered_are_handed_out_and_only_to_agents() {
    let releases = published().await;
    let path = format!("0.2.0/{PROGRAM}");
    releases.fetch(&Who::Nobody, &path, None).await.is(401);
    releases.fetch(&releases.admin, &path, None).await.is(401);
    for other in [
        "0.2.0/release.json",
        "0.3.0/x",
        "0.2.0/..%2F..%2Ffluxion.db",
        "..%2F/x",
    ] {
        let answer = releases.fetch(&releases.agent, other, None).await;
        assert_eq!(answer.status.as_u16(), 404, "{other}");
    }
    releases
        .cloud
        .database
        .halt_release("0.2.0", "by hand")
        .await
        .unwrap();
    assert_eq!(
        releases
            .fetch(&releases.agent, &path, None)
            .await
            .is(404)
            .problem(),
        "not_found"
    );
}

#[tokio::test]
async fn an_agent_is_offered_what_is_newer_until_it_has_done_with_it() {
    let releases = published().await;
    let offer = releases.beat("0.1.0", Value::Null).await["update"].clone();
    assert_eq!(
        (&offer["version"], &offer["signature"]),
        (&json!("0.2.0"), &json!("signed"))
    );
    let state = |state| json!({ "target": "0.2.0", "state": state, "message": "m" });
    assert!(releases.beat("0.1.0", state("downloading")).await["update"].is_object());
    assert!(releases.beat("0.1.0", state("rolled_back")).await["update"].is_null());
    assert!(releases.beat("0.2.0", Value::Null).await["update"].is_null());
}

#[tokio::test]
async fn the_store_shows_how_an_update_is_getting_on() {
    let releases = published().await;
    releases.beat("0.1.0", Value::Null).await;
    assert_eq!(releases.shown().await["update"], Value::Null);
    let said = json!({ "target": "0.2.0", "state": "rolled_back", "message": "it ended" });
    releases.beat("0.1.0", said.clone()).await;
    assert_eq!(releases.shown().await["update"], said);
    releases
        .beat("0.2.0", json!({ "target": "0.2.0", "state": "installed" }))
        .await;
    let shown = releases.shown().await;
    assert_eq!(
        (&shown["version"], &shown["update"]),
        (&json!("0.2.0"), &Value::Null)
    );
}

#[tokio::test]
async fn the_overview_tells_of_an_agent_that_went_back_and_whether_the_release_is_halted() {
    let releases = published().await;
    let overview = async || {
        let overview = releases.cloud.get(&releases.admin, "/v1/overview").await;
        overview.is(200).json()["stores"][0].clone()
    };
    let begun = Utc::now();
    let said = json!({ "target": "0.2.0", "state": "rolled_back", "message": "it ended" });
    releases.beat("0.1.0", said.clone()).await;
    let store = overview().await;
    let problem = &store["update_problem"];
    assert_eq!(
        (&problem["version"], &problem["report"], &problem["halted"]),
        (&json!("0.1.0"), &said, &json!(false))
    );
    releases.beat("0.1.0", said).await;
    let tenant = releases.cloud.database.tenants().await.unwrap()[0].id;
    let events = releases.cloud.database.events_since(tenant, begun).await;
    let about: Vec<_> = events
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(about, ["store_changed"], "told once");

    let halted = releases.cloud.database.halt_release("0.2.0", "by hand");
    assert!(halted.await.unwrap());
    assert_eq!(overview().await["update_problem"]["halted"], true);
    releases.beat("0.2.1", Value::Null).await;
    assert_eq!(overview().await["update_problem"], Value::Null);
}
