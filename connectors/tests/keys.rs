//! What holds for keys of any type, in any database: told once, asked of each.

use fluxion_connectors::{BatchLimit, Connector};
use fluxion_model::row::{RowChange, RowKey};
use fluxion_model::stream::StreamSpec;

use crate::mirror::{Mirror, Restart};

/// What the stream brings when it is opened anew after every page of so many rows.
async fn walked(connector: &dyn Connector, spec: &StreamSpec, rows: usize) -> Mirror {
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows,
        ..BatchLimit::default()
    };
    mirror
        .follow(connector, spec, limit, Restart::AfterEveryBatch)
        .await
        .unwrap();
    mirror
}

/// The five rows of a table come page by page, and again when their keys are asked for.
pub async fn five_are_walked_and_found(connector: &dyn Connector, spec: &StreamSpec, what: &str) {
    let mirror = walked(connector, spec, 2).await;
    assert_eq!(mirror.rows.len(), 5, "{what}: {:?}", mirror.keys());
    let keys: Vec<RowKey> = mirror
        .rows
        .keys()
        .map(|key| RowKey(key.as_str().into()))
        .collect();
    let found = connector
        .read_keys(spec, &keys, mirror.context())
        .await
        .unwrap();
    let there = found
        .changes
        .iter()
        .filter(|change| matches!(change, RowChange::Upsert { .. }));
    assert_eq!(there.count(), 5, "{what}: {:?}", found.changes);
}

/// The rows with these keys come, all of them, whatever the size of a page.
pub async fn all_are_walked(
    connector: &dyn Connector,
    spec: &StreamSpec,
    keys: &[&str],
    what: &str,
) {
    let mut expected = keys.to_vec();
    expected.sort_unstable();
    for rows in [1, 2, 4, 100] {
        let mirror = walked(connector, spec, rows).await;
        assert_eq!(mirror.keys(), expected, "{what}, {rows} rows a page");
    }
}

/// Twelve rows of a composite key come, and those with a NULL in it are reported, whatever the size of a page.
pub async fn twelve_are_walked_and_the_rest_reported(
    connector: &dyn Connector,
    spec: &StreamSpec,
    reason: &str,
) {
    for rows in [1, 2, 3, 5, 50] {
        let mirror = walked(connector, spec, rows).await;
        assert_eq!(
            mirror.rows.len(),
            12,
            "{rows} rows a page: {:?}",
            mirror.keys()
        );
        assert!(mirror.unreadable.len() >= 2, "{:?}", mirror.unreadable);
        assert!(
            mirror.unreadable[0].message.contains(reason),
            "{:?}",
            mirror.unreadable
        );
    }
}

/// Of the rows 1 to 3, the second is gone. Asked twice, for the second time the connection of the first is used.
pub async fn the_one_that_is_gone_is_a_delete(connector: &dyn Connector, spec: &StreamSpec) {
    let keys = ["1", "2", "3", "not a number"].map(|key| RowKey(key.into()));
    for _ in 0..2 {
        let found = connector
            .read_keys(spec, &keys, Mirror::default().context())
            .await
            .unwrap();
        let gone: Vec<&str> = found
            .changes
            .iter()
            .filter(|change| matches!(change, RowChange::Delete { .. }))
            .map(|change| change.key().as_str())
            .collect();
        assert_eq!(gone, ["2", "not a number"]);
    }
}
