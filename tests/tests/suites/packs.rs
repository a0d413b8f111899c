//! Packs against the engines they are written for: the tables of the POS in a real server, the pack's own statements, and
//! what the rows become.
//!
//! `mappings/fixtures/NAME/schema.sql` holds the tables with the rows of the fixtures, so what is read here must become
//! what is expected there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluxion_connectors::{
    Allowed, BatchLimit, Connector, ConnectorKind, Marks, Next, OpenContext, OutboxPart, Settings,
    Settled, StartAt, registry,
};
use fluxion_mappings::checks::Verdict;
use fluxion_mappings::recognise::recognise;
use fluxion_mappings::sample::explain;
use fluxion_mappings::{Context, Country, Rules, Scalar, StreamRules, packs};
use fluxion_model::row::{RowBatch, RowShape};
use fluxion_model::stream::{Capture, StreamSpec};
use fluxion_tds::{Direct, Options};
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use fluxion_tests::servers::{Firebird, MariaDb, PostgreSql, firebird};
use serde::Deserialize;
use serde_json::{Value as Json, json};

#[derive(Deserialize)]
struct Place {
    time_zone: String,
    currency: String,
    country: Option<Country>,
    settings: BTreeMap<String, Scalar>,
}

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

fn folder(pack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../mappings/fixtures")
        .join(pack)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema(pack: &str) -> String {
    text(&folder(pack).join("schema.sql"))
}

/// Everything a stream brings in one scan.
async fn read(connector: &dyn Connector, spec: &StreamSpec, settings: &Settings) -> RowBatch {
    let context = OpenContext {
        settings: settings.clone(),
        marks: Arc::new(NoMarks),
    };
    let mut stream = connector
        .open(spec, StartAt::Snapshot, context)
        .await
        .unwrap_or_else(|error| panic!("{}: {error:?}", spec.name));
    let mut rows = RowBatch {
        shape: Arc::new(RowShape::default()),
        changes: Vec::new(),
    };
    loop {
        let limit = BatchLimit {
            // Pages are turned even in these small tables.
            rows: 2,
            ..BatchLimit::default()
        };
        match stream
            .next(limit)
            .await
            .unwrap_or_else(|error| panic!("{}: {error:?}", spec.name))
        {
            Next::Batch(batch) => {
                assert!(
                    batch.unreadable.is_empty(),
                    "{}: {:?}",
                    spec.name,
                    batch.unreadable
                );
                rows.shape = batch.rows.shape;
                rows.changes.extend(batch.rows.changes);
                stream.settled(Settled { problems: &[] }).await.unwrap();
            }
            Next::ScanComplete { .. } | Next::CaughtUp { .. } => return rows,
        }
    }
}

/// What matters of a row: its records, and which rules others broke. How a database writes a key does not.
fn meaning(row: &Json) -> String {
    let broken = |list: &str| -> Vec<String> {
        let rejects = row[list].as_array().into_iter().flatten();
        rejects
            .map(|reject| {
                format!(
                    "{} {} {}",
                    reject["entity"], reject["field"], reject["rule"]
                )
            })
            .collect()
    };
    let mut meaning = json!({
        "records": row["records"], "rejects": broken("rejects"), "warnings": broken("warnings"),
    });
    // Whether objects keep the order they were written in depends on what else is built beside this.
    meaning.sort_all_objects();
    meaning.to_string()
}

fn assert_same(pack: &str, rules: &StreamRules, rows: &RowBatch) {
    let name = &rules.spec().name;
    let sorted = |rows: &Json| {
        let mut all: Vec<String> = rows.as_array().unwrap().iter().map(meaning).collect();
        all.sort();
        all
    };
    let became = if rows.changes.is_empty() {
        json!([])
    } else {
        serde_json::to_value(explain(rules, rows).unwrap().rows).unwrap()
    };
    let expected: Json =
        serde_json::from_str(&text(&folder(pack).join(format!("{name}.expected.json")))).unwrap();
    let (became, expected) = (sorted(&became), sorted(&expected));
    for (became, expected) in became.iter().zip(&expected) {
        assert_eq!(became, expected, "{pack}, {name}");
    }
    assert_eq!(became.len(), expected.len(), "{pack}, {name}");
}

/// Reads every stream of the pack by every way of noticing changes that the database allows, and compares. Streams that
/// its tables leave empty are named.
async fn check(pack: &str, connector: &dyn Connector, empty: &[&str]) {
    let mapping = packs::find(pack).unwrap();
    let place: Place = serde_json::from_str(&text(&folder(pack).join("context.json"))).unwrap();
    let context = Context::new(
        &mapping,
        place.time_zone.parse().unwrap(),
        place.currency.parse().unwrap(),
        place.country,
        &place.settings,
    )
    .unwrap();
    let rules = Rules::compile(&mapping, &context).unwrap();
    let names_outbox = |stream: &&StreamRules| {
        let spec = stream.spec();
        std::iter::once(&spec.capture)
            .chain(&spec.fallback)
            .any(|own| *own == Capture::Outbox)
    };
    let with_outbox: Vec<StreamSpec> = rules
        .streams()
        .filter(names_outbox)
        .map(|stream| stream.spec().clone())
        .collect();
    if !with_outbox.is_empty() {
        let script = connector
            .outbox(&with_outbox, OutboxPart::Install)
            .await
            .unwrap();
        connector.run_outbox(&script).await.unwrap();
    }
    for stream in rules.streams() {
        let spec = stream.spec();
        let strategies = std::iter::once(&spec.capture)
            .chain(&spec.fallback)
            .chain([&Capture::Diff]);
        let mut noticed = 0;
        for capture in strategies {
            let allowed = connector.allows(spec, capture).await.unwrap();
            if !matches!(allowed, Allowed::Yes) {
                let has_it_all = matches!(capture, Capture::Diff | Capture::Outbox);
                assert!(!has_it_all, "{pack}, {}: {allowed:?}", spec.name);
                continue;
            }
            noticed += usize::from(*capture != Capture::Diff);
            let spec = StreamSpec {
                capture: capture.clone(),
                ..spec.clone()
            };
            let rows = read(connector, &spec, &context.settings).await;
            if empty.contains(&spec.name.as_str()) {
                assert_eq!(rows.changes.len(), 0, "{pack}, {}", spec.name);
            } else {
                assert_same(pack, stream, &rows);
            }
        }
        let by_diff_alone = spec.capture == Capture::Diff && spec.fallback.is_empty();
        assert!(
            by_diff_alone || noticed > 0,
            "{pack}, {}: only a diff is allowed",
            spec.name
        );
    }
}

type Tables = Vec<(String, Vec<String>)>;

async fn tables(connector: &dyn Connector) -> Tables {
    let catalog = connector.catalog().await.unwrap();
    let tables = catalog.tables.into_iter().map(|table| {
        let columns = table.columns.into_iter().map(|column| column.name);
        (table.name, columns.collect())
    });
    tables.collect()
}

async fn assert_recognised(pack: &str, connector: &dyn Connector) {
    assert_fits(pack, &tables(connector).await);
}

fn assert_fits(pack: &str, tables: &Tables) {
    let found = recognise(tables);
    let own = found.iter().find(|found| found.pack == pack);
    let own = own.unwrap_or_else(|| panic!("{pack} is not among {found:?}"));
    assert!(own.fits(), "{pack}: {:?}", own.missing);
    assert_eq!(own.left_out, [], "{pack}");
}

async fn on_mariadb(pack: &str) {
    let server = MariaDb::shared().expect("MariaDB must be installed");
    let name = server.fresh_database().unwrap();
    server.query(&name, &schema(pack)).unwrap();
    let connection = json!({
        "host": "127.0.0.1", "port": server.port(), "database": name, "user": USER, "password": PASSWORD,
    });
    let connector = registry::build(ConnectorKind::Mysql, &connection).unwrap();
    assert_recognised(pack, connector.as_ref()).await;
    check(pack, connector.as_ref(), &[]).await;
}

async fn on_postgresql(pack: &str) {
    let server = PostgreSql::shared().expect("PostgreSQL must be installed");
    let url = server.fresh_database().unwrap();
    let (address, name) = url.rsplit_once('/').unwrap();
    let port: u16 = address.rsplit_once(':').unwrap().1.parse().unwrap();
    server.query(name, &schema(pack)).unwrap();
    let connection =
        json!({ "host": "127.0.0.1", "port": port, "database": name, "user": "fluxion" });
    let connector = registry::build(ConnectorKind::Postgres, &connection).unwrap();
    assert_recognised(pack, connector.as_ref()).await;
    check(pack, connector.as_ref(), &[]).await;
}

/// Runs the schema on the stand-in for SQL Server, and connects to the first of these databases.
async fn on_sqlserver(pack: &str, databases: &[&str]) -> Vec<Box<dyn Connector>> {
    // Kept to the end of the process: the connectors outlive this function.
    let server = Box::leak(Box::new(
        Options::default().database("master2").start().unwrap(),
    ));
    let mut session = server.session();
    if let [database] = databases {
        session
            .execute(&format!("CREATE DATABASE {database}"))
            .unwrap();
        session.execute(&format!("USE {database}")).unwrap();
    }
    for batch in schema(pack).split("\nGO") {
        if let Err(error) = session.execute(batch) {
            panic!("{pack}: {error}\n{batch}");
        }
    }
    if let [database] = databases {
        track(pack, &mut session, database);
    }
    let connect = |database: &&str| {
        let connection = json!({
            "host": "127.0.0.1", "port": server.port(), "database": database, "user": "sa", "password": "Secret-1",
        });
        registry::build(ConnectorKind::Sqlserver, &connection).unwrap()
    };
    databases.iter().map(connect).collect()
}

/// Switches Change Tracking on for all tables that the pack follows.
fn track(pack: &str, session: &mut Direct, database: &str) {
    let on = "SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)";
    session
        .execute(&format!("ALTER DATABASE {database} {on}"))
        .unwrap();
    let pack = packs::find(pack).unwrap();
    let followed = pack.streams.iter().flat_map(|stream| &stream.changes);
    let company = "{company}";
    let tables: BTreeSet<String> = followed
        .map(|changed| changed.table.replace(company, "02"))
        .collect();
    for table in tables {
        session
            .execute(&format!("ALTER TABLE {table} ENABLE CHANGE_TRACKING"))
            .unwrap();
    }
}

async fn on_sqlserver_alone(pack: &str, empty: &[&str]) {
    let connectors = on_sqlserver(pack, &["shop"]).await;
    assert_recognised(pack, connectors[0].as_ref()).await;
    check(pack, connectors[0].as_ref(), empty).await;
}

#[tokio::test]
async fn stellar_is_read_from_its_two_databases() {
    let connectors = on_sqlserver("stellar", &["VAD10", "VAD20"]).await;
    let mut all = tables(connectors[0].as_ref()).await;
    for (table, columns) in tables(connectors[1].as_ref()).await {
        let bare = table.rsplit('.').next().unwrap();
        all.push((format!("VAD20.dbo.{bare}"), columns));
    }
    assert_fits("stellar", &all);
    check("stellar", connectors[0].as_ref(), &[]).await;
}

#[tokio::test]
async fn the_sketch_of_stellar_is_read_from_sqlserver() {
    on_sqlserver_alone("stellar-seed", &[]).await;
}

#[tokio::test]
async fn contpaq_is_read_from_sqlserver() {
    on_sqlserver_alone("contpaq-comercial", &[]).await;
}

#[tokio::test]
async fn contpaq_compares_its_stock_with_the_movements() {
    let pack = packs::find("contpaq-comercial").unwrap();
    let connectors = on_sqlserver("contpaq-comercial", &["shop"]).await;
    let currency = "MXN".parse().unwrap();
    let context = Context::new(
        &pack,
        "UTC".parse().unwrap(),
        currency,
        None,
        &BTreeMap::new(),
    )
    .unwrap();
    let check = &pack.checks[0];
    let spec = check.spec(&pack, &context.settings);
    let rows = read(connectors[0].as_ref(), &spec, &context.settings).await;
    let mut verdict = Verdict::default();
    check.judge(&rows.shape, &rows.changes, &mut verdict);
    // The first product's movements of this year agree with its periods; the others' do not.
    assert_eq!((verdict.compared, verdict.differing), (3, 2), "{verdict:?}");
}

#[tokio::test]
async fn profit_plus_is_read_from_sqlserver() {
    on_sqlserver_alone("profit-plus", &[]).await;
}

#[tokio::test]
async fn saint_is_read_from_sqlserver() {
    on_sqlserver_alone("saint", &[]).await;
}

#[tokio::test]
async fn mybusiness_is_read_from_sqlserver() {
    on_sqlserver_alone("mybusiness", &[]).await;
}

/// Warehouses are kept apart there, so the stock of the whole company is not read.
#[tokio::test]
async fn aspel_sae_is_read_from_sqlserver() {
    on_sqlserver_alone("aspel-sae-sqlserver", &["stock-total"]).await;
}

/// Without a character set, as these programs make their databases or speak to them.
async fn on_firebird(pack: &str, empty: &[&str]) {
    let server = Firebird::start().expect("Firebird must be installed");
    let database = server.fresh_database("NONE").unwrap();
    server.query(&database, &schema(pack)).unwrap();
    let connection = json!({
        "host": "127.0.0.1", "port": server.port(), "database": database, "user": firebird::USER, "password": firebird::PASSWORD,
    });
    let connector = registry::build(ConnectorKind::Firebird, &connection).unwrap();
    assert_recognised(pack, connector.as_ref()).await;
    check(pack, connector.as_ref(), empty).await;
}

#[tokio::test]
async fn aspel_sae_is_read_from_firebird() {
    on_firebird("aspel-sae", &["stock-total"]).await;
}

#[tokio::test]
async fn eleventa_is_read_from_firebird() {
    on_firebird("eleventa", &[]).await;
}

#[tokio::test]
async fn mybusiness_is_read_from_mariadb() {
    on_mariadb("mybusiness-mysql").await;
}

#[tokio::test]
async fn odoo_is_read_from_postgresql() {
    on_postgresql("odoo").await;
}

#[tokio::test]
async fn blendpos_is_read_from_postgresql() {
    on_postgresql("blendpos").await;
}

#[tokio::test]
async fn nexus_is_read_from_postgresql() {
    on_postgresql("nexus-pos").await;
}
