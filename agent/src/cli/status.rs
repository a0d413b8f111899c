//! `status`: how the agent stands, whether it runs or not, in Spanish or English.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use fluxion_model::release::UpdateState;

use super::doctor::of_this_computer;
use super::lang::say;
use super::look::{read_state, size};
use super::progress::phase;
use super::{Lang, Place};
use crate::enrolment::{Enrolment, Waiting};
use crate::folder::DataFolder;
use crate::live::Snapshot;
use crate::service;
use crate::spanish;
use crate::spool::{Peek, StreamSummary};
use crate::supervise::ServiceState;

pub(super) fn status(place: &Place, json: bool, lang: Option<Lang>) -> anyhow::Result<ExitCode> {
    // Also when the configuration cannot be used: that is what is to be told then.
    let folder = DataFolder::open(&place.folder_path())?;
    let peek = Peek::open(folder.path())?;
    let status = Status {
        running: folder.try_lock()?.is_none(),
        service: service::state().map(|state| state.word),
        supervisor: ServiceState::read(&folder),
        mistake: place.load().err().map(|error| format!("{error:#}")),
        enrolment: Enrolment::read(&folder),
        state: read_state(&folder),
        lang: lang.unwrap_or_else(of_this_computer),
        folder,
    };
    if json {
        let value = status.json(peek.as_ref())?;
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(ExitCode::SUCCESS);
    }
    status.computer();
    status.store();
    if let (true, Some(state)) = (status.running, &status.state) {
        status.cloud(state);
    }
    match peek {
        Some(peek) => status.spool(&peek)?,
        None => println!(
            "{}",
            status.say("Todavía no se leyó nada.", "Nothing was read yet.")
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// All that is known but what lies in the spool.
struct Status {
    folder: DataFolder,
    running: bool,
    service: Option<String>,
    supervisor: Option<ServiceState>,
    mistake: Option<String>,
    enrolment: anyhow::Result<Option<Enrolment>>,
    state: Option<Snapshot>,
    lang: Lang,
}

impl Status {
    fn say<'a>(&self, spanish: &'a str, english: &'a str) -> &'a str {
        say(self.lang, spanish, english)
    }

    /// For scripts: its words do not change with the language.
    fn json(&self, peek: Option<&Peek>) -> anyhow::Result<serde_json::Value> {
        let streams = peek.map(Peek::streams).transpose()?.unwrap_or_default();
        let streams: Vec<_> = streams.iter().map(stream_json).collect();
        let waiting = peek.map(Peek::waiting).transpose()?.unwrap_or_default();
        let enrolment = self.enrolment.as_ref().ok().and_then(Option::as_ref);
        let enrolment = enrolment.map(|kept| {
            let (state, problem) = match &kept.state {
                Waiting::ForTheCloud { problem, .. } => ("waits_for_the_cloud", problem.as_deref()),
                Waiting::ForAnotherCode { why } => ("code_refused", Some(why.as_str())),
            };
            serde_json::json!({
                "server": kept.server, "since": kept.since, "state": state, "problem": problem,
            })
        });
        Ok(serde_json::json!({
            "running": self.running, "state": self.state, "queued_batches": waiting.0, "queued_bytes": waiting.1,
            "streams": streams, "service": self.service, "supervisor": self.supervisor,
            "configuration_problem": self.mistake, "enrolment": enrolment,
        }))
    }

    /// Whether the agent runs here, and what keeps it from running.
    fn computer(&self) {
        let runs = if self.running {
            self.say("en marcha", "running")
        } else {
            self.say("detenido", "not running")
        };
        println!("{}: {runs}", self.say("Agente", "Agent"));
        if let Some(word) = &self.service {
            let label = self.say("Servicio", "Service");
            println!("{label} {}: {}", service::NAME, self.service_word(word));
        }
        let problem = self.supervisor.as_ref();
        let problem = problem.and_then(|supervisor| supervisor.problem.as_ref());
        if let (false, Some(problem)) = (self.running, problem) {
            println!("{}: {problem}", self.say("Por qué", "Why"));
        }
        if let Some(mistake) = &self.mistake {
            println!("{}: {mistake}", self.say("Configuración", "Configuration"));
        }
    }

    /// The service managers have words of their own.
    fn service_word<'a>(&self, word: &'a str) -> &'a str {
        let spanish = match word {
            "running" | "active" => "en marcha",
            "stopped" | "inactive" => "detenido",
            "starting" | "activating" => "arrancando",
            "stopping" | "deactivating" => "deteniéndose",
            "paused" => "en pausa",
            "failed" => "falló",
            other => other,
        };
        self.say(spanish, word)
    }

    /// Where the agent stands, and an enrolment that waits.
    fn store(&self) {
        let store = self.say("Tienda", "Store");
        let identity = self.folder.identity();
        match &identity {
            Ok(Some(identity)) => println!(
                "{store}: {} ({}), {}",
                identity.store_name, identity.tenant_name, identity.server
            ),
            Ok(None) if matches!(self.enrolment, Ok(None)) => println!(
                "{store}: {}",
                self.say(
                    "todavía no está inscrita; ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
                    "not enrolled yet; run `fluxion-agent enroll --server URL --code CODE`"
                )
            ),
            Ok(None) => println!("{store}: {}", self.say("todavía no está inscrita", "not enrolled yet")),
            Err(error) => println!("{store}: {error:#}"),
        }
        let label = self.say("Inscripción", "Enrolment");
        match &self.enrolment {
            Ok(None) => {}
            Ok(Some(kept)) => println!("{label}: {}", self.enrolment_words(kept)),
            Err(error) => println!("{label}: {error:#}"),
        }
    }

    fn enrolment_words(&self, kept: &Enrolment) -> String {
        match &kept.state {
            Waiting::ForTheCloud { problem, .. } => {
                let waits = self.say(
                    "el código está guardado y se intenta solo hasta que la nube responda",
                    "the code is kept and tried again by itself until the cloud answers",
                );
                let since = self.ago(kept.since);
                let problem = problem.as_ref();
                let problem = problem.map_or_else(String::new, |problem| format!(": {problem}"));
                format!("{waits} ({}, {since}){problem}", kept.server)
            }
            Waiting::ForAnotherCode { why } => {
                let refused = self.say(
                    "la nube no acepta el código",
                    "the cloud does not accept the code",
                );
                let remedy = self.say(
                    "pida otro en el panel y ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
                    "get another one in the dashboard and run `fluxion-agent enroll --server URL --code CODE`",
                );
                format!(
                    "{refused}: {why}\n  {}: {remedy}",
                    self.say("Qué hacer", "What to do")
                )
            }
        }
    }

    fn cloud(&self, state: &Snapshot) {
        let label = self.say("Nube", "Cloud");
        let waits = matches!(self.enrolment, Ok(Some(_)));
        match (&state.cloud.problem, state.cloud.last_answer) {
            // What keeps the agent from being enrolled was said just above.
            (_, None) if waits => {}
            (Some(problem), _) => println!(
                "{label}: {problem}\n  {}: `fluxion-agent doctor`",
                self.say("Qué hacer", "What to do")
            ),
            (None, Some(at)) => {
                println!(
                    "{label}: {} {}",
                    self.say("respondió", "answered"),
                    self.ago(at)
                );
            }
            (None, None) => {
                println!(
                    "{label}: {}",
                    self.say("todavía no se le preguntó", "not asked yet")
                );
            }
        }
        if let Some(problem) = &state.page_problem {
            println!("{}: {problem}", self.say("Página de estado", "Status page"));
        }
        println!("{}: {}", self.say("Versión", "Version"), state.version);
        if let Some(update) = &state.update {
            let how = self.update_words(update.state);
            let message = update.message.as_ref();
            let message = message.map_or_else(String::new, |message| format!(": {message}"));
            let label = self.say("Actualización a la", "Update to");
            println!("{label} {}: {how}{message}", update.target);
        }
        for (pos, problem) in &state.pos_problems {
            let (before, after) = match self.lang {
                Lang::Es => ("El POS", "no se puede leer"),
                Lang::En => ("POS system", "cannot be read"),
            };
            println!("{before} {pos} {after}: {problem}");
        }
    }

    fn update_words(&self, state: UpdateState) -> &'static str {
        let (spanish, english) = match state {
            UpdateState::Downloading => ("descargándose", "downloading"),
            UpdateState::Waiting => ("espera un momento tranquilo", "waiting for a quiet moment"),
            UpdateState::Trying => ("a prueba", "being tried"),
            UpdateState::Installed => ("instalada", "installed"),
            UpdateState::RolledBack => ("no funcionó y volvió la anterior", "rolled back"),
            UpdateState::Refused => ("rechazada", "refused"),
            UpdateState::Failed => (
                "no se pudo descargar; se intenta otra vez",
                "failed; tried again later",
            ),
            UpdateState::Off => ("desactivada", "off"),
            UpdateState::Other => ("en curso", "under way"),
        };
        say(self.lang, spanish, english)
    }

    fn spool(&self, peek: &Peek) -> anyhow::Result<()> {
        let (batches, bytes) = peek.waiting()?;
        let (before, deliveries) = match self.lang {
            Lang::Es => ("En espera de la nube", "envíos"),
            Lang::En => ("Waiting for the cloud", "deliveries"),
        };
        println!("{before}: {batches} {deliveries}, {}", size(bytes));
        for stream in peek.streams()? {
            self.stream(&stream);
        }
        Ok(())
    }

    fn stream(&self, stream: &StreamSummary) {
        let live = self.state.as_ref().filter(|_| self.running);
        let now = live.and_then(|state| {
            state
                .streams
                .iter()
                .find(|s| s.state.pos == stream.pos && s.state.stream.as_str() == stream.stream)
        });
        let last = stream.last_success;
        let last = last.or(now.and_then(|now| now.state.last_success_at));
        let last = last.map_or_else(|| self.say("nunca", "never").to_owned(), |at| self.ago(at));
        let doing = now.map_or_else(String::new, |now| format!(", {}", phase(now, self.lang)));
        let (pos, name, rows, rejects) = (&stream.pos, &stream.stream, stream.rows, stream.rejects);
        match self.lang {
            Lang::Es => println!(
                "  {pos}/{name}: {rows} filas, {rejects} apartadas, última lectura {last}{doing}"
            ),
            Lang::En => println!(
                "  {pos}/{name}: {rows} rows, {rejects} set aside, last read {last}{doing}"
            ),
        }
        if let Some(halt) = &stream.halted {
            let waits = self.say("ESPERA POR USTED", "WAITS FOR YOU");
            println!("    {waits} ({}): {}", halt.code, halt.message);
            let todo = match self.lang {
                Lang::Es => Some(spanish::halted(pos, name, halt)),
                Lang::En => halt.hint.clone(),
            };
            if let Some(todo) = todo {
                println!("    {}: {todo}", self.say("Qué hacer", "What to do"));
            }
        } else if let Some(error) = now.and_then(|now| now.state.last_error.as_ref()) {
            println!("    {error}");
        }
    }

    fn ago(&self, at: DateTime<Utc>) -> String {
        let seconds = (Utc::now() - at).num_seconds().max(0);
        let (count, unit) = match seconds {
            0..60 => (seconds, "s"),
            60..3_600 => (seconds / 60, "min"),
            3_600..86_400 => (seconds / 3_600, "h"),
            _ => (seconds / 86_400, self.say("días", "days")),
        };
        match self.lang {
            Lang::Es => format!("hace {count} {unit}"),
            Lang::En => format!("{count} {unit} ago"),
        }
    }
}

fn stream_json(stream: &StreamSummary) -> serde_json::Value {
    serde_json::json!({
        "pos": stream.pos, "stream": stream.stream, "rows": stream.rows, "rejects": stream.rejects,
        "scanning": stream.scanning, "halted": stream.halted, "last_success": stream.last_success,
        "last_scan": stream.last_scan,
    })
}
