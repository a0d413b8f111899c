//! Another way of noticing changes than the mapping's, for one stream of one store.

use std::fmt;

use fluxion_model::stream::{Capture, StreamSpec};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A way by its name, or written out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CaptureChoice {
    /// By its name; a watermark is then the mapping's own.
    Named(CaptureName),
    /// As a mapping would write it.
    Full(Capture),
}

/// The ways a database can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureName {
    /// Compares everything.
    Diff,
    /// The mapping's watermark.
    Watermark,
    /// The database's own log.
    Log,
    /// A table that triggers write to.
    Outbox,
}

impl CaptureName {
    const ALL: [Self; 4] = [Self::Diff, Self::Watermark, Self::Log, Self::Outbox];

    fn as_str(self) -> &'static str {
        match self {
            Self::Diff => "diff",
            Self::Watermark => "watermark",
            Self::Log => "log",
            Self::Outbox => "outbox",
        }
    }

    fn is(self, capture: &Capture) -> bool {
        match capture {
            Capture::Diff => self == Self::Diff,
            Capture::Watermark { .. } => self == Self::Watermark,
            Capture::Log => self == Self::Log,
            Capture::Outbox => self == Self::Outbox,
            Capture::Arrival | Capture::Push => false,
        }
    }
}

impl fmt::Display for CaptureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CaptureChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(name) => CaptureName::ALL
                .into_iter()
                .find(|known| known.as_str() == name)
                .map(Self::Named)
                .ok_or_else(|| {
                    D::Error::custom(format!(
                        "{name:?} is no way to notice changes; write \"diff\", \"watermark\", \"log\" or \"outbox\""
                    ))
                }),
            whole => serde_json::from_value(whole)
                .map(Self::Full)
                .map_err(D::Error::custom),
        }
    }
}

impl CaptureChoice {
    /// The ways to notice changes of a stream, best first: what the store chose, then what the mapping names. None when
    /// a watermark is chosen by name and the mapping has none.
    #[must_use]
    pub fn ways(choice: Option<&Self>, spec: &StreamSpec) -> Option<Vec<Capture>> {
        let named = std::iter::once(&spec.capture).chain(&spec.fallback);
        let mut ways: Vec<Capture> = named.cloned().collect();
        let first = match choice {
            None => return Some(ways),
            Some(Self::Full(capture)) => capture.clone(),
            Some(Self::Named(name)) => match ways.iter().find(|way| name.is(way)) {
                Some(way) => way.clone(),
                None => match name {
                    CaptureName::Diff => Capture::Diff,
                    CaptureName::Log => Capture::Log,
                    CaptureName::Outbox => Capture::Outbox,
                    CaptureName::Watermark => return None,
                },
            },
        };
        ways.retain(|way| *way != first);
        ways.insert(0, first);
        Some(ways)
    }
}

/// What a way is called in messages.
#[must_use]
pub fn name_of(capture: &Capture) -> &'static str {
    match capture {
        Capture::Diff => "diff",
        Capture::Watermark { .. } => "watermark",
        Capture::Log => "log",
        Capture::Outbox => "outbox",
        Capture::Arrival => "arrival",
        Capture::Push => "push",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec() -> StreamSpec {
        serde_json::from_value(json!({
            "name": "products", "key": ["id"],
            "capture": {"strategy": "log"},
            "fallback": [{"strategy": "watermark", "columns": ["changed"]}, {"strategy": "diff"}],
            "source": {"query": {"from": "items", "columns": {"id": "id"}}},
        }))
        .unwrap()
    }

    fn ways(choice: serde_json::Value) -> Vec<&'static str> {
        let choice: CaptureChoice = serde_json::from_value(choice).unwrap();
        let ways = CaptureChoice::ways(Some(&choice), &spec()).unwrap();
        ways.iter().map(name_of).collect()
    }

    #[test]
    fn a_store_may_prefer_another_way_and_keeps_the_mappings_as_fallback() {
        assert_eq!(ways(json!("watermark")), ["watermark", "log", "diff"]);
        assert_eq!(
            ways(json!("outbox")),
            ["outbox", "log", "watermark", "diff"]
        );
        assert_eq!(
            ways(json!({"strategy": "watermark", "columns": ["other"]})),
            ["watermark", "log", "watermark", "diff"]
        );
        let none = CaptureChoice::ways(None, &spec()).unwrap();
        assert_eq!(none.len(), 3);
    }

    #[test]
    fn a_misspelt_way_is_named_together_with_the_known_ones() {
        let error = serde_json::from_value::<CaptureChoice>(json!("trigger")).unwrap_err();
        assert!(error.to_string().contains("outbox"), "{error}");
    }
}
