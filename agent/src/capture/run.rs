//! One run of one stream: open, pull, map, commit, settle, until there is nothing more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluxion_connectors::{
    Batch, BatchLimit, ChangeStream, Next, OpenContext, Remedy, Settled, SourceError, StartAt,
};
use fluxion_mappings::Bound;
use fluxion_model::command::SyncMode;
use fluxion_model::entity::EntityKind;
use fluxion_model::heartbeat::StreamPhase;
use fluxion_model::job::JobKind;
use fluxion_model::reject::ErrorClass;
use fluxion_model::row::RowShape;
use fluxion_model::stream::{Capture, Source, WatermarkKind};

use tokio::time::Instant;

use super::job::{Beginning, CALM, Job};
use super::keep::Piece;
use super::prepare::{Input, prepare};
use super::worker::{Mode, Task, Worker, halt};
use crate::spool::{Halt, ReportNeed, SpoolError, SpoolResult, StreamPosition};

const BATCH_ROWS: usize = 5_000;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How long a run that comes once waits for a file to be complete.
const RIPENING: Duration = Duration::from_secs(5);
const RIPENING_LOOK: Duration = Duration::from_millis(250);

/// How a run ended well.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// When the connector advises to look again.
    pub look_again: Duration,
    /// Whether everything was read, so that deletes are known too.
    pub scanned: bool,
}

/// Why a run stopped.
pub(super) enum Stop {
    /// The agent is stopping.
    Cancelled,
    /// The spool began a new life, or the cursor is void: begin again at once.
    NewLife,
    /// Passing trouble.
    Retry { message: String },
    /// A person must act.
    Halt { halt: Halt, class: ErrorClass },
}

/// A stream that stays open between runs.
pub(super) struct OpenStream {
    /// Never locked: only there because a worker's future must be `Sync`, and a stream need not be.
    stream: Mutex<Box<dyn ChangeStream>>,
    pub(super) position: StreamPosition,
    bound: Option<(Arc<RowShape>, Arc<Bound>)>,
}

impl OpenStream {
    pub(super) fn stream(&mut self) -> &mut dyn ChangeStream {
        &mut **self
            .stream
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<SpoolError> for Stop {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Closed => Self::Cancelled,
            SpoolError::NewLife | SpoolError::Damaged(_) => Self::NewLife,
            other => Self::Retry {
                message: crate::chain(&other),
            },
        }
    }
}

impl Worker {
    pub(super) async fn position(&self) -> SpoolResult<StreamPosition> {
        let (pos, stream, rules) = (
            self.pos_name().to_owned(),
            self.name.clone(),
            self.rules_id(),
        );
        self.shared
            .spool
            .call(move |store| store.stream(&pos, &stream, rules))
            .await
    }

    pub(super) async fn run(&mut self, task: &Task) -> Result<Ended, Stop> {
        match task {
            Task::Sync(mode) => self.read(*mode).await,
            Task::ConfirmDeletes => self.carry_out_deletes().await,
            Task::Replay(keys) => self.replay(keys).await,
        }
    }

