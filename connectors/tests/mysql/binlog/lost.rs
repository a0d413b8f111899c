//! Logs that end, change under the reader, or cannot be followed at all.

use std::time::Duration;

use fluxion_connectors::{Allowed, Connector, ConnectorKind, Remedy, registry};
use fluxion_model::stream::{Capture, StreamSpec};

use super::super::Database;
use super::{
    Following, PRODUCTS, causes, connector_of, hang_up, products, server, settings_of, without_ids,
};

#[tokio::test]
async fn a_purged_log_is_noticed_and_read_anew() {
    let server = server(&[]);
    server.query("pos", PRODUCTS).unwrap();
    for by_position in [false, true] {
        let mut following = Following::begin(connector_of(&server, "pos"), products()).await;
        following.settle().await;
        if by_position {
            following.mirror.cursor = following.mirror.cursor.take().map(without_ids);
        }
        server
            .query("pos", "UPDATE items SET price = price + 1; FLUSH BINARY LOGS; UPDATE items SET price = price + 1; FLUSH BINARY LOGS")
            .unwrap();
        let files = server.query("", "SHOW BINARY LOGS").unwrap();
        let last = files
            .lines()
            .last()
            .unwrap()
            .split('\t')
            .next()
            .unwrap()
            .to_owned();
        drop(following.stream);
        hang_up(&server).await;
        // It keeps files that the engine has not confirmed yet.
        while !server
            .query("", "SHOW BINARY LOGS")
            .unwrap()
            .starts_with(&last)
        {
            server
                .query("", &format!("PURGE BINARY LOGS TO '{last}'"))
                .unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        following.stream = following
            .connector
            .open(
                &following.spec,
                following.mirror.start(),
                following.mirror.context(),
            )
            .await
            .unwrap();
        let error = following.failure().await;
        assert_eq!(error.remedy, Remedy::Resnapshot, "{}", causes(&error));
        assert!(causes(&error).contains("no longer"), "{}", causes(&error));
    }
}

#[tokio::test]
async fn a_log_that_was_begun_anew_is_noticed_even_when_it_has_the_same_names() {
    let server = server(&[]);
    server.query("pos", PRODUCTS).unwrap();
    for by_position in [false, true] {
        let mut following = Following::begin(connector_of(&server, "pos"), products()).await;
        server
            .query("pos", "UPDATE items SET price = price + 1")
            .unwrap();
        following.settle().await;
        if by_position {
            following.mirror.cursor = following.mirror.cursor.take().map(without_ids);
        }
        drop(following.stream);
        hang_up(&server).await;
        // The first file of a new log is told from the old one by the second it was begun in.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        server.query("", "RESET MASTER").unwrap();
        for _ in 0..30 {
            server
                .query("pos", "UPDATE items SET price = price + 1")
                .unwrap();
        }
        following.stream = following
            .connector
            .open(
                &following.spec,
                following.mirror.start(),
                following.mirror.context(),
            )
            .await
            .unwrap();
        let error = following.failure().await;
        assert_eq!(error.remedy, Remedy::Resnapshot, "{}", causes(&error));
    }
}

#[tokio::test]
async fn a_table_that_was_altered_is_followed_on_by_its_new_columns() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    database.run("UPDATE items SET price = 5 WHERE code = '1'");
    following.until_cell("1", "price", "5.00").await;
    // In the same second as the columns were asked for, an altered table cannot be told from one altered before.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    database.run(
        "ALTER TABLE items ADD COLUMN brand VARCHAR(20) FIRST, ADD COLUMN shelf INT AFTER code",
    );
    database.run("UPDATE items SET price = 6 WHERE code = '1'; INSERT INTO items VALUES ('b', '9', 1, 'new', 1)");
    following.until_cell("1", "price", "6.00").await;
    following
        .until("9 comes", |mirror| mirror.rows.contains_key("9"))
        .await;
}

#[tokio::test]
async fn a_table_altered_while_the_agent_was_away_is_followed_or_read_anew_but_never_misread() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    following.settle().await;
    drop(following.stream);
    // The columns change places: `name` now stands where `code` stood, with the same type.
    database.run("UPDATE items SET price = 5 WHERE code = '1'");
    database.run("ALTER TABLE items MODIFY name VARCHAR(40) FIRST; UPDATE items SET price = 6 WHERE code = '2'");
    following.stream = following
        .connector
        .open(
            &following.spec,
            following.mirror.start(),
            following.mirror.context(),
        )
        .await
        .unwrap();
    let error = following.failure().await;
    assert_eq!(error.remedy, Remedy::Resnapshot, "{}", causes(&error));
    assert!(causes(&error).contains("altered"), "{}", causes(&error));
}

