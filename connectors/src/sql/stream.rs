//! A stream being read: scan, then polls, one page ahead of the caller; keys of a log or an outbox in between.
//!
//! All reads of a stream go over one connection, one after the other, and come out in the order they were made. So what
//! is read again for a changed key always overrides what an earlier page said of it, also while a scan runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowChange, RowKey};
use fluxion_model::stream::{Cursor, StreamSpec};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::feed::{KeyFeed, Keys};
use super::key::KeyPart;
use super::pace::Pace;
use super::position::{Mark, Position};
use super::query::{StreamQuery, invalid};
use super::reader::{Ask, Page, Reader, Scope, with_deletes};
use super::session::SqlSession;
use crate::connector::{
    Batch, BatchLimit, ChangeStream, Next, OpenContext, RowProblem, ScanPart, StartAt,
};
use crate::error::{SourceError, SourceResult};

/// A finished diff waits for its schedule.
const DIFF_REST: Duration = Duration::from_secs(60);

/// Keys read again at a time.
const KEYS_AT_ONCE: usize = 1_024;

/// So many calls of a feed without keys, and the position is kept, so that a restart need not repeat them.
const ROUNDS: usize = 50;

/// How long a feed keeps what is durable, at least: pruning is not urgent.
const PRUNE_EVERY: Duration = Duration::from_secs(10);

/// How often and how fast to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pacing {
    /// At most so many rows a second.
    pub rows_per_second: Option<u32>,
    /// Between two looks at a watermark.
    pub poll: Duration,
    /// Between two looks at a log or an outbox.
    pub follow: Duration,
}

/// What a stream is opened with.
pub(crate) struct Opening<'a> {
    /// Its connection.
    pub session: Box<dyn SqlSession>,
    /// What yields changed keys, where the stream's capture is a log or an outbox.
    pub feed: Option<Box<dyn KeyFeed>>,
    /// Its description.
    pub spec: &'a StreamSpec,
    /// Where to begin.
    pub start: StartAt,
    /// Settings.
    pub context: OpenContext,
    /// How fast.
    pub pacing: Pacing,
}

/// Begins to read a stream.
///
/// # Errors
/// When something it needs is not there, or the cursor cannot be resumed.
pub(crate) async fn open(opening: Opening<'_>) -> SourceResult<Box<dyn ChangeStream>> {
    let Opening {
        session,
        feed,
        spec,
        start,
        context,
        pacing,
    } = opening;
    let dialect = session.dialect();
    let query = StreamQuery::compile(spec, &context.settings, session.kind(), &dialect)?;
    if query.follows && feed.is_none() {
        let reason =
            "this connector has no log and no outbox to follow; use \"watermark\" or \"diff\"";
        return Err(invalid(query.kind, &query.name, reason));
    }
    let position = match start {
        StartAt::Snapshot => None,
        StartAt::After(cursor) => Some(Position::read(&cursor, &query)?),
    };
    let mut reader = Reader::open(session, query, feed).await?;
    let position = match position {
        Some(position) => position,
        None => reader.scan_from_start().await?,
    };
    Ok(Box::new(SqlStream::new(reader, position, pacing)))
}

/// The current rows of these keys, and the session to use again.
///
/// # Errors
/// When something the stream needs is not there.
pub(super) async fn read_keys(
    session: Box<dyn SqlSession>,
    spec: &StreamSpec,
    keys: &[RowKey],
    context: &OpenContext,
) -> SourceResult<(RowBatch, Box<dyn SqlSession>)> {
    let dialect = session.dialect();
    let query = StreamQuery::compile(spec, &context.settings, session.kind(), &dialect)?;
    let mut reader = Reader::open(session, query, None).await?;
    let mut changes = reader.keys(keys).await?.changes;
    // A collation may find `ABC` where `abc` was asked for; that is another key.
    let asked: std::collections::HashSet<&RowKey> = keys.iter().collect();
    changes.retain(|change| asked.contains(change.key()));
    let shape = reader.query().shape.clone();
    let batch = RowBatch {
        shape,
        changes: with_deletes(changes, keys),
    };
    Ok((batch, reader.into_session()))
}

/// Reads one stream of one database.
struct SqlStream {
    query: Arc<StreamQuery>,
    /// Where the stream stands after all that is ready.
    position: Position,
    /// The last page of this scan or column was read.
    exhausted: bool,
    ready: VecDeque<Part>,
    work: Work,
    pace: Pace,
    pacing: Pacing,
    /// When to look at the feed again while a scan runs.
    feed_due: Instant,
    prune_due: Instant,
}

