//! Takes secrets out of texts that leave the agent's hands: log lines, heartbeats, crash reports, support bundles.
//!
//! Nobody logs a secret on purpose. But a driver quotes its connection string in an error, and a library at trace level
//! says more than it should. So whoever opens a secret tells [`remember`], and what is written goes through [`hide`].
//! What follows certain words or stands in an address in the place of a password is hidden without being known.
//!
//! A known secret shorter than four characters is not looked for: it would be found everywhere.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{LazyLock, PoisonError, RwLock};

use regex::{Captures, Regex};

/// What stands in a secret's place.
const HIDDEN: &str = "***";
/// Shorter ones are in too many words.
const SHORTEST: usize = 4;
/// Shorter ones are looked for as whole words only: a password "2026" must not take every date apart.
const IN_WORDS: usize = 12;

/// Longest first, so that one that holds another is hidden whole.
static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// `scheme://user:password@`; a password may hold an `@` or a slash.
static IN_ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(://[^\s/:@"']*):[^\s"'<>]*@"#));
static BEARER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"));
/// `password = "…"`, `"pwd": "…"`, `PWD=…;`; secrets of webhooks; texts sealed by this agent.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"(?i)((?:password|passwd|pwd|contraseña|contrasena|clave|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*)("(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,;&"'{}\[\]]+)"#,
    )
});
static MARKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"\b(whsec_|fxs1:)[A-Za-z0-9+/=_-]+"));

/// They are constants, and a test compiles each.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// From now on this is hidden, also as JSON and addresses write it.
pub fn remember(secret: &str) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms(secret) {
        if form.chars().count() >= SHORTEST && !known.contains(&form) {
            known.push(form);
        }
    }
    known.sort_by_key(|one| std::cmp::Reverse(one.len()));
}

/// Remembers what stands in a text behind words such as `password =`, as in a configuration that cannot be read.
pub fn remember_named(text: &str) {
    let named = NAMED.iter().flat_map(|named| named.captures_iter(text));
    for found in named.filter(|found| !is_reference(text, found)) {
        remember(found[2].trim_matches(['"', '\'']));
    }
}

/// `{ secret = "caja-1" }` names a secret and is none. Secrets of webhooks, which may stand so, have a mark of their own.
fn is_reference(text: &str, found: &Captures<'_>) -> bool {
    let before = found.get(0).map_or("", |whole| &text[..whole.start()]);
    found[1].starts_with("secret") && before.trim_end().ends_with('{')
}

fn forms(secret: &str) -> [String; 3] {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let address = secret.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    [
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        address.collect(),
    ]
}

/// The text without known secrets, passwords in addresses and bearer tokens.
#[must_use]
pub fn hide(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for secret in KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(without(&text, secret));
        }
    }
    if text.contains('@') {
        replace(&mut text, &IN_ADDRESS, |found| {
            format!("{}:{HIDDEN}@", &found[1])
        });
    }
    replace(&mut text, &BEARER, |found| {
        format!("{} {HIDDEN}", &found[1])
    });
    text
}

/// As [`hide`], and without what stands behind words such as `password =`. For texts that hold settings: too much may
/// be hidden, never too little.
#[must_use]
pub fn hide_settings(text: &str) -> String {
    let mut text = hide(text);
    let whole = text.clone();
    replace(&mut text, &NAMED, |found| {
        if is_reference(&whole, found) {
            return found[0].to_owned();
        }
        // A quote may be missing in a file that somebody is still writing.
        let quote = found[2].chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.map(String::from).unwrap_or_default();
        format!("{}{quote}{HIDDEN}{quote}", &found[1])
    });
    replace(&mut text, &MARKED, |found| format!("{}{HIDDEN}", &found[1]));
    text.into_owned()
}

fn replace(
    text: &mut Cow<'_, str>,
    pattern: &LazyLock<Option<Regex>>,
    with: impl Fn(&Captures<'_>) -> String,
) {
    let Some(pattern) = pattern.as_ref() else {
        return;
    };
    if let Cow::Owned(changed) = pattern.replace_all(text, with) {
        *text = Cow::Owned(changed);
    }
}

fn without(text: &str, secret: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let anywhere = secret.chars().count() >= IN_WORDS;
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        let goes_on = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(word) && outer.is_some_and(word)
        };
        let inside = goes_on(secret.chars().next(), text[..at].chars().next_back())
            || goes_on(secret.chars().next_back(), text[end..].chars().next());
        if anywhere || !inside {
            out.push_str(&text[done..at]);
            out.push_str(HIDDEN);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Hides secrets in what is written through it, one message a call, as a log writes.
#[derive(Debug)]
pub struct Hiding<W>(pub W);

impl<W: Write> Write for Hiding<W> {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(message);
        self.0.write_all(hide(&text).as_bytes())?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        for pattern in [&IN_ADDRESS, &BEARER, &NAMED, &MARKED] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn a_known_secret_is_hidden_however_it_is_written() {
        remember("ca\"ja+ñandú 1");
        for text in [
            "login of ca\"ja+ñandú 1 refused",
            r#"{"pw":"ca\"ja+ñandú 1"}"#,
            "x?p=ca%22ja%2B%C3%B1and%C3%BA%201&y",
        ] {
            let hidden = hide(text);
            assert!(
                hidden.contains(HIDDEN) && !hidden.contains("and"),
                "{hidden}"
            );
        }
    }

    #[test]
    fn a_short_secret_is_hidden_as_a_word_and_leaves_other_words_alone() {
        remember("pos7");
        assert_eq!(
            hide("user pos7, pos77, xpos7_a"),
            "user ***, pos77, xpos7_a"
        );
        remember("pw");
        assert_eq!(hide("a pw b"), "a pw b");
    }

    #[test]
    fn addresses_and_bearer_tokens_are_hidden_though_unknown() {
        let text = "GET https://ana:a/b@c@pos.example.com/x failed; Authorization: Bearer abcdef.123456-78";
        let hidden = hide(text);
        assert_eq!(
            hidden,
            "GET https://ana:***@pos.example.com/x failed; Authorization: Bearer ***"
        );
        let clean = "the basic idea: mail a@b.c, see http://host:80/x";
        assert!(matches!(hide(clean), Cow::Borrowed(_)), "{}", hide(clean));
    }

    #[test]
    fn settings_lose_what_is_secret_and_keep_the_rest() {
        let text = "password = \"hun\\\"ter\" # ours\nPWD=a1;UID=ana\nsecret='x y'\n\"token\": \"t\"\n\
                    password_file = \"pw.txt\"\npassword = { secret = \"caja-1\" }\nkey=whsec_AAAA/bb==\nfxs1:QUJD";
        assert_eq!(
            hide_settings(text),
            "password = \"***\" # ours\nPWD=***;UID=ana\nsecret='***'\n\"token\": \"***\"\n\
             password_file = \"pw.txt\"\npassword = { secret = \"caja-1\" }\nkey=whsec_***\nfxs1:***"
        );
    }

    #[test]
    fn what_a_broken_configuration_names_is_remembered() {
        remember_named("pos = [[[\npassword = \"Tienda-Centro-9\n");
        assert_eq!(hide("tried Tienda-Centro-9 at caja"), "tried *** at caja");
    }

    #[test]
    fn a_log_line_is_hidden_on_its_way() {
        remember("llave de la tienda");
        let mut log = Hiding(Vec::new());
        log.write_all("opened with llave de la tienda\n".as_bytes())
            .unwrap();
        assert_eq!(log.0, b"opened with ***\n");
    }
}
