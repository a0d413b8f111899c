//! What SQLite does its own way: one writer and many readers, 16-byte ids, integer millionths, multi-row inserts.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use fluxion_model::{Decimal, Uuid, money};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteArgumentsBuffer, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous, SqliteTypeInfo, SqliteValueRef,
};
use sqlx::{AssertSqlSafe, Decode, Encode, SqlSafeStr, Sqlite, SqlitePool, Transaction, Type};

use crate::database::bulk::{Cell, Rows};
use crate::database::{DatabaseError, DatabaseResult};
use fluxion_model::id::{AgentId, BatchSeq, TenantId};

/// For logs and metrics.
pub const NAME: &str = "sqlite";
/// A row as it is read.
pub type Row = SqliteRow;
/// A transaction that writes.
pub type Tx = Transaction<'static, Sqlite>;
/// Locks the rows a select reads; a writer of SQLite is alone anyway.
pub const FOR_UPDATE: &str = "";

/// How many seconds a job took, as a floating point number.
pub const SECONDS_TAKEN: &str = "((julianday(completed_at) - julianday(started_at)) * 86400.0)";

/// Every migration of this engine, in order. A test compares the list with the folder.
pub const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "foundations",
        include_str!("../../../../migrations/sqlite/0001_foundations.sql"),
    ),
    (
        2,
        "sale_numbers",
        include_str!("../../../../migrations/sqlite/0002_sale_numbers.sql"),
    ),
    (
        3,
        "webhooks",
        include_str!("../../../../migrations/sqlite/0003_webhooks.sql"),
    ),
    (
        4,
        "releases",
        include_str!("../../../../migrations/sqlite/0004_releases.sql"),
    ),
];

/// A SQLite file: one connection writes, others read beside it (WAL).
#[derive(Debug, Clone)]
pub struct Engine {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Engine {
    /// Opens the file, makes it when missing, and brings its tables up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or was migrated by a newer version.
    pub async fn open(url: &str) -> DatabaseResult<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| DatabaseError::unavailable("read the database URL", error))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged must survive a power cut: the agent has forgotten it.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .pragma("cache_size", "-65536")
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", "4000");
        let path = options.get_filename().to_owned();
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .map_err(|error| DatabaseError::unavailable("make the database folder", error))?;
        }
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(60))
            .connect_with(options.clone())
            .await
            .map_err(|error| DatabaseError::unavailable("open the SQLite file", error))?;
        migrate(&writer, &path).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(|error| DatabaseError::unavailable("open the SQLite file", error))?;
        Ok(Self { writer, reader })
    }

    /// For statements that only read.
    pub fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// For single statements that write.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Begins a transaction that writes. Dropping it undoes it.
    pub async fn begin(&self) -> DatabaseResult<Tx> {
        // Immediate, because two deferred transactions that both turn to writing cannot be told to wait.
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Whether a delivery can be written beside the one before it: a writer of SQLite is alone.
    pub fn may_work_ahead(&self) -> bool {
        false
    }

    /// Ends all connections.
    pub async fn close_pools(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Applies what is missing. A lock file keeps several processes that start together from applying it twice.
async fn migrate(pool: &SqlitePool, path: &Path) -> DatabaseResult<()> {
    const ACTION: &str = "bring its tables up to date";
    let lock_path = PathBuf::from(format!("{}.migrating", path.display()));
    let lock = tokio::task::spawn_blocking(move || {
        let file = File::create(lock_path)?;
        file.lock()?;
        std::io::Result::Ok(file)
    })
    .await
    .map_err(|error| DatabaseError::internal(ACTION, error))?
    .map_err(|error| DatabaseError::unavailable(ACTION, error))?;
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let migrator = Migrator {
        migrations: migrations.collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    };
    let result = migrator
        .run(pool)
        .await
        .map_err(|error| DatabaseError::internal(ACTION, error));
    drop(lock);
    result
}

/// Keeps others of this tenant from making products meanwhile; a writer of SQLite is alone anyway.
pub async fn lock_tenant(_tx: &mut Tx, _tenant: TenantId) -> DatabaseResult<()> {
    Ok(())
}

/// Deliveries take their turn as writers do.
pub async fn hold_turn(_tx: &mut Tx, _agent: AgentId, _seq: BatchSeq) -> DatabaseResult<()> {
    Ok(())
}

/// The delivery before has ended, since a writer is alone.
pub async fn await_turn(_tx: &mut Tx, _agent: AgentId, _seq: BatchSeq) -> DatabaseResult<()> {
    Ok(())
}

/// Numbers for so many new sales.
pub async fn sale_numbers(tx: &mut Tx, count: usize) -> DatabaseResult<Vec<Range<i64>>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let end: i64 = sqlx::query_scalar("update sale_numbers set next = next + $1 returning next")
        .bind(count)
        .fetch_one(&mut **tx)
        .await?;
    Ok(std::iter::once(end - count..end).collect())
}

/// The condition that picks rows by key from a [`TextList`]: `keyed("prices", "tenant_id = $1 and …", "external_id", "$3")`.
pub fn keyed(_table: &str, scope: &str, key: &str, parameter: &str) -> String {
    format!("{scope} and {key} in (select value from json_each({parameter}))")
}

/// The same for a [`UuidList`].
pub fn keyed_by_uuid(_table: &str, scope: &str, key: &str, parameter: &str) -> String {
    format!("{scope} and {key} in (select unhex(value) from json_each({parameter}))")
}

/// `in (…)` against a [`TextList`] of a few: `external_id {in_texts("$3")}`.
pub fn in_texts(parameter: &str) -> String {
    format!("in (select value from json_each({parameter}))")
}

/// `in (…)` against a [`UuidList`] of a few.
pub fn in_uuids(parameter: &str) -> String {
    format!("in (select unhex(value) from json_each({parameter}))")
}

/// `in (…)` against a [`NumberList`].
pub fn in_numbers(parameter: &str) -> String {
    format!("in (select value from json_each({parameter}))")
}

/// Numbers bound as one parameter.
pub struct NumberList<'a>(pub &'a [i64]);

