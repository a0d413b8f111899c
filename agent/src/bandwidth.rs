//! Keeps the agent's use of the line within what the configuration allows at this hour. Uploads and downloads share one
//! bucket; whoever takes from it waits until what was taken before has had its time.
//!
//! It holds back and never refuses, so a limit slows things down and loses nothing. What is small and urgent (heartbeats,
//! commands) does not ask.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{BandwidthConfig, Line};

/// The most that goes at once under a limit: small enough that others on the line get their turn in between.
const PIECE: u64 = 16_000;
/// Pieces per second, where that makes them smaller: so a changed plan is heeded at once.
const PIECES_PER_SECOND: u64 = 4;
/// How often the system is asked what the line costs.
const ASK_COST_EVERY: Duration = Duration::from_secs(180);

/// The line's share of this agent.
pub struct Bandwidth {
    config: BandwidthConfig,
    metered: AtomicBool,
    /// When what was taken has had its time. A fair lock: who came first goes first, so nobody starves.
    free_at: Mutex<Instant>,
    local: Box<dyn Fn() -> NaiveDateTime + Send + Sync>,
}

impl Bandwidth {
    /// By the clock of this computer.
    #[must_use]
    pub fn new(config: BandwidthConfig) -> Self {
        Self::by_clock(config, || chrono::Local::now().naive_local())
    }

    /// No limit at all, as for a person who waits at the screen.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(BandwidthConfig {
            kb_per_s: 0,
            metered_kb_per_s: 0,
            plan: Vec::new(),
        })
    }

    /// By another clock.
    #[must_use]
    pub fn by_clock(
        config: BandwidthConfig,
        local: impl Fn() -> NaiveDateTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            config,
            metered: AtomicBool::new(false),
            free_at: Mutex::new(Instant::now()),
            local: Box::new(local),
        }
    }

    /// Bytes per second right now; `None` is no limit.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        let line = if self.metered.load(Ordering::Relaxed) {
            Line::Metered
        } else {
            Line::Unmetered
        };
        self.config.rate((self.local)(), line)
    }

    /// The most to take before the next look at the plan; `None` without a limit.
    #[must_use]
    pub fn piece(&self) -> Option<u64> {
        self.rate().map(piece_at)
    }

    /// Waits until so many bytes may go, or may have come. Returns at once without a limit.
    pub async fn take(&self, bytes: u64) {
        let mut left = bytes;
        while left > 0 {
            if self.rate().is_none() {
                return;
            }
            let mut free_at = self.free_at.lock().await;
            tokio::time::sleep_until(*free_at).await;
            // The hour may have changed while others had their turn.
            let Some(rate) = self.rate() else { return };
            let now = left.min(piece_at(rate));
            *free_at = Instant::now() + Duration::from_secs_f64(now as f64 / rate as f64);
            left -= now;
        }
    }

    /// Says what the line costs.
    pub fn line_is(&self, line: Line) {
        let metered = line == Line::Metered;
        if self.metered.swap(metered, Ordering::Relaxed) == metered {
            return;
        }
        match (metered, self.config.metered_kb_per_s) {
            (true, 0) => {
                tracing::info!("the line is metered; by the configuration that changes nothing")
            }
            (true, limit) => {
                tracing::info!("the line is metered: at most {limit} kB/s from now on")
            }
            (false, _) => tracing::info!("the line is not metered any more"),
        }
    }

    /// Asks what the line costs, now and every few minutes, until the agent stops. `ask` may take a moment, and answers
    /// `None` when the system does not know.
    pub async fn watch_cost(
        &self,
        cancel: &CancellationToken,
        ask: Arc<dyn Fn() -> Option<Line> + Send + Sync>,
    ) {
        loop {
            let ask = Arc::clone(&ask);
            let asked = tokio::task::spawn_blocking(move || ask()).await;
            self.line_is(asked.ok().flatten().unwrap_or(Line::Unmetered));
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(ASK_COST_EVERY) => {}
            }
        }
    }
}

impl fmt::Debug for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bandwidth")
            .field("rate", &self.rate())
            .finish_non_exhaustive()
    }
}

