//! Puts the parts together: the spool, the workers of every POS system, the line to the cloud, and who tells whom.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluxion_model::command::{Action, CommandOutcome, SyncMode};
use fluxion_model::id::StreamName;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use crate::capture::{Mode, Shared};
use crate::capture::{Order, PosProblem, PosSystem, Task, Worker, WorkerHandle, drift};
use crate::carry;
use crate::clock;
use crate::config::{Loaded, PosConfig};
use crate::enrolment;
use crate::folder::{DataFolder, Readers, write_whole};
use crate::live::Live;
use crate::room::DiskRoom;
use crate::sender::{self, Link};
use crate::spool::{Opened, Spool, SpoolError};
use crate::status_page::{self, View};
use crate::surroundings::Surroundings;
use crate::update::updater::Updater;
use crate::update::versions::Versions;

/// Streams that read at the same time, over all POS systems: bounds memory and the load on an old PC.
const READERS: usize = 2;
const PROBE_EVERY: Duration = Duration::from_secs(60);
const MEND_EVERY: Duration = Duration::from_secs(60);
/// With what follows it, less than the service waits for the agent.
/// Nothing new for so long, and what a load needed is given back.
const REST_AFTER: Duration = Duration::from_secs(10);
const STOP_WITHIN: Duration = Duration::from_secs(6);

/// Makes a POS system ready; tests put their own connector in.
pub type BuildPos = Arc<dyn Fn(&Loaded, &PosConfig) -> Result<PosSystem, PosProblem> + Send + Sync>;

/// A working agent.
pub struct Agent {
    /// What it is doing.
    pub live: Arc<Live>,
    /// Its spool.
    pub spool: Spool,
    /// How the spool was found.
    pub opened: Opened,
    fleet: Arc<Fleet>,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
}

/// All POS systems and their workers.
struct Fleet {
    loaded: Loaded,
    folder: DataFolder,
    build: BuildPos,
    surroundings: Surroundings,
    jumps: watch::Sender<u64>,
    shared: Shared,
    link: Arc<Link>,
    systems: Mutex<BTreeMap<String, System>>,
}

struct System {
    cancel: CancellationToken,
    workers: Vec<WorkerHandle>,
    tasks: JoinSet<()>,
}

