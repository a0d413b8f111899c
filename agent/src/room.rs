//! Whether the disk has room left. A till whose disk is full sells no more, so the agent stops filling it long before:
//! reading waits, what waits is sent and so makes room, and reading goes on by itself when there is enough again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the disk is asked. What one load writes in between is far less than the least that is left free.
const LOOK: Duration = Duration::from_secs(5);

/// Asks the system how much is free; `None` when it does not say.
pub type FreeBytes = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// What is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Enough, or nobody knows.
    Enough,
    /// Less than must be left.
    Short {
        /// Bytes, when it was looked.
        free: u64,
    },
}

/// Watches the disk of the data folder.
#[derive(Clone)]
pub struct DiskRoom {
    least: u64,
    free: FreeBytes,
    state: watch::Sender<Room>,
}

impl DiskRoom {
    /// Looks once.
    #[must_use]
    pub fn new(least: u64, free: FreeBytes) -> Self {
        let room = Self {
            least,
            free,
            state: watch::channel(Room::Enough).0,
        };
        room.look();
        room
    }

    /// How much must be left, bytes.
    #[must_use]
    pub fn least(&self) -> u64 {
        self.least
    }

    /// What there is, and when that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Room> {
        self.state.subscribe()
    }

    /// Looks until the agent stops.
    pub async fn look_on(&self, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(LOOK) => self.look(),
            }
        }
    }

    fn look(&self) {
        let Some(free) = (self.free)() else { return };
        self.state.send_if_modified(|room| {
            let (next, is_news) = match *room {
                Room::Enough if free < self.least => (Room::Short { free }, true),
                // A quarter more than the least, so that it does not stop and go with every file.
                Room::Short { .. } if free >= self.least.saturating_add(self.least / 4) => {
                    (Room::Enough, true)
                }
                Room::Short { .. } => (Room::Short { free }, false),
                Room::Enough => (Room::Enough, false),
            };
            *room = next;
            is_news
        });
    }
}

impl fmt::Debug for DiskRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskRoom")
            .field("least", &self.least)
            .field("state", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn reading_stops_below_the_least_and_goes_on_only_well_above_it() {
        let free = Arc::new(AtomicU64::new(1_000));
        let disk = Arc::clone(&free);
        let room = DiskRoom::new(400, Arc::new(move || Some(disk.load(Ordering::Relaxed))));
        let watch = room.watch();
        let at = |bytes| {
            free.store(bytes, Ordering::Relaxed);
            room.look();
            *watch.borrow()
        };
        assert_eq!(at(400), Room::Enough);
        assert_eq!(at(399), Room::Short { free: 399 });
        assert_eq!(
            at(450),
            Room::Short { free: 450 },
            "not with every file that goes"
        );
        assert_eq!(at(500), Room::Enough);
        assert_eq!(at(450), Room::Enough);
    }

    #[test]
    fn a_disk_that_does_not_say_stops_nothing() {
        let room = DiskRoom::new(u64::MAX, Arc::new(|| None));
        assert_eq!(*room.watch().borrow(), Room::Enough);
    }
}