    async fn read(&mut self, mode: SyncMode) -> Result<Ended, Stop> {
        if self.open.is_none() || mode == SyncMode::Full {
            self.choose().await?;
        }
        let capture = &self.spec.capture;
        let reads_whole = *capture == Capture::Diff;
        let full = mode == SyncMode::Full && !matches!(capture, Capture::Arrival | Capture::Push);
        if mode == SyncMode::Full && *capture == Capture::Push {
            tracing::info!(
                stream = %self.name,
                "there is nothing to read again: the POS calls out, and what it told was taken as it came"
            );
        }
        self.everything = mode == SyncMode::Full;
        if full || reads_whole {
            self.open = None;
        }
        let reused = self
            .open
            .as_ref()
            .is_some_and(|open| open.position.generation == self.shared.spool.info().generation);
        let running = self.live_job.take().filter(|_| reused);
        let mut job = if let Some(job) = running {
            job
        } else if reused {
            Job::begin(&self.name, self.kind(false), None, Beginning::Anew)
        } else {
            self.open_stream(full).await?
        };
        match self.pull(&mut job, reads_whole).await {
            Ok(ended) => {
                self.live_job = Some(job).filter(|job| self.goes_on(job));
                // Nothing wakes a quiet stream that waits for calls, so the end of its job is looked for.
                let waits = self.live_job.is_some() && self.spec.capture == Capture::Push;
                let look_again = if waits {
                    CALM + Duration::from_secs(1)
                } else {
                    ended.look_again
                };
                Ok(Ended {
                    look_again,
                    ..ended
                })
            }
            Err(Stop::Retry { message }) if reused => {
                // A connection that was left alone for a while may have been closed; that is no failure yet.
                tracing::debug!(stream = %self.name, "{message}; opening again");
                let mut job = self.open_stream(false).await?;
                self.pull(&mut job, reads_whole).await
            }
            other => other,
        }
    }

    pub(super) fn kind(&self, scanning: bool) -> JobKind {
        match &self.spec.capture {
            // Asked for everything, an export folder gives the files that are there.
            Capture::Arrival if self.everything => JobKind::FullSync,
            Capture::Arrival | Capture::Push => JobKind::RealTime,
            _ if scanning => JobKind::FullSync,
            _ if self.follows_live() => JobKind::RealTime,
            Capture::Log | Capture::Outbox | Capture::Diff | Capture::Watermark { .. } => {
                JobKind::Incremental
            }
        }
    }

    /// Whether changes are looked for all the time, because a look costs the POS next to nothing.
    fn follows_live(&self) -> bool {
        match &self.spec.capture {
            Capture::Log | Capture::Outbox | Capture::Push => true,
            Capture::Watermark { kind, .. } => *kind == WatermarkKind::Rowversion,
            Capture::Diff | Capture::Arrival => false,
        }
    }

    /// Whether a job that follows changes as they happen stays open for the next ones.
    fn goes_on(&self, job: &Job) -> bool {
        !self.asked
            && job.report.kind == JobKind::RealTime
            && self.follows_live()
            && job.is_lively()
    }

    /// Opens the stream where it stands and begins its job.
    async fn open_stream(&mut self, full: bool) -> Result<Job, Stop> {
        let position = self.sound_position().await?;
        // A table kept in a file, or a list of an API, is compared with what it was after the last whole read; databases
        // cannot be asked that.
        let diff = self.spec.capture == Capture::Diff
            && (position.pending_end.is_some()
                || !matches!(self.spec.source, Source::Table(_) | Source::Http(_)));
        let start = match &position.cursor {
            Some(cursor) if position.scanning && position.pending_end.is_none() && !full => {
                StartAt::After(cursor.clone())
            }
            Some(cursor) if !full && !diff => StartAt::After(cursor.clone()),
            Some(_) | None => StartAt::Snapshot,
        };
        let scanning = self.spec.capture != Capture::Push
            && (start == StartAt::Snapshot
                || (position.scanning && position.pending_end.is_none()));
        let context = OpenContext {
            settings: self.pos.context.settings.clone(),
            marks: self.shared.spool.marks(position.id)?,
        };
        let spec = &self.spec;
        self.show(|live| {
            live.state.phase = if scanning {
                StreamPhase::Snapshot
            } else {
                StreamPhase::Following
            };
            live.state.rows_read = 0;
            live.expected_rows = None;
        });
        let cancel = self.shared.cancel.clone();
        let opened = tokio::select! {
            () = cancel.cancelled() => return Err(Stop::Cancelled),
            opened = self.pos.connector.open(spec, start.clone(), context) => opened,
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(error) => return Err(self.source_error(&error, &position).await),
        };
        let from = match start {
            StartAt::Snapshot => Beginning::Anew,
            StartAt::After(_) => Beginning::GoesOn,
        };
        let mut job = Job::begin(&self.name, self.kind(scanning), position.job.clone(), from);
        // A first load or one that somebody asked for is announced; a routine diff that finds nothing is not.
        let announce = scanning
            && !job.announced
            && (full || position.cursor.is_none())
            && job.report.kind != JobKind::RealTime;
        self.open = Some(OpenStream {
            stream: Mutex::new(stream),
            position,
            bound: None,
        });
        if announce {
            self.commit(Piece::report(), &mut job).await?;
        }
        Ok(job)
    }

