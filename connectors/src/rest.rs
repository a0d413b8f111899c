//! A POS with an HTTP API that answers in JSON.
//!
//! A list is read page by page and compared (`diff`), or asked for what changed since (`watermark` and `since`). Numbers
//! stay exact. Answers are bounded, a page that repeats is noticed, and what is no JSON is named for what it is. Keys
//! never go to another host than the one that was configured.

mod address;
mod client;
mod config;
mod position;
mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::json::{self, Layout};
use fluxion_model::row::{RowBatch, RowChange, RowKey};
use fluxion_model::stream::{Capture, HttpSource, Source, StreamSpec};
use reqwest::Url;
use serde_json::value::RawValue;

pub use config::{RestAuth, RestConfig};

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, Finding, Level, OpenContext, Probe,
    Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
use crate::settings;
use address::Address;
use client::{Client, Got, not_json};
use config::Target;
use position::Position;
use stream::{Plan, RestStream};

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Rest;

/// A clock that is further off than this confuses people who compare times.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

/// Reads one API.
#[derive(Debug)]
pub struct RestConnector {
    client: Arc<Client>,
}

impl RestConnector {
    /// Checks the settings; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong, or the file with the key cannot be read.
    pub fn new(config: RestConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Arc::new(Client::new(Target::new(config)?)?),
        })
    }

    fn plan(&self, stream: &StreamSpec, context: &OpenContext) -> SourceResult<Plan> {
        let invalid = |hint: String| {
            let action = format!("open stream {}", stream.name);
            SourceError::ask(
                KIND,
                action,
                "invalid_mapping",
                hint,
                "the mapping does not fit",
            )
        };
        let Source::Http(source) = &stream.source else {
            return Err(invalid(
                "Give the stream a source of the form [streams.source.http].".to_owned(),
            ));
        };
        if let Allowed::No { why } = allowed(source, &stream.capture) {
            return Err(invalid(why.en));
        }
        let layout =
            Layout::new(&source.columns, &stream.children, &stream.key).map_err(|name| {
                invalid(format!("The key {name:?} is none of the stream's columns."))
            })?;
        let base = &self.client.target().base;
        let address = Address::new(
            base,
            &source.path,
            &source.parameters,
            &context.settings,
            &[],
        )?;
        Ok(Plan {
            client: Arc::clone(&self.client),
            spec: stream.clone(),
            source: source.clone(),
            layout,
            address,
        })
    }
}

/// Whether a stream's source gives what this way of noticing changes needs.
fn allowed(source: &HttpSource, capture: &Capture) -> Allowed {
    let days = source
        .since
        .as_ref()
        .is_some_and(|since| since.days.is_some());
    match capture {
        Capture::Watermark { .. } if source.since.is_some() => Allowed::Yes,
        Capture::Diff if !days => Allowed::Yes,
        Capture::Diff => Allowed::No {
            why: Said::new(
                "A list that is asked for day by day never holds everything; use \"watermark\".",
                "Una lista que se pide día por día nunca contiene todo; use \"watermark\".",
            ),
        },
        Capture::Watermark { .. } => Allowed::No {
            why: Said::new(
                "The stream names no parameter for changes (`since`); use \"diff\".",
                "El flujo no nombra ningún parámetro para cambios (`since`); use \"diff\".",
            ),
        },
        Capture::Log | Capture::Outbox | Capture::Arrival | Capture::Push => Allowed::No {
            why: Said::new(
                "An API is read by \"diff\" or \"watermark\".",
                "Una API se lee con \"diff\" o \"watermark\".",
            ),
        },
    }
}

/// Whether others on the line could read the key and the rows.
fn line(base: &Url) -> Option<Finding> {
    let host = base.host_str().unwrap_or_default();
    if base.scheme() == "https" {
        return Some(Finding {
            level: Level::Info,
            what: Said::new(
                "The line is encrypted, and the API's certificate is valid.",
                "La conexión está cifrada, y el certificado de la API es válido.",
            ),
            remedy: None,
        });
    }
    (!settings::is_loopback(host)).then(|| Finding {
        level: Level::Warning,
        what: Said::new(
            format!("The line to {host} is not encrypted: others can read the key."),
            format!("La conexión con {host} no está cifrada: otros pueden leer la clave."),
        ),
        remedy: Some(Said::new(
            "Write https:// in `connection.base_url`, and `tls_ca` where the certificate is your own.",
            "Escriba https:// en `connection.base_url`, y `tls_ca` si el certificado es propio.",
        )),
    })
}

