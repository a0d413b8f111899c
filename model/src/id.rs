//! Identities. Each kind of thing has its own type, so that a store can never be passed where a tenant is meant.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh identity that sorts by the time it was made (UUID version 7).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }
    )*};
}

uuid_ids! {
    /// The company that owns the data.
    TenantId,
    /// A retail location.
    StoreId,
    /// One installed agent with its own credential.
    AgentId,
    /// One POS at a store.
    PosSystemId,
    /// One sync run of one stream.
    JobId,
    /// The unified product that records of many stores meet in.
    ProductId,
    /// A person who may log in.
    UserId,
    /// Something the cloud asked an agent to do.
    CommandId,
    /// Two truths that disagree.
    ConflictId,
    /// A row or record set aside.
    RejectId,
    /// One life of an agent's spool. A new one starts whenever the spool was lost or restored, so that sequence
    /// numbers of different lives can never be confused.
    Epoch,
}

/// The number of a batch within its [`Epoch`], counted by the agent from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct BatchSeq(pub u64);

impl BatchSeq {
    /// The number of the first batch of an epoch.
    pub const FIRST: Self = Self(1);

    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for BatchSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text cannot be a name or an external id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Nothing was left after trimming.
    #[error("it is empty")]
    Empty,
    /// Longer than the limit, in bytes of UTF-8.
    #[error("it is {got} bytes long, the limit is {limit}")]
    TooLong {
        /// Length in bytes.
        got: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// A control character, which no POS code has and which breaks logs and keys.
    #[error("it contains the control character U+{0:04X}")]
    Control(u32),
    /// A character outside `a-z`, `0-9`, `-`, `_` and `.`.
    #[error("it contains {0:?}; use lower-case letters, digits, '-', '_' and '.'")]
    Character(char),
}

/// The identity a POS gives to one of its things, as text, leading zeros kept: `000123`, `A-77`, `1|3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String")]
pub struct ExternalId(Box<str>);

impl ExternalId {
    /// The longest external id, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 200;

    /// Checks and keeps the text as it is.
    ///
    /// # Errors
    /// When it is empty, longer than [`Self::MAX_BYTES`], or contains a control character.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidId> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidId::TooLong {
                got: text.len(),
                limit: Self::MAX_BYTES,
            });
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(InvalidId::Control(c as u32));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a stream within a mapping: `products`, `sales`, `existencias-deposito-2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String")]
pub struct StreamName(Box<str>);

impl StreamName {
    /// The longest stream name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks the name.
    ///
    /// # Errors
    /// When it is empty, too long, or has characters other than `a-z`, `0-9`, `-`, `_` and `.`.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidId> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidId::TooLong {
                got: text.len(),
                limit: Self::MAX_BYTES,
            });
        }
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if let Some(c) = text.chars().find(|c| !allowed(*c)) {
            return Err(InvalidId::Character(c));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into_string()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
text_id!(ExternalId);
text_id!(StreamName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_keeps_leading_zeros_and_refuses_what_breaks_keys() {
        assert_eq!(ExternalId::new("000123").unwrap().as_str(), "000123");
        assert_eq!(ExternalId::new(""), Err(InvalidId::Empty));
        assert_eq!(ExternalId::new("a\u{0}b"), Err(InvalidId::Control(0)));
        assert!(ExternalId::new("x".repeat(201)).is_err());
        assert!(serde_json::from_str::<ExternalId>("\"\"").is_err());
    }

    #[test]
    fn a_stream_name_is_safe_in_a_path_and_a_log() {
        assert!(StreamName::new("sales-2").is_ok());
        assert_eq!(StreamName::new("Ventas"), Err(InvalidId::Character('V')));
        assert_eq!(StreamName::new("a/b"), Err(InvalidId::Character('/')));
    }
}
