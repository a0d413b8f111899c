//! What is to run, as one small file: `versions/plan.json`. Every change of mind is one replacement of it.

use chrono::{DateTime, Utc};
use fluxion_model::Version;
use serde::{Deserialize, Serialize};

/// A version is started so often on trial; ends it each time with the power, it is taken for the reason.
pub const ATTEMPTS: u32 = 3;
/// So many trials may tell nothing before the version is taken for the reason.
pub const UNDECIDED: u32 = 3;
/// How many reasons are kept.
const REASONS: usize = 20;

/// What is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The downloaded version that runs; none means the installed one.
    pub active: Option<Active>,
    /// What ran before it, and runs again when it fails; none means the installed one.
    pub previous: Option<Active>,
    /// The version that has to show that it works.
    pub trial: Option<Trial>,
    /// Versions that did not, the last one last.
    pub rejected: Vec<Rejected>,
}

/// A downloaded version that has shown that it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// Which one.
    pub version: Version,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A version that has to show that it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Which one.
    pub version: Version,
    /// Where it stands.
    pub stage: Stage,
    /// How often it was started.
    pub attempts: u32,
    /// How many trials told nothing.
    pub undecided: u32,
}

/// Where a trial stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The agent has fetched it and asks for it.
    Wanted,
    /// The supervisor has started it.
    Running,
    /// Its trial told nothing; the agent may ask for it again.
    Postponed {
        /// Not before this.
        until: DateTime<Utc>,
    },
}

/// A version that did not show that it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Which one.
    pub version: Version,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The cloud answered it.
    Healthy,
    /// It ended, or did not get anywhere.
    Bad {
        /// In words.
        reason: String,
    },
    /// Nothing speaks against it: the line was down, or something kept it from being started.
    Undecided {
        /// In words.
        reason: String,
        /// When it may be tried again.
        again: DateTime<Utc>,
    },
}

impl Plan {
    /// Whether the supervisor alone may change the plan.
    #[must_use]
    pub fn trial_runs(&self) -> bool {
        matches!(
            &self.trial,
            Some(Trial {
                stage: Stage::Running,
                ..
            })
        )
    }

    /// Why a version is not taken again.
    #[must_use]
    pub fn rejection(&self, version: &Version) -> Option<&Rejected> {
        self.rejected.iter().rfind(|old| old.version == *version)
    }

    /// The agent asks for a version that it has fetched.
    pub fn want(&mut self, version: &Version) {
        let before = self.trial.take().filter(|old| old.version == *version);
        self.trial = Some(Trial {
            version: version.clone(),
            stage: Stage::Wanted,
            attempts: 0,
            undecided: before.map_or(0, |old| old.undecided),
        });
    }

    /// The supervisor is about to start the version that is asked for, or was running when the power went. `None` when
    /// there is none to start; one that took the power with it too often is rejected.
    pub fn begin_trial(&mut self, now: DateTime<Utc>) -> Option<Version> {
        let trial = self.trial.as_mut()?;
        match trial.stage {
            Stage::Wanted | Stage::Running => {}
            Stage::Postponed { .. } => return None,
        }
        let version = trial.version.clone();
        if trial.attempts >= ATTEMPTS {
            let reason = format!(
                "it was started {ATTEMPTS} times, and each time everything ended before it was well"
            );
            self.reject(&version, reason, now);
            return None;
        }
        trial.attempts += 1;
        trial.stage = Stage::Running;
        Some(version)
    }

    /// The trial is over.
    pub fn end_trial(&mut self, verdict: &Verdict, now: DateTime<Utc>) {
        let Some(trial) = self.trial.take() else {
            return;
        };
        match verdict {
            Verdict::Healthy => {
                self.previous = self.active.take();
                self.active = Some(Active {
                    version: trial.version,
                    since: now,
                });
            }
            Verdict::Bad { reason } => self.reject(&trial.version, reason.clone(), now),
            Verdict::Undecided { reason, .. } if trial.undecided + 1 >= UNDECIDED => {
                let reason = format!("{reason}, {UNDECIDED} times");
                self.reject(&trial.version, reason, now);
            }
            Verdict::Undecided { again, .. } => {
                self.trial = Some(Trial {
                    stage: Stage::Postponed { until: *again },
                    attempts: 0,
                    undecided: trial.undecided + 1,
                    version: trial.version,
                });
            }
        }
    }

    /// The version is not taken again. Did it run, the one before does now.
    pub fn reject(&mut self, version: &Version, reason: String, now: DateTime<Utc>) {
        if self
            .trial
            .as_ref()
            .is_some_and(|trial| trial.version == *version)
        {
            self.trial = None;
        }
        if self
            .active
            .as_ref()
            .is_some_and(|active| active.version == *version)
        {
            self.active = self.previous.take();
        }
        self.rejected.retain(|old| old.version != *version);
        self.rejected.push(Rejected {
            version: version.clone(),
            reason,
            at: now,
        });
        let surplus = self.rejected.len().saturating_sub(REASONS);
        self.rejected.drain(..surplus);
    }

    /// Whoever installed this version by hand meant it: older downloaded ones step back, and none of them is gone back to.
    pub fn installed(&mut self, version: &Version) {
        self.active.take_if(|active| active.version <= *version);
        self.previous
            .take_if(|previous| previous.version <= *version);
        self.trial.take_if(|trial| trial.version <= *version);
    }

