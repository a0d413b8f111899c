//! Who asks, over which line, and what the API's headers say beside the rows.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::header::{DATE, IF_MODIFIED_SINCE, LAST_MODIFIED, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use fluxion_connectors::{BatchLimit, Finding, Level, Remedy};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{Api, build, items};
use crate::mirror::{Mirror, Restart};

const ONE_ITEM: &str = r#"{"items":[{"code":"A","price":1}]}"#;

fn one_item() -> Response {
    ([("content-type", "application/json")], ONE_ITEM).into_response()
}

/// A moment as headers write it.
fn moment(ago: i64) -> String {
    let at = Utc::now() - chrono::Duration::seconds(ago);
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An API that serves whoever sends this header with this value.
async fn guarded(name: &'static str, value: &'static str) -> Api {
    Api::start(move |request| async move {
        let right = |headers: &HeaderMap| headers.get(name).is_some_and(|own| own == value);
        if right(request.headers()) {
            one_item()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    })
    .await
}

#[tokio::test]
async fn a_user_with_a_password_and_a_key_in_a_header_of_its_own_are_let_in_and_no_other() {
    // "cajero:ñ:clave" in UTF-8, as RFC 7617 has it.
    let basic = guarded("authorization", "Basic Y2FqZXJvOsOxOmNsYXZl").await;
    let header = guarded("x-api-key", "k3y").await;
    for (api, auth, secret) in [
        (
            &basic,
            json!({"auth": "basic", "user": "cajero"}),
            "ñ:clave",
        ),
        (
            &header,
            json!({"auth": "header", "auth_header": "X-Api-Key"}),
            "k3y",
        ),
    ] {
        let with = |password: &str| {
            let mut settings = auth.clone();
            settings["base_url"] = json!(api.url);
            settings["password"] = json!(password);
            build(settings)
        };
        let mut mirror = Mirror::default();
        mirror
            .scan(with(secret).as_ref(), &items(Json::Null))
            .await
            .unwrap();
        assert_eq!(mirror.keys(), ["A"]);
        let error = with("wr0ng").probe().await.unwrap_err();
        assert!(
            matches!(
                &error.remedy,
                Remedy::AskOperator {
                    code: "login_refused",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
    }
}

#[tokio::test]
async fn a_wait_that_is_given_as_a_moment_is_waited_out() {
    let refused = Arc::new(Mutex::new(false));
    let api = Api::start(move |_| {
        let first = !std::mem::replace(&mut *refused.lock().unwrap(), true);
        async move {
            if first {
                let until = moment(-3);
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, until)]).into_response()
            } else {
                one_item()
            }
        }
    })
    .await;
    let connector = api.connector();
    let mut mirror = Mirror::default();
    let begun = Instant::now();
    let error = mirror
        .scan(connector.as_ref(), &items(Json::Null))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    mirror
        .scan(connector.as_ref(), &items(Json::Null))
        .await
        .unwrap();
    // Moments of headers have whole seconds.
    assert!(begun.elapsed() >= Duration::from_millis(1_900));
    assert_eq!(mirror.keys(), ["A"]);
}

#[tokio::test]
async fn a_list_that_has_not_changed_since_its_own_date_brings_no_body_again() {
    let bodies = Arc::new(Mutex::new(0));
    for (ago, expected) in [(3_600, 1), (0, 3)] {
        let (served, changed) = (bodies.clone(), moment(ago));
        *bodies.lock().unwrap() = 0;
        let api = Api::start(move |request| {
            let (served, changed) = (served.clone(), changed.clone());
            async move {
                let known = request.headers().get(IF_MODIFIED_SINCE);
                if known.is_some_and(|since| *since == *changed) {
                    return StatusCode::NOT_MODIFIED.into_response();
                }
                *served.lock().unwrap() += 1;
                let mut answer = one_item();
                let headers = answer.headers_mut();
                headers.insert(LAST_MODIFIED, changed.parse().unwrap());
                // What changed in this very second may change again in it.
                headers.insert(DATE, moment(0).parse().unwrap());
                answer
            }
        })
        .await;
        let connector = api.connector();
        let mut mirror = Mirror::default();
        for _ in 0..3 {
            mirror
                .follow(
                    connector.as_ref(),
                    &items(Json::Null),
                    BatchLimit::default(),
                    Restart::Never,
                )
                .await
                .unwrap();
            assert_eq!(mirror.keys(), ["A"]);
        }
        assert_eq!(*bodies.lock().unwrap(), expected, "changed {ago} s ago");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_one_that_agrees_is_good() {
    for (ago, level, said) in [
        (0, Level::Info, "coincide"),
        (600, Level::Warning, "atrasado"),
        (-600, Level::Warning, "adelantado"),
    ] {
        let api = Api::start(move |_| async move {
            let mut answer = one_item();
            let headers = answer.headers_mut();
            headers.insert(DATE, moment(ago).parse().unwrap());
            answer
        })
        .await;
        let findings = api.connector().probe().await.unwrap().findings;
        let told = |finding: &Finding| finding.level == level && finding.what.es.contains(said);
        assert!(findings.iter().any(told), "{said}: {findings:?}");
        let advised = |finding: &Finding| finding.level == Level::Info || finding.remedy.is_some();
        assert!(findings.iter().all(advised), "{findings:?}");
    }
}

/// Serves one item over TLS with a certificate that only its own file vouches for; returns its address and that file's text.
async fn private() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate goes away here.
                let Ok(mut line) = acceptor.accept(line).await else {
                    return;
                };
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    if line.read_buf(&mut asked).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let length = ONE_ITEM.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{ONE_ITEM}"
                );
                line.write_all(answer.as_bytes()).await.unwrap();
                line.shutdown().await.ok();
            });
        }
    });
    (format!("https://localhost:{port}"), made.cert.pem())
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_where_its_file_is_named_and_nowhere_else() {
    let (url, pem) = private().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let trusting = build(json!({"base_url": url, "tls_ca": path}));
    let mut mirror = Mirror::default();
    mirror
        .scan(trusting.as_ref(), &items(Json::Null))
        .await
        .unwrap();
    assert_eq!(mirror.keys(), ["A"]);
    let findings = trusting.probe().await.unwrap().findings;
    assert!(findings[0].what.es.contains("cifrada"), "{findings:?}");

    let strange = build(json!({"base_url": url}));
    let error = strange.probe().await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "{error:?}");
}
