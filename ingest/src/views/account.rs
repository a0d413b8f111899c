//! People: who may log in, and what they may do.

use chrono::{DateTime, Utc};
use fluxion_model::id::{TenantId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do. Each role may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything of the tenant.
    Viewer,
    /// Starts syncs, replays and dismisses rejects, resolves conflicts.
    Operator,
    /// Adds stores and hands out enrolment codes.
    Admin,
}

impl Role {
    /// The word in tables and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// Not the name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role; use viewer, operator or admin")]
pub struct UnknownRole(pub String);

/// `POST /v1/session`: what a person types.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// E-mail address; case does not matter.
    pub email: String,
    /// Password.
    #[schema(format = Password)]
    pub password: String,
}

/// Who is logged in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The person.
    pub user_id: UserId,
    /// E-mail address.
    pub email: String,
    /// Name to greet by.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The company.
    pub tenant_id: TenantId,
    /// The company's name.
    pub tenant_name: String,
    /// When the session ends by itself.
    pub session_expires_at: DateTime<Utc>,
}
