//! What tells a changed record from an unchanged one.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

/// The 128-bit XXH3 hash of a record's line on the wire, without the newline.
///
/// Agent and ingest each compute it, so it never travels: ingest over the line as it came, the agent over what the line says
/// ([`crate::wire::write_record`]). It guards against chance, not against
/// forgery: whoever may send a record may send any record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of these bytes.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        Self(xxh3_128(line).to_be_bytes())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