impl Agent {
    /// Opens the spool and begins to work. A POS system that cannot be read is shown in [`Live`]; others work.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn start(
        loaded: Loaded,
        folder: DataFolder,
        mode: Mode,
        build: BuildPos,
    ) -> Result<Self, SpoolError> {
        let surroundings = Surroundings::of(&folder);
        Self::start_among(surroundings, loaded, folder, mode, build)
    }

    /// The same, where somebody else answers for the system.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn start_among(
        surroundings: Surroundings,
        loaded: Loaded,
        folder: DataFolder,
        mode: Mode,
        build: BuildPos,
    ) -> Result<Self, SpoolError> {
        let (spool, opened) = Spool::open(folder.path())?;
        if let Opened::Replaced { kept } = &opened {
            tracing::error!(
                kept = %kept.display(),
                "the spool was damaged and has been replaced; every POS system is read and sent again. Check the disk"
            );
        }
        if let Err(error) = folder.seal_token() {
            tracing::warn!("the agent's token stays as it is: {error:#}");
        }
        let live = Arc::new(Live::default());
        let cancel = CancellationToken::new();
        let (jumps, jumped) = watch::channel(0);
        let least = loaded.config.spool.min_free_mb.saturating_mul(1_000_000);
        let room = DiskRoom::new(least, Arc::clone(&surroundings.free_bytes));
        let link = Arc::new(Link::new(
            &loaded.config,
            folder.clone(),
            spool.clone(),
            Arc::clone(&live),
            jumped.clone(),
            cancel.clone(),
        ));
        let shared = Shared {
            spool: spool.clone(),
            live: Arc::clone(&live),
            permits: Arc::new(Semaphore::new(READERS)),
            quick_permits: Arc::new(Semaphore::new(READERS)),
            cancel: cancel.clone(),
            jumps: jumped,
            room,
            max_waiting_bytes: loaded.config.spool.max_size_mb.saturating_mul(1_000_000),
            mode,
        };
        let fleet = Arc::new(Fleet {
            loaded,
            folder,
            build,
            surroundings,
            jumps,
            shared,
            link,
            systems: Mutex::default(),
        });
        for config in &fleet.loaded.config.pos {
            fleet.set_up(config);
        }
        let mut tasks = JoinSet::new();
        fleet.start_talking(&mut tasks);
        fleet.show_page(&mut tasks);
        Ok(Self {
            live,
            spool,
            opened,
            fleet,
            cancel,
            tasks,
        })
    }

    /// What takes newer versions of this agent, from the supervisor that starts them.
    #[must_use]
    pub fn updater(&self, versions: Versions, healthy_file: Option<PathBuf>) -> Updater {
        let fleet = &self.fleet;
        let shared = &fleet.shared;
        let readers = [&shared.permits, &shared.quick_permits];
        Updater {
            link: Arc::clone(&fleet.link),
            readers: readers
                .map(|permits| (Arc::clone(permits), READERS as u32))
                .into(),
            folder: fleet.folder.clone(),
            versions,
            healthy_file,
            config: fleet.loaded.config.update.clone(),
        }
    }

    /// Runs streams now. Each receiver tells whether its stream ended well.
    #[must_use]
    pub fn sync(
        &self,
        pos: Option<&str>,
        stream: Option<&StreamName>,
        task: &Task,
    ) -> Vec<oneshot::Receiver<bool>> {
        self.fleet.order(pos, stream, task, None)
    }

    /// Also answers other processes: keeps the state file, takes their requests. Ends when `stop` does.
    pub async fn serve(&mut self, stop: impl Future<Output = ()>) {
        let fleet = Arc::clone(&self.fleet);
        tokio::select! {
            () = stop => {}
            () = fleet.answer_processes() => {}
        }
    }

    /// Whether the cloud is left alone for now because it did not answer.
    #[must_use]
    pub fn cloud_is_silent(&self) -> bool {
        self.fleet.link.breaker.is_paused()
    }

    /// Ends all work in an orderly way, within seconds.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        let mut systems = std::mem::take(&mut *self.fleet.systems());
        let all = async {
            for system in systems.values_mut() {
                while system.tasks.join_next().await.is_some() {}
            }
            while self.tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            tracing::warn!("something did not end in time and is cut off; nothing is lost by that");
        }
        drop(systems);
        drop(self.tasks);
        let state = self.live.snapshot(&self.spool.info());
        self.fleet.write_state(&state);
        drop(self.fleet);
        let spool = self.spool;
        if tokio::task::spawn_blocking(move || spool.close())
            .await
            .is_err()
        {
            tracing::debug!("the spool's thread was cut off");
        }
    }
}

