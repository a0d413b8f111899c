//! Where calls wait for their stream, and who waits for what became of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fluxion_model::json::{self, Layout};
use fluxion_model::row::{Row, RowKey};
use fluxion_model::webhook::Event;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::config::Target;
use crate::connector::RowProblem;

/// Calls that wait for one stream.
const WAITING: usize = 64;
/// Calls that are read or waited for at the same time, over all streams; bounds memory.
const CALLS: usize = 64;
/// Streams open within so long of each other; until then an event that nobody takes may find its stream yet.
const STREAMS_OPEN_WITHIN: Duration = Duration::from_secs(5);
/// How much of an event that is no row is shown.
const SHOWN_CHARS: usize = 200;

/// How an event becomes a row.
#[derive(Debug)]
pub(super) struct Plan {
    pub event: String,
    pub item: String,
    pub layout: Layout,
}

/// A call that was believed.
#[derive(Debug)]
pub(super) struct Call {
    pub id: String,
    pub read: Read,
    /// Its share of the memory for calls.
    pub _room: OwnedSemaphorePermit,
}

/// What stood in it.
#[derive(Debug)]
pub(super) enum Read {
    Row(RowKey, Row),
    Unreadable(RowProblem),
}

/// What became of a call.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// It is in the spool.
    Kept,
    /// It was there already.
    Known,
    /// It is in the spool among the rejected rows, for these reasons.
    Rejected(Vec<String>),
}

/// The call cannot be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

/// Somebody's place in the queue.
#[derive(Debug)]
pub(super) struct Place {
    pub outcome: oneshot::Receiver<Outcome>,
    /// Whether another copy of the same call stood there already.
    pub joined: bool,
}

/// One stream's calls.
#[derive(Debug)]
pub(super) struct Desk {
    pub plan: Plan,
    queue: mpsc::Sender<Call>,
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<Outcome>>>>,
}

impl Desk {
    pub fn read(&self, event: &Event<'_>) -> Read {
        let found = json::at(event.body, &self.plan.item);
        let row = found
            .ok_or_else(|| format!("it has nothing at {:?}", self.plan.item))
            .and_then(|item| self.plan.layout.row(item, None));
        match row {
            Ok((key, row)) => Read::Row(key, row),
            Err(reason) => Read::Unreadable(RowProblem {
                position: None,
                field: None,
                raw: Some(event.body.get().chars().take(SHOWN_CHARS).collect()),
                message: format!(
                    "The event {} is no row: {reason}. Correct what the POS sends and have it sent again under a new \
                     webhook-id, or correct the mapping.",
                    self.plan.event
                ),
            }),
        }
    }

    /// A place for the call; beside another copy of it where one waits already.
    pub fn hand_in(&self, call: Call) -> Result<Place, Busy> {
        let (sender, outcome) = oneshot::channel();
        // Held over both steps: the stream cannot answer a call before its sender stands in the list.
        let mut waiting = self.waiting();
        if let Some(others) = waiting.get_mut(&call.id) {
            others.push(sender);
            return Ok(Place {
                outcome,
                joined: true,
            });
        }
        let id = call.id.clone();
        self.queue.try_send(call).map_err(|_| Busy)?;
        waiting.insert(id, vec![sender]);
        Ok(Place {
            outcome,
            joined: false,
        })
    }

    /// Tells all who wait for the call.
    pub fn answer(&self, id: &str, outcome: &Outcome) {
        for sender in self.waiting().remove(id).into_iter().flatten() {
            if sender.send(outcome.clone()).is_err() {
                tracing::debug!(
                    id,
                    "the sender did not wait for the answer; it will ask again"
                );
            }
        }
    }

    /// Nobody answers any more: who waits hears that at once.
    pub fn close(&self) {
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Vec<oneshot::Sender<Outcome>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who takes an event.
#[derive(Debug)]
pub(super) enum Found {
    Desk(Arc<Desk>),
    /// Streams are still being opened.
    NotYet,
    /// No stream takes it; these are taken.
    Nobody(Vec<String>),
}

/// All streams of a POS system, and what bounds their calls.
#[derive(Debug)]
pub(super) struct Hall {
    pub target: Target,
    pub room: Arc<Semaphore>,
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
    since: Instant,
    minute: Mutex<(Instant, u32)>,
}

impl Hall {
    pub fn new(target: Target) -> Self {
        Self {
            target,
            room: Arc::new(Semaphore::new(CALLS)),
            desks: Mutex::default(),
            since: Instant::now(),
            minute: Mutex::new((Instant::now(), 0)),
        }
    }

    /// A desk for a stream, in the place of the one it had before. A desk whose stream is closed stays, so that its events
    /// are asked to come later instead of being sent away.
    pub fn desk(&self, plan: Plan) -> (Arc<Desk>, mpsc::Receiver<Call>) {
        let (queue, calls) = mpsc::channel(WAITING);
        let event = plan.event.clone();
        let desk = Arc::new(Desk {
            plan,
            queue,
            waiting: Mutex::default(),
        });
        self.desks().insert(event, Arc::clone(&desk));
        (desk, calls)
    }

    pub fn find(&self, event: &str) -> Found {
        let desks = self.desks();
        match desks.get(event) {
            Some(desk) => Found::Desk(Arc::clone(desk)),
            None if desks.is_empty() || self.since.elapsed() < STREAMS_OPEN_WITHIN => Found::NotYet,
            None => Found::Nobody(desks.keys().cloned().collect()),
        }
    }

    /// Counts an event; the seconds to wait when there were too many in this minute.
    pub fn count(&self) -> Result<(), u64> {
        let Some(most) = self.target.events_per_minute else {
            return Ok(());
        };
        const MINUTE: Duration = Duration::from_secs(60);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.0.elapsed() >= MINUTE {
            *minute = (Instant::now(), 0);
        }
        if minute.1 >= most {
            return Err((MINUTE.saturating_sub(minute.0.elapsed())).as_secs().max(1));
        }
        minute.1 += 1;
        Ok(())
    }

    fn desks(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Desk>>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
