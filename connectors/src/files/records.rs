//! Exports whose records have names and nested lines: XML and JSON.
//!
//! A file is gone through twice: once to see that it is whole and which columns its records have, and once to give them
//! out. Only one record is in memory at a time, and it has a limit.

mod json;
mod node;
mod xml;

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::path::Path;

use fluxion_model::row::Row;
use fluxion_model::stream::{FileFormat, FileSource, StreamSpec};
use fluxion_model::value::Value;

use self::json::Json;
use self::node::{Flat, Nesting, Node};
use self::xml::Xml;
use super::content::{Alphabet, Digest, open_unshared};
use super::table::{Broken, Line};
use crate::connector::RowProblem;

/// Bytes of one record, and of one name, text or comment.
const RECORD_BYTES: usize = 16 * 1024 * 1024;

/// How deep elements may stand in each other.
const DEPTH: usize = 64;

/// Columns of all records together.
const COLUMNS: usize = 4_000;

/// Records being read.
pub(super) struct Records {
    source: Source,
    nesting: Nesting,
    columns: Names,
    children: Vec<Names>,
    read: u64,
}

enum Source {
    Xml(Box<Xml>),
    Json(Box<Json>),
}

/// Column names in the order they first appear.
#[derive(Default)]
struct Names {
    list: Vec<Box<str>>,
    places: HashMap<Box<str>, usize>,
}

/// A record, or why it is none.
type Found = Result<(u64, Node), RowProblem>;

impl Records {
    pub fn open(
        path: &Path,
        source: &FileSource,
        spec: Option<&StreamSpec>,
        digest: &Digest,
        format: FileFormat,
    ) -> Result<Self, Broken> {
        let nesting = Nesting::of(spec.map_or(&[], |spec| &spec.children), format);
        let mut columns = Names::default();
        let mut children: Vec<Names> = nesting.groups().map(|_| Names::default()).collect();
        let mut first = Source::open(path, source, digest, format)?;
        let mut count = 0_u64;
        while let Some(found) = first.next()? {
            if let Ok((_, node)) = found {
                let flat = nesting.flatten(node);
                columns.add(&flat)?;
                for (names, rows) in children.iter_mut().zip(&flat.children) {
                    for row in rows {
                        names.add(row)?;
                    }
                }
            }
            count += 1;
        }
        if count == 0 {
            // An export without a record still has the columns it would have.
            let own = spec.into_iter().flat_map(|spec| &spec.key);
            for name in own.chain(&source.required_columns) {
                columns.place(name)?;
            }
        }
        for (names, child) in children
            .iter_mut()
            .zip(spec.into_iter().flat_map(|spec| &spec.children))
        {
            // Lines that never come have their columns all the same.
            for name in &child.columns {
                names.place(name)?;
            }
        }
        Ok(Self {
            source: Source::open(path, source, digest, format)?,
            nesting,
            columns,
            children,
            read: 0,
        })
    }

    pub fn columns(&self) -> &[Box<str>] {
        &self.columns.list
    }

    /// The columns of each child group, where lines are nested in their record.
    pub fn nested(&self) -> Option<Vec<&[Box<str>]>> {
        self.nesting
            .is_nested()
            .then(|| self.children.iter().map(|names| &*names.list).collect())
    }

    pub fn next(&mut self) -> Result<Option<Result<Line, RowProblem>>, Broken> {
        let found = match self.source.next()? {
            None => return Ok(None),
            Some(Err(problem)) => return Ok(Some(Err(problem))),
            Some(Ok(found)) => found,
        };
        self.read += 1;
        let (position, node) = found;
        let flat = self.nesting.flatten(node);
        let children = self.children.iter().zip(flat.children.iter());
        let nested = children
            .map(|(names, rows)| {
                rows.iter()
                    .map(|row| Row {
                        values: names.values(row),
                        children: Vec::new(),
                        position: Some(position),
                    })
                    .collect()
            })
            .collect();
        Ok(Some(Ok(Line {
            position,
            values: self.columns.values(&flat),
            nested,
        })))
    }
}

impl Source {
    fn open(
        path: &Path,
        source: &FileSource,
        digest: &Digest,
        format: FileFormat,
    ) -> Result<Self, Broken> {
        let alphabet = alphabet(path, source, digest, format)?;
        let open = || -> Result<Box<dyn BufRead + Send>, Broken> {
            Ok(alphabet.reader(open_unshared(path)?)?)
        };
        let record = source.record.as_deref();
        Ok(match format {
            FileFormat::Json => Self::Json(Box::new(Json::open(&open, record)?)),
            FileFormat::Xml | FileFormat::Csv | FileFormat::Excel => {
                Self::Xml(Box::new(Xml::open(open()?, record)))
            }
        })
    }

