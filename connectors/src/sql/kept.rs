//! A connection that is kept for the next question, because keys are asked for one handful after the other and logging in
//! costs a POS more than answering.

use std::future::Future;

use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::StreamSpec;
use tokio::sync::Mutex;

use super::session::SqlSession;
use super::stream;
use crate::connector::OpenContext;
use crate::error::SourceResult;

/// At most one idle session. Those who ask at the same time wait for each other.
#[derive(Debug, Default)]
pub(crate) struct KeptSession {
    idle: Mutex<Option<Box<dyn SqlSession>>>,
}

impl KeptSession {
    /// The current rows of these keys. `open` is only awaited where no session is kept, or the one that is no longer
    /// answers. After an error none is kept.
    ///
    /// # Errors
    /// When no session can be opened, or something the stream needs is not there.
    pub async fn read_keys<S: SqlSession + 'static>(
        &self,
        open: impl Future<Output = SourceResult<S>> + Send,
        spec: &StreamSpec,
        keys: &[RowKey],
        context: &OpenContext,
    ) -> SourceResult<RowBatch> {
        let mut idle = self.idle.lock().await;
        let mut kept = idle.take();
        if let Some(session) = &mut kept
            && !session.answers().await
        {
            kept = None;
        }
        let session = match kept {
            Some(session) => session,
            None => Box::new(open.await?),
        };
        let (batch, session) = stream::read_keys(session, spec, keys, context).await?;
        *idle = Some(session);
        Ok(batch)
    }
}
