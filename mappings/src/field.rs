//! One field, compiled: where its value comes from, what happens to it, and what it ends as.

use std::borrow::Cow;
use std::str::FromStr;

use fluxion_model::id::ExternalId;
use fluxion_model::money::Currency;
use rust_decimal::prelude::ToPrimitive;

use crate::cell::Cell;
use crate::codepage::CodePage;
use crate::number::canonical;
use crate::op::Op;
use crate::problem::Problem;
use crate::target::{Kind, Output};
use crate::view::{Col, View};

/// A field that holds one value.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub kind: Kind,
    /// The longest text, in characters.
    pub limit: usize,
    pub take: Take,
    pub ops: Box<[Op]>,
    pub default: Option<Output>,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(crate) struct Take {
    pub from: From,
    pub trim: bool,
    pub encoding: Option<CodePage>,
}

#[derive(Debug, Clone)]
pub(crate) enum From {
    Nothing,
    Column(Col),
    First(Box<[Col]>),
    Constant(Cell<'static>),
    Concat(Box<[Part]>, Box<str>),
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(Box<str>),
    Column(Col, usize),
}

impl Take {
    #[inline]
    fn cell<'a>(&'a self, view: &View<'a>) -> Result<Cell<'a>, Box<Problem>> {
        match &self.from {
            From::Nothing => Ok(Cell::Null),
            From::Column(col) => view.cell(*col, self.trim, self.encoding),
            From::First(cols) => {
                for col in cols {
                    let cell = view.cell(*col, self.trim, self.encoding)?;
                    if !cell.is_null() {
                        return Ok(cell);
                    }
                }
                Ok(Cell::Null)
            }
            From::Constant(cell) => Ok(cell.clone()),
            From::Concat(parts, separator) => self.concat(parts, separator, view),
        }
    }

    fn concat<'a>(
        &self,
        parts: &[Part],
        separator: &str,
        view: &View<'a>,
    ) -> Result<Cell<'a>, Box<Problem>> {
        let mut out = String::new();
        for part in parts {
            let (text, width) = match part {
                Part::Text(text) => (Cow::Borrowed(&**text), 0),
                Part::Column(col, width) => (
                    view.cell(*col, self.trim, self.encoding)?.into_text(),
                    *width,
                ),
            };
            if text.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push_str(separator);
            }
            out.extend(std::iter::repeat_n(
                '0',
                width.saturating_sub(text.chars().count()),
            ));
            out.push_str(&text);
        }
        Ok(Cell::from_text(out))
    }

    /// The columns it takes from, in order.
    pub fn columns(&self) -> Vec<Col> {
        match &self.from {
            From::Nothing | From::Constant(_) => Vec::new(),
            From::Column(col) => vec![*col],
            From::First(cols) => cols.to_vec(),
            From::Concat(parts, _) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Column(col, _) => Some(*col),
                    Part::Text(_) => None,
                })
                .collect(),
        }
    }
}

impl Field {
    /// Its value for a row.
    pub fn evaluate(&self, view: &View<'_>) -> Result<Option<Output>, Box<Problem>> {
        let mut slot = None;
        self.fill(view, &mut slot)?;
        Ok(slot)
    }

    /// As [`Self::evaluate`], straight into its slot: values are wide, and moving them shows in the time of a row.
    pub fn fill(&self, view: &View<'_>, slot: &mut Option<Output>) -> Result<(), Box<Problem>> {
        let mut cell = self.take.cell(view)?;
        for op in &self.ops {
            cell = op.apply(cell, view)?;
        }
        *slot = finish(self.kind, self.limit, cell)?;
        if slot.is_none() && self.default.is_some() {
            slot.clone_from(&self.default);
        }
        Ok(())
    }

    /// Adds its values for a row to a list of texts: every column counts, and each may hold several.
    pub fn collect(
        &self,
        split: Option<&str>,
        view: &View<'_>,
        into: &mut Vec<String>,
    ) -> Result<(), Box<Problem>> {
        let From::First(cols) = &self.take.from else {
            return self.collect_cell(split, self.take.cell(view)?, view, into);
        };
        for col in cols {
            self.collect_cell(
                split,
                view.cell(*col, self.take.trim, self.take.encoding)?,
                view,
                into,
            )?;
        }
        Ok(())
    }

