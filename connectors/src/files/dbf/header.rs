//! The header of a table: its fields, its code page, where its records begin.

use super::super::content::Alphabet;

/// Bytes of the header before its fields.
pub(in crate::files) const HEAD: usize = 32;

/// Fields of one table; FoxPro allows 255.
const FIELDS: usize = 2_048;

/// What the header says of the records.
#[derive(Debug, Clone)]
pub(in crate::files) struct Layout {
    /// Where records begin.
    pub start: u64,
    /// Bytes of a record, its deleted flag included.
    pub record: usize,
    pub fields: Vec<Field>,
    pub memo: MemoKind,
    /// The mark of the code page; 0 when the file does not say.
    pub code_page: u8,
    /// Where the bits about NULL and length stand within a record.
    pub null_flags: Option<(usize, usize)>,
    /// The bytes it was read from, without date and count, to see whether the table was redesigned.
    pub design: Vec<u8>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::files) struct Field {
    pub name: Box<str>,
    pub kind: Kind,
    /// Within the record; the deleted flag stands at 0.
    pub at: usize,
    pub length: usize,
    pub decimals: u8,
    /// Its bit in `_NullFlags` that says NULL.
    pub null_bit: Option<usize>,
    /// Its bit in `_NullFlags` that says that its last byte is its length.
    pub length_bit: Option<usize>,
}

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::files) enum Kind {
    Character,
    /// Digits as text: `N` and `F`.
    Numeric,
    Logical,
    Date,
    DateTime,
    Integer,
    /// Ten-thousandths in 64 bits.
    Money,
    Double,
    Memo,
    /// Pictures and OLE objects, kept in the memo file.
    Blob,
    Varchar,
    Varbinary,
}

/// The file beside the table that keeps long texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::files) enum MemoKind {
    FoxPro,
    DBase3,
    DBase4,
}

impl MemoKind {
    pub fn ending(self) -> &'static str {
        match self {
            Self::FoxPro => "fpt",
            Self::DBase3 | Self::DBase4 => "dbt",
        }
    }
}

/// Why a header makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::files) enum BadHeader {
    Unsupported(String),
    Damaged(String),
}

fn damaged(reason: impl Into<String>) -> BadHeader {
    BadHeader::Damaged(reason.into())
}

/// Bytes that the whole header takes, from its first 32.
pub(in crate::files) fn length(head: &[u8; HEAD]) -> Result<usize, BadHeader> {
    check_version(head[0])?;
    let length = usize::from(u16::from_le_bytes([head[8], head[9]]));
    if length < HEAD + 33 {
        return Err(damaged(format!(
            "its header says that it is {length} bytes long, which is no header"
        )));
    }
    Ok(length)
}

/// Records the header claims.
pub(in crate::files) fn count(head: &[u8; HEAD]) -> u32 {
    u32::from_le_bytes([head[4], head[5], head[6], head[7]])
}

fn check_version(version: u8) -> Result<(), BadHeader> {
    match version {
        0x02 | 0x03 | 0x30..=0x32 | 0x43 | 0x63 | 0x83 | 0x8b | 0xcb | 0xf5 | 0xfb => Ok(()),
        0x04 | 0x8c | 0xe5 => Err(BadHeader::Unsupported(format!(
            "it is of a kind that is not read (its first byte is 0x{version:02x}: dBase 7 or HiPer-Six)"
        ))),
        _ => Err(damaged(format!(
            "it is no DBF table (its first byte is 0x{version:02x})"
        ))),
    }
}

impl Layout {
    /// Reads a whole header.
    pub fn read(bytes: &[u8]) -> Result<Self, BadHeader> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
            return Err(damaged("it is shorter than a header"));
        };
        let start = length(head)?;
        if bytes.len() < start {
            return Err(damaged("it ends within its header"));
        }
        let version = head[0];
        let record = usize::from(u16::from_le_bytes([head[10], head[11]]));
        let is_visual = matches!(version, 0x30..=0x32);
        let mut reading = Reading {
            is_visual,
            at: 1,
            bit: 0,
            fields: Vec::new(),
            null_flags: None,
        };
        let descriptors = &rest[..start - HEAD];
        let end = descriptors
            .chunks(32)
            .position(|chunk| chunk[0] == 0x0d)
            .ok_or_else(|| damaged("its list of fields has no end"))?;
        if end == 0 || end > FIELDS {
            return Err(damaged(format!("it has {end} fields")));
        }
        for descriptor in descriptors.chunks_exact(32).take(end) {
            reading.field(descriptor)?;
        }
        if reading.at > record {
            return Err(damaged(format!(
                "its fields take {} bytes, its records only {record}",
                reading.at
            )));
        }
        let memo = match version {
            0x83 => MemoKind::DBase3,
            0x8b | 0xcb => MemoKind::DBase4,
            _ => MemoKind::FoxPro,
        };
        let mut design = bytes[HEAD..HEAD + 32 * end].to_vec();
        design.extend([version, head[8], head[9], head[10], head[11], head[29]]);
        Ok(Self {
            start: start as u64,
            record,
            fields: reading.fields,
            memo,
            code_page: head[29],
            null_flags: reading.null_flags,
            design,
        })
    }

    /// A field by name, case aside.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// What its mark says of its texts; None where it says nothing, or nothing known.
    pub fn marked_code_page(&self) -> Option<&'static str> {
        code_page(self.code_page)
    }

    /// The alphabet of its texts: as told, by its mark, else Windows-1252.
    pub fn alphabet(&self, told: Option<&str>) -> Result<Alphabet, String> {
        let name = told.or_else(|| code_page(self.code_page));
        Alphabet::named(name.unwrap_or("windows-1252")).map_err(|broken| broken.to_string())
    }
}

