//! When to try again something that fails: exponential delays with jitter, then a long pause that any sign of life
//! ends early. One breaker stands for one counterpart (a POS system, the cloud), whoever talks to it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Failures after which the pause begins.
pub const PATIENCE: u32 = 5;

/// Counts failures of one counterpart.
#[derive(Debug)]
pub struct Breaker {
    first: Duration,
    pause: Duration,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after a moment.
    Again,
    /// That was the last try before the pause: worth an alert.
    PauseBegins,
    /// The pause goes on.
    Paused,
}

impl Breaker {
    /// `first` is the first delay, doubled with each failure; after [`PATIENCE`] failures comes `pause`.
    #[must_use]
    pub fn new(first: Duration, pause: Duration) -> Self {
        Self {
            first,
            pause,
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It answered.
    pub fn success(&self) {
        let mut state = self.state();
        if state.failures > 0 {
            *state = State::default();
            drop(state);
            self.wake.notify_waiters();
        }
    }

    /// It failed. Failures of several who wait for the same delay count once.
    pub fn failure(&self, at_least: Option<Duration>) -> Verdict {
        let now = Instant::now();
        let mut state = self.state();
        let counted = state.until.is_none_or(|until| now >= until);
        if counted {
            state.failures += 1;
            let delay = if state.failures >= PATIENCE {
                self.pause
            } else {
                jitter(self.first * 2_u32.pow(state.failures - 1))
            };
            state.until = Some(now + delay.max(at_least.unwrap_or_default()));
        }
        match (state.failures, counted) {
            (PATIENCE, true) => Verdict::PauseBegins,
            (failures, _) if failures >= PATIENCE => Verdict::Paused,
            _ => Verdict::Again,
        }
    }

    /// Whether the long pause is on.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.state().failures >= PATIENCE
    }

    /// Whether the last try failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.state().failures > 0
    }

    /// Somebody wants it now: the next try needs not wait.
    pub fn try_now(&self) {
        self.state().until = None;
        self.wake.notify_waiters();
    }

    /// Returns when the next try may be made.
    pub async fn ready(&self) {
        loop {
            let woken = self.wake.notified();
            let Some(until) = self.state().until else {
                return;
            };
            if Instant::now() >= until {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = woken => {}
            }
        }
    }
}

/// Between three quarters and five quarters of it, so that a thousand stores do not come back in the same second.
#[must_use]
pub fn jitter(delay: Duration) -> Duration {
    // Each RandomState is keyed anew; that is all the chance needed here.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u8(0);
    let share = hasher.finish() % 1_000;
    delay * 3 / 4 + delay * u32::try_from(share).unwrap_or(500) / 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn delays_double_then_a_pause_begins_which_a_sign_of_life_ends() {
        let breaker = Breaker::new(Duration::from_millis(20), Duration::from_secs(3_600));
        for attempt in 1..PATIENCE {
            assert_eq!(breaker.failure(None), Verdict::Again);
            let begun = Instant::now();
            breaker.ready().await;
            let least = Duration::from_millis(14) * 2_u32.pow(attempt - 1);
            assert!(
                begun.elapsed() >= least,
                "attempt {attempt}: {:?}",
                begun.elapsed()
            );
        }
        assert_eq!(breaker.failure(None), Verdict::PauseBegins);
        assert_eq!(breaker.failure(None), Verdict::Paused);
        assert!(breaker.is_paused());
        tokio::join!(breaker.ready(), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            breaker.success();
        });
        assert!(!breaker.is_failing());
    }

    #[tokio::test]
    async fn two_who_fail_at_the_same_time_count_once_and_a_longer_wait_is_honoured() {
        let breaker = Breaker::new(Duration::from_millis(1), Duration::from_secs(60));
        breaker.failure(Some(Duration::from_millis(200)));
        for _ in 0..PATIENCE {
            breaker.failure(None);
        }
        let begun = Instant::now();
        breaker.ready().await;
        assert!(begun.elapsed() >= Duration::from_millis(150));
        assert!(!breaker.is_paused());
    }
}
