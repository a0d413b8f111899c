//! Conditions on a row, compiled.

use crate::cell::Cell;
use crate::expression::Expression;
use crate::op::same;
use crate::problem::Problem;
use crate::scalar::Scalar;
use crate::view::{Col, View};

use rust_decimal::Decimal;

/// A value that cells are compared with: by number where both are numbers, otherwise by text.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    text: Box<str>,
    number: Option<Decimal>,
}

impl Word {
    pub fn new(scalar: &Scalar) -> Self {
        let text = scalar.to_string();
        let number = match scalar {
            Scalar::Number(number) => Some(*number),
            // `"007"` is a code, and not the number 7.
            Scalar::Text(text) => Decimal::from_str_exact(text)
                .ok()
                .filter(|number| number.to_string() == *text),
            Scalar::Bool(_) => None,
        };
        Self {
            text: text.into(),
            number,
        }
    }

    pub fn is(&self, cell: &Cell<'_>) -> bool {
        match (cell, self.number) {
            (Cell::Null, _) => false,
            (Cell::Text(text), _) => same(&self.text, text),
            (Cell::Number(number), Some(own)) => *number == own,
            (other, _) => same(&self.text, &other.clone().into_text()),
        }
    }
}

/// What may hold for a row.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    OneOf(Col, Box<[Word]>),
    NoneOf(Col, Box<[Word]>),
    Empty(Col, bool),
    Expression(Expression),
}

impl Condition {
    pub fn holds(&self, view: &View<'_>) -> Result<bool, Box<Problem>> {
        match self {
            Self::OneOf(col, words) => Ok(any(words, &view.cell(*col, true, None)?)),
            Self::NoneOf(col, words) => Ok(!any(words, &view.cell(*col, true, None)?)),
            Self::Empty(col, empty) => Ok(view.cell(*col, true, None)?.is_null() == *empty),
            Self::Expression(expression) => expression.holds(view),
        }
    }
}

fn any(words: &[Word], cell: &Cell<'_>) -> bool {
    words.iter().any(|word| word.is(cell))
}
