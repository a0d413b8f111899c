//! Tenants, stores and POS systems.

use fluxion_ingest::database::DatabaseError;
use fluxion_ingest::database::fleet::{MatchRule, NewStore};
use fluxion_model::id::{PosSystemId, StoreId, TenantId};

use crate::chain::{Chain, declaration};

on_both_engines!(
    a_tenant_is_found_by_its_id_and_among_all,
    a_store_has_a_name_of_its_own_within_its_tenant,
    nothing_of_another_tenant_is_ever_found,
    a_pos_system_is_declared_once_by_name_and_then_brought_up_to_date,
);

async fn a_tenant_is_found_by_its_id_and_among_all(chain: Chain) {
    let tenant = chain.database.tenant(chain.tenant).await.unwrap();
    assert_eq!(
        (tenant.name.as_str(), tenant.match_rule),
        ("Abastos El Ávila", MatchRule::Both)
    );
    assert_eq!(chain.database.tenants().await.unwrap().len(), 1);
    let nobody = chain.database.tenant(TenantId::generate()).await;
    assert!(
        matches!(nobody, Err(DatabaseError::NotFound(_))),
        "{nobody:?}"
    );
}

async fn a_store_has_a_name_of_its_own_within_its_tenant(chain: Chain) {
    let new = NewStore {
        name: "Chacao".to_owned(),
        code: Some("07".to_owned()),
        ..NewStore::default()
    };
    let id = chain.database.add_store(chain.tenant, &new).await.unwrap();
    let again = chain.database.add_store(chain.tenant, &new).await;
    assert!(
        matches!(again, Err(DatabaseError::Conflict(_))),
        "{again:?}"
    );
    assert_eq!(
        chain
            .database
            .store(chain.tenant, id)
            .await
            .unwrap()
            .code
            .as_deref(),
        Some("07")
    );
    assert_eq!(chain.database.stores(chain.tenant).await.unwrap().len(), 1);
    let stranger = chain.database.add_store(TenantId::generate(), &new).await;
    assert!(
        matches!(stranger, Err(DatabaseError::NotFound(_))),
        "{stranger:?}"
    );
}

async fn nothing_of_another_tenant_is_ever_found(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let other = TenantId::generate();
    assert!(
        chain
            .database
            .store(other, agent.identity.store)
            .await
            .is_err()
    );
    assert!(
        chain
            .database
            .pos_system(other, agent.pos_system)
            .await
            .is_err()
    );
    assert!(chain.database.stores(other).await.unwrap().is_empty());
    assert!(
        chain
            .database
            .pos_systems(other, None)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(chain.database.agents(other, None).await.unwrap().is_empty());
}

async fn a_pos_system_is_declared_once_by_name_and_then_brought_up_to_date(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let mut newer = declaration();
    newer.mapping_version = 2;
    let id = chain
        .database
        .declare_pos_system(&agent.identity, "till", &newer)
        .await
        .unwrap();
    assert_eq!(id, agent.pos_system);
    let pos = chain.database.pos_system(chain.tenant, id).await.unwrap();
    assert_eq!(
        (pos.mapping_version, pos.system_name.as_str(), pos.is_active),
        (2, "till", true)
    );
    assert_eq!(pos.connection_config["host"], "localhost");

    chain
        .database
        .declare_pos_system(&agent.identity, "back office", &newer)
        .await
        .unwrap();
    let all = chain
        .database
        .pos_systems(chain.tenant, Some(agent.identity.store))
        .await
        .unwrap();
    assert_eq!(
        all.iter()
            .map(|pos| pos.system_name.as_str())
            .collect::<Vec<_>>(),
        ["back office", "till"]
    );
    assert!(
        chain
            .database
            .pos_systems(chain.tenant, Some(StoreId::generate()))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        chain
            .database
            .pos_system(chain.tenant, PosSystemId::generate())
            .await
            .is_err()
    );
}
