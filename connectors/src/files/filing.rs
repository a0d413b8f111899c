//! Where files end up, and the reports beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::KIND;
use super::config::FilesConfig;
use crate::connector::{Finding, Level, RowProblem, Said};
use crate::error::{SourceError, SourceResult};
use crate::held::patiently;

/// Reports end in this; such files are never read.
pub(super) const REPORT_ENDING: &str = ".report.txt";

/// The rows that were set aside, for a spreadsheet; such files are never read either.
pub(super) const ROWS_ENDING: &str = ".rejected.csv";

/// Rows named in a report; more are counted.
const ROWS_PER_REPORT: usize = 10_000;

/// What there is to say about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    text: String,
    rows: Option<Vec<u8>>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Processed,
    Failed,
}

/// Why files that were read could not be moved. Tried with a file of our own, for shares tell only then.
pub(super) fn obstacle(config: &FilesConfig) -> Option<Finding> {
    let folder = config.folder.join(&config.processed);
    let error = try_out(&folder).err()?;
    let folder = folder.display();
    Some(Finding {
        level: Level::Problem,
        what: Said::new(
            format!("Files that were read cannot be moved to {folder} ({error})."),
            format!("Los archivos leídos no se pueden mover a {folder} ({error})."),
        ),
        remedy: Some(Said::new(
            "Let the account the agent runs as write there, or set `connection.after_reading` to \"leave\".",
            "Permita escribir allí a la cuenta del agente, o ponga `connection.after_reading` en \"leave\".",
        )),
    })
}

/// Leaves behind what it found: a folder that was not there goes again.
fn try_out(folder: &Path) -> io::Result<()> {
    let is_new = !folder.exists();
    fs::create_dir_all(folder)?;
    let trial = folder.join(".fluxion-trial.tmp");
    fs::write(&trial, b"")?;
    patiently(|| fs::remove_file(&trial))?;
    if is_new {
        fs::remove_dir(folder)?;
    }
    Ok(())
}

/// Files that were given up wait for a person.
pub(super) fn given_up(failed: &Path) -> Option<Finding> {
    let is_file = |entry: &fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        entry.path().is_file() && !name.ends_with(REPORT_ENDING) && !name.ends_with(ROWS_ENDING)
    };
    let days = fs::read_dir(failed).ok()?.flatten();
    let count: usize = days
        .take(1_000)
        .map(|entry| match fs::read_dir(entry.path()) {
            Ok(day) => day.flatten().take(10_000).filter(is_file).count(),
            Err(_) => usize::from(is_file(&entry)),
        })
        .sum();
    let folder = failed.display();
    (count > 0).then(|| Finding {
        level: Level::Warning,
        what: Said::new(
            format!("{count} files could not be read and lie in {folder}."),
            format!("{count} archivos no se pudieron leer y están en {folder}."),
        ),
        remedy: Some(Said::new(
            "The report beside each says why: correct the file and put it back, or delete it.",
            "El informe junto a cada uno dice por qué: corrija el archivo y devuélvalo, o bórrelo.",
        )),
    })
}

