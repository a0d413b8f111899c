//! Arithmetic, with the result types SQL Server has for it.

use std::cmp::Ordering;

use crate::data::convert::{convert, to_decimal};
use crate::data::decimal::Decimal;
use crate::data::moment;
use crate::data::types::{MAX, SqlType, TextKind};
use crate::data::value::Value;
use crate::error::{Result, SqlError};
use crate::sql::ast::BinaryOp;

pub(super) fn is_arithmetic(op: BinaryOp) -> bool {
    match op {
        BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Modulo
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor => true,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::And
        | BinaryOp::Or => false,
    }
}

pub(super) fn result_type(
    op: BinaryOp,
    left: SqlType,
    right: SqlType,
) -> Result<SqlType, SqlError> {
    let invalid = || {
        SqlError::general(
            402,
            format!(
                "The data types {} and {} are incompatible in the {op:?} operator.",
                left.name(),
                right.name()
            ),
        )
    };
    match (left, right) {
        (SqlType::Text { length: a, .. }, SqlType::Text { length: b, .. })
            if op == BinaryOp::Add =>
        {
            let SqlType::Text {
                kind, collation, ..
            } = left.common(right)
            else {
                return Err(invalid());
            };
            let kind = match kind {
                TextKind::Char => TextKind::VarChar,
                TextKind::NChar => TextKind::NVarChar,
                other => other,
            };
            let limit = if kind.is_unicode() { 4000 } else { 8000 };
            let length = if a == MAX || b == MAX {
                MAX
            } else {
                (a + b).min(limit)
            };
            return Ok(SqlType::Text {
                kind,
                length,
                collation,
            });
        }
        (SqlType::Bytes { length: a, .. }, SqlType::Bytes { length: b, .. })
            if op == BinaryOp::Add =>
        {
            let length = if a == MAX || b == MAX {
                MAX
            } else {
                (a + b).min(8000)
            };
            return Ok(SqlType::varbinary(length));
        }
        _ => {}
    }
    if left.is_temporal() || right.is_temporal() {
        let kind = if left.is_temporal() { left } else { right };
        return match (op, kind) {
            (BinaryOp::Add | BinaryOp::Subtract, SqlType::DateTime | SqlType::SmallDateTime) => {
                Ok(kind)
            }
            _ => Err(invalid()),
        };
    }
    let common = match left.common(right) {
        SqlType::Bit | SqlType::Null => SqlType::Int,
        kind if kind.is_number() => kind,
        SqlType::Bytes { .. } => SqlType::Int,
        _ => return Err(invalid()),
    };
    let SqlType::Decimal { .. } = common else {
        return Ok(common);
    };
    let (p1, s1) = as_decimal(left, right);
    let (p2, s2) = as_decimal(right, left);
    let (p1, s1, p2, s2) = (u32::from(p1), u32::from(s1), u32::from(p2), u32::from(s2));
    let (precision, scale) = match op {
        BinaryOp::Multiply => (p1 + p2 + 1, s1 + s2),
        BinaryOp::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            (p1 - s1 + s2 + scale, scale)
        }
        BinaryOp::Modulo => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
    };
    Ok(bounded(op, precision, scale))
}

/// Digits behind the point are given up so that those before it fit, down to six.
fn bounded(op: BinaryOp, precision: u32, scale: u32) -> SqlType {
    let narrow = |n: u32| u8::try_from(n).unwrap_or(38);
    if precision <= 38 {
        return SqlType::decimal(narrow(precision), narrow(scale));
    }
    let whole = precision - scale;
    let scale = match op {
        BinaryOp::Multiply | BinaryOp::Divide => {
            if whole < 32 {
                scale.min(38 - whole)
            } else {
                scale.min(6)
            }
        }
        _ => scale.min(38u32.saturating_sub(whole)),
    };
    SqlType::decimal(38, narrow(scale))
}

fn as_decimal(kind: SqlType, other: SqlType) -> (u8, u8) {
    if kind.is_number() {
        kind.precision_scale()
    } else {
        other.precision_scale()
    }
}

pub(super) fn negate(value: &Value, kind: SqlType) -> Result<Value, SqlError> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Int(number) => Value::Int(-number),
        Value::Money(number) => Value::Money(-number),
        Value::Float(number) => Value::Float(-number),
        Value::Decimal(decimal) => Value::Decimal(Decimal::new(-decimal.unscaled, decimal.scale)),
        Value::Bit(_) => {
            return Err(SqlError::general(
                8117,
                "Operand data type bit is invalid for minus operator.",
            ));
        }
        other => negate(&convert(other, kind, SqlType::Int)?, SqlType::Int)?,
    })
}

