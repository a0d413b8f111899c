//! What the agent would know: rows by key, the last cursor, the marks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use fluxion_connectors::{
    Batch, BatchLimit, ChangeStream, Connector, Marks, Next, OpenContext, RowProblem, ScanPart,
    Settings, Settled, SourceResult, StartAt,
};
use fluxion_model::row::{Row, RowChange, RowShape};
use fluxion_model::stream::{Cursor, StreamSpec};

/// Marks that were committed.
#[derive(Debug, Default)]
pub struct Seen(pub Mutex<BTreeSet<String>>);

impl Marks for Seen {
    fn contains(&self, mark: &str) -> bool {
        self.0.lock().unwrap().contains(mark)
    }
}

/// The rows a stream brought, and where it stands.
#[derive(Default)]
pub struct Mirror {
    pub rows: BTreeMap<String, Row>,
    pub shape: Arc<RowShape>,
    pub cursor: Option<Cursor>,
    pub unreadable: Vec<RowProblem>,
    pub seen: Arc<Seen>,
    pub settings: Settings,
    /// Rows brought, counted again each time.
    pub delivered: usize,
    pub batches: usize,
    /// Rows of the scan under way; none before its first batch.
    in_scan: Option<BTreeSet<String>>,
}

/// When to stop and open again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    Never,
    AfterEveryBatch,
}

impl Mirror {
    pub fn context(&self) -> OpenContext {
        OpenContext {
            settings: self.settings.clone(),
            marks: self.seen.clone(),
        }
    }

    pub fn start(&self) -> StartAt {
        self.cursor
            .clone()
            .map_or(StartAt::Snapshot, StartAt::After)
    }

    /// Follows the stream until it has caught up, or its scan is complete.
    pub async fn follow(
        &mut self,
        connector: &dyn Connector,
        spec: &StreamSpec,
        limit: BatchLimit,
        restart: Restart,
    ) -> SourceResult<()> {
        let mut stream = connector.open(spec, self.start(), self.context()).await?;
        loop {
            match self.step(stream.as_mut(), limit).await? {
                Step::Batch if restart == Restart::AfterEveryBatch => {
                    stream = connector.open(spec, self.start(), self.context()).await?;
                }
                Step::Batch => {}
                Step::Rest | Step::ScanComplete => return Ok(()),
            }
        }
    }

    /// Reads everything anew.
    pub async fn scan(&mut self, connector: &dyn Connector, spec: &StreamSpec) -> SourceResult<()> {
        self.cursor = None;
        self.follow(connector, spec, BatchLimit::default(), Restart::Never)
            .await
    }

    pub async fn step(
        &mut self,
        stream: &mut dyn ChangeStream,
        limit: BatchLimit,
    ) -> SourceResult<Step> {
        match stream.next(limit).await? {
            Next::Batch(batch) => {
                self.commit(batch);
                stream.settled(Settled { problems: &[] }).await?;
                Ok(Step::Batch)
            }
            Next::ScanComplete { end } => {
                let in_scan = self.in_scan.take().expect(
                    "a scan, even of nothing, begins with a batch that is ScanPart::First: without one the spool has none to end",
                );
                self.rows.retain(|key, _| in_scan.contains(key));
                self.cursor = Some(end);
                Ok(Step::ScanComplete)
            }
            Next::CaughtUp { end, .. } => {
                self.cursor = Some(end);
                Ok(Step::Rest)
            }
        }
    }

    pub fn commit(&mut self, batch: Batch) {
        self.batches += 1;
        if batch.scan == ScanPart::First {
            self.in_scan = Some(BTreeSet::new());
        }
        self.shape = batch.rows.shape;
        for change in batch.rows.changes {
            self.delivered += 1;
            match change {
                RowChange::Upsert { key, row } => {
                    assert_eq!(row.values.len(), self.shape.columns.len());
                    if batch.scan != ScanPart::No {
                        let in_scan = self.in_scan.as_mut();
                        in_scan
                            .expect("the first batch of a scan is ScanPart::First")
                            .insert(key.to_string());
                    }
                    self.rows.insert(key.to_string(), row);
                }
                RowChange::Delete { key } => {
                    self.rows.remove(key.as_str());
                }
            }
        }
        self.unreadable.extend(batch.unreadable);
        self.seen.0.lock().unwrap().extend(batch.mark);
        self.cursor = Some(batch.end);
    }

    pub fn keys(&self) -> Vec<&str> {
        self.rows.keys().map(String::as_str).collect()
    }

    /// A cell, as a person would write it.
    pub fn cell(&self, key: &str, column: &str) -> String {
        let at = self
            .shape
            .position(column)
            .unwrap_or_else(|| panic!("no column {column}"));
        let row = self
            .rows
            .get(key)
            .unwrap_or_else(|| panic!("no row {key:?} in {:?}", self.keys()));
        row.values[at].to_string()
    }

    /// One column of a row's children.
    pub fn lines(&self, key: &str, group: &str, column: &str) -> Vec<String> {
        let (group, shape) = self.shape.child(group).unwrap();
        let at = shape.position(column).unwrap();
        self.rows[key].children[group]
            .iter()
            .map(|row| row.values[at].to_string())
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Batch,
    ScanComplete,
    Rest,
}
