//! From the name of a connector to a connector: one line each.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::connector::{Connector, ConnectorKind};
use crate::error::{SourceError, SourceResult};
use crate::files::{FilesConfig, FilesConnector};
use crate::firebird::{FirebirdConfig, FirebirdConnector};
use crate::mysql::{MysqlConfig, MysqlConnector};
#[cfg(feature = "odbc")]
use crate::odbc::{OdbcConfig, OdbcConnector};
use crate::postgres::{PostgresConfig, PostgresConnector};
use crate::rest::{RestConfig, RestConnector};
use crate::sqlserver::{SqlServerConfig, SqlServerConnector};
use crate::webhook::{WebhookConfig, WebhookConnector};

/// A connection setting that cannot be used. Says which, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting, as in `connection.host`; empty when it is about all of them.
    pub setting: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl ConfigError {
    /// About one setting of the connection.
    pub fn new(setting: &str, message: String) -> Self {
        Self {
            setting: if setting.is_empty() {
                String::new()
            } else {
                format!("connection.{setting}")
            },
            message,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.setting.is_empty() {
            write!(f, "connection: {}", self.message)
        } else {
            write!(f, "{}: {}", self.setting, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

/// Builds the connector of a POS system from its connection settings. Nothing is contacted yet.
///
/// # Errors
/// When a setting is unknown, missing or wrong, or a password file cannot be read.
pub fn build(kind: ConnectorKind, connection: &Json) -> Result<Box<dyn Connector>, ConfigError> {
    Ok(match kind {
        ConnectorKind::Sqlserver => Box::new(SqlServerConnector::new(read::<SqlServerConfig>(
            connection,
        )?)?),
        ConnectorKind::Mysql => Box::new(MysqlConnector::new(read::<MysqlConfig>(connection)?)?),
        ConnectorKind::Postgres => {
            Box::new(PostgresConnector::new(read::<PostgresConfig>(connection)?)?)
        }
        #[cfg(feature = "odbc")]
        ConnectorKind::Odbc => Box::new(OdbcConnector::new(read::<OdbcConfig>(connection)?)?),
        #[cfg(not(feature = "odbc"))]
        ConnectorKind::Odbc => return Err(without_odbc()),
        ConnectorKind::Firebird => {
            Box::new(FirebirdConnector::new(read::<FirebirdConfig>(connection)?)?)
        }
        ConnectorKind::Files => Box::new(FilesConnector::new(read::<FilesConfig>(connection)?)?),
        ConnectorKind::Rest => Box::new(RestConnector::new(read::<RestConfig>(connection)?)?),
        ConnectorKind::Webhook => {
            Box::new(WebhookConnector::new(read::<WebhookConfig>(connection)?)?)
        }
    })
}

/// The connection settings as the cloud may see them: valid, with defaults filled in and secrets left out.
///
/// # Errors
/// When a setting is unknown, missing or wrong.
pub fn public_settings(kind: ConnectorKind, connection: &Json) -> Result<Json, ConfigError> {
    let public = match kind {
        ConnectorKind::Sqlserver => serde_json::to_value(read::<SqlServerConfig>(connection)?),
        ConnectorKind::Mysql => serde_json::to_value(read::<MysqlConfig>(connection)?),
        ConnectorKind::Postgres => serde_json::to_value(read::<PostgresConfig>(connection)?),
        #[cfg(feature = "odbc")]
        ConnectorKind::Odbc => serde_json::to_value(read::<OdbcConfig>(connection)?),
        #[cfg(not(feature = "odbc"))]
        ConnectorKind::Odbc => return Err(without_odbc()),
        ConnectorKind::Firebird => serde_json::to_value(read::<FirebirdConfig>(connection)?),
        ConnectorKind::Files => serde_json::to_value(read::<FilesConfig>(connection)?),
        ConnectorKind::Rest => serde_json::to_value(read::<RestConfig>(connection)?),
        ConnectorKind::Webhook => serde_json::to_value(read::<WebhookConfig>(connection)?),
    };
    public.map_err(|error| ConfigError::new("", error.to_string()))
}

/// JSON Schema of the connection settings, with their documentation, for samples and editors.
#[must_use]
pub fn settings_schema(kind: ConnectorKind) -> Json {
    match kind {
        ConnectorKind::Sqlserver => schemars::schema_for!(SqlServerConfig),
        ConnectorKind::Mysql => schemars::schema_for!(MysqlConfig),
        ConnectorKind::Postgres => schemars::schema_for!(PostgresConfig),
        #[cfg(feature = "odbc")]
        ConnectorKind::Odbc => schemars::schema_for!(OdbcConfig),
        #[cfg(not(feature = "odbc"))]
        ConnectorKind::Odbc => schemars::Schema::default(),
        ConnectorKind::Firebird => schemars::schema_for!(FirebirdConfig),
        ConnectorKind::Files => schemars::schema_for!(FilesConfig),
        ConnectorKind::Rest => schemars::schema_for!(RestConfig),
        ConnectorKind::Webhook => schemars::schema_for!(WebhookConfig),
    }
    .to_value()
}

/// The databases of a server that this account may enter, but for the server's own. `connection` needs no `database`:
/// each of these servers has one that everybody may enter.
///
/// # Errors
/// When a setting is wrong, the server refuses, or this kind of server has no list.
pub async fn databases(kind: ConnectorKind, connection: &Json) -> SourceResult<Vec<String>> {
    let at = |database: &str| {
        let mut connection = connection.clone();
        connection["database"] = Json::from(database);
        connection
    };
    let wrong = |error: ConfigError| {
        let hint = error.to_string();
        SourceError::ask(kind, "list databases", "missing_setting", hint, error)
    };
    match kind {
        ConnectorKind::Mysql => {
            let server = read(&at("information_schema")).and_then(MysqlConnector::new);
            server.map_err(wrong)?.databases().await
        }
        ConnectorKind::Postgres => {
            let server = read(&at("postgres")).and_then(PostgresConnector::new);
            server.map_err(wrong)?.databases().await
        }
        ConnectorKind::Sqlserver => {
            let server = read(&at("master")).and_then(SqlServerConnector::new);
            server.map_err(wrong)?.databases().await
        }
        ConnectorKind::Odbc
        | ConnectorKind::Firebird
        | ConnectorKind::Files
        | ConnectorKind::Rest
        | ConnectorKind::Webhook => {
            let message = "this kind of system has no list of its databases: name one".to_owned();
            Err(wrong(ConfigError::new("database", message)))
        }
    }
}

/// A data source that is set up for ODBC on this computer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataSource {
    /// Its name, for `connection.dsn`.
    pub name: String,
    /// The driver behind it, in its own words.
    pub driver: String,
    /// Whose it is.
    pub owner: DataSourceOwner,
}

/// Who sees a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataSourceOwner {
    /// Everybody, the service too.
    System,
    /// The account that asks, and no other.
    User,
}

/// The data sources of this computer, as its driver manager lists them. None where there is no ODBC.
///
/// # Errors
/// When the driver manager cannot tell.
pub fn data_sources() -> SourceResult<Vec<DataSource>> {
    #[cfg(feature = "odbc")]
    return crate::odbc::data_sources();
    #[cfg(not(feature = "odbc"))]
    Ok(Vec::new())
}

#[cfg(not(feature = "odbc"))]
fn without_odbc() -> ConfigError {
    let message = "this agent was built without ODBC: use one that was built with it".to_owned();
    ConfigError::new("", message)
}

fn read<T: DeserializeOwned>(connection: &Json) -> Result<T, ConfigError> {
    serde_json::from_value(connection.clone())
        .map_err(|error| ConfigError::new("", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_setting_is_named_together_with_the_known_ones() {
        let connection = json!({"database": "pos", "user": "reader", "pasword": "x"});
        let Err(error) = build(ConnectorKind::Mysql, &connection) else {
            panic!("a misspelt setting must be refused");
        };
        let text = error.to_string();
        assert!(
            text.contains("pasword") && text.contains("password_file"),
            "{text}"
        );
    }

    #[test]
    fn the_cloud_never_sees_a_secret() {
        let connection = json!({"database": "pos", "user": "reader", "password": "hunter2"});
        let public = public_settings(ConnectorKind::Mysql, &connection).unwrap();
        assert_eq!(public["database"], "pos");
        assert_eq!(public["port"], 3306);
        assert!(!public.to_string().contains("hunter2"));
        assert!(public.get("password").is_none());
    }

    #[test]
    fn every_connector_documents_its_settings() {
        for kind in ConnectorKind::ALL {
            let schema = settings_schema(*kind);
            let properties = schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                assert!(
                    property["description"].is_string(),
                    "{kind}: {name} has no description"
                );
            }
        }
    }

    #[test]
    fn every_kind_is_listed_under_the_name_that_configurations_use() {
        // serde takes its list from the variants themselves, so it knows a kind that was forgotten.
        let told = serde_json::from_value::<ConnectorKind>(json!("")).unwrap_err();
        let listed: Vec<_> = ConnectorKind::ALL
            .iter()
            .map(|kind| format!("`{kind}`"))
            .collect();
        assert_eq!(
            told.to_string(),
            format!("unknown variant ``, expected one of {}", listed.join(", ")),
            "ConnectorKind::ALL and as_str must hold every kind, in the order of the enum"
        );
    }
}
