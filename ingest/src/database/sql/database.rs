//! What holds for the database as a whole.

use async_trait::async_trait;

use super::engine::{self, Engine};
use crate::database::{Database, DatabaseResult};

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
