//! Following the binary log of a real MariaDB.

use std::time::{Duration, Instant};

use fluxion_connectors::{BatchLimit, ChangeStream, Connector, ConnectorKind, StartAt, registry};
use fluxion_model::stream::{Cursor, StreamSpec};
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use fluxion_tests::servers::{Durability, MariaDb};
use serde_json::{Value as Json, json};

use super::{Database, spec};
use crate::mirror::{Mirror, Step};

const PRODUCTS: &str =
    "CREATE TABLE items (code VARCHAR(20) PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2));
    INSERT INTO items VALUES ('1', 'Café', 1.50), ('2', 'Pan', 0.75), ('3', 'Sal', 0.20)";

fn products() -> StreamSpec {
    spec(json!({
        "name": "products", "key": ["code"], "capture": {"strategy": "log"},
        "source": {"query": {"from": "items", "columns": {"code": "code", "name": "name", "price": "price"}}},
        "changes": [{"table": "items", "key": ["code"]}],
    }))
}

fn sales() -> StreamSpec {
    spec(json!({
        "name": "sales", "key": ["number"], "capture": {"strategy": "log"},
        "source": {"query": {"from": "sales s", "columns": {"number": "s.number", "total": "s.total"}}},
        "children": [{
            "name": "lines", "parent": ["number"], "order": ["line"],
            "query": {"from": "sale_lines l", "columns": {
                "number": "l.number", "line": "l.line", "quantity": "l.quantity"}},
        }],
        "changes": [{"table": "sales", "key": ["number"]}, {"table": "sale_lines", "key": ["number"]}],
    }))
}

const SALES: &str = "CREATE TABLE sales (number INT PRIMARY KEY, total DECIMAL(12,2));
    CREATE TABLE sale_lines (id INT AUTO_INCREMENT PRIMARY KEY, number INT, line INT, quantity DECIMAL(12,0));
    INSERT INTO sales VALUES (1, 10), (2, 20);
    INSERT INTO sale_lines (number, line, quantity) VALUES (1, 1, 1), (1, 2, 2), (2, 1, 5)";

mod lost;

/// A stream that is followed, and what it brought.
struct Following {
    connector: Box<dyn Connector>,
    spec: StreamSpec,
    stream: Box<dyn ChangeStream>,
    mirror: Mirror,
}

impl Following {
    /// Reads everything and begins to follow.
    async fn begin(connector: Box<dyn Connector>, spec: StreamSpec) -> Self {
        let mut mirror = Mirror::default();
        let mut stream = connector
            .open(&spec, StartAt::Snapshot, mirror.context())
            .await
            .unwrap();
        loop {
            if mirror
                .step(stream.as_mut(), BatchLimit::default())
                .await
                .unwrap()
                == Step::Rest
            {
                break;
            }
        }
        Self {
            connector,
            spec,
            stream,
            mirror,
        }
    }

    async fn of(database: &Database, spec: StreamSpec) -> Self {
        Self::begin(database.connector(), spec).await
    }

