//! Whether the status page of this computer can be opened.

use super::report::Report;
use crate::cli::look::read_state;
use crate::config::Loaded;
use crate::folder::DataFolder;

/// Asks the agent that works here; while none does, there is no page and nothing to say.
pub(super) fn status_page(report: &mut Report, loaded: &Loaded, folder: &DataFolder) {
    let Some(page) = &loaded.config.status_page else {
        return;
    };
    if !folder.try_lock().is_ok_and(|lock| lock.is_none()) {
        return;
    }
    let Some(state) = read_state(folder) else {
        return;
    };
    if state.page_problem.is_none() {
        let label = report.say("Página de estado", "Status page");
        report.good(&format!("{label}: http://{}", page.listen));
        return;
    }
    let what = report.say(
        "La página de estado no se puede mostrar",
        "The status page cannot be shown",
    );
    let remedy = report.say(
        "cierre el programa que usa el puerto, o ponga otro en `listen` de [status_page]; el agente lo nota por sí solo",
        "end the program that uses the port, or put another into `listen` of [status_page]; the agent notices by itself",
    );
    let detail = state.page_problem.unwrap_or_default();
    report.odd(&format!("{what} ({detail})"), remedy);
}
