//! `fluxion-ingest release`: makes, publishes, lists, stops and resumes releases of the agent.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Duration, Utc};
use clap::Subcommand;
use fluxion_ingest::config::Config;
use fluxion_ingest::database::Database;
use fluxion_ingest::database::releases::{Release, ReleaseState, Waves};
use fluxion_model::Version;
use fluxion_model::release::{MANIFEST_FILE, Manifest, ReleaseFile, ReleaseKey, SIGNATURE_FILE};
use sha2::{Digest as _, Sha256};

#[derive(Subcommand)]
pub enum ReleaseCommand {
    /// Write release.json over the programs in a folder. Sign it then: minisign -S -s minisign.key -m FOLDER/release.json
    Manifest {
        /// The folder with the programs.
        folder: PathBuf,
        /// The version that they report, as in 0.2.0.
        #[arg(long)]
        version: Version,
        /// A program, as TARGET=FILE: x86_64-windows=fluxion-agent.exe, x86_64-linux=fluxion-agent. Once for each.
        #[arg(long = "program", value_name = "TARGET=FILE", required = true)]
        programs: Vec<String>,
        /// What is new, for people.
        #[arg(long, default_value = "")]
        notes: String,
    },
    /// Offer a signed release to the agents, wave by wave.
    Publish {
        /// The folder with the programs, release.json and release.json.minisig.
        folder: PathBuf,
        /// The public key that agents were built with: the second line of minisign.pub.
        #[arg(long, env = "FLUXION_RELEASE_KEY")]
        key: String,
        /// Shares of the agents in percent, one after another.
        #[arg(
            long,
            value_name = "PERCENT,…",
            value_delimiter = ',',
            default_value = "1,10,50,100"
        )]
        waves: Vec<u8>,
        /// How long each wave lasts until the next begins: 30m, 24h, 7d.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
        every: Duration,
    },
    /// Show what was published, how it is getting on, by whom and why a release was halted, and what agents said when they
    /// went back from it.
    List,
    /// Stop offering a release. Agents that run it keep it.
    Halt {
        /// Its version.
        version: Version,
        /// Why; `list` shows it.
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
    },
    /// Offer a release again, from its first wave on.
    Resume {
        /// Its version.
        version: Version,
    },
}

/// Writes a manifest; needs no database.
pub fn manifest(
    folder: &Path,
    version: &Version,
    programs: &[String],
    notes: &str,
) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for program in programs {
        let (target, name) = program.split_once('=').with_context(|| {
            format!(
                "--program {program:?} is not TARGET=FILE, as in x86_64-windows=fluxion-agent.exe"
            )
        })?;
        let (size, sha256) = measure(&folder.join(name))?;
        files.push(ReleaseFile {
            target: target.to_owned(),
            name: name.to_owned(),
            size,
            sha256,
        });
    }
    let manifest = Manifest {
        version: version.clone(),
        published_at: Utc::now(),
        notes: notes.to_owned(),
        files,
    };
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    // What cannot be read again must not be signed.
    Manifest::read(&text)?;
    let path = folder.join(MANIFEST_FILE);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}; sign it: {}", path.display(), signing(&path));
    Ok(())
}

pub async fn publish(
    database: &dyn Database,
    config: &Config,
    folder: &Path,
    key: &str,
    waves: &Waves,
) -> anyhow::Result<()> {
    let rising = waves.shares.windows(2).all(|pair| pair[0] < pair[1]);
    ensure!(
        rising
            && waves.shares.last().is_some_and(|last| *last <= 100)
            && waves.every > Duration::zero(),
        "--waves are rising percentages up to 100, and --every is longer than nothing, as in --waves 1,10,50,100 --every 24h"
    );
    let (text, signature) = signed_manifest(folder)?;
    let manifest = ReleaseKey::from_base64(key)?.open(&text, &signature)?;
    let version = manifest.version.to_string();
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let (size, sha256) = measure(&path)?;
        ensure!(
            (size, sha256.as_str()) == (file.size, file.sha256.as_str()),
            "{} is not the file that the manifest tells of; make the manifest again, and sign it",
            path.display()
        );
    }
    if database
        .releases()
        .await?
        .iter()
        .any(|known| known.version == version)
    {
        bail!(
            "{version} was published before; a release never changes, so give a new one a new version"
        );
    }
    let home = config.releases_dir().join(&version);
    copy(folder, &home, &manifest)
        .with_context(|| format!("cannot copy the release to {}", home.display()))?;
    let now = Utc::now();
    let release = Release {
        version: version.clone(),
        manifest: text,
        signature,
        state: ReleaseState::Offered,
        halted_because: None,
        waves: waves.clone(),
        published_at: now,
        counted_from: now,
    };
    database.add_release(&release).await?;
    println!(
        "{version} is offered, to {} % of the agents first",
        waves.shares.first().unwrap_or(&0)
    );
    Ok(())
}

/// The manifest and its signature. Where one of them is not there yet, the error says with which command it is made.
fn signed_manifest(folder: &Path) -> anyhow::Result<(String, String)> {
    let path = folder.join(MANIFEST_FILE);
    ensure!(
        path.exists(),
        "there is no {} yet; write it with\n\n    fluxion-ingest release manifest {} --version VERSION --program \
         x86_64-windows=fluxion-agent.exe --program x86_64-linux=fluxion-agent\n",
        path.display(),
        quoted(folder)
    );
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let signature = folder.join(SIGNATURE_FILE);
    ensure!(
        signature.exists(),
        "the release is not signed: there is no {}; sign it with your secret key\n\n    {}\n\nwithout a pair of keys yet, \
         make one once and build the agents with `cargo xtask dist --key minisign.pub`\n\n    minisign -G -p minisign.pub -s \
         minisign.key\n",
        signature.display(),
        signing(&path)
    );
    let signature = fs::read_to_string(&signature)
        .with_context(|| format!("cannot read {}", signature.display()))?;
    Ok((text, signature))
}

