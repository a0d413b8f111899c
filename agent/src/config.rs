//! What the person who installs the agent decides: `fluxion-agent.toml`.
//!
//! The doc comments of these types are the reference: they become the comments of the sample file
//! (`fluxion-agent config sample`). Defaults live here and nowhere else. Secrets never appear in `Debug` output,
//! because [`PosConfig::connection`] is only ever shown through [`PosConfig::connection_without_secrets`].

mod bandwidth;
mod capture;
mod load;
mod network;
mod plain;
mod sample;
mod schedule;
mod update;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use fluxion_connectors::ConnectorKind;
use fluxion_mappings::{Country, Scalar};
use fluxion_model::id::StreamName;
use fluxion_model::money::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redact;
use crate::status_page::StatusPageConfig;

pub use bandwidth::{BandwidthConfig, Day, Line, PlanEntry, TimeOfDay};
pub use capture::{CaptureChoice, CaptureName, name_of};
pub use load::{ConfigError, Loaded, data_dir_of, load};
pub use network::{NetworkConfig, Password, ProxyChoice};
pub use plain::{PlainSecret, plain_secrets, with_references};
pub use sample::sample;
pub use schedule::{Every, Schedule};
pub use update::UpdateConfig;

/// Everything in `fluxion-agent.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the ingest service.
    pub server: String,
    /// Where the agent keeps its spool, its token and its logs. A relative path is relative to this file. When absent:
    /// %ProgramData%\Fluxion on Windows, /var/lib/fluxion elsewhere. `--data-dir` overrides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// What is logged, and for how long.
    #[serde(default)]
    pub log: LogConfig,
    /// The durable queue between the POS and the cloud.
    #[serde(default)]
    pub spool: SpoolConfig,
    /// How much of the store's line the agent takes.
    #[serde(default)]
    pub bandwidth: BandwidthConfig,
    /// A page on this computer that says whether everything is well. Without this section there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_page: Option<StatusPageConfig>,
    /// How the agent leaves the store's network.
    #[serde(default)]
    pub network: NetworkConfig,
    /// How the agent stands beside other programs on this computer: "below_normal" takes the processor and the disk when
    /// nobody else wants them; "normal" takes its turn like any other.
    #[serde(default)]
    pub priority: Priority,
    /// Newer versions of the agent, which the cloud offers. Only what the maker has signed is taken, never while something
    /// is read or sent, and when a new version does not work the one before runs again by itself.
    #[serde(default)]
    pub update: UpdateConfig,
    /// The POS systems of this store, one `[[pos]]` each.
    #[serde(default)]
    pub pos: Vec<PosConfig>,
}

/// How the agent stands beside other programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Behind them.
    #[default]
    BelowNormal,
    /// Among them.
    Normal,
}

/// What is logged, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// error, warn, info, debug or trace; or rules such as "info,fluxion_agent::sender=debug".
    pub level: String,
    /// How many daily log files are kept, in the folder `logs` of the data folder.
    pub keep_days: u16,
    /// All log files together have at most so many megabytes; the oldest go first.
    pub max_mb: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            keep_days: 14,
            max_mb: 100,
        }
    }
}

/// The durable queue between the POS and the cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// How much may wait for the cloud, in megabytes of compressed deliveries. Past it the agent stops reading the
    /// POS, and says so, until there is room again; 1,024 MB are months of an ordinary store.
    pub max_size_mb: u64,
    /// The agent leaves so many megabytes of the disk free. With less it stops reading the POS, and says so; it goes on
    /// sending, and reads on by itself when there is a quarter more than this again. 0 turns that off.
    pub min_free_mb: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            max_size_mb: 1024,
            min_free_mb: 500,
        }
    }
}

/// One POS system.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PosConfig {
    /// Its name in the dashboard and in commands. Do not rename it later: the cloud would take it for another system.
    pub name: String,
    /// What reads it: "sqlserver", "mysql", "postgres", "firebird", "odbc", "files", "webhook" and others; a wrong name is
    /// answered with the list.
    #[schemars(with = "String")]
    pub connector: ConnectorKind,
    /// A ready mapping for a known POS; `fluxion-agent packs list` names them. Either this or `mapping`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// A mapping file of your own. Either this or `pack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<PathBuf>,
    /// Time zone of the dates in the POS, by its IANA name.
    #[schemars(with = "String")]
    #[serde(default = "default_zone", with = "zone")]
    pub time_zone: Tz,
    /// Currency of amounts that carry none, ISO 4217.
    pub currency: Currency,
    /// Country whose business rules apply: "VE", "MX", "AR" or "PA". None when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// How often changes are looked for: "15s", "5m", "1h". When neither this nor `schedule` is given: as often as the
    /// connector advises, and each 5 minutes for streams that must be read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// Instead of `every`: a cron expression with seconds, in the POS's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// When everything is read and compared, so that deletes and missed changes are found: a cron expression with
    /// seconds, in the POS's time zone.
    #[serde(default = "default_sweep")]
    pub sweep: Schedule,
    /// At most so many rows are read per second; 0 means no limit. Lower it when the POS is slow while the agent reads.
    #[serde(default)]
    pub rows_per_second: u32,
    /// Only these streams of the mapping are read; all of them when empty.
    #[serde(default)]
    pub streams: Vec<StreamName>,
    /// How changes of a stream are noticed, where another way than the mapping's suits this store: "log" follows the
    /// database's own log, "outbox" a table that triggers write to (`fluxion-agent outbox print` shows them), "watermark"
    /// a date or number of the table, "diff" compares everything. What the system does not allow is passed over for what
    /// the mapping names. A watermark may also be written out as in a mapping: { strategy = "watermark", columns = ["p.changed"] }.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capture: BTreeMap<StreamName, CaptureChoice>,
    /// How it is reached; what goes in here depends on the connector. Write no password here: keep it with `fluxion-agent
    /// secret set NAME` and refer to it with password = { secret = "NAME" }, as any other text may be.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub connection: toml::Table,
    /// Settings that the mapping asks for, such as the store's number in the POS; `fluxion-agent packs show NAME`
    /// lists them.
    #[serde(default)]
    pub settings: BTreeMap<String, Scalar>,
    /// Stops a stream that would delete suspiciously much, until a person confirms.
    #[serde(default)]
    pub delete_brake: DeleteBrake,
}

