//! One request: who asks, how fast, how large an answer may be, and what each answer means.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, StatusCode, Url, redirect};
use tokio::time::Instant;

use super::KIND;
use super::config::{RestAuth, Target};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;

/// A wait that the API asks for is waited out when it is no longer than this; else the agent's own back-off decides.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks, at the pace that is allowed.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    target: Target,
    /// When the next request may go out.
    next: Mutex<Instant>,
    /// By how many seconds the API's clock was ahead in its last answer, where it said what time it is.
    ahead: Mutex<Option<i64>>,
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Page {
    pub body: String,
    /// Where the API gives none, when the answer last changed, as the API wrote it.
    pub etag: Option<String>,
    /// The `next` of the `Link` header.
    pub link: Option<String>,
    /// The API's clock.
    pub date: DateTime<Utc>,
}

/// What came.
#[derive(Debug)]
pub(super) enum Got {
    Page(Page),
    /// Nothing changed since the answer with that ETag.
    NotModified,
    /// 404.
    NotFound,
}

impl Client {
    pub fn new(target: Target) -> Result<Self, ConfigError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Somebody else may have been faster, which is as good.
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
        }
        let config = &target.config;
        let origin = target.base.origin();
        // Keys must not follow a redirection to another host.
        let same_origin = redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > 5 || attempt.url().origin() != origin {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("fluxion-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(config.connect_timeout_seconds.into()))
            .timeout(Duration::from_secs(config.request_timeout_seconds.into()))
            .pool_max_idle_per_host(1)
            .redirect(same_origin)
            .default_headers(headers(&target)?);
        if let Some(path) = &config.tls_ca {
            let pem = std::fs::read(path).map_err(|error| {
                ConfigError::new(
                    "tls_ca",
                    format!("{} cannot be read: {error}", path.display()),
                )
            })?;
            let certificate = reqwest::Certificate::from_pem(&pem).map_err(|error| {
                ConfigError::new(
                    "tls_ca",
                    format!("{} is no PEM certificate: {error}", path.display()),
                )
            })?;
            builder = builder.tls_certs_merge([certificate]);
        }
        let http = builder
            .build()
            .map_err(|error| ConfigError::new("", format!("TLS cannot be set up: {error}")))?;
        Ok(Self {
            http,
            target,
            next: Mutex::new(Instant::now()),
            ahead: Mutex::new(None),
        })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// By how many seconds the API's clock was ahead of this computer's in its last answer; None when it did not say.
    pub fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one address. `etag` is that of the last answer, or what stands in for it.
    pub async fn get(&self, url: &Url, etag: Option<&str>) -> SourceResult<Got> {
        let action = format!("read {}", shown(url));
        self.wait(&action).await?;
        let mut request = self.http.get(url.clone());
        if let (RestAuth::Basic, Some(user)) = (self.target.config.auth, &self.target.config.user) {
            let password = self
                .target
                .secret
                .as_ref()
                .map(|secret| secret.reveal().to_owned());
            request = request.basic_auth(user, password);
        }
        if let Some(etag) = etag {
            // An ETag is quoted; a date is what stood in for one.
            let is_etag = etag.starts_with(['"', 'W']) && etag.ends_with('"');
            let name = if is_etag {
                IF_NONE_MATCH
            } else {
                IF_MODIFIED_SINCE
            };
            request = request.header(name, etag);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| SourceError::retry(KIND, action.clone(), error.without_url()))?;
        self.heed(answer.headers());
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(Got::NotModified),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Got::NotFound),
            status if status.is_success() => self.page(answer, action).await.map(Got::Page),
            status => Err(self.refused(status, answer.headers(), action)),
        }
    }

    /// Waits for the turn. What is asked of other requests meanwhile comes after it.
    async fn wait(&self, action: &str) -> SourceResult<()> {
        let gap = self
            .target
            .config
            .requests_per_minute
            .map_or(Duration::ZERO, |count| Duration::from_secs(60) / count);
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            if turn - Instant::now() <= PATIENCE {
                *next = turn + gap;
            }
            turn
        };
        let wait = turn - Instant::now();
        if wait > PATIENCE {
            let message = format!(
                "the API asks to be left alone for {} seconds",
                wait.as_secs()
            );
            return Err(SourceError::retry(KIND, action, message));
        }
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    /// Keeps to what the API says of its limits.
    fn heed(&self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|text| text.trim().parse::<u64>().ok());
        let now = text(DATE.as_str()).and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) =
            now.map(|now| (now.with_timezone(&Utc) - Utc::now()).num_seconds());
        let mut wait = text(RETRY_AFTER.as_str()).and_then(retry_after);
        for (remaining, reset) in [
            ("ratelimit-remaining", "ratelimit-reset"),
            ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ] {
            if number(remaining) == Some(0)
                && let Some(reset) = number(reset)
            {
                // Some write the moment, most the seconds until then.
                let now = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
                let seconds = if reset > 1_000_000_000 {
                    reset.saturating_sub(now)
                } else {
                    reset
                };
                wait = wait.max(Some(Duration::from_secs(seconds)));
            }
        }
        if let Some(wait) = wait {
            let until = Instant::now() + wait.min(Duration::from_secs(24 * 3_600));
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            *next = (*next).max(until);
        }
    }

    /// Reads the body, but never more of it than may be.
    async fn page(&self, mut answer: Response, action: String) -> SourceResult<Page> {
        let header = |name: HeaderName| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let kind = header(CONTENT_TYPE).unwrap_or_default();
        let link = next_link(answer.headers());
        let date = header(DATE)
            .and_then(|text| DateTime::parse_from_rfc2822(&text).ok())
            .map_or_else(Utc::now, |date| date.with_timezone(&Utc));
        let etag = header(ETAG).or_else(|| settled(header(LAST_MODIFIED)?, date));
        let limit = self.target.config.max_page_mb as usize * 1_000_000;
        let mut body = Vec::new();
        loop {
            let chunk = answer
                .chunk()
                .await
                .map_err(|error| SourceError::retry(KIND, action.clone(), error.without_url()))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > limit {
                let hint = format!(
                    "The answer is larger than {} MB: set a smaller page size in the mapping (`paging`), or raise \
                     `connection.max_page_mb`.",
                    self.target.config.max_page_mb
                );
                return Err(SourceError::ask(
                    KIND,
                    action,
                    "answer_too_large",
                    hint,
                    "the answer does not end",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body)
            .map_err(|error| not_json(&action, "its bytes are not UTF-8", error))?;
        let body = body.trim_start_matches('\u{feff}').trim().to_owned();
        if kind.contains("html") || body.starts_with('<') {
            return Err(not_json(
                &action,
                "an HTML page came, as from a login page of the line (captive portal), a proxy, or a wrong address",
                "HTML instead of JSON",
            ));
        }
        Ok(Page {
            body,
            etag,
            link,
            date,
        })
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, action: String) -> SourceError {
        let why = format!("the API answers {status}");
        match status {
            StatusCode::UNAUTHORIZED => {
                let hint = "The API does not accept the key: check `connection.auth` and the key in `password_file`.";
                SourceError::ask(KIND, action, "login_refused", hint, why)
            }
            StatusCode::FORBIDDEN => {
                let hint = "The key may not read this: ask for a key with the right to read it, and check headers such as Store-ID.";
                SourceError::ask(KIND, action, "permission_denied", hint, why)
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                SourceError::retry(KIND, action, why)
            }
            status if status.is_server_error() => SourceError::retry(KIND, action, why),
            status if status.is_redirection() => {
                let to = headers
                    .get(LOCATION)
                    .and_then(|to| to.to_str().ok())
                    .unwrap_or("nowhere");
                let hint = format!(
                    "The API sends elsewhere ({}): correct `connection.base_url`. Keys are never sent to another host.",
                    to.split('?').next().unwrap_or_default()
                );
                SourceError::ask(KIND, action, "redirected", hint, why)
            }
            _ => {
                let hint = "The API does not understand the request: check path and parameters of the stream in the mapping.";
                SourceError::ask(KIND, action, "invalid_query", hint, why)
            }
        }
    }
}

fn headers(target: &Target) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in &target.config.headers {
        let wrong = |_| ConfigError::new("headers", format!("{name:?} or its value is no header"));
        let parsed =
            HeaderName::try_from(name.as_str()).map_err(|error| wrong(error.to_string()))?;
        let value =
            HeaderValue::try_from(value.as_str()).map_err(|error| wrong(error.to_string()))?;
        headers.insert(parsed, value);
    }
    let Some(secret) = &target.secret else {
        return Ok(headers);
    };
    let (name, text) = match (target.config.auth, &target.config.auth_header) {
        (RestAuth::Bearer, _) => (AUTHORIZATION, format!("Bearer {}", secret.reveal())),
        (RestAuth::Header, Some(name)) => {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| {
                ConfigError::new("auth_header", format!("{name:?} is no name of a header"))
            })?;
            (name, secret.reveal().to_owned())
        }
        (RestAuth::Header | RestAuth::None | RestAuth::Basic, _) => return Ok(headers),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        ConfigError::new(
            "password_file",
            "the key holds characters that no header may have".to_owned(),
        )
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

/// Something that should have been JSON.
pub(super) fn not_json(
    action: &str,
    what: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> SourceError {
    let hint = format!(
        "No JSON came: {what}. Open the address in a browser on this computer; check `connection.base_url`, the path in the \
         mapping, and whether the line asks for a login."
    );
    SourceError::ask(KIND, action, "not_json", hint, source)
}

/// Without its query, which may hold what nobody should read in a log.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// A moment of the last change that a later change cannot share: such moments count whole seconds (RFC 9110, 8.8.2.2).
fn settled(changed: String, now: DateTime<Utc>) -> Option<String> {
    let at = DateTime::parse_from_rfc2822(&changed).ok()?;
    (now - at.with_timezone(&Utc) > chrono::Duration::seconds(1)).then_some(changed)
}

fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    (until.with_timezone(&Utc) - Utc::now()).to_std().ok()
}

/// The target of `rel="next"` (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok());
    links.flat_map(|line| line.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim().to_ascii_lowercase();
            parameter == "rel=next" || parameter == "rel=\"next\""
        });
        is_next.then(|| target.to_owned())
    })
}
