//! For a store without a line: what waits in the spool leaves on a stick, and a receipt comes back on it.
//!
//! [`export`] writes the file; [`take_receipt`] lets the spool forget what the cloud has. Both may be done again at any
//! time: a file holds everything that no receipt has covered yet, and the cloud passes over what it knows.

mod export;

use anyhow::Context as _;
use fluxion_model::carry::{CarryKey, Receipt};

use crate::folder::DataFolder;
use crate::spool::{ReceiptEffect, Spool};

pub use export::{ExportError, Exported, export};

/// Where another process leaves a receipt for the agent that works.
#[must_use]
pub fn letter_box(folder: &DataFolder) -> std::path::PathBuf {
    folder.path().join("receipt.in")
}

/// Believes a receipt only if it was made for this agent's token.
///
/// # Errors
/// When it was not, or the agent is not enrolled.
pub fn verify(folder: &DataFolder, text: &str) -> anyhow::Result<Receipt> {
    let identity = folder
        .identity()?
        .context("this agent is not enrolled, so no receipt can be for it")?;
    Ok(Receipt::verify(text, &CarryKey::of_token(&identity.token))?)
}

/// Takes the receipt that another process left, if there is one. Called by the agent that works, again and again.
pub async fn take_receipt(folder: &DataFolder, spool: &Spool) {
    let path = letter_box(folder);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return;
    };
    let receipt = match verify(folder, &text) {
        Ok(receipt) => receipt,
        Err(error) => {
            tracing::warn!("a receipt was left that cannot be believed: {error:#}");
            remove(&path);
            return;
        }
    };
    match spool.call(move |store| store.take_receipt(&receipt)).await {
        Ok(ReceiptEffect::Forgotten(deliveries)) => {
            tracing::info!(
                deliveries,
                "a receipt came back; these deliveries are in the cloud"
            );
        }
        Ok(ReceiptEffect::OtherLife) => {
            tracing::info!("a receipt came back that speaks of an earlier life of the spool");
        }
        Ok(ReceiptEffect::NewLife) => tracing::error!(
            "by its receipt the cloud has lost deliveries or the spool was restored; every POS system is read and sent again"
        ),
        Err(error) => {
            // It stays, and is taken the next time.
            tracing::warn!("{}", crate::chain(&error));
            return;
        }
    }
    remove(&path);
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "a receipt could not be removed");
    }
}
