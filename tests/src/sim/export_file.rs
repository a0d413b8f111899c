//! Export files as legacy POS systems write them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

/// What a POS writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Separated by `;`, Windows-1252, `1.234,56`, `dd/mm/yyyy`.
    Csv,
    /// A workbook with real numbers and dates.
    Excel,
}

/// One cell of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words, and codes whose leading zeros matter.
    Text(String),
    /// An amount or a quantity.
    Number(Decimal),
    /// A moment of the store's clock.
    Moment(NaiveDateTime),
    /// Something that belongs to no code page, where the format can hold such a thing.
    Junk,
}

/// Rows under a header.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Names of the columns.
    pub header: &'static [&'static str],
    /// One cell per column.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// The file's content.
    ///
    /// # Errors
    /// When a workbook cannot be written.
    pub fn bytes(&self, format: FileKind) -> Result<Vec<u8>> {
        match format {
            FileKind::Csv => Ok(self.csv()),
            FileKind::Excel => self.excel(),
        }
    }

    fn csv(&self) -> Vec<u8> {
        let mut bytes = self.header.join(";").into_bytes();
        bytes.extend_from_slice(b"\r\n");
        for row in &self.rows {
            for (position, cell) in row.iter().enumerate() {
                if position > 0 {
                    bytes.push(b';');
                }
                match cell {
                    Cell::Text(text) => {
                        bytes.extend_from_slice(&encoding_rs::WINDOWS_1252.encode(&quoted(text)).0)
                    }
                    Cell::Number(number) => bytes.extend_from_slice(with_comma(*number).as_bytes()),
                    Cell::Moment(moment) => {
                        bytes.extend_from_slice(
                            moment.format("%d/%m/%Y %H:%M:%S").to_string().as_bytes(),
                        );
                    }
                    Cell::Junk => bytes.extend_from_slice(b"\x81\x8d\x8f"),
                }
            }
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    fn excel(&self) -> Result<Vec<u8>> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let moments = Format::new().set_num_format("dd/mm/yyyy hh:mm:ss");
        let bold = Format::new().set_bold();
        for (column, name) in (0_u16..).zip(self.header) {
            sheet.write_with_format(0, column, *name, &bold)?;
        }
        for (row, cells) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(cells) {
                match cell {
                    Cell::Text(text) => sheet.write(row, column, text.as_str())?,
                    Cell::Number(number) => {
                        sheet.write(row, column, number.to_f64().context("a number beyond f64")?)?
                    }
                    Cell::Moment(moment) => {
                        let text = moment.format("%Y-%m-%dT%H:%M:%S").to_string();
                        sheet.write_with_format(
                            row,
                            column,
                            &ExcelDateTime::parse_from_str(&text)?,
                            &moments,
                        )?
                    }
                    Cell::Junk => sheet.write(row, column, "#¡VALOR!")?,
                };
            }
        }
        Ok(workbook.save_to_buffer()?)
    }
}

/// A field that contains the separator or a quote is put in quotes.
fn quoted(text: &str) -> String {
    if text.contains([';', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// `1.234,56`: dots between thousands, a comma before the decimals.
#[must_use]
pub fn with_comma(number: Decimal) -> String {
    let text = number.abs().to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::from(if number.is_sign_negative() && !number.is_zero() {
        "-"
    } else {
        ""
    });
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    if !decimals.is_empty() {
        out.push(',');
        out.push_str(decimals);
    }
    out
}

/// Writes a file the way a careless export does: straight under its final name, and sometimes with a pause halfway.
///
/// # Errors
/// When the folder cannot be written to.
pub async fn drop_file(
    path: &Path,
    content: &[u8],
    pause: Option<std::time::Duration>,
) -> Result<()> {
    let failed = || format!("could not write {}", path.display());
    if let Some(pause) = pause {
        let (first, second) = content.split_at(content.len() / 2);
        fs::write(path, first).with_context(failed)?;
        tokio::time::sleep(pause).await;
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(failed)?;
        return file.write_all(second).with_context(failed);
    }
    fs::write(path, content).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_venezuela() {
        let cases = [
            ("1234567.5", "1.234.567,5"),
            ("-12.50", "-12,50"),
            ("999", "999"),
            ("0.085", "0,085"),
        ];
        for (plain, written) in cases {
            assert_eq!(with_comma(plain.parse().unwrap()), written);
        }
    }

    #[test]
    fn a_csv_is_windows_1252_and_quotes_what_needs_quotes() {
        let row = vec![
            Cell::Text("Ñame; ½\"".to_owned()),
            Cell::Number("1234.56".parse().unwrap()),
        ];
        let sheet = Sheet {
            header: &["nombre", "precio"],
            rows: vec![row],
        };
        assert_eq!(
            sheet.csv(),
            b"nombre;precio\r\n\"\xd1ame; \xbd\"\"\";1.234,56\r\n"
        );
    }
}
