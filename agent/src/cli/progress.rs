//! Shows how far streams are: bars while a person watches, plain lines otherwise.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use fluxion_model::heartbeat::StreamPhase;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::live::StreamLive;

const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Draws what it is given.
pub(super) struct Progress {
    bars: Option<MultiProgress>,
    streams: BTreeMap<String, ProgressBar>,
    sending: Option<ProgressBar>,
    last_plain: Option<Instant>,
}

impl Progress {
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            bars,
            streams: BTreeMap::new(),
            sending: None,
            last_plain: None,
        }
    }

    /// Shows the state of the moment.
    pub fn show(&mut self, streams: &[StreamLive], queued: u64, delivered: u64) {
        match self.bars.clone() {
            Some(bars) => self.draw(&bars, streams, queued, delivered),
            None => {
                if self
                    .last_plain
                    .is_none_or(|last| last.elapsed() >= PLAIN_EVERY)
                {
                    self.last_plain = Some(Instant::now());
                    plain(streams, queued, delivered);
                }
            }
        }
    }

    fn draw(&mut self, bars: &MultiProgress, streams: &[StreamLive], queued: u64, delivered: u64) {
        for live in streams {
            let name = name(live);
            let bar = self.streams.entry(name.clone()).or_insert_with(|| {
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_prefix(name);
                bar
            });
            match live.expected_rows {
                Some(rows) if rows > 0 => {
                    bar.set_style(style("{prefix:24} {bar:30} {pos}/{len} {msg}"));
                    bar.set_length(rows.max(live.state.rows_read));
                }
                Some(_) | None => bar.set_style(style("{prefix:24} {spinner} {pos} rows {msg}")),
            }
            bar.set_position(live.state.rows_read);
            bar.set_message(phase(live));
        }
        let sending = self.sending.get_or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style("{prefix:24} {spinner} {msg}"));
            bar.set_prefix("to the cloud");
            bar
        });
        sending.set_message(format!("{delivered} delivered, {queued} wait"));
        sending.tick();
    }

    /// Leaves the last state standing.
    pub fn finish(&mut self, streams: &[StreamLive], queued: u64, delivered: u64) {
        match self.bars.clone() {
            Some(bars) => {
                self.draw(&bars, streams, queued, delivered);
                self.streams
                    .values()
                    .chain(&self.sending)
                    .for_each(ProgressBar::abandon);
            }
            None => plain(streams, queued, delivered),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn plain(streams: &[StreamLive], queued: u64, delivered: u64) {
    for live in streams {
        let of = live
            .expected_rows
            .map(|rows| format!(" of {rows}"))
            .unwrap_or_default();
        eprintln!(
            "{}: {}{of} rows read, {}",
            name(live),
            live.state.rows_read,
            phase(live)
        );
    }
    eprintln!("to the cloud: {delivered} delivered, {queued} wait");
}

fn name(live: &StreamLive) -> String {
    format!("{}/{}", live.state.pos, live.state.stream)
}

/// What it is doing, in words.
pub(super) fn phase(live: &StreamLive) -> String {
    let counts = live.counts;
    let found = format!(
        "{} sent, {} unchanged, {} deleted, {} set aside",
        counts.records_sent, counts.records_unchanged, counts.deletes_sent, counts.rejected
    );
    match live.state.phase {
        StreamPhase::Idle => format!("idle; last run: {found}"),
        StreamPhase::Snapshot => format!("reading everything: {found}"),
        StreamPhase::Following => format!("reading changes: {found}"),
        StreamPhase::Retrying => "trying again".to_owned(),
        StreamPhase::Halted => "waits for a person".to_owned(),
        StreamPhase::Other => String::new(),
    }
}
