//! A POS on SQL Server with the Stellar schema: the back office keeps products and stock in `VAD10`, the tills write
//! tickets into `VAD20`. Money and quantities are floats there, as in real stores.
//!
//! It speaks T-SQL to whatever listens on its port; here that is the stand-in of `tests/tds`.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use chrono::{Duration, NaiveDateTime};
use rust_decimal::Decimal;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Row};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::catalogue::{Article, article, articles, cents};
use super::people::{Customer, customers, supplier_rif};
use super::random::Random;
use super::systimax::RATE;
use super::words::{DEPARTMENTS, SUPPLIERS, Unit};

/// The tables of both databases.
pub const SCHEMA: &str = include_str!("stellar.sql");

/// The store's number in the POS.
pub const BRANCH: &str = "03";
/// Where its goods stand.
pub const DEPOSIT: &str = "0301";

/// Tables whose changes are worth following, as a technician would switch Change Tracking on for them.
const FOLLOWED: &[&str] = &[
    "MA_DEPARTAMENTOS",
    "MA_GRUPOS",
    "MA_SUBGRUPOS",
    "MA_DEPOSITO",
    "MA_PROVEEDORES",
    "MA_CLIENTES",
    "MA_PRODUCTOS",
    "MA_CODIGOS",
    "MA_DEPOPROD",
];

const TENDERS: &[(&str, &str)] = &[
    ("EFECTIVO", ""),
    ("EFECTIVO", ""),
    ("TDD", "0102"),
    ("TDD", "0134"),
    ("PAGOMOVIL", "0105"),
    ("ZELLE", ""),
];

/// How to reach the server.
#[derive(Debug, Clone)]
pub struct Address {
    /// On 127.0.0.1.
    pub port: u16,
    /// Who may do everything.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// A connection that runs statements.
pub struct Line(Client<Compat<TcpStream>>);

impl Line {
    /// Logs in.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn open(address: &Address) -> Result<Self> {
        let mut config = Config::new();
        config.host("127.0.0.1");
        config.port(address.port);
        config.authentication(AuthMethod::sql_server(&address.user, &address.password));
        config.encryption(EncryptionLevel::NotSupported);
        config.application_name("Stellar");
        let stream = TcpStream::connect(("127.0.0.1", address.port)).await?;
        stream.set_nodelay(true)?;
        let client = Client::connect(config, stream.compat_write())
            .await
            .context("the till cannot reach its database")?;
        Ok(Self(client))
    }

    /// Runs a batch.
    ///
    /// # Errors
    /// With the server's message.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        self.rows(sql).await.map(drop)
    }

    /// Runs a batch and returns the rows of its first result.
    ///
    /// # Errors
    /// With the server's message.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>> {
        let results = async { self.0.simple_query(sql).await?.into_results().await };
        let results = results
            .await
            .with_context(|| format!("the server refused {}", head(sql)))?;
        Ok(results.into_iter().next().unwrap_or_default())
    }
}

fn head(sql: &str) -> String {
    sql.chars().take(200).collect()
}

/// Text as a literal.
fn text(value: &str) -> String {
    format!("N'{}'", value.replace('\'', "''"))
}

fn moment(at: NaiveDateTime) -> String {
    format!("'{}'", at.format("%Y-%m-%dT%H:%M:%S"))
}

/// The day of a moment, and its time as Stellar keeps it: on the day that Delphi counts from.
fn day_and_time(at: NaiveDateTime) -> (String, String) {
    let day = at.format("'%Y-%m-%dT00:00:00'").to_string();
    (day, at.format("'1899-12-30T%H:%M:%S'").to_string())
}

