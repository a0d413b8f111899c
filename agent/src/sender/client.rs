//! Requests to the ingest service, and what its answers mean. Knows HTTP, decides nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fluxion_model::command::{Command, CommandOutcome};
use fluxion_model::delivery::{Ack, OutOfOrder};
use fluxion_model::enrolment::{
    EnrolReply, EnrolRequest, PosSystemDeclaration, PosSystemReply, ResumePoint,
};
use fluxion_model::heartbeat::{Heartbeat, HeartbeatReply};
use fluxion_model::id::CommandId;
use fluxion_model::wire;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE, RETRY_AFTER,
};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body;
use crate::bandwidth::Bandwidth;
use crate::config::NetworkConfig;
use crate::network;

/// Answers are small; whoever sends more is not the ingest service.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// A program may take this long on a slow line; it goes on from there afterwards.
const DOWNLOAD: Duration = Duration::from_secs(6 * 3_600);
/// A download from which nothing comes for so long is begun anew.
const STALLED: Duration = Duration::from_secs(60);
/// How long a command request is held open.
pub(super) const LONG_POLL: Duration = Duration::from_secs(30);
/// A delivery is watched while it moves; this ends what no watching foresaw.
const DELIVERY_WITHIN: Duration = Duration::from_secs(6 * 3_600);

/// The ingest service, as this agent sees it.
#[derive(Debug, Clone)]
pub struct Cloud {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    bandwidth: Arc<Bandwidth>,
}

/// What answers at the address of the cloud.
#[derive(Debug, Clone)]
pub struct Health {
    /// HTTP status.
    pub status: StatusCode,
    /// As in `application/json`; empty where there is none.
    pub content_type: String,
    /// Where it sends callers instead.
    pub location: Option<String>,
    /// How far this computer's clock is ahead of the server's, as every HTTP answer carries it, to the second.
    pub skew: Option<chrono::TimeDelta>,
    /// There and back.
    pub took: chrono::TimeDelta,
}

/// What came instead of a good answer.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// No answer at all.
    #[error(
        "the cloud at {server} cannot be reached; check the line and `server` in the configuration"
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It took nothing more, or never answered.
    #[error("the cloud at {server} took nothing and said nothing for too long ({seconds} s)")]
    Stalled {
        /// Its address.
        server: String,
        /// From the first byte on.
        seconds: u64,
    },
    /// The token is not accepted.
    #[error(
        "the cloud does not accept this agent ({message}); get a new code in the dashboard and run `fluxion-agent enroll \
         --server URL --code CODE`"
    )]
    Unauthorized {
        /// Its words.
        message: String,
    },
    /// Too busy, or in trouble of its own.
    #[error("the cloud answers {status}: {message}")]
    Busy {
        /// HTTP status.
        status: StatusCode,
        /// When to try again, if it says so.
        retry_after: Option<Duration>,
        /// Its words.
        message: String,
    },
    /// The batch does not follow the last one.
    #[error("the cloud expects another batch than the one that is next")]
    OutOfOrder(OutOfOrder),
    /// The content is refused; sending it again will not help.
    #[error("the cloud refuses it ({status}): {message}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Its words.
        message: String,
    },
    /// What is asked for is not known there.
    #[error("the cloud does not know it: {message}")]
    NotFound {
        /// Its words.
        message: String,
    },
    /// A network that asks for a login answers in its place, as in a hotel or a mall.
    #[error(
        "a login page answers instead of the cloud at {server} ({what}): this network asks for a login. Open any page in \
         this computer's browser and log in, or use another network"
    )]
    Portal {
        /// Its address.
        server: String,
        /// What came.
        what: String,
    },
    /// The proxy wants to know who asks.
    #[error(
        "the proxy on the way to {server} asks for a login, or refuses the one it got; set `proxy_user` and \
         `proxy_password` under [network] in the configuration, and keep the password with `fluxion-agent secret set proxy`"
    )]
    ProxyLogin {
        /// Its address.
        server: String,
    },
    /// The certificate is not valid at the date that this computer shows.
    #[error(
        "the certificate of {server} is not valid at the date of this computer ({now}); set the right date and time. If \
         they are right, tell who runs the server"
    )]
    WrongDate {
        /// Its address.
        server: String,
        /// What this computer believes.
        now: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that is not one of ours.
    #[error(
        "something answers at {server}, but not the ingest service ({what}); check `server` in the configuration, and \
         whether the line asks for a login"
    )]
    Garbage {
        /// Its address.
        server: String,
        /// What came.
        what: String,
    },
}

