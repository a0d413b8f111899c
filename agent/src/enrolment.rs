//! Enrolment that outlives a line that is down: the code waits, sealed, until the cloud has answered.
//!
//! The agent makes its token itself and keeps it beside the code before it asks for the first time. So an answer that is
//! lost does no harm: the same code with the same token is answered again. Whoever enrols by hand asks at once; when the
//! cloud cannot be reached, the agent that works here asks again by itself, until it is enrolled or the code is refused.
//! What is kept is removed only after the identity is on the disk.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use fluxion_model::enrolment::{EnrolRequest, TOKEN_PREFIX};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock;
use crate::computer::{machine_name, operating_system};
use crate::config::NetworkConfig;
use crate::folder::{DataFolder, Identity, Readers, write_whole};
use crate::sender::{Cloud, CloudError, Link};
use crate::service::{self, Entry, Weight};
use crate::{redact, seal};

const FILE_NAME: &str = "enrolment.json";
/// What code and token are sealed for.
const CODE: &str = "enrolment-code";
const TOKEN: &str = "enrolment-token";
/// How often it is looked whether somebody wants to enrol.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// An enrolment that somebody asked for and that is not made yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Where the code is used.
    pub server: String,
    /// When somebody asked for it.
    pub since: DateTime<Utc>,
    /// How it stands.
    #[serde(flatten)]
    pub state: Waiting,
}

/// How an enrolment stands that is not made yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Waiting {
    /// For the cloud to answer. Code and token are sealed.
    ForTheCloud {
        /// What the person typed.
        code: String,
        /// What the agent proves itself with once the code is used.
        token: String,
        /// Why it has not answered yet.
        problem: Option<String>,
    },
    /// For a person: the cloud does not take the code.
    ForAnotherCode {
        /// The cloud's words.
        why: String,
    },
}

/// What a try led to.
pub enum Tried {
    /// The agent is known, and its identity is kept.
    Enrolled(Box<Identity>),
    /// No answer that means anything yet.
    NotYet(String),
    /// The code is unknown, used, or has run out; asking again will not help.
    Refused(String),
}

impl Enrolment {
    /// Keeps a code, in the place of another one. The same code as before keeps its token: it may be used already.
    ///
    /// # Errors
    /// When it cannot be sealed or written.
    pub fn begin(folder: &DataFolder, server: &str, code: &str) -> anyhow::Result<Self> {
        redact::remember(code);
        let token = Self::read(folder)
            .ok()
            .flatten()
            .filter(|before| before.server == server)
            .and_then(|before| before.opened(folder).ok())
            .filter(|(kept, _)| kept == code)
            .map(|(_, token)| token);
        let token = match token {
            Some(token) => token,
            None => random_token()?,
        };
        redact::remember(&token);
        let enrolment = Self {
            server: server.to_owned(),
            since: Utc::now(),
            state: Waiting::ForTheCloud {
                code: seal::seal(folder.path(), CODE, code)?,
                token: seal::seal(folder.path(), TOKEN, &token)?,
                problem: None,
            },
        };
        enrolment.write(folder)?;
        Ok(enrolment)
    }

