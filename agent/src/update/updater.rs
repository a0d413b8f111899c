//! The agent's part: hears of a version, fetches it, and asks for it in a moment in which nothing is read or sent.
//!
//! It never stops the agent in the middle of something, never starts anything itself, and does not write the plan while
//! a trial runs. What becomes of the version is the supervisor's business.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Local, Timelike as _, Utc};
use fluxion_model::Version;
use fluxion_model::release::{Manifest, ReleaseFile, UpdateOffer, UpdateReport, UpdateState};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::offer::Declined;
use super::plan::{Plan, Stage};
use super::this_build::{self, Patience};
use super::trial::Sign;
use super::versions::{PROGRAM, Unfit, Versions, check_file};
use super::{disk, download, offer};
use crate::config::UpdateConfig;
use crate::folder::DataFolder;
use crate::sender::Link;

/// A file that comes damaged is fetched so often before it is left for hours.
const FETCHES: u32 = 3;
/// So much must stay free beside what is fetched: the spool needs room, too.
const SPARE_BYTES: u64 = 100_000_000;
/// An answer of the cloud is a sign that the line is up for so long.
const ANSWER_COUNTS: chrono::Duration = chrono::Duration::minutes(3);
/// Once the agent has stopped reading for the update, what waits has this long to reach the cloud.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);

/// What the updater works with.
pub struct Updater {
    /// The line to the cloud, the spool, and where progress is shown.
    pub link: Arc<Link>,
    /// Whoever reads holds one of these; all of them together mean that nobody does.
    pub readers: Vec<(Arc<Semaphore>, u32)>,
    /// The data folder.
    pub folder: DataFolder,
    /// The versions, as the supervisor sees them.
    pub versions: Versions,
    /// Where this process tells that it works, when it is on trial.
    pub healthy_file: Option<PathBuf>,
    /// What the person at the store wants.
    pub config: UpdateConfig,
}

impl Updater {
    /// Returns when the agent should end, so that the supervisor starts another version.
    pub async fn run(self) {
        if let Some(file) = &self.healthy_file {
            self.stand_trial(file.clone()).await;
        }
        let mut offers = self.link.offer();
        loop {
            let offer = offers.borrow_and_update().clone();
            let Some(offer) = offer else {
                self.link.live.updating(self.past());
                if offers.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            };
            tokio::select! {
                () = self.take(&offer) => return,
                changed = offers.changed() => if changed.is_ok() {
                    tracing::info!(version = offer.version, "the cloud changed its mind about the new version");
                },
            }
        }
    }

