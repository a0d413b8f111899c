//! What PostgreSQL does its own way: COPY for rows that are new, arrays for rows that may be there, advisory locks.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fluxion_model::id::{AgentId, BatchSeq, TenantId};
use fluxion_model::{Decimal, Uuid, money};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgConnectOptions, PgPoolOptions, PgRow, PgTypeInfo, PgValueRef,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Decode, Encode, PgConnection, PgPool, Postgres, SqlSafeStr,
    Transaction, Type,
};

use crate::database::bulk::{Cell, Kind, Rows};
use crate::database::{DatabaseError, DatabaseResult};

/// For logs and metrics.
pub const NAME: &str = "postgres";
/// A row as it is read.
pub type Row = PgRow;
/// A transaction that writes.
pub type Tx = Transaction<'static, Postgres>;
/// Locks the rows a select reads until the transaction ends.
pub const FOR_UPDATE: &str = " for update";

/// How many seconds a job took, as a floating point number.
pub const SECONDS_TAKEN: &str =
    "cast(extract(epoch from completed_at - started_at) as double precision)";

/// Every migration of this engine, in order. A test compares the list with the folder.
pub const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "foundations",
        include_str!("../../../../migrations/postgres/0001_foundations.sql"),
    ),
    (
        2,
        "sale_numbers",
        include_str!("../../../../migrations/postgres/0002_sale_numbers.sql"),
    ),
    (
        3,
        "webhooks",
        include_str!("../../../../migrations/postgres/0003_webhooks.sql"),
    ),
    (
        4,
        "releases",
        include_str!("../../../../migrations/postgres/0004_releases.sql"),
    ),
];

/// How many connections there may be.
const MAX_CONNECTIONS: u32 = 16;

/// A PostgreSQL database, 14 or newer.
#[derive(Debug, Clone)]
pub struct Engine {
    pool: PgPool,
}

impl Engine {
    /// Connects and brings the tables up to date.
    ///
    /// # Errors
    /// When the server cannot be reached or the database was migrated by a newer version.
    pub async fn open(url: &str) -> DatabaseResult<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| DatabaseError::unavailable("read the database URL", error))?
            .application_name("fluxion-ingest")
            // Plans of short statements are not worth compiling; and a plan made while a table was empty must not be
            // kept for a table that has grown by half a million rows since.
            .options([("jit", "off"), ("plan_cache_mode", "force_custom_plan")]);
        let patience = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(15));
        let pool = match patience.connect_with(options.clone()).await {
            Ok(pool) => pool,
            Err(timeout) => {
                // A pool only says that time ran out; one more try by itself says why.
                let cause = PgConnection::connect_with(&options).await.err();
                let cause = cause.unwrap_or(timeout);
                return Err(DatabaseError::unavailable("connect to PostgreSQL", cause));
            }
        };
        // The migrator holds an advisory lock, so several instances may start at the same moment.
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
        migrator
            .run(&pool)
            .await
            .map_err(|error| DatabaseError::internal("bring its tables up to date", error))?;
        Ok(Self { pool })
    }

    /// For statements that only read.
    pub fn reader(&self) -> &PgPool {
        &self.pool
    }

    /// For single statements that write.
    pub fn writer(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction that writes. Dropping it undoes it.
    pub async fn begin(&self) -> DatabaseResult<Tx> {
        Ok(self.pool.begin().await?)
    }

    /// Whether a delivery can be written beside those before it, and wait for its turn only to commit. Half of the
    /// connections are kept for what cannot wait.
    pub fn may_work_ahead(&self) -> bool {
        let busy = self.pool.size() as usize - self.pool.num_idle().min(self.pool.size() as usize);
        busy < MAX_CONNECTIONS as usize / 2
    }

    /// Ends all connections.
    pub async fn close_pools(&self) {
        self.pool.close().await;
    }
}