/// Makes the databases and fills them with so many products and tickets.
///
/// # Errors
/// When the server refuses something.
pub async fn fill(
    line: &mut Line,
    seed: u64,
    products: usize,
    sales: usize,
    now: NaiveDateTime,
) -> Result<()> {
    for batch in SCHEMA.split("\nGO") {
        if !batch.trim().is_empty() {
            line.run(batch).await?;
        }
    }
    line.run("ALTER DATABASE VAD10 SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON)")
        .await?;
    line.run("USE VAD10").await?;
    for table in FOLLOWED {
        line.run(&format!("ALTER TABLE dbo.{table} ENABLE CHANGE_TRACKING"))
            .await?;
    }
    people_and_places(line, seed).await?;
    let mut random = Random::new(seed).branch("stellar");
    let catalogue = articles(seed, 1, products);
    for some in catalogue.chunks(100) {
        let mut sql = String::new();
        for article in some {
            let added = now - Duration::seconds(random.between(100_000, 20_000_000));
            sql += &product(article, added, article.price)?;
            let stock = article.stock(&mut random);
            sql += &on_shelf(article, stock)?;
        }
        line.run(&sql).await?;
    }
    let mut till = Tills::new(seed, products);
    for number in 1..=sales {
        let age = i64::try_from((sales - number) * 420)? + 600;
        let count = *random.pick(&[1, 1, 2, 3, 4]);
        let lines = (0..count)
            .map(|_| {
                let article = random.pick(&catalogue).clone();
                let price = cents(article.price * RATE);
                (article.quantity(&mut random), article, price)
            })
            .collect::<Vec<_>>();
        let sql = till.ticket("VEN", Some(now - Duration::seconds(age)), &lines);
        line.run(&sql).await?;
    }
    Ok(())
}

/// Who buys here, each once.
fn people(seed: u64) -> Vec<Customer> {
    let mut people = customers(&mut Random::new(seed).branch("stellar people"), 60);
    people.sort_by(|a, b| a.rif.cmp(&b.rif));
    people.dedup_by(|a, b| a.rif == b.rif);
    people
}

/// Stellar's code of a customer: the RIF without its dashes.
fn code_of(customer: &Customer) -> String {
    customer.rif.replace('-', "")
}

async fn people_and_places(line: &mut Line, seed: u64) -> Result<()> {
    let mut sql = "INSERT INTO MA_MONEDAS (c_codmoneda, c_descripcion, n_factor, b_preferencia, c_simbolo)
        VALUES ('0000000001', N'BOLÍVAR', 1, 1, 'Bs'), ('0000000002', N'DÓLAR', 214.37, 0, '$');
        INSERT INTO MA_DEPOSITO (c_coddeposito, c_descripcion, c_codlocalidad) VALUES ('0301', N'PISO DE VENTA', '03');"
        .to_owned();
    for (number, department) in (1..).zip(DEPARTMENTS) {
        writeln!(
            sql,
            "INSERT INTO MA_DEPARTAMENTOS VALUES ('{number:02}', {name});
             INSERT INTO MA_GRUPOS VALUES ('01', {name}, '{number:02}');
             INSERT INTO MA_SUBGRUPOS VALUES ('01', N'PIEZAS', '01', '{number:02}'), ('02', N'AL PESO', '01', '{number:02}');",
            name = text(department.name)
        )?;
    }
    for (index, supplier) in SUPPLIERS.iter().enumerate() {
        writeln!(
            sql,
            "INSERT INTO MA_PROVEEDORES (c_codproveed, c_descripcio, c_rif, n_activo) VALUES ('P{index:03}', {}, '{}', {});",
            text(supplier),
            supplier_rif(index),
            u8::from(index % 7 != 0)
        )?;
    }
    for customer in people(seed) {
        writeln!(
            sql,
            "INSERT INTO MA_CLIENTES (c_CODCLIENTE, c_DESCRIPCIO, c_RIF) VALUES ('{}', {}, '{}');",
            code_of(&customer),
            text(&customer.name),
            customer.rif
        )?;
    }
    line.run(&sql).await
}

/// A product with its codes.
fn product(article: &Article, added: NaiveDateTime, price: Decimal) -> Result<String> {
    let unit = match article.unit {
        Unit::Piece => ("UND", "01", 0),
        Unit::Kilogram => ("KG", "02", 3),
    };
    let in_bolivars = |amount: Decimal| cents(amount * RATE);
    // Every fifth is priced in dollars, and some have a second list.
    let dollars = article.code.ends_with('5') || article.code.ends_with('0');
    let own = |amount: Decimal| if dollars { amount } else { in_bolivars(amount) };
    let second = if article.code.ends_with('3') {
        own(cents(price * Decimal::new(95, 2)))
    } else {
        Decimal::ZERO
    };
    let mut sql = format!(
        "INSERT INTO VAD10.dbo.MA_PRODUCTOS (c_Codigo, c_Descri, c_Departamento, c_Grupo, c_Subgrupo, c_Presenta, n_CostoAct,
            n_Precio1, n_Precio2, n_Impuesto1, Cant_Decimales, c_CodMoneda, Add_Date, c_Observacio)
         VALUES ({code}, {name}, '{department:02}', '01', '{subgroup}', '{presentation}', {cost}, {first}, {second}, {tax},
            {decimals}, '{money}', {added}, N'nota');\n",
        code = text(&article.code),
        name = text(&article.name),
        department = article.department + 1,
        presentation = unit.0,
        subgroup = unit.1,
        decimals = unit.2,
        cost = own(article.cost),
        first = own(price),
        tax = article.tax_rate(),
        money = if dollars { "0000000002" } else { "0000000001" },
        added = moment(added),
    );
    writeln!(
        sql,
        "INSERT INTO VAD10.dbo.MA_CODIGOS (c_CodNasa, c_Codigo, nu_Intercambio) VALUES ({code}, {code}, 1);",
        code = text(&article.code)
    )?;
    if let Some(barcode) = &article.barcode {
        writeln!(
            sql,
            "INSERT INTO VAD10.dbo.MA_CODIGOS (c_CodNasa, c_Codigo, c_Descripcion) VALUES ({}, '{barcode}', 'BARRA');",
            text(&article.code)
        )?;
    }
    Ok(sql)
}