impl Cloud {
    /// Nothing is contacted yet. The data folder is where the proxy's password may be kept.
    ///
    /// # Errors
    /// When TLS or the proxy cannot be set up.
    pub fn new(
        server: &str,
        token: Option<String>,
        network: &NetworkConfig,
        data_dir: &Path,
    ) -> anyhow::Result<Self> {
        let http = network::client(network, data_dir)?
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(2)
            .build()
            .context("cannot set up TLS\nhint: check the certificates of this computer")?;
        Ok(Self {
            http,
            base: server.trim_end_matches('/').to_owned(),
            token,
            bandwidth: Arc::new(Bandwidth::unlimited()),
        })
    }

    /// Deliveries take no more of the line than this allows.
    #[must_use]
    pub fn within(self, bandwidth: Arc<Bandwidth>) -> Self {
        Self { bandwidth, ..self }
    }

    /// Exchanges a code for a token.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, CloudError> {
        self.json(self.request(Method::POST, "/v1/agents/enrol"), request)
            .await
    }

    /// Declares a POS system.
    pub async fn declare(
        &self,
        name: &str,
        body: &PosSystemDeclaration,
    ) -> Result<PosSystemReply, CloudError> {
        let path = format!("/v1/agents/pos-systems/{}", encode_path(name));
        self.json(self.request(Method::PUT, &path), body).await
    }

    /// Posts a batch, as fast as the bandwidth allows.
    pub async fn deliver(&self, body: Vec<u8>) -> Result<Ack, CloudError> {
        let length = body.len();
        let (body, progress) = body::paced(body, Arc::clone(&self.bandwidth));
        let request = self
            .request(Method::POST, "/v1/agents/batches")
            .header(CONTENT_TYPE, wire::CONTENT_TYPE)
            .header(CONTENT_ENCODING, "zstd")
            // Proxies and ingest want to know the size beforehand, which a stream does not tell.
            .header(CONTENT_LENGTH, length)
            .timeout(DELIVERY_WITHIN)
            .body(Body::wrap_stream(body));
        tokio::select! {
            answer = self.send(request) => answer,
            after = progress.stalled() => Err(CloudError::Stalled {
                server: self.base.clone(),
                seconds: after.as_secs(),
            }),
        }
    }

    /// Says how the agent is.
    pub async fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<HeartbeatReply, CloudError> {
        self.json(
            self.request(Method::POST, "/v1/agents/heartbeat"),
            heartbeat,
        )
        .await
    }

    /// Asks what is to be done; held open until there is something.
    pub async fn commands(&self) -> Result<Vec<Command>, CloudError> {
        let path = format!("/v1/agents/commands?wait_seconds={}", LONG_POLL.as_secs());
        self.send(self.request(Method::GET, &path).timeout(LONG_POLL * 2))
            .await
    }

    /// Says what became of a command.
    pub async fn outcome(&self, id: CommandId, outcome: &CommandOutcome) -> Result<(), CloudError> {
        let path = format!("/v1/agents/commands/{id}/outcome");
        let answer = self
            .exchange(self.request(Method::POST, &path).json(outcome))
            .await?;
        drop(answer);
        Ok(())
    }

    /// What the cloud holds of this agent.
    pub async fn resume_point(&self) -> Result<ResumePoint, CloudError> {
        self.send(self.request(Method::GET, "/v1/agents/resume-point"))
            .await
    }

    /// A file of a release, from this byte on.
    pub async fn release_file(
        &self,
        version: &str,
        name: &str,
        from: u64,
    ) -> Result<Pieces, CloudError> {
        let path = format!(
            "/v1/agents/releases/{}/{}",
            encode_path(version),
            encode_path(name)
        );
        let mut request = self.request(Method::GET, &path).timeout(DOWNLOAD);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let mut response = request
            .send()
            .await
            .map_err(|source| self.unreachable(source))?;
        let begins = match response.status() {
            StatusCode::OK => Some(0),
            StatusCode::PARTIAL_CONTENT => content_begins(&response).filter(|at| *at == from),
            _ => None,
        };
        let Some(from) = begins else {
            let (status, retry_after) = (response.status(), retry_after(&response));
            let body = self.whole(&mut response).await?;
            return Err(self.failure(status, retry_after, &body));
        };
        Ok(Pieces {
            from,
            response,
            cloud: self.clone(),
        })
    }

    /// Whether anything answers there, without a token. Whatever comes is told, not judged.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn health(&self) -> Result<Health, CloudError> {
        let asked = chrono::Utc::now();
        let sent = self.http.get(format!("{}/health", self.base)).send().await;
        let response = sent.map_err(|source| self.unreachable(source))?;
        let text = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.chars().take(200).collect::<String>())
        };
        let date = text(reqwest::header::DATE);
        let date = date.and_then(|date| chrono::DateTime::parse_from_rfc2822(&date).ok());
        let took = chrono::Utc::now() - asked;
        Ok(Health {
            status: response.status(),
            content_type: text(CONTENT_TYPE).unwrap_or_default(),
            location: text(reqwest::header::LOCATION),
            skew: date.map(|date| asked + took / 2 - date.to_utc()),
            took,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        body: &impl Serialize,
    ) -> Result<T, CloudError> {
        self.send(request.json(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CloudError> {
        let (status, body) = self.exchange(request).await?;
        serde_json::from_slice(&body).map_err(|_| self.garbage(status, &body))
    }

    /// A 2xx answer's status and body, or what the answer means.
    async fn exchange(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), CloudError> {
        let sent = request.send().await;
        let mut response = sent.map_err(|source| self.unreachable(source))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = self.whole(&mut response).await?;
        let is_page = body.trim_ascii_start().starts_with(b"<");
        if status.is_redirection()
            || status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED
            || (status.is_success() && is_page)
        {
            return Err(CloudError::Portal {
                server: self.base.clone(),
                what: format!("{status}: {}", excerpt(&body)),
            });
        }
        if status.is_success() {
            return Ok((status, body));
        }
        Err(self.failure(status, retry_after, &body))
    }

    /// All of an answer, which is small.
    async fn whole(&self, response: &mut Response) -> Result<Vec<u8>, CloudError> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|source| self.unreachable(source))?
        {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.garbage(response.status(), &body));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> CloudError {
        let problem: Option<Problem> = serde_json::from_slice(body).ok();
        let is_ours = problem.is_some();
        let message = problem
            .and_then(|problem| problem.detail.or(problem.title))
            .unwrap_or_else(|| excerpt(body));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                CloudError::Unauthorized { message }
            }
            StatusCode::CONFLICT => match serde_json::from_slice(body) {
                Ok(expected) => CloudError::OutOfOrder(expected),
                Err(_) => self.garbage(status, body),
            },
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => CloudError::ProxyLogin {
                server: self.base.clone(),
            },
            StatusCode::NOT_FOUND if is_ours => CloudError::NotFound { message },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => CloudError::Busy {
                status,
                retry_after,
                message,
            },
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => CloudError::Refused { status, message },
            status if status.is_server_error() => CloudError::Busy {
                status,
                retry_after,
                message,
            },
            _ => self.garbage(status, body),
        }
    }

    /// No answer, and why, as far as somebody can do something about it.
    fn unreachable(&self, source: reqwest::Error) -> CloudError {
        let server = self.base.clone();
        if tls_trouble(&source).is_some_and(is_about_the_date) {
            let now = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string();
            return CloudError::WrongDate {
                server,
                now,
                source,
            };
        }
        if crate::chain(&source).contains("proxy authorization required") {
            return CloudError::ProxyLogin { server };
        }
        CloudError::Unreachable { server, source }
    }

    fn garbage(&self, status: StatusCode, body: &[u8]) -> CloudError {
        CloudError::Garbage {
            server: self.base.clone(),
            what: format!("{status}: {}", excerpt(body)),
        }
    }
}

