//! Text with separators, as tills really write it.
//!
//! Rows are cut here and not by a CSV library, because to a library a quote that is never closed swallows the rest of
//! the file: here it costs one row.

use std::collections::VecDeque;
use std::io::BufRead;

use fluxion_model::stream::FileSource;
use fluxion_model::value::{Undecodable, Value};

use super::table::{Broken, Line, header};
use crate::connector::RowProblem;

const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];

/// A quoted field with more line breaks than this is a quote that was left open.
const LINES_PER_ROW: usize = 100;

/// A line longer than this is no line of an export.
const LINE_BYTES: usize = 1024 * 1024;

/// Separated text being read.
pub(super) struct Separated {
    lines: Lines,
    delimiter: u8,
    columns: Vec<Box<str>>,
}

impl Separated {
    pub fn open(reader: Box<dyn BufRead + Send>, source: &FileSource) -> Result<Self, Broken> {
        let mut lines = Lines {
            reader,
            ahead: VecDeque::new(),
            read: 0,
        };
        for _ in 0..source.skip_lines {
            lines.take()?;
        }
        let mut told = match source.delimiter {
            None => None,
            Some(delimiter) => Some(u8::try_from(delimiter).map_err(|_| {
                Broken::new(format!(
                    "the mapping's delimiter {delimiter:?} is not a plain character"
                ))
            })?),
        };
        loop {
            let Some((number, first)) = lines.take()? else {
                return Err(Broken::new(
                    "it has no header line: export it with column names",
                ));
            };
            if first.trim_ascii().is_empty() {
                continue;
            }
            // Excel writes its separator into a first line of its own.
            if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = first.trim_ascii_end()
            {
                told = told.or(Some(*delimiter));
                continue;
            }
            let delimiter = told.unwrap_or_else(|| sniff(&first));
            lines.ahead.push_front((number, first));
            let Some(Ok((_, fields))) = record(&mut lines, delimiter)? else {
                return Err(Broken::new(
                    "its header line cannot be read: a quote in it is never closed",
                ));
            };
            let names: Vec<_> = fields
                .iter()
                .map(|field| String::from_utf8_lossy(field))
                .collect();
            let columns = header(names.iter().map(AsRef::as_ref));
            return Ok(Self {
                lines,
                delimiter,
                columns,
            });
        }
    }

    pub fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    pub fn next(&mut self) -> Result<Option<Result<Line, RowProblem>>, Broken> {
        loop {
            let (position, mut fields) = match record(&mut self.lines, self.delimiter)? {
                None => return Ok(None),
                Some(Err(problem)) => return Ok(Some(Err(problem))),
                Some(Ok(record)) => record,
            };
            if fields.iter().all(|field| field.trim_ascii().is_empty()) {
                continue;
            }
            while fields.len() > self.columns.len()
                && fields
                    .last()
                    .is_some_and(|last| last.trim_ascii().is_empty())
            {
                fields.pop();
            }
            if fields.len() > self.columns.len() {
                let message = format!(
                    "Line {position} has {} fields where the header has {}: a separator in a text must stand between quotes. Correct the line and export it again.",
                    fields.len(),
                    self.columns.len()
                );
                let raw = fields
                    .iter()
                    .map(|field| String::from_utf8_lossy(field))
                    .collect::<Vec<_>>();
                return Ok(Some(Err(problem(
                    position,
                    raw.join(&char::from(self.delimiter).to_string()),
                    message,
                ))));
            }
            let mut values: Vec<Value> = fields.into_iter().map(cell).collect();
            values.resize(self.columns.len(), Value::Null);
            return Ok(Some(Ok(Line {
                position,
                values,
                nested: Vec::new(),
            })));
        }
    }
}

fn problem(position: u64, raw: String, message: String) -> RowProblem {
    RowProblem {
        position: Some(position),
        field: None,
        raw: Some(raw.chars().take(300).collect()),
        message,
    }
}

