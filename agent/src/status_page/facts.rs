//! What the page tells. Knows nothing of HTML.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fluxion_model::heartbeat::StreamPhase;
use serde::Serialize;

use super::findings::Finding;
use crate::enrolment::{Enrolment, Waiting};
use crate::folder::DataFolder;
use crate::live::{CloudLive, Live, StreamLive};
use crate::spool::{Halt, Peek, Spool, StreamSummary};

const LITTLE_SPACE: u64 = 2_000_000_000;
const SKEW: i64 = 120;
const LONG_WAIT: TimeDelta = TimeDelta::hours(24);

/// Where the facts come from.
pub struct View {
    /// What the agent is doing.
    pub live: Arc<Live>,
    /// What waits.
    pub spool: Spool,
    /// Whose agent it is, and the disk.
    pub folder: DataFolder,
    /// How much may wait, in bytes.
    pub spool_limit: u64,
    /// Since when the agent runs.
    pub started: DateTime<Utc>,
}

/// How it stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing has to be done.
    Well,
    /// It works or goes on by itself, and should be watched.
    Watch,
    /// Something stands still until somebody acts.
    Act,
}

/// Everything the page shows; `/status.json` is this.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// The judgement.
    pub verdict: Verdict,
    /// When this was so.
    pub at: DateTime<Utc>,
    /// Since when the agent runs.
    pub started: DateTime<Utc>,
    /// The agent's version.
    pub version: String,
    /// The store's name; `None` before enrolment.
    pub store: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// Whether a code is kept that the agent tries by itself until the cloud answers.
    pub enrolment_waits: bool,
    /// The line to the cloud.
    pub cloud: CloudLive,
    /// Deliveries that wait for the cloud.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// How much may wait.
    pub waiting_limit: u64,
    /// When the oldest of them was made.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Bytes free on the disk of the data folder.
    pub disk_free: Option<u64>,
    /// POS systems that cannot be read at all, and why.
    pub pos_problems: Vec<(String, String)>,
    /// Every stream.
    pub streams: Vec<Stream>,
}

/// One stream.
#[derive(Debug, Clone, Serialize)]
pub struct Stream {
    /// The POS system.
    pub pos: String,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub phase: StreamPhase,
    /// When it last read its source to the end.
    pub last_success: Option<DateTime<Utc>>,
    /// Rows known.
    pub rows: u64,
    /// Rows set aside.
    pub rejects: u64,
    /// Why it waits for a person.
    pub halted: Option<Halt>,
    /// What went wrong last, while it tries again.
    pub error: Option<String>,
}

impl View {
    /// How it stands now. Reads the spool's file, so not for a thread that others wait for.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let queue = self.spool.info();
        let now = self.live.snapshot(&queue);
        let peeked = Peek::open(self.folder.path()).and_then(|peek| match peek {
            Some(peek) => peek.streams(),
            None => Ok(Vec::new()),
        });
        let kept = peeked.unwrap_or_else(|error| {
            tracing::debug!(
                "the status page goes without counts: {}",
                crate::chain(&error)
            );
            Vec::new()
        });
        let identity = self.folder.identity().unwrap_or_default();
        let mut facts = Facts {
            verdict: Verdict::Well,
            at: now.at,
            started: self.started,
            version: now.version,
            store: identity
                .as_ref()
                .map(|identity| identity.store_name.clone()),
            company: identity.map(|identity| identity.tenant_name),
            enrolment_waits: self.enrolment_waits(),
            cloud: now.cloud,
            waiting: queue.batches,
            waiting_bytes: queue.bytes,
            waiting_limit: self.spool_limit,
            waiting_since: queue.oldest,
            disk_free: self.folder.free_bytes(),
            pos_problems: now.pos_problems.into_iter().collect(),
            streams: now
                .streams
                .into_iter()
                .map(|live| stream(live, &kept))
                .collect(),
        };
        facts.verdict = facts.judge();
        facts
    }

    fn enrolment_waits(&self) -> bool {
        let kept = Enrolment::read(&self.folder).unwrap_or_default();
        kept.is_some_and(|kept| matches!(kept.state, Waiting::ForTheCloud { .. }))
    }
}

fn stream(live: StreamLive, kept: &[StreamSummary]) -> Stream {
    let name = live.state.stream.to_string();
    let kept = kept
        .iter()
        .find(|kept| kept.pos == live.state.pos && kept.stream == name);
    Stream {
        phase: live.state.phase,
        last_success: live
            .state
            .last_success_at
            .or(kept.and_then(|kept| kept.last_success)),
        rows: kept.map_or(live.state.rows_read, |kept| kept.rows),
        rejects: kept.map_or(live.counts.rejected, |kept| kept.rejects),
        error: live.state.last_error.filter(|_| live.halted.is_none()),
        halted: live.halted,
        pos: live.state.pos,
        name,
    }
}

impl Facts {
    /// The worst of all findings.
    pub(super) fn judge(&self) -> Verdict {
        let worst = self.findings().iter().map(Finding::verdict).max();
        worst.unwrap_or(Verdict::Well)
    }

    /// Whether the cloud knows this agent.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.store.is_some()
    }

    /// Whether so much waits that the POS is not read any more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting_bytes >= self.waiting_limit
    }

    /// Whether something has waited for a day.
    #[must_use]
    pub fn waits_long(&self) -> bool {
        self.waiting_since
            .is_some_and(|since| self.at - since > LONG_WAIT)
    }

    /// Whether the disk may soon be full.
    #[must_use]
    pub fn disk_is_low(&self) -> bool {
        self.disk_free.is_some_and(|free| free < LITTLE_SPACE)
    }

    /// Whether this computer's clock and the cloud's do not fit together.
    #[must_use]
    pub fn clock_is_wrong(&self) -> bool {
        self.cloud
            .clock_skew_seconds
            .is_some_and(|skew| skew.abs() >= SKEW)
    }
}
