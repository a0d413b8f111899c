//! Records that stand by themselves, in SQL: one read for the keys of a delivery, then a handful of writes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::entity::EntityKind;
use fluxion_model::money;
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{self, Amount, NumberList, TextList, Tx, in_numbers, keyed};
use crate::database::bulk::Table;
use crate::database::deliveries::Counts;
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::apply::Stamp;
use crate::ops::apply::facts::{self, Held, SaleIds, Split};
use crate::ops::apply::history::{self, HeldValue};
use crate::ops::apply::sorted::{Change, Put, Sorted};
use crate::ops::delivery::Refusal;

/// Rows of one POS system.
const OF_POS: &str = "tenant_id = $1 and pos_system_id = $2";

/// Whether a stream is read for the first time, so that its records are most likely new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstLoad {
    /// No job of the stream has completed yet.
    Yes,
    /// The database most likely holds the records.
    No,
}

/// From how many records on it is worth trying whether all are new.
pub const TRY_FROM: usize = 200;

/// Applies what a delivery says about one kind of record.
pub async fn apply(
    tx: &mut Tx,
    kind: EntityKind,
    changes: &[Change<'_>],
    first_load: FirstLoad,
    stamp: &Stamp,
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<()> {
    let Some(table) = facts::table(kind).filter(|_| !changes.is_empty()) else {
        return Ok(());
    };
    if first_load == FirstLoad::Yes
        && changes.len() >= TRY_FROM
        && changes.iter().all(Change::is_put)
        && all_new(tx, table, changes, stamp, refusals, counts).await?
    {
        return Ok(());
    }
    let held = read_held(tx, table.name, changes, stamp).await?;
    let split = facts::split(changes, &held);

    let values = match kind {
        EntityKind::Price => read_values(tx, &PRICE_VALUES, &split, stamp).await?,
        EntityKind::StockLevel => read_values(tx, &STOCK_VALUES, &split, stamp).await?,
        _ => HashMap::new(),
    };
    let past = match kind {
        EntityKind::Price => history::of_prices(&split, &values, stamp),
        _ => history::of_stock(&split, &values, stamp),
    };
    engine::insert(tx, &past.rows).await?;

    let inserted = insert_new(tx, table, &split.new, &past.since, stamp, refusals).await?;

    let sale_ids = SaleIds::Held(&held);
    let changed = facts::rows(
        table,
        &split.changed,
        stamp,
        &past.since,
        sale_ids,
        refusals,
    );
    engine::upsert(tx, &changed.main).await?;
    if kind == EntityKind::Sale && !changed.main.is_empty() {
        // A document is replaced whole.
        let ids = split.changed.iter().filter_map(|put| held.get(put.id));
        let ids: Vec<i64> = ids.filter_map(|held| held.sale_id).collect();
        remove_parts(tx, &ids, stamp).await?;
        engine::insert(tx, &changed.lines).await?;
        engine::insert(tx, &changed.payments).await?;
    }
    remove(tx, table.name, &split.gone, stamp).await?;

    counts.inserted += inserted;
    counts.updated += changed.main.len();
    counts.deleted += split.gone.len();
    Ok(())
}

/// Writes the records as if none of them were there, which spares a look-up of each. False when one was; then nothing
/// was written.
async fn all_new(
    tx: &mut Tx,
    table: &'static Table,
    changes: &[Change<'_>],
    stamp: &Stamp,
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<bool> {
    let mut refused = Vec::new();
    sqlx::query("savepoint all_new").execute(&mut **tx).await?;
    match insert_all(tx, table, changes, stamp, &mut refused).await {
        Ok(inserted) => {
            sqlx::query("release savepoint all_new")
                .execute(&mut **tx)
                .await?;
            counts.inserted += inserted;
            refusals.append(&mut refused);
            Ok(true)
        }
        Err(DatabaseError::Conflict(_)) => {
            sqlx::query("rollback to savepoint all_new")
                .execute(&mut **tx)
                .await?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Writes a delivery's records as if none of them were there. A conflict says that one was; then the transaction is of
/// no more use.
pub async fn insert_ahead(
    tx: &mut Tx,
    sorted: &Sorted<'_>,
    stamp: &Stamp,
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<()> {
    for kind in EntityKind::ALL {
        if let Some(table) = facts::table(*kind) {
            counts.inserted +=
                insert_all(tx, table, sorted.changes(*kind), stamp, refusals).await?;
        }
    }
    Ok(())
}

async fn insert_all(
    tx: &mut Tx,
    table: &'static Table,
    changes: &[Change<'_>],
    stamp: &Stamp,
    refusals: &mut Vec<Refusal>,
) -> DatabaseResult<usize> {
    let split = facts::split(changes, &HashMap::new());
    insert_new(tx, table, &split.new, &HashMap::new(), stamp, refusals).await
}

/// Writes records whose keys are new, with their parts.
async fn insert_new(
    tx: &mut Tx,
    table: &'static Table,
    puts: &[Put<'_>],
    since: &HashMap<&str, DateTime<Utc>>,
    stamp: &Stamp,
    refusals: &mut Vec<Refusal>,
) -> DatabaseResult<usize> {
    let sales = puts
        .iter()
        .filter(|put| put.record.kind() == EntityKind::Sale);
    let sale_ids = SaleIds::new(engine::sale_numbers(tx, sales.count()).await?);
    let new = facts::rows(table, puts, stamp, since, sale_ids, refusals);
    engine::insert(tx, &new.main).await?;
    engine::insert(tx, &new.lines).await?;
    engine::insert(tx, &new.payments).await?;
    Ok(new.main.len())
}

async fn read_held(
    tx: &mut Tx,
    table: &'static str,
    changes: &[Change<'_>],
    stamp: &Stamp,
) -> DatabaseResult<HashMap<String, Held>> {
    let ids: Vec<&str> = changes.iter().map(Change::id).collect();
    let sale_id = if table == "sales" {
        "sale_id"
    } else {
        "cast(null as bigint)"
    };
    let sql = format!(
        "select external_id, fingerprint, deleted_at is not null as deleted, {sale_id} as sale_id from {table}
         where {}",
        keyed(table, OF_POS, "external_id", "$3")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(TextList(&ids))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let held = Held {
                fingerprint: row.try_get("fingerprint")?,
                deleted: row.try_get("deleted")?,
                sale_id: row.try_get("sale_id")?,
            };
            Ok((row.try_get("external_id")?, held))
        })
        .collect()
}

/// Where the value of a kind with history stands.
struct ValueColumns {
    table: &'static str,
    place: &'static str,
    currency: &'static str,
    value: &'static str,
}

const PRICE_VALUES: ValueColumns = ValueColumns {
    table: "prices",
    place: "list",
    currency: "currency",
    value: "amount",
};
const STOCK_VALUES: ValueColumns = ValueColumns {
    table: "stock_levels",
    place: "location",
    currency: "cast(null as text)",
    value: "on_hand",
};

async fn read_values(
    tx: &mut Tx,
    columns: &ValueColumns,
    split: &Split<'_>,
    stamp: &Stamp,
) -> DatabaseResult<HashMap<String, HeldValue>> {
    let ids: Vec<&str> = split
        .changed
        .iter()
        .map(|put| put.id)
        .chain(split.gone.iter().copied())
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select external_id, product, {} as place, {} as currency, {} as value, value_since,
             deleted_at is not null as deleted, job_id, mapping_version, batch_seq
         from {} where {}",
        columns.place,
        columns.currency,
        columns.value,
        columns.table,
        keyed(columns.table, OF_POS, "external_id", "$3")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(TextList(&ids))
        .fetch_all(&mut **tx)
        .await?;
    let mut values = HashMap::with_capacity(rows.len());
    for row in &rows {
        let value = row.try_get::<Amount, _>("value")?.0;
        let held = HeldValue {
            product: row.try_get("product")?,
            place: row.try_get("place")?,
            currency: row.try_get("currency")?,
            value: money::to_millionths(value)
                .map_err(|error| DatabaseError::internal("read a kept amount", error))?,
            since: row.try_get("value_since")?,
            deleted: row.try_get("deleted")?,
            job: row.try_get::<Uuid, _>("job_id")?,
            mapping_version: row.try_get("mapping_version")?,
            batch_seq: row.try_get("batch_seq")?,
        };
        values.insert(row.try_get("external_id")?, held);
    }
    Ok(values)
}

async fn remove_parts(tx: &mut Tx, sales: &[i64], stamp: &Stamp) -> DatabaseResult<()> {
    for table in ["sale_lines", "sale_payments"] {
        let sql = format!(
            "delete from {table} where tenant_id = $1 and sale_id {}",
            in_numbers("$2")
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(stamp.tenant)
            .bind(NumberList(sales))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Leaves a tombstone: the record's last content stays, for history and for a return.
pub async fn remove(
    tx: &mut Tx,
    table: &'static str,
    ids: &[&str],
    stamp: &Stamp,
) -> DatabaseResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "update {table} set deleted_at = $4, job_id = $5, mapping_version = $6, batch_seq = $7
         where {}",
        keyed(table, OF_POS, "external_id", "$3")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(TextList(ids))
        .bind(stamp.now)
        .bind(stamp.job)
        .bind(stamp.mapping_version)
        .bind(stamp.batch_seq)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