    fn collect_cell<'a>(
        &'a self,
        split: Option<&str>,
        cell: Cell<'a>,
        view: &View<'a>,
        into: &mut Vec<String>,
    ) -> Result<(), Box<Problem>> {
        let Some(split) = split else {
            return self.collect_one(cell, view, into);
        };
        let text = cell.into_text();
        for part in text.split(split) {
            self.collect_one(Cell::from_text(part.trim().to_owned()), view, into)?;
        }
        Ok(())
    }

    fn collect_one<'a>(
        &'a self,
        mut cell: Cell<'a>,
        view: &View<'a>,
        into: &mut Vec<String>,
    ) -> Result<(), Box<Problem>> {
        for op in &self.ops {
            cell = op.apply(cell, view)?;
        }
        if let Some(Output::Text(text)) = finish(Kind::Text, self.limit, cell)?
            && !into.contains(&text)
        {
            into.push(text);
        }
        Ok(())
    }
}

/// The cell as what the field holds.
#[inline]
pub(crate) fn finish(
    kind: Kind,
    limit: usize,
    cell: Cell<'_>,
) -> Result<Option<Output>, Box<Problem>> {
    if cell.is_null() {
        return Ok(None);
    }
    Ok(Some(match kind {
        Kind::Text | Kind::Texts => Output::Text(text(cell, limit)?),
        Kind::Id => {
            let text = cell.into_text().into_owned();
            Output::Id(ExternalId::new(text).map_err(|error| {
                Problem::data(
                    "id",
                    format!("cannot be an identity: {error}; correct it at the POS"),
                )
            })?)
        }
        Kind::Number => Output::Number(canonical(number(cell)?)?),
        Kind::Integer => {
            let number = number(cell)?;
            let whole = number.fract().is_zero().then(|| number.to_i32()).flatten();
            Output::Integer(whole.ok_or_else(|| {
                Problem::data(
                    "number",
                    "is not a whole number below 2,147,483,648; correct it at the POS",
                )
            })?)
        }
        Kind::Moment => match cell {
            Cell::Moment(moment) => Output::Moment(moment),
            _ => return Err(ill_typed(kind)),
        },
        Kind::Flag => match cell {
            Cell::Bool(flag) => Output::Flag(flag),
            _ => return Err(ill_typed(kind)),
        },
        Kind::Currency => {
            let code = cell.into_text().to_ascii_uppercase();
            Output::Currency(Currency::from_str(&code).map_err(|_| {
                Problem::data("currency", "is not a currency code such as VES or USD; translate it with `lookup` in the mapping")
            })?)
        }
        Kind::Tax => Output::Tax(word(kind, &cell)?),
        Kind::Movement => Output::Movement(word(kind, &cell)?),
        Kind::Direction => Output::Direction(word(kind, &cell)?),
        Kind::Status => Output::Status(word(kind, &cell)?),
        Kind::Lines | Kind::Payments => return Err(ill_typed(kind)),
    }))
}

fn text(cell: Cell<'_>, limit: usize) -> Result<String, Box<Problem>> {
    let text = cell.into_text();
    if text.len() > limit && text.chars().count() > limit {
        return Err(Problem::data(
            "too_long",
            format!(
                "is longer than {limit} characters; correct it at the POS, or add `cut = {limit}` to the mapping"
            ),
        ));
    }
    if text.bytes().any(|byte| byte == 0) {
        return Err(Problem::data(
            "encoding",
            "contains a NUL character; correct it at the POS, or `replace` it in the mapping",
        ));
    }
    Ok(text.into_owned())
}

fn number(cell: Cell<'_>) -> Result<rust_decimal::Decimal, Box<Problem>> {
    match cell {
        Cell::Number(number) => Ok(number),
        _ => Err(ill_typed(Kind::Number)),
    }
}

fn word<T: FromStr>(kind: Kind, cell: &Cell<'_>) -> Result<T, Box<Problem>> {
    let text = cell.clone().into_text();
    text.parse()
        .or_else(|_| text.to_ascii_lowercase().parse())
        .map_err(|_| {
            Problem::mapping(
                "word",
                format!(
                    "is not {}; translate it with `lookup` in the mapping",
                    kind.describe()
                ),
            )
        })
}

fn ill_typed(kind: Kind) -> Box<Problem> {
    Problem::mapping(
        "expression",
        format!("does not give {}; correct the mapping", kind.describe()),
    )
}
