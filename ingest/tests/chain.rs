//! A chain of stores on one database, with agents that deliver lines, and a look into the tables.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use fluxion_ingest::database::agents::AgentIdentity;
use fluxion_ingest::database::deliveries::Applied;
use fluxion_ingest::database::fleet::{MatchRule, NewStore, NewTenant};
use fluxion_ingest::database::{self, Database, DatabaseResult};
use fluxion_ingest::ops::delivery::{Delivery, Encoding, decode};
use fluxion_model::Decimal;
use fluxion_model::delivery::{Ack, DeliveryHeader, Line};
use fluxion_model::enrolment::{EnrolRequest, PosSystemDeclaration};
use fluxion_model::entity::{
    EntityKind, Price, Product, Record, Sale, SaleLine, SalePayment, StockLevel, Tombstone,
};
use fluxion_model::id::{BatchSeq, Epoch, JobId, PosSystemId, StreamName, TenantId};
use fluxion_model::wire;
use fluxion_tests::servers::PostgreSql;
use sqlx::{AssertSqlSafe, PgPool, Row as _, SqlitePool};

/// A database with one tenant.
pub struct Chain {
    pub database: Arc<dyn Database>,
    pub tenant: TenantId,
    pub url: String,
    tables: Tables,
    _keep: Keep,
}

/// What must live as long as the database.
enum Keep {
    Folder(#[expect(dead_code, reason = "kept for its drop")] tempfile::TempDir),
    Server(#[expect(dead_code, reason = "kept for its drop")] Box<PostgreSql>),
}

enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Chain {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("fluxion.db").display());
        let database = database::open(&url).await.unwrap();
        let tables = Tables::Sqlite(SqlitePool::connect(&url).await.unwrap());
        Self::with(database, url, tables, Keep::Folder(folder)).await
    }

    pub async fn on_postgres() -> Self {
        let (server, url) = tokio::task::spawn_blocking(|| {
            let server = PostgreSql::shared().unwrap();
            let url = server.fresh_database().unwrap();
            (server, url)
        })
        .await
        .unwrap();
        let database = database::open(&url).await.unwrap();
        let pool = PgPool::connect(&url).await.unwrap();
        sqlx::query("create function micros(v numeric) returns bigint language sql as 'select (v * 1000000)::bigint'")
            .execute(&pool)
            .await
            .unwrap();
        Self::with(
            database,
            url,
            Tables::Postgres(pool),
            Keep::Server(Box::new(server)),
        )
        .await
    }

    async fn with(database: Arc<dyn Database>, url: String, tables: Tables, keep: Keep) -> Self {
        let tenant = database.add_tenant(&tenant(MatchRule::Both)).await.unwrap();
        Self {
            database,
            tenant,
            url,
            tables,
            _keep: keep,
        }
    }

    /// The same database with a tenant of another rule.
    pub async fn matching_by(mut self, rule: MatchRule) -> Self {
        self.tenant = self.database.add_tenant(&tenant(rule)).await.unwrap();
        self
    }

    /// A store with an enrolled agent and one POS system.
    pub async fn store(&self, name: &str) -> Agent {
        let store = self
            .database
            .add_store(
                self.tenant,
                &NewStore {
                    name: name.to_owned(),
                    ..NewStore::default()
                },
            )
            .await
            .unwrap();
        let code = format!("code of {name} of {}", self.tenant);
        let expires = Utc::now() + Duration::hours(1);
        self.database
            .add_enrolment_code(self.tenant, store, &code, None, expires)
            .await
            .unwrap();
        let request = EnrolRequest {
            code: String::new(),
            machine: name.to_owned(),
            os: None,
            version: "0.1.0".to_owned(),
            token: None,
        };
        let token = format!("token of {name} of {}", self.tenant);
        let enrolled = self.database.enrol(&code, &request, &token).await.unwrap();
        let pos_system = self
            .database
            .declare_pos_system(&enrolled.identity, "till", &declaration())
            .await
            .unwrap();
        Agent {
            database: self.database.clone(),
            identity: enrolled.identity,
            pos_system,
            epoch: Epoch::generate(),
            next: BatchSeq::FIRST,
            made_at: Utc::now() - Duration::hours(1),
        }
    }

