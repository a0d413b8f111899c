//! What a run hands to the spool, and what it waits for: room in the spool, room on the disk, the delete brake.

use std::sync::Arc;
use std::time::Duration;

use fluxion_connectors::ScanPart;
use fluxion_model::heartbeat::StreamPhase;
use fluxion_model::job::{JobError, JobKind};
use fluxion_model::reject::ErrorClass;
use fluxion_model::row::{RowBatch, RowChange};
use fluxion_model::stream::{Capture, Cursor};
use tokio::time::Instant;

use super::job::{Beginning, Job};
use super::run::Stop;
use super::worker::{Worker, halt};
use crate::room::Room;
use crate::spool::{Commit, Committed, Prepared, RejectNews, ReportNeed, SpoolError, Sweep, Swept};

/// Deletes within so long count as one.
const DELETES_TOGETHER: Duration = Duration::from_secs(60);
const DISK_FULL_WAIT: Duration = Duration::from_secs(10);

/// What is stored in one transaction.
pub(super) struct Piece {
    pub prepared: Prepared,
    pub end: Option<Cursor>,
    pub mark: Option<String>,
    pub scan: ScanPart,
    pub report: ReportNeed,
    pub reject_news: RejectNews,
}

impl Piece {
    /// Rows that belong to no scan and move no cursor.
    pub fn of(prepared: Prepared) -> Self {
        Self {
            prepared,
            end: None,
            mark: None,
            scan: ScanPart::No,
            report: ReportNeed::WithNews,
            reject_news: RejectNews::Changed,
        }
    }

    /// The job's report alone.
    pub fn report() -> Self {
        Self {
            report: ReportNeed::Always,
            ..Self::of(Prepared::default())
        }
    }
}

