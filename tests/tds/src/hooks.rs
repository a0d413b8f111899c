//! What tests can make go wrong.

use std::time::Duration;

use crate::engine::State;
use crate::error::SqlError;

/// What happens instead of, or during, the next statement that fits.
#[derive(Debug, Clone)]
pub enum Action {
    /// This error.
    Fail(SqlError),
    /// Error 1205, and the transaction is gone.
    Deadlock,
    /// The connection is closed without a word.
    Disconnect,
    /// Nothing happens for so long; then the statement runs.
    Stall(Duration),
    /// The connection is closed after so many rows of the result.
    DisconnectAfterRows(usize),
    /// An error comes after so many rows of the result.
    FailAfterRows(usize, SqlError),
}

/// An action, and when it is due.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// A part of the statement's text; case does not matter. Empty: any statement.
    pub when: String,
    pub action: Action,
    /// So many statements that fit are let through first.
    pub skip: usize,
    /// So many times.
    pub times: usize,
}

/// How many statements are kept for [`crate::Server::heard`].
const KEPT: usize = 10_000;

impl State {
    /// Notes a statement, and says what is to go wrong with it.
    pub(crate) fn hear(&mut self, text: &str) -> Option<Action> {
        if self.heard.len() >= KEPT {
            self.heard.pop_front();
        }
        self.heard.push_back(text.to_owned());
        let lower = text.to_lowercase();
        let at = self.faults.iter_mut().position(|fault| {
            let fits = lower.contains(&fault.when);
            let skipped = fits && fault.skip > 0;
            fault.skip -= usize::from(skipped);
            fits && !skipped
        })?;
        let fault = &mut self.faults[at];
        fault.times = fault.times.saturating_sub(1);
        let action = fault.action.clone();
        if fault.times == 0 {
            self.faults.remove(at);
        }
        Some(action)
    }
}
