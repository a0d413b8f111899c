//! The support bundle: one file that tells somebody far away what they need, and nothing they must not know.
//!
//! Every text goes through [`redact::hide_settings`] on its way in. Rows of the POS stay out: of the spool only counts are
//! told. Whatever cannot be read, because it is damaged or in use, is said in its place; the rest is told all the same.

mod machine;
mod spool;

use std::fs::File;
use std::io::{self, Cursor, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::secrets::Secrets;
use crate::{crash, redact};

/// Of the logs, the newest so many bytes.
const LOGS: u64 = 20_000_000;
/// Any other file.
const LARGEST: u64 = 1_000_000;
/// What the agent keeps about itself, and where no row of the POS can be.
const STATE: &[&str] = &[
    "state.json",
    "service.json",
    "columns.json",
    "versions/plan.json",
];

/// Where everything is, as far as it is known.
#[derive(Debug)]
pub struct Places {
    /// The configuration.
    pub config: PathBuf,
    /// The data folder.
    pub data: PathBuf,
}

/// What goes into a bundle.
#[derive(Debug, Default)]
pub struct Bundle {
    parts: Vec<(String, String)>,
}

impl Bundle {
    /// Gathers what can be read. `doctor` is its report.
    #[must_use]
    pub fn gather(places: &Places, doctor: &str) -> Self {
        let secrets = remember_secrets(places);
        let mut bundle = Self::default();
        bundle.add("doctor.txt", doctor);
        bundle.add("machine.txt", &machine::describe(places, &secrets));
        bundle.add_file("configuration.toml", &places.config, LARGEST);
        for name in STATE {
            let path = places.data.join(name);
            if path.exists() {
                bundle.add_file(&format!("state/{name}"), &path, LARGEST);
            }
        }
        bundle.add("spool.txt", &spool::describe(&places.data));
        bundle.add_logs(&places.data.join("logs"));
        bundle
    }

    /// The names of all parts, with their sizes.
    pub fn parts(&self) -> impl Iterator<Item = (&str, usize)> {
        let parts = self.parts.iter();
        parts.map(|(name, text)| (name.as_str(), text.len()))
    }

    /// The whole as one file in the ZIP format, with a word about what is in it.
    ///
    /// # Errors
    /// When memory gives out.
    pub fn pack(&self) -> io::Result<Vec<u8>> {
        let now = Utc::now();
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .last_modified_time(moment(now))
            .unix_permissions(0o644);
        let parts = self
            .parts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        for (name, text) in std::iter::once(("README.txt", ABOUT)).chain(parts) {
            zip.start_file(name, options)?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    }

    fn add(&mut self, name: &str, text: &str) {
        self.parts
            .push((name.to_owned(), redact::hide_settings(text)));
    }

    fn add_file(&mut self, name: &str, path: &Path, limit: u64) {
        match end_of(path, limit) {
            Ok(text) => self.add(name, &text),
            Err(error) => self.add(
                name,
                &format!("{} cannot be read: {error}\n", path.display()),
            ),
        }
    }

    /// Crash reports, and of the logs the newest.
    fn add_logs(&mut self, folder: &Path) {
        for report in crash::reports(folder) {
            self.add_file(&format!("crashes/{}", name_of(&report)), &report, LARGEST);
        }
        let mut room = LOGS;
        for (log, size) in logs(folder) {
            if room == 0 {
                break;
            }
            self.add_file(&format!("logs/{}", name_of(&log)), &log, room);
            room = room.saturating_sub(size);
        }
    }
}

const ABOUT: &str = "\
PAQUETE DE SOPORTE DE FLUXION SYNC / FLUXION SYNC SUPPORT BUNDLE
Hecho por / made by: fluxion-agent support-bundle

  doctor.txt           lo que encontró `fluxion-agent doctor` / what `fluxion-agent doctor` found
  machine.txt          versión, equipo, disco, carpeta de datos / version, computer, disk, data folder
  configuration.toml   la configuración, sin contraseñas / the configuration, without passwords
  state/               lo que el agente y su servicio dicen de sí / what agent and service say of themselves
  spool.txt            la cola: cantidades, ningún dato de venta / the queue: counts, no records
  logs/                los registros más recientes / the newest logs
  crashes/             informes de fallas, si las hubo / reports of crashes, if there were any

Las contraseñas, las claves y el token del agente se reemplazan por ***. No se incluyen filas del POS. Con un nivel de
registro \"debug\" o \"trace\", los registros pueden nombrar más; revíselos antes de enviarlos si eso importa.
Passwords, keys and the agent's token are replaced by ***. No rows of the POS are included. At log level \"debug\" or
\"trace\" the logs may name more; look through them before sending where that matters.
";

/// From here on every secret that can be known is hidden, also those of a configuration that cannot be used.
fn remember_secrets(places: &Places) -> Vec<String> {
    if let Ok(text) = std::fs::read_to_string(&places.config) {
        redact::remember_named(&text);
    }
    if let Ok(loaded) = crate::config::load(&places.config, Some(&places.data)) {
        for pos in &loaded.config.pos {
            // A secret that is missing has nothing to hide.
            drop(crate::capture::connection_of(&loaded, pos));
        }
    }
    if let Ok(folder) = crate::folder::DataFolder::open(&places.data) {
        drop(folder.identity());
    }
    let Ok(secrets) = Secrets::load(&places.data) else {
        return Vec::new();
    };
    let names: Vec<_> = secrets.names().map(str::to_owned).collect();
    for name in &names {
        drop(secrets.open(name));
    }
    names
}

/// Log files, newest first, with their sizes.
fn logs(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<(SystemTime, PathBuf, u64)> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .filter_map(|path| {
            let about = std::fs::metadata(&path).ok()?;
            Some((about.modified().ok()?, path, about.len()))
        })
        .collect();
    logs.sort_by(|a, b| b.cmp(a));
    logs.into_iter()
        .map(|(_, path, size)| (path, size))
        .collect()
}

/// The text of a file, or its end when it is longer. What is no text is replaced.
fn end_of(path: &Path, limit: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let cut = size > limit;
    if cut {
        file.seek(SeekFrom::Start(size - limit))?;
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(if cut {
        // The first line is half a line, and half a secret would not be known.
        let whole = text.split_once('\n').map_or("", |(_, rest)| rest);
        format!("(the beginning is left out)\n{whole}")
    } else {
        text.into_owned()
    })
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The format holds years from 1980 to 2107 and even seconds.
fn moment(now: DateTime<Utc>) -> zip::DateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    zip::DateTime::from_date_and_time(
        u16::try_from(now.year()).unwrap_or(1980),
        small(now.month()),
        small(now.day()),
        small(now.hour()),
        small(now.minute()),
        small(now.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_file_only_whole_lines_of_its_end_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.log");
        std::fs::write(&path, "first password=abcdef\nsecond\nthird\n").unwrap();
        let text = end_of(&path, 20).unwrap();
        assert_eq!(text, "(the beginning is left out)\nsecond\nthird\n");
        assert!(end_of(&path, 1_000).unwrap().starts_with("first"));
    }

    #[test]
    fn of_many_logs_the_newest_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for (day, name) in ["a.log", "b.log", "c.log", "d.txt"].iter().enumerate() {
            let path = folder.path().join(name);
            std::fs::write(&path, "x".repeat(usize::try_from(LOGS / 2).unwrap())).unwrap();
            let at =
                SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400 * (day as u64 + 1));
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        }
        let mut bundle = Bundle::default();
        bundle.add_logs(folder.path());
        let names: Vec<_> = bundle.parts().map(|(name, _)| name).collect();
        assert_eq!(names, ["logs/c.log", "logs/b.log"]);
    }
}
