//! Posts batches in order, and the next few already while the cloud still works on one: it decodes and prepares them while
//! its database is busy. An early one counts only when it is acknowledged; any other answer to it means nothing, and it is
//! posted again in its turn.

use std::collections::VecDeque;
use std::time::Duration;

use fluxion_model::delivery::Ack;
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::id::{BatchSeq, Epoch, PosSystemId};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Link;
use super::client::{Cloud, CloudError};
use super::refused::{self, Suspect};
use crate::clock::{self, Jumps};
use crate::spool::{SpoolError, SpoolResult, Waiting};

/// How many batches are on their way besides the one whose turn it is, at the most.
const EARLY: usize = 3;
/// An answer within this time speaks of a line on which batches do not get into each other's way.
const QUICK: Duration = Duration::from_secs(2);
/// Acknowledged batches are forgotten together, because each forgetting flushes the disk.
const FORGET_TOGETHER: u64 = 16;
/// New lives within [`NEW_LIVES_WITHIN`] before the sender stops and asks.
const NEW_LIVES: usize = 3;
const NEW_LIVES_WITHIN: Duration = Duration::from_secs(3_600);
/// A thing only a person can mend is tried again this often.
const RECHECK: Duration = Duration::from_secs(60);

/// Where the sender stands.
pub(super) struct Post<'a> {
    pub link: &'a Link,
    /// The spool's life that these numbers belong to. Others than the sender may begin a new one.
    epoch: Epoch,
    /// The last acknowledged batch, and how far that is forgotten.
    acked: u64,
    forgotten: u64,
    early: VecDeque<Flight>,
    /// How many may be early now: more with each quick answer, fewer with each slow one, none after one that overtook
    /// another and must be sent twice.
    eager: usize,
    new_lives: Vec<Instant>,
    jumps: Jumps,
    pub suspect: Option<Suspect>,
}

/// A batch on its way. The request lives in a task of its own, so that it goes on while the spool is asked for the next; it
/// ends when nobody waits for it any more.
struct Flight {
    waiting: Waiting,
    bytes: u64,
    begun: Instant,
    answer: AbortOnDropHandle<Result<Ack, CloudError>>,
}

impl Flight {
    fn begin(cloud: &Cloud, waiting: Waiting, pos_system: PosSystemId) -> SpoolResult<Self> {
        let body = waiting.request_body(pos_system)?;
        let bytes = body.len() as u64;
        let cloud = cloud.clone();
        let answer = AbortOnDropHandle::new(tokio::spawn(async move { cloud.deliver(body).await }));
        Ok(Self {
            waiting,
            bytes,
            begun: Instant::now(),
            answer,
        })
    }

    /// The answer; a request that broke down is as good as one that was never answered.
    async fn land(self) -> (Waiting, u64, Result<Ack, CloudError>) {
        let answer = self.answer.await.unwrap_or_else(|error| {
            Err(CloudError::Garbage {
                server: "this agent".to_owned(),
                what: format!("a request that broke down: {error}"),
            })
        });
        (self.waiting, self.bytes, answer)
    }
}

