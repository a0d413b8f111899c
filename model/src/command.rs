//! What the cloud asks an agent to do, over a request the agent holds open.

use serde::{Deserialize, Serialize};

use crate::id::{CommandId, StreamName};

/// One thing to do. An agent answers a kind it does not know with [`CommandOutcome::Unsupported`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Command {
    /// Carrying out the same id twice is carrying it out once.
    pub id: CommandId,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Run streams now rather than when their schedule says.
    Sync {
        /// The POS system by its name in the agent's configuration; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pos: Option<String>,
        /// The stream; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<StreamName>,
        /// Read everything again and derive deletes.
        #[serde(default)]
        mode: SyncMode,
    },
    /// A person has looked at a tripped delete brake and confirms the deletes.
    ConfirmDeletes {
        /// The POS system by its name in the agent's configuration.
        pos: String,
        /// The stream.
        stream: StreamName,
    },
    /// Read rejected rows again, in case the POS or the mapping was mended.
    ReplayRejects {
        /// The POS system by its name in the agent's configuration.
        pos: String,
        /// The stream.
        stream: StreamName,
        /// Source keys; all rejected rows of the stream when empty.
        #[serde(default)]
        keys: Vec<String>,
    },
    /// Fetch the mapping again.
    ReloadMapping,
    /// A newer cloud asked for something this version does not know.
    #[serde(other)]
    Unknown,
}

/// How much to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// What changed.
    #[default]
    Incremental,
    /// Everything.
    Full,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CommandOutcome {
    /// Carried out, or begun when it takes long.
    Done,
    /// Could not be carried out.
    Failed {
        /// Why, for a person.
        message: String,
    },
    /// This agent is too old to know it.
    Unsupported,
}
