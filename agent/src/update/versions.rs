//! The folder `versions` of the data folder, and which of the programs in it runs.
//!
//! `0.2.0/` holds a whole version: the program, the manifest and its signature. `0.3.0.part/` holds one that is being
//! fetched. Nothing in here is started before its signature and its hash were verified, each time anew: a disk that lies
//! and a person who swaps files are found out at the next start, and the version before runs instead.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use fluxion_model::Version;
use fluxion_model::release::{MANIFEST_FILE, ReleaseFile, ReleaseKey, SIGNATURE_FILE, UpdateOffer};
use sha2::{Digest, Sha256};

use super::plan::{Active, Plan, Verdict};
use super::trial::undecided;
use super::{disk, this_build};

/// What the program is called within a version's folder.
pub const PROGRAM: &str = if cfg!(windows) {
    "fluxion-agent.exe"
} else {
    "fluxion-agent"
};
const PART: &str = "part";

/// The folder, and whose releases are believed.
pub struct Versions {
    folder: PathBuf,
    key: Option<ReleaseKey>,
}

/// What is started next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The program.
    pub program: PathBuf,
    /// Its version; none for the installed one.
    pub version: Option<Version>,
    /// Whether it has to show yet that it works.
    pub role: Role,
    /// What whoever looks after this computer should know about the choice.
    pub said: Vec<String>,
}

/// What is expected of the program that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It worked before.
    Proven,
    /// It has to show that it works.
    OnTrial,
}

