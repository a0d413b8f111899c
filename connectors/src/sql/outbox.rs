//! The trigger outbox: a small table in the POS database to which triggers write which keys changed.
//!
//! Its text is generated here and in each connector's dialect, shown for review, and installed only with consent. The
//! triggers do one plain insert and swallow their own errors, because they run inside the cashier's transaction. They
//! never start a program and never touch the network: a trigger that does gives the POS database a shell, and makes a
//! sale wait for a line.
//!
//! The table holds, per changed row and per list of key columns that some stream needs: a rising number (`seq`), the
//! moment (`at`), whose keys these are (`source`, as in `sale_lines(number)`), the operation (`op`: `i`, `u`, `d`), and the
//! key as text, one column per part (`k1` to `k4`). Installing writes one row with `op` = `x` per source, which says that
//! it is installed and stays for good, and after them one with `op` = `a` and no source, behind which readers begin.
//!
//! A reader knows the last row it read. While that row is there, nothing behind it was pruned; when it is gone, the
//! outbox no longer reaches back. That is why a reader must never stand at a row that stays for good.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::Utc;
use fluxion_model::row::RowKey;
use fluxion_model::stream::StreamSpec;
use fluxion_model::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::feed::{FeedFault, KeyFeed, Keys};
use super::session::{SqlFault, SqlSession};
use super::statement::Statement;
use crate::connector::ConnectorKind;
use crate::error::{SourceError, SourceResult};

/// The table's name.
pub(crate) const TABLE: &str = "fluxion_outbox";

/// How many parts a key may have.
pub(crate) const KEY_PARTS: usize = 4;

/// Rows read at once. Whatever is read by one query was committed whole, so only a backlog larger than this may be cut
/// within a transaction.
const ROWS: usize = 50_000;

/// A missing number is waited for so long: whoever took it has not committed yet, or has rolled back.
const GAP_SECONDS: i64 = 15 * 60;

/// So many ranges of missing numbers are remembered.
const GAPS: usize = 400;

/// How far below the highest number a new reader looks for missing ones.
const LOOK_BACK: i64 = 1_000;

/// How a system's outbox is read and pruned.
#[derive(Debug, Clone)]
pub(crate) struct OutboxSpelling {
    /// The table, as a FROM clause wants it.
    pub table: String,
    /// Reads `seq` as an integer: `seq`, or `CAST(seq AS bigint)`.
    pub seq: &'static str,
    /// Written around a bound integer that is compared with `seq`.
    pub number: (&'static str, &'static str),
    /// An expression for the lowest number that may still be committed. Without one numbers are taken to follow each
    /// other, and those that are missing are waited for.
    pub bound: Option<&'static str>,
    /// An expression for how far numbers are apart, where that is not one.
    pub step: Option<&'static str>,
    /// A small delete of old rows below a number, which stands between the two. It must leave rows with `op` = `x`.
    pub prune: Option<(&'static str, &'static str)>,
}

/// A table that some streams want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    /// As the mapping names it.
    pub table: String,
    /// Lists of its columns that hold the key of some stream.
    pub keys: Vec<Vec<String>>,
}

/// Whose keys a row of the outbox holds.
pub(crate) fn source_of(table: &str, key: &[String]) -> String {
    format!("{table}({})", key.join(","))
}

/// The tables these streams want to hear of, each once.
///
/// # Errors
/// When a stream does not say which tables concern it, or its key has too many parts.
pub(crate) fn watched(kind: ConnectorKind, streams: &[StreamSpec]) -> SourceResult<Vec<Watched>> {
    let mut found: Vec<Watched> = Vec::new();
    for stream in streams {
        if stream.changes.is_empty() {
            return Err(unfit(
                kind,
                stream,
                "it has no `changes`, which tell the tables that concern it and where they hold its key",
            ));
        }
        if stream.key.len() > KEY_PARTS {
            return Err(unfit(kind, stream, "its key has more than four parts"));
        }
        for changed in &stream.changes {
            if changed.key.len() != stream.key.len() {
                return Err(unfit(
                    kind,
                    stream,
                    "a table of its `changes` names more or fewer columns than `key` does",
                ));
            }
            if source_of(&changed.table, &changed.key).len() > 190 {
                return Err(unfit(
                    kind,
                    stream,
                    "the names of its `changes` are too long",
                ));
            }
            let at = found.iter().position(|known| known.table == changed.table);
            match at.map(|at| &mut found[at]) {
                Some(known) if known.keys.contains(&changed.key) => {}
                Some(known) => known.keys.push(changed.key.clone()),
                None => found.push(Watched {
                    table: changed.table.clone(),
                    keys: vec![changed.key.clone()],
                }),
            }
        }
    }
    Ok(found)
}

