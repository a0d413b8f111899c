//! Releases of the agent, and how each agent gets on with them.
//!
//! A release belongs to the installation: all companies' agents are offered the same ones. What an agent reports is its
//! company's, and is read by company except where a release as a whole is judged.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use fluxion_model::id::{AgentId, TenantId};
use fluxion_model::release::UpdateReport;

use super::DatabaseResult;
use super::agents::AgentIdentity;

/// A release as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version, as in `0.2.0`.
    pub version: String,
    /// The text of `release.json`.
    pub manifest: String,
    /// The text of `release.json.minisig`.
    pub signature: String,
    /// Whether agents are offered it.
    pub state: ReleaseState,
    /// Why not, if not.
    pub halted_because: Option<String>,
    /// How it spreads.
    pub waves: Waves,
    /// Since when.
    pub published_at: DateTime<Utc>,
    /// When it was offered, or offered again: its waves begin here, and only what agents reported after this speaks against
    /// it.
    pub counted_from: DateTime<Utc>,
}

/// Whether agents are offered a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseState {
    /// They are, wave by wave.
    Offered,
    /// They are not, until somebody resumes it.
    Halted,
}

impl ReleaseState {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Halted => "halted",
        }
    }

    /// What the word in the table means. One that is not known offers nothing.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "offered" => Self::Offered,
            _ => Self::Halted,
        }
    }
}

/// Which share of the fleet may have a release, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves {
    /// In percent, rising.
    pub shares: Vec<u8>,
    /// How long each lasts until the next begins.
    pub every: Duration,
}

impl Waves {
    /// The share that has its turn after so long, in percent.
    #[must_use]
    pub fn share_after(&self, age: Duration) -> u8 {
        let every = self.every.num_seconds().max(1);
        let wave = usize::try_from(age.num_seconds().max(0) / every).unwrap_or(usize::MAX);
        let last = self.shares.len().saturating_sub(1);
        self.shares.get(wave.min(last)).copied().unwrap_or(0)
    }
}

/// How a release is getting on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpdateCounts {
    /// Agents that started it.
    pub tried: i64,
    /// Of them, those that went back to the version before.
    pub rolled_back: i64,
    /// Of them, those on which it runs.
    pub installed: i64,
}

/// What an agent said last about a version, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentUpdate {
    /// What it said.
    pub report: UpdateReport,
    /// When it began to say so.
    pub at: DateTime<Utc>,
}

/// Releases and reports about them.
#[async_trait]
pub trait Releases {
    /// Publishes a release; `Conflict` when its version is there.
    async fn add_release(&self, release: &Release) -> DatabaseResult<()>;
    /// All releases, in no order: versions sort by their own rule.
    async fn releases(&self) -> DatabaseResult<Vec<Release>>;
    /// Stops offering a release; true when it was offered until now.
    async fn halt_release(&self, version: &str, because: &str) -> DatabaseResult<bool>;
    /// Offers a release again, and forgets what spoke against it.
    async fn resume_release(&self, version: &str) -> DatabaseResult<()>;
    /// Keeps what an agent says about a release; true when it is news. Versions that were never published are nobody's
    /// business.
    async fn keep_update(
        &self,
        agent: &AgentIdentity,
        report: &UpdateReport,
    ) -> DatabaseResult<bool>;
    /// How a release is getting on, over all companies, by what was reported after `from`.
    async fn update_counts(
        &self,
        version: &str,
        from: DateTime<Utc>,
    ) -> DatabaseResult<UpdateCounts>;
    /// What agents said when they went back from a release, over all companies, the most frequent first, and how many said
    /// so. At most five.
    async fn reasons_to_go_back(&self, version: &str) -> DatabaseResult<Vec<(String, i64)>>;
    /// What each agent of a company said last.
    async fn updates(&self, tenant: TenantId) -> DatabaseResult<HashMap<AgentId, AgentUpdate>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wave_lasts_its_time_and_the_last_one_stays() {
        let waves = Waves {
            shares: vec![1, 10, 50, 100],
            every: Duration::hours(24),
        };
        let share = |hours| waves.share_after(Duration::hours(hours));
        assert_eq!(
            [-1, 0, 23, 24, 47, 48, 72, 9_999].map(share),
            [1, 1, 1, 10, 10, 50, 100, 100]
        );
        let nobody = Waves {
            shares: Vec::new(),
            every: Duration::zero(),
        };
        assert_eq!(nobody.share_after(Duration::hours(1)), 0);
    }
}