impl Fleet {
    fn systems(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, System>> {
        self.systems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a POS system ready and starts its workers; true when it can be read.
    fn set_up(&self, config: &PosConfig) -> bool {
        let pos = match (self.build)(&self.loaded, config) {
            Ok(pos) => Arc::new(pos),
            Err(problem) => {
                let text = crate::chain(&problem);
                tracing::error!(pos = config.name, "{text}");
                self.shared.live.pos_problem(&config.name, text);
                return false;
            }
        };
        self.link.declare(&config.name, pos.declaration());
        let cancel = self.shared.cancel.child_token();
        let shared = Shared {
            cancel: cancel.clone(),
            ..self.shared.clone()
        };
        let mut tasks = JoinSet::new();
        let mut workers = Vec::new();
        for rules in pos.streams() {
            let (worker, handle) = Worker::new(Arc::clone(&pos), rules.clone(), shared.clone());
            workers.push(handle);
            tasks.spawn(worker.work());
        }
        tasks.spawn(probe_while_paused(Arc::clone(&pos), cancel.clone()));
        if self.shared.mode == Mode::Resident {
            let file = self.folder.path().join("columns.json");
            tasks.spawn(drift::watch(Arc::clone(&pos), file, cancel.clone()));
        }
        self.systems().insert(
            config.name.clone(),
            System {
                cancel,
                workers,
                tasks,
            },
        );
        true
    }

    /// Reads the mapping again and starts the POS system's workers anew.
    async fn set_up_again(&self, config: &PosConfig) {
        // A mapping that does not compile must not stop the one that works.
        if let Err(problem) = (self.build)(&self.loaded, config) {
            tracing::error!(
                pos = config.name,
                "{}; the old mapping stays in force",
                crate::chain(&problem)
            );
            return;
        }
        let old = self.systems().remove(&config.name);
        if let Some(mut old) = old {
            old.cancel.cancel();
            while old.tasks.join_next().await.is_some() {}
        }
        self.shared.live.forget_pos(&config.name);
        self.set_up(config);
    }

    /// Shows how it stands on a page of this computer, where the configuration asks for one.
    fn show_page(&self, tasks: &mut JoinSet<()>) {
        let page = self.loaded.config.status_page.as_ref();
        let Some(page) = page.filter(|_| self.shared.mode == Mode::Resident) else {
            return;
        };
        let view = Arc::new(View {
            live: Arc::clone(&self.shared.live),
            spool: self.shared.spool.clone(),
            folder: self.folder.clone(),
            spool_limit: self.shared.max_waiting_bytes,
            started: chrono::Utc::now(),
        });
        tasks.spawn(status_page::serve(
            page.listen,
            view,
            self.shared.cancel.clone(),
        ));
    }

    fn start_talking(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let link = Arc::clone(&self.link);
        tasks.spawn(async move { sender::post(&link).await });
        let (link, folder) = (Arc::clone(&self.link), self.folder.clone());
        tasks.spawn(async move { sender::beat(&link, &folder).await });
        let fleet = Arc::clone(self);
        tasks.spawn(async move {
            let network = &fleet.loaded.config.network;
            enrolment::pursue(&fleet.link, &fleet.folder, network).await;
        });
        let link = Arc::clone(&self.link);
        let ask = Arc::clone(&self.surroundings.cost_of_line);
        tasks.spawn(async move { link.bandwidth.watch_cost(&link.cancel, ask).await });
        let (room, cancel) = (self.shared.room.clone(), self.shared.cancel.clone());
        tasks.spawn(async move { room.look_on(&cancel).await });
        let (spool, cancel) = (self.shared.spool.clone(), self.shared.cancel.clone());
        tasks.spawn(async move { rest_between_loads(&spool, &cancel).await });
        let fleet = Arc::clone(self);
        tasks.spawn(async move {
            let (wall, cancel) = (&fleet.surroundings.wall, &fleet.shared.cancel);
            clock::watch(wall, cancel, &fleet.jumps, || fleet.forget_pauses()).await;
        });
        if self.shared.mode == Mode::OneShot {
            return;
        }
        let fleet = Arc::clone(self);
        tasks.spawn(async move {
            let reload = tokio::sync::Notify::new();
            tokio::select! {
                () = sender::listen(&fleet.link, |action| fleet.carry_out(action, None, &reload)) => {}
                () = fleet.reload_when_told(&reload) => {}
            }
        });
        let fleet = Arc::clone(self);
        tasks.spawn(async move { fleet.mend().await });
    }

    async fn reload_when_told(&self, reload: &tokio::sync::Notify) {
        loop {
            reload.notified().await;
            // The proxy's password may be among the secrets that were set.
            self.link.open_anew();
            for config in &self.loaded.config.pos {
                self.set_up_again(config).await;
            }
        }
    }

    /// A POS system that could not be set up is tried again, in case somebody mended its mapping or password file.
    async fn mend(&self) {
        loop {
            tokio::select! {
                () = self.shared.cancel.cancelled() => return,
                () = tokio::time::sleep(MEND_EVERY) => {}
            }
            for config in &self.loaded.config.pos {
                let missing = !self.systems().contains_key(&config.name);
                if missing && (self.build)(&self.loaded, config).is_ok() {
                    self.shared.live.forget_pos(&config.name);
                    self.set_up(config);
                }
            }
        }
    }

    /// Whoever did not answer before this computer slept may answer now, and no open line has survived it.
    fn forget_pauses(&self) {
        for worker in self
            .systems()
            .values()
            .filter_map(|system| system.workers.first())
        {
            worker.pos.breaker.try_now();
        }
        self.link.open_anew();
    }

    fn order(
        &self,
        pos: Option<&str>,
        stream: Option<&StreamName>,
        task: &Task,
        ticket: Option<&str>,
    ) -> Vec<oneshot::Receiver<bool>> {
        let mut waits = Vec::new();
        for (name, system) in self.systems().iter() {
            if pos.is_some_and(|wanted| wanted != name) {
                continue;
            }
            for worker in &system.workers {
                if stream.is_some_and(|wanted| *wanted != worker.stream) {
                    continue;
                }
                let (done, wait) = oneshot::channel();
                worker.order(Order {
                    task: task.clone(),
                    ticket: ticket.map(str::to_owned),
                    done: Some(done),
                });
                waits.push(wait);
            }
        }
        waits
    }

    fn carry_out(
        &self,
        action: &Action,
        ticket: Option<&str>,
        reload: &tokio::sync::Notify,
    ) -> CommandOutcome {
        let (pos, stream, task) = match action {
            Action::Sync { pos, stream, mode } => {
                (pos.as_deref(), stream.as_ref(), Task::Sync(*mode))
            }
            Action::ConfirmDeletes { pos, stream } => {
                (Some(pos.as_str()), Some(stream), Task::ConfirmDeletes)
            }
            Action::ReplayRejects { pos, stream, keys } => {
                (Some(pos.as_str()), Some(stream), Task::Replay(keys.clone()))
            }
            Action::ReloadMapping => {
                reload.notify_one();
                return CommandOutcome::Done;
            }
            Action::Unknown => return CommandOutcome::Unsupported,
        };
        if self.order(pos, stream, &task, ticket).is_empty() {
            let message = format!(
                "this agent reads no stream {} of POS system {}; it reads: {}",
                stream.map_or("(any)", |stream| stream.as_str()),
                pos.unwrap_or("(any)"),
                self.known_streams()
            );
            return CommandOutcome::Failed { message };
        }
        CommandOutcome::Done
    }

    fn known_streams(&self) -> String {
        let systems = self.systems();
        let names = systems.iter().flat_map(|(pos, system)| {
            system
                .workers
                .iter()
                .map(move |worker| format!("{pos}/{}", worker.stream))
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// Keeps the state file fresh and takes what other processes ask.
    async fn answer_processes(&self) {
        let mut last = None;
        let reload = tokio::sync::Notify::new();
        let answering = async {
            let mut beats = 0_u32;
            loop {
                for request in self.folder.take_requests() {
                    let outcome = self.carry_out(&request.action, Some(&request.ticket), &reload);
                    if let CommandOutcome::Failed { message } = outcome {
                        tracing::warn!("{message}");
                    }
                }
                carry::take_receipt(&self.folder, &self.shared.spool).await;
                let mut state = self.shared.live.snapshot(&self.shared.spool.info());
                let at = state.at;
                // Idle agents should let the disk sleep: the time alone is worth a write only now and then.
                state.at = chrono::DateTime::UNIX_EPOCH;
                beats = beats.wrapping_add(1);
                if last.as_ref() != Some(&state) || beats.is_multiple_of(30) {
                    let mut shown = state.clone();
                    shown.at = at;
                    self.write_state(&shown);
                    last = Some(state);
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = answering => {}
            () = self.reload_when_told(&reload) => {}
        }
    }

    fn write_state(&self, state: &crate::live::Snapshot) {
        let text = serde_json::to_vec_pretty(state).unwrap_or_default();
        if let Err(error) = write_whole(&self.folder.state_file(), &text, Readers::Folder) {
            tracing::debug!(%error, "the state file could not be written");
        }
    }
}

/// An agent rests most of the day, on a computer whose memory the till needs.
async fn rest_between_loads(spool: &Spool, cancel: &CancellationToken) {
    // The start leaves something to give back as well.
    let mut rested_at = None;
    loop {
        let before = spool.info().last_seq;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(REST_AFTER) => {}
        }
        let now = spool.info().last_seq;
        if now == before && rested_at != Some(now) {
            let rested = spool.call(|store| {
                store.rest()?;
                fluxion_system::memory::give_back();
                Ok(())
            });
            match rested.await {
                Ok(()) => rested_at = Some(now),
                Err(error) => tracing::debug!("{}", crate::chain(&error)),
            }
        }
    }
}

/// During the long pause one look a minute tells when the POS system is back.
async fn probe_while_paused(pos: Arc<PosSystem>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(PROBE_EVERY) => {}
        }
        if pos.breaker.is_paused() && pos.connector.probe().await.is_ok() {
            tracing::info!(pos = pos.config.name, "the POS system answers again");
            pos.breaker.success();
        }
    }
}

/// Builds POS systems as the configuration says.
#[must_use]
pub fn build_pos() -> BuildPos {
    Arc::new(PosSystem::prepare)
}

/// Reads everything once more, or only what changed.
#[must_use]
pub fn sync_mode(full: bool) -> SyncMode {
    if full {
        SyncMode::Full
    } else {
        SyncMode::Incremental
    }
}
