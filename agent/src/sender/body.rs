//! A delivery's body on its way up: in pieces, as the bandwidth allows, and watched, so that a slow line is given all the
//! time it needs and a dead one is given up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::bandwidth::Bandwidth;

/// The least that goes at once without a limit.
const PIECE: usize = 64 * 1024;
/// How long an answer may take after everything has arrived.
const ANSWER_WITHIN: Duration = Duration::from_secs(180);
/// The slowest line that still gets everything through, in bytes per second: what the system has taken from us may wait
/// in its own buffers for so long.
const SLOWEST_LINE: u64 = 2_000;

/// How far a body is. Nothing has moved for too long when [`Progress::stalled`] returns.
pub(super) struct Progress(watch::Receiver<Instant>);

/// The body as a stream, and how to tell that it stalls.
pub(super) fn paced(
    body: Vec<u8>,
    bandwidth: Arc<Bandwidth>,
) -> (
    impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
    Progress,
) {
    let patience = ANSWER_WITHIN + Duration::from_secs(body.len() as u64 / SLOWEST_LINE);
    let (moved, progress) = watch::channel(Instant::now() + patience);
    let state = (Bytes::from(body), bandwidth, moved);
    let stream = futures::stream::unfold(state, move |(mut rest, bandwidth, moved)| async move {
        if rest.is_empty() {
            return None;
        }
        let most = bandwidth
            .piece()
            .map_or(PIECE, |piece| usize::try_from(piece).unwrap_or(PIECE));
        let piece = rest.split_to(most.min(rest.len()));
        bandwidth.take(piece.len() as u64).await;
        moved.send_replace(Instant::now() + patience);
        Some((Ok(piece), (rest, bandwidth, moved)))
    });
    (stream, Progress(progress))
}

impl Progress {
    /// Returns when nothing has moved for longer than any living line takes, and says for how long.
    pub async fn stalled(mut self) -> Duration {
        let begun = Instant::now();
        loop {
            let until = *self.0.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(until) => return begun.elapsed(),
                changed = self.0.changed() => if changed.is_err() {
                    // All of it is on its way; what is left is to wait for the answer.
                    let until = *self.0.borrow();
                    tokio::time::sleep_until(until).await;
                    return begun.elapsed();
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;
    use crate::config::BandwidthConfig;

    fn slow() -> Arc<Bandwidth> {
        Arc::new(Bandwidth::new(BandwidthConfig {
            kb_per_s: 4,
            ..BandwidthConfig::default()
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_over_a_narrow_line_is_not_given_up_while_it_moves() {
        let body = vec![7; 4 * 1024 * 1024];
        let (stream, progress) = paced(body.clone(), slow());
        let mut stream = Box::pin(stream);
        let sending = async {
            let begun = Instant::now();
            let mut sent = Vec::new();
            while let Some(Ok(piece)) = stream.next().await {
                sent.extend_from_slice(&piece);
            }
            (sent, begun.elapsed())
        };
        tokio::select! {
            (sent, took) = sending => {
                assert_eq!(sent, body);
                assert!(took.as_secs() > 1_040, "{took:?}");
            }
            after = progress.stalled() => panic!("given up after {after:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_nobody_takes_is_given_up_after_minutes() {
        let (stream, progress) = paced(vec![7; 100_000], slow());
        let mut stream = Box::pin(stream);
        drop(stream.next().await);
        let after = progress.stalled().await;
        assert!((200..300).contains(&after.as_secs()), "{after:?}");
    }
}
