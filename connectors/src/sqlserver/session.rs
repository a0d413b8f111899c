//! One connection, set up so that it cannot harm the POS.
//!
//! It gives way: its priority in a deadlock is the lowest, it waits for locks for seconds only, and it never reads what is
//! not committed. Where the database allows snapshots it reads in them, so that no till ever waits for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::value::Value;
use futures::TryStreamExt;
use tiberius::error::Error;
use tiberius::{AuthMethod, Client, ColumnType, QueryItem, ToSql};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::config::{Encryption, Login, Target, Way};
use super::dialect::TransactSql;
use super::fault::{self, ConnectFault, QueryFault};
use super::line::{self, Line, LineError, Privacy};
use super::types::{self, Param};
use super::{KIND, browser, names, trust};
use crate::connector::ConnectorKind;
use crate::error::{SourceError, SourceResult};
use crate::sql::{
    Cast, ColumnInfo, Dialect, KeyKind, KeysOf, RowSink, SqlFault, SqlSession, Statement,
    StreamQuery,
};

/// The name a database administrator sees in the list of sessions.
const APPLICATION: &str = "Fluxion Sync agent";

/// Larger packets than the 4 KiB of old, below what fits one TLS record.
const PACKET_SIZE: u32 = 8_000;

/// A read-only session.
#[derive(Debug)]
pub(super) struct Session {
    client: Client<Compat<Line>>,
    pub target: Arc<Target>,
    /// How the line really is.
    pub privacy: Privacy,
    /// Why it is not encrypted although it was tried.
    pub no_tls: Option<String>,
    /// As in 15 for SQL Server 2019.
    pub major_version: u8,
    in_transaction: bool,
}

/// A line with somebody logged in at its end.
struct Connected {
    client: Client<Compat<Line>>,
    privacy: Privacy,
    no_tls: Option<String>,
}

