//! Whether this computer starts the agent by itself, and what keeps the service from working.

use super::report::Report;
use crate::folder::DataFolder;
use crate::service::{self, NAME};
use crate::supervise::ServiceState;

/// Says how the service is. `folder` is the data folder, as far as it is known.
pub(super) fn service(report: &mut Report, folder: &DataFolder) {
    let running = folder.try_lock().is_ok_and(|lock| lock.is_none());
    let problem = ServiceState::read(folder).and_then(|state| state.problem);
    match service::state() {
        None => {
            let what = report.say(
                "El agente no está instalado como servicio de este equipo",
                "The agent is not installed as a service of this computer",
            );
            let remedy = report.say(
                "para que arranque con el equipo, ejecute como administrador `fluxion-agent install` (en Linux, instale \
                 el paquete)",
                "to have it start with the computer, run `fluxion-agent install` as administrator (on Linux, install \
                 the package)",
            );
            report.note(what, remedy);
        }
        Some(state) if matches!(state.word.as_str(), "running" | "active") => {
            let what = report.say("El servicio está en marcha", "The service runs");
            report.good(&format!("{what}: {NAME}"));
            if let (false, Some(problem)) = (running, problem) {
                let what = report.say(
                    "El servicio no logra mantener el agente en marcha",
                    "The service cannot keep the agent running",
                );
                let remedy = report.say(
                    "corrija lo que se nombra; el servicio lo nota por sí solo",
                    "mend what is named; the service notices by itself",
                );
                report.bad(&format!("{what}: {problem}"), remedy);
            }
        }
        Some(state) => {
            let what = report.say("El servicio no está en marcha", "The service does not run");
            let remedy = report.say(
                "ejecute como administrador `fluxion-agent start`",
                "run `fluxion-agent start` as administrator",
            );
            report.bad(&format!("{what}: {NAME} ({})", state.word), remedy);
        }
    }
}