/// What TLS says, wherever in the chain it stands.
pub(crate) fn tls_trouble<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An i/o error hides what it wraps from `source`.
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn is_about_the_date(trouble: &rustls::Error) -> bool {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        trouble,
        rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        )
    )
}

/// The bytes of a file as they come.
#[derive(Debug)]
pub struct Pieces {
    /// Which byte of the file comes first.
    pub from: u64,
    response: Response,
    cloud: Cloud,
}

impl Pieces {
    /// The next few; `None` at the end.
    ///
    /// # Errors
    /// When the line breaks, or nothing comes for a minute.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CloudError> {
        match tokio::time::timeout(STALLED, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(Vec::from)),
            Ok(Err(source)) => Err(self.cloud.unreachable(source)),
            Err(_) => Err(CloudError::Stalled {
                server: self.cloud.base.clone(),
                seconds: STALLED.as_secs(),
            }),
        }
    }
}

/// The first byte of `Content-Range: bytes 100-199/200`.
fn content_begins(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// RFC 9457.
#[derive(serde::Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let line: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(120)
        .collect();
    if line.is_empty() {
        "nothing in it".to_owned()
    } else {
        format!("{line:?}")
    }
}

/// In seconds, as our service sends it, or as a date; never more than an hour.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            u64::try_from((at.to_utc() - chrono::Utc::now()).num_seconds()).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds.min(3_600)))
}

fn encode_path(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
