//! The sample file, made from the types: their doc comments are its comments, so it cannot grow stale.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use schemars::schema_for;
use serde_json::Value;

use crate::status_page::StatusPageConfig;

use super::network::SecretName;
use super::{
    BandwidthConfig, CaptureChoice, CaptureName, Config, Day, DeleteBrake, Every, LogConfig,
    NetworkConfig, Password, PlanEntry, PosConfig, Priority, ProxyChoice, Schedule, SpoolConfig,
    TimeOfDay, UpdateConfig,
};

/// A commented configuration with one POS of each connector.
#[must_use]
pub fn sample() -> String {
    let schema = schema_for!(Config).to_value();
    let example = serde_json::to_value(example()).unwrap_or_default();
    let mut out = String::from(
        "# Configuration of fluxion-agent. Written by `fluxion-agent config sample`.\n\
         # Keys behind a `#` show the default or an example. Windows paths go in single quotes: 'C:\\POS\\export'.\n",
    );
    let writer = Writer { schema: &schema };
    writer.table(&mut out, "", &schema, &example);
    out
}

/// Shows every key once.
fn example() -> Config {
    let files: toml::Table = toml::from_str("folder = 'C:\\POS\\export'").unwrap_or_default();
    let mysql: toml::Table =
        toml::from_str("host = '127.0.0.1'\nport = 3306\nuser = 'fluxion'\npassword = { secret = 'systimax' }\ndatabase = 'systimax'")
            .unwrap_or_default();
    let pos = PosConfig {
        name: "systimax".to_owned(),
        connector: fluxion_connectors::ConnectorKind::Mysql,
        pack: Some("systimax-mysql".to_owned()),
        mapping: None,
        time_zone: chrono_tz::America::Caracas,
        currency: "VES"
            .parse()
            .unwrap_or_else(|_| unreachable!("VES is three capitals")),
        country: Some(fluxion_mappings::Country::Venezuela),
        every: Some(Every(Duration::from_secs(30))),
        schedule: Some(
            "0 */5 8-20 * * *"
                .parse()
                .unwrap_or_else(|_| Schedule::daily_at_two_thirty()),
        ),
        sweep: Schedule::daily_at_two_thirty(),
        rows_per_second: 0,
        streams: Vec::new(),
        capture: "products"
            .parse()
            .map(|stream| (stream, CaptureChoice::Named(CaptureName::Outbox)))
            .into_iter()
            .collect(),
        connection: mysql,
        settings: [(
            "location_id".to_owned(),
            fluxion_mappings::Scalar::Text("1".to_owned()),
        )]
        .into(),
        delete_brake: DeleteBrake::default(),
    };
    let export = PosConfig {
        name: "export-folder".to_owned(),
        connector: fluxion_connectors::ConnectorKind::Files,
        pack: None,
        mapping: Some(PathBuf::from("my-export.toml")),
        connection: files,
        settings: std::collections::BTreeMap::new(),
        ..pos.clone()
    };
    Config {
        server: "https://fluxion.example.com".to_owned(),
        data_dir: Some(PathBuf::from(r"C:\ProgramData\Fluxion")),
        log: LogConfig::default(),
        spool: SpoolConfig::default(),
        bandwidth: BandwidthConfig {
            plan: vec![opening_hours()],
            ..BandwidthConfig::default()
        },
        status_page: Some(StatusPageConfig {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8790)),
        }),
        network: NetworkConfig {
            proxy: ProxyChoice::System,
            proxy_user: Some("fluxion".to_owned()),
            proxy_password: Some(Password::Kept(SecretName {
                secret: "proxy".to_owned(),
            })),
        },
        priority: Priority::default(),
        update: UpdateConfig {
            from_hour: Some(22),
            to_hour: Some(6),
            ..UpdateConfig::default()
        },
        pos: vec![pos, export],
    }
}

fn opening_hours() -> PlanEntry {
    let time = |text: &str| -> TimeOfDay {
        text.parse()
            .unwrap_or_else(|_| unreachable!("{text} is a time"))
    };
    PlanEntry {
        days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat],
        from: time("08:00"),
        to: time("22:00"),
        kb_per_s: 64,
    }
}

/// Keys that are shown but stay commented out, because the default serves most.
const COMMENTED: &[&str] = &[
    "data_dir",
    "level",
    "keep_days",
    "max_size_mb",
    "min_free_mb",
    "max_mb",
    "proxy",
    "proxy_user",
    "proxy_password",
    "priority",
    "kb_per_s",
    "metered_kb_per_s",
    "plan",
    "days",
    "from",
    "to",
    "enabled",
    "from_hour",
    "to_hour",
    "every",
    "schedule",
    "sweep",
    "rows_per_second",
    "streams",
    "capture",
    "status_page",
    "percent",
    "min_rows",
];

fn mark(key: &str) -> &'static str {
    if COMMENTED.contains(&key) { "#" } else { "" }
}

struct Writer<'a> {
    schema: &'a Value,
}

