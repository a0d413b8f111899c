//! Two truths that disagree, as people see them.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use fluxion_model::Decimal;
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{ConflictId, PosSystemId, StoreId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What disagrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// The POS's price and the one that should hold.
    PriceMismatch,
    /// The stock a POS reports and the stock its movements add up to.
    QuantityDiff,
    /// Two source rows claim one SKU.
    DuplicateSku,
}

impl ConflictKind {
    /// The word in tables and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PriceMismatch => "price_mismatch",
            Self::QuantityDiff => "quantity_diff",
            Self::DuplicateSku => "duplicate_sku",
        }
    }
}

impl FromStr for ConflictKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "price_mismatch" => Ok(Self::PriceMismatch),
            "quantity_diff" => Ok(Self::QuantityDiff),
            "duplicate_sku" => Ok(Self::DuplicateSku),
            _ => Err(format!("{text:?} is not a kind of conflict")),
        }
    }
}

/// How a conflict is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// What the POS says holds.
    PosWins,
    /// What the cloud says holds.
    #[serde(alias = "fluxion_wins")]
    CloudWins,
    /// What changed last holds.
    NewestWins,
    /// The mean of both holds.
    Average,
    /// Both rows are one product.
    Merge,
    /// The row that was there first keeps the SKU; the other stays a product of its own.
    KeepFirst,
    /// A person has settled it at the POS, or says that it does not matter.
    Manual,
}

impl Strategy {
    /// The word in tables and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PosWins => "pos_wins",
            Self::CloudWins => "cloud_wins",
            Self::NewestWins => "newest_wins",
            Self::Average => "average",
            Self::Merge => "merge",
            Self::KeepFirst => "keep_first",
            Self::Manual => "manual",
        }
    }

    /// Which ones make sense for a kind of conflict.
    #[must_use]
    pub fn for_kind(kind: ConflictKind) -> &'static [Self] {
        match kind {
            ConflictKind::DuplicateSku => &[Self::Merge, Self::KeepFirst, Self::Manual],
            ConflictKind::PriceMismatch => &[
                Self::PosWins,
                Self::CloudWins,
                Self::NewestWins,
                Self::Average,
                Self::Manual,
            ],
            ConflictKind::QuantityDiff => {
                &[Self::PosWins, Self::CloudWins, Self::Average, Self::Manual]
            }
        }
    }
}

impl FromStr for Strategy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pos_wins" => Ok(Self::PosWins),
            "cloud_wins" | "fluxion_wins" => Ok(Self::CloudWins),
            "newest_wins" => Ok(Self::NewestWins),
            "average" => Ok(Self::Average),
            "merge" => Ok(Self::Merge),
            "keep_first" => Ok(Self::KeepFirst),
            "manual" => Ok(Self::Manual),
            _ => Err(format!("{text:?} is not a way to resolve a conflict")),
        }
    }
}

/// Whether a conflict waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictStatus {
    /// It does.
    Open,
    /// It was decided, or went away by itself.
    Resolved,
}

/// Two truths that disagree.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConflictView {
    /// Which conflict.
    pub id: ConflictId,
    /// What disagrees.
    pub kind: ConflictKind,
    /// In which store.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// The POS system's name.
    pub pos_system: String,
    /// About what kind of record.
    pub entity: EntityKind,
    /// About which record of ours.
    #[schema(value_type = Uuid)]
    pub entity_id: uuid::Uuid,
    /// Whether it waits for a decision.
    pub status: ConflictStatus,
    /// What the POS says.
    pub pos_data: serde_json::Value,
    /// What the cloud holds.
    pub cloud_data: serde_json::Value,
    /// What it costs, where that can be told.
    pub money_impact: Option<Decimal>,
    /// Currency of that.
    pub currency: Option<String>,
    /// Ways to decide it.
    pub strategies: Vec<Strategy>,
    /// How it was decided.
    pub strategy: Option<Strategy>,
    /// When it was decided.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom; absent when it went away by itself.
    pub resolved_by: Option<UserId>,
    /// What that person noted.
    pub notes: Option<String>,
    /// When it was found.
    pub created_at: DateTime<Utc>,
}

/// Which conflicts.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConflictFilter {
    /// In one store.
    pub store: Option<StoreId>,
    /// In one POS system.
    pub pos_system: Option<PosSystemId>,
    /// Of one kind.
    pub kind: Option<ConflictKind>,
    /// In one state; open when absent.
    pub status: Option<ConflictStatus>,
}

/// `POST /v1/conflicts/{id}/resolve`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// How to decide it; one of the conflict's `strategies`.
    pub strategy: Strategy,
    /// Why, for whoever looks later.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
}
