//! How Firebird spells its SQL.

use fluxion_model::value::Value;

use crate::sql::{Clock, Dialect, Lexis, RowLimit};

/// SQL dialect 3, from Firebird 2.0 on.
#[derive(Debug)]
pub(super) struct FirebirdDialect;

/// Numbers and moments are written out, exactly; text and bytes are bound.
pub(super) fn is_bound(value: &Value) -> bool {
    match value {
        Value::Null
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Undecodable(_) => true,
        Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::Timestamp(_) => false,
    }
}

impl Dialect for FirebirdDialect {
    fn lexis(&self) -> Lexis {
        Lexis {
            backticks: false,
            brackets: false,
            double_quoted_names: true,
            backslash_escapes: false,
            question_mark_binds: true,
        }
    }

    fn placeholder(&self, sql: &mut String, _number: usize, value: &Value) {
        let moment = |moment: &chrono::NaiveDateTime| {
            // Firebird keeps a ten-thousandth of a second.
            let fraction = moment.and_utc().timestamp_subsec_micros() / 100;
            format!(
                "CAST('{}.{fraction:04}' AS TIMESTAMP)",
                moment.format("%Y-%m-%d %H:%M:%S")
            )
        };
        match value {
            Value::Int(number) => sql.push_str(&number.to_string()),
            Value::Decimal(number) => sql.push_str(&number.to_string()),
            Value::Bool(value) => sql.push_str(if *value { "TRUE" } else { "FALSE" }),
            Value::Date(date) => sql.push_str(&format!("CAST('{date}' AS DATE)")),
            Value::Time(time) => {
                sql.push_str(&format!("CAST('{}' AS TIME)", time.format("%H:%M:%S%.f")));
            }
            Value::DateTime(at) => sql.push_str(&moment(at)),
            Value::Timestamp(at) => sql.push_str(&moment(&at.naive_utc())),
            Value::Null
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Undecodable(_) => sql.push('?'),
        }
    }

    fn row_limit(&self) -> RowLimit {
        RowLimit::First
    }

    fn max_parameters(&self) -> usize {
        1_000
    }

    /// It has no clock in UTC before version 4.
    fn clock(&self) -> Option<Clock> {
        None
    }

    fn from_nothing(&self) -> &'static str {
        " FROM RDB$DATABASE"
    }
}