/// Keeps others of this tenant from making products until this transaction ends.
pub async fn lock_tenant(tx: &mut Tx, tenant: TenantId) -> DatabaseResult<()> {
    let (high, low) = tenant.0.as_u64_pair();
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind((high ^ low).cast_signed())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes the deliveries that come after this one wait in [`await_turn`] until this transaction has ended.
pub async fn hold_turn(tx: &mut Tx, agent: AgentId, seq: BatchSeq) -> DatabaseResult<()> {
    let (agent, turn) = turn(agent, seq);
    sqlx::query("select pg_advisory_xact_lock($1, $2)")
        .bind(agent)
        .bind(turn)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Waits until the delivery before this one has ended, if it is under way. The waiting is PostgreSQL's own, so that it
/// notices when two deliveries wait for each other.
pub async fn await_turn(tx: &mut Tx, agent: AgentId, seq: BatchSeq) -> DatabaseResult<()> {
    let (agent, turn) = turn(agent, seq);
    sqlx::query("select pg_advisory_xact_lock_shared($1, $2)")
        .bind(agent)
        .bind(turn.wrapping_sub(1))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Two numbers that stand for a delivery. That another one has the same is rare, and costs a wait.
fn turn(agent: AgentId, seq: BatchSeq) -> (i32, i32) {
    let (high, low) = agent.0.as_u64_pair();
    let folded = high ^ low;
    ((folded ^ (folded >> 32)) as i32, seq.0 as i32)
}

/// How many numbers the sequence gives at once; the migration says the same.
const SALE_NUMBERS: i64 = 65_536;

/// Numbers for so many new sales. What a transaction does not use is never used.
pub async fn sale_numbers(tx: &mut Tx, count: usize) -> DatabaseResult<Vec<Range<i64>>> {
    let blocks = count.div_ceil(SALE_NUMBERS as usize);
    let mut numbers = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let first: i64 = sqlx::query_scalar("select nextval('sale_numbers')")
            .fetch_one(&mut **tx)
            .await?;
        numbers.push(first..first + SALE_NUMBERS);
    }
    Ok(numbers)
}

/// The condition that picks rows by key from a [`TextList`]: `keyed("prices", "tenant_id = $1 and …", "external_id", "$3")`.
///
/// Each key is looked up in the index by itself. A plain `external_id = any($3)` leaves the choice to the planner, which
/// on a table without statistics, as in a first load, rather reads every row of the tenant and compares it with every key.
/// The outer tenant_id keeps the statement within the tenant wherever the table is distributed.
pub fn keyed(table: &str, scope: &str, key: &str, parameter: &str) -> String {
    format!(
        "tenant_id = $1 and ctid = any(array(select h.row_at from unnest({parameter}) as k(key) cross join lateral
             (select ctid as row_at from {table} where {scope} and {key} = k.key offset 0) as h))"
    )
}

/// The same for a [`UuidList`].
pub fn keyed_by_uuid(table: &str, scope: &str, key: &str, parameter: &str) -> String {
    keyed(table, scope, key, parameter)
}

/// `in (…)` against a [`TextList`] of a few: `external_id {in_texts("$3")}`.
pub fn in_texts(parameter: &str) -> String {
    format!("= any({parameter})")
}

/// `in (…)` against a [`UuidList`] of a few.
pub fn in_uuids(parameter: &str) -> String {
    format!("= any({parameter})")
}

/// `in (…)` against a [`NumberList`].
pub fn in_numbers(parameter: &str) -> String {
    format!("= any({parameter})")
}

/// Numbers bound as one parameter.
pub struct NumberList<'a>(pub &'a [i64]);

