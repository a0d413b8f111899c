//! Agent and cloud as they are shipped, three live stores, power cuts; in the end both sides agree in every record.
//!
//! The programs must have been built: `cargo build --workspace`, or `cargo xtask test`, which does it first.

use fluxion_tests::demo::{Options, run};

fn small(folder: &tempfile::TempDir, seed: u64) -> Options {
    Options {
        check: true,
        postgres: false,
        kill: false,
        data_dir: folder.path().join("chaos"),
        port: 0,
        seconds: 20,
        seed,
        products: 600,
        sales: 1_500,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_stores_and_the_cloud_agree_after_power_cuts_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        run(Options {
            kill: true,
            ..small(&folder, 7)
        })
        .await
        .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_stores_and_the_cloud_agree_after_power_cuts_on_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        run(Options {
            kill: true,
            postgres: true,
            ..small(&folder, 8)
        })
        .await
        .unwrap()
    );
}