    /// Steps until it is so.
    async fn until(&mut self, what: &str, so: impl Fn(&Mirror) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !so(&self.mirror) {
            assert!(
                Instant::now() < deadline,
                "{what}; there is {:?}",
                self.mirror.keys()
            );
            if self
                .mirror
                .step(self.stream.as_mut(), BatchLimit::default())
                .await
                .unwrap()
                == Step::Rest
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn until_cell(&mut self, key: &str, column: &str, wanted: &str) {
        self.until(&format!("{key} {column} must become {wanted}"), |mirror| {
            mirror.rows.contains_key(key) && mirror.cell(key, column) == wanted
        })
        .await;
    }

    /// Until the second look is over, so that the cursor stands behind what was seen.
    async fn settle(&mut self) {
        let end = Instant::now() + Duration::from_millis(2_500);
        while Instant::now() < end {
            if self
                .mirror
                .step(self.stream.as_mut(), BatchLimit::default())
                .await
                .unwrap()
                == Step::Rest
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// As the agent does after it was stopped: opens again after the last cursor.
    async fn restart(&mut self) {
        self.stream = self
            .connector
            .open(&self.spec, self.mirror.start(), self.mirror.context())
            .await
            .unwrap();
    }

    /// The error that the stream ends in.
    async fn failure(&mut self) -> fluxion_connectors::SourceError {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < deadline, "it must fail");
            match self
                .mirror
                .step(self.stream.as_mut(), BatchLimit::default())
                .await
            {
                Ok(Step::Rest) => tokio::time::sleep(Duration::from_millis(20)).await,
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }
}

fn settings_of(server: &MariaDb, database: &str) -> Json {
    json!({
        "host": "127.0.0.1", "port": server.port(), "database": database,
        "user": USER, "password": PASSWORD, "poll_seconds": 1,
    })
}

fn connector_of(server: &MariaDb, database: &str) -> Box<dyn Connector> {
    registry::build(ConnectorKind::Mysql, &settings_of(server, database)).unwrap()
}

/// A server of its own, for what would disturb others.
fn server(options: &[&str]) -> MariaDb {
    let server =
        MariaDb::start_with(Durability::Relaxed, options).expect("MariaDB must be installed");
    server.create_database("pos").unwrap();
    server
}

/// Ends the connections that follow, and waits until the server knows: it purges no file that is being followed.
async fn hang_up(server: &MariaDb) {
    let dumps = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'";
    loop {
        let ids = server.query("", dumps).unwrap();
        if ids.trim().is_empty() {
            return;
        }
        for id in ids.lines() {
            // It may be gone by itself.
            drop(server.query("", &format!("KILL {id}")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn inserts_updates_deletes_and_renamed_keys_are_seen_without_another_scan() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    assert_eq!(following.mirror.keys(), ["1", "2", "3"]);
    database.run("UPDATE items SET price = 1.75 WHERE code = '1'");
    following.until_cell("1", "price", "1.75").await;
    database.run("INSERT INTO items VALUES ('4', 'Té', 3.00); DELETE FROM items WHERE code = '2'");
    following
        .until("4 comes, 2 goes", |mirror| mirror.keys() == ["1", "3", "4"])
        .await;
    database.run("UPDATE items SET code = '33' WHERE code = '3'");
    following
        .until("3 becomes 33", |mirror| mirror.keys() == ["1", "33", "4"])
        .await;
}

#[tokio::test]
async fn a_document_with_one_changed_line_is_read_whole() {
    let database = Database::with(SALES);
    let mut following = Following::of(&database, sales()).await;
    database.run("UPDATE sale_lines SET quantity = 7 WHERE number = 1 AND line = 2");
    following
        .until("line 2 of sale 1 changes", |mirror| {
            mirror.lines("1", "lines", "quantity") == ["1", "7"]
        })
        .await;
    database.run(
        "START TRANSACTION; INSERT INTO sales VALUES (3, 30);
         INSERT INTO sale_lines (number, line, quantity) VALUES (3, 1, 1), (3, 2, 2); COMMIT",
    );
    following
        .until("sale 3 comes", |mirror| mirror.rows.contains_key("3"))
        .await;
    assert_eq!(following.mirror.lines("3", "lines", "quantity"), ["1", "2"]);
    database.run("UPDATE sale_lines SET number = 2, line = 2 WHERE number = 3 AND line = 2");
    following
        .until("a line moves from one sale to another", |mirror| {
            mirror.lines("3", "lines", "quantity") == ["1"]
                && mirror.lines("2", "lines", "quantity") == ["5", "2"]
        })
        .await;
}

#[tokio::test]
async fn two_changes_in_one_look_bring_the_last_and_a_late_commit_is_not_missed() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    database.run(
        "UPDATE items SET price = 2 WHERE code = '1'; UPDATE items SET price = 3 WHERE code = '1'",
    );
    following.until_cell("1", "price", "3.00").await;

    let name = database.name.clone();
    let slow = std::thread::spawn(move || {
        database.run(
            "START TRANSACTION; UPDATE items SET price = 9 WHERE code = '2'; DO SLEEP(2); COMMIT",
        );
        database
    });
    following.settle().await;
    following.until_cell("2", "price", "9.00").await;
    drop(slow.join().unwrap());
    assert!(!name.is_empty());
}

#[tokio::test]
async fn keys_of_every_type_are_those_that_the_query_gives() {
    let types = [
        ("TINYINT UNSIGNED", "250"),
        ("SMALLINT", "-300"),
        ("MEDIUMINT UNSIGNED", "16000000"),
        ("INT UNSIGNED", "4000000000"),
        ("BIGINT", "-9000000000"),
        ("BIGINT UNSIGNED", "18446744073709551615"),
        ("DECIMAL(12,4)", "-1.5"),
        ("DECIMAL(30,2)", "12345678901234567890123456.75"),
        ("DOUBLE", "0.125"),
        ("BIT(12)", "b'101000000001'"),
        ("YEAR", "2026"),
        ("DATE", "'2026-02-28'"),
        ("DATETIME", "'2026-02-28 23:59:58'"),
        ("DATETIME(6)", "'2026-02-28 23:59:58.000250'"),
        ("TIMESTAMP", "'2026-02-28 12:00:00'"),
        ("TIMESTAMP(3)", "'2026-02-28 12:00:00.125'"),
        ("TIME", "'23:15:00'"),
        ("TIME(3)", "'-01:15:00.250'"),
        ("CHAR(10) CHARACTER SET latin1", "'Ñandú €'"),
        ("VARCHAR(300) CHARACTER SET cp850", "'Año|Café'"),
        ("VARCHAR(20) CHARACTER SET utf8mb4", "'😀 \\\\ fin  '"),
        ("VARCHAR(20) CHARACTER SET ucs2", "'Ño'"),
        ("CHAR(200) CHARACTER SET utf8mb4", "'largo'"),
        ("BINARY(8)", "X'0102000300'"),
        ("VARBINARY(8)", "X'00FF00'"),
    ];
    let mut sql = String::new();
    for (i, (kind, value)) in types.iter().enumerate() {
        sql += &format!(
            "CREATE TABLE k{i} (pad BLOB, k {kind} NOT NULL, v INT, PRIMARY KEY (k)); INSERT INTO k{i} VALUES ('x', {value}, 1);"
        );
    }
    let database = Database::with(&sql);
    for (i, (kind, _)) in types.iter().enumerate() {
        let table = format!("k{i}");
        let stream = spec(json!({
            "name": table, "key": ["k"], "capture": {"strategy": "log"},
            "source": {"query": {"from": table, "columns": {"k": "k", "v": "v"}}},
            "changes": [{"table": table, "key": ["k"]}],
        }));
        let mut following = Following::of(&database, stream).await;
        assert_eq!(following.mirror.rows.len(), 1, "{kind}");
        database.run(&format!("UPDATE {table} SET v = 2"));
        let changed = |mirror: &Mirror| {
            let row = mirror.rows.values().next();
            row.is_some_and(|row| row.values[1].to_string() == "2")
        };
        following
            .until(&format!("a row with the key {kind} changes"), changed)
            .await;
        assert_eq!(
            following.mirror.rows.len(),
            1,
            "{kind}: one key, however it was read"
        );
        database.run(&format!("DELETE FROM {table}"));
        following
            .until(&format!("a row with the key {kind} goes"), |mirror| {
                mirror.rows.is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn a_restart_at_every_step_loses_nothing_by_transaction_id_and_by_position() {
    for by_position in [false, true] {
        let database = Database::with(PRODUCTS);
        let mut following = Following::of(&database, products()).await;
        let forget = |mirror: &mut Mirror| {
            if by_position {
                mirror.cursor = mirror.cursor.take().map(without_ids);
            }
        };
        for step in 0..4 {
            database.run(&format!(
                "UPDATE items SET price = {step}.50 WHERE code = '1'; INSERT INTO items VALUES ('n{step}', 'x', 1);"
            ));
            forget(&mut following.mirror);
            following.restart().await;
            following
                .until_cell("1", "price", &format!("{step}.50"))
                .await;
            following
                .until("the new row comes", |mirror| {
                    mirror.rows.contains_key(&format!("n{step}"))
                })
                .await;
            if step == 2 {
                following.settle().await;
            }
            database.run(&format!("DELETE FROM items WHERE code = 'n{step}'"));
            forget(&mut following.mirror);
            following.restart().await;
            following
                .until("it goes", |mirror| mirror.rows.len() == 3)
                .await;
        }
    }
}

/// The cursor as a server without global transaction ids would have made it.
fn without_ids(cursor: Cursor) -> Cursor {
    fn strip(json: &mut Json) {
        match json {
            Json::Object(fields) => {
                fields.remove("gtids");
                fields.values_mut().for_each(strip);
            }
            Json::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut json: Json = serde_json::from_slice(&cursor.0).unwrap();
    strip(&mut json);
    assert!(json.to_string().contains("\"file\""), "{json}");
    Cursor(serde_json::to_vec(&json).unwrap().into())
}

#[tokio::test]
async fn what_changes_while_a_snapshot_runs_is_in_it_or_comes_after_it() {
    let database = Database::with(
        "CREATE TABLE items (code INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2));
         INSERT INTO items SELECT seq, 'x', 1 FROM seq_1_to_2000",
    );
    let spec = products();
    let connector = database.connector();
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    let limit = BatchLimit {
        rows: 100,
        ..BatchLimit::default()
    };
    let mut steps = 0;
    while mirror.step(stream.as_mut(), limit).await.unwrap() != Step::Rest {
        steps += 1;
        assert!(steps < 1_000, "the snapshot must end");
        if steps > 40 {
            continue;
        }
        database.run(&format!(
            "UPDATE items SET price = price + 1 WHERE code % 97 = {steps}; DELETE FROM items WHERE code = {steps};
             INSERT INTO items VALUES ({}, 'new', 5); UPDATE items SET code = code + 100000 WHERE code = {}",
            5000 + steps,
            1500 + steps,
        ));
        if steps % 7 == 0 {
            stream = connector
                .open(&spec, mirror.start(), mirror.context())
                .await
                .unwrap();
        }
    }
    let mut following = Following {
        connector,
        spec,
        stream,
        mirror,
    };
    following.settle().await;
    let truth: Vec<String> = database
        .run("SELECT CONCAT(code, ' ', name, ' ', price) FROM items ORDER BY CAST(code AS CHAR)")
        .lines()
        .map(str::to_owned)
        .collect();
    let mirror = &following.mirror;
    let held: Vec<String> = mirror
        .keys()
        .iter()
        .map(|key| {
            format!(
                "{key} {} {}",
                mirror.cell(key, "name"),
                mirror.cell(key, "price")
            )
        })
        .collect();
    assert_eq!(held, truth);
}

#[tokio::test]
async fn a_large_transaction_is_read_in_pieces_and_nothing_of_it_is_lost_in_a_restart() {
    let database = Database::with(
        "CREATE TABLE items (code INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2));
         INSERT INTO items SELECT seq, 'x', 1 FROM seq_1_to_20000",
    );
    let mut following = Following::of(&database, products()).await;
    database.run("UPDATE items SET price = 2");
    let mut stepped = 0;
    while stepped < 3 {
        let limit = BatchLimit {
            rows: 500,
            ..BatchLimit::default()
        };
        if following
            .mirror
            .step(following.stream.as_mut(), limit)
            .await
            .unwrap()
            == Step::Batch
        {
            stepped += 1;
        }
    }
    following.restart().await;
    let all = |mirror: &Mirror| {
        mirror
            .keys()
            .iter()
            .all(|key| mirror.cell(key, "price") == "2.00")
    };
    following.until("all rows are read", all).await;
}

#[tokio::test]
async fn a_prepared_transaction_counts_when_it_is_carried_out() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    database.run(
        "XA START 'a'; UPDATE items SET price = 4 WHERE code = '1'; XA END 'a'; XA PREPARE 'a'",
    );
    following.settle().await;
    following.restart().await;
    following.settle().await;
    assert_eq!(following.mirror.cell("1", "price"), "1.50");
    database.run("XA COMMIT 'a'");
    following.until_cell("1", "price", "4.00").await;
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_where_the_log_was_left() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    following.settle().await;
    let dumps =
        database.run("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'");
    assert!(!dumps.trim().is_empty());
    for id in dumps.lines() {
        // Other tests' connections are made anew as well.
        database.run(&format!("KILL {id}"));
    }
    database.run("UPDATE items SET price = 8 WHERE code = '3'");
    following.until_cell("3", "price", "8.00").await;
}
