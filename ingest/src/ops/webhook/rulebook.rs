//! The mapping of a webhook, compiled: by event, ready for rows. Compiled ones are kept, because a mapping changes once in
//! a year and events come each second.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono_tz::Tz;
use fluxion_mappings::{Bound, Context, Country, Mapping, MappingError, Rules, Scalar};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{PosSystemId, StreamName};
use fluxion_model::json::Layout;
use fluxion_model::money::Currency;
use fluxion_model::stream::Source;
use serde::{Deserialize, Serialize};

use crate::database::webhooks::{Endpoint, MappingStamp};
use crate::database::{Database, DatabaseError, DatabaseResult};

/// The connector that a webhook's mapping names.
const CONNECTOR: &str = "webhook";

/// What a mapping is compiled with, in the words in which an agent declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Zone of moments that carry none.
    #[serde(with = "zone")]
    pub time_zone: Tz,
    /// Currency of amounts that carry none.
    pub currency: Currency,
    /// Whose business rules hold.
    #[serde(default)]
    pub country: Option<Country>,
    /// What the mapping asks for, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, Scalar>,
}

mod zone {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(de::Error::custom)
    }
}

/// A compiled mapping.
#[derive(Debug)]
pub struct Rulebook {
    /// The mapping's version.
    pub version: u32,
    streams: BTreeMap<String, EventRules>,
}

/// What becomes of one kind of event.
#[derive(Debug)]
pub struct EventRules {
    /// The stream of the mapping.
    pub stream: StreamName,
    /// Where the thing itself stands in the body.
    pub item: String,
    /// How it becomes a row.
    pub layout: Layout,
    /// How the row becomes records.
    pub bound: Bound,
    /// The first kind of record, for rejects of what is no row.
    pub entity: EntityKind,
    /// Whether columns must not be shown; then what is no row is not shown at all.
    pub has_secrets: bool,
}

/// Why a mapping cannot feed a webhook.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is for an agent's connector.
    #[error(
        "the mapping {name} is for the connector {connector:?}, which an agent reads; choose one for \"webhook\""
    )]
    OtherConnector {
        /// Which mapping.
        name: String,
        /// What it is for.
        connector: String,
    },
    /// It is wrong, or lacks a setting.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A stream of it is wrong.
    #[error("stream {stream}: {problem}")]
    Stream {
        /// Which.
        stream: StreamName,
        /// What is wrong with it.
        problem: String,
    },
}

impl Rulebook {
    /// Compiles a mapping for the place where its POS stands.
    ///
    /// # Errors
    /// When it is for another connector, is wrong, or lacks a setting.
    pub fn compile(mapping: &Mapping, place: &Place) -> Result<Self, Unfit> {
        if mapping.connector != CONNECTOR {
            return Err(Unfit::OtherConnector {
                name: mapping.name.clone(),
                connector: mapping.connector.clone(),
            });
        }
        let context = Context::new(
            mapping,
            place.time_zone,
            place.currency,
            place.country,
            &place.settings,
        )?;
        let rules = Rules::compile(mapping, &context)?;
        let mut streams = BTreeMap::new();
        for stream in &mapping.streams {
            let wrong = |problem: String| Unfit::Stream {
                stream: stream.name.clone(),
                problem,
            };
            let Source::Event(source) = &stream.source else {
                return Err(wrong("its source is no event".to_owned()));
            };
            let compiled = rules
                .stream(&stream.name)
                .ok_or_else(|| wrong("it could not be compiled".to_owned()))?;
            let layout = Layout::new(&source.columns, &stream.children, &stream.key)
                .map_err(|key| wrong(format!("its key {key:?} is none of its columns")))?;
            let bound = compiled
                .bind(&layout.shape)
                .map_err(|missing| wrong(missing.to_string()))?;
            let entity = compiled
                .entities()
                .next()
                .ok_or_else(|| wrong("its rows become nothing".to_owned()))?;
            streams.insert(
                source.event.clone(),
                EventRules {
                    stream: stream.name.clone(),
                    item: source.item.clone(),
                    layout,
                    bound,
                    entity,
                    has_secrets: !stream.secret.is_empty(),
                },
            );
        }
        Ok(Self {
            version: mapping.version,
            streams,
        })
    }

