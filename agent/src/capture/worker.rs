//! One stream's worker: when it runs, and what happens when a run does not end well.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fluxion_mappings::StreamRules;
use fluxion_model::command::SyncMode;
use fluxion_model::heartbeat::StreamPhase;
use fluxion_model::id::StreamName;
use fluxion_model::job::JobError;
use fluxion_model::reject::ErrorClass;
use fluxion_model::stream::{Capture, StreamSpec};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::follow::Timetable;
use super::job::{Job, QuietReports};
use super::pos::PosSystem;
use super::run::{Ended, OpenStream, Stop};
use crate::breaker::Verdict;
use crate::clock::Jumps;
use crate::live::{Live, StreamLive};
use crate::room::DiskRoom;
use crate::spool::{Halt, Spool, SpoolError};

/// A halted stream is looked at again this often, in case somebody mended the source without telling.
const RECHECK: Duration = Duration::from_secs(180);

/// What a worker is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Read now.
    Sync(SyncMode),
    /// Carry out the deletes that wait behind the brake.
    ConfirmDeletes,
    /// Read these rejected rows again; all of them when empty.
    Replay(Vec<String>),
}

/// A task, and who waits for it.
#[derive(Debug)]
pub struct Order {
    /// What to do.
    pub task: Task,
    /// Shown in the state file once done.
    pub ticket: Option<String>,
    /// Told whether it ended well.
    pub done: Option<oneshot::Sender<bool>>,
}

/// How to reach a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    /// The POS system.
    pub pos: Arc<PosSystem>,
    /// The stream.
    pub stream: StreamName,
    orders: mpsc::Sender<Order>,
}

impl WorkerHandle {
    /// Asks for something. A worker that is busy takes it next; one with a full backlog is about to do the same.
    pub fn order(&self, order: Order) {
        self.pos.breaker.try_now();
        if self.orders.try_send(order).is_err() {
            tracing::debug!(stream = %self.stream, "the stream has enough to do already");
        }
    }
}

/// Whether a worker runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By its timetable.
    Resident,
    /// Only when told, and without waiting out a long pause.
    OneShot,
}

/// What all workers share.
#[derive(Clone)]
pub struct Shared {
    /// Where batches go.
    pub spool: Spool,
    /// Where progress is shown.
    pub live: Arc<Live>,
    /// How many streams may read at once; bounds memory and the load on the POS.
    pub permits: Arc<Semaphore>,
    /// The same for streams that only look what changed. They need not wait until others have read everything.
    pub quick_permits: Arc<Semaphore>,
    /// Ends all work.
    pub cancel: CancellationToken,
    /// Tells when the computer slept or its clock was set.
    pub jumps: Jumps,
    /// Reading waits while the disk is short.
    pub room: DiskRoom,
    /// Reading waits while so much waits for the cloud.
    pub max_waiting_bytes: u64,
    /// Whether workers run by themselves.
    pub mode: Mode,
}

/// Reads one stream.
pub struct Worker {
    pub(super) pos: Arc<PosSystem>,
    pub(super) rules: StreamRules,
    /// The stream as it is opened: with the way of noticing changes that was chosen.
    pub(super) spec: StreamSpec,
    /// What was said last about better ways.
    pub(super) passed_over: Vec<String>,
    pub(super) name: StreamName,
    pub(super) shared: Shared,
    pub(super) open: Option<OpenStream>,
    pub(super) quiet: QuietReports,
    /// The job of a stream that is followed all the time: one job, and not one for each change.
    pub(super) live_job: Option<Job>,
    /// Deletes that were told of late, and when.
    pub(super) deletes: Vec<(Instant, u64)>,
    pub(super) halted: Option<Halt>,
    /// Whether somebody waits for the run under way, so that its end is reported in any case.
    pub(super) asked: bool,
    /// Whether the run under way was asked to read everything.
    pub(super) everything: bool,
    orders: mpsc::Receiver<Order>,
}