impl Type<Sqlite> for NumberList<'_> {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for NumberList<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <String as Encode<Sqlite>>::encode(serde_json::to_string(self.0)?, buffer)
    }
}

/// Texts bound as one parameter.
pub struct TextList<'a>(pub &'a [&'a str]);

impl Type<Sqlite> for TextList<'_> {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for TextList<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <String as Encode<Sqlite>>::encode(serde_json::to_string(self.0)?, buffer)
    }
}

/// Ids bound as one parameter.
pub struct UuidList<'a>(pub &'a [Uuid]);

impl Type<Sqlite> for UuidList<'_> {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for UuidList<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        let hex: Vec<String> = self.0.iter().map(|id| id.simple().to_string()).collect();
        <String as Encode<Sqlite>>::encode(serde_json::to_string(&hex)?, buffer)
    }
}

/// An exact amount: integer millionths here, `numeric(20,6)` in the twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Decimal);

impl Type<Sqlite> for Amount {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl<'q> Encode<'q, Sqlite> for Amount {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Sqlite>>::encode_by_ref(&money::to_millionths(self.0)?, buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Amount {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(money::from_millionths(
            <i64 as Decode<Sqlite>>::decode(value)?,
        )))
    }
}

/// How many rows one statement carries: a fixed number, so that it is prepared once, below SQLite's parameter limit.
const ROWS_PER_STATEMENT: usize = 1000;
const MAX_PARAMETERS: usize = 32_000;

/// Writes rows whose keys are known to be new.
pub async fn insert(tx: &mut Tx, rows: &Rows<'_>) -> DatabaseResult<()> {
    write(tx, rows, "").await
}

/// Writes rows, replacing those that are there.
pub async fn upsert(tx: &mut Tx, rows: &Rows<'_>) -> DatabaseResult<()> {
    write(tx, rows, &rows.table.on_conflict()).await
}

async fn write(tx: &mut Tx, rows: &Rows<'_>, on_conflict: &str) -> DatabaseResult<()> {
    let table = rows.table;
    let width = table.columns.len();
    let step = ROWS_PER_STATEMENT.min(MAX_PARAMETERS / width);
    let statement = |count: usize| {
        let tuple = format!("({})", vec!["?"; width].join(", "));
        let tuples = vec![tuple.as_str(); count].join(", ");
        format!(
            "insert into {} ({}) values {tuples} {on_conflict}",
            table.name,
            table.column_list()
        )
    };
    let all: Vec<&[Cell<'_>]> = rows.iter().collect();
    let full = (all.len() >= step).then(|| statement(step));
    for chunk in all.chunks(step) {
        let sql = match &full {
            Some(full) if chunk.len() == step => full.clone(),
            _ => statement(chunk.len()),
        };
        // Statements of odd sizes are not worth a place in the statement cache.
        let mut query =
            sqlx::query(AssertSqlSafe(sql)).persistent(chunk.len() == step || chunk.len() == 1);
        for cell in chunk.iter().copied().flatten() {
            query = query.bind(Parameter(cell));
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

struct Parameter<'a>(&'a Cell<'a>);

impl Type<Sqlite> for Parameter<'_> {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for Parameter<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Bool(value) => <bool as Encode<Sqlite>>::encode_by_ref(value, buffer),
            Cell::Int(value) => <i32 as Encode<Sqlite>>::encode_by_ref(value, buffer),
            Cell::Big(value) | Cell::Amount(value) => {
                <i64 as Encode<Sqlite>>::encode_by_ref(value, buffer)
            }
            Cell::Time(value) => <_ as Encode<Sqlite>>::encode_by_ref(value, buffer),
            Cell::Uuid(value) => <_ as Encode<Sqlite>>::encode_by_ref(value, buffer),
            Cell::Text(value) => <&str as Encode<Sqlite>>::encode(value.as_ref(), buffer),
        }
    }
}
