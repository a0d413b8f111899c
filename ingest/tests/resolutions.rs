//! What people decide about conflicts, and taking it back.

use fluxion_ingest::database::DatabaseError;
use fluxion_ingest::database::resolutions::{Assignment, Resolution, Strategy};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{ConflictId, UserId};

use crate::chain::{Agent, Chain, gone, product, put};

const EAN_A: &str = "4006381333931";
const EAN_B: &str = "7591001000012";

on_both_engines!(
    keep_first_splits_the_rows_for_good_and_can_be_undone,
    merge_says_that_it_is_one_thing_and_is_asked_again_only_on_other_evidence,
    manual_puts_each_row_where_the_person_says,
    a_conflict_that_is_gone_or_another_tenants_cannot_be_resolved,
);

fn decide(strategy: Strategy) -> Resolution {
    Resolution {
        strategy,
        notes: Some("Son cosas distintas".to_owned()),
        assignments: Vec::new(),
    }
}

async fn open_conflict(chain: &Chain) -> ConflictId {
    // Ids are blobs in SQLite and text in PostgreSQL.
    let sql = if chain.database.engine_name() == "sqlite" {
        "select hex(id) as v from sync_conflicts where status = 'open'"
    } else {
        "select id as v from sync_conflicts where status = 'open'"
    };
    chain.value(sql).await.parse().unwrap()
}

async fn contradiction(chain: &Chain) -> (Agent, Agent) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Café", &[EAN_A]))]).await;
    b.deliver(&[put(product("5", "A", "Azúcar", &[EAN_B]))])
        .await;
    (a, b)
}

async fn keep_first_splits_the_rows_for_good_and_can_be_undone(chain: Chain) {
    let (_, mut b) = contradiction(&chain).await;
    let (id, by) = (open_conflict(&chain).await, UserId::generate());
    chain
        .database
        .resolve_conflict(chain.tenant, id, &decide(Strategy::KeepFirst), by)
        .await
        .unwrap();
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "2"
    );
    let names = chain
        .column("select name as v from products order by name")
        .await;
    assert_eq!(
        names.into_iter().flatten().collect::<Vec<_>>(),
        ["Azúcar", "Café"]
    );
    assert_eq!(chain.count("product_barcodes").await, 2);
    assert_eq!(
        chain
            .value("select resolution_strategy as v from sync_conflicts")
            .await,
        "keep_first"
    );

    let counts = b
        .deliver(&[put(product("5", "A", "Azúcar blanca", &[EAN_B]))])
        .await
        .counts;
    assert_eq!(counts.conflicts_opened, 0);
    b.deliver(&[gone(EntityKind::Product, "5")]).await;
    b.deliver(&[put(product("5", "A", "Azúcar morena", &[EAN_B]))])
        .await;
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "2",
        "matching leaves it alone"
    );

    chain
        .database
        .undo_resolution(chain.tenant, id, by)
        .await
        .unwrap();
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "1"
    );
    assert_eq!(chain.count("products where orphaned_at is null").await, 1);
    assert_eq!(open_conflict(&chain).await, id);
    assert_eq!(chain.count("audit_log").await, 2);
    let twice = chain.database.undo_resolution(chain.tenant, id, by).await;
    assert!(
        matches!(twice, Err(DatabaseError::Conflict(_))),
        "{twice:?}"
    );
}

async fn merge_says_that_it_is_one_thing_and_is_asked_again_only_on_other_evidence(chain: Chain) {
    let (_, mut b) = contradiction(&chain).await;
    let id = open_conflict(&chain).await;
    chain
        .database
        .resolve_conflict(
            chain.tenant,
            id,
            &decide(Strategy::Merge),
            UserId::generate(),
        )
        .await
        .unwrap();
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "1"
    );
    let counts = b
        .deliver(&[put(product("5", "A", "Café 2", &[EAN_B]))])
        .await
        .counts;
    assert_eq!(counts.conflicts_opened, 0, "a person has decided");
    let counts = b
        .deliver(&[put(product("5", "A", "Café 2", &["036000291452"]))])
        .await
        .counts;
    assert_eq!(counts.conflicts_opened, 1, "this is another barcode");
}

async fn manual_puts_each_row_where_the_person_says(chain: Chain) {
    let mut a = chain.store("Chacao").await;
    a.deliver(&[
        put(product("1", "A", "Café", &[])),
        put(product("2", "A", "Café viejo", &[])),
    ])
    .await;
    let id = open_conflict(&chain).await;
    let mut resolution = decide(Strategy::Manual);
    resolution.assignments = vec![Assignment {
        pos_system: a.pos_system,
        external_id: "2".to_owned(),
        product: None,
    }];
    chain
        .database
        .resolve_conflict(chain.tenant, id, &resolution, UserId::generate())
        .await
        .unwrap();
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "2"
    );
    let counts = a
        .deliver(&[put(product("2", "A", "Café añejo", &[]))])
        .await
        .counts;
    assert_eq!((counts.conflicts_opened, counts.updated), (0, 1));
    assert_eq!(chain.count("products where name = 'Café añejo'").await, 1);
}

async fn a_conflict_that_is_gone_or_another_tenants_cannot_be_resolved(chain: Chain) {
    let (_, mut b) = contradiction(&chain).await;
    let (id, by) = (open_conflict(&chain).await, UserId::generate());
    let merge = decide(Strategy::Merge);
    let stranger = chain
        .database
        .resolve_conflict(fluxion_model::id::TenantId::generate(), id, &merge, by)
        .await;
    assert!(
        matches!(stranger, Err(DatabaseError::NotFound(_))),
        "{stranger:?}"
    );
    b.deliver(&[gone(EntityKind::Product, "5")]).await;
    let late = chain
        .database
        .resolve_conflict(chain.tenant, id, &merge, by)
        .await;
    assert!(matches!(late, Err(DatabaseError::Conflict(_))), "{late:?}");
}
