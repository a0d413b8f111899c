//! `fluxion-ingest`: the cloud service and its command line.

mod release;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use fluxion_ingest::auth::{password, secret};
use fluxion_ingest::config::{Config, Overrides, Password};
use fluxion_ingest::database::accounts::NewUser;
use fluxion_ingest::database::fleet::NewTenant;
use fluxion_ingest::database::releases::Waves;
use fluxion_ingest::database::{self, Database, DatabaseError};
use fluxion_ingest::views::account::Role;
use fluxion_ingest::{routes, telemetry};
use release::ReleaseCommand;

/// The cloud service of Fluxion Sync: applies what agents send, keeps the unified inventory, serves API and dashboard.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    overrides: Overrides,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service. This is what happens without a command, too.
    Serve,
    /// Bring the database's tables up to date, and end.
    Migrate,
    /// Make companies and people.
    #[command(subcommand)]
    Admin(Admin),
    /// Releases of the agent: make, publish in waves, list, halt, resume.
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the API's description.
    Openapi,
}

#[derive(Subcommand)]
enum Admin {
    /// Make a company.
    CreateTenant {
        /// Its name.
        name: String,
    },
    /// Make a person who may log in. The password comes from FLUXION_USER_PASSWORD; without it, one is made up and printed.
    CreateUser {
        /// E-mail address.
        email: String,
        /// Name to greet by; the address when absent.
        #[arg(long)]
        name: Option<String>,
        /// What the person may do.
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
        /// Name of the company, where there is more than one.
        #[arg(long)]
        tenant: Option<String>,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print a configuration file with every setting and its default.
    Sample,
    /// Check the configuration and say where the database is.
    Check,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            eprintln!("\nhint: {}", hint(&error));
            ExitCode::FAILURE
        }
    }
}

/// What the operator does next.
fn hint(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<DatabaseError>() {
        Some(DatabaseError::Unavailable { .. }) => {
            "see that the database runs, that FLUXION_DATABASE_URL names its host, port, user, password and database, \
             and that this user may write to its folder"
        }
        Some(DatabaseError::Internal { .. }) => {
            "see that this version is not older than the one that last used the database; else please report this"
        }
        Some(_) | None => {
            "fluxion-ingest --help explains flags and variables; fluxion-ingest config sample prints every setting"
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        bail!("TLS was set up twice; please report this");
    }
    let mut overrides = cli.overrides;
    overrides.admin_password = std::env::var("FLUXION_ADMIN_PASSWORD").ok().map(Password);
    let config = Config::load(&overrides)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&config).await,
        Command::Migrate => {
            open(&config).await?.close().await;
            println!("the database is up to date");
            Ok(())
        }
        Command::Admin(command) => administrate(&config, command).await,
        Command::Release(command) => releases(&config, command).await,
        Command::Config(ConfigCommand::Sample) => {
            print!("{}", Config::sample());
            Ok(())
        }
        Command::Config(ConfigCommand::Check) => {
            println!("the configuration is good: {config:?}");
            Ok(())
        }
        Command::Openapi => {
            print!("{}", routes::openapi_json()?);
            Ok(())
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<std::sync::Arc<dyn Database>> {
    if config.database_url.is_none() {
        std::fs::create_dir_all(&config.data_dir).with_context(|| {
            format!(
                "the folder {} cannot be made; choose another data_dir",
                config.data_dir.display()
            )
        })?;
    }
    Ok(database::open(&config.database_url()).await?)
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    telemetry::start_log(config.log, &config.log_level)?;
    let metrics = telemetry::start_metrics()?;
    let database = open(config).await?;
    first_start(&*database, config).await?;
    let state = routes::AppState::new(database.clone(), config.cookies, metrics)
        .with_releases_in(config.releases_dir());
    let stopping = state.stopping.clone();
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {}; is it in use? choose another with --listen",
                config.listen
            )
        })?;
    tracing::info!(address = %listener.local_addr()?, database = database.engine_name(), "ready");
    let service = routes::app(state).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            asked_to_stop().await;
            tracing::info!("stopping: requests under way are answered first");
            stopping.give();
        })
        .await?;
    database.close().await;
    Ok(())
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        tracing::warn!("SIGTERM cannot be heard; stop the service with Ctrl-C");
        return wait_for_interrupt().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        () = wait_for_interrupt() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    wait_for_interrupt().await;
}

