//! Deliveries as text: NDJSON, one header line and then one line per item, compressed with zstd on the way.
//!
//! The format has a version, and both sides are lenient within it: unknown fields are ignored, and a line of a kind
//! that is not known becomes one reject instead of a refused batch. What agents have sent is kept as golden text in
//! `model/tests/wire/`, and a test reads all of it with today's types.

use serde::Serialize;

use crate::delivery::{DeliveryHeader, Line};
use crate::entity::Record;
use crate::fingerprint::Fingerprint;

/// The version that this code writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// The content type of a delivery.
pub const CONTENT_TYPE: &str = "application/x-ndjson";

/// The longest line, in bytes. A sale of a thousand lines stays below it.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The most lines in one delivery.
pub const MAX_LINES: u32 = 50_000;

/// The largest delivery once decompressed, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Appends an item as one line.
///
/// # Errors
/// Never for the types of this crate; JSON could only fail on a map whose keys are not text.
pub fn write_line<T: Serialize>(out: &mut Vec<u8>, item: &T) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *out, item)?;
    out.push(b'\n');
    Ok(())
}

/// Appends a record as one line, and returns the fingerprint of what it says.
///
/// When the POS last touched the record is not part of that: tills write the time of the last change into rows whose values
/// stay what they were, some of them each night into all of them, and a price that changes would send its product too.
///
/// # Errors
/// As [`write_line`].
pub fn write_record(
    out: &mut Vec<u8>,
    mut record: Record,
) -> Result<Fingerprint, serde_json::Error> {
    const END: &[u8] = b"}}}\n";
    let touched = record.updated_at_mut().and_then(Option::take);
    let start = out.len();
    write_line(out, &Line::Put(record))?;
    let fingerprint = Fingerprint::of(&out[start..out.len() - 1]);
    if let Some(touched) = touched {
        out.truncate(out.len() - END.len());
        out.extend_from_slice(b",\"updated_at\":");
        serde_json::to_writer(&mut *out, &touched)?;
        out.extend_from_slice(END);
    }
    Ok(fingerprint)
}

/// Why a body is not a delivery. Always the sender's fault; nothing of it was applied.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No header line.
    #[error("the body has no header line")]
    Empty,
    /// The first line is something else.
    #[error("the first line is not a delivery header")]
    Header(#[source] serde_json::Error),
    /// Written by a newer agent.
    #[error("wire version {got} is newer than {VERSION}; update the ingest service")]
    Version {
        /// What the header says.
        got: u32,
    },
    /// Cut on the way.
    #[error("the header promises {promised} lines and {got} came; the body was cut on the way")]
    Cut {
        /// What the header says.
        promised: u32,
        /// What was there.
        got: u32,
    },
    /// Beyond a limit.
    #[error("the delivery is beyond a limit: {0}")]
    TooLarge(&'static str),
}

/// Reads the header and hands out the lines after it, undecoded. A line beyond [`MAX_LINE_BYTES`] is for the caller to
/// set aside: it must not hold up the lines around it.
///
/// # Errors
/// When the body is empty, cut, too large, or not a delivery.
pub fn split(body: &[u8]) -> Result<(DeliveryHeader, Vec<&[u8]>), WireError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(WireError::TooLarge("64 MiB decompressed"));
    }
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let first = lines.next().ok_or(WireError::Empty)?;
    let header: DeliveryHeader = serde_json::from_slice(first).map_err(WireError::Header)?;
    if header.fluxion > VERSION {
        return Err(WireError::Version {
            got: header.fluxion,
        });
    }
    if header.lines > MAX_LINES {
        return Err(WireError::TooLarge("50,000 lines"));
    }
    let mut rest = Vec::with_capacity(header.lines as usize);
    for line in lines {
        if rest.len() > header.lines as usize {
            break;
        }
        rest.push(line);
    }
    let got = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    if got != header.lines {
        return Err(WireError::Cut {
            promised: header.lines,
            got,
        });
    }
    Ok((header, rest))
}

/// Reads one line after the header.
///
/// # Errors
/// When it is no line of ours. The caller sets it aside and goes on.
pub fn read_line(line: &[u8]) -> Result<Line, serde_json::Error> {
    serde_json::from_slice(line)
}