impl Type<Postgres> for NumberList<'_> {
    fn type_info() -> PgTypeInfo {
        <Vec<i64> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for NumberList<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[i64] as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

/// Texts bound as one parameter.
pub struct TextList<'a>(pub &'a [&'a str]);

impl Type<Postgres> for TextList<'_> {
    fn type_info() -> PgTypeInfo {
        <Vec<String> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for TextList<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[&str] as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

/// Ids bound as one parameter.
pub struct UuidList<'a>(pub &'a [Uuid]);

impl Type<Postgres> for UuidList<'_> {
    fn type_info() -> PgTypeInfo {
        <Vec<Uuid> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for UuidList<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[Uuid] as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

/// An exact amount: `numeric(20,6)` here, integer millionths in the twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Decimal);

impl Type<Postgres> for Amount {
    fn type_info() -> PgTypeInfo {
        <Decimal as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Amount {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        money::to_millionths(self.0)?;
        <Decimal as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Amount {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(
            <Decimal as Decode<Postgres>>::decode(value)?.normalize(),
        ))
    }
}

/// From how many rows on COPY is worth its extra round trip.
const COPY_FROM: usize = 24;

/// Writes rows whose keys are known to be new.
pub async fn insert(tx: &mut Tx, rows: &Rows<'_>) -> DatabaseResult<()> {
    if rows.len() >= COPY_FROM {
        copy(tx, rows).await
    } else {
        unnest(tx, rows, "").await
    }
}

/// Writes rows, replacing those that are there. No key may come twice.
pub async fn upsert(tx: &mut Tx, rows: &Rows<'_>) -> DatabaseResult<()> {
    unnest(tx, rows, &rows.table.on_conflict()).await
}

/// One statement for any number of rows: each column travels as one array.
async fn unnest(tx: &mut Tx, rows: &Rows<'_>, on_conflict: &str) -> DatabaseResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let table = rows.table;
    let arrays: Vec<String> = (1..=table.columns.len())
        .map(|number| format!("${number}"))
        .collect();
    let sql = format!(
        "insert into {} ({}) select * from unnest({}) {on_conflict}",
        table.name,
        table.column_list(),
        arrays.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for index in 0..table.columns.len() {
        query = query.bind(ColumnArray { rows, index });
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

/// How much of a COPY is sent at once: PostgreSQL works on one part while the next is put together.
const COPY_PART_BYTES: usize = 128 * 1024;

/// The binary form of COPY: 11 bytes of signature, two empty words, then tuples, then -1.
async fn copy(tx: &mut Tx, rows: &Rows<'_>) -> DatabaseResult<()> {
    let width = i16::try_from(rows.table.columns.len())
        .map_err(|error| DatabaseError::internal("copy rows", error))?;
    let sql = format!(
        "copy {} ({}) from stdin (format binary)",
        rows.table.name,
        rows.table.column_list()
    );
    let mut copy = tx.copy_in_raw(&sql).await?;
    let mut part = Vec::with_capacity(COPY_PART_BYTES + 16 * 1024);
    part.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows.iter() {
        part.extend_from_slice(&width.to_be_bytes());
        for (cell, column) in row.iter().zip(rows.table.columns) {
            write_cell(&mut part, cell, column.kind);
        }
        if part.len() >= COPY_PART_BYTES {
            copy.send(part.as_slice()).await?;
            part.clear();
        }
    }
    part.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(part).await?;
    copy.finish().await?;
    Ok(())
}

/// A column of rows as one array parameter.
struct ColumnArray<'a> {
    rows: &'a Rows<'a>,
    index: usize,
}

impl ColumnArray<'_> {
    fn kind(&self) -> Kind {
        self.rows.table.columns[self.index].kind
    }
}

impl Type<Postgres> for ColumnArray<'_> {
    fn type_info() -> PgTypeInfo {
        <Vec<String> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for ColumnArray<'_> {
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(oids(self.kind()).array)))
    }

    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // One dimension, maybe with nulls, of this element type, so many, counted from 1.
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        buffer.extend_from_slice(&oids(self.kind()).element.to_be_bytes());
        buffer.extend_from_slice(&i32::try_from(self.rows.len())?.to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        for cell in self.rows.column(self.index) {
            write_cell(buffer, cell, self.kind());
        }
        Ok(IsNull::No)
    }
}

struct Oids {
    element: u32,
    array: u32,
}

/// The built-in types' numbers, which are the same in every PostgreSQL.
fn oids(kind: Kind) -> Oids {
    let (element, array) = match kind {
        Kind::Bool => (16, 1000),
        Kind::Int => (23, 1007),
        Kind::Big => (20, 1016),
        Kind::Amount => (1700, 1231),
        Kind::Time => (1184, 1185),
        Kind::Uuid => (2950, 2951),
        Kind::Text => (25, 1009),
        Kind::Json => (3802, 3807),
        Kind::RawJson => (114, 199),
    };
    Oids { element, array }
}

/// A length and the value in PostgreSQL's binary form, the same in COPY and in arrays.
fn write_cell(buffer: &mut Vec<u8>, cell: &Cell<'_>, kind: Kind) {
    match cell {
        Cell::Null => buffer.extend_from_slice(&(-1_i32).to_be_bytes()),
        Cell::Bool(value) => sized(buffer, &[u8::from(*value)]),
        Cell::Int(value) => sized(buffer, &value.to_be_bytes()),
        Cell::Big(value) => sized(buffer, &value.to_be_bytes()),
        Cell::Amount(millionths) => write_numeric(buffer, *millionths),
        Cell::Time(time) => sized(buffer, &micros_since_2000(*time).to_be_bytes()),
        Cell::Uuid(value) => sized(buffer, value.as_bytes()),
        Cell::Text(text) => {
            // jsonb is its version, 1, and then the text.
            let version: &[u8] = if kind == Kind::Json { &[1] } else { &[] };
            let length = i32::try_from(text.len() + version.len()).unwrap_or(i32::MAX);
            buffer.extend_from_slice(&length.to_be_bytes());
            buffer.extend_from_slice(version);
            buffer.extend_from_slice(text.as_bytes());
        }
    }
}

fn sized(buffer: &mut Vec<u8>, bytes: &[u8]) {
    // Every fixed-size value is far below the limit.
    buffer.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    buffer.extend_from_slice(bytes);
}

const MICROS_TO_2000: i64 = 946_684_800_000_000;

fn micros_since_2000(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros() - MICROS_TO_2000
}

/// `numeric` in binary: digits to base 10,000, the weight of the first, sign, digits shown after the point.
fn write_numeric(buffer: &mut Vec<u8>, millionths: i64) {
    let magnitude = millionths.unsigned_abs();
    let (units, fraction) = (magnitude / 1_000_000, magnitude % 1_000_000);
    // Four digits before the point reach 10^16; two after it hold six decimals, the last two of the second are zero.
    let digits = [
        units / 1_000_000_000_000 % 10_000,
        units / 100_000_000 % 10_000,
        units / 10_000 % 10_000,
        units % 10_000,
        fraction / 100,
        fraction % 100 * 100,
    ];
    let first = digits.iter().position(|digit| *digit != 0);
    let last = digits.iter().rposition(|digit| *digit != 0);
    let (digits, weight) = match (first, last) {
        (Some(first), Some(last)) => (&digits[first..=last], 3 - first as i16),
        _ => (&digits[..0], 0),
    };
    let sign: u16 = if millionths < 0 { 0x4000 } else { 0 };
    buffer.extend_from_slice(&(8 + 2 * digits.len() as i32).to_be_bytes());
    buffer.extend_from_slice(&(digits.len() as u16).to_be_bytes());
    buffer.extend_from_slice(&weight.to_be_bytes());
    buffer.extend_from_slice(&sign.to_be_bytes());
    buffer.extend_from_slice(&(money::SCALE as u16).to_be_bytes());
    for digit in digits {
        buffer.extend_from_slice(&(*digit as u16).to_be_bytes());
    }
}
