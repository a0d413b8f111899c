//! One connection, set up so that it cannot harm the POS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::value::Value;
use sqlx::postgres::{PgArguments, PgColumn, PgConnection, PgRow, PgTypeInfo};
use sqlx::{
    Arguments, AssertSqlSafe, Column, ConnectOptions, Connection, Error, Executor, Row, SqlSafeStr,
    Statement as _, TypeInfo, ValueRef,
};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::KIND;
use super::config::Target;
use super::decode::{Plan, Reading};
use super::dialect::PostgresDialect;
use super::fault::{self, NoAnswer};
use crate::connector::ConnectorKind;
use crate::error::{SourceError, SourceResult};
use crate::sql::{
    Cast, ColumnInfo, Dialect, KeysOf, RowSink, SqlFault, SqlSession, Statement, StreamQuery,
};

/// The least that is known of types: text, and an integer.
const TEXT: u32 = 25;

/// A read-only session in UTC and UTF-8.
pub(super) struct Session {
    conn: PgConnection,
    pub target: Arc<Target>,
    dialect: Arc<dyn Dialect>,
    reading: Reading,
    /// As in `150018`.
    pub version: u32,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.target.name())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let conn = connect(target).await?;
        let mut session = Self {
            conn,
            target: target.clone(),
            dialect: Arc::new(PostgresDialect),
            reading: Reading {
                money_scale: 2,
                infinite_dates: target.config.infinite_dates,
            },
            version: 0,
        };
        session.prepare().await.map_err(|fault| {
            let action = format!("set up a session with {}", session.target.name());
            fault::passing(action, fault)
        })?;
        Ok(session)
    }

    async fn prepare(&mut self) -> Result<(), SqlFault> {
        let config = &self.target.config;
        let milliseconds = |seconds: u32| u64::from(seconds) * 1000;
        let mut settings = vec![
            "SET default_transaction_read_only = on".to_owned(),
            format!(
                "SET statement_timeout = {}",
                milliseconds(config.query_timeout_seconds)
            ),
            format!(
                "SET lock_timeout = {}",
                milliseconds(config.lock_timeout_seconds.max(1))
            ),
        ];
        if !config.schema.is_empty() {
            let names: Vec<String> = config
                .schema
                .iter()
                .map(|name| self.dialect.quote(name))
                .collect();
            settings.push(format!("SET search_path = {}", names.join(", ")));
        }
        let idle = milliseconds(config.query_timeout_seconds);
        for setting in settings {
            self.command(&setting).await?;
        }
        let version = self
            .texts("SELECT current_setting('server_version_num')")
            .await?;
        self.version = version.first().and_then(|v| v.parse().ok()).unwrap_or(0);
        if self.version >= 90_600 {
            self.command(&format!("SET idle_in_transaction_session_timeout = {idle}"))
                .await?;
        }
        // What `money` holds is counted in its smallest unit, which the server's locale decides.
        let unit = self.ask("SELECT CAST('1' AS money)").await;
        if let Ok(rows) = unit
            && let Some(Value::Decimal(unit)) = rows.first().and_then(|row| row.first())
        {
            let smallest = unit.mantissa().unsigned_abs().max(1);
            self.reading.money_scale = smallest.ilog10();
        }
        Ok(())
    }

    /// A command without a result.
    pub async fn command(&mut self, command: &str) -> Result<(), SqlFault> {
        let limit = self.target.limits.query;
        let conn = &mut self.conn;
        within(limit, async move {
            conn.execute(sqlx::raw_sql(AssertSqlSafe(command))).await?;
            Ok(())
        })
        .await
    }

    /// All rows of a small query.
    pub async fn ask(&mut self, query: &str) -> Result<Vec<Vec<Value>>, SqlFault> {
        let mut statement = Statement::new(&self.dialect);
        statement.push(query);
        self.all(&statement).await
    }

    /// All rows of a small query with bound values.
    pub async fn all(&mut self, statement: &Statement) -> Result<Vec<Vec<Value>>, SqlFault> {
        let mut all = Vec::new();
        self.rows(statement, &mut |row, _| all.push(row)).await?;
        Ok(all)
    }

    /// The first column of each row, as text.
    pub async fn texts(&mut self, query: &str) -> Result<Vec<String>, SqlFault> {
        let rows = self.ask(query).await?;
        let first = rows.iter().filter_map(|row| row.first());
        Ok(first.map(ToString::to_string).collect())
    }

    async fn columns(&mut self, statement: &Statement) -> Result<Vec<PgColumn>, SqlFault> {
        let limit = self.target.limits.query;
        let types: Vec<PgTypeInfo> = statement.params.iter().map(type_of).collect();
        let conn = &mut self.conn;
        within(limit, async move {
            let sql = AssertSqlSafe(statement.text.as_str()).into_sql_str();
            let prepared = conn.prepare_with(sql, &types).await?;
            Ok(prepared.columns().to_vec())
        })
        .await
    }

    /// Which columns of tables were declared NOT NULL, by table and number.
    async fn not_null(&mut self, columns: &[PgColumn]) -> Result<Vec<Declared>, SqlFault> {
        let mut tables: Vec<u32> = columns
            .iter()
            .filter_map(|column| Some(column.relation_id()?.0))
            .collect();
        tables.sort_unstable();
        tables.dedup();
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
        let rows = self
            .ask(&format!(
                "SELECT CAST(a.attrelid AS bigint), CAST(a.attnum AS bigint), CAST(c.relname AS text) \
                 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                 WHERE a.attnotnull AND c.relkind IN ('r', 'p', 'm') AND a.attrelid IN ({})",
                tables.join(", ")
            ))
            .await?;
        let declared = rows.into_iter().filter_map(|row| match &row[..] {
            [Value::Int(table), Value::Int(number), Value::Text(name)] => Some(Declared {
                table: u32::try_from(*table).ok()?,
                number: i16::try_from(*number).ok()?,
                name: name.to_string(),
            }),
            _ => None,
        });
        Ok(declared.collect())
    }
}

