//! Whether somebody has enrolled this agent, and what an enrolment that is not made yet waits for.

use super::report::Report;
use crate::enrolment::{Enrolment, Waiting};
use crate::folder::DataFolder;

/// Nobody has.
pub(super) fn never(report: &mut Report) {
    let remedy = report.say(
        "pida un código en el panel y ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
        "get a code in the dashboard and run `fluxion-agent enroll --server URL --code CODE`",
    );
    report.bad(
        report.say("El agente no está inscrito", "The agent is not enrolled"),
        remedy,
    );
}

/// Tells of one that waits; false when there is none.
pub(super) fn waiting(report: &mut Report, folder: &DataFolder) -> bool {
    let state = match Enrolment::read(folder) {
        Ok(None) => return false,
        Ok(Some(enrolment)) => enrolment.state,
        Err(error) => {
            let again = report.say("inscríbalo de nuevo", "enrol it again");
            report.bad(&format!("{error:#}"), again);
            return true;
        }
    };
    match state {
        Waiting::ForTheCloud { problem, .. } => {
            let what = report.say(
                "El agente todavía no está inscrito: el código está guardado y espera que la nube responda",
                "The agent is not enrolled yet: the code is kept and waits for the cloud to answer",
            );
            let why = problem.map_or_else(String::new, |problem| format!(" ({problem})"));
            let remedy = report.say(
                "arregle la conexión y deje el agente en marcha: lo intenta solo; con otro código se reemplaza",
                "mend the line and leave the agent running: it tries again by itself; another code takes its place",
            );
            report.bad(&format!("{what}{why}"), remedy);
        }
        Waiting::ForAnotherCode { why } => {
            let what = report.say(
                "La nube no acepta el código de inscripción",
                "The cloud does not accept the code of the enrolment",
            );
            let remedy = report.say(
                "un código sirve una vez y por poco tiempo: pida otro en el panel y ejecute `fluxion-agent enroll --server URL --code CÓDIGO`",
                "a code works once and for a short time: get another in the dashboard and run `fluxion-agent enroll --server URL --code CODE`",
            );
            report.bad(&format!("{what}: {why}"), remedy);
        }
    }
    true
}
