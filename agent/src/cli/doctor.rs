//! `doctor`: looks for everything that could be wrong, and says what to do, in Spanish or English.
//!
//! It reads and asks; beside a file that comes and goes in the data folder and in the folder of read exports it changes
//! nothing, and it may run while the agent works.

mod cloud;
mod enrolment;
mod home;
mod page;
mod pos;
mod report;
mod secrets;
mod service;
mod update;

use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;

use super::{Lang, Place};
use crate::capture::{PosProblem, PosSystem};
use crate::config::Loaded;
use crate::folder::DataFolder;
use report::{Paper, Report};

pub(super) async fn doctor(place: &Place, lang: Option<Lang>) -> anyhow::Result<ExitCode> {
    let lang = lang.unwrap_or_else(of_this_computer);
    let mut report = Report::new(lang, Box::new(std::io::stdout()));
    examine(&mut report, place).await;
    Ok(if report.end() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The report as a text, as far as it came in this time, and whether it came to its end.
pub(super) async fn told_within(limit: Duration, place: &Place, lang: Lang) -> (String, bool) {
    let paper = Paper::default();
    let mut report = Report::new(lang, Box::new(paper.clone()));
    let examined = tokio::time::timeout(limit, examine(&mut report, place)).await;
    report.end();
    (paper.text(), examined.is_ok())
}

async fn examine(report: &mut Report, place: &Place) {
    // Also when the configuration cannot be used: the service then says the same to whoever asks it.
    if let Ok(folder) = DataFolder::open(&place.folder_path()) {
        service::service(report, &folder);
    }
    match place.load() {
        Ok(loaded) => look(report, &loaded).await,
        Err(error) => {
            let what = report.say(
                "La configuración no se puede usar",
                "The configuration cannot be used",
            );
            let remedy = report.say(
                "corrija el archivo; `fluxion-agent config sample` muestra uno completo",
                "correct the file; `fluxion-agent config sample` shows a whole one",
            );
            report.bad(&format!("{what}: {error:#}"), remedy);
        }
    }
}

async fn look(report: &mut Report, loaded: &Loaded) {
    let label = report.say("Configuración", "Configuration");
    report.good(&format!("{label}: {}", loaded.path.display()));
    secrets::in_the_open(report, loaded);
    let folder = home::data_folder(report, loaded);
    if let Some(folder) = &folder {
        update::updates(report, loaded, folder);
        page::status_page(report, loaded, folder);
    }
    cloud::cloud(report, loaded, folder.as_ref()).await;
    if loaded.config.pos.is_empty() {
        let what = report.say(
            "La configuración no tiene ninguna sección [[pos]], así que no hay nada que leer",
            "The configuration has no [[pos]] section, so there is nothing to read",
        );
        let remedy = report.say(
            "`fluxion-agent discover` busca el punto de venta y escribe su sección",
            "`fluxion-agent discover` looks for the POS and writes its section",
        );
        report.bad(what, remedy);
    }
    for config in &loaded.config.pos {
        home::timetable(report, config, Utc::now());
        match PosSystem::prepare(loaded, config) {
            Ok(pos) => pos::pos_system(report, &pos).await,
            Err(PosProblem::Secret(problem)) => secrets::missing(report, &config.name, &problem),
            Err(problem) => {
                let what = report.say("no se puede preparar", "cannot be made ready");
                let remedy = report.say("corrija la configuración", "correct the configuration");
                let what = format!("{}: {what}: {}", config.name, crate::chain(&problem));
                report.bad(&what, remedy);
            }
        }
    }
}

/// As the environment says, as programs from other systems expect; else as Windows speaks to its user.
pub(super) fn of_this_computer() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let spanish = match set {
        Some(lang) => lang.to_lowercase().starts_with("es"),
        None => system_is_spanish(),
    };
    if spanish { Lang::Es } else { Lang::En }
}

#[cfg(windows)]
fn system_is_spanish() -> bool {
    fluxion_system::language::is_spanish()
}

#[cfg(not(windows))]
fn system_is_spanish() -> bool {
    false
}
