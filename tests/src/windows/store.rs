//! The store around the PC: a cloud that knows it, a folder of exports, and a MariaDB with a price list.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::until;
use crate::demo::api::Api;
use crate::demo::chain::{Cloud, EMAIL, PASSWORD};
use crate::servers::process::free_port;
use crate::servers::{Durability, MariaDb};

/// Long enough for a busy machine; what takes longer is broken.
pub const SOON: Duration = Duration::from_secs(60);

/// A mapping of the store's own, as a file beside the configuration.
pub const MAPPING: &str = r#"name = "precios"
version = 1
system = "custom"
connector = "mysql"
description = "Una lista de precios."
certainty = "Es de la tienda."

[[streams]]
name = "precios"
key = ["codigo"]
capture = { strategy = "diff" }

[streams.source.query]
from = "precios p"
columns = { codigo = "p.codigo", nombre = "p.nombre", precio = "p.precio" }

[[streams.records]]
entity = "product"
fields = { id = "codigo", name = "nombre" }

[[streams.records]]
entity = "price"
fields = { product = "codigo", amount = "precio" }
"#;

/// A store that the cloud knows.
pub struct Store {
    pub cloud: Cloud,
    pub api: Api,
    mariadb: MariaDb,
    database: String,
    pub exports: PathBuf,
    id: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Store {
    /// Starts the cloud and the database.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn open(folder: &Path) -> Result<Self> {
        let mut cloud = Cloud::new(folder, free_port()?, None)?;
        cloud.start()?;
        let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await?;
        let made: Made = api
            .post(
                "/v1/stores",
                json!({ "name": "Bella Vista", "city": "Maracaibo" }),
            )
            .await?;
        let mariadb = MariaDb::start(Durability::Relaxed)?;
        mariadb.create_database("tienda")?;
        mariadb.query(
            "tienda",
            "create table precios (codigo varchar(20) primary key, nombre varchar(80) not null, precio decimal(12,2) not \
             null) character set utf8mb4; insert into precios values ('7591', 'Café molido 500 g', 12.50), ('7592', \
             'Piñata', 8.00);",
        )?;
        let exports = folder.join("Exportación del punto de venta");
        fs::create_dir_all(&exports)?;
        Ok(Self {
            cloud,
            api,
            mariadb,
            database: "tienda".to_owned(),
            exports,
            id: made.id,
        })
    }

    /// A fresh code for an agent of this store.
    ///
    /// # Errors
    /// When the cloud refuses.
    pub async fn code(&self) -> Result<String> {
        let path = format!("/v1/stores/{}/enrolment-codes", self.id);
        let code: Code = self.api.post(&path, json!({})).await?;
        Ok(code.code)
    }

    /// The configuration of an agent that reads both.
    pub fn configuration(&self) -> String {
        format!(
            r#"server = "{}"

[[pos]]
name = "exportador"
connector = "files"
pack = "fluxion-export"
time_zone = "America/Caracas"
currency = "USD"
country = "VE"
every = "2s"

[pos.connection]
folder = 'Z:{}'

[[pos]]
name = "precios"
connector = "mysql"
mapping = 'precios.toml'
time_zone = "America/Caracas"
currency = "USD"
every = "2s"

[pos.connection]
host = "127.0.0.1"
port = {}
user = "{}"
password = "{}"
database = "{}"
"#,
            self.cloud.url,
            self.exports.display().to_string().replace('/', "\\"),
            self.mariadb.port(),
            crate::servers::mariadb::USER,
            crate::servers::mariadb::PASSWORD,
            self.database,
        )
    }

    /// The POS drops its products, each with this price.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn export(&self, name: &str, price: &str) -> Result<()> {
        let text = format!(
            "codigo;nombre;precio_venta;existencia;categoria;proveedor;fecha_actualizacion\n\
             1001;Azúcar 1 kg;{price};20;Víveres;Central;01/02/2026\n1002;Ñame;{price};7;Verduras;El Campo;01/02/2026\n"
        );
        let part = self.exports.join(format!("{name}.part"));
        fs::write(&part, text)?;
        fs::rename(part, self.exports.join(format!("productos-{name}.csv")))
            .context("the export could not be dropped")
    }

    /// Changes the price list.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sql(&self, statement: &str) -> Result<()> {
        self.mariadb.query(&self.database, statement).map(drop)
    }

    /// Waits until the cloud has this price for this product of a POS.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn expect_price(&self, product: &str, price: &str) -> Result<()> {
        until(SOON, || async {
            let prices: Vec<Value> = self.api.all("/v1/prices").await?;
            let found: Vec<_> = prices
                .iter()
                .filter(|fact| fact["record"]["product"] == product)
                .map(|fact| fact["record"]["amount"].to_string())
                .collect();
            ensure!(
                found.iter().any(|amount| amount.contains(price)),
                "{product} costs {found:?} in the cloud and not {price}, among {} prices",
                prices.len()
            );
            Ok(())
        })
        .await
    }

    /// How often the store's agents were enrolled, and which versions they report.
    ///
    /// # Errors
    /// When the cloud cannot be asked.
    pub async fn agents(&self) -> Result<Value> {
        let store: Value = self.api.get(&format!("/v1/stores/{}", self.id)).await?;
        Ok(store["agents"].clone())
    }
}
