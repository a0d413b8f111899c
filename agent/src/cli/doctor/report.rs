//! What `doctor` prints: one line for each thing looked at, and what to do about it, in one language.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use fluxion_connectors::{Finding, Level, Remedy, Said, SourceError};

use crate::cli::Lang;
use crate::spanish;

/// Says what was found as it is found, and counts what does not work.
pub(super) struct Report {
    pub lang: Lang,
    bad: u32,
    odd: u32,
    out: Box<dyn Write + Send>,
}

impl Report {
    pub fn new(lang: Lang, out: Box<dyn Write + Send>) -> Self {
        Self {
            lang,
            bad: 0,
            odd: 0,
            out,
        }
    }

    /// One of two sentences.
    pub fn say<'a>(&self, spanish: &'a str, english: &'a str) -> &'a str {
        match self.lang {
            Lang::Es => spanish,
            Lang::En => english,
        }
    }

    pub fn said<'a>(&self, said: &'a Said) -> &'a str {
        self.say(&said.es, &said.en)
    }

    /// It works.
    pub fn good(&mut self, what: &str) {
        self.line(&format!("[ OK ] {what}"));
    }

    /// It works, and could be better.
    pub fn note(&mut self, what: &str, remedy: &str) {
        let may = self.say("Si se desea:", "If wanted:");
        let text = format!("[INFO] {what}\n       {may} {remedy}");
        self.line(&text);
    }

    /// It works, but should be seen to.
    pub fn odd(&mut self, what: &str, remedy: &str) {
        self.odd += 1;
        let text = format!("[ !! ] {what}\n       {} {remedy}", self.to_do());
        self.line(&text);
    }

    /// It does not work.
    pub fn bad(&mut self, what: &str, remedy: &str) {
        self.bad += 1;
        let text = format!("[FAIL] {what}\n       {} {remedy}", self.to_do());
        self.line(&text);
    }

    fn to_do(&self) -> &'static str {
        match self.lang {
            Lang::Es => "Qué hacer:",
            Lang::En => "What to do:",
        }
    }

    /// The last word. `true` when everything works.
    pub fn end(mut self) -> bool {
        let (bad, odd) = (self.bad, self.odd);
        let text = match (self.lang, bad, odd) {
            (Lang::Es, 0, 0) => "Todo está en orden.".to_owned(),
            (Lang::En, 0, 0) => "All is well.".to_owned(),
            (Lang::Es, 0, _) => format!("Todo funciona; avisos: {odd}."),
            (Lang::En, 0, _) => format!("Everything works; warnings: {odd}."),
            (Lang::Es, ..) => format!("Problemas por resolver: {bad}; avisos: {odd}."),
            (Lang::En, ..) => format!("Problems to solve: {bad}; warnings: {odd}."),
        };
        self.line(&format!("\n{text}"));
        bad == 0
    }

    /// What a connector noticed.
    pub fn found(&mut self, name: &str, finding: &Finding) {
        let what = format!("{name}: {}", self.said(&finding.what));
        let remedy = finding.remedy.as_ref().map(|said| self.said(said));
        let remedy = remedy.map(str::to_owned);
        let nothing = self.say("no hay que hacer nada", "nothing has to be done");
        let nothing = nothing.to_owned();
        match (finding.level, remedy) {
            (Level::Info, None) => self.good(&what),
            (Level::Info, Some(remedy)) => self.note(&what, &remedy),
            (Level::Warning, remedy) => self.odd(&what, &remedy.unwrap_or(nothing)),
            (Level::Problem, remedy) => self.bad(&what, &remedy.unwrap_or(nothing)),
        }
    }

    /// A source that cannot be read, and who must act.
    pub fn source_problem(&mut self, name: &str, error: &SourceError) {
        let chain = crate::chain(error);
        let what = match self.lang {
            Lang::Es => format!("{name}: {} ({chain})", spanish::what(error)),
            Lang::En => format!("{name}: {chain}"),
        };
        let remedy = match (&error.remedy, self.lang) {
            (Remedy::AskOperator { code, hint }, Lang::Es) => spanish::remedy(code, hint),
            (Remedy::AskOperator { hint, .. }, Lang::En) => hint.clone(),
            (Remedy::Retry | Remedy::Resnapshot, _) => self
                .say(
                    "revise que el equipo y el servicio del POS estén encendidos y accesibles; el agente lo intenta de nuevo por sí solo",
                    "check that the POS's computer and service are running and can be reached; the agent tries again by itself",
                )
                .to_owned(),
        };
        self.bad(&what, &remedy);
    }

    /// Nobody may be reading any more, as with `doctor | head`.
    fn line(&mut self, text: &str) {
        if let Err(error) = writeln!(self.out, "{text}") {
            tracing::debug!(%error, "the report cannot be written");
        }
    }
}

/// Keeps what is written to it, for whoever has a copy.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut paper = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paper.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use fluxion_connectors::ConnectorKind;

    use super::*;

    /// What `look` prints in this language.
    pub(in crate::cli::doctor) fn printed(lang: Lang, look: impl FnOnce(&mut Report)) -> String {
        let paper = Paper::default();
        let mut report = Report::new(lang, Box::new(paper.clone()));
        look(&mut report);
        report.end();
        paper.text()
    }

    fn finding(level: Level, remedy: Option<Said>) -> Finding {
        Finding {
            level,
            what: Said::new("It is so.", "Es así."),
            remedy,
        }
    }

    #[test]
    fn a_finding_is_said_in_one_language_with_its_remedy() {
        let todo = || Some(Said::new("Do this.", "Haga esto."));
        let spanish = printed(Lang::Es, |report| {
            report.found("caja", &finding(Level::Problem, todo()));
            report.found("caja", &finding(Level::Info, None));
        });
        assert_eq!(
            spanish,
            "[FAIL] caja: Es así.\n       Qué hacer: Haga esto.\n[ OK ] caja: Es así.\n\nProblemas por resolver: 1; avisos: 0.\n"
        );
        let english = printed(Lang::En, |report| {
            report.found("till", &finding(Level::Warning, todo()));
            report.found("till", &finding(Level::Info, todo()));
        });
        assert_eq!(
            english,
            "[ !! ] till: It is so.\n       What to do: Do this.\n[INFO] till: It is so.\n       If wanted: Do this.\n\nEverything works; warnings: 1.\n"
        );
    }

    #[test]
    fn a_connectors_english_hint_comes_behind_a_spanish_sentence() {
        let error = SourceError::ask(
            ConnectorKind::Mysql,
            "connect to 10.0.0.5:3306/pos",
            "login_refused",
            "The server refuses the login of user \"ana\".",
            "access denied",
        );
        let spanish = printed(Lang::Es, |report| report.source_problem("caja", &error));
        for expected in [
            "el inicio de sesión fue rechazado",
            "revise `connection.user`",
            "\"ana\"",
        ] {
            assert!(spanish.contains(expected), "{expected}: {spanish}");
        }
        let english = printed(Lang::En, |report| report.source_problem("caja", &error));
        assert!(
            english.contains("What to do: The server refuses"),
            "{english}"
        );
    }

    #[test]
    fn only_what_does_not_work_makes_the_end_bad() {
        let mut report = Report::new(Lang::En, Box::new(Paper::default()));
        report.odd("a", "b");
        report.note("a", "b");
        assert!(report.end());
        let mut report = Report::new(Lang::En, Box::new(Paper::default()));
        report.bad("a", "b");
        assert!(!report.end());
    }
}
