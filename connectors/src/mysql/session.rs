//! One connection, set up so that it cannot harm the POS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::value::Value;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, DriverError, Error, IoError, Params, Row};
use tokio::time::timeout;

use super::KIND;
use super::config::Target;
use super::decode::{Plan, to_param};
use super::dialect::MysqlDialect;
use super::fault::{self, NoAnswer};
use crate::connector::ConnectorKind;
use crate::error::{Remedy, SourceError, SourceResult};
use crate::sql::{
    Cast, ColumnInfo, Dialect, KeyKind, KeysOf, RowSink, SqlFault, SqlSession, Statement,
    StreamQuery,
};

/// A read-only session in UTC and UTF-8.
#[derive(Debug)]
pub(super) struct Session {
    conn: Conn,
    pub target: Arc<Target>,
}

/// How a query failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryFault {
    #[error(transparent)]
    Server(Error),
    #[error(transparent)]
    Late(NoAnswer),
}

impl Session {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let conn = connect(target).await?;
        let mut session = Self {
            conn,
            target: target.clone(),
        };
        session
            .prepare()
            .await
            .map_err(|fault| session.explain_setup(fault))?;
        Ok(session)
    }

    /// A session that may write, to install an outbox with consent. It waits for locks no longer than one that reads.
    pub async fn open_to_install(target: &Arc<Target>) -> SourceResult<Self> {
        let conn = connect(target).await?;
        let mut session = Self {
            conn,
            target: target.clone(),
        };
        let lock = target.config.lock_timeout_seconds.max(1);
        for command in [
            "SET NAMES utf8mb4".to_owned(),
            "SET SESSION sql_mode = ''".to_owned(),
            format!("SET SESSION lock_wait_timeout = {lock}"),
        ] {
            let set = session.set(&command).await;
            set.map_err(|fault| session.explain_setup(fault))?;
        }
        Ok(session)
    }

    fn explain_setup(&self, fault: QueryFault) -> SourceError {
        let action = format!("set up a session with {}", self.target.name());
        match fault {
            QueryFault::Server(error) => SourceError::retry(KIND, action, error),
            QueryFault::Late(late) => SourceError::retry(KIND, action, late),
        }
    }

    /// What a server does not know it refuses, and the session does without.
    async fn prepare(&mut self) -> Result<(), QueryFault> {
        let lock = self.target.config.lock_timeout_seconds.max(1);
        let seconds = self.target.config.query_timeout_seconds;
        let is_mariadb = self.product().await?.contains("MariaDB");
        if self.try_set("SET NAMES utf8mb4").await?.is_err() {
            self.set("SET NAMES utf8").await?;
        }
        self.set("SET SESSION time_zone = '+00:00'").await?;
        self.set("SET SESSION sql_mode = ''").await?;
        let limit = if is_mariadb {
            format!("SET SESSION max_statement_time = {seconds}")
        } else {
            format!(
                "SET SESSION max_execution_time = {}",
                u64::from(seconds) * 1000
            )
        };
        for statement in [
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION TRANSACTION READ ONLY",
            &format!("SET SESSION lock_wait_timeout = {lock}"),
            &format!("SET SESSION innodb_lock_wait_timeout = {lock}"),
            &limit,
        ] {
            if let Err(refused) = self.try_set(statement).await? {
                tracing::debug!(statement, error = %refused, "this server does not know a setting");
            }
        }
        Ok(())
    }

    /// As in `10.11.19-MariaDB`.
    pub async fn product(&mut self) -> Result<String, QueryFault> {
        let mut version = String::new();
        self.text("SELECT VERSION()", |row| {
            version = mysql_async::from_row(row)
        })
        .await?;
        Ok(version)
    }

    /// A command that must succeed.
    pub async fn set(&mut self, command: &str) -> Result<(), QueryFault> {
        self.text(command, drop).await
    }

    /// A command the server may refuse.
    async fn try_set(&mut self, command: &str) -> Result<Result<(), Error>, QueryFault> {
        match self.set(command).await {
            Ok(()) => Ok(Ok(())),
            Err(QueryFault::Server(error @ Error::Server(_))) => Ok(Err(error)),
            Err(fault) => Err(fault),
        }
    }

    /// A query without parameters, by the text protocol.
    pub async fn text(&mut self, sql: &str, each: impl FnMut(Row)) -> Result<(), QueryFault> {
        let limit = self.target.limits.query;
        let conn = &mut self.conn;
        within(limit, async move {
            conn.query_iter(sql).await?.for_each_and_drop(each).await
        })
        .await
    }

    /// The columns a query would return, without running it.
    async fn columns(&mut self, statement: &Statement) -> Result<Vec<Column>, QueryFault> {
        let limit = self.target.limits.query;
        let conn = &mut self.conn;
        within(limit, async move {
            Ok(conn.prep(statement.text.as_str()).await?.columns().to_vec())
        })
        .await
    }

    /// A prepared query. The connection must not be used again after it was late.
    async fn prepared(
        &mut self,
        statement: &Statement,
        row: RowSink<'_>,
    ) -> Result<u64, QueryFault> {
        let limit = self.target.limits.query;
        let zero_dates = self.target.config.zero_dates;
        let conn = &mut self.conn;
        let params = match statement.params.as_slice() {
            [] => Params::Empty,
            params => Params::Positional(params.iter().map(to_param).collect()),
        };
        within(limit, async move {
            let mut result = conn.exec_iter(statement.text.as_str(), params).await?;
            let columns = result.columns().unwrap_or_default();
            let plans: Vec<Plan> = columns.iter().map(Plan::of).collect();
            while let Some(next) = result.next().await? {
                let mut bytes = 0;
                let cells = next.unwrap().into_iter().zip(&plans);
                let values = cells
                    .map(|(cell, plan)| plan.read(cell, zero_dates, &mut bytes))
                    .collect();
                row(values, bytes);
            }
            let touched = result.affected_rows();
            result.drop_result().await?;
            Ok(touched)
        })
        .await
    }
}

