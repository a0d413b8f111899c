//! The stores at work: three tasks that keep their POS busy until they are told to close.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::sim::adminpaq::Shop;
use crate::sim::caracas_now;
use crate::sim::export::ExportPos;
use crate::sim::export_file::{FileKind, drop_file};
use crate::sim::random::Random;
use crate::sim::stellar::Stellar;
use crate::sim::systimax::Till;

/// What happened at a store so far.
#[derive(Debug, Default)]
pub struct Events {
    /// Tickets, credit notes included.
    pub sales: AtomicU64,
    /// Tickets annulled.
    pub voids: AtomicU64,
    /// Prices changed.
    pub prices: AtomicU64,
    /// Products added.
    pub added: AtomicU64,
    /// Products deleted.
    pub deleted: AtomicU64,
    /// Goods received.
    pub received: AtomicU64,
    /// Bad rows written.
    pub bad: AtomicU64,
    /// Bad rows mended.
    pub mended: AtomicU64,
    /// Files dropped.
    pub files: AtomicU64,
}

impl Events {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// For a person.
    #[must_use]
    pub fn summary(&self) -> String {
        let words = [
            (&self.sales, "sales"),
            (&self.voids, "voids"),
            (&self.prices, "price changes"),
            (&self.received, "deliveries"),
            (&self.added, "new products"),
            (&self.deleted, "deleted"),
            (&self.bad, "bad rows"),
            (&self.mended, "mended"),
            (&self.files, "files"),
        ];
        let parts = words
            .iter()
            .map(|(count, word)| (count.load(Ordering::Relaxed), word))
            .filter(|(count, _)| *count > 0);
        parts
            .map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Tells the tasks when to close.
#[derive(Debug, Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// The sign on the door, and who can read it.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether it is time.
    #[must_use]
    pub fn now(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits so long, or until it is time.
    pub async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            // The sender is gone only when the whole demo is.
            changed = self.0.changed() => if changed.is_err() { sleep(time).await; },
        }
    }
}

/// Keeps a till on MariaDB busy.
#[must_use]
pub fn run_till(
    mut till: Till,
    seed: u64,
    events: Arc<Events>,
    mut closing: Closing,
) -> JoinHandle<Result<()>> {
    tokio::spawn(async move {
        let mut random = Random::new(seed).branch("life of the till");
        while !closing.now() {
            let now = caracas_now();
            match random.between(1, 100) {
                1..=62 => {
                    till.sell(now).await?;
                    Events::count(&events.sales);
                }
                63..=78 => {
                    till.change_price().await?;
                    Events::count(&events.prices);
                }
                79..=85 => {
                    till.receive().await?;
                    Events::count(&events.received);
                }
                86..=89 => {
                    till.add_product().await?;
                    Events::count(&events.added);
                }
                90..=91 => {
                    till.delete_product().await?;
                    Events::count(&events.deleted);
                }
                92..=93 => {
                    till.take_back(now).await?;
                    Events::count(&events.sales);
                }
                94..=95 => {
                    if till.void().await?.is_some() {
                        Events::count(&events.voids);
                    }
                }
                96..=97 => {
                    till.add_bad_product().await?;
                    Events::count(&events.bad);
                }
                98 => {
                    till.sell_badly().await?;
                    Events::count(&events.bad);
                }
                _ => {
                    if till.mend().await?.is_some() {
                        Events::count(&events.mended);
                    }
                }
            }
            closing
                .pause(Duration::from_millis(random.bits() % 120))
                .await;
        }
        Ok(())
    })
}

/// Keeps a store with Stellar busy.
#[must_use]
pub fn run_stellar(
    mut store: Stellar,
    seed: u64,
    events: Arc<Events>,
    mut closing: Closing,
) -> JoinHandle<Result<()>> {
    tokio::spawn(async move {
        let mut random = Random::new(seed).branch("life of a store with Stellar");
        while !closing.now() {
            let now = caracas_now();
            match random.between(1, 100) {
                1..=62 => {
                    store.sell(now).await?;
                    Events::count(&events.sales);
                }
                63..=78 => {
                    store.change_price(now).await?;
                    Events::count(&events.prices);
                }
                79..=85 => {
                    store.receive(now).await?;
                    Events::count(&events.received);
                }
                86..=89 => {
                    store.add_product(now).await?;
                    Events::count(&events.added);
                }
                90..=91 => {
                    store.delete_product().await?;
                    Events::count(&events.deleted);
                }
                92..=94 => {
                    store.take_back(now).await?;
                    Events::count(&events.sales);
                }
                95..=97 => {
                    store.add_bad_product(now).await?;
                    Events::count(&events.bad);
                }
                98 => {
                    store.sell_badly().await?;
                    Events::count(&events.bad);
                }
                _ => {
                    if store.mend(now).await?.is_some() {
                        Events::count(&events.mended);
                    }
                }
            }
            closing
                .pause(Duration::from_millis(random.bits() % 250))
                .await;
        }
        Ok(())
    })
}

