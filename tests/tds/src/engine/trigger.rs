//! Triggers: their bodies run within the statement that fired them.

use std::collections::HashMap;
use std::sync::Arc;

use super::interpreter::{Client, Host, Interpreter};
use super::locals::{Firing, Small};
use super::statement::{Reply, Work};
use crate::error::{Result, SqlError, Stop};

/// How deep triggers may fire one another.
const DEEPEST: usize = 32;

/// What a trigger tells, kept until its statement is done.
#[derive(Default)]
struct Told(Vec<Reply>);

impl Client for Told {
    fn reply(&mut self, reply: Reply) -> Result<()> {
        self.0.push(reply);
        Ok(())
    }

    fn is_cancelled(&mut self) -> bool {
        false
    }
}

impl Work<'_> {
    /// Runs one trigger. A trigger begins with XACT_ABORT on, so an error in it, caught or not, dooms the transaction
    /// of whoever fired it unless the trigger turned that off.
    pub fn fire(
        &mut self,
        database: &str,
        table: i64,
        trigger: i64,
        inserted: &Arc<Small>,
        deleted: &Arc<Small>,
    ) -> Result<Vec<Reply>> {
        if self
            .locals
            .firing
            .iter()
            .any(|firing| firing.trigger == trigger)
        {
            return Ok(Vec::new());
        }
        if self.locals.firing.len() >= DEEPEST {
            return Err(SqlError::general(217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).").into());
        }
        let found = self
            .state
            .database(database)?
            .tables
            .get(&table)
            .and_then(|table| table.triggers.iter().find(|found| found.id == trigger));
        let Some(definition) = found.map(|found| found.definition.clone()) else {
            return Ok(Vec::new());
        };
        let before = self.locals.clone();
        self.locals.variables = HashMap::new();
        self.locals.tables = HashMap::new();
        self.locals.xact_abort = true;
        self.locals.caught = None;
        database.clone_into(&mut self.locals.database);
        self.locals.firing.push(Firing {
            trigger,
            inserted: Arc::clone(inserted),
            deleted: Arc::clone(deleted),
        });
        let transaction = self.locals.transaction;
        let mut told = Told::default();
        let result = Interpreter {
            host: Host::Held(self.state),
            locals: self.locals,
            client: &mut told,
            trying: 0,
        }
        .statements(&definition.body);
        let replies = told.0;
        let doomed = self.locals.doomed;
        let ended = self.locals.transaction != transaction;
        let (depth, open) = (self.locals.depth, self.locals.transaction);
        *self.locals = before;
        self.locals.depth = depth;
        self.locals.transaction = open;
        let name = definition.name.object.clone();
        result.map_err(|stop| match stop {
            Stop::Error(mut error) => {
                if error.procedure.is_empty() {
                    error.procedure.clone_from(&name);
                }
                Stop::Error(error)
            }
            other => other,
        })?;
        if ended {
            return Err(SqlError::general(
                3609,
                "The transaction ended in the trigger. The batch has been aborted.",
            )
            .into());
        }
        if doomed {
            return Err(SqlError::general(3616, "An error was raised during trigger execution. The batch has been aborted and the user transaction, if any, has been rolled back.").into());
        }
        // Counts of statements within a trigger go to the client too, unless it says SET NOCOUNT ON.
        Ok(replies)
    }
}
