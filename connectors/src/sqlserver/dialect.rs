//! How Transact-SQL is spelt, as far back as SQL Server 2008.

use fluxion_model::value::Value;

use super::types;
use crate::sql::{Clock, Dialect, Lexis, RowLimit};

/// A request may bind 2100 values; the statement and the declaration of the others are two of them.
const MAX_PARAMETERS: usize = 2_000;

#[derive(Debug)]
pub(super) struct TransactSql;

impl Dialect for TransactSql {
    fn lexis(&self) -> Lexis {
        Lexis {
            backticks: false,
            brackets: true,
            double_quoted_names: true,
            backslash_escapes: false,
            question_mark_binds: false,
        }
    }

    fn placeholder(&self, sql: &mut String, number: usize, value: &Value) {
        types::placeholder(sql, number, value);
    }

    fn row_limit(&self) -> RowLimit {
        RowLimit::Top
    }

    fn max_parameters(&self) -> usize {
        MAX_PARAMETERS
    }

    fn clock(&self) -> Option<Clock> {
        Some(Clock {
            utc: "SYSUTCDATETIME()",
            local: "SYSDATETIME()",
        })
    }

    /// Everything below it is committed or was rolled back. `@@DBTS` would pass over what is still under way.
    fn rowversion_bound(&self) -> Option<&'static str> {
        Some("MIN_ACTIVE_ROWVERSION()")
    }

    fn quote(&self, name: &str) -> String {
        format!("[{}]", name.replace(']', "]]"))
    }
}