impl Worker {
    /// Stores a piece, however long the disk stays full.
    pub(super) async fn commit(&self, piece: Piece, job: &mut Job) -> Result<Arc<Commit>, Stop> {
        let position = match &self.open {
            Some(open) => open.position.clone(),
            None => self.position().await?,
        };
        let Piece {
            prepared,
            end,
            mark,
            scan,
            report,
            reject_news,
        } = piece;
        let commit = Arc::new(Commit {
            stream: position.id,
            generation: position.generation,
            prepared,
            end,
            mark,
            scan,
            job: job.report.clone(),
            mapping_version: self.pos.rules.version(),
            reject_news,
            report,
        });
        let mut waited = false;
        loop {
            let again = Arc::clone(&commit);
            match self
                .shared
                .spool
                .call(move |store| store.commit(&again))
                .await
            {
                Ok(Committed {
                    job: counted,
                    batches,
                }) => {
                    job.counted(counted, batches);
                    if waited {
                        self.disk_is_back(job);
                    }
                    return Ok(commit);
                }
                Err(error @ SpoolError::DiskFull(_)) => {
                    self.wait_for_disk(&error).await?;
                    waited = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn wait_for_disk(&self, error: &SpoolError) -> Result<(), Stop> {
        let message = crate::chain(error);
        tracing::error!(stream = %self.name, "{message}");
        self.show(|live| {
            live.state.phase = StreamPhase::Retrying;
            live.state.last_error = Some(message);
        });
        tokio::select! {
            () = self.shared.cancel.cancelled() => Err(Stop::Cancelled),
            () = tokio::time::sleep(DISK_FULL_WAIT) => Ok(()),
        }
    }

    fn disk_is_back(&self, job: &Job) {
        tracing::info!(stream = %self.name, "there is room on the disk again; the stream goes on");
        self.show(|live| {
            live.state.last_error = None;
            live.state.phase = match job.report.kind {
                JobKind::FullSync => StreamPhase::Snapshot,
                JobKind::Incremental | JobKind::RealTime | JobKind::Verify => {
                    StreamPhase::Following
                }
            };
        });
    }

    /// Reading stops while the disk is short, long before it is full for the till too.
    pub(super) async fn wait_for_disk_room(&self) -> Result<(), Stop> {
        let mut watch = self.shared.room.watch();
        let Room::Short { free } = *watch.borrow_and_update() else {
            return Ok(());
        };
        let message = format!(
            "only {} MB are free on the disk of the data folder; reading waits until there are {} MB more than \
             spool.min_free_mb = {}. Free some space; what was read is being sent",
            free / 1_000_000,
            self.shared.room.least() / 4_000_000,
            self.shared.room.least() / 1_000_000
        );
        tracing::error!(stream = %self.name, "{message}");
        let mut before = StreamPhase::Idle;
        self.show(|live| {
            before = std::mem::replace(&mut live.state.phase, StreamPhase::Retrying);
            live.state.last_error = Some(message);
        });
        while matches!(*watch.borrow_and_update(), Room::Short { .. }) {
            tokio::select! {
                () = self.shared.cancel.cancelled() => return Err(Stop::Cancelled),
                changed = watch.changed() => changed.map_err(|_| Stop::Cancelled)?,
            }
        }
        tracing::info!(stream = %self.name, "there is room on the disk again; the stream goes on");
        self.show(|live| {
            live.state.phase = before;
            live.state.last_error = None;
        });
        Ok(())
    }

    /// Reading stops while as much waits for the cloud as may wait, and while the disk is short.
    pub(super) async fn wait_for_room(&self) -> Result<(), Stop> {
        self.wait_for_disk_room().await?;
        let limit = self.shared.max_waiting_bytes;
        let mut watch = self.shared.spool.watch();
        if watch.borrow().bytes < limit {
            return Ok(());
        }
        let message = format!(
            "the spool holds {} MB that the cloud has not taken, as much as it may; reading waits. Check the line to the \
             cloud, or raise spool.max_size_mb",
            limit / 1_000_000
        );
        tracing::error!(stream = %self.name, "{message}");
        self.show(|live| live.state.last_error = Some(message));
        while watch.borrow().bytes >= limit {
            tokio::select! {
                () = self.shared.cancel.cancelled() => return Err(Stop::Cancelled),
                changed = watch.changed() => changed.map_err(|_| Stop::Cancelled)?,
            }
        }
        self.show(|live| live.state.last_error = None);
        Ok(())
    }

    /// What a finished scan did not bring is gone, within the brake.
    pub(super) async fn sweep(&mut self, end: Cursor, job: &mut Job) -> Result<(), Stop> {
        let position = match &self.open {
            Some(open) => open.position.clone(),
            None => self.position().await?,
        };
        let brake = self.pos.config.delete_brake;
        loop {
            let sweep = Sweep {
                stream: position.id,
                generation: position.generation,
                end: end.clone(),
                brake,
                job: job.report.clone(),
                mapping_version: self.pos.rules.version(),
            };
            match self
                .shared
                .spool
                .call(move |store| store.sweep(&sweep))
                .await?
            {
                Swept::Done(report) => {
                    job.counted(report, 0);
                    return Ok(());
                }
                Swept::More(report) => job.counted(report, 1),
                Swept::Braked { gone, known } => return Err(self.braked(gone, known)),
                Swept::NoScan => {
                    let (id, rules) = (position.id, self.rules_id());
                    self.shared
                        .spool
                        .call(move |store| store.start_over(id, rules))
                        .await?;
                    return Err(Stop::NewLife);
                }
            }
            self.wait_for_room().await?;
        }
    }

    /// Deletes that a log or an outbox tells are carried out at once, but not in bulk: then nothing of it is taken, and
    /// everything is read once more. What is really gone by then waits for a person behind the brake; a POS that empties
    /// a table and fills it again has lost nothing.
    pub(super) async fn brake_live(&mut self, rows: &RowBatch) -> Result<(), Stop> {
        if !matches!(self.spec.capture, Capture::Log | Capture::Outbox) {
            return Ok(());
        }
        let is_delete = |change: &&RowChange| matches!(change, RowChange::Delete { .. });
        let deletes = rows.changes.iter().filter(is_delete).count() as u64;
        let now = Instant::now();
        self.deletes.retain(|(at, _)| now - *at < DELETES_TOGETHER);
        self.deletes.push((now, deletes));
        let together = self.deletes.iter().map(|(_, deletes)| deletes).sum();
        let brake = self.pos.config.delete_brake;
        if together <= brake.min_rows {
            return Ok(());
        }
        let position = self.position().await?;
        if !brake.trips(together, position.rows) {
            return Ok(());
        }
        tracing::warn!(
            pos = self.pos_name(),
            stream = %self.name,
            "{together} of {} rows are deleted within a minute; everything is read once more before that is believed",
            position.rows
        );
        self.deletes.clear();
        let (id, rules) = (position.id, self.rules_id());
        self.shared
            .spool
            .call(move |store| store.start_over(id, rules))
            .await?;
        Err(Stop::NewLife)
    }

    fn braked(&self, gone: u64, known: u64) -> Stop {
        let message =
            format!("{gone} of {known} rows are gone at the POS; their deletes wait for a person");
        let hint = format!(
            "look whether the POS or its export is complete. If they are really gone, confirm in the dashboard or with \
             `fluxion-agent confirm-deletes --pos \"{}\" --stream {}`; if not, mend the source and the next full read \
             goes on by itself",
            self.pos_name(),
            self.name
        );
        Stop::Halt {
            halt: halt("delete_brake", message, Some(hint)),
            class: ErrorClass::BusinessRule,
        }
    }

    pub(super) async fn caught_up(&self, end: Cursor) -> Result<(), Stop> {
        let Some(open) = &self.open else {
            return Err(Stop::NewLife);
        };
        let (id, generation) = (open.position.id, open.position.generation);
        self.shared
            .spool
            .call(move |store| store.caught_up(id, generation, &end))
            .await?;
        Ok(())
    }

    /// The job's last word, where it is worth one.
    pub(super) async fn complete(&mut self, job: &mut Job) -> Result<(), Stop> {
        let worth_it = self.quiet.worth_it(job) || self.asked;
        job.completed();
        if worth_it {
            self.commit(Piece::report(), job).await?;
        }
        Ok(())
    }

    /// The job's last word when it failed: the one under way, or one that says why none could begin.
    pub(super) async fn report_failure(&mut self, error: JobError) {
        let Ok(position) = self.position().await else {
            return;
        };
        let mut job = match position.job {
            Some(job) if job.status == fluxion_model::job::JobStatus::Running => {
                Job::begin(&self.name, job.kind, Some(job), Beginning::GoesOn)
            }
            _ => Job::begin(
                &self.name,
                self.kind(position.cursor.is_none()),
                None,
                Beginning::Anew,
            ),
        };
        job.failed(error);
        let reported = self.commit(Piece::report(), &mut job).await;
        if reported.is_err() {
            tracing::debug!(stream = %self.name, "the failure could not be reported; the heartbeat tells it");
        }
    }
}