    /// The one that is not made yet; `None` when there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn read(folder: &DataFolder) -> anyhow::Result<Option<Self>> {
        let path = file(folder);
        match std::fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).map(Some).with_context(|| {
                format!(
                    "{} is damaged\nhint: enrol again with `fluxion-agent enroll`",
                    path.display()
                )
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Gives it up.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(folder: &DataFolder) -> anyhow::Result<()> {
        let path = file(folder);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot delete {}", path.display())),
        }
    }

    /// Asks the cloud once. Whatever comes, a code that may still be good stays kept.
    ///
    /// # Errors
    /// When the identity cannot be written, or what was sealed cannot be opened.
    pub async fn attempt(
        &self,
        folder: &DataFolder,
        network: &NetworkConfig,
    ) -> anyhow::Result<Tried> {
        let (code, token) = self.opened(folder)?;
        let request = EnrolRequest {
            code,
            machine: machine_name(),
            os: Some(operating_system()),
            version: crate::VERSION.to_owned(),
            token: Some(token),
        };
        let cloud = match Cloud::new(&self.server, None, network, folder.path()) {
            Ok(cloud) => cloud,
            Err(error) => return self.not_yet(folder, format!("{error:#}")),
        };
        match cloud.enrol(&request).await {
            Ok(reply) => {
                let identity = Identity {
                    server: self.server.clone(),
                    agent_id: reply.agent_id,
                    token: reply.token,
                    tenant_name: reply.tenant_name,
                    store_name: reply.store_name,
                };
                folder.keep_identity(&identity)?;
                if self.is_kept(folder) {
                    Self::forget(folder)?;
                }
                Ok(Tried::Enrolled(Box::new(identity)))
            }
            Err(error) if is_final(&error) => Ok(Tried::Refused(crate::chain(&error))),
            Err(error) => self.not_yet(folder, crate::chain(&error)),
        }
    }

    /// Notes why it is not made yet, for whoever asks.
    fn not_yet(&self, folder: &DataFolder, why: String) -> anyhow::Result<Tried> {
        let mut told = self.clone();
        if let Waiting::ForTheCloud { problem, .. } = &mut told.state {
            *problem = Some(why.clone());
        }
        if told != *self && self.is_kept(folder) {
            told.write(folder)?;
        }
        Ok(Tried::NotYet(why))
    }

    /// Lets go of the code and keeps why, until somebody enrols with another one.
    fn give_up(&self, folder: &DataFolder, why: &str) -> anyhow::Result<()> {
        let refused = Self {
            state: Waiting::ForAnotherCode {
                why: why.to_owned(),
            },
            ..self.clone()
        };
        if self.is_kept(folder) {
            refused.write(folder)?;
        }
        Ok(())
    }

    /// Whether nobody enrolled again meanwhile.
    fn is_kept(&self, folder: &DataFolder) -> bool {
        matches!(Self::read(folder), Ok(Some(kept)) if kept.since == self.since)
    }

    fn opened(&self, folder: &DataFolder) -> anyhow::Result<(String, String)> {
        let Waiting::ForTheCloud { code, token, .. } = &self.state else {
            anyhow::bail!("the code was refused");
        };
        let open = |purpose, sealed: &str| {
            let opened = seal::open(folder.path(), purpose, sealed);
            let opened = opened.context(
                "the enrolment code that is kept cannot be opened\nhint: enrol again with `fluxion-agent enroll`",
            )?;
            redact::remember(&opened);
            anyhow::Ok(opened)
        };
        Ok((open(CODE, code)?, open(TOKEN, token)?))
    }

    fn write(&self, folder: &DataFolder) -> anyhow::Result<()> {
        let path = file(folder);
        write_whole(&path, &serde_json::to_vec_pretty(self)?, Readers::OnlyMe)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn file(folder: &DataFolder) -> PathBuf {
    folder.path().join(FILE_NAME)
}

/// Only the cloud's own words end an enrolment: a firewall that forbids the page says nothing about the code.
fn is_final(error: &CloudError) -> bool {
    match error {
        CloudError::NotFound { .. } => true,
        CloudError::Refused { status, .. } => *status == reqwest::StatusCode::UNPROCESSABLE_ENTITY,
        _ => false,
    }
}

fn random_token() -> anyhow::Result<String> {
    let mut random = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut random)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{TOKEN_PREFIX}{digits}"))
}

/// Makes enrolments that wait, until the agent stops.
pub(crate) async fn pursue(link: &Link, folder: &DataFolder, network: &NetworkConfig) {
    let mut jumps = link.jumps.clone();
    let mut tries = Tries::default();
    loop {
        if let Ok(Some(enrolment)) = Enrolment::read(folder)
            && tries.has_turn(&enrolment)
        {
            let tried = tokio::select! {
                () = link.cancel.cancelled() => return,
                tried = enrolment.attempt(folder, network) => tried,
            };
            let is_first = tries.count == 0;
            tries.failed();
            match tried {
                Ok(tried) => announce(link, folder, &enrolment, &tried, is_first),
                Err(error) => tracing::error!("{error:#}"),
            }
        }
        tokio::select! {
            () = link.cancel.cancelled() => return,
            () = clock::jump(&mut jumps) => tries = Tries::default(),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// When the next try has its turn: after five seconds, then after twice as long each time, up to five minutes.
#[derive(Default)]
struct Tries {
    of: Option<DateTime<Utc>>,
    count: u32,
    next: Option<Instant>,
}

impl Tries {
    fn has_turn(&mut self, enrolment: &Enrolment) -> bool {
        if self.of != Some(enrolment.since) {
            *self = Self {
                of: Some(enrolment.since),
                ..Self::default()
            };
        }
        matches!(enrolment.state, Waiting::ForTheCloud { .. })
            && self.next.is_none_or(|next| Instant::now() >= next)
    }

    fn failed(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.count));
        self.next = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        self.count += 1;
    }
}

/// Log, event log, and what others are shown.
fn announce(
    link: &Link,
    folder: &DataFolder,
    enrolment: &Enrolment,
    tried: &Tried,
    is_first: bool,
) {
    let (id, weight, text) = match tried {
        Tried::Enrolled(identity) => {
            link.open_anew();
            let text = format!(
                "The Fluxion agent is enrolled in the store {:?} of {:?}.",
                identity.store_name, identity.tenant_name
            );
            tracing::info!("{text}");
            (103, Weight::Information, text)
        }
        Tried::NotYet(why) => {
            tracing::debug!("{why}");
            let text = format!(
                "The Fluxion agent is not enrolled yet: {why}. The code is kept sealed and tried again by itself."
            );
            (202, Weight::Warning, text)
        }
        Tried::Refused(why) => {
            if let Err(error) = enrolment.give_up(folder, why) {
                tracing::error!("{error:#}");
            }
            let text = format!(
                "The Fluxion agent cannot be enrolled, because its code is not accepted: {why}. Get a new one in the \
                 dashboard and run `fluxion-agent enroll --code CODE`."
            );
            tracing::error!("{text}");
            (303, Weight::Error, text)
        }
    };
    // That the line is still down is told once.
    if is_first || !matches!(tried, Tried::NotYet(_)) {
        service::note(&Entry { id, weight, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_kept_sealed_and_keeps_its_token_until_another_one_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let begin = |server: &str, code: &str| {
            let begun = Enrolment::begin(&folder, server, code).unwrap();
            assert_eq!(Enrolment::read(&folder).unwrap().unwrap(), begun);
            begun.opened(&folder).unwrap()
        };
        let (code, token) = begin("https://a", "K7QF-3MXW-9TRA");
        assert_eq!((code.as_str(), token.len()), ("K7QF-3MXW-9TRA", 68));
        let kept = std::fs::read_to_string(file(&folder)).unwrap();
        assert!(!kept.contains("3MXW") && !kept.contains(&token), "{kept}");
        assert_eq!(begin("https://a", "K7QF-3MXW-9TRA").1, token);
        assert_ne!(begin("https://a", "AAAA-3MXW-9TRA").1, token);
        assert_ne!(begin("https://b", "K7QF-3MXW-9TRA").1, token);
        Enrolment::forget(&folder).unwrap();
        Enrolment::forget(&folder).unwrap();
        assert_eq!(Enrolment::read(&folder).unwrap(), None);
    }

    #[test]
    fn what_was_replaced_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let old = Enrolment::begin(&folder, "https://a", "AAAA").unwrap();
        std::thread::sleep(Duration::from_millis(2));
        let new = Enrolment::begin(&folder, "https://a", "BBBB").unwrap();
        old.give_up(&folder, "it was used").unwrap();
        old.not_yet(&folder, "no line".to_owned()).unwrap();
        assert_eq!(Enrolment::read(&folder).unwrap(), Some(new.clone()));
        new.give_up(&folder, "it was used").unwrap();
        let kept = Enrolment::read(&folder).unwrap().unwrap();
        let why = "it was used".to_owned();
        assert_eq!(kept.state, Waiting::ForAnotherCode { why });
    }

    #[tokio::test(start_paused = true)]
    async fn tries_become_rarer_and_a_new_code_has_its_turn_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let enrolment = Enrolment::begin(&folder, "https://a", "AAAA").unwrap();
        let mut tries = Tries::default();
        let begun = Instant::now();
        let mut at = Vec::new();
        while at.len() < 9 {
            if tries.has_turn(&enrolment) {
                at.push(begun.elapsed().as_secs());
                tries.failed();
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(at, [0, 5, 15, 35, 75, 155, 315, 615, 915]);
        let another = Enrolment {
            since: Utc::now(),
            ..enrolment
        };
        assert!(tries.has_turn(&another));
    }
}