    /// Where the stream stands, after what changed rules demand.
    async fn sound_position(&self) -> Result<StreamPosition, Stop> {
        let position = self.position().await?;
        if !position.rules_changed {
            return Ok(position);
        }
        let (id, rules) = (position.id, self.rules_id());
        match &self.spec.source {
            Source::Query(_) | Source::Table(_) | Source::Http(_) => {
                if position.cursor.is_some() {
                    tracing::info!(stream = %self.name, "the mapping, a setting or the way of noticing changes is another one; everything is read again");
                }
                self.shared
                    .spool
                    .call(move |store| store.start_over(id, rules))
                    .await?;
            }
            Source::Files(_) | Source::Event(_) => {
                if position.rows > 0 && matches!(self.spec.source, Source::Event(_)) {
                    tracing::warn!(
                        stream = %self.name,
                        "the mapping or a setting changed; what the POS told before keeps what it became. Have it tell again, \
                         under new ids, to have it mapped anew"
                    );
                } else if position.rows > 0 {
                    tracing::warn!(
                        stream = %self.name,
                        "the mapping or a setting changed; files that were processed before keep what they became. Export \
                         them again, with a fresh date inside, to have them mapped anew"
                    );
                }
                self.shared
                    .spool
                    .call(move |store| store.keep_rules(id, rules))
                    .await?;
            }
        }
        Ok(self.position().await?)
    }

    async fn pull(&mut self, job: &mut Job, reads_whole: bool) -> Result<Ended, Stop> {
        let mut scanned = false;
        let mut last_news = Instant::now();
        loop {
            self.wait_for_room().await?;
            let limit = BatchLimit {
                rows: self.pos.limiter.batch_rows(BATCH_ROWS),
                bytes: BATCH_BYTES,
            };
            let cancel = self.shared.cancel.clone();
            let Some(open) = self.open.as_mut() else {
                return Err(Stop::NewLife);
            };
            let next = tokio::select! {
                () = cancel.cancelled() => return Err(Stop::Cancelled),
                next = open.stream().next(limit) => next,
            };
            let next = match next {
                Ok(next) => next,
                Err(error) => {
                    let position = open.position.clone();
                    return Err(self.source_error(&error, &position).await);
                }
            };
            match next {
                Next::Batch(batch) => {
                    self.take(batch, job).await?;
                    last_news = Instant::now();
                }
                Next::ScanComplete { end } => {
                    self.sweep(end, job).await?;
                    scanned = true;
                    self.complete(job).await?;
                    if reads_whole {
                        self.open = None;
                        return Ok(Ended {
                            look_again: Duration::ZERO,
                            scanned,
                        });
                    }
                    *job = Job::begin(&self.name, self.kind(false), None, Beginning::Anew);
                    self.show(|live| live.state.phase = StreamPhase::Following);
                }
                Next::CaughtUp { look_again, .. } if self.file_may_ripen(last_news) => {
                    tokio::time::sleep(look_again.min(RIPENING_LOOK)).await;
                }
                Next::CaughtUp { end, look_again } => {
                    self.caught_up(end).await?;
                    if (!scanned || job.announced) && !self.goes_on(job) {
                        self.complete(job).await?;
                    }
                    return Ok(Ended {
                        look_again,
                        scanned,
                    });
                }
            }
        }
    }

