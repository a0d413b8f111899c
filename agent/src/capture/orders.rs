//! What a person asks of a stream besides reading: deletes that wait, rejected rows once more.

use std::time::Duration;

use fluxion_connectors::{OpenContext, Remedy, SourceError};
use fluxion_model::entity::EntityKind;
use fluxion_model::job::JobKind;
use fluxion_model::row::RowKey;

use super::job::{Beginning, Job};
use super::keep::Piece;
use super::prepare::{Input, prepare};
use super::run::{Ended, Stop};
use super::worker::Worker;
use crate::spool::RejectNews;

const REPLAY_KEYS: usize = 500;

impl Worker {
    /// A person confirmed: the deletes that wait are carried out.
    pub(super) async fn carry_out_deletes(&mut self) -> Result<Ended, Stop> {
        let position = self.position().await?;
        let Some(end) = position.pending_end.clone() else {
            tracing::info!(stream = %self.name, "no deletes wait for a confirmation");
            return Ok(Ended {
                look_again: Duration::ZERO,
                scanned: false,
            });
        };
        let id = position.id;
        self.shared
            .spool
            .call(move |store| store.confirm_deletes(id))
            .await?;
        let mut job = Job::begin(&self.name, JobKind::FullSync, None, Beginning::Anew);
        self.open = None;
        self.sweep(end, &mut job).await?;
        job.announced = true;
        self.complete(&mut job).await?;
        Ok(Ended {
            look_again: Duration::ZERO,
            scanned: true,
        })
    }

    /// Reads rejected rows again, and says again what is still wrong with them.
    pub(super) async fn replay(&mut self, keys: &[String]) -> Result<Ended, Stop> {
        let position = self.position().await?;
        let id = position.id;
        let keys = match keys {
            [] => {
                self.shared
                    .spool
                    .call(move |store| store.rejected_keys(id))
                    .await?
            }
            some => some.to_vec(),
        };
        let mut job = Job::begin(&self.name, JobKind::Incremental, None, Beginning::Anew);
        let entity = self.rules.entities().next().unwrap_or(EntityKind::Product);
        for chunk in keys.chunks(REPLAY_KEYS) {
            let chunk: Vec<RowKey> = chunk
                .iter()
                .map(|key| RowKey(key.as_str().into()))
                .collect();
            let context = OpenContext {
                settings: self.pos.context.settings.clone(),
                marks: self.shared.spool.marks(id)?,
            };
            let rows = match self
                .pos
                .connector
                .read_keys(&self.spec, &chunk, context)
                .await
            {
                Ok(rows) => rows,
                Err(SourceError {
                    remedy:
                        Remedy::AskOperator {
                            code: "unsupported",
                            ..
                        },
                    ..
                }) => {
                    tracing::warn!(
                        stream = %self.name,
                        "rejected rows of this stream cannot be read again by themselves; have the POS export them or tell \
                         them again, corrected"
                    );
                    break;
                }
                Err(error) => return Err(self.source_error(&error, &position).await),
            };
            let bound = if rows.changes.is_empty() {
                None
            } else {
                Some(self.bind(&rows.shape)?)
            };
            let prepared = prepare(Input {
                bound: bound.as_deref(),
                rows,
                unreadable: &[],
                from: "",
                entity,
            });
            let piece = Piece {
                reject_news: RejectNews::All,
                ..Piece::of(prepared)
            };
            self.commit(piece, &mut job).await?;
        }
        self.complete(&mut job).await?;
        Ok(Ended {
            look_again: Duration::ZERO,
            scanned: false,
        })
    }
}
