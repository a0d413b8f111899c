//! Every statement this connector sends, kept as text and read against Microsoft's documentation, because no SQL Server
//! can be had where it is built. `connectors/tests/sqlserver/golden/README.md` says what was checked.
//!
//! A session that knows a Stellar database by heart writes down what it is asked. Run with `FLUXION_WRITE_FIXTURES=1` to write
//! the files anew, and read the difference as if somebody else had written it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fluxion_model::stream::StreamSpec;
use fluxion_model::value::Value;
use serde_json::json;
use tiberius::ColumnType;

use super::dialect::TransactSql;
use super::outbox::{self, Triggered};
use super::tracking::ChangeTracking;
use super::{KIND, allowed, probe, session, types};
use crate::connector::{
    BatchLimit, ConnectorKind, Marks, Next, OpenContext, OutboxPart, Settled, StartAt,
};
use crate::error::SourceError;
use crate::sql::outbox::{OutboxFeed, Watched};
use crate::sql::{
    Cast, ColumnInfo, Dialect, KeyFeed, KeysOf, Opening, Pacing, RowSink, SqlFault, SqlSession,
    Statement, StreamQuery, open,
};

/// What was asked, in order.
type Heard = Arc<Mutex<Vec<String>>>;

/// Knows the columns of a Stellar database and has one row of each kind.
#[derive(Debug)]
struct Memory {
    heard: Heard,
    /// A page is full as often as this, so that a next one is asked for.
    full_pages: usize,
    /// Counts the looks at a log, an outbox or a rowversion; the first three find a change each.
    looks: u8,
}

fn column_type(expression: &str) -> ColumnType {
    let name = expression.rsplit('.').next().unwrap_or(expression);
    match name.trim_matches(['[', ']']) {
        "c_Codigo" | "c_Descri" => ColumnType::NVarchar,
        "c_Numero" | "c_Caja" | "c_Concepto" | "c_Localidad" | "Cod_Principal" => {
            ColumnType::BigVarChar
        }
        "n_Precio1" | "Cantidad" | "n_Total" => ColumnType::Float8,
        "n_CostoAct" => ColumnType::Money,
        "c_Observacio" => ColumnType::NText,
        "c_FileImagen" => ColumnType::Image,
        "Update_Date" | "Add_Date" => ColumnType::Datetimen,
        "validador" => ColumnType::BigBinary,
        "n_Linea" => ColumnType::Int4,
        _ => ColumnType::Int8,
    }
}

fn value_of(expression: &str, row: usize) -> Value {
    match column_type(expression) {
        ColumnType::NVarchar | ColumnType::BigVarChar => Value::text(format!("{row:03}")),
        ColumnType::NText => Value::text("x"),
        ColumnType::Float8 => Value::Float(1.5),
        ColumnType::Datetimen => Value::DateTime("2026-01-02T03:04:05.007".parse().unwrap()),
        ColumnType::BigBinary => Value::Bytes([0, 0, 0, 0, 0, 0, 1, row as u8].into()),
        _ => Value::Int(row as i64),
    }
}

