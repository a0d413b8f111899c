//! Which rows a scan has seen: one bit per row in memory, runs of numbers on disk.
//!
//! Rows are numbered densely by the spool, so a scan of a million rows costs 125 kB. Every batch of the scan stores the
//! numbers it saw, in its own transaction, so that a scan that goes on after a crash still knows them all.

/// A set of row numbers.
#[derive(Debug, Default)]
pub struct Seen {
    words: Vec<u64>,
}

impl Seen {
    /// Adds a row.
    pub fn insert(&mut self, id: u64) {
        let (word, bit) = place(id);
        if word >= self.words.len() {
            self.words
                .resize((word + 1).max(self.words.len() * 2).max(64), 0);
        }
        self.words[word] |= bit;
    }

    /// Takes a row out, because it is gone for good.
    pub fn remove(&mut self, id: u64) {
        let (word, bit) = place(id);
        if let Some(found) = self.words.get_mut(word) {
            *found &= !bit;
        }
    }

    /// Whether a row is in it.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        let (word, bit) = place(id);
        self.words.get(word).is_some_and(|found| found & bit != 0)
    }

    /// Adds what [`runs`] wrote; false when the bytes are damaged.
    pub fn extend(&mut self, mut bytes: &[u8]) -> bool {
        let mut next = 0_u64;
        while !bytes.is_empty() {
            let (Some(gap), Some(length)) = (read(&mut bytes), read(&mut bytes)) else {
                return false;
            };
            next = next.saturating_add(gap);
            for id in next..next.saturating_add(length) {
                self.insert(id);
            }
            next = next.saturating_add(length);
        }
        true
    }
}

fn place(id: u64) -> (usize, u64) {
    (
        usize::try_from(id / 64).unwrap_or(usize::MAX),
        1 << (id % 64),
    )
}

/// Writes row numbers as runs: how many are skipped, how many follow.
#[must_use]
pub fn runs(ids: &mut [u64]) -> Vec<u8> {
    ids.sort_unstable();
    let mut out = Vec::new();
    let mut next = 0;
    let mut at = 0;
    while at < ids.len() {
        let start = ids[at];
        let mut end = start + 1;
        at += 1;
        while at < ids.len() && ids[at] <= end {
            end = ids[at] + 1;
            at += 1;
        }
        // A duplicate of the run's last number makes `end` fall back by nothing: `ids[at] + 1` is at least `end`.
        write(&mut out, start - next);
        write(&mut out, end - start);
        next = end;
    }
    out
}

fn write(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_batch_saw_reads_back() {
        let mut ids = vec![900, 5, 6, 7, 7, 1_000_000, 0];
        let bytes = runs(&mut ids);
        let mut seen = Seen::default();
        assert!(seen.extend(&bytes));
        for id in [0, 5, 6, 7, 900, 1_000_000] {
            assert!(seen.contains(id), "{id}");
        }
        assert!(!seen.contains(1));
        seen.remove(5);
        assert!(!seen.contains(5));
        assert!(!Seen::default().extend(&bytes[..bytes.len() - 1]));
    }

    #[test]
    fn a_first_load_costs_a_few_bytes_per_batch() {
        let mut ids: Vec<u64> = (10_000..15_000).collect();
        assert!(runs(&mut ids).len() < 8);
    }
}
