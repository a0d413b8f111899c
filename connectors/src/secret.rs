//! A value that is used and never shown.

use std::fmt;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::registry::ConfigError;

/// A password or key. Neither `Debug` nor `Serialize` gives it away; only [`reveal`](Self::reveal) does.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the moment it is used.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The one of three places a password may be given in: the value itself, a file that holds it (its last line
    /// break is not part of it), or an environment variable.
    ///
    /// # Errors
    /// When more than one is given, or the one given cannot be read.
    pub fn from_one_of(
        value: Option<&Self>,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Result<Option<Self>, ConfigError> {
        let names = ["password", "password_file", "password_env"];
        Self::from_one_of_called(names, value, file, variable)
    }

    /// The same, by the names that a connector's settings have for the three places.
    ///
    /// # Errors
    /// When more than one is given, or the one given cannot be read.
    pub fn from_one_of_called(
        names: [&str; 3],
        value: Option<&Self>,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Result<Option<Self>, ConfigError> {
        let [word, of_file, of_variable] = names;
        match (value, file, variable) {
            (None, None, None) => Ok(None),
            (Some(value), None, None) => Ok(Some(value.clone())),
            (None, Some(file), None) => match fs::read_to_string(file) {
                Ok(text) => Ok(Some(Self(text.trim_end_matches(['\r', '\n']).to_owned()))),
                Err(error) => Err(ConfigError::new(
                    of_file,
                    format!(
                        "{} cannot be read ({error}): create it with the {word} as its only line, readable by the account the agent runs as",
                        file.display()
                    ),
                )),
            },
            (None, None, Some(variable)) => match std::env::var(variable) {
                Ok(text) => Ok(Some(Self(text))),
                Err(_) => Err(ConfigError::new(
                    of_variable,
                    format!(
                        "the environment variable {variable} is not set: set it for the account the agent runs as"
                    ),
                )),
            },
            _ => Err(ConfigError::new(
                word,
                format!("give only one of `{word}`, `{of_file}` and `{of_variable}`"),
            )),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("hunter2"));
    }

    #[test]
    fn a_password_file_may_end_in_a_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "año 1\r\n").unwrap();
        let secret = Secret::from_one_of(None, Some(&path), None)
            .unwrap()
            .unwrap();
        assert_eq!(secret.reveal(), "año 1");
    }

    #[test]
    fn two_places_for_one_password_are_refused() {
        let value = Secret::new("a");
        let error = Secret::from_one_of(Some(&value), None, Some("POS_PASSWORD")).unwrap_err();
        assert!(error.to_string().contains("only one of"), "{error}");
    }
}
