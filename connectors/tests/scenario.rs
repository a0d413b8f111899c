//! The promises, told once. A shop keeps products; a connector must bring what the shop holds.

use std::time::Duration;

use fluxion_connectors::{BatchLimit, Connector};
use fluxion_model::stream::StreamSpec;

use crate::mirror::{Mirror, Restart, Step};

/// A small shop as one kind of system keeps it. `scan` reads everything, however that is done there.
pub trait Shop {
    fn connector(&self) -> &dyn Connector;
    /// Key `code`; columns `code`, `name`, `price`.
    fn products(&self) -> StreamSpec;
    /// Key `number`; column `total`; lines with `product`, `quantity`.
    fn sales(&self) -> StreamSpec;
    async fn put_product(&mut self, code: &str, name: &str, price: &str);
    async fn remove_product(&mut self, code: &str);
    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]);
    /// Makes what was put visible to the agent: an export, where the shop exports.
    async fn publish(&mut self);
    /// How often a stream must be asked before it notices: files must rest first.
    fn looks(&self) -> usize {
        1
    }
}

async fn read(shop: &mut impl Shop, mirror: &mut Mirror, spec: &StreamSpec) {
    shop.publish().await;
    mirror.cursor = None;
    follow(shop, mirror, spec, BatchLimit::default(), Restart::Never).await;
}

/// Asks until the scan is complete.
async fn follow(
    shop: &mut impl Shop,
    mirror: &mut Mirror,
    spec: &StreamSpec,
    limit: BatchLimit,
    restart: Restart,
) {
    let mut stream = shop
        .connector()
        .open(spec, mirror.start(), mirror.context())
        .await
        .unwrap();
    let mut looks = shop.looks();
    loop {
        match mirror.step(stream.as_mut(), limit).await.unwrap() {
            Step::Batch if restart == Restart::AfterEveryBatch => {
                looks = shop.looks();
                stream = shop
                    .connector()
                    .open(spec, mirror.start(), mirror.context())
                    .await
                    .unwrap();
            }
            Step::Batch => {}
            Step::ScanComplete => return,
            Step::Rest if looks > 0 => {
                looks -= 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Step::Rest => return,
        }
    }
}

fn tiny() -> BatchLimit {
    BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    }
}

pub async fn an_empty_shop_brings_no_rows_and_says_it_is_done(mut shop: impl Shop) {
    let mut mirror = Mirror::default();
    let spec = shop.products();
    read(&mut shop, &mut mirror, &spec).await;
    assert!(mirror.rows.is_empty());
    assert!(mirror.cursor.is_some());
}

pub async fn inserts_updates_and_deletes_are_all_seen_by_the_next_scan(mut shop: impl Shop) {
    let spec = shop.products();
    let mut mirror = Mirror::default();
    for (code, name, price) in [
        ("001", "Café", "1.50"),
        ("002", "Azúcar", "2.00"),
        ("A|3\\", "Ñame", "0.10"),
    ] {
        shop.put_product(code, name, price).await;
    }
    read(&mut shop, &mut mirror, &spec).await;
    assert_eq!(mirror.keys(), ["001", "002", "A\\|3\\\\"]);
    assert_eq!(mirror.cell("001", "name"), "Café");

    shop.put_product("001", "Café molido", "1.75").await;
    shop.remove_product("002").await;
    shop.put_product("004", "Pan", "0.50").await;
    read(&mut shop, &mut mirror, &spec).await;
    assert_eq!(mirror.keys(), ["001", "004", "A\\|3\\\\"]);
    assert_eq!(
        (mirror.cell("001", "name"), mirror.cell("001", "price")),
        ("Café molido".into(), "1.75".into())
    );
}

pub async fn two_changes_of_one_row_between_two_scans_bring_the_last(mut shop: impl Shop) {
    let spec = shop.products();
    let mut mirror = Mirror::default();
    shop.put_product("1", "a", "1.00").await;
    shop.put_product("1", "b", "2.00").await;
    shop.put_product("1", "c", "3.00").await;
    read(&mut shop, &mut mirror, &spec).await;
    assert_eq!(mirror.cell("1", "name"), "c");
}

pub async fn a_changed_line_changes_its_document_and_no_other(mut shop: impl Shop) {
    let spec = shop.sales();
    let mut mirror = Mirror::default();
    shop.put_sale(1, &[("001", "1"), ("002", "2")]).await;
    shop.put_sale(2, &[("001", "5")]).await;
    shop.put_sale(3, &[("003", "1")]).await;
    read(&mut shop, &mut mirror, &spec).await;
    assert_eq!(mirror.lines("1", "lines", "product"), ["001", "002"]);
    let others = [
        mirror.rows["2"].values.clone(),
        mirror.rows["3"].values.clone(),
    ];

    shop.put_sale(1, &[("001", "1"), ("002", "7")]).await;
    read(&mut shop, &mut mirror, &spec).await;
    assert_eq!(mirror.lines("1", "lines", "quantity"), ["1", "7"]);
    assert_eq!(
        others,
        [
            mirror.rows["2"].values.clone(),
            mirror.rows["3"].values.clone()
        ]
    );
}

pub async fn a_restart_after_every_batch_brings_the_same_rows(mut shop: impl Shop) {
    for number in 1..=9 {
        let lines: Vec<(&str, &str)> = vec![("001", "1"), ("002", "3")];
        shop.put_product(&format!("{number:03}"), "Café", "1.50")
            .await;
        shop.put_sale(number, &lines[..1 + (number as usize % 2)])
            .await;
    }
    shop.publish().await;
    for spec in [shop.products(), shop.sales()] {
        let mut mirror = Mirror::default();
        follow(
            &mut shop,
            &mut mirror,
            &spec,
            tiny(),
            Restart::AfterEveryBatch,
        )
        .await;
        assert_eq!(mirror.rows.len(), 9, "{}", spec.name);
        assert_eq!(mirror.delivered, 9, "nothing twice in {}", spec.name);
        assert!(mirror.batches >= 5);
        if spec.name == shop.sales().name {
            assert_eq!(mirror.lines("9", "lines", "product"), ["001", "002"]);
        }
    }
}

/// Runs every promise, each with a shop of its own.
macro_rules! promises {
    ($open:expr) => {
        crate::scenario::promises!(@each $open;
            an_empty_shop_brings_no_rows_and_says_it_is_done,
            inserts_updates_and_deletes_are_all_seen_by_the_next_scan,
            two_changes_of_one_row_between_two_scans_bring_the_last,
            a_changed_line_changes_its_document_and_no_other,
            a_restart_after_every_batch_brings_the_same_rows,
        );
    };
    (@each $open:expr; $($promise:ident,)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                crate::scenario::$promise($open.await).await;
            }
        )*
    };
}
pub(crate) use promises;
