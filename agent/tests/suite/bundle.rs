//! `fluxion-agent support-bundle` with a real agent: what is in it, what is not, and that damage does not hinder it.

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::cloud::{Cloud, TOKEN};
use crate::secrets::{RIGHT, Store, WEBHOOK, WRONG};

/// Cells of the POS, as the store's table, the event and the rejected event hold them.
const CELLS: &[&str] = &[
    "Trujillo",
    "R-4417-Q",
    "añejo",
    "40417.25",
    "tres cincuenta",
];

/// Makes a bundle and returns its parts by name.
fn bundle(store: &Store, lang: &str) -> BTreeMap<String, String> {
    let (said, done) = store.says(&["support-bundle", "--output", "b.zip", "--lang", lang], "");
    assert!(done, "{said}");
    assert!(
        said.contains("b.zip") && said.contains("configuration.toml"),
        "{said}"
    );
    let file = std::fs::File::open(store.path("b.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut parts = BTreeMap::new();
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        parts.insert(part.name().unwrap().into_owned(), text);
    }
    for (name, text) in &parts {
        for secret in [RIGHT, WRONG, WEBHOOK, TOKEN] {
            assert!(!text.contains(secret), "{name} holds {secret}: {text}");
        }
        for cell in CELLS {
            assert!(!text.contains(cell), "{name} holds the cell {cell}: {text}");
        }
    }
    parts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_tells_how_the_store_is_and_neither_secrets_nor_rows() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    store.keep_secrets();
    let _process = store.run();
    cloud
        .until("the row of the POS is there", |inner| {
            inner.model.records.len() == 1
        })
        .await;
    store
        .state("the listener is there", |state| {
            state["streams"][1]["phase"].is_string()
        })
        .await;
    assert_eq!(store.call(WEBHOOK).await, 200);
    assert_eq!(
        store.call_with(WEBHOOK, "evt_2", "tres cincuenta").await,
        200
    );
    cloud
        .until("the reject is there", |inner| {
            inner.model.rejects.len() == 1
        })
        .await;
    store.write("data/logs/crash-1.txt", &format!("panicked: PWD={RIGHT};"));
    let parts = bundle(&store, "en");
    let part = |name: &str| {
        parts
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {parts:?}"))
    };
    assert!(part("README.txt").contains("PAQUETE DE SOPORTE"));
    assert!(part("doctor.txt").contains("caja/items: can be read"));
    assert!(part("configuration.toml").contains("currency = \"VES\""));
    assert!(part("state/state.json").contains("\"items\""));
    assert!(part("spool.txt").contains("caja/items: 1 rows, 0 set aside"));
    assert!(
        part("spool.txt").contains("set aside, avisos/products price.amount by rule"),
        "{}",
        part("spool.txt")
    );
    assert!(part("machine.txt").contains("an agent is at work there: true"));
    assert!(part("machine.txt").contains("names of kept secrets: avisos, caja"));
    assert_eq!(part("crashes/crash-1.txt"), "panicked: PWD=***;");
    let log = parts
        .iter()
        .find(|(name, _)| name.starts_with("logs/"))
        .unwrap();
    assert!(log.1.contains("the agent starts"), "{}", log.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_made_of_what_is_left_when_everything_is_damaged() {
    let (_cloud, server) = Cloud::start().await;
    let store = Store::new(&server);
    store.says(&["secret", "set", "caja"], RIGHT);
    store.write(
        "data/spool.db",
        "this is no database, whatever its name says",
    );
    store.write("data/secrets.json", "{ half");
    store.write(
        "fluxion-agent.toml",
        &format!("server = \ndata_dir = \"data\"\n[[pos]\npassword = \"{WRONG}\nurl = \"https://ana:{WEBHOOK}@pos\"\n"),
    );
    std::fs::create_dir_all(store.path("data/logs")).unwrap();
    store.write(
        "data/logs/fluxion-agent.2026-01-01.log",
        &format!("tried {WRONG} at the till\n"),
    );
    let parts = bundle(&store, "es");
    assert!(parts["doctor.txt"].contains("La configuración no se puede usar"));
    assert!(parts["configuration.toml"].contains("https://ana:***@pos"));
    assert!(
        parts["spool.txt"].contains("cannot be"),
        "{}",
        parts["spool.txt"]
    );
    let log = &parts["logs/fluxion-agent.2026-01-01.log"];
    assert_eq!(log, "tried *** at the till\n");
}
