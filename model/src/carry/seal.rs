//! How a file is sealed: its first line, and the records after it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use super::{CarryError, CarryKey, Entry, MAX_RECORD_BYTES, hex};
use crate::id::AgentId;

const MAGIC: &str = "FLUXION-CARRY ";
const VERSION: u32 = 1;
/// The top bit of a record's length.
const LAST: u32 = 1 << 31;

/// The first line: all of a file that can be read without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Who wrote it.
    pub agent: AgentId,
    /// Makes the key one of its own, hexadecimal.
    salt: String,
}

impl Head {
    /// Of a new file.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn generate(agent: AgentId) -> Result<Self, CarryError> {
        let mut salt = [0; 32];
        let random = SystemRandom::new();
        random
            .fill(&mut salt)
            .map_err(|_| CarryError::NoRandomness)?;
        Ok(Self {
            agent,
            salt: hex(&salt),
        })
    }

    /// The line with its newline.
    #[must_use]
    pub fn line(&self) -> String {
        // Two texts cannot fail to become JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{MAGIC}{VERSION} {json}\n")
    }

    /// Reads the line, with or without its newline.
    ///
    /// # Errors
    /// When it is not of ours, or newer.
    pub fn read(line: &[u8]) -> Result<Self, CarryError> {
        let text = std::str::from_utf8(line).map_err(|_| CarryError::NotOurs)?;
        let rest = text.strip_prefix(MAGIC).ok_or(CarryError::NotOurs)?;
        let (version, json) = rest.split_once(' ').ok_or(CarryError::NotOurs)?;
        match version.parse::<u32>() {
            Ok(VERSION) => serde_json::from_str(json).map_err(|_| CarryError::NotOurs),
            Ok(newer) if newer > VERSION => Err(CarryError::Newer),
            _ => Err(CarryError::NotOurs),
        }
    }
}

/// The key of one file, and the number of the next record.
struct Chain {
    key: LessSafeKey,
    next: u64,
}

impl Chain {
    fn new(key: &CarryKey, head: &Head) -> Result<Self, CarryError> {
        let key = key.derive(head.salt.as_bytes(), head.line().as_bytes())?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| CarryError::Damaged)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            next: 0,
        })
    }

    /// Never twice the same under one key: the number rises, and the key belongs to one file.
    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[0] = u8::from(is_last);
        nonce[NONCE_LEN - 8..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Writes a file, record by record.
pub struct Sealer(Chain);

impl Sealer {
    /// For a file that begins with this head.
    ///
    /// # Errors
    /// Never for a key and a head of ours.
    pub fn new(key: &CarryKey, head: &Head) -> Result<Self, CarryError> {
        Ok(Self(Chain::new(key, head)?))
    }

    /// The bytes of the next record. [`Entry::End`] is the last.
    ///
    /// # Errors
    /// When it is too large.
    pub fn seal(&mut self, entry: &Entry) -> Result<Vec<u8>, CarryError> {
        let is_last = *entry == Entry::End;
        let mut sealed = entry.encode()?;
        let nonce = self.0.nonce(is_last);
        self.0
            .key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
            .map_err(|_| CarryError::TooLarge)?;
        if sealed.len() > MAX_RECORD_BYTES {
            return Err(CarryError::TooLarge);
        }
        let length = u32::try_from(sealed.len()).map_err(|_| CarryError::TooLarge)?;
        let length = length | if is_last { LAST } else { 0 };
        let mut record = length.to_be_bytes().to_vec();
        record.append(&mut sealed);
        Ok(record)
    }
}

/// How long a record is, and whether it is the last, from the four bytes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSize {
    /// Bytes that follow.
    pub bytes: usize,
    is_last: bool,
}

impl RecordSize {
    /// Reads the four bytes.
    ///
    /// # Errors
    /// When no record of ours is so long.
    pub fn read(bytes: [u8; 4]) -> Result<Self, CarryError> {
        let number = u32::from_be_bytes(bytes);
        let size = Self {
            bytes: (number & !LAST) as usize,
            is_last: number & LAST != 0,
        };
        if size.bytes > MAX_RECORD_BYTES {
            return Err(CarryError::Damaged);
        }
        Ok(size)
    }
}

/// Reads a file, record by record.
pub struct Opener(Chain);

