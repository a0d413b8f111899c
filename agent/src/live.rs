//! What the agent is doing right now: for the heartbeat, the state file and the screen. Never written to the spool.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use fluxion_model::heartbeat::{StreamPhase, StreamState};
use fluxion_model::id::StreamName;
use fluxion_model::job::JobCounts;
use fluxion_model::release::UpdateReport;
use serde::{Deserialize, Serialize};

use crate::spool::Halt;

/// One stream, now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamLive {
    /// What the cloud hears of it.
    #[serde(flatten)]
    pub state: StreamState,
    /// The table or file being read.
    pub from: Option<String>,
    /// How many rows it has, where known.
    pub expected_rows: Option<u64>,
    /// Counts of the job under way or of the last one.
    pub counts: JobCounts,
    /// Why it waits for a person.
    pub halted: Option<Halt>,
    /// The last request of a person that was carried out here.
    pub last_ticket: Option<String>,
    /// Whether the last run ended well.
    pub last_run_ok: bool,
}

/// The line to the cloud, now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CloudLive {
    /// When the cloud last answered.
    pub last_answer: Option<DateTime<Utc>>,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
    /// Whether only a person can mend it.
    pub needs_person: bool,
    /// The agent's clock minus the cloud's, seconds.
    pub clock_skew_seconds: Option<i64>,
    /// Deliveries acknowledged since the start.
    pub delivered: u64,
    /// Bytes posted since the start, compressed.
    pub delivered_bytes: u64,
}

/// Everything, as the state file shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The agent's version.
    pub version: String,
    /// When this was written.
    pub at: DateTime<Utc>,
    /// The process.
    pub pid: u32,
    /// The line to the cloud.
    pub cloud: CloudLive,
    /// Batches waiting.
    pub queued_batches: u64,
    /// Bytes waiting.
    pub queued_bytes: u64,
    /// POS systems that cannot be read at all, and why.
    pub pos_problems: BTreeMap<String, String>,
    /// Why the status page cannot be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_problem: Option<String>,
    /// Every stream.
    pub streams: Vec<StreamLive>,
    /// How the version that was offered last is getting on.
    #[serde(default)]
    pub update: Option<UpdateReport>,
}

/// Shared by everybody; each writes its own part.
#[derive(Debug, Default)]
pub struct Live {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    streams: BTreeMap<(String, StreamName), StreamLive>,
    cloud: CloudLive,
    pos_problems: BTreeMap<String, String>,
    page_problem: Option<String>,
    update: Option<UpdateReport>,
}

impl Live {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is shown of a stream.
    pub fn stream(&self, pos: &str, stream: &StreamName, change: impl FnOnce(&mut StreamLive)) {
        let mut inner = self.inner();
        let entry = inner
            .streams
            .entry((pos.to_owned(), stream.clone()))
            .or_insert_with(|| StreamLive {
                state: StreamState {
                    pos: pos.to_owned(),
                    stream: stream.clone(),
                    phase: StreamPhase::Idle,
                    last_success_at: None,
                    rows_read: 0,
                    last_error: None,
                },
                from: None,
                expected_rows: None,
                counts: JobCounts::default(),
                halted: None,
                last_ticket: None,
                last_run_ok: false,
            });
        change(entry);
    }

    /// Changes what is shown of the line to the cloud.
    pub fn cloud(&self, change: impl FnOnce(&mut CloudLive)) {
        change(&mut self.inner().cloud);
    }

    /// Says why a POS system cannot be read at all.
    pub fn pos_problem(&self, pos: &str, problem: String) {
        self.inner().pos_problems.insert(pos.to_owned(), problem);
    }

    /// Says why the status page cannot be shown, or that it can. Whether this is new.
    pub fn page_problem(&self, problem: Option<String>) -> bool {
        let mut inner = self.inner();
        let is_new = inner.page_problem != problem;
        inner.page_problem = problem;
        is_new
    }

    /// Forgets a POS system, because it is set up anew.
    pub fn forget_pos(&self, pos: &str) {
        let mut inner = self.inner();
        inner.pos_problems.remove(pos);
        inner.streams.retain(|(name, _), _| name != pos);
    }

    /// Every stream.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamLive> {
        self.inner().streams.values().cloned().collect()
    }

    /// The line to the cloud.
    #[must_use]
    pub fn cloud_now(&self) -> CloudLive {
        self.inner().cloud.clone()
    }

    /// Says how an update is getting on.
    pub fn updating(&self, report: Option<UpdateReport>) {
        self.inner().update = report;
    }

    /// How an update is getting on.
    #[must_use]
    pub fn update(&self) -> Option<UpdateReport> {
        self.inner().update.clone()
    }

    /// Everything.
    #[must_use]
    pub fn snapshot(&self, queue: &crate::spool::QueueInfo) -> Snapshot {
        let inner = self.inner();
        Snapshot {
            version: crate::update::this_build::name(),
            at: Utc::now(),
            pid: std::process::id(),
            cloud: inner.cloud.clone(),
            queued_batches: queue.batches,
            queued_bytes: queue.bytes,
            pos_problems: inner.pos_problems.clone(),
            page_problem: inner.page_problem.clone(),
            streams: inner.streams.values().cloned().collect(),
            update: inner.update.clone(),
        }
    }
}
