//! Keeps reading gentle: at most so many rows per second, over all streams of a POS system.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The rows read so far stand for time that must pass first.
#[derive(Debug)]
pub struct Limiter {
    rows_per_second: u32,
    free_at: Mutex<Option<Instant>>,
}

impl Limiter {
    /// 0 means no limit.
    #[must_use]
    pub fn new(rows_per_second: u32) -> Self {
        Self {
            rows_per_second,
            free_at: Mutex::new(None),
        }
    }

    /// Rows one batch may have, so that the limit holds within a second too.
    #[must_use]
    pub fn batch_rows(&self, most: usize) -> usize {
        if self.rows_per_second == 0 {
            most
        } else {
            most.min(self.rows_per_second as usize)
        }
    }

    /// Waits until the rows just read have used up their time.
    pub async fn spend(&self, rows: usize) {
        if self.rows_per_second == 0 {
            return;
        }
        let cost = Duration::from_secs_f64(rows as f64 / f64::from(self.rows_per_second));
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let from = free_at.unwrap_or_else(Instant::now).max(Instant::now());
            let until = from + cost;
            *free_at = Some(until);
            until
        };
        tokio::time::sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_streams_share_the_limit() {
        let limiter = Limiter::new(1_000);
        let begun = Instant::now();
        tokio::join!(limiter.spend(100), limiter.spend(50));
        assert!(begun.elapsed().as_millis() >= 149);
        assert_eq!(limiter.batch_rows(5_000), 1_000);
    }
}
