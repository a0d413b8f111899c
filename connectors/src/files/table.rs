//! Rows of a file, whatever its format.

use std::io::{self, Read as _};
use std::path::Path;

use fluxion_model::row::Row;
use fluxion_model::stream::{FileFormat, FileSource, StreamSpec};
use fluxion_model::value::Value;

use super::content::{Digest, open_unshared};
use super::records::{Records, web_page};
use super::separated::Separated;
use super::workbook::Workbook;
use crate::connector::RowProblem;

/// Why a file cannot be read, and what to do; a sentence for a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub String);

impl Broken {
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self(format!(
            "it cannot be opened ({error}): check that no program holds it and that it may be read"
        ))
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Line of text or row of the sheet, from 1.
    pub position: u64,
    /// As many as there are columns.
    pub values: Vec<Value>,
    /// The rows of each child group, where they stand within the record.
    pub nested: Vec<Vec<Row>>,
}

/// A file being read from top to bottom.
pub(super) enum Table {
    Separated(Separated),
    Workbook(Workbook),
    Records(Box<Records>),
}

impl Table {
    pub fn open(
        path: &Path,
        source: &FileSource,
        spec: Option<&StreamSpec>,
        digest: &Digest,
    ) -> Result<Self, Broken> {
        if digest.size == 0 {
            return Err(Broken::new("it is empty: export it again"));
        }
        let format = source.format.unwrap_or_else(|| by_ending(path));
        if format == FileFormat::Excel {
            return Workbook::open(path, source).map(Self::Workbook);
        }
        if digest.has_nul() {
            let reason = "it contains zero bytes, as a power cut or an interrupted copy leaves them: export it again";
            return Err(Broken::new(reason));
        }
        let mut start = Vec::new();
        open_unshared(path)?.take(2_000).read_to_end(&mut start)?;
        if let Some(page) = web_page(&start) {
            return Err(page);
        }
        match format {
            FileFormat::Csv | FileFormat::Excel => {
                let alphabet = digest.alphabet(source.encoding.as_deref())?;
                Separated::open(alphabet.reader(open_unshared(path)?)?, source).map(Self::Separated)
            }
            FileFormat::Xml | FileFormat::Json => Records::open(path, source, spec, digest, format)
                .map(|records| Self::Records(Box::new(records))),
        }
    }

    pub fn columns(&self) -> &[Box<str>] {
        match self {
            Self::Separated(table) => table.columns(),
            Self::Workbook(table) => table.columns(),
            Self::Records(table) => table.columns(),
        }
    }

    /// The columns of each child group, where its rows stand within their record.
    pub fn nested(&self) -> Option<Vec<&[Box<str>]>> {
        match self {
            Self::Separated(_) | Self::Workbook(_) => None,
            Self::Records(table) => table.nested(),
        }
    }

    /// The next row, or why it is none; the rows behind it go on.
    pub fn next(&mut self) -> Result<Option<Result<Line, RowProblem>>, Broken> {
        match self {
            Self::Separated(table) => table.next(),
            Self::Workbook(table) => Ok(table.next().map(Ok)),
            Self::Records(table) => table.next(),
        }
    }
}

fn by_ending(path: &Path) -> FileFormat {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("xlsx" | "xlsm" | "xlsb" | "xls" | "ods") => FileFormat::Excel,
        Some("xml") => FileFormat::Xml,
        Some("json" | "ndjson" | "jsonl") => FileFormat::Json,
        _ => FileFormat::Csv,
    }
}

/// Column names from a header: trimmed, never empty, never twice.
pub(super) fn header<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Box<str>> {
    let mut columns: Vec<Box<str>> = Vec::new();
    for (at, name) in names.enumerate() {
        let name = match name.trim().trim_matches('\u{feff}') {
            "" => format!("column_{}", at + 1),
            name => name.to_owned(),
        };
        let is_taken = |name: &str| columns.iter().any(|other| other.eq_ignore_ascii_case(name));
        let free = (2..)
            .map(|count| format!("{name}_{count}"))
            .find(|other| !is_taken(other));
        let unique = if is_taken(&name) {
            free.unwrap_or(name)
        } else {
            name
        };
        columns.push(unique.into());
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_no_empty_and_no_double_names() {
        let names = header(["\u{feff}Codigo ", "", "precio", "PRECIO", "precio"].into_iter());
        assert_eq!(
            names,
            ["Codigo", "column_2", "precio", "PRECIO_2", "precio_3"].map(Box::from)
        );
    }
}
