//! Unified products in SQL: reads what matching needs to know, writes what it decides, and settles contradictions.

use std::collections::{BTreeMap, HashMap};

use fluxion_model::Uuid;
use fluxion_model::entity::{EntityKind, Product};
use fluxion_model::id::TenantId;
use fluxion_model::money::{self, Currency, InvalidCurrency};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{self, Amount, Row, TextList, Tx, UuidList, in_uuids, keyed, keyed_by_uuid};
use super::facts::{self, FirstLoad, TRY_FROM};
use crate::database::deliveries::Counts;
use crate::database::fleet::MatchRule;
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::apply::Stamp;
use crate::ops::apply::contradictions::{self, Contradiction, HeldConflict, Worth};
use crate::ops::apply::products::{
    self, Effective, HeldProduct, HeldSource, ProductWrites, distinct,
};
use crate::ops::apply::sorted::{Change, Sorted};
use crate::ops::delivery::Refusal;

const OF_TENANT: &str = "tenant_id = $1";
const OF_POS: &str = "tenant_id = $1 and pos_system_id = $2";
const OF_POS_PRODUCT: &str = "tenant_id = $1 and pos_system_id = $2 and fluxion_entity = 'product'";

/// A delivery that brings products.
pub struct Brought<'a> {
    /// What it says.
    pub sorted: &'a Sorted<'a>,
    /// The stream it comes from.
    pub stream: &'a str,
    /// Whether the stream is read for the first time.
    pub first_load: FirstLoad,
    /// What its rows have in common.
    pub stamp: &'a Stamp,
}

/// What is left to do once prices and stock are written.
pub struct Unsettled {
    found: Vec<Contradiction>,
    products: Vec<Uuid>,
}

impl Unsettled {
    const NOTHING: Self = Self {
        found: Vec::new(),
        products: Vec::new(),
    };
}