/// What changed since a moment is asked for by the API's clock; dates in its rows are compared with this computer's.
fn clock(ahead: Option<i64>) -> Option<Finding> {
    let seconds = ahead?;
    if seconds.abs() <= CLOCK_TOLERANCE_SECONDS {
        return Some(Finding {
            level: Level::Info,
            what: Said::new(
                "Its clock agrees with this PC's.",
                "Su reloj coincide con el de este equipo.",
            ),
            remedy: None,
        });
    }
    let (side, lado) = if seconds > 0 {
        ("ahead of", "adelantado")
    } else {
        ("behind", "atrasado")
    };
    let seconds = seconds.abs();
    Some(Finding {
        level: Level::Warning,
        what: Said::new(
            format!("The API's clock is {seconds} s {side} this PC's."),
            format!("El reloj de la API está {seconds} s {lado} respecto al de este equipo."),
        ),
        remedy: Some(Said::new(
            "Set this PC's clock by a time server; if it is right, tell whoever runs the API.",
            "Sincronice el reloj de este equipo con un servidor de hora; si está bien, avise a quien opera la API.",
        )),
    })
}

#[async_trait]
impl Connector for RestConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        let base = &self.client.target().base;
        let product = format!("HTTP API at {}", base.host_str().unwrap_or_default());
        // Whatever stands at the root: that it answers, and not with a refusal, is what counts.
        match self.client.get(base, None).await {
            Ok(_) => {}
            Err(error) if error.hint().is_some_and(|hint| hint.starts_with("No JSON")) => {}
            Err(error) => return Err(error),
        }
        let findings = [line(base), clock(self.client.clock_ahead())];
        Ok(Probe {
            product,
            findings: findings.into_iter().flatten().collect(),
        })
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        // An API does not say what it has.
        Ok(Catalog::default())
    }

    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let plan = self.plan(stream, &context)?;
        let position = match start {
            StartAt::Snapshot => Position::default(),
            StartAt::After(cursor) => Position::read(&cursor).map_err(|error| {
                SourceError::resnapshot(KIND, format!("resume stream {}", stream.name), error)
            })?,
        };
        Ok(Box::new(RestStream::new(plan, position)))
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        let plan = self.plan(stream, &context)?;
        let action = format!("read keys of stream {}", stream.name);
        let Some(detail) = &plan.source.detail else {
            let hint = "The API cannot be asked for single rows: name its address as `detail` in the mapping.";
            return Err(SourceError::ask(
                KIND,
                action,
                "unsupported",
                hint,
                "the stream has no detail",
            ));
        };
        let mut changes = Vec::with_capacity(keys.len());
        for key in keys {
            let parts = key.split();
            let names: Vec<(&str, &str)> = stream
                .key
                .iter()
                .map(String::as_str)
                .zip(parts.iter().map(String::as_str))
                .collect();
            let base = &self.client.target().base;
            let address = Address::new(
                base,
                &detail.path,
                &plan.source.parameters,
                &context.settings,
                &names,
            )?;
            let page = match self.client.get(&address.url(), None).await? {
                Got::Page(page) => page,
                Got::NotFound | Got::NotModified => {
                    changes.push(RowChange::Delete { key: key.clone() });
                    continue;
                }
            };
            let raw: &RawValue = serde_json::from_str(&page.body)
                .map_err(|error| not_json(&action, "the answer is no JSON", error))?;
            let found = json::at(raw, &detail.item);
            match found.map(|item| plan.layout.row(item, None)) {
                Some(Ok((found, row))) if found == *key => {
                    changes.push(RowChange::Upsert { key: found, row })
                }
                Some(Ok(_)) => {
                    return Err(not_json(
                        &action,
                        "the API answers with another row than it was asked for",
                        "another key",
                    ));
                }
                Some(Err(reason)) => return Err(not_json(&action, "the answer is no row", reason)),
                None => {
                    return Err(not_json(
                        &action,
                        "the answer has nothing at `detail.item`",
                        "no row",
                    ));
                }
            }
        }
        Ok(RowBatch {
            shape: plan.layout.shape,
            changes,
        })
    }

    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        Ok(match &stream.source {
            Source::Http(source) => allowed(source, capture),
            Source::Query(_) | Source::Files(_) | Source::Table(_) | Source::Event(_) => {
                Allowed::Yes
            }
        })
    }
}
