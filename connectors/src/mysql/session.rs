//! One connection, set up so that it cannot harm the POS.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, DriverError, Error, IoError, Params, Row};
use tokio::time::timeout;

use super::KIND;
use super::config::Target;
use super::fault::{self, NoAnswer};
use super::sql::Statement;
use crate::error::{Remedy, SourceError, SourceResult};

/// A read-only session in UTC and UTF-8.
#[derive(Debug)]
pub(super) struct Session {
    conn: Conn,
    pub target: Arc<Target>,
}

/// How a query failed.
#[derive(Debug)]
pub(super) enum QueryFault {
    Server(Error),
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

    /// Whether it is still there.
    pub async fn answers(&mut self) -> bool {
        matches!(
            timeout(Duration::from_secs(5), self.conn.ping()).await,
            Ok(Ok(()))
        )
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
        let limit = self.target.query_timeout();
        let conn = &mut self.conn;
        within(limit, async move {
            conn.query_iter(sql).await?.for_each_and_drop(each).await
        })
        .await
    }

    /// A prepared query; `each` gets every row with the columns of the result. The connection must not be used again
    /// after it was late.
    pub async fn rows(
        &mut self,
        statement: &Statement,
        mut each: impl FnMut(&Arc<[Column]>, Row),
    ) -> Result<(), QueryFault> {
        let limit = self.target.query_timeout();
        let conn = &mut self.conn;
        let params = match statement.params.as_slice() {
            [] => Params::Empty,
            params => Params::Positional(params.to_vec()),
        };
        within(limit, async move {
            let mut result = conn.exec_iter(statement.text.as_str(), params).await?;
            let columns = result.columns().unwrap_or_default();
            while let Some(row) = result.next().await? {
                each(&columns, row);
            }
            result.drop_result().await
        })
        .await
    }

    /// The columns a query would return, without running it.
    pub async fn columns(&mut self, statement: &Statement) -> Result<Vec<Column>, QueryFault> {
        let limit = self.target.query_timeout();
        let conn = &mut self.conn;
        within(limit, async move {
            Ok(conn.prep(statement.text.as_str()).await?.columns().to_vec())
        })
        .await
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
async fn connect(target: &Target) -> SourceResult<Conn> {
    let mut first: Option<SourceError> = None;
    for options in target.attempts() {
        match timeout(target.connect_timeout(), Conn::new(options)).await {
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
