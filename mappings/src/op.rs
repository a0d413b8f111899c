//! The operations on a field, compiled: each takes a cell and gives a cell, or says which rule was broken.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::NaiveTime;
use chrono_tz::Tz;
use regex::Regex;
use rust_decimal::Decimal;

use crate::cell::Cell;
use crate::codepage::Repair;
use crate::condition::{Condition, Word};
use crate::expression::Expression;
use crate::field_document::{Case, LookupElse, RoundMode, Side};
use crate::moment::{DateFormat, Wall, plausible, read_iso, read_time, to_utc};
use crate::number::{self, Format};
use crate::problem::Problem;
use crate::view::{Col, View};

type Step<'a> = Result<Cell<'a>, Box<Problem>>;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Repair(Repair),
    NullIf(Box<[Word]>),
    Extract(Regex),
    Replace(Regex, Box<str>),
    Case(Case),
    Pad {
        width: usize,
        with: char,
        side: Side,
    },
    Cut(usize),
    Lookup(Box<Lookup>),
    Number(Format),
    Moment(Box<Moments>),
    Flag(Box<Flags>),
    Scale(Decimal),
    Divide(Decimal),
    Negate,
    Absolute,
    NegateWhen(Box<Condition>),
    Expression(Box<Expression>),
    Round(u32, RoundMode),
}

/// A lookup table.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub table: HashMap<Box<str>, Cell<'static>>,
    pub otherwise: LookupElse,
}

/// How moments are written, and where.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub formats: Box<[DateFormat]>,
    /// Where the time of day stands, if apart, and the name of that column.
    pub time: Option<(Col, Box<str>)>,
    pub zone: Tz,
}

/// Which words mean yes and no, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    pub yes: Box<[Box<str>]>,
    pub no: Box<[Box<str>]>,
}

impl Op {
    /// Applies it. Nothing stays nothing, except for an expression, which may make something of it.
    pub fn apply<'a>(&'a self, cell: Cell<'a>, view: &View<'a>) -> Step<'a> {
        if cell.is_null() && !matches!(self, Self::Expression(_)) {
            return Ok(cell);
        }
        match self {
            Self::Repair(repair) => repaired(*repair, cell),
            Self::NullIf(words) => Ok(if words.iter().any(|word| word.is(&cell)) {
                Cell::Null
            } else {
                cell
            }),
            Self::Extract(regex) => Ok(extract(regex, cell)),
            Self::Replace(regex, with) => Ok(replace(regex, with, cell)),
            Self::Case(case) => Ok(Cell::Text(change_case(*case, cell.into_text()))),
            Self::Pad { width, with, side } => {
                Ok(Cell::Text(pad(cell.into_text(), *width, *with, *side)))
            }
            Self::Cut(chars) => Ok(Cell::Text(cut(cell.into_text(), *chars))),
            Self::Lookup(lookup) => lookup.find(cell),
            Self::Number(format) => as_number(*format, cell),
            Self::Moment(moments) => moments.read(cell, view),
            Self::Flag(flags) => flags.read(cell),
            Self::Scale(factor) => calculate(cell, |number| number.checked_mul(*factor)),
            Self::Divide(by) => calculate(cell, |number| number.checked_div(*by)),
            Self::Negate => calculate(cell, |number| Some(-number)),
            Self::Absolute => calculate(cell, |number| Some(number.abs())),
            Self::NegateWhen(condition) => {
                if condition.holds(view)? {
                    calculate(cell, |number| Some(-number))
                } else {
                    Ok(cell)
                }
            }
            Self::Expression(expression) => {
                expression.evaluate(cell, view).map(|cell| cell as Cell<'a>)
            }
            Self::Round(digits, mode) => {
                calculate(cell, |value| Some(number::round(value, *digits, *mode)))
            }
        }
    }
}

fn repaired(repair: Repair, cell: Cell<'_>) -> Step<'_> {
    match cell {
        Cell::Text(text) if !text.is_ascii() => repair.apply(&text).map(Cell::from_text).ok_or_else(|| {
            Problem::data("encoding", "has characters that its code page cannot have held; check `repair` in the mapping")
        }),
        other => Ok(other),
    }
}

fn extract<'a>(regex: &Regex, cell: Cell<'a>) -> Cell<'a> {
    let text = cell.into_text();
    let Some(captures) = regex.captures(&text) else {
        return Cell::Null;
    };
    let found = if regex.captures_len() > 1 {
        captures.get(1)
    } else {
        captures.get(0)
    };
    found.map_or(Cell::Null, |found| {
        Cell::from_text(found.as_str().to_owned())
    })
}

fn replace<'a>(regex: &Regex, with: &str, cell: Cell<'a>) -> Cell<'a> {
    let text = cell.into_text();
    match regex.replace_all(&text, with) {
        Cow::Borrowed(_) => Cell::Text(text),
        Cow::Owned(text) => Cell::from_text(text),
    }
}