/// Moves a file to where it belongs, under today's date and never over another, with a report if there is something
/// to say.
pub(super) fn file_away(
    config: &FilesConfig,
    path: &Path,
    marker: Option<&Path>,
    outcome: Outcome,
    report: Option<&Report>,
) -> SourceResult<()> {
    let folder = match outcome {
        Outcome::Processed => config.folder.join(&config.processed),
        Outcome::Failed => config.folder.join(&config.failed),
    };
    let told = |error: io::Error| {
        let hint = format!(
            "File {} was read but cannot be moved to {}: let the account the agent runs as write to both folders, or set `connection.after_reading` to \"leave\". Nothing is lost, and the file is not processed twice.",
            path.display(),
            folder.display()
        );
        SourceError::ask(
            KIND,
            format!("move file {}", path.display()),
            "folder_not_writable",
            hint,
            error,
        )
    };
    if !path.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(told)?;
    let target = free_name(&folder, path);
    if let Some(report) = report {
        fs::write(beside(&target, REPORT_ENDING), &report.text).map_err(told)?;
        if let Some(table) = &report.rows {
            fs::write(beside(&target, ROWS_ENDING), table).map_err(told)?;
        }
    }
    move_file(path, &target).map_err(told)?;
    if let Some(marker) = marker.filter(|marker| marker.exists()) {
        patiently(|| fs::remove_file(marker)).map_err(told)?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// `2026-03-01_ventas.csv`, `2026-03-01_2_ventas.csv`, and so on.
fn free_name(folder: &Path, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let day = Utc::now().format("%Y-%m-%d");
    let first = folder.join(format!("{day}_{name}"));
    let mut others = (2_u64..).map(|count| folder.join(format!("{day}_{count}_{name}")));
    if first.exists() {
        others.find(|other| !other.exists()).unwrap_or(first)
    } else {
        first
    }
}

/// A rename, or a copy where the folders are on different disks.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match patiently(|| fs::rename(from, to)) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            fs::copy(from, to)?;
            patiently(|| fs::remove_file(from))
        }
        result => result,
    }
}

/// A report on a file that was read, if there is anything to say.
pub(super) fn on_rows(
    name: &str,
    rows: u64,
    problems: &[RowProblem],
    note: Option<&str>,
) -> Option<Report> {
    if problems.is_empty() && note.is_none() {
        return None;
    }
    let mut text = format!(
        "Archivo / File: {name}\nFecha / Date: {}\nFilas leídas / Rows read: {rows}\nFilas apartadas / Rows set aside: {}\n",
        Utc::now().format("%Y-%m-%d %H:%M UTC"),
        problems.len()
    );
    if let Some(note) = note {
        text.push_str(&format!("\n{note}\n"));
    }
    for problem in problems.iter().take(ROWS_PER_REPORT) {
        let row = problem
            .position
            .map_or_else(|| "-".to_owned(), |row| row.to_string());
        text.push_str(&format!("\nFila / Row {row}"));
        if let Some(field) = &problem.field {
            text.push_str(&format!(", {field}"));
        }
        if let Some(raw) = &problem.raw {
            text.push_str(&format!(": {raw:?}"));
        }
        text.push_str(&format!("\n  {}\n", problem.message));
    }
    if problems.len() > ROWS_PER_REPORT {
        text.push_str(&format!(
            "\n... {} más / more\n",
            problems.len() - ROWS_PER_REPORT
        ));
    }
    Some(Report {
        text,
        rows: (!problems.is_empty()).then(|| as_table(problems)),
    })
}

/// As Excel opens it in the countries we serve: with a byte order mark and semicolons.
fn as_table(problems: &[RowProblem]) -> Vec<u8> {
    let mut table = csv::WriterBuilder::new()
        .delimiter(b';')
        .from_writer(vec![0xef, 0xbb, 0xbf]);
    let head = [
        "fila / row",
        "campo / field",
        "valor / value",
        "motivo / reason",
    ]
    .map(str::to_owned);
    let rows = problems.iter().map(|problem| {
        let row = problem
            .position
            .map(|row| row.to_string())
            .unwrap_or_default();
        let field = problem.field.clone().unwrap_or_default();
        [
            row,
            field,
            problem.raw.clone().unwrap_or_default(),
            problem.message.clone(),
        ]
    });
    for row in std::iter::once(head).chain(rows) {
        // Four fields each, into memory: this cannot fail.
        if table.write_record(&row).is_err() {
            break;
        }
    }
    table.into_inner().unwrap_or_default()
}

/// A report on a file that could not be read.
pub(super) fn on_failure(name: &str, reason: &str) -> Report {
    let text = format!(
        "Archivo / File: {name}\nFecha / Date: {}\n\nNo se pudo leer / It could not be read:\n  {reason}\n\nCorrija y exporte de nuevo a la misma carpeta. / Correct it and export it again to the same folder.\n",
        Utc::now().format("%Y-%m-%d %H:%M UTC")
    );
    Report { text, rows: None }
}