fn cell(field: Vec<u8>) -> Value {
    let reason = match std::str::from_utf8(&field) {
        Ok(text) if !text.contains(char::REPLACEMENT_CHARACTER) => None,
        Ok(_) => Some("contains characters that do not exist in the file's encoding".to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            Some(format!(
                "byte 0x{:02x} at position {at} is not valid in UTF-8",
                field[at]
            ))
        }
    };
    match (reason, String::from_utf8(field)) {
        (None, Ok(text)) => Value::Text(text.into_boxed_str()),
        (reason, text) => {
            let bytes =
                text.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
            let raw = bytes[..bytes.len().min(200)].into();
            Value::Undecodable(Box::new(Undecodable {
                raw,
                reason: reason.unwrap_or_default(),
            }))
        }
    }
}

/// What separates the header decides; its names rarely hold another candidate.
fn sniff(header: &[u8]) -> u8 {
    let count = |delimiter: u8| {
        let mut is_quoted = false;
        header
            .iter()
            .filter(|byte| {
                is_quoted ^= **byte == b'"';
                **byte == delimiter && !is_quoted
            })
            .count()
    };
    let best = DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|delimiter| count(*delimiter));
    best.filter(|delimiter| count(*delimiter) > 0)
        .unwrap_or(b',')
}

/// Numbered lines, some of which may be put back.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    ahead: VecDeque<(u64, Vec<u8>)>,
    read: u64,
}

impl Lines {
    /// A line with its break.
    fn take(&mut self) -> Result<Option<(u64, Vec<u8>)>, Broken> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut self.reader, LINE_BYTES as u64);
        limited.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.read += 1;
        if line.len() == LINE_BYTES && !line.ends_with(b"\n") {
            let reason = format!(
                "its line {} is longer than {LINE_BYTES} bytes: it is no separated text",
                self.read
            );
            return Err(Broken::new(reason));
        }
        Ok(Some((self.read, line)))
    }
}

type Fields = (u64, Vec<Vec<u8>>);

/// One row, which may span lines inside quotes. When its quotes make no sense it is given up, and reading goes on with
/// the line after its first.
fn record(lines: &mut Lines, delimiter: u8) -> Result<Option<Result<Fields, RowProblem>>, Broken> {
    let Some((position, first)) = lines.take()? else {
        return Ok(None);
    };
    let mut cutter = Cutter::default();
    cutter.feed(&first, delimiter);
    let mut more = Vec::new();
    while cutter.is_open() && more.len() < LINES_PER_ROW {
        let Some(line) = lines.take()? else { break };
        cutter.feed(&line.1, delimiter);
        more.push(line);
    }
    // A stray quote on one line is the text's own; across lines it means that rows ran together.
    if cutter.is_open() || (cutter.has_stray && !more.is_empty()) {
        while let Some(line) = more.pop() {
            lines.ahead.push_front(line);
        }
        let raw = String::from_utf8_lossy(first.trim_ascii_end()).into_owned();
        let message = format!(
            "Line {position} opens a quote that is not closed: a quote within a text must be doubled. Correct the line and export it again."
        );
        return Ok(Some(Err(problem(position, raw, message))));
    }
    Ok(Some(Ok((position, cutter.finish()))))
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes, which closes them or is the first of a pair.
    Quote,
}

/// Cuts a row into fields.
#[derive(Default)]
struct Cutter {
    state: State,
    field: Vec<u8>,
    fields: Vec<Vec<u8>>,
    /// Blanks after a quote that seems to close.
    blanks: usize,
    /// A quote stood where none may stand, and was taken for text.
    has_stray: bool,
}

impl Cutter {
    fn feed(&mut self, line: &[u8], delimiter: u8) {
        let body = match line {
            [body @ .., b'\r', b'\n'] | [body @ .., b'\n'] => body,
            body => body,
        };
        for byte in body {
            match (self.state, *byte) {
                (State::Start, b'"') => self.state = State::Quoted,
                (State::Start | State::Plain | State::Quote, byte) if byte == delimiter => {
                    self.fields.push(std::mem::take(&mut self.field));
                    self.state = State::Start;
                }
                (State::Start | State::Plain, byte) => {
                    self.field.push(byte);
                    self.state = State::Plain;
                }
                (State::Quoted, b'"') => {
                    self.blanks = 0;
                    self.state = State::Quote;
                }
                (State::Quoted, byte) => self.field.push(byte),
                (State::Quote, b'"') if self.blanks == 0 => {
                    self.field.push(b'"');
                    self.state = State::Quoted;
                }
                (State::Quote, b' ') => self.blanks += 1,
                (State::Quote, byte) => {
                    self.has_stray = true;
                    self.field.push(b'"');
                    self.field.extend(std::iter::repeat_n(b' ', self.blanks));
                    self.field.push(byte);
                    self.state = State::Quoted;
                }
            }
        }
        if self.state == State::Quoted {
            self.field.extend(&line[body.len()..]);
        }
    }

