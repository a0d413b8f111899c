//! The API's description is what the dashboard's client is generated from and what partners read.

use fluxion_ingest::routes;
use serde_json::Value;

use super::cloud::operations;

#[test]
fn the_committed_description_is_that_of_this_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == routes::openapi_json().unwrap(),
        "run `cargo run -p fluxion-ingest -- openapi > ingest/openapi.json`, then `npm run generate` in dashboard/"
    );
}

#[test]
fn every_operation_says_what_it_is_for_and_where_it_belongs() {
    for (method, path, operation) in operations() {
        let text = operation["summary"]
            .as_str()
            .or(operation["description"].as_str());
        assert!(
            text.is_some_and(|text| !text.is_empty()),
            "{method} {path} has no summary"
        );
        assert!(
            operation["tags"]
                .as_array()
                .is_some_and(|tags| tags.len() == 1),
            "{method} {path} has no tag"
        );
    }
}

#[test]
fn amounts_travel_as_text() {
    let document: Value = serde_json::from_str(&routes::openapi_json().unwrap()).unwrap();
    let schemas = &document["components"]["schemas"];
    for (schema, field) in [
        ("Price", "amount"),
        ("StockLevel", "on_hand"),
        ("ProductView", "on_hand"),
        ("Sale", "total"),
    ] {
        assert_eq!(
            schemas[schema]["properties"][field]["type"], "string",
            "{schema}.{field}"
        );
    }
}