/// What stands between SELECT and its FROM, as the columns of these queries are written.
fn expressions(sql: &str) -> Vec<String> {
    let list = sql.trim_start_matches("SELECT ");
    let list = list.split(" FROM ").next().unwrap_or_default();
    let list = match list.strip_prefix("TOP (@P1) ") {
        Some(list) => list,
        None => list,
    };
    let mut found = vec![String::new()];
    let mut depth = 0;
    for c in list.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if c == ',' && depth == 0 {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found
        .into_iter()
        .map(|expression| {
            let bare = expression.trim().trim_start_matches("CAST(");
            bare.split(" AS ").next().unwrap_or(bare).to_owned()
        })
        .collect()
}

#[async_trait]
impl SqlSession for Memory {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(TransactSql)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        self.hear(&statement.text);
        let sql = statement.text.as_str();
        if sql.contains("COUNT(*)") {
            row(vec![Value::Int(2)], 8);
        } else if sql.contains("CHANGE_TRACKING_CURRENT_VERSION") {
            let oldest = Value::Int(1);
            row(vec![self.look(), oldest.clone(), oldest], 8);
        } else if sql.contains("CHANGETABLE") {
            row(
                vec![Value::text("001"), Value::text("01"), Value::Int(1)],
                8,
            );
        } else if sql.contains("SELECT MAX(CAST(seq") {
            row(vec![Value::Int(0)], 8);
        } else if sql.contains("fluxion_outbox") {
            let Value::Int(last) = self.look() else {
                return Ok(());
            };
            let Some(Value::Int(from)) = statement.params.last() else {
                return Ok(());
            };
            for seq in *from..=last {
                let at = Value::DateTime("2026-01-02T03:04:05".parse().unwrap());
                let source = Value::text("dbo.MA_PRODUCTOS(c_Codigo)");
                let values = vec![
                    Value::Int(seq),
                    at,
                    source,
                    Value::text("u"),
                    Value::text("001"),
                ];
                row(values, 8);
            }
        } else if sql.contains("SYSUTCDATETIME") {
            let now = Value::DateTime("2026-01-02T03:04:05".parse().unwrap());
            let rowversion = match self.look() {
                Value::Int(look) => Value::Bytes([0, 0, 0, 0, 0, 0, 2, look as u8].into()),
                _ => Value::Null,
            };
            let highest = match sql.contains("MIN_ACTIVE_ROWVERSION") {
                true => rowversion,
                false => now.clone(),
            };
            row(vec![now.clone(), now.clone(), highest, now], 8);
        } else if sql.contains("CASE WHEN") {
            row(vec![Value::Int(0)], 8);
        } else {
            let rows = if self.full_pages > 0 { 2 } else { 1 };
            self.full_pages = self.full_pages.saturating_sub(1);
            for at in 1..=rows {
                let columns = expressions(sql);
                let values = columns.iter().map(|column| value_of(column, at));
                row(values.collect(), 8);
            }
        }
        Ok(())
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        self.hear(&session::without_rows(&statement.text));
        let columns = expressions(&statement.text);
        Ok(columns
            .iter()
            .map(|column| types::column_info(column_type(column), 10))
            .collect())
    }

    async fn key_casts(&mut self, keys: KeysOf<'_>) -> Result<Option<Vec<Option<Cast>>>, SqlFault> {
        self.hear(&session::key_types(keys, &self.dialect()).text);
        let cast = |at: &usize| match column_type(&keys.select.columns[*at].text) {
            ColumnType::BigVarChar => types::key_cast("varchar", Some("Modern_Spanish_CI_AS")),
            ColumnType::NVarchar => types::key_cast("nvarchar", Some("Modern_Spanish_CI_AS")),
            _ => None,
        };
        Ok(Some(keys.columns.iter().map(cast).collect()))
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        self.hear("(begin a transaction)");
        Ok(())
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        self.hear("(commit)");
        Ok(())
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, SqlFault> {
        self.hear(&statement.text);
        Ok(0)
    }

    fn explain(&self, fault: SqlFault, _: &StreamQuery) -> SourceError {
        SourceError::retry(KIND, "read", fault)
    }

    async fn answers(&mut self) -> bool {
        true
    }
}

impl Memory {
    fn look(&mut self) -> Value {
        self.looks = (self.looks + 1).min(3);
        Value::Int(self.looks.into())
    }

    fn hear(&self, sql: &str) {
        self.heard.lock().unwrap().push(sql.to_owned());
    }
}

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

/// Reads a stream until it has been idle twice, and returns what was asked.
async fn asked(spec: &StreamSpec, feed: Option<Box<dyn KeyFeed>>) -> Vec<String> {
    let heard = Heard::default();
    let memory = Memory {
        heard: heard.clone(),
        full_pages: 1,
        looks: 0,
    };
    let mut stream = open(Opening {
        session: Box::new(memory),
        feed,
        spec,
        start: StartAt::Snapshot,
        context: OpenContext {
            settings: BTreeMap::from([("deposito".to_owned(), Value::text("0301"))]),
            marks: Arc::new(NoMarks),
        },
        pacing: Pacing {
            rows_per_second: None,
            poll: std::time::Duration::from_secs(10),
            follow: std::time::Duration::from_millis(1),
        },
    })
    .await
    .unwrap();
    let limit = BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    };
    let mut rests = 0;
    while rests < 2 {
        match stream.next(limit).await.unwrap() {
            Next::Batch(_) => stream.settled(Settled { problems: &[] }).await.unwrap(),
            Next::ScanComplete { .. } => {}
            Next::CaughtUp { .. } => rests += 1,
        }
    }
    heard.lock().unwrap().clone()
}

