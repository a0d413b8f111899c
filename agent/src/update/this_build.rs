//! What this program is: its version, what it runs on, whose releases it believes, and how patient it is.
//!
//! All of it is fixed when the program is built. Only a debug build, which nobody ships, can be told otherwise by
//! variables, so that a test can sign releases and need not wait for minutes.

use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use fluxion_model::Version;
use fluxion_model::release::ReleaseKey;

/// The version, as it is shown.
#[must_use]
pub fn name() -> String {
    told("FLUXION_TEST_VERSION").unwrap_or_else(|| crate::VERSION.to_owned())
}

/// The version, to compare it with others. Whatever was built under another kind of name is older than any release.
#[must_use]
pub fn version() -> &'static Version {
    static VERSION: OnceLock<Version> = OnceLock::new();
    VERSION.get_or_init(|| Version::parse(&name()).unwrap_or(Version::new(0, 0, 0)))
}

/// The name under which a release holds the program for a computer like this one.
#[must_use]
pub fn target() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Whose releases it believes: `FLUXION_RELEASE_KEY` when it was built. `None` when there was none.
#[must_use]
pub fn release_key() -> Option<ReleaseKey> {
    let text = told("FLUXION_TEST_RELEASE_KEY")
        .or_else(|| option_env!("FLUXION_RELEASE_KEY").map(str::to_owned))?;
    ReleaseKey::from_base64(&text).ok()
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A new version has this long to reach the cloud.
    pub trial: Duration,
    /// How often it is looked whether the moment is quiet.
    pub look: Duration,
    /// After so long the agent stops reading for the update, instead of waiting for a moment without work.
    pub quiet: Duration,
    /// Between two tries to fetch a file that came damaged; ten times as long the second time.
    pub damaged: Duration,
    /// After a trial that told nothing, until the next.
    pub undecided: Duration,
    /// What could not be fetched is tried again after this.
    pub failed: Duration,
}

/// How long things may take in this build.
#[must_use]
pub fn patience() -> Patience {
    let usual = Patience {
        trial: Duration::from_secs(600),
        look: Duration::from_secs(5),
        quiet: Duration::from_secs(4 * 3_600),
        damaged: Duration::from_secs(60),
        undecided: Duration::from_secs(3_600),
        failed: Duration::from_secs(6 * 3_600),
    };
    match told("FLUXION_TEST_TRIAL_SECONDS") {
        Some(seconds) => Patience {
            trial: Duration::from_secs(seconds),
            look: Duration::from_millis(200),
            damaged: Duration::from_millis(200),
            undecided: Duration::from_secs(1),
            ..usual
        },
        None => usual,
    }
}

#[cfg(debug_assertions)]
fn told<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[cfg(not(debug_assertions))]
fn told<T: FromStr>(_: &str) -> Option<T> {
    None
}