/// Why a version in the folder is not started.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is not what was signed.
    #[error("{0}")]
    Wrong(String),
    /// It cannot be looked at now.
    #[error("{path} cannot be read")]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Versions {
    /// The versions in this folder.
    #[must_use]
    pub fn new(folder: PathBuf, key: Option<ReleaseKey>) -> Self {
        Self { folder, key }
    }

    /// Where they are in a data folder.
    #[must_use]
    pub fn in_data(data: &Path) -> PathBuf {
        data.join("versions")
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whose releases are believed, if anybody's.
    #[must_use]
    pub fn key(&self) -> Option<&ReleaseKey> {
        self.key.as_ref()
    }

    fn plan_file(&self) -> PathBuf {
        self.folder.join("plan.json")
    }

    fn home(&self, version: &Version) -> PathBuf {
        self.folder.join(version.to_string())
    }

    /// Where a version is put together.
    #[must_use]
    pub fn part(&self, version: &Version) -> PathBuf {
        self.folder.join(format!("{version}.{PART}"))
    }

    /// What is to run. A plan that cannot be understood is none, so that the installed program runs.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn plan(&self) -> io::Result<Plan> {
        self.read_plan().map(Option::unwrap_or_default)
    }

    /// `None` when it is damaged.
    fn read_plan(&self) -> io::Result<Option<Plan>> {
        match std::fs::read(self.plan_file()) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Plan::default())),
            Err(error) => Err(error),
        }
    }

    /// Changes what is to run.
    ///
    /// # Errors
    /// When it cannot be written; then the old plan holds.
    pub fn keep_plan(&self, plan: &Plan) -> io::Result<()> {
        if !self.folder.is_dir() {
            disk::create_folder(&self.folder)?;
        }
        let text = serde_json::to_vec_pretty(plan).map_err(io::Error::other)?;
        disk::write_whole(&self.plan_file(), &text)
    }

    /// The program of a version, if it is exactly what was signed.
    ///
    /// # Errors
    /// When anything about it is wrong or cannot be read.
    pub fn check(&self, version: &Version) -> Result<PathBuf, Unfit> {
        let key = self
            .key
            .as_ref()
            .ok_or_else(|| Unfit::Wrong(NO_KEY.to_owned()))?;
        let home = self.home(version);
        let manifest = read_text(&home.join(MANIFEST_FILE))?;
        let signature = read_text(&home.join(SIGNATURE_FILE))?;
        let manifest = key
            .open(&manifest, &signature)
            .map_err(|error| Unfit::Wrong(error.to_string()))?;
        if manifest.version != *version {
            return Err(Unfit::Wrong(format!(
                "the folder of {version} holds the release {}",
                manifest.version
            )));
        }
        let target = this_build::target();
        let file = manifest
            .file_for(&target)
            .ok_or_else(|| Unfit::Wrong(format!("the release has no program for {target}")))?;
        let program = home.join(PROGRAM);
        check_file(&program, file)?;
        Ok(program)
    }

    /// Makes a version of what was fetched into its `part`: from then on it can be chosen.
    ///
    /// # Errors
    /// When it cannot be written, or is not what was signed.
    pub fn settle(&self, version: &Version, offer: &UpdateOffer) -> Result<(), Unfit> {
        let (part, home) = (self.part(version), self.home(version));
        let settled = disk::write_whole(&part.join(MANIFEST_FILE), offer.manifest.as_bytes())
            .and_then(|()| {
                disk::write_whole(&part.join(SIGNATURE_FILE), offer.signature.as_bytes())
            })
            .and_then(|()| disk::make_executable(&part.join(PROGRAM)))
            .and_then(|()| disk::remove_folder(&home))
            .and_then(|()| disk::rename(&part, &home));
        settled.map_err(|source| Unfit::Unreadable { path: part, source })?;
        self.check(version).map(drop)
    }

    /// Takes away what was begun of other versions.
    pub fn forget_other_parts(&self, version: &Version) {
        let kept = self.part(version);
        for path in self.entries() {
            if path != kept && is_part(&path) {
                gone(&path, disk::remove_folder(&path));
            }
        }
    }

    /// What the supervisor starts now. A trial is noted before this returns; when it cannot be noted, there is none.
    #[must_use]
    pub fn choose(&self, installed: &Path, now: DateTime<Utc>) -> Chosen {
        let mut chosen = Chosen {
            program: installed.to_owned(),
            version: None,
            role: Role::Proven,
            said: Vec::new(),
        };
        if self.key.is_none() {
            return chosen;
        }
        let before = match self.read_plan() {
            Ok(Some(plan)) => plan,
            Ok(None) => {
                let words = "The plan of updates is damaged; the installed version runs.";
                chosen.said.push(words.to_owned());
                Plan::default()
            }
            Err(error) => {
                let words = format!(
                    "The plan of updates cannot be read ({error}); the installed version runs."
                );
                chosen.said.push(words);
                return chosen;
            }
        };
        let mut plan = before.clone();
        plan.installed(this_build::version());
        if !self.choose_trial(&mut plan, now, &mut chosen) {
            self.choose_proven(&mut plan, now, &mut chosen);
            // What cannot be noted now is decided again at the next start.
            if plan != before
                && let Err(error) = self.keep_plan(&plan)
            {
                chosen.said.push(format!(
                    "The plan of updates cannot be written ({error}); check the disk."
                ));
            }
        }
        for rejected in plan
            .rejected
            .iter()
            .filter(|old| !before.rejected.contains(old))
        {
            let words = format!(
                "Version {} is not used: {}.",
                rejected.version, rejected.reason
            );
            chosen.said.push(words);
        }
        self.tidy(&plan);
        chosen
    }

    /// Whether there is a trial to begin. It is noted before this returns; one that cannot be noted does not begin.
    fn choose_trial(&self, plan: &mut Plan, now: DateTime<Utc>, chosen: &mut Chosen) -> bool {
        let without = plan.clone();
        let Some(version) = plan.begin_trial(now) else {
            return false;
        };
        let program = match self.check(&version) {
            Ok(program) => program,
            Err(Unfit::Wrong(reason)) => {
                plan.reject(&version, reason, now);
                return false;
            }
            // Another program may hold it for a moment. That says nothing against it.
            Err(unfit @ Unfit::Unreadable { .. }) => {
                let reason = crate::chain(&unfit);
                chosen
                    .said
                    .push(format!("Version {version} is not tried: {reason}."));
                plan.end_trial(&undecided(reason, now), now);
                return false;
            }
        };
        if let Err(error) = self.keep_plan(plan) {
            let words = format!(
                "The trial of version {version} cannot be noted ({error}), so it waits; check the disk."
            );
            chosen.said.push(words);
            *plan = without;
            return false;
        }
        chosen.program = program;
        chosen.version = Some(version);
        chosen.role = Role::OnTrial;
        true
    }

    fn choose_proven(&self, plan: &mut Plan, now: DateTime<Utc>, chosen: &mut Chosen) {
        while let Some(active) = plan.active.clone() {
            match self.check(&active.version) {
                Ok(program) => {
                    chosen.program = program;
                    chosen.version = Some(active.version);
                    return;
                }
                Err(unfit @ Unfit::Unreadable { .. }) => {
                    let words = crate::chain(&unfit);
                    chosen
                        .said
                        .push(format!("{words}; the installed version runs for now."));
                    return;
                }
                Err(Unfit::Wrong(reason)) => plan.reject(&active.version, reason, now),
            }
        }
    }

    /// The trial that runs is over.
    ///
    /// # Errors
    /// When that cannot be noted.
    pub fn end_trial(&self, verdict: &Verdict, now: DateTime<Utc>) -> io::Result<()> {
        let mut plan = self.plan()?;
        if plan.trial_runs() {
            plan.end_trial(verdict, now);
            self.keep_plan(&plan)?;
        }
        Ok(())
    }

    /// A version that had shown that it works keeps failing. Within a day of its trial that is taken for its fault, and
    /// the one before runs again; true when it was.
    ///
    /// # Errors
    /// When that cannot be noted.
    pub fn step_back(
        &self,
        version: &Version,
        reason: &str,
        now: DateTime<Utc>,
    ) -> io::Result<bool> {
        let mut plan = self.plan()?;
        let young = |active: &Active| active.version == *version && now - active.since < PROBATION;
        if !plan.active.as_ref().is_some_and(young) {
            return Ok(false);
        }
        plan.reject(version, reason.to_owned(), now);
        self.keep_plan(&plan)?;
        Ok(true)
    }

    /// Takes away versions that nobody needs any more, and signs of old trials. None of them runs now.
    fn tidy(&self, plan: &Plan) {
        let entries = self.entries();
        let whole = entries.iter().filter(|path| !is_part(path));
        let versions = whole.filter_map(|path| {
            let version = Version::parse(path.file_name()?.to_str()?).ok()?;
            Some((path, version))
        });
        // It may have been fetched and wait for its moment; to fetch it anew at each start would be hard on a bad line.
        let newest = versions
            .clone()
            .map(|(_, version)| version)
            .filter(|version| plan.rejection(version).is_none() && version > this_build::version())
            .max();
        let needed = plan.needed();
        for (path, version) in versions {
            if !needed.contains(&&version) && newest.as_ref() != Some(&version) {
                gone(path, disk::remove_folder(path));
            }
        }
        for path in &entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(HEALTHY) {
                gone(path, disk::remove_file(path));
            }
        }
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect()
    }

    /// Where a version on trial leaves its sign; never the same twice, so that an old one says nothing.
    #[must_use]
    pub fn healthy_file(&self) -> PathBuf {
        let nonce = fluxion_model::Uuid::now_v7();
        self.folder.join(format!("{HEALTHY}{nonce}.json"))
    }
}

