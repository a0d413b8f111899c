//! The promises of every way of noticing changes, told once. `scenario` holds those of reading everything.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fluxion_connectors::{
    Allowed, BatchLimit, ChangeStream, Remedy, SourceError, SourceResult, StartAt,
};
use fluxion_model::stream::StreamSpec;

use crate::mirror::{Mirror, Step};
use crate::scenario::Shop;

/// A way of noticing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Sees no deletes until the next sweep.
    Watermark,
    Log,
    Outbox,
}

impl Strategy {
    fn sees_deletes(self) -> bool {
        self != Self::Watermark
    }
}

/// A shop whose changes can be noticed as they happen.
pub trait Tracked: Shop {
    /// The same stream, noticing changes in this way.
    fn noticing(&self, spec: StreamSpec, how: Strategy) -> StreamSpec;
    /// Sets up what this way needs: an outbox, say.
    async fn prepare(&mut self, how: Strategy);
    async fn rename_product(&mut self, from: &str, to: &str);
    /// Changes one line and nothing else of its sale.
    async fn change_line(&mut self, number: u32, line: u32, quantity: &str);
    /// Writes at once and commits a second later.
    fn put_product_slowly(&self, code: &str, name: &str, price: &str) -> JoinHandle<()>;
    /// Makes the log forget what happened, as a retention does. False where that cannot be had.
    async fn lose_log(&mut self, how: Strategy) -> bool;
    /// Drops the column that holds the price.
    async fn drop_price(&mut self);
    /// Tills at work, each with its own connection: inserts, updates, deletes, renamed keys, in transactions of several
    /// rows, some slow, some rolled back, so many by each. For shops that promise `tills`.
    fn tills(&self, _seed: u64, _transactions: u64) -> Vec<JoinHandle<()>> {
        panic!("this shop has no tills")
    }
    /// Names by code, as the shop holds them, read past the connector. For shops that promise `tills`.
    fn names(&self) -> BTreeMap<String, String> {
        panic!("this shop has no tills")
    }
}

/// A stream that is followed, and what it brought.
struct Following<S> {
    shop: S,
    spec: StreamSpec,
    mirror: Mirror,
    stream: Box<dyn ChangeStream>,
}

impl<S: Tracked> Following<S> {
    /// Sets up the shop, reads everything and begins to follow.
    async fn begin(mut shop: S, how: Strategy, spec: impl Fn(&S) -> StreamSpec) -> Self {
        shop.prepare(how).await;
        let spec = shop.noticing(spec(&shop), how);
        let allowed = shop.connector().allows(&spec, &spec.capture).await.unwrap();
        assert_eq!(allowed, Allowed::Yes);
        let mirror = Mirror::default();
        let stream = shop
            .connector()
            .open(&spec, StartAt::Snapshot, mirror.context())
            .await
            .unwrap();
        let mut following = Self {
            shop,
            spec,
            mirror,
            stream,
        };
        following.rest().await.unwrap();
        following
    }

    async fn products(shop: S, how: Strategy) -> Self {
        Self::begin(shop, how, Shop::products).await
    }

    async fn step(&mut self) -> SourceResult<Step> {
        let limit = BatchLimit::default();
        self.mirror.step(self.stream.as_mut(), limit).await
    }

    /// Goes on until there is nothing more for now.
    async fn rest(&mut self) -> SourceResult<()> {
        while self.step().await? != Step::Rest {}
        Ok(())
    }

    /// Follows until something is so.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Mirror) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.mirror) {
            self.rest().await.unwrap();
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{what} was not noticed: {:?}",
                self.mirror.rows
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What an agent does that was killed.
    async fn restart(&mut self) -> SourceResult<()> {
        self.stream = self
            .shop
            .connector()
            .open(&self.spec, self.mirror.start(), self.mirror.context())
            .await?;
        Ok(())
    }

    fn name(&self, code: &str) -> Option<String> {
        has(&self.mirror, code).then(|| self.mirror.cell(code, "name"))
    }
}

fn has(mirror: &Mirror, code: &str) -> bool {
    mirror.rows.contains_key(code)
}

fn named(mirror: &Mirror, code: &str, name: &str) -> bool {
    has(mirror, code) && mirror.cell(code, "name") == name
}

