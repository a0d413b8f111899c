//! Access files through mdbtools: no ORDER BY, no parameters, one row at a time. The rows are those of the catalog that
//! every Access file has.

use std::process::Command;

use fluxion_connectors::{Allowed, BatchLimit, Level};
use fluxion_model::stream::{Capture, StreamSpec};
use fluxion_model::value::Value;
use serde_json::{Value as Json, json};

use super::{connector, spec};
use crate::mirror::{Mirror, Restart};

/// An empty database as Access makes it, in a folder of its own.
fn access() -> (tempfile::TempDir, Json) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pos.accdb");
    let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/odbc/empty.accdb.gz");
    let unpacked = Command::new("gzip").args(["-dc", packed]).output().unwrap();
    assert!(unpacked.status.success());
    std::fs::write(&path, unpacked.stdout).unwrap();
    let settings = json!({
        "connection_string": format!("Driver={{MDBTools}};DBQ={}", path.display())});
    (folder, settings)
}

fn objects(key: &[&str]) -> StreamSpec {
    spec(json!({
        "name": "objects", "key": key, "capture": {"strategy": "diff"},
        "source": {"query": {
            "from": "MSysObjects", "where": "Id > {least}",
            "columns": {"id": "Id", "parent": "ParentId", "name": "Name", "kind": "Type", "made": "DateCreate"}}},
    }))
}

fn mirror() -> Mirror {
    let mut mirror = Mirror::default();
    mirror.settings.insert("least".into(), Value::Int(5));
    mirror
}

#[tokio::test]
async fn everything_is_read_in_order_without_the_drivers_help_and_goes_on_after_a_restart() {
    let (_folder, settings) = access();
    let connector = connector(&settings);
    for key in [&["id"][..], &["name", "id"]] {
        let mut mirror = mirror();
        let limit = BatchLimit {
            rows: 3,
            ..BatchLimit::default()
        };
        mirror
            .follow(
                connector.as_ref(),
                &objects(key),
                limit,
                Restart::AfterEveryBatch,
            )
            .await
            .unwrap();
        assert_eq!(mirror.rows.len(), 14, "{:?}", mirror.keys());
        assert_eq!(mirror.delivered, 14, "nothing twice");
        assert!(mirror.batches >= 5, "{} batches", mirror.batches);
    }
}

#[tokio::test]
async fn numbers_text_and_moments_arrive_as_what_they_are() {
    let (_folder, settings) = access();
    let connector = connector(&settings);
    let mut mirror = mirror();
    mirror
        .scan(connector.as_ref(), &objects(&["id"]))
        .await
        .unwrap();
    let row = &mirror.rows["251658241"];
    let named = |column: &str| &row.values[mirror.shape.position(column).unwrap()];
    assert_eq!(named("id"), &Value::Int(251_658_241));
    assert_eq!(named("kind"), &Value::Int(3));
    assert_eq!(named("name"), &Value::text("Tables"));
    assert!(
        matches!(named("made"), Value::DateTime(made) if made.to_string().starts_with("2017-02-11")),
        "{:?}",
        named("made")
    );
}

#[tokio::test]
async fn a_first_look_says_what_the_driver_cannot() {
    let (_folder, settings) = access();
    let connector = connector(&settings);
    let probe = connector.probe().await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Warning
                && finding.what.en.contains("cannot sort")),
        "{probe:?}"
    );
    let watermark: Capture =
        serde_json::from_value(json!({"strategy": "watermark", "columns": ["DateUpdate"]}))
            .unwrap();
    let allowed = connector
        .allows(&objects(&["id"]), &watermark)
        .await
        .unwrap();
    assert!(matches!(allowed, Allowed::No { .. }));
}
