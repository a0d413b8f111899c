//! What a file's bytes are: their hash, and the alphabet they are written in.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::SystemTime;

use encoding_rs::{CoderResult, Decoder, Encoding};
use oem_cp::code_table::DECODING_TABLE_CP_MAP;
use oem_cp::code_table_type::TableType;
use sha2::{Digest as _, Sha256};

use super::table::Broken;

const CHUNK: usize = 64 * 1024;

/// What one pass over a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    /// SHA-256 in hexadecimal.
    pub hash: String,
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Line breaks.
    pub lines: u64,
    has_nul: bool,
    /// Sequences of several bytes that are UTF-8, and bytes that are not.
    multibyte: u64,
    invalid: u64,
    start: [u8; 4],
}

impl Digest {
    pub fn of(path: &Path) -> Result<Self, Broken> {
        let mut file = open_unshared(path)?;
        let metadata = file.metadata()?;
        let mut digest = Self {
            hash: String::new(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
            lines: 0,
            has_nul: false,
            multibyte: 0,
            invalid: 0,
            start: [0; 4],
        };
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut kept = 0;
        let mut is_first = true;
        loop {
            let read = file.read(&mut buffer[kept..])?;
            let filled = kept + read;
            hasher.update(&buffer[kept..filled]);
            if is_first {
                let known = filled.min(4);
                digest.start[..known].copy_from_slice(&buffer[..known]);
                is_first = false;
            }
            kept = digest.look(&buffer[..filled], read == 0);
            buffer.copy_within(filled - kept..filled, 0);
            if read == 0 {
                break;
            }
        }
        digest.hash = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(digest)
    }

    /// Counts in a chunk; returns how many bytes at its end belong to a character that goes on in the next.
    fn look(&mut self, mut bytes: &[u8], is_last: bool) -> usize {
        loop {
            let (valid, error) = match std::str::from_utf8(bytes) {
                Ok(_) => (bytes.len(), None),
                Err(error) => (error.valid_up_to(), Some(error)),
            };
            for byte in &bytes[..valid] {
                self.lines += u64::from(*byte == b'\n');
                self.has_nul |= *byte == 0;
                self.multibyte += u64::from(*byte >= 0xc0);
            }
            let Some(error) = error else { return 0 };
            match error.error_len() {
                None if !is_last => return bytes.len() - valid,
                length => {
                    self.invalid += 1;
                    bytes = &bytes[valid + length.unwrap_or(bytes.len() - valid)..];
                }
            }
        }
    }

    /// The alphabet: as told, by its mark, UTF-8 when it is valid, else Windows-1252. A file that is UTF-8 nearly
    /// everywhere is UTF-8 with broken rows.
    pub fn alphabet(&self, told: Option<&str>) -> Result<Alphabet, Broken> {
        if let Some(name) = told {
            return Alphabet::named(name);
        }
        Ok(match self.start {
            [0xff, 0xfe, ..] => Alphabet::Encoding(encoding_rs::UTF_16LE),
            [0xfe, 0xff, ..] => Alphabet::Encoding(encoding_rs::UTF_16BE),
            [0xef, 0xbb, 0xbf, _] => Alphabet::Utf8,
            _ if self.invalid == 0 || self.multibyte > 4 * self.invalid => Alphabet::Utf8,
            _ => Alphabet::Encoding(encoding_rs::WINDOWS_1252),
        })
    }

    pub fn is_utf_16(&self) -> bool {
        matches!(self.start, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
    }

    /// A power cut leaves files filled with zeros.
    pub fn has_nul(&self) -> bool {
        self.has_nul && !self.is_utf_16()
    }

    /// Whether the file still is what was looked at.
    pub fn still_holds(&self, path: &Path) -> bool {
        std::fs::metadata(path)
            .is_ok_and(|now| now.len() == self.size && now.modified().ok() == self.modified)
    }
}

/// Opens a file that nobody else is writing to, where the system can tell.
pub(super) fn open_unshared(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        options.share_mode(0);
    }
    options.open(path)
}

/// How bytes become text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alphabet {
    /// Left as it is; what is broken is found cell by cell.
    Utf8,
    Encoding(&'static Encoding),
    CodePage(&'static TableType),
}

impl Alphabet {
    /// By a name such as `windows-1252` or `cp850`.
    pub fn named(name: &str) -> Result<Self, Broken> {
        let plain = name.trim().to_lowercase();
        let digits = plain
            .trim_start_matches("cp")
            .trim_start_matches("ibm")
            .trim_start_matches("dos-");
        if let Some(table) = digits
            .parse()
            .ok()
            .and_then(|page: u16| DECODING_TABLE_CP_MAP.get(&page))
        {
            return Ok(Self::CodePage(table));
        }
        match Encoding::for_label(plain.as_bytes()) {
            Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(Self::Utf8),
            Some(encoding) => Ok(Self::Encoding(encoding)),
            None => Err(Broken::new(format!(
                "the mapping's encoding {name:?} is unknown: write a name such as windows-1252, utf-8 or cp850"
            ))),
        }
    }

    /// A text by itself; none when some of its bytes mean nothing.
    pub fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            // All alphabets but UTF-16 begin with ASCII.
            Self::CodePage(_) if bytes.is_ascii() => std::str::from_utf8(bytes).ok().map(Cow::from),
            Self::CodePage(table) => {
                let text = table.decode_string_lossy(bytes);
                (!text.contains(char::REPLACEMENT_CHARACTER)).then_some(Cow::Owned(text))
            }
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::from),
            Self::Encoding(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes)
            }
        }
    }

    /// A reader of UTF-8 without a byte order mark.
    pub fn reader(self, file: File) -> io::Result<Box<dyn io::BufRead + Send>> {
        let decoding = match self {
            Self::Utf8 => {
                let mut reader = BufReader::with_capacity(CHUNK, file);
                let start = io::BufRead::fill_buf(&mut reader)?;
                if start.starts_with(&[0xef, 0xbb, 0xbf]) {
                    io::BufRead::consume(&mut reader, 3);
                }
                return Ok(Box::new(reader));
            }
            Self::Encoding(encoding) => Decoding::Encoding(encoding.new_decoder_with_bom_removal()),
            Self::CodePage(table) => Decoding::CodePage(table),
        };
        let reader = Decoded {
            file,
            decoding,
            bytes: vec![0; CHUNK],
            text: String::new(),
            at: 0,
            is_over: false,
        };
        Ok(Box::new(BufReader::with_capacity(CHUNK, reader)))
    }
}

