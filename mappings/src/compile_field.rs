//! Compiles the operations on one field, in their fixed order, and refuses those that do not fit its type.

use std::collections::HashMap;

use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};

use crate::cell::Cell;
use crate::codepage::{CodePage, Repair};
use crate::compile::{StreamCompiler, join};
use crate::condition::Word;
use crate::error::MappingError;
use crate::field::{Field, From, Part, Take, finish};
use crate::field_document::{
    self as doc, FieldTable, Pad, Round, RoundMode, Scale, ScaleWord, Side, Sign,
};
use crate::moment::DateFormat;
use crate::number::Format;
use crate::op::{Flags, Lookup, Moments, Op};
use crate::scalar::Scalar;
use crate::target::{Kind, Output, Target};
use crate::view::View;

use rust_decimal::Decimal;

/// The longest text of most fields, in characters.
const TEXT_LIMIT: usize = 1_000;
/// The longest description or address.
const LONG_LIMIT: usize = 10_000;
/// The longest code that a person types or a scanner reads.
const CODE_LIMIT: usize = 200;

pub(crate) struct FieldCompiler<'c, 'a> {
    pub stream: &'c mut StreamCompiler<'a>,
    pub target: &'c Target,
    pub table: &'c FieldTable,
}

impl FieldCompiler<'_, '_> {
    pub fn compile(mut self) -> Result<Field, MappingError> {
        self.check_fit()?;
        let take = self.take()?;
        let mut ops = Vec::new();
        self.text_ops(&mut ops)?;
        let computed = matches!(take.from, From::Nothing);
        if !computed {
            self.convert(&mut ops)?;
        }
        self.number_ops(&mut ops)?;
        if let Some(expression) = &self.table.expression {
            ops.push(Op::Expression(Box::new(
                self.stream.expression(expression, self.table.optional)?,
            )));
            if self.target.kind == Kind::Moment {
                self.convert(&mut ops)?;
            }
        }
        if let Some(round) = &self.table.round {
            ops.push(self.round(round)?);
        }
        let kind = self.target.kind;
        let limit = match self.target.name {
            "description" | "address" => LONG_LIMIT,
            "sku" | "barcodes" | "number" => CODE_LIMIT,
            _ => TEXT_LIMIT,
        };
        let default = self.default(limit)?;
        self.settle(Field {
            kind,
            limit,
            take,
            ops: ops.into(),
            default,
        })
    }

    /// A constant is checked and computed once, here, unless something in it looks at the row.
    fn settle(&self, field: Field) -> Result<Field, MappingError> {
        let looks_at_row = field
            .ops
            .iter()
            .any(|op| matches!(op, Op::Expression(_) | Op::NegateWhen(_)))
            || self.table.time.is_some();
        if !matches!(field.take.from, From::Constant(_))
            || looks_at_row
            || field.kind == Kind::Texts
        {
            return Ok(field);
        }
        let output = field.evaluate(&View::parent(&[], &[])).map_err(|problem| {
            self.stream
                .error(format!("the constant {}", problem.message))
        })?;
        let take = Take {
            from: From::Nothing,
            ..field.take
        };
        Ok(Field {
            take,
            ops: Box::default(),
            default: output,
            ..field
        })
    }

    fn check_fit(&self) -> Result<(), MappingError> {
        let table = self.table;
        let kind = self.target.kind;
        let numeric = matches!(kind, Kind::Number | Kind::Integer);
        let misfit = [
            ("number", table.number.is_some() && !numeric),
            ("scale", table.scale.is_some() && !numeric),
            ("divide", table.divide.is_some() && !numeric),
            ("sign", table.sign.is_some() && !numeric),
            ("negate_when", table.negate_when.is_some() && !numeric),
            ("round", table.round.is_some() && !numeric),
            ("date", table.date.is_some() && kind != Kind::Moment),
            ("time", table.time.is_some() && kind != Kind::Moment),
            ("zone", table.zone.is_some() && kind != Kind::Moment),
            ("boolean", table.boolean.is_some() && kind != Kind::Flag),
            ("split", table.split.is_some() && kind != Kind::Texts),
        ];
        if let Some((name, _)) = misfit.iter().find(|(_, misfit)| *misfit) {
            return Err(self.stream.error(format!(
                "is {}, so `{name}` does not fit it; leave it out",
                kind.describe()
            )));
        }
        let sources = [
            table.column.is_some(),
            !table.columns.is_empty(),
            table.constant.is_some(),
            table.setting.is_some(),
            !table.concat.is_empty(),
        ];
        match sources.iter().filter(|given| **given).count() {
            0 if table.expression.is_none() && table.default.is_none() => Err(self
                .stream
                .error("says not where its value comes from: give column, columns, constant, setting, concat or expression")),
            0 | 1 => Ok(()),
            _ => Err(self.stream.error("has several sources; give one of column, columns, constant, setting, concat")),
        }
    }

