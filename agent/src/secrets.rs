//! Passwords that the configuration refers to by name: `password = { secret = "caja-1" }`.
//!
//! They lie sealed in `secrets.json` of the data folder, one text a name. A secret is opened when the connector that
//! needs it is built, and not kept; from then on it is hidden in everything the agent writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::folder::{Readers, write_whole};
use crate::redact;
use crate::seal::{self, SealError};

const FILE_NAME: &str = "secrets.json";
const LONGEST_NAME: usize = 64;
/// A certificate's key fits; a file chosen by mistake does not.
const LONGEST_SECRET: usize = 16 * 1024;
/// What names a secret in a configuration: `{ secret = "NAME" }`.
const REFERENCE: &str = "secret";

/// The store of a data folder, as it was when it was read.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    sealed: BTreeMap<String, String>,
}

/// Why a secret cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none of this name.
    #[error(
        "there is no secret {name:?}{known}; keep it with `fluxion-agent secret set {name}`",
        known = if .known.is_empty() { String::new() } else { format!(" (there are: {})", .known.join(", ")) }
    )]
    Missing {
        /// What the configuration names.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is there and cannot be opened.
    #[error(
        "the secret {name:?} cannot be opened; keep it again with `fluxion-agent secret set {name}`"
    )]
    Closed {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// It cannot be sealed.
    #[error("the secret cannot be sealed")]
    Seal(#[source] SealError),
    /// The file of the store cannot be read or written.
    #[error("{} cannot be used: run as administrator, or as the account that the agent runs as", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file of the store is no such file.
    #[error("{} is damaged: delete it and keep each secret again with `fluxion-agent secret set NAME`", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// A name that would be hard to write.
    #[error(
        "{0:?} is no name for a secret: use 1 to 64 letters, digits, dots, dashes or underscores"
    )]
    Name(String),
    /// Nothing, or far too much.
    #[error("a secret is 1 to {LONGEST_SECRET} bytes of text, without a zero; this is {0}")]
    Size(usize),
}

impl Secrets {
    /// Reads the store of a data folder; empty when there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load(folder: &Path) -> Result<Self, SecretError> {
        let path = folder.join(FILE_NAME);
        let sealed = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| SecretError::Damaged { path })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(SecretError::File { path, source }),
        };
        Ok(Self {
            folder: folder.to_owned(),
            sealed,
        })
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sealed.keys().map(String::as_str)
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.sealed.contains_key(name)
    }

    /// Opens one.
    ///
    /// # Errors
    /// When there is none, or it was sealed elsewhere.
    pub fn open(&self, name: &str) -> Result<String, SecretError> {
        let Some(sealed) = self.sealed.get(name) else {
            return Err(SecretError::Missing {
                name: name.to_owned(),
                known: self.names().map(str::to_owned).collect(),
            });
        };
        let opened = seal::open(&self.folder, &purpose(name), sealed);
        let secret = opened.map_err(|source| SecretError::Closed {
            name: name.to_owned(),
            source,
        })?;
        redact::remember(&secret);
        Ok(secret)
    }

    /// Keeps one, in the place of another of the same name.
    ///
    /// # Errors
    /// When the name or the secret is unfit, or it cannot be sealed or written.
    pub fn set(&mut self, name: &str, secret: &str) -> Result<(), SecretError> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(fits) {
            return Err(SecretError::Name(name.to_owned()));
        }
        if secret.is_empty() || secret.len() > LONGEST_SECRET || secret.contains('\0') {
            return Err(SecretError::Size(secret.len()));
        }
        redact::remember(secret);
        let sealed = seal::seal(&self.folder, &purpose(name), secret).map_err(SecretError::Seal)?;
        self.sealed.insert(name.to_owned(), sealed);
        self.write()
    }

    /// Forgets one; `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<bool, SecretError> {
        let was_there = self.sealed.remove(name).is_some();
        self.write()?;
        Ok(was_there)
    }

    /// A name for a secret after whose it is, with a number where another secret has that name.
    #[must_use]
    pub fn name_for(&self, owner: &str, key: &str, secret: &str) -> String {
        let base = name_after(owner, key);
        let same = |name: &str| self.open(name).is_ok_and(|kept| kept == secret);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !self.has(name) || same(name))
            .unwrap_or(base)
    }

    fn write(&self) -> Result<(), SecretError> {
        let path = self.folder.join(FILE_NAME);
        let text = serde_json::to_vec_pretty(&self.sealed).unwrap_or_default();
        write_whole(&path, &text, Readers::OnlyMe)
            .map_err(|source| SecretError::File { path, source })
    }

    /// Settings with every `{ secret = "NAME" }` replaced by the secret.
    ///
    /// # Errors
    /// When one of them is missing or cannot be opened.
    pub fn resolve(&self, settings: &Json) -> Result<Json, SecretError> {
        each_value(settings, &mut |name| self.open(name).map(Json::from))
    }
}

/// `caja-1` for the password of "Caja 1", `caja-1-secret` for another key of it, `proxy` for that of the proxy.
#[must_use]
pub fn name_after(owner: &str, key: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let base: String = owner.to_lowercase().chars().map(plain).take(24).collect();
    match key {
        "password" => base,
        "proxy_password" => "proxy".to_owned(),
        other => format!("{base}-{other}"),
    }
}

fn purpose(name: &str) -> String {
    format!("secret/{name}")
}

