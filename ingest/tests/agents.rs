//! How agents become known, and what they are asked to do.

use chrono::{Duration, Utc};
use fluxion_ingest::database::DatabaseError;
use fluxion_model::command::{Action, CommandOutcome, SyncMode};
use fluxion_model::enrolment::EnrolRequest;
use fluxion_model::heartbeat::{Heartbeat, StreamPhase, StreamState};
use fluxion_model::id::{AgentId, CommandId};

use crate::chain::Chain;

on_both_engines!(
    a_code_enrols_one_agent_and_no_second_one,
    an_answer_that_was_lost_is_given_again_to_whoever_has_the_token_and_to_nobody_else,
    an_expired_code_enrols_nobody,
    a_token_is_worth_nothing_once_revoked,
    a_heartbeat_is_what_the_dashboard_shows,
    a_command_is_handed_out_until_its_outcome_is_known,
);

fn request() -> EnrolRequest {
    EnrolRequest {
        code: String::new(),
        machine: "CAJA-1".to_owned(),
        os: Some("Windows 7".to_owned()),
        version: "0.1.0".to_owned(),
        token: None,
    }
}

async fn a_code_enrols_one_agent_and_no_second_one(chain: Chain) {
    let store = chain.store("Chacao").await.identity.store;
    let database = &chain.database;
    database
        .add_enrolment_code(
            chain.tenant,
            store,
            "hash",
            None,
            Utc::now() + Duration::hours(1),
        )
        .await
        .unwrap();
    let request = request();
    let (a, b) = tokio::join!(
        database.enrol("hash", &request, "token a"),
        database.enrol("hash", &request, "token b")
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let enrolled = a.or(b).unwrap();
    assert_eq!(
        (enrolled.store_name.as_str(), enrolled.tenant_name.as_str()),
        ("Chacao", "Abastos El Ávila")
    );
    assert_eq!(
        database
            .agents(chain.tenant, Some(store))
            .await
            .unwrap()
            .len(),
        2
    );
}

async fn an_answer_that_was_lost_is_given_again_to_whoever_has_the_token_and_to_nobody_else(
    chain: Chain,
) {
    let store = chain.store("Chacao").await.identity.store;
    let database = &chain.database;
    let until = Utc::now() + Duration::hours(1);
    database
        .add_enrolment_code(chain.tenant, store, "hash", None, until)
        .await
        .unwrap();
    let request = request();
    // Two at the same moment are one agent, too.
    let (first, again) = tokio::join!(
        database.enrol("hash", &request, "token"),
        database.enrol("hash", &request, "token")
    );
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!(first.identity, again.identity);
    assert_eq!(again.store_name, "Chacao");
    for (code, token) in [("hash", "another"), ("another", "token")] {
        let refused = database.enrol(code, &request, token).await;
        assert!(matches!(refused, Err(DatabaseError::NotFound(_))));
    }
    let agent = first.identity.agent;
    database.revoke_agent(chain.tenant, agent).await.unwrap();
    let refused = database.enrol("hash", &request, "token").await;
    assert!(matches!(refused, Err(DatabaseError::NotFound(_))));
}

async fn an_expired_code_enrols_nobody(chain: Chain) {
    let store = chain.store("Chacao").await.identity.store;
    chain
        .database
        .add_enrolment_code(
            chain.tenant,
            store,
            "hash",
            None,
            Utc::now() - Duration::hours(1),
        )
        .await
        .unwrap();
    let refused = chain.database.enrol("hash", &request(), "token").await;
    assert!(
        matches!(refused, Err(DatabaseError::NotFound(_))),
        "{refused:?}"
    );
}

async fn a_token_is_worth_nothing_once_revoked(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let token = format!("token of Chacao of {}", chain.tenant);
    assert_eq!(
        chain.database.authenticate(&token).await.unwrap(),
        agent.identity
    );
    assert!(chain.database.authenticate("another").await.is_err());
    chain
        .database
        .revoke_agent(chain.tenant, agent.identity.agent)
        .await
        .unwrap();
    assert!(chain.database.authenticate(&token).await.is_err());
    let delivery = agent.delivery(agent.next, &[]);
    assert!(
        chain
            .database
            .apply(&agent.identity, &delivery)
            .await
            .is_err(),
        "and so is what it still has to deliver"
    );
    assert!(
        chain
            .database
            .revoke_agent(chain.tenant, AgentId::generate())
            .await
            .is_err()
    );
}

async fn a_heartbeat_is_what_the_dashboard_shows(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let heartbeat = Heartbeat {
        version: "0.2.0".to_owned(),
        now: Utc::now() + Duration::minutes(10),
        epoch: agent.epoch,
        last_seq: None,
        queued_batches: 3,
        queued_bytes: u64::MAX,
        oldest_queued_at: None,
        disk_free_bytes: Some(1_000),
        streams: vec![StreamState {
            pos: "till".to_owned(),
            stream: "items".parse().unwrap(),
            phase: StreamPhase::Retrying,
            last_success_at: None,
            rows_read: 7,
            last_error: Some("unreachable".to_owned()),
        }],
        os: Some("Windows 11 Pro\u{7} 23H2".to_owned()),
        update: None,
    };
    chain
        .database
        .keep_heartbeat(&agent.identity, &heartbeat)
        .await
        .unwrap();
    let state = chain
        .database
        .agents(chain.tenant, None)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (
            state.version.as_str(),
            state.queued_batches,
            state.queued_bytes
        ),
        ("0.2.0", Some(3), Some(i64::MAX))
    );
    assert!((590_000..=601_000).contains(&state.clock_skew_ms.unwrap()));
    assert_eq!(state.streams, heartbeat.streams);
    assert_eq!(state.os.as_deref(), Some("Windows 11 Pro 23H2"));
    // An agent from before it was told says nothing about it.
    let older = Heartbeat {
        os: None,
        ..heartbeat
    };
    let database = &chain.database;
    database
        .keep_heartbeat(&agent.identity, &older)
        .await
        .unwrap();
    let state = database.agents(chain.tenant, None).await.unwrap().remove(0);
    assert_eq!(state.os.as_deref(), Some("Windows 11 Pro 23H2"));
    assert!(state.last_seen_at.is_some());
}

async fn a_command_is_handed_out_until_its_outcome_is_known(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let action = Action::Sync {
        pos: None,
        stream: None,
        mode: SyncMode::Full,
    };
    let id = chain
        .database
        .add_command(chain.tenant, agent.identity.agent, &action, None)
        .await
        .unwrap();
    assert!(
        chain
            .database
            .add_command(chain.tenant, AgentId::generate(), &action, None)
            .await
            .is_err()
    );

    let commands = chain.database.take_commands(&agent.identity).await.unwrap();
    assert_eq!(
        (commands.len(), commands[0].id, &commands[0].action),
        (1, id, &action)
    );
    assert!(
        chain
            .database
            .take_commands(&agent.identity)
            .await
            .unwrap()
            .is_empty(),
        "it is on its way"
    );

    chain
        .database
        .finish_command(&agent.identity, id, &CommandOutcome::Done)
        .await
        .unwrap();
    let late = CommandOutcome::Failed {
        message: "late".to_owned(),
    };
    chain
        .database
        .finish_command(&agent.identity, id, &late)
        .await
        .unwrap();
    assert_eq!(
        chain.value("select status as v from commands").await,
        "done"
    );
    assert!(
        chain
            .database
            .finish_command(&agent.identity, CommandId::generate(), &late)
            .await
            .is_err()
    );
}
