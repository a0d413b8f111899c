//! How the databases behind ODBC drivers spell their SQL.
//!
//! Numbers and moments are written out, for they are made of digits only and old drivers bind them wrongly or not at
//! all; moments in the escapes that ODBC lays down (`{ts '...'}`), which each driver turns into its database's own
//! spelling. Text and bytes are always bound.

use chrono::{NaiveDateTime, Timelike};
use fluxion_model::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sql::{Clock, Dialect, Lexis, Nulls, Ordering, RowLimit};

/// Which SQL a database speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialectName {
    /// Whatever the driver says it is.
    #[default]
    Auto,
    /// Oracle 12 and newer.
    Oracle,
    /// Oracle before 12, which cannot limit the rows of a sorted query: the driver stops reading instead.
    OracleOld,
    /// Microsoft Access, by Microsoft's driver.
    Access,
    /// Access files, by mdbtools: no ORDER BY, no parameters.
    Mdbtools,
    /// Firebird and InterBase.
    Firebird,
    /// DBISAM (a2, HeavyTransact).
    Dbisam,
    /// MySQL and MariaDB; the connector `mysql` is faster and sees more.
    Mysql,
    /// PostgreSQL; the connector `postgres` is faster and sees more.
    Postgresql,
    /// SQL Server; the connector `sqlserver` is faster and sees more.
    Sqlserver,
    /// SQLite.
    Sqlite,
    /// Anything else: the plainest SQL there is.
    Generic,
}

impl DialectName {
    /// By what the driver says of its database.
    pub fn detect(product: &str) -> Self {
        let product = product.to_lowercase();
        [
            ("oracle", Self::Oracle),
            ("mdbtools", Self::Mdbtools),
            ("access", Self::Access),
            ("firebird", Self::Firebird),
            ("interbase", Self::Firebird),
            ("dbisam", Self::Dbisam),
            ("mysql", Self::Mysql),
            ("mariadb", Self::Mysql),
            ("postgres", Self::Postgresql),
            ("sql server", Self::Sqlserver),
            ("sqlite", Self::Sqlite),
        ]
        .into_iter()
        .find(|(name, _)| product.contains(name))
        .map_or(Self::Generic, |(_, dialect)| dialect)
    }
}

/// One of them, which is no longer `auto`.
#[derive(Debug, Clone, Copy)]
pub(super) struct OdbcDialect(pub DialectName);

impl OdbcDialect {
    /// Whether text is equal to itself only.
    pub fn text_is_exact(self) -> bool {
        matches!(
            self.0,
            DialectName::Oracle
                | DialectName::OracleOld
                | DialectName::Postgresql
                | DialectName::Firebird
        )
    }

    /// Whether a column may hold values that are not of its type, and dates as text.
    pub fn is_loosely_typed(self) -> bool {
        self.0 == DialectName::Sqlite
    }

    /// Whether its driver knows UTF-16.
    pub fn is_wide(self) -> bool {
        !matches!(self.0, DialectName::Mdbtools | DialectName::Dbisam)
    }

    /// Whether values can be bound at all.
    fn binds(self) -> bool {
        self.0 != DialectName::Mdbtools
    }

    fn moment(self, moment: NaiveDateTime) -> String {
        let nanos = moment.nanosecond();
        let seconds = moment.format("%Y-%m-%d %H:%M:%S");
        match self.0 {
            DialectName::Sqlite if nanos == 0 => format!("'{seconds}'"),
            DialectName::Sqlite => format!("'{}'", moment.format("%Y-%m-%d %H:%M:%S%.f")),
            _ if nanos == 0 => format!("{{ts '{seconds}'}}"),
            // `datetime` has milliseconds; what has more is a `datetime2`.
            DialectName::Sqlserver if !nanos.is_multiple_of(1_000_000) => {
                format!("CAST('{seconds}.{:07}' AS datetime2)", nanos / 100)
            }
            DialectName::Sqlserver => format!("{{ts '{seconds}.{:03}'}}", nanos / 1_000_000),
            DialectName::Firebird => format!("{{ts '{seconds}.{:04}'}}", nanos / 100_000),
            _ => format!("{{ts '{seconds}.{:06}'}}", nanos / 1_000),
        }
    }
}

/// Whether a value is written out and not bound.
pub(super) fn is_written_out(value: &Value, dialect: OdbcDialect) -> bool {
    match value {
        Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::Timestamp(_) => true,
        Value::Null
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Undecodable(_) => !dialect.binds(),
    }
}

impl Dialect for OdbcDialect {
    fn lexis(&self) -> Lexis {
        Lexis {
            backticks: self.0 == DialectName::Mysql,
            brackets: matches!(
                self.0,
                DialectName::Access
                    | DialectName::Mdbtools
                    | DialectName::Sqlserver
                    | DialectName::Sqlite
            ),
            double_quoted_names: !matches!(self.0, DialectName::Mysql | DialectName::Access),
            backslash_escapes: self.0 == DialectName::Mysql,
            question_mark_binds: true,
        }
    }

