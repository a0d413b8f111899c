//! Arrays, as the text the database shows: `{1,2}`, `{"a b",NULL}`.

use fluxion_model::value::Value;
use sqlx::postgres::PgTypeKind;

use super::decode::{Plan, Reading, int4, undecodable};

/// PostgreSQL allows no more.
const DIMENSIONS: i32 = 6;

pub(super) fn read(raw: &[u8], reading: Reading) -> Option<Value> {
    let mut rest = raw;
    let dimensions = take(&mut rest)?;
    let _has_nulls = take(&mut rest)?;
    let element = u32::try_from(take(&mut rest)?).ok()?;
    if !(0..=DIMENSIONS).contains(&dimensions) {
        return None;
    }
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(usize::try_from(take(&mut rest)?).ok()?);
        take(&mut rest)?;
    }
    let plan = match Plan::of(element, "", &PgTypeKind::Simple) {
        // Elements of an enumeration or an extension's text are told by being readable.
        Plan::Unknown => Plan::Text,
        plan => plan,
    };
    let mut text = String::new();
    if lengths.is_empty() {
        return Some(Value::text("{}"));
    }
    match write(&mut text, &mut rest, &lengths, plan, reading) {
        Some(()) => Some(Value::text(text)),
        None => Some(undecodable(
            raw,
            "holds elements this connector cannot read; write CAST(... AS text) in the mapping",
        )),
    }
}

fn take(rest: &mut &[u8]) -> Option<i32> {
    let (number, after) = rest.split_at_checked(4)?;
    *rest = after;
    int4(number)
}

fn write(
    text: &mut String,
    rest: &mut &[u8],
    lengths: &[usize],
    plan: Plan,
    reading: Reading,
) -> Option<()> {
    let (length, inner) = lengths.split_first()?;
    text.push('{');
    for i in 0..*length {
        if i > 0 {
            text.push(',');
        }
        if !inner.is_empty() {
            write(text, rest, inner, plan, reading)?;
            continue;
        }
        let Ok(size) = usize::try_from(take(rest)?) else {
            text.push_str("NULL");
            continue;
        };
        let (cell, after) = rest.split_at_checked(size)?;
        *rest = after;
        match plan.read(cell, reading) {
            Value::Undecodable(_) => return None,
            Value::Text(text) if text.contains('\0') => return None,
            value => element(text, &value.to_string()),
        }
    }
    text.push('}');
    Some(())
}

fn element(text: &mut String, value: &str) {
    let is_plain = !value.is_empty()
        && !value.eq_ignore_ascii_case("null")
        && !value
            .contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
    if is_plain {
        text.push_str(value);
        return;
    }
    text.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}
