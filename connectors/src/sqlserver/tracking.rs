//! Change Tracking: the server remembers which keys of a table changed, and since which version.
//!
//! A version belongs to one transaction and is given when it commits, so versions never appear late. The server forgets
//! what is older than its retention; whether it still reaches back to where a stream stands is asked at every look, after
//! the keys were read, because a clean-up may run in between. If it does not, the stream reads everything again.
//!
//! Documentation: `CHANGETABLE`, `CHANGE_TRACKING_MIN_VALID_VERSION`, "Work with change tracking". Only primary keys are
//! remembered, so the stream's key must be among their columns.

use async_trait::async_trait;
use fluxion_model::row::RowKey;
use fluxion_model::stream::{ChangedTable, StreamSpec};
use fluxion_model::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::names::{bracketed, quoted};
use super::{KIND, names};
use crate::error::SourceError;
use crate::sql::{Cast, FeedFault, KeyFeed, Keys, SqlSession, Statement, key_of};

/// Where a stream stands: every change up to this version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    version: i64,
}

/// The keys that changed in the tables of one stream.
#[derive(Debug)]
pub(super) struct ChangeTracking {
    stream: String,
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    changed: ChangedTable,
    /// How each key column is written so that it arrives as the stream's own query brings it; known after a first look.
    casts: Option<Vec<Option<Cast>>>,
}

/// Keys of one table, each with the version of its last change.
#[derive(Debug, Default)]
struct Found {
    keys: Vec<(i64, RowKey)>,
    /// Up to which version they are complete.
    complete: Option<i64>,
}

impl ChangeTracking {
    pub fn new(spec: &StreamSpec) -> Self {
        let tables = spec.changes.iter().map(|changed| Table {
            changed: changed.clone(),
            casts: None,
        });
        Self {
            stream: spec.name.to_string(),
            tables: tables.collect(),
        }
    }

    /// The version of the last committed change, and for each table the oldest version that is still remembered. None
    /// where Change Tracking is off, or not to be seen.
    async fn versions(
        &self,
        session: &mut dyn SqlSession,
    ) -> Result<(Option<i64>, Vec<Option<i64>>), FeedFault> {
        let statement = versions(session, &self.tables);
        let mut told = Vec::new();
        session
            .rows(&statement, &mut |values, _| told = values)
            .await
            .map_err(FeedFault::Sql)?;
        let mut told = told.iter().map(|value| match value {
            Value::Int(version) => Some(*version),
            _ => None,
        });
        let current = told.next().flatten();
        Ok((current, told.collect()))
    }

    /// Where the log ends now, once it is known to reach back to `last`.
    async fn reaching_back(
        &self,
        session: &mut dyn SqlSession,
        last: Option<i64>,
    ) -> Result<i64, FeedFault> {
        let (current, oldest) = self.versions(session).await?;
        let off = oldest.iter().position(Option::is_none);
        let Some(current) = current.filter(|_| off.is_none()) else {
            let table = off.map(|at| self.tables[at].changed.table.as_str());
            return Err(FeedFault::Source(self.not_tracked(table)));
        };
        let Some(last) = last else {
            return Ok(current);
        };
        if last > current {
            let why = format!(
                "the database's change version went back from {last} to {current}, so it was restored from a backup"
            );
            return Err(FeedFault::Gone(why));
        }
        let forgotten = oldest.iter().zip(&self.tables).find_map(|(oldest, table)| {
            let oldest = oldest.filter(|oldest| *oldest > last)?;
            Some((oldest, &table.changed.table))
        });
        match forgotten {
            Some((oldest, table)) => Err(FeedFault::Gone(format!(
                "Change Tracking of {table} remembers changes from version {oldest} on, and version {last} was the last one read"
            ))),
            None => Ok(current),
        }
    }

    fn not_tracked(&self, table: Option<&str>) -> SourceError {
        let what = table.map_or("the database".to_owned(), |table| format!("table {table}"));
        let hint = format!(
            "Change Tracking is off for {what}, which stream {:?} follows, or the login may not see it: {} Or let the stream fall back to \"watermark\" or \"diff\".",
            self.stream,
            how_to_switch_on(table)
        );
        SourceError::ask(
            KIND,
            format!("follow the changes of stream {}", self.stream),
            "unsupported",
            hint,
            format!("Change Tracking tells no version for {what}"),
        )
    }
}

/// What the owner of the database must run.
pub(super) fn how_to_switch_on(table: Option<&str>) -> String {
    let table = table.map_or("[table]".to_owned(), quoted);
    format!(
        "have the owner of the database run `ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON)` (before SQL Server 2012 with the database's name), `ALTER TABLE {table} ENABLE CHANGE_TRACKING` and `GRANT VIEW CHANGE TRACKING ON {table} TO` the agent's user."
    )
}

fn versions(session: &dyn SqlSession, tables: &[Table]) -> Statement {
    let mut statement = Statement::new(&session.dialect());
    statement.push("SELECT CHANGE_TRACKING_CURRENT_VERSION()");
    for table in tables {
        statement
            .push(", CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(")
            .bind(Value::text(quoted(&table.changed.table)))
            .push("))");
    }
    statement
}