    /// The column `v` of a query, as text. `micros(x)` in it gives an amount in millionths on both engines.
    pub async fn column(&self, sql: &str) -> Vec<Option<String>> {
        match &self.tables {
            Tables::Sqlite(pool) => {
                let sql = format!(
                    "select cast(v as text) as v from ({}) as q",
                    sql.replace("micros(", "(")
                );
                let rows = sqlx::query(AssertSqlSafe(sql))
                    .fetch_all(pool)
                    .await
                    .unwrap();
                rows.iter().map(|row| row.get("v")).collect()
            }
            Tables::Postgres(pool) => {
                let sql = format!("select cast(v as text) as v from ({sql}) as q");
                let rows = sqlx::query(AssertSqlSafe(sql))
                    .fetch_all(pool)
                    .await
                    .unwrap();
                rows.iter().map(|row| row.get("v")).collect()
            }
        }
    }

    /// Changes the tables behind the service's back: time goes by.
    pub async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.tables {
            Tables::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Tables::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }

    /// The only value of a query.
    pub async fn value(&self, sql: &str) -> String {
        let mut column = self.column(sql).await;
        assert_eq!(column.len(), 1, "{sql}");
        column.remove(0).unwrap_or_else(|| "null".to_owned())
    }

    /// How many rows a table has, under a condition.
    pub async fn count(&self, table: &str) -> i64 {
        self.value(&format!("select count(*) as v from {table}"))
            .await
            .parse()
            .unwrap()
    }

    /// Name, type-free: `table.column nullable` of every column, in order.
    pub async fn columns(&self) -> Vec<String> {
        let sql = match &self.tables {
            Tables::Sqlite(_) => {
                "select t.name || '.' || c.name || case c.\"notnull\" when 1 then ' not null' else '' end as v
                 from sqlite_master t, pragma_table_info(t.name) c
                 where t.type = 'table' and t.name not like 'sqlite%' and t.name not like '_sqlx%'
                     and t.name <> 'sale_numbers'"
            }
            Tables::Postgres(_) => {
                "select table_name || '.' || column_name || case is_nullable when 'NO' then ' not null' else '' end as v
                 from information_schema.columns where table_schema = 'public' and table_name not like '\\_sqlx%'"
            }
        };
        let mut columns: Vec<String> = self.column(sql).await.into_iter().flatten().collect();
        columns.sort();
        columns
    }
}

pub fn tenant(match_rule: MatchRule) -> NewTenant {
    NewTenant {
        name: "Abastos El Ávila".to_owned(),
        country: Some("VE".to_owned()),
        currency: Some("VES".to_owned()),
        time_zone: Some("America/Caracas".to_owned()),
        match_rule,
    }
}

pub fn declaration() -> PosSystemDeclaration {
    PosSystemDeclaration {
        system_type: "systimax".to_owned(),
        connector: "mysql".to_owned(),
        connection: serde_json::json!({ "host": "localhost" }),
        mapping: serde_json::json!({ "name": "systimax-mysql" }),
        mapping_name: "systimax-mysql".to_owned(),
        mapping_version: 1,
        settings: serde_json::json!({}),
    }
}

/// An agent that delivers batch after batch.
pub struct Agent {
    pub database: Arc<dyn Database>,
    pub identity: AgentIdentity,
    pub pos_system: PosSystemId,
    pub epoch: Epoch,
    pub next: BatchSeq,
    pub made_at: DateTime<Utc>,
}

