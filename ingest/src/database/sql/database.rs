//! What holds for the database as a whole.

use async_trait::async_trait;

use super::engine::{self, Engine};
use crate::database::{Database, DatabaseError, DatabaseResult};

#[async_trait]
impl Database for Engine {
    async fn ready(&self) -> DatabaseResult<()> {
        sqlx::query("select 1").execute(self.reader()).await?;
        Ok(())
    }

    fn engine_name(&self) -> &'static str {
        engine::NAME
    }

    async fn close(&self) {
        self.close_pools().await;
    }
}

/// Does the work to its end even when whoever asked hangs up, which drops the request's future wherever it stands.
///
/// COPY does not survive that: the connection would go back to the pool out of step with the server and fail every
/// transaction after. What was finished for nobody is found when it is asked for again.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = DatabaseResult<T>> + Send + 'static,
) -> DatabaseResult<T> {
    tokio::spawn(work)
        .await
        .map_err(|error| DatabaseError::internal("finish what it had begun", error))?
}
