//! A POS system made ready: its connector, its compiled mapping, and what its streams share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fluxion_connectors::{Connector, registry};
use fluxion_mappings::{Context, Mapping, MappingError, Rules, packs};
use fluxion_model::enrolment::PosSystemDeclaration;
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::stream::{Capture, StreamSpec};

use super::limiter::Limiter;
use crate::breaker::Breaker;
use crate::config::{CaptureChoice, Loaded, PosConfig, without_secrets};
use crate::redact;
use crate::secrets::{SecretError, Secrets, references, stand_ins};

/// After five failures a POS system is left alone for so long, unless it shows a sign of life.
const PAUSE: Duration = Duration::from_secs(3_600);

/// Everything the streams of one POS system share.
pub struct PosSystem {
    /// Its configuration.
    pub config: PosConfig,
    /// What reads it.
    pub connector: Arc<dyn Connector>,
    /// The mapping as written.
    pub mapping: Mapping,
    /// The mapping compiled for this store.
    pub rules: Rules,
    /// Settings for queries.
    pub context: Context,
    /// Identifies the mapping and all it was compiled with: another value means that every row must be read again.
    pub rules_id: [u8; 16],
    /// Failures of the system, whichever stream met them.
    pub breaker: Breaker,
    /// How fast it may be read.
    pub limiter: Limiter,
}

/// Why a POS system cannot be read at all. Others go on.
#[derive(Debug, thiserror::Error)]
pub enum PosProblem {
    /// The pack is not known.
    #[error("there is no pack {name:?}; known packs: {known}")]
    UnknownPack {
        /// What the configuration says.
        name: String,
        /// Names of all packs.
        known: String,
    },
    /// The mapping file is not there or not readable.
    #[error("cannot read the mapping {path}; correct `mapping` or the rights of the file")]
    MappingUnreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The mapping or the settings it needs are wrong.
    #[error("the mapping {name} cannot be used")]
    Mapping {
        /// Which one.
        name: String,
        /// Place and problem.
        #[source]
        source: MappingError,
    },
    /// The mapping is for another connector.
    #[error(
        "the mapping {name} is for the connector {wanted:?}, the configuration says {got:?}; change one of them"
    )]
    OtherConnector {
        /// Which mapping.
        name: String,
        /// What it is for.
        wanted: String,
        /// What the configuration says.
        got: String,
    },
    /// A stream is enabled that the mapping does not have.
    #[error("the mapping {name} has no stream {stream:?}; it has: {known}")]
    UnknownStream {
        /// Which mapping.
        name: String,
        /// What the configuration says.
        stream: String,
        /// What there is.
        known: String,
    },
    /// A watermark is chosen by its name, and there is none to choose.
    #[error(
        "the mapping {name} names no watermark for stream {stream:?}; write it out under `capture`, as in {stream} = {{ \
         strategy = \"watermark\", columns = [\"changed\"] }}"
    )]
    NoWatermark {
        /// Which mapping.
        name: String,
        /// Which stream.
        stream: String,
    },
    /// A connection setting is wrong.
    #[error("{0}")]
    Connection(registry::ConfigError),
    /// A secret that the connection names cannot be had.
    #[error("{0}")]
    Secret(#[source] SecretError),
}

impl PosSystem {
    /// Reads the mapping, compiles it, and builds the connector. Contacts nothing.
    ///
    /// # Errors
    /// When the configuration makes no sense; the error says what would.
    pub fn prepare(loaded: &Loaded, config: &PosConfig) -> Result<Self, PosProblem> {
        let connection = connection_of(loaded, config)?;
        let connector =
            registry::build(config.connector, &connection).map_err(PosProblem::Connection)?;
        Self::with_connector(loaded, config, connector.into())
    }

    /// The same with a connector that is there already.
    ///
    /// # Errors
    /// When the mapping makes no sense; the error says what would.
    pub fn with_connector(
        loaded: &Loaded,
        config: &PosConfig,
        connector: Arc<dyn Connector>,
    ) -> Result<Self, PosProblem> {
        let mapping = read_mapping(loaded, config)?;
        if mapping.connector != config.connector.as_str() {
            return Err(PosProblem::OtherConnector {
                name: mapping.name,
                wanted: mapping.connector,
                got: config.connector.to_string(),
            });
        }
        let wrong = |source| PosProblem::Mapping {
            name: mapping.name.clone(),
            source,
        };
        let context = Context::new(
            &mapping,
            config.time_zone,
            config.currency,
            config.country,
            &config.settings,
        )
        .map_err(wrong)?;
        let rules = Rules::compile(&mapping, &context).map_err(wrong)?;
        for stream in config.streams.iter().chain(config.capture.keys()) {
            if rules.stream(stream).is_none() {
                let known: Vec<_> = rules
                    .streams()
                    .map(|stream| stream.spec().name.to_string())
                    .collect();
                return Err(PosProblem::UnknownStream {
                    name: mapping.name,
                    stream: stream.to_string(),
                    known: known.join(", "),
                });
            }
        }
        for (stream, choice) in &config.capture {
            let known = rules
                .stream(stream)
                .map(fluxion_mappings::StreamRules::spec);
            if known.is_some_and(|spec| CaptureChoice::ways(Some(choice), spec).is_none()) {
                return Err(PosProblem::NoWatermark {
                    name: mapping.name,
                    stream: stream.to_string(),
                });
            }
        }
        let identity = format!(
            "{}\n{context:?}",
            serde_json::to_string(&mapping).unwrap_or_default()
        );
        let rules_id = Fingerprint::of(identity.as_bytes()).0;
        let limiter = Limiter::new(config.rows_per_second);
        Ok(Self {
            config: config.clone(),
            connector,
            rules,
            context,
            rules_id,
            mapping,
            breaker: Breaker::new(Duration::from_secs(1), PAUSE),
            limiter,
        })
    }