    /// What becomes of this kind of event.
    #[must_use]
    pub fn stream(&self, event: &str) -> Option<&EventRules> {
        self.streams.get(event)
    }

    /// All kinds of event, by name.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.streams.keys().cloned().collect()
    }
}

/// Compiled mappings of the webhooks that were called last.
#[derive(Debug, Default)]
pub struct Rulebooks {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    books: HashMap<PosSystemId, Book>,
    uses: u64,
}

#[derive(Debug)]
struct Book {
    of: MappingStamp,
    last_use: u64,
    rules: Arc<Rulebook>,
}

impl Rulebooks {
    /// A compiled mapping takes tens of kilobytes.
    const MAX_KEPT: usize = 500;

    /// The compiled mapping of an endpoint.
    ///
    /// # Errors
    /// When the database cannot be read, or what it holds no longer compiles, which is a defect of ours: it did when the
    /// webhook was made.
    pub async fn of(
        &self,
        database: &dyn Database,
        endpoint: &Endpoint,
    ) -> DatabaseResult<Arc<Rulebook>> {
        let id = endpoint.identity.pos_system;
        if let Some(rules) = self.find(id, endpoint.mapping) {
            return Ok(rules);
        }
        let system = database.pos_system(endpoint.identity.tenant, id).await?;
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
            DatabaseError::internal("read a webhook's mapping", error)
        };
        let compiled = tokio::task::spawn_blocking(move || {
            let mapping = serde_json::from_value::<Mapping>(system.field_mappings)?;
            let place = serde_json::from_value::<Place>(system.sync_settings)?;
            Ok(Rulebook::compile(&mapping, &place)?)
        });
        let rules = compiled
            .await
            .map_err(|error| wrong(error.into()))?
            .map_err(wrong)?;
        let rules = Arc::new(rules);
        self.keep(id, endpoint.mapping, Arc::clone(&rules));
        Ok(rules)
    }

    fn find(&self, id: PosSystemId, of: MappingStamp) -> Option<Arc<Rulebook>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let book = kept.books.get_mut(&id).filter(|book| book.of == of)?;
        book.last_use = now;
        Some(Arc::clone(&book.rules))
    }

    fn keep(&self, id: PosSystemId, of: MappingStamp, rules: Arc<Rulebook>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.books.len() >= Self::MAX_KEPT && !kept.books.contains_key(&id) {
            let oldest = kept.books.iter().min_by_key(|(_, book)| book.last_use);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                kept.books.remove(&oldest);
            }
        }
        let last_use = kept.uses;
        kept.books.insert(
            id,
            Book {
                of,
                last_use,
                rules,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;

    fn book() -> Arc<Rulebook> {
        Arc::new(Rulebook {
            version: 1,
            streams: BTreeMap::new(),
        })
    }

    #[test]
    fn a_mapping_is_compiled_anew_when_it_changed_and_the_least_used_are_forgotten() {
        let books = Rulebooks::default();
        let of = MappingStamp {
            version: 1,
            updated_at: Utc::now(),
        };
        let first = PosSystemId::generate();
        books.keep(first, of, book());
        let changed = MappingStamp {
            updated_at: of.updated_at + TimeDelta::seconds(1),
            ..of
        };
        assert!(books.find(first, of).is_some());
        assert!(books.find(first, changed).is_none());
        let second = PosSystemId::generate();
        books.keep(second, of, book());
        for _ in 2..Rulebooks::MAX_KEPT {
            books.keep(PosSystemId::generate(), of, book());
        }
        assert!(books.find(first, of).is_some());
        books.keep(PosSystemId::generate(), of, book());
        assert!(books.find(first, of).is_some(), "used a moment ago");
        assert!(
            books.kept.lock().unwrap().books.len() == Rulebooks::MAX_KEPT,
            "one had to go"
        );
    }
}
