//! Sheets of Excel and LibreOffice.

use std::path::Path;

use calamine::{Data, Range, Reader as _, open_workbook_auto};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use fluxion_model::stream::FileSource;
use fluxion_model::value::{Undecodable, Value};

use super::table::{Broken, Line, header};

/// A sheet, held in memory as the format demands.
pub(super) struct Workbook {
    range: Range<Data>,
    columns: Vec<Box<str>>,
    /// The next row within the range.
    at: usize,
}

impl Workbook {
    pub fn open(path: &Path, source: &FileSource) -> Result<Self, Broken> {
        let unreadable = |error: calamine::Error| {
            Broken::new(format!(
                "it is no workbook that can be read ({error}): it may be cut off; export it again"
            ))
        };
        let mut book = open_workbook_auto(path).map_err(unreadable)?;
        let sheets = book.sheet_names();
        let name = match &source.sheet {
            None => sheets.first(),
            Some(wanted) => sheets
                .iter()
                .find(|name| name.trim().eq_ignore_ascii_case(wanted.trim())),
        };
        let Some(name) = name.cloned() else {
            let wanted = source.sheet.as_deref().unwrap_or("");
            return Err(Broken::new(format!(
                "it has no sheet {wanted:?}, only: {}",
                sheets.join(", ")
            )));
        };
        let range = book.worksheet_range(&name).map_err(unreadable)?;
        let first_row = range.start().map_or(0, |(row, _)| row);
        let skip = source.skip_lines.saturating_sub(first_row) as usize;
        let heading = range
            .rows()
            .enumerate()
            .skip(skip)
            .find(|(_, row)| !is_blank(row));
        let Some((at, heading)) = heading else {
            return Err(Broken::new(format!(
                "sheet {name:?} has no header row: export it with column names"
            )));
        };
        let mut names: Vec<String> = heading.iter().map(|cell| value(cell).to_string()).collect();
        while names.last().is_some_and(|name| name.trim().is_empty()) {
            names.pop();
        }
        let columns = header(names.iter().map(String::as_str));
        Ok(Self {
            range,
            columns,
            at: at + 1,
        })
    }

    pub fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    pub fn next(&mut self) -> Option<Line> {
        let first_row = u64::from(self.range.start().map_or(0, |(row, _)| row));
        let width = self.range.width();
        while self.at < self.range.height() {
            let at = self.at;
            self.at += 1;
            let cells =
                (0..width).map(|column| self.range.get((at, column)).unwrap_or(&Data::Empty));
            if cells.clone().all(|cell| matches!(cell, Data::Empty)) {
                continue;
            }
            let mut values: Vec<Value> = cells.take(self.columns.len()).map(value).collect();
            values.resize(self.columns.len(), Value::Null);
            return Some(Line {
                position: first_row + at as u64 + 1,
                values,
                nested: Vec::new(),
            });
        }
        None
    }
}

fn is_blank(row: &[Data]) -> bool {
    row.iter().all(|cell| matches!(cell, Data::Empty))
}

fn value(cell: &Data) -> Value {
    match cell {
        Data::Empty => Value::Null,
        Data::Int(number) => Value::Int(*number),
        Data::Float(number) => Value::Float(*number),
        Data::Bool(value) => Value::Bool(*value),
        Data::String(text) => Value::text(text.as_str()),
        Data::DateTime(moment) => match moment.as_datetime() {
            // A day before the calendar begins is a time of day.
            Some(found) if moment.is_duration() || moment.as_f64() < 1.0 => {
                Value::Time(found.time())
            }
            Some(found) => Value::DateTime(found),
            None => Value::Float(moment.as_f64()),
        },
        Data::DateTimeIso(text) => iso(text),
        Data::DurationIso(text) => Value::text(text.as_str()),
        Data::Error(error) => Value::Undecodable(Box::new(Undecodable {
            raw: error.to_string().into_bytes().into(),
            reason: format!("the cell's formula ends in the error {error}"),
        })),
    }
}

fn iso(text: &str) -> Value {
    if let Ok(moment) = text.parse::<NaiveDateTime>() {
        return Value::DateTime(moment);
    }
    match text.parse::<NaiveDate>() {
        Ok(date) => Value::DateTime(date.and_time(NaiveTime::MIN)),
        Err(_) => Value::text(text),
    }
}
