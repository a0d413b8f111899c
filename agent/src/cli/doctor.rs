//! `doctor`: looks for everything that could be wrong, and says what to do, in Spanish or English.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use fluxion_connectors::{Finding, Level, Marks, OpenContext, Remedy, SourceError, StartAt};
use fluxion_model::stream::StreamSpec;

use super::{Lang, Place};
use crate::capture::{PosSystem, choose};
use crate::config::{Loaded, name_of};
use crate::folder::DataFolder;
use crate::sender::{Cloud, CloudError};
use crate::spool::Peek;

const LITTLE_SPACE: u64 = 2_000_000_000;
const SKEW_SECONDS: i64 = 120;

struct Report {
    lang: Lang,
    bad: u32,
}

impl Report {
    fn say<'a>(&self, spanish: &'a str, english: &'a str) -> &'a str {
        match self.lang {
            Lang::Es => spanish,
            Lang::En => english,
        }
    }

    fn good(&self, what: &str) {
        println!("[ OK ] {what}");
    }

    fn odd(&self, what: &str, remedy: &str) {
        println!(
            "[ !! ] {what}\n       {} {remedy}",
            self.say("Qué hacer:", "What to do:")
        );
    }

    fn bad(&mut self, what: &str, remedy: &str) {
        self.bad += 1;
        println!(
            "[FAIL] {what}\n       {} {remedy}",
            self.say("Qué hacer:", "What to do:")
        );
    }
}

pub(super) async fn doctor(place: &Place, lang: Option<Lang>) -> anyhow::Result<ExitCode> {
    let mut report = Report {
        lang: lang.unwrap_or_else(of_this_computer),
        bad: 0,
    };
    match place.load() {
        Ok(loaded) => {
            let path = loaded.path.display();
            report.good(&format!(
                "{}: {path}",
                report.say("Configuración", "Configuration")
            ));
            data_folder(&mut report, &loaded).await;
            for config in &loaded.config.pos {
                match PosSystem::prepare(&loaded, config) {
                    Ok(pos) => pos_system(&mut report, &pos).await,
                    Err(problem) => {
                        let remedy =
                            report.say("corrija la configuración", "correct the configuration");
                        report.bad(
                            &format!("{}: {}", config.name, crate::chain(&problem)),
                            remedy,
                        );
                    }
                }
            }
        }
        Err(error) => {
            let remedy = report.say(
                "corrija el archivo; `fluxion-agent config sample` muestra uno completo",
                "correct the file; `fluxion-agent config sample` shows a whole one",
            );
            report.bad(&format!("{error:#}"), remedy);
        }
    }
    println!();
    if report.bad == 0 {
        println!("{}", report.say("Todo está en orden.", "All is well."));
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} {}",
        report.bad,
        report.say("problemas por resolver.", "problems to solve.")
    );
    Ok(ExitCode::FAILURE)
}

pub(super) fn of_this_computer() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    if set.is_some_and(|lang| lang.to_lowercase().starts_with("es")) {
        Lang::Es
    } else {
        Lang::En
    }
}

async fn data_folder(report: &mut Report, loaded: &Loaded) {
    let folder = match DataFolder::open(&loaded.data_dir) {
        Ok(folder) => folder,
        Err(error) => {
            let remedy = report.say(
                "dé a la cuenta del agente permiso de escritura, o use --data-dir",
                "give the agent's account the right to write, or use --data-dir",
            );
            report.bad(&format!("{error:#}"), remedy);
            return;
        }
    };
    let path = folder.path().display().to_string();
    match folder.check_writable() {
        Ok(()) => report.good(&format!(
            "{}: {path}",
            report.say("Carpeta de datos escribible", "Data folder is writable")
        )),
        Err(error) => {
            let remedy = report.say(
                "dé a la cuenta del agente permiso de escritura sobre esa carpeta",
                "give the agent's account the right to write in that folder",
            );
            report.bad(&format!("{error:#}"), remedy);
        }
    }
    match folder.free_bytes() {
        Some(free) if free < LITTLE_SPACE => {
            let what = format!(
                "{}: {} MB",
                report.say("Poco espacio en disco", "Little disk space"),
                free / 1_000_000
            );
            report.odd(
                &what,
                report.say(
                    "libere espacio; sin él la lectura se detiene",
                    "free some; without it reading stops",
                ),
            );
        }
        Some(free) => report.good(&format!(
            "{}: {} GB",
            report.say("Espacio libre en disco", "Free disk space"),
            free / 1_000_000_000
        )),
        None => {}
    }
    match Peek::open(folder.path()).and_then(|peek| peek.map(|peek| peek.waiting()).transpose()) {
        Ok(Some((batches, _))) => {
            report.good(&format!(
                "{}: {batches}",
                report.say("Envíos en espera", "Deliveries that wait")
            ));
        }
        Ok(None) => {}
        Err(error) => {
            let remedy = report.say(
                "inicie el agente: reemplaza un archivo dañado y lee todo de nuevo",
                "start the agent: it replaces a damaged file and reads everything again",
            );
            report.bad(&crate::chain(&error), remedy);
        }
    }
    cloud(report, loaded, &folder).await;
}

