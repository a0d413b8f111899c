//! Products of different stores meet, part, and contradict each other.

use fluxion_ingest::database::fleet::MatchRule;
use fluxion_model::entity::EntityKind;

use crate::chain::{Chain, gone, price, product, put, stock};

const EAN_A: &str = "4006381333931";
const EAN_B: &str = "7591001000012";

on_both_engines!(
    products_meet_by_sku_or_by_a_worldwide_barcode,
    the_sku_rule_ignores_barcodes_and_the_barcode_rule_prefers_them,
    an_in_house_barcode_joins_nothing,
    a_product_shows_its_oldest_living_source,
    a_product_without_sources_is_orphaned_and_returns_with_its_sku,
    a_record_whose_sku_changes_moves_to_the_product_it_names,
    barcodes_follow_the_sources_that_have_them,
    two_rows_of_one_pos_with_one_sku_are_a_conflict_until_one_goes,
    contradicting_barcodes_are_a_conflict_with_its_money_at_stake,
);

async fn products_meet_by_sku_or_by_a_worldwide_barcode(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[
        put(product("1", "0001", "Café", &[EAN_A])),
        put(product("2", "0002", "Té", &[])),
    ])
    .await;
    b.deliver(&[
        put(product("77", "CAF", "Café molido", &[EAN_A])),
        put(product("78", "0002", "Té negro", &[])),
    ])
    .await;
    assert_eq!(
        (
            chain.count("products").await,
            chain.count("mapping_cache").await
        ),
        (2, 4)
    );
    b.deliver(&[put(product("79", "2", "Otro", &[]))]).await;
    assert_eq!(chain.count("products").await, 3, "leading zeros matter");
    b.deliver(&[put(product("80", "XYZ", "Mismo código", &[EAN_A]))])
        .await;
    assert_eq!(
        chain.count("products").await,
        4,
        "a barcode never joins two rows of one POS"
    );
}

async fn the_sku_rule_ignores_barcodes_and_the_barcode_rule_prefers_them(chain: Chain) {
    let chain = chain.matching_by(MatchRule::Sku).await;
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Café", &[EAN_A]))]).await;
    b.deliver(&[put(product("1", "B", "Café", &[EAN_A]))]).await;
    assert_eq!(chain.count("products").await, 2);

    let chain = chain.matching_by(MatchRule::Barcode).await;
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[
        put(product("1", "A", "Café", &[EAN_A])),
        put(product("2", "N", "Té", &[])),
    ])
    .await;
    b.deliver(&[
        put(product("1", "A", "Azúcar", &[EAN_B])),
        put(product("2", "N", "Té", &[])),
    ])
    .await;
    assert_eq!(
        chain.count("products").await,
        2 + 3,
        "one SKU, two barcodes: two products; without barcodes the SKU joins"
    );
}

async fn an_in_house_barcode_joins_nothing(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Queso", &["2000000000008", "123"]))])
        .await;
    b.deliver(&[put(product("1", "B", "Jamón", &["2000000000008", "123"]))])
        .await;
    assert_eq!(chain.count("products").await, 2);
    assert_eq!(chain.count("product_barcodes").await, 4);
}

async fn a_product_shows_its_oldest_living_source(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Café", &[]))]).await;
    b.deliver(&[put(product("1", "A", "CAFE 500G", &[]))]).await;
    assert_eq!(chain.value("select name as v from products").await, "Café");
    b.deliver(&[put(product("1", "A", "CAFE 500 GR", &[]))])
        .await;
    assert_eq!(chain.value("select name as v from products").await, "Café");
    a.deliver(&[put(product("1", "A", "Café molido", &[]))])
        .await;
    assert_eq!(
        chain.value("select name as v from products").await,
        "Café molido"
    );
    a.deliver(&[gone(EntityKind::Product, "1")]).await;
    assert_eq!(
        chain.value("select name as v from products").await,
        "CAFE 500 GR"
    );
}

async fn a_product_without_sources_is_orphaned_and_returns_with_its_sku(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Café", &[]))]).await;
    a.deliver(&[gone(EntityKind::Product, "1")]).await;
    assert_eq!(
        chain.count("products where orphaned_at is not null").await,
        1
    );
    b.deliver(&[put(product("9", "A", "Café", &[]))]).await;
    assert_eq!(
        (
            chain.count("products").await,
            chain.count("products where orphaned_at is null").await
        ),
        (1, 1)
    );
    a.deliver(&[put(product("1", "A", "Café", &[]))]).await;
    assert_eq!(
        chain
            .value(
                "select count(distinct fluxion_id) as v from mapping_cache where deleted_at is null"
            )
            .await,
        "1"
    );
    assert_eq!(
        chain.count("mapping_cache where deleted_at is null").await,
        2
    );
}

