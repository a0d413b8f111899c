//! A table as a stream: scan, second look, end; or nothing at all when the bytes are the old ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use fluxion_model::row::{RowBatch, RowChange, RowShape};

use super::super::KIND;
use super::super::config::FilesConfig;
use super::pass::{Pass, Problems, Taken};
use super::position::{Position, Progress};
use super::recheck::Looked;
use super::tables::{Tables, Wish, hex};
use super::trouble::Trouble;
use crate::connector::{Batch, BatchLimit, ChangeStream, Next, RowProblem, ScanPart, StartAt};
use crate::error::{SourceError, SourceResult};

/// How long a table that somebody holds exclusively is asked for again, before the agent's own patience begins.
const PATIENCE: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// While a POS keeps a file open, Windows tells the time of its changes late. So the time is believed only for so long,
/// and then the bytes themselves are compared.
fn belief() -> TimeDelta {
    TimeDelta::minutes(1)
}

/// Reads one table and its children.
pub(in crate::files) struct TableStream {
    wish: Arc<Wish>,
    config: Arc<FilesConfig>,
    position: Position,
    /// Whether everything is read, whatever is known.
    everything: bool,
    stage: Stage,
}

enum Stage {
    Begin,
    Scan(Box<Pass>),
    /// The last batch is out; the scan's end is still to be told.
    Closing(Ending),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// Something could not be read, so nothing is known to be gone.
    Flawed,
}

/// What a step brought.
enum Step {
    /// The tables hold what they held.
    Same {
        stamps: String,
        compared: bool,
    },
    Begun(Box<Pass>),
    Rows(Box<Pass>, Taken),
    Quiet(Box<Pass>, String),
    /// A table was redesigned under the scan.
    Redesigned,
}

impl TableStream {
    /// Opens the tables once, so that what is missing is said at once.
    pub async fn open(wish: Wish, config: Arc<FilesConfig>, start: StartAt) -> SourceResult<Self> {
        let (position, everything) = match start {
            StartAt::Snapshot => (Position::default(), true),
            StartAt::After(cursor) => {
                let action = format!("resume stream {}", wish.spec.name);
                let position = Position::read(&cursor)
                    .map_err(|error| SourceError::resnapshot(KIND, action, error))?;
                (position, false)
            }
        };
        let stream = Self {
            wish: Arc::new(wish),
            config,
            position,
            everything,
            stage: Stage::Begin,
        };
        stream.with_tables(|_, _| Ok(())).await?;
        Ok(stream)
    }

    fn action(&self) -> String {
        format!("read table {}", self.wish.names())
    }

    /// Does something with all tables open, off the async threads. Waits a little for one that is held exclusively.
    async fn with_tables<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Wish, Tables) -> Result<T, Trouble> + Send + 'static,
    ) -> SourceResult<T> {
        let begun = Instant::now();
        let mut work = Some(work);
        loop {
            let wish = Arc::clone(&self.wish);
            let Some(this) = work.take() else {
                return Err(self.failed(Trouble::Held(self.wish.names())));
            };
            let done = tokio::task::spawn_blocking(move || match wish.open() {
                Ok(tables) => Ok(this(&wish, tables)),
                Err(trouble) => Err((trouble, this)),
            });
            match done.await {
                Ok(Ok(result)) => return result.map_err(|trouble| self.failed(trouble)),
                Ok(Err((trouble, this)))
                    if trouble.is_passing()
                        && begun.elapsed() < PATIENCE.min(self.config.give_up()) =>
                {
                    work = Some(this);
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Ok(Err((trouble, _))) => return Err(self.failed(trouble)),
                Err(error) => return Err(SourceError::retry(KIND, self.action(), error)),
            }
        }
    }

    fn failed(&self, trouble: Trouble) -> SourceError {
        trouble.explain(&self.action())
    }

    /// Waits until nobody writes a document: header and lines are written one after the other.
    async fn wait_for_calm(&self) -> SourceResult<()> {
        if self.wish.spec.children.is_empty() {
            return Ok(());
        }
        let (begun, settle) = (Instant::now(), self.config.settle());
        let mut stamps = String::new();
        let mut since = Instant::now();
        while begun.elapsed() < self.config.give_up() {
            let now = self.with_tables(|_, tables| Ok(tables.stamps())).await?;
            if now != stamps {
                stamps = now;
                since = Instant::now();
            }
            let left = settle.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(ASK_AGAIN)).await;
        }
        tracing::info!(
            tables = self.wish.names(),
            "the tables never stand still; they are read as they are"
        );
        Ok(())
    }

    async fn begin(&mut self) -> SourceResult<Step> {
        let position = self.position.clone();
        let everything = self.everything;
        let read = move |wish: &Wish, mut tables: Tables| {
            if !everything && position.scan.is_none() && !position.state.is_empty() {
                let stamps = tables.stamps();
                let believed = position.compared.is_some_and(|then| {
                    (TimeDelta::zero()..belief()).contains(&(Utc::now() - then))
                });
                if believed && stamps == position.stamps {
                    return Ok(Step::Same {
                        stamps,
                        compared: false,
                    });
                }
                if tables.state_now()? == position.state {
                    return Ok(Step::Same {
                        stamps,
                        compared: true,
                    });
                }
            }
            let progress: Option<&Progress> = position.scan.as_ref();
            Pass::begin(wish, &mut tables, progress).map(|pass| Step::Begun(Box::new(pass)))
        };
        self.with_tables(read).await
    }

    async fn step(&mut self, mut pass: Box<Pass>, limit: BatchLimit) -> SourceResult<Step> {
        if pass.is_through() && pass.recheck.is_none() && pass.rechecks > 0 {
            self.wait_for_calm().await?;
        }
        self.with_tables(move |_, mut tables| {
            if tables.design() != pass.design {
                return Ok(Step::Redesigned);
            }
            if !pass.is_through() {
                let taken = pass.read(&mut tables, limit)?;
                return Ok(Step::Rows(pass, taken));
            }
            match pass.look(&mut tables, limit)? {
                Looked::Rows(taken) => Ok(Step::Rows(pass, taken)),
                Looked::Quiet(state) => Ok(Step::Quiet(pass, state)),
            }
        })
        .await
    }

    fn batch(&mut self, pass: &mut Pass, changes: Vec<RowChange>) -> Batch {
        self.position.scan = Some(pass.progress());
        let scan = if std::mem::replace(&mut pass.begun, true) {
            ScanPart::Later
        } else {
            ScanPart::First
        };
        Batch {
            rows: RowBatch {
                shape: Arc::clone(&pass.shape),
                changes,
            },
            end: self.position.cursor(),
            mark: None,
            scan,
            unreadable: Vec::new(),
            from: self.wish.source.name.as_str().into(),
            expected_rows: Some(u64::from(pass.bound)),
        }
    }

    /// The scan is over: what is to be told of it goes with a last batch.
    fn end(&mut self, mut pass: Pass, state: String) -> Option<Batch> {
        let is_flawed = pass.problems.flawed || pass.restless;
        if pass.restless {
            tracing::warn!(
                tables = self.wish.names(),
                "the tables never stood still; nothing is removed this time"
            );
        }
        let told = pass.problems.hash();
        let news = told != self.position.told && !pass.problems.list.is_empty();
        let mut last = (news || !pass.begun).then(|| self.batch(&mut pass, Vec::new()));
        // What was seen before something changed may be gone since: then the state is not what was told.
        let is_known = !pass.stirred && !pass.restless;
        self.position = Position {
            state: if is_known { state } else { String::new() },
            stamps: pass.stamps.clone(),
            compared: is_known.then(Utc::now),
            told,
            scan: None,
        };
        if let Some(last) = &mut last
            && news
        {
            last.unreadable = pass.problems.take();
        }
        self.stage = if is_flawed {
            Stage::Closing(Ending::Flawed)
        } else {
            Stage::Closing(Ending::Whole)
        };
        last
    }

    fn caught_up(&self) -> Next {
        Next::CaughtUp {
            end: self.position.cursor(),
            look_again: self.config.poll(),
        }
    }
}

