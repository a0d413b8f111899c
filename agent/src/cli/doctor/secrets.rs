//! Passwords: none should stand in the configuration, and each that it names must be there.

use super::report::Report;
use crate::cli::Lang;
use crate::config::{Loaded, plain_secrets};
use crate::secrets::SecretError;

/// Passwords that anybody who may read the configuration can read.
pub(super) fn in_the_open(report: &mut Report, loaded: &Loaded) {
    let text = std::fs::read_to_string(&loaded.path).unwrap_or_default();
    let found = plain_secrets(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    if found.is_empty() {
        return;
    }
    let owners: Vec<_> = found
        .iter()
        .map(|plain| format!("{}.{}", plain.owner, plain.key))
        .collect();
    let what = report.say(
        "La configuración contiene contraseñas sin sellar",
        "The configuration holds passwords that are not sealed",
    );
    let remedy = report.say(
        "ejecute `fluxion-agent secret move-from-config`: las guarda selladas y deja en su lugar sus nombres",
        "run `fluxion-agent secret move-from-config`: it keeps them sealed and leaves their names in their place",
    );
    report.odd(&format!("{what}: {}", owners.join(", ")), remedy);
}

/// A secret that the configuration names and that cannot be had.
pub(super) fn missing(report: &mut Report, pos: &str, problem: &SecretError) {
    let chain = crate::chain(problem);
    let (what, remedy) = match (problem, report.lang) {
        (SecretError::Missing { name, .. }, Lang::Es) => (
            format!("{pos}: falta el secreto {name:?}"),
            format!("ejecute `fluxion-agent secret set {name}` y escriba la contraseña"),
        ),
        (SecretError::Missing { name, .. }, Lang::En) => (
            format!("{pos}: the secret {name:?} is missing"),
            format!("run `fluxion-agent secret set {name}` and type the password"),
        ),
        (SecretError::Closed { name, .. }, Lang::Es) => (
            format!("{pos}: el secreto {name:?} no se puede abrir ({chain})"),
            format!(
                "ejecute `fluxion-agent secret set {name}` otra vez: lo sellado en otro equipo no sirve en este"
            ),
        ),
        (SecretError::Closed { name, .. }, Lang::En) => (
            format!("{pos}: the secret {name:?} cannot be opened ({chain})"),
            format!(
                "run `fluxion-agent secret set {name}` again: what another computer sealed is of no use on this one"
            ),
        ),
        (
            SecretError::Seal(_)
            | SecretError::File { .. }
            | SecretError::Damaged { .. }
            | SecretError::Name(_)
            | SecretError::Size(_),
            lang,
        ) => (
            format!("{pos}: {chain}"),
            match lang {
                Lang::Es => "ejecute esto como administrador, o como la cuenta del agente",
                Lang::En => "run this as administrator, or as the agent's account",
            }
            .to_owned(),
        ),
    };
    report.bad(&what, &remedy);
}
