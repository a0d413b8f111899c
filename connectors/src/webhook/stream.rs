//! The calls of one event, one batch each: each has a mark of its own, so that it counts once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowChange};
use fluxion_model::stream::Cursor;
use tokio::sync::mpsc;

use super::desk::{Call, Desk, Outcome, Read};
use crate::connector::{Batch, BatchLimit, ChangeStream, Marks, Next, ScanPart, Settled};
use crate::error::SourceResult;

/// Nothing is looked at then; it only shows that the stream is well.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// Reasons that are told to the sender; the dashboard has them all.
const TOLD: usize = 5;

/// One stream's calls, as they come.
pub(super) struct WebhookStream {
    desk: Arc<Desk>,
    calls: mpsc::Receiver<Call>,
    marks: Arc<dyn Marks>,
    /// Came while nobody pulled.
    first: Option<Call>,
    /// The call whose batch is being stored.
    current: Option<String>,
}

impl WebhookStream {
    pub fn new(desk: Arc<Desk>, calls: mpsc::Receiver<Call>, marks: Arc<dyn Marks>) -> Self {
        Self {
            desk,
            calls,
            marks,
            first: None,
            current: None,
        }
    }

    pub fn event(&self) -> &str {
        &self.desk.plan.event
    }

    fn batch(&mut self, call: Call, mark: String) -> Batch {
        let (changes, unreadable) = match call.read {
            Read::Row(key, row) => (vec![RowChange::Upsert { key, row }], Vec::new()),
            Read::Unreadable(problem) => (Vec::new(), vec![problem]),
        };
        let from = format!("{} {}", self.desk.plan.event, call.id);
        self.current = Some(call.id);
        Batch {
            rows: RowBatch {
                shape: Arc::clone(&self.desk.plan.layout.shape),
                changes,
            },
            end: cursor(),
            mark: Some(mark),
            scan: ScanPart::No,
            unreadable,
            from: from.into(),
            expected_rows: None,
        }
    }
}

/// There is nowhere to go on from but now.
fn cursor() -> Cursor {
    Cursor(Box::from(&b"now"[..]))
}

#[async_trait]
impl ChangeStream for WebhookStream {
    async fn next(&mut self, _: BatchLimit) -> SourceResult<Next> {
        while let Some(call) = self.first.take().or_else(|| self.calls.try_recv().ok()) {
            let mark = format!("webhook:{}", call.id);
            if !self.marks.contains(&mark) {
                return Ok(Next::Batch(self.batch(call, mark)));
            }
            self.desk.answer(&call.id, &Outcome::Known);
        }
        Ok(Next::CaughtUp {
            end: cursor(),
            look_again: LOOK_AGAIN,
        })
    }

    async fn settled(&mut self, settled: Settled<'_>) -> SourceResult<()> {
        let Some(id) = self.current.take() else {
            return Ok(());
        };
        let problems = settled.problems.iter().take(TOLD);
        let outcome = match settled.problems {
            [] => Outcome::Kept,
            _ => Outcome::Rejected(problems.map(|problem| problem.message.clone()).collect()),
        };
        self.desk.answer(&id, &outcome);
        Ok(())
    }

    async fn ready(&mut self) {
        if self.first.is_some() {
            return;
        }
        match self.calls.recv().await {
            Some(call) => self.first = Some(call),
            None => std::future::pending().await,
        }
    }
}

impl Drop for WebhookStream {
    /// Who waits is asked to come again: what was stored of it is known by its mark then.
    fn drop(&mut self) {
        self.calls.close();
        self.desk.close();
    }
}