/// A column declared NOT NULL.
struct Declared {
    table: u32,
    number: i16,
    name: String,
}

fn plan(column: &PgColumn) -> Plan {
    let info = column.type_info();
    let oid = info.oid().map_or(TEXT, |oid| oid.0);
    Plan::of(oid, info.name(), info.kind())
}

fn type_of(value: &Value) -> PgTypeInfo {
    PgTypeInfo::with_oid(sqlx::postgres::types::Oid(match value {
        Value::Bool(_) => 16,
        Value::Int(_) => 20,
        Value::Float(_) => 701,
        Value::Bytes(_) => 17,
        _ => TEXT,
    }))
}

fn bind(params: &[Value]) -> Result<PgArguments, SqlFault> {
    let mut arguments = PgArguments::default();
    for value in params {
        match value {
            Value::Null => arguments.add(None::<String>)?,
            Value::Bool(value) => arguments.add(*value)?,
            Value::Int(number) => arguments.add(*number)?,
            Value::Float(number) => arguments.add(*number)?,
            Value::Bytes(bytes) => arguments.add(&bytes[..])?,
            other => arguments.add(other.to_string())?,
        }
    }
    Ok(arguments)
}

fn read(row: &PgRow, plans: &[Plan], reading: Reading) -> Result<(Vec<Value>, usize), Error> {
    let mut bytes = plans.len() * size_of::<Value>();
    let mut values = Vec::with_capacity(plans.len());
    for (at, plan) in plans.iter().enumerate() {
        let cell = row.try_get_raw(at)?;
        values.push(if cell.is_null() {
            Value::Null
        } else {
            let raw = cell.as_bytes().map_err(Error::Decode)?;
            bytes += raw.len();
            plan.read(raw, reading)
        });
    }
    Ok((values, bytes))
}

/// Whether a join may leave the first table's columns empty; and its name.
fn first_table(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    let from = outer(&upper, " FROM ")?;
    let rest = &text[from + " FROM ".len()..];
    if upper[from..].contains("RIGHT ") || upper[from..].contains("FULL ") {
        return None;
    }
    let name = rest.split_whitespace().next()?;
    let bare = name.rsplit('.').next()?.trim_end_matches(',');
    Some(match bare.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => bare.to_lowercase(),
    })
}

/// Where a word stands outside of parentheses.
fn outer(text: &str, word: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && text[at..].starts_with(word) => return Some(at),
            _ => {}
        }
    }
    None
}