    /// The versions whose folders are still needed.
    #[must_use]
    pub fn needed(&self) -> Vec<&Version> {
        let proven = self.active.iter().chain(&self.previous);
        let proven = proven.map(|proven| &proven.version);
        let trial = self.trial.iter().map(|trial| &trial.version);
        proven.chain(trial).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn at(minute: u32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::minutes(i64::from(minute))
    }

    fn bad() -> Verdict {
        Verdict::Bad {
            reason: "it ended".to_owned(),
        }
    }

    #[test]
    fn a_version_that_works_takes_the_place_of_the_one_before_which_is_kept() {
        let mut plan = Plan::default();
        for (text, before) in [("0.2.0", None), ("0.3.0", Some("0.2.0"))] {
            plan.want(&version(text));
            assert_eq!(plan.begin_trial(at(1)), Some(version(text)));
            assert!(plan.trial_runs());
            plan.end_trial(&Verdict::Healthy, at(2));
            assert_eq!(plan.active.as_ref().unwrap().version, version(text));
            let previous = plan.previous.as_ref().map(|previous| &previous.version);
            assert_eq!(previous, before.map(version).as_ref());
        }
        assert_eq!(plan.needed(), [&version("0.3.0"), &version("0.2.0")]);
    }

    #[test]
    fn a_version_that_fails_its_trial_changes_nothing_but_is_not_taken_again() {
        let mut plan = Plan::default();
        plan.want(&version("0.2.0"));
        plan.begin_trial(at(1));
        plan.end_trial(&Verdict::Healthy, at(1));
        let before = plan.clone();
        plan.want(&version("0.3.0"));
        plan.begin_trial(at(2));
        plan.end_trial(&bad(), at(3));
        assert_eq!((&plan.active, &plan.trial), (&before.active, &None));
        assert_eq!(
            plan.rejection(&version("0.3.0")).unwrap().reason,
            "it ended"
        );
        assert_eq!(plan.rejection(&version("0.2.0")), None);
    }

    #[test]
    fn a_power_cut_counts_and_the_fourth_start_is_not_made() {
        let mut plan = Plan::default();
        plan.want(&version("0.2.0"));
        for _ in 0..ATTEMPTS {
            assert!(plan.begin_trial(at(1)).is_some());
        }
        assert_eq!(plan.begin_trial(at(2)), None);
        assert!(plan.rejection(&version("0.2.0")).is_some());
    }

    #[test]
    fn a_trial_that_tells_nothing_is_not_held_against_the_version_until_the_third_time() {
        let mut plan = Plan::default();
        for round in 1..=UNDECIDED {
            plan.want(&version("0.2.0"));
            plan.begin_trial(at(1));
            let verdict = Verdict::Undecided {
                reason: "the cloud did not answer".to_owned(),
                again: at(60),
            };
            plan.end_trial(&verdict, at(10));
            assert_eq!(
                plan.rejection(&version("0.2.0")).is_some(),
                round == UNDECIDED
            );
            assert_eq!(
                plan.begin_trial(at(99)),
                None,
                "only the agent knows when the line is back"
            );
        }
    }

    #[test]
    fn a_running_version_that_turns_out_bad_leaves_for_the_one_before() {
        let mut plan = Plan::default();
        for (minute, text) in [(1, "0.2.0"), (2, "0.3.0")] {
            plan.want(&version(text));
            plan.begin_trial(at(minute));
            plan.end_trial(&Verdict::Healthy, at(minute));
        }
        plan.reject(&version("0.3.0"), "damaged".to_owned(), at(5));
        let active = plan.active.clone().unwrap();
        assert_eq!(active.version, version("0.2.0"));
        assert_eq!(active.since, at(1), "it has shown long ago that it works");
        plan.reject(&version("0.2.0"), "damaged".to_owned(), at(6));
        assert_eq!(plan.active, None, "the installed one remains");
    }

    #[test]
    fn a_newer_installed_version_wins_and_an_older_one_does_not() {
        let mut plan = Plan::default();
        plan.want(&version("0.3.0"));
        plan.begin_trial(at(1));
        plan.end_trial(&Verdict::Healthy, at(1));
        plan.want(&version("0.4.0"));
        let before = plan.clone();
        plan.installed(&version("0.2.0"));
        assert_eq!(plan, before);
        plan.installed(&version("0.3.0"));
        assert_eq!(plan.active, None);
        assert!(plan.trial.is_some());
        plan.installed(&version("0.4.0"));
        assert_eq!(plan.trial, None);
    }

    #[test]
    fn nobody_goes_back_to_a_version_before_the_installed_one() {
        let mut plan = Plan::default();
        for text in ["0.2.0", "0.4.0"] {
            plan.want(&version(text));
            plan.begin_trial(at(1));
            plan.end_trial(&Verdict::Healthy, at(1));
        }
        plan.installed(&version("0.3.0"));
        plan.reject(&version("0.4.0"), "damaged".to_owned(), at(2));
        assert_eq!(plan.active, None);
    }

    #[test]
    fn reasons_do_not_pile_up() {
        let mut plan = Plan::default();
        for patch in 0..50 {
            plan.reject(&Version::new(0, 2, patch), "x".to_owned(), at(1));
        }
        assert_eq!(plan.rejected.len(), REASONS);
        assert!(plan.rejection(&Version::new(0, 2, 49)).is_some());
    }
}
