//! The receipt that is carried back: readable, and signed.

use chrono::{DateTime, Utc};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::{CarryError, CarryKey, hex, unhex};
use crate::id::{AgentId, BatchSeq, Epoch};

const MAGIC: &str = "FLUXION-RECEIPT 1 ";

/// What the cloud says about a file that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whose file it was.
    pub agent: AgentId,
    /// The file's epoch.
    pub epoch: Epoch,
    /// The last delivery of that epoch that the cloud has; none when it has none.
    pub last_seq: Option<BatchSeq>,
    /// The delivery that the cloud waits for and that the file no longer had: the cloud has lost what it once
    /// acknowledged.
    #[serde(default)]
    pub missing: Option<BatchSeq>,
    /// When, by the cloud's clock.
    pub at: DateTime<Utc>,
}

impl Receipt {
    /// The text of the file: the receipt on one line, its HMAC on the next.
    ///
    /// # Errors
    /// Never for a key of ours.
    pub fn sign(&self, key: &CarryKey) -> Result<String, CarryError> {
        let json = serde_json::to_string(self).map_err(|_| CarryError::TooLarge)?;
        let line = format!("{MAGIC}{json}");
        let tag = hmac::sign(&receipt_key(key)?, line.as_bytes());
        Ok(format!("{line}\n{}\n", hex(tag.as_ref())))
    }

    /// Reads the text of a file, and believes it.
    ///
    /// # Errors
    /// When it is no receipt, was changed, or was made for another token.
    pub fn verify(text: &str, key: &CarryKey) -> Result<Self, CarryError> {
        let (line, tag) = text
            .trim_start_matches('\u{feff}')
            .trim_end()
            .split_once('\n')
            .ok_or(CarryError::NotOurs)?;
        let line = line.trim_end_matches('\r');
        let json = line.strip_prefix(MAGIC).ok_or(CarryError::NotOurs)?;
        let tag = unhex(tag.trim()).ok_or(CarryError::Damaged)?;
        hmac::verify(&receipt_key(key)?, line.as_bytes(), &tag).map_err(|_| CarryError::Damaged)?;
        serde_json::from_str(json).map_err(|_| CarryError::Newer)
    }
}

fn receipt_key(key: &CarryKey) -> Result<hmac::Key, CarryError> {
    let key = key.derive(b"", MAGIC.as_bytes())?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_believed_as_it_was_signed_and_not_otherwise() {
        let key = CarryKey::of_token("fxa_1");
        let receipt = Receipt {
            agent: AgentId::generate(),
            epoch: Epoch::generate(),
            last_seq: Some(BatchSeq(12)),
            missing: None,
            at: "2026-03-01T10:00:00Z".parse().unwrap(),
        };
        let text = receipt.sign(&key).unwrap();
        assert_eq!(Receipt::verify(&text, &key).unwrap(), receipt);
        let by_notepad = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(Receipt::verify(&by_notepad, &key).unwrap(), receipt);
        let more = text.replace(":12", ":99");
        assert_eq!(Receipt::verify(&more, &key), Err(CarryError::Damaged));
        let other = CarryKey::of_token("fxa_2");
        assert_eq!(Receipt::verify(&text, &other), Err(CarryError::Damaged));
        assert_eq!(Receipt::verify("hello", &key), Err(CarryError::NotOurs));
    }
}