fn check(name: &str, statements: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sqlserver/golden")
        .join(name);
    let text: String = statements
        .iter()
        .map(|statement| format!("{};\n\n", statement.trim_end_matches(';')))
        .collect();
    if std::env::var_os("FLUXION_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        kept.replace("\r\n", "\n"),
        "the statements are not those of {name}; read the difference, and write it anew with FLUXION_WRITE_FIXTURES=1"
    );
}

fn products(capture: &serde_json::Value) -> StreamSpec {
    serde_json::from_value(json!({
        "name": "products", "key": ["code"], "capture": capture,
        "source": {"query": {
            "from": "dbo.MA_PRODUCTOS AS p LEFT JOIN dbo.MA_DEPOPROD AS d ON d.c_codarticulo = p.c_Codigo AND d.c_coddeposito = {deposito}",
            "where": "p.n_Activo = 1",
            "columns": {
                "code": "p.c_Codigo", "name": "p.c_Descri", "price": "p.n_Precio1", "cost": "p.n_CostoAct",
                "notes": "p.c_Observacio", "photo": "p.c_FileImagen",
            },
        }},
        "changes": [{"table": "dbo.MA_PRODUCTOS", "key": ["c_Codigo"]}],
    }))
    .unwrap()
}

fn sales(capture: &serde_json::Value) -> StreamSpec {
    serde_json::from_value(json!({
        "name": "sales", "key": ["number", "till"], "capture": capture,
        "source": {"query": {
            "from": "dbo.MA_PAGOS AS h",
            "columns": {"number": "h.c_Numero", "till": "h.c_Caja", "total": "h.n_Total"},
        }},
        "children": [{
            "name": "lines", "parent": ["number", "till"], "order": ["line"],
            "query": {
                "from": "dbo.MA_TRANSACCION AS l",
                "columns": {
                    "number": "l.c_Numero", "till": "l.c_Caja", "line": "l.n_Linea",
                    "product": "l.Cod_Principal", "quantity": "l.Cantidad",
                },
            },
        }],
        "changes": [
            {"table": "dbo.MA_PAGOS", "key": ["c_Numero", "c_Caja"]},
            {"table": "dbo.MA_TRANSACCION", "key": ["c_Numero", "c_Caja"]},
        ],
    }))
    .unwrap()
}