/// The reader is either here or out reading a page.
enum Work {
    Idle(Box<Reader>),
    Reading(Reading),
    /// It failed; the stream must be opened again.
    Lost,
}

/// Ends the task when the stream is dropped.
struct Reading(JoinHandle<(Box<Reader>, SourceResult<Page>)>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A piece of a page that fits the limit.
struct Part {
    changes: Vec<RowChange>,
    unreadable: Vec<RowProblem>,
    end: Cursor,
    scan: ScanPart,
    expected: Option<u64>,
}

impl SqlStream {
    fn new(reader: Reader, position: Position, pacing: Pacing) -> Self {
        Self {
            query: reader.shared_query(),
            position,
            exhausted: false,
            ready: VecDeque::new(),
            work: Work::Idle(Box::new(reader)),
            pace: Pace::new(pacing.rows_per_second),
            pacing,
            // A page comes first, so that even a stream that is opened again and again gets on with its scan.
            feed_due: Instant::now() + pacing.follow,
            prune_due: Instant::now() + PRUNE_EVERY,
        }
    }

    /// What the position asks for next. None between polls.
    fn ask(&self, limit: BatchLimit) -> Option<Ask> {
        let rows = self.pace.rows(limit);
        match &self.position {
            Position::Scan { after, .. } => Some(Ask {
                scope: Scope::All,
                after: after.clone(),
                rows,
            }),
            Position::Poll {
                since,
                until,
                column,
                after,
            } => {
                let watermark = self.query.watermark.as_ref()?;
                let window = watermark.window(&since[*column], &until[*column])?;
                Some(Ask {
                    scope: Scope::Since {
                        column: *column,
                        window,
                    },
                    after: after.clone(),
                    rows,
                })
            }
            Position::Idle { .. } => None,
        }
    }

    /// Sends the reader for a page, unless it is already out.
    fn send(&mut self, ask: Ask) -> SourceResult<()> {
        match std::mem::replace(&mut self.work, Work::Lost) {
            Work::Idle(mut reader) => {
                let not_before = self.pace.not_before;
                self.work = Work::Reading(Reading(tokio::spawn(async move {
                    tokio::time::sleep_until(not_before).await;
                    let page = reader.page(&ask).await;
                    (reader, page)
                })));
            }
            Work::Reading(reading) => self.work = Work::Reading(reading),
            Work::Lost => return Err(self.lost()),
        }
        Ok(())
    }

    fn lost(&self) -> SourceError {
        let action = format!("go on with stream {}", self.query.name);
        SourceError::retry(
            self.query.kind,
            action,
            "it failed before; open it again after its last cursor",
        )
    }

    /// The page the reader is out for. May be dropped and called again.
    async fn receive(&mut self) -> SourceResult<Page> {
        let Work::Reading(reading) = &mut self.work else {
            return Err(self.lost());
        };
        let finished = (&mut reading.0).await;
        self.work = Work::Lost;
        match finished {
            Ok((reader, page)) => {
                let page = page?;
                self.work = Work::Idle(reader);
                Ok(page)
            }
            Err(error) => {
                let action = format!("read stream {}", self.query.name);
                Err(SourceError::retry(self.query.kind, action, error))
            }
        }
    }

    /// Takes the reader while something else is asked of it. Whoever fails does not bring it back.
    fn take_reader(&mut self) -> SourceResult<Box<Reader>> {
        match std::mem::replace(&mut self.work, Work::Lost) {
            Work::Idle(reader) => Ok(reader),
            Work::Reading(_) | Work::Lost => Err(self.lost()),
        }
    }

    async fn fetch(&mut self, ask: Ask, limit: BatchLimit) -> SourceResult<()> {
        self.send(ask)?;
        self.take_page(limit).await?;
        if let (false, false, Some(next)) = (self.exhausted, self.feed_is_due(), self.ask(limit)) {
            self.send(next)?;
        }
        Ok(())
    }

    async fn take_page(&mut self, limit: BatchLimit) -> SourceResult<()> {
        let page = self.receive().await?;
        self.pace.learn(&page, limit);
        self.exhausted = !page.full;
        self.cut(page, limit);
        Ok(())
    }

    /// Cuts a page into parts within the limit, each with the cursor after it.
    fn cut(&mut self, page: Page, limit: BatchLimit) {
        let Some(last) = page.last else {
            return;
        };
        if page.changes.is_empty() && page.unreadable.is_empty() {
            return;
        }
        let by_bytes = page.bytes.div_ceil(limit.bytes.max(1));
        let by_rows = page.changes.len().div_ceil(limit.rows.max(1));
        let parts = if page.is_whole {
            1
        } else {
            by_bytes.max(by_rows).max(1)
        };
        let rows = page.changes.len().div_ceil(parts).max(1);
        let mut unreadable = page.unreadable;
        let mut rest = page.changes;
        loop {
            let beyond = if rest.len() > rows {
                rest.split_off(rows)
            } else {
                Vec::new()
            };
            let after = if beyond.is_empty() {
                Some(last.clone())
            } else {
                self.key_of_last(&rest)
            };
            let (scan, expected) = self.advance(after.unwrap_or_else(|| last.clone()));
            self.ready.push_back(Part {
                changes: rest,
                unreadable: std::mem::take(&mut unreadable),
                end: self.position.cursor(),
                scan,
                expected,
            });
            if beyond.is_empty() {
                return;
            }
            rest = beyond;
        }
    }

    fn key_of_last(&self, changes: &[RowChange]) -> Option<Vec<KeyPart>> {
        match changes.last()? {
            RowChange::Upsert { row, .. } => self
                .query
                .key
                .iter()
                .map(|at| KeyPart::of(&row.values[*at]))
                .collect(),
            RowChange::Delete { .. } => None,
        }
    }

    /// Moves the position behind a key.
    fn advance(&mut self, key: Vec<KeyPart>) -> (ScanPart, Option<u64>) {
        match &mut self.position {
            Position::Scan {
                after,
                begun,
                expected,
                ..
            } => {
                *after = Some(key);
                let part = if std::mem::replace(begun, true) {
                    ScanPart::Later
                } else {
                    ScanPart::First
                };
                (part, *expected)
            }
            Position::Poll { after, .. } => {
                *after = Some(key);
                (ScanPart::No, None)
            }
            Position::Idle { .. } => (ScanPart::No, None),
        }
    }

    fn batch(&self, part: Part) -> Next {
        Next::Batch(Batch {
            rows: RowBatch {
                shape: self.query.shape.clone(),
                changes: part.changes,
            },
            end: part.end,
            mark: None,
            scan: part.scan,
            unreadable: part.unreadable,
            from: self.query.table.clone(),
            expected_rows: part.expected,
        })
    }

    /// A scan of an empty table still says that it began.
    fn empty_scan(&mut self) -> Option<Part> {
        let Position::Scan {
            begun, expected, ..
        } = &mut self.position
        else {
            return None;
        };
        if std::mem::replace(begun, true) {
            return None;
        }
        let expected = *expected;
        Some(self.part(Vec::new(), Vec::new(), ScanPart::First, expected))
    }

    /// What was read, with the position as it is now.
    fn part(
        &self,
        changes: Vec<RowChange>,
        unreadable: Vec<RowProblem>,
        scan: ScanPart,
        expected: Option<u64>,
    ) -> Part {
        Part {
            changes,
            unreadable,
            end: self.position.cursor(),
            scan,
            expected,
        }
    }

    fn caught_up(&self) -> Next {
        let look_again = match &self.query.watermark {
            _ if self.query.follows => self.pacing.follow,
            // A look at a rowversion reads nothing again.
            Some(watermark) if watermark.bound.is_some() => self.pacing.follow,
            Some(_) => self.pacing.poll,
            None => DIFF_REST,
        };
        Next::CaughtUp {
            end: self.position.cursor(),
            look_again,
        }
    }

    /// Reads the marks and begins a poll.
    async fn begin_poll(&mut self, since: Vec<Mark>) -> SourceResult<()> {
        let mut reader = self.take_reader()?;
        let until = reader.marks(&since).await?;
        self.work = Work::Idle(reader);
        self.position = Position::Poll {
            since,
            until,
            column: 0,
            after: None,
        };
        self.exhausted = false;
        Ok(())
    }

    /// Goes to the next watermark column; after the last, the poll is over.
    fn next_column(&mut self) -> Option<Next> {
        self.exhausted = false;
        let Position::Poll {
            until,
            column,
            after,
            ..
        } = &mut self.position
        else {
            return None;
        };
        *after = None;
        *column += 1;
        if *column < until.len() {
            return None;
        }
        let marks = std::mem::take(until);
        self.position = Position::Idle { marks, feed: None };
        Some(self.caught_up())
    }

    /// Whether to look at the log or the outbox before the next page of a scan.
    fn feed_is_due(&self) -> bool {
        match &self.position {
            Position::Scan { begun, .. } => {
                self.query.follows && *begun && Instant::now() >= self.feed_due
            }
            Position::Idle { .. } => self.query.follows,
            Position::Poll { .. } => false,
        }
    }

    /// Reads what the log or the outbox says has changed. Tells whether there may be more at once.
    async fn follow(&mut self, limit: BatchLimit) -> SourceResult<bool> {
        if matches!(self.work, Work::Reading(_)) {
            // It was read before what is read now, so it comes first.
            self.take_page(limit).await?;
        }
        let Some(after) = self.position.feed().cloned() else {
            return Ok(false);
        };
        let mut reader = self.take_reader()?;
        if matches!(self.position, Position::Idle { .. }) && Instant::now() >= self.prune_due {
            // Whoever asks for more has kept all that came before.
            reader.feed_done(&after).await;
            self.prune_due = Instant::now() + PRUNE_EVERY;
        }
        let found = reader.changed_keys(&after, limit.rows.max(1)).await?;
        let more = found.more;
        self.read_again(&mut reader, found, limit).await?;
        self.work = Work::Idle(reader);
        self.feed_due = Instant::now();
        if !more {
            self.feed_due += self.pacing.follow;
        }
        Ok(more)
    }

    /// Reads the current rows of changed keys. They make one batch, and the feed's position moves with it; only when
    /// one transaction of the source changed more than memory should hold does it come in parts, of which the last
    /// alone moves the position, so that a crash in between repeats them all.
    async fn read_again(
        &mut self,
        reader: &mut Reader,
        found: Keys,
        limit: BatchLimit,
    ) -> SourceResult<()> {
        let Keys { keys, position, .. } = found;
        if keys.is_empty() {
            self.position.set_feed(position);
            return Ok(());
        }
        let scan = match self.position {
            // Seen by the scan too, wherever it stands.
            Position::Scan { .. } => ScanPart::Later,
            Position::Idle { .. } | Position::Poll { .. } => ScanPart::No,
        };
        let keys: Vec<RowKey> = keys.into_iter().map(|key| reader.as_written(key)).collect();
        let (mut changes, mut unreadable, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut chunks = keys.chunks(KEYS_AT_ONCE).peekable();
        while let Some(some) = chunks.next() {
            if keys.len() > KEYS_AT_ONCE {
                tokio::time::sleep_until(self.pace.not_before).await;
            }
            let page = reader.keys(some).await?;
            self.pace.learn(&page, limit);
            bytes += page.bytes;
            changes.append(&mut with_deletes(page.changes, some));
            unreadable.extend(page.unreadable);
            if chunks.peek().is_some() && bytes > limit.bytes.saturating_mul(2) {
                let part = self.part(
                    std::mem::take(&mut changes),
                    std::mem::take(&mut unreadable),
                    scan,
                    None,
                );
                self.ready.push_back(part);
                bytes = 0;
            }
        }
        self.position.set_feed(position);
        let part = self.part(changes, unreadable, scan, None);
        self.ready.push_back(part);
        Ok(())
    }
}

#[async_trait]
impl ChangeStream for SqlStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        let mut rounds = 0;
        let mut followed = false;
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(self.batch(part));
            }
            if !followed && self.feed_is_due() {
                let more = self.follow(limit).await?;
                rounds += 1;
                followed = !more;
                if more && rounds == ROUNDS && self.ready.is_empty() {
                    return Ok(self.batch(self.part(Vec::new(), Vec::new(), ScanPart::No, None)));
                }
                continue;
            }
            match (&self.position, self.ask(limit)) {
                (Position::Scan { .. } | Position::Poll { .. }, Some(ask)) if !self.exhausted => {
                    self.fetch(ask, limit).await?;
                }
                (Position::Scan { marks, feed, .. }, _) => {
                    let (marks, feed) = (marks.clone(), feed.clone());
                    if let Some(part) = self.empty_scan() {
                        return Ok(self.batch(part));
                    }
                    self.exhausted = false;
                    self.position = Position::Idle { marks, feed };
                    return Ok(Next::ScanComplete {
                        end: self.position.cursor(),
                    });
                }
                (Position::Poll { .. }, _) => {
                    if let Some(over) = self.next_column() {
                        return Ok(over);
                    }
                }
                (Position::Idle { marks, .. }, _) if marks.is_empty() => {
                    return Ok(self.caught_up());
                }
                (Position::Idle { marks, .. }, _) => {
                    let since = marks.clone();
                    self.begin_poll(since).await?;
                }
            }
        }
    }
}
