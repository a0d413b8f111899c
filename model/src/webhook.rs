//! Signed calls by the rules of Standard Webhooks (<https://www.standardwebhooks.com>), and what is in their body.
//!
//! Pure functions over bytes: who listens, at the store or in the cloud, brings headers, body and clock. A call carries
//! three headers: `webhook-id`, which never changes when the same call is sent again; `webhook-timestamp` in seconds since
//! 1970; and `webhook-signature`, one or more `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, parted by blanks.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::value::RawValue;
use sha2::Sha256;

/// The header that names the call.
pub const ID_HEADER: &str = "webhook-id";
/// The header that says when it was sent.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header that proves who sent it.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How far the sender's clock may be off, and how old a call may be, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;
/// The longest `webhook-id`.
pub const MAX_ID_BYTES: usize = 256;
/// The longest name of an event.
pub const MAX_TYPE_BYTES: usize = 256;
/// The largest body where nothing else is configured. A sale with hundreds of lines is a tenth of it.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;
/// Deeper bodies than this are an attack, or no event.
pub const MAX_DEPTH: usize = 32;
/// More signatures than this in one header are not even looked at: they come from rotating secrets, two at a time.
const MAX_SIGNATURES: usize = 16;

const PREFIX: &str = "whsec_";
const MIN_SECRET_BYTES: usize = 24;
const MAX_SECRET_BYTES: usize = 64;

/// Senders write the `=` at the end of base64, or leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What sender and receiver share. `Debug` does not give it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a text or bytes are no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// The beginning is missing.
    #[error(
        "a webhook secret begins with \"whsec_\"; make one with `openssl rand -base64 32` and write whsec_ in front"
    )]
    Prefix,
    /// What follows is something else.
    #[error(
        "what follows \"whsec_\" is not base64; make a secret with `openssl rand -base64 32` and write whsec_ in front"
    )]
    NotBase64,
    /// Too short to be safe, or too long to be one.
    #[error(
        "a webhook secret holds 24 to 64 bytes, this one {0}; make one with `openssl rand -base64 32` and write whsec_ in front"
    )]
    Length(usize),
}

impl Secret {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// Says what a secret looks like, and never what was given.
    pub fn parse(text: &str) -> Result<Self, SecretProblem> {
        let encoded = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or(SecretProblem::Prefix)?;
        let bytes = BASE64
            .decode(encoded)
            .map_err(|_| SecretProblem::NotBase64)?;
        Self::from_random(&bytes)
    }

    /// A secret of bytes that the caller drew at random; 32 are a good number.
    ///
    /// # Errors
    /// When there are fewer than 24 or more than 64.
    pub fn from_random(bytes: &[u8]) -> Result<Self, SecretProblem> {
        if (MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(SecretProblem::Length(bytes.len()))
        }
    }

    /// The text that is handed to the sender, `whsec_` and base64.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        // HMAC fills a key up with zeros to the block of its hash, which is as long as the longest secret.
        let mut key = [0_u8; MAX_SECRET_BYTES];
        key[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The value of `webhook-signature` for a call. `timestamp` is in seconds since 1970.
#[must_use]
pub fn sign(id: &str, timestamp: i64, body: &[u8], secret: &Secret) -> String {
    let mac = secret.mac(id, &timestamp.to_string(), body);
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

/// Why a call is not believed. The text says what the sender must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is not there, or is no text.
    #[error(
        "the header {0} is missing; a call needs webhook-id, webhook-timestamp and webhook-signature"
    )]
    MissingHeader(&'static str),
    /// The id cannot be one.
    #[error(
        "webhook-id must be 1 to {MAX_ID_BYTES} visible ASCII characters; send one that is unique to the event, such as a UUID"
    )]
    BadId,
    /// The timestamp is no number.
    #[error(
        "webhook-timestamp must be a whole number: seconds since 1970-01-01 UTC, such as `date +%s` prints"
    )]
    BadTimestamp,
    /// Sent too long ago: a clock is wrong, or somebody sends again what they overheard.
    #[error(
        "the call is {seconds} s old by webhook-timestamp, {TOLERANCE_SECONDS} are allowed; set the clock of the sender, and sign each attempt anew"
    )]
    TooOld {
        /// How old it is.
        seconds: u64,
    },
    /// Sent in the future.
    #[error(
        "webhook-timestamp is {seconds} s in the future, {TOLERANCE_SECONDS} are allowed; set the clock of the sender, or that of the receiver"
    )]
    TooNew {
        /// How far ahead it is.
        seconds: u64,
    },
    /// No signature fits any secret.
    #[error(
        "no signature in webhook-signature fits; sign the exact bytes of the body as `id.timestamp.body` with HMAC-SHA256, the key decoded from whsec_…, and send `v1,` and the base64 of it"
    )]
    BadSignature,
}

