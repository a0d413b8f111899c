//! `outbox`: shows, installs and removes the triggers that note in the POS database which rows changed.
//!
//! Nothing is installed that was not shown, and nothing without consent. The login that installs may be another than
//! the one that reads, and is used once: its password is asked for or read from a file, and kept nowhere.

use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use fluxion_connectors::{Connector, OutboxPart, OutboxScript, SourceError, registry};
use fluxion_model::stream::{Capture, StreamSpec};
use serde_json::Value as Json;

use super::lang::say;
use super::password::{ask_password, password_in};
use super::{Lang, Login, OutboxCommand, Place, Which, doctor::of_this_computer};
use crate::capture::{PosSystem, connection_of};
use crate::config::Loaded;

/// What one POS system's outbox takes.
struct Plan {
    pos: PosSystem,
    streams: Vec<StreamSpec>,
    script: OutboxScript,
}

pub(super) async fn outbox(place: &Place, command: &OutboxCommand) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    match command {
        OutboxCommand::Print {
            which,
            remove,
            lang,
        } => {
            let part = if *remove {
                OutboxPart::Remove
            } else {
                OutboxPart::Install
            };
            for plan in plans(&loaded, which, part).await? {
                show(&plan, part, language(*lang));
            }
            Ok(ExitCode::SUCCESS)
        }
        OutboxCommand::Install {
            which,
            login,
            yes,
            lang,
        } => {
            let part = OutboxPart::Install;
            carry_out(&loaded, which, login, *yes, part, language(*lang)).await
        }
        OutboxCommand::Remove {
            which,
            login,
            yes,
            lang,
        } => {
            let part = OutboxPart::Remove;
            carry_out(&loaded, which, login, *yes, part, language(*lang)).await
        }
    }
}

fn language(lang: Option<Lang>) -> Lang {
    lang.unwrap_or_else(of_this_computer)
}

/// What there is to do at each POS system that is meant.
async fn plans(loaded: &Loaded, which: &Which, part: OutboxPart) -> anyhow::Result<Vec<Plan>> {
    let configs = loaded.config.pos.iter();
    let meant: Vec<_> = configs
        .filter(|config| which.pos.as_ref().is_none_or(|name| *name == config.name))
        .collect();
    if meant.is_empty() {
        let known: Vec<_> = loaded
            .config
            .pos
            .iter()
            .map(|config| config.name.as_str())
            .collect();
        bail!(
            "the configuration has no such POS system; it has: {}",
            known.join(", ")
        );
    }
    let mut plans = Vec::new();
    for config in meant {
        let pos = PosSystem::prepare(loaded, config)?;
        let streams = streams(&pos, which, part);
        if streams.is_empty() {
            continue;
        }
        let script = pos.connector.outbox(&streams, part).await;
        let script = script.map_err(|error| told(&error))?;
        plans.push(Plan {
            pos,
            streams,
            script,
        });
    }
    if plans.is_empty() {
        bail!(
            "no stream is to be followed by an outbox\nhint: write under the POS system, in the configuration: [pos.capture] \
             and below it STREAM = \"outbox\", for streams whose mapping names the tables that concern them (`changes`)"
        );
    }
    Ok(plans)
}

/// To install: the streams that may use an outbox. To remove: whatever might have used one.
fn streams(pos: &PosSystem, which: &Which, part: OutboxPart) -> Vec<StreamSpec> {
    let wanted = |spec: &&StreamSpec| match (&which.stream, part) {
        (Some(stream), _) => *stream == spec.name,
        (None, OutboxPart::Install) => pos.ways(spec).contains(&Capture::Outbox),
        (None, OutboxPart::Remove) => !spec.changes.is_empty(),
    };
    let specs = pos.streams().map(fluxion_mappings::StreamRules::spec);
    specs.filter(wanted).cloned().collect()
}

fn show(plan: &Plan, part: OutboxPart, lang: Lang) {
    let names: Vec<_> = plan
        .streams
        .iter()
        .map(|spec| spec.name.to_string())
        .collect();
    let (name, streams) = (&plan.pos.config.name, names.join(", "));
    let about = match part {
        OutboxPart::Install => say(lang, INSTALL_ES, INSTALL_EN),
        OutboxPart::Remove => say(lang, REMOVE_ES, REMOVE_EN),
    };
    println!("-- {name}: {streams}");
    for line in about.lines() {
        println!("-- {line}");
    }
    println!();
    if plan.script.for_client.is_empty() {
        for statement in &plan.script.statements {
            println!("{};\n", statement.trim_end());
        }
    } else {
        println!("{}", plan.script.for_client);
    }
}

