//! Telling a POS by its tables.

use crate::recognise::{Match, needs, recognise};
use crate::{Mapping, packs};

type Tables = Vec<(String, Vec<String>)>;

/// A database that has exactly what a pack needs.
fn database_of(pack: &str, settings: &[(&str, &str)]) -> Tables {
    let pack = packs::find(pack).unwrap();
    let paste = |text: &str| {
        let defaults = pack.settings.iter().filter_map(|(name, setting)| {
            Some((name.as_str(), setting.default.as_ref()?.to_string()))
        });
        let given = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        given
            .chain(defaults)
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), &value)
            })
    };
    needs(&pack)
        .iter()
        .map(|need| {
            let (table, columns) = paste(need)
                .split_once(": ")
                .map(|(table, columns)| (table.to_owned(), columns.to_owned()))
                .unwrap();
            (table, columns.split(", ").map(str::to_owned).collect())
        })
        .collect()
}

fn matches(tables: &Tables) -> Vec<Match> {
    recognise(tables)
}

/// Packs that read a database.
fn of_databases() -> Vec<(&'static str, Mapping)> {
    packs::names()
        .into_iter()
        .map(|name| (name, packs::find(name).unwrap()))
        .filter(|(_, pack)| pack.connector != "files" && pack.needs.is_empty())
        .collect()
}

#[test]
fn every_pack_recognises_its_own_database_before_any_other() {
    for (name, pack) in of_databases() {
        let found = matches(&database_of(name, &[]));
        let best = found
            .first()
            .unwrap_or_else(|| panic!("{name} is not recognised"));
        let own = found.iter().find(|found| found.pack == name).unwrap();
        assert!(own.fits() && own.score == 100, "{name}: {own:?}");
        // Packs for the same tables on another database are told apart by the connector.
        assert_eq!(
            packs::find(best.pack).unwrap().system,
            pack.system,
            "{name}"
        );
        assert_eq!(
            own.streams.len(),
            pack.streams.len(),
            "{name}: {:?}",
            own.left_out
        );
        assert!(
            own.settings.values().all(|values| values.len() == 1),
            "{name}"
        );
    }
}

#[test]
fn no_pack_takes_the_database_of_another_system_for_its_own() {
    for (name, pack) in of_databases() {
        for found in matches(&database_of(name, &[])) {
            let other = packs::find(found.pack).unwrap();
            assert!(
                other.system == pack.system || !found.fits(),
                "{name} was taken for {}",
                found.pack
            );
        }
    }
    assert_eq!(recognise(&[]), []);
    assert_eq!(
        recognise(&[("users".to_owned(), vec!["id".to_owned()])]),
        []
    );
}

#[test]
fn names_of_tables_propose_settings() {
    let mut tables = database_of("aspel-sae", &[("company", "07")]);
    // A second company that is not all there.
    tables.push(("INVE01".to_owned(), vec!["CVE_ART".to_owned()]));
    let found = matches(&tables);
    assert_eq!(found[0].settings["company"], ["07"]);
    assert!(found[0].fits());

    let mut tables = database_of("aspel-sae", &[("company", "02")]);
    tables.extend(database_of("aspel-sae", &[("company", "01")]));
    assert_eq!(matches(&tables)[0].settings["company"], ["01", "02"]);

    let tables = database_of("stellar", &[("pos_database", "VAD20tienda3")]);
    let found = matches(&tables);
    let stellar = found.iter().find(|found| found.pack == "stellar").unwrap();
    assert_eq!(stellar.settings["pos_database"], ["vad20tienda3"]);
}

#[test]
fn what_is_missing_is_named_and_what_is_not_essential_is_left_out() {
    let mut tables = database_of("profit-plus", &[]);
    tables.retain(|(table, _)| table != "saProveedor" && table != "dbo.saProveedor");
    let article = tables
        .iter_mut()
        .find(|(table, _)| table.ends_with("saFacturaVenta"))
        .unwrap();
    article.1.retain(|column| column != "anulado");
    let found = matches(&tables);
    let profit = found
        .iter()
        .find(|found| found.pack == "profit-plus")
        .unwrap();
    assert!(!profit.fits() && profit.score < 100 && profit.score > 90);
    assert_eq!(profit.missing[0].table, "saFacturaVenta");
    assert_eq!(profit.missing[0].columns, ["anulado"]);
    let left_out: Vec<&str> = profit
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(left_out, ["suppliers"]);
}

#[test]
fn case_schema_and_quotes_of_names_do_not_matter() {
    let tables: Tables = database_of("saint", &[])
        .into_iter()
        .map(|(table, columns)| {
            let bare = table.rsplit('.').next().unwrap().to_lowercase();
            let columns = columns
                .iter()
                .map(|column| format!("\"{}\"", column.to_uppercase()));
            (format!("[dbo].[{bare}]"), columns.collect())
        })
        .collect();
    let found = matches(&tables);
    assert!(
        found[0].pack == "saint" && found[0].fits(),
        "{:?}",
        found[0].missing
    );
}
