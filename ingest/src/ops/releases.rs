//! Which agent is offered which release, and when a release is stopped because it does not do agents good.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use fluxion_model::Version;
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::heartbeat::Heartbeat;
use fluxion_model::id::AgentId;
use fluxion_model::release::{UpdateOffer, UpdateReport, UpdateState};
use serde_json::json;

use crate::database::agents::AgentIdentity;
use crate::database::releases::{Release, ReleaseState, UpdateCounts};
use crate::database::{Database, DatabaseResult};

/// A release is stopped when at least so many agents went back from it, …
const MIN_ROLLED_BACK: i64 = 2;
/// … and they are more than this share of those that tried it, in percent.
const MAX_SHARE: i64 = 10;

/// Keeps what the agent says about its update, and tells what it is offered now.
///
/// # Errors
/// When the database does not answer.
pub async fn hear(
    database: &dyn Database,
    agent: &AgentIdentity,
    heartbeat: &Heartbeat,
) -> DatabaseResult<Option<UpdateOffer>> {
    let mut releases = database.releases().await?;
    if let Some(report) = &heartbeat.update
        && database.keep_update(agent, report).await?
        && report.state.is_final()
    {
        if report.state == UpdateState::RolledBack
            && let Some(release) = releases
                .iter_mut()
                .find(|release| release.version == report.target)
            && judge(database, release).await?
        {
            release.state = ReleaseState::Halted;
        }
        // The dashboard shows at once that an agent went back, or that all is well again.
        let payload = json!({ "store_id": agent.store });
        database
            .add_event(agent.tenant, "store_changed", &payload)
            .await?;
    }
    Ok(offer(&releases, agent.agent, heartbeat, Utc::now()))
}

/// Stops a release that too many agents went back from. True when it was stopped.
async fn judge(database: &dyn Database, release: &Release) -> DatabaseResult<bool> {
    let counts = database
        .update_counts(&release.version, release.counted_from)
        .await?;
    if !is_bad(counts) {
        return Ok(false);
    }
    let because = format!(
        "by itself: {} of {} agents that tried it went back to the version before",
        counts.rolled_back, counts.tried
    );
    if database.halt_release(&release.version, &because).await? {
        metrics::counter!("fluxion_releases_halted_total").increment(1);
        tracing::error!(
            version = release.version,
            "the release is halted: {because}; `fluxion-ingest release resume {}` offers it again",
            release.version
        );
    }
    Ok(true)
}

fn is_bad(counts: UpdateCounts) -> bool {
    counts.rolled_back >= MIN_ROLLED_BACK && counts.rolled_back * 100 > counts.tried * MAX_SHARE
}

/// The newest release that is this agent's turn, is newer than what it runs, and with which it has not done yet.
fn offer(
    releases: &[Release],
    agent: AgentId,
    heartbeat: &Heartbeat,
    now: DateTime<Utc>,
) -> Option<UpdateOffer> {
    let running = Version::parse(&heartbeat.version).ok()?;
    let mut open: Vec<(Version, &Release)> = releases
        .iter()
        .filter(|release| release.state == ReleaseState::Offered)
        .filter_map(|release| Some((Version::parse(&release.version).ok()?, release)))
        .filter(|(version, _)| version.cmp_precedence(&running) == Ordering::Greater)
        .filter(|(_, release)| {
            place(agent, &release.version)
                < u64::from(release.waves.share_after(now - release.counted_from))
        })
        .collect();
    open.sort_by(|(a, _), (b, _)| a.cmp_precedence(b));
    let (_, release) = open.pop()?;
    let done = |report: &UpdateReport| report.target == release.version && report.state.is_final();
    if heartbeat.update.as_ref().is_some_and(done) {
        return None;
    }
    Some(UpdateOffer {
        version: release.version.clone(),
        manifest: release.manifest.clone(),
        signature: release.signature.clone(),
    })
}

