//! `secret`: keeps passwords sealed, so that none stands in the configuration or on a command line.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use fluxion_model::command::Action;

use super::doctor::of_this_computer;
use super::lang::say;
use super::{Lang, Place};
use crate::config::{Password, plain_secrets, with_references};
use crate::folder::{DataFolder, replace_text};
use crate::secrets::{Secrets, references};

/// Keeps passwords sealed in the data folder; the configuration names them: password = { secret = "NAME" }.
#[derive(Args)]
pub(super) struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
    /// Language; when absent, that of this computer.
    #[arg(long, value_enum, global = true)]
    lang: Option<Lang>,
}

#[derive(Subcommand)]
enum SecretCommand {
    /// Keeps a secret. It is asked for twice and not shown; where nobody can be asked, it is read from standard input.
    Set {
        /// Its name: letters, digits, dots, dashes and underscores.
        name: String,
        /// Reads it from this file instead, without its last line break. The file is not deleted.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Lists the names of the secrets, and which POS systems and settings use them. Secrets themselves are never shown.
    List,
    /// Forgets a secret.
    Remove {
        /// Its name.
        name: String,
    },
    /// Moves the passwords that stand in the configuration into the store, and leaves their names in their place. Comments
    /// and layout of the file stay.
    MoveFromConfig,
}

pub(super) fn secret(place: &Place, args: &SecretArgs) -> anyhow::Result<ExitCode> {
    let lang = args.lang.unwrap_or_else(of_this_computer);
    let folder = DataFolder::open(&place.folder_path())?;
    let mut secrets = Secrets::load(folder.path())?;
    match &args.command {
        SecretCommand::Set { name, file } => {
            let asked = say(lang, "Secreto", "Secret");
            let secret = given(file.as_deref(), &format!("{asked} {name}: "), lang)?;
            secrets.set(name, &secret)?;
            match lang {
                Lang::Es => println!(
                    "Guardado y sellado. En la configuración: password = {{ secret = \"{name}\" }}"
                ),
                Lang::En => println!(
                    "Kept and sealed. In the configuration: password = {{ secret = \"{name}\" }}"
                ),
            }
            tell_the_agent(&folder, lang)?;
        }
        SecretCommand::List => list(place, &secrets, lang),
        SecretCommand::Remove { name } => {
            if !secrets.remove(name)? {
                bail!("there is no secret {name:?}\nhint: `fluxion-agent secret list` names them");
            }
            println!("{}", say(lang, "Olvidado.", "Forgotten."));
            for user in users(place).remove(name).unwrap_or_default() {
                let still = say(lang, "Todavía lo usa", "Still used by");
                println!("{still}: {user}");
            }
        }
        SecretCommand::MoveFromConfig => move_from_config(place, &folder, &mut secrets, lang)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A secret from a file, from a person, or from a pipe; never from the command line, where every process sees it.
fn given(file: Option<&Path>, prompt: &str, lang: Lang) -> anyhow::Result<String> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?,
        None if std::io::stdin().is_terminal() => {
            let terminal = console::Term::stderr();
            let again = say(lang, "Otra vez: ", "Again: ");
            terminal.write_str(prompt)?;
            let first = terminal.read_secure_line()?;
            terminal.write_str(again)?;
            if terminal.read_secure_line()? != first {
                bail!(
                    "{}",
                    say(
                        lang,
                        "no coinciden; nada se guardó",
                        "they differ; nothing was kept"
                    )
                );
            }
            first
        }
        None => {
            let mut text = String::new();
            std::io::stdin()
                .take(1024 * 1024)
                .read_to_string(&mut text)
                .context("standard input cannot be read as text")?;
            text
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A running agent takes a new password over at once.
fn tell_the_agent(folder: &DataFolder, lang: Lang) -> anyhow::Result<()> {
    if folder.try_lock()?.is_none() {
        folder.leave_request(Action::ReloadMapping)?;
        let told = say(
            lang,
            "El agente en marcha lo toma ahora.",
            "The running agent takes it over now.",
        );
        println!("{told}");
    }
    Ok(())
}

/// Which POS systems and settings use a secret, by its name. Empty where the configuration cannot be read.
fn users(place: &Place) -> BTreeMap<String, Vec<String>> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Ok(loaded) = place.load() else {
        return users;
    };
    if let Some(Password::Kept(name)) = loaded.config.network.proxy_password {
        let setting = "network.proxy_password".to_owned();
        users.entry(name.secret).or_default().push(setting);
    }
    for pos in loaded.config.pos {
        for name in references(&pos.connection_json()) {
            users.entry(name).or_default().push(pos.name.clone());
        }
    }
    users
}

fn list(place: &Place, secrets: &Secrets, lang: Lang) {
    let mut users = users(place);
    if let Err(error) = place.load() {
        eprintln!("{error:#}");
    }
    for name in secrets.names() {
        let used = users.remove(name).unwrap_or_default();
        let used = if used.is_empty() {
            say(lang, "nadie lo usa", "nobody uses it").to_owned()
        } else {
            used.join(", ")
        };
        println!("{name}: {used}");
    }
    for (name, used) in users {
        let missing = say(lang, "FALTA; lo usa", "MISSING; used by");
        println!("{name}: {missing} {}", used.join(", "));
    }
}

fn move_from_config(
    place: &Place,
    folder: &DataFolder,
    secrets: &mut Secrets,
    lang: Lang,
) -> anyhow::Result<()> {
    // What cannot be used is not touched.
    let loaded = place.load()?;
    let path = loaded.path;
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let body = text.trim_start_matches('\u{feff}');
    let found = plain_secrets(body)?;
    if found.is_empty() {
        let none = say(
            lang,
            "La configuración no contiene contraseñas.",
            "The configuration holds no passwords.",
        );
        println!("{none}");
        return Ok(());
    }
    let mut named = Vec::new();
    for plain in found {
        let name = secrets.name_for(&plain.owner, &plain.key, &plain.value);
        secrets.set(&name, &plain.value)?;
        println!("{}.{} -> {name}", plain.owner, plain.key);
        named.push((plain, name));
    }
    let changed = with_references(body, &named);
    if !plain_secrets(&changed)?.is_empty() {
        bail!(
            "the configuration could not be changed; the secrets are kept, write their names by hand"
        );
    }
    replace_text(&path, &changed).with_context(|| format!("cannot write {}", path.display()))?;
    let copies = say(
        lang,
        "Copias anteriores del archivo todavía contienen las contraseñas: bórrelas.",
        "Older copies of the file still hold the passwords: delete them.",
    );
    println!("{copies}");
    tell_the_agent(folder, lang)
}