const HEALTHY: &str = "healthy-";
/// Later than this after its trial, that an agent keeps failing is rather the fault of something else.
const PROBATION: chrono::Duration = chrono::Duration::hours(24);
/// Said wherever updates are asked about.
pub const NO_KEY: &str =
    "this agent was built without a release key and takes no updates; install new versions by hand";

/// Whether it holds a version that is not whole yet. Its name may look like a version, too.
fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == PART)
}

fn gone(path: &Path, result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, path = %path.display(), "what an update left behind cannot be removed");
    }
}

fn read_text(path: &Path) -> Result<String, Unfit> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, source: io::Error) -> Unfit {
    match source.kind() {
        io::ErrorKind::NotFound => Unfit::Wrong(format!("{} is missing", path.display())),
        io::ErrorKind::InvalidData => Unfit::Wrong(format!("{} is damaged", path.display())),
        _ => Unfit::Unreadable {
            path: path.to_owned(),
            source,
        },
    }
}

/// Compares length and hash.
///
/// # Errors
/// When they differ, or the file cannot be read.
pub fn check_file(path: &Path, expected: &ReleaseFile) -> Result<(), Unfit> {
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    let length = file
        .metadata()
        .map_err(|error| unreadable(path, error))?
        .len();
    if length != expected.size {
        return Err(Unfit::Wrong(format!(
            "{} has {length} bytes instead of {}",
            path.display(),
            expected.size
        )));
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file
            .read(&mut buffer)
            .map_err(|error| unreadable(path, error))?
        {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let found: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found == expected.sha256 {
        Ok(())
    } else {
        Err(Unfit::Wrong(format!(
            "{} is damaged: its SHA-256 is not the one that was signed",
            path.display()
        )))
    }
}

#[cfg(test)]
mod tests;
