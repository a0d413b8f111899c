//! How a store is doing, judged by what its agents last said, by the calls of its webhooks, and by what the cloud holds of
//! it. Pure.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use fluxion_model::Version;
use fluxion_model::heartbeat::{StreamPhase, StreamState};
use fluxion_model::id::{AgentId, PosSystemId};
use fluxion_model::release::UpdateState;

use crate::database::agents::AgentState;
use crate::database::fleet::PosSystem;
use crate::database::releases::AgentUpdate;
use crate::views::overview::{LastError, Queue, StoreState, StreamSummary, UpdateProblem};
use crate::views::webhook::WebhookView;

/// An agent that has said nothing for so long is silent: it speaks every half minute.
const SILENT_AFTER: TimeDelta = TimeDelta::seconds(90);
/// Batches that wait for longer are worth a look.
const QUEUE_PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// For so long a refused call of a webhook is told of, even when others were taken since.
const REFUSALS_TOLD: TimeDelta = TimeDelta::hours(1);

/// A job that failed and was the last of its stream.
#[derive(Debug, Clone)]
pub struct FailedJob {
    /// Which POS system.
    pub pos_system: PosSystemId,
    /// Its error as people see it.
    pub error: LastError,
}

/// All that is known of one store.
#[derive(Debug, Default)]
pub struct Known {
    /// Its agents.
    pub agents: Vec<AgentState>,
    /// Its POS systems.
    pub pos_systems: Vec<PosSystem>,
    /// Which of them call out by themselves.
    pub webhooks: HashMap<PosSystemId, WebhookView>,
    /// The last ended jobs of its streams, those that failed.
    pub failed: Vec<FailedJob>,
    /// Rejects that wait for a person.
    pub rejects_open: u64,
    /// Conflicts that wait for a person.
    pub conflicts_open: u64,
    /// What each of its agents said last about a newer version.
    pub updates: HashMap<AgentId, AgentUpdate>,
    /// Versions that nobody is offered any more.
    pub halted_releases: HashSet<String>,
}

impl Known {
    /// Agents whose token is still worth something.
    pub fn live_agents(&self) -> impl Iterator<Item = &AgentState> {
        self.agents
            .iter()
            .filter(|agent| agent.revoked_at.is_none())
    }

    /// The streams, and their POS system where it was declared. What an agent says about a POS that another one has
    /// taken over is no longer true.
    pub fn streams(&self) -> impl Iterator<Item = (Option<PosSystemId>, &StreamState)> {
        self.live_agents().flat_map(move |agent| {
            agent.streams.iter().filter_map(move |stream| {
                let pos_system = self
                    .pos_systems
                    .iter()
                    .find(|pos_system| pos_system.system_name == stream.pos);
                let taken_over =
                    pos_system.is_some_and(|pos_system| pos_system.agent_id != Some(agent.id));
                (!taken_over).then_some((pos_system.map(|pos_system| pos_system.id), stream))
            })
        })
    }

    /// When an agent was last heard of.
    #[must_use]
    pub fn last_seen_at(&self) -> Option<DateTime<Utc>> {
        self.live_agents()
            .filter_map(|agent| agent.last_seen_at)
            .max()
    }

    /// When a job last completed.
    #[must_use]
    pub fn last_sync_at(&self) -> Option<DateTime<Utc>> {
        self.pos_systems
            .iter()
            .filter_map(|pos_system| pos_system.last_sync_at)
            .max()
    }