impl Table {
    /// `SELECT keys, version FROM CHANGETABLE(CHANGES table, last) AS ct`.
    fn select(&self, session: &dyn SqlSession, last: i64, top: Option<usize>) -> Statement {
        let mut statement = Statement::new(&session.dialect());
        statement.push("SELECT ");
        if let Some(rows) = top {
            statement.limit_first(rows);
        }
        let casts = self.casts.as_deref().unwrap_or_default();
        for (i, column) in self.changed.key.iter().enumerate() {
            let cast = casts.get(i).and_then(Option::as_ref);
            statement
                .push(cast.map_or("", |cast| &cast.before))
                .push(&format!(
                    "ct.{}",
                    bracketed(&names::parts(column).join("."))
                ))
                .push(cast.map_or("", |cast| &cast.after))
                .push(", ");
        }
        statement
            .push("ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES ")
            .push(&quoted(&self.changed.table))
            .push(", ")
            .bind(Value::Int(last))
            .push(") AS ct");
        statement
    }

    async fn learn(&mut self, session: &mut dyn SqlSession) -> Result<(), FeedFault> {
        if self.casts.is_none() {
            let statement = self.select(session, 0, None);
            let columns = session.describe(&statement).await.map_err(FeedFault::Sql)?;
            self.casts = Some(columns.into_iter().map(|column| column.cast).collect());
        }
        Ok(())
    }

    /// Changes after `last` up to `until`, whole versions, about `limit` of them.
    async fn changes(
        &mut self,
        session: &mut dyn SqlSession,
        (last, until): (i64, i64),
        limit: usize,
    ) -> Result<Found, FeedFault> {
        self.learn(session).await?;
        let mut statement = self.select(session, last, Some(limit + 1));
        statement
            .and()
            .push("ct.SYS_CHANGE_VERSION <= ")
            .bind(Value::Int(until));
        statement.push(" ORDER BY ct.SYS_CHANGE_VERSION");
        let mut found = self.read(session, &statement).await?;
        if found.keys.len() <= limit {
            return Ok(found);
        }
        // The last version may go on beyond the limit: it waits, unless it is the only one.
        let cut = found.keys.last().map_or(until, |(version, _)| *version);
        if found.keys[0].0 < cut {
            found.keys.retain(|(version, _)| *version < cut);
            found.complete = Some(cut - 1);
            return Ok(found);
        }
        let mut statement = self.select(session, last, None);
        statement
            .and()
            .push("ct.SYS_CHANGE_VERSION = ")
            .bind(Value::Int(cut));
        let mut found = self.read(session, &statement).await?;
        found.complete = Some(cut);
        Ok(found)
    }

    async fn read(
        &self,
        session: &mut dyn SqlSession,
        statement: &Statement,
    ) -> Result<Found, FeedFault> {
        let width = self.changed.key.len();
        let key: Vec<usize> = (0..width).collect();
        let mut found = Found::default();
        let mut text = String::new();
        session
            .rows(statement, &mut |values, _| {
                let version = match values.get(width) {
                    Some(Value::Int(version)) => *version,
                    _ => 0,
                };
                // A key without a value is no key of the stream.
                if let Ok(key) = key_of(&values, &key, &mut text) {
                    found.keys.push((version, key));
                }
            })
            .await
            .map_err(FeedFault::Sql)?;
        Ok(found)
    }
}

#[async_trait]
impl KeyFeed for ChangeTracking {
    async fn now(&mut self, session: &mut dyn SqlSession) -> Result<Json, FeedFault> {
        let version = self.reaching_back(session, None).await?;
        Ok(position(version))
    }

    async fn next(
        &mut self,
        session: &mut dyn SqlSession,
        after: &Json,
        limit: usize,
    ) -> Result<Keys, FeedFault> {
        let Ok(Position { version: last }) = Position::deserialize(after) else {
            let why = "the place of the last change that was read cannot be understood";
            return Err(FeedFault::Gone(why.to_owned()));
        };
        let current = self.reaching_back(session, Some(last)).await?;
        if current == last {
            return Ok(Keys {
                keys: Vec::new(),
                position: position(last),
                more: false,
            });
        }
        let mut until = current;
        let mut all = Vec::new();
        for table in &mut self.tables {
            let found = table.changes(session, (last, until), limit).await?;
            until = until.min(found.complete.unwrap_or(until));
            all.extend(found.keys);
        }
        // A clean-up may have run since, and would have taken keys away from under the reading.
        self.reaching_back(session, Some(last)).await?;
        let mut seen = std::collections::HashSet::new();
        let keys = all
            .into_iter()
            .filter(|(version, _)| *version <= until)
            .map(|(_, key)| key)
            .filter(|key| seen.insert(key.clone()));
        Ok(Keys {
            keys: keys.collect(),
            position: position(until),
            more: until < current,
        })
    }
}

fn position(version: i64) -> Json {
    serde_json::json!({ "version": version })
}
