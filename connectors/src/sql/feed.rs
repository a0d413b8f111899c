//! Keys that changed, as a log or an outbox yields them.

use async_trait::async_trait;
use fluxion_model::row::RowKey;
use serde_json::Value as Json;

use super::session::{SqlFault, SqlSession};
use crate::error::SourceError;

/// Tells which of a stream's keys changed. The stream then reads their current rows by its own query; a key without a
/// row is gone.
///
/// The session is the stream's own, between two of its queries; a feed with a connection of its own leaves it alone.
#[async_trait]
pub(crate) trait KeyFeed: Send {
    /// Where the feed stands now. Asked before a snapshot begins: whatever commits from here on must come out of
    /// [`KeyFeed::next`] after this position.
    async fn now(&mut self, session: &mut dyn SqlSession) -> Result<Json, FeedFault>;

    /// The keys that changed after a position, which is the one `now` or the last `next` gave, or one kept from before a
    /// restart. Returns at once, with no keys when there are none.
    ///
    /// A key may be handed out only when a read that begins afterwards sees the change. At most about `limit` keys, but
    /// always whole transactions of the source. A renamed key is two keys: the old one and the new one.
    async fn next(
        &mut self,
        session: &mut dyn SqlSession,
        after: &Json,
        limit: usize,
    ) -> Result<Keys, FeedFault>;

    /// Everything up to this position is durable with us: what the feed keeps for us may be pruned.
    async fn done(&mut self, session: &mut dyn SqlSession, position: &Json) {
        let (_, _) = (session, position);
    }
}

/// What a feed yields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keys {
    /// In any order; twice the same does no harm.
    pub keys: Vec<RowKey>,
    /// Where to go on. May have moved without keys.
    pub position: Json,
    /// Whether there is more at once.
    pub more: bool,
}

/// Why a feed cannot go on.
#[derive(Debug)]
pub(crate) enum FeedFault {
    /// The log no longer reaches back to the position, or is another one: everything must be read again. Says why, for
    /// a person.
    Gone(String),
    /// A statement failed.
    Sql(SqlFault),
    /// Anything else, explained.
    Source(SourceError),
}
