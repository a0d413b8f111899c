//! The store's line to the cloud, where it is narrow.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use fluxion_agent::bandwidth::Bandwidth;
use fluxion_agent::config::BandwidthConfig;
use fluxion_agent::sender::Cloud;
use serde_json::json;

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
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
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
    let limited = Cloud::new(&server, None)
        .unwrap()
        .within(Arc::new(bandwidth));
    let body: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let begun = Instant::now();
    limited.deliver(body.clone()).await.unwrap();
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_350), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    let free = Cloud::new(&server, None).unwrap();
    let begun = Instant::now();
    free.deliver(body.clone()).await.unwrap();
    assert!(begun.elapsed() < took / 2, "without a limit nothing waits");
    for (length, content) in arrived.lock().unwrap().iter() {
        assert_eq!(length, "300000");
        assert_eq!(content, &body);
    }
}
