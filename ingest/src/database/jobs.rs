//! Sync jobs, for people to look at. Agents report them in deliveries.

use async_trait::async_trait;
use fluxion_model::id::{JobId, TenantId};

use super::DatabaseResult;
use crate::views::job::{JobFilter, JobView};
use crate::views::page::{Page, PageRequest};

/// How many texts the sort key of the list has.
pub const KEY_PARTS: usize = 2;

/// Sync jobs.
#[async_trait]
pub trait Jobs {
    /// Jobs, the latest first.
    async fn jobs(
        &self,
        tenant: TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<JobView>>;
    /// One job.
    async fn job(&self, tenant: TenantId, job: JobId) -> DatabaseResult<JobView>;
}
