//! The status page of a real agent: what it says, to whom, and that a port in use hinders nothing.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value as Json;

use crate::cloud::Cloud;
use crate::secrets::{RIGHT, Store, WEBHOOK};

/// Adds the page to the store's configuration.
fn with_page(store: &Store, port: u16) {
    let path = store.path("fluxion-agent.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let section = format!("[status_page]\nlisten = \"127.0.0.1:{port}\"\n[[pos]]");
    std::fs::write(path, text.replacen("[[pos]]", &section, 1)).unwrap();
}

async fn ask(url: &str, language: &str, host: &str) -> Option<(StatusCode, String, String)> {
    let client = Client::builder().no_proxy().build().unwrap();
    let asked = client
        .get(url)
        .header("accept-language", language)
        .header("host", host);
    let answer = asked.send().await.ok()?;
    let policy = answer.headers().get("content-security-policy");
    let policy = policy
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    Some((answer.status(), policy, answer.text().await.unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_tells_this_computer_how_the_store_is_and_nobody_else() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    with_page(&store, port);
    store.says(&["secret", "set", "caja"], RIGHT);
    let _process = store.run();
    cloud
        .until("the row of the POS is there", |inner| {
            inner.model.records.len() == 1
        })
        .await;
    let (url, host) = (
        format!("http://127.0.0.1:{port}"),
        format!("localhost:{port}"),
    );
    let mut page = None;
    for _ in 0..200 {
        page = ask(&url, "es-VE,es;q=0.9", &host).await;
        if page
            .as_ref()
            .is_some_and(|(_, _, text)| text.contains("al día"))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, policy, text) = page.expect("the page is shown");
    assert_eq!(status, StatusCode::OK);
    assert!(
        policy.starts_with("default-src 'none'; style-src 'nonce-"),
        "{policy}"
    );
    for expected in [
        "Centro",
        "Hay algo que resolver",
        "fluxion-agent secret set avisos",
        "items",
        "support-bundle",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let (_, _, text) = ask(&url, "en", &host).await.unwrap();
    assert!(text.contains("Something has to be solved"), "{text}");
    let (_, _, text) = ask(&format!("{url}/?lang=es"), "en", &host).await.unwrap();
    assert!(text.contains("Hay algo que resolver"), "{text}");

    let (_, _, text) = ask(&format!("{url}/status.json"), "en", &host)
        .await
        .unwrap();
    let facts: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(facts["verdict"], "act");
    assert_eq!(facts["streams"][0]["rows"], 1);
    for cell in ["Trujillo", RIGHT, WEBHOOK] {
        assert!(!text.contains(cell), "{text}");
    }

    let (status, _, text) = ask(&url, "en", "evil.example.com").await.unwrap();
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!text.contains("Centro"), "{text}");
    let client = Client::builder().no_proxy().build().unwrap();
    for method in [Method::POST, Method::DELETE] {
        let answer = client.request(method, &url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_and_the_agent_works_on() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    with_page(&store, taken.local_addr().unwrap().port());
    store.keep_secrets();
    let _process = store.run();
    cloud
        .until("the row of the POS is there", |inner| {
            inner.model.records.len() == 1
        })
        .await;
    store
        .state("the problem is told", |state| {
            let problem = state["page_problem"].as_str().unwrap_or_default();
            problem.contains("status_page.listen")
        })
        .await;
    let (said, _) = store.says(&["status"], "");
    assert!(said.contains("the status page cannot be shown"), "{said}");
    for (lang, what) in [
        ("en", "[ !! ] The status page cannot be shown"),
        ("es", "[ !! ] La página de estado no se puede mostrar"),
    ] {
        let (said, _) = store.says(&["doctor", "--lang", lang], "");
        assert!(said.contains(what), "{said}");
    }
}
