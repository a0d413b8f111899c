//! The command line: what a technician types, and what the service manager starts.

mod ask;
mod carry;
mod check;
mod config_command;
mod discover;
mod doctor;
mod enroll;
mod lang;
mod look;
mod outbox;
mod password;
mod progress;
mod run;
mod secret;
mod service;
mod status;
mod support_bundle;
mod sync;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use fluxion_model::id::StreamName;

pub(crate) use lang::Lang;

use crate::config::{self, Loaded};
use crate::folder::DataFolder;
use crate::supervise;

/// Reads the POS of a store and keeps the cloud in sync with it.
#[derive(Parser)]
#[command(name = "fluxion-agent", version = crate::VERSION, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where configuration and data are.
#[derive(Args)]
pub(crate) struct Place {
    /// The configuration; when absent, fluxion-agent.toml here, in /etc/fluxion (Linux), or beside the data.
    #[arg(long, global = true, env = "FLUXION_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; when absent, what the configuration says.
    #[arg(long, global = true, env = "FLUXION_AGENT_DATA", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Works until it is stopped, here and now. A store uses the service instead: `install` and `start`.
    Run {
        /// Started by the service: stops when its standard input ends.
        #[arg(long, hide = true)]
        supervised: bool,
        /// Where the service keeps newer versions; without it none is taken.
        #[arg(long, hide = true, value_name = "FOLDER", requires = "supervised")]
        versions: Option<PathBuf>,
        /// Where a version on trial tells that it works.
        #[arg(long, hide = true, value_name = "FILE", requires = "versions")]
        healthy_file: Option<PathBuf>,
    },
    /// Makes the agent a service of this computer that starts with it; run as administrator. Doing it again mends it.
    Install {
        /// Address of the ingest service; written into a new configuration, and where the code is used.
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// A single-use code from the dashboard; makes this agent known to the cloud. While the line is down it is kept
        /// sealed, and the service tries it again by itself.
        #[arg(long)]
        code: Option<String>,
        /// Does not start the service yet.
        #[arg(long)]
        no_start: bool,
    },
    /// Stops the service and takes it away; the data folder stays unless told otherwise.
    Uninstall {
        /// Also removes the data folder: configuration, token, and what has not reached the cloud.
        #[arg(long)]
        remove_data: bool,
    },
    /// Starts the service.
    Start,
    /// Stops the service; what it was reading goes on from there at the next start.
    Stop,
    /// What the service manager starts: keeps `run` running. By hand it ends with Ctrl-C.
    Service,
    /// Makes this agent known to the cloud, with a code from the dashboard.
    ///
    /// When the cloud cannot be reached, the code is kept sealed, the command ends with 3, and the agent that runs here, as
    /// the service or by hand, tries again by itself until it is enrolled or the code is refused. `status` and `doctor` tell
    /// how it stands; enrolling again takes its place.
    Enroll {
        /// Address of the ingest service; when absent, `server` of the configuration.
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// The single-use code. Without it the code is asked for, or read from standard input where nobody can be asked.
        #[arg(long)]
        code: Option<String>,
        /// A file that holds the code and nothing else.
        #[arg(long, value_name = "FILE", conflicts_with = "code")]
        code_file: Option<PathBuf>,
    },
    /// Shows what the agent is doing and what waits.
    Status {
        /// As JSON, for scripts; its words are the same in every language.
        #[arg(long)]
        json: bool,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Reads now and waits until the cloud has everything. Asks the running agent if there is one.
    Sync {
        #[command(flatten)]
        which: Which,
        /// Reads everything again and finds deletes.
        #[arg(long)]
        full: bool,
        /// Never asks a running agent: reads here, and fails when one is at work.
        #[arg(long)]
        once: bool,
    },
    /// Shows the deliveries that wait for the cloud.
    Spool {
        /// Prints the lines of this delivery.
        #[arg(long, value_name = "NUMBER")]
        show: Option<u64>,
        /// How many to list.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows rows that were set aside, and why.
    Rejects {
        /// How many to list.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Confirms deletes that wait because they were suspiciously many.
    ConfirmDeletes {
        /// The POS system, by its name in the configuration.
        #[arg(long)]
        pos: String,
        /// The stream.
        #[arg(long)]
        stream: StreamName,
    },
    /// Looks for everything that could be wrong, and says what to do about it.
    Doctor {
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Writes one file for somebody who helps from afar: what doctor finds, the configuration, state and the newest logs,
    /// without passwords and without rows of the POS.
    SupportBundle {
        /// Where; when absent, a file named after the moment in the current folder.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Looks for databases and tables of a POS, tells which pack reads them, and writes the section of the configuration.
    Discover(Box<discover::Discover>),
    /// Shows, installs or removes the outbox: triggers in the POS database that note which rows changed.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Keeps passwords sealed, so that none stands in the configuration.
    Secret(secret::SecretArgs),
    /// For a store without internet: carries what waits to the cloud on a USB stick, and brings the receipt back.
    ///
    /// Enrolling the agent needs the internet once; that of a phone will do.
    #[command(subcommand)]
    Carry(CarryCommand),
    /// Tries mappings out.
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Writes a sample configuration, or checks one.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Lists and shows the ready mappings.
    #[command(subcommand)]
    Packs(PacksCommand),
}

/// Which streams are meant.
#[derive(Args)]
struct Which {
    /// Only this POS system, by its name in the configuration.
    #[arg(long)]
    pos: Option<String>,
    /// Only this stream.
    #[arg(long)]
    stream: Option<StreamName>,
}

#[derive(Subcommand)]
enum OutboxCommand {
    /// Prints the statements for review, and changes nothing.
    Print {
        #[command(flatten)]
        which: Which,
        /// Prints what would take it away again.
        #[arg(long)]
        remove: bool,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Shows the statements and carries them out, with consent.
    Install {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        login: Login,
        /// Consents without being asked: the statements were reviewed, and the owner of the database agrees.
        #[arg(long)]
        yes: bool,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Takes it away again.
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        login: Login,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
}

#[derive(Subcommand)]
enum CarryCommand {
    /// Writes everything that waits into one file, encrypted for the cloud alone. The agent may go on working meanwhile.
    ///
    /// In the dashboard, on the store's page, "Import from USB stick" takes the file and gives a receipt. Until the receipt
    /// is imported here, or a line comes back, everything goes on waiting, and the next file holds it once more; what the
    /// cloud has already is passed over. If writing is cut short, simply run it again.
    Export {
        /// The stick, a folder on it, or a file.
        #[arg(value_name = "FOLDER_OR_FILE")]
        to: PathBuf,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Takes the receipt of an import, so that what the cloud has is forgotten here.
    Import {
        /// The receipt, or a folder with receipts.
        #[arg(value_name = "RECEIPT")]
        receipt: PathBuf,
        /// Language; when absent, that of this computer.
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
}

/// A login that may create triggers, where the one that reads may not. It is used once and kept nowhere.
#[derive(Args)]
struct Login {
    /// Another account than the one in the configuration; its password is asked for.
    #[arg(long)]
    user: Option<String>,
    /// A file that holds its password and nothing else, instead of being asked.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum MappingCommand {
    /// Checks a mapping, and prints what each row of a sample becomes.
    Check {
        /// The mapping: a TOML or JSON file, or the name of a pack.
        mapping: PathBuf,
        /// A CSV or Excel file to map.
        #[arg(long, value_name = "FILE")]
        sample: Option<PathBuf>,
        /// Instead of a file: read rows of this POS system of the configuration.
        #[arg(long, conflicts_with = "sample")]
        pos: Option<String>,
        /// Only this stream of the mapping.
        #[arg(long)]
        stream: Option<StreamName>,
        /// How many rows.
        #[arg(long, default_value_t = 20)]
        rows: usize,
        /// Time zone of the dates, where no POS system says it.
        #[arg(long, default_value = "UTC")]
        time_zone: chrono_tz::Tz,
        /// Currency of the amounts, where no POS system says it.
        #[arg(long, default_value = "USD")]
        currency: fluxion_model::money::Currency,
        /// Country whose rules apply: VE, MX, AR or PA.
        #[arg(long)]
        country: Option<String>,
        /// A setting of the mapping, as NAME=VALUE; may be given several times.
        #[arg(long = "setting", value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// Prints the JSON Schema of a mapping, for editors.
    Schema,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints a commented configuration.
    Sample,
    /// Checks the configuration and the mappings it names.
    Check,
}

#[derive(Subcommand)]
enum PacksCommand {
    /// Lists them.
    List,
    /// Shows what one needs, its settings and its streams.
    Show {
        /// Its name.
        name: String,
        /// The whole mapping as TOML, to begin one of your own.
        #[arg(long)]
        toml: bool,
    },
}

impl Place {
    pub(crate) fn config_path(&self) -> PathBuf {
        self.config
            .clone()
            .unwrap_or_else(config::default_config_path)
    }

    pub(crate) fn load(&self) -> anyhow::Result<Loaded> {
        Ok(config::load(&self.config_path(), self.data_dir.as_deref())?)
    }

    /// The data folder, also when the configuration cannot be read.
    pub(crate) fn folder_path(&self) -> PathBuf {
        config::data_dir_of(&self.config_path(), self.data_dir.as_deref())
    }

    pub(crate) fn folder(&self) -> anyhow::Result<DataFolder> {
        DataFolder::open(&self.load()?.data_dir)
    }
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything speaks TLS: one provider for the whole process.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider is installed already");
    }
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            exit_code(&error)
        }
    }
}

/// A service is not started again and again over a configuration that cannot be used.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<config::ConfigError>() {
        ExitCode::from(supervise::BAD_CONFIGURATION)
    } else {
        ExitCode::FAILURE
    }
}

/// The cause chain, each on its line, hints last.
fn tell(error: &anyhow::Error) {
    let mut said = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !said.iter().any(|before: &String| before.contains(&text)) {
            said.push(text);
        }
    }
    eprintln!("error: {}", said.join("\n  because: "));
}

fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let place = &cli.place;
    match &cli.command {
        Command::Run {
            supervised,
            versions,
            healthy_file,
        } => run::run(
            place,
            (*supervised).into(),
            versions.as_deref(),
            healthy_file.as_deref(),
        ),
        Command::Install {
            server,
            code,
            no_start,
        } => service::install(place, server.as_deref(), code.as_deref(), *no_start),
        Command::Uninstall { remove_data } => service::uninstall(place, *remove_data),
        Command::Start => service::start(place),
        Command::Stop => service::stop(place),
        Command::Service => service::run(place),
        Command::Enroll {
            server,
            code,
            code_file,
        } => {
            let code = enroll::code(code.as_deref(), code_file.as_deref())?;
            runtime()?.block_on(enroll::enroll(place, server.as_deref(), &code))
        }
        Command::Status { json, lang } => status::status(place, *json, *lang),
        Command::Sync { which, full, once } => sync::sync(place, which, *full, *once),
        Command::Spool { show, limit } => look::spool(place, *show, *limit),
        Command::Rejects { limit } => look::rejects(place, *limit),
        Command::ConfirmDeletes { pos, stream } => sync::confirm_deletes(place, pos, stream),
        Command::Doctor { lang } => runtime()?.block_on(doctor::doctor(place, *lang)),
        Command::SupportBundle { output, lang } => {
            let made = support_bundle::support_bundle(place, output.as_deref(), *lang);
            runtime()?.block_on(made)
        }
        Command::Discover(wish) => runtime()?.block_on(discover::discover(place, wish)),
        Command::Outbox(command) => runtime()?.block_on(outbox::outbox(place, command)),
        Command::Secret(args) => secret::secret(place, args),
        Command::Carry(command) => carry::carry(place, command),
        Command::Mapping(command) => runtime()?.block_on(check::mapping(place, command)),
        Command::Config(ConfigCommand::Sample) => {
            print!("{}", config::sample());
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check) => config_command::check(place),
        Command::Packs(PacksCommand::List) => config_command::list_packs(),
        Command::Packs(PacksCommand::Show { name, toml }) => config_command::show_pack(name, *toml),
    }
}

/// Two threads and few more for blocking work: an agent shares an old PC with the till.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .thread_stack_size(2 * 1024 * 1024)
        .enable_all()
        .build()
        .context("cannot start threads")
}

/// Ends on Ctrl-C, on SIGTERM, or when Windows closes the console or shuts down.
pub(crate) async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    done = tokio::signal::ctrl_c() => note(done),
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be listened to");
                note(tokio::signal::ctrl_c().await);
            }
        }
    }
    #[cfg(windows)]
    {
        use tokio::signal::windows;
        match (
            windows::ctrl_close(),
            windows::ctrl_shutdown(),
            windows::ctrl_break(),
        ) {
            (Ok(mut close), Ok(mut shutdown), Ok(mut interrupt)) => {
                tokio::select! {
                    done = tokio::signal::ctrl_c() => note(done),
                    _ = close.recv() => {}
                    _ = shutdown.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            _ => note(tokio::signal::ctrl_c().await),
        }
    }
}

fn note(done: std::io::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "Ctrl-C cannot be listened to");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_arguments_of_a_command_have_one_name() {
        Cli::command().debug_assert();
    }
}