async fn cloud(report: &mut Report, loaded: &Loaded, folder: &DataFolder) {
    let server = &loaded.config.server;
    let token = match folder.identity() {
        Ok(Some(identity)) => {
            let what = format!(
                "{}: {} ({})",
                report.say("Inscrito en la tienda", "Enrolled in the store"),
                identity.store_name,
                identity.tenant_name
            );
            report.good(&what);
            identity.token
        }
        Ok(None) => {
            let remedy = report.say(
                "pida un código en el panel y ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
                "get a code in the dashboard and run `fluxion-agent enroll --server URL --code CODE`",
            );
            report.bad(
                report.say("El agente no está inscrito", "The agent is not enrolled"),
                remedy,
            );
            return;
        }
        Err(error) => {
            report.bad(
                &format!("{error:#}"),
                report.say("inscríbalo de nuevo", "enrol it again"),
            );
            return;
        }
    };
    let cloud = match Cloud::new(server, Some(token)) {
        Ok(cloud) => cloud,
        Err(error) => {
            let remedy = report.say(
                "revise los certificados de este equipo",
                "check the certificates of this computer",
            );
            report.bad(&format!("{error:#}"), remedy);
            return;
        }
    };
    let point = cloud.resume_point().await;
    match point {
        Ok(_) => report.good(&format!(
            "{}: {server}",
            report.say(
                "La nube responde y acepta el agente",
                "The cloud answers and accepts the agent"
            )
        )),
        Err(error @ CloudError::Unauthorized { .. }) => {
            let remedy = report.say(
                "pida un código nuevo en el panel y ejecute `fluxion-agent enroll`",
                "get a new code in the dashboard and run `fluxion-agent enroll`",
            );
            report.bad(&crate::chain(&error), remedy);
            return;
        }
        Err(error) => {
            let remedy = report.say(
                "revise la conexión a Internet, el cortafuegos y `server`; lo leído espera en el disco",
                "check the internet line, the firewall and `server`; what was read waits on the disk",
            );
            report.bad(&crate::chain(&error), remedy);
            return;
        }
    }
    clock(report, &cloud).await;
}

async fn clock(report: &mut Report, cloud: &Cloud) {
    let Ok(Some(theirs)) = cloud.clock().await else {
        return;
    };
    let skew = (Utc::now() - theirs).num_seconds();
    if skew.abs() < SKEW_SECONDS {
        report.good(report.say("El reloj está en hora", "The clock is right"));
        return;
    }
    let what = format!(
        "{}: {skew} s",
        report.say(
            "El reloj difiere del de la nube",
            "The clock differs from the cloud's"
        )
    );
    report.odd(
        &what,
        report.say(
            "ponga la hora correcta en este equipo",
            "set the right time on this computer",
        ),
    );
}

/// What a connector noticed, in the reader's language.
fn found(report: &mut Report, name: &str, finding: &Finding) {
    let what = format!("{name}: {}", report.say(&finding.what.es, &finding.what.en));
    let remedy = match &finding.remedy {
        Some(remedy) => report.say(&remedy.es, &remedy.en),
        None => report.say("no hay que hacer nada", "nothing has to be done"),
    };
    match finding.level {
        Level::Info => report.good(&what),
        Level::Warning => report.odd(&what, remedy),
        Level::Problem => report.bad(&what, remedy),
    }
}

async fn pos_system(report: &mut Report, pos: &PosSystem) {
    let name = &pos.config.name;
    let probe = tokio::time::timeout(Duration::from_secs(30), pos.connector.probe()).await;
    match probe {
        Ok(Ok(probe)) => {
            report.good(&format!("{name}: {}", probe.product));
            for finding in probe.findings {
                found(report, name, &finding);
            }
        }
        Ok(Err(error)) => {
            source_problem(report, name, &error);
            return;
        }
        Err(_) => {
            let what = format!(
                "{name}: {}",
                report.say("no responde en 30 s", "does not answer within 30 s")
            );
            report.bad(
                &what,
                report.say(
                    "revise que el POS esté encendido",
                    "check that the POS is running",
                ),
            );
            return;
        }
    }
    for rules in pos.streams() {
        let Some(spec) = way_of(report, pos, rules.spec()).await else {
            continue;
        };
        let spec = &spec;
        let context = OpenContext {
            settings: pos.context.settings.clone(),
            marks: Arc::new(NoMarks),
        };
        // Opening checks tables and columns; nothing is read.
        match pos.connector.open(spec, StartAt::Snapshot, context).await {
            Ok(stream) => {
                drop(stream);
                report.good(&format!(
                    "{name}/{}: {}",
                    spec.name,
                    report.say("se puede leer", "can be read")
                ));
            }
            Err(error) => source_problem(report, &format!("{name}/{}", spec.name), &error),
        }
    }
}

/// The stream with the way of noticing changes that would be chosen now; says what better ways would take.
async fn way_of(report: &mut Report, pos: &PosSystem, spec: &StreamSpec) -> Option<StreamSpec> {
    let name = format!("{}/{}", pos.config.name, spec.name);
    let choice = match choose(pos, spec).await {
        Ok(choice) => choice,
        Err(error) => {
            source_problem(report, &name, &error);
            return None;
        }
    };
    let chosen = name_of(&choice.capture);
    for (way, why) in &choice.passed_over {
        let way = name_of(way);
        let what = match report.lang {
            Lang::Es => format!("{name}: los cambios se notan por {chosen}, no por {way}"),
            Lang::En => format!("{name}: changes are noticed by {chosen}, not by {way}"),
        };
        report.odd(&what, report.say(&why.es, &why.en));
    }
    Some(StreamSpec {
        capture: choice.capture,
        ..spec.clone()
    })
}

fn source_problem(report: &mut Report, name: &str, error: &SourceError) {
    let what = format!("{name}: {}", crate::chain(error));
    match &error.remedy {
        Remedy::AskOperator { hint, .. } => report.bad(&what, hint),
        Remedy::Retry | Remedy::Resnapshot => {
            let remedy = report.say(
                "revise que el equipo y el servicio del POS estén encendidos y accesibles",
                "check that the POS's computer and service are running and can be reached",
            );
            report.bad(&what, remedy);
        }
    }
}

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}