/// Two values of any types, with the result of the type that [`result_type`] said.
pub(super) fn arithmetic(
    op: BinaryOp,
    left: (&Value, SqlType),
    right: (&Value, SqlType),
    kind: SqlType,
) -> Result<Value, SqlError> {
    let ((a, a_kind), (b, b_kind)) = (left, right);
    if a.is_null() || b.is_null() {
        return Ok(Value::Null);
    }
    match kind {
        SqlType::Text { .. } => {
            let joined = format!(
                "{}{}",
                a.as_text().unwrap_or_default(),
                b.as_text().unwrap_or_default()
            );
            Ok(Value::text(joined))
        }
        SqlType::Bytes { .. } => match (a, b) {
            (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::bytes([&a[..], &b[..]].concat())),
            _ => Err(SqlError::overflow("varbinary")),
        },
        SqlType::DateTime | SqlType::SmallDateTime => {
            let ticks = |value, from| match convert(value, from, SqlType::DateTime)? {
                Value::Moment(at) => Ok(at - moment::YEAR_1900 * moment::DAY),
                _ => Err(SqlError::overflow("datetime")),
            };
            let (a, b) = (ticks(a, a_kind)?, ticks(b, b_kind)?);
            let sum = if op == BinaryOp::Add { a + b } else { a - b };
            Ok(Value::Moment(moment::to_datetime(
                sum + moment::YEAR_1900 * moment::DAY,
            )))
        }
        SqlType::Float | SqlType::Real => {
            float(op, convert(a, a_kind, kind)?, convert(b, b_kind, kind)?)
        }
        SqlType::Decimal { scale, .. } => {
            let a = to_decimal(a, a_kind, kind, scale)?;
            let b = to_decimal(b, b_kind, kind, scale)?;
            decimal(op, a, b, scale).map(Value::Decimal)
        }
        SqlType::Money | SqlType::SmallMoney => {
            let a = to_decimal(a, a_kind, kind, 4)?;
            let b = to_decimal(b, b_kind, kind, 4)?;
            let result = decimal(op, a, b, 4)?;
            i64::try_from(
                result
                    .rescale(4)
                    .map_err(|_| SqlError::overflow("money"))?
                    .unscaled,
            )
            .map(Value::Money)
            .map_err(|_| SqlError::overflow("money"))
        }
        _ => {
            let whole = |value, from| {
                convert(value, from, SqlType::BigInt)?
                    .as_int()
                    .ok_or_else(|| SqlError::overflow(kind.name()))
            };
            let result = integer(op, whole(a, a_kind)?, whole(b, b_kind)?)?;
            let result = result.ok_or_else(|| SqlError::overflow(kind.name()))?;
            convert(&Value::Int(result), SqlType::BigInt, kind)
                .map_err(|_| SqlError::overflow(kind.name()))
        }
    }
}

fn by_zero() -> SqlError {
    SqlError::general(8134, "Divide by zero error encountered.")
}

fn integer(op: BinaryOp, a: i64, b: i64) -> Result<Option<i64>, SqlError> {
    Ok(match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide if b == 0 => return Err(by_zero()),
        BinaryOp::Modulo if b == 0 => return Err(by_zero()),
        BinaryOp::Divide => a.checked_div(b),
        BinaryOp::Modulo => a.checked_rem(b),
        BinaryOp::BitAnd => Some(a & b),
        BinaryOp::BitOr => Some(a | b),
        BinaryOp::BitXor => Some(a ^ b),
        _ => None,
    })
}

fn decimal(op: BinaryOp, a: Decimal, b: Decimal, scale: u8) -> Result<Decimal, SqlError> {
    if matches!(op, BinaryOp::Divide | BinaryOp::Modulo) && b.unscaled == 0 {
        return Err(by_zero());
    }
    let result = match op {
        BinaryOp::Add => a.add(b),
        BinaryOp::Subtract => a.subtract(b),
        BinaryOp::Multiply => a.multiply(b, scale),
        BinaryOp::Divide => a.divide(b, scale),
        _ => a.remainder(b),
    };
    result
        .and_then(|result| result.rescale(scale))
        .map_err(|_| SqlError::overflow("numeric"))
}

fn float(op: BinaryOp, a: Value, b: Value) -> Result<Value, SqlError> {
    let (Value::Float(a), Value::Float(b)) = (a, b) else {
        return Ok(Value::Null);
    };
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide if b == 0.0 => return Err(by_zero()),
        BinaryOp::Divide => a / b,
        _ => {
            return Err(SqlError::general(
                8117,
                "Operand data type float is invalid for this operator.",
            ));
        }
    };
    if result.is_finite() {
        Ok(Value::Float(result))
    } else {
        Err(SqlError::overflow("float"))
    }
}

/// Two values of one type; neither is NULL.
pub(super) fn compare(a: &Value, b: &Value, kind: SqlType) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b))
        | (Value::Money(a), Value::Money(b))
        | (Value::Moment(a), Value::Moment(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.compare(*b),
        (Value::Bytes(a), Value::Bytes(b)) => {
            // Zeros at the end do not count.
            let trim = |bytes: &[u8]| bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            a[..trim(a)].cmp(&b[..trim(b)])
        }
        _ => {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            a.key(kind, &mut left);
            b.key(kind, &mut right);
            left.cmp(&right)
        }
    }
}

pub(super) fn holds(op: BinaryOp, ordering: Ordering) -> bool {
    match op {
        BinaryOp::Equal => ordering.is_eq(),
        BinaryOp::NotEqual => ordering.is_ne(),
        BinaryOp::Less => ordering.is_lt(),
        BinaryOp::LessEqual => ordering.is_le(),
        BinaryOp::Greater => ordering.is_gt(),
        BinaryOp::GreaterEqual => ordering.is_ge(),
        _ => false,
    }
}