struct Reading {
    is_visual: bool,
    at: usize,
    bit: usize,
    fields: Vec<Field>,
    null_flags: Option<(usize, usize)>,
}

impl Reading {
    fn field(&mut self, descriptor: &[u8]) -> Result<(), BadHeader> {
        let name: Vec<u8> = descriptor[..11]
            .iter()
            .copied()
            .take_while(|byte| *byte != 0)
            .collect();
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        let letter = descriptor[11];
        let flags = if self.is_visual { descriptor[18] } else { 0 };
        let mut length = usize::from(descriptor[16]);
        let mut decimals = descriptor[17];
        if letter == b'C' {
            // Clipper and old FoxPro keep long texts by using both bytes.
            length += usize::from(decimals) << 8;
            decimals = 0;
        }
        let at = self.at;
        self.at += length;
        let is_flags = letter == b'0';
        if is_flags {
            self.null_flags = Some((at, length));
            return Ok(());
        }
        let length_bit = matches!(letter, b'V' | b'Q').then(|| self.next_bit());
        let null_bit = (flags & 2 != 0).then(|| self.next_bit());
        if flags & 1 != 0 {
            // A system field that is none of the POS's own.
            return Ok(());
        }
        let kind = match (letter, length) {
            (b'C', _) => Kind::Character,
            (b'N' | b'F', _) => Kind::Numeric,
            (b'L', 1) => Kind::Logical,
            (b'D', 8) => Kind::Date,
            (b'T', 8) => Kind::DateTime,
            (b'I', 4) => Kind::Integer,
            (b'Y', 8) => Kind::Money,
            (b'B', 8) if self.is_visual => Kind::Double,
            (b'M', 4 | 10) => Kind::Memo,
            (b'G' | b'P' | b'W', 4 | 10) | (b'B', 10) => Kind::Blob,
            (b'V', 1..) => Kind::Varchar,
            (b'Q', 1..) => Kind::Varbinary,
            _ => {
                let letter = char::from(letter).escape_default();
                return Err(damaged(format!(
                    "its field {name:?} is of the unknown type {letter}({length})"
                )));
            }
        };
        if name.is_empty() {
            return Err(damaged("one of its fields has no name"));
        }
        self.fields.push(Field {
            name: name.into(),
            kind,
            at,
            length,
            decimals,
            null_bit,
            length_bit,
        });
        Ok(())
    }

    fn next_bit(&mut self) -> usize {
        self.bit += 1;
        self.bit - 1
    }
}

impl Field {
    /// As a person who knows FoxPro writes it: `N(11,2)`.
    pub fn type_name(&self) -> String {
        let letter = match self.kind {
            Kind::Character => 'C',
            Kind::Numeric => 'N',
            Kind::Logical => return "L".to_owned(),
            Kind::Date => return "D".to_owned(),
            Kind::DateTime => return "T".to_owned(),
            Kind::Integer => return "I".to_owned(),
            Kind::Money => return "Y".to_owned(),
            Kind::Double => return format!("B({})", self.decimals),
            Kind::Memo => return "M".to_owned(),
            Kind::Blob => return "G".to_owned(),
            Kind::Varchar => 'V',
            Kind::Varbinary => 'Q',
        };
        if self.decimals > 0 {
            format!("{letter}({},{})", self.length, self.decimals)
        } else {
            format!("{letter}({})", self.length)
        }
    }
}

/// The code page that a mark stands for, after the tables of FoxPro and dBase.
fn code_page(mark: u8) -> Option<&'static str> {
    Some(match mark {
        0x01 | 0x09 | 0x0b | 0x0d | 0x0f | 0x11 | 0x15 | 0x18 | 0x19 | 0x1b => "cp437",
        0x02 | 0x0a | 0x0e | 0x10 | 0x12 | 0x14 | 0x16 | 0x1a | 0x1d | 0x25 | 0x37 => "cp850",
        0x03 | 0x57 | 0x58 | 0x59 => "windows-1252",
        0x04 => "macintosh",
        0x08 | 0x17 | 0x66 => "cp865",
        0x13 | 0x7b => "shift_jis",
        0x1c | 0x6c => "cp863",
        0x1f | 0x22 | 0x23 | 0x40 | 0x64 | 0x87 => "cp852",
        0x24 => "cp860",
        0x26 | 0x65 => "cp866",
        0x4d | 0x7a => "gbk",
        0x4e | 0x79 => "euc-kr",
        0x4f | 0x78 => "big5",
        0x50 | 0x7c => "cp874",
        0x67 => "cp861",
        0x6a | 0x86 => "cp737",
        0x6b | 0x88 => "cp857",
        0x7d => "windows-1255",
        0x7e => "windows-1256",
        0x96 => "x-mac-cyrillic",
        0xc8 => "windows-1250",
        0xc9 => "windows-1251",
        0xca => "windows-1254",
        0xcb => "windows-1253",
        0xcc => "windows-1257",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_page_that_is_named_is_known() {
        for mark in 0..=255 {
            if let Some(name) = code_page(mark) {
                assert!(Alphabet::named(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_a_reason() {
        let mut head = [0_u8; HEAD];
        head[0] = 0x8c;
        assert!(matches!(length(&head), Err(BadHeader::Unsupported(_))));
        head[0] = b'P';
        assert!(matches!(length(&head), Err(BadHeader::Damaged(_))));
        head[0] = 0x30;
        assert!(matches!(length(&head), Err(BadHeader::Damaged(_))));
    }
}