fn piece_at(rate: u64) -> u64 {
    PIECE.min(rate / PIECES_PER_SECOND).max(1)
}

/// What the system says the line costs; `None` where it does not know.
#[cfg(windows)]
#[must_use]
pub fn cost_of_line() -> Option<Line> {
    use fluxion_system::network::{Cost, cost};
    Some(match cost()? {
        Cost::Metered => Line::Metered,
        Cost::Unmetered => Line::Unmetered,
    })
}

/// What the system says the line costs; `None` where it does not know.
#[cfg(not(windows))]
#[must_use]
pub fn cost_of_line() -> Option<Line> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use chrono::NaiveTime;

    use super::*;

    fn limited(kb_per_s: u32) -> Bandwidth {
        Bandwidth::new(BandwidthConfig {
            kb_per_s,
            ..BandwidthConfig::default()
        })
    }

    async fn time_for(bandwidth: &Bandwidth, bytes: u64) -> f64 {
        let begun = Instant::now();
        bandwidth.take(bytes).await;
        begun.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time_and_the_first_piece_goes_at_once() {
        let bandwidth = limited(64);
        assert!(time_for(&bandwidth, 1_000).await < 0.01);
        let took = time_for(&bandwidth, 640_000).await;
        assert!((9.7..10.1).contains(&took), "{took}");
        // A minute of silence saves nothing up: nobody is flooded afterwards.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let took = time_for(&bandwidth, 640_000).await;
        assert!((9.7..10.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_and_a_download_share_the_limit_and_neither_starves() {
        let bandwidth = limited(64);
        let (up, down) = tokio::join!(time_for(&bandwidth, 320_000), time_for(&bandwidth, 320_000));
        assert!(up > 9.0 && down > 9.0, "{up} {down}");
        assert!(up < 10.1 && down < 10.1, "{up} {down}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_follows_the_plan_while_something_is_under_way() {
        let config: BandwidthConfig =
            toml::from_str("[[plan]]\nfrom = \"08:00\"\nto = \"22:00\"\nkb_per_s = 64\n").unwrap();
        let day: NaiveDateTime = "2026-11-16T00:00:00".parse().unwrap();
        let midnight = Instant::now();
        // The clock of the wall goes with the paused one, from 21:59:30 on.
        let start = NaiveTime::from_hms_opt(21, 59, 30).unwrap();
        let bandwidth = Bandwidth::by_clock(config, move || {
            day.date().and_time(start) + midnight.elapsed()
        });
        let took = time_for(&bandwidth, 64_000_000).await;
        assert!(
            (29.5..30.6).contains(&took),
            "{took}: the rest went at 22:00, all at once"
        );
        assert!(time_for(&bandwidth, 1_000_000_000).await < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn a_metered_line_is_noticed_and_so_is_its_end() {
        let bandwidth = Arc::new(limited(0));
        let asked = Arc::new(AtomicU32::new(0));
        let cancel = CancellationToken::new();
        let watching = tokio::spawn({
            let (bandwidth, asked, cancel) =
                (Arc::clone(&bandwidth), Arc::clone(&asked), cancel.clone());
            async move {
                let ask = move || match asked.fetch_add(1, Ordering::Relaxed) {
                    0 => Some(Line::Metered),
                    1 => Some(Line::Unmetered),
                    _ => None,
                };
                bandwidth.watch_cost(&cancel, Arc::new(ask)).await;
            }
        });
        while asked.load(Ordering::Relaxed) < 1 || bandwidth.rate().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(bandwidth.rate(), Some(64_000));
        tokio::time::sleep(ASK_COST_EVERY * 2).await;
        assert_eq!(bandwidth.rate(), None);
        cancel.cancel();
        watching.await.unwrap();
    }

    #[tokio::test]
    async fn without_a_limit_nothing_waits() {
        let bandwidth = Bandwidth::unlimited();
        assert!(time_for(&bandwidth, u64::MAX).await < 0.1);
        assert_eq!(bandwidth.piece(), None);
        assert_eq!(limited(1).piece(), Some(250));
        assert_eq!(limited(1_000).piece(), Some(PIECE));
    }
}
