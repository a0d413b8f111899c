//! Slows down whoever guesses, and whoever sends too much.
//!
//! Counts live in memory: with several instances each has its own, which multiplies the limits by their number and
//! nothing else. A token bucket per key refills steadily; the table is bounded, and forgets the fullest buckets first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A limit: so many at once, and then one each `refill`.
#[derive(Debug)]
pub struct Throttle {
    burst: u32,
    refill: Duration,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// How much of a limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The most at once.
    pub limit: u32,
    /// How many are left now.
    pub remaining: u32,
    /// Seconds until one more is allowed; 0 while some are left.
    pub reset_seconds: u64,
}

impl Throttle {
    const MAX_KEYS: usize = 50_000;

    /// So many at once, and then one each `refill`.
    #[must_use]
    pub fn new(burst: u32, refill: Duration) -> Self {
        Self {
            burst: burst.max(1),
            refill,
            buckets: Mutex::default(),
        }
    }

    /// Takes one from the key's bucket.
    ///
    /// # Errors
    /// When it is empty.
    pub fn take(&self, key: &str) -> Result<Allowance, Allowance> {
        self.take_at(key, Instant::now())
    }

    /// Forgets a key: the guess was right.
    pub fn forgive(&self, key: &str) {
        self.lock().remove(key);
    }

    fn take_at(&self, key: &str, now: Instant) -> Result<Allowance, Allowance> {
        let mut buckets = self.lock();
        if buckets.len() >= Self::MAX_KEYS && !buckets.contains_key(key) {
            let full = f64::from(self.burst) - 1.0;
            buckets.retain(|_, bucket| self.level(*bucket, now) < full);
            if buckets.len() >= Self::MAX_KEYS {
                // Everybody is over the limit; so is the newcomer.
                return Err(self.allowance(0.0));
            }
        }
        let fresh = Bucket {
            left: f64::from(self.burst),
            at: now,
        };
        let bucket = buckets.entry(key.to_owned()).or_insert(fresh);
        let level = self.level(*bucket, now);
        if level < 1.0 {
            *bucket = Bucket {
                left: level,
                at: now,
            };
            return Err(self.allowance(level));
        }
        *bucket = Bucket {
            left: level - 1.0,
            at: now,
        };
        Ok(self.allowance(level - 1.0))
    }

    fn level(&self, bucket: Bucket, now: Instant) -> f64 {
        let refilled =
            now.saturating_duration_since(bucket.at).as_secs_f64() / self.refill.as_secs_f64();
        (bucket.left + refilled).min(f64::from(self.burst))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels lie between 0 and a u32"
    )]
    fn allowance(&self, level: f64) -> Allowance {
        let missing = (1.0 - level).max(0.0) * self.refill.as_secs_f64();
        Allowance {
            limit: self.burst,
            remaining: level as u32,
            reset_seconds: missing.ceil() as u64,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_refills_and_is_no_business_of_other_keys() {
        let throttle = Throttle::new(2, Duration::from_secs(10));
        let start = Instant::now();
        assert!(throttle.take_at("a", start).is_ok());
        assert_eq!(throttle.take_at("a", start).unwrap().remaining, 0);
        let refused = throttle
            .take_at("a", start + Duration::from_secs(4))
            .unwrap_err();
        assert_eq!(
            refused,
            Allowance {
                limit: 2,
                remaining: 0,
                reset_seconds: 6
            }
        );
        assert!(throttle.take_at("b", start).is_ok());
        assert!(
            throttle
                .take_at("a", start + Duration::from_secs(10))
                .is_ok()
        );
        throttle.forgive("a");
        assert_eq!(
            throttle
                .take_at("a", start + Duration::from_secs(10))
                .unwrap()
                .remaining,
            1
        );
    }
}
