//! How fast to read: large pages while they fit and come quickly, small ones and a rest when the server is slow.

use std::time::Duration;

use tokio::time::Instant;

use super::reader::Page;
use crate::connector::BatchLimit;

/// A page that took longer than this weighs on the POS.
const SLOW: Duration = Duration::from_secs(2);

/// Rows of the first page, before their size is known.
const FIRST_PAGE: usize = 1_000;

/// Never fewer rows than this, however large they are.
const SMALLEST_PAGE: usize = 50;

/// How fast to read.
#[derive(Debug)]
pub(super) struct Pace {
    rows_per_second: Option<u32>,
    /// No page before this.
    pub not_before: Instant,
    /// How many rows fit the caller's bytes, as far as known.
    fitting: usize,
    /// How many rows the server gives quickly.
    quick: usize,
}

impl Pace {
    pub fn new(rows_per_second: Option<u32>) -> Self {
        Self {
            rows_per_second,
            not_before: Instant::now(),
            fitting: FIRST_PAGE,
            quick: usize::MAX,
        }
    }

    pub fn rows(&self, limit: BatchLimit) -> usize {
        // Two seconds' worth at most, so that what changes meanwhile need not wait long for its turn.
        let allowed = self.rows_per_second.map_or(usize::MAX, |per_second| {
            usize::try_from(per_second)
                .unwrap_or(usize::MAX)
                .saturating_mul(2)
        });
        limit
            .rows
            .min(allowed)
            .min(self.fitting)
            .min(self.quick)
            .max(SMALLEST_PAGE.min(limit.rows))
            .max(1)
    }

    pub fn learn(&mut self, page: &Page, limit: BatchLimit) {
        let rows = page.changes.len();
        if rows == 0 {
            return;
        }
        self.fitting = (limit.bytes / (page.bytes / rows).max(1)).max(SMALLEST_PAGE);
        let now = Instant::now();
        if page.took > SLOW {
            self.quick = (rows / 2).max(SMALLEST_PAGE);
            self.not_before = now + page.took.min(Duration::from_secs(10));
        } else if self.quick != usize::MAX {
            self.quick = self.quick.saturating_mul(2);
        }
        if let Some(per_second) = self.rows_per_second {
            let due = Duration::from_secs_f64(rows as f64 / f64::from(per_second));
            self.not_before = self.not_before.max(now) + due;
        }
    }
}
