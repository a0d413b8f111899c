//! What the operator decides: `fluxion-ingest.toml`, overridden by `FLUXION_*` variables and flags.
//!
//! Defaults live in [`Config::default`] and nowhere else; the sample file is written from them and kept by a test.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Everything in `fluxion-ingest.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Folder of the SQLite file, where no `database_url` is given.
    pub data_dir: PathBuf,
    /// `sqlite://path/to/file` or `postgres://user:password@host/name`.
    pub database_url: Option<Url>,
    /// Folder of the agents' releases; `releases` in `data_dir` when absent. Instances side by side share one.
    pub releases_dir: Option<PathBuf>,
    /// Whether people reach the service by HTTPS.
    pub cookies: Cookies,
    /// How the log is written.
    pub log: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// Name of the company that is made when the database is empty.
    pub tenant_name: String,
    /// E-mail address of the administrator that is made when the database is empty.
    pub admin_email: String,
    /// Password of that administrator.
    pub admin_password: Option<Password>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("data"),
            database_url: None,
            releases_dir: None,
            cookies: Cookies::Secure,
            log: LogFormat::Text,
            log_level: "info".to_owned(),
            tenant_name: "My company".to_owned(),
            admin_email: "admin@example.com".to_owned(),
            admin_password: None,
        }
    }
}

/// How a session's cookie is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Cookies {
    /// For HTTPS, and for a browser on this very machine.
    Secure,
    /// For plain HTTP on a network you trust.
    Plain,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

/// A password that no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl std::str::FromStr for Password {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A URL that may hold a password, which no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Url(pub String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.0.split(':').next().unwrap_or_default())
    }
}