    /// What the cloud is told about it.
    #[must_use]
    pub fn declaration(&self) -> PosSystemDeclaration {
        let config = &self.config;
        let settings = stand_ins(&config.connection_json());
        let connection = registry::public_settings(config.connector, &settings);
        let settings = serde_json::json!({
            "every": config.every,
            "schedule": config.schedule,
            "sweep": config.sweep,
            "time_zone": config.time_zone.name(),
            "currency": config.currency,
            "country": config.country,
            "rows_per_second": config.rows_per_second,
            "delete_brake": config.delete_brake,
            "settings": config.settings,
            "streams": config.streams,
            "capture": config.capture,
        });
        PosSystemDeclaration {
            system_type: self.mapping.system.clone(),
            connector: config.connector.to_string(),
            connection: connection
                .map_or_else(|_| config.connection_without_secrets(), without_secrets),
            mapping: serde_json::to_value(&self.mapping).unwrap_or_default(),
            mapping_name: self.mapping.name.clone(),
            mapping_version: self.mapping.version,
            settings,
        }
    }

    /// The ways to notice changes of a stream, best first; never empty.
    #[must_use]
    pub fn ways(&self, spec: &StreamSpec) -> Vec<Capture> {
        let choice = self.config.capture.get(&spec.name);
        CaptureChoice::ways(choice, spec).unwrap_or_else(|| vec![spec.capture.clone()])
    }

    /// The streams that are read.
    pub fn streams(&self) -> impl Iterator<Item = &fluxion_mappings::StreamRules> {
        let enabled = &self.config.streams;
        self.rules
            .streams()
            .filter(move |stream| enabled.is_empty() || enabled.contains(&stream.spec().name))
    }
}

/// The mapping that a POS system's configuration names.
pub(crate) fn read_mapping(loaded: &Loaded, config: &PosConfig) -> Result<Mapping, PosProblem> {
    if let Some(path) = &config.mapping {
        return read_mapping_file(&loaded.resolve(path));
    }
    let name = config.pack.clone().unwrap_or_default();
    packs::find(&name).ok_or_else(|| PosProblem::UnknownPack {
        name,
        known: packs::names().join(", "),
    })
}

/// Reads a mapping file, TOML or JSON by its ending.
///
/// # Errors
/// When it cannot be read or is no mapping.
pub fn read_mapping_file(path: &Path) -> Result<Mapping, PosProblem> {
    let text = std::fs::read_to_string(path).map_err(|source| PosProblem::MappingUnreadable {
        path: path.display().to_string(),
        source,
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_json = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let read = if is_json {
        Mapping::from_json(text)
    } else {
        Mapping::from_toml(text)
    };
    read.map_err(|source| PosProblem::Mapping {
        name: path.display().to_string(),
        source,
    })
}

/// The connection settings as the connector wants them: with paths from the configuration's folder, and with the secrets
/// that are referred to. All secrets in it are hidden from now on in what the agent writes.
pub(crate) fn connection_of(
    loaded: &Loaded,
    config: &PosConfig,
) -> Result<serde_json::Value, PosProblem> {
    let settings = resolve_paths(config.connection_json(), &loaded.base);
    let refers = !references(&settings).is_empty();
    let settings = if refers {
        let secrets = Secrets::load(&loaded.data_dir).map_err(PosProblem::Secret)?;
        secrets.resolve(&settings).map_err(PosProblem::Secret)?
    } else {
        settings
    };
    remember_all(&settings);
    Ok(settings)
}

/// Tells what must be hidden: a secret, its file, or its variable.
fn remember_all(settings: &serde_json::Value) {
    for name in ["password", "secret"] {
        let text = |key: String| settings.get(key)?.as_str().map(str::to_owned);
        let given = text(name.to_owned());
        let in_file =
            text(format!("{name}_file")).and_then(|path| std::fs::read_to_string(path).ok());
        let in_variable = text(format!("{name}_env")).and_then(|name| std::env::var(name).ok());
        for secret in [given, in_file, in_variable].into_iter().flatten() {
            let secret = secret.trim_end_matches(['\r', '\n']);
            redact::remember(secret);
            // A webhook has two while one takes the place of the other.
            secret.split_whitespace().for_each(redact::remember);
        }
    }
}

/// Relative paths in a connection start at the configuration file, like all others.
fn resolve_paths(mut connection: serde_json::Value, base: &Path) -> serde_json::Value {
    // `processed` and `failed` of an export folder stand below that folder.
    const PATHS: &[&str] = &["folder", "password_file", "secret_file", "tls_ca"];
    for (key, value) in connection.as_object_mut().into_iter().flatten() {
        if let (true, Some(text)) = (PATHS.contains(&key.as_str()), value.as_str()) {
            *value = base.join(text).to_string_lossy().into_owned().into();
        }
    }
    connection
}
