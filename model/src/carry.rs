//! Deliveries in a file, carried on a stick from a store without a line to wherever there is one; and the receipt that is
//! carried back.
//!
//! Whoever finds the stick reads nothing and changes nothing unnoticed. The file begins with one readable line that names
//! the agent and a salt. Then come records, each sealed by ChaCha20-Poly1305 under a key that HKDF-SHA256 derives from
//! the hash of the agent's token, which is all that the cloud keeps of it, from the salt and from that whole first line.
//! The nonce is the record's number and whether it is the last, so none can be left out, moved, or cut off at the end.
//! The receipt is readable and carries an HMAC under a key derived in the same way.
//!
//! Pure functions over bytes: who reads and writes the files, and who applies what is in them, is elsewhere.

use chrono::{DateTime, Utc};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hkdf, hmac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::delivery::DeliveryHeader;
use crate::enrolment::PosSystemDeclaration;
use crate::id::{AgentId, BatchSeq, Epoch, JobId, PosSystemId, StreamName};
use crate::wire;

/// How the name of a file ends.
pub const FILE_EXTENSION: &str = "carry";
/// How the name of a receipt ends.
pub const RECEIPT_EXTENSION: &str = "receipt";
/// The longest first line.
pub const MAX_HEAD_BYTES: usize = 1024;
/// The largest sealed record. A delivery may have 16 MiB.
pub const MAX_RECORD_BYTES: usize = 17 * 1024 * 1024;
/// The largest file: what fits on a stick as it is sold, formatted with FAT32.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024 - 1;

const MAGIC: &str = "FLUXION-CARRY ";
const VERSION: u32 = 1;
const RECEIPT_MAGIC: &str = "FLUXION-RECEIPT 1 ";
/// The top bit of a record's length.
const LAST: u32 = 1 << 31;

/// Why a file or receipt cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// Something else.
    #[error("this is not a file of an agent of Fluxion Sync")]
    NotOurs,
    /// Made by a newer version.
    #[error("the file was written by a newer version; update this side")]
    Newer,
    /// It does not fit the key.
    #[error("the file is damaged, or the agent was enrolled again after it was written")]
    Damaged,
    /// The end is missing.
    #[error("the file is cut off; its end is missing")]
    CutOff,
    /// Beyond a limit.
    #[error("the file is beyond a limit")]
    TooLarge,
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

/// What agent and cloud share: the hash of the agent's token. `Debug` does not give it away.
#[derive(Clone)]
pub struct CarryKey([u8; 32]);

impl CarryKey {
    /// From the token, at the agent.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// From its hash, in the cloud.
    #[must_use]
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    fn derive(&self, salt: &[u8], purpose: &[u8]) -> Result<[u8; 32], CarryError> {
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&self.0)
            .expand(&[purpose], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| CarryError::Damaged)?;
        Ok(key)
    }
}

impl std::fmt::Debug for CarryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarryKey(…)")
    }
}

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

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time; whether the lint speaks depends on the features of serde_json"
)]
pub enum Entry {
    /// First of all: what follows.
    Manifest(Manifest),
    /// A POS system that deliveries of the file come from; before them.
    PosSystem(CarriedPosSystem),
    /// A delivery.
    Delivery(CarriedDelivery),
    /// Nothing follows.
    End,
    /// Something that a newer version writes and this one passes over.
    Unknown,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The spool's life.
    pub epoch: Epoch,
    /// The first delivery in it: everything before it was acknowledged.
    pub first: BatchSeq,
    /// The last.
    pub last: BatchSeq,
    /// When the file was written, by the store's clock.
    pub made_at: DateTime<Utc>,
    /// The agent's version.
    pub version: String,
}

/// A POS system as the cloud must know it before its deliveries can be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarriedPosSystem {
    /// Its name in the agent's configuration.
    pub name: String,
    /// What the cloud called it when there was a line; needed where there is no declaration.
    #[serde(default)]
    pub id: Option<PosSystemId>,
    /// What the cloud is told about it. Absent when it was taken out of the configuration.
    #[serde(default)]
    pub declaration: Option<PosSystemDeclaration>,
}

