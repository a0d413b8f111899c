//! All files of one pattern, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::row::RowBatch;
use fluxion_model::stream::{FileContent, FileSource, StreamSpec};

use super::KIND;
use super::arrival::{Found, Inbox};
use super::config::{AfterReading, FilesConfig};
use super::content::Digest;
use super::document::{Documents, Taken};
use super::filing::{self, Outcome};
use super::position::Position;
use super::table::Broken;
use crate::connector::{
    Batch, BatchLimit, ChangeStream, Next, OpenContext, RowProblem, ScanPart, Settled, StartAt,
};
use crate::error::{SourceError, SourceResult};

/// Reads the files of one stream.
pub(super) struct FilesStream {
    spec: StreamSpec,
    source: FileSource,
    config: Arc<FilesConfig>,
    context: OpenContext,
    inbox: Inbox,
    position: Position,
    reading: Option<Reading>,
    closing: Option<Closing>,
}

/// The file under way.
struct Reading {
    path: PathBuf,
    name: Arc<str>,
    digest: Digest,
    documents: Documents,
    /// Whether a batch of it was given out.
    begun: bool,
    rows: u64,
    problems: Vec<RowProblem>,
}

/// A file that is filed away once its last batch is durable.
struct Closing {
    path: PathBuf,
    name: Arc<str>,
    outcome: Outcome,
    rows: u64,
    problems: Vec<RowProblem>,
    /// Why it failed, or what else its report must say.
    note: Option<String>,
}

