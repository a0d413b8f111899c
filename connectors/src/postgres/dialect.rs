//! How PostgreSQL spells its SQL.

use fluxion_model::value::Value;

use crate::sql::{Clock, Dialect, Lexis, Nulls, RowLimit};

/// The one dialect.
#[derive(Debug)]
pub(super) struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn lexis(&self) -> Lexis {
        Lexis {
            backticks: false,
            brackets: false,
            double_quoted_names: true,
            backslash_escapes: false,
            question_mark_binds: false,
        }
    }

    /// What has no binary form of ours is bound as text and cast by the server.
    fn placeholder(&self, sql: &mut String, number: usize, value: &Value) {
        let name = match value {
            Value::Decimal(_) => "numeric",
            Value::Date(_) => "date",
            Value::Time(_) => "time",
            Value::DateTime(_) => "timestamp",
            Value::Timestamp(_) => "timestamptz",
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Undecodable(_) => {
                sql.push_str(&format!("${number}"));
                return;
            }
        };
        sql.push_str(&format!("CAST(${number} AS {name})"));
    }

    fn row_limit(&self) -> RowLimit {
        RowLimit::Limit
    }

    fn max_parameters(&self) -> usize {
        32_000
    }

    /// Our session speaks UTC. What zone the POS's users live in is told by the zone of the server's log, which its
    /// installation sets to the PC's, and which no client changes.
    fn clock(&self) -> Option<Clock> {
        Some(Clock {
            utc: "clock_timestamp() AT TIME ZONE 'UTC'",
            local: "clock_timestamp() AT TIME ZONE current_setting('log_timezone')",
        })
    }

    fn nulls(&self) -> Nulls {
        Nulls::Last
    }
}
