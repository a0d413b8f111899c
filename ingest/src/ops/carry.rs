//! What an agent's file brings that somebody carried here: each delivery is applied exactly as if the agent had posted it.
//!
//! The file is read and applied record by record, so that its size costs no memory. It is believed because it is sealed
//! with a key that only the agent and the cloud can make. What was applied before, over the line or from an earlier
//! copy, is passed over: so a file may be brought as often as one likes, whole or until it breaks off.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use fluxion_model::carry::{
    CarriedDelivery, CarriedPosSystem, CarryError, CarryKey, Entry, Head, MAX_FILE_BYTES,
    MAX_HEAD_BYTES, Manifest, Opener, Receipt, RecordSize,
};
use fluxion_model::delivery::Ack;
use fluxion_model::id::{BatchSeq, PosSystemId, TenantId};
use fluxion_model::wire;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use super::delivery::{Encoding, ReceiveError, receive};
use crate::auth::secret::SecretHash;
use crate::database::agents::Carrier;
use crate::database::deliveries::Counts;
use crate::database::{Database, DatabaseError};

/// A line over which nothing comes for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a file was not imported to its end. What was applied before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] CarryError),
    /// The company has no such agent.
    #[error("no agent of this company wrote the file")]
    UnknownAgent,
    /// Its token is worth nothing any more.
    #[error("the agent that wrote the file was revoked")]
    Revoked,
    /// The spool began a new life after the file was written.
    #[error("the file is from before the agent began anew")]
    Old,
    /// The upload broke off.
    #[error("the upload broke off")]
    Upload(#[source] std::io::Error),
    /// A delivery that the cloud cannot read.
    #[error("the cloud cannot read delivery {seq} of the file: {message}")]
    Refused {
        /// Which.
        seq: BatchSeq,
        /// Why.
        message: String,
    },
    /// The database said no.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An import under way: who brought what, and how far it is.
#[derive(Debug, Default)]
pub struct Import {
    /// Whose file it is, once that is proven.
    pub carrier: Option<Carrier>,
    /// What the file holds, once that was read.
    pub manifest: Option<Manifest>,
    /// Deliveries that were applied now.
    pub applied: u64,
    /// Deliveries that the cloud had already.
    pub known: u64,
    /// What they changed.
    pub counts: Counts,
    /// The last delivery of the file's epoch that the cloud has.
    pub last_seq: Option<BatchSeq>,
    /// The delivery that the cloud waits for and that the file no longer has.
    pub missing: Option<BatchSeq>,
    declared: HashMap<String, PosSystem>,
}

/// A POS system of the file.
#[derive(Debug)]
enum PosSystem {
    /// As the file tells.
    Told(Box<CarriedPosSystem>),
    /// As the cloud knows it.
    Known(PosSystemId),
}

impl Import {
    /// Reads a file and applies what is in it and not in the cloud yet.
    ///
    /// # Errors
    /// When it is no file of this company's agents, is damaged or incomplete, or the database cannot take it now. `self`
    /// then tells how far it came.
    pub async fn run(
        &mut self,
        database: &dyn Database,
        tenant: TenantId,
        file: impl AsyncBufRead + Unpin,
    ) -> Result<(), ImportError> {
        // Whoever reads one byte beyond the limit sees an end, and says that the file is cut off.
        let mut file = Records(file.take(MAX_FILE_BYTES));
        let head = file.head().await?;
        let carrier = match database.carrier(tenant, head.agent).await {
            Err(DatabaseError::NotFound(_)) => return Err(ImportError::UnknownAgent),
            other => other?,
        };
        if carrier.is_revoked {
            return Err(ImportError::Revoked);
        }
        let mut opener = Opener::new(&key_of(&carrier)?, &head)?;
        loop {
            let (size, mut record) = file.record().await?;
            match opener.open(size, &mut record)? {
                Entry::Manifest(manifest) => self.begin(database, &carrier, manifest).await?,
                Entry::PosSystem(pos) => {
                    let name = pos.name.clone();
                    self.declared.insert(name, PosSystem::Told(Box::new(pos)));
                }
                Entry::Delivery(delivery) => {
                    self.apply(database, &carrier, delivery).await?;
                    if self.missing.is_some() {
                        return Ok(());
                    }
                }
                Entry::End => return file.end().await,
                Entry::Unknown => {}
            }
        }
    }

    /// What the agent is to be told. None until the file was opened.
    #[must_use]
    pub fn receipt(&self) -> Option<(Receipt, CarryKey)> {
        let (carrier, manifest) = (self.carrier.as_ref()?, self.manifest.as_ref()?);
        let receipt = Receipt {
            agent: carrier.identity.agent,
            epoch: manifest.epoch,
            last_seq: self.last_seq,
            missing: self.missing,
            at: Utc::now(),
        };
        Some((receipt, key_of(carrier).ok()?))
    }

    async fn begin(
        &mut self,
        database: &dyn Database,
        carrier: &Carrier,
        manifest: Manifest,
    ) -> Result<(), ImportError> {
        self.carrier = Some(carrier.clone());
        let held = database.resume_point(&carrier.identity).await?;
        // Epochs sort by the time they began. One that begins at 1 would be believed as a new life of the spool.
        if held.epoch.is_some_and(|held| manifest.epoch < held) {
            return Err(ImportError::Old);
        }
        self.last_seq = held.last_seq.filter(|_| held.epoch == Some(manifest.epoch));
        self.manifest = Some(manifest);
        Ok(())
    }

    async fn apply(
        &mut self,
        database: &dyn Database,
        carrier: &Carrier,
        delivery: CarriedDelivery,
    ) -> Result<(), ImportError> {
        let epoch = self.manifest.as_ref().ok_or(CarryError::Damaged)?.epoch;
        let seq = delivery.seq;
        if self.last_seq.is_some_and(|last| seq <= last) {
            self.known += 1;
            return Ok(());
        }
        let pos_system = self.pos_system(database, carrier, &delivery.pos).await?;
        let mut header = Vec::new();
        wire::write_line(&mut header, &delivery.header(epoch, pos_system))
            .map_err(|_| CarryError::Damaged)?;
        let mut body = zstd::bulk::compress(&header, 1).map_err(|_| CarryError::Damaged)?;
        body.extend_from_slice(&delivery.body);
        drop(delivery);
        match receive(
            database,
            &carrier.identity,
            Bytes::from(body),
            Encoding::Zstd,
        )
        .await
        {
            Ok(applied) => {
                match applied.ack {
                    Ack::Applied { .. } => self.applied += 1,
                    Ack::Duplicate { .. } => self.known += 1,
                }
                self.counts.add(&applied.counts);
                self.last_seq = Some(match applied.ack {
                    Ack::Applied { seq, .. } => seq,
                    Ack::Duplicate { last_seq } => last_seq,
                });
                Ok(())
            }
            Err(ReceiveError::Database(DatabaseError::OutOfOrder(expected))) => {
                self.missing = Some(if expected.epoch == Some(epoch) {
                    expected.expected
                } else {
                    BatchSeq::FIRST
                });
                Ok(())
            }
            Err(ReceiveError::Database(error)) => Err(error.into()),
            Err(error @ (ReceiveError::Wire(_) | ReceiveError::Compression(_))) => {
                Err(ImportError::Refused {
                    seq,
                    message: error.to_string(),
                })
            }
        }
    }

    /// What the cloud calls a POS system of the file. It is declared only when the cloud knows nothing newer: an old file
    /// must not bring an old mapping back.
    async fn pos_system(
        &mut self,
        database: &dyn Database,
        carrier: &Carrier,
        name: &str,
    ) -> Result<PosSystemId, ImportError> {
        let told = match self.declared.get(name) {
            Some(PosSystem::Known(id)) => return Ok(*id),
            Some(PosSystem::Told(told)) => told,
            None => return Err(CarryError::Damaged.into()),
        };
        let identity = &carrier.identity;
        let made_at = self.manifest.as_ref().map(|manifest| manifest.made_at);
        let there = database
            .pos_systems(identity.tenant, Some(identity.store))
            .await?;
        let there = there.iter().find(|pos| pos.system_name == name);
        let newer = there.filter(|pos| made_at.is_none_or(|made_at| pos.updated_at > made_at));
        let id = match (newer, &told.declaration, told.id) {
            (Some(pos), _, _) => pos.id,
            (None, Some(declaration), _) => {
                database
                    .declare_pos_system(identity, name, declaration)
                    .await?
            }
            (None, None, Some(id)) => id,
            (None, None, None) => return Err(CarryError::Damaged.into()),
        };
        self.declared.insert(name.to_owned(), PosSystem::Known(id));
        Ok(id)
    }
}

fn key_of(carrier: &Carrier) -> Result<CarryKey, ImportError> {
    let hash = SecretHash::from_hex(&carrier.token_hash)
        .ok_or_else(|| DatabaseError::internal("read the agent's token", "its hash is no hash"))?;
    Ok(CarryKey::of_hash(hash.0))
}

/// The file as it comes.
struct Records<R>(R);

impl<R: AsyncBufRead + Unpin> Records<R> {
    async fn head(&mut self) -> Result<Head, ImportError> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.0).take(MAX_HEAD_BYTES as u64);
        in_time(bounded.read_until(b'\n', &mut line)).await?;
        Ok(Head::read(
            line.strip_suffix(b"\n").ok_or(CarryError::NotOurs)?,
        )?)
    }

    async fn record(&mut self) -> Result<(RecordSize, Vec<u8>), ImportError> {
        let mut size = [0; 4];
        in_time(self.0.read_exact(&mut size)).await?;
        let size = RecordSize::read(size)?;
        let mut record = vec![0; size.bytes];
        in_time(self.0.read_exact(&mut record)).await?;
        Ok((size, record))
    }

    async fn end(&mut self) -> Result<(), ImportError> {
        if in_time(self.0.read(&mut [0])).await? == 0 {
            Ok(())
        } else {
            Err(CarryError::Damaged.into())
        }
    }
}

async fn in_time<T>(read: impl Future<Output = std::io::Result<T>>) -> Result<T, ImportError> {
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(CarryError::CutOff.into())
        }
        Ok(Err(error)) => Err(ImportError::Upload(error)),
        Err(late) => Err(ImportError::Upload(late.into())),
    }
}