    fn is_open(&self) -> bool {
        self.state == State::Quoted
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        self.fields.push(self.field);
        self.fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> FileSource {
        crate::files::any_file()
    }

    /// Rows as text, problems as `!line`.
    fn read(text: &str, source: &FileSource) -> Vec<String> {
        let mut table = Separated::open(
            Box::new(std::io::Cursor::new(text.as_bytes().to_vec())),
            source,
        )
        .unwrap();
        let mut rows = vec![table.columns().join("·")];
        while let Some(row) = table.next().unwrap() {
            rows.push(match row {
                Ok(line) => {
                    let values: Vec<String> = line.values.iter().map(ToString::to_string).collect();
                    format!("{} {}", line.position, values.join("·"))
                }
                Err(problem) => format!("!{}", problem.position.unwrap()),
            });
        }
        rows
    }

    #[test]
    fn the_separator_is_found_in_the_header() {
        for (text, expected) in [
            ("a;b\n1,5;2\n", "2 1,5·2"),
            ("a,b\n1,2\n", "2 1·2"),
            ("a\tb\n1\t2", "2 1·2"),
            ("a|b\n1|2", "2 1·2"),
        ] {
            assert_eq!(read(text, &source()), ["a·b", expected]);
        }
        assert_eq!(read("sep=|\na|b\n1|2", &source()), ["a·b", "3 1·2"]);
        assert_eq!(read("solo\n7\n", &source()), ["solo", "2 7"]);
    }

    #[test]
    fn quotes_hold_separators_line_breaks_and_doubled_quotes() {
        let text = "a;b\r\n\"x;\"\"y\"\"\";\"uno\r\ndos\"\r\n3;4\r\n";
        assert_eq!(
            read(text, &source()),
            ["a·b", "2 x;\"y\"·uno\r\ndos", "4 3·4"]
        );
    }

    #[test]
    fn a_quote_left_open_costs_its_row_and_no_other() {
        let text = "a;b\n1;\"Tornillo 1/2\n2;\"Clavo\"\n3;x\n";
        assert_eq!(read(text, &source()), ["a·b", "!2", "3 2·Clavo", "4 3·x"]);
        let text = "a;b\n1;\"never closed\n2;y\n3;z\n";
        assert_eq!(read(text, &source()), ["a·b", "!2", "3 2·y", "4 3·z"]);
    }

    #[test]
    fn a_quote_within_a_text_is_taken_as_it_stands() {
        assert_eq!(
            read("a;b\n1;\"Monitor 19\" LED\"\n2;5\" x\n", &source()),
            ["a·b", "2 1·Monitor 19\" LED", "3 2·5\" x"]
        );
    }

    #[test]
    fn short_rows_end_in_nulls_and_long_ones_are_reported() {
        let text = "a;b;c\n1;2\n1;2;3;;\n1;2;3;4\n;;\n\n9;9;9";
        assert_eq!(
            read(text, &source()),
            ["a·b·c", "2 1·2·", "3 1·2·3", "!4", "7 9·9·9"]
        );
    }

    #[test]
    fn lines_above_the_header_are_skipped_and_counted() {
        let source = FileSource {
            skip_lines: 2,
            ..source()
        };
        assert_eq!(read("Reporte\n\na;b\n1;2\n", &source), ["a·b", "4 1·2"]);
    }

    #[test]
    fn a_cell_that_is_not_utf_8_spoils_its_row_alone() {
        let bytes = b"a;b\n1;Caf\xe9\n2;ok\n".to_vec();
        let mut table = Separated::open(Box::new(std::io::Cursor::new(bytes)), &source()).unwrap();
        let first = table.next().unwrap().unwrap().unwrap();
        assert!(matches!(&first.values[1], Value::Undecodable(_)));
        assert_eq!(
            table.next().unwrap().unwrap().unwrap().values[1],
            Value::text("ok")
        );
    }
}
