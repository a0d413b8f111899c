//! What differs between stores that share a mapping: zone, currency, country, settings.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use fluxion_model::money::Currency;
use fluxion_model::value::Value;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Mapping, Setting, SettingKind};
use crate::error::MappingError;
use crate::scalar::Scalar;

/// A country with rules of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Country {
    /// Venezuela.
    #[serde(rename = "VE")]
    Venezuela,
    /// Mexico.
    #[serde(rename = "MX")]
    Mexico,
    /// Argentina.
    #[serde(rename = "AR")]
    Argentina,
    /// Panama.
    #[serde(rename = "PA")]
    Panama,
}

/// Where a mapping is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Zone of wall-clock times that carry none.
    pub time_zone: Tz,
    /// Currency of amounts that carry none.
    pub currency: Currency,
    /// Whose business rules hold.
    pub country: Option<Country>,
    /// Settings by name; also the parameters of queries.
    pub settings: BTreeMap<String, Value>,
}

impl Context {
    /// A context whose settings are what the configuration gives, checked, with the mapping's defaults for the rest.
    ///
    /// # Errors
    /// When a setting is missing, unknown, of the wrong type, or none of the values that make sense.
    pub fn new(
        mapping: &Mapping,
        time_zone: Tz,
        currency: Currency,
        country: Option<Country>,
        given: &BTreeMap<String, Scalar>,
    ) -> Result<Self, MappingError> {
        for name in given.keys() {
            if !mapping.settings.contains_key(name) {
                let known = mapping
                    .settings
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(MappingError::new(
                    format!("settings.{name}"),
                    format!(
                        "mapping {} has no such setting; known: {known}",
                        mapping.name
                    ),
                ));
            }
        }
        let mut settings = BTreeMap::new();
        for (name, setting) in &mapping.settings {
            let value = given
                .get(name)
                .or(setting.default.as_ref())
                .ok_or_else(|| missing(name, setting))?;
            settings.insert(name.clone(), check(name, setting, value)?);
        }
        Ok(Self {
            time_zone,
            currency,
            country,
            settings,
        })
    }
}

fn missing(name: &str, setting: &Setting) -> MappingError {
    let what = if setting.description.is_empty() {
        String::new()
    } else {
        format!(" ({})", setting.description)
    };
    MappingError::new(
        format!("settings.{name}"),
        format!(
            "is required{what}; add it to the settings of the POS system in the agent's configuration"
        ),
    )
}

/// The value as its type, or what is wrong with it.
pub(crate) fn check(name: &str, setting: &Setting, given: &Scalar) -> Result<Value, MappingError> {
    let wrong = |expected: &str| {
        MappingError::new(
            format!("settings.{name}"),
            format!("{given} is not {expected}"),
        )
    };
    if !setting.one_of.is_empty()
        && !setting
            .one_of
            .iter()
            .any(|one| one.to_string() == given.to_string())
    {
        let known = setting
            .one_of
            .iter()
            .map(|one| format!("{one:?}", one = one.to_string()))
            .collect::<Vec<_>>();
        return Err(wrong(&format!("one of {}", known.join(", "))));
    }
    let number = || match given {
        Scalar::Number(number) => Some(*number),
        Scalar::Text(text) => Decimal::from_str_exact(text).ok(),
        Scalar::Bool(_) => None,
    };
    match setting.kind {
        SettingKind::Name => {
            let text = given.to_string();
            if crate::names::is_name(&text) {
                Ok(Value::text(text))
            } else {
                Err(wrong(
                    "part of a name: letters, digits, _, $ and #, at most 64",
                ))
            }
        }
        SettingKind::Text => Ok(Value::text(given.to_string())),
        SettingKind::Integer => number()
            .filter(|number| number.fract().is_zero())
            .and_then(|number| number.to_i64())
            .map(Value::Int)
            .ok_or_else(|| wrong("a whole number")),
        SettingKind::Number => number()
            .map(Value::Decimal)
            .ok_or_else(|| wrong("a number")),
        SettingKind::Boolean => match given {
            Scalar::Bool(flag) => Ok(Value::Bool(*flag)),
            Scalar::Text(text) if text == "true" || text == "false" => {
                Ok(Value::Bool(text == "true"))
            }
            _ => Err(wrong("true or false")),
        },
    }
}
