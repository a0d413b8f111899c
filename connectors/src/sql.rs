//! What all connectors of SQL databases share: a stream's description becomes short, flat, keyset-paged queries; rows
//! are read page by page, with the rows that belong to them; changes are noticed by scans, watermarks, or the keys that
//! a log or an outbox yields.
//!
//! A connector brings a [`SqlSession`] (one connection: run a query, describe it, explain a fault) and a [`Dialect`]
//! (how its SQL is spelt), and where its system tells which keys changed, a [`KeyFeed`]. Nothing here knows a wire
//! protocol, and nothing here writes, except that an outbox is pruned where that is permitted.
//!
//! Generated SQL is always `SELECT <columns> FROM <from> WHERE (<where>) AND <keyset> ORDER BY <key>` with a limit, so
//! that the server can walk an index and never holds a long snapshot open.

mod children;
mod feed;
mod kept;
mod key;
pub(crate) mod outbox;
mod pace;
mod position;
mod query;
mod reader;
mod session;
mod statement;
mod stream;
mod tables;
mod watermark;

pub(crate) use feed::{FeedFault, KeyFeed, Keys};
pub(crate) use kept::KeptSession;
pub(crate) use key::{KeyKind, key_of};
pub(crate) use query::StreamQuery;
pub(crate) use session::{
    Cast, Clock, ColumnInfo, Dialect, KeysOf, Lexis, Nulls, Ordering, RowLimit, RowSink, SqlFault,
    SqlSession,
};
pub(crate) use statement::Statement;
pub(crate) use stream::{Opening, Pacing, open};