/// Applies what a delivery says about products.
pub async fn apply(
    tx: &mut Tx,
    delivery: &Brought<'_>,
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<Unsettled> {
    let changes = delivery.sorted.changes(EntityKind::Product);
    if changes.is_empty() {
        return Ok(Unsettled::NOTHING);
    }
    // Two stores that bring one new SKU at the same moment must end in one product.
    engine::lock_tenant(tx, TenantId(delivery.stamp.tenant)).await?;
    if delivery.first_load == FirstLoad::Yes
        && changes.len() >= TRY_FROM
        && changes.iter().all(Change::is_put)
        && let Some(unsettled) = as_new(tx, delivery, refusals, counts).await?
    {
        return Ok(unsettled);
    }
    let ids: Vec<&str> = changes.iter().map(Change::id).collect();
    let own = own_sources(tx, &ids, delivery.stamp).await?;
    apply_knowing(tx, delivery, &own, refusals, counts).await
}

/// Applies them as if the POS had brought none of them before, which spares a look-up of each. None when it had; then
/// nothing was written.
async fn as_new(
    tx: &mut Tx,
    delivery: &Brought<'_>,
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<Option<Unsettled>> {
    let (mut refused, mut counted) = (Vec::new(), *counts);
    sqlx::query("savepoint as_new").execute(&mut **tx).await?;
    match apply_knowing(tx, delivery, &[], &mut refused, &mut counted).await {
        Ok(unsettled) => {
            sqlx::query("release savepoint as_new")
                .execute(&mut **tx)
                .await?;
            *counts = counted;
            refusals.append(&mut refused);
            Ok(Some(unsettled))
        }
        Err(DatabaseError::Conflict(_)) => {
            sqlx::query("rollback to savepoint as_new")
                .execute(&mut **tx)
                .await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn apply_knowing(
    tx: &mut Tx,
    delivery: &Brought<'_>,
    own: &[HeldSource],
    refusals: &mut Vec<Refusal>,
    counts: &mut Counts,
) -> DatabaseResult<Unsettled> {
    let stamp = delivery.stamp;
    let changes = delivery.sorted.changes(EntityKind::Product);
    let effective = Effective::of(changes, own, refusals);
    if effective.is_empty() {
        return Ok(Unsettled::NOTHING);
    }
    let rule = match_rule(tx, stamp).await?;
    let mut near = effective.products();
    near.extend(products_by_sku(tx, &effective.skus(), stamp.tenant).await?);
    near.extend(products_by_code(tx, &effective.codes(rule), stamp).await?);
    let near = distinct(near);
    let held_products = read_products(tx, &near, stamp.tenant).await?;
    let held_sources = sources_of(tx, &near, stamp.tenant).await?;
    let writes = products::decide(
        &effective,
        &held_products,
        &held_sources,
        rule,
        delivery.stream,
        stamp,
    );
    counts.inserted += writes.new_sources.len();
    counts.updated += writes.changed_sources.len();
    counts.deleted += writes.gone_sources.len();
    write(tx, &writes, stamp).await?;
    Ok(Unsettled {
        found: contradictions::find(&writes.views),
        products: near,
    })
}

pub async fn write(tx: &mut Tx, writes: &ProductWrites<'_>, stamp: &Stamp) -> DatabaseResult<()> {
    engine::insert(tx, &writes.new_products).await?;
    engine::upsert(tx, &writes.changed_products).await?;
    engine::insert(tx, &writes.new_sources).await?;
    engine::upsert(tx, &writes.changed_sources).await?;
    facts::remove(tx, "mapping_cache", &writes.gone_sources, stamp).await?;
    remove_barcodes(tx, &writes.lost_barcodes, stamp).await?;
    if writes.changed_products.is_empty() && writes.lost_barcodes.is_empty() {
        engine::insert(tx, &writes.barcodes).await?;
    } else {
        engine::upsert(tx, &writes.barcodes).await?;
    }
    orphan(tx, &writes.orphans, stamp).await
}

/// Removes these codes from these products, pairs or not: what remains is written again right after.
async fn remove_barcodes(
    tx: &mut Tx,
    lost: &[(String, Uuid)],
    stamp: &Stamp,
) -> DatabaseResult<()> {
    if lost.is_empty() {
        return Ok(());
    }
    let codes: Vec<&str> = lost.iter().map(|(code, _)| code.as_str()).collect();
    let products = distinct(lost.iter().map(|(_, product)| *product));
    let sql = format!(
        "delete from product_barcodes where {} and product_id {}",
        keyed("product_barcodes", OF_TENANT, "code", "$2"),
        in_uuids("$3")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(TextList(&codes))
        .bind(UuidList(&products))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn orphan(tx: &mut Tx, products: &[Uuid], stamp: &Stamp) -> DatabaseResult<()> {
    if products.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "update products set orphaned_at = $3, updated_at = $3 where {}",
        keyed_by_uuid("products", OF_TENANT, "id", "$2")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(UuidList(products))
        .bind(stamp.now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn match_rule(tx: &mut Tx, stamp: &Stamp) -> DatabaseResult<MatchRule> {
    let row = sqlx::query("select match_rule from tenants where id = $1")
        .bind(stamp.tenant)
        .fetch_one(&mut **tx)
        .await?;
    Ok(MatchRule::from_word(row.try_get("match_rule")?))
}

async fn own_sources(tx: &mut Tx, ids: &[&str], stamp: &Stamp) -> DatabaseResult<Vec<HeldSource>> {
    let sql = format!(
        "select * from mapping_cache where {}",
        keyed("mapping_cache", OF_POS_PRODUCT, "external_id", "$3")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(TextList(ids))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(source_of).collect()
}

/// The live source records of these products.
pub async fn sources_of(
    tx: &mut Tx,
    products: &[Uuid],
    tenant: Uuid,
) -> DatabaseResult<Vec<HeldSource>> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select * from mapping_cache where {} and fluxion_entity = 'product' and deleted_at is null",
        keyed_by_uuid("mapping_cache", OF_TENANT, "fluxion_id", "$2")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(UuidList(products))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(source_of).collect()
}

pub fn source_of(row: &Row) -> DatabaseResult<HeldSource> {
    Ok(HeldSource {
        pos_system: row.try_get("pos_system_id")?,
        external_id: row.try_get("external_id")?,
        product: row.try_get("fluxion_id")?,
        fingerprint: row.try_get("record_hash")?,
        pinned: row.try_get("pinned")?,
        created_at: row.try_get("created_at")?,
        deleted: row
            .try_get::<Option<chrono::DateTime<chrono::Utc>>, _>("deleted_at")?
            .is_some(),
        record: row.try_get::<Json<Product>, _>("mapping_data")?.0,
    })
}

pub async fn products_by_sku(
    tx: &mut Tx,
    skus: &[&str],
    tenant: Uuid,
) -> DatabaseResult<Vec<Uuid>> {
    let sql = format!(
        "select id from products where {}",
        keyed("products", OF_TENANT, "sku", "$2")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(TextList(skus))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

async fn products_by_code(
    tx: &mut Tx,
    codes: &[String],
    stamp: &Stamp,
) -> DatabaseResult<Vec<Uuid>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let sql = format!(
        "select product_id from product_barcodes where {}",
        keyed("product_barcodes", OF_TENANT, "code", "$2")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(TextList(&codes))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| Ok(row.try_get("product_id")?))
        .collect()
}

/// These products, in the order of their ids.
pub async fn read_products(
    tx: &mut Tx,
    ids: &[Uuid],
    tenant: Uuid,
) -> DatabaseResult<Vec<HeldProduct>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select id, sku, source_pos_system_id, source_external_id, orphaned_at is not null as orphaned, created_at
         from products where {} order by id",
        keyed_by_uuid("products", OF_TENANT, "id", "$2")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(UuidList(ids))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(HeldProduct {
                id: row.try_get("id")?,
                sku: row.try_get("sku")?,
                source_pos_system: row.try_get("source_pos_system_id")?,
                source_external_id: row.try_get("source_external_id")?,
                orphaned: row.try_get("orphaned")?,
                created_at: row.try_get("created_at")?,
            })
        })
        .collect()
}

/// Opens what contradicts itself, closes what no longer does.
pub async fn settle(
    tx: &mut Tx,
    unsettled: Unsettled,
    stamp: &Stamp,
    counts: &mut Counts,
) -> DatabaseResult<()> {
    let Unsettled { found, products } = unsettled;
    if found.is_empty() && products.is_empty() {
        return Ok(());
    }
    let held = conflicts_about(tx, &products, &found, stamp).await?;
    let settlement = contradictions::settle(found, &held);
    close(tx, &settlement.close, stamp).await?;
    if !settlement.open.is_empty() {
        let worth = read_worth(tx, &settlement.open, stamp).await?;
        engine::insert(tx, &contradictions::rows(&settlement.open, &worth, stamp)).await?;
    }
    counts.conflicts_opened += settlement.open.len();
    counts.conflicts_closed += settlement.close.len();
    Ok(())
}

async fn conflicts_about(
    tx: &mut Tx,
    products: &[Uuid],
    found: &[Contradiction],
    stamp: &Stamp,
) -> DatabaseResult<Vec<HeldConflict>> {
    const SELECT: &str = "select id, subject, evidence, status from sync_conflicts where";
    let mut rows = Vec::new();
    if !products.is_empty() {
        let sql = format!(
            "{SELECT} {} and conflict_type = 'duplicate_sku'",
            keyed_by_uuid("sync_conflicts", OF_TENANT, "entity_id", "$2")
        );
        rows.extend(
            sqlx::query(AssertSqlSafe(sql))
                .bind(stamp.tenant)
                .bind(UuidList(products))
                .fetch_all(&mut **tx)
                .await?,
        );
    }
    if !found.is_empty() {
        let subjects: Vec<&str> = found.iter().map(|found| found.subject.as_str()).collect();
        let sql = format!(
            "{SELECT} {}",
            keyed("sync_conflicts", OF_TENANT, "subject", "$2")
        );
        rows.extend(
            sqlx::query(AssertSqlSafe(sql))
                .bind(stamp.tenant)
                .bind(TextList(&subjects))
                .fetch_all(&mut **tx)
                .await?,
        );
    }
    let mut held: BTreeMap<Uuid, HeldConflict> = BTreeMap::new();
    for row in &rows {
        let conflict = HeldConflict {
            id: row.try_get("id")?,
            subject: row.try_get("subject")?,
            evidence: row.try_get("evidence")?,
            status: row.try_get("status")?,
        };
        held.insert(conflict.id, conflict);
    }
    Ok(held.into_values().collect())
}

async fn close(tx: &mut Tx, conflicts: &[Uuid], stamp: &Stamp) -> DatabaseResult<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "update sync_conflicts set status = 'closed', resolved_at = $3, updated_at = $3
         where {}",
        keyed_by_uuid("sync_conflicts", OF_TENANT, "id", "$2")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(UuidList(conflicts))
        .bind(stamp.now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What the contested rows are worth: units on hand over all locations, and the default price or else the first list's.
async fn read_worth(
    tx: &mut Tx,
    open: &[Contradiction],
    stamp: &Stamp,
) -> DatabaseResult<HashMap<(Uuid, String), Worth>> {
    let mut by_pos: BTreeMap<Uuid, Vec<&str>> = BTreeMap::new();
    for row in open.iter().flat_map(|contradiction| &contradiction.rows) {
        by_pos
            .entry(row.pos_system)
            .or_default()
            .push(&row.external_id);
    }
    let mut worth = HashMap::new();
    for (pos_system, ids) in by_pos {
        let on_hand = read_on_hand(tx, pos_system, &ids, stamp).await?;
        for (product, price, currency) in read_prices(tx, pos_system, &ids, stamp).await? {
            let on_hand = on_hand.get(&product).copied().unwrap_or(0);
            worth.entry((pos_system, product)).or_insert(Worth {
                on_hand,
                price,
                currency,
            });
        }
    }
    Ok(worth)
}

async fn read_on_hand(
    tx: &mut Tx,
    pos_system: Uuid,
    products: &[&str],
    stamp: &Stamp,
) -> DatabaseResult<HashMap<String, i64>> {
    let sql = format!(
        "select product, on_hand from stock_levels
         where {} and deleted_at is null",
        keyed("stock_levels", OF_POS, "product", "$3")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(pos_system)
        .bind(TextList(products))
        .fetch_all(&mut **tx)
        .await?;
    let mut sums = HashMap::new();
    for row in &rows {
        let units = millionths(row.try_get("on_hand")?)?;
        let sum: &mut i64 = sums.entry(row.try_get("product")?).or_default();
        *sum = sum.saturating_add(units);
    }
    Ok(sums)
}

/// (product, amount, currency), the price to take first.
async fn read_prices(
    tx: &mut Tx,
    pos_system: Uuid,
    products: &[&str],
    stamp: &Stamp,
) -> DatabaseResult<Vec<(String, i64, Currency)>> {
    let sql = format!(
        "select product, amount, currency from prices
         where {} and deleted_at is null
         order by product, case when list = 'default' then 0 else 1 end, list, external_id",
        keyed("prices", OF_POS, "product", "$3")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(pos_system)
        .bind(TextList(products))
        .fetch_all(&mut **tx)
        .await?;
    let mut prices = Vec::with_capacity(rows.len());
    for row in &rows {
        let currency: String = row.try_get("currency")?;
        let currency = currency
            .parse()
            .map_err(|error: InvalidCurrency| DatabaseError::internal("read a price", error))?;
        prices.push((
            row.try_get("product")?,
            millionths(row.try_get("amount")?)?,
            currency,
        ));
    }
    Ok(prices)
}

/// What a database of ours holds is within range, unless somebody else wrote there.
fn millionths(amount: Amount) -> DatabaseResult<i64> {
    money::to_millionths(amount.0)
        .map_err(|error| DatabaseError::internal("read a kept amount", error))
}