impl Writer<'_> {
    /// Keys first, then tables, as TOML wants it; keys in the order of the schema's `properties`.
    fn table(&self, out: &mut String, path: &str, schema: &Value, value: &Value) {
        let Some(properties) = self
            .follow(schema)
            .get("properties")
            .and_then(Value::as_object)
        else {
            plain(out, "", value);
            return;
        };
        for (key, inner) in properties {
            if let Some(value) = value.get(key).filter(|value| !is_table(value)) {
                comment(out, self.description(inner));
                let mark = mark(key);
                writeln!(out, "{mark}{key} = {}", toml_value(value)).unwrap_or_default();
            }
        }
        for (key, inner) in properties {
            let full = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value.get(key) {
                Some(table @ Value::Object(_)) if is_table(table) => {
                    out.push('\n');
                    comment(out, self.description(inner));
                    if COMMENTED.contains(&key.as_str()) {
                        writeln!(out, "#[{full}]").unwrap_or_default();
                        plain(out, "#", &value[key]);
                        continue;
                    }
                    writeln!(out, "[{full}]").unwrap_or_default();
                    if key == "connection" {
                        connection(out, value);
                    } else {
                        self.table(out, &full, inner, &value[key]);
                    }
                }
                Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
                    let item_schema = self.follow(inner).get("items").unwrap_or(&Value::Null);
                    let (first, rest) = items.split_at(1);
                    out.push('\n');
                    comment(out, self.description(inner));
                    let mark = mark(key);
                    writeln!(out, "{mark}[[{full}]]").unwrap_or_default();
                    self.table(out, &full, item_schema, &first[0]);
                    for item in rest {
                        writeln!(out, "\n[[{full}]]").unwrap_or_default();
                        short(out, &full, item);
                    }
                }
                _ => {}
            }
        }
    }

    fn follow<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let target = schema.get("$ref").and_then(Value::as_str).or_else(|| {
            schema
                .get("anyOf")
                .and_then(Value::as_array)
                .and_then(|any| any.iter().find_map(|s| s.get("$ref")?.as_str()))
        });
        target
            .and_then(|target| target.strip_prefix('#'))
            .and_then(|pointer| self.schema.pointer(pointer))
            .unwrap_or(schema)
    }

    fn description<'v>(&'v self, schema: &'v Value) -> &'v str {
        let own = schema.get("description").and_then(Value::as_str);
        own.or_else(|| {
            self.follow(schema)
                .get("description")
                .and_then(Value::as_str)
        })
        .unwrap_or_default()
    }
}

/// A second POS, without repeating the comments.
fn short(out: &mut String, path: &str, value: &Value) {
    let Some(map) = value.as_object() else { return };
    for (key, value) in map {
        if !is_table(value) && !COMMENTED.contains(&key.as_str()) {
            writeln!(out, "{key} = {}", toml_value(value)).unwrap_or_default();
        }
    }
    writeln!(out, "[{path}.connection]").unwrap_or_default();
    connection(out, value);
}

/// The connection's keys as the connector describes them.
fn connection(out: &mut String, pos: &Value) {
    let given = &pos["connection"];
    let kind = pos["connector"].as_str().and_then(|kind| kind.parse().ok());
    let schema = kind
        .map(fluxion_connectors::registry::settings_schema)
        .unwrap_or_default();
    for (key, about) in schema["properties"].as_object().into_iter().flatten() {
        let default = about.get("default").filter(|default| !default.is_null());
        let (mark, value) = match (given.get(key), default) {
            (Some(value), _) => ("", value),
            (None, Some(default)) => ("#", default),
            (None, None) => continue,
        };
        comment(out, about["description"].as_str().unwrap_or_default());
        writeln!(out, "{mark}{key} = {}", toml_value(value)).unwrap_or_default();
    }
}

fn plain(out: &mut String, mark: &str, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        writeln!(out, "{mark}{key} = {}", toml_value(value)).unwrap_or_default();
    }
}

/// The name of a secret is a value like any other.
fn is_table(value: &Value) -> bool {
    let named = |map: &serde_json::Map<String, Value>| map.len() == 1 && map.contains_key("secret");
    value.as_object().is_some_and(|map| !named(map))
        || value
            .as_array()
            .is_some_and(|items| items.iter().any(Value::is_object))
}

fn toml_value(value: &Value) -> String {
    match value {
        // A secret does not show what it holds, not even an example.
        Value::String(text) if text == "(hidden)" => "'change me'".to_owned(),
        // A literal string keeps backslashes as they are.
        Value::String(text) if text.contains('\\') => format!("'{text}'"),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_value(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Wraps at 100 characters. Rustdoc's line breaks are not a person's.
fn comment(out: &mut String, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > 100 {
            writeln!(out, "# {line}").unwrap_or_default();
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        writeln!(out, "# {line}").unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_in_the_repository_is_the_one_the_types_make() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fluxion-agent.sample.toml");
        if std::env::var_os("FLUXION_WRITE_SAMPLE").is_some() {
            std::fs::write(&path, sample()).unwrap();
        }
        let kept = std::fs::read_to_string(&path)
            .unwrap_or_default()
            .replace("\r\n", "\n");
        assert_eq!(
            kept,
            sample(),
            "run this test once with FLUXION_WRITE_SAMPLE=1 and commit the file"
        );
    }

    #[test]
    fn the_sample_is_a_configuration_and_shows_every_key() {
        let text = sample();
        let _config: Config = toml::from_str(&text).unwrap();
        let uncommented: String = text
            .lines()
            .filter(|line| !line.contains("schedule =") && !line.contains("data_dir ="))
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with(' '))
                    .unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        toml::from_str::<Config>(&uncommented).unwrap();
    }
}