impl Session {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let connected = connect(target)
            .await
            .map_err(|fault| fault::connecting(target, fault))?;
        let mut session = Self {
            client: connected.client,
            target: target.clone(),
            privacy: connected.privacy,
            no_tls: connected.no_tls,
            major_version: 0,
            in_transaction: false,
        };
        session
            .prepare()
            .await
            .map_err(|fault| fault::looking(target, "set up a session with", fault))?;
        Ok(session)
    }

    async fn prepare(&mut self) -> Result<(), QueryFault> {
        let lock = u64::from(self.target.config.lock_timeout_seconds.max(1)) * 1_000;
        self.batch(&setup(lock)).await?;
        let mut known = None;
        self.plain_rows(ABOUT_SERVER, &[], &mut |values, _| known = Some(values))
            .await?;
        let known = known.unwrap_or_default();
        let major = known.first().map(ToString::to_string).unwrap_or_default();
        self.major_version = major
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .unwrap_or(0);
        let allows_snapshots = known.get(1) == Some(&Value::Int(1));
        let isolation = if allows_snapshots && self.target.may_snapshot() {
            "SET TRANSACTION ISOLATION LEVEL SNAPSHOT"
        } else {
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
        };
        self.batch(isolation).await
    }

    /// Commands that return nothing.
    pub async fn batch(&mut self, sql: &str) -> Result<(), QueryFault> {
        let limit = self.target.limits.query;
        let client = &mut self.client;
        within(limit, async move {
            let mut results = client.simple_query(sql).await?;
            while results.try_next().await?.is_some() {}
            Ok(())
        })
        .await
    }

    /// A query; `row` gets every row of its first result.
    pub async fn plain_rows(
        &mut self,
        sql: &str,
        params: &[Value],
        row: RowSink<'_>,
    ) -> Result<(), QueryFault> {
        let limit = self.target.limits.query;
        let client = &mut self.client;
        let params: Vec<Param> = params.iter().map(Param::of).collect();
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        within(limit, async move {
            let mut results = client.query(sql, &params).await?;
            while let Some(item) = results.try_next().await? {
                let QueryItem::Row(cells) = item else {
                    continue;
                };
                if cells.result_index() > 0 {
                    continue;
                }
                let mut size = 0;
                let values = cells
                    .into_iter()
                    .map(|cell| types::value(cell, &mut size))
                    .collect();
                row(values, size);
            }
            Ok(())
        })
        .await
    }

    /// All rows of a small result.
    pub async fn all(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, QueryFault> {
        let mut rows = Vec::new();
        self.plain_rows(sql, params, &mut |values, _| rows.push(values))
            .await?;
        Ok(rows)
    }

    /// The columns of a query of which no row is wanted. The server checks every name and permission and reads nothing.
    pub async fn columns(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<ColumnType>, QueryFault> {
        let limit = self.target.limits.query;
        let client = &mut self.client;
        let params: Vec<Param> = params.iter().map(Param::of).collect();
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        within(limit, async move {
            let mut results = client.query(sql, &params).await?;
            let columns = results.columns().await?.unwrap_or_default();
            let columns = columns.iter().map(tiberius::Column::column_type).collect();
            while results.try_next().await?.is_some() {}
            Ok(columns)
        })
        .await
    }

    async fn leave_transaction(&mut self) -> Result<(), QueryFault> {
        if !self.in_transaction {
            return Ok(());
        }
        self.in_transaction = false;
        self.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION").await
    }

    /// What must be remembered of a fault before it is passed on.
    fn noted(&mut self, fault: QueryFault) -> SqlFault {
        // A table in a database, or of a kind, that serves no snapshots: the next session reads without.
        if matches!(fault::code(&fault), Some(3952 | 3953 | 3961)) {
            self.target.forgo_snapshot();
        }
        Box::new(fault)
    }
}

/// What a session asks of the server before all else. Messages come in English, whatever the server's language, because the
/// names in them are looked for. Setting the language also sets the order of day and month, so it comes first.
pub(super) fn setup(lock_timeout: u64) -> String {
    [
        "SET LANGUAGE us_english",
        "SET DATEFORMAT ymd",
        "SET ANSI_NULLS ON",
        "SET ANSI_PADDING ON",
        "SET ANSI_WARNINGS ON",
        "SET ARITHABORT ON",
        "SET CONCAT_NULL_YIELDS_NULL ON",
        "SET QUOTED_IDENTIFIER ON",
        "SET NUMERIC_ROUNDABORT OFF",
        "SET XACT_ABORT ON",
        "SET IMPLICIT_TRANSACTIONS OFF",
        "SET TEXTSIZE 2147483647",
        "SET DEADLOCK_PRIORITY LOW",
        &format!("SET LOCK_TIMEOUT {lock_timeout}"),
    ]
    .join("; ")
}

/// The version, and whether the database serves snapshots.
pub(super) const ABOUT_SERVER: &str = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), \
     CAST(d.snapshot_isolation_state AS int) FROM sys.databases AS d WHERE d.database_id = DB_ID()";

/// A table's rows, as its indexes count them.
pub(super) const ESTIMATE: &str = "SELECT SUM(p.rows) FROM sys.partitions AS p \
     WHERE p.object_id = OBJECT_ID(@P1) AND p.index_id IN (0, 1)";

/// A query of which no row is wanted.
pub(super) fn without_rows(sql: &str) -> String {
    sql.replacen("SELECT ", "SELECT TOP (0) ", 1)
}

/// What the server calls the types and collations of key columns, told by any one row.
pub(super) fn key_types(keys: KeysOf<'_>, dialect: &Arc<dyn Dialect>) -> Statement {
    let mut statement = Statement::new(dialect);
    statement.push("SELECT TOP (1) 1");
    for (at, kind) in keys.columns.iter().zip(keys.kinds) {
        if *kind == KeyKind::Bytes {
            // A rowversion fits no sql_variant, and bytes need no cast.
            statement.push(", NULL, NULL");
            continue;
        }
        let column = &keys.select.columns[*at];
        for property in ["BaseType", "Collation"] {
            statement
                .push(", CAST(SQL_VARIANT_PROPERTY(")
                .fragment(column)
                .push(&format!(", '{property}') AS nvarchar(128))"));
        }
    }
    keys.select.tables(&mut statement);
    for at in keys.columns {
        statement
            .and()
            .fragment(&keys.select.columns[*at])
            .push(" IS NOT NULL");
    }
    statement
}

