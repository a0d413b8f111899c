//! Which way changes of a stream are noticed: the best that the system allows.
//!
//! Asked each time the stream is opened and before each nightly sweep, so that an outbox that was installed, or a log
//! that was switched off, is taken up by itself. A cursor belongs to the way that wrote it: the identity of the rules
//! says which, so a stream that changes its way reads everything once more and compares.

use fluxion_connectors::{Allowed, Remedy, Said, SourceError};
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::stream::{Capture, StreamSpec};

use super::pos::PosSystem;
use super::run::Stop;
use super::worker::Worker;
use crate::config::name_of;
use crate::spanish;

/// A way that was chosen, and those that would have been better.
pub(crate) struct Choice {
    /// The way.
    pub capture: Capture,
    /// What the system does not allow, and why.
    pub passed_over: Vec<(Capture, Said)>,
}

/// The best way that the system allows. The last one is taken without asking: its own message is the best there is.
pub(crate) async fn choose(pos: &PosSystem, spec: &StreamSpec) -> Result<Choice, SourceError> {
    let mut passed_over = Vec::new();
    let mut ways = pos.ways(spec).into_iter().peekable();
    while let Some(way) = ways.next() {
        if ways.peek().is_none() {
            return Ok(Choice {
                capture: way,
                passed_over,
            });
        }
        let why = match pos.connector.allows(spec, &way).await {
            Ok(Allowed::Yes) => {
                return Ok(Choice {
                    capture: way,
                    passed_over,
                });
            }
            Ok(Allowed::No { why }) => why,
            Err(error) => match &error.remedy {
                Remedy::AskOperator { code, hint } => {
                    Said::new(hint.clone(), spanish::remedy(code, hint))
                }
                Remedy::Retry | Remedy::Resnapshot => return Err(error),
            },
        };
        passed_over.push((way, why));
    }
    Ok(Choice {
        capture: spec.capture.clone(),
        passed_over,
    })
}

impl Worker {
    /// Identifies the rules the stream is read by, the way of noticing changes included.
    pub(super) fn rules_id(&self) -> [u8; 16] {
        let id = self.pos.rules_id;
        if self.spec.capture == self.rules.spec().capture {
            return id;
        }
        let mut identity = id.to_vec();
        identity.extend(serde_json::to_vec(&self.spec.capture).unwrap_or_default());
        Fingerprint::of(&identity).0
    }

    /// Settles how changes are noticed from here on.
    pub(super) async fn choose(&mut self) -> Result<(), Stop> {
        let cancel = self.shared.cancel.clone();
        let chosen = tokio::select! {
            () = cancel.cancelled() => return Err(Stop::Cancelled),
            chosen = choose(&self.pos, self.rules.spec()) => chosen,
        };
        let Choice {
            capture,
            passed_over,
        } = match chosen {
            Ok(choice) => choice,
            Err(error) => {
                let position = self.position().await?;
                return Err(self.source_error(&error, &position).await);
            }
        };
        let said: Vec<String> = passed_over
            .iter()
            .map(|(way, why)| format!("{} is not possible: {}", name_of(way), why.en))
            .collect();
        if said != self.passed_over {
            for said in &said {
                tracing::info!(
                    pos = self.pos_name(),
                    stream = %self.name,
                    "{said}; changes are noticed by {} instead",
                    name_of(&capture)
                );
            }
            self.passed_over = said;
        }
        if capture != self.spec.capture {
            self.open = None;
            self.spec.capture = capture;
        }
        Ok(())
    }
}
