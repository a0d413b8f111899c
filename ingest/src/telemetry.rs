//! Logs and metrics.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Begins to log to standard error.
///
/// # Errors
/// When the rules are wrong, or logging has begun before.
pub fn start_log(format: LogFormat, rules: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(rules).with_context(|| {
        format!("log_level {rules:?} is not understood; use error, warn, info, debug or trace")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people; in a file or a journal they are litter.
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| anyhow::anyhow!(error).context("the log could not be started"))
}

/// Begins to count. The handle renders what was counted.
///
/// # Errors
/// When another recorder is there already.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&[
            0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        ])?
        .install_recorder()?;
    metrics::describe_counter!(
        "fluxion_requests_total",
        "Requests by method, route and status."
    );
    metrics::describe_histogram!(
        "fluxion_request_seconds",
        "How long requests took, in seconds."
    );
    metrics::describe_counter!(
        "fluxion_batches_total",
        "Deliveries by result: applied, duplicate, out_of_order, refused, failed."
    );
    metrics::describe_counter!(
        "fluxion_batch_bytes_total",
        "Bytes of deliveries as they came over the wire."
    );
    metrics::describe_histogram!(
        "fluxion_batch_seconds",
        "How long reading and applying a delivery took, in seconds."
    );
    metrics::describe_counter!(
        "fluxion_records_total",
        "Records by what they did: inserted, updated, deleted, rejected."
    );
    metrics::describe_counter!(
        "fluxion_conflicts_total",
        "Conflicts opened and closed by themselves."
    );
    metrics::describe_counter!("fluxion_heartbeats_total", "Heartbeats of agents.");
    metrics::describe_counter!(
        "fluxion_logins_total",
        "Logins by result: ok, wrong, throttled."
    );
    Ok(handle)
}
