//! A stream being read: scan, then polls, one page ahead of the caller.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowChange};
use fluxion_model::stream::Cursor;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::KIND;
use super::config::Target;
use super::key::KeyPart;
use super::position::{Mark, Position};
use super::reader::{Ask, Page, Reader, Scope};
use super::sql::StreamQuery;
use super::watermark;
use crate::connector::{Batch, BatchLimit, ChangeStream, Next, RowProblem, ScanPart};
use crate::error::{SourceError, SourceResult};

/// A finished diff waits for its schedule.
const DIFF_REST: Duration = Duration::from_secs(60);

/// A page that took longer than this weighs on the POS.
const SLOW: Duration = Duration::from_secs(2);

/// Rows of the first page, before their size is known.
const FIRST_PAGE: usize = 1_000;

/// Never fewer rows than this, however large they are.
const SMALLEST_PAGE: usize = 50;

/// Reads one stream of one database.
#[derive(Debug)]
pub(super) struct MysqlStream {
    query: Arc<StreamQuery>,
    /// Where the stream stands after all that is ready.
    position: Position,
    /// The last page of this scan or column was read.
    exhausted: bool,
    ready: VecDeque<Part>,
    work: Work,
    pace: Pace,
    poll: Duration,
}

/// The reader is either here or out reading a page.
#[derive(Debug)]
enum Work {
    Idle(Box<Reader>),
    Reading(Reading),
    /// It failed; the stream must be opened again.
    Lost,
}

/// Ends the task when the stream is dropped.
#[derive(Debug)]
struct Reading(JoinHandle<(Box<Reader>, SourceResult<Page>)>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A piece of a page that fits the limit.
#[derive(Debug)]
struct Part {
    changes: Vec<RowChange>,
    unreadable: Vec<RowProblem>,
    end: Cursor,
    scan: ScanPart,
    expected: Option<u64>,
}

/// How fast to read.
#[derive(Debug)]
struct Pace {
    rows_per_second: Option<u32>,
    /// No page before this.
    not_before: Instant,
    /// How many rows fit the caller's bytes, as far as known.
    fitting: usize,
    /// How many rows the server gives quickly.
    quick: usize,
}

impl MysqlStream {
    pub fn new(reader: Reader, position: Position, target: &Target) -> Self {
        Self {
            query: reader.shared_query(),
            position,
            exhausted: false,
            ready: VecDeque::new(),
            work: Work::Idle(Box::new(reader)),
            pace: Pace {
                rows_per_second: target.config.rows_per_second,
                not_before: Instant::now(),
                fitting: FIRST_PAGE,
                quick: usize::MAX,
            },
            poll: Duration::from_secs(u64::from(target.config.poll_seconds.max(1))),
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
                let overlap = self
                    .query
                    .watermark
                    .as_ref()
                    .map_or(0, |watermark| watermark.overlap);
                let low = watermark::low(&since[*column], &until[*column], overlap)?;
                Some(Ask {
                    scope: Scope::Since {
                        column: *column,
                        low,
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
            KIND,
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
                Err(SourceError::retry(KIND, action, error))
            }
        }
    }

    async fn fetch(&mut self, ask: Ask, limit: BatchLimit) -> SourceResult<()> {
        self.send(ask)?;
        let page = self.receive().await?;
        self.pace.learn(&page, limit);
        self.exhausted = !page.full;
        self.cut(page, limit);
        if let (false, Some(next)) = (self.exhausted, self.ask(limit)) {
            self.send(next)?;
        }
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
        Some(Part {
            changes: Vec::new(),
            unreadable: Vec::new(),
            end: self.position.cursor(),
            scan: ScanPart::First,
            expected,
        })
    }

    fn caught_up(&self) -> Next {
        let look_again = if self.query.watermark.is_some() {
            self.poll
        } else {
            DIFF_REST
        };
        Next::CaughtUp {
            end: self.position.cursor(),
            look_again,
        }
    }

    /// Reads the marks and begins a poll.
    async fn begin_poll(&mut self, since: Vec<Mark>) -> SourceResult<()> {
        let Work::Idle(reader) = &mut self.work else {
            return Err(self.lost());
        };
        let until = match reader.marks(&since).await {
            Ok(until) => until,
            Err(error) => {
                self.work = Work::Lost;
                return Err(error);
            }
        };
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
        self.position = Position::Idle { marks };
        Some(self.caught_up())
    }
}

#[async_trait]
impl ChangeStream for MysqlStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(self.batch(part));
            }
            match (&self.position, self.ask(limit)) {
                (Position::Scan { .. } | Position::Poll { .. }, Some(ask)) if !self.exhausted => {
                    self.fetch(ask, limit).await?;
                }
                (Position::Scan { marks, .. }, _) => {
                    let marks = marks.clone();
                    if let Some(part) = self.empty_scan() {
                        return Ok(self.batch(part));
                    }
                    self.exhausted = false;
                    self.position = Position::Idle { marks };
                    return Ok(Next::ScanComplete {
                        end: self.position.cursor(),
                    });
                }
                (Position::Poll { .. }, _) => {
                    if let Some(over) = self.next_column() {
                        return Ok(over);
                    }
                }
                (Position::Idle { marks }, _) if marks.is_empty() => return Ok(self.caught_up()),
                (Position::Idle { marks }, _) => {
                    let since = marks.clone();
                    self.begin_poll(since).await?;
                }
            }
        }
    }
}

impl Pace {
    fn rows(&self, limit: BatchLimit) -> usize {
        limit
            .rows
            .min(self.fitting)
            .min(self.quick)
            .max(SMALLEST_PAGE.min(limit.rows))
            .max(1)
    }

    /// Larger pages while they fit, smaller ones and a rest when the server is slow.
    fn learn(&mut self, page: &Page, limit: BatchLimit) {
        let rows = page.changes.len();
        if rows == 0 {
            return;
        }
        self.fitting = (limit.bytes / (page.bytes / rows).max(1)).max(SMALLEST_PAGE);
        let now = Instant::now();
        if page.took > SLOW {
            self.quick = (rows / 2).max(SMALLEST_PAGE);
            self.not_before = now + page.took.min(Duration::from_secs(10));
        } else if self.quick != usize::MAX {
            self.quick = self.quick.saturating_mul(2);
        }
        if let Some(per_second) = self.rows_per_second {
            let due = Duration::from_secs_f64(rows as f64 / f64::from(per_second));
            self.not_before = self.not_before.max(now) + due;
        }
    }
}
