//! Whether a version that the cloud offers is taken at all. The cloud is not believed here: only whoever holds the
//! release key is, and nobody talks this agent into an older version.

use fluxion_model::Version;
use fluxion_model::release::{Manifest, ReleaseFile, ReleaseKey, UpdateOffer, UpdateState};

use super::plan::Plan;
use super::versions::NO_KEY;

/// Why an offer is not taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Declined {
    /// What the cloud is told.
    pub state: UpdateState,
    /// In words.
    pub message: String,
}

/// The program to fetch, if the offer is good.
///
/// # Errors
/// When it is not.
pub fn consider(
    offer: &UpdateOffer,
    key: Option<&ReleaseKey>,
    own: &Version,
    plan: &Plan,
    target: &str,
) -> Result<(Manifest, ReleaseFile), Declined> {
    let Some(key) = key else {
        return Err(Declined {
            state: UpdateState::Off,
            message: NO_KEY.to_owned(),
        });
    };
    let refused = |message| Declined {
        state: UpdateState::Refused,
        message,
    };
    let manifest = key
        .open(&offer.manifest, &offer.signature)
        .map_err(|error| refused(error.to_string()))?;
    let version = &manifest.version;
    if *version.to_string() != offer.version {
        return Err(refused(format!(
            "{version} was signed, and {} was offered",
            offer.version
        )));
    }
    if version.cmp_precedence(own).is_le() {
        return Err(refused(format!(
            "{version} is not newer than {own}, which runs"
        )));
    }
    if let Some(rejected) = plan.rejection(version) {
        return Err(Declined {
            state: UpdateState::RolledBack,
            message: rejected.reason.clone(),
        });
    }
    let file = manifest.file_for(target).cloned();
    let file = file.ok_or_else(|| refused(format!("it has no program for {target}")))?;
    Ok((manifest, file))
}

#[cfg(test)]
mod tests {
    use fluxion_tests::release::{ReleaseMaker, manifest, this_computer};

    use super::*;
    use crate::update::this_build;

    struct Offered {
        maker: ReleaseMaker,
        offer: UpdateOffer,
        plan: Plan,
        own: Version,
    }

    fn offered(version: &str) -> Offered {
        let maker = ReleaseMaker::new().unwrap();
        let manifest = manifest(version, &this_computer(), b"a program");
        Offered {
            offer: UpdateOffer {
                version: version.to_owned(),
                signature: maker.sign(&manifest).unwrap(),
                manifest,
            },
            maker,
            plan: Plan::default(),
            own: Version::new(0, 2, 0),
        }
    }

    impl Offered {
        fn declined(&self) -> Option<UpdateState> {
            let key = ReleaseKey::from_base64(&self.maker.public_key()).unwrap();
            let target = this_build::target();
            consider(&self.offer, Some(&key), &self.own, &self.plan, &target)
                .err()
                .map(|declined| declined.state)
        }
    }

    #[test]
    fn a_newer_signed_version_is_taken() {
        assert_eq!(offered("0.3.0").declined(), None);
        assert_eq!(
            offered("0.10.0").declined(),
            None,
            "numbers, not letters, are compared"
        );
    }

    #[test]
    fn an_older_version_or_the_same_is_refused_however_well_it_is_signed() {
        for version in ["0.1.9", "0.2.0", "0.2.0-rc.1", "0.0.99"] {
            assert_eq!(
                offered(version).declined(),
                Some(UpdateState::Refused),
                "{version}"
            );
        }
    }

    #[test]
    fn a_wrong_signature_is_refused() {
        let mut other = offered("0.3.0");
        other.maker = ReleaseMaker::new().unwrap();
        assert_eq!(other.declined(), Some(UpdateState::Refused));
        let mut changed = offered("0.3.0");
        changed.offer.manifest = changed.offer.manifest.replace("0.3.0", "0.3.1");
        assert_eq!(changed.declined(), Some(UpdateState::Refused));
        let mut renamed = offered("0.3.0");
        renamed.offer.version = "0.3.1".to_owned();
        assert_eq!(renamed.declined(), Some(UpdateState::Refused));
    }

    #[test]
    fn what_did_not_work_here_is_not_tried_again() {
        let mut offered = offered("0.3.0");
        let version = Version::new(0, 3, 0);
        offered
            .plan
            .reject(&version, "it ended".to_owned(), chrono::Utc::now());
        assert_eq!(offered.declined(), Some(UpdateState::RolledBack));
    }

    #[test]
    fn without_a_key_nothing_is_taken() {
        let Offered {
            offer, own, plan, ..
        } = offered("0.3.0");
        let declined = consider(&offer, None, &own, &plan, "any").unwrap_err();
        assert_eq!(declined.state, UpdateState::Off);
    }
}