#[async_trait]
impl SqlSession for Session {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(TransactSql)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        let result = self
            .plain_rows(&statement.text, &statement.params, row)
            .await;
        result.map_err(|fault| self.noted(fault))
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        let sql = without_rows(&statement.text);
        let columns = self.columns(&sql, &statement.params).await;
        let columns = columns.map_err(|fault| self.noted(fault))?;
        let version = self.major_version;
        Ok(columns
            .into_iter()
            .map(|column| types::column_info(column, version))
            .collect())
    }

    async fn key_casts(&mut self, keys: KeysOf<'_>) -> Result<Option<Vec<Option<Cast>>>, SqlFault> {
        let statement = key_types(keys, &self.dialect());
        let mut told = None;
        self.rows(&statement, &mut |values, _| told = Some(values))
            .await?;
        let text = |value: &Value| match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        };
        Ok(told.map(|values| {
            let pairs = values.get(1..).unwrap_or_default().chunks(2);
            let casts = pairs.map(|pair| {
                let base_type = pair.first().and_then(text)?;
                let collation = pair.get(1).and_then(text);
                types::key_cast(&base_type, collation.as_deref())
            });
            casts.collect()
        }))
    }

    async fn estimate(&mut self, query: &StreamQuery) -> Result<Option<u64>, SqlFault> {
        if names::database_of(&query.table).is_some() {
            // The view knows this database only.
            return Ok(None);
        }
        let table = Value::text(&*query.table);
        let rows = self.all(ESTIMATE, &[table]).await;
        let rows = rows.map_err(|fault| self.noted(fault))?;
        Ok(match rows.first().and_then(|row| row.first()) {
            Some(Value::Int(rows)) => u64::try_from(*rows).ok(),
            _ => None,
        })
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        if let Err(fault) = self.leave_transaction().await {
            return Err(self.noted(fault));
        }
        self.in_transaction = true;
        let limit = self.target.limits.query;
        let begun = within(limit, self.client.begin_transaction()).await;
        begun.map_err(|fault| self.noted(fault))
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        let limit = self.target.limits.query;
        let ended = within(limit, self.client.commit_transaction()).await;
        self.in_transaction = false;
        ended.map_err(|fault| self.noted(fault))
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, SqlFault> {
        let limit = self.target.limits.query;
        let client = &mut self.client;
        let params: Vec<Param> = statement.params.iter().map(Param::of).collect();
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        let sql = statement.text.as_str();
        let done = within(limit, async move { client.execute(sql, &params).await }).await;
        match done {
            Ok(done) => Ok(done.total()),
            Err(fault) => Err(self.noted(fault)),
        }
    }

    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError {
        match fault.downcast::<QueryFault>() {
            Ok(fault) => fault::reading(query, *fault),
            Err(other) => SourceError::retry(KIND, format!("read stream {}", query.name), other),
        }
    }

    async fn answers(&mut self) -> bool {
        if self.leave_transaction().await.is_err() {
            return false;
        }
        let asked = self.batch("SELECT 1");
        matches!(timeout(Duration::from_secs(5), asked).await, Ok(Ok(())))
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = tiberius::Result<T>>,
) -> Result<T, QueryFault> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(QueryFault::Driver),
        Err(_) => Err(QueryFault::Late(limit.as_secs())),
    }
}

/// Tries each way to connect in turn. A way that fails for reasons of encryption leads to the next one, and what the server
/// says about the login is the answer.
async fn connect(target: &Target) -> Result<Connected, ConnectFault> {
    let limit = target.limits.connect;
    let late = || ConnectFault::Late(limit.as_secs());
    let address = timeout(limit, address(target))
        .await
        .map_err(|_| late())??;
    let mut failed: Option<ConnectFault> = None;
    for way in target.ways() {
        let no_tls = failed.as_ref().map(ToString::to_string);
        let attempt = timeout(limit, attempt(target, address, way)).await;
        match attempt.unwrap_or_else(|_| Err(late())) {
            Ok((client, privacy)) => {
                return Ok(Connected {
                    client,
                    privacy,
                    no_tls,
                });
            }
            Err(fault) if is_about_encryption(&fault, way) => {
                tracing::debug!(%fault, ?way, "trying another way to connect");
                failed = Some(fault);
            }
            Err(fault) => return Err(fault),
        }
    }
    Err(failed.unwrap_or_else(late))
}

/// What another way to connect may mend. An old server may simply hang up when it is offered TLS 1.2.
fn is_about_encryption(fault: &ConnectFault, way: Way) -> bool {
    match fault {
        ConnectFault::Line(LineError::CannotEncrypt | LineError::Tls(_)) => true,
        ConnectFault::Line(LineError::MustEncrypt) => true,
        ConnectFault::Line(LineError::Io(_) | LineError::NotSqlServer) => false,
        ConnectFault::Driver(Error::Io { .. }) => way == Way::Plain,
        ConnectFault::Driver(_)
        | ConnectFault::NoSuchHost(_)
        | ConnectFault::Browser(_)
        | ConnectFault::Refused(..)
        | ConnectFault::Late(_)
        | ConnectFault::Trust(_) => false,
    }
}

