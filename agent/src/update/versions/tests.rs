//! Whatever happens to the disk and whenever the power goes: what is chosen was installed, or is exactly what was signed.

use std::fs;

use fluxion_tests::release::{ReleaseMaker, manifest, this_computer};

use super::*;
use crate::update::disk::outage;

struct Store {
    maker: ReleaseMaker,
    versions: Versions,
    installed: PathBuf,
    _folder: tempfile::TempDir,
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn now() -> DateTime<Utc> {
    Utc::now()
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let maker = ReleaseMaker::new().unwrap();
        let installed = folder.path().join("installed");
        fs::write(&installed, "installed").unwrap();
        let key = ReleaseKey::from_base64(&maker.public_key()).unwrap();
        Self {
            versions: Versions::new(folder.path().join("versions"), Some(key)),
            maker,
            installed,
            _folder: folder,
        }
    }

    fn program(text: &str) -> Vec<u8> {
        format!("the program of {text}").into_bytes()
    }

    fn offer(&self, text: &str) -> UpdateOffer {
        let manifest = manifest(text, &this_computer(), &Self::program(text));
        UpdateOffer {
            version: text.to_owned(),
            signature: self.maker.sign(&manifest).unwrap(),
            manifest,
        }
    }

    /// As the download leaves it.
    fn fetched(&self, text: &str) {
        let part = self.versions.part(&version(text));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join(PROGRAM), Self::program(text)).unwrap();
    }

    /// What the agent does once the program is there.
    fn ask(&self, text: &str) -> Option<()> {
        let wanted = version(text);
        if self.versions.check(&wanted).is_err() {
            self.fetched(text);
            self.versions.settle(&wanted, &self.offer(text)).ok()?;
        }
        let mut plan = self.versions.plan().ok()?;
        plan.want(&wanted);
        self.versions.keep_plan(&plan).ok()
    }

    fn choose(&self) -> Chosen {
        self.versions.choose(&self.installed, now())
    }

    /// A whole update that goes well.
    fn update(&self, text: &str) {
        self.ask(text).unwrap();
        let chosen = self.choose();
        assert_eq!(
            (chosen.version, chosen.role),
            (Some(version(text)), Role::OnTrial),
            "{:?}",
            chosen.said
        );
        self.versions.end_trial(&Verdict::Healthy, now()).unwrap();
    }

    /// What runs is what was installed, or exactly what was signed.
    fn can_run(&self, chosen: &Chosen) {
        match &chosen.version {
            None => assert_eq!(chosen.program, self.installed),
            Some(version) => {
                assert_eq!(chosen.program, self.versions.check(version).unwrap());
                assert_eq!(
                    fs::read(&chosen.program).unwrap(),
                    Self::program(&version.to_string())
                );
            }
        }
    }

    fn home(&self, text: &str) -> PathBuf {
        self.versions.folder().join(text)
    }
}

/// Cuts the power after each step of an update, once with each outcome of the trial.
fn power_cuts(before: &[&str], wanted: &str, verdict: &Verdict) {
    let mut steps = 0;
    loop {
        let store = Store::new();
        for text in before {
            store.update(text);
        }
        let cut = outage::after(steps, || {
            let done = store.ask(wanted).and_then(|()| {
                let chosen = store.choose();
                store.can_run(&chosen);
                if chosen.role == Role::OnTrial {
                    store.versions.end_trial(verdict, now()).ok()?;
                }
                Some(store.choose())
            });
            if let Some(chosen) = done {
                store.can_run(&chosen);
            }
        });
        let chosen = store.choose();
        store.can_run(&chosen);
        if chosen.role == Role::OnTrial {
            store.versions.end_trial(verdict, now()).unwrap();
        }
        if store
            .versions
            .plan()
            .unwrap()
            .rejection(&version(wanted))
            .is_none()
            && store.choose().version != Some(version(wanted))
        {
            store.ask(wanted).unwrap();
            assert_eq!(store.choose().role, Role::OnTrial);
            store.versions.end_trial(verdict, now()).unwrap();
        }
        let expected = match verdict {
            Verdict::Healthy => Some(wanted),
            Verdict::Bad { .. } | Verdict::Undecided { .. } => before.last().copied(),
        };
        let end = store.choose();
        store.can_run(&end);
        assert_eq!(
            (end.version, end.role),
            (expected.map(version), Role::Proven),
            "after {steps} steps"
        );
        if !cut {
            assert!(steps > 8, "only {steps} steps were tried");
            return;
        }
        steps += 1;
    }
}

