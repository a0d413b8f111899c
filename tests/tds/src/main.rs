//! Serves until killed.

use std::fs;
use std::path::PathBuf;
use std::thread;

use anyhow::Context;
use clap::Parser;

/// A small stand-in for SQL Server, for tests and demos.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen at; a free one when it is 0.
    #[arg(long, default_value_t = 1433)]
    port: u16,
    /// The database to make.
    #[arg(long, default_value = "master")]
    database: String,
    /// The administrator's name.
    #[arg(long, default_value = "sa")]
    user: String,
    /// The administrator's password.
    #[arg(long, default_value = "Secret-1")]
    password: String,
    /// Is a named instance, with a Browser on a free UDP port.
    #[arg(long)]
    instance: Option<String>,
    /// Scripts to run first.
    scripts: Vec<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut options = fluxion_tds::Options::default()
        .port(arguments.port)
        .database(&arguments.database)
        .administrator(&arguments.user, &arguments.password);
    if let Some(instance) = &arguments.instance {
        options = options.instance(instance);
    }
    let server = options.start()?;
    for script in &arguments.scripts {
        let text = fs::read_to_string(script)
            .with_context(|| format!("could not read {}", script.display()))?;
        server
            .execute(&text)
            .with_context(|| format!("could not run {}", script.display()))?;
    }
    println!("listening on {}", server.address());
    if let Some(port) = server.browser_port() {
        println!("browser on 127.0.0.1:{port}");
    }
    loop {
        thread::park();
    }
}
