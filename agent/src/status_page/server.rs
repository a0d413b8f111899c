//! The listening socket and the two answers. Few connections, short patience: it is for one person at a time.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use fluxion_model::id::Epoch;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::words::Lang;
use super::{Facts, SharedView, page};

/// Connections at the same time; others wait.
const CONNECTIONS: usize = 8;
/// How long the head of a request may take, and a connection may do nothing.
const HEAD: Duration = Duration::from_secs(5);
/// No connection lives longer.
const LONGEST: Duration = Duration::from_secs(60);
/// A port in use is tried again this often.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Shows the page until the agent stops. A port that is taken is told, tried again, and keeps nothing else from working.
pub async fn serve(listen: SocketAddr, view: SharedView, cancel: CancellationToken) {
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => {
                tracing::info!("the status page is at http://{listen}");
                view.live.page_problem(None);
                accept(&listener, &view, &cancel).await;
                return;
            }
            Err(error) => {
                let problem = format!(
                    "the status page cannot be shown at {listen} ({error}): end the program that uses the port, or choose another \
                     in `status_page.listen`"
                );
                if view.live.page_problem(Some(problem.clone())) {
                    tracing::error!("{problem}");
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(TRY_AGAIN) => {}
        }
    }
}

async fn accept(listener: &TcpListener, view: &SharedView, cancel: &CancellationToken) {
    let router = router(Arc::clone(view));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
        };
        let (Ok((connection, _)), Ok(place)) = accepted else {
            // Out of files, or the caller was gone already.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (router, cancel) = (router.clone(), cancel.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = answer(connection, router) => {}
            }
            drop(place);
        });
    }
}

async fn answer(connection: TcpStream, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let service = TowerToHyperService::new(router);
    let serving = pin!(http.serve_connection(TokioIo::new(connection), service));
    if let Ok(Err(error)) = tokio::time::timeout(LONGEST, serving).await {
        tracing::debug!(%error, "a look at the status page ended early");
    }
}

fn router(view: SharedView) -> Router {
    Router::new()
        .route("/", get(html))
        .route("/status.json", get(json))
        .fallback(async || {
            plain(
                StatusCode::NOT_FOUND,
                "There is nothing here; see / and /status.json.",
            )
        })
        .with_state(view)
        .layer(from_fn(guard))
}

/// A page of the internet may have its name resolve to this computer and then read what is here (DNS rebinding). Such a
/// request still names that page as its host.
async fn guard(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let mut response = if host.is_some_and(is_this_computer) {
        next.run(request).await
    } else {
        plain(
            StatusCode::MISDIRECTED_REQUEST,
            "This page is for this computer alone: open it as http://127.0.0.1 with its port.",
        )
    };
    let same_origin = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (same_origin, "same-origin"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_this_computer(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn html(State(view): State<SharedView>, request: Request) -> Response {
    let Some(facts) = gathered(view).await else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "The agent is stopping.");
    };
    let accepted = request.headers().get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let lang = Lang::asked(request.uri().query(), accepted);
    let nonce = Epoch::generate().to_string();
    let mut response = Response::new(Body::from(page::page(&facts, lang, &nonce)));
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn json(State(view): State<SharedView>) -> Response {
    let Some(facts) = gathered(view).await else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "The agent is stopping.");
    };
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Reads the spool's file, which may have to wait for the disk.
async fn gathered(view: SharedView) -> Option<Facts> {
    tokio::task::spawn_blocking(move || view.facts()).await.ok()
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_computer_are_its_names() {
        for own in [
            "127.0.0.1:8790",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8790",
            "127.1.2.3",
        ] {
            assert!(is_this_computer(own), "{own}");
        }
        for foreign in [
            "",
            "example.com:8790",
            "192.168.1.1",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "[::]:80",
        ] {
            assert!(!is_this_computer(foreign), "{foreign}");
        }
    }
}
