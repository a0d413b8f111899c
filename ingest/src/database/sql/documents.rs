//! Records exactly as POS systems sent them, in SQL. Every list is read along the primary key of its table.

use std::collections::HashMap;

use async_trait::async_trait;
use fluxion_model::Uuid;
use fluxion_model::entity::{
    AccountPayment, CashSession, Category, Customer, Location, Price, Product, Sale, StockLevel,
    StockMovement, Supplier,
};
use fluxion_model::id::{ExternalId, PosSystemId, StoreId, TenantId};
use sqlx::Row as _;

use super::document_rows::{Kept, line_of, payment_of};
use super::engine::{Engine, Row};
use super::listing::{Sql, among, only, part};
use crate::database::DatabaseResult;
use crate::database::documents::{Documents, FactPage};
use crate::database::error::found;
use crate::views::document::{Fact, FactFilter};
use crate::views::page::{Page, PageRequest};

#[async_trait]
impl Documents for Engine {
    async fn source_products(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Product> {
        self.facts(tenant, filter, page).await
    }

    async fn prices(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Price> {
        self.facts(tenant, filter, page).await
    }

    async fn stock_levels(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<StockLevel> {
        self.facts(tenant, filter, page).await
    }

    async fn stock_movements(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<StockMovement> {
        self.facts(tenant, filter, page).await
    }

    async fn sales(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Sale> {
        let mut sales = self.facts(tenant, filter, page).await?;
        self.add_parts(tenant, &mut sales.items).await?;
        Ok(sales)
    }

    async fn customers(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Customer> {
        self.facts(tenant, filter, page).await
    }

    async fn suppliers(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Supplier> {
        self.facts(tenant, filter, page).await
    }

    async fn categories(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Category> {
        self.facts(tenant, filter, page).await
    }

    async fn locations(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Location> {
        self.facts(tenant, filter, page).await
    }

    async fn account_payments(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<AccountPayment> {
        self.facts(tenant, filter, page).await
    }

    async fn cash_sessions(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<CashSession> {
        self.facts(tenant, filter, page).await
    }

    async fn sale(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
        sale: &ExternalId,
    ) -> DatabaseResult<Fact<Sale>> {
        let row = sqlx::query(
            "select f.*, p.store_id from sales f
             join pos_systems p on p.tenant_id = f.tenant_id and p.id = f.pos_system_id
             where f.tenant_id = $1 and f.pos_system_id = $2 and f.external_id = $3 and f.deleted_at is null",
        )
        .bind(tenant.0)
        .bind(pos_system.0)
        .bind(sale.as_str())
        .fetch_optional(self.reader())
        .await?;
        let row = found(row, "the sale")?;
        let mut sales = [fact_of(&row, StoreId(row.try_get("store_id")?))?];
        self.add_parts(tenant, &mut sales).await?;
        let [sale] = sales;
        Ok(sale)
    }
}

impl Engine {
    /// A page of one kind of record.
    async fn facts<T: Kept + Send>(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<T> {
        let wanted = match (filter.pos_system, filter.store) {
            (None, None) => None,
            _ => Some(self.stores_of_pos_systems(tenant, filter).await?),
        };
        if wanted.as_ref().is_some_and(HashMap::is_empty) {
            return Ok(Page {
                items: Vec::new(),
                next_cursor: None,
            });
        }
        let mut sql = Sql::new(format!(
            "select f.* from {} f where f.deleted_at is null{}",
            T::TABLE,
            T::ONLY
        ));
        sql.push(" and f.tenant_id = ").push_bind(tenant.0);
        if let Some(wanted) = &wanted {
            among(&mut sql, "f.pos_system_id", wanted.keys().copied());
        }
        if let Some(since) = filter.updated_since {
            sql.push(" and f.")
                .push(T::RECEIVED_AT)
                .push(" >= ")
                .push_bind(since);
        }
        match page.after.as_slice() {
            // Said in the simplest way that the index understands.
            [_, id] if wanted.as_ref().is_some_and(|wanted| wanted.len() == 1) => {
                sql.push(" and f.external_id > ").push_bind(id);
            }
            [pos_system, id] => {
                sql.push(" and (f.pos_system_id, f.external_id) > (")
                    .push_bind(part::<Uuid>(pos_system)?);
                sql.push(", ").push_bind(id).push(")");
            }
            _ => {}
        }
        sql.push(" order by f.pos_system_id, f.external_id limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        // Read after the records, so that it knows the POS system of each.
        let stores = match wanted {
            Some(wanted) => wanted,
            None => self.stores_of_pos_systems(tenant, filter).await?,
        };
        let mut facts = Vec::with_capacity(rows.len());
        for row in &rows {
            let store = stores.get(&row.try_get("pos_system_id")?).copied();
            facts.push(fact_of(row, found(store, "the POS system")?)?);
        }
        Ok(Page::cut(facts, page, |fact: &Fact<T>| {
            vec![fact.pos_system_id.to_string(), fact.record.key().to_owned()]
        }))
    }

    /// The POS systems that are asked for, and where they stand.
    async fn stores_of_pos_systems(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
    ) -> DatabaseResult<HashMap<Uuid, StoreId>> {
        let mut sql = Sql::new("select id, store_id from pos_systems where tenant_id = ");
        sql.push_bind(tenant.0);
        only(&mut sql, "id", filter.pos_system.map(|id| id.0));
        only(&mut sql, "store_id", filter.store.map(|id| id.0));
        let rows = sql.build().fetch_all(self.reader()).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("id")?, StoreId(row.try_get("store_id")?))))
            .collect()
    }

    /// Adds lines and payments.
    async fn add_parts(&self, tenant: TenantId, sales: &mut [Fact<Sale>]) -> DatabaseResult<()> {
        let mut places: HashMap<Uuid, HashMap<String, usize>> = HashMap::new();
        for (place, sale) in sales.iter().enumerate() {
            let ids = places.entry(sale.pos_system_id.0).or_default();
            ids.insert(sale.record.id.to_string(), place);
        }
        for (pos_system, places) in places {
            let places = self.sale_ids(tenant, pos_system, &places).await?;
            for row in self.parts("sale_lines", "line_no", tenant, &places).await? {
                if let Some(place) = places.get(&row.try_get("sale_id")?) {
                    sales[*place].record.lines.push(line_of(&row)?);
                }
            }
            for row in self
                .parts("sale_payments", "payment_no", tenant, &places)
                .await?
            {
                if let Some(place) = places.get(&row.try_get("sale_id")?) {
                    sales[*place].record.payments.push(payment_of(&row)?);
                }
            }
        }
        Ok(())
    }

    /// The numbers under which the parts of these sales are kept.
    async fn sale_ids(
        &self,
        tenant: TenantId,
        pos_system: Uuid,
        places: &HashMap<String, usize>,
    ) -> DatabaseResult<HashMap<i64, usize>> {
        let mut sql = Sql::new("select external_id, sale_id from sales where tenant_id = ");
        sql.push_bind(tenant.0)
            .push(" and pos_system_id = ")
            .push_bind(pos_system);
        among(&mut sql, "external_id", places.keys().map(String::as_str));
        let rows = sql.build().fetch_all(self.reader()).await?;
        let mut ids = HashMap::with_capacity(rows.len());
        for row in &rows {
            if let Some(place) = places.get(row.try_get::<&str, _>("external_id")?) {
                ids.insert(row.try_get("sale_id")?, *place);
            }
        }
        Ok(ids)
    }

    async fn parts(
        &self,
        table: &'static str,
        number: &'static str,
        tenant: TenantId,
        sales: &HashMap<i64, usize>,
    ) -> DatabaseResult<Vec<Row>> {
        if sales.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(format!("select * from {table} where tenant_id = "));
        sql.push_bind(tenant.0);
        among(&mut sql, "sale_id", sales.keys().copied());
        sql.push(" order by sale_id, ").push(number);
        Ok(sql.build().fetch_all(self.reader()).await?)
    }
}

fn fact_of<T: Kept>(row: &Row, store: StoreId) -> DatabaseResult<Fact<T>> {
    Ok(Fact {
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        store_id: store,
        received_at: row.try_get(T::RECEIVED_AT)?,
        mapping_version: u32::try_from(row.try_get::<i32, _>("mapping_version")?)
            .unwrap_or_default(),
        record: T::of(row)?,
    })
}