/// Keeps a shop with AdminPAQ busy, and hands it back with all it knows.
#[must_use]
pub fn run_adminpaq(
    mut shop: Shop,
    seed: u64,
    events: Arc<Events>,
    mut closing: Closing,
) -> JoinHandle<Result<Shop>> {
    tokio::spawn(async move {
        let mut random = Random::new(seed).branch("life of a shop with AdminPAQ");
        while !closing.now() {
            let choice = random.between(1, 100);
            let happened = tokio::task::spawn_blocking(move || {
                let counter = in_shop(&mut shop, choice)?;
                Ok::<_, anyhow::Error>((shop, counter))
            });
            let (back, counter) = happened.await??;
            shop = back;
            if let Some(counter) = counter {
                Events::count(counter(&events));
            }
            closing
                .pause(Duration::from_millis(300 + random.bits() % 900))
                .await;
        }
        Ok(shop)
    })
}

/// Which of a store's counters goes up.
type Counter = fn(&Events) -> &AtomicU64;

/// Something that happens in the shop.
fn in_shop(shop: &mut Shop, choice: i64) -> Result<Option<Counter>> {
    let now = caracas_now();
    Ok(match choice {
        1..=52 => {
            shop.sell(now)?;
            Some(|events| &events.sales)
        }
        53..=68 => {
            shop.change_price()?;
            Some(|events| &events.prices)
        }
        69..=75 => {
            shop.receive()?;
            Some(|events| &events.received)
        }
        76..=79 => {
            shop.add_product(None)?;
            Some(|events| &events.added)
        }
        80..=82 => {
            shop.delete_product()?;
            Some(|events| &events.deleted)
        }
        83..=85 => {
            shop.take_back(now)?;
            Some(|events| &events.sales)
        }
        86..=87 => shop.void()?.map(|_| -> Counter { |events| &events.voids }),
        88..=89 => {
            shop.collect(now)?;
            None
        }
        90..=91 => {
            shop.discontinue()?;
            None
        }
        92..=94 => {
            shop.pack()?;
            None
        }
        95..=97 => {
            shop.add_bad_product()?;
            Some(|events| &events.bad)
        }
        98..=99 => {
            shop.sell_badly()?;
            Some(|events| &events.bad)
        }
        _ => shop.mend()?.map(|_| -> Counter { |events| &events.mended }),
    })
}

/// A POS that drops files, and the folder it drops them into.
#[derive(Debug)]
pub struct Exporter {
    /// The POS.
    pub pos: ExportPos,
    /// CSV or Excel.
    pub kind: FileKind,
    /// Where its files go.
    pub folder: PathBuf,
    random: Random,
    files: u32,
}

impl Exporter {
    /// A POS before its first export.
    #[must_use]
    pub fn new(pos: ExportPos, kind: FileKind, folder: PathBuf, seed: u64) -> Self {
        Self {
            pos,
            kind,
            folder,
            random: Random::new(seed).branch(&format!("life of an exporter of {kind:?}")),
            files: 0,
        }
    }

    /// Drops an export of all products.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn drop_products(&mut self) -> Result<()> {
        let bytes = self.pos.export_products()?.bytes(self.kind)?;
        self.drop("productos", &bytes).await
    }

    /// Drops the sales since the last time, if there were any.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn drop_sales(&mut self) -> Result<()> {
        match self.pos.export_sales()? {
            Some(sheet) => self.drop("ventas", &sheet.bytes(self.kind)?).await,
            None => Ok(()),
        }
    }

    async fn drop(&mut self, what: &str, bytes: &[u8]) -> Result<()> {
        self.files += 1;
        let ending = match self.kind {
            FileKind::Csv => "csv",
            FileKind::Excel => "xlsx",
        };
        let name = format!(
            "{what}_{}_{:04}.{ending}",
            caracas_now().format("%Y%m%d_%H%M%S"),
            self.files
        );
        let pause = self
            .random
            .per_mille(350)
            .then_some(Duration::from_millis(800));
        drop_file(&self.folder.join(name), bytes, pause).await
    }
}

/// Keeps an exporting POS busy. Ends with a last export of everything, and hands the POS back with its ledger.
#[must_use]
pub fn run_exporter(
    mut exporter: Exporter,
    events: Arc<Events>,
    mut closing: Closing,
) -> JoinHandle<Result<Exporter>> {
    tokio::spawn(async move {
        for round in 1_u32.. {
            if closing.now() {
                break;
            }
            happen(&mut exporter, &events);
            if round.is_multiple_of(25) {
                exporter.drop_sales().await?;
                Events::count(&events.files);
            }
            if round.is_multiple_of(60) {
                exporter.drop_products().await?;
                Events::count(&events.files);
            }
            closing.pause(Duration::from_millis(200)).await;
        }
        exporter.drop_sales().await?;
        exporter.drop_products().await?;
        Ok(exporter)
    })
}

fn happen(exporter: &mut Exporter, events: &Events) {
    let now = caracas_now();
    let pos = &mut exporter.pos;
    match exporter.random.between(1, 100) {
        1..=60 => {
            pos.sell(now);
            Events::count(&events.sales);
        }
        61..=75 => {
            pos.change_price(now);
            Events::count(&events.prices);
        }
        76..=83 => {
            pos.receive();
            Events::count(&events.received);
        }
        84..=87 => {
            pos.add_product(now);
            Events::count(&events.added);
        }
        88..=89 => {
            pos.delete_product();
            Events::count(&events.deleted);
        }
        90..=92 => {
            pos.take_back(now);
            Events::count(&events.sales);
        }
        93..=96 => {
            pos.spoil();
            Events::count(&events.bad);
        }
        97..=98 => {
            pos.sell_badly(now);
            Events::count(&events.bad);
        }
        _ => {
            if pos.mend().is_some() {
                Events::count(&events.mended);
            }
        }
    }
}
