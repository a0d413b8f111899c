//! What the records of a file hold, and their bytes before they are sealed.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::CarryError;
use crate::delivery::DeliveryHeader;
use crate::enrolment::PosSystemDeclaration;
use crate::id::{BatchSeq, Epoch, JobId, PosSystemId, StreamName};
use crate::wire;

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time; whether the lint speaks depends on the features of serde_json"
)]
pub enum Entry {
    /// First of all: what follows.
    Manifest(Manifest),
    /// A POS system that deliveries of the file come from; before them.
    PosSystem(CarriedPosSystem),
    /// A delivery.
    Delivery(CarriedDelivery),
    /// Nothing follows.
    End,
    /// Something that a newer version writes and this one passes over.
    Unknown,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The spool's life.
    pub epoch: Epoch,
    /// The first delivery in it: everything before it was acknowledged.
    pub first: BatchSeq,
    /// The last.
    pub last: BatchSeq,
    /// When the file was written, by the store's clock.
    pub made_at: DateTime<Utc>,
    /// The agent's version.
    pub version: String,
}

/// A POS system as the cloud must know it before its deliveries can be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarriedPosSystem {
    /// Its name in the agent's configuration.
    pub name: String,
    /// What the cloud called it when there was a line; needed where there is no declaration.
    #[serde(default)]
    pub id: Option<PosSystemId>,
    /// What the cloud is told about it. Absent when it was taken out of the configuration.
    #[serde(default)]
    pub declaration: Option<PosSystemDeclaration>,
}

/// A delivery as it waits at the agent: like [`DeliveryHeader`], but the cloud may not have named the POS system yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedDelivery {
    /// The name of its POS system in the agent's configuration.
    pub pos: String,
    /// Number within the file's epoch.
    pub seq: BatchSeq,
    /// When the agent made it.
    pub made_at: DateTime<Utc>,
    /// Which stream it comes from.
    pub stream: StreamName,
    /// The run that read it.
    pub job: JobId,
    /// Version of the mapping that made it.
    pub mapping_version: u32,
    /// How many lines it has.
    pub lines: u32,
    /// Its lines, a zstd frame.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl CarriedDelivery {
    /// Its header, now that the cloud's name of the POS system is known.
    #[must_use]
    pub fn header(&self, epoch: Epoch, pos_system: PosSystemId) -> DeliveryHeader {
        DeliveryHeader {
            fluxion: wire::VERSION,
            epoch,
            seq: self.seq,
            made_at: self.made_at,
            pos_system,
            stream: self.stream.clone(),
            job: self.job,
            mapping_version: self.mapping_version,
            lines: self.lines,
        }
    }
}

impl Entry {
    /// A byte for the kind, then JSON; for a delivery the length of the JSON, the JSON, and the body.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CarryError> {
        let json = |kind: u8, json: Result<Vec<u8>, serde_json::Error>| {
            let json = json.map_err(|_| CarryError::TooLarge)?;
            Ok([&[kind][..], &json].concat())
        };
        match self {
            Self::Manifest(manifest) => json(b'M', serde_json::to_vec(manifest)),
            Self::PosSystem(pos) => json(b'P', serde_json::to_vec(pos)),
            Self::Delivery(delivery) => {
                let header = serde_json::to_vec(delivery).map_err(|_| CarryError::TooLarge)?;
                let length = u32::try_from(header.len()).map_err(|_| CarryError::TooLarge)?;
                Ok([b"D", &length.to_be_bytes()[..], &header, &delivery.body].concat())
            }
            Self::End => Ok(b"E".to_vec()),
            Self::Unknown => Ok(b"?".to_vec()),
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CarryError> {
        fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CarryError> {
            serde_json::from_slice(bytes).map_err(|_| CarryError::Newer)
        }
        let (kind, rest) = bytes.split_first().ok_or(CarryError::Damaged)?;
        Ok(match kind {
            b'M' => Self::Manifest(json(rest)?),
            b'P' => Self::PosSystem(json(rest)?),
            b'D' => {
                let (length, rest) = rest.split_first_chunk().ok_or(CarryError::Damaged)?;
                let length = u32::from_be_bytes(*length) as usize;
                let (header, body) = rest.split_at_checked(length).ok_or(CarryError::Damaged)?;
                Self::Delivery(CarriedDelivery {
                    body: body.to_vec(),
                    ..json(header)?
                })
            }
            b'E' => Self::End,
            _ => Self::Unknown,
        })
    }
}