enum Decoding {
    Encoding(Decoder),
    CodePage(&'static TableType),
}

/// Decodes a chunk at a time. What cannot be decoded becomes U+FFFD, which is found cell by cell.
struct Decoded {
    file: File,
    decoding: Decoding,
    bytes: Vec<u8>,
    text: String,
    at: usize,
    is_over: bool,
}

impl Decoded {
    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.at = 0;
        let read = self.file.read(&mut self.bytes)?;
        self.is_over = read == 0;
        match &mut self.decoding {
            Decoding::CodePage(table) => self.text = table.decode_string_lossy(&self.bytes[..read]),
            Decoding::Encoding(decoder) => {
                let mut from = 0;
                loop {
                    self.text.reserve(CHUNK * 3);
                    let (result, used, _) = decoder.decode_to_string(
                        &self.bytes[from..read],
                        &mut self.text,
                        self.is_over,
                    );
                    from += used;
                    if result == CoderResult::InputEmpty {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.is_over {
            self.refill()?;
        }
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], told: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let alphabet = Digest::of(&path).unwrap().alphabet(told).unwrap();
        let mut text = String::new();
        alphabet
            .reader(File::open(&path).unwrap())
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn the_alphabet_is_told_by_mark_by_validity_or_by_name() {
        assert_eq!(decoded("Café".as_bytes(), None), "Café");
        assert_eq!(decoded(b"\xef\xbb\xbfCaf\xc3\xa9", None), "Café");
        assert_eq!(decoded(b"Caf\xe9 \x80", None), "Café €");
        assert_eq!(decoded(b"\xff\xfeC\0\xe9\0", None), "Cé");
        assert_eq!(decoded(b"Pe\xa4a", Some("cp850")), "Peña");
        assert_eq!(decoded(b"", None), "");
    }

    #[test]
    fn a_character_on_the_border_of_two_chunks_is_whole() {
        let text = "é".repeat(CHUNK);
        assert_eq!(
            decoded(format!("a{text}").as_bytes(), None).len(),
            1 + 2 * CHUNK
        );
        assert_eq!(
            decoded(format!("a{text}").as_bytes(), Some("utf-8"))
                .chars()
                .count(),
            1 + CHUNK
        );
    }
}
