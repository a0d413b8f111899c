//! Settings that are part of a name: `INVE{company}` reads the table `INVE01`.
//!
//! Databases bind values, never names, so these are pasted into the statement. What may be pasted is checked letter by
//! letter, and nothing in it can end a name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fluxion_model::stream::{Capture, QuerySource, Source};
use fluxion_model::value::Value;

use crate::document::{Mapping, SettingKind, Stream};

/// Whether the text can be pasted into a statement as part of a name.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
}

/// The stream with every name as it is at this store.
pub(crate) fn named<'a>(
    mapping: &Mapping,
    stream: &'a Stream,
    settings: &BTreeMap<String, Value>,
) -> Cow<'a, Stream> {
    let names = names(mapping, settings);
    if names.is_empty() {
        return Cow::Borrowed(stream);
    }
    let mut stream = stream.clone();
    paste_into_stream(&mut stream, &|text| paste(&names, text));
    Cow::Owned(stream)
}

/// The query with every name as it is at this store.
pub(crate) fn named_query(
    mapping: &Mapping,
    query: &QuerySource,
    settings: &BTreeMap<String, Value>,
) -> QuerySource {
    let names = names(mapping, settings);
    let mut query = query.clone();
    paste_into_query(&mut query, &|text| paste(&names, text));
    query
}

/// Placeholders with what stands for them.
fn names(mapping: &Mapping, settings: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    mapping
        .settings
        .iter()
        .filter(|(_, setting)| setting.kind == SettingKind::Name)
        .filter_map(|(name, _)| Some((format!("{{{name}}}"), settings.get(name)?.to_string())))
        .collect()
}

fn paste(names: &[(String, String)], text: &mut String) {
    for (placeholder, name) in names {
        if text.contains(placeholder.as_str()) {
            *text = text.replace(placeholder.as_str(), name);
        }
    }
}

fn paste_into_stream(stream: &mut Stream, paste: &dyn Fn(&mut String)) {
    match &mut stream.source {
        Source::Query(query) => paste_into_query(query, paste),
        Source::Table(table) => paste(&mut table.name),
        Source::Files(files) => paste(&mut files.pattern),
        Source::Http(http) => paste(&mut http.path),
        Source::Event(_) => {}
    }
    for child in &mut stream.children {
        if let Some(query) = &mut child.query {
            paste_into_query(query, paste);
        }
        if let Some(table) = &mut child.table {
            paste(&mut table.name);
        }
    }
    for capture in std::iter::once(&mut stream.capture).chain(&mut stream.fallback) {
        if let Capture::Watermark { columns, .. } = capture {
            columns.iter_mut().for_each(paste);
        }
    }
    for changed in &mut stream.changes {
        paste(&mut changed.table);
    }
}

fn paste_into_query(query: &mut QuerySource, paste: &dyn Fn(&mut String)) {
    query.columns.values_mut().for_each(paste);
    paste(&mut query.from);
    if let Some(filter) = &mut query.filter {
        paste(filter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Scalar;
    use crate::{Context, Rules};

    const MAPPING: &str = r#"
        name = "m"
        version = 1
        system = "s"
        connector = "mysql"
        [settings.company]
        type = "name"
        default = "01"
        [[streams]]
        name = "products"
        key = ["code"]
        capture = { strategy = "log" }
        fallback = [{ strategy = "watermark", columns = ["INVE{company}.V"] }]
        changes = [{ table = "INVE{company}", key = ["CVE_ART"] }]
        [streams.source.query]
        from = "INVE{company}"
        columns = { code = "INVE{company}.CVE_ART" }
        [[streams.records]]
        entity = "category"
        fields = { id = "code", name = "code" }
    "#;

    fn context(company: &str) -> Result<Context, crate::MappingError> {
        let mapping = Mapping::from_toml(MAPPING).unwrap();
        let given = BTreeMap::from([("company".to_owned(), Scalar::Text(company.to_owned()))]);
        Context::new(
            &mapping,
            chrono_tz::UTC,
            "MXN".parse().unwrap(),
            None,
            &given,
        )
    }

    #[test]
    fn a_name_becomes_part_of_tables_columns_marks_and_changes() {
        let mapping = Mapping::from_toml(MAPPING).unwrap();
        let rules = Rules::compile(&mapping, &context("07").unwrap()).unwrap();
        let spec = rules.streams().next().unwrap().spec();
        let text = serde_json::to_string(spec).unwrap();
        assert!(!text.contains("{company}"), "{text}");
        assert_eq!(text.matches("INVE07").count(), 4, "{text}");
    }

    #[test]
    fn nothing_that_could_end_a_name_is_taken_for_one() {
        for text in ["", "01; DROP", "a.b", "x'", "a b", "a-b", "[x", "`x"] {
            let error = context(text).unwrap_err().to_string();
            assert!(error.contains("part of a name"), "{text:?}: {error}");
        }
        assert!(context("VAD20paladar").is_ok());
    }
}
