//! Rows on their way from a connector to the mappings: columns and values, nothing more.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The columns of a row and of its children, shared by every row of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowShape {
    /// Column names, in the order of [`Row::values`].
    pub columns: Vec<Box<str>>,
    /// Child groups (`lines`, `payments`), in the order of [`Row::children`].
    pub children: Vec<(Box<str>, RowShape)>,
}

impl RowShape {
    /// A shape without children.
    pub fn flat<C: Into<Box<str>>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            children: Vec::new(),
        }
    }

    /// Where a column stands. Names match without regard to ASCII case, because databases do not agree on theirs.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|c| **c == *column)
            .or_else(|| {
                self.columns
                    .iter()
                    .position(|c| c.eq_ignore_ascii_case(column))
            })
    }

    /// Where a child group stands, and its shape.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<(usize, &RowShape)> {
        self.children
            .iter()
            .enumerate()
            .find(|(_, (n, _))| **n == *name)
            .map(|(i, (_, shape))| (i, shape))
    }
}

/// One row of a source, with the rows that belong to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// One value per column of the shape.
    pub values: Vec<Value>,
    /// One list of rows per child group of the shape.
    pub children: Vec<Vec<Row>>,
    /// Where a person finds it: line of a CSV file, row of a sheet, counted from 1. Absent for databases.
    pub position: Option<u64>,
}

/// The key columns of a row as one text: parts joined by `|`, with `|` and `\` inside a part escaped by `\`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(pub Box<str>);

impl RowKey {
    /// Joins the parts.
    pub fn join<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> Self {
        let mut key = String::new();
        for (i, part) in parts.into_iter().enumerate() {
            if i > 0 {
                key.push('|');
            }
            for c in part.as_ref().chars() {
                if matches!(c, '|' | '\\') {
                    key.push('\\');
                }
                key.push(c);
            }
        }
        Self(key.into())
    }

    /// Takes the parts apart again.
    #[must_use]
    pub fn split(&self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            let last = parts.len() - 1;
            match c {
                '|' => parts.push(String::new()),
                '\\' => parts[last].extend(chars.next()),
                c => parts[last].push(c),
            }
        }
        parts
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened to one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange {
    /// The row is there and looks like this; whether it is new is the spool's to know.
    Upsert {
        /// Identifies the row within its stream.
        key: RowKey,
        /// Its current content.
        row: Row,
    },
    /// The row is gone.
    Delete {
        /// Identifies the row within its stream.
        key: RowKey,
    },
}

impl RowChange {
    /// The key of the row it happened to.
    #[must_use]
    pub fn key(&self) -> &RowKey {
        match self {
            Self::Upsert { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Changed rows of one shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowBatch {
    /// Columns of every row in it.
    pub shape: Arc<RowShape>,
    /// In the order the source gave them.
    pub changes: Vec<RowChange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_key_comes_apart_as_it_was_joined() {
        for parts in [vec!["1", "3"], vec!["a|b", "c\\", ""], vec![""]] {
            assert_eq!(RowKey::join(&parts).split(), parts);
        }
        assert_ne!(RowKey::join(["a|b"]), RowKey::join(["a", "b"]));
    }

    #[test]
    fn columns_match_without_regard_to_case_but_prefer_the_exact_name() {
        let shape = RowShape::flat(["C_CODIGO", "c_codigo"]);
        assert_eq!(shape.position("c_codigo"), Some(1));
        assert_eq!(shape.position("c_Codigo"), Some(0));
        assert_eq!(shape.position("missing"), None);
    }
}
