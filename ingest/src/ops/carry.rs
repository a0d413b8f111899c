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
use crate::database::agents::{Carrier, is_pos_name};
use crate::database::deliveries::Counts;
use crate::database::{Database, DatabaseError};

/// A line over which nothing comes for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// A store has a handful; a file with more is not believed, because each is remembered to its end.
const MAX_POS_SYSTEMS: usize = 256;

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
    /// What the cloud calls the POS systems of the file.
    pos_systems: HashMap<String, PosSystemId>,
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
        let mut file = Records {
            file: file.take(MAX_FILE_BYTES),
            patience: PATIENCE,
        };
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
                Entry::PosSystem(pos) => self.pos_system(database, &carrier, pos).await?,
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
        let pos_system = self.pos_systems.get(&delivery.pos);
        let pos_system = *pos_system.ok_or(CarryError::Damaged)?;
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

    /// Learns what the cloud calls a POS system of the file. It is declared only when the cloud knows nothing newer: an old
    /// file must not bring an old mapping back.
    async fn pos_system(
        &mut self,
        database: &dyn Database,
        carrier: &Carrier,
        told: CarriedPosSystem,
    ) -> Result<(), ImportError> {
        let made_at = self.manifest.as_ref().ok_or(CarryError::Damaged)?.made_at;
        if self.pos_systems.len() >= MAX_POS_SYSTEMS || !is_pos_name(&told.name) {
            return Err(CarryError::TooLarge.into());
        }
        let identity = &carrier.identity;
        let there = database
            .pos_systems(identity.tenant, Some(identity.store))
            .await?;
        let newer = there
            .iter()
            .find(|pos| pos.system_name == told.name && pos.updated_at > made_at);
        let id = match (newer, &told.declaration, told.id) {
            (Some(pos), _, _) => pos.id,
            (None, Some(declaration), _) => {
                database
                    .declare_pos_system(identity, &told.name, declaration)
                    .await?
            }
            (None, None, Some(id)) => id,
            // Nobody knows it. A delivery of it says so in its turn.
            (None, None, None) => return Ok(()),
        };
        self.pos_systems.insert(told.name, id);
        Ok(())
    }
}

fn key_of(carrier: &Carrier) -> Result<CarryKey, ImportError> {
    let hash = SecretHash::from_hex(&carrier.token_hash)
        .ok_or_else(|| DatabaseError::internal("read the agent's token", "its hash is no hash"))?;
    Ok(CarryKey::of_hash(hash.0))
}

/// The file as it comes.
struct Records<R> {
    file: R,
    patience: Duration,
}

impl<R: AsyncBufRead + Unpin> Records<R> {
    async fn head(&mut self) -> Result<Head, ImportError> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.file).take(MAX_HEAD_BYTES as u64);
        in_time(self.patience, bounded.read_until(b'\n', &mut line)).await?;
        Ok(Head::read(
            line.strip_suffix(b"\n").ok_or(CarryError::NotOurs)?,
        )?)
    }

    async fn record(&mut self) -> Result<(RecordSize, Vec<u8>), ImportError> {
        let mut size = [0; 4];
        self.fill(&mut size).await?;
        let size = RecordSize::read(size)?;
        let mut record = vec![0; size.bytes];
        self.fill(&mut record).await?;
        Ok((size, record))
    }

    /// However slow the line is: only one over which nothing comes is given up.
    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ImportError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.piece(&mut buffer[filled..]).await? {
                0 => return Err(CarryError::CutOff.into()),
                read => filled += read,
            }
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(), ImportError> {
        match self.piece(&mut [0]).await? {
            0 => Ok(()),
            _ => Err(CarryError::Damaged.into()),
        }
    }

    async fn piece(&mut self, buffer: &mut [u8]) -> Result<usize, ImportError> {
        in_time(self.patience, self.file.read(buffer)).await
    }
}

async fn in_time<T>(
    patience: Duration,
    read: impl Future<Output = std::io::Result<T>>,
) -> Result<T, ImportError> {
    match tokio::time::timeout(patience, read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(ImportError::Upload(error)),
        Err(late) => Err(ImportError::Upload(late.into())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, BufReader};

    use super::*;

    #[tokio::test]
    async fn a_record_may_come_slowly_but_not_stop() {
        let (mut line, there) = tokio::io::duplex(64);
        let mut records = Records {
            file: BufReader::new(there),
            patience: Duration::from_millis(800),
        };
        let coming = tokio::spawn(async move {
            line.write_all(&[0, 0, 0, 10]).await.unwrap();
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                line.write_all(&[7]).await.unwrap();
            }
            line
        });
        let (_, record) = records.record().await.unwrap();
        assert_eq!(record, [7; 10], "longer than the patience, in all");
        let stopped = records.record().await.unwrap_err();
        assert!(matches!(stopped, ImportError::Upload(_)), "{stopped}");
        drop(coming.await);
        let cut = records.record().await.unwrap_err();
        let is_cut = matches!(cut, ImportError::File(CarryError::CutOff));
        assert!(is_cut, "{cut}");
    }
}
