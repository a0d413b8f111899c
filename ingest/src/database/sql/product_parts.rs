//! What one product consists of, in SQL: stock by location, prices by list, and how both came to be.

use fluxion_model::id::{JobId, PosSystemId, ProductId, StoreId, TenantId};
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{Amount, Engine, Row};
use super::listing::word;
use crate::database::DatabaseResult;
use crate::views::product::{PricePoint, ProductPrice, ProductStock, StockPoint};

/// How many points of a history are given.
const MAX_POINTS: usize = 1000;

/// The source rows of product `$2`, their POS systems and stores, and facts `f` of this table.
fn facts_of(table: &str) -> String {
    format!(
        "from mapping_cache m
         join {table} f on f.tenant_id = m.tenant_id and f.pos_system_id = m.pos_system_id and f.product = m.external_id
         join pos_systems p on p.tenant_id = m.tenant_id and p.id = m.pos_system_id
         join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id"
    )
}

const OF_PRODUCT: &str =
    "where m.tenant_id = $1 and m.fluxion_id = $2 and m.fluxion_entity = 'product'";

async fn fetch(
    engine: &Engine,
    tenant: TenantId,
    product: ProductId,
    sql: String,
) -> DatabaseResult<Vec<Row>> {
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(product.0);
    Ok(query.fetch_all(engine.reader()).await?)
}

/// Stock by store and location.
pub async fn stock(
    engine: &Engine,
    tenant: TenantId,
    product: ProductId,
) -> DatabaseResult<Vec<ProductStock>> {
    let sql = format!(
        "select f.*, p.store_id, s.name as store_name, l.name as location_name {}
         left join locations l
             on l.tenant_id = f.tenant_id and l.pos_system_id = f.pos_system_id and l.external_id = f.location
         {OF_PRODUCT} and m.deleted_at is null and f.deleted_at is null
         order by s.name, s.id, f.pos_system_id, f.location, f.external_id",
        facts_of("stock_levels")
    );
    let rows = fetch(engine, tenant, product, sql).await?;
    rows.iter().map(stock_of).collect()
}

fn stock_of(row: &Row) -> DatabaseResult<ProductStock> {
    Ok(ProductStock {
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        location: row.try_get("location")?,
        location_name: row.try_get("location_name")?,
        on_hand: row.try_get::<Amount, _>("on_hand")?.0,
        reserved: row
            .try_get::<Option<Amount>, _>("reserved")?
            .map(|units| units.0),
        minimum: row
            .try_get::<Option<Amount>, _>("minimum")?
            .map(|units| units.0),
        maximum: row
            .try_get::<Option<Amount>, _>("maximum")?
            .map(|units| units.0),
        updated_at: row.try_get("written_at")?,
    })
}

/// Prices by store and list.
pub async fn prices(
    engine: &Engine,
    tenant: TenantId,
    product: ProductId,
) -> DatabaseResult<Vec<ProductPrice>> {
    let sql = format!(
        "select f.*, p.store_id, s.name as store_name {} {OF_PRODUCT} and m.deleted_at is null and f.deleted_at is null
         order by s.name, s.id, f.pos_system_id, case when f.list = 'default' then 0 else 1 end, f.list,
             f.min_quantity, f.external_id",
        facts_of("prices")
    );
    let rows = fetch(engine, tenant, product, sql).await?;
    rows.iter().map(price_of).collect()
}

fn price_of(row: &Row) -> DatabaseResult<ProductPrice> {
    Ok(ProductPrice {
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        list: row.try_get("list")?,
        amount: row.try_get::<Amount, _>("amount")?.0,
        currency: row.try_get("currency")?,
        tax: row
            .try_get::<Option<&str>, _>("tax")?
            .map(word)
            .transpose()?,
        min_quantity: row
            .try_get::<Option<Amount>, _>("min_quantity")?
            .map(|units| units.0),
        updated_at: row.try_get("written_at")?,
    })
}

/// Prices that hold and prices that held, newest first.
pub async fn price_points(
    engine: &Engine,
    tenant: TenantId,
    product: ProductId,
) -> DatabaseResult<Vec<PricePoint>> {
    const COLUMNS: &str =
        "f.pos_system_id, p.store_id, f.list, f.amount, f.currency, f.job_id, f.mapping_version";
    let mut points = Vec::new();
    for sql in points_of("prices", "price_history", COLUMNS) {
        for row in &fetch(engine, tenant, product, sql).await? {
            points.push(price_point_of(row)?);
        }
    }
    points.sort_by_key(|point| std::cmp::Reverse(point.valid_from));
    points.truncate(MAX_POINTS);
    Ok(points)
}

fn price_point_of(row: &Row) -> DatabaseResult<PricePoint> {
    Ok(PricePoint {
        store_id: StoreId(row.try_get("store_id")?),
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        list: row.try_get("list")?,
        amount: row.try_get::<Amount, _>("amount")?.0,
        currency: row.try_get("currency")?,
        valid_from: row.try_get("since")?,
        valid_to: row.try_get("until")?,
        job_id: Some(JobId(row.try_get("job_id")?)),
        mapping_version: u32::try_from(row.try_get::<i32, _>("mapping_version")?).ok(),
    })
}

/// Stock that stands and stock that stood, newest first.
pub async fn stock_points(
    engine: &Engine,
    tenant: TenantId,
    product: ProductId,
) -> DatabaseResult<Vec<StockPoint>> {
    const COLUMNS: &str =
        "f.pos_system_id, p.store_id, f.location, f.on_hand, f.job_id, f.mapping_version";
    let mut points = Vec::new();
    for sql in points_of("stock_levels", "stock_history", COLUMNS) {
        for row in &fetch(engine, tenant, product, sql).await? {
            points.push(stock_point_of(row)?);
        }
    }
    points.sort_by_key(|point| std::cmp::Reverse(point.valid_from));
    points.truncate(MAX_POINTS);
    Ok(points)
}

fn stock_point_of(row: &Row) -> DatabaseResult<StockPoint> {
    Ok(StockPoint {
        store_id: StoreId(row.try_get("store_id")?),
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        location: row.try_get("location")?,
        on_hand: row.try_get::<Amount, _>("on_hand")?.0,
        valid_from: row.try_get("since")?,
        valid_to: row.try_get("until")?,
        job_id: Some(JobId(row.try_get("job_id")?)),
        mapping_version: u32::try_from(row.try_get::<i32, _>("mapping_version")?).ok(),
    })
}

/// Present values and past ones, in two statements with the same columns.
fn points_of(present: &str, past: &str, columns: &str) -> [String; 2] {
    [
        format!(
            "select {columns}, f.value_since as since, f.deleted_at as until {} {OF_PRODUCT} and f.deleted_at is null
             order by f.value_since desc limit {MAX_POINTS}",
            facts_of(present)
        ),
        format!(
            "select {columns}, f.valid_from as since, f.valid_to as until {} {OF_PRODUCT}
             order by f.valid_from desc limit {MAX_POINTS}",
            facts_of(past)
        ),
    ]
}