/// The three headers of a call, as they came. What is not ASCII counts as missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Whether a call comes from who holds one of the secrets, and now. Returns its id. `now` is in seconds since 1970.
/// Several secrets are accepted at once, so that one can be replaced without a gap. Signatures are compared in constant
/// time; clocks are judged last, so that nobody without a secret learns anything about them.
///
/// # Errors
/// Says what is wrong with the call.
pub fn verify<'a>(
    headers: Headers<'a>,
    body: &[u8],
    now: i64,
    secrets: &[Secret],
) -> Result<&'a str, Refused> {
    let id = headers.id.ok_or(Refused::MissingHeader(ID_HEADER))?;
    let timestamp = headers
        .timestamp
        .ok_or(Refused::MissingHeader(TIMESTAMP_HEADER))?;
    let signatures = headers
        .signature
        .ok_or(Refused::MissingHeader(SIGNATURE_HEADER))?;
    if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(Refused::BadId);
    }
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|c| c.is_ascii_digit());
    let sent: i64 = Some(timestamp)
        .filter(|_| digits)
        .and_then(|text| text.parse().ok())
        .ok_or(Refused::BadTimestamp)?;
    let given: Vec<Vec<u8>> = signatures
        .split_ascii_whitespace()
        .take(MAX_SIGNATURES)
        .filter_map(|signature| BASE64.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let fits = |secret: &Secret| {
        let mac = secret.mac(id, timestamp, body);
        given
            .iter()
            .any(|given| mac.clone().verify_slice(given).is_ok())
    };
    if !secrets.iter().any(fits) {
        return Err(Refused::BadSignature);
    }
    let seconds = now.abs_diff(sent);
    if seconds <= TOLERANCE_SECONDS {
        return Ok(id);
    }
    Err(if sent < now {
        Refused::TooOld { seconds }
    } else {
        Refused::TooNew { seconds }
    })
}

/// What happened at the POS, by the body of a call.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What happened: the text at `event_type`, or at `type` as Standard Webhooks has it.
    pub event_type: String,
    /// All of the body, unread.
    pub body: &'a RawValue,
}

/// Why a body is no event. The text says what the sender must do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventProblem {
    /// More bytes than are taken.
    #[error("the body has {bytes} bytes, {limit} are taken; send one event per call")]
    TooLarge {
        /// How many it has; at least.
        bytes: usize,
        /// How many are taken.
        limit: usize,
    },
    /// Markup, as a proxy or an error page would send it.
    #[error(
        "the body is HTML or XML and not JSON; see whether a proxy or an error page stands between"
    )]
    Markup,
    /// No JSON.
    #[error("the body is not JSON in UTF-8: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error(
        "the body must be a JSON object such as {{\"event_type\": \"sale_completed\", \"data\": {{…}}}}"
    )]
    NotObject,
    /// Nested beyond all measure.
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// It does not say what happened.
    #[error(
        "the body does not say what happened: it needs `event_type` (or `type`), a text of at most {MAX_TYPE_BYTES} bytes"
    )]
    NoType,
}

impl<'a> Event<'a> {
    /// Reads a body of at most `limit` bytes.
    ///
    /// # Errors
    /// Says why it is no event.
    pub fn read(body: &'a [u8], limit: usize) -> Result<Self, EventProblem> {
        if body.len() > limit {
            let bytes = body.len();
            return Err(EventProblem::TooLarge { bytes, limit });
        }
        let not_json = |error: &dyn fmt::Display| EventProblem::NotJson(error.to_string());
        let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
        // PowerShell sends a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        if text.starts_with('<') {
            return Err(EventProblem::Markup);
        }
        if deeper_than(text, MAX_DEPTH) {
            return Err(EventProblem::TooDeep);
        }
        let body: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        if !body.get().starts_with('{') {
            return Err(EventProblem::NotObject);
        }
        let names: Names = serde_json::from_str(body.get()).map_err(|error| not_json(&error))?;
        let event_type = [names.event_type, names.standard]
            .into_iter()
            .flatten()
            .find_map(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .filter(|name| !name.is_empty() && name.len() <= MAX_TYPE_BYTES)
            .ok_or(EventProblem::NoType)?;
        Ok(Self { event_type, body })
    }
}