impl FilesStream {
    pub fn new(
        spec: StreamSpec,
        source: FileSource,
        inbox: Inbox,
        config: Arc<FilesConfig>,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Self> {
        let position = match start {
            StartAt::Snapshot => Position::default(),
            StartAt::After(cursor) => Position::read(&cursor).map_err(|error| {
                SourceError::resnapshot(KIND, format!("resume stream {}", spec.name), error)
            })?,
        };
        Ok(Self {
            spec,
            source,
            config,
            context,
            inbox,
            position,
            reading: None,
            closing: None,
        })
    }

    fn is_everything(&self) -> bool {
        self.source.content == FileContent::Everything
    }

    fn mark(&self, digest: &Digest) -> String {
        format!("{}:sha256:{}", self.spec.name, digest.hash)
    }

    /// Whether this content needs no reading. A full export may rightly come back with older content, so only the
    /// last one counts there.
    fn is_known(&self, digest: &Digest) -> bool {
        let is_last = self.position.done && self.position.file == digest.hash;
        let counts_for_good =
            !self.is_everything() || self.config.after_reading == AfterReading::Leave;
        is_last || (counts_for_good && self.context.marks.contains(&self.mark(digest)))
    }

    /// Looks at a complete file and gets ready to read it.
    async fn begin(&mut self, path: PathBuf) -> SourceResult<()> {
        let (spec, source, from) = (self.spec.clone(), self.source.clone(), path.clone());
        let digest = match blocking(move || Digest::of(&from)).await {
            Ok(digest) => digest,
            Err(broken) => {
                self.inbox.broken(&path, broken);
                return Ok(());
            }
        };
        if self.is_known(&digest) {
            return self.put_by_known(&path);
        }
        let (from, seen) = (path.clone(), digest.clone());
        let opened = blocking(move || Documents::open(&from, &spec, &source, &seen)).await;
        let resumes = self.position.file == digest.hash && !self.position.done;
        let taken = if resumes { self.position.taken } else { 0 };
        let opened = opened.and_then(|mut documents| {
            documents.skip(taken)?;
            Ok(documents)
        });
        match opened {
            Err(broken) => self.inbox.broken(&path, broken),
            Ok(documents) => {
                if !resumes {
                    self.position = Position {
                        file: digest.hash.clone(),
                        ..Position::default()
                    };
                }
                let name = name_of(&path);
                let begun = taken > 0;
                self.reading = Some(Reading {
                    path,
                    name,
                    digest,
                    documents,
                    begun,
                    rows: 0,
                    problems: Vec::new(),
                });
            }
        }
        Ok(())
    }

    /// Content that was processed before: nothing happens twice. A stream that was killed between its last commit and
    /// the move finds its own file here.
    fn put_by_known(&mut self, path: &Path) -> SourceResult<()> {
        let note = "Su contenido ya fue procesado; esta vez no se hizo nada. / Its content was processed before; nothing was done this time.";
        tracing::info!(file = %path.display(), "a file with known content was put by");
        self.file_away(&Closing {
            path: path.to_owned(),
            name: name_of(path),
            outcome: Outcome::Processed,
            rows: 0,
            problems: Vec::new(),
            note: Some(note.to_owned()),
        })
    }

    fn file_away(&mut self, closing: &Closing) -> SourceResult<()> {
        self.inbox.done(&closing.path);
        if self.config.after_reading == AfterReading::Leave {
            return Ok(());
        }
        let report = match (closing.outcome, &closing.note) {
            (Outcome::Failed, reason) => Some(filing::on_failure(
                &closing.name,
                reason.as_deref().unwrap_or("-"),
            )),
            (Outcome::Processed, note) => filing::on_rows(
                &closing.name,
                closing.rows,
                &closing.problems,
                note.as_deref(),
            ),
        };
        let marker = self.inbox.marker(&closing.path);
        filing::file_away(
            &self.config,
            &closing.path,
            marker.as_deref(),
            closing.outcome,
            report.as_ref(),
        )
    }

    /// A file nobody can read: the cloud hears of it, and it is filed under `failed`.
    fn give_up(&mut self, path: PathBuf, reason: &Broken) -> Next {
        let name = name_of(&path);
        let message = format!(
            "File {name} cannot be read: {reason}. It was moved to {}.",
            self.config.failed.display()
        );
        let problem = RowProblem {
            position: None,
            field: None,
            raw: None,
            message,
        };
        self.closing = Some(Closing {
            path,
            name: name.clone(),
            outcome: Outcome::Failed,
            rows: 0,
            problems: Vec::new(),
            note: Some(reason.to_string()),
        });
        Next::Batch(Batch {
            rows: RowBatch::default(),
            end: self.position.cursor(),
            mark: None,
            scan: ScanPart::No,
            unreadable: vec![problem],
            from: name,
            expected_rows: None,
        })
    }

    /// The next rows of the file under way.
    fn read(&mut self, mut reading: Reading, limit: BatchLimit) -> Next {
        let taken = match reading.documents.take(limit) {
            Ok(taken) => taken,
            Err(broken) => {
                self.position = Position::default();
                return self.give_up(reading.path, &broken);
            }
        };
        let Taken {
            changes,
            mut unreadable,
            is_last,
        } = taken;
        reading.rows += changes.len() as u64;
        self.position.taken = reading.documents.taken;
        self.position.flawed |= !unreadable.is_empty();
        let scan = match (
            self.is_everything(),
            std::mem::replace(&mut reading.begun, true),
        ) {
            (false, _) => ScanPart::No,
            (true, false) => ScanPart::First,
            (true, true) => ScanPart::Later,
        };
        let (shape, from) = (reading.documents.shape.clone(), reading.name.clone());
        let has_lines = !self.spec.children.is_empty();
        let expected_rows = (reading.digest.lines > 0 && !has_lines)
            .then(|| reading.digest.lines.saturating_sub(1));
        let mut mark = None;
        if is_last {
            if self.is_everything() && self.position.taken == 0 {
                unreadable.push(no_rows(&from));
            }
            mark = self.finish(reading);
        } else {
            self.reading = Some(reading);
        }
        self.note(&unreadable);
        Next::Batch(Batch {
            rows: RowBatch { shape, changes },
            end: self.position.cursor(),
            mark,
            scan,
            unreadable,
            from,
            expected_rows,
        })
    }

    /// After the last row: the file's mark, unless it changed while it was read.
    fn finish(&mut self, reading: Reading) -> Option<String> {
        if !reading.digest.still_holds(&reading.path) {
            self.position = Position::default();
            return None;
        }
        self.position.done = true;
        let holds_everything = self.is_everything() && self.position.taken > 0;
        self.position.sweep_due = holds_everything && !self.position.flawed;
        let note = (holds_everything && self.position.flawed).then(|| {
            "Por las filas ilegibles no se eliminó nada. / Because of the unreadable rows nothing was removed.".to_owned()
        });
        let mark = self.mark(&reading.digest);
        self.closing = Some(Closing {
            path: reading.path,
            name: reading.name,
            outcome: Outcome::Processed,
            rows: reading.rows,
            problems: reading.problems,
            note,
        });
        Some(mark)
    }

    /// Remembers problems for the report.
    fn note(&mut self, problems: &[RowProblem]) {
        let report = match (&mut self.reading, &mut self.closing) {
            (Some(reading), _) => &mut reading.problems,
            (None, Some(closing)) => &mut closing.problems,
            (None, None) => return,
        };
        for problem in problems {
            if report.len() > 5_000 || !report.contains(problem) {
                report.push(problem.clone());
            }
        }
    }

    fn close(&mut self) -> SourceResult<()> {
        match self.closing.take() {
            Some(closing) => self.file_away(&closing),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl ChangeStream for FilesStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        loop {
            self.close()?;
            if let Some(reading) = self.reading.take() {
                return Ok(self.read(reading, limit));
            }
            if self.position.sweep_due {
                self.position.sweep_due = false;
                return Ok(Next::ScanComplete {
                    end: self.position.cursor(),
                });
            }
            let found = self.inbox.next().map_err(|error| {
                SourceError::retry(
                    KIND,
                    format!("read folder {}", self.config.folder.display()),
                    error,
                )
            })?;
            match found {
                Found::Complete(path) => self.begin(path).await?,
                Found::Hopeless(path, reason) => return Ok(self.give_up(path, &reason)),
                Found::Wait(look_again) => return Ok(self.caught_up(look_again)),
            }
        }
    }

    async fn settled(&mut self, settled: Settled<'_>) -> SourceResult<()> {
        self.note(settled.problems);
        self.close()
    }
}

impl FilesStream {
    fn caught_up(&self, look_again: Duration) -> Next {
        Next::CaughtUp {
            end: self.position.cursor(),
            look_again,
        }
    }
}

fn no_rows(name: &str) -> RowProblem {
    RowProblem {
        position: None,
        field: None,
        raw: None,
        message: format!(
            "File {name} should hold everything there is, and holds no row. Nothing was removed because of it; check the export."
        ),
    }
}

fn name_of(path: &Path) -> Arc<str> {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into()
}

/// Work on a disk that may be slow.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Broken> + Send + 'static,
) -> Result<T, Broken> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Broken::new(format!("it could not be read ({error})"))),
    }
}