async fn a_record_whose_sku_changes_moves_to_the_product_it_names(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[
        put(product("1", "A", "Café", &[])),
        put(product("2", "B", "Té", &[])),
    ])
    .await;
    b.deliver(&[put(product("1", "A", "Café", &[]))]).await;
    // It named the coffee, and now names the tea.
    b.deliver(&[put(product("1", "B", "Té", &[]))]).await;
    assert_eq!(
        chain
            .count("mapping_cache m join products p on p.id = m.fluxion_id and p.sku = 'B'")
            .await,
        2
    );
    // A SKU nobody has: the tea is still somebody else's, so this is a new product.
    b.deliver(&[put(product("1", "C", "Mate", &[]))]).await;
    assert_eq!(chain.count("products where orphaned_at is null").await, 3);
    // Alone with its product, it takes the product along.
    b.deliver(&[put(product("1", "D", "Mate", &[]))]).await;
    assert_eq!(chain.count("products").await, 3);
    assert_eq!(chain.count("products where sku = 'D'").await, 1);
}

async fn barcodes_follow_the_sources_that_have_them(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[put(product("1", "A", "Café", &[EAN_A, "X1"]))])
        .await;
    b.deliver(&[put(product("1", "A", "Café", &[EAN_A, "X2"]))])
        .await;
    assert_eq!(chain.count("product_barcodes").await, 3);
    a.deliver(&[put(product("1", "A", "Café", &[EAN_B]))]).await;
    let codes = chain
        .column("select code as v from product_barcodes order by code")
        .await;
    assert_eq!(
        codes.into_iter().flatten().collect::<Vec<_>>(),
        ["04006381333931", "07591001000012", "X2"]
    );
    b.deliver(&[gone(EntityKind::Product, "1")]).await;
    assert_eq!(
        chain
            .value("select barcode as v from product_barcodes")
            .await,
        EAN_B
    );
    assert!(
        chain
            .value("select search as v from products")
            .await
            .contains(EAN_B)
    );
}

async fn two_rows_of_one_pos_with_one_sku_are_a_conflict_until_one_goes(chain: Chain) {
    let mut a = chain.store("Chacao").await;
    let counts = a
        .deliver(&[
            put(product("1", "A", "Café", &[])),
            put(product("2", "A", "Café viejo", &[])),
        ])
        .await
        .counts;
    assert_eq!(
        (counts.conflicts_opened, chain.count("products").await),
        (1, 1)
    );
    let counts = a
        .deliver(&[put(product("2", "A", "Café añejo", &[]))])
        .await
        .counts;
    assert_eq!(
        (counts.conflicts_opened, counts.conflicts_closed),
        (0, 0),
        "it is opened once"
    );
    let counts = a.deliver(&[gone(EntityKind::Product, "2")]).await.counts;
    assert_eq!((counts.conflicts_opened, counts.conflicts_closed), (0, 1));
    assert_eq!(
        chain.value("select status as v from sync_conflicts").await,
        "closed"
    );
    let counts = a
        .deliver(&[put(product("2", "A", "Café añejo", &[]))])
        .await
        .counts;
    assert_eq!(
        counts.conflicts_opened, 1,
        "and opened again when it comes back"
    );
}

async fn contradicting_barcodes_are_a_conflict_with_its_money_at_stake(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    a.deliver(&[
        put(product("1", "A", "Café", &[EAN_A])),
        put(price("1", "1", "10")),
        put(stock("1", "1", "7")),
    ])
    .await;
    let lines = [
        put(product("5", "A", "Azúcar", &[EAN_B])),
        put(price("5", "5", "2.5")),
        put(stock("5", "5", "4")),
    ];
    assert_eq!(b.deliver(&lines).await.counts.conflicts_opened, 1);
    assert_eq!(
        chain
            .value("select micros(money_impact) as v from sync_conflicts")
            .await,
        "10000000"
    );
    assert_eq!(
        chain
            .value("select currency as v from sync_conflicts")
            .await,
        "VES"
    );
    let pos_data: serde_json::Value = serde_json::from_str(
        &chain
            .value("select pos_data as v from sync_conflicts")
            .await,
    )
    .unwrap();
    assert_eq!(
        (
            pos_data[0]["name"].as_str(),
            pos_data[1]["external_id"].as_str()
        ),
        (Some("Café"), Some("5"))
    );
    let counts = b
        .deliver(&[put(product("5", "A", "Azúcar", &[EAN_B, EAN_A]))])
        .await
        .counts;
    assert_eq!(counts.conflicts_closed, 1, "a barcode in common ends it");
}