fn pagos() -> Triggered {
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Triggered {
        schema: "dbo".to_owned(),
        name: "MA_PAGOS".to_owned(),
        watched: Watched {
            table: "dbo.MA_PAGOS".to_owned(),
            keys: vec![text(&["c_Numero", "c_Caja"]), text(&["ID"])],
        },
        types: vec![text(&["varchar", "varchar"]), text(&["numeric"])],
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_read_by_these_statements() {
    let diff = json!({"strategy": "diff"});
    check("diff_products.sql", &asked(&products(&diff), None).await);
    check("diff_sales.sql", &asked(&sales(&diff), None).await);
}

#[tokio::test(start_paused = true)]
async fn dates_are_followed_by_these_statements() {
    let dates = json!({"strategy": "watermark", "columns": ["p.Update_Date", "p.Add_Date"]});
    check("watermark.sql", &asked(&products(&dates), None).await);
}

#[tokio::test(start_paused = true)]
async fn a_rowversion_is_followed_by_these_statements() {
    let version =
        json!({"strategy": "watermark", "columns": ["p.validador"], "kind": "rowversion"});
    check("rowversion.sql", &asked(&products(&version), None).await);
}

#[tokio::test(start_paused = true)]
async fn change_tracking_is_followed_by_these_statements() {
    let spec = sales(&json!({"strategy": "log"}));
    let feed = Box::new(ChangeTracking::new(&spec));
    check("change_tracking.sql", &asked(&spec, Some(feed)).await);
}

#[tokio::test(start_paused = true)]
async fn an_outbox_is_followed_by_these_statements() {
    let spec = products(&json!({"strategy": "outbox"}));
    let feed = Box::new(OutboxFeed::new(outbox::spelling(), &spec));
    let mut statements = asked(&spec, Some(feed)).await;
    let (before, after) = outbox::spelling().prune.unwrap();
    let (number, end) = outbox::spelling().number;
    statements.push(format!("{before}{number}@P1{end}{after}"));
    check("outbox.sql", &statements);
}

#[test]
fn an_outbox_is_made_and_taken_away_by_these_statements() {
    let install = outbox::install(&[pagos()], Some("agent")).unwrap();
    let text = outbox::for_client(&install, OutboxPart::Install);
    check("outbox_install.sql", &[text]);
    let ours = [Value::text("dbo"), Value::text("fluxion_dbo_ma_pagos")];
    let text = outbox::for_client(&outbox::remove(&[ours.to_vec()]), OutboxPart::Remove);
    check("outbox_remove.sql", &[text]);
}

#[test]
fn columns_of_each_type_are_read_by_these_expressions() {
    let types = [
        ("bit", ColumnType::Bitn),
        ("int and its kin", ColumnType::Intn),
        ("float, real", ColumnType::Floatn),
        ("decimal, numeric", ColumnType::Decimaln),
        ("money, smallmoney", ColumnType::Money),
        ("nchar, nvarchar", ColumnType::NVarchar),
        ("char, varchar", ColumnType::BigVarChar),
        ("text", ColumnType::Text),
        ("ntext", ColumnType::NText),
        ("xml", ColumnType::Xml),
        ("binary, varbinary, rowversion", ColumnType::BigBinary),
        ("image", ColumnType::Image),
        ("geography and other CLR types", ColumnType::Udt),
        ("uniqueidentifier", ColumnType::Guid),
        ("datetime, smalldatetime", ColumnType::Datetimen),
        ("datetime2", ColumnType::Datetime2),
        ("datetimeoffset", ColumnType::DatetimeOffsetn),
        ("date", ColumnType::Daten),
        ("time", ColumnType::Timen),
        ("sql_variant (before 2016)", ColumnType::SSVariant),
    ];
    let written = types.map(|(name, column)| {
        let cast = types::column_info(column, 10).cast;
        let (before, after) = cast.map_or_else(Default::default, |cast| (cast.before, cast.after));
        format!("-- {name}\nSELECT {before}t.c{after} FROM dbo.t")
    });
    check("types.sql", &written);
}

#[test]
fn the_server_is_asked_about_itself_by_these_statements() {
    let statements = [
        &session::setup(5_000),
        session::ABOUT_SERVER,
        session::ESTIMATE,
        probe::SERVER,
        probe::DATABASE,
        probe::TRACKING,
        probe::TRACKED_TABLES,
        probe::TABLES,
        probe::PERMISSIONS,
        probe::COLUMNS,
        allowed::TABLE,
        allowed::PRIMARY_KEY,
        allowed::COLUMN_TYPES,
        outbox::TRIGGER,
        outbox::STATE,
        outbox::OURS,
        outbox::READER,
    ];
    let statements: Vec<String> = statements.iter().map(|sql| (*sql).to_owned()).collect();
    check("about.sql", &statements);
}
