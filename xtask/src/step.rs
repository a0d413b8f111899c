//! What is being done, and how long it took: a person watching should never wonder.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, stderr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The steps taken so far.
pub struct Steps {
    begun: Instant,
    done: Vec<(String, Duration, Outcome)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
}

impl Steps {
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Does something, with its name before and its time after.
    pub fn take<T>(&mut self, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        say(name);
        let begun = Instant::now();
        let result = act();
        let outcome = if result.is_ok() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        self.done.push((name.to_owned(), begun.elapsed(), outcome));
        if let Err(error) = &result {
            eprintln!("    {name} failed: {error:#}");
        }
        result
    }

    /// Runs a command as a step.
    pub fn run(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.take(name, || run(command))
    }

    /// Whether all of them went well.
    pub fn passed(&self) -> bool {
        self.done
            .iter()
            .all(|(_, _, outcome)| *outcome == Outcome::Passed)
    }

    /// Prints all steps with their times.
    pub fn print(&self) {
        eprintln!();
        for (name, took, outcome) in &self.done {
            let word = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
            };
            eprintln!("  {word:<7} {:>7.1} s  {name}", took.as_secs_f64());
        }
        eprintln!(
            "  {:<7} {:>7.1} s  in all",
            "",
            self.begun.elapsed().as_secs_f64()
        );
    }
}

/// Announces a step.
pub fn say(text: &str) {
    if stderr().is_terminal() {
        eprintln!("\x1b[1;36m==>\x1b[0m \x1b[1m{text}\x1b[0m");
    } else {
        eprintln!("==> {text}");
    }
}

/// Starts a command.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let name = name(command);
    command
        .spawn()
        .with_context(|| format!("could not start {name}"))
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = spawn(command)?.wait()?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// Runs a command, shows what it writes to standard error, and hands each line to `see`.
pub fn run_watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let name = name(command);
    let mut child = spawn(command.stderr(Stdio::piped()))?;
    let pipe = child.stderr.take().context("no standard error")?;
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        see(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// What a command prints, or nothing when it cannot be run.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default();
    let first = command
        .get_args()
        .next()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default();
    format!("{program} {first}").trim().to_owned()
}
