//! The seam between the shared machinery and one kind of database.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::value::Value;

use super::key::KeyKind;
use super::query::{Select, StreamQuery};
use super::statement::Statement;
use crate::connector::ConnectorKind;
use crate::error::SourceError;

/// How a statement failed, in the words of the connector's driver. [`SqlSession::explain`] takes it apart again.
pub(crate) type SqlFault = Box<dyn Error + Send + Sync>;

/// Gets each row's values, in the order of the columns, and their rough size in bytes.
pub(crate) type RowSink<'a> = &'a mut (dyn FnMut(Vec<Value>, usize) + Send);

/// One connection, set up so that it cannot harm the POS: read-only where the system knows that, short lock waits, a
/// limit on the time of each query.
#[async_trait]
pub(crate) trait SqlSession: fmt::Debug + Send {
    /// Which connector, for errors.
    fn kind(&self) -> ConnectorKind;

    /// How its SQL is spelt.
    fn dialect(&self) -> Arc<dyn Dialect>;

    /// Runs one query. Rows are handed on as they come and never collected here. The session is not used again after a
    /// fault of the line. Where [`Statement::max_rows`] is set, reading stops there.
    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault>;

    /// The columns a query would return, without running it. This is where a missing column is noticed.
    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault>;

    /// What to write around a bound key value, so that it is compared in the type and collation of its column and an
    /// index serves. None while that cannot be told, because the table is empty. Asked once per stream, before the
    /// first comparison.
    async fn key_casts(&mut self, keys: KeysOf<'_>) -> Result<Option<Vec<Option<Cast>>>, SqlFault> {
        Ok(Some(vec![None; keys.columns.len()]))
    }

    /// About how many rows the stream's first table has, where the server knows without counting.
    async fn estimate(&mut self, query: &StreamQuery) -> Result<Option<u64>, SqlFault> {
        let _: &StreamQuery = query;
        Ok(None)
    }

    /// Begins a short read transaction, so that a document is never seen half written. Nothing where the system has
    /// none.
    async fn begin(&mut self) -> Result<(), SqlFault> {
        Ok(())
    }

    /// Ends it.
    async fn end(&mut self) -> Result<(), SqlFault> {
        Ok(())
    }

    /// Runs one statement that writes, and returns how many rows it touched. Only an outbox of our own is ever written
    /// to; a system without one refuses.
    async fn write(&mut self, statement: &Statement) -> Result<u64, SqlFault> {
        let _: &Statement = statement;
        Err("this kind of system is never written to".into())
    }

    /// From what the server or the line says to who must act, naming column and table where one is missing.
    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError;

    /// Whether it is still there.
    async fn answers(&mut self) -> bool;
}

/// Whose key values are to be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeysOf<'a> {
    /// Of which query.
    pub select: &'a Select,
    /// Which of its columns.
    pub columns: &'a [usize],
    /// What these hold.
    pub kinds: &'a [KeyKind],
    /// Whether they are the parent's key among a child's columns: compared for equality only.
    pub is_child: bool,
}

/// What is known of a column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnInfo {
    /// What its values are.
    pub kind: KeyKind,
    /// Whether it may hold NULL; true when that is not known.
    pub nullable: bool,
    /// Why it cannot be part of a key, with what to write instead; `{}` stands for the column's expression.
    pub no_key: Option<&'static str>,
    /// What to write around its expression in the list of columns, so that it arrives exact.
    pub cast: Option<Cast>,
}

impl ColumnInfo {
    /// A plain column of this kind.
    pub fn of(kind: KeyKind) -> Self {
        Self {
            kind,
            nullable: true,
            no_key: None,
            cast: None,
        }
    }
}

/// Text to write around an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cast {
    /// As in `CAST(`.
    pub before: String,
    /// As in ` AS decimal(19,4))`.
    pub after: String,
}

/// How a system's SQL is spelt, and what it can do.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// Its quotes and signs.
    fn lexis(&self) -> Lexis;

    /// Writes what stands for a bound value, with a cast where its type needs one. `number` counts from 1.
    fn placeholder(&self, sql: &mut String, number: usize, value: &Value);

    /// How the number of rows is limited.
    fn row_limit(&self) -> RowLimit;

    /// How many values one statement may bind.
    fn max_parameters(&self) -> usize;

    /// Two expressions: the time in UTC, and the time as the server shows it to its users. None where the database has
    /// no clock to ask; then this PC's is used.
    fn clock(&self) -> Option<Clock>;

    /// Where NULL stands in an ascending order.
    fn nulls(&self) -> Nulls {
        Nulls::First
    }

    /// Whether rows can be had in order. Where they cannot, everything is read at once and put in order here.
    fn ordering(&self) -> Ordering {
        Ordering::Server
    }

    /// What follows a SELECT of mere expressions, such as ` FROM DUAL`.
    #[expect(clippy::wrong_self_convention, reason = "the FROM is SQL's")]
    fn from_nothing(&self) -> &'static str {
        ""
    }

    /// The lowest `rowversion` that a transaction still open may yet commit; everything below it is final.
    fn rowversion_bound(&self) -> Option<&'static str> {
        None
    }

    /// A name in quotes.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Signs that differ from system to system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexis {
    /// `` `name` ``.
    pub backticks: bool,
    /// `[name]`.
    pub brackets: bool,
    /// `"name"` is a name and no text.
    pub double_quoted_names: bool,
    /// `\'` does not end a text.
    pub backslash_escapes: bool,
    /// A bare `?` would be taken for a bound value.
    pub question_mark_binds: bool,
}

/// How the number of rows is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowLimit {
    /// `... LIMIT n`, bound.
    Limit,
    /// `SELECT TOP (n) ...`, bound.
    Top,
    /// `SELECT TOP n ...`, written out: Access, old ODBC drivers.
    PlainTop,
    /// `SELECT FIRST n ...`, written out: Firebird, Informix.
    First,
    /// `... FETCH FIRST n ROWS ONLY`, written out.
    Fetch,
    /// By the session alone, which stops reading.
    Session,
}

/// Where NULL stands in an ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// Before everything.
    First,
    /// Behind everything.
    Last,
}

/// Who puts rows in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ordering {
    /// The server, page by page.
    Server,
    /// We do, after reading everything at once: for drivers that know no ORDER BY.
    Here,
}

/// Expressions for the server's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The time in UTC.
    pub utc: &'static str,
    /// The time as the server shows it to its users.
    pub local: &'static str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The plainest of dialects.
    #[derive(Debug)]
    pub struct Plain;

    impl Dialect for Plain {
        fn lexis(&self) -> Lexis {
            Lexis {
                backticks: false,
                brackets: false,
                double_quoted_names: true,
                backslash_escapes: false,
                question_mark_binds: true,
            }
        }

        fn placeholder(&self, sql: &mut String, _: usize, _: &Value) {
            sql.push('?');
        }

        fn row_limit(&self) -> RowLimit {
            RowLimit::Fetch
        }

        fn max_parameters(&self) -> usize {
            1000
        }

        fn clock(&self) -> Option<Clock> {
            None
        }
    }
}