    fn take(&mut self) -> Result<Take, MappingError> {
        let table = self.table;
        let from = if let Some(column) = &table.column {
            From::Column(
                self.stream
                    .columns(std::slice::from_ref(column), table.optional)?[0],
            )
        } else if !table.columns.is_empty() {
            From::First(self.stream.columns(&table.columns, table.optional)?.into())
        } else if let Some(constant) = &table.constant {
            From::Constant(cell(constant))
        } else if let Some(setting) = &table.setting {
            From::Constant(self.setting(setting)?)
        } else if !table.concat.is_empty() {
            let parts = table
                .concat
                .iter()
                .map(|part| self.part(part))
                .collect::<Result<_, _>>()?;
            From::Concat(parts, table.separator.clone().unwrap_or_default().into())
        } else {
            From::Nothing
        };
        let encoding = table
            .encoding
            .as_deref()
            .map(|name| self.code_page(name))
            .transpose()?;
        Ok(Take {
            from,
            trim: table.trim.unwrap_or(true),
            encoding,
        })
    }

    fn part(&mut self, part: &doc::Part) -> Result<Part, MappingError> {
        let optional = self.table.optional;
        Ok(match part {
            doc::Part::Text { text } => Part::Text(text.as_str().into()),
            doc::Part::Setting { setting } => Part::Text(self.setting(setting)?.into_text().into()),
            doc::Part::Column(column) => Part::Column(
                self.stream
                    .columns(std::slice::from_ref(column), optional)?[0],
                0,
            ),
            doc::Part::Padded { column, pad } => {
                let col = self
                    .stream
                    .columns(std::slice::from_ref(column), optional)?[0];
                Part::Column(col, self.width(*pad)?)
            }
        })
    }

