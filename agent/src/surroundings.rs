//! What the agent asks the system about while it works. Tests answer in the system's place.

use std::sync::Arc;

use crate::bandwidth::cost_of_line;
use crate::clock::WallClock;
use crate::config::Line;
use crate::folder::DataFolder;
use crate::room::FreeBytes;

/// What the agent asks the system about.
#[derive(Clone)]
pub struct Surroundings {
    /// How much is free on the disk of the data folder.
    pub free_bytes: FreeBytes,
    /// What the line costs; `None` when the system does not know. May take a moment.
    pub cost_of_line: Arc<dyn Fn() -> Option<Line> + Send + Sync>,
    /// The time.
    pub wall: WallClock,
}

impl Surroundings {
    /// As the system says.
    #[must_use]
    pub fn of(folder: &DataFolder) -> Self {
        let folder = folder.clone();
        Self {
            free_bytes: Arc::new(move || folder.free_bytes()),
            cost_of_line: Arc::new(cost_of_line),
            wall: Arc::new(chrono::Utc::now),
        }
    }
}
