//! How MySQL and MariaDB spell their SQL.

use fluxion_model::value::Value;

use crate::sql::{Clock, Dialect, Lexis, RowLimit};

/// The one dialect, from 5.5 on.
#[derive(Debug)]
pub(super) struct MysqlDialect;

impl Dialect for MysqlDialect {
    fn lexis(&self) -> Lexis {
        Lexis {
            backticks: true,
            brackets: false,
            double_quoted_names: false,
            backslash_escapes: true,
            question_mark_binds: true,
        }
    }

    fn placeholder(&self, sql: &mut String, _number: usize, value: &Value) {
        sql.push_str(match value {
            Value::Decimal(_) => "CAST(? AS DECIMAL(65,30))",
            Value::Bytes(_) => "UNHEX(?)",
            _ => "?",
        });
    }

    fn row_limit(&self) -> RowLimit {
        RowLimit::Limit
    }

    fn max_parameters(&self) -> usize {
        65_535
    }

    fn clock(&self) -> Option<Clock> {
        Some(Clock {
            utc: "UTC_TIMESTAMP()",
            local: "CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone)",
        })
    }

    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }
}