    /// What waits in the spools.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.live_agents()
            .map(queue_of)
            .fold(Queue::default(), |all, one| Queue {
                batches: all.batches.saturating_add(one.batches),
                bytes: all.bytes.saturating_add(one.bytes),
                oldest_at: [all.oldest_at, one.oldest_at].into_iter().flatten().min(),
            })
    }

    /// How many streams are how.
    #[must_use]
    pub fn summary(&self) -> StreamSummary {
        let mut summary = StreamSummary::default();
        for (_, stream) in self.streams() {
            summary.total += 1;
            match stream.phase {
                StreamPhase::Halted => summary.halted += 1,
                StreamPhase::Retrying => summary.retrying += 1,
                // A routine comparison of everything is no news; only the first one keeps a store from being in sync.
                StreamPhase::Snapshot if stream.last_success_at.is_none() => summary.syncing += 1,
                StreamPhase::Snapshot
                | StreamPhase::Idle
                | StreamPhase::Following
                | StreamPhase::Other => match stream.last_error {
                    Some(_) => summary.retrying += 1,
                    None => summary.ok += 1,
                },
            }
        }
        summary
    }

    /// Webhooks that take events.
    fn live_webhooks(&self) -> impl Iterator<Item = (&PosSystem, &WebhookView)> {
        self.pos_systems.iter().filter_map(|pos_system| {
            let webhook = self.webhooks.get(&pos_system.id)?;
            webhook
                .deactivated_at
                .is_none()
                .then_some((pos_system, webhook))
        })
    }

    /// The last refused call, until one is taken, and for an hour at least.
    fn refusal(&self, now: DateTime<Utc>) -> Option<LastError> {
        let refusals = self.live_webhooks().filter_map(|(pos_system, webhook)| {
            let at = webhook.last_refusal_at?;
            let is_last = webhook.last_event_at.is_none_or(|event| event < at);
            (is_last || now - at < REFUSALS_TOLD).then(|| LastError {
                at: Some(at),
                pos_system: Some(pos_system.system_name.clone()),
                stream: None,
                message: format!(
                    "a call was refused: {}",
                    webhook.last_refusal.as_deref().unwrap_or("unsigned")
                ),
                hint: None,
            })
        });
        refusals.max_by_key(|refusal| refusal.at)
    }

    /// Whether nobody brings anything yet: no agent reads a POS here, and no POS calls out by itself.
    fn is_idle(&self) -> bool {
        let waits_for_agent = |pos_system: &PosSystem| !self.webhooks.contains_key(&pos_system.id);
        let has_agent = self.live_agents().next().is_some();
        let has_webhook = self.live_webhooks().next().is_some();
        self.pos_systems.is_empty()
            || (!has_agent && (!has_webhook || self.pos_systems.iter().any(waits_for_agent)))
    }

    /// What last went wrong: the latest failed job, else what a stream says of itself, halted ones first, else a refused
    /// call.
    #[must_use]
    pub fn last_error(&self, now: DateTime<Utc>) -> Option<LastError> {
        let job = self
            .failed
            .iter()
            .max_by_key(|job| job.error.at)
            .map(|job| job.error.clone());
        job.or_else(|| {
            let streams = self
                .streams()
                .filter(|(_, stream)| stream.last_error.is_some());
            let (_, worst) =
                streams.min_by_key(|(_, stream)| stream.phase != StreamPhase::Halted)?;
            Some(LastError {
                at: None,
                pos_system: Some(worst.pos.clone()),
                stream: Some(worst.stream.to_string()),
                message: worst.last_error.clone()?,
                hint: None,
            })
        })
        .or_else(|| self.refusal(now))
    }

    /// The last update that did an agent no good, until the agent runs that version or a newer one, or has to do with
    /// another. The store works all the same, so this says nothing about its state.
    #[must_use]
    pub fn update_problem(&self) -> Option<UpdateProblem> {
        let problems = self.live_agents().filter_map(|agent| {
            let AgentUpdate { report, at } = self.updates.get(&agent.id)?;
            let failed = matches!(report.state, UpdateState::RolledBack | UpdateState::Refused);
            (failed && !runs(&agent.version, &report.target)).then(|| UpdateProblem {
                at: *at,
                machine: agent.machine.clone(),
                version: agent.version.clone(),
                halted: self.halted_releases.contains(&report.target),
                report: report.clone(),
            })
        });
        problems.max_by_key(|problem| problem.at)
    }

    /// How the store is doing.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> StoreState {
        if self.is_idle() {
            return StoreState::Never;
        }
        let summary = self.summary();
        let queue = self.queue();
        let waits = queue.batches > 0
            && queue
                .oldest_at
                .is_some_and(|oldest| now - oldest > QUEUE_PATIENCE);
        if summary.halted > 0 || !self.failed.is_empty() {
            StoreState::Failing
        } else if self.live_agents().next().is_some()
            && self
                .last_seen_at()
                .is_none_or(|seen| now - seen > SILENT_AFTER)
        {
            StoreState::Silent
        } else if summary.syncing > 0 {
            StoreState::Syncing
        } else if self.rejects_open > 0
            || self.conflicts_open > 0
            || summary.retrying > 0
            || waits
            || self.refusal(now).is_some()
        {
            StoreState::Warning
        } else {
            StoreState::Ok
        }
    }
}

