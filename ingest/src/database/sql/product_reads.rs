//! The unified inventory in SQL, for people to look at.
//!
//! A page reads its products by the index on the SKU and then, for all of them at once, what each store says of them.
//! Barcodes come from the source records, because the barcode table is laid out to be asked the other way round.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::entity::Product;
use fluxion_model::id::{PosSystemId, ProductId, StoreId, TenantId};
use fluxion_model::{Decimal, Uuid};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{Amount, Engine, Row, TextList, UuidList, in_texts, in_uuids};
use super::listing::{Sql, part};
use super::product_parts;
use crate::database::DatabaseResult;
use crate::database::error::found;
use crate::database::products::Products;
use crate::database::search::contains_pattern;
use crate::views::page::{Page, PageRequest};
use crate::views::product::{
    ProductDetail, ProductFilter, ProductHistory, ProductInStore, ProductSource, ProductView,
};

/// Words of a search beyond these are not looked at.
const MAX_WORDS: usize = 8;

#[async_trait]
impl Products for Engine {
    async fn products(
        &self,
        tenant: TenantId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<ProductView>> {
        let mut sql =
            Sql::new("select p.* from products p where p.orphaned_at is null and p.tenant_id = ");
        sql.push_bind(tenant.0);
        for word in filter
            .search
            .iter()
            .flat_map(|typed| typed.split_whitespace())
            .take(MAX_WORDS)
        {
            sql.push(" and p.search like ")
                .push_bind(contains_pattern(word))
                .push(" escape '\\'");
        }
        if let Some(store) = filter.store {
            sql.push(
                " and exists (select 1 from mapping_cache m
                     join pos_systems s on s.tenant_id = m.tenant_id and s.id = m.pos_system_id
                     where m.tenant_id = p.tenant_id and m.fluxion_id = p.id and m.fluxion_entity = 'product'
                       and m.deleted_at is null and s.store_id = ",
            );
            sql.push_bind(store.0).push(")");
        }
        if let [sku, id] = page.after.as_slice() {
            sql.push(" and (p.sku, p.id) > (").push_bind(sku).push(", ");
            sql.push_bind(part::<Uuid>(id)?).push(")");
        }
        sql.push(" order by p.sku, p.id limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let heads = rows
            .iter()
            .map(Head::of)
            .collect::<DatabaseResult<Vec<_>>>()?;
        let page = Page::cut(heads, page, |head| {
            vec![head.sku.clone(), head.id.to_string()]
        });
        let items = self.complete(tenant, page.items, filter.store).await?;
        Ok(Page {
            items: items.into_iter().map(|(view, _)| view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    async fn product(&self, tenant: TenantId, product: ProductId) -> DatabaseResult<ProductDetail> {
        let row = sqlx::query("select * from products where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(product.0)
            .fetch_optional(self.reader())
            .await?;
        let head = Head::of(&found(row, "the product")?)?;
        let (description, tax_rate) = (head.description.clone(), head.tax_rate);
        let completed = self.complete(tenant, vec![head], None).await?.pop();
        let (product, sources) = found(completed, "the product")?;
        let (stock, prices) = (
            product_parts::stock(self, tenant, product.id).await?,
            product_parts::prices(self, tenant, product.id).await?,
        );
        let sources = sources.into_iter().map(Source::view).collect();
        Ok(ProductDetail {
            product,
            description,
            tax_rate,
            sources,
            stock,
            prices,
        })
    }

    async fn product_history(
        &self,
        tenant: TenantId,
        product: ProductId,
    ) -> DatabaseResult<ProductHistory> {
        let row = sqlx::query("select 1 from products where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(product.0)
            .fetch_optional(self.reader())
            .await?;
        found(row, "the product")?;
        Ok(ProductHistory {
            prices: product_parts::price_points(self, tenant, product).await?,
            stock: product_parts::stock_points(self, tenant, product).await?,
        })
    }
}

/// A product's own row.
struct Head {
    id: Uuid,
    sku: String,
    name: String,
    description: Option<String>,
    brand: Option<String>,
    category: Option<String>,
    unit: Option<String>,
    tax_rate: Option<Decimal>,
    active: bool,
    updated_at: DateTime<Utc>,
}

impl Head {
    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            brand: row.try_get("brand")?,
            category: row.try_get("category_name")?,
            unit: row.try_get("unit")?,
            tax_rate: row
                .try_get::<Option<Amount>, _>("tax_rate")?
                .map(|rate| rate.0),
            active: row.try_get("active")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// A row of a POS that is the product.
struct Source {
    product: Uuid,
    store: Uuid,
    store_name: String,
    pos_system: Uuid,
    pos_system_name: String,
    external_id: String,
    record: Product,
    updated_at: DateTime<Utc>,
}

impl Source {
    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            product: row.try_get("fluxion_id")?,
            store: row.try_get("store_id")?,
            store_name: row.try_get("store_name")?,
            pos_system: row.try_get("pos_system_id")?,
            pos_system_name: row.try_get("system_name")?,
            external_id: row.try_get("external_id")?,
            record: row.try_get::<Json<Product>, _>("mapping_data")?.0,
            updated_at: row.try_get("updated_at")?,
        })
    }

    fn view(self) -> ProductSource {
        ProductSource {
            store_id: StoreId(self.store),
            store_name: self.store_name,
            pos_system_id: PosSystemId(self.pos_system),
            pos_system: self.pos_system_name,
            external_id: self.external_id,
            sku: self.record.sku,
            name: self.record.name,
            cost: self.record.cost,
            currency: self.record.currency.map(String::from),
            active: self.record.active,
            updated_at: self.updated_at,
        }
    }
}

/// What stands of a product in one POS.
struct OnHand {
    units: Decimal,
    written_at: DateTime<Utc>,
}

/// The price to show of a product in one POS.
struct Shown {
    amount: Decimal,
    currency: String,
    written_at: DateTime<Utc>,
}

/// By product and POS system.
type ByPos<T> = HashMap<(Uuid, Uuid), T>;

impl Engine {
    /// Adds to each product what each store, or only one of them, says of it.
    async fn complete(
        &self,
        tenant: TenantId,
        heads: Vec<Head>,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<(ProductView, Vec<Source>)>> {
        let ids: Vec<Uuid> = heads.iter().map(|head| head.id).collect();
        let mut sources: HashMap<Uuid, Vec<Source>> = HashMap::new();
        for source in self.sources(tenant, &ids).await? {
            if store.is_none_or(|store| store.0 == source.store) {
                sources.entry(source.product).or_default().push(source);
            }
        }
        let on_hand = self.on_hand(tenant, &ids).await?;
        let prices = self.shown_prices(tenant, &ids).await?;
        let categories = self.category_names(tenant, &sources).await?;
        let completed = heads.into_iter().map(|head| {
            let sources = sources.remove(&head.id).unwrap_or_default();
            let view = assemble(head, &sources, &on_hand, &prices, &categories);
            (view, sources)
        });
        Ok(completed.collect())
    }

    /// The live source rows of these products, the oldest of each first.
    async fn sources(&self, tenant: TenantId, products: &[Uuid]) -> DatabaseResult<Vec<Source>> {
        let sql = format!(
            "select m.fluxion_id, m.pos_system_id, m.external_id, m.mapping_data, m.updated_at,
                 p.store_id, p.system_name, s.name as store_name
             from mapping_cache m
             join pos_systems p on p.tenant_id = m.tenant_id and p.id = m.pos_system_id
             join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id
             where m.tenant_id = $1 and m.fluxion_id {} and m.fluxion_entity = 'product' and m.deleted_at is null
             order by m.created_at, m.pos_system_id, m.external_id",
            in_uuids("$2")
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(UuidList(products));
        let rows = query.fetch_all(self.reader()).await?;
        rows.iter().map(Source::of).collect()
    }

    async fn on_hand(&self, tenant: TenantId, products: &[Uuid]) -> DatabaseResult<ByPos<OnHand>> {
        let sql = format!(
            "select m.fluxion_id, m.pos_system_id, sum(l.on_hand) as units, max(l.written_at) as written_at
             from mapping_cache m
             join stock_levels l
                 on l.tenant_id = m.tenant_id and l.pos_system_id = m.pos_system_id and l.product = m.external_id
             where m.tenant_id = $1 and m.fluxion_id {} and m.fluxion_entity = 'product' and m.deleted_at is null
               and l.deleted_at is null
             group by m.fluxion_id, m.pos_system_id",
            in_uuids("$2")
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(UuidList(products));
        let rows = query.fetch_all(self.reader()).await?;
        let read = |row: &Row| {
            let on_hand = OnHand {
                units: row.try_get::<Amount, _>("units")?.0,
                written_at: row.try_get("written_at")?,
            };
            Ok((
                (row.try_get("fluxion_id")?, row.try_get("pos_system_id")?),
                on_hand,
            ))
        };
        rows.iter().map(read).collect()
    }

    /// The default list's price, else the first list's; without a minimum quantity where there is such.
    async fn shown_prices(
        &self,
        tenant: TenantId,
        products: &[Uuid],
    ) -> DatabaseResult<ByPos<Shown>> {
        let sql = format!(
            "select m.fluxion_id, m.pos_system_id, r.amount, r.currency, r.written_at
             from mapping_cache m
             join prices r
                 on r.tenant_id = m.tenant_id and r.pos_system_id = m.pos_system_id and r.product = m.external_id
             where m.tenant_id = $1 and m.fluxion_id {} and m.fluxion_entity = 'product' and m.deleted_at is null
               and r.deleted_at is null
             order by m.created_at, m.external_id, case when r.list = 'default' then 0 else 1 end, r.list,
                 case when r.min_quantity is null then 0 else 1 end, r.external_id",
            in_uuids("$2")
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(UuidList(products));
        let rows = query.fetch_all(self.reader()).await?;
        let mut prices = HashMap::new();
        for row in &rows {
            let shown = Shown {
                amount: row.try_get::<Amount, _>("amount")?.0,
                currency: row.try_get("currency")?,
                written_at: row.try_get("written_at")?,
            };
            prices
                .entry((row.try_get("fluxion_id")?, row.try_get("pos_system_id")?))
                .or_insert(shown);
        }
        Ok(prices)
    }

    /// Names of the categories that source rows refer to, by POS system and identity there.
    async fn category_names(
        &self,
        tenant: TenantId,
        sources: &HashMap<Uuid, Vec<Source>>,
    ) -> DatabaseResult<HashMap<(Uuid, String), String>> {
        let referred: Vec<(Uuid, &str)> = sources
            .values()
            .flatten()
            .filter_map(|source| {
                Some((source.pos_system, source.record.category.as_ref()?.as_str()))
            })
            .collect();
        if referred.is_empty() {
            return Ok(HashMap::new());
        }
        let mut pos_systems: Vec<Uuid> =
            referred.iter().map(|(pos_system, _)| *pos_system).collect();
        let mut ids: Vec<&str> = referred.iter().map(|(_, id)| *id).collect();
        pos_systems.sort_unstable();
        pos_systems.dedup();
        ids.sort_unstable();
        ids.dedup();
        let sql = format!(
            "select pos_system_id, external_id, name from categories
             where tenant_id = $1 and pos_system_id {} and external_id {} and deleted_at is null",
            in_uuids("$2"),
            in_texts("$3")
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(UuidList(&pos_systems))
            .bind(TextList(&ids));
        let rows = query.fetch_all(self.reader()).await?;
        let read = |row: &Row| {
            Ok((
                (row.try_get("pos_system_id")?, row.try_get("external_id")?),
                row.try_get("name")?,
            ))
        };
        rows.iter().map(read).collect()
    }
}

fn assemble(
    head: Head,
    sources: &[Source],
    on_hand: &ByPos<OnHand>,
    prices: &ByPos<Shown>,
    categories: &HashMap<(Uuid, String), String>,
) -> ProductView {
    let mut updated_at = head.updated_at;
    let mut stores: BTreeMap<(String, Uuid), ProductInStore> = BTreeMap::new();
    let mut pos_systems: Vec<Uuid> = Vec::new();
    for source in sources {
        let here = stores
            .entry((source.store_name.clone(), source.store))
            .or_insert_with(|| ProductInStore {
                store_id: StoreId(source.store),
                store_name: source.store_name.clone(),
                on_hand: None,
                price: None,
                currency: None,
            });
        // Several rows of one POS may be one product; its sums hold all of them already.
        if pos_systems.contains(&source.pos_system) {
            continue;
        }
        pos_systems.push(source.pos_system);
        if let Some(stock) = on_hand.get(&(head.id, source.pos_system)) {
            here.on_hand = Some(here.on_hand.unwrap_or_default() + stock.units);
            updated_at = updated_at.max(stock.written_at);
        }
        if let Some(price) = prices.get(&(head.id, source.pos_system)) {
            updated_at = updated_at.max(price.written_at);
            if here.price.is_none() {
                here.price = Some(price.amount);
                here.currency = Some(price.currency.clone());
            }
        }
    }
    let mut barcodes: Vec<String> = Vec::new();
    for barcode in sources.iter().flat_map(|source| &source.record.barcodes) {
        if !barcodes.contains(barcode) {
            barcodes.push(barcode.clone());
        }
    }
    let named = |source: &Source| {
        let category = source.record.category.as_ref()?;
        categories
            .get(&(source.pos_system, category.as_str().to_owned()))
            .cloned()
    };
    ProductView {
        id: ProductId(head.id),
        sku: head.sku,
        name: head.name,
        brand: head.brand,
        category: head.category.or_else(|| sources.iter().find_map(named)),
        unit: head.unit,
        barcodes,
        active: if sources.is_empty() {
            head.active
        } else {
            sources.iter().any(|source| source.record.active)
        },
        on_hand: stores.values().filter_map(|store| store.on_hand).sum(),
        stores: stores.into_values().collect(),
        updated_at,
    }
}