impl Opener {
    /// For the file that begins with this head.
    ///
    /// # Errors
    /// Never for a key of ours.
    pub fn new(key: &CarryKey, head: &Head) -> Result<Self, CarryError> {
        Ok(Self(Chain::new(key, head)?))
    }

    /// Opens the next record.
    ///
    /// # Errors
    /// When it was changed, is not the next one, not whole, or belongs to another key.
    pub fn open(&mut self, size: RecordSize, record: &mut [u8]) -> Result<Entry, CarryError> {
        if record.len() != size.bytes {
            return Err(CarryError::CutOff);
        }
        let nonce = self.0.nonce(size.is_last);
        let opened = self.0.key.open_in_place(nonce, Aad::empty(), record);
        Entry::decode(opened.map_err(|_| CarryError::Damaged)?)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::carry::CarriedDelivery;
    use crate::id::{BatchSeq, JobId, StreamName};

    fn delivery(seq: u64) -> Entry {
        Entry::Delivery(CarriedDelivery {
            pos: "caja".to_owned(),
            seq: BatchSeq(seq),
            made_at: "2026-03-01T10:00:00Z".parse().unwrap(),
            stream: StreamName::new("items").unwrap(),
            job: JobId::generate(),
            mapping_version: 1,
            lines: 1,
            body: vec![7; 100],
        })
    }

    /// A file of two deliveries, as its head and its records.
    fn file(key: &CarryKey) -> (Head, Vec<Vec<u8>>) {
        let head = Head::generate(AgentId::generate()).unwrap();
        let mut sealer = Sealer::new(key, &head).unwrap();
        let entries = [delivery(1), delivery(2), Entry::End];
        let records = entries.iter().map(|entry| sealer.seal(entry).unwrap());
        (head, records.collect())
    }

    fn read(key: &CarryKey, head: &Head, records: &[Vec<u8>]) -> Result<Vec<Entry>, CarryError> {
        let mut opener = Opener::new(key, head)?;
        let open = |record: &Vec<u8>| {
            let (size, sealed) = record.split_first_chunk().unwrap();
            opener.open(RecordSize::read(*size)?, &mut sealed.to_vec())
        };
        records.iter().map(open).collect()
    }

    #[test]
    fn what_was_sealed_is_read_with_the_hash_of_the_token() {
        let (head, records) = file(&CarryKey::of_token("fxa_1"));
        let again = Head::read(head.line().as_bytes()).unwrap();
        let hash = Sha256::digest(b"fxa_1").into();
        let entries = read(&CarryKey::of_hash(hash), &again, &records).unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[2], Entry::End);
        let Entry::Delivery(second) = &entries[1] else {
            panic!("{entries:?}")
        };
        assert_eq!((second.seq, second.body.len()), (BatchSeq(2), 100));
    }

    #[test]
    fn nothing_in_a_file_can_be_changed_moved_left_out_or_read_by_another() {
        let key = CarryKey::of_token("fxa_1");
        let (head, records) = file(&key);
        let damaged = Err(CarryError::Damaged);
        for byte in 0..records[0].len() {
            let mut changed = records.clone();
            changed[0][byte] ^= 0x80;
            assert!(read(&key, &head, &changed).is_err(), "byte {byte}");
        }
        let swapped = [records[1].clone(), records[0].clone()];
        assert_eq!(read(&key, &head, &swapped), damaged);
        assert_eq!(read(&key, &head, &records[1..]), damaged);
        assert_eq!(read(&CarryKey::of_token("fxa_2"), &head, &records), damaged);
        let other = Head {
            agent: AgentId::generate(),
            ..head
        };
        assert_eq!(read(&key, &other, &records), damaged);
    }

    #[test]
    fn a_record_cannot_be_made_the_last_one() {
        let key = CarryKey::of_token("fxa_1");
        let (head, mut records) = file(&key);
        records.truncate(2);
        records[1][0] |= 0x80;
        assert_eq!(read(&key, &head, &records), Err(CarryError::Damaged));
    }

    #[test]
    fn the_first_line_says_what_a_file_is() {
        assert_eq!(Head::read(b"PK\x03\x04"), Err(CarryError::NotOurs));
        assert_eq!(Head::read(b"FLUXION-CARRY 2 {}"), Err(CarryError::Newer));
        assert_eq!(Head::read(b"FLUXION-CARRY 1 {}"), Err(CarryError::NotOurs));
    }
}
