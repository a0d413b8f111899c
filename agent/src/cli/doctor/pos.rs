//! A POS system: what its connector notices, whether each stream can be read, and how its changes are noticed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fluxion_connectors::{
    Allowed, Marks, OpenContext, Remedy, Said, SourceError, SourceResult, StartAt,
};
use fluxion_model::stream::{Capture, Source, StreamSpec};

use super::report::Report;
use crate::capture::{PosSystem, choose};
use crate::cli::Lang;
use crate::config::name_of;
use crate::spanish;

/// One answer of a POS may take so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Comparing everything more often than this is felt at the till.
const DIFF_AT_MOST_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn pos_system(report: &mut Report, pos: &PosSystem) {
    let name = &pos.config.name;
    match patiently(pos.connector.probe()).await {
        Ok(probe) => {
            report.good(&format!("{name}: {}", probe.product));
            for finding in &probe.findings {
                report.found(name, finding);
            }
        }
        Err(trouble) => {
            trouble.tell(report, name);
            return;
        }
    }
    for rules in pos.streams() {
        stream(report, pos, rules.spec()).await;
    }
}

async fn stream(report: &mut Report, pos: &PosSystem, spec: &StreamSpec) {
    let name = format!("{}/{}", pos.config.name, spec.name);
    let choice = match patiently(choose(pos, spec)).await {
        Ok(choice) => choice,
        Err(trouble) => {
            trouble.tell(report, &name);
            return;
        }
    };
    let context = OpenContext {
        settings: pos.context.settings.clone(),
        marks: Arc::new(NoMarks),
    };
    let spec = &StreamSpec {
        capture: choice.capture,
        ..spec.clone()
    };
    let way = name_of(&spec.capture);
    if spec.capture == Capture::Push {
        return pushed(report, pos, spec, &name).await;
    }
    // Opening checks tables and columns; nothing is read.
    match patiently(pos.connector.open(spec, StartAt::Snapshot, context)).await {
        Ok(stream) => {
            drop(stream);
            let what = match report.lang {
                Lang::Es => format!("{name}: se puede leer; los cambios se notan por {way}"),
                Lang::En => format!("{name}: can be read; changes are noticed by {way}"),
            };
            report.good(&what);
        }
        Err(trouble) => trouble.tell(report, &name),
    }
    for (passed, why) in &choice.passed_over {
        let passed = name_of(passed);
        let what = match report.lang {
            Lang::Es => format!("{name}: los cambios se notan por {way}, no por {passed}"),
            Lang::En => format!("{name}: changes are noticed by {way}, not by {passed}"),
        };
        report.odd(&what, report.said(why));
    }
    let asked: Vec<&Capture> = choice.passed_over.iter().map(|(way, _)| way).collect();
    better(report, pos, spec, &asked).await;
    let too_often = pos
        .config
        .every
        .is_some_and(|every| every.0 < DIFF_AT_MOST_EVERY);
    if spec.capture == Capture::Diff && matches!(spec.source, Source::Query(_)) && too_often {
        let what = report.say(
            "se compara todo más de una vez por minuto",
            "everything is compared more often than once a minute",
        );
        let remedy = report.say(
            "aumente `every`, o elija otra forma de notar los cambios en `[pos.capture]`",
            "raise `every`, or choose another way of noticing changes in `[pos.capture]`",
        );
        report.odd(&format!("{name}: {what}"), remedy);
    }
}

/// A stream that waits for calls is not opened: the agent that runs has the port, and answers.
async fn pushed(report: &mut Report, pos: &PosSystem, spec: &StreamSpec, name: &str) {
    match patiently(pos.connector.allows(spec, &spec.capture)).await {
        Ok(Allowed::Yes) => {
            let what = report.say("espera las llamadas del POS", "waits for calls of the POS");
            report.good(&format!("{name}: {what}"));
        }
        Ok(Allowed::No { why }) => {
            let what = report.say("no puede recibir llamadas", "cannot take calls");
            report.bad(&format!("{name}: {what}"), report.said(&why));
        }
        Err(trouble) => trouble.tell(report, name),
    }
}

/// Says whether a stream that is compared or asked by date could be followed as it changes.
async fn better(report: &mut Report, pos: &PosSystem, spec: &StreamSpec, asked: &[&Capture]) {
    let is_slow = matches!(spec.capture, Capture::Diff | Capture::Watermark { .. });
    if !is_slow || spec.changes.is_empty() || !matches!(spec.source, Source::Query(_)) {
        return;
    }
    let name = format!("{}/{}", pos.config.name, spec.name);
    for way in [Capture::Log, Capture::Outbox] {
        if asked.contains(&&way) {
            continue;
        }
        let way_name = name_of(&way);
        let allowed = patiently(pos.connector.allows(spec, &way)).await;
        let (es, en, remedy) = match allowed {
            Ok(Allowed::Yes) => {
                let remedy = format!("[pos.capture] {} = \"{way_name}\"", spec.name);
                (
                    "los cambios también podrían notarse por",
                    "changes could also be noticed by",
                    remedy,
                )
            }
            Ok(Allowed::No { why }) => (
                "los cambios se notarían antes por",
                "changes would be noticed sooner by",
                report.said(&why).to_owned(),
            ),
            Err(Trouble::Source(error)) => match &error.remedy {
                Remedy::AskOperator { code, hint } => {
                    let why = Said::new(hint.clone(), spanish::remedy(code, hint));
                    let why = report.said(&why).to_owned();
                    (
                        "los cambios se notarían antes por",
                        "changes would be noticed sooner by",
                        why,
                    )
                }
                Remedy::Retry | Remedy::Resnapshot => continue,
            },
            Err(Trouble::Late) => continue,
        };
        let what = format!("{name}: {} {way_name}", report.say(es, en));
        report.note(&what, &remedy);
    }
}

/// Why a source did not do what was asked.
enum Trouble {
    Source(SourceError),
    Late,
}

impl Trouble {
    fn tell(&self, report: &mut Report, name: &str) {
        match self {
            Self::Source(error) => report.source_problem(name, error),
            Self::Late => {
                let what = report.say("no responde en 30 s", "does not answer within 30 s");
                let remedy = report.say(
                    "revise que el POS esté encendido y no sobrecargado",
                    "check that the POS is running and not overloaded",
                );
                report.bad(&format!("{name}: {what}"), remedy);
            }
        }
    }
}

async fn patiently<T>(asked: impl Future<Output = SourceResult<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Trouble::Source(error)),
        Err(_) => Err(Trouble::Late),
    }
}

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}
