//! Reads the outbox.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use fluxion_model::row::RowKey;
use fluxion_model::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::outbox::{TABLE, Watched};
use crate::sql::{FeedFault, KeyFeed, Keys, SqlFault, SqlSession, Statement};

/// Follows the outbox of one stream.
pub(super) struct Outbox {
    stream: String,
    /// The types of the key's columns, as the first watched table has them.
    kinds: Vec<String>,
}

/// Where the outbox was read up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Position {
    /// Which table: one that was dropped and made anew holds nothing of what happened in between.
    table: i64,
    /// What the server showed at the last complete look.
    seen: String,
    /// Whether the mark that the installation leaves was there: without it somebody has emptied the table.
    #[serde(default)]
    marked: bool,
    /// A look under way, where there was more than one batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    under_way: Option<UnderWay>,
}

/// Everything new up to `until` is being read, in the order of transaction and key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct UnderWay {
    until: String,
    xid: i64,
    key: String,
}

/// What the server shows.
struct Look {
    table: i64,
    now: String,
    /// The upper end of `now`.
    end: i64,
    marked: bool,
}

impl Outbox {
    pub fn new(stream: String, watched: &[Watched]) -> Self {
        let kinds = watched.first().map(|table| {
            let kinds = table.key.iter().map(|(_, kind)| kind.clone());
            kinds.collect()
        });
        Self {
            stream,
            kinds: kinds.unwrap_or_default(),
        }
    }

    /// What the server shows now.
    async fn look(&self, session: &mut dyn SqlSession) -> Result<Look, FeedFault> {
        let mut statement = Statement::new(&session.dialect());
        statement
            .push(&format!(
                "SELECT CAST(CAST(to_regclass('{TABLE}') AS oid) AS bigint), \
                 CAST(txid_current_snapshot() AS text), txid_snapshot_xmax(txid_current_snapshot()), \
                 EXISTS (SELECT 1 FROM {TABLE} WHERE xid = 0 AND stream = "
            ))
            .bind(Value::text(self.stream.as_str()))
            .push(")");
        let rows = all(session, &statement).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Int(table), Value::Text(now), Value::Int(end), marked]) => Ok(Look {
                table: *table,
                now: now.to_string(),
                end: *end,
                marked: *marked == Value::Bool(true),
            }),
            _ => Err(FeedFault::Gone(format!(
                "the outbox {TABLE} is not there any more; install it with `fluxion-agent outbox install`"
            ))),
        }
    }

    /// As the stream writes the key itself, so that a key without a row is known by its name.
    fn key(&self, parts: &[Value]) -> RowKey {
        let parts = parts.iter().zip(&self.kinds);
        RowKey::join(parts.map(|(part, kind)| canonical(&part.to_string(), kind)))
    }
}

fn canonical(text: &str, kind: &str) -> String {
    let value = match kind {
        "timestamp without time zone" => text.parse::<NaiveDateTime>().ok().map(Value::DateTime),
        "timestamp with time zone" => text.parse::<DateTime<Utc>>().ok().map(Value::Timestamp),
        _ => None,
    };
    value.map_or_else(|| text.to_owned(), |value| value.to_string())
}

async fn all(
    session: &mut dyn SqlSession,
    statement: &Statement,
) -> Result<Vec<Vec<Value>>, FeedFault> {
    let mut rows = Vec::new();
    let read = session.rows(statement, &mut |row, _| rows.push(row)).await;
    read.map_err(FeedFault::Sql)?;
    Ok(rows)
}

fn position(json: &Json) -> Result<Position, FeedFault> {
    serde_json::from_value(json.clone())
        .map_err(|error| FeedFault::Gone(format!("the outbox's position cannot be read: {error}")))
}

fn json(position: &Position) -> Result<Json, FeedFault> {
    serde_json::to_value(position).map_err(|error| FeedFault::Sql(error.into()))
}

/// The upper end of a snapshot such as `10:20:10,14`.
fn end_of(snapshot: &str) -> Option<i64> {
    snapshot.split(':').nth(1)?.parse().ok()
}

#[async_trait]
impl KeyFeed for Outbox {
    async fn now(&mut self, session: &mut dyn SqlSession) -> Result<Json, FeedFault> {
        let look = self.look(session).await?;
        json(&Position {
            table: look.table,
            seen: look.now,
            marked: look.marked,
            under_way: None,
        })
    }

