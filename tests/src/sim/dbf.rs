//! Tables as FoxPro writes them: record by record, in place, with the header last.
//!
//! Nothing of the product takes part, so a mistake there cannot hide itself here.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of so many characters.
    C(u8),
    /// A number as text: width and digits after the point.
    N(u8, u8),
    /// The same, called float.
    F(u8, u8),
    /// True or false.
    L,
    /// A day.
    D,
    /// A moment.
    T,
    /// A whole number of 32 bits.
    I,
    /// Money: ten-thousandths.
    Y,
    /// A binary float.
    B,
    /// Long text in the memo file.
    M,
    /// Text of variable length, up to so many characters.
    V(u8),
}

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Up to ten characters.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A field that may not be NULL.
#[must_use]
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: false,
    }
}

/// Who wrote the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// dBase III, with or without memos.
    DBase3,
    /// dBase IV.
    DBase4,
    /// FoxPro 2.
    FoxPro,
    /// Visual FoxPro.
    VisualFoxPro,
}

/// What is written into a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text in Windows-1252, also of a memo.
    Text(String),
    /// A number.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// A moment.
    Moment(NaiveDateTime),
    /// True or false.
    Bool(bool),
    /// NULL, or as empty as the field can be.
    Null,
    /// These very bytes.
    Raw(Vec<u8>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Decimal> for Cell {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<NaiveDate> for Cell {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}

/// A table on the disk.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    version: Version,
    fields: Vec<Field>,
    code_page: u8,
    /// Records, deleted ones included.
    pub count: u32,
    memo_next: u32,
}

impl Table {
    /// Makes an empty table, and its memo file where it has memos.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &Path, version: Version, code_page: u8, fields: &[Field]) -> Result<Self> {
        let mut table = Self {
            path: path.to_owned(),
            version,
            fields: fields.to_vec(),
            code_page,
            count: 0,
            memo_next: 0,
        };
        fs::write(path, table.header())
            .with_context(|| format!("could not make {}", path.display()))?;
        table.make_memo()?;
        Ok(table)
    }

    fn has_memo(&self) -> bool {
        self.fields.iter().any(|field| field.kind == Kind::M)
    }

    fn is_visual(&self) -> bool {
        self.version == Version::VisualFoxPro
    }

    /// The memo file's path.
    #[must_use]
    pub fn memo_path(&self) -> PathBuf {
        let ending = match self.version {
            Version::DBase3 | Version::DBase4 => "dbt",
            Version::FoxPro | Version::VisualFoxPro => "fpt",
        };
        self.path.with_extension(ending)
    }

    fn make_memo(&mut self) -> Result<()> {
        if !self.has_memo() {
            return Ok(());
        }
        let mut head = vec![0_u8; 512];
        match self.version {
            Version::DBase3 => {}
            Version::DBase4 => head[20..22].copy_from_slice(&512_u16.to_le_bytes()),
            Version::FoxPro | Version::VisualFoxPro => {
                head[6..8].copy_from_slice(&64_u16.to_be_bytes());
            }
        }
        fs::write(self.memo_path(), &head)?;
        self.memo_next = match self.version {
            Version::DBase3 | Version::DBase4 => 1,
            Version::FoxPro | Version::VisualFoxPro => 8,
        };
        Ok(())
    }

    fn length(&self, kind: Kind) -> u8 {
        match kind {
            Kind::C(length) | Kind::N(length, _) | Kind::F(length, _) | Kind::V(length) => length,
            Kind::L => 1,
            Kind::D | Kind::T | Kind::Y | Kind::B => 8,
            Kind::I => 4,
            Kind::M if self.is_visual() => 4,
            Kind::M => 10,
        }
    }

    /// Bits that say NULL or give a length, one byte for eight of them.
    fn flag_bytes(&self) -> u8 {
        let bits = self.fields.iter().map(|field| {
            usize::from(matches!(field.kind, Kind::V(_))) + usize::from(field.nullable)
        });
        u8::try_from(bits.sum::<usize>().div_ceil(8)).unwrap_or(u8::MAX)
    }

    /// Bytes of a record.
    #[must_use]
    pub fn record_length(&self) -> usize {
        let fields = self
            .fields
            .iter()
            .map(|field| usize::from(self.length(field.kind)));
        1 + fields.sum::<usize>() + usize::from(self.flag_bytes())
    }

    /// Where records begin.
    #[must_use]
    pub fn header_length(&self) -> usize {
        let flags = usize::from(self.flag_bytes() > 0);
        let backlink = if self.is_visual() { 263 } else { 0 };
        32 + 32 * (self.fields.len() + flags) + 1 + backlink
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = vec![0_u8; 32];
        bytes[0] = match (self.version, self.has_memo()) {
            (Version::VisualFoxPro, _) => 0x30,
            (Version::FoxPro, true) => 0xf5,
            (Version::DBase4, true) => 0x8b,
            (Version::DBase3, true) => 0x83,
            (_, false) => 0x03,
        };
        bytes[1..4].copy_from_slice(&[126, 2, 28]);
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        let header = u16::try_from(self.header_length()).unwrap_or(u16::MAX);
        bytes[8..10].copy_from_slice(&header.to_le_bytes());
        let record = u16::try_from(self.record_length()).unwrap_or(u16::MAX);
        bytes[10..12].copy_from_slice(&record.to_le_bytes());
        bytes[28] = u8::from(self.has_memo()) * 2;
        bytes[29] = self.code_page;
        let mut at = 1_u32;
        for field in &self.fields {
            let (letter, decimals) = match field.kind {
                Kind::C(_) => (b'C', 0),
                Kind::N(_, decimals) => (b'N', decimals),
                Kind::F(_, decimals) => (b'F', decimals),
                Kind::L => (b'L', 0),
                Kind::D => (b'D', 0),
                Kind::T => (b'T', 0),
                Kind::I => (b'I', 0),
                Kind::Y => (b'Y', 4),
                Kind::B => (b'B', 2),
                Kind::M => (b'M', 0),
                Kind::V(_) => (b'V', 0),
            };
            let length = self.length(field.kind);
            let flags = if field.nullable { 2 } else { 0 };
            bytes.extend(descriptor(field.name, letter, at, length, decimals, flags));
            at += u32::from(length);
        }
        if self.flag_bytes() > 0 {
            bytes.extend(descriptor("_NullFlags", b'0', at, self.flag_bytes(), 0, 5));
        }
        bytes.push(0x0d);
        bytes.resize(self.header_length(), 0);
        bytes
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .with_context(|| format!("could not open {}", self.path.display()))
    }

    fn place(&self, record: u32) -> u64 {
        self.header_length() as u64 + u64::from(record) * self.record_length() as u64
    }

    /// Adds a record; returns its number, from 0. The header is written last, as FoxPro does.
    ///
    /// # Errors
    /// When a cell does not fit its field, or the disk refuses.
    pub fn append(&mut self, cells: &[Cell]) -> Result<u32> {
        let mut bytes = self.record(cells)?;
        bytes.push(0x1a);
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(self.place(self.count)))?;
        file.write_all(&bytes)?;
        self.count += 1;
        file.seek(SeekFrom::Start(4))?;
        file.write_all(&self.count.to_le_bytes())?;
        Ok(self.count - 1)
    }

    /// Adds many records at once.
    ///
    /// # Errors
    /// As [`Table::append`].
    pub fn fill(&mut self, rows: &[Vec<Cell>]) -> Result<()> {
        let mut bytes = Vec::new();
        for cells in rows {
            bytes.extend(self.record(cells)?);
        }
        bytes.push(0x1a);
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(self.place(self.count)))?;
        file.write_all(&bytes)?;
        self.count += u32::try_from(rows.len())?;
        file.seek(SeekFrom::Start(4))?;
        file.write_all(&self.count.to_le_bytes())?;
        Ok(())
    }

    /// Writes a record anew, in its place.
    ///
    /// # Errors
    /// As [`Table::append`].
    pub fn update(&mut self, record: u32, cells: &[Cell]) -> Result<()> {
        let bytes = self.record(cells)?;
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(self.place(record)))?;
        Ok(file.write_all(&bytes)?)
    }

    /// Marks a record as deleted.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn delete(&mut self, record: u32) -> Result<()> {
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(self.place(record)))?;
        Ok(file.write_all(b"*")?)
    }

    /// Writes the table anew without its deleted records, beside the old one, and puts it in its place. The numbers of
    /// the records that stay, in order.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn pack(&mut self) -> Result<Vec<u32>> {
        let bytes = fs::read(&self.path)?;
        let mut kept = Vec::new();
        let mut body = Vec::new();
        for number in 0..self.count {
            let from = usize::try_from(self.place(number))?;
            let record = bytes
                .get(from..from + self.record_length())
                .context("the table is shorter than its header says")?;
            if record[0] != b'*' {
                kept.push(number);
                body.extend_from_slice(record);
            }
        }
        self.count = u32::try_from(kept.len())?;
        let mut fresh = self.header();
        fresh.extend(body);
        fresh.push(0x1a);
        let beside = self.path.with_extension("tmp");
        fs::write(&beside, fresh)?;
        fs::rename(&beside, &self.path)?;
        Ok(kept)
    }

    fn record(&mut self, cells: &[Cell]) -> Result<Vec<u8>> {
        if cells.len() != self.fields.len() {
            bail!("{} cells for {} fields", cells.len(), self.fields.len());
        }
        let mut bytes = vec![b' '];
        let mut flags = vec![0_u8; usize::from(self.flag_bytes())];
        let mut bit = 0;
        for (field, cell) in self.fields.clone().iter().zip(cells) {
            let length = usize::from(self.length(field.kind));
            let mut written = self.cell(field.kind, cell)?;
            if let Kind::V(_) = field.kind {
                if written.len() < length {
                    flags[bit / 8] |= 1 << (bit % 8);
                    let real = u8::try_from(written.len())?;
                    written.resize(length - 1, 0);
                    written.push(real);
                }
                bit += 1;
            }
            if field.nullable {
                if *cell == Cell::Null {
                    flags[bit / 8] |= 1 << (bit % 8);
                }
                bit += 1;
            }
            if written.len() != length {
                bail!("{cell:?} does not fit {field:?}");
            }
            bytes.extend(written);
        }
        bytes.extend(flags);
        Ok(bytes)
    }

    fn cell(&mut self, kind: Kind, cell: &Cell) -> Result<Vec<u8>> {
        let length = usize::from(self.length(kind));
        let blank = || match kind {
            Kind::T | Kind::I | Kind::Y | Kind::B => vec![0; length],
            Kind::M if length == 4 => vec![0; 4],
            Kind::V(_) => Vec::new(),
            _ => vec![b' '; length],
        };
        Ok(match (kind, cell) {
            (_, Cell::Raw(bytes)) => bytes.clone(),
            (_, Cell::Null) => blank(),
            (Kind::C(_), Cell::Text(text)) => {
                let mut bytes = ansi(text);
                if bytes.len() > length {
                    bail!("{text:?} is longer than {length}");
                }
                bytes.resize(length, b' ');
                bytes
            }
            (Kind::V(_), Cell::Text(text)) => ansi(text),
            (Kind::M, Cell::Text(text)) => self.memo(&ansi(text))?,
            (Kind::N(_, decimals) | Kind::F(_, decimals), Cell::Number(number)) => {
                let mut number = *number;
                number.rescale(decimals.into());
                format!("{number:>length$}").into_bytes()
            }
            (Kind::I, Cell::Number(number)) => {
                let whole = number.to_i32().context("no whole number")?;
                whole.to_le_bytes().to_vec()
            }
            (Kind::Y, Cell::Number(number)) => {
                let scaled = (*number * Decimal::from(10_000)).to_i64();
                scaled.context("too much money")?.to_le_bytes().to_vec()
            }
            (Kind::B, Cell::Number(number)) => {
                let float: f64 = number.to_string().parse()?;
                float.to_le_bytes().to_vec()
            }
            (Kind::L, Cell::Bool(flag)) => vec![if *flag { b'T' } else { b'F' }],
            (Kind::D, Cell::Date(day)) => day.format("%Y%m%d").to_string().into_bytes(),
            (Kind::T, Cell::Moment(moment)) => {
                let day = moment.date().num_days_from_ce() + 1_721_425;
                let milliseconds = moment.time().num_seconds_from_midnight() * 1000;
                let mut bytes = day.to_le_bytes().to_vec();
                bytes.extend(milliseconds.to_le_bytes());
                bytes
            }
            (kind, cell) => bail!("{cell:?} is nothing for {kind:?}"),
        })
    }

    /// Writes a memo at the end of its file; returns what the field holds of it.
    fn memo(&mut self, text: &[u8]) -> Result<Vec<u8>> {
        let (block, mut bytes) = match self.version {
            Version::DBase3 => (512, [text, &[0x1a, 0x1a]].concat()),
            Version::DBase4 => {
                let length = u32::try_from(text.len() + 8)?.to_le_bytes();
                (512, [&[0xff, 0xff, 8, 0][..], &length, text].concat())
            }
            Version::FoxPro | Version::VisualFoxPro => {
                let length = u32::try_from(text.len())?.to_be_bytes();
                (64, [&[0, 0, 0, 1][..], &length, text].concat())
            }
        };
        bytes.resize(bytes.len().next_multiple_of(block), 0);
        let number = self.memo_next;
        let mut file = OpenOptions::new().write(true).open(self.memo_path())?;
        file.seek(SeekFrom::Start(u64::from(number) * block as u64))?;
        file.write_all(&bytes)?;
        self.memo_next += u32::try_from(bytes.len() / block)?;
        Ok(if self.is_visual() {
            number.to_le_bytes().to_vec()
        } else {
            format!("{number:>10}").into_bytes()
        })
    }
}

fn descriptor(name: &str, letter: u8, at: u32, length: u8, decimals: u8, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0_u8; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[11] = letter;
    bytes[12..16].copy_from_slice(&at.to_le_bytes());
    bytes[16] = length;
    bytes[17] = decimals;
    bytes[18] = flags;
    bytes
}

fn ansi(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_bytes_that_its_header_promises() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("T.DBF");
        let fields = [field("ID", Kind::N(6, 0)), field("NAME", Kind::C(10))];
        let mut table = Table::create(&path, Version::VisualFoxPro, 3, &fields).unwrap();
        table.append(&[7.into(), "Ñame".into()]).unwrap();
        table.append(&[8.into(), "Pan".into()]).unwrap();
        table.delete(0).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 32 + 64 + 1 + 263 + 2 * 17 + 1);
        assert_eq!(&bytes[360..377], b"*     7\xd1ame      ");
        assert_eq!(table.pack().unwrap(), [1]);
        assert_eq!(fs::metadata(&path).unwrap().len(), 360 + 17 + 1);
    }
}