#[test]
fn the_power_may_go_at_any_step_of_an_update_that_goes_well() {
    power_cuts(&[], "0.2.0", &Verdict::Healthy);
    power_cuts(&["0.2.0"], "0.3.0", &Verdict::Healthy);
    power_cuts(&["0.2.0", "0.3.0"], "0.4.0", &Verdict::Healthy);
}

#[test]
fn the_power_may_go_at_any_step_of_an_update_that_goes_wrong() {
    let bad = Verdict::Bad {
        reason: "it ended".to_owned(),
    };
    power_cuts(&[], "0.2.0", &bad);
    power_cuts(&["0.2.0", "0.3.0"], "0.4.0", &bad);
}

#[test]
fn a_version_that_takes_the_power_with_it_is_left_after_the_third_time() {
    let store = Store::new();
    store.update("0.2.0");
    store.ask("0.3.0").unwrap();
    for _ in 0..3 {
        assert_eq!(store.choose().role, Role::OnTrial);
    }
    let chosen = store.choose();
    assert_eq!(
        (chosen.version, chosen.role),
        (Some(version("0.2.0")), Role::Proven)
    );
    assert!(chosen.said[0].contains("0.3.0"), "{:?}", chosen.said);
    assert!(!store.home("0.3.0").exists(), "nobody needs it any more");
}

#[test]
fn a_trial_that_cannot_be_noted_does_not_begin() {
    let store = Store::new();
    store.update("0.2.0");
    store.ask("0.3.0").unwrap();
    outage::after(0, || {
        let chosen = store.choose();
        assert_eq!(
            (chosen.version, chosen.role),
            (Some(version("0.2.0")), Role::Proven)
        );
    });
    assert_eq!(
        store.choose().role,
        Role::OnTrial,
        "it begins once it can be noted"
    );
}

#[test]
fn a_version_that_another_program_holds_is_tried_later_and_not_rejected() {
    let store = Store::new();
    store.update("0.2.0");
    store.ask("0.3.0").unwrap();
    // A file that cannot be read, whoever asks.
    let manifest = store.home("0.3.0").join(MANIFEST_FILE);
    let kept = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    fs::create_dir(&manifest).unwrap();
    let chosen = store.choose();
    assert_eq!(
        (chosen.version, chosen.role),
        (Some(version("0.2.0")), Role::Proven)
    );
    assert!(chosen.said[0].contains("0.3.0"), "{:?}", chosen.said);
    let plan = store.versions.plan().unwrap();
    assert_eq!(plan.rejected, []);
    assert_eq!(plan.trial.unwrap().undecided, 1);
    fs::remove_dir(&manifest).unwrap();
    fs::write(&manifest, kept).unwrap();
    store.update("0.3.0");
}

#[test]
fn a_version_that_waits_for_its_moment_is_still_there_after_a_restart() {
    let store = Store::new();
    store.update("0.2.0");
    for text in ["0.3.0", "0.4.0"] {
        store.fetched(text);
        let wanted = version(text);
        store.versions.settle(&wanted, &store.offer(text)).unwrap();
    }
    store.choose();
    assert!(store.versions.check(&version("0.4.0")).is_ok());
    assert!(
        !store.home("0.3.0").exists(),
        "only the newest can be wanted"
    );
}

