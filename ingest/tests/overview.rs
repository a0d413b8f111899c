//! What a person sees first: how each store is doing, and what lies behind it.

use chrono::Utc;
use fluxion_ingest::database::DatabaseError;
use fluxion_ingest::database::fleet::MatchRule;
use fluxion_ingest::views::job::JobFilter;
use fluxion_ingest::views::overview::StoreState;
use fluxion_ingest::views::store::NewStore;
use fluxion_model::delivery::Line;
use fluxion_model::heartbeat::{Heartbeat, StreamPhase, StreamState};
use fluxion_model::id::{JobId, StreamName};
use fluxion_model::job::{JobCounts, JobError, JobKind, JobReport, JobStatus};
use fluxion_model::reject::ErrorClass;

use crate::chain::{Agent, Chain, product, put, sale, tenant};

on_both_engines!(the_overview_tells_how_each_store_is_doing);

async fn the_overview_tells_how_each_store_is_doing(chain: Chain) {
    let (database, tenant) = (&chain.database, chain.tenant);
    let (mut good, mut bad) = (chain.store("Chacao").await, chain.store("Petare").await);
    let city = Some("Maracaibo".to_owned());
    let new = database
        .create_store(
            tenant,
            &NewStore {
                name: "Bella Vista".to_owned(),
                city,
            },
        )
        .await
        .unwrap();
    let twice = database
        .create_store(
            tenant,
            &NewStore {
                name: "Bella Vista".to_owned(),
                city: None,
            },
        )
        .await;
    assert!(
        matches!(twice, Err(DatabaseError::Conflict(_))),
        "{twice:?}"
    );
    for agent in [&good, &bad] {
        database
            .keep_heartbeat(&agent.identity, &heartbeat(agent))
            .await
            .unwrap();
    }
    good.deliver(&[
        put(product("1", "A", "Café", &[])),
        put(sale("S1", &["1"])),
        Line::Job(job(JobStatus::Completed)),
    ])
    .await;
    bad.deliver(&[
        Line::Job(job(JobStatus::Completed)),
        Line::Job(job(JobStatus::Failed)),
    ])
    .await;

    let overview = database.overview(tenant).await.unwrap();
    let states: Vec<_> = overview
        .stores
        .iter()
        .map(|store| (store.name.as_str(), store.state))
        .collect();
    assert_eq!(
        states,
        [
            ("Petare", StoreState::Failing),
            ("Bella Vista", StoreState::Never),
            ("Chacao", StoreState::Ok)
        ]
    );
    let error = overview.stores[0].last_error.clone().unwrap();
    assert_eq!(
        (error.message.as_str(), error.pos_system.as_deref()),
        ("Falta una columna.", Some("till"))
    );
    assert_eq!(
        (
            overview.stores[2].queue.batches,
            overview.stores[2].streams.ok
        ),
        (3, 1)
    );
    assert_eq!(overview.stores[2].systems, ["systimax"]);
    let metrics = overview.metrics;
    assert_eq!(
        (
            metrics.pos_systems_active,
            metrics.data_volume_today.sales,
            metrics.data_volume_today.products
        ),
        (2, 1, 1)
    );
    if metrics.sync_jobs_today == 3 {
        // Not across midnight.
        assert!((metrics.sync_success_rate.unwrap() - 2.0 / 3.0).abs() < 1e-9);
        assert!(
            (metrics.avg_sync_duration.unwrap() - 1.5).abs() < 0.01,
            "{metrics:?}"
        );
    }

    let detail = database
        .store_detail(tenant, bad.identity.store)
        .await
        .unwrap();
    assert_eq!(
        (
            detail.agents.len(),
            detail.pos_systems.len(),
            detail.streams.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (detail.jobs.len(), detail.streams[0].pos_system_id),
        (2, Some(bad.pos_system))
    );
    let names: Vec<String> = all!(page => database.store_views(tenant, &page))
        .into_iter()
        .map(|store| store.name)
        .collect();
    assert_eq!(names, ["Bella Vista", "Chacao", "Petare"]);
    assert_eq!(
        all!(page => database.pos_system_views(tenant, None, &page)).len(),
        2
    );
    assert!(all!(page => database.pos_system_views(tenant, Some(new.id), &page)).is_empty());

    let jobs = all!(page => database.jobs(tenant, &JobFilter::default(), &page));
    assert_eq!(jobs.len(), 3);
    assert_eq!(
        database.job(tenant, jobs[0].id).await.unwrap().id,
        jobs[0].id
    );
    let failed = JobFilter {
        status: Some(JobStatus::Failed),
        ..JobFilter::default()
    };
    let failed = all!(page => database.jobs(tenant, &failed, &page));
    assert_eq!((failed.len(), failed[0].counts.rows_read), (1, 12));

    let other = chain
        .database
        .add_tenant(&self::tenant(MatchRule::Both))
        .await
        .unwrap();
    assert!(database.overview(other).await.unwrap().stores.is_empty());
    assert!(matches!(
        database.store_detail(other, new.id).await,
        Err(DatabaseError::NotFound(_))
    ));
    assert!(matches!(
        database.job(other, jobs[0].id).await,
        Err(DatabaseError::NotFound(_))
    ));
}

fn heartbeat(agent: &Agent) -> Heartbeat {
    Heartbeat {
        version: "0.1.0".to_owned(),
        now: Utc::now(),
        epoch: agent.epoch,
        last_seq: None,
        queued_batches: 3,
        queued_bytes: 1000,
        oldest_queued_at: Some(Utc::now()),
        disk_free_bytes: Some(1 << 40),
        streams: vec![StreamState {
            pos: "till".to_owned(),
            stream: StreamName::new("items").unwrap(),
            phase: StreamPhase::Following,
            last_success_at: None,
            rows_read: 0,
            last_error: None,
        }],
        os: None,
        update: None,
    }
}

fn job(status: JobStatus) -> JobReport {
    let ended = Utc::now();
    let error = JobError {
        class: ErrorClass::Mapping,
        code: "missing_column".to_owned(),
        message: "Falta una columna.".to_owned(),
        hint: None,
    };
    JobReport {
        id: JobId::generate(),
        stream: StreamName::new("items").unwrap(),
        kind: JobKind::Incremental,
        status,
        started_at: ended - chrono::Duration::milliseconds(1500),
        completed_at: Some(ended),
        counts: JobCounts {
            rows_read: 12,
            ..JobCounts::default()
        },
        error: (status == JobStatus::Failed).then_some(error),
    }
}
