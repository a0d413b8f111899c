//! What is amiss, how bad it is, and what to do about it, in the reader's language. Knows nothing of HTML.
//!
//! The verdict over everything is the worst finding, so the page cannot say that something has to be solved without saying
//! what.

use fluxion_model::heartbeat::StreamPhase;

use super::facts::Stream;
use super::words::Lang;
use super::{Facts, Verdict};
use crate::spanish;
use crate::spool::Halt;

/// One thing to see to.
#[derive(Debug)]
pub(super) enum Finding<'a> {
    NotEnrolled,
    EnrolmentWaits,
    CloudRefuses { problem: &'a str },
    CloudSilent { problem: &'a str },
    PosUnreadable { pos: &'a str, problem: &'a str },
    StreamHalted { stream: &'a Stream, halt: &'a Halt },
    StreamRetried { stream: &'a Stream },
    RowsSetAside { rows: u64 },
    QueueFull,
    WaitsLong,
    DiskLow,
    ClockWrong,
}

impl Facts {
    /// Everything there is to see to: the way to the cloud first, then the POS, then this computer.
    pub(super) fn findings(&self) -> Vec<Finding<'_>> {
        let mut found = Vec::new();
        let problem = self.cloud.problem.as_deref();
        if !self.is_enrolled() && self.enrolment_waits {
            found.push(Finding::EnrolmentWaits);
        } else if !self.is_enrolled() {
            found.push(Finding::NotEnrolled);
        } else if self.cloud.needs_person {
            let problem = problem.unwrap_or_default();
            found.push(Finding::CloudRefuses { problem });
        } else if let Some(problem) = problem {
            found.push(Finding::CloudSilent { problem });
        }
        for (pos, problem) in &self.pos_problems {
            found.push(Finding::PosUnreadable { pos, problem });
        }
        found.extend(self.streams.iter().filter_map(Stream::finding));
        let rows = self.streams.iter().map(|stream| stream.rejects).sum();
        if rows > 0 {
            found.push(Finding::RowsSetAside { rows });
        }
        if self.is_full() {
            found.push(Finding::QueueFull);
        } else if self.waits_long() {
            found.push(Finding::WaitsLong);
        }
        if self.disk_is_low() {
            found.push(Finding::DiskLow);
        }
        if self.clock_is_wrong() {
            found.push(Finding::ClockWrong);
        }
        found
    }
}

impl Stream {
    fn finding(&self) -> Option<Finding<'_>> {
        if let Some(halt) = &self.halted {
            Some(Finding::StreamHalted { stream: self, halt })
        } else if self.error.is_some() || self.phase == StreamPhase::Retrying {
            Some(Finding::StreamRetried { stream: self })
        } else {
            None
        }
    }

    /// How this one stands.
    pub(super) fn verdict(&self) -> Verdict {
        let aside = if self.rejects > 0 {
            Verdict::Watch
        } else {
            Verdict::Well
        };
        self.finding()
            .map_or(aside, |finding| finding.verdict().max(aside))
    }
}