#[test]
fn damaged_programs_are_never_started() {
    let store = Store::new();
    store.update("0.2.0");
    store.update("0.3.0");
    fs::write(store.home("0.3.0").join(PROGRAM), "the program of 0.3.X").unwrap();
    let chosen = store.choose();
    assert_eq!(chosen.version, Some(version("0.2.0")));
    assert!(chosen.said[0].contains("SHA-256"), "{:?}", chosen.said);
    fs::write(store.home("0.2.0").join(PROGRAM), "short").unwrap();
    assert_eq!(store.choose().program, store.installed);
}

#[test]
fn what_somebody_else_signed_is_never_started() {
    let store = Store::new();
    store.update("0.2.0");
    let stranger = ReleaseMaker::new().unwrap();
    let home = store.home("0.2.0");
    let program = b"the program of a stranger";
    let text = manifest("0.2.0", &this_computer(), program);
    fs::write(home.join(PROGRAM), program).unwrap();
    fs::write(home.join(SIGNATURE_FILE), stranger.sign(&text).unwrap()).unwrap();
    fs::write(home.join(MANIFEST_FILE), text).unwrap();
    assert_eq!(store.choose().program, store.installed);
}

#[test]
fn an_old_release_under_a_new_name_is_never_started() {
    let store = Store::new();
    store.ask("0.2.0").unwrap();
    fs::rename(store.home("0.2.0"), store.home("0.9.0")).unwrap();
    let mut plan = Plan::default();
    plan.want(&version("0.9.0"));
    store.versions.keep_plan(&plan).unwrap();
    let chosen = store.choose();
    assert_eq!(chosen.program, store.installed);
    assert!(
        chosen.said[0].contains("holds the release 0.2.0"),
        "{:?}",
        chosen.said
    );
}

#[test]
fn a_plan_that_cannot_be_understood_is_none() {
    let store = Store::new();
    store.update("0.2.0");
    fs::write(store.versions.folder().join("plan.json"), "\0\0\0\0").unwrap();
    let chosen = store.choose();
    assert_eq!(chosen.program, store.installed);
    assert!(chosen.said[0].contains("damaged"));
    store.update("0.2.0");
    assert_eq!(store.choose().version, Some(version("0.2.0")));
}

#[test]
fn a_build_without_a_key_starts_what_was_installed() {
    let store = Store::new();
    store.update("0.2.0");
    let keyless = Versions::new(store.versions.folder().to_owned(), None);
    assert_eq!(
        keyless.choose(&store.installed, now()).program,
        store.installed
    );
    assert_eq!(
        store.choose().version,
        Some(version("0.2.0")),
        "it has not thrown anything away"
    );
}

#[test]
fn the_version_before_is_kept_and_older_ones_are_not() {
    let store = Store::new();
    for text in ["0.2.0", "0.3.0", "0.4.0"] {
        store.update(text);
    }
    fs::create_dir_all(store.versions.part(&version("0.5.0"))).unwrap();
    store.choose();
    let kept = ["0.2.0", "0.3.0", "0.4.0", "0.5.0.part"].map(|name| store.home(name).exists());
    assert_eq!(kept, [false, true, true, true]);
    store.versions.forget_other_parts(&version("0.6.0"));
    assert!(!store.home("0.5.0.part").exists());
}

#[test]
fn a_young_version_that_keeps_failing_leaves_for_the_one_before_and_an_old_one_stays() {
    let store = Store::new();
    store.update("0.2.0");
    let later = now() + chrono::Duration::days(3);
    assert!(
        !store
            .versions
            .step_back(&version("0.2.0"), "it failed", later)
            .unwrap()
    );
    assert_eq!(store.choose().version, Some(version("0.2.0")));
    assert!(
        store
            .versions
            .step_back(&version("0.2.0"), "it failed", now())
            .unwrap()
    );
    assert_eq!(store.choose().program, store.installed);
}
