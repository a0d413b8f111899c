//! How fast a table of 200,000 rows is read: `cargo run --release --example read_speed`.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use fluxion_connectors::{
    BatchLimit, ConnectorKind, Marks, Next, OpenContext, Settings, StartAt, registry,
};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::servers::MariaDb;
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use serde_json::json;

struct Nothing;

impl Marks for Nothing {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

/// Processor time of this process in seconds, as Linux counts it in hundredths.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?) / 100.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = MariaDb::shared()?;
    let database = server.fresh_database()?;
    server.query(
        &database,
        "CREATE TABLE items(item_id INT PRIMARY KEY, item_code VARCHAR(20), item_name VARCHAR(120), category_id INT,
            barcode VARCHAR(14), cost DECIMAL(12,4), sale_price DECIMAL(12,2), tax_rate DECIMAL(5,2), active TINYINT,
            last_update DATETIME);
         INSERT INTO items SELECT seq, LPAD(seq, 8, '0'), CONCAT('Producto de prueba número ', seq), seq % 40,
            LPAD(seq, 13, '7'), seq / 7, seq / 5, 16, 1, NOW() - INTERVAL seq SECOND FROM seq_1_to_200000;
         CREATE TABLE sales(id INT PRIMARY KEY, total DECIMAL(12,2));
         CREATE TABLE sale_lines(id INT, line INT, code VARCHAR(20), qty DECIMAL(12,3), price DECIMAL(12,2), PRIMARY KEY(id, line));
         INSERT INTO sales SELECT seq, seq / 3 FROM seq_1_to_100000;
         INSERT INTO sale_lines SELECT s.seq, l.seq, LPAD(l.seq * s.seq, 8, '0'), 1.5, 9.99 FROM seq_1_to_100000 s, seq_1_to_3 l",
    )?;
    let settings = json!({
        "host": "127.0.0.1", "port": server.port(), "database": database, "user": USER, "password": PASSWORD,
    });
    let connector = registry::build(ConnectorKind::Mysql, &settings)?;
    let flat: StreamSpec = serde_json::from_value(json!({
        "name": "items", "key": ["item_id"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "items p", "columns": {
            "item_id": "p.item_id", "code": "p.item_code", "name": "p.item_name", "category": "p.category_id",
            "barcode": "p.barcode", "cost": "p.cost", "price": "p.sale_price", "tax": "p.tax_rate",
            "active": "p.active", "updated": "p.last_update"}}},
    }))?;
    let documents: StreamSpec = serde_json::from_value(json!({
        "name": "sales", "key": ["id"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "sales", "columns": {"id": "id", "total": "total"}}},
        "children": [{"name": "lines", "parent": ["id"], "order": ["line"], "query": {"from": "sale_lines", "columns": {
            "id": "id", "line": "line", "code": "code", "qty": "qty", "price": "price"}}}],
    }))?;
    for spec in [flat, documents] {
        let (began, before) = (Instant::now(), processor_seconds());
        let context = OpenContext {
            settings: Settings::new(),
            marks: Arc::new(Nothing),
        };
        let mut stream = connector.open(&spec, StartAt::Snapshot, context).await?;
        let (mut rows, mut children) = (0_u32, 0_u32);
        while let Next::Batch(batch) = stream.next(BatchLimit::default()).await? {
            for change in &batch.rows.changes {
                rows += 1;
                if let fluxion_model::row::RowChange::Upsert { row, .. } = change {
                    children += u32::try_from(row.children.iter().map(Vec::len).sum::<usize>())?;
                }
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let all = f64::from(rows + children);
        let busy = processor_seconds()
            .zip(before)
            .map(|(now, then)| (now - then) / all * 1e6);
        println!(
            "{}: {rows} rows, {children} lines in {seconds:.2} s = {:.0} rows and lines/s, {:.2} us of processor each",
            spec.name,
            all / seconds,
            busy.unwrap_or(f64::NAN)
        );
    }
    server.query("", &format!("DROP DATABASE `{database}`"))?;
    Ok(())
}
