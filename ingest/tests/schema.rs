//! The two schemas are twins, and several ingests may start at the same moment.

use crate::chain::Chain;

on_both_engines!(
    several_ingests_may_migrate_one_database_at_the_same_moment,
    it_answers_and_says_what_it_is
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables_columns_and_nullability() {
    let (sqlite, postgres) = (Chain::on_sqlite().await, Chain::on_postgres().await);
    let (sqlite, postgres) = (sqlite.columns().await, postgres.columns().await);
    assert!(sqlite.len() > 200, "{}", sqlite.len());
    assert_eq!(sqlite, postgres);
}

#[test]
fn migrations_are_paired_by_number_and_name_and_all_are_listed() {
    let folder = |engine: &str| {
        let folder = format!("{}/../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let listed = |list: &[(i64, &str, &str)]| -> Vec<String> {
        list.iter()
            .map(|(version, name, _)| format!("{version:04}_{name}.sql"))
            .collect()
    };
    assert_eq!(folder("sqlite"), folder("postgres"));
    assert_eq!(
        folder("sqlite"),
        listed(fluxion_ingest::database::sqlite::MIGRATIONS)
    );
    assert_eq!(
        folder("postgres"),
        listed(fluxion_ingest::database::postgres::MIGRATIONS)
    );
}

async fn several_ingests_may_migrate_one_database_at_the_same_moment(chain: Chain) {
    let again = (0..4).map(|_| fluxion_ingest::database::open(&chain.url));
    for opened in futures::future::join_all(again).await {
        opened.unwrap().close().await;
    }
}

async fn it_answers_and_says_what_it_is(chain: Chain) {
    chain.database.ready().await.unwrap();
    assert!(chain.url.starts_with(chain.database.engine_name()));
    chain.database.close().await;
    assert!(chain.database.ready().await.is_err());
}
