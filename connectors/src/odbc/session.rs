//! One connection, as the shared machinery wants it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::KIND;
use super::config::Target;
use super::dialect::DialectName;
use super::fault::{self, OdbcFault};
use super::fetch::Query;
use super::line::Line;
use crate::connector::ConnectorKind;
use crate::error::{SourceError, SourceResult};
use crate::sql::{ColumnInfo, Dialect, RowSink, SqlFault, SqlSession, Statement, StreamQuery};

/// How much of a long text is asked for at first, and when some turned out longer.
const LONG: [usize; 2] = [2_000, 30_000];

/// A connection and what was learnt of its driver.
pub(super) struct Session {
    line: Line,
    dialect: Arc<dyn Dialect>,
    /// Which of `LONG` is in use; beyond them cells are read one by one.
    longest: usize,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.line.target.name())
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let line = Line::open(target).await?;
        let dialect = Arc::new(line.dialect);
        Ok(Self {
            line,
            dialect,
            longest: 0,
        })
    }

    pub fn line(&self) -> &Line {
        &self.line
    }

    async fn autocommit(&self, on: bool) -> Result<(), SqlFault> {
        let work = self.line.call(move |worker| {
            if on {
                worker.connection.commit()?;
            }
            Ok(worker.connection.set_autocommit(on)?)
        });
        match work.await {
            // A driver without transactions reads without them.
            Err(fault @ OdbcFault::Answer { .. }) => {
                tracing::debug!(error = %fault, "this driver has no transactions");
                Ok(())
            }
            other => Ok(other?),
        }
    }
}

/// mdbtools wants parentheses of a condition to stand by themselves.
fn spaced(text: &str) -> String {
    let Some((select, condition)) = text.split_once(" WHERE ") else {
        return text.to_owned();
    };
    let mut spaced = format!("{select} WHERE ");
    let mut in_quotes = false;
    for c in condition.chars() {
        in_quotes ^= c == '\'';
        match c {
            '(' if !in_quotes => spaced.push_str(" ( "),
            ')' if !in_quotes => spaced.push_str(" ) "),
            c => spaced.push(c),
        }
    }
    spaced
}

fn query(statement: &Statement, dialect: DialectName) -> Query {
    Query {
        text: match dialect {
            DialectName::Mdbtools => spaced(&statement.text),
            _ => statement.text.clone(),
        },
        params: statement.params.clone(),
        max_rows: statement.max_rows,
    }
}

#[async_trait]
impl SqlSession for Session {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        let query = query(statement, self.line.dialect.0);
        while let Some(long) = LONG
            .get(self.longest)
            .filter(|_| !self.line.is_row_by_row())
        {
            match self.line.whole(query.clone(), *long).await {
                Ok(rows) => {
                    rows.into_iter()
                        .for_each(|(values, bytes)| row(values, bytes));
                    return Ok(());
                }
                Err(OdbcFault::Truncated) => {
                    tracing::debug!(source = %self.line.target.name(), "a long cell is read again whole");
                    self.longest += 1;
                }
                Err(fault @ OdbcFault::OneRowOnly) => {
                    tracing::info!(source = %self.line.target.name(), "{fault}; reading row by row");
                    self.line.row_by_row();
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(self.line.stream(query, row).await?)
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        Ok(self
            .line
            .describe(query(statement, self.line.dialect.0))
            .await?)
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        match self.line.dialect.0 {
            DialectName::Mdbtools => Ok(()),
            _ => self.autocommit(false).await,
        }
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        match self.line.dialect.0 {
            DialectName::Mdbtools => Ok(()),
            _ => self.autocommit(true).await,
        }
    }

    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError {
        fault::reading(query, fault)
    }

    async fn answers(&mut self) -> bool {
        let dead = self.line.call(|worker| Ok(worker.connection.is_dead()?));
        matches!(dead.await, Ok(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_stand_by_themselves_where_mdbtools_reads() {
        assert_eq!(
            spaced("SELECT COUNT(*) FROM t WHERE (a > 5 AND b = '(x)')"),
            "SELECT COUNT(*) FROM t WHERE  ( a > 5 AND b = '(x)' ) "
        );
    }
}