pub async fn inserts_updates_and_deletes_are_noticed(mut shop: impl Tracked, how: Strategy) {
    shop.put_product("1", "Café", "1.50").await;
    shop.put_product("2", "Pan", "0.75").await;
    let mut following = Following::products(shop, how).await;
    assert_eq!(following.mirror.keys(), ["1", "2"]);
    following.mirror.delivered = 0;

    following.shop.put_product("1", "Café molido", "1.75").await;
    following.shop.put_product("3", "Sal", "0.20").await;
    let noticed = |mirror: &Mirror| named(mirror, "1", "Café molido") && has(mirror, "3");
    following.until("a change", noticed).await;
    if how.sees_deletes() {
        following.shop.remove_product("2").await;
        let noticed = |mirror: &Mirror| !has(mirror, "2");
        following.until("a delete", noticed).await;
        assert!(
            following.mirror.delivered <= 16,
            "{} rows for three changes",
            following.mirror.delivered
        );
    }
}

pub async fn a_renamed_key_is_one_delete_and_one_row(mut shop: impl Tracked, how: Strategy) {
    shop.put_product("old", "Café", "1.50").await;
    shop.put_product("other", "Pan", "0.75").await;
    let mut following = Following::products(shop, how).await;
    following.shop.rename_product("old", "new").await;
    let noticed =
        |mirror: &Mirror| has(mirror, "new") && !(how.sees_deletes() && has(mirror, "old"));
    following.until("a renamed key", noticed).await;
    assert_eq!(following.name("new").as_deref(), Some("Café"));
    assert!(has(&following.mirror, "other"));
}

pub async fn a_changed_line_alone_brings_its_whole_document(mut shop: impl Tracked, how: Strategy) {
    shop.put_sale(1, &[("001", "1"), ("002", "2")]).await;
    shop.put_sale(2, &[("001", "5")]).await;
    let mut following = Following::begin(shop, how, Shop::sales).await;
    following.mirror.delivered = 0;
    following.shop.change_line(1, 1, "7").await;
    let noticed = |mirror: &Mirror| mirror.lines("1", "lines", "quantity") == ["1", "7"];
    following.until("a changed line", noticed).await;
    assert_eq!(
        following.mirror.lines("1", "lines", "product"),
        ["001", "002"]
    );
    assert!(
        following.mirror.delivered <= 4,
        "{} documents for one line",
        following.mirror.delivered
    );
}

pub async fn what_commits_late_is_not_missed(mut shop: impl Tracked, how: Strategy) {
    shop.put_product("1", "Café", "1.50").await;
    shop.put_product("2", "Pan", "0.75").await;
    let mut following = Following::products(shop, how).await;
    let late = following.shop.put_product_slowly("1", "late", "9.00");
    tokio::time::sleep(Duration::from_millis(300)).await;
    following.shop.put_product("2", "early", "8.00").await;
    let noticed = |mirror: &Mirror| named(mirror, "2", "early");
    following.until("what committed first", noticed).await;
    tokio::task::spawn_blocking(move || late.join().unwrap())
        .await
        .unwrap();
    let noticed = |mirror: &Mirror| named(mirror, "1", "late");
    following.until("what committed late", noticed).await;
}

pub async fn what_is_open_when_the_snapshot_begins_is_not_missed(
    mut shop: impl Tracked,
    how: Strategy,
) {
    shop.put_product("1", "Café", "1.50").await;
    shop.prepare(how).await;
    let late = shop.put_product_slowly("1", "late", "9.00");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut following = Following::products(shop, how).await;
    tokio::task::spawn_blocking(move || late.join().unwrap())
        .await
        .unwrap();
    let noticed = |mirror: &Mirror| named(mirror, "1", "late");
    following
        .until("what committed after the snapshot", noticed)
        .await;
}

