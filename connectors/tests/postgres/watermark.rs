//! Following changes by dates.

use fluxion_connectors::BatchLimit;
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::mirror::{Mirror, Restart};

fn items(kind: &str) -> (Database, StreamSpec) {
    let database = Database::with(&format!(
        "CREATE TABLE items(id int PRIMARY KEY, name text, changed {kind});
         INSERT INTO items SELECT i, 'item ' || i, now() - interval '1 day' FROM generate_series(1, 20) i"
    ));
    let spec = spec(json!({
        "name": "items", "key": ["id"],
        "capture": {"strategy": "watermark", "columns": ["i.changed"], "overlap": 60},
        "source": {"query": {
            "from": "items i", "where": "i.id < {limit}", "columns": {"id": "i.id", "name": "i.name"}}},
    }));
    (database, spec)
}

async fn follow(database: &Database, mirror: &mut Mirror, spec: &StreamSpec) {
    mirror
        .settings
        .insert("limit".into(), fluxion_model::value::Value::Int(1000));
    mirror
        .follow(
            database.connector().as_ref(),
            spec,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_changed_row_is_seen_whatever_kind_of_moment_marks_it() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let (database, spec) = items(kind);
        let mut mirror = Mirror::default();
        follow(&database, &mut mirror, &spec).await;
        assert_eq!(mirror.rows.len(), 20, "{kind}");
        database.run("UPDATE items SET name = 'new name', changed = now() WHERE id = 3");
        follow(&database, &mut mirror, &spec).await;
        assert_eq!(mirror.cell("3", "name"), "new name", "{kind}");
        mirror.delivered = 0;
        database.run("UPDATE items SET name = 'newer name', changed = now() WHERE id = 4");
        follow(&database, &mut mirror, &spec).await;
        assert_eq!(mirror.cell("4", "name"), "newer name", "{kind}");
        assert!(mirror.delivered <= 3, "{kind}: {} rows", mirror.delivered);
    }
}

#[tokio::test]
async fn a_row_that_commits_late_within_the_overlap_is_seen() {
    let (database, spec) = items("timestamptz");
    let mut mirror = Mirror::default();
    database.run("UPDATE items SET changed = now() WHERE id = 1");
    follow(&database, &mut mirror, &spec).await;
    let late = database.run_aside(
        "BEGIN; UPDATE items SET name = 'late', changed = now() WHERE id = 2; SELECT pg_sleep(1.5); COMMIT",
    );
    std::thread::sleep(std::time::Duration::from_millis(500));
    database.run("UPDATE items SET name = 'early', changed = now() WHERE id = 3");
    follow(&database, &mut mirror, &spec).await;
    assert_eq!(mirror.cell("3", "name"), "early");
    assert_eq!(mirror.cell("2", "name"), "item 2");
    late.join().unwrap();
    follow(&database, &mut mirror, &spec).await;
    assert_eq!(mirror.cell("2", "name"), "late");
}