fn unfit(kind: ConnectorKind, stream: &StreamSpec, why: &str) -> SourceError {
    super::query::invalid(
        kind,
        stream.name.as_str(),
        &format!("an outbox cannot serve it, because {why}"),
    )
}

/// The name of our trigger on a table, of at most so many bytes.
pub(crate) fn trigger_name(table: &str, operation: Operation, longest: usize) -> String {
    let letter = operation.letter();
    let plain: String = table
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let name = format!("fluxion_{plain}_{letter}");
    if name.len() <= longest {
        return name;
    }
    let hash = fluxion_model::fingerprint::Fingerprint::of(table.as_bytes());
    let hash = u32::from_be_bytes([hash.0[0], hash.0[1], hash.0[2], hash.0[3]]);
    let room = longest.saturating_sub("fluxion___".len() + 8 + 1);
    format!(
        "fluxion_{}_{hash:08x}_{letter}",
        &plain[..room.min(plain.len())]
    )
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Insert,
    Update,
    Delete,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    /// As in the outbox.
    pub fn letter(self) -> char {
        match self {
            Self::Insert => 'i',
            Self::Update => 'u',
            Self::Delete => 'd',
        }
    }

    /// As in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// Which sources are installed, by the rows that say so. Fails where there is no such table.
pub(crate) async fn installed(
    session: &mut dyn SqlSession,
    spelling: &OutboxSpelling,
) -> Result<Vec<String>, SqlFault> {
    let mut statement = Statement::new(&session.dialect());
    statement.push(&format!(
        "SELECT source FROM {} WHERE op = 'x'",
        spelling.table
    ));
    let mut sources = Vec::new();
    session
        .rows(&statement, &mut |values, _| {
            sources.extend(
                values
                    .first()
                    .map(|value| value.to_string().trim().to_owned()),
            );
        })
        .await?;
    Ok(sources)
}

/// The sources of a stream that are not installed.
pub(crate) fn missing(stream: &StreamSpec, installed: &[String]) -> Vec<String> {
    let sources = stream
        .changes
        .iter()
        .map(|changed| source_of(&changed.table, &changed.key));
    sources
        .filter(|source| !installed.contains(source))
        .collect()
}

/// Where a reader of the outbox stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    /// The highest number read. Its row is never pruned by this reader, so that its presence proves that the table is
    /// still the same one and still reaches back.
    to: i64,
    /// The moment that row bears: another row under the same number is another history.
    at: String,
    /// How far numbers are apart.
    step: i64,
    /// Numbers below `to` that were missing: first, last, and when that was noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(i64, i64, i64)>,
}

/// A row of the outbox.
#[derive(Debug, Clone)]
struct Note {
    seq: i64,
    at: String,
    source: String,
    op: char,
    parts: Vec<Value>,
}

/// Follows the outbox for one stream.
pub(crate) struct OutboxFeed {
    spelling: OutboxSpelling,
    sources: HashSet<String>,
    key_parts: usize,
    may_prune: bool,
}

impl OutboxFeed {
    /// For this stream.
    pub fn new(spelling: OutboxSpelling, stream: &StreamSpec) -> Self {
        let sources = stream.changes.iter();
        Self {
            may_prune: spelling.prune.is_some(),
            spelling,
            sources: sources
                .map(|changed| source_of(&changed.table, &changed.key))
                .collect(),
            key_parts: stream.key.len(),
        }
    }

    /// `seq <operator> n`.
    fn seq(&self, statement: &mut Statement, operator: &str, number: i64) {
        let (before, after) = self.spelling.number;
        statement.push("seq").push(operator).push(before);
        statement.bind(Value::Int(number)).push(after);
    }

    /// The rows that a condition selects, in the order of their numbers.
    async fn notes(
        &self,
        session: &mut dyn SqlSession,
        condition: impl FnOnce(&mut Statement),
    ) -> Result<Vec<Note>, SqlFault> {
        let mut statement = Statement::new(&session.dialect());
        statement.push("SELECT ");
        statement.limit_first(ROWS);
        statement.push(&format!(
            "{}, at, source, op, k1, k2, k3, k4 FROM {} WHERE ",
            self.spelling.seq, self.spelling.table
        ));
        if let Some(bound) = self.spelling.bound {
            statement.push(&format!("seq < {bound} AND "));
        }
        statement.push("(");
        condition(&mut statement);
        statement.push(") ORDER BY seq");
        statement.limit_last(ROWS);
        let mut notes = Vec::new();
        session
            .rows(&statement, &mut |values, _| notes.extend(Note::of(values)))
            .await?;
        Ok(notes)
    }