    fn placeholder(&self, sql: &mut String, _number: usize, value: &Value) {
        match value {
            Value::Bool(value) => sql.push(if *value { '1' } else { '0' }),
            Value::Int(number) => sql.push_str(&number.to_string()),
            Value::Decimal(number) => sql.push_str(&number.to_string()),
            Value::Date(date) if self.is_loosely_typed() => sql.push_str(&format!("'{date}'")),
            Value::Date(date) => sql.push_str(&format!("{{d '{date}'}}")),
            Value::Time(time) if self.is_loosely_typed() => {
                sql.push_str(&format!("'{}'", time.format("%H:%M:%S%.f")));
            }
            Value::Time(time) => sql.push_str(&format!("{{t '{}'}}", time.format("%H:%M:%S"))),
            Value::DateTime(moment) => sql.push_str(&self.moment(*moment)),
            Value::Timestamp(moment) => sql.push_str(&self.moment(moment.naive_utc())),
            Value::Text(text) if !self.binds() => {
                sql.push_str(&format!("'{}'", text.replace('\'', "''")));
            }
            Value::Float(number) if !self.binds() => sql.push_str(&number.to_string()),
            Value::Null if !self.binds() => sql.push_str("NULL"),
            Value::Null
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Undecodable(_) => sql.push('?'),
        }
    }

    fn row_limit(&self) -> RowLimit {
        match self.0 {
            DialectName::Mysql | DialectName::Postgresql | DialectName::Sqlite => RowLimit::Limit,
            DialectName::Oracle => RowLimit::Fetch,
            DialectName::Access => RowLimit::PlainTop,
            DialectName::Sqlserver => RowLimit::Top,
            DialectName::Firebird => RowLimit::First,
            DialectName::Auto
            | DialectName::OracleOld
            | DialectName::Mdbtools
            | DialectName::Dbisam
            | DialectName::Generic => RowLimit::Session,
        }
    }

    fn max_parameters(&self) -> usize {
        match self.0 {
            DialectName::Mysql | DialectName::Postgresql | DialectName::Sqlite => 4_000,
            DialectName::Sqlserver | DialectName::Firebird => 1_400,
            DialectName::Oracle | DialectName::OracleOld => 900,
            DialectName::Auto
            | DialectName::Access
            | DialectName::Mdbtools
            | DialectName::Dbisam
            | DialectName::Generic => 300,
        }
    }

    fn clock(&self) -> Option<Clock> {
        let (utc, local) = match self.0 {
            DialectName::Mysql => ("UTC_TIMESTAMP()", "NOW()"),
            DialectName::Postgresql => (
                "CAST(clock_timestamp() AT TIME ZONE 'UTC' AS timestamp)",
                "CAST(clock_timestamp() AS timestamp)",
            ),
            DialectName::Sqlserver => ("GETUTCDATE()", "GETDATE()"),
            DialectName::Oracle | DialectName::OracleOld => (
                "CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP)",
                "CAST(SYSTIMESTAMP AS TIMESTAMP)",
            ),
            DialectName::Auto
            | DialectName::Access
            | DialectName::Mdbtools
            | DialectName::Firebird
            | DialectName::Dbisam
            | DialectName::Sqlite
            | DialectName::Generic => return None,
        };
        Some(Clock { utc, local })
    }

    fn nulls(&self) -> Nulls {
        match self.0 {
            DialectName::Oracle | DialectName::OracleOld | DialectName::Postgresql => Nulls::Last,
            _ => Nulls::First,
        }
    }

    fn ordering(&self) -> Ordering {
        match self.0 {
            DialectName::Mdbtools => Ordering::Here,
            _ => Ordering::Server,
        }
    }

    fn from_nothing(&self) -> &'static str {
        match self.0 {
            DialectName::Oracle | DialectName::OracleOld => " FROM DUAL",
            DialectName::Firebird => " FROM RDB$DATABASE",
            _ => "",
        }
    }

    fn quote(&self, name: &str) -> String {
        match self.0 {
            DialectName::Mysql => format!("`{}`", name.replace('`', "``")),
            DialectName::Access | DialectName::Mdbtools => format!("[{name}]"),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dialect: DialectName, value: Value) -> String {
        let mut sql = String::new();
        OdbcDialect(dialect).placeholder(&mut sql, 1, &value);
        sql
    }

    #[test]
    fn the_database_is_told_by_what_its_driver_says() {
        for (product, dialect) in [
            ("Oracle", DialectName::Oracle),
            ("ACCESS", DialectName::Access),
            ("Microsoft SQL Server", DialectName::Sqlserver),
            ("MariaDB", DialectName::Mysql),
            ("Firebird 2.5", DialectName::Firebird),
            ("DBISAM 4", DialectName::Dbisam),
            ("Something", DialectName::Generic),
        ] {
            assert_eq!(DialectName::detect(product), dialect);
        }
    }

    #[test]
    fn moments_are_written_as_precisely_as_the_database_keeps_them() {
        let moment = |text: &str| Value::DateTime(text.parse().unwrap());
        assert_eq!(
            written(DialectName::Access, moment("2026-01-02T03:04:05")),
            "{ts '2026-01-02 03:04:05'}"
        );
        assert_eq!(
            written(DialectName::Sqlserver, moment("2026-01-02T03:04:05.123")),
            "{ts '2026-01-02 03:04:05.123'}"
        );
        assert_eq!(
            written(
                DialectName::Sqlserver,
                moment("2026-01-02T03:04:05.1234567")
            ),
            "CAST('2026-01-02 03:04:05.1234567' AS datetime2)"
        );
        assert_eq!(
            written(DialectName::Sqlite, moment("2026-01-02T03:04:05")),
            "'2026-01-02 03:04:05'"
        );
    }

    #[test]
    fn text_is_bound_and_only_mdbtools_gets_it_written_out() {
        assert_eq!(written(DialectName::Generic, Value::text("O'Neill")), "?");
        assert_eq!(
            written(DialectName::Mdbtools, Value::text("O'Neill")),
            "'O''Neill'"
        );
        assert_eq!(written(DialectName::Oracle, Value::Int(-5)), "-5");
    }
}
