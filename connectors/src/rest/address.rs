//! From a path of the mapping to an address: settings filled in, and never another host.

use std::collections::BTreeMap;

use reqwest::Url;

use super::KIND;
use crate::connector::Settings;
use crate::error::{SourceError, SourceResult};

/// The address of a stream.
#[derive(Debug, Clone)]
pub(super) struct Address(Url);

impl Address {
    /// `{name}` in path and parameters stands for a setting, or for one of `more`.
    pub fn new(
        base: &Url,
        path: &str,
        parameters: &BTreeMap<String, String>,
        settings: &Settings,
        more: &[(&str, &str)],
    ) -> SourceResult<Self> {
        let mut url = base.clone();
        {
            let mut segments = url.path_segments_mut().map_err(|()| {
                let hint = "Write `connection.base_url` like \"https://pos.example.com\".";
                SourceError::ask(
                    KIND,
                    "make an address",
                    "invalid_mapping",
                    hint,
                    "the address has no path",
                )
            })?;
            segments.pop_if_empty();
            for part in path.trim_start_matches('/').split('/') {
                segments.push(&filled(part, settings, more)?);
            }
        }
        for (name, value) in parameters {
            let value = filled(value, settings, more)?;
            url.query_pairs_mut().append_pair(name, &value);
        }
        Ok(Self(url))
    }

    pub fn url(&self) -> Url {
        self.0.clone()
    }

    /// An address that the API gave. Keys go to no other host.
    pub fn other(&self, address: &str) -> SourceResult<Url> {
        let url = self.0.join(address).ok();
        url.filter(|url| url.origin() == self.0.origin()).ok_or_else(|| {
            let hint = "The API names a next page on another host, where its key must not go: set `connection.base_url` to the \
                        host that it names.";
            SourceError::ask(KIND, "turn the page", "redirected", hint, "the next page is somewhere else")
        })
    }
}

fn filled(text: &str, settings: &Settings, more: &[(&str, &str)]) -> SourceResult<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        match (
            more.iter().find(|(own, _)| *own == name),
            settings.get(name),
        ) {
            (Some((_, value)), _) => out.push_str(value),
            (None, Some(value)) => out.push_str(&value.to_string()),
            (None, None) => {
                let hint = format!(
                    "Add {name:?} to the settings of the POS system, or correct the mapping."
                );
                return Err(SourceError::ask(
                    KIND,
                    "make an address",
                    "missing_setting",
                    hint,
                    "a setting is missing",
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