impl Finding<'_> {
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::NotEnrolled
            | Self::CloudRefuses { .. }
            | Self::PosUnreadable { .. }
            | Self::StreamHalted { .. }
            | Self::QueueFull => Verdict::Act,
            Self::EnrolmentWaits
            | Self::CloudSilent { .. }
            | Self::StreamRetried { .. }
            | Self::RowsSetAside { .. }
            | Self::WaitsLong
            | Self::DiskLow
            | Self::ClockWrong => Verdict::Watch,
        }
    }

    /// What is so, in a few words.
    pub fn what(&self, lang: Lang) -> String {
        let (spanish, english) = match self {
            Self::NotEnrolled => (
                "El agente no está inscrito en la nube",
                "The agent is not enrolled with the cloud",
            ),
            Self::EnrolmentWaits => (
                "La inscripción espera la respuesta de la nube",
                "Enrolment waits for the cloud to answer",
            ),
            Self::CloudRefuses { .. } => (
                "La nube no acepta este agente",
                "The cloud does not accept this agent",
            ),
            Self::CloudSilent { .. } => ("La nube no responde", "The cloud does not answer"),
            Self::PosUnreadable { pos, .. } => {
                return format!("{pos}: {}", lang.say("no se puede leer", "cannot be read"));
            }
            Self::StreamHalted { stream, .. } => {
                return stream.with(lang.say("espera a una persona", "waits for a person"));
            }
            Self::StreamRetried { stream } => {
                return stream.with(lang.say("se intenta de nuevo", "is tried again"));
            }
            Self::RowsSetAside { rows } => {
                let what = lang.say("Registros apartados", "Rows set aside");
                return format!("{what}: {}", lang.number(*rows));
            }
            Self::QueueFull => ("La cola está llena", "The queue is full"),
            Self::WaitsLong => (
                "Hay envíos que esperan más de un día",
                "Deliveries have waited for more than a day",
            ),
            Self::DiskLow => ("Queda poco espacio en el disco", "The disk is nearly full"),
            Self::ClockWrong => (
                "El reloj de este equipo difiere del de la nube",
                "The clock of this computer differs from the cloud's",
            ),
        };
        lang.say(spanish, english).to_owned()
    }

    /// What a person can do about it; commands and settings stand between backticks.
    pub fn todo(&self, lang: Lang) -> String {
        let (spanish, english) = match self {
            Self::NotEnrolled => (
                "Pida un código en el panel, en la página de la tienda, y ejecute `fluxion-agent enroll`.",
                "Get a code in the dashboard, on the page of the store, and run `fluxion-agent enroll`.",
            ),
            Self::EnrolmentWaits => (
                "Revise la conexión a Internet. El código está guardado y se intenta de nuevo solo.",
                "Check the internet line. The code is kept, and is tried again by itself.",
            ),
            Self::CloudRefuses { .. } => (
                "Pida un código nuevo en el panel y ejecute `fluxion-agent enroll`.",
                "Get a new code in the dashboard and run `fluxion-agent enroll`.",
            ),
            Self::CloudSilent { .. } => (
                "Revise la conexión a Internet. Nada se pierde: se envía cuando vuelva.",
                "Check the internet line. Nothing is lost: it is sent when the line is back.",
            ),
            // What the agent says of it says what to do as well.
            Self::PosUnreadable { problem, .. } => return (*problem).to_owned(),
            Self::StreamHalted { stream, halt } => {
                return match lang {
                    Lang::Es => spanish::halted(&stream.pos, &stream.name, halt),
                    Lang::En => halt.hint.clone().unwrap_or_default(),
                };
            }
            Self::StreamRetried { .. } => (
                "Revise que el equipo y el servicio del punto de venta estén encendidos.",
                "Check that the computer and the service of the point of sale are running.",
            ),
            Self::RowsSetAside { .. } => (
                "`fluxion-agent rejects` dice cuáles y por qué; el panel también. Los demás siguen su camino.",
                "`fluxion-agent rejects` says which and why; so does the dashboard. All others go their way.",
            ),
            Self::QueueFull => (
                "Restablezca la conexión con la nube o aumente `spool.max_size_mb`; mientras tanto no se lee el punto de venta.",
                "Bring the line to the cloud back or raise `spool.max_size_mb`; until then the point of sale is not read.",
            ),
            Self::WaitsLong => (
                "Vea si la nube responde; `fluxion-agent doctor` dice qué lo impide. Nada se pierde.",
                "See whether the cloud answers; `fluxion-agent doctor` says what is in the way. Nothing is lost.",
            ),
            Self::DiskLow => (
                "Libere espacio; sin él la lectura se detiene.",
                "Free some; without it reading stops.",
            ),
            Self::ClockWrong => (
                "Ponga la hora correcta y active la sincronización con un servidor de hora.",
                "Set the right time and have it kept by a time server.",
            ),
        };
        lang.say(spanish, english).to_owned()
    }

    /// What the agent itself says of it, in English; often nothing.
    pub fn detail(&self) -> &str {
        match self {
            Self::CloudRefuses { problem } | Self::CloudSilent { problem } => problem,
            Self::StreamHalted { halt, .. } => &halt.message,
            Self::StreamRetried { stream } => stream.error.as_deref().unwrap_or_default(),
            Self::NotEnrolled
            | Self::EnrolmentWaits
            | Self::PosUnreadable { .. }
            | Self::RowsSetAside { .. }
            | Self::QueueFull
            | Self::WaitsLong
            | Self::DiskLow
            | Self::ClockWrong => "",
        }
    }
}

impl Stream {
    /// A stream is named with its POS system, and then what is the matter with it.
    fn with(&self, what: &str) -> String {
        format!("{} / {}: {what}", self.pos, self.name)
    }
}