    async fn next(
        &mut self,
        session: &mut dyn SqlSession,
        after: &Json,
        limit: usize,
    ) -> Result<Keys, FeedFault> {
        let mut position = position(after)?;
        let look = self.look(session).await?;
        let gone = if look.table != position.table {
            Some("the outbox was installed anew")
        } else if position.marked && !look.marked {
            Some("the outbox was emptied by somebody else")
        } else if end_of(&position.seen).is_none_or(|seen| seen > look.end) {
            Some(
                "the database's count of transactions is lower than it was, so it was restored from a backup or moved",
            )
        } else {
            None
        };
        if let Some(why) = gone {
            return Err(FeedFault::Gone(why.to_owned()));
        }
        let now = look.now;
        let until = position.under_way.as_ref().map_or(now, |u| u.until.clone());
        let statement = self.fresh(session, &position, &until, limit);
        let rows = all(session, &statement).await?;
        let more = rows.len() >= limit;
        let mut keys = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in &rows {
            let [Value::Int(xid), order, parts @ ..] = row.as_slice() else {
                continue;
            };
            if parts.iter().any(Value::is_null) {
                return Err(FeedFault::Gone(format!(
                    "a table of stream {} was emptied as a whole",
                    self.stream
                )));
            }
            keys.push(self.key(parts));
            last = Some((*xid, order.to_string()));
        }
        match last.filter(|_| more) {
            Some((xid, key)) => position.under_way = Some(UnderWay { until, xid, key }),
            None => {
                position.seen = until;
                position.under_way = None;
            }
        }
        Ok(Keys {
            keys,
            position: json(&position)?,
            more,
        })
    }

    async fn done(&mut self, session: &mut dyn SqlSession, at: &Json) {
        let Ok(at) = position(at) else { return };
        // Below the lower end of what was seen, every transaction was over and its rows were read.
        let mut statement = Statement::new(&session.dialect());
        statement
            .push(&format!("DELETE FROM {TABLE} WHERE stream = "))
            .bind(Value::text(self.stream.as_str()))
            .push(" AND xid > 0 AND xid < txid_snapshot_xmin(CAST(")
            .bind(Value::text(at.seen.as_str()))
            .push(" AS txid_snapshot))");
        match session.write(&statement).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(stream = %self.stream, rows, "pruned the outbox"),
            Err(error) => {
                let error: SqlFault = error;
                tracing::warn!(
                    stream = %self.stream, %error,
                    "could not prune the outbox; grant the account DELETE on {TABLE}"
                );
            }
        }
    }
}

impl Outbox {
    /// What the last look did not show and this one does. Large transactions are cut, which is harmless: the rows
    /// themselves are read again as they are by then.
    fn fresh(
        &self,
        session: &dyn SqlSession,
        position: &Position,
        until: &str,
        limit: usize,
    ) -> Statement {
        let parts: Vec<String> = (1..=self.kinds.len())
            .map(|i| format!("key[{i}]"))
            .collect();
        let mut statement = Statement::new(&session.dialect());
        let snapshot = |statement: &mut Statement, text: &str| {
            statement
                .push("CAST(")
                .bind(Value::text(text))
                .push(" AS txid_snapshot)");
        };
        statement
            .push(&format!(
                "SELECT DISTINCT xid, coalesce(CAST(key AS text), '') COLLATE \"C\" AS place, {} FROM {TABLE} WHERE stream = ",
                parts.join(", ")
            ))
            .bind(Value::text(self.stream.as_str()))
            .push(" AND xid >= txid_snapshot_xmin(");
        snapshot(&mut statement, &position.seen);
        statement.push(") AND NOT txid_visible_in_snapshot(xid, ");
        snapshot(&mut statement, &position.seen);
        statement.push(") AND txid_visible_in_snapshot(xid, ");
        snapshot(&mut statement, until);
        statement.push(")");
        if let Some(under_way) = &position.under_way {
            statement
                .push(" AND (xid > ")
                .bind(Value::Int(under_way.xid))
                .push(" OR (xid = ")
                .bind(Value::Int(under_way.xid))
                .push(" AND coalesce(CAST(key AS text), '') COLLATE \"C\" > ")
                .bind(Value::text(under_way.key.as_str()))
                .push("))");
        }
        statement.push(" ORDER BY xid, place").limit_last(limit);
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_the_outbox_is_written_as_the_stream_writes_it() {
        assert_eq!(
            canonical("2026-01-02T03:04:05.120000", "timestamp without time zone"),
            "2026-01-02T03:04:05.120"
        );
        assert_eq!(
            canonical("2026-01-02T03:04:05.000000Z", "timestamp with time zone"),
            "2026-01-02T03:04:05Z"
        );
        assert_eq!(canonical("A|1", "text"), "A|1");
    }

    #[test]
    fn a_snapshot_tells_its_upper_end() {
        assert_eq!(end_of("10:20:10,14"), Some(20));
        assert_eq!(end_of("10"), None);
    }
}