#[async_trait]
impl SqlSession for Session {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(MysqlDialect)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        self.prepared(statement, row).await?;
        Ok(())
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        let columns = self.columns(statement).await?;
        Ok(columns.iter().map(described).collect())
    }

    /// Text keys are compared in the collation of their own column.
    async fn key_casts(&mut self, keys: KeysOf<'_>) -> Result<Option<Vec<Option<Cast>>>, SqlFault> {
        if keys.is_child || !keys.kinds.contains(&KeyKind::Text) {
            return Ok(Some(vec![None; keys.columns.len()]));
        }
        let mut statement = Statement::new(&self.dialect());
        statement.push("SELECT ");
        for (i, at) in keys.columns.iter().enumerate() {
            let column = &keys.select.columns[*at];
            statement
                .push(if i == 0 { "CHARSET(" } else { ", CHARSET(" })
                .fragment(column)
                .push("), COLLATION(")
                .fragment(column)
                .push(")");
        }
        keys.select.tables(&mut statement);
        statement.limit_last(1);
        let mut names = None;
        self.rows(&statement, &mut |values, _| names = Some(values))
            .await?;
        // An empty table tells nothing, and needs nothing.
        let Some(names) = names else {
            return Ok(None);
        };
        let pairs = names.chunks(2).zip(keys.kinds);
        let casts = pairs.map(|(pair, kind)| match (pair, kind) {
            ([Value::Text(charset), Value::Text(collation)], KeyKind::Text)
                if &**charset != "binary" =>
            {
                Some(Cast {
                    before: "CONVERT(".to_owned(),
                    after: format!(" USING {charset}) COLLATE {collation}"),
                })
            }
            _ => None,
        });
        Ok(Some(casts.collect()))
    }

    async fn estimate(&mut self, query: &StreamQuery) -> Result<Option<u64>, SqlFault> {
        let mut statement = Statement::new(&self.dialect());
        statement
            .push(
                "SELECT CAST(TABLE_ROWS AS SIGNED) FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ",
            )
            .bind(Value::text(&*query.table));
        let mut estimate = None;
        self.rows(&statement, &mut |values, _| {
            estimate = match values.first() {
                Some(Value::Int(rows)) => u64::try_from(*rows).ok(),
                _ => None,
            };
        })
        .await?;
        Ok(estimate)
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        Ok(self.set("START TRANSACTION").await?)
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        Ok(self.set("COMMIT").await?)
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, SqlFault> {
        // Before 5.6 no session is read-only, and none can be told to be.
        if self.try_set("START TRANSACTION READ WRITE").await?.is_err() {
            self.set("START TRANSACTION").await?;
        }
        let written = self.prepared(statement, &mut |_, _| {}).await;
        let end = if written.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        self.set(end).await?;
        Ok(written?)
    }

    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError {
        match fault.downcast::<QueryFault>() {
            Ok(fault) => match *fault {
                QueryFault::Server(error) => fault::reading(query, error),
                QueryFault::Late(late) => {
                    SourceError::retry(KIND, format!("read stream {}", query.name), late)
                }
            },
            Err(other) => SourceError::retry(KIND, format!("read stream {}", query.name), other),
        }
    }

    async fn answers(&mut self) -> bool {
        matches!(
            timeout(Duration::from_secs(5), self.conn.ping()).await,
            Ok(Ok(()))
        )
    }
}