const INSTALL_EN: &str = "\
These statements make a small table, fluxion_outbox, and triggers that write to it which rows were inserted, changed or
deleted: table, key, operation, moment. The agent reads it each second and then reads those rows by its own query.
A trigger runs inside the cashier's transaction, so ours do one plain insert, swallow their own errors and wait for
nobody. They start no program and use no network: a trigger that does, by xp_cmdshell, curl or a library, gives whoever
can write to the POS a shell on its server, and makes a sale wait for a line. Never install such a one.
Nothing is installed until you say so: fluxion-agent outbox install. To take it away: fluxion-agent outbox remove.";

const INSTALL_ES: &str = "\
Estas sentencias crean una tabla pequeña, fluxion_outbox, y disparadores que anotan en ella qué filas se insertaron,
cambiaron o borraron: tabla, clave, operación, momento. El agente la lee cada segundo y luego lee esas filas con su
propia consulta. Un disparador corre dentro de la transacción del cajero; por eso los nuestros hacen una sola inserción,
se tragan sus propios errores y no esperan a nadie. No inician programas ni usan la red: un disparador que lo hace, con
xp_cmdshell, curl o una biblioteca, le da a quien escriba en el POS una consola en su servidor, y hace que una venta
espere por una línea. Nunca instale uno así.
Nada se instala hasta que usted lo diga: fluxion-agent outbox install. Para quitarlo: fluxion-agent outbox remove.";

const REMOVE_EN: &str = "\
These statements take the triggers and the table of the outbox away again. Streams that used it go on by the next way
that their mapping names, after everything was read once more.";

const REMOVE_ES: &str = "\
Estas sentencias quitan los disparadores y la tabla de la bandeja de salida. Los flujos que la usaban siguen con la
siguiente forma que nombra su mapeo, después de leer todo una vez más.";

async fn carry_out(
    loaded: &Loaded,
    which: &Which,
    login: &Login,
    yes: bool,
    part: OutboxPart,
    lang: Lang,
) -> anyhow::Result<ExitCode> {
    let plans = plans(loaded, which, part).await?;
    if login.user.is_some() && plans.len() > 1 {
        bail!("one login is for one POS system\nhint: name it with --pos");
    }
    for plan in plans {
        show(&plan, part, lang);
        if !yes && !consent(part, lang)? {
            println!(
                "{}",
                say(lang, "No se cambió nada.", "Nothing was changed.")
            );
            return Ok(ExitCode::FAILURE);
        }
        let other = match &login.user {
            Some(user) => Some(connector_as(loaded, &plan.pos, user, login, lang)?),
            None => None,
        };
        let connector = other.as_deref().unwrap_or(plan.pos.connector.as_ref());
        let done = connector.run_outbox(&plan.script).await;
        done.map_err(|error| told(&error))?;
        println!("{}", done_text(part, lang));
    }
    Ok(ExitCode::SUCCESS)
}

fn done_text(part: OutboxPart, lang: Lang) -> &'static str {
    match part {
        OutboxPart::Install => say(
            lang,
            "Instalada. El agente la usa desde su próxima lectura completa, de noche o con `fluxion-agent sync --full`.",
            "Installed. The agent uses it from its next full read on, at night or by `fluxion-agent sync --full`.",
        ),
        OutboxPart::Remove => say(lang, "Quitada.", "Removed."),
    }
}

/// Asks a person. Where there is none, `--yes` must have said it.
fn consent(part: OutboxPart, lang: Lang) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "there is nobody here to ask\nhint: review `fluxion-agent outbox print`, then add --yes to consent"
        );
    }
    let question = match part {
        OutboxPart::Install => say(
            lang,
            "¿Tiene el permiso del dueño de la base de datos, y se instala esto? Escriba sí o no: ",
            "Does the owner of the database agree, and shall this be installed? Type yes or no: ",
        ),
        OutboxPart::Remove => say(
            lang,
            "¿Se quita? Escriba sí o no: ",
            "Shall it be removed? Type yes or no: ",
        ),
    };
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "yes" | "y" | "sí" | "si" | "s"))
}

/// The same POS system, by another login.
fn connector_as(
    loaded: &Loaded,
    pos: &PosSystem,
    user: &str,
    login: &Login,
    lang: Lang,
) -> anyhow::Result<Box<dyn Connector>> {
    let password = match &login.password_file {
        Some(path) => password_in(path)?,
        None => ask_password(user, lang)?,
    };
    let mut connection = connection_of(loaded, &pos.config)?;
    let Some(settings) = connection.as_object_mut() else {
        bail!("the connection settings are no table");
    };
    for key in ["password", "password_file", "password_env"] {
        settings.remove(key);
    }
    settings.insert("user".to_owned(), Json::from(user));
    settings.insert("password".to_owned(), Json::from(password));
    Ok(registry::build(pos.config.connector, &connection)?)
}

pub(super) fn told(error: &SourceError) -> anyhow::Error {
    let hint = error
        .hint()
        .map(|hint| format!("\nhint: {hint}"))
        .unwrap_or_default();
    anyhow::anyhow!("{}{hint}", crate::chain(error))
}