/// Posts until the agent stops.
pub async fn post(link: &Link) {
    let mut post = Post {
        link,
        epoch: link.spool.info().epoch,
        acked: 0,
        forgotten: 0,
        early: VecDeque::new(),
        eager: 0,
        new_lives: Vec::new(),
        jumps: link.jumps.clone(),
        suspect: None,
    };
    let mut watch = link.spool.watch();
    let mut compared = false;
    while !link.cancel.is_cancelled() {
        let Some(cloud) = link.cloud().await else {
            break;
        };
        tokio::select! {
            () = link.cancel.cancelled() => break,
            () = link.breaker.ready() => {}
        }
        if !compared {
            compared = post.compare(&cloud).await;
            if !compared {
                continue;
            }
        }
        match post.step(&cloud).await {
            Ok(Step::Posted) => {}
            Ok(Step::NothingWaits) => {
                post.forget().await;
                tokio::select! {
                    () = link.cancel.cancelled() => break,
                    changed = watch.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep(Duration::from_secs(5)) => {}
                }
            }
            Err(SpoolError::Closed) => break,
            Err(SpoolError::NewLife) => post.restart(),
            Err(error) => {
                tracing::warn!("{}", crate::chain(&error));
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
    post.forget().await;
}

enum Step {
    Posted,
    NothingWaits,
}

impl Post<'_> {
    fn restart(&mut self) {
        self.acked = 0;
        self.forgotten = 0;
        self.early.clear();
    }

    async fn step(&mut self, cloud: &Cloud) -> Result<Step, SpoolError> {
        let epoch = self.link.spool.info().epoch;
        if epoch != self.epoch {
            self.restart();
            self.epoch = epoch;
        }
        let after = self.acked;
        let follows =
            |early: &Flight| early.waiting.epoch == epoch && early.waiting.seq.0 == after + 1;
        if !self.early.front().is_some_and(follows) {
            self.early.clear();
        }
        let early = self.early.pop_front();
        let was_early = early.is_some();
        let flight = match early {
            Some(early) => early,
            None => {
                let next = self
                    .link
                    .spool
                    .call(move |store| store.next_batch(after))
                    .await?;
                let Some(waiting) = next else {
                    return Ok(Step::NothingWaits);
                };
                let Some(pos_system) = self.pos_system(cloud, &waiting.pos).await? else {
                    return Ok(Step::Posted);
                };
                // Whatever happened to the clock before is no matter of a request that begins now.
                self.jumps.mark_unchanged();
                Flight::begin(cloud, waiting, pos_system)?
            }
        };
        self.begin_early(cloud, &flight.waiting).await?;
        let begun = flight.begun;
        let (waiting, bytes, answer) = tokio::select! {
            () = self.link.cancel.cancelled() => return Ok(Step::Posted),
            // No line survives a sleep; waiting for its end would take minutes. It is posted again over a new one.
            () = clock::jump(&mut self.jumps) => {
                self.early.clear();
                return Ok(Step::Posted);
            }
            landed = flight.land() => landed,
        };
        match answer {
            Ok(ack) if acknowledges(&ack, waiting.seq) => {
                // Under a limit batches would share what one can use, and the one whose turn it is would come last.
                self.eager = if self.link.bandwidth.rate().is_some() {
                    0
                } else if begun.elapsed() < QUICK {
                    EARLY.min(self.eager + 1)
                } else {
                    self.eager.saturating_sub(1)
                };
                self.acknowledged(&waiting, bytes).await;
            }
            // It overtook the one before it; now it is its turn.
            Err(CloudError::OutOfOrder(_)) if was_early => {
                self.eager = 0;
                self.settle().await;
            }
            answer => {
                // Nothing may be under way when a batch is put together anew under the same number.
                let is_known = self.settle().await;
                self.failed(&waiting, answer, is_known).await?;
            }
        }
        Ok(Step::Posted)
    }

    /// Sends the batches after this one, as far as they are there and belong to the same POS system.
    async fn begin_early(&mut self, cloud: &Cloud, first: &Waiting) -> Result<(), SpoolError> {
        while self.suspect.is_none() && self.early.len() < self.eager {
            let last = self.early.back().map_or(first, |early| &early.waiting);
            let seq = last.seq.0;
            let next = self
                .link
                .spool
                .call(move |store| store.next_batch(seq))
                .await?;
            let Some(next) = next.filter(|next| next.epoch == first.epoch && next.pos == first.pos)
            else {
                break;
            };
            let Some(pos_system) = self.pos_system(cloud, &next.pos).await? else {
                break;
            };
            self.early
                .push_back(Flight::begin(cloud, next, pos_system)?);
        }
        Ok(())
    }

    /// Waits for the answers to the early batches, which count for nothing by now, and says whether the cloud has
    /// certainly done with all of them.
    async fn settle(&mut self) -> bool {
        let mut is_known = true;
        for early in self.early.drain(..) {
            let (_, _, answer) = early.land().await;
            is_known &= matches!(
                answer,
                Ok(_)
                    | Err(CloudError::OutOfOrder(_)
                        | CloudError::Refused { .. }
                        | CloudError::NotFound { .. })
            );
        }
        is_known
    }

    /// What to do about an answer that is no acknowledgement. `is_known`: whether it is certain that no later batch is
    /// still on its way.
    async fn failed(
        &mut self,
        waiting: &Waiting,
        answer: Result<Ack, CloudError>,
        is_known: bool,
    ) -> Result<(), SpoolError> {
        match answer {
            Ok(ack) => {
                let what = format!("an acknowledgement of another batch: {ack:?}");
                self.link.failed(&CloudError::Garbage {
                    server: "the server".to_owned(),
                    what,
                });
            }
            Err(CloudError::OutOfOrder(expected)) => {
                self.link.answered();
                tracing::error!(
                    ours = %waiting.seq, expected = %expected.expected, "the cloud and the spool disagree about what was \
                     delivered; one of them was restored or lost"
                );
                self.new_life().await?;
            }
            // Tried again until it is clear what became of the one behind it.
            Err(error @ CloudError::Refused { .. }) if !is_known => self.link.failed(&error),
            Err(CloudError::Refused { status, message }) => {
                self.link.breaker.success();
                refused::handle(self, waiting, status, &message).await?;
            }
            Err(error @ CloudError::NotFound { .. }) => {
                // A cloud that was restored does not know the POS system; it is declared again.
                self.link.failed(&error);
                let name = waiting.pos.clone();
                self.link
                    .spool
                    .call(move |store| store.forget_pos_system(&name))
                    .await?;
            }
            Err(error) => self.link.failed(&error),
        }
        Ok(())
    }

    async fn acknowledged(&mut self, waiting: &Waiting, bytes: u64) {
        self.link.answered();
        self.suspect = None;
        self.acked = waiting.seq.0;
        self.link.live.cloud(|cloud| {
            cloud.delivered += 1;
            cloud.delivered_bytes += bytes;
        });
        if self.acked - self.forgotten >= FORGET_TOGETHER {
            self.forget().await;
        }
    }

    /// Lets the spool forget what is acknowledged. When that fails nothing is lost: the cloud knows a duplicate.
    async fn forget(&mut self) {
        if self.acked <= self.forgotten {
            return;
        }
        let (up_to, epoch) = (BatchSeq(self.acked), self.link.spool.info().epoch);
        match self
            .link
            .spool
            .call(move |store| store.forget(up_to, epoch))
            .await
        {
            Ok(()) => self.forgotten = up_to.0,
            Err(error) => tracing::warn!("{}", crate::chain(&error)),
        }
    }

    /// What the cloud calls a POS system; declares it when it changed or was never declared.
    async fn pos_system(
        &mut self,
        cloud: &Cloud,
        pos: &str,
    ) -> Result<Option<PosSystemId>, SpoolError> {
        let name = pos.to_owned();
        let Some(declaration) = self.link.declarations().remove(pos) else {
            // Taken out of the configuration while something of it still waited.
            let known = self
                .link
                .spool
                .call(move |store| store.known_pos_system(&name))
                .await?;
            let id = known.and_then(|id| id.parse().ok());
            if id.is_none() {
                self.link.needs_person(format!(
                    "deliveries of the POS system {pos:?} wait, but it is not in the configuration and was never declared; \
                     put it back into the configuration"
                ));
                tokio::time::sleep(RECHECK).await;
            }
            return Ok(id);
        };
        let identity = Fingerprint::of(&serde_json::to_vec(&declaration).unwrap_or_default()).0;
        let asked = name.clone();
        let known = self
            .link
            .spool
            .call(move |store| store.pos_system(&asked, identity))
            .await?;
        if let Some(id) = known.and_then(|id| id.parse().ok()) {
            return Ok(Some(id));
        }
        match cloud.declare(pos, &declaration).await {
            Ok(reply) => {
                self.link.answered();
                let id = reply.id.to_string();
                self.link
                    .spool
                    .call(move |store| store.keep_pos_system(&name, &id, identity))
                    .await?;
                Ok(Some(reply.id))
            }
            Err(error) => {
                self.link.failed(&error);
                if matches!(error, CloudError::Refused { .. }) {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
                Ok(None)
            }
        }
    }

    /// Once after the start: do the cloud and the spool agree about the past? False when the cloud did not answer.
    async fn compare(&mut self, cloud: &Cloud) -> bool {
        let held = tokio::select! {
            () = self.link.cancel.cancelled() => return false,
            held = cloud.resume_point() => held,
        };
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                self.link.failed(&error);
                return false;
            }
        };
        self.link.answered();
        let first = match self.link.spool.call(|store| store.first_waiting()).await {
            Ok(first) => first,
            Err(_) => return false,
        };
        let info = self.link.spool.info();
        if let Some(why) = disagreement(held.epoch, held.last_seq, info.epoch, first, info.last_seq)
        {
            tracing::error!("{why}");
            return self.new_life().await.is_ok();
        }
        // What came to the cloud on a stick need not go over the line.
        if held.epoch == Some(info.epoch) {
            self.acked = self.acked.max(held.last_seq.map_or(0, |seq| seq.0));
        }
        true
    }

    /// The spool begins a new life: everything is read and sent again, and fingerprints keep that cheap for the cloud.
    async fn new_life(&mut self) -> Result<(), SpoolError> {
        self.new_lives.retain(|at| at.elapsed() < NEW_LIVES_WITHIN);
        if self.new_lives.len() >= NEW_LIVES {
            self.link.needs_person(
                "the cloud and this agent's spool disagree again and again; probably two computers use the same token, \
                 because one was cloned. Enrol one of them anew with `fluxion-agent enroll`"
                    .to_owned(),
            );
            tokio::select! {
                () = self.link.cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(RECHECK * 10) => {}
            }
        }
        self.new_lives.push(Instant::now());
        self.forget().await;
        let epoch = self.link.spool.call(|store| store.begin_new_life()).await?;
        tracing::warn!(%epoch, "the spool begins a new life; every POS system is read and sent again");
        self.restart();
        Ok(())
    }
}

fn acknowledges(ack: &Ack, posted: BatchSeq) -> bool {
    match ack {
        Ack::Applied { seq, .. } => *seq == posted,
        Ack::Duplicate { last_seq } => *last_seq >= posted,
    }
}

/// Why the cloud and the spool cannot both be right, if so. `first` is the first batch not known to be acknowledged.
fn disagreement(
    cloud_epoch: Option<Epoch>,
    cloud_last: Option<BatchSeq>,
    epoch: Epoch,
    first: u64,
    last: Option<BatchSeq>,
) -> Option<&'static str> {
    let cloud_last = cloud_last.map_or(0, |seq| seq.0);
    if cloud_epoch != Some(epoch) {
        let begins = first <= 1;
        return (!begins)
            .then_some("the cloud does not know this spool any more; it was restored or lost");
    }
    if cloud_last + 1 < first {
        return Some(
            "the cloud has lost deliveries that it acknowledged; it was restored from a backup",
        );
    }
    if cloud_last > last.map_or(0, |seq| seq.0) {
        return Some(
            "the cloud knows deliveries that this spool does not; the spool was restored from a backup",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_side_is_noticed_and_an_ordinary_restart_is_not() {
        let (ours, other) = (Epoch::generate(), Epoch::generate());
        let seq = |n| Some(BatchSeq(n));
        assert!(
            disagreement(None, None, ours, 1, None).is_none(),
            "a fresh agent"
        );
        assert!(disagreement(Some(ours), seq(7), ours, 8, seq(9)).is_none());
        assert!(
            disagreement(Some(ours), seq(8), ours, 8, seq(9)).is_none(),
            "the answer was lost"
        );
        assert!(
            disagreement(Some(other), seq(70), ours, 1, seq(3)).is_none(),
            "a new life that begins"
        );
        assert!(disagreement(Some(ours), seq(5), ours, 8, seq(9)).is_some());
        assert!(disagreement(Some(ours), seq(12), ours, 8, seq(9)).is_some());
        assert!(disagreement(None, None, ours, 8, seq(9)).is_some());
        assert!(disagreement(Some(other), seq(3), ours, 2, seq(9)).is_some());
    }

    #[test]
    fn only_an_acknowledgement_of_this_very_batch_counts() {
        assert!(acknowledges(
            &Ack::Applied {
                seq: BatchSeq(4),
                rejected: 0
            },
            BatchSeq(4)
        ));
        assert!(!acknowledges(
            &Ack::Applied {
                seq: BatchSeq(3),
                rejected: 0
            },
            BatchSeq(4)
        ));
        assert!(acknowledges(
            &Ack::Duplicate {
                last_seq: BatchSeq(9)
            },
            BatchSeq(4)
        ));
        assert!(!acknowledges(
            &Ack::Duplicate {
                last_seq: BatchSeq(3)
            },
            BatchSeq(4)
        ));
    }
}
