//! A release of the agent: what is in it, who signed it, and how agent and cloud talk about it.
//!
//! A release is a folder with the programs, `release.json` (a [`Manifest`]) and `release.json.minisig`, a minisign
//! signature over the exact bytes of the manifest. The manifest names length and SHA-256 of each program, so one signature
//! covers all of them. Whoever holds the text of a manifest and its signature can verify them at any time again, which is
//! why both travel and are kept as they were made. Nothing here reads or writes a file.

use chrono::{DateTime, Utc};
use minisign_verify::{PublicKey, Signature};
use semver::Version;
use serde::{Deserialize, Serialize};

/// The manifest's name in a release's folder.
pub const MANIFEST_FILE: &str = "release.json";
/// The name of its signature, as `minisign -S -m release.json` writes it.
pub const SIGNATURE_FILE: &str = "release.json.minisig";

/// What a release holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its version, without build metadata: two releases that differ in nothing else could not be put in order.
    pub version: Version,
    /// When it was made.
    pub published_at: DateTime<Utc>,
    /// For people: what is new.
    #[serde(default)]
    pub notes: String,
    /// One program for each kind of computer.
    pub files: Vec<ReleaseFile>,
}

/// One program of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// What it runs on: `x86_64-windows`, `x86_64-linux`.
    pub target: String,
    /// Its name in the release's folder.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// Why a release is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Not a minisign key.
    #[error(
        "the release key is not a minisign public key; it is the second line of minisign.pub and begins with RW"
    )]
    Key,
    /// Not a signature, or one of the old kind.
    #[error("the release's signature cannot be read; make it with `minisign -S -m release.json`")]
    SignatureForm,
    /// Signed by somebody else, or changed since.
    #[error("the release's signature is wrong: it was signed with another key, or changed since")]
    SignatureWrong,
    /// Signed, but it says something that cannot be.
    #[error("the release's manifest cannot be used: {0}")]
    Manifest(String),
}

/// Whose releases are believed.
pub struct ReleaseKey(PublicKey);

impl ReleaseKey {
    /// From the second line of `minisign.pub`.
    ///
    /// # Errors
    /// When it is no such line.
    pub fn from_base64(text: &str) -> Result<Self, ReleaseError> {
        let key = PublicKey::from_base64(text.trim()).map_err(|_| ReleaseError::Key)?;
        Ok(Self(key))
    }

    /// The manifest, once its signature is found right.
    ///
    /// # Errors
    /// When it was not signed with this key, or cannot be used.
    pub fn open(&self, manifest: &str, signature: &str) -> Result<Manifest, ReleaseError> {
        let signature = Signature::decode(signature).map_err(|_| ReleaseError::SignatureForm)?;
        self.0
            .verify(manifest.as_bytes(), &signature, false)
            .map_err(|_| ReleaseError::SignatureWrong)?;
        Manifest::read(manifest)
    }
}

impl Manifest {
    /// The manifest without a look at who signed it: for whoever makes one, and for what was verified before.
    ///
    /// # Errors
    /// When a name could lead out of its folder, a hash is none, there is no program, or the version has build metadata.
    pub fn read(text: &str) -> Result<Self, ReleaseError> {
        let manifest: Self = serde_json::from_str(text)
            .map_err(|error| ReleaseError::Manifest(error.to_string()))?;
        manifest.check().map_err(ReleaseError::Manifest)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let version = self.version.to_string();
        if !self.version.build.is_empty() || version.len() > 60 {
            return Err(format!(
                "the version {version} has build metadata or is longer than 60 characters"
            ));
        }
        if self.files.is_empty() {
            return Err("it holds no program".to_owned());
        }
        for file in &self.files {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if file.name.is_empty()
                || file.name.len() > 100
                || file.name.starts_with('.')
                || !file.name.chars().all(plain)
            {
                return Err(format!("{:?} is not a plain file name", file.name));
            }
            let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
            if file.sha256.len() != 64 || !file.sha256.chars().all(digit) {
                return Err(format!("the SHA-256 of {} is none", file.name));
            }
            if self
                .files
                .iter()
                .filter(|other| other.target == file.target)
                .count()
                > 1
            {
                return Err(format!("two files are for {}", file.target));
            }
        }
        Ok(())
    }

    /// The program for this kind of computer.
    #[must_use]
    pub fn file_for(&self, target: &str) -> Option<&ReleaseFile> {
        self.files.iter().find(|file| file.target == target)
    }
}

