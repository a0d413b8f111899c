//! `support-bundle`: writes one file for somebody who helps from afar.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Local;

use super::doctor::{self, of_this_computer};
use super::lang::say;
use super::look::size;
use super::{Lang, Place};
use crate::bundle::{Bundle, Places};
use crate::folder::{Readers, write_whole};

/// A POS that answers nobody must not keep the bundle from being made.
const DOCTOR: Duration = Duration::from_secs(90);

pub(super) async fn support_bundle(
    place: &Place,
    output: Option<&Path>,
    lang: Option<Lang>,
) -> anyhow::Result<ExitCode> {
    let lang = lang.unwrap_or_else(of_this_computer);
    let looking = say(
        lang,
        "Se revisa todo; puede durar un minuto.",
        "Everything is looked at; this may take a minute.",
    );
    eprintln!("{looking}");
    let (found, in_time) = doctor::told_within(DOCTOR, place, lang).await;
    let late = if in_time {
        ""
    } else {
        "\n(doctor took too long and was cut off here)\n"
    };
    let places = Places {
        config: place.config_path(),
        data: place.folder_path(),
    };
    let bundle = Bundle::gather(&places, &format!("{found}{late}"));
    let path = output.map_or_else(file_name, Path::to_owned);
    let path = std::path::absolute(&path).unwrap_or(path);
    write_whole(&path, &bundle.pack()?, Readers::Folder).with_context(|| {
        format!(
            "cannot write {}\nhint: name another place with --output FILE",
            path.display()
        )
    })?;
    let holds = say(
        lang,
        "Contiene, sin contraseñas ni filas del POS:",
        "It holds, without passwords and rows of the POS:",
    );
    println!("{holds}");
    for (name, bytes) in bundle.parts() {
        println!("  {name} ({})", size(bytes as u64));
    }
    let written = say(lang, "Paquete de soporte", "Support bundle");
    println!("{written}: {}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn file_name() -> PathBuf {
    let now = Local::now().format("%Y%m%d-%H%M%S");
    PathBuf::from(format!("fluxion-support-{now}.zip"))
}