    /// A file counts as complete only when it has stood still for a while. A resident agent looks again later; one that
    /// runs once must wait for it.
    fn file_may_ripen(&self, last_news: Instant) -> bool {
        self.shared.mode == Mode::OneShot
            && self.spec.capture == Capture::Arrival
            && last_news.elapsed() < RIPENING
    }

    /// Maps a batch, stores it, and tells the connector that it is durable.
    async fn take(&mut self, batch: Batch, job: &mut Job) -> Result<(), Stop> {
        let Batch {
            rows,
            end,
            mark,
            scan,
            unreadable,
            from,
            expected_rows,
        } = batch;
        let count = rows.changes.len();
        self.brake_live(&rows).await?;
        let bound = if rows.changes.is_empty() {
            None
        } else {
            Some(self.bind(&rows.shape)?)
        };
        let entity = self.rules.entities().next().unwrap_or(EntityKind::Product);
        let source = Arc::clone(&from);
        let prepared = tokio::task::spawn_blocking(move || {
            prepare(Input {
                bound: bound.as_deref(),
                rows,
                unreadable: &unreadable,
                from: &source,
                entity,
            })
        })
        .await
        .map_err(|error| Stop::Retry {
            message: format!("mapping a batch ended in a panic: {error}"),
        })?;
        self.pos.limiter.spend(count).await;
        let report = if job.progress_is_due() {
            ReportNeed::Always
        } else {
            ReportNeed::WithNews
        };
        let commit = self
            .commit(
                Piece {
                    end: Some(end),
                    mark,
                    scan,
                    report,
                    ..Piece::of(prepared)
                },
                job,
            )
            .await?;
        let counts = job.report.counts;
        self.show(|live| {
            live.state.rows_read = counts.rows_read;
            live.counts = counts;
            live.expected_rows = expected_rows;
            live.from = Some(from.to_string());
        });
        let Some(open) = self.open.as_mut() else {
            return Err(Stop::NewLife);
        };
        if let Err(error) = open
            .stream()
            .settled(Settled {
                problems: &commit.prepared.problems,
            })
            .await
        {
            let position = open.position.clone();
            return Err(self.source_error(&error, &position).await);
        }
        Ok(())
    }

    pub(super) fn bind(&mut self, shape: &Arc<RowShape>) -> Result<Arc<Bound>, Stop> {
        let known = self.open.as_ref().and_then(|open| open.bound.as_ref());
        if let Some((old, bound)) = known
            && (Arc::ptr_eq(old, shape) || old == shape)
        {
            return Ok(Arc::clone(bound));
        }
        let bound = self
            .rules
            .bind(shape)
            .map(Arc::new)
            .map_err(|missing| Stop::Halt {
                halt: halt("missing_column", missing.to_string(), None),
                class: ErrorClass::Mapping,
            })?;
        if let Some(open) = self.open.as_mut() {
            open.bound = Some((Arc::clone(shape), Arc::clone(&bound)));
        }
        Ok(bound)
    }

    /// Decides by the remedy alone.
    pub(super) async fn source_error(
        &self,
        error: &SourceError,
        position: &StreamPosition,
    ) -> Stop {
        match &error.remedy {
            Remedy::Retry => Stop::Retry {
                message: crate::chain(error),
            },
            Remedy::AskOperator { code, hint } => {
                let class = match *code {
                    "missing_column" | "missing_table" | "unsupported" => ErrorClass::Mapping,
                    _ => ErrorClass::Connection,
                };
                Stop::Halt {
                    halt: halt(code, crate::chain(error), Some(hint.clone())),
                    class,
                }
            }
            Remedy::Resnapshot => {
                tracing::warn!(stream = %self.name, "{}; everything is read again", crate::chain(error));
                let (id, rules) = (position.id, self.rules_id());
                match self
                    .shared
                    .spool
                    .call(move |store| store.start_over(id, rules))
                    .await
                {
                    Ok(()) => Stop::NewLife,
                    Err(error) => error.into(),
                }
            }
        }
    }
}
