//! The line to the cloud: posts what waits in the spool, in order; heartbeats; and what the cloud asks for.
//!
//! Only a well-formed acknowledgement of the very batch that was posted lets the spool forget it. Whatever else comes
//! back, however long, the spool keeps everything and the sender tries again.

mod body;
mod client;
mod commands;
mod heartbeat;
mod post;
mod refused;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluxion_model::enrolment::PosSystemDeclaration;
use fluxion_model::release::UpdateOffer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bandwidth::Bandwidth;
use crate::breaker::Breaker;
use crate::clock::Jumps;
use crate::config::{Config, NetworkConfig};
use crate::enrolment::{Enrolment, Waiting};
use crate::folder::DataFolder;
use crate::live::Live;
use crate::spool::Spool;

pub(crate) use client::tls_trouble;
pub use client::{Cloud, CloudError, Health};
pub use commands::listen;
pub use heartbeat::beat;
pub use post::post;

/// While the cloud does not answer at all, it is tried once a minute.
const PAUSE: Duration = Duration::from_secs(60);

/// Whether somebody must act before the cloud answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NeedsPerson {
    Yes,
    No,
}

/// What the tasks that talk to the cloud share.
pub struct Link {
    /// The cloud, once the agent is enrolled.
    cloud: Mutex<Option<Arc<Cloud>>>,
    server: String,
    network: NetworkConfig,
    folder: DataFolder,
    pub(crate) spool: Spool,
    pub(crate) live: Arc<Live>,
    pub(crate) cancel: CancellationToken,
    pub(crate) breaker: Breaker,
    pub(crate) bandwidth: Arc<Bandwidth>,
    /// Tells when the computer slept or its clock was set.
    pub(crate) jumps: Jumps,
    declarations: Mutex<BTreeMap<String, PosSystemDeclaration>>,
    offer: watch::Sender<Option<UpdateOffer>>,
}

impl Link {
    /// Nothing is contacted yet.
    #[must_use]
    pub fn new(
        config: &Config,
        folder: DataFolder,
        spool: Spool,
        live: Arc<Live>,
        jumps: Jumps,
        cancel: CancellationToken,
    ) -> Self {
        let breaker = Breaker::new(Duration::from_secs(1), PAUSE);
        Self {
            cloud: Mutex::new(None),
            server: config.server.clone(),
            network: config.network.clone(),
            folder,
            spool,
            live,
            cancel,
            breaker,
            bandwidth: Arc::new(Bandwidth::new(config.bandwidth.clone())),
            jumps,
            declarations: Mutex::default(),
            offer: watch::Sender::default(),
        }
    }

    /// What the cloud is told about a POS system before its first batch.
    pub fn declare(&self, pos: &str, declaration: PosSystemDeclaration) {
        self.declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(pos.to_owned(), declaration);
    }

    pub(crate) fn declarations(&self) -> BTreeMap<String, PosSystemDeclaration> {
        self.declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The cloud with the agent's token; waits until the agent is enrolled. `None` when the agent is stopping.
    pub(crate) async fn cloud(&self) -> Option<Arc<Cloud>> {
        loop {
            if let Some(cloud) = self
                .cloud
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
            {
                return Some(cloud);
            }
            match self.connect() {
                Ok(Some(cloud)) => {
                    let cloud = Arc::new(cloud);
                    *self.cloud.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(Arc::clone(&cloud));
                    return Some(cloud);
                }
                Ok(None) => self.not_enrolled(),
                Err(error) => self.needs_person(format!("{error:#}")),
            }
            tokio::select! {
                () = self.cancel.cancelled() => return None,
                () = tokio::time::sleep(Duration::from_secs(3)) => {}
            }
        }
    }

    fn not_enrolled(&self) {
        match Enrolment::read(&self.folder).ok().flatten().map(|kept| kept.state) {
            Some(Waiting::ForTheCloud { problem, .. }) => {
                let why = problem.map_or_else(String::new, |problem| format!(" ({problem})"));
                self.problem(
                    format!(
                        "this agent is not enrolled yet{why}; its code is kept sealed and tried again by itself"
                    ),
                    NeedsPerson::No,
                );
            }
            Some(Waiting::ForAnotherCode { why }) => self.needs_person(format!(
                "this agent is not enrolled, because its code is not accepted ({why}); get a new one in the dashboard \
                 and run `fluxion-agent enroll --server URL --code CODE`"
            )),
            None => self.needs_person(
                "this agent is not enrolled yet; run `fluxion-agent enroll --server URL --code CODE` with a code from \
                 the dashboard"
                    .to_owned(),
            ),
        }
    }

    fn connect(&self) -> anyhow::Result<Option<Cloud>> {
        let Some(identity) = self.folder.identity()? else {
            return Ok(None);
        };
        let cloud = Cloud::new(
            &self.server,
            Some(identity.token),
            &self.network,
            self.folder.path(),
        )?;
        Ok(Some(cloud.within(Arc::clone(&self.bandwidth))))
    }

    /// Reads the token again, in case somebody enrolled anew, and opens new lines: old ones do not survive a sleep.
    pub(crate) fn forget_cloud(&self) {
        *self.cloud.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The same, and tries at once: what kept the cloud away may be mended.
    pub(crate) fn open_anew(&self) {
        self.forget_cloud();
        self.breaker.try_now();
    }

    pub(crate) fn needs_person(&self, problem: String) {
        self.problem(problem, NeedsPerson::Yes);
    }

    fn problem(&self, problem: String, needs: NeedsPerson) {
        self.live.cloud(|cloud| {
            if cloud.problem.as_ref() != Some(&problem) {
                match needs {
                    NeedsPerson::Yes => tracing::error!("{problem}"),
                    NeedsPerson::No => tracing::warn!("{problem}"),
                }
            }
            cloud.problem = Some(problem);
            cloud.needs_person = needs == NeedsPerson::Yes;
        });
    }

    /// What the cloud offers now; `None` takes back what it offered before.
    fn offered(&self, offer: Option<UpdateOffer>) {
        self.offer.send_if_modified(|now| {
            let news = *now != offer;
            *now = offer;
            news
        });
    }

    /// The version that the cloud offers.
    pub(crate) fn offer(&self) -> watch::Receiver<Option<UpdateOffer>> {
        self.offer.subscribe()
    }

    /// It answered as it should.
    pub(crate) fn answered(&self) {
        self.breaker.success();
        self.live.cloud(|cloud| {
            if let Some(problem) = cloud.problem.take() {
                tracing::info!("the cloud answers again (before: {problem})");
            }
            cloud.needs_person = false;
            cloud.last_answer = Some(chrono::Utc::now());
        });
    }

    /// It did not; the breaker says when to try again.
    pub(crate) fn failed(&self, error: &CloudError) {
        let after = match error {
            CloudError::Busy { retry_after, .. } => *retry_after,
            _ => None,
        };
        self.breaker.failure(after);
        let text = crate::chain(error);
        let needs_person = matches!(error, CloudError::Unauthorized { .. });
        self.live.cloud(|cloud| {
            if cloud.problem.as_ref() != Some(&text) {
                tracing::warn!("{text}; what was read stays in the spool");
            }
            cloud.problem = Some(text);
            cloud.needs_person = needs_person;
        });
        if needs_person {
            self.forget_cloud();
        }
    }
}
