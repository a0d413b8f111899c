//! When a file is taken, and what becomes of it.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use fluxion_connectors::{
    BatchLimit, Connector, ConnectorKind, Next, Remedy, Settled, StartAt, registry,
};
use serde_json::json;

use super::{Folder, follow, products};
use crate::mirror::{Mirror, Step};

const TEN: &str = "code,name\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n7,g\n8,h\n9,i\n10,j\n";

fn pairs() -> BatchLimit {
    BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    }
}

/// Asks until something comes.
async fn batch(mirror: &mut Mirror, stream: &mut dyn fluxion_connectors::ChangeStream) {
    for _ in 0..100 {
        if mirror.step(stream, pairs()).await.unwrap() == Step::Batch {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no batch came");
}

#[tokio::test]
async fn a_file_that_is_still_being_written_waits() {
    let folder = Folder::new();
    let connector = folder.connector_with(json!({"settle_seconds": 0.4}));
    let mut file = fs::File::create(folder.path().join("productos.csv")).unwrap();
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&products(json!({})), StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    writeln!(file, "code,name").unwrap();
    for code in 0..6 {
        writeln!(file, "{code},x").unwrap();
        file.flush().unwrap();
        assert_eq!(
            mirror
                .step(stream.as_mut(), BatchLimit::default())
                .await
                .unwrap(),
            Step::Rest
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(file);
    drop(stream);
    follow(
        &mut mirror,
        folder.connector().as_ref(),
        &products(json!({})),
    )
    .await
    .unwrap();
    assert_eq!(mirror.rows.len(), 6);
    assert_eq!(folder.names("processed"), ["productos.csv"]);
    assert!(folder.names("").is_empty());
}

#[tokio::test]
async fn a_done_marker_says_when_a_file_is_complete_and_goes_with_it() {
    let folder = Folder::new();
    let spec = products(json!({"done_marker": ".done"}));
    folder.write("productos.csv", TEN);
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref(), &spec)
        .await
        .unwrap();
    assert!(mirror.rows.is_empty());
    folder.write("productos.csv.done", "");
    follow(&mut mirror, folder.connector().as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 10);
    assert!(folder.names("").is_empty());
}

#[tokio::test]
async fn the_same_content_is_never_processed_twice() {
    let folder = Folder::new();
    let mut mirror = Mirror::default();
    let connector = folder.connector();
    for name in ["productos1.csv", "productos2.csv", "productos1.csv"] {
        folder.write(name, TEN);
        follow(&mut mirror, connector.as_ref(), &products(json!({})))
            .await
            .unwrap();
    }
    assert_eq!(mirror.delivered, 10);
    let names = folder.names("processed");
    assert_eq!(
        names.iter().filter(|name| !name.contains("report")).count(),
        3,
        "nothing was overwritten: {names:?}"
    );
    assert_eq!(
        names.iter().filter(|name| name.contains("report")).count(),
        2,
        "each copy is remarked on: {names:?}"
    );
}

#[tokio::test]
async fn a_stream_that_is_killed_in_the_middle_of_a_file_goes_on_where_it_was() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    for _ in 0..5 {
        let mut stream = connector
            .open(&products(json!({})), mirror.start(), mirror.context())
            .await
            .unwrap();
        batch(&mut mirror, stream.as_mut()).await;
    }
    assert_eq!((mirror.rows.len(), mirror.delivered), (10, 10));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_read_anew() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&products(json!({})), mirror.start(), mirror.context())
        .await
        .unwrap();
    batch(&mut mirror, stream.as_mut()).await;
    folder.write("productos.csv", TEN.replace("1,a", "1,changed"));
    drop(stream);
    follow(&mut mirror, connector.as_ref(), &products(json!({})))
        .await
        .unwrap();
    assert_eq!(mirror.cell("1", "name"), "changed");
    assert_eq!(mirror.rows.len(), 10);
}

#[tokio::test]
async fn a_kill_between_the_commit_and_the_move_processes_nothing_twice() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&products(json!({})), mirror.start(), mirror.context())
        .await
        .unwrap();
    loop {
        match stream.next(BatchLimit::default()).await.unwrap() {
            Next::Batch(batch) => break mirror.commit(batch),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    drop(stream);
    assert_eq!(folder.names(""), ["productos.csv"]);
    follow(&mut mirror, connector.as_ref(), &products(json!({})))
        .await
        .unwrap();
    assert_eq!(mirror.delivered, 10);
    assert_eq!(
        folder.names("processed"),
        ["productos.csv", "productos.csv.report.txt"]
    );
}

#[tokio::test]
async fn a_full_export_that_was_committed_but_not_swept_is_still_swept_after_a_kill() {
    let folder = Folder::new();
    let spec = products(json!({"content": "everything"}));
    let connector = folder.connector();
    folder.write("productos1.csv", TEN);
    let mut mirror = Mirror::default();
    follow(&mut mirror, connector.as_ref(), &spec)
        .await
        .unwrap();
    folder.write("productos2.csv", "code,name\n1,a\n2,b\n");
    let mut stream = connector
        .open(&spec, mirror.start(), mirror.context())
        .await
        .unwrap();
    while mirror.delivered == 10 {
        mirror
            .step(stream.as_mut(), BatchLimit::default())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(mirror.rows.len(), 10);
    drop(stream);
    follow(&mut mirror, connector.as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(mirror.keys(), ["1", "2"]);
}

#[tokio::test]
async fn an_empty_or_damaged_full_export_removes_nothing_and_says_so() {
    let folder = Folder::new();
    let spec = products(json!({"content": "everything"}));
    let connector = folder.connector();
    folder.write("productos1.csv", TEN);
    let mut mirror = Mirror::default();
    follow(&mut mirror, connector.as_ref(), &spec)
        .await
        .unwrap();
    folder.write("productos2.csv", "code,name\n");
    follow(&mut mirror, connector.as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 10);
    assert!(
        mirror.unreadable[0].message.contains("holds no row"),
        "{:?}",
        mirror.unreadable
    );
    folder.write("productos3.csv", "code,name\n1,a\n2,b,c\n");
    follow(&mut mirror, connector.as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 10);
}

#[tokio::test]
async fn files_that_cannot_be_read_end_in_failed_with_a_reason() {
    for (name, content, reason) in [
        (
            "productos.xlsx",
            b"PK\x03\x04 cut off".to_vec(),
            "no workbook",
        ),
        (
            "productos.csv",
            b"code,name\n1,a\n\0\0\0\0".to_vec(),
            "zero bytes",
        ),
        ("productos.csv", Vec::new(), "empty"),
        ("productos.csv", b"\n\n".to_vec(), "no header"),
    ] {
        let folder = Folder::new();
        folder.write(name, content);
        let mut mirror = Mirror::default();
        follow(
            &mut mirror,
            folder.connector().as_ref(),
            &products(json!({})),
        )
        .await
        .unwrap();
        let report = folder.report("failed");
        assert!(report.contains(reason), "{report}");
        assert!(mirror.unreadable[0].message.contains(reason));
        assert!(folder.names("").is_empty() && mirror.rows.is_empty());
    }
}

#[tokio::test]
async fn rows_that_the_mapping_rejects_stand_in_the_report() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&products(json!({})), mirror.start(), mirror.context())
        .await
        .unwrap();
    loop {
        match stream.next(BatchLimit::default()).await.unwrap() {
            Next::Batch(batch) => break mirror.commit(batch),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    let problem = fluxion_connectors::RowProblem {
        position: Some(3),
        field: Some("price (precio)".into()),
        raw: Some("abc".into()),
        message: "is not a number".into(),
    };
    stream
        .settled(Settled {
            problems: &[problem],
        })
        .await
        .unwrap();
    let report = folder.report("processed");
    assert!(
        report.contains("Row 3, price (precio): \"abc\"") && report.contains("is not a number"),
        "{report}"
    );
}

#[tokio::test]
async fn a_folder_that_refuses_the_move_is_told_and_nothing_is_processed_twice() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    // A file stands where the folder should be: this stops even an administrator.
    folder.write("processed", "");
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    for _ in 0..2 {
        let error = follow(&mut mirror, connector.as_ref(), &products(json!({})))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.remedy,
                Remedy::AskOperator {
                    code: "folder_not_writable",
                    ..
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(mirror.delivered, 10);
    fs::remove_file(folder.path().join("processed")).unwrap();
    follow(&mut mirror, connector.as_ref(), &products(json!({})))
        .await
        .unwrap();
    assert_eq!(mirror.delivered, 10);
    assert!(
        folder
            .names("processed")
            .contains(&"productos.csv".to_owned())
    );
}

#[tokio::test]
async fn a_folder_that_must_not_be_changed_is_read_once_and_left_alone() {
    let folder = Folder::new();
    folder.write("productos.csv", TEN);
    let mut mirror = Mirror::default();
    for _ in 0..2 {
        let connector = folder.connector_with(json!({"after_reading": "leave"}));
        follow(&mut mirror, connector.as_ref(), &products(json!({})))
            .await
            .unwrap();
    }
    assert_eq!(mirror.delivered, 10);
    assert_eq!(folder.names(""), ["productos.csv"]);
}

#[tokio::test]
async fn files_are_taken_oldest_first_so_that_the_newest_wins() {
    let folder = Folder::new();
    folder.write("productos_b.csv", "code,name\n1,old\n");
    tokio::time::sleep(Duration::from_millis(30)).await;
    folder.write("productos_a.csv", "code,name\n1,new\n");
    let mut mirror = Mirror::default();
    follow(
        &mut mirror,
        folder.connector().as_ref(),
        &products(json!({})),
    )
    .await
    .unwrap();
    assert_eq!(mirror.cell("1", "name"), "new");
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let settings = json!({"folder": "/no/such/folder"});
    let connector: Box<dyn Connector> = registry::build(ConnectorKind::Files, &settings).unwrap();
    let error = connector.probe().await.unwrap_err();
    assert!(error.hint().unwrap().contains("/no/such/folder"));
}