#[derive(serde::Deserialize)]
struct Names<'a> {
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    standard: Option<&'a RawValue>,
}

/// Counts brackets outside of texts; whether they fit each other is the parser's business.
fn deeper_than(text: &str, limit: usize) -> bool {
    let (mut depth, mut within, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b'[' if !within => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;
    const BODY: &[u8] = r#"{"event_type":"sale_completed","data":{"número":"A-1"}}"#.as_bytes();

    fn secret() -> Secret {
        Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    fn other() -> Secret {
        Secret::from_random(&[7; 24]).unwrap()
    }

    fn check(id: &str, timestamp: &str, signature: &str, now: i64) -> Result<(), Refused> {
        let headers = Headers {
            id: Some(id),
            timestamp: Some(timestamp),
            signature: Some(signature),
        };
        verify(headers, BODY, now, &[secret()]).map(|_| ())
    }

    /// The first is the example of the standard itself; the second was computed by Python's `hmac`.
    #[test]
    fn a_signature_is_what_others_compute() {
        let standard = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#,
                &standard
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(
            sign("evt_1", NOW, BODY, &secret()),
            "v1,unPINBN2qhxPlcL5DFL8/uYmH6VfW4aY21xU71gBzYs="
        );
    }

    #[test]
    fn a_call_is_believed_within_five_minutes_both_ways() {
        let signature = sign("evt_1", NOW, BODY, &secret());
        for now in [NOW - 300, NOW, NOW + 300] {
            assert_eq!(check("evt_1", "1700000000", &signature, now), Ok(()));
        }
        let late = check("evt_1", "1700000000", &signature, NOW + 301);
        assert_eq!(late, Err(Refused::TooOld { seconds: 301 }));
        let early = check("evt_1", "1700000000", &signature, NOW - 90_000).unwrap_err();
        assert_eq!(early, Refused::TooNew { seconds: 90_000 });
        assert!(
            early.to_string().contains("90000 s in the future")
                && early.to_string().contains("set the clock"),
            "{early}"
        );
    }

    #[test]
    fn what_was_changed_on_the_way_is_not_believed() {
        let good = sign("evt_1", NOW, BODY, &secret());
        let newer = good.replace("v1,", "v2,");
        let foreign = sign("evt_1", NOW, BODY, &other());
        let headers = |id, timestamp, signature| Headers {
            id: Some(id),
            timestamp: Some(timestamp),
            signature: Some(signature),
        };
        for (id, timestamp, signature, body) in [
            ("evt_2", "1700000000", good.as_str(), BODY),
            ("evt_1", "1700000001", &good, BODY),
            ("evt_1", "1700000000", &good, b"{}".as_slice()),
            ("evt_1", "1700000000", "", BODY),
            ("evt_1", "1700000000", &good[3..], BODY),
            ("evt_1", "1700000000", &newer, BODY),
            ("evt_1", "1700000000", &good[..20], BODY),
            ("evt_1", "1700000000", "v1,", BODY),
            ("evt_1", "1700000000", &foreign, BODY),
        ] {
            assert_eq!(
                verify(headers(id, timestamp, signature), body, NOW, &[secret()]),
                Err(Refused::BadSignature),
                "{id} {timestamp} {signature}"
            );
        }
        let nobody = verify(headers("evt_1", "1700000000", &good), BODY, NOW, &[]);
        assert_eq!(nobody, Err(Refused::BadSignature));
    }

    #[test]
    fn headers_that_are_missing_or_senseless_are_named() {
        let good = sign("evt_1", NOW, BODY, &secret());
        let full = Headers {
            id: Some("evt_1"),
            timestamp: Some("1700000000"),
            signature: Some(&good),
        };
        for (headers, missing) in [
            (Headers { id: None, ..full }, ID_HEADER),
            (
                Headers {
                    timestamp: None,
                    ..full
                },
                TIMESTAMP_HEADER,
            ),
            (
                Headers {
                    signature: None,
                    ..full
                },
                SIGNATURE_HEADER,
            ),
        ] {
            let refused = verify(headers, BODY, NOW, &[secret()]);
            assert_eq!(refused, Err(Refused::MissingHeader(missing)));
        }
        for id in ["", "a b", "venta-ñ", "a\n", &"x".repeat(257)] {
            assert_eq!(
                check(id, "1700000000", &good, NOW),
                Err(Refused::BadId),
                "{id:?}"
            );
        }
        for timestamp in [
            "",
            "x",
            "-1",
            "+1700000000",
            "1700000000.5",
            "2023-11-14T22:13:20Z",
            &"9".repeat(30),
        ] {
            let refused = check("evt_1", timestamp, &good, NOW);
            assert_eq!(refused, Err(Refused::BadTimestamp), "{timestamp:?}");
        }
    }

    #[test]
    fn a_secret_is_replaced_without_a_gap() {
        let old = sign("evt_1", NOW, BODY, &secret());
        let new = sign("evt_1", NOW, BODY, &other());
        let both = format!("{new} v1a,ed25519 {old}");
        for signature in [&old, &new, &both, &old.trim_end_matches('=').to_owned()] {
            let headers = Headers {
                id: Some("evt_1"),
                timestamp: Some("1700000000"),
                signature: Some(signature),
            };
            let id = verify(headers, BODY, NOW, &[other(), secret()]);
            assert_eq!(id, Ok("evt_1"), "{signature}");
        }
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_hides_itself() {
        let secret = secret();
        assert_eq!(
            Secret::parse(&format!(" {}\n", secret.reveal())),
            Ok(secret.clone())
        );
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
        for (text, problem) in [
            (
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                SecretProblem::Prefix,
            ),
            ("", SecretProblem::Prefix),
            ("whsec_ñ", SecretProblem::NotBase64),
            ("whsec_", SecretProblem::Length(0)),
            ("whsec_AAEC", SecretProblem::Length(3)),
        ] {
            assert_eq!(Secret::parse(text), Err(problem), "{text}");
        }
        assert_eq!(
            Secret::from_random(&[0; 23]),
            Err(SecretProblem::Length(23))
        );
        assert_eq!(
            Secret::from_random(&[0; 65]),
            Err(SecretProblem::Length(65))
        );
        let longest = Secret::from_random(&[1; 64]).unwrap();
        assert_eq!(Secret::parse(&longest.reveal()), Ok(longest));
    }

    #[test]
    fn an_event_says_what_happened() {
        for (body, name) in [
            (
                r#"{"event_type": "sale_completed", "data": {}}"#,
                "sale_completed",
            ),
            (
                r#"{"type": "sale.completed", "data": {}}"#,
                "sale.completed",
            ),
            (r#"{"type": "a", "event_type": "b"}"#, "b"),
            (r#"{"event_type": null, "type": "a"}"#, "a"),
            ("\u{feff}\r\n {\"type\": \"a\"}\n", "a"),
        ] {
            let event = Event::read(body.as_bytes(), 1_000).unwrap();
            assert_eq!(event.event_type, name, "{body}");
            assert!(event.body.get().starts_with('{'), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_no_event_is_named_for_what_it_is() {
        let deep = |levels| format!("{}1{}", "{\"a\":[".repeat(levels), "]}".repeat(levels));
        let no_limit = usize::MAX;
        for (body, limit, said) in [
            ("<!doctype html><html>", no_limit, "HTML"),
            ("", no_limit, "not JSON"),
            ("event_type=sale_completed", no_limit, "not JSON"),
            (r#"{"type": "a"} x"#, no_limit, "not JSON"),
            (r#"{"type": "a""#, no_limit, "not JSON"),
            (r#"{"type": "a", "type": "b"}"#, no_limit, "not JSON"),
            (r#"[{"type": "a"}]"#, no_limit, "object"),
            ("null", no_limit, "object"),
            ("{}", no_limit, "event_type"),
            (r#"{"type": 7}"#, no_limit, "event_type"),
            (r#"{"type": ""}"#, no_limit, "event_type"),
            (
                &format!(r#"{{"type": "{}"}}"#, "x".repeat(257)),
                no_limit,
                "256 bytes",
            ),
            (&deep(17), no_limit, "deeper than 32"),
            (&deep(1_000_000), no_limit, "deeper than 32"),
            (r#"{"type": "a"}"#, 12, "13 bytes, 12 are taken"),
        ] {
            let problem = Event::read(body.as_bytes(), limit).unwrap_err().to_string();
            assert!(problem.contains(said), "{problem}");
        }
        let problem = Event::read(&[b'{', 0xff, b'}'], 9).unwrap_err();
        assert!(matches!(problem, EventProblem::NotJson(_)), "{problem}");
        let in_text = format!(r#"{{"type": "a", "note": "{}\""}}"#, "{[".repeat(100));
        assert!(Event::read(in_text.as_bytes(), no_limit).is_ok());
        let deepest = format!(r#"{{"type": "a", "data": {}}}"#, deep(15));
        assert!(Event::read(deepest.as_bytes(), no_limit).is_ok());
    }
}
