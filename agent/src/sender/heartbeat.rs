//! Says how the agent is, each half minute, more often in the beginning. An answer is a sign of life of the cloud.

use std::time::Duration;

use chrono::Utc;
use fluxion_model::heartbeat::Heartbeat;
use tokio::time::Instant;

use super::Link;
use super::client::CloudError;
use crate::clock;
use crate::computer;
use crate::folder::DataFolder;
use crate::update::this_build;

const USUAL: Duration = Duration::from_secs(30);
const IN_THE_BEGINNING: Duration = Duration::from_secs(10);
const BEGINNING: Duration = Duration::from_secs(120);
/// More than this and timestamps of the POS and of the cloud do not fit together.
const SKEW_WORTH_SAYING: i64 = 120;

/// Beats until the agent stops.
pub async fn beat(link: &Link, folder: &DataFolder) {
    let begun = Instant::now();
    let mut jumps = link.jumps.clone();
    loop {
        let Some(cloud) = link.cloud().await else {
            return;
        };
        let mut wait = if begun.elapsed() < BEGINNING {
            IN_THE_BEGINNING
        } else {
            USUAL
        };
        let sent = Utc::now();
        let state = heartbeat(link, folder);
        let answer = tokio::select! {
            () = link.cancel.cancelled() => return,
            () = clock::jump(&mut jumps) => continue,
            answer = cloud.heartbeat(&state) => answer,
        };
        match answer {
            Ok(reply) => {
                let skew = (sent - reply.now).num_seconds();
                note_skew(link, skew);
                link.answered();
                link.offered(reply.update);
                if begun.elapsed() >= BEGINNING {
                    wait = Duration::from_secs(reply.next_in_seconds.clamp(5, 600));
                }
            }
            Err(CloudError::Busy {
                retry_after: Some(after),
                ..
            }) => wait = wait.max(after),
            Err(error @ CloudError::Unauthorized { .. }) => link.failed(&error),
            Err(error) => tracing::debug!("{}", crate::chain(&error)),
        }
        tokio::select! {
            () = link.cancel.cancelled() => return,
            () = clock::jump(&mut jumps) => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn heartbeat(link: &Link, folder: &DataFolder) -> Heartbeat {
    let queue = link.spool.info();
    Heartbeat {
        version: this_build::name(),
        now: Utc::now(),
        epoch: queue.epoch,
        last_seq: queue.last_seq,
        queued_batches: queue.batches,
        queued_bytes: queue.bytes,
        oldest_queued_at: queue.oldest,
        disk_free_bytes: folder.free_bytes(),
        streams: link
            .live
            .streams()
            .into_iter()
            .map(|stream| stream.state)
            .collect(),
        os: Some(computer::operating_system()),
        update: link.live.update(),
    }
}

fn note_skew(link: &Link, skew: i64) {
    link.live.cloud(|cloud| {
        let far = skew.abs() >= SKEW_WORTH_SAYING;
        let was_far = cloud
            .clock_skew_seconds
            .is_some_and(|old| old.abs() >= SKEW_WORTH_SAYING);
        if far && !was_far {
            tracing::warn!(
                seconds = skew,
                "this computer's clock differs from the cloud's; set it to the right time"
            );
        }
        cloud.clock_skew_seconds = Some(skew);
    });
}
