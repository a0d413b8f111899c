//! From the file to a checked [`Config`], with errors that say where and what instead.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Config, default_data_dir};
use crate::redact;

/// A configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the file says.
    pub config: Config,
    /// The file.
    pub path: PathBuf,
    /// The folder relative paths start from.
    pub base: PathBuf,
    /// Where the agent keeps things.
    pub data_dir: PathBuf,
}

impl Loaded {
    /// A path of the configuration, from the folder of the file.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not there or not readable.
    #[error(
        "cannot read the configuration {path}; write one with `fluxion-agent config sample > {path}` or name another \
         with --config"
    )]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a wrong type. The text names line, column and the keys that are known.
    #[error("the configuration {path} has a mistake:\n{detail}")]
    Invalid {
        /// Which file.
        path: String,
        /// Line, column, what is wrong and what would be right.
        detail: String,
    },
}

/// Reads and checks a configuration. `data_dir` is what the command line said.
///
/// # Errors
/// When it cannot be read or has a mistake.
pub fn load(path: &Path, data_dir: Option<&Path>) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    // Editors on Windows like to begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let invalid = |detail: String| ConfigError::Invalid {
        path: path.display().to_string(),
        detail,
    };
    let config: Config = toml::from_str(text)
        .map_err(|error| invalid(explain(&hidden(text, &error.to_string()))))?;
    check(&config).map_err(invalid)?;
    let (full, base) = place_of(path);
    let data_dir = data_dir_in(&base, data_dir, config.data_dir.as_deref());
    Ok(Loaded {
        config,
        path: full,
        base,
        data_dir,
    })
}

/// The data folder also where the configuration is missing or has a mistake, for commands that must work then: as far as
/// `data_dir` can be read, else the usual one.
#[must_use]
pub fn data_dir_of(path: &Path, data_dir: Option<&Path>) -> PathBuf {
    let (_, base) = place_of(path);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // Above the first table, each line stands for itself.
    let lines = text.lines().map_while(|line| {
        let line = line.trim_start_matches('\u{feff}').trim();
        (!line.starts_with('[')).then_some(line)
    });
    let named = lines.filter_map(|line| {
        let table: toml::Table = toml::from_str(line).ok()?;
        Some(PathBuf::from(table.get("data_dir")?.as_str()?))
    });
    data_dir_in(&base, data_dir, named.last().as_deref())
}

/// The file and its folder, from wherever it was named.
fn place_of(path: &Path) -> (PathBuf, PathBuf) {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let base = full.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    (full, base)
}

fn data_dir_in(base: &Path, told: Option<&Path>, written: Option<&Path>) -> PathBuf {
    match (told, written) {
        (Some(dir), _) => std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
        (None, Some(dir)) => base.join(dir),
        (None, None) => default_data_dir(),
    }
}

/// The parser shows the line with the mistake, and it may be that of the password.
fn hidden(text: &str, message: &str) -> String {
    redact::remember_named(text);
    redact::hide_settings(message)
}

/// Adds what people trip over most to the parser's own words.
fn explain(message: &str) -> String {
    let message = message.trim_end();
    if message.contains("escape") {
        return format!(
            "{message}\nWrite Windows paths in single quotes, as in 'C:\\POS\\export', or double each backslash."
        );
    }
    message.to_owned()
}

