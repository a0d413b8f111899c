//! What people decide about conflicts, and taking it back.

use async_trait::async_trait;
use fluxion_model::id::{ConflictId, PosSystemId, ProductId, TenantId, UserId};
use serde::{Deserialize, Serialize};

use super::DatabaseResult;

/// What to do about a `duplicate_sku`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All contested rows are one product.
    Merge,
    /// The oldest row keeps the product, with those that share a barcode with it; the others get products of their own.
    KeepFirst,
    /// As the person says, row by row; rows that are not named stay where they are.
    Manual,
}

impl Strategy {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::KeepFirst => "keep_first",
            Self::Manual => "manual",
        }
    }
}

/// Where a person puts a source row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Its POS system.
    pub pos_system: PosSystemId,
    /// Its identity there.
    pub external_id: String,
    /// The product it is; a new one of its own when absent.
    #[serde(default)]
    pub product: Option<ProductId>,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What to do.
    pub strategy: Strategy,
    /// Why, for whoever reads it later.
    pub notes: Option<String>,
    /// For [`Strategy::Manual`].
    pub assignments: Vec<Assignment>,
}

/// Decisions about conflicts. Rows that a decision moves are pinned: matching leaves them alone from then on.
#[async_trait]
pub trait Resolutions {
    /// Carries out a decision; `Conflict` when the conflict is no longer open or no longer holds.
    async fn resolve_conflict(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
        resolution: &Resolution,
        by: UserId,
    ) -> DatabaseResult<()>;
    /// Takes a decision back: rows return to where they were, and the conflict is open again.
    async fn undo_resolution(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
        by: UserId,
    ) -> DatabaseResult<()>;
}
