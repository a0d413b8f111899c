//! Notices that the computer slept or that its clock was set, by comparing the clock of the wall with one that only runs on.
//!
//! Everything that waits was computed before, by a clock that was another or with hours in between; so it is woken and
//! computes anew. Daylight saving is no jump: the comparison is in universal time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the clocks are compared.
const LOOK: Duration = Duration::from_secs(5);
/// Less than this is a busy computer, or a time server that mends a clock.
const WORTH_SAYING: TimeDelta = TimeDelta::seconds(30);

/// The clock of the wall; tests have one of their own.
pub type WallClock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What happened to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// Nothing ran for so long. Both clocks know.
    Slept(TimeDelta),
    /// Only the clock of the wall went on: the computer slept, or its clock was set forward.
    Forward(TimeDelta),
    /// The clock was set back.
    Back(TimeDelta),
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |by: &TimeDelta| by.num_seconds();
        match self {
            Self::Slept(by) => write!(f, "this computer slept for {} s", seconds(by)),
            Self::Forward(by) => write!(
                f,
                "this computer slept, or its clock was set forward, by {} s",
                seconds(by)
            ),
            Self::Back(by) => write!(f, "this computer's clock was set back by {} s", seconds(by)),
        }
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: DateTime<Utc>,
    running: Instant,
}

impl Moment {
    /// What happened between two looks that were to be `planned` apart.
    fn jump_to(self, now: Self, planned: Duration) -> Option<Jump> {
        let ran = TimeDelta::from_std(now.running - self.running).unwrap_or(TimeDelta::MAX);
        let ahead = (now.wall - self.wall) - ran;
        let late = ran - TimeDelta::from_std(planned).unwrap_or_default();
        if ahead >= WORTH_SAYING {
            Some(Jump::Forward(ahead))
        } else if ahead <= -WORTH_SAYING {
            Some(Jump::Back(-ahead))
        } else if late >= WORTH_SAYING {
            Some(Jump::Slept(late))
        } else {
            None
        }
    }
}

/// Tells how often time has jumped; whoever waits listens.
pub type Jumps = watch::Receiver<u64>;

/// Watches until the agent stops. `jumped` is called before those who listen are woken.
pub async fn watch(
    wall: &WallClock,
    cancel: &CancellationToken,
    jumps: &watch::Sender<u64>,
    jumped: impl Fn(),
) {
    let look = || Moment {
        wall: wall(),
        running: Instant::now(),
    };
    let mut before = look();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = look();
        if let Some(jump) = before.jump_to(now, LOOK) {
            tracing::warn!("{jump}; everything that waits looks at the clock again");
            jumped();
            jumps.send_modify(|count| *count += 1);
        }
        before = now;
    }
}

/// Returns at the next jump; never where nobody watches.
pub async fn jump(jumps: &mut Jumps) {
    if jumps.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn between(wall: i64, running: u64) -> Option<Jump> {
        let before = Moment {
            wall: DateTime::UNIX_EPOCH,
            running: Instant::now(),
        };
        let after = Moment {
            wall: before.wall + TimeDelta::seconds(wall),
            running: before.running + Duration::from_secs(running),
        };
        before.jump_to(after, Duration::from_secs(5))
    }

    #[test]
    fn a_sleep_and_a_clock_that_was_set_are_told_apart_from_a_busy_computer() {
        assert_eq!(between(5, 5), None);
        assert_eq!(between(25, 25), None, "a busy computer");
        assert_eq!(between(7, 5), None, "a time server");
        let seconds = TimeDelta::seconds;
        assert_eq!(between(3_605, 3_605), Some(Jump::Slept(seconds(3_600))));
        assert_eq!(between(3_605, 5), Some(Jump::Forward(seconds(3_600))));
        assert_eq!(
            between(-31_536_000, 5),
            Some(Jump::Back(seconds(31_536_005)))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_once_for_each_jump() {
        let set = Arc::new(Mutex::new(TimeDelta::zero()));
        let begun = Instant::now();
        let wall: WallClock = {
            let set = Arc::clone(&set);
            Arc::new(move || DateTime::UNIX_EPOCH + begun.elapsed() + *set.lock().unwrap())
        };
        let (jumps, mut listener) = watch::channel(0);
        let cancel = CancellationToken::new();
        let watching = {
            let (cancel, wall) = (cancel.clone(), wall);
            tokio::spawn(async move { super::watch(&wall, &cancel, &jumps, || {}).await })
        };
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!listener.has_changed().unwrap());
        *set.lock().unwrap() = TimeDelta::hours(-1);
        jump(&mut listener).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(
            !listener.has_changed().unwrap(),
            "an hour back, and then time goes on"
        );
        *set.lock().unwrap() = TimeDelta::days(400);
        jump(&mut listener).await;
        cancel.cancel();
        watching.await.unwrap();
    }
}
