//! The file beside a table that keeps its long texts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::header::MemoKind;

/// A memo longer than this is damage, or no text that anybody wants to send.
const LONGEST: usize = 4 * 1024 * 1024;

/// A memo of dBase III has no length; it is looked for its end so far.
const LONGEST_OPEN: usize = 256 * 1024;

/// Reads memos.
#[derive(Debug)]
pub(super) struct Memo(Result<Opened, String>);

#[derive(Debug)]
struct Opened {
    file: File,
    kind: MemoKind,
    block: u64,
}

impl Memo {
    /// Looks at the file's header. What is wrong with it is said for each memo, and so for the row that needs it.
    pub fn open(name: &str, file: io::Result<Option<File>>, kind: MemoKind) -> Self {
        let opened = match file {
            Ok(Some(file)) => {
                Opened::new(file, kind).map_err(|error| format!("memo file {name}: {error}"))
            }
            Ok(None) => Err(format!(
                "the memo file {name} is missing: restore it beside its table"
            )),
            Err(error) => Err(format!("the memo file {name} cannot be opened ({error})")),
        };
        Self(opened)
    }

    /// The content of the memo that begins with this block.
    pub fn read(&mut self, block: u32) -> Result<Vec<u8>, String> {
        let opened = self.0.as_mut().map_err(|reason| reason.clone())?;
        opened
            .read(block)
            .map_err(|error| format!("its memo cannot be read ({error})"))
    }
}

fn damage(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl Opened {
    fn new(mut file: File, kind: MemoKind) -> io::Result<Self> {
        let mut head = [0_u8; 32];
        file.read_exact(&mut head)
            .map_err(|_| damage("it has no header"))?;
        let block = match kind {
            MemoKind::FoxPro => u64::from(u16::from_be_bytes([head[6], head[7]])),
            MemoKind::DBase3 => 512,
            MemoKind::DBase4 => match u64::from(u16::from_le_bytes([head[20], head[21]])) {
                0 => 512,
                size => size,
            },
        };
        // FoxPro's SET BLOCKSIZE TO 0 means blocks of a single byte.
        Ok(Self {
            file,
            kind,
            block: block.max(1),
        })
    }

    fn read(&mut self, block: u32) -> io::Result<Vec<u8>> {
        self.file
            .seek(SeekFrom::Start(u64::from(block) * self.block))?;
        let length = match self.kind {
            MemoKind::DBase3 => return self.open_ended(),
            MemoKind::FoxPro => {
                let head = self.head()?;
                u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize
            }
            MemoKind::DBase4 => {
                let head = self.head()?;
                if head[..2] != [0xff, 0xff] {
                    return self.open_ended_after(&head);
                }
                let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
                length
                    .checked_sub(8)
                    .ok_or_else(|| damage("its length makes no sense"))?
            }
        };
        if length > LONGEST {
            return Err(damage(&format!(
                "it claims to be {length} bytes long, the limit is {LONGEST}"
            )));
        }
        let mut content = Vec::with_capacity(length.min(64 * 1024));
        (&mut self.file)
            .take(length as u64)
            .read_to_end(&mut content)?;
        if content.len() < length {
            return Err(damage("the memo file ends before it does"));
        }
        Ok(content)
    }

    fn head(&mut self) -> io::Result<[u8; 8]> {
        let mut head = [0; 8];
        self.file
            .read_exact(&mut head)
            .map_err(|_| damage("the memo file ends before it begins"))?;
        Ok(head)
    }

    fn open_ended(&mut self) -> io::Result<Vec<u8>> {
        self.open_ended_after(&[])
    }

    /// A memo that ends with the sign of a text's end.
    fn open_ended_after(&mut self, begun: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = begun.to_vec();
        let mut part = [0_u8; 512];
        loop {
            if let Some(end) = content.iter().position(|byte| *byte == 0x1a) {
                content.truncate(end);
                return Ok(content);
            }
            if content.len() > LONGEST_OPEN {
                return Err(damage("it has no end"));
            }
            let read = self.file.read(&mut part)?;
            if read == 0 {
                return Err(damage("the memo file ends before it does"));
            }
            content.extend_from_slice(&part[..read]);
        }
    }
}
