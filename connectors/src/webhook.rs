//! A POS, or a small script beside it, that calls out over the LAN when something happened.
//!
//! The agent listens, believes only signed calls (Standard Webhooks), and answers 200 only after the event is in the spool,
//! so that the sender may forget it. What was answered otherwise, or not at all, is sent again by the sender under the same
//! `webhook-id`, which the spool remembers; so nothing is lost and nothing counts twice. What never can be taken is answered
//! so that nobody sends it for ever: an event that no stream takes with 422, and one whose row cannot be read with 200,
//! because it is kept beside the other rejected rows.
//!
//! There is nothing to ask such a POS: no rows by key, no whole list, no deletes but those that an event tells.

mod answer;
mod config;
mod desk;
mod listener;
mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use fluxion_model::json::Layout;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, Source, StreamSpec};

pub use config::WebhookConfig;

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, Finding, Level, OpenContext, Probe,
    Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
use config::Target;
use desk::{Hall, Plan};
use listener::Door;
use stream::WebhookStream;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Webhook;

/// Listens for one POS system. The listener is started by the first stream or look, and ends with the connector.
#[derive(Debug)]
pub struct WebhookConnector {
    door: Door,
    hall: Arc<Hall>,
}

impl WebhookConnector {
    /// Checks the settings; listens to nothing yet.
    ///
    /// # Errors
    /// When a setting is wrong, or the file with the secret cannot be read.
    pub fn new(config: WebhookConfig) -> Result<Self, ConfigError> {
        let target = Target::new(config)?;
        let listen = target.listen;
        Ok(Self {
            door: Door::new(listen),
            hall: Arc::new(Hall::new(target)),
        })
    }
}

fn plan(stream: &StreamSpec) -> SourceResult<Plan> {
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
    let Source::Event(source) = &stream.source else {
        let hint = "Give the stream a source of the form [streams.source.event].";
        return Err(invalid(hint.to_owned()));
    };
    if stream.capture != Capture::Push {
        let hint = "Events are taken by the capture strategy \"push\" alone.";
        return Err(invalid(hint.to_owned()));
    }
    let layout = Layout::new(&source.columns, &stream.children, &stream.key)
        .map_err(|name| invalid(format!("The key {name:?} is none of the stream's columns.")))?;
    Ok(Plan {
        event: source.event.clone(),
        item: source.item.clone(),
        layout,
    })
}

#[async_trait]
impl Connector for WebhookConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        let listen = self.door.address();
        let mut findings = Vec::new();
        match self.door.open(&self.hall).await {
            Ok(_) => {}
            Err(error) if listener::is_ours(listen).await => {
                tracing::debug!("{error}: another process of the agent listens");
                findings.push(Finding {
                    level: Level::Info,
                    what: Said::new(
                        format!("the agent that is running listens at {listen} already"),
                        format!("el agente en marcha ya escucha en {listen}"),
                    ),
                    remedy: None,
                });
            }
            Err(error) => return Err(error),
        }
        if listen.ip().is_loopback() {
            findings.push(Finding {
                level: Level::Info,
                what: Said::new(
                    "only programs on this computer can call the agent",
                    "solo los programas de este equipo pueden llamar al agente",
                ),
                remedy: Some(Said::new(
                    "for a POS on another computer, set `connection.listen` to this computer's address on the LAN, and allow the port in its firewall",
                    "para un POS en otro equipo, ponga en `connection.listen` la dirección de este equipo en la red local y permita el puerto en su firewall",
                )),
            });
        }
        let now = Utc::now().format("%Y-%m-%d %H:%M:%S UTC");
        findings.push(Finding {
            level: Level::Info,
            what: Said::new(
                format!("this computer's clock says {now}; calls whose clock is off by more than 5 minutes are refused"),
                format!("el reloj de este equipo marca {now}; se rechazan llamadas cuyo reloj difiera más de 5 minutos"),
            ),
            remedy: None,
        });
        Ok(Probe {
            product: format!("webhook listener at {listen}"),
            findings,
        })
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        // Who calls out does not say what else it could tell.
        Ok(Catalog::default())
    }

    /// There is only one place to begin: now.
    async fn open(
        &self,
        stream: &StreamSpec,
        _: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let plan = plan(stream)?;
        let (desk, queue) = self.hall.desk(plan);
        // The desk is there first: who calls while the door opens must not hear that nobody takes the event.
        let stream = WebhookStream::new(desk, queue, context.marks);
        let address = self.door.open(&self.hall).await?;
        tracing::debug!(%address, event = stream.event(), "waiting for events");
        Ok(Box::new(stream))
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        _: &[RowKey],
        _: OpenContext,
    ) -> SourceResult<RowBatch> {
        let action = format!("read keys of stream {}", stream.name);
        let hint = "Who calls out cannot be asked: have the POS send the event again, under a new webhook-id.";
        Err(SourceError::ask(
            KIND,
            action,
            "unsupported",
            hint,
            "events are not kept by the POS",
        ))
    }

    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        let wanted = StreamSpec {
            capture: capture.clone(),
            ..stream.clone()
        };
        Ok(match plan(&wanted) {
            Ok(_) => Allowed::Yes,
            Err(error) => Allowed::No {
                why: Said::new(
                    error.hint().unwrap_or_default(),
                    "El flujo no sirve para recibir eventos: revise su fuente, su clave y que su captura sea \"push\".",
                ),
            },
        })
    }
}
