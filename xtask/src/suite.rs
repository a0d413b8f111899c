//! `cargo xtask test`: everything that must hold before a change lands. `cargo xtask test connectors`: every connector
//! with every way of noticing changes, and every pack's fixture, against real servers. `cargo xtask test windows`: the
//! program and installers for Windows, under Wine.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::build::cargo;
use crate::dashboard;
use crate::dist::windows;
use crate::packages::{self, Need};
use crate::step::{self, Steps};

const DEMO: &str = "target/debug/fluxion-demo";

/// Runs all steps, also those after a failed one where that makes sense, and ends with what the test runner said.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut steps = Steps::new();
    let summary = match arguments.as_slice() {
        [] => {
            packages::ensure(&mut steps, SERVERS)?;
            packages::ensure(&mut steps, &[Need::Node, Need::Chromium])?;
            everything(&mut steps)
        }
        ["connectors"] => {
            packages::ensure(&mut steps, SERVERS)?;
            connectors(&mut steps)
        }
        ["windows"] => return windows(&mut steps),
        other => bail!(
            "cargo xtask test takes no argument, \"connectors\" or \"windows\", not {:?}; for single tests use cargo nextest run",
            other.join(" ")
        ),
    };
    steps.print();
    match &summary {
        Some(summary) => eprintln!("\n{}", summary.line),
        None => eprintln!("\nthe tests did not run"),
    }
    let passed = steps.passed() && summary.is_some();
    if let Some(Summary { passed, failed, .. }) = summary {
        println!("{passed} passed, {failed} failed");
    }
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the tests of the connectors need, in either suite.
const SERVERS: &[Need] = &[
    Need::Compiler,
    Need::MariaDb,
    Need::PostgreSql,
    Need::Odbc,
    Need::OdbcDrivers,
    Need::Firebird,
    Need::TdsClients,
    Need::OpenSsl,
    Need::Nextest,
];

/// Crates whose tests say that every POS is read right: connectors and their strategies, packs and their fixtures, and
/// the stand-in for SQL Server that both rely on.
const CONNECTORS: &[&str] = &[
    "-p",
    "fluxion-connectors",
    "-p",
    "fluxion-mappings",
    "-p",
    "fluxion-tds",
];

/// Every connector, every strategy, every pack.
fn connectors(steps: &mut Steps) -> Option<Summary> {
    let go_on = |_: anyhow::Error| ();
    let build = ["build", "-p", "fluxion-tests", "-p", "fluxion-agent"];
    steps.run("build (cargo, dev)", &mut cargo(&build)).ok()?;
    let mut summary = None;
    nextest(steps, CONNECTORS, &mut summary).unwrap_or_else(go_on);
    summary
}

/// The program and the installers for Windows, as they are shipped, played through under Wine.
fn windows(steps: &mut Steps) -> Result<ExitCode> {
    packages::ensure(steps, &[Need::Compiler, Need::MariaDb, Need::Odbc])?;
    packages::ensure(steps, &[Need::Wine, Need::Wixl])?;
    let build = ["build", "-p", "fluxion-tests", "-p", "fluxion-ingest"];
    steps.run("build (cargo, dev)", &mut cargo(&build))?;
    let trial = windows::Trial::build(steps, DEMO)?;
    let mut play = Command::new(DEMO);
    play.arg("windows").args(trial.arguments());
    let played = steps.run("the store PC (Wine)", &mut play);
    steps.print();
    Ok(if played.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs tests beside servers that all of them share.
fn nextest(steps: &mut Steps, what: &[&str], summary: &mut Option<Summary>) -> Result<()> {
    let mut nextest = Command::new(DEMO);
    nextest.args(["servers", "--", "cargo", "nextest", "run", "--no-fail-fast"]);
    nextest.args(what);
    steps.take("tests (cargo nextest)", || {
        step::run_watched(&mut nextest, |line| {
            if let Some(found) = Summary::parse(line) {
                *summary = Some(found);
            }
        })
    })
}

/// Failures are in the steps; what comes back is what the test runner said at its end.
fn everything(steps: &mut Steps) -> Option<Summary> {
    let go_on = |_: anyhow::Error| ();
    steps
        .run(
            "formats (cargo fmt)",
            &mut cargo(&["fmt", "--all", "--check"]),
        )
        .unwrap_or_else(go_on);
    dashboard_checks(steps).unwrap_or_else(go_on);
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    steps
        .run("lints (cargo clippy)", &mut cargo(&clippy))
        .unwrap_or_else(go_on);
    windows::check(steps).unwrap_or_else(go_on);
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    steps
        .run("docs (cargo doc)", doc.env("RUSTDOCFLAGS", "-D warnings"))
        .unwrap_or_else(go_on);

    steps
        .run(
            "build (cargo, dev)",
            &mut cargo(&["build", "--workspace", "--all-targets"]),
        )
        .ok()?;
    steps
        .run(
            "browser (headless Chromium)",
            Command::new(DEMO).arg("browser"),
        )
        .unwrap_or_else(go_on);

    let mut summary = None;
    nextest(steps, &["--workspace"], &mut summary).unwrap_or_else(go_on);
    summary
}

fn dashboard_checks(steps: &mut Steps) -> Result<()> {
    steps.take("dashboard: npm ci", dashboard::install)?;
    steps.run(
        "dashboard: client fits the API",
        &mut dashboard::npm(&["run", "generate", "--", "--check"]),
    )?;
    steps.run(
        "dashboard: type check",
        &mut dashboard::npm(&["run", "typecheck"]),
    )?;
    steps.run(
        "dashboard: unit tests (vitest)",
        &mut dashboard::npm(&["run", "test"]),
    )?;
    steps.take("dashboard: build", dashboard::build)
}

/// The closing line of nextest.
struct Summary {
    line: String,
    passed: u32,
    failed: u32,
}

impl Summary {
    /// `Summary [   2.171s] 2 tests run: 2 passed, 0 skipped`
    fn parse(line: &str) -> Option<Self> {
        let line = plain(line);
        let line = line.trim();
        if !line.starts_with("Summary [") {
            return None;
        }
        let (_, counts) = line.split_once(" run: ")?;
        let count = |word: &str| {
            let part = counts
                .split(", ")
                .find(|part| part.split_whitespace().nth(1) == Some(word));
            part.and_then(|part| part.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        let failed = count("failed") + count("timed") + count("exec");
        Some(Self {
            line: line.to_owned(),
            passed: count("passed"),
            failed,
        })
    }
}

/// The line without colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_the_test_runner_is_understood() {
        let line = "\u{1b}[32m     Summary\u{1b}[0m [   2.171s] 7 tests run: 4 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        let summary = Summary::parse(line).unwrap();
        assert_eq!((summary.passed, summary.failed), (4, 3));
        assert!(Summary::parse("    Starting 2 tests across 1 binary").is_none());
    }
}
