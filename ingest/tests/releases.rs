//! Releases of the agent: what is published, what agents report, and when a release is stopped by itself.

use chrono::{Duration, Utc};
use fluxion_ingest::database::DatabaseError;
use fluxion_ingest::database::releases::{Release, ReleaseState, UpdateCounts, Waves};
use fluxion_ingest::ops::releases::hear;
use fluxion_model::heartbeat::Heartbeat;
use fluxion_model::release::{UpdateReport, UpdateState};

use crate::chain::{Agent, Chain};

on_both_engines!(
    a_release_reads_as_it_was_published_and_its_version_is_taken,
    a_release_is_halted_once_and_resumed,
    what_an_agent_says_is_kept_by_company_and_news_only_once,
    reports_about_unknown_versions_are_nobodys_business,
    two_agents_that_go_back_stop_a_release_for_everybody,
);

fn release(version: &str) -> Release {
    // Databases keep microseconds.
    let at = chrono::DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
    Release {
        version: version.to_owned(),
        manifest: "{\"versión\": 1}\n".to_owned(),
        signature: "untrusted comment: x\nRW\n".to_owned(),
        state: ReleaseState::Offered,
        halted_because: None,
        waves: Waves {
            shares: vec![100],
            every: Duration::hours(24),
        },
        published_at: at,
        counted_from: at,
    }
}

fn report(state: UpdateState, message: Option<&str>) -> UpdateReport {
    UpdateReport {
        target: "0.2.0".to_owned(),
        state,
        message: message.map(str::to_owned),
    }
}

fn heartbeat(agent: &Agent, update: Option<UpdateReport>) -> Heartbeat {
    Heartbeat {
        version: "0.1.0".to_owned(),
        now: Utc::now(),
        epoch: agent.epoch,
        last_seq: None,
        queued_batches: 0,
        queued_bytes: 0,
        oldest_queued_at: None,
        disk_free_bytes: None,
        streams: Vec::new(),
        os: None,
        update,
    }
}

async fn a_release_reads_as_it_was_published_and_its_version_is_taken(chain: Chain) {
    let published = release("0.2.0");
    chain.database.add_release(&published).await.unwrap();
    assert_eq!(
        chain.database.releases().await.unwrap(),
        std::slice::from_ref(&published)
    );
    let again = chain.database.add_release(&published).await;
    assert!(
        matches!(again, Err(DatabaseError::Conflict(_))),
        "{again:?}"
    );
}

async fn a_release_is_halted_once_and_resumed(chain: Chain) {
    let database = &chain.database;
    database.add_release(&release("0.2.0")).await.unwrap();
    assert!(database.halt_release("0.2.0", "it smells").await.unwrap());
    assert!(!database.halt_release("0.2.0", "again").await.unwrap());
    let halted = database.releases().await.unwrap().remove(0);
    assert_eq!(
        (halted.state, halted.halted_because.as_deref()),
        (ReleaseState::Halted, Some("it smells"))
    );
    database.resume_release("0.2.0").await.unwrap();
    let resumed = database.releases().await.unwrap().remove(0);
    assert_eq!(
        (resumed.state, resumed.halted_because),
        (ReleaseState::Offered, None)
    );
    assert!(resumed.counted_from > halted.counted_from);
    assert!(matches!(
        database.resume_release("0.9.0").await,
        Err(DatabaseError::NotFound(_))
    ));
}

async fn what_an_agent_says_is_kept_by_company_and_news_only_once(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let database = &chain.database;
    database.add_release(&release("0.2.0")).await.unwrap();
    let said = report(UpdateState::Downloading, Some("40 %"));
    assert!(database.keep_update(&agent.identity, &said).await.unwrap());
    assert!(!database.keep_update(&agent.identity, &said).await.unwrap());
    let said = report(UpdateState::RolledBack, Some(&"ñ".repeat(2_000)));
    assert!(database.keep_update(&agent.identity, &said).await.unwrap());
    let updates = database.updates(chain.tenant).await.unwrap();
    let kept = &updates[&agent.identity.agent].report;
    assert_eq!(
        (kept.target.as_str(), kept.state),
        ("0.2.0", UpdateState::RolledBack)
    );
    assert_eq!(kept.message.as_ref().unwrap().chars().count(), 500);
    let other = chain
        .matching_by(fluxion_ingest::database::fleet::MatchRule::Sku)
        .await;
    assert!(
        other
            .database
            .updates(other.tenant)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn reports_about_unknown_versions_are_nobodys_business(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let said = report(UpdateState::Installed, None);
    assert!(
        !chain
            .database
            .keep_update(&agent.identity, &said)
            .await
            .unwrap()
    );
    assert_eq!(chain.count("agent_updates").await, 0);
}

async fn two_agents_that_go_back_stop_a_release_for_everybody(chain: Chain) {
    let (one, two, three) = (
        chain.store("Chacao").await,
        chain.store("Centro").await,
        chain.store("Sur").await,
    );
    let database = &*chain.database;
    let published = release("0.2.0");
    database.add_release(&published).await.unwrap();
    let hear = async |agent: &Agent, said: Option<UpdateReport>| {
        hear(database, &agent.identity, &heartbeat(agent, said))
            .await
            .unwrap()
    };
    let offer = hear(&three, None).await.unwrap();
    assert_eq!(
        (offer.manifest, offer.signature),
        (published.manifest, published.signature)
    );
    let back = || Some(report(UpdateState::RolledBack, Some("it ended")));
    assert_eq!(hear(&one, back()).await, None);
    assert!(
        hear(&three, None).await.is_some(),
        "one store may have a trouble of its own"
    );
    hear(&two, back()).await;
    let counts = database
        .update_counts("0.2.0", published.counted_from)
        .await
        .unwrap();
    assert_eq!(
        database.reasons_to_go_back("0.2.0").await.unwrap(),
        [("it ended".to_owned(), 2)]
    );
    assert_eq!(
        counts,
        UpdateCounts {
            tried: 2,
            rolled_back: 2,
            installed: 0
        }
    );
    assert_eq!(hear(&three, None).await, None, "taken back");
    let halted = database.releases().await.unwrap().remove(0);
    assert!(
        halted
            .halted_because
            .unwrap()
            .starts_with("by itself: 2 of 2"),
        "with the reason"
    );
    // Whoever resumes it has looked; what was said before does not count any more, and neither does saying it again.
    database.resume_release("0.2.0").await.unwrap();
    hear(&one, back()).await;
    assert!(hear(&three, None).await.is_some());
}