/// Whether an agent of this version has what that one would bring.
fn runs(version: &str, target: &str) -> bool {
    match (Version::parse(version), Version::parse(target)) {
        (Ok(version), Ok(target)) => version.cmp_precedence(&target) != Ordering::Less,
        _ => version == target,
    }
}

/// What waits in an agent's spool.
#[must_use]
pub fn queue_of(agent: &AgentState) -> Queue {
    let count = |number: Option<i64>| {
        number
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or_default()
    };
    Queue {
        batches: count(agent.queued_batches),
        bytes: count(agent.queued_bytes),
        oldest_at: agent.oldest_queued_at,
    }
}

#[cfg(test)]
mod tests {
    use fluxion_model::id::StoreId;
    use fluxion_model::release::UpdateReport;
    use serde_json::json;

    use super::*;

    fn known(now: DateTime<Utc>) -> Known {
        let (store_id, agent_id) = (StoreId::generate(), AgentId::generate());
        let agent = AgentState {
            id: agent_id,
            store_id,
            machine: "CAJA-1".to_owned(),
            os: None,
            version: "0.1.0".to_owned(),
            enrolled_at: now,
            revoked_at: None,
            epoch: None,
            last_seq: None,
            last_delivery_at: None,
            last_seen_at: Some(now),
            clock_skew_ms: None,
            queued_batches: Some(0),
            queued_bytes: Some(0),
            oldest_queued_at: None,
            disk_free_bytes: None,
            streams: vec![stream(StreamPhase::Following)],
        };
        let pos_system = PosSystem {
            id: PosSystemId::generate(),
            store_id,
            agent_id: Some(agent_id),
            system_type: "systimax".to_owned(),
            system_name: "systimax".to_owned(),
            connector: "mysql".to_owned(),
            connection_config: json!({}),
            field_mappings: json!({}),
            mapping_name: "systimax-mysql".to_owned(),
            mapping_version: 1,
            sync_settings: json!({}),
            is_active: true,
            last_sync_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        Known {
            agents: vec![agent],
            pos_systems: vec![pos_system],
            ..Known::default()
        }
    }

    fn stream(phase: StreamPhase) -> StreamState {
        StreamState {
            pos: "systimax".to_owned(),
            stream: "items".parse().unwrap(),
            phase,
            last_success_at: None,
            rows_read: 0,
            last_error: None,
        }
    }

    #[test]
    fn a_store_is_judged_by_the_worst_that_holds() {
        let now = Utc::now();
        assert_eq!(Known::default().state(now), StoreState::Never);

        let mut store = known(now);
        assert_eq!(store.state(now), StoreState::Ok);
        store.rejects_open = 1;
        assert_eq!(store.state(now), StoreState::Warning);
        store.agents[0].streams = vec![stream(StreamPhase::Snapshot)];
        assert_eq!(store.state(now), StoreState::Syncing);
        store.agents[0].streams[0].last_success_at = Some(now);
        assert_eq!(
            store.state(now),
            StoreState::Warning,
            "a routine comparison"
        );
        store.agents[0].streams[0].last_success_at = None;
        assert_eq!(
            store.state(now + TimeDelta::seconds(91)),
            StoreState::Silent
        );
        store.agents[0].streams.push(stream(StreamPhase::Halted));
        assert_eq!(
            store.state(now + TimeDelta::seconds(91)),
            StoreState::Failing
        );
        store.agents[0].revoked_at = Some(now);
        assert_eq!(store.state(now), StoreState::Never);
    }

    fn webhook(at: DateTime<Utc>) -> WebhookView {
        WebhookView {
            path: String::new(),
            events: 1,
            last_event_at: Some(at),
            last_refusal_at: None,
            last_refusal: None,
            rotated_at: None,
            previous_until: None,
            deactivated_at: None,
        }
    }

    #[test]
    fn a_pos_that_calls_out_needs_no_agent() {
        let now = Utc::now();
        let mut store = known(now);
        let id = store.pos_systems[0].id;
        store.agents.clear();
        assert_eq!(store.state(now), StoreState::Never);
        store.webhooks.insert(id, webhook(now));
        assert_eq!(store.state(now), StoreState::Ok);
        assert_eq!(
            store.state(now + TimeDelta::days(2)),
            StoreState::Ok,
            "a shop may be closed"
        );

        let refuse = |store: &mut Known, at| {
            let webhook = store.webhooks.get_mut(&id).unwrap();
            webhook.last_refusal_at = Some(at);
            webhook.last_refusal = Some("no signature fits".to_owned());
        };
        refuse(&mut store, now + TimeDelta::minutes(1));
        let later = now + TimeDelta::days(1);
        assert_eq!(
            store.state(later),
            StoreState::Warning,
            "nothing was taken since"
        );
        assert!(
            store
                .last_error(later)
                .unwrap()
                .message
                .contains("no signature fits")
        );
        refuse(&mut store, now - TimeDelta::minutes(59));
        assert_eq!(store.state(now), StoreState::Warning, "not long ago");
        refuse(&mut store, now - TimeDelta::minutes(61));
        assert_eq!(store.state(now), StoreState::Ok);
        store.rejects_open = 1;
        assert_eq!(store.state(now), StoreState::Warning);
        store.webhooks.get_mut(&id).unwrap().deactivated_at = Some(now);
        assert_eq!(store.state(now), StoreState::Never);
    }

    #[test]
    fn a_webhook_speaks_for_itself_and_not_for_an_agent() {
        let now = Utc::now();
        let mut store = known(now);
        let caja = PosSystem {
            id: PosSystemId::generate(),
            system_name: "caja".to_owned(),
            agent_id: None,
            ..store.pos_systems[0].clone()
        };
        store.webhooks.insert(caja.id, webhook(now));
        store.pos_systems.push(caja);
        assert_eq!(store.state(now), StoreState::Ok);
        assert_eq!(
            store.state(now + TimeDelta::seconds(91)),
            StoreState::Silent
        );
        store.agents[0].revoked_at = Some(now);
        assert_eq!(
            store.state(now),
            StoreState::Never,
            "the other POS waits for an agent"
        );
    }

    #[test]
    fn a_replaced_agent_no_longer_speaks_for_the_pos() {
        let now = Utc::now();
        let mut store = known(now);
        let mut old = store.agents[0].clone();
        old.id = AgentId::generate();
        old.streams = vec![stream(StreamPhase::Halted)];
        store.agents.push(old);
        assert_eq!(
            store.summary(),
            StreamSummary {
                total: 1,
                ok: 1,
                ..StreamSummary::default()
            }
        );
        assert_eq!(store.state(now), StoreState::Ok);
    }

    #[test]
    fn an_agent_that_went_back_is_told_of_until_it_runs_that_version_or_a_newer_one() {
        let now = Utc::now();
        let mut store = known(now);
        let agent = store.agents[0].id;
        let said = |state, store: &mut Known| {
            let report = UpdateReport {
                target: "0.2.0".to_owned(),
                state,
                message: Some("it ended".to_owned()),
            };
            store.updates.insert(agent, AgentUpdate { report, at: now });
        };
        assert_eq!(store.update_problem(), None);
        for harmless in [
            UpdateState::Downloading,
            UpdateState::Failed,
            UpdateState::Off,
        ] {
            said(harmless, &mut store);
            assert_eq!(store.update_problem(), None);
        }
        said(UpdateState::RolledBack, &mut store);
        let problem = store.update_problem().unwrap();
        assert_eq!(
            (
                problem.machine.as_str(),
                problem.version.as_str(),
                problem.halted
            ),
            ("CAJA-1", "0.1.0", false)
        );
        assert_eq!(store.state(now), StoreState::Ok, "it works all the same");
        store.halted_releases.insert("0.2.0".to_owned());
        assert!(store.update_problem().unwrap().halted);
        store.agents[0].version = "0.3.0".to_owned();
        assert_eq!(store.update_problem(), None);
        store.agents[0].version = "0.1.0".to_owned();
        store.agents[0].revoked_at = Some(now);
        assert_eq!(store.update_problem(), None);
    }
}
