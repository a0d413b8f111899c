//! What all lists have in common: filters that are only there when asked for, words, and the place a page begins at.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::{Encode, QueryBuilder, Type};

use super::engine::Row;
use crate::database::{DatabaseError, DatabaseResult};

/// The engine, in the words of the library.
pub type Db = <Row as sqlx::Row>::Database;
/// A statement that is put together by what was asked for. What people typed is bound, never written into it.
pub type Sql = QueryBuilder<Db>;

/// Adds `and column = value`, where a value is asked for.
pub fn only<'t, T: Encode<'t, Db> + Type<Db>>(sql: &mut Sql, column: &str, value: Option<T>) {
    if let Some(value) = value {
        sql.push(" and ").push(column).push(" = ").push_bind(value);
    }
}

/// Adds `and column in (values)`.
pub fn among<'t, T: Encode<'t, Db> + Type<Db>>(
    sql: &mut Sql,
    column: &str,
    values: impl IntoIterator<Item = T>,
) {
    sql.push(" and ").push(column).push(" in (");
    let mut list = sql.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    sql.push(")");
}

/// A word that is kept, as what it stands for.
pub fn word<T: FromStr>(text: &str) -> DatabaseResult<T>
where
    T::Err: Display,
{
    text.parse()
        .map_err(|error: T::Err| DatabaseError::internal("read a word it keeps", error.to_string()))
}

/// A part of a cursor. Whoever made one up finds nothing.
pub fn part<T: FromStr>(text: &str) -> DatabaseResult<T> {
    text.parse()
        .map_err(|_| DatabaseError::NotFound("the page that the cursor names"))
}

/// A moment as a part of a cursor, exact.
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A count, which is never negative.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