impl std::str::FromStr for Url {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What flags and variables change.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// The configuration file. Without one, defaults, variables and flags hold.
    #[arg(long, env = "FLUXION_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(
        long,
        env = "FLUXION_LISTEN",
        global = true,
        value_name = "ADDRESS:PORT"
    )]
    pub listen: Option<SocketAddr>,
    /// Folder of the SQLite file [default: data].
    #[arg(long, env = "FLUXION_DATA_DIR", global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// `sqlite://path/to/file` or `postgres://user@host/name`. Prefer the variable: other users see flags.
    #[arg(
        long,
        env = "FLUXION_DATABASE_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<Url>,
    /// Folder of the agents' releases, shared by instances side by side [default: releases in the data folder].
    #[arg(
        long,
        env = "FLUXION_RELEASES_DIR",
        global = true,
        value_name = "FOLDER"
    )]
    pub releases_dir: Option<PathBuf>,
    /// `plain` when people reach the service by HTTP and not on this very machine [default: secure].
    #[arg(long, env = "FLUXION_COOKIES", global = true)]
    pub cookies: Option<Cookies>,
    /// How the log is written [default: text].
    #[arg(long, env = "FLUXION_LOG", global = true)]
    pub log: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, or rules such as "info,fluxion_ingest=debug" [default: info].
    #[arg(long, env = "FLUXION_LOG_LEVEL", global = true, value_name = "RULES")]
    pub log_level: Option<String>,
    /// Company that is made when the database is empty.
    #[arg(long, env = "FLUXION_TENANT_NAME", global = true, value_name = "NAME")]
    pub tenant_name: Option<String>,
    /// Administrator that is made when the database is empty.
    #[arg(
        long,
        env = "FLUXION_ADMIN_EMAIL",
        global = true,
        value_name = "ADDRESS"
    )]
    pub admin_email: Option<String>,
    /// Its password; only as a variable, because other users see flags. Made up and printed once when absent.
    #[arg(skip)]
    pub admin_password: Option<Password>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("the configuration file {path} cannot be read; check the name and the permissions")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It says something that is not known.
    #[error(
        "the configuration file {path} is wrong; `fluxion-ingest config sample` prints every setting"
    )]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// The file if there is one, and what overrides it.
    ///
    /// # Errors
    /// When the file cannot be read or says something that is not known.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut config = match &overrides.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        fn take<T: Clone>(target: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                target.clone_from(value);
            }
        }
        take(&mut config.listen, &overrides.listen);
        take(&mut config.data_dir, &overrides.data_dir);
        take(&mut config.cookies, &overrides.cookies);
        take(&mut config.log, &overrides.log);
        take(&mut config.log_level, &overrides.log_level);
        take(&mut config.tenant_name, &overrides.tenant_name);
        take(&mut config.admin_email, &overrides.admin_email);
        if overrides.database_url.is_some() {
            config.database_url.clone_from(&overrides.database_url);
        }
        if overrides.releases_dir.is_some() {
            config.releases_dir.clone_from(&overrides.releases_dir);
        }
        if overrides.admin_password.is_some() {
            config.admin_password.clone_from(&overrides.admin_password);
        }
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Wrong {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// The database's URL: the one that is given, or a SQLite file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.database_url {
            Some(url) => url.0.clone(),
            None => format!("sqlite://{}", self.data_dir.join("fluxion.db").display()),
        }
    }

    /// The folder of the agents' releases.
    #[must_use]
    pub fn releases_dir(&self) -> PathBuf {
        let own = || self.data_dir.join("releases");
        self.releases_dir.clone().unwrap_or_else(own)
    }

    /// A file with every setting, its default and what it means.
    #[must_use]
    pub fn sample() -> String {
        let default = Self::default();
        format!(
            r#"# Settings of the ingest service. Every line that is commented out shows the default.
# Each can also be given as a variable (FLUXION_LISTEN, FLUXION_DATA_DIR, …) or as a flag; flags win over variables,
# variables over this file.

# Address and port to listen on. Put a reverse proxy with TLS in front before you listen on more than this machine.
# FLUXION_LISTEN, --listen
#listen = "{listen}"

# Folder of the SQLite file, where no database_url is given. FLUXION_DATA_DIR, --data-dir
#data_dir = "{data_dir}"

# "sqlite://path/to/file" (made when it is missing) or "postgres://user:password@host/name" (PostgreSQL 14 or newer;
# must exist). FLUXION_DATABASE_URL, --database-url
#database_url = "sqlite://data/fluxion.db"

# Folder of the agents' releases. Instances side by side share one. FLUXION_RELEASES_DIR, --releases-dir
#releases_dir = "data/releases"

# "secure" when people reach the service by HTTPS, or with a browser on this very machine; "plain" for HTTP on a
# network you trust. FLUXION_COOKIES, --cookies
#cookies = "secure"

# "text" for people, "json" for programs. FLUXION_LOG, --log
#log = "text"

# error, warn, info, debug or trace, or rules such as "info,fluxion_ingest=debug". FLUXION_LOG_LEVEL, --log-level
#log_level = "{log_level}"

# The company and the administrator that are made when the database is empty; later they have no effect.
# FLUXION_TENANT_NAME, FLUXION_ADMIN_EMAIL
#tenant_name = "{tenant_name}"
#admin_email = "{admin_email}"

# The administrator's first password, at least ten characters. When it is absent, one is made up and printed once.
# FLUXION_ADMIN_PASSWORD
#admin_password = ""
"#,
            listen = default.listen,
            data_dir = default.data_dir.display(),
            log_level = default.log_level,
            tenant_name = default.tenant_name,
            admin_email = default.admin_email,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_fresh_and_every_line_of_it_means_the_default() {
        let committed = include_str!("../fluxion-ingest.sample.toml");
        assert_eq!(
            committed,
            Config::sample(),
            "run: cargo run -p fluxion-ingest -- config sample > ingest/fluxion-ingest.sample.toml"
        );
        let settings: String = committed
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && line.contains(" = "))
            .filter(|line| {
                !["database_url", "releases_dir", "admin_password"]
                    .iter()
                    .any(|key| line.starts_with(key))
            })
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(
            toml::from_str::<Config>(&settings).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn an_unknown_key_is_named_and_a_secret_is_not_shown() {
        let error = toml::from_str::<Config>("listne = 1").unwrap_err();
        assert!(error.to_string().contains("listne"), "{error}");
        let config = Config {
            database_url: Some(Url("postgres://u:hunter2@h/d".to_owned())),
            admin_password: Some(Password("hunter2".to_owned())),
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
