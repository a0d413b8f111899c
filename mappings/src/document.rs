//! The mapping document as people write it: TOML in packs, JSON in the API, one schema for both.
//!
//! These are plain data. Nothing here knows how a field is computed; [`crate::Rules`] compiles the document, and an
//! error there names the place in the document.

use std::collections::BTreeMap;

use fluxion_model::entity::EntityKind;
use fluxion_model::id::StreamName;
use fluxion_model::stream::{Capture, ChangedTable, ChildSpec, QuerySource, Source, StreamSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::business::{RuleAction, RuleName};
use crate::error::MappingError;
use crate::field_document::{Condition, Field};
use crate::scalar::{Number, Scalar};

/// A mapping: which streams a POS system has, and what their rows mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name: that of the pack, or one of your own.
    pub name: String,
    /// Grows by one with every change. Every record carries the version that made it.
    pub version: u32,
    /// The kind of POS: `systimax`, `stellar`, `export`, `custom`.
    pub system: String,
    /// Which connector reads it: `mysql` or `files`.
    pub connector: String,
    /// What it reads and what to know about it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What must be there for it to work, for people, where its streams do not say it already: files, a module, a version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// How sure we are that it fits real installations, and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certainty: String,
    /// What tells this system apart, for discovery. The tables that its streams read say most of it by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognise: Option<Recognise>,
    /// Questions to the POS that tell whether the mapping reads it rightly; asked at setup, not while it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What a POS system's configuration may or must give, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
    /// Business rules that differ from those of the country.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<RuleName, RuleChange>,
    /// What is read and what it becomes.
    pub streams: Vec<Stream>,
}

/// What discovery must know beyond the tables that the streams read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recognise {
    /// The streams without which the pack makes no sense. The others are left out where their tables are missing. All of
    /// them when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub essential: Vec<StreamName>,
    /// Tables that no stream reads and that tell the system apart from others with similar tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<RecognisedTable>,
    /// Tables that say it is another system, or another version of this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// A question to the POS whose answer tells whether the mapping reads it rightly: two ways to the same figure, which
/// must agree row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name within the mapping.
    pub name: StreamName,
    /// What it means when they do not agree, and what to do, in Spanish and English.
    pub about: About,
    /// What to read.
    pub query: QuerySource,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The two columns that must hold the same number.
    pub equal: [String; 2],
    /// How far apart they may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Number>,
}

/// A text for people, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// In Spanish.
    pub es: String,
    /// In English.
    pub en: String,
}

/// A table that tells a system apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecognisedTable {
    /// Its name, as a stream would write it.
    pub table: String,
    /// Columns that it must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// Something that differs between installations of the same POS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its type.
    #[serde(rename = "type", default)]
    pub kind: SettingKind,
    /// What it means, for the technician.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Used when the configuration is silent. A setting without one must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// The only values that make sense, if they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Scalar>,
    /// Where the POS itself holds the values to choose from: a query with the columns `value` and, for people, `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<QuerySource>,
}

/// The type of a setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// Any text.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// An exact decimal.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A part of the name of a table or database: `INVE{company}` reads the table `INVE01`. It becomes part of the
    /// statement itself, so it is letters, digits, `_`, `$` and `#`, and nothing else.
    Name,
}

/// One table, query or file pattern, and the records that each of its rows becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Its name within the mapping.
    pub name: StreamName,
    /// What to read.
    pub source: Source,
    /// The columns that identify a row. For a query, names of its `columns`; for files, of the header.
    pub key: Vec<String>,
    /// Rows that belong to a row: lines, payments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildSpec>,
    /// How changes are noticed.
    pub capture: Capture,
    /// What to do instead where the system does not allow `capture`: the first of these that it allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Capture>,
    /// The tables whose changes concern this stream, and where each holds the stream's key. `log` and `outbox` need them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangedTable>,
    /// Columns that never leave the store: they are left out of reports on rejected rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<String>,
    /// What each row becomes; one row may become several records.
    pub records: Vec<RecordRule>,
}

impl Stream {
    /// The half that a connector needs to know.
    #[must_use]
    pub fn spec(&self) -> StreamSpec {
        StreamSpec {
            name: self.name.clone(),
            source: self.source.clone(),
            key: self.key.clone(),
            children: self.children.clone(),
            capture: self.capture.clone(),
            fallback: self.fallback.clone(),
            changes: self.changes.clone(),
        }
    }
}

/// One record that each row becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRule {
    /// Its kind.
    pub entity: EntityKind,
    /// Only rows for which this holds become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// How each field of the entity is made.
    pub fields: BTreeMap<String, Field>,
}

/// A change to a business rule of the country.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleChange {
    /// What happens when a record breaks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RuleAction>,
    /// The figure of the rule: percent for `default_tax` and `low_margin`, an amount for `totals_add_up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Number>,
}

impl Mapping {
    /// Reads a mapping from TOML.
    ///
    /// # Errors
    /// When it is not TOML, or not a mapping; the error names the place.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        let source = toml::Deserializer::parse(text).map_err(|error| {
            MappingError::new("mapping", error.to_string().trim_end().to_owned())
        })?;
        serde_path_to_error::deserialize(source).map_err(|error| {
            MappingError::new(
                place(error.path()),
                error.inner().to_string().trim_end().to_owned(),
            )
        })
    }

    /// Reads a mapping from JSON.
    ///
    /// # Errors
    /// When it is not JSON, or not a mapping; the error names the place.
    pub fn from_json(text: &str) -> Result<Self, MappingError> {
        let mut source = serde_json::Deserializer::from_str(text);
        let mapping = serde_path_to_error::deserialize(&mut source)
            .map_err(|error| MappingError::new(place(error.path()), error.inner().to_string()))?;
        source
            .end()
            .map_err(|error| MappingError::new("mapping", error.to_string()))?;
        Ok(mapping)
    }
}

fn place(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    if path == "." {
        "mapping".to_owned()
    } else {
        path
    }
}

/// The JSON Schema of a mapping, for editors and for the API; TOML follows the same one.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Mapping).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Fluxion Sync mapping".into());
    }
    schema
}
