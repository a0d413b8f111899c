//! The least that could be done: the same tables through `mariadb | psql`, into keyed tables, and nothing else.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::data::TABLES;
use crate::servers::{MariaDb, PostgreSql};

/// Pipes all tables into a new database. Returns the time it took.
pub fn run(source: &MariaDb, database: &str, sink: &PostgreSql, round: usize) -> Result<Duration> {
    let target = format!("pipe{round}");
    let url = sink.create_database(&target)?;
    sink.query(&target, include_str!("../../bench/sink.sql"))?;
    sink.query("postgres", "CHECKPOINT")?;
    let begun = Instant::now();
    for table in TABLES {
        let mut read = source.client(database);
        read.args(["--quick", "-e", &format!("SELECT * FROM {table}")]);
        let mut reader = read
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start the MariaDB client")?;
        let rows = reader.stdout.take().context("no output")?;
        let copy = format!("COPY {table} FROM STDIN WITH (NULL 'NULL')");
        let written = Command::new("psql")
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", &copy, &url])
            .stdin(rows)
            .status()?;
        if !reader.wait()?.success() || !written.success() {
            bail!("the pipe of {table} broke");
        }
    }
    let took = begun.elapsed();
    sink.query("postgres", &format!("DROP DATABASE {target}"))?;
    Ok(took)
}

/// Bytes of all tables as text, which is what a CSV export of them would weigh.
pub fn csv_bytes(source: &MariaDb, database: &str) -> Result<u64> {
    let mut bytes = 0;
    for table in TABLES {
        let mut reader = source.client(database);
        reader.args(["--quick", "-e", &format!("SELECT * FROM {table}")]);
        let mut reader = reader.stdout(Stdio::piped()).spawn()?;
        let mut rows = reader.stdout.take().context("no output")?;
        bytes += std::io::copy(&mut rows, &mut std::io::sink())?;
        reader.wait()?;
    }
    Ok(bytes)
}