impl Problems {
    fn hash(&self) -> String {
        if self.list.is_empty() {
            return String::new();
        }
        hex(xxhash_rust::xxh3::xxh3_128(
            format!("{:?}{}", self.list, self.more).as_bytes(),
        ))
    }

    fn take(&mut self) -> Vec<RowProblem> {
        let mut list = std::mem::take(&mut self.list);
        if self.more > 0 {
            list.push(RowProblem {
                position: None,
                field: None,
                raw: None,
                message: format!(
                    "{} more records of this table have such problems.",
                    self.more
                ),
            });
        }
        list
    }
}

#[async_trait]
impl ChangeStream for TableStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        loop {
            let step = match std::mem::replace(&mut self.stage, Stage::Begin) {
                Stage::Begin => {
                    self.wait_for_calm().await?;
                    self.begin().await?
                }
                Stage::Scan(pass) => self.step(pass, limit).await?,
                Stage::Closing(ending) => {
                    self.stage = Stage::Ended;
                    return Ok(match ending {
                        Ending::Whole => Next::ScanComplete {
                            end: self.position.cursor(),
                        },
                        Ending::Flawed => self.caught_up(),
                    });
                }
                Stage::Ended => {
                    // Asked again, it looks again.
                    self.everything = false;
                    return Ok(self.caught_up());
                }
            };
            match step {
                Step::Same { stamps, compared } => {
                    self.position.stamps = stamps;
                    if compared {
                        self.position.compared = Some(Utc::now());
                    }
                    return Ok(self.caught_up());
                }
                Step::Begun(pass) => self.stage = Stage::Scan(pass),
                Step::Redesigned => self.position.scan = None,
                Step::Rows(mut pass, taken) => {
                    let batch =
                        (!taken.changes.is_empty()).then(|| self.batch(&mut pass, taken.changes));
                    if pass.restless {
                        let more = self.end(*pass, String::new());
                        return Ok(match batch.or(more) {
                            Some(batch) => Next::Batch(batch),
                            None => continue,
                        });
                    }
                    self.stage = Stage::Scan(pass);
                    if let Some(batch) = batch {
                        return Ok(Next::Batch(batch));
                    }
                }
                Step::Quiet(pass, state) => {
                    if let Some(last) = self.end(*pass, state) {
                        return Ok(Next::Batch(last));
                    }
                }
            }
        }
    }
}

/// A shape without rows, for a table whose rows are all gone.
pub(super) fn no_rows(shape: Arc<RowShape>) -> RowBatch {
    RowBatch {
        shape,
        changes: Vec::new(),
    }
}