fn on_shelf(article: &Article, quantity: Decimal) -> Result<String> {
    let mut sql = String::new();
    writeln!(
        sql,
        "INSERT INTO VAD10.dbo.MA_DEPOPROD (c_coddeposito, c_codarticulo, n_cantidad) VALUES ('{DEPOSIT}', {}, {quantity});",
        text(&article.code)
    )?;
    Ok(sql)
}

/// Numbers of tickets and documents.
#[derive(Debug)]
struct Tills {
    random: Random,
    next_ticket: u32,
    next_article: usize,
    seed: u64,
    people: Vec<Customer>,
}

impl Tills {
    fn new(seed: u64, own: usize) -> Self {
        Self {
            random: Random::new(seed).branch("stellar tills"),
            next_ticket: 0,
            next_article: own,
            seed,
            people: people(seed),
        }
    }

    /// A ticket with its lines, its payment, and what it takes from the shelf, in one transaction. Without a moment it is
    /// one whose date was lost.
    fn ticket(
        &mut self,
        concept: &str,
        at: Option<NaiveDateTime>,
        lines: &[(Decimal, Article, Decimal)],
    ) -> String {
        self.next_ticket += 1;
        let number = format!("{:08}", self.next_ticket);
        let register = format!("{:02}", self.next_ticket % 3 + 1);
        let person = self.random.pick(&self.people).clone();
        let shown = at.unwrap_or_default();
        let (day, time) = day_and_time(shown);
        let (mut subtotal, mut tax, mut body) = (Decimal::ZERO, Decimal::ZERO, String::new());
        // What leaves the shelf when sold comes back when returned.
        let (movement, sign) = if concept == "VEN" {
            ("Descargo", "-")
        } else {
            ("Cargo", "+")
        };
        for (line, (quantity, article, price)) in (1..).zip(lines) {
            let amount = cents(quantity * price);
            let own_tax = cents(amount * article.tax_rate() / Decimal::ONE_HUNDRED);
            subtotal += amount;
            tax += own_tax;
            let code = text(&article.code);
            let total = amount + own_tax;
            let scanned = article
                .barcode
                .as_deref()
                .map_or_else(|| code.clone(), text);
            body += &format!(
                "INSERT INTO VAD20.dbo.MA_TRANSACCION (c_Numero, c_Caja, c_Localidad, c_Concepto, n_Linea, f_Fecha, h_Hora,
                    Codigo, Cod_Principal, Cantidad, Precio, Subtotal, Impuesto, Total)
                 VALUES ('{number}', '{register}', '{BRANCH}', '{concept}', {line}, {day}, {time}, {scanned}, {code},
                    {quantity}, {price}, {amount}, {own_tax}, {total});
                 INSERT INTO VAD10.dbo.TR_INVENTARIO (c_LINEA, c_CONCEPTO, c_DOCUMENTO, c_DEPOSITO, c_CODARTICULO, n_CANTIDAD,
                    n_COSTO, c_TIPOMOV, f_fecha, c_codlocalidad)
                 VALUES ('{line}', '{concept}', 'P{number}', '{DEPOSIT}', {code}, {quantity}, {cost}, '{movement}', {day},
                    '{BRANCH}');
                 UPDATE VAD10.dbo.MA_DEPOPROD SET n_cantidad = n_cantidad {sign} {quantity}
                    WHERE c_coddeposito = '{DEPOSIT}' AND c_codarticulo = {code};\n",
                cost = article.cost,
            );
        }
        let total = subtotal + tax;
        let tender = *self.random.pick(TENDERS);
        let date = if at.is_some() { day.as_str() } else { "NULL" };
        format!(
            "SET XACT_ABORT ON; BEGIN TRANSACTION;
             INSERT INTO VAD20.dbo.MA_PAGOS (c_Caja, c_Numero, c_Sucursal, c_Concepto, f_Fecha, f_Hora, c_Cliente,
                c_Desc_Cliente, n_Subtotal, n_Impuesto, n_Total, n_Cancelado, n_Productos, c_Usuario, Turno)
             VALUES ('{register}', '{number}', '{BRANCH}', '{concept}', {date}, {time}, {customer}, {name}, {subtotal}, {tax},
                {total}, {total}, {count}, 'CAJERA', 1.25);
             {body}
             INSERT INTO VAD20.dbo.MA_DETALLEPAGO (c_Caja, c_Factura, c_Localidad, Turno, c_CodDenominacion, c_Banco,
                c_Numero, n_Monto, d_Fecha, f_Hora)
             VALUES ('{register}', '{number}', '{BRANCH}', 1.25, '{form}', '{bank}', '', {total}, {day}, {time});
             COMMIT TRANSACTION",
            customer = text(&code_of(&person)),
            name = text(&person.name),
            count = lines.len(),
            form = tender.0,
            bank = tender.1,
        )
    }
}

