//! The listening socket: started once, ended with its connector. Slow and many connections are bounded.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::KIND;
use super::answer::{self, PRODUCT};
use super::desk::Hall;
use crate::error::{SourceError, SourceResult};

/// Connections at the same time; others wait until one is closed.
const CONNECTIONS: usize = 128;
/// How long the head of a request may take, and a connection may do nothing.
const HEAD: Duration = Duration::from_secs(30);
/// How long answers that are under way may take when the listener ends.
const LEAVING: Duration = Duration::from_secs(12);
/// A listener that is just being ended, by an agent that starts anew, frees its port within moments.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(3);

/// A place to listen at.
#[derive(Debug)]
pub(super) struct Door {
    listen: SocketAddr,
    open: Mutex<Option<(SocketAddr, DropGuard)>>,
}

impl Door {
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            open: Mutex::const_new(None),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Listens, if it does not yet, and says where.
    pub async fn open(&self, hall: &Arc<Hall>) -> SourceResult<SocketAddr> {
        let mut open = self.open.lock().await;
        if let Some((address, _)) = &*open {
            return Ok(*address);
        }
        let listener = bind(self.listen)
            .await
            .map_err(|error| refused(self.listen, error))?;
        let address = listener.local_addr().unwrap_or(self.listen);
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, Arc::clone(hall), stop.clone()));
        tracing::info!(%address, "listening for calls of the POS");
        *open = Some((address, stop.drop_guard()));
        Ok(address)
    }
}

async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let begun = tokio::time::Instant::now();
    loop {
        match TcpListener::bind(listen).await {
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && begun.elapsed() < PORT_FREE_WITHIN =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

fn refused(listen: SocketAddr, error: std::io::Error) -> SourceError {
    let action = format!("listen at {listen}");
    let (code, hint) = match error.kind() {
        ErrorKind::AddrInUse => (
            "port_in_use",
            format!(
                "Another program uses port {}: end it, or choose another port in `connection.listen` and tell the POS. If \
                 two [[pos]] use this connector, each needs a port of its own.",
                listen.port()
            ),
        ),
        ErrorKind::AddrNotAvailable => (
            "not_our_address",
            format!(
                "{} is none of this computer's addresses: write one of its own in `connection.listen`, or 0.0.0.0 for all \
                 of them.",
                listen.ip()
            ),
        ),
        ErrorKind::PermissionDenied => (
            "port_not_allowed",
            format!(
                "The agent's account may not use port {}: choose one above 1023 in `connection.listen`.",
                listen.port()
            ),
        ),
        _ => return SourceError::retry(KIND, action, error),
    };
    SourceError::ask(KIND, action, code, hint, error)
}

async fn accept(listener: TcpListener, hall: Arc<Hall>, stop: CancellationToken) {
    let router = answer::router(hall);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
        };
        let (Ok((connection, from)), Ok(place)) = accepted else {
            // Out of files, or the caller was gone already.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let stop = stop.clone();
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD);
            let mut serving = pin!(http.serve_connection(TokioIo::new(connection), service));
            let served = tokio::select! {
                served = serving.as_mut() => served,
                () = stop.cancelled() => {
                    // Answers what it was asked and closes, so that the sender comes to the next listener.
                    serving.as_mut().graceful_shutdown();
                    tokio::time::timeout(LEAVING, serving).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = served {
                tracing::debug!(%from, %error, "a connection ended early");
            }
            drop(place);
        });
    }
}

/// Whether an agent answers at an address: the one that runs as a service, while `doctor` looks.
pub(super) async fn is_ours(listen: SocketAddr) -> bool {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let asked = async {
        let mut line = TcpStream::connect((ip, listen.port())).await?;
        line.write_all(b"GET /health HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n")
            .await?;
        let mut said = Vec::new();
        line.take(2_048).read_to_end(&mut said).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&said).contains(PRODUCT))
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(2), asked).await,
        Ok(Ok(true))
    )
}