/// Stops a stream that would delete suspiciously much, until a person confirms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeleteBrake {
    /// More than this share of a stream's rows at once, in percent, …
    pub percent: u8,
    /// … and more than this many rows.
    pub min_rows: u64,
}

impl Default for DeleteBrake {
    fn default() -> Self {
        Self {
            percent: 5,
            min_rows: 20,
        }
    }
}

impl DeleteBrake {
    /// Whether deleting `gone` of `known` rows needs a person.
    #[must_use]
    pub fn trips(self, gone: u64, known: u64) -> bool {
        let share = known.saturating_mul(u64::from(self.percent)) / 100;
        gone > share.max(self.min_rows)
    }
}

impl PosConfig {
    /// The connection as it may be shown and sent: values of keys that name a secret are replaced.
    #[must_use]
    pub fn connection_without_secrets(&self) -> serde_json::Value {
        without_secrets(self.connection_json())
    }

    /// The connection as the connector reads it.
    #[must_use]
    pub fn connection_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.connection).unwrap_or_default()
    }
}

impl fmt::Debug for PosConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PosConfig")
            .field("name", &self.name)
            .field("connector", &self.connector)
            .field("connection", &self.connection_without_secrets())
            .finish_non_exhaustive()
    }
}

/// Settings as they may be shown and sent: values of keys that name a secret are replaced, and passwords in addresses.
#[must_use]
pub fn without_secrets(mut settings: serde_json::Value) -> serde_json::Value {
    hide_secrets(&mut settings);
    settings
}

fn hide_secrets(value: &mut serde_json::Value) {
    const SECRET: &[&str] = &["password", "secret", "token", "key", "pwd", "contrasena"];
    match value {
        serde_json::Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                let name = name.to_ascii_lowercase();
                if SECRET.iter().any(|word| name.contains(word))
                    && (inner.is_string() || inner.is_number())
                {
                    *inner = serde_json::Value::from("***");
                } else {
                    hide_secrets(inner);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        serde_json::Value::String(text) => *text = redact::hide(text).into_owned(),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

fn default_zone() -> Tz {
    Tz::UTC
}

fn default_sweep() -> Schedule {
    Schedule::daily_at_two_thirty()
}

/// Where the data folder is when nothing says otherwise.
#[cfg(windows)]
#[must_use]
pub fn default_data_dir() -> PathBuf {
    let base = fluxion_system::folders::program_data();
    base.unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
        .join("Fluxion")
}

/// Where the data folder is when nothing says otherwise.
#[cfg(not(windows))]
#[must_use]
pub fn default_data_dir() -> PathBuf {
    Path::new("/var").join("lib").join("fluxion")
}

/// Where the configuration is when nothing says otherwise: in the working folder if it is there, else where the package
/// for Linux puts it, else beside the data.
#[must_use]
pub fn default_config_path() -> PathBuf {
    let packaged = Path::new("/etc/fluxion/fluxion-agent.toml");
    let here = PathBuf::from("fluxion-agent.toml");
    if here.exists() {
        here
    } else if cfg!(unix) && packaged.exists() {
        packaged.to_owned()
    } else {
        default_data_dir().join("fluxion-agent.toml")
    }
}

mod zone {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is not a time zone; use an IANA name such as America/Caracas, America/Mexico_City, \
                 America/Argentina/Buenos_Aires or America/Panama"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brake_trips_beyond_both_the_share_and_the_minimum() {
        let brake = DeleteBrake::default();
        assert!(!brake.trips(20, 20), "twenty rows may always go");
        assert!(brake.trips(21, 20));
        assert!(!brake.trips(50, 1_000), "five percent may go");
        assert!(brake.trips(51, 1_000));
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut value = serde_json::json!({
            "host": "10.0.0.5", "password": "s3cret", "url": "mysql://ana:s3cret@host/db",
            "tls": {"client_key": "s3cret"}, "odd": "a@b://c",
        });
        hide_secrets(&mut value);
        assert!(!value.to_string().contains("s3cret"), "{value}");
        assert!(value.to_string().contains("10.0.0.5"));
    }
}