pub async fn two_changes_between_two_looks_bring_the_last(mut shop: impl Tracked, how: Strategy) {
    shop.put_product("1", "a", "1.00").await;
    let mut following = Following::products(shop, how).await;
    following.shop.put_product("1", "b", "2.00").await;
    following.shop.put_product("1", "c", "3.00").await;
    if how.sees_deletes() {
        following
            .shop
            .put_product("2", "gone at once", "3.00")
            .await;
        following.shop.remove_product("2").await;
    }
    let noticed = |mirror: &Mirror| named(mirror, "1", "c");
    following.until("the last change", noticed).await;
    following.rest().await.unwrap();
    assert!(!has(&following.mirror, "2"));
}

pub async fn a_restart_after_every_batch_misses_nothing(mut shop: impl Tracked, how: Strategy) {
    for number in 1..=150 {
        shop.put_product(&format!("{number:03}"), "Café", "1.50")
            .await;
    }
    shop.prepare(how).await;
    let spec = shop.noticing(shop.products(), how);
    let limit = BatchLimit {
        rows: 50,
        ..BatchLimit::default()
    };
    let mut mirror = Mirror::default();
    let mut round = 0;
    let begun = Instant::now();
    loop {
        let mut stream = shop
            .connector()
            .open(&spec, mirror.start(), mirror.context())
            .await
            .unwrap();
        if round < 6 {
            let code = format!("{:03}", 1 + round * 20);
            shop.put_product(&code, &format!("round {round}"), "2.00")
                .await;
            shop.put_product(&format!("new {round}"), "new", "2.00")
                .await;
            round += 1;
        }
        let step = mirror.step(stream.as_mut(), limit).await.unwrap();
        let all_there = (0..6).all(|round| {
            named(
                &mirror,
                &format!("{:03}", 1 + round * 20),
                &format!("round {round}"),
            ) && has(&mirror, &format!("new {round}"))
        });
        if round == 6 && all_there && mirror.rows.len() == 156 {
            while mirror.step(stream.as_mut(), limit).await.unwrap() != Step::Rest {}
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{how:?}: {:?}",
            mirror.keys()
        );
        if step == Step::Rest {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(mirror.rows.len(), 156);
}

pub async fn live_changes_flow_while_the_snapshot_runs(mut shop: impl Tracked, how: Strategy) {
    for number in 1..=400 {
        shop.put_product(&format!("{number:03}"), "Café", "1.50")
            .await;
    }
    shop.prepare(how).await;
    let spec = shop.noticing(shop.products(), how);
    let limit = BatchLimit {
        rows: 50,
        ..BatchLimit::default()
    };
    let mut mirror = Mirror::default();
    let mut stream = shop
        .connector()
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    shop.put_product("001", "behind the scan", "2.00").await;
    shop.put_product("000", "new behind the scan", "2.00").await;
    shop.remove_product("002").await;
    shop.remove_product("399").await;
    loop {
        tokio::time::sleep(Duration::from_millis(120)).await;
        match mirror.step(stream.as_mut(), limit).await.unwrap() {
            Step::Batch => {}
            Step::ScanComplete => break,
            Step::Rest => panic!("the scan must complete first"),
        }
    }
    assert!(
        named(&mirror, "001", "behind the scan"),
        "seen before the snapshot was complete"
    );
    assert!(has(&mirror, "000"), "a row that is new is not swept away");
    assert!(!has(&mirror, "002") && !has(&mirror, "399"));
    assert_eq!(mirror.rows.len(), 399);
}

pub async fn a_log_that_no_longer_reaches_back_is_noticed_and_healed(
    mut shop: impl Tracked,
    how: Strategy,
) {
    shop.put_product("1", "Café", "1.50").await;
    shop.put_product("2", "Pan", "0.75").await;
    let mut following = Following::products(shop, how).await;
    following.shop.put_product("1", "unseen", "9.00").await;
    following.shop.remove_product("2").await;
    if !following.shop.lose_log(how).await {
        return;
    }
    let error = following.first_error_after_restart().await;
    assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
    following.mirror.cursor = None;
    following.restart().await.unwrap();
    following.rest().await.unwrap();
    assert_eq!(following.mirror.keys(), ["1"]);
    assert_eq!(following.name("1").as_deref(), Some("unseen"));
    following.shop.put_product("3", "Sal", "0.20").await;
    let noticed = |mirror: &Mirror| has(mirror, "3");
    following.until("a change after the healing", noticed).await;
}

pub async fn many_tills_at_once_end_in_the_very_same_rows(mut shop: impl Tracked, how: Strategy) {
    for number in 1..=60 {
        shop.put_product(&format!("{number:03}"), "Café", "1.50")
            .await;
    }
    shop.prepare(how).await;
    let seed = std::env::var("FLUXION_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand_seed);
    let tills = shop.tills(seed, 100);
    let mut following = Following::products(shop, how).await;
    let mut rounds = 0_u64;
    let begun = Instant::now();
    let mut still = 0;
    while still < 3 {
        following.rest().await.unwrap();
        rounds += 1;
        if rounds.wrapping_mul(seed | 1).is_multiple_of(7) {
            following.restart().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(70)).await;
        let at_work = tills.iter().any(|till| !till.is_finished());
        let same = !at_work && names(&following.mirror) == following.shop.names();
        still = if same { still + 1 } else { 0 };
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "FLUXION_SEED={seed}: {:?} is not {:?}",
            names(&following.mirror),
            following.shop.names()
        );
    }
    for till in tills {
        till.join().unwrap();
    }
}

fn rand_seed() -> u64 {
    std::time::UNIX_EPOCH
        .elapsed()
        .map_or(1, |since| since.subsec_nanos().into())
}

fn names(mirror: &Mirror) -> BTreeMap<String, String> {
    let keys = mirror.rows.keys();
    keys.map(|key| (key.clone(), mirror.cell(key, "name")))
        .collect()
}

impl<S: Tracked> Following<S> {
    async fn first_error_after_restart(&mut self) -> SourceError {
        if let Err(error) = self.restart().await {
            return error;
        }
        for _ in 0..100 {
            if let Err(error) = self.rest().await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the loss was not noticed: {:?}", self.mirror.rows);
    }
}

pub async fn a_dropped_column_stops_the_stream_and_is_named(mut shop: impl Tracked, how: Strategy) {
    shop.put_product("1", "Café", "1.50").await;
    let mut following = Following::products(shop, how).await;
    following.shop.drop_price().await;
    let error = following.first_error_after_restart().await;
    let Remedy::AskOperator { code, hint } = &error.remedy else {
        panic!("a person must be asked: {error:?}");
    };
    assert_eq!(*code, "missing_column");
    assert!(hint.contains("price"), "{hint}");
}

/// Runs every promise of these ways of noticing changes, each with a shop of its own.
macro_rules! noticing {
    ($module:ident, $open:expr, $how:expr; documents and log) => {
        crate::strategies::noticing!(@module $module, $open, $how;
            a_renamed_key_is_one_delete_and_one_row,
            a_changed_line_alone_brings_its_whole_document,
            live_changes_flow_while_the_snapshot_runs,
            a_log_that_no_longer_reaches_back_is_noticed_and_healed,
        );
    };
    ($module:ident, $open:expr, $how:expr; documents, log and tills) => {
        crate::strategies::noticing!(@module $module, $open, $how;
            a_renamed_key_is_one_delete_and_one_row,
            a_changed_line_alone_brings_its_whole_document,
            live_changes_flow_while_the_snapshot_runs,
            a_log_that_no_longer_reaches_back_is_noticed_and_healed,
            many_tills_at_once_end_in_the_very_same_rows,
        );
    };
    ($module:ident, $open:expr, $how:expr; rows) => {
        crate::strategies::noticing!(@module $module, $open, $how;);
    };
    (@module $module:ident, $open:expr, $how:expr; $($more:ident,)*) => {
        mod $module {
            #[allow(unused_imports, reason = "what opens the shop may stand anywhere")]
            use super::*;
            crate::strategies::noticing!(@each $open, $how;
                inserts_updates_and_deletes_are_noticed,
                what_commits_late_is_not_missed,
                what_is_open_when_the_snapshot_begins_is_not_missed,
                two_changes_between_two_looks_bring_the_last,
                a_restart_after_every_batch_misses_nothing,
                a_dropped_column_stops_the_stream_and_is_named,
                $($more,)*
            );
        }
    };
    (@each $open:expr, $how:expr; $($promise:ident,)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                crate::strategies::$promise($open.await, $how).await;
            }
        )*
    };
}
pub(crate) use noticing;