    async fn number(
        &self,
        session: &mut dyn SqlSession,
        sql: &str,
    ) -> Result<Option<i64>, SqlFault> {
        let mut statement = Statement::new(&session.dialect());
        statement.push(sql);
        let mut number = None;
        session
            .rows(&statement, &mut |values, _| {
                number = values.first().and_then(integer);
            })
            .await?;
        Ok(number)
    }
}

impl Note {
    fn of(values: Vec<Value>) -> Option<Self> {
        let mut values = values.into_iter();
        let seq = integer(&values.next()?)?;
        let at = values.next()?.to_string();
        let source = values.next()?.to_string().trim().to_owned();
        let op = values.next()?.to_string().chars().next()?;
        Some(Self {
            seq,
            at,
            source,
            op,
            parts: values.collect(),
        })
    }

    /// The key of a stream whose key has so many parts.
    fn key(&self, parts: usize) -> Option<RowKey> {
        let parts = self.parts.get(..parts)?;
        if parts.iter().any(Value::is_null) {
            return None;
        }
        Some(RowKey::join(parts.iter().map(ToString::to_string)))
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Decimal(number) => i64::try_from(*number).ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl From<SqlFault> for FeedFault {
    fn from(fault: SqlFault) -> Self {
        Self::Sql(fault)
    }
}

#[async_trait]
impl KeyFeed for OutboxFeed {
    async fn now(&mut self, session: &mut dyn SqlSession) -> Result<Json, FeedFault> {
        let step = match self.spelling.step {
            Some(step) => {
                let sql = format!("SELECT {step}{}", session.dialect().from_nothing());
                self.number(session, &sql).await?.unwrap_or(1).max(1)
            }
            None => 1,
        };
        let final_only = match self.spelling.bound {
            Some(bound) => format!(" WHERE seq < {bound}"),
            None => String::new(),
        };
        let sql = format!(
            "SELECT MAX({}) FROM {}{final_only}",
            self.spelling.seq, self.spelling.table
        );
        let highest = self.number(session, &sql).await?.unwrap_or(0);
        let from = match self.spelling.bound {
            Some(_) => highest,
            None => highest - LOOK_BACK * step,
        };
        let notes = self
            .notes(session, |statement| self.seq(statement, " >= ", from))
            .await?;
        let Some(last) = notes.last() else {
            return Err(FeedFault::Gone(empty()));
        };
        let mut place = Place {
            to: last.seq,
            at: last.at.clone(),
            step,
            gaps: Vec::new(),
        };
        if self.spelling.bound.is_none() {
            place.note_gaps(notes[0].seq, &notes);
        }
        Ok(place.json())
    }

    async fn next(
        &mut self,
        session: &mut dyn SqlSession,
        after: &Json,
        _limit: usize,
    ) -> Result<Keys, FeedFault> {
        let mut place: Place = serde_json::from_value(after.clone())
            .map_err(|_| FeedFault::Gone("the position in the outbox cannot be read".to_owned()))?;
        let notes = self
            .notes(session, |statement| {
                self.seq(statement, " >= ", place.to);
                for (first, last, _) in &place.gaps {
                    statement.push(" OR ");
                    self.seq(statement, " >= ", *first);
                    statement.push(" AND ");
                    self.seq(statement, " <= ", *last);
                }
            })
            .await?;
        let anchor = notes.iter().find(|note| note.seq == place.to);
        if anchor.is_none_or(|anchor| anchor.at != place.at) {
            return Err(FeedFault::Gone(
                "the outbox no longer holds the last change that was read: it was emptied, pruned by somebody else, or \
                 the database was restored"
                    .to_owned(),
            ));
        }
        let mut known = HashSet::new();
        let mut keys = Vec::new();
        for note in notes.iter().filter(|note| note.seq != place.to) {
            if !self.sources.contains(&note.source) {
                continue;
            }
            if note.op == 'x' {
                return Err(FeedFault::Gone(
                    "the outbox was installed anew, and changes in between were not noted"
                        .to_owned(),
                ));
            }
            keys.extend(
                note.key(self.key_parts)
                    .filter(|key| known.insert(key.clone())),
            );
        }
        place.advance(&notes, self.spelling.bound.is_none());
        Ok(Keys {
            keys,
            position: place.json(),
            more: notes.len() >= ROWS,
        })
    }

    async fn done(&mut self, session: &mut dyn SqlSession, position: &Json) {
        let (Some((before, after)), true) = (self.spelling.prune, self.may_prune) else {
            return;
        };
        let Some(to) = position.get("to").and_then(Json::as_i64) else {
            return;
        };
        let mut statement = Statement::new(&session.dialect());
        let (number, end) = self.spelling.number;
        statement.push(before).push(number);
        statement.bind(Value::Int(to)).push(end).push(after);
        if let Err(error) = session.write(&statement).await {
            self.may_prune = false;
            tracing::info!(
                error = %error,
                "old rows of the outbox are left in place, because the account may not delete them; grant it DELETE on \
                 {}, or have them deleted now and then",
                self.spelling.table
            );
        }
    }
}

fn empty() -> String {
    format!(
        "the outbox {TABLE} is empty, so it was not installed whole; run `fluxion-agent outbox install`"
    )
}

impl Place {
    fn json(&self) -> Json {
        // Plain data: it always serialises.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Moves behind these rows, which are in order. Rows of gaps come before the others.
    fn advance(&mut self, notes: &[Note], with_gaps: bool) {
        let from = self.to;
        if let Some(last) = notes.last().filter(|last| last.seq > self.to) {
            self.to = last.seq;
            self.at = last.at.clone();
        }
        if with_gaps {
            self.close_gaps(notes);
            self.note_gaps(from, notes);
        }
    }

    /// Numbers that have appeared, and those that were waited for long enough, are missing no more.
    fn close_gaps(&mut self, notes: &[Note]) {
        let oldest = Utc::now().timestamp() - GAP_SECONDS;
        for note in notes {
            let hit = |(first, last, _): &(i64, i64, i64)| (*first..=*last).contains(&note.seq);
            if let Some(at) = self.gaps.iter().position(hit) {
                let (first, last, since) = self.gaps.swap_remove(at);
                if first < note.seq {
                    self.gaps.push((first, note.seq - 1, since));
                }
                if note.seq < last {
                    self.gaps.push((note.seq + 1, last, since));
                }
            }
        }
        self.gaps.retain(|(_, _, since)| *since > oldest);
    }

    /// Notes which numbers are missing above `from`.
    fn note_gaps(&mut self, from: i64, notes: &[Note]) {
        let now = Utc::now().timestamp();
        let mut last = from;
        for note in notes.iter().filter(|note| note.seq > from) {
            if note.seq - last > self.step {
                self.gaps.push((last + 1, note.seq - 1, now));
            }
            last = note.seq;
        }
        if self.gaps.len() > GAPS {
            self.gaps.sort_unstable();
            self.gaps.drain(..self.gaps.len() - GAPS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(seq: i64) -> Note {
        Note {
            seq,
            at: format!("at {seq}"),
            source: "t(id)".into(),
            op: 'u',
            parts: vec![Value::text(seq.to_string())],
        }
    }

    fn notes(numbers: &[i64]) -> Vec<Note> {
        numbers.iter().copied().map(note).collect()
    }

    fn ranges(place: &Place) -> Vec<(i64, i64)> {
        let mut ranges: Vec<_> = place.gaps.iter().map(|(a, b, _)| (*a, *b)).collect();
        ranges.sort_unstable();
        ranges
    }

    #[test]
    fn a_number_that_is_missing_is_waited_for_until_it_appears() {
        let mut place = Place {
            to: 10,
            at: "at 10".into(),
            step: 1,
            gaps: Vec::new(),
        };
        place.advance(&notes(&[10, 11, 14, 15]), true);
        assert_eq!((place.to, ranges(&place)), (15, vec![(12, 13)]));
        place.advance(&notes(&[13, 15, 16]), true);
        assert_eq!((place.to, ranges(&place)), (16, vec![(12, 12)]));
        assert_eq!(place.at, "at 16");
        place.gaps[0].2 -= GAP_SECONDS + 1;
        place.advance(&notes(&[16]), true);
        assert_eq!(ranges(&place), []);
    }

    #[test]
    fn the_name_of_a_trigger_fits_and_stays_apart_from_others() {
        assert_eq!(
            trigger_name("dbo.MA_PRODUCTOS", Operation::Update, 64),
            "fluxion_dbo_ma_productos_u"
        );
        let long = "x".repeat(80);
        let names = [format!("{long}a"), format!("{long}b")]
            .map(|table| trigger_name(&table, Operation::Delete, 64));
        assert!(names.iter().all(|name| name.len() <= 64), "{names:?}");
        assert_ne!(names[0], names[1]);
    }
}
