//! A row as the compiled rules see it: columns by number.

use fluxion_model::value::Value;

use crate::cell::Cell;
use crate::codepage::CodePage;
use crate::problem::Problem;

/// A column that the rules of a stream use, by its place in their list of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Col(u16);

impl Col {
    pub fn at(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }

    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Where a column of the rules stands in rows of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Parent(usize),
    Child(usize),
    Absent,
}

/// A row, or a child row together with the row it belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    parent: &'a [Value],
    child: &'a [Value],
    positions: &'a [Position],
}

impl<'a> View<'a> {
    pub fn parent(values: &'a [Value], positions: &'a [Position]) -> Self {
        Self {
            parent: values,
            child: &[],
            positions,
        }
    }

    pub fn child(self, values: &'a [Value]) -> Self {
        Self {
            child: values,
            ..self
        }
    }

    /// The value; NULL where the source lacks the column.
    #[inline]
    pub fn value(&self, col: Col) -> &'a Value {
        let value = match self.positions.get(col.index()) {
            Some(Position::Parent(at)) => self.parent.get(*at),
            Some(Position::Child(at)) => self.child.get(*at),
            Some(Position::Absent) | None => None,
        };
        value.unwrap_or(&Value::Null)
    }

    #[inline]
    pub fn cell(
        &self,
        col: Col,
        trim: bool,
        encoding: Option<CodePage>,
    ) -> Result<Cell<'a>, Box<Problem>> {
        Cell::read(self.value(col), trim, encoding)
    }
}

#[cfg(test)]
pub(crate) fn parent_positions(count: usize) -> Vec<Position> {
    (0..count).map(Position::Parent).collect()
}