/// ENUM and SET sort by number and compare as text, FLOAT does not compare with what was read: no keys.
fn described(column: &Column) -> ColumnInfo {
    let no_key = Plan::cannot_be_a_key(column).then_some(
        "is an ENUM, SET or FLOAT, which cannot be read in order; write CAST({} AS CHAR)",
    );
    ColumnInfo {
        no_key,
        ..ColumnInfo::of(Plan::of(column).key_kind())
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = mysql_async::Result<T>>,
) -> Result<T, QueryFault> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(QueryFault::Server),
        Err(_) => Err(QueryFault::Late(NoAnswer(limit.as_secs()))),
    }
}

/// Tries to encrypt first where that is only preferred. When every way fails, the first failure is the telling one,
/// unless it only said that the server cannot encrypt.
pub(super) async fn connect(target: &Target) -> SourceResult<Conn> {
    let mut first: Option<SourceError> = None;
    for options in target.attempts() {
        match timeout(target.limits.connect, Conn::new(options)).await {
            Ok(Ok(conn)) => return Ok(conn),
            Ok(Err(error)) => {
                let is_about_tls = is_about_tls(&error);
                let explained = fault::connecting(target, error);
                if !is_about_tls {
                    return Err(first.unwrap_or(explained));
                }
                if first.is_none() && !is_code(&explained, "tls") {
                    first = Some(explained);
                } else if first.is_none() {
                    tracing::debug!(error = %explained, "trying the other way to connect");
                }
            }
            Err(_) => {
                let late = NoAnswer(target.config.connect_timeout_seconds.into());
                let action = format!("connect to {}", target.name());
                return Err(first.unwrap_or_else(|| SourceError::retry(KIND, action, late)));
            }
        }
    }
    Err(first.unwrap_or_else(|| {
        let cannot = Error::Driver(DriverError::NoClientSslFlagFromServer);
        fault::connecting(target, cannot)
    }))
}

fn is_code(error: &SourceError, wanted: &str) -> bool {
    matches!(&error.remedy, Remedy::AskOperator { code, .. } if *code == wanted)
}

/// The server cannot encrypt, or may have refused only because it insists on it.
fn is_about_tls(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => true,
        Error::Server(server) => matches!(server.code, 3159 | 1045),
        Error::Driver(_) | Error::Io(_) | Error::Other(_) | Error::Url(_) => false,
    }
}