/// The names that settings refer to.
#[must_use]
pub fn references(settings: &Json) -> Vec<String> {
    let mut names = Vec::new();
    let walked = each_value(settings, &mut |name| {
        names.push(name.to_owned());
        Ok(Json::Null)
    });
    debug_assert!(walked.is_ok(), "nothing is opened here");
    names
}

/// Settings with every reference replaced by a word that says nothing, for those who check them and need no secret.
#[must_use]
pub fn stand_ins(settings: &Json) -> Json {
    each_value(settings, &mut |_| Ok(Json::from("(hidden)"))).unwrap_or_default()
}

/// Settings whose references were replaced. The settings as a whole are never a reference: those of a webhook may hold
/// nothing but their own `secret`.
fn each_value(
    settings: &Json,
    found: &mut dyn FnMut(&str) -> Result<Json, SecretError>,
) -> Result<Json, SecretError> {
    let mut settings = settings.clone();
    match &mut settings {
        Json::Object(map) => {
            for value in map.values_mut() {
                *value = value_of(value, found)?;
            }
        }
        Json::Array(items) => {
            for value in items {
                *value = value_of(value, found)?;
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
    Ok(settings)
}

fn value_of(
    value: &Json,
    found: &mut dyn FnMut(&str) -> Result<Json, SecretError>,
) -> Result<Json, SecretError> {
    match value.as_object().filter(|map| map.len() == 1) {
        Some(map) => match map.get(REFERENCE).and_then(Json::as_str) {
            Some(name) => found(name),
            None => each_value(value, found),
        },
        None => each_value(value, found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store() -> (tempfile::TempDir, Secrets) {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(folder.path()).unwrap();
        (folder, secrets)
    }

    #[test]
    fn a_secret_is_kept_sealed_and_comes_back() {
        let (folder, mut secrets) = store();
        secrets.set("caja-1", "clave de la caja").unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
        assert!(text.contains("caja-1") && !text.contains("clave"), "{text}");
        let mut again = Secrets::load(folder.path()).unwrap();
        assert_eq!(again.open("caja-1").unwrap(), "clave de la caja");
        assert!(again.remove("caja-1").unwrap());
        assert!(!again.remove("caja-1").unwrap());
        assert!(!Secrets::load(folder.path()).unwrap().has("caja-1"));
    }

    #[test]
    fn a_missing_secret_is_named_with_the_command_and_those_there_are() {
        let (_folder, mut secrets) = store();
        let said = secrets.open("caja-1").unwrap_err().to_string();
        assert!(
            said.ends_with("`fluxion-agent secret set caja-1`"),
            "{said}"
        );
        secrets.set("caja-2", "x").unwrap();
        let said = secrets.open("caja-1").unwrap_err().to_string();
        assert!(said.contains("there are: caja-2"), "{said}");
    }

    #[test]
    fn one_secret_cannot_be_put_in_the_place_of_another() {
        let (folder, mut secrets) = store();
        secrets.set("caja-1", "one").unwrap();
        secrets.set("caja-2", "two").unwrap();
        let file = folder.path().join(FILE_NAME);
        let mut map: BTreeMap<String, String> =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let other = map["caja-2"].clone();
        map.insert("caja-1".to_owned(), other);
        std::fs::write(&file, serde_json::to_vec(&map).unwrap()).unwrap();
        let error = Secrets::load(folder.path()).unwrap().open("caja-1");
        assert!(matches!(error, Err(SecretError::Closed { .. })));
    }

    #[test]
    fn references_are_resolved_wherever_they_stand_but_for_the_settings_as_a_whole() {
        let (_folder, mut secrets) = store();
        secrets.set("caja", "s3cret").unwrap();
        let settings = json!({
            "password": { "secret": "caja" }, "user": "ana",
            "more": [{ "key": { "secret": "caja" } }],
        });
        assert_eq!(
            secrets.resolve(&settings).unwrap(),
            json!({"password": "s3cret", "user": "ana", "more": [{"key": "s3cret"}]})
        );
        assert_eq!(references(&settings), ["caja", "caja"]);
        assert!(!stand_ins(&settings).to_string().contains("caja"));
        let webhook = json!({ "secret": "whsec_x" });
        assert_eq!(secrets.resolve(&webhook).unwrap(), webhook);
        assert!(references(&webhook).is_empty());
    }

    #[test]
    fn a_name_follows_its_owner_and_never_takes_the_place_of_another_secret() {
        let (_folder, mut secrets) = store();
        assert_eq!(secrets.name_for("Caja 1", "password", "a"), "caja-1");
        secrets.set("caja-1", "a").unwrap();
        assert_eq!(secrets.name_for("Caja 1", "password", "a"), "caja-1");
        assert_eq!(secrets.name_for("Caja 1", "password", "b"), "caja-1-2");
        assert_eq!(secrets.name_for("Caja 1", "secret", "b"), "caja-1-secret");
        assert_eq!(secrets.name_for("network", "proxy_password", "c"), "proxy");
    }

    #[test]
    fn names_and_sizes_that_make_no_sense_are_refused() {
        let (_folder, mut secrets) = store();
        for name in ["", "a b", "a/b", &"n".repeat(65)] {
            assert!(secrets.set(name, "x").is_err(), "{name:?}");
        }
        assert!(secrets.set("a", "").is_err());
        assert!(secrets.set("a", &"x".repeat(LONGEST_SECRET + 1)).is_err());
    }
}
