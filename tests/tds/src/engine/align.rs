//! Gives values one type, and texts one collation, so that they can be compared, chosen between or reckoned with.

use super::plan::{Node, Typed};
use crate::data::convert::convert;
use crate::data::decimal::Decimal;
use crate::data::types::{BytesKind, SqlType, TextKind};
use crate::data::value::Value;
use crate::error::{Result, SqlError};
use crate::sql::ast::Expr;

pub(super) fn is_whole(expression: &Expr) -> bool {
    matches!(expression, Expr::Literal(Value::Int(_), _))
}

/// A whole number that is written out has only the digits it needs where it meets a decimal.
pub(super) fn beside_decimal(literal: Typed, other: SqlType) -> Typed {
    match (&literal.node, other) {
        (Node::Constant(Value::Int(number)), SqlType::Decimal { .. }) => {
            let decimal = Decimal::new(i128::from(*number), 0);
            let kind = SqlType::decimal(decimal.digits(), 0);
            Typed::constant(Value::Decimal(decimal), kind)
        }
        _ => literal,
    }
}

/// Text that is cast to another kind of text keeps its collation.
pub(super) fn keep_collation(from: SqlType, to: SqlType) -> SqlType {
    match (from, to) {
        (SqlType::Text { collation, .. }, SqlType::Text { kind, length, .. }) => SqlType::Text {
            kind,
            length,
            collation,
        },
        (_, to) => to,
    }
}

/// Wraps a conversion around what is not of this type yet.
pub(super) fn coerce(value: Typed, kind: SqlType) -> Typed {
    if value.kind == kind || kind == SqlType::Null {
        return value;
    }
    let same_text = matches!(
        (value.kind, kind),
        (SqlType::Text { kind: a, .. }, SqlType::Text { kind: b, .. })
            if a == b || (b.is_unicode() && !matches!(a, TextKind::Char | TextKind::NChar))
    );
    if same_text {
        return Typed { kind, ..value };
    }
    let nullable = value.nullable;
    Typed {
        node: Node::Convert {
            of: Box::new(value),
            to: kind,
            style: None,
            lenient: false,
        },
        kind,
        nullable,
    }
}

/// Carries out the conversion of a constant at once.
pub(super) fn fold(value: Typed) -> Result<Typed> {
    if let Node::Convert {
        of,
        to,
        style: None,
        lenient: false,
    } = &value.node
        && let Node::Constant(constant) = &of.node
    {
        let converted = convert(constant, of.kind, *to)?;
        return Ok(Typed::constant(converted, *to));
    }
    Ok(value)
}

/// Gives two operands of a comparison one type.
pub(super) fn align(left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let comparable = |kind: SqlType| {
        !matches!(
            kind,
            SqlType::Text {
                kind: TextKind::Text | TextKind::NText | TextKind::Xml,
                ..
            } | SqlType::Bytes {
                kind: BytesKind::Image,
                ..
            }
        )
    };
    if !comparable(left.kind) || !comparable(right.kind) {
        return Err(SqlError::general(
            402,
            format!(
                "The data types {} and {} are incompatible in the comparison operator.",
                left.kind.name(),
                right.kind.name()
            ),
        )
        .into());
    }
    if let (Some(a), Some(b)) = (left.kind.collation(), right.kind.collation())
        && a != b
    {
        return align_collations(left, right);
    }
    let common = left.kind.common(right.kind);
    Ok((fold(coerce(left, common))?, fold(coerce(right, common))?))
}

/// A constant takes the collation of the column; two columns of different ones cannot be compared.
fn align_collations(left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let is_column = |side: &Typed| matches!(side.node, Node::Column { .. });
    let (Some(a), Some(b)) = (left.kind.collation(), right.kind.collation()) else {
        return Ok((left, right));
    };
    if is_column(&left) && is_column(&right) {
        return Err(SqlError::general(
            468,
            format!(
                "Cannot resolve the collation conflict between \"{}\" and \"{}\" in the equal to operation.",
                b.name, a.name
            ),
        )
        .into());
    }
    let collation =
        if is_column(&right) || (!is_column(&left) && matches!(left.node, Node::Constant(_))) {
            b
        } else {
            a
        };
    let dress = |side: Typed| match side.kind {
        SqlType::Text { kind, length, .. } => Typed {
            kind: SqlType::Text {
                kind,
                length,
                collation,
            },
            ..side
        },
        _ => side,
    };
    Ok((dress(left), dress(right)))
}
