//! Rows and records set aside, one by one, while the rest go on.

use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::{EntityKind, UnknownWord, words};
use crate::id::ExternalId;

words! {
/// Who must act on an error.
ErrorClass "error class" {
    /// Network, login or driver: the agent retries.
    Connection = "connection",
    /// A value at the POS is wrong: somebody corrects the row.
    DataValidation = "data_validation",
    /// The mapping does not fit the source: somebody corrects the mapping.
    Mapping = "mapping",
    /// A rule of the business forbids it: somebody decides.
    BusinessRule = "business_rule",
}}

/// A row or record that could not go on, with all that is needed to understand, mend and replay it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejected {
    /// What it would have become.
    pub entity: EntityKind,
    /// Its key at the source, as text.
    pub key: String,
    /// Its identity, where that much could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ExternalId>,
    /// Who must act.
    pub class: ErrorClass,
    /// Which field of the entity, such as `tax_rate` or `lines[2].quantity`; absent when the whole row is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule that was broken: a short, stable word such as `number`, `date`, `required` or `totals_add_up`.
    pub rule: String,
    /// The value that broke it, as the source has it, cut to [`Self::RAW_MAX_CHARS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// A sentence a person can act on.
    pub message: String,
    /// Where it stands: file and line, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The whole row as the source has it, each value cut; columns marked secret in the mapping are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub row: BTreeMap<String, String>,
}

impl Rejected {
    /// How much of a raw value is kept.
    pub const RAW_MAX_CHARS: usize = 200;
}