#[tokio::test]
async fn names_in_the_log_serve_where_the_server_writes_them() {
    let server = server(&["--binlog-row-metadata=FULL", "--binlog-row-image=NOBLOB"]);
    server.query("pos", PRODUCTS).unwrap();
    let mut following = Following::begin(connector_of(&server, "pos"), products()).await;
    following.settle().await;
    server
        .query("pos", "UPDATE items SET price = 5 WHERE code = '1'; ALTER TABLE items MODIFY name VARCHAR(40) FIRST; UPDATE items SET price = 6 WHERE code = '2'")
        .unwrap();
    following.restart().await;
    following.until_cell("1", "price", "5.00").await;
    following.until_cell("2", "price", "6.00").await;
}

#[tokio::test]
async fn a_table_that_was_emptied_or_swapped_is_read_anew() {
    let database = Database::with(PRODUCTS);
    for statement in [
        "TRUNCATE TABLE items",
        "CREATE TABLE items_new LIKE items; RENAME TABLE items TO items_old, items_new TO items",
    ] {
        let mut following = Following::of(&database, products()).await;
        database.run(statement);
        let error = following.failure().await;
        assert_eq!(
            error.remedy,
            Remedy::Resnapshot,
            "{statement}: {}",
            causes(&error)
        );
    }
}

#[tokio::test]
async fn a_change_logged_as_a_statement_is_noticed_and_says_what_to_set() {
    let database = Database::with(PRODUCTS);
    let mut following = Following::of(&database, products()).await;
    database
        .run("SET SESSION binlog_format = STATEMENT; UPDATE items SET price = 8 WHERE code = '3'");
    let error = following.failure().await;
    assert_eq!(error.remedy, Remedy::Resnapshot);
    assert!(
        causes(&error).contains("binlog_format=ROW"),
        "{}",
        causes(&error)
    );
}

#[tokio::test]
async fn a_log_that_cannot_be_followed_is_refused_with_what_to_do() {
    let row = server(&[]);
    row.query("pos", PRODUCTS).unwrap();
    let allows = |connector: Box<dyn Connector>, spec: StreamSpec| async move {
        connector.allows(&spec, &Capture::Log).await.unwrap()
    };
    assert_eq!(
        allows(connector_of(&row, "pos"), products()).await,
        Allowed::Yes
    );
    let said = |allowed: Allowed| match allowed {
        Allowed::Yes => panic!("must be refused"),
        Allowed::No { why } => why,
    };

    row.query(
        "",
        "CREATE USER poor@'%' IDENTIFIED BY 'x'; GRANT SELECT ON pos.* TO poor@'%'",
    )
    .unwrap();
    let mut settings = settings_of(&row, "pos");
    settings["user"] = "poor".into();
    settings["password"] = "x".into();
    let poor = registry::build(ConnectorKind::Mysql, &settings).unwrap();
    let why = said(allows(poor, products()).await);
    assert!(
        why.en
            .contains("GRANT REPLICATION SLAVE, REPLICATION CLIENT")
            && why.es.contains("GRANT"),
        "{why:?}"
    );
    row.query("", "GRANT REPLICATION CLIENT ON *.* TO poor@'%'")
        .unwrap();
    let poor = registry::build(ConnectorKind::Mysql, &settings).unwrap();
    assert!(
        said(allows(poor, products()).await)
            .en
            .contains("REPLICATION SLAVE")
    );
    row.query("", "GRANT REPLICATION SLAVE ON *.* TO poor@'%'")
        .unwrap();
    let poor = registry::build(ConnectorKind::Mysql, &settings).unwrap();
    assert_eq!(allows(poor, products()).await, Allowed::Yes);

    let mut nowhere = products();
    nowhere.changes[0].key = vec!["sku".to_owned()];
    assert!(
        said(allows(connector_of(&row, "pos"), nowhere).await)
            .en
            .contains("sku")
    );
    let mut silent = products();
    silent.changes.clear();
    assert!(
        said(allows(connector_of(&row, "pos"), silent).await)
            .es
            .contains("changes")
    );

    for (option, word) in [
        ("--skip-log-bin", "log_bin"),
        ("--binlog-format=MIXED", "binlog_format=ROW"),
        ("--binlog-row-image=MINIMAL", "binlog_row_image=FULL"),
        ("--log-bin-compress=ON", "log_bin_compress=OFF"),
    ] {
        let other = server(&[option]);
        other.query("pos", PRODUCTS).unwrap();
        let connector = connector_of(&other, "pos");
        let findings = connector.probe().await.unwrap().findings;
        let remedies: Vec<_> = findings
            .into_iter()
            .filter_map(|finding| finding.remedy)
            .collect();
        assert!(
            remedies
                .iter()
                .any(|remedy| remedy.en.contains(word) && remedy.es.contains(word)),
            "{remedies:?}"
        );
        assert!(said(allows(connector, products()).await).en.contains(word));
    }
}
