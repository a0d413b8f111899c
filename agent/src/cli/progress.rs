//! Shows how far streams are: bars while a person watches, plain lines otherwise.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use fluxion_model::heartbeat::StreamPhase;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::Lang;
use super::lang::say;
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
            bar.set_message(phase(live, Lang::En));
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
            phase(live, Lang::En)
        );
    }
    eprintln!("to the cloud: {delivered} delivered, {queued} wait");
}

fn name(live: &StreamLive) -> String {
    format!("{}/{}", live.state.pos, live.state.stream)
}

/// What it is doing, in words.
pub(super) fn phase(live: &StreamLive, lang: Lang) -> String {
    let counts = live.counts;
    let (sent, unchanged) = (counts.records_sent, counts.records_unchanged);
    let (deleted, aside) = (counts.deletes_sent, counts.rejected);
    let found = match lang {
        Lang::Es => format!(
            "{sent} enviadas, {unchanged} sin cambios, {deleted} eliminadas, {aside} apartadas"
        ),
        Lang::En => {
            format!("{sent} sent, {unchanged} unchanged, {deleted} deleted, {aside} set aside")
        }
    };
    match live.state.phase {
        StreamPhase::Idle => {
            let before = say(lang, "en reposo; última vez", "idle; last run");
            format!("{before}: {found}")
        }
        StreamPhase::Snapshot => {
            let before = say(lang, "leyendo todo", "reading everything");
            format!("{before}: {found}")
        }
        StreamPhase::Following => {
            let before = say(lang, "leyendo cambios", "reading changes");
            format!("{before}: {found}")
        }
        StreamPhase::Retrying => say(lang, "reintentando", "trying again").to_owned(),
        StreamPhase::Halted => say(lang, "espera por una persona", "waits for a person").to_owned(),
        StreamPhase::Other => String::new(),
    }
}
