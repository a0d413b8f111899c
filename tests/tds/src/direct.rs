//! Sessions without a network, for tests that play the till.

use std::sync::Arc;

use crate::data::convert::display;
use crate::engine::{Client, Reply, Session, Shared};
use crate::error::{Result, SqlError, Stop};
use crate::sql::script::batches;

/// A session with all rights. Dropping it rolls back what is open.
pub struct Direct {
    session: Session,
}

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Direct").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Collected {
    rows: Vec<Vec<Option<String>>>,
    error: Option<SqlError>,
}

impl Client for Collected {
    fn reply(&mut self, reply: Reply) -> Result<()> {
        match reply {
            Reply::Rows(fields, rows) => {
                for row in rows {
                    let row = row.iter().zip(&fields).map(|(value, field)| {
                        if value.is_null() {
                            return Ok(None);
                        }
                        // Bytes as hexadecimal digits, dates as ISO 8601 has them.
                        let style = match value {
                            crate::data::value::Value::Bytes(_) => Some(1),
                            crate::data::value::Value::Moment(_) => Some(121),
                            _ => None,
                        };
                        display(value, field.kind, style).map(Some)
                    });
                    self.rows.push(row.collect::<Result<_, SqlError>>()?);
                }
            }
            Reply::Error(error) => {
                self.error.get_or_insert(error);
            }
            Reply::Done(_)
            | Reply::Info(_)
            | Reply::Database(_)
            | Reply::Output(..)
            | Reply::Status(_)
            | Reply::Begun(_)
            | Reply::Committed(_)
            | Reply::RolledBack(_) => {}
        }
        Ok(())
    }

    fn is_cancelled(&mut self) -> bool {
        false
    }
}

impl Direct {
    pub(crate) fn new(shared: Arc<Shared>, id: u16, database: &str) -> Self {
        Self {
            session: Session::new(shared, id, "sa", true, database),
        }
    }

    /// Runs a script, with `GO` between batches. Fails at the first error, with its line in the script.
    pub fn execute(&mut self, script: &str) -> Result<(), SqlError> {
        for (line, batch) in batches(script) {
            self.run(&batch).map_err(|mut error| {
                error.line += line - 1;
                error
            })?;
        }
        Ok(())
    }

    /// The rows of a query as text, `None` for NULL.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        self.run(sql)
    }

    fn run(&mut self, batch: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        let mut collected = Collected::default();
        let result = self.session.batch(batch, &mut collected);
        if let Some(error) = collected.error {
            return Err(error);
        }
        match result {
            Ok(()) => Ok(collected.rows),
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Blocked(_) | Stop::Cancelled | Stop::Disconnect) => Err(SqlError::new(
                596,
                21,
                "Cannot continue the execution because the session is in the kill state.",
            )),
        }
    }
}
