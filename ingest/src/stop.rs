//! A signal that is given once and stays given.

use tokio::sync::watch;

/// Given by one, awaited by many.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::channel(false).0)
    }
}

impl Stop {
    /// Gives the signal.
    pub fn give(&self) {
        self.0.send_replace(true);
    }

    /// Until it is given.
    pub async fn given(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        receiver.wait_for(|given| *given).await.ok();
    }
}