/// What the cloud offers an agent, in its answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateOffer {
    /// The version, as in `0.2.0`.
    pub version: String,
    /// The text of `release.json`.
    pub manifest: String,
    /// The text of `release.json.minisig`.
    pub signature: String,
}

/// What an agent says about the version it was offered last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateReport {
    /// The version it is about.
    pub target: String,
    /// How far it has come.
    pub state: UpdateState,
    /// What there is to say about it: a reason, or how much is there.
    #[serde(default)]
    pub message: Option<String>,
}

/// How far an update has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// It is being fetched.
    Downloading,
    /// It is there, and waits for a moment in which nothing is read or sent.
    Waiting,
    /// It runs, and has not shown yet that it works.
    Trying,
    /// It runs.
    Installed,
    /// It did not work; the version before runs again.
    RolledBack,
    /// It is not taken: wrong signature, no newer version, nothing for this kind of computer.
    Refused,
    /// It could not be fetched; it is tried again later.
    Failed,
    /// This agent takes no updates: it is told so, or it was built without a release key.
    Off,
    /// A state that a newer agent knows.
    #[serde(other)]
    Other,
}

impl UpdateState {
    /// The word for it, on the wire and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downloading => "downloading",
            Self::Waiting => "waiting",
            Self::Trying => "trying",
            Self::Installed => "installed",
            Self::RolledBack => "rolled_back",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Off => "off",
            Self::Other => "other",
        }
    }

    /// What the word means.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "downloading" => Self::Downloading,
            "waiting" => Self::Waiting,
            "trying" => Self::Trying,
            "installed" => Self::Installed,
            "rolled_back" => Self::RolledBack,
            "refused" => Self::Refused,
            "failed" => Self::Failed,
            "off" => Self::Off,
            _ => Self::Other,
        }
    }

    /// Whether an agent in this state has nothing more to do with that version.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Installed | Self::RolledBack | Self::Refused | Self::Off
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From the documentation of minisign-verify: the signature over the four bytes of "test".
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

    fn manifest(version: &str, name: &str, sha256: &str) -> String {
        format!(
            r#"{{"version":"{version}","published_at":"2026-11-20T12:00:00Z","of_the_future":1,
                "files":[{{"target":"x86_64-linux","name":"{name}","size":3,"sha256":"{sha256}"}}]}}"#
        )
    }

    #[test]
    fn a_signature_is_over_these_very_bytes() {
        let key = ReleaseKey::from_base64(KEY).unwrap();
        // The signature is right; what it is over is no manifest.
        assert!(matches!(
            key.open("test", SIGNATURE),
            Err(ReleaseError::Manifest(_))
        ));
        assert!(matches!(
            key.open("tesT", SIGNATURE),
            Err(ReleaseError::SignatureWrong)
        ));
        assert!(matches!(
            key.open("test", "nonsense"),
            Err(ReleaseError::SignatureForm)
        ));
        assert!(ReleaseKey::from_base64("RWQ").is_err());
    }

    #[test]
    fn a_manifest_leads_nowhere_but_into_its_own_folder() {
        let hash = "a".repeat(64);
        assert!(Manifest::read(&manifest("0.2.0", "fluxion-agent.exe", &hash)).is_ok());
        for name in ["", "..", "../x", "a/b", "a\\\\b", "C:x", ".hidden"] {
            assert!(
                Manifest::read(&manifest("0.2.0", name, &hash)).is_err(),
                "{name}"
            );
        }
        assert!(Manifest::read(&manifest("0.2.0", "x", "ABC")).is_err());
        assert!(Manifest::read(&manifest("0.2", "x", &hash)).is_err());
        let empty = r#"{"version":"0.2.0","published_at":"2026-11-20T12:00:00Z","files":[]}"#;
        assert!(Manifest::read(empty).is_err());
        assert!(Manifest::read(&manifest("0.2.0+build", "x", &hash)).is_err());
    }

    #[test]
    fn the_words_of_the_states_are_those_of_the_wire() {
        for state in [
            UpdateState::Downloading,
            UpdateState::Waiting,
            UpdateState::Trying,
            UpdateState::Installed,
            UpdateState::RolledBack,
            UpdateState::Refused,
            UpdateState::Failed,
            UpdateState::Off,
        ] {
            let word = format!("{:?}", state.as_str());
            assert_eq!(serde_json::to_string(&state).unwrap(), word);
            assert_eq!(UpdateState::from_word(state.as_str()), state);
        }
        let newer: UpdateState = serde_json::from_str(r#""thinking""#).unwrap();
        assert_eq!(newer, UpdateState::Other);
    }
}