impl Agent {
    /// A delivery as it comes off the wire.
    pub fn delivery(&self, seq: BatchSeq, lines: &[Line]) -> Arc<Delivery> {
        let header = DeliveryHeader {
            fluxion: wire::VERSION,
            epoch: self.epoch,
            seq,
            made_at: self.made_at + Duration::minutes(seq.0.cast_signed()),
            pos_system: self.pos_system,
            stream: StreamName::new("items").unwrap(),
            job: JobId::generate(),
            mapping_version: 1,
            lines: u32::try_from(lines.len()).unwrap(),
        };
        let mut body = Vec::new();
        wire::write_line(&mut body, &header).unwrap();
        for line in lines {
            wire::write_line(&mut body, line).unwrap();
        }
        Arc::new(
            decode(
                &zstd::encode_all(body.as_slice(), 1).unwrap(),
                Encoding::Zstd,
            )
            .unwrap(),
        )
    }

    /// Delivers as the next batch.
    pub async fn try_deliver(&mut self, lines: &[Line]) -> DatabaseResult<Applied> {
        let delivery = self.delivery(self.next, lines);
        let applied = self.database.apply(&self.identity, &delivery).await?;
        self.next = self.next.next();
        Ok(applied)
    }

    /// Delivers as the next batch, which must be applied.
    pub async fn deliver(&mut self, lines: &[Line]) -> Applied {
        let applied = self.try_deliver(lines).await.unwrap();
        assert!(matches!(applied.ack, Ack::Applied { .. }), "{applied:?}");
        applied
    }
}

pub fn put(record: impl Into<Record>) -> Line {
    Line::Put(record.into())
}

pub fn gone(entity: EntityKind, id: &str) -> Line {
    Line::Delete(Tombstone {
        entity,
        id: id.parse().unwrap(),
    })
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn product(id: &str, sku: &str, name: &str, barcodes: &[&str]) -> Product {
    Product {
        id: id.parse().unwrap(),
        sku: sku.to_owned(),
        name: name.to_owned(),
        description: None,
        barcodes: barcodes.iter().map(|code| (*code).to_owned()).collect(),
        category: None,
        category_name: None,
        supplier: None,
        supplier_name: None,
        brand: None,
        unit: None,
        tax_rate: Some(dec("16")),
        cost: None,
        currency: None,
        active: true,
        updated_at: None,
    }
}

pub fn price(id: &str, product: &str, amount: &str) -> Price {
    Price {
        id: id.parse().unwrap(),
        product: product.parse().unwrap(),
        list: "default".to_owned(),
        currency: "VES".parse().unwrap(),
        amount: dec(amount),
        tax: None,
        min_quantity: None,
        valid_from: None,
        valid_to: None,
        updated_at: None,
    }
}

pub fn stock(id: &str, product: &str, on_hand: &str) -> StockLevel {
    StockLevel {
        id: id.parse().unwrap(),
        product: product.parse().unwrap(),
        location: None,
        on_hand: dec(on_hand),
        reserved: None,
        minimum: None,
        maximum: None,
        updated_at: None,
    }
}

pub fn sale(id: &str, quantities: &[&str]) -> Sale {
    let line = |quantity: &&str| SaleLine {
        product: Some("1".parse().unwrap()),
        description: Some("Harina".to_owned()),
        quantity: dec(quantity),
        unit_price: dec("10.5"),
        discount: None,
        tax_rate: None,
        tax: None,
        total: None,
    };
    Sale {
        id: id.parse().unwrap(),
        number: format!("F-{id}"),
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        kind: fluxion_model::entity::SaleKind::Sale,
        status: fluxion_model::entity::SaleStatus::Completed,
        location: None,
        register: None,
        cashier: None,
        customer: None,
        customer_name: None,
        currency: "VES".parse().unwrap(),
        exchange_rate: None,
        subtotal: None,
        discount: None,
        tax: None,
        total: dec("21"),
        lines: quantities.iter().map(line).collect(),
        payments: vec![SalePayment {
            method: "EFECTIVO".to_owned(),
            amount: dec("21"),
            currency: None,
            exchange_rate: None,
            reference: None,
        }],
        updated_at: None,
    }
}

/// What a list's cursor stands for: the sort key of the last item.
pub fn place_of(cursor: &str) -> Vec<String> {
    let bytes: Vec<u8> = (0..cursor.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&cursor[at..at + 2], 16).unwrap())
        .collect();
    serde_json::from_slice(&bytes).unwrap()
}
