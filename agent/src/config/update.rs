//! Whether and when the agent takes newer versions of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether and when newer versions are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateConfig {
    /// false when this computer must keep the version that was installed by hand.
    pub enabled: bool,
    /// New versions are started only from this hour of this computer's clock on, 0 to 23, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_hour: Option<u8>,
    /// … and before this one, 0 to 23; 22 and 6 mean the night. At any time when both are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_hour: Option<u8>,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            from_hour: None,
            to_hour: None,
        }
    }
}

impl UpdateConfig {
    /// Whether a new version may be started in this hour of the day.
    #[must_use]
    pub fn allows(&self, hour: u32) -> bool {
        match (self.from_hour.map(u32::from), self.to_hour.map(u32::from)) {
            (Some(from), Some(to)) if from < to => (from..to).contains(&hour),
            (Some(from), Some(to)) => hour >= from || hour < to,
            (None, _) | (_, None) => true,
        }
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// With what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        let hours = [self.from_hour, self.to_hour];
        if self.from_hour.is_some() != self.to_hour.is_some() {
            return Err(
                "[update] has one of `from_hour` and `to_hour`; give both, or none".to_owned(),
            );
        }
        if hours.iter().flatten().any(|hour| *hour > 23) {
            return Err("[update] from_hour and to_hour are hours from 0 to 23".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: u8, to: u8) -> UpdateConfig {
        UpdateConfig {
            from_hour: Some(from),
            to_hour: Some(to),
            ..UpdateConfig::default()
        }
    }

    #[test]
    fn the_hours_may_pass_midnight() {
        let allowed = |config: UpdateConfig| {
            (0..24)
                .filter(|hour| config.allows(*hour))
                .collect::<Vec<u32>>()
        };
        assert_eq!(allowed(between(2, 5)), [2, 3, 4]);
        assert_eq!(allowed(between(22, 2)), [0, 1, 22, 23]);
        assert_eq!(allowed(UpdateConfig::default()).len(), 24);
    }

    #[test]
    fn hours_that_mean_nothing_are_refused() {
        assert!(between(22, 6).check().is_ok());
        assert!(between(22, 24).check().is_err());
        let half = UpdateConfig {
            from_hour: Some(1),
            ..UpdateConfig::default()
        };
        assert!(half.check().is_err());
    }
}
