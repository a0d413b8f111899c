//! What people and programs are told: every list page by page, every view, and never another tenant's.

use chrono::Utc;
use fluxion_ingest::database::DatabaseError;
use fluxion_ingest::database::fleet::MatchRule;
use fluxion_ingest::views::conflict::{ConflictFilter, ConflictStatus};
use fluxion_ingest::views::document::FactFilter;
use fluxion_ingest::views::page::PageRequest;
use fluxion_ingest::views::product::ProductFilter;
use fluxion_ingest::views::reject::{RejectFilter, RejectStatus};
use fluxion_model::delivery::Line;
use fluxion_model::entity::EntityKind;
use fluxion_model::id::UserId;
use fluxion_model::reject::{ErrorClass, Rejected};

use crate::chain::{Agent, Chain, dec, gone, price, product, put, sale, stock, tenant};

on_both_engines!(
    a_product_shows_what_each_store_has_and_how_it_came_to_be,
    records_come_back_as_they_were_sent_page_by_page,
    conflicts_come_by_their_cost_and_rejects_can_be_dismissed,
);

async fn a_product_shows_what_each_store_has_and_how_it_came_to_be(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    let mut wholesale = price("1|mayor", "1", "9");
    wholesale.list = "mayor".to_owned();
    a.deliver(&[
        put(product("1", "CAF-1", "Café Ñandú", &["7591001000012"])),
        put(price("1", "1", "12.5")),
        put(wholesale),
        put(stock("1|1", "1", "4.25")),
    ])
    .await;
    b.deliver(&[
        put(product("9", "CAF-1", "Cafe nandu", &["7591001000012"])),
        put(stock("9|1", "9", "-1")),
        put(stock("9|2", "9", "3")),
    ])
    .await;
    a.deliver(&[put(price("1", "1", "13")), put(stock("1|1", "1", "5"))])
        .await;
    for number in 0..7 {
        let sku = format!("X{number}");
        b.deliver(&[put(product(&sku, &sku, "Otra cosa", &[]))])
            .await;
    }

    let (database, tenant) = (&chain.database, chain.tenant);
    let everything = ProductFilter::default();
    let all = all!(page => database.products(tenant, &everything, &page));
    let skus: Vec<&str> = all.iter().map(|product| product.sku.as_str()).collect();
    assert_eq!(skus, ["CAF-1", "X0", "X1", "X2", "X3", "X4", "X5", "X6"]);
    let coffee = &all[0];
    assert_eq!((coffee.on_hand, coffee.barcodes.len()), (dec("7"), 1));
    let seen: Vec<_> = coffee
        .stores
        .iter()
        .map(|store| (store.store_name.as_str(), store.on_hand, store.price))
        .collect();
    assert_eq!(
        seen,
        [
            ("Chacao", Some(dec("5")), Some(dec("13"))),
            ("Petare", Some(dec("2")), None)
        ]
    );

    let search = |text: &str| ProductFilter {
        search: Some(text.to_owned()),
        store: None,
    };
    for text in ["cafe", "CAFÉ ñan", "caf-1", "7591001000012"] {
        let found = database
            .products(tenant, &search(text), &PageRequest::first(10))
            .await
            .unwrap();
        assert_eq!(found.items.len(), 1, "{text}");
    }
    for text in ["%", "cafe X0"] {
        let found = database
            .products(tenant, &search(text), &PageRequest::first(10))
            .await
            .unwrap();
        assert!(found.items.is_empty(), "{text}");
    }
    let only_a = ProductFilter {
        search: None,
        store: Some(a.identity.store),
    };
    let only_a = database
        .products(tenant, &only_a, &PageRequest::first(10))
        .await
        .unwrap()
        .items;
    assert_eq!((only_a.len(), only_a[0].on_hand), (1, dec("5")));

    let detail = database.product(tenant, coffee.id).await.unwrap();
    assert_eq!(
        (
            detail.sources.len(),
            detail.stock.len(),
            detail.prices.len()
        ),
        (2, 3, 2)
    );
    assert_eq!(
        (detail.prices[0].list.as_str(), detail.tax_rate),
        ("default", Some(dec("16")))
    );
    let history = database.product_history(tenant, coffee.id).await.unwrap();
    let prices: Vec<_> = history
        .prices
        .iter()
        .filter(|point| point.list == "default")
        .map(|point| point.amount)
        .collect();
    assert_eq!(prices, [dec("13"), dec("12.5")]);
    assert_eq!(
        history
            .stock
            .iter()
            .filter(|point| point.valid_to.is_some())
            .count(),
        1
    );

    let other = chain
        .database
        .add_tenant(&self::tenant(MatchRule::Both))
        .await
        .unwrap();
    assert!(
        database
            .products(other, &everything, &PageRequest::first(10))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(matches!(
        database.product(other, coffee.id).await,
        Err(DatabaseError::NotFound(_))
    ));
    assert!(matches!(
        database.product_history(other, coffee.id).await,
        Err(DatabaseError::NotFound(_))
    ));
}

async fn records_come_back_as_they_were_sent_page_by_page(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    let sent: Vec<_> = (1..=7)
        .map(|number| sale(&format!("S{number}"), &["1", "-2.5"]))
        .collect();
    let lines: Vec<Line> = sent.iter().cloned().map(put).collect();
    a.deliver(&lines).await;
    b.deliver(&lines[..2]).await;
    a.deliver(&[
        put(product("1", "A", "Café", &["123"])),
        put(price("1", "1", "0.000001")),
        put(stock("1", "1", "0")),
    ])
    .await;
    b.deliver(&[gone(EntityKind::Sale, "S2")]).await;

    let (database, tenant) = (&chain.database, chain.tenant);
    let of = |agent: &Agent| FactFilter {
        pos_system: Some(agent.pos_system),
        ..FactFilter::default()
    };
    let sales = all!(page => database.sales(tenant, &of(&a), &page));
    assert_eq!(
        sales
            .iter()
            .map(|fact| fact.record.clone())
            .collect::<Vec<_>>(),
        sent
    );
    assert!(
        sales
            .iter()
            .all(|fact| fact.store_id == a.identity.store && fact.mapping_version == 1)
    );
    let everywhere = all!(page => database.sales(tenant, &FactFilter::default(), &page));
    assert_eq!(everywhere.len(), 8, "what is gone is left out");
    let in_b = FactFilter {
        store: Some(b.identity.store),
        ..FactFilter::default()
    };
    assert_eq!(all!(page => database.sales(tenant, &in_b, &page)).len(), 1);
    let later = FactFilter {
        updated_since: Some(Utc::now() + chrono::Duration::hours(1)),
        ..FactFilter::default()
    };
    assert!(all!(page => database.sales(tenant, &later, &page)).is_empty());
    let one = database
        .sale(tenant, a.pos_system, &"S3".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(one.record, sent[2]);
    let gone = database
        .sale(tenant, b.pos_system, &"S2".parse().unwrap())
        .await;
    assert!(matches!(gone, Err(DatabaseError::NotFound(_))), "{gone:?}");

    let (filter, page) = (of(&a), PageRequest::first(10));
    let products = database
        .source_products(tenant, &filter, &page)
        .await
        .unwrap()
        .items;
    assert_eq!(products[0].record, product("1", "A", "Café", &["123"]));
    let prices = database.prices(tenant, &filter, &page).await.unwrap().items;
    assert_eq!(prices[0].record, price("1", "1", "0.000001"));
    let levels = database
        .stock_levels(tenant, &filter, &page)
        .await
        .unwrap()
        .items;
    assert_eq!(levels[0].record, stock("1", "1", "0"));
    assert!(
        database
            .stock_movements(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .customers(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .suppliers(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .categories(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .locations(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .account_payments(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .cash_sessions(tenant, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );

    let other = chain
        .database
        .add_tenant(&self::tenant(MatchRule::Both))
        .await
        .unwrap();
    assert!(
        database
            .sales(other, &filter, &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .sales(other, &FactFilter::default(), &page)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        database
            .sale(other, a.pos_system, &"S3".parse().unwrap())
            .await
            .is_err()
    );
}

async fn conflicts_come_by_their_cost_and_rejects_can_be_dismissed(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    for (number, units) in [(1, "2"), (2, "30"), (3, "4"), (4, "10"), (5, "0")] {
        let (one, two, sku) = (
            format!("{number}a"),
            format!("{number}b"),
            format!("SKU{number}"),
        );
        agent
            .deliver(&[
                put(product(&one, &sku, "Uno", &[])),
                put(product(&two, &sku, "Dos", &[])),
                put(price(&one, &one, "10")),
                put(stock(&one, &one, units)),
            ])
            .await;
    }
    let (database, tenant) = (&chain.database, chain.tenant);
    let conflicts = all!(page => database.conflicts(tenant, &ConflictFilter::default(), &page));
    let costs: Vec<_> = conflicts
        .iter()
        .map(|conflict| conflict.money_impact)
        .collect();
    assert_eq!(costs.len(), 5);
    assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");
    let same = database.conflict(tenant, conflicts[0].id).await.unwrap();
    assert_eq!(
        (same.entity, same.store_name.as_str()),
        (EntityKind::Product, "Chacao")
    );
    let resolved = ConflictFilter {
        status: Some(ConflictStatus::Resolved),
        ..ConflictFilter::default()
    };
    assert!(all!(page => database.conflicts(tenant, &resolved, &page)).is_empty());

    for key in ["1", "2", "3", "4"] {
        agent.deliver(&[Line::Reject(rejected(key))]).await;
    }
    let open = RejectFilter::default();
    let rejects = all!(page => database.rejects(tenant, &open, &page));
    let keys: Vec<&str> = rejects.iter().map(|reject| reject.key.as_str()).collect();
    assert_eq!(keys, ["4", "3", "2", "1"]);
    assert_eq!(
        (rejects[0].entity, rejects[0].row["precio"].as_str()),
        (Some(EntityKind::Price), "abc")
    );
    let by = UserId::generate();
    database
        .dismiss_reject(tenant, rejects[0].id, by)
        .await
        .unwrap();
    database
        .dismiss_reject(tenant, rejects[0].id, by)
        .await
        .unwrap();
    assert_eq!(
        database.reject(tenant, rejects[0].id).await.unwrap().status,
        RejectStatus::Dismissed
    );
    assert_eq!(
        all!(page => database.rejects(tenant, &open, &page)).len(),
        3
    );

    let other = chain
        .database
        .add_tenant(&self::tenant(MatchRule::Both))
        .await
        .unwrap();
    assert!(matches!(
        database.conflict(other, conflicts[0].id).await,
        Err(DatabaseError::NotFound(_))
    ));
    assert!(matches!(
        database.reject(other, rejects[1].id).await,
        Err(DatabaseError::NotFound(_))
    ));
    assert!(matches!(
        database.dismiss_reject(other, rejects[1].id, by).await,
        Err(DatabaseError::NotFound(_))
    ));
}

fn rejected(key: &str) -> Rejected {
    Rejected {
        entity: EntityKind::Price,
        key: key.to_owned(),
        id: None,
        class: ErrorClass::DataValidation,
        field: Some("amount".to_owned()),
        rule: "number".to_owned(),
        raw: Some("abc".to_owned()),
        message: "No es un número.".to_owned(),
        position: None,
        row: [("precio".to_owned(), "abc".to_owned())].into(),
    }
}