/// Where an agent stands in the line for a version, 0 to 99: always the same, and another for each version, so that it
/// is not always the same stores that go first.
fn place(agent: AgentId, version: &str) -> u64 {
    let text = format!("{agent} {version}");
    let [first, second, ..] = Fingerprint::of(text.as_bytes()).0;
    u64::from(u16::from_be_bytes([first, second])) * 100 / 65_536
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use fluxion_model::id::Epoch;

    use super::*;
    use crate::database::releases::Waves;

    fn release(version: &str, state: ReleaseState, shares: &[u8]) -> Release {
        Release {
            version: version.to_owned(),
            manifest: "{}".to_owned(),
            signature: "s".to_owned(),
            state,
            halted_because: None,
            waves: Waves {
                shares: shares.to_vec(),
                every: Duration::hours(24),
            },
            published_at: DateTime::UNIX_EPOCH,
            counted_from: DateTime::UNIX_EPOCH,
        }
    }

    fn heartbeat(version: &str, update: Option<(&str, UpdateState)>) -> Heartbeat {
        Heartbeat {
            version: version.to_owned(),
            now: DateTime::UNIX_EPOCH,
            epoch: Epoch::generate(),
            last_seq: None,
            queued_batches: 0,
            queued_bytes: 0,
            oldest_queued_at: None,
            disk_free_bytes: None,
            streams: Vec::new(),
            os: None,
            update: update.map(|(target, state)| UpdateReport {
                target: target.to_owned(),
                state,
                message: None,
            }),
        }
    }

    fn offered(releases: &[Release], heartbeat: &Heartbeat) -> Option<String> {
        let now = DateTime::UNIX_EPOCH + Duration::minutes(1);
        offer(releases, AgentId::generate(), heartbeat, now).map(|offer| offer.version)
    }

    #[test]
    fn the_newest_release_that_is_newer_and_not_halted_is_offered() {
        use ReleaseState::{Halted, Offered};
        let releases = [
            release("0.9.0", Offered, &[100]),
            release("0.10.0", Offered, &[100]),
            release("0.11.0", Halted, &[100]),
            release("0.12.0", Offered, &[0]),
        ];
        assert_eq!(
            offered(&releases, &heartbeat("0.1.0", None)).unwrap(),
            "0.10.0"
        );
        assert_eq!(offered(&releases, &heartbeat("0.10.0", None)), None);
        assert_eq!(
            offered(&releases, &heartbeat("0.10.0-rc.1", None)).unwrap(),
            "0.10.0"
        );
        assert_eq!(
            offered(&releases, &heartbeat("a build of somebody's", None)),
            None
        );
    }

    #[test]
    fn a_release_that_is_resumed_begins_with_its_first_wave() {
        let resumed = Release {
            counted_from: DateTime::UNIX_EPOCH + Duration::days(3),
            ..release("0.2.0", ReleaseState::Offered, &[0, 100])
        };
        let agent = AgentId::generate();
        let on_day = |day| {
            let now = DateTime::UNIX_EPOCH + Duration::days(day);
            offer(
                std::slice::from_ref(&resumed),
                agent,
                &heartbeat("0.1.0", None),
                now,
            )
        };
        assert_eq!(on_day(3), None);
        assert!(on_day(4).is_some());
    }

    #[test]
    fn an_agent_that_has_done_with_a_release_is_left_alone() {
        let releases = [release("0.2.0", ReleaseState::Offered, &[100])];
        let after = |state| offered(&releases, &heartbeat("0.1.0", Some(("0.2.0", state))));
        assert_eq!(after(UpdateState::RolledBack), None);
        assert_eq!(after(UpdateState::Refused), None);
        assert!(
            after(UpdateState::Downloading).is_some(),
            "its absence would take it back"
        );
        assert!(after(UpdateState::Failed).is_some());
        let another = heartbeat("0.1.0", Some(("0.1.9", UpdateState::RolledBack)));
        assert!(offered(&releases, &another).is_some());
    }

    #[test]
    fn a_wave_holds_its_share_of_the_agents_and_who_was_in_one_is_in_the_next() {
        let agents: Vec<AgentId> = (0..2_000).map(|_| AgentId::generate()).collect();
        let within = |share: u64| {
            agents
                .iter()
                .filter(|agent| place(**agent, "0.2.0") < share)
                .count()
        };
        assert!((100..=300).contains(&within(10)), "{}", within(10));
        assert_eq!(within(100), 2_000);
        let same = agents
            .iter()
            .filter(|agent| place(**agent, "0.2.0") == place(**agent, "0.3.0"))
            .count();
        assert!(same < 100, "{same}");
    }

    #[test]
    fn two_rollbacks_and_more_than_a_tenth_stop_a_release() {
        let counts = |rolled_back, tried| UpdateCounts {
            tried,
            rolled_back,
            installed: 0,
        };
        assert!(
            !is_bad(counts(1, 1)),
            "one store may have a trouble of its own"
        );
        assert!(is_bad(counts(2, 2)));
        assert!(!is_bad(counts(2, 20)));
        assert!(is_bad(counts(3, 20)));
    }
}