/// The store at work.
pub struct Stellar {
    line: Line,
    tills: Tills,
    documents: u32,
    /// Products it began with.
    products: usize,
    /// Where the numbers of its own new products begin.
    own: usize,
}

impl Stellar {
    /// Logs in, after [`fill`] made so many products and tickets. New products come from the catalogue's number `own` on.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn open(
        address: &Address,
        seed: u64,
        products: usize,
        sales: usize,
        own: usize,
    ) -> Result<Self> {
        let mut tills = Tills::new(seed, own);
        tills.next_ticket = u32::try_from(sales)?;
        Ok(Self {
            line: Line::open(address).await?,
            tills,
            documents: 0,
            products,
            own,
        })
    }

    /// The code and the first price of some product that can be sold.
    async fn any_product(&mut self) -> Result<(String, Decimal, bool)> {
        // A new one now and then. The lowest numbers only stand in for products that are gone.
        let is_new = self.tills.next_article > self.own && self.tills.random.per_mille(150);
        let (low, high) = if is_new {
            (self.own + 1, self.tills.next_article)
        } else {
            (self.products / 10 + 1, self.products)
        };
        let number = self
            .tills
            .random
            .between(i64::try_from(low)?, i64::try_from(high)?);
        let sql = format!(
            "SELECT TOP (1) c_Codigo, n_Precio1, c_CodMoneda FROM VAD10.dbo.MA_PRODUCTOS
             WHERE c_Codigo <= '{number:06}' AND n_Impuesto1 <= 100 ORDER BY c_Codigo DESC"
        );
        let rows = self.line.rows(&sql).await?;
        let row = rows.first().context("no products are left")?;
        let code: &str = row.get(0).context("a product without a code")?;
        let price: f64 = row.get(1).context("a product without a price")?;
        let money: &str = row.get(2).context("a product without a currency")?;
        Ok((code.to_owned(), money_of(price)?, money == "0000000002"))
    }

    async fn ticket(
        &mut self,
        concept: &str,
        at: Option<NaiveDateTime>,
        count: usize,
    ) -> Result<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let (code, price, dollars) = self.any_product().await?;
            let article = article(self.tills.seed, code.parse().unwrap_or(1));
            let price = if dollars { cents(price * RATE) } else { price };
            lines.push((
                article.quantity(&mut self.tills.random),
                Article { code, ..article },
                price,
            ));
        }
        let sql = self.tills.ticket(concept, at, &lines);
        self.line.run(&sql).await?;
        Ok(format!("{:08}", self.tills.next_ticket))
    }

    /// Sells something.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn sell(&mut self, now: NaiveDateTime) -> Result<String> {
        let count = *self.tills.random.pick(&[1, 1, 2, 3, 4]);
        self.ticket("VEN", Some(now), count).await
    }

    /// Takes something back: Stellar writes a document of its own, with positive amounts.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_back(&mut self, now: NaiveDateTime) -> Result<String> {
        self.ticket("DEV", Some(now), 1).await
    }

    /// Writes a ticket that lost its date.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn sell_badly(&mut self) -> Result<String> {
        self.ticket("VEN", None, 1).await
    }

    /// Changes a price by up to a fifth.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn change_price(&mut self, now: NaiveDateTime) -> Result<String> {
        let (code, price, _) = self.any_product().await?;
        let price = cents(price * self.tills.random.decimal(85, 120, 2)).max(Decimal::new(1, 2));
        let sql = format!(
            "UPDATE VAD10.dbo.MA_PRODUCTOS SET n_Precio1 = {price}, Update_Date = {} WHERE c_Codigo = '{code}'",
            moment(now)
        );
        self.line.run(&sql).await?;
        Ok(code)
    }

    /// Books goods in.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn receive(&mut self, now: NaiveDateTime) -> Result<String> {
        let (code, price, _) = self.any_product().await?;
        let quantity = self.tills.random.between(6, 144);
        self.documents += 1;
        let (day, _) = day_and_time(now);
        let sql = format!(
            "SET XACT_ABORT ON; BEGIN TRANSACTION;
             INSERT INTO VAD10.dbo.TR_INVENTARIO (c_LINEA, c_CONCEPTO, c_DOCUMENTO, c_DEPOSITO, c_CODARTICULO, n_CANTIDAD,
                n_COSTO, c_TIPOMOV, f_fecha, c_codlocalidad)
             VALUES ('1', 'COM', 'C{number:08}', '{DEPOSIT}', '{code}', {quantity}, {price}, 'Cargo', {day}, '{BRANCH}');
             UPDATE VAD10.dbo.MA_DEPOPROD SET n_cantidad = n_cantidad + {quantity}
                WHERE c_coddeposito = '{DEPOSIT}' AND c_codarticulo = '{code}';
             COMMIT TRANSACTION",
            number = self.documents
        );
        self.line.run(&sql).await?;
        Ok(code)
    }

    /// Lists a new product.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_product(&mut self, now: NaiveDateTime) -> Result<String> {
        self.tills.next_article += 1;
        let article = article(self.tills.seed, self.tills.next_article);
        let stock = article.stock(&mut self.tills.random);
        let rows = product(&article, now, article.price)? + &on_shelf(&article, stock)?;
        let sql = format!("SET XACT_ABORT ON; BEGIN TRANSACTION; {rows} COMMIT TRANSACTION");
        self.line.run(&sql).await?;
        Ok(article.code)
    }

    /// Lists a new product badly: with a tax of 1,600 percent.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_bad_product(&mut self, now: NaiveDateTime) -> Result<String> {
        let code = self.add_product(now).await?;
        let sql = format!(
            "UPDATE VAD10.dbo.MA_PRODUCTOS SET n_Impuesto1 = 1600 WHERE c_Codigo = '{code}'"
        );
        self.line.run(&sql).await?;
        Ok(code)
    }

    /// Corrects a bad product, if there is one.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn mend(&mut self, now: NaiveDateTime) -> Result<Option<String>> {
        let sql = "SELECT TOP (1) c_Codigo FROM VAD10.dbo.MA_PRODUCTOS WHERE n_Impuesto1 > 100 ORDER BY c_Codigo";
        let rows = self.line.rows(sql).await?;
        let Some(code) = rows
            .first()
            .and_then(|row| row.get::<&str, _>(0))
            .map(str::to_owned)
        else {
            return Ok(None);
        };
        let sql = format!(
            "UPDATE VAD10.dbo.MA_PRODUCTOS SET n_Impuesto1 = 16, Update_Date = {} WHERE c_Codigo = '{code}'",
            moment(now)
        );
        self.line.run(&sql).await?;
        Ok(Some(code))
    }

    /// Drops a product with its codes and its stock. Its movements and tickets stay.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete_product(&mut self) -> Result<String> {
        let (code, _, _) = self.any_product().await?;
        let sql = format!(
            "SET XACT_ABORT ON; BEGIN TRANSACTION;
             DELETE FROM VAD10.dbo.MA_DEPOPROD WHERE c_codarticulo = '{code}';
             DELETE FROM VAD10.dbo.MA_CODIGOS WHERE c_CodNasa = '{code}';
             DELETE FROM VAD10.dbo.MA_PRODUCTOS WHERE c_Codigo = '{code}';
             COMMIT TRANSACTION"
        );
        self.line.run(&sql).await?;
        Ok(code)
    }
}

/// A float of the POS as the amount that was meant: four digits behind the point.
pub(super) fn money_of(float: f64) -> Result<Decimal> {
    let text = format!("{float:.4}");
    Ok(text
        .parse::<Decimal>()
        .with_context(|| format!("{text:?} is no amount"))?
        .normalize())
}
