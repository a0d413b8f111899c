//! Figures in columns.

use std::fmt;

/// Rows of text under a header; columns after the first few are set right.
#[derive(Debug)]
pub struct Table {
    left: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose first `left` columns are words and whose others are figures.
    #[must_use]
    pub fn new(left: usize, header: &[&str]) -> Self {
        Self {
            left,
            rows: vec![header.iter().map(ToString::to_string).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                if column < self.left {
                    write!(f, "  {cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
            if number == 0 {
                writeln!(
                    f,
                    "  {}",
                    "-".repeat(
                        widths
                            .iter()
                            .map(|width| width + 2)
                            .sum::<usize>()
                            .saturating_sub(2)
                    )
                )?;
            }
        }
        Ok(())
    }
}