/// Where the server listens.
async fn address(target: &Target) -> Result<SocketAddr, ConnectFault> {
    let host = target.config.host.trim();
    let unknown = || ConnectFault::NoSuchHost(host.to_owned());
    let ip = match host {
        "." | "(local)" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        name => {
            let found = lookup_host((name, 0)).await.map_err(|_| unknown())?;
            let mut found: Vec<SocketAddr> = found.collect();
            // Old servers listen on IPv4 only.
            found.sort_by_key(SocketAddr::is_ipv6);
            found.first().ok_or_else(unknown)?.ip()
        }
    };
    let port = match (target.fixed_port(), &target.config.instance) {
        (Some(port), _) => port,
        (None, instance) => {
            let instance = instance.as_deref().unwrap_or_default();
            let browser = SocketAddr::new(ip, target.config.browser_port);
            browser::port_of(browser, instance).await?
        }
    };
    Ok(SocketAddr::new(ip, port))
}

async fn attempt(
    target: &Target,
    address: SocketAddr,
    way: Way,
) -> Result<(Client<Compat<Line>>, Privacy), ConnectFault> {
    let tls = match way {
        Way::Encrypted => Some(trust::tls(&target.config).map_err(ConnectFault::Trust)?),
        Way::Plain => None,
    };
    let refused = |error| ConnectFault::Refused(address.port(), error);
    let tcp = TcpStream::connect(address).await.map_err(refused)?;
    tcp.set_nodelay(true).map_err(refused)?;
    let (line, privacy) = line::agree(tcp, way, tls).await?;
    if privacy == Privacy::Plain && target.config.encryption == Encryption::Required {
        return Err(LineError::CannotEncrypt.into());
    }
    let client = Client::connect(driver_config(target, address), line.compat_write())
        .await
        .map_err(ConnectFault::Driver)?;
    Ok((client, privacy))
}

fn driver_config(target: &Target, address: SocketAddr) -> tiberius::Config {
    let mut config = tiberius::Config::new();
    config.host(&target.config.host);
    config.port(address.port());
    config.database(&target.config.database);
    config.application_name(APPLICATION);
    config.packet_size(PACKET_SIZE);
    config.authentication(login(target));
    config.handshake_timeout(Some(target.limits.connect));
    // Every query has a limit of its own here.
    config.command_timeout(None);
    // Half of a character that was cut in two becomes U+FFFD; without this it would end the whole page.
    config.lossy_utf16_decoding(true);
    config
}

#[cfg(windows)]
fn login(target: &Target) -> AuthMethod {
    match target.config.login {
        Login::Sql => sql_login(target),
        Login::Windows => {
            let password = target
                .password
                .as_ref()
                .map_or("", |secret| secret.reveal());
            AuthMethod::windows(&target.config.user, password)
        }
        Login::Account => AuthMethod::Integrated,
    }
}

#[cfg(not(windows))]
fn login(target: &Target) -> AuthMethod {
    match target.config.login {
        // The settings were checked: only SQL logins get here.
        Login::Sql | Login::Windows | Login::Account => sql_login(target),
    }
}

fn sql_login(target: &Target) -> AuthMethod {
    let password = target
        .password
        .as_ref()
        .map_or("", |secret| secret.reveal());
    AuthMethod::sql_server(&target.config.user, password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_select_is_told_to_return_nothing() {
        assert_eq!(
            without_rows("SELECT a, (SELECT MAX(b) FROM u) FROM t"),
            "SELECT TOP (0) a, (SELECT MAX(b) FROM u) FROM t"
        );
    }

    #[test]
    fn a_session_gives_way_to_the_pos() {
        let setup = setup(5_000);
        for part in ["SET DEADLOCK_PRIORITY LOW", "SET LOCK_TIMEOUT 5000"] {
            assert!(setup.contains(part), "{setup}");
        }
        let language = setup.find("LANGUAGE").unwrap();
        assert!(language < setup.find("DATEFORMAT").unwrap());
    }
}