#[async_trait]
impl SqlSession for Session {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        let limit = self.target.limits.query;
        let reading = self.reading;
        let arguments = bind(&statement.params)?;
        let most = statement.max_rows.unwrap_or(usize::MAX);
        let conn = &mut self.conn;
        within(limit, async move {
            let sql = AssertSqlSafe(statement.text.as_str());
            let mut found = sqlx::query_with(sql, arguments).fetch(conn);
            let mut plans = Vec::new();
            let mut count = 0;
            while let Some(next) = found.next().await {
                let next = next?;
                if plans.is_empty() {
                    plans = next.columns().iter().map(plan).collect();
                }
                let (values, bytes) = read(&next, &plans, reading)?;
                count += 1;
                if count <= most {
                    row(values, bytes);
                }
            }
            Ok(())
        })
        .await
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        let columns = self.columns(statement).await?;
        let declared = self.not_null(&columns).await?;
        let first = first_table(&statement.text);
        let is_not_null = |column: &PgColumn| {
            let (Some(table), Some(number)) =
                (column.relation_id(), column.relation_attribute_no())
            else {
                return false;
            };
            declared.iter().any(|known| {
                (known.table, known.number) == (table.0, number)
                    && first.as_ref() == Some(&known.name)
            })
        };
        let info = |column| plan(column).info(!is_not_null(column));
        Ok(columns.iter().map(info).collect())
    }

    /// A text key of a type of its own is compared in that type.
    async fn key_casts(&mut self, keys: KeysOf<'_>) -> Result<Option<Vec<Option<Cast>>>, SqlFault> {
        let columns = self.columns(&keys.select.start()).await?;
        let mut casts = Vec::with_capacity(keys.columns.len());
        for at in keys.columns {
            let column = &columns[*at];
            let oid = column.type_info().oid().map_or(TEXT, |oid| oid.0);
            // text and varchar compare as they are bound.
            if !plan(column).needs_cast() || matches!(oid, TEXT | 1043) {
                casts.push(None);
                continue;
            }
            let name = self
                .texts(&format!("SELECT pg_catalog.format_type({oid}, NULL)"))
                .await?;
            let name = match oid {
                // Without a length it would mean char(1).
                1042 => "bpchar".to_owned(),
                _ => name.into_iter().next().unwrap_or_else(|| "text".to_owned()),
            };
            casts.push(Some(Cast {
                before: "CAST(".to_owned(),
                after: format!(" AS {name})"),
            }));
        }
        Ok(Some(casts))
    }

    async fn estimate(&mut self, query: &StreamQuery) -> Result<Option<u64>, SqlFault> {
        let mut statement = Statement::new(&self.dialect);
        statement
            .push("SELECT CAST(reltuples AS bigint) FROM pg_catalog.pg_class WHERE oid = to_regclass(")
            .bind(Value::text(query.table.as_ref()))
            .push(")");
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$');
        if self.version < 90_600 || !query.table.chars().all(is_name) {
            return Ok(None);
        }
        let rows = self.all(&statement).await?;
        Ok(match rows.first().and_then(|row| row.first()) {
            Some(Value::Int(rows)) => u64::try_from(*rows).ok(),
            _ => None,
        })
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        self.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        self.command("COMMIT").await
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, SqlFault> {
        let limit = self.target.limits.query;
        let arguments = bind(&statement.params)?;
        self.command("BEGIN READ WRITE").await?;
        let conn = &mut self.conn;
        let done = within(limit, async move {
            let sql = AssertSqlSafe(statement.text.as_str());
            let done = conn.execute(sqlx::query_with(sql, arguments)).await?;
            Ok(done.rows_affected())
        })
        .await;
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.command(end).await?;
        done
    }

    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError {
        fault::reading(query, fault)
    }

    async fn answers(&mut self) -> bool {
        matches!(
            timeout(Duration::from_secs(5), self.conn.ping()).await,
            Ok(Ok(()))
        )
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, SqlFault> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(NoAnswer(limit.as_secs()).into()),
    }
}

/// On this PC an encrypted line is tried only where the server insists on it.
async fn connect(target: &Target) -> SourceResult<PgConnection> {
    let mut first: Option<SourceError> = None;
    for options in target.attempts() {
        match timeout(target.limits.connect, options.connect()).await {
            Ok(Ok(conn)) => return Ok(conn),
            Ok(Err(error)) => {
                let may_want_tls = fault::code(&error).is_some_and(|code| code == "28000");
                let explained = fault::connecting(target, error);
                if !may_want_tls {
                    return Err(first.unwrap_or(explained));
                }
                first.get_or_insert(explained);
            }
            Err(_) => {
                let late = NoAnswer(target.config.connect_timeout_seconds.into());
                let action = format!("connect to {}", target.name());
                return Err(first.unwrap_or_else(|| SourceError::retry(KIND, action, late)));
            }
        }
    }
    Err(first.unwrap_or_else(|| {
        SourceError::retry(
            KIND,
            format!("connect to {}", target.name()),
            "there was no way left to try",
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_table_of_a_query_keeps_what_it_declares() {
        let first = |text| first_table(text);
        assert_eq!(
            first("SELECT a, (SELECT 1 FROM x) FROM pos.\"Items\" p LEFT JOIN s ON true"),
            Some("Items".to_owned())
        );
        assert_eq!(first("SELECT a FROM Items, b"), Some("items".to_owned()));
        assert_eq!(first("SELECT a FROM a RIGHT JOIN b ON true"), None);
        assert_eq!(first("SELECT 1"), None);
    }
}