    fn next(&mut self) -> Result<Option<Found>, Broken> {
        match self {
            Self::Xml(xml) => xml.next(),
            Self::Json(json) => json.next(),
        }
    }
}

/// As told, by its mark, by what XML declares of itself, else by guess. A declaration that the bytes contradict counts
/// for nothing: many programs write one they know nothing about.
fn alphabet(
    path: &Path,
    source: &FileSource,
    digest: &Digest,
    format: FileFormat,
) -> Result<Alphabet, Broken> {
    let guess = digest.alphabet(source.encoding.as_deref())?;
    let declared = match (&source.encoding, format, guess) {
        (None, FileFormat::Xml, Alphabet::Encoding(_)) if !digest.is_utf_16() => {
            declared(path)?.and_then(|name| Alphabet::named(&name).ok())
        }
        _ => None,
    };
    Ok(match declared.unwrap_or(guess) {
        // What is broken becomes a sign of its own and is found cell by cell.
        Alphabet::Utf8 if guess_is_utf_8(guess) => Alphabet::Encoding(encoding_rs::UTF_8),
        Alphabet::Utf8 => guess,
        other => other,
    })
}

fn guess_is_utf_8(guess: Alphabet) -> bool {
    matches!(guess, Alphabet::Utf8)
}

/// What stands in `<?xml encoding="..."?>`.
fn declared(path: &Path) -> io::Result<Option<String>> {
    let mut start = Vec::new();
    io::Read::take(open_unshared(path)?, 400).read_to_end_of(&mut start)?;
    let text = String::from_utf8_lossy(&start).into_owned();
    let Some(head) = text.trim_start().strip_prefix("<?xml") else {
        return Ok(None);
    };
    let head = head.split("?>").next().unwrap_or("");
    let value = head
        .split_once("encoding")
        .map(|(_, rest)| rest.trim_start_matches([' ', '=', '\t']))
        .and_then(|rest| {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest[1..].split(quote).next()
        });
    Ok(value.map(str::to_owned))
}

trait ReadToEnd {
    fn read_to_end_of(self, into: &mut Vec<u8>) -> io::Result<usize>;
}

impl<R: io::Read> ReadToEnd for R {
    fn read_to_end_of(mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        io::Read::read_to_end(&mut self, into)
    }
}

impl Names {
    fn place(&mut self, name: &str) -> Result<usize, Broken> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        if self.list.len() >= COLUMNS {
            return Err(Broken::new(format!(
                "its records have more than {COLUMNS} different fields: the mapping's `record` may point to the wrong place"
            )));
        }
        self.list.push(name.into());
        self.places.insert(name.into(), self.list.len() - 1);
        Ok(self.list.len() - 1)
    }

    fn add(&mut self, flat: &Flat) -> Result<(), Broken> {
        flat.cells
            .iter()
            .try_for_each(|(name, _)| self.place(name).map(|_| ()))
    }

    fn values(&self, flat: &Flat) -> Vec<Value> {
        let mut values = vec![Value::Null; self.list.len()];
        for (name, value) in &flat.cells {
            if let Some(place) = self.places.get(name) {
                values[*place] = value.clone();
            }
        }
        values
    }
}

/// A reader that gives up when one thing grows beyond all measure.
struct Bounded {
    reader: Box<dyn BufRead + Send>,
    left: usize,
}

impl Bounded {
    fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self {
            reader,
            left: RECORD_BYTES,
        }
    }

    fn reset(&mut self) {
        self.left = RECORD_BYTES;
    }
}

impl io::Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        into[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Bounded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "one of its parts is longer than {RECORD_BYTES} bytes"
            )));
        }
        let available = self.reader.fill_buf()?;
        Ok(&available[..available.len().min(self.left)])
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.reader.consume(bytes);
    }
}

/// What is said of a page that a web server wrote instead of an export.
pub(super) fn web_page(start: &[u8]) -> Option<Broken> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let lower = text.to_ascii_lowercase();
    if !(lower.starts_with("<!doctype html") || lower.starts_with("<html")) {
        return None;
    }
    let title = lower
        .find("<title>")
        .and_then(|from| {
            let from = from + "<title>".len();
            Some(
                text.get(from..from + lower[from..].find("</title>")?)?
                    .trim(),
            )
        })
        .unwrap_or("without a title");
    Some(Broken::new(format!(
        "it is a web page ({title}) and no export: the program that writes it got an error page for an answer; look there, and export again"
    )))
}
