//! Where in the log a stream stands.

use serde::{Deserialize, Serialize};

use super::gtid::Gtids;

/// The end of a transaction. Resumed by global transaction id where the server has them, else by file and position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The log file, as in `binlog.000012`.
    pub file: String,
    /// Bytes from its beginning.
    pub at: u64,
    /// Transactions seen so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtids: Option<Gtids>,
    /// When the file was begun, seconds of the server's clock, once its first event was seen. A log that was reset uses
    /// the same names again; this tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<u32>,
}

impl Place {
    /// The number at the end of the file's name.
    fn number(&self) -> Option<u64> {
        self.file.rsplit_once('.')?.1.parse().ok()
    }

    /// Whether the log that the server offers for this place is another one: it was reset, or a backup was restored.
    pub fn is_of_another_log(&self, offered: &Self) -> bool {
        match (self.number(), offered.number()) {
            (Some(own), Some(other)) if other < own => true,
            (Some(own), Some(other)) if other > own => false,
            _ => {
                self.file == offered.file
                    && self.begun.is_some()
                    && offered.begun.is_some()
                    && self.begun != offered.begun
            }
        }
    }

    /// Whether everything up to `other` was seen.
    pub fn reaches(&self, other: &Self) -> bool {
        match (self.number(), other.number()) {
            (Some(own), Some(number)) => (own, self.at) >= (number, other.at),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, at: u64, begun: Option<u32>) -> Place {
        Place {
            file: file.to_owned(),
            at,
            gtids: None,
            begun,
        }
    }

    #[test]
    fn a_log_that_was_reset_is_told_from_one_that_went_on() {
        let own = place("binlog.000007", 900, Some(1_000));
        assert!(!own.is_of_another_log(&place("binlog.000007", 4, Some(1_000))));
        assert!(!own.is_of_another_log(&place("binlog.000008", 4, Some(2_000))));
        assert!(own.is_of_another_log(&place("binlog.000007", 4, Some(3_000))));
        assert!(own.is_of_another_log(&place("binlog.000001", 4, Some(3_000))));
        assert!(!place("binlog.000007", 900, None).is_of_another_log(&own));
    }

    #[test]
    fn files_are_compared_by_number_not_by_name() {
        let old = place("log.999999", 10, None);
        let new = place("log.1000000", 4, None);
        assert!(new.reaches(&old) && !old.reaches(&new));
    }
}
