//! What expressions are worth for a row.

use super::bind::Runner;
use super::operators;
use super::plan::{Node, Typed};
use crate::data::convert::{Fit, convert, styled};
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError, Stop};
use crate::sql::ast::UnaryOp;

/// The rows at hand: one for each source that has been reached, none where an outer join found nothing.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub rows: &'a [Option<Row>],
    pub aggregates: &'a [Value],
    pub windows: &'a [i64],
    pub up: Option<&'a Frame<'a>>,
}

impl Frame<'_> {
    pub const EMPTY: Frame<'static> = Frame {
        rows: &[],
        aggregates: &[],
        windows: &[],
        up: None,
    };

    fn column(&self, up: usize, source: usize, column: usize) -> Value {
        let mut frame = self;
        for _ in 0..up {
            match frame.up {
                Some(outer) => frame = outer,
                None => return Value::Null,
            }
        }
        match frame.rows.get(source) {
            Some(Some(row)) => row.get(column).cloned().unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }
}

impl Runner<'_> {
    /// A value without any row.
    pub fn constant(&self, value: &Typed) -> Result<Value> {
        self.evaluate(&value.node, value.kind, &Frame::EMPTY)
    }

    pub fn typed(&self, value: &Typed, frame: &Frame<'_>) -> Result<Value> {
        self.evaluate(&value.node, value.kind, frame)
    }

    /// Whether a condition is true; unknown is not.
    pub fn is_true(&self, condition: &Node, frame: &Frame<'_>) -> Result<bool> {
        Ok(self.judge(condition, frame)? == Some(true))
    }

    pub fn evaluate(&self, node: &Node, kind: SqlType, frame: &Frame<'_>) -> Result<Value> {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Column { up, source, column } => Ok(frame.column(*up, *source, *column)),
            Node::Unary(op, of) => {
                let value = self.typed(of, frame)?;
                Ok(match op {
                    UnaryOp::Minus => operators::negate(&value, of.kind)?,
                    UnaryOp::BitNot => value.as_int().map_or(Value::Null, |n| Value::Int(!n)),
                    UnaryOp::Not => Value::Null,
                })
            }
            Node::Arithmetic(op, left, right) => {
                let a = self.typed(left, frame)?;
                let b = self.typed(right, frame)?;
                operators::arithmetic(*op, (&a, left.kind), (&b, right.kind), kind)
                    .map_err(Stop::from)
            }
            Node::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    if self.is_true(condition, frame)? {
                        return self.evaluate(value, kind, frame);
                    }
                }
                self.evaluate(otherwise, kind, frame)
            }
            Node::Convert {
                of,
                to,
                style,
                lenient,
            } => {
                let value = self.typed(of, frame)?;
                let style = match style {
                    None => None,
                    Some(style) => self.typed(style, frame)?.as_int(),
                };
                match styled(&value, of.kind, *to, style, Fit::Cut) {
                    Err(_) if *lenient => Ok(Value::Null),
                    other => other.map_err(Stop::from),
                }
            }
            Node::Call(name, arguments) => self.invoke(name, arguments, frame),
            Node::Scalar(plan) => {
                let rows = self.rows_of(plan, Some(frame))?;
                match rows.as_slice() {
                    [] => Ok(Value::Null),
                    [row] => Ok(row[0].clone()),
                    _ => Err(SqlError::general(
                        512,
                        "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, \
                         <= , >, >= or when the subquery is used as an expression.",
                    )
                    .into()),
                }
            }
            Node::Aggregate(at) => Ok(frame.aggregates.get(*at).cloned().unwrap_or(Value::Null)),
            Node::Window(at) => Ok(Value::Int(frame.windows.get(*at).copied().unwrap_or(0))),
            Node::Compare(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_)
            | Node::IsNull(..)
            | Node::Like { .. }
            | Node::In(..)
            | Node::InQuery(..)
            | Node::Exists(_) => Ok(self.judge(node, frame)?.map_or(Value::Null, Value::Bit)),
        }
    }

    /// True, false, or unknown.
    fn judge(&self, condition: &Node, frame: &Frame<'_>) -> Result<Option<bool>> {
        match condition {
            Node::And(left, right) => Ok(match self.judge(left, frame)? {
                Some(false) => Some(false),
                first => match (first, self.judge(right, frame)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            }),
            Node::Or(left, right) => Ok(match self.judge(left, frame)? {
                Some(true) => Some(true),
                first => match (first, self.judge(right, frame)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            }),
            Node::Not(of) => Ok(self.judge(of, frame)?.map(|truth| !truth)),
            Node::IsNull(of, negated) => {
                let value = self.typed(of, frame)?;
                Ok(Some(value.is_null() != *negated))
            }
            Node::Compare(op, left, right) => {
                let a = self.typed(left, frame)?;
                let b = self.typed(right, frame)?;
                if a.is_null() || b.is_null() {
                    return Ok(None);
                }
                Ok(Some(operators::holds(
                    *op,
                    operators::compare(&a, &b, left.kind),
                )))
            }
            Node::Like {
                of,
                pattern,
                escape,
                negated,
            } => self
                .like(of, pattern, escape.as_deref(), frame)
                .map(|found| found.map(|found| found != *negated)),
            Node::In(of, list, negated) => {
                let value = self.typed(of, frame)?;
                let others = list.iter().map(|item| self.typed(item, frame));
                let found = member(&value, of.kind, others)?;
                Ok(found.map(|found| found != *negated))
            }
            Node::InQuery(of, plan, negated) => {
                let value = self.typed(of, frame)?;
                let common = of.kind.common(plan.fields[0].kind);
                let value = convert(&value, of.kind, common)?;
                let rows = self.rows_of(plan, Some(frame))?;
                let from = plan.fields[0].kind;
                let others = rows
                    .iter()
                    .map(|row| convert(&row[0], from, common).map_err(Stop::from));
                let found = member(&value, common, others)?;
                Ok(found.map(|found| found != *negated))
            }
            Node::Exists(plan) => Ok(Some(!self.first_row(plan, Some(frame))?.is_empty())),
            other => Ok(match self.evaluate(other, SqlType::Bit, frame)? {
                Value::Bit(bit) => Some(bit),
                _ => None,
            }),
        }
    }

    fn like(
        &self,
        of: &Typed,
        pattern: &Typed,
        escape: Option<&Typed>,
        frame: &Frame<'_>,
    ) -> Result<Option<bool>> {
        let text = convert(
            &self.typed(of, frame)?,
            of.kind,
            SqlType::nvarchar(crate::data::types::MAX),
        )?;
        let pattern = self.typed(pattern, frame)?;
        let escape = match escape {
            None => None,
            Some(escape) => self
                .typed(escape, frame)?
                .as_text()
                .and_then(|t| t.chars().next()),
        };
        let (Some(text), Some(pattern)) = (text.as_text(), pattern.as_text()) else {
            return Ok(None);
        };
        let sensitive = of.kind.collation().is_some_and(|c| {
            matches!(
                c.order,
                crate::data::collation::Order::CaseSensitive
                    | crate::data::collation::Order::Binary
            )
        });
        let fold = |text: &str| -> Vec<char> {
            if sensitive {
                text.chars().collect()
            } else {
                text.to_lowercase().chars().collect()
            }
        };
        Ok(Some(matches(&fold(text), &fold(pattern), escape)))
    }
}

fn member(
    value: &Value,
    kind: SqlType,
    others: impl Iterator<Item = Result<Value>>,
) -> Result<Option<bool>> {
    let mut unknown = value.is_null();
    for other in others {
        let other = other?;
        if other.is_null() {
            unknown = true;
        } else if !value.is_null() && operators::compare(value, &other, kind).is_eq() {
            return Ok(Some(true));
        }
    }
    Ok(if unknown { None } else { Some(false) })
}

/// `LIKE`: `%`, `_`, `[a-z]`, `[^a]`.
pub(super) fn matches(text: &[char], pattern: &[char], escape: Option<char>) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return text.iter().all(|c| *c == ' ');
    };
    if escape == Some(*first) && !rest.is_empty() {
        return text.first() == rest.first() && matches(&text[1..], &rest[1..], escape);
    }
    match first {
        '%' => (0..=text.len()).any(|at| matches(&text[at..], rest, escape)),
        '_' => !text.is_empty() && matches(&text[1..], rest, escape),
        '[' => {
            let Some(end) = rest.iter().position(|c| *c == ']') else {
                return false;
            };
            let Some(c) = text.first() else { return false };
            in_class(*c, &rest[..end]) && matches(&text[1..], &rest[end + 1..], escape)
        }
        _ => text.first() == Some(first) && matches(&text[1..], rest, escape),
    }
}

fn in_class(c: char, class: &[char]) -> bool {
    let (negated, class) = match class.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut at = 0;
    let mut found = false;
    while at < class.len() {
        if at + 2 < class.len() && class[at + 1] == '-' {
            found |= (class[at]..=class[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= class[at] == c;
            at += 1;
        }
    }
    found != negated
}