/// A delivery as it waits at the agent: like [`DeliveryHeader`], but the cloud may not have named the POS system yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedDelivery {
    /// The name of its POS system in the agent's configuration.
    pub pos: String,
    /// Number within the file's epoch.
    pub seq: BatchSeq,
    /// When the agent made it.
    pub made_at: DateTime<Utc>,
    /// Which stream it comes from.
    pub stream: StreamName,
    /// The run that read it.
    pub job: JobId,
    /// Version of the mapping that made it.
    pub mapping_version: u32,
    /// How many lines it has.
    pub lines: u32,
    /// Its lines, a zstd frame.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl CarriedDelivery {
    /// Its header, now that the cloud's name of the POS system is known.
    #[must_use]
    pub fn header(&self, epoch: Epoch, pos_system: PosSystemId) -> DeliveryHeader {
        DeliveryHeader {
            fluxion: wire::VERSION,
            epoch,
            seq: self.seq,
            made_at: self.made_at,
            pos_system,
            stream: self.stream.clone(),
            job: self.job,
            mapping_version: self.mapping_version,
            lines: self.lines,
        }
    }
}

impl Entry {
    /// A byte for the kind, then JSON; for a delivery the length of the JSON, the JSON, and the body.
    fn encode(&self) -> Result<Vec<u8>, CarryError> {
        let json = |kind: u8, json: Result<Vec<u8>, serde_json::Error>| {
            let json = json.map_err(|_| CarryError::TooLarge)?;
            Ok([&[kind][..], &json].concat())
        };
        match self {
            Self::Manifest(manifest) => json(b'M', serde_json::to_vec(manifest)),
            Self::PosSystem(pos) => json(b'P', serde_json::to_vec(pos)),
            Self::Delivery(delivery) => {
                let header = serde_json::to_vec(delivery).map_err(|_| CarryError::TooLarge)?;
                let length = u32::try_from(header.len()).map_err(|_| CarryError::TooLarge)?;
                Ok([b"D", &length.to_be_bytes()[..], &header, &delivery.body].concat())
            }
            Self::End => Ok(b"E".to_vec()),
            Self::Unknown => Ok(b"?".to_vec()),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CarryError> {
        fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CarryError> {
            serde_json::from_slice(bytes).map_err(|_| CarryError::Newer)
        }
        let (kind, rest) = bytes.split_first().ok_or(CarryError::Damaged)?;
        Ok(match kind {
            b'M' => Self::Manifest(json(rest)?),
            b'P' => Self::PosSystem(json(rest)?),
            b'D' => {
                let (length, rest) = rest.split_first_chunk().ok_or(CarryError::Damaged)?;
                let length = u32::from_be_bytes(*length) as usize;
                let (header, body) = rest.split_at_checked(length).ok_or(CarryError::Damaged)?;
                Self::Delivery(CarriedDelivery {
                    body: body.to_vec(),
                    ..json(header)?
                })
            }
            b'E' => Self::End,
            _ => Self::Unknown,
        })
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
        let line = format!("{RECEIPT_MAGIC}{json}");
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
        let json = line
            .strip_prefix(RECEIPT_MAGIC)
            .ok_or(CarryError::NotOurs)?;
        let tag = unhex(tag.trim()).ok_or(CarryError::Damaged)?;
        hmac::verify(&receipt_key(key)?, line.as_bytes(), &tag).map_err(|_| CarryError::Damaged)?;
        serde_json::from_str(json).map_err(|_| CarryError::Newer)
    }
}

/// A store's name as it can stand in the name of a file on any stick: letters without accents, digits and dashes.
#[must_use]
pub fn file_name_part(name: &str) -> String {
    let lower = name.to_lowercase();
    let plain = lower.chars().map(|letter| match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other if other.is_ascii_alphanumeric() => other,
        _ => '-',
    });
    let plain: String = plain.collect();
    let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let short: String = words.join("-").chars().take(60).collect();
    if short.is_empty() {
        "store".to_owned()
    } else {
        short
    }
}

fn receipt_key(key: &CarryKey) -> Result<hmac::Key, CarryError> {
    let key = key.derive(b"", RECEIPT_MAGIC.as_bytes())?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_stores_name_becomes_part_of_a_files_name() {
        assert_eq!(
            file_name_part("Abastos Ñandú, Nº 3 / Cúa"),
            "abastos-nandu-n-3-cua"
        );
        assert_eq!(file_name_part("¡!"), "store");
    }

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
