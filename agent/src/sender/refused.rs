//! A batch that the cloud refuses must not block those behind it, and must not vanish either.
//!
//! It is halved until one line stands alone; that line becomes a reject, which the dashboard shows. If the cloud refuses
//! even that, the fault is not in the data: everything is put back, and a person is asked.

use fluxion_model::delivery::Line;
use fluxion_model::entity::EntityKind;
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::wire;
use reqwest::StatusCode;
use std::time::Duration;

use super::post::Post;
use crate::spool::{Part, SpoolError, Waiting};

const RECHECK: Duration = Duration::from_secs(60);

/// A line that was replaced by a reject, until the cloud has taken the reject.
pub(super) struct Suspect {
    batch: Waiting,
}

pub(super) async fn handle(
    post: &mut Post<'_>,
    waiting: &Waiting,
    status: StatusCode,
    message: &str,
) -> Result<(), SpoolError> {
    if let Some(suspect) = post.suspect.take() {
        return give_up(post, waiting, suspect, message).await;
    }
    let lines = waiting.lines()?;
    tracing::warn!(seq = %waiting.seq, lines = lines.len(), %status, "the cloud refuses a delivery: {message}");
    let parts = match lines.as_slice() {
        [] => {
            post.link.needs_person(format!(
                "the cloud refuses even an empty delivery ({message}); update the agent or the ingest service"
            ));
            tokio::time::sleep(RECHECK).await;
            return Ok(());
        }
        [line] => {
            post.suspect = Some(Suspect {
                batch: waiting.clone(),
            });
            vec![Part::pack(&stand_in(line, message))?]
        }
        more => {
            let (first, second) = more.split_at(more.len() / 2);
            vec![Part::pack(first)?, Part::pack(second)?]
        }
    };
    let batch = waiting.clone();
    post.link
        .spool
        .call(move |store| store.replace_batch(&batch, &parts))
        .await
}

/// Even the reject is refused: the original goes back in its place.
async fn give_up(
    post: &mut Post<'_>,
    waiting: &Waiting,
    suspect: Suspect,
    message: &str,
) -> Result<(), SpoolError> {
    let original = Part {
        lines: suspect.batch.lines,
        body: suspect.batch.body,
    };
    let batch = waiting.clone();
    post.link
        .spool
        .call(move |store| store.replace_batch(&batch, &[original]))
        .await?;
    post.link.needs_person(format!(
        "the cloud refuses every delivery ({message}); update the agent or the ingest service. Everything stays in the spool"
    ));
    tokio::select! {
        () = post.link.cancel.cancelled() => {}
        () = tokio::time::sleep(RECHECK) => {}
    }
    Ok(())
}

/// What is sent in the place of a refused line. A job's report or a list of cleared rejects is left out: the next one
/// says the same.
fn stand_in(line: &[u8], message: &str) -> Vec<Vec<u8>> {
    let (entity, id) = match wire::read_line(line) {
        Ok(Line::Put(record)) => (record.kind(), Some(record.id().clone())),
        Ok(Line::Delete(gone)) => (gone.entity, Some(gone.id)),
        Ok(Line::Reject(rejected)) => (rejected.entity, rejected.id),
        Ok(Line::Cleared { .. } | Line::Job(_)) => return Vec::new(),
        Err(_) => (EntityKind::Product, None),
    };
    let key = id
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::error!(%entity, key, "a record is refused by the cloud and set aside: {message}");
    let rejected = Rejected {
        entity,
        key,
        id,
        class: ErrorClass::DataValidation,
        field: None,
        rule: "refused_by_cloud".to_owned(),
        raw: None,
        message: format!(
            "The cloud refused this record: {message}. It is sent again when it changes at the POS."
        ),
        position: None,
        row: std::collections::BTreeMap::new(),
    };
    let mut text = Vec::new();
    match wire::write_line(&mut text, &Line::Reject(rejected)) {
        Ok(()) => {
            text.pop();
            vec![text]
        }
        Err(_) => Vec::new(),
    }
}
