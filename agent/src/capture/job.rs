//! The job a worker has under way: what is reported of it, and when it is worth reporting.

use std::time::Duration;

use chrono::Utc;
use fluxion_model::id::{JobId, StreamName};
use fluxion_model::job::{JobCounts, JobError, JobKind, JobReport, JobStatus};
use tokio::time::Instant;

/// A poll that found nothing is reported at most this often; the heartbeat tells that it happened.
const QUIET_REPORTS: Duration = Duration::from_secs(10 * 60);
/// A long scan that finds nothing new still shows that it moves.
const PROGRESS: Duration = Duration::from_secs(10);

/// A job that follows changes ends when none came for so long, …
pub const CALM: Duration = Duration::from_secs(30);
/// … or when it has lasted so long.
const LONGEST: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Whether a run goes on where another stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// After its cursor.
    GoesOn,
    /// From the first row.
    Anew,
}

/// A run being reported.
#[derive(Debug)]
pub struct Job {
    /// What is sent.
    pub report: JobReport,
    /// Whether the cloud heard of this run.
    pub announced: bool,
    last_report: Instant,
}

impl Job {
    /// Begins a run. One that a stop interrupted is taken over, so that it does not stand as running for ever: with its
    /// counts where it goes on, from the beginning where everything is read anew.
    pub fn begin(
        stream: &StreamName,
        kind: JobKind,
        interrupted: Option<JobReport>,
        from: Beginning,
    ) -> Self {
        let unfinished = interrupted.filter(|job| job.status == JobStatus::Running);
        let announced = unfinished.is_some();
        let fresh = JobReport {
            id: JobId::generate(),
            stream: stream.clone(),
            kind,
            status: JobStatus::Running,
            started_at: Utc::now(),
            completed_at: None,
            counts: JobCounts::default(),
            error: None,
        };
        let report = match (unfinished, from) {
            (None, _) => fresh,
            (Some(job), Beginning::GoesOn) if job.kind == kind => job,
            (Some(job), Beginning::GoesOn | Beginning::Anew) => JobReport {
                id: job.id,
                ..fresh
            },
        };
        Self {
            report,
            announced,
            last_report: Instant::now(),
        }
    }

    /// Takes over what the spool counted.
    pub fn counted(&mut self, report: JobReport, batches: u32) {
        self.report = report;
        if batches > 0 {
            self.announced = true;
            self.last_report = Instant::now();
        }
    }

    /// Whether it brought something a moment ago and began not long ago.
    pub fn is_lively(&self) -> bool {
        self.announced
            && self.last_report.elapsed() < CALM
            && Utc::now() - self.report.started_at < LONGEST
    }

    /// Whether it is time to show progress.
    pub fn progress_is_due(&self) -> bool {
        self.last_report.elapsed() >= PROGRESS
    }

    /// The last word when it went well.
    pub fn completed(&mut self) {
        self.report.status = JobStatus::Completed;
        self.report.completed_at = Some(Utc::now());
        self.report.error = None;
    }

    /// The last word when it did not.
    pub fn failed(&mut self, error: JobError) {
        self.report.status = JobStatus::Failed;
        self.report.completed_at = Some(Utc::now());
        self.report.error = Some(error);
    }
}

/// Remembers when a poll that found nothing was last reported.
#[derive(Debug, Default)]
pub struct QuietReports {
    last: Option<Instant>,
}

impl QuietReports {
    /// Whether the end of this run is worth a delivery of its own.
    pub fn worth_it(&mut self, job: &Job) -> bool {
        let due = job.announced || self.last.is_none_or(|last| last.elapsed() >= QUIET_REPORTS);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}