impl Worker {
    /// A worker and how to reach it.
    pub fn new(pos: Arc<PosSystem>, rules: StreamRules, shared: Shared) -> (Self, WorkerHandle) {
        let (sender, orders) = mpsc::channel(8);
        let spec = rules.spec().clone();
        let name = spec.name.clone();
        let handle = WorkerHandle {
            pos: Arc::clone(&pos),
            stream: name.clone(),
            orders: sender,
        };
        let worker = Self {
            pos,
            rules,
            spec,
            passed_over: Vec::new(),
            name,
            shared,
            open: None,
            quiet: QuietReports::default(),
            live_job: None,
            deletes: Vec::new(),
            halted: None,
            asked: false,
            everything: false,
            orders,
        };
        (worker, handle)
    }

    pub(super) fn pos_name(&self) -> &str {
        &self.pos.config.name
    }

    pub(super) fn show(&self, change: impl FnOnce(&mut StreamLive)) {
        self.shared.live.stream(self.pos_name(), &self.name, change);
    }

    /// Works until the agent stops.
    pub async fn work(mut self) {
        let Some(mut timetable) = self.prepare().await else {
            return;
        };
        loop {
            let cancel = self.shared.cancel.clone();
            let order = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                order = self.orders.recv() => match order {
                    Some(order) => order,
                    None => break,
                },
                task = timetable.due() => Order { task, ticket: None, done: None },
                () = came(self.open.as_mut(), self.shared.mode) => {
                    Order { task: Task::Sync(SyncMode::Incremental), ticket: None, done: None }
                }
            };
            self.asked = order.done.is_some();
            let ended = self.perform(&order.task).await;
            let look_again = match ended {
                Some(Ended { look_again, .. }) => look_again,
                None => RECHECK,
            };
            timetable.suit(&self.pos.config, &self.spec.capture);
            timetable.ran(&order.task, look_again, ended.is_some());
            self.show(|live| {
                live.last_run_ok = ended.is_some();
                live.last_ticket = order.ticket.or(live.last_ticket.take());
            });
            if let Some(done) = order.done
                && done.send(ended.is_some()).is_err()
            {
                tracing::debug!("nobody waits for the end of the run any more");
            }
        }
    }

    /// What is known from before the start. `None` when the agent is stopping.
    async fn prepare(&mut self) -> Option<Timetable> {
        let position = loop {
            match self.position().await {
                Ok(position) => break position,
                Err(SpoolError::Closed) => return None,
                Err(error) => {
                    self.show(|live| live.state.last_error = Some(crate::chain(&error)));
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        };
        self.halted = position.halted.clone();
        self.show(|live| {
            live.state.last_success_at = position.last_success;
            live.halted = position.halted.clone();
            if let Some(halt) = &position.halted {
                live.state.phase = StreamPhase::Halted;
                live.state.last_error = Some(halt.message.clone());
            }
        });
        let capture = &self.spec.capture;
        Some(match self.shared.mode {
            Mode::Resident => {
                let jumps = self.shared.jumps.clone();
                Timetable::new(&self.pos.config, capture, position.last_scan, jumps)
            }
            Mode::OneShot => Timetable::never(),
        })
    }

    /// Runs until it ends well, or until only time or a person can help.
    async fn perform(&mut self, task: &Task) -> Option<Ended> {
        loop {
            let cancel = self.shared.cancel.clone();
            // Before the permit, so that a stream that cannot go on keeps none.
            self.wait_for_disk_room().await.ok()?;
            let permit = tokio::select! {
                () = cancel.cancelled() => return None,
                permit = self.permit(task) => permit?,
            };
            let result = self.run(task).await;
            drop(permit);
            match result {
                Ok(ended) => {
                    self.ended_well(&ended).await;
                    return Some(ended);
                }
                Err(Stop::Cancelled) => return None,
                Err(Stop::NewLife) => {
                    self.open = None;
                    // Whatever voids cursors again and again must not be asked in a tight loop.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(Stop::Halt { halt, class }) => {
                    self.open = None;
                    self.halt(halt, class).await;
                    return None;
                }
                Err(Stop::Retry { message }) => {
                    self.open = None;
                    let verdict = self.pos.breaker.failure(None);
                    self.retrying(message, verdict).await;
                    if self.shared.mode == Mode::OneShot && self.pos.breaker.is_paused() {
                        return None;
                    }
                }
            }
        }
    }

    async fn permit(&self, task: &Task) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.pos.breaker.ready().await;
        let follows = match self.spec.capture {
            Capture::Log | Capture::Outbox | Capture::Watermark { .. } => self.open.is_some(),
            // Asks nothing of anybody, and somebody may be waiting for an answer.
            Capture::Push => return Arc::new(Semaphore::new(1)).acquire_owned().await.ok(),
            Capture::Diff | Capture::Arrival => false,
        };
        let permits = if follows && *task == Task::Sync(SyncMode::Incremental) {
            &self.shared.quick_permits
        } else {
            &self.shared.permits
        };
        Arc::clone(permits).acquire_owned().await.ok()
    }

    async fn ended_well(&mut self, ended: &Ended) {
        self.pos.breaker.success();
        // Deletes that wait behind the brake are not over because single changes were read well.
        let waits = self
            .halted
            .as_ref()
            .is_some_and(|halt| halt.code == "delete_brake")
            && !ended.scanned;
        if !waits && self.halted.take().is_some() {
            tracing::info!(pos = self.pos_name(), stream = %self.name, "the stream goes on");
            self.store_halt(None).await;
        }
        let halted = self.halted.clone();
        self.show(|live| {
            live.state.last_success_at = Some(Utc::now());
            live.state.last_error = halted.as_ref().map(|halt| halt.message.clone());
            live.state.phase = if halted.is_some() {
                StreamPhase::Halted
            } else {
                StreamPhase::Idle
            };
            live.halted = halted;
        });
    }

    async fn retrying(&mut self, message: String, verdict: Verdict) {
        if self.shared.cancel.is_cancelled() {
            return;
        }
        self.show(|live| {
            live.state.phase = StreamPhase::Retrying;
            live.state.last_error = Some(message.clone());
        });
        match verdict {
            Verdict::Again | Verdict::Paused => {
                tracing::warn!(pos = self.pos_name(), stream = %self.name, "{message}; trying again");
            }
            Verdict::PauseBegins => {
                tracing::error!(
                    pos = self.pos_name(),
                    stream = %self.name,
                    "{message}; five tries failed, so the POS system is left alone for an hour, or until it answers"
                );
                let hint = "check that the POS's computer and its database are running; the agent looks each minute and \
                            goes on by itself";
                self.report_failure(JobError {
                    class: ErrorClass::Connection,
                    code: "unreachable".to_owned(),
                    message,
                    hint: Some(hint.to_owned()),
                })
                .await;
            }
        }
    }

    async fn halt(&mut self, halt: Halt, class: ErrorClass) {
        let news = self
            .halted
            .as_ref()
            .is_none_or(|old| old.code != halt.code || old.message != halt.message);
        self.show(|live| {
            live.state.phase = StreamPhase::Halted;
            live.state.last_error = Some(halt.message.clone());
            live.halted = Some(halt.clone());
        });
        if !news {
            return;
        }
        tracing::error!(
            pos = self.pos_name(),
            stream = %self.name,
            code = halt.code,
            "the stream waits for a person: {}{}",
            halt.message,
            halt.hint.as_ref().map(|hint| format!(". What to do: {hint}")).unwrap_or_default()
        );
        self.store_halt(Some(halt.clone())).await;
        self.halted = Some(halt.clone());
        self.report_failure(JobError {
            class,
            code: halt.code,
            message: halt.message,
            hint: halt.hint,
        })
        .await;
    }

    async fn store_halt(&self, halt: Option<Halt>) {
        let Ok(position) = self.position().await else {
            return;
        };
        let stored = self
            .shared
            .spool
            .call(move |store| store.set_halt(position.id, halt.as_ref()))
            .await;
        if let Err(error) = stored {
            tracing::warn!(error = %crate::chain(&error), "the halt could not be kept; it is found again by itself");
        }
    }
}

/// Waits until an open stream has something that nobody asked for.
async fn came(open: Option<&mut OpenStream>, mode: Mode) {
    match (open, mode) {
        (Some(open), Mode::Resident) => open.stream().ready().await,
        (Some(_), Mode::OneShot) | (None, _) => std::future::pending().await,
    }
}

/// What a halt is made of.
pub(super) fn halt(code: &str, message: String, hint: Option<String>) -> Halt {
    let since: DateTime<Utc> = Utc::now();
    Halt {
        code: code.to_owned(),
        message,
        hint,
        since,
    }
}