    /// Tells the supervisor how it goes until that is settled.
    async fn stand_trial(&self, file: PathBuf) {
        let patience = this_build::patience();
        self.report(this_build::version(), UpdateState::Trying, None);
        let mut said = None;
        while said != Some(Sign::Answered) {
            let cloud = self.link.live.cloud_now();
            let sign = match (cloud.last_answer, cloud.problem) {
                (Some(_), _) => Some(Sign::Answered),
                (None, Some(problem)) if !cloud.needs_person => Some(Sign::Silent { problem }),
                (None, _) => None,
            };
            if let Some(sign) = sign.filter(|sign| said.as_ref() != Some(sign)) {
                match sign.leave(&file) {
                    Ok(()) => said = Some(sign),
                    Err(error) => {
                        tracing::warn!(%error, "the sign that this version works cannot be written")
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        tracing::info!("this version works; the supervisor is told");
        while self.versions.plan().is_ok_and(|plan| plan.trial_runs()) {
            tokio::time::sleep(patience.look).await;
        }
    }

    /// What there is to say while nothing is offered.
    fn past(&self) -> Option<UpdateReport> {
        let plan = self.versions.plan().ok()?;
        let own = this_build::version();
        let report = |version: &Version, state, message| {
            Some(UpdateReport {
                target: version.to_string(),
                state,
                message,
            })
        };
        if let Some(rejected) = plan
            .rejected
            .last()
            .filter(|rejected| rejected.version > *own)
        {
            return report(
                &rejected.version,
                UpdateState::RolledBack,
                Some(rejected.reason.clone()),
            );
        }
        if plan.active.is_some_and(|active| active.version == *own) {
            return report(own, UpdateState::Installed, None);
        }
        None
    }

    fn report(&self, version: &Version, state: UpdateState, message: Option<String>) {
        self.link.live.updating(Some(UpdateReport {
            target: version.to_string(),
            state,
            message,
        }));
    }

    /// Does all that it takes until the agent may end for it. Goes on for ever about an offer that is not taken.
    async fn take(&self, offer: &UpdateOffer) {
        let (manifest, file) = match self.consider(offer) {
            Ok(found) => found,
            Err(declined) => {
                if declined.state == UpdateState::Refused {
                    tracing::error!(
                        version = offer.version,
                        "the new version is refused: {}",
                        declined.message
                    );
                }
                self.link.live.updating(Some(UpdateReport {
                    target: offer.version.clone(),
                    state: declined.state,
                    message: Some(declined.message),
                }));
                return std::future::pending().await;
            }
        };
        let version = &manifest.version;
        let patience = this_build::patience();
        loop {
            let taken = match self.have(version, &file, offer).await {
                Ok(()) => self.ask_for(version).await,
                Err(message) => Err(message),
            };
            match taken {
                Ok(()) => return,
                Err(message) => {
                    tracing::error!(%version, "the new version is not taken yet: {message}");
                    self.report(version, UpdateState::Failed, Some(message));
                }
            }
            tokio::time::sleep(patience.failed).await;
        }
    }

    /// Whether it is to be taken at all.
    fn consider(&self, offer: &UpdateOffer) -> Result<(Manifest, ReleaseFile), Declined> {
        if !self.config.enabled {
            return Err(Declined {
                state: UpdateState::Off,
                message: "updates are switched off in this agent's configuration".to_owned(),
            });
        }
        let plan = self.plan().map_err(|message| Declined {
            state: UpdateState::Failed,
            message,
        })?;
        let (key, own, target) = (
            self.versions.key(),
            this_build::version(),
            this_build::target(),
        );
        offer::consider(offer, key, own, &plan, &target)
    }

    fn plan(&self) -> Result<Plan, String> {
        self.versions
            .plan()
            .map_err(|error| format!("the plan of updates cannot be read: {error}"))
    }

    /// Sees to it that the version is in its folder, whole.
    async fn have(
        &self,
        version: &Version,
        file: &ReleaseFile,
        offer: &UpdateOffer,
    ) -> Result<(), String> {
        if self.versions.check(version).is_ok() {
            return Ok(());
        }
        self.versions.forget_other_parts(version);
        let patience = this_build::patience();
        let mut pause = patience.damaged;
        for round in 1.. {
            self.fetch(version, file).await?;
            match self.settle(version, file, offer) {
                Ok(()) => break,
                Err(Unfit::Wrong(reason)) if round < FETCHES => {
                    tracing::warn!(%version, "{reason}; it is fetched anew");
                    tokio::time::sleep(pause).await;
                    pause *= 10;
                }
                Err(unfit) => return Err(crate::chain(&unfit)),
            }
        }
        Ok(())
    }

    /// Fetches what is missing of it.
    async fn fetch(&self, version: &Version, file: &ReleaseFile) -> Result<(), String> {
        let part = self.versions.part(version).join(PROGRAM);
        let there = std::fs::metadata(&part).map_or(0, |metadata| metadata.len());
        let needed = file.size.saturating_sub(there).saturating_add(SPARE_BYTES);
        if let Some(free) = self.folder.free_bytes().filter(|free| *free < needed) {
            return Err(format!(
                "the disk has {} MB free, and {} MB are needed; make room",
                free / 1_000_000,
                needed.div_ceil(1_000_000)
            ));
        }
        tracing::info!(%version, bytes = file.size - there.min(file.size), "fetching the new version");
        let cloud = self.link.cloud().await.ok_or("the agent stops")?;
        let progress = |there: u64| {
            let percent = there
                .saturating_mul(100)
                .checked_div(file.size)
                .unwrap_or(100);
            // Coarse, so that the state file is not written for each piece.
            let message = format!("{} %", percent / 10 * 10);
            self.report(version, UpdateState::Downloading, Some(message));
        };
        let take = async |bytes| self.link.bandwidth.take(bytes).await;
        download::fetch(&cloud, version, file, &part, take, progress)
            .await
            .map_err(|error| crate::chain(&error))
    }

    /// Makes a version of what came; what is not what was signed is thrown away.
    fn settle(
        &self,
        version: &Version,
        file: &ReleaseFile,
        offer: &UpdateOffer,
    ) -> Result<(), Unfit> {
        let part = self.versions.part(version);
        let settled = check_file(&part.join(PROGRAM), file)
            .and_then(|()| self.versions.settle(version, offer));
        if let Err(Unfit::Wrong(_)) = &settled
            && let Err(error) = disk::remove_folder(&part)
        {
            tracing::warn!(%error, "a damaged download cannot be removed");
        }
        settled
    }

    /// Waits for the right moment and writes into the plan that the version is wanted. From then on the agent only ends.
    async fn ask_for(&self, version: &Version) -> Result<(), String> {
        self.report(version, UpdateState::Waiting, None);
        let patience = this_build::patience();
        loop {
            let plan = self.plan()?;
            let until = match plan
                .trial
                .as_ref()
                .filter(|trial| trial.version == *version)
            {
                Some(trial) => match trial.stage {
                    Stage::Postponed { until } => Some(until),
                    Stage::Wanted | Stage::Running => None,
                },
                None => None,
            };
            match until.filter(|until| *until > Utc::now()) {
                Some(until) => {
                    let until = until.format("%H:%M UTC");
                    let message = format!(
                        "its trial did not show whether it works; it is tried again after {until}"
                    );
                    self.report(version, UpdateState::Waiting, Some(message));
                }
                None => break,
            }
            tokio::time::sleep(patience.look).await;
        }
        let readers = self.quiet_moment(&patience).await;
        let mut plan = self.plan()?;
        plan.want(version);
        self.versions
            .keep_plan(&plan)
            .map_err(|error| format!("the plan of updates cannot be written: {error}"))?;
        // Nobody begins to read between this and the end.
        readers.into_iter().for_each(OwnedSemaphorePermit::forget);
        tracing::info!(%version, "the agent ends, so that the new version can show that it works");
        Ok(())
    }

    /// Returns when nobody reads and nothing is on its way to the cloud. Nobody can begin to read while what it returns is
    /// held.
    async fn quiet_moment(&self, patience: &Patience) -> Vec<OwnedSemaphorePermit> {
        let mut waited = Duration::ZERO;
        loop {
            if self.config.allows(Local::now().hour()) && self.cloud_answers() {
                let impatient = waited >= patience.quiet;
                let readers = self.hold_readers(impatient).await;
                let waits = self.link.spool.info().batches > 0;
                if let Some(readers) = readers.filter(|_| impatient || !waits) {
                    self.drain().await;
                    return readers;
                }
                waited += patience.look;
            }
            tokio::time::sleep(patience.look).await;
        }
    }

    fn cloud_answers(&self) -> bool {
        let cloud = self.link.live.cloud_now();
        cloud.problem.is_none()
            && cloud
                .last_answer
                .is_some_and(|at| Utc::now() - at < ANSWER_COUNTS)
    }

    /// Keeps everybody from reading, if nobody does; with impatience, as soon as nobody does.
    async fn hold_readers(&self, impatient: bool) -> Option<Vec<OwnedSemaphorePermit>> {
        let mut held = Vec::new();
        for (permits, all) in &self.readers {
            let permits = Arc::clone(permits);
            held.push(if impatient {
                permits.acquire_many_owned(*all).await.ok()?
            } else {
                permits.try_acquire_many_owned(*all).ok()?
            });
        }
        Some(held)
    }

    /// What waits goes out first. That some of it does not is no harm: it is sent after the start.
    async fn drain(&self) {
        let begun = Instant::now();
        while self.link.spool.info().batches > 0 && begun.elapsed() < DRAIN_WITHIN {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