async fn wait_for_interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// An empty database gets a company and an administrator.
async fn first_start(database: &dyn Database, config: &Config) -> anyhow::Result<()> {
    if !database.tenants().await?.is_empty() {
        return Ok(());
    }
    let (password, made_up) = password_or_new(config.admin_password.as_ref())?;
    let hash = password::hash(password.clone())
        .await
        .context("admin_password")?;
    let tenant = database
        .add_tenant(&new_tenant(&config.tenant_name))
        .await?;
    let email = config.admin_email.trim().to_lowercase();
    let user = NewUser {
        email: email.clone(),
        name: email.clone(),
        password_hash: hash,
        role: Role::Admin,
    };
    database.add_user(tenant, &user).await?;
    if made_up {
        println!(
            "The database was empty. Log in as {email} with the password {password} and keep it: it is shown this once."
        );
    }
    tracing::info!(%email, "the first company and its administrator were made");
    Ok(())
}

fn new_tenant(name: &str) -> NewTenant {
    NewTenant {
        name: name.to_owned(),
        country: None,
        currency: None,
        time_zone: None,
        match_rule: Default::default(),
    }
}

fn password_or_new(given: Option<&Password>) -> anyhow::Result<(String, bool)> {
    match given {
        Some(password) => Ok((password.0.clone(), false)),
        None => Ok((secret::random_code()?, true)),
    }
}

async fn releases(config: &Config, command: ReleaseCommand) -> anyhow::Result<()> {
    if let ReleaseCommand::Manifest {
        folder,
        version,
        programs,
        notes,
    } = &command
    {
        return release::manifest(folder, version, programs, notes);
    }
    let database = open(config).await?;
    match command {
        // Needs no database, and was dealt with.
        ReleaseCommand::Manifest { .. } => {}
        ReleaseCommand::Publish {
            folder,
            key,
            waves: shares,
            every,
        } => {
            let waves = Waves { shares, every };
            release::publish(&*database, config, &folder, &key, &waves).await?;
        }
        ReleaseCommand::List => release::list(&*database).await?,
        ReleaseCommand::Halt { version, because } => {
            release::halt(&*database, &version, because.as_deref()).await?;
        }
        ReleaseCommand::Resume { version } => release::resume(&*database, &version).await?,
    }
    database.close().await;
    Ok(())
}

async fn administrate(config: &Config, command: Admin) -> anyhow::Result<()> {
    let database = open(config).await?;
    match command {
        Admin::CreateTenant { name } => {
            let id = database.add_tenant(&new_tenant(&name)).await?;
            println!("made the company {name:?} ({id})");
        }
        Admin::CreateUser {
            email,
            name,
            role,
            tenant,
        } => {
            let tenants = database.tenants().await?;
            let names = || {
                tenants
                    .iter()
                    .map(|tenant| tenant.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let found = match (&tenant, tenants.as_slice()) {
                (None, [only]) => only,
                (None, _) => bail!(
                    "say for which company with --tenant; there are: {}",
                    names()
                ),
                (Some(name), all) => all
                    .iter()
                    .find(|tenant| tenant.name == *name)
                    .with_context(|| {
                        format!("there is no company {name:?}; there are: {}", names())
                    })?,
            };
            let given = std::env::var("FLUXION_USER_PASSWORD").ok().map(Password);
            let (password, made_up) = password_or_new(given.as_ref())?;
            let email = email.trim().to_lowercase();
            let hash = password::hash(password.clone()).await?;
            let user = NewUser {
                name: name.unwrap_or_else(|| email.clone()),
                email: email.clone(),
                password_hash: hash,
                role,
            };
            database
                .add_user(found.id, &user)
                .await
                .with_context(|| format!("{email} could not be added"))?;
            println!(
                "{email} may now log in to {:?} as {}",
                found.name,
                role.as_str()
            );
            if made_up {
                println!("The password is {password}; it is shown this once.");
            }
        }
    }
    database.close().await;
    Ok(())
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