    fn setting(&self, name: &str) -> Result<Cell<'static>, MappingError> {
        let value = self.stream.settings.get(name).ok_or_else(|| {
            let known = join(self.stream.settings.keys());
            self.stream.error(format!(
                "the mapping has no setting {name:?}; it has: {known}"
            ))
        })?;
        let cell =
            Cell::read(value, true, None).map_err(|problem| self.stream.error(problem.message))?;
        Ok(cell.into_owned())
    }

    /// Text of the document; `{name}` in it stands for a setting.
    fn text(&self, text: &str) -> Result<String, MappingError> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = rest.split_once('{').and_then(|(before, rest)| {
            rest.split_once('}')
                .map(|(name, after)| (before, name, after))
        }) {
            out.push_str(before);
            out.push_str(&self.setting(name)?.into_text());
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn text_ops(&mut self, ops: &mut Vec<Op>) -> Result<(), MappingError> {
        let table = self.table;
        if let Some(repair) = &table.repair {
            let (read_as, really) = (
                self.code_page(&repair.read_as)?,
                self.code_page(&repair.really)?,
            );
            ops.push(Op::Repair(Repair { read_as, really }));
        }
        if !table.null_if.is_empty() {
            ops.push(Op::NullIf(table.null_if.iter().map(Word::new).collect()));
        }
        if let Some(pattern) = &table.extract {
            ops.push(Op::Extract(self.regex(pattern)?));
        }
        for replace in &table.replace {
            ops.push(Op::Replace(
                self.regex(&replace.pattern)?,
                replace.with.as_str().into(),
            ));
        }
        if let Some(case) = table.case {
            ops.push(Op::Case(case));
        }
        match &table.pad {
            Some(Pad::Width(width)) => ops.push(Op::Pad {
                width: self.width(*width)?,
                with: '0',
                side: Side::Left,
            }),
            Some(Pad::Full(pad)) => ops.push(Op::Pad {
                width: self.width(pad.width)?,
                with: pad.with,
                side: pad.side,
            }),
            None => {}
        }
        if let Some(chars) = table.cut {
            ops.push(Op::Cut(usize::try_from(chars.max(1)).unwrap_or(usize::MAX)));
        }
        if !table.lookup.is_empty() {
            ops.push(Op::Lookup(Box::new(self.lookup())));
        }
        Ok(())
    }

    fn lookup(&self) -> Lookup {
        let mut map: HashMap<Box<str>, Cell<'static>> = HashMap::new();
        for (key, value) in &self.table.lookup {
            map.entry(key.to_lowercase().into())
                .or_insert_with(|| cell(value));
        }
        for (key, value) in &self.table.lookup {
            map.insert(key.as_str().into(), cell(value));
        }
        Lookup {
            table: map,
            otherwise: self.table.lookup_else.unwrap_or_default(),
        }
    }

    /// What reads the cell as the type of the field.
    fn convert(&mut self, ops: &mut Vec<Op>) -> Result<(), MappingError> {
        match self.target.kind {
            Kind::Number | Kind::Integer => ops.push(Op::Number(self.number_format()?)),
            Kind::Moment => ops.push(Op::Moment(Box::new(self.moments()?))),
            Kind::Flag => ops.push(Op::Flag(Box::new(self.flags()))),
            Kind::Text
            | Kind::Id
            | Kind::Currency
            | Kind::Texts
            | Kind::Tax
            | Kind::Movement
            | Kind::Direction
            | Kind::Status
            | Kind::Lines
            | Kind::Payments => {}
        }
        Ok(())
    }

    fn number_format(&self) -> Result<Format, MappingError> {
        let Some(number) = &self.table.number else {
            return Ok(Format::PLAIN);
        };
        let decimal = self.text(number.decimal.as_deref().unwrap_or("."))?;
        let decimal = match decimal.as_str() {
            "," => ',',
            "." => '.',
            _ => {
                return Err(self.stream.error(format!(
                    "number: the decimal mark is \",\" or \".\", not {decimal:?}"
                )));
            }
        };
        let group = match &number.group {
            None => Some(if decimal == ',' { '.' } else { ',' }),
            Some(group) => {
                let group = self.text(group)?;
                let mut chars = group.chars();
                match (chars.next(), chars.next()) {
                    (None, _) => None,
                    (Some(c), None) if c != decimal && !c.is_ascii_digit() => Some(c),
                    _ => {
                        return Err(self.stream.error(format!(
                            "number: the group separator is one character other than the decimal mark, not {group:?}"
                        )));
                    }
                }
            }
        };
        Ok(Format {
            decimal,
            group,
            decorated: true,
        })
    }

    fn moments(&mut self) -> Result<Moments, MappingError> {
        let formats = match &self.table.date {
            None => Box::default(),
            Some(date) => date
                .iter()
                .map(|text| {
                    DateFormat::compile(&self.text(text)?)
                        .map_err(|problem| self.stream.error(problem))
                })
                .collect::<Result<_, _>>()?,
        };
        let time = match &self.table.time {
            Some(name) => {
                let columns = std::slice::from_ref(name);
                let col = self.stream.columns(columns, self.table.optional)?[0];
                Some((col, name.as_str().into()))
            }
            None => None,
        };
        Ok(Moments {
            formats,
            time,
            zone: self.zone()?,
        })
    }

    fn zone(&self) -> Result<Tz, MappingError> {
        Ok(match &self.table.zone {
            None => self.stream.context.time_zone,
            Some(name) => {
                let name = self.text(name)?;
                name.parse::<Tz>().map_err(|_| {
                    self.stream.error(format!(
                        "zone: {name:?} is not a time zone such as America/Caracas"
                    ))
                })?
            }
        })
    }

    fn flags(&self) -> Flags {
        let words = |words: &[Scalar]| words.iter().map(|word| word.to_string().into()).collect();
        match &self.table.boolean {
            Some(doc::BooleanWords { yes, no }) => Flags {
                yes: words(yes),
                no: words(no),
            },
            None => Flags {
                yes: Box::default(),
                no: Box::default(),
            },
        }
    }

    fn number_ops(&mut self, ops: &mut Vec<Op>) -> Result<(), MappingError> {
        let table = self.table;
        match &table.scale {
            Some(Scale::Word(ScaleWord::ToPercent)) => ops.push(Op::Scale(Decimal::ONE_HUNDRED)),
            Some(Scale::Word(ScaleWord::ToFraction)) => ops.push(Op::Scale(Decimal::new(1, 2))),
            Some(Scale::By(factor)) => ops.push(Op::Scale(factor.0)),
            None => {}
        }
        if let Some(by) = table.divide {
            if by.0.is_zero() {
                return Err(self.stream.error("divide: nothing can be divided by 0"));
            }
            ops.push(Op::Divide(by.0));
        }
        match table.sign {
            Some(Sign::Negate) => ops.push(Op::Negate),
            Some(Sign::Absolute) => ops.push(Op::Absolute),
            None => {}
        }
        if let Some(condition) = &table.negate_when {
            ops.push(Op::NegateWhen(Box::new(self.stream.condition(condition)?)));
        }
        Ok(())
    }

    fn round(&self, round: &Round) -> Result<Op, MappingError> {
        let (digits, mode) = match round {
            Round::Digits(digits) => (*digits, RoundMode::HalfUp),
            Round::Full(round) => (round.digits, round.mode),
        };
        if digits > 6 {
            return Err(self.stream.error("round: at most 6 digits are kept"));
        }
        Ok(Op::Round(digits, mode))
    }

    fn default(&self, limit: usize) -> Result<Option<Output>, MappingError> {
        let Some(default) = &self.table.default else {
            return Ok(None);
        };
        let misfit = |problem: &str| self.stream.error(format!("default: {default} {problem}"));
        let mut ops = Vec::new();
        // A default is written as the document writes numbers and dates, not as the source does.
        match self.target.kind {
            Kind::Number | Kind::Integer => ops.push(Op::Number(Format::PLAIN)),
            Kind::Moment => {
                ops.push(Op::Moment(Box::new(Moments {
                    formats: Box::default(),
                    time: None,
                    zone: self.zone()?,
                })));
            }
            Kind::Flag => ops.push(Op::Flag(Box::new(Flags {
                yes: Box::default(),
                no: Box::default(),
            }))),
            _ => {}
        }
        let view = View::parent(&[], &[]);
        let mut value = cell(default);
        for op in &ops {
            value = op
                .apply(value, &view)
                .map_err(|problem| misfit(&problem.message))?
                .into_owned();
        }
        finish(self.target.kind, limit, value).map_err(|problem| misfit(&problem.message))
    }

    fn regex(&self, pattern: &str) -> Result<Regex, MappingError> {
        RegexBuilder::new(pattern)
            .size_limit(1 << 20)
            .build()
            .map_err(|error| {
                self.stream
                    .error(format!("{pattern:?} is not a regular expression: {error}"))
            })
    }

    fn code_page(&self, name: &str) -> Result<CodePage, MappingError> {
        CodePage::find(&self.text(name)?).map_err(|problem| self.stream.error(problem))
    }

    fn width(&self, width: u32) -> Result<usize, MappingError> {
        match usize::try_from(width) {
            Ok(width) if (1..=CODE_LIMIT).contains(&width) => Ok(width),
            _ => Err(self
                .stream
                .error(format!("pad: the width is 1 to {CODE_LIMIT}, not {width}"))),
        }
    }
}

fn cell(scalar: &Scalar) -> Cell<'static> {
    match scalar {
        Scalar::Bool(flag) => Cell::Bool(*flag),
        Scalar::Number(number) => Cell::Number(*number),
        Scalar::Text(text) => Cell::from_text(text.clone()),
    }
}