fn change_case(case: Case, text: Cow<'_, str>) -> Cow<'_, str> {
    match case {
        Case::Upper if !text.chars().any(char::is_lowercase) => text,
        Case::Lower if !text.chars().any(char::is_uppercase) => text,
        Case::Upper => Cow::Owned(text.to_uppercase()),
        Case::Lower => Cow::Owned(text.to_lowercase()),
        Case::Title => {
            let mut out = String::with_capacity(text.len());
            let mut inside = false;
            for c in text.chars() {
                if inside {
                    out.extend(c.to_lowercase());
                } else {
                    out.extend(c.to_uppercase());
                }
                inside = c.is_alphanumeric() || c == '\'';
            }
            Cow::Owned(out)
        }
    }
}

fn pad(text: Cow<'_, str>, width: usize, with: char, side: Side) -> Cow<'_, str> {
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    let fill = std::iter::repeat_n(with, missing);
    Cow::Owned(match side {
        Side::Left => fill.chain(text.chars()).collect(),
        Side::Right => text.chars().chain(fill).collect(),
    })
}

fn cut(text: Cow<'_, str>, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        Some((end, _)) => Cow::Owned(text[..end].trim_end().to_owned()),
        None => text,
    }
}

impl Lookup {
    fn find<'a>(&'a self, cell: Cell<'a>) -> Step<'a> {
        let text = cell.clone().into_text();
        let found = self
            .table
            .get(&*text)
            .or_else(|| self.table.get(&*text.to_lowercase()));
        match (found, self.otherwise) {
            (Some(found), _) => Ok(found.clone()),
            (None, LookupElse::Keep) => Ok(cell),
            (None, LookupElse::Nothing) => Ok(Cell::Null),
            (None, LookupElse::Reject) => Err(Problem::mapping(
                "lookup",
                "holds a value that the lookup table of the mapping lacks; add it there, or set `lookup_else`",
            )),
        }
    }
}

fn as_number(format: Format, cell: Cell<'_>) -> Step<'_> {
    match cell {
        Cell::Number(_) => Ok(cell),
        Cell::Text(text) => format.read(&text).map(Cell::Number).ok_or_else(|| {
            let example = if format.decimal == ',' { "1234,56" } else { "1234.56" };
            Problem::data("number", format!("is not a number written like {example}; correct it at the POS, or `number` in the mapping"))
        }),
        _ => Err(Problem::data("number", "is not a number; take another column in the mapping")),
    }
}

impl Moments {
    fn read<'a>(&self, cell: Cell<'a>, view: &View<'_>) -> Step<'a> {
        let time = match &self.time {
            Some((col, name)) => time_of_day(view.cell(*col, true, None)?, name)?,
            None => None,
        };
        let wall = match cell {
            Cell::Moment(moment) => Some(Wall::Utc(moment)),
            Cell::Wall(wall) => Some(Wall::Local(wall)),
            Cell::Date(date) => Some(Wall::Local(date.and_time(NaiveTime::MIN))),
            Cell::Text(text) => self.text(&text),
            Cell::Number(number) => self.text(&number.normalize().to_string()),
            Cell::Null | Cell::Bool(_) | Cell::Time(_) => None,
        };
        wall.and_then(|wall| match (wall, time) {
            (Wall::Utc(moment), _) => Some(moment),
            (Wall::Local(wall), None) => to_utc(wall, self.zone),
            (Wall::Local(wall), Some(time)) => to_utc(wall.date().and_time(time), self.zone),
        })
        .filter(|moment| plausible(&moment.date_naive()))
        .map(Cell::Moment)
        .ok_or_else(|| {
            Problem::data(
                "date",
                "is not a date between 1900 and 2200 in the expected form; correct it at the POS, or `date` in the mapping",
            )
        })
    }

    fn text(&self, text: &str) -> Option<Wall> {
        if self.formats.is_empty() {
            return read_iso(text);
        }
        self.formats.iter().find_map(|format| format.read(text))
    }
}

/// The time of day in a column of its own.
fn time_of_day(cell: Cell<'_>, column: &str) -> Result<Option<NaiveTime>, Box<Problem>> {
    let time = match &cell {
        Cell::Null => return Ok(None),
        Cell::Time(time) => Some(*time),
        Cell::Wall(wall) => Some(wall.time()),
        Cell::Text(text) => read_time(text),
        Cell::Number(number) => read_time(&number.normalize().to_string()),
        Cell::Bool(_) | Cell::Date(_) | Cell::Moment(_) => None,
    };
    time.map(Some).ok_or_else(|| {
        Problem::data(
            "date",
            format!("has its time of day in `{column}`, which holds none; correct it at the POS, or `time` in the mapping"),
        )
    })
}

const YES: &[&str] = &[
    "1",
    "y",
    "yes",
    "s",
    "si",
    "sí",
    "t",
    "true",
    "v",
    "verdadero",
    "a",
    "activo",
    "x",
];
const NO: &[&str] = &["0", "n", "no", "f", "false", "falso", "i", "inactivo"];

impl Flags {
    fn read<'a>(&self, cell: Cell<'a>) -> Step<'a> {
        let text = match cell {
            Cell::Bool(_) if self.yes.is_empty() && self.no.is_empty() => return Ok(cell),
            cell => cell.into_text(),
        };
        let is = |words: &[Box<str>]| words.iter().any(|word| same(word, &text));
        let known = |words: &[&str]| words.iter().any(|word| same(word, &text));
        let flag = match (self.yes.is_empty(), self.no.is_empty()) {
            (true, true) => known(YES)
                .then_some(true)
                .or_else(|| known(NO).then_some(false)),
            (false, true) => Some(is(&self.yes)),
            (true, false) => Some(!is(&self.no)),
            (false, false) => is(&self.yes)
                .then_some(true)
                .or_else(|| is(&self.no).then_some(false)),
        };
        flag.map(Cell::Bool).ok_or_else(|| {
            Problem::data("word", "is neither yes nor no; correct it at the POS, or name the words with `boolean` in the mapping")
        })
    }
}

/// Without regard to case.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}

fn calculate(cell: Cell<'_>, with: impl FnOnce(Decimal) -> Option<Decimal>) -> Step<'_> {
    let Cell::Number(number) = cell else {
        return Err(Problem::mapping(
            "number",
            "is not a number, so it cannot be calculated with; correct the mapping",
        ));
    };
    with(number).map(Cell::Number).ok_or_else(|| {
        Problem::data(
            "too_large",
            "becomes too large to be kept; correct it at the POS, or the mapping",
        )
    })
}
