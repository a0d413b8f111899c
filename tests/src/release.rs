//! Signed releases for tests: a key pair of the moment, and folders as a release maker leaves them.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use minisign::{KeyPair, PublicKey, SecretKeyBox};
use sha2::{Digest, Sha256};

/// Whoever makes releases.
pub struct ReleaseMaker(KeyPair);

impl ReleaseMaker {
    /// With a key that nobody had before.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new() -> Result<Self> {
        Ok(Self(
            KeyPair::generate_unencrypted_keypair().context("a release key")?,
        ))
    }

    /// The one whose key is kept in this folder, which is made when it is not there. For programs that take minutes to
    /// build: the key is pinned in them.
    ///
    /// # Errors
    /// When the folder cannot be used, or holds something else.
    pub fn kept(folder: &Path) -> Result<Self> {
        let (secret, public) = (folder.join("minisign.key"), folder.join("minisign.pub"));
        if !secret.exists() {
            let made = Self::new()?;
            fs::create_dir_all(folder)?;
            fs::write(&public, made.public_key())?;
            fs::write(&secret, made.0.sk.to_box(None)?.into_string())?;
        }
        let sk = SecretKeyBox::from_string(&fs::read_to_string(&secret)?)?
            .into_unencrypted_secret_key()
            .with_context(|| format!("the key in {}", secret.display()))?;
        let pk = PublicKey::from_base64(fs::read_to_string(&public)?.trim())
            .with_context(|| format!("the key in {}", public.display()))?;
        Ok(Self(KeyPair { pk, sk }))
    }

    /// What is pinned in agents: the second line of `minisign.pub`.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.0.pk.to_base64()
    }

    /// The text of `release.json.minisig`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, manifest: &str) -> Result<String> {
        let signed = minisign::sign(
            None,
            &self.0.sk,
            Cursor::new(manifest.as_bytes()),
            None,
            None,
        )
        .context("the release could not be signed")?;
        Ok(signed.into_string())
    }

    /// A folder with one program, its manifest and the signature.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn release(
        &self,
        folder: &Path,
        version: &str,
        target: &str,
        program: &[u8],
    ) -> Result<()> {
        let manifest = manifest(version, target, program);
        fs::create_dir_all(folder)?;
        fs::write(folder.join(PROGRAM), program)?;
        fs::write(folder.join("release.json"), &manifest)?;
        fs::write(folder.join("release.json.minisig"), self.sign(&manifest)?)?;
        Ok(())
    }
}

/// The program's name in the releases made here.
pub const PROGRAM: &str = "fluxion-agent-for-tests";

/// What a program for this computer is for.
#[must_use]
pub fn this_computer() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// The manifest of a release with one program.
#[must_use]
pub fn manifest(version: &str, target: &str, program: &[u8]) -> String {
    let hash: String = Sha256::digest(program)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    serde_json::json!({
        "version": version,
        "published_at": "2026-11-20T12:00:00Z",
        "notes": "made by a test",
        "files": [{
            "target": target,
            "name": PROGRAM,
            "size": program.len(),
            "sha256": hash,
        }],
    })
    .to_string()
}