fn check(config: &Config) -> Result<(), String> {
    if !(config.server.starts_with("http://") || config.server.starts_with("https://")) {
        return Err(format!(
            "server = {:?} must begin with https:// (or http://)",
            config.server
        ));
    }
    config.update.check()?;
    let mut names = BTreeSet::new();
    for pos in &config.pos {
        let name = &pos.name;
        if name.is_empty()
            || name.len() > 64
            || name
                .chars()
                .any(|c| c.is_control() || matches!(c, '/' | '\\'))
        {
            return Err(format!(
                "pos name {name:?} must have 1 to 64 characters, none of them a slash"
            ));
        }
        if !names.insert(name.to_lowercase()) {
            return Err(format!(
                "two [[pos]] sections are named {name:?}; give each its own name"
            ));
        }
        match (&pos.pack, &pos.mapping) {
            (Some(_), Some(_)) => {
                return Err(format!(
                    "pos {name:?} has both `pack` and `mapping`; keep one of them"
                ));
            }
            (None, None) => {
                return Err(format!(
                    "pos {name:?} has neither `pack` nor `mapping`; `fluxion-agent packs list` names the packs"
                ));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        if pos.every.is_some() && pos.schedule.is_some() {
            return Err(format!(
                "pos {name:?} has both `every` and `schedule`; keep one of them"
            ));
        }
        if pos.delete_brake.percent > 100 {
            return Err(format!(
                "pos {name:?}: delete_brake.percent is a share from 0 to 100"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("configuración de la tienda.toml");
        std::fs::write(&path, text).unwrap();
        load(&path, None).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_known_ones() {
        let said = problem("server = \"https://x\"\nservr = 1\n");
        assert!(said.contains("configuración de la tienda.toml"), "{said}");
        assert!(said.contains("line 2"), "{said}");
        assert!(
            said.contains("`servr`") && said.contains("`data_dir`"),
            "{said}"
        );
    }

    #[test]
    fn a_windows_path_in_double_quotes_gets_advice() {
        let said = problem("server = \"https://x\"\ndata_dir = \"C:\\Programa\"\n");
        assert!(said.contains("single quotes"), "{said}");
    }

    #[test]
    fn mistakes_between_keys_say_what_to_do() {
        let pos = |extra: &str| {
            format!(
                "server = \"https://x\"\n[[pos]]\nname = \"caja\"\nconnector = \"mysql\"\ncurrency = \"VES\"\n{extra}\n\
                 [pos.connection]\n"
            )
        };
        assert!(problem("server = \"x\"").contains("https://"));
        assert!(problem(&pos("")).contains("packs list"));
        assert!(problem(&pos("pack = \"a\"\nmapping = \"b\"")).contains("keep one"));
        assert!(problem(&pos("pack = \"a\"\ntime_zone = \"Caracas\"")).contains("America/Caracas"));
        assert!(problem(&pos("pack = \"a\"\nevery = \"often\"")).contains("15s"));
        let said = problem(&pos("pack = \"a\"").replace("mysql", "mysq1"));
        assert!(said.contains("mysq1") && said.contains("mysql"), "{said}");
    }

    #[test]
    fn relative_paths_start_at_the_file_and_a_byte_order_mark_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fluxion-agent.toml");
        let text = "\u{feff}server = \"https://x\"\ndata_dir = \"datos\"\n[[pos]]\nname = \"a\"\nconnector = \"files\"\n\
                    pack = \"p\"\ncurrency = \"VES\"\n[pos.connection]\nfolder = 'C:\\POS\\Exportación'\n";
        std::fs::write(&path, text).unwrap();
        let loaded = load(&path, None).unwrap();
        assert_eq!(loaded.data_dir, loaded.base.join("datos"));
        let elsewhere = dir.path().join("otra carpeta");
        assert_eq!(load(&path, Some(&elsewhere)).unwrap().data_dir, elsewhere);
    }

    #[test]
    fn a_mistake_in_the_line_of_a_password_does_not_show_it() {
        for line in [
            "password = \"Tienda-Sur-5",
            "password = 'Tienda-Sur-5",
            "password = \"Tienda-Sur-5\" x",
        ] {
            let said = problem(&format!(
                "server = \"https://x\"\n[[pos]]\nconnection.{line}\n"
            ));
            assert!(said.contains("line 3") && !said.contains("Sur"), "{said}");
        }
    }

    #[test]
    fn the_data_folder_is_found_in_a_configuration_with_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fluxion-agent.toml");
        assert_eq!(data_dir_of(&path, None), default_data_dir());
        std::fs::write(
            &path,
            "\u{feff}data_dir = 'datos' # here\nservr = [[[\n[[pos]]\ndata_dir = 'x'\n",
        )
        .unwrap();
        assert_eq!(data_dir_of(&path, None), dir.path().join("datos"));
    }
}
