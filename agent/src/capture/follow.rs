//! When a stream runs: its interval or cron expression, and the nightly sweep that finds deletes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fluxion_model::command::SyncMode;
use fluxion_model::stream::Capture;
use tokio::time::Instant;

use super::worker::Task;
use crate::clock::{self, Jumps};
use crate::config::{PosConfig, Schedule};

/// How often a stream that must be read whole is read, when nothing says otherwise.
const DIFF_EVERY: Duration = Duration::from_secs(300);
/// A sweep that did not end well is tried again before the next night.
const SWEEP_AGAIN: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// Clocks jump; so a cron expression is looked at again at least this often.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

fn rhythm(config: &PosConfig, capture: &Capture) -> Rhythm {
    match (config.every, &config.schedule, capture) {
        // Who calls out is not asked, however often.
        (.., Capture::Push) => Rhythm::Advised,
        (Some(every), ..) => Rhythm::Every(every.0),
        (None, Some(schedule), _) => Rhythm::Cron(Box::new(schedule.clone())),
        (None, None, Capture::Diff) => Rhythm::Every(DIFF_EVERY),
        (
            None,
            None,
            Capture::Watermark { .. } | Capture::Log | Capture::Outbox | Capture::Arrival,
        ) => Rhythm::Advised,
    }
}

/// A diff finds deletes each time, files say themselves whether they hold everything, and who calls out cannot be asked.
fn sweep(
    config: &PosConfig,
    capture: &Capture,
    from: DateTime<Utc>,
) -> Option<(Schedule, DateTime<Utc>)> {
    match capture {
        Capture::Watermark { .. } | Capture::Log | Capture::Outbox => {
            let next = config.sweep.next_after(from, config.time_zone);
            next.map(|next| (config.sweep.clone(), next))
        }
        Capture::Diff | Capture::Arrival | Capture::Push => None,
    }
}

/// When a stream runs next.
pub(super) struct Timetable {
    zone: Tz,
    rhythm: Rhythm,
    follow: Next,
    sweep: Option<(Schedule, DateTime<Utc>)>,
    jumps: Jumps,
}

enum Rhythm {
    /// As the connector advises.
    Advised,
    Every(Duration),
    Cron(Box<Schedule>),
    Never,
}

enum Next {
    At(Instant),
    Clock(DateTime<Utc>),
    Never,
}

impl Timetable {
    pub fn new(
        config: &PosConfig,
        capture: &Capture,
        last_scan: Option<DateTime<Utc>>,
        jumps: Jumps,
    ) -> Self {
        let rhythm = rhythm(config, capture);
        // The computer may have been off at night: then the sweep is made up for.
        let from = last_scan.unwrap_or_else(Utc::now);
        let sweep = sweep(config, capture, from);
        // The first run is now: whatever happened while the agent was away is waiting.
        Self {
            zone: config.time_zone,
            rhythm,
            follow: Next::At(Instant::now()),
            sweep,
            jumps,
        }
    }

    /// Changes are noticed in this way from now on.
    pub fn suit(&mut self, config: &PosConfig, capture: &Capture) {
        if matches!(self.rhythm, Rhythm::Never) {
            return;
        }
        self.rhythm = rhythm(config, capture);
        let wanted = sweep(config, capture, Utc::now());
        self.sweep = match (wanted, self.sweep.take()) {
            (Some(_), Some(known)) => Some(known),
            (wanted, _) => wanted,
        };
    }

    /// Runs only when told.
    pub fn never() -> Self {
        Self {
            zone: Tz::UTC,
            rhythm: Rhythm::Never,
            follow: Next::Never,
            sweep: None,
            jumps: tokio::sync::watch::channel(0).1,
        }
    }

    /// Waits until something is due. Cancel-safe.
    pub async fn due(&mut self) -> Task {
        loop {
            let now = Utc::now();
            if let Some((schedule, next)) = &mut self.sweep {
                if now >= *next {
                    return Task::Sync(SyncMode::Full);
                }
                // Also when the clock was set back.
                *next = schedule
                    .next_after(now, self.zone)
                    .map_or(*next, |earliest| earliest.min(*next));
            }
            let wait = match &mut self.follow {
                Next::Never => LOOK_AT_CLOCK,
                Next::At(at) => at.saturating_duration_since(Instant::now()),
                Next::Clock(at) => {
                    if let Rhythm::Cron(schedule) = &self.rhythm {
                        *at = schedule
                            .next_after(now, self.zone)
                            .map_or(*at, |earliest| earliest.min(*at));
                    }
                    (*at - now).to_std().unwrap_or_default()
                }
            };
            if wait.is_zero() && !matches!(self.follow, Next::Never) {
                return Task::Sync(SyncMode::Incremental);
            }
            tokio::select! {
                () = tokio::time::sleep(wait.min(LOOK_AT_CLOCK)) => {}
                () = clock::jump(&mut self.jumps) => self.look_now(),
            }
        }
    }

    /// After a sleep there may be hours to catch up with, and how long it was nobody can tell from a clock that stood still.
    fn look_now(&mut self) {
        if let Next::At(at) = &mut self.follow {
            *at = Instant::now();
        }
    }

    /// A run ended; `look_again` is the connector's advice, or when to look at a halted stream again.
    pub fn ran(&mut self, task: &Task, look_again: Duration, well: bool) {
        let now = Utc::now();
        if *task == Task::Sync(SyncMode::Full)
            && let Some((schedule, next)) = &mut self.sweep
            && let Some(after) = schedule.next_after(now, self.zone)
        {
            *next = if well {
                after
            } else {
                after.min(now + SWEEP_AGAIN)
            };
        }
        self.follow = match &self.rhythm {
            Rhythm::Never => Next::Never,
            _ if !well => Next::At(Instant::now() + look_again),
            Rhythm::Advised => {
                Next::At(Instant::now() + look_again.max(Duration::from_millis(100)))
            }
            Rhythm::Every(every) => Next::At(Instant::now() + *every),
            Rhythm::Cron(schedule) => schedule
                .next_after(now, self.zone)
                .map_or(Next::Never, Next::Clock),
        };
    }
}