/// The command that signs a manifest.
fn signing(manifest: &Path) -> String {
    format!("minisign -S -s minisign.key -m {}", quoted(manifest))
}

/// A path as it is typed.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(char::is_whitespace) {
        format!("\"{text}\"")
    } else {
        text
    }
}

/// Under a name of its own first, and flushed, so that no agent is handed half a program.
fn copy(from: &Path, to: &Path, manifest: &Manifest) -> std::io::Result<()> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    fs::create_dir_all(&part)?;
    for file in &manifest.files {
        let copied = part.join(&file.name);
        fs::copy(from.join(&file.name), &copied)?;
        File::options().write(true).open(&copied)?.sync_all()?;
    }
    if to.exists() {
        // Left by a publishing that broke off before the database knew of it.
        fs::remove_dir_all(to)?;
    }
    fs::rename(part, to)
}

pub async fn list(database: &dyn Database) -> anyhow::Result<()> {
    let mut releases = database.releases().await?;
    releases.sort_by_cached_key(|release| std::cmp::Reverse(Version::parse(&release.version).ok()));
    if releases.is_empty() {
        println!("nothing was published yet; `fluxion-ingest release publish FOLDER` does that");
    }
    let now = Utc::now();
    for release in releases {
        let since_ever = DateTime::UNIX_EPOCH;
        let counts = database.update_counts(&release.version, since_ever).await?;
        let state = match (release.state, &release.halted_because) {
            (ReleaseState::Offered, _) => {
                format!(
                    "offered to {} %",
                    release.waves.share_after(now - release.counted_from)
                )
            }
            (ReleaseState::Halted, Some(because)) => format!("halted: {because}"),
            (ReleaseState::Halted, None) => "halted".to_owned(),
        };
        println!(
            "{}  published {}  {state}; {} tried it, {} run it, {} went back",
            release.version,
            release.published_at.format("%Y-%m-%d %H:%M UTC"),
            counts.tried,
            counts.installed,
            counts.rolled_back
        );
        for (reason, agents) in database.reasons_to_go_back(&release.version).await? {
            let reason = if reason.is_empty() {
                "without a reason"
            } else {
                &reason
            };
            println!("    {agents} went back: {reason}");
        }
    }
    Ok(())
}

pub async fn halt(
    database: &dyn Database,
    version: &Version,
    because: Option<&str>,
) -> anyhow::Result<()> {
    let version = version.to_string();
    let known = database
        .releases()
        .await?
        .iter()
        .any(|release| release.version == version);
    ensure!(
        known,
        "{version} was never published; `fluxion-ingest release list` shows what was"
    );
    let user = ["USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .map_or_else(String::new, |user| format!(" ({user})"));
    let because = because.map_or_else(String::new, |because| format!(": {because}"));
    let halted = database
        .halt_release(&version, &format!("by hand{user}{because}"))
        .await?;
    if halted {
        println!("{version} is not offered any more; agents that run it keep it");
    } else {
        println!("{version} was halted before; `fluxion-ingest release list` says why");
    }
    Ok(())
}

pub async fn resume(database: &dyn Database, version: &Version) -> anyhow::Result<()> {
    database.resume_release(&version.to_string()).await.with_context(|| {
        format!("{version} cannot be resumed; `fluxion-ingest release list` shows what was published")
    })?;
    println!("{version} is offered again, to the agents of its first wave");
    Ok(())
}

/// Length and SHA-256.
fn measure(path: &Path) -> anyhow::Result<(u64, String)> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let (mut size, mut hash, mut buffer) = (0, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer).with_context(cannot)? {
            0 => break,
            read => {
                size += read as u64;
                hash.update(&buffer[..read]);
            }
        }
    }
    let hex = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((size, hex))
}

/// `30m`, `24h`, `7d`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30m, 24h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    if !(0..=100_000).contains(&number) {
        return Err(wrong());
    }
    match unit {
        's' => Ok(Duration::seconds(number)),
        'm' => Ok(Duration::minutes(number)),
        'h' => Ok(Duration::hours(number)),
        'd' => Ok(Duration::days(number)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_a_release_is_said_with_the_command_that_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("release 0.2.0");
        fs::create_dir(&home).unwrap();
        let said = signed_manifest(&home).unwrap_err().to_string();
        assert!(
            said.contains("fluxion-ingest release manifest \"/"),
            "{said}"
        );
        fs::write(home.join(MANIFEST_FILE), "{}").unwrap();
        let said = signed_manifest(&home).unwrap_err().to_string();
        let path = home.join(MANIFEST_FILE);
        let line = format!(
            "\n    minisign -S -s minisign.key -m \"{}\"\n",
            path.display()
        );
        assert!(
            said.contains(&line) && said.contains("minisign -G"),
            "{said}"
        );
        fs::write(home.join(SIGNATURE_FILE), "signed").unwrap();
        let signed = ("{}".to_owned(), "signed".to_owned());
        assert_eq!(signed_manifest(&home).unwrap(), signed);
    }

    #[test]
    fn times_read_as_people_write_them() {
        assert_eq!(time("24h"), Ok(Duration::hours(24)));
        assert_eq!(time("7d"), Ok(Duration::days(7)));
        for wrong in ["", "h", "24", "-1h", "1y", "1.5h", "día"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
