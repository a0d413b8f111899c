//! Where ingest keeps things: one trait over two engines, SQLite (embedded, the default) and PostgreSQL.
//!
//! Each noun has a trait in a file of its own here and its SQL in `sql/`. The files in `sql/` are compiled twice, once
//! inside [`sqlite`] and once inside [`postgres`], against an `engine` module of the same shape in each; so the twins
//! cannot drift. Every method names the tenant, or takes an identity that does.

use std::sync::Arc;

use async_trait::async_trait;

pub mod accounts;
pub mod agents;
pub mod bulk;
pub mod conflicts;
pub mod deliveries;
pub mod documents;
pub mod error;
pub mod fleet;
pub mod jobs;
pub mod overview;
pub mod postgres;
pub mod products;
pub mod rejects;
pub mod releases;
pub mod resolutions;
pub mod search;
pub mod sqlite;
pub mod webhooks;

pub use error::{DatabaseError, DatabaseResult};

/// Everything ingest keeps, whichever engine keeps it.
#[async_trait]
pub trait Database:
    accounts::Accounts
    + agents::Agents
    + conflicts::Conflicts
    + deliveries::Deliveries
    + documents::Documents
    + fleet::Fleet
    + jobs::Jobs
    + overview::Overviews
    + products::Products
    + rejects::Rejects
    + releases::Releases
    + resolutions::Resolutions
    + webhooks::Webhooks
    + Send
    + Sync
{
    /// Whether it answers, for `/ready`.
    async fn ready(&self) -> DatabaseResult<()>;
    /// `sqlite` or `postgres`, for logs and metrics.
    fn engine_name(&self) -> &'static str;
    /// Ends all connections. What was acknowledged is durable either way.
    async fn close(&self);
}

/// Opens a database by its URL and brings its tables up to date: `sqlite://path/to/file` (made when missing) or
/// `postgres://user:password@host/name` (must exist). Several may open one at the same moment.
///
/// # Errors
/// When the URL is of neither kind, the database cannot be reached, or it was migrated by a newer version.
pub async fn open(url: &str) -> DatabaseResult<Arc<dyn Database>> {
    match url.split_once(':') {
        Some(("sqlite", _)) => Ok(Arc::new(sqlite::Engine::open(url).await?)),
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(postgres::Engine::open(url).await?)),
        _ => Err(DatabaseError::unavailable(
            "open the database",
            format!(
                "unknown kind of URL; use sqlite://path/to/file or postgres://user@host/name, not {:?}",
                scheme(url)
            ),
        )),
    }
}

/// The part of a URL that can be shown: what follows may hold a password.
fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}
