//! One stream of an API: everything page by page, or what changed since.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{Days, Local, NaiveDate, TimeDelta, Utc};
use fluxion_model::json::{self, Layout};
use fluxion_model::row::{RowBatch, RowChange};
use fluxion_model::stream::{Capture, HttpClock, HttpPaging, HttpSince, HttpSource, StreamSpec};
use reqwest::Url;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_128;

use super::KIND;
use super::address::Address;
use super::client::{Client, Got, Page, not_json};
use super::position::{Aim, Mark, Position, Token, Walk};
use crate::connector::{Batch, BatchLimit, ChangeStream, Next, RowProblem, ScanPart};
use crate::error::{SourceError, SourceResult};

/// How often a reading may begin anew because the list moved under it.
const RESTARTS: u32 = 5;

/// What a stream needs to know of itself.
pub(super) struct Plan {
    pub client: Arc<Client>,
    pub spec: StreamSpec,
    pub source: HttpSource,
    pub layout: Layout,
    pub address: Address,
}

/// Reads one stream.
pub(super) struct RestStream {
    plan: Plan,
    position: Position,
    /// What of the page under way is still to be given out.
    waiting: VecDeque<(usize, RowChange)>,
    unreadable: VecDeque<(usize, RowProblem)>,
    /// The page after the one under way.
    after: Option<Token>,
    loaded: bool,
    /// Items of the page under way.
    count: u64,
    /// Contents of this reading's pages, so that a page that repeats is noticed.
    seen: BTreeSet<u128>,
    /// Address and ETag of the first page of the reading under way.
    offered: Option<(String, String)>,
}

impl RestStream {
    pub fn new(plan: Plan, position: Position) -> Self {
        Self {
            plan,
            position,
            waiting: VecDeque::new(),
            unreadable: VecDeque::new(),
            after: None,
            loaded: false,
            count: 0,
            seen: BTreeSet::new(),
            offered: None,
        }
    }

    fn since(&self) -> Option<&HttpSince> {
        match self.plan.spec.capture {
            Capture::Watermark { .. } => self.plan.source.since.as_ref(),
            _ => None,
        }
    }

    fn overlap(&self) -> u64 {
        match &self.plan.spec.capture {
            Capture::Watermark { overlap, .. } => *overlap,
            _ => 0,
        }
    }

    /// What to read next, where nothing is under way.
    fn aim(&self) -> Aim {
        let Some(since) = self.since() else {
            return Aim::Everything;
        };
        if let Some(days) = since.days {
            let today = today(since.clock);
            let back = self.overlap().div_ceil(86_400);
            let first = match self.position.day {
                Some(day) => day.checked_sub_days(Days::new(back)),
                None => today.checked_sub_days(Days::new(days.into())),
            };
            return Aim::Day(first.unwrap_or(today).min(today));
        }
        match self.position.mark {
            None => Aim::Everything,
            Some(Mark::Number(number)) => {
                Aim::Since((number - rust_decimal::Decimal::from(self.overlap())).to_string())
            }
            Some(Mark::Time(at)) => {
                let back = TimeDelta::try_seconds(
                    i64::try_from(self.overlap()).unwrap_or(i64::MAX / 1_000),
                );
                let at = back
                    .and_then(|back| at.checked_sub_signed(back))
                    .unwrap_or(at);
                Aim::Since(match since.clock {
                    HttpClock::Utc => at.format(&since.format).to_string(),
                    HttpClock::Local => at.with_timezone(&Local).format(&since.format).to_string(),
                })
            }
        }
    }

    fn url(&self, walk: &Walk, token: &Token) -> SourceResult<Url> {
        let mut url = match token {
            Token::Address(address) => return self.plan.address.other(address),
            Token::First | Token::Number(_) | Token::Text(_) => self.plan.address.url(),
        };
        let since = self
            .since()
            .map(|since| (since.parameter.as_str(), since.format.as_str()));
        match (&walk.aim, since) {
            (Aim::Since(text), Some((parameter, _))) => {
                url.query_pairs_mut().append_pair(parameter, text);
            }
            (Aim::Day(day), Some((parameter, format))) => {
                url.query_pairs_mut()
                    .append_pair(parameter, &day.format(format).to_string());
            }
            _ => {}
        }
        let Some(paging) = &self.plan.source.paging else {
            return Ok(url);
        };
        if let (Some(parameter), Some(size)) = (paging.size_parameter(), paging.size()) {
            url.query_pairs_mut()
                .append_pair(parameter, &size.to_string());
        }
        match (paging, token) {
            (
                HttpPaging::Page {
                    parameter, first, ..
                },
                Token::First,
            ) => {
                url.query_pairs_mut()
                    .append_pair(parameter, &first.to_string());
            }
            (HttpPaging::Offset { parameter, .. }, Token::First) => {
                url.query_pairs_mut().append_pair(parameter, "0");
            }
            (
                HttpPaging::Page { parameter, .. } | HttpPaging::Offset { parameter, .. },
                Token::Number(number),
            ) => {
                url.query_pairs_mut()
                    .append_pair(parameter, &number.to_string());
            }
            (HttpPaging::Cursor { parameter, .. }, Token::Text(text)) => {
                url.query_pairs_mut().append_pair(parameter, text);
            }
            _ => {}
        }
        Ok(url)
    }

    /// Fetches the page the walk stands at, and takes it apart. `None` when nothing changed since the last look.
    async fn load(&mut self, mut walk: Walk, token: Token) -> SourceResult<Option<Walk>> {
        let url = self.url(&walk, &token)?;
        let looks = self.may_be_unchanged(&walk, &token);
        let known = self.position.unchanged.as_ref();
        let known = known.filter(|(last, _)| looks && *last == url.as_str());
        let etag = known.map(|(_, etag)| etag.clone());
        let action = format!("read stream {}", self.plan.spec.name);
        let page = match self.plan.client.get(&url, etag.as_deref()).await? {
            Got::Page(page) => page,
            Got::NotModified => return Ok(None),
            Got::NotFound => {
                let hint = format!(
                    "The API does not know {}: check `connection.base_url` and the path of the stream in the mapping.",
                    url.path()
                );
                return Err(SourceError::ask(
                    KIND,
                    action,
                    "not_found",
                    hint,
                    "the API answers 404",
                ));
            }
        };
        if token == Token::First {
            self.position.unchanged = None;
            self.offered = page
                .etag
                .clone()
                .filter(|_| looks)
                .map(|etag| (url.to_string(), etag));
        }
        let raw: &RawValue =
            serde_json::from_str(&page.body).map_err(|error| broken(&action, error))?;
        let items = self.items(raw, &action)?;
        walk.began = walk.began.or(Some(page.date));
        if walk.pages >= self.plan.client.target().config.max_pages {
            return Err(self.repeats(action, "there are more pages than `connection.max_pages`"));
        }
        let hash = xxh3_128(page.body.as_bytes());
        if !items.is_empty() && !self.seen.insert(hash) {
            return Err(self.repeats(action, "it gives the same page again and again"));
        }
        if self.moved(&mut walk, raw) {
            self.seen.clear();
            if walk.restarts > RESTARTS {
                let why = "the list changes faster than it can be read";
                return Err(SourceError::retry(KIND, action, why));
            }
            return Ok(Some(walk));
        }
        let text = format!("{hash:032x}");
        let skip = if walk.hash == text { walk.taken } else { 0 };
        (walk.hash, walk.taken) = (text, skip);
        self.after = self.following(&walk, &token, raw, &page, items.len())?;
        let count = items.len();
        self.read(&mut walk, &items, skip);
        self.count = count as u64;
        self.loaded = true;
        Ok(Some(walk))
    }

    /// Whether an ETag says all there is to say: one address, asked for the first time in this reading. With the `Link`
    /// header a list may grow without its first page changing.
    fn may_be_unchanged(&self, walk: &Walk, token: &Token) -> bool {
        let aim = match &walk.aim {
            Aim::Everything => self.plan.spec.capture == Capture::Diff,
            Aim::Since(_) => true,
            Aim::Day(_) => false,
        };
        let linked = matches!(self.plan.source.paging, Some(HttpPaging::Link { .. }));
        aim && !linked && *token == Token::First && !walk.begun
    }

    fn items<'a>(&self, raw: &'a RawValue, action: &str) -> SourceResult<Vec<&'a RawValue>> {
        let found = json::at(raw, &self.plan.source.items)
            .and_then(|found| serde_json::from_str::<Vec<&RawValue>>(found.get()).ok());
        found.ok_or_else(|| {
            let hint = format!(
                "The answer has no list at {:?}: correct `items` of stream {} in the mapping, or see whether the API answers \
                 with an error of its own.",
                self.plan.source.items, self.plan.spec.name
            );
            SourceError::ask(KIND, action, "invalid_mapping", hint, "there is no list of rows in the answer")
        })
    }

    fn repeats(&self, action: String, why: &'static str) -> SourceError {
        let hint = format!(
            "Check `paging` of stream {} in the mapping: the API seems not to know its parameter.",
            self.plan.spec.name
        );
        SourceError::ask(KIND, action, "page_repeats", hint, why)
    }

    /// Whether the list grew or shrank since the first page, so that pages no longer fit together.
    fn moved(&self, walk: &mut Walk, raw: &RawValue) -> bool {
        let paging = self.plan.source.paging.as_ref();
        let total = paging
            .and_then(HttpPaging::total)
            .and_then(|pointer| json::text_at(raw, pointer)?.parse().ok());
        if walk.aim != Aim::Everything || walk.total.is_none() || walk.total == total {
            walk.total = walk.total.or(total);
            return false;
        }
        *walk = Walk {
            restarts: walk.restarts + 1,
            ..Walk::new(Aim::Everything)
        };
        true
    }

    /// The page after this one. Only an empty page, or the API's own word, ends a list: an API may give fewer items than
    /// it was asked for.
    fn following(
        &self,
        walk: &Walk,
        token: &Token,
        raw: &RawValue,
        page: &Page,
        count: usize,
    ) -> SourceResult<Option<Token>> {
        let Some(paging) = &self.plan.source.paging else {
            return Ok(None);
        };
        let all = walk.items + count as u64;
        let complete = count == 0 || (walk.total.is_some_and(|total| all >= total));
        Ok(match paging {
            HttpPaging::Page { first, pages, .. } => {
                let number = if let Token::Number(number) = token {
                    *number
                } else {
                    u64::from(*first)
                };
                let last = pages
                    .as_ref()
                    .and_then(|pointer| json::text_at(raw, pointer)?.parse::<u64>().ok());
                let is_last = last.is_some_and(|last| number + 1 >= last + u64::from(*first));
                (!complete && !is_last).then_some(Token::Number(number + 1))
            }
            HttpPaging::Offset { .. } => (!complete).then_some(Token::Number(all)),
            HttpPaging::Cursor { next, .. } => {
                let following = json::text_at(raw, next).map(Token::Text);
                if following.as_ref() == Some(token) {
                    let action = format!("read stream {}", self.plan.spec.name);
                    return Err(self.repeats(action, "its cursor does not move"));
                }
                following
            }
            HttpPaging::Link { .. } => page.link.clone().map(Token::Address),
            HttpPaging::Next { next, .. } => json::text_at(raw, next).map(Token::Address),
        })
    }

    /// Takes the items apart.
    fn read(&mut self, walk: &mut Walk, items: &[&RawValue], skip: usize) {
        let marks: Vec<usize> = match &self.plan.spec.capture {
            Capture::Watermark { columns, .. } => columns
                .iter()
                .filter_map(|name| self.plan.layout.shape.position(name))
                .collect(),
            _ => Vec::new(),
        };
        let format = match &self.plan.spec.capture {
            Capture::Watermark { format, .. } => format.clone(),
            _ => None,
        };
        for (at, item) in items.iter().enumerate().skip(skip) {
            let position = walk.items + at as u64 + 1;
            match self.plan.layout.row(item, Some(position)) {
                Ok((key, row)) => {
                    for mark in marks.iter().filter_map(|at| Mark::of(&row.values[*at], format.as_deref())) {
                        walk.high = Some(mark.max(walk.high));
                    }
                    self.waiting.push_back((at, RowChange::Upsert { key, row }));
                }
                Err(reason) => self.unreadable.push_back((at, RowProblem {
                    position: Some(position),
                    field: None,
                    raw: Some(item.get().chars().take(200).collect()),
                    message: format!("Item {position} of the list is no row: {reason}. Correct it at the POS, or the mapping."),
                })),
            }
        }
    }

    /// The next rows of the page under way.
    fn give(&mut self, walk: &mut Walk, limit: BatchLimit) -> Next {
        let count = self.waiting.len().min(limit.rows.max(1));
        let (places, changes): (Vec<usize>, Vec<RowChange>) = self.waiting.drain(..count).unzip();
        let up_to = match places.last() {
            Some(last) if !self.waiting.is_empty() => last + 1,
            _ => usize::MAX,
        };
        // What is no row is told in its place, so that a restart neither skips nor repeats it.
        let told = self.unreadable.partition_point(|(place, _)| *place < up_to);
        let unreadable = self
            .unreadable
            .drain(..told)
            .map(|(_, problem)| problem)
            .collect();
        walk.taken = up_to;
        if self.waiting.is_empty() {
            self.turn(walk);
        }
        let scan = match (&walk.aim, std::mem::replace(&mut walk.begun, true)) {
            (Aim::Everything, false) => ScanPart::First,
            (Aim::Everything, true) => ScanPart::Later,
            (Aim::Since(_) | Aim::Day(_), _) => ScanPart::No,
        };
        self.position.walk = Some(walk.clone());
        Next::Batch(Batch {
            rows: RowBatch {
                shape: self.plan.layout.shape.clone(),
                changes,
            },
            end: self.position.cursor(),
            mark: None,
            scan,
            unreadable,
            from: self.plan.source.path.as_str().into(),
            expected_rows: walk.total,
        })
    }

    /// Goes on to the next page.
    fn turn(&mut self, walk: &mut Walk) {
        walk.at = self.after.take();
        (walk.taken, walk.pages) = (0, walk.pages + 1);
        walk.items += std::mem::take(&mut self.count);
        walk.hash.clear();
        self.loaded = false;
    }

    /// The last page was read. `None` when there is another day to ask for.
    fn finish(&mut self, walk: Walk) -> Option<Next> {
        self.seen.clear();
        let began = walk.began.unwrap_or_else(Utc::now);
        let columns = matches!(&self.plan.spec.capture, Capture::Watermark { columns, .. } if !columns.is_empty());
        // A row that is stamped with the future must not hide all that follows.
        let high = walk.high.map(|high| match high {
            Mark::Time(at) => Mark::Time(at.min(began)),
            Mark::Number(_) => high,
        });
        let high = if columns {
            high
        } else {
            Some(Mark::Time(began))
        };
        if self.since().is_some() {
            self.position.mark = match (self.position.mark, high) {
                (Some(old), high) => Some(old.max(high)),
                (None, Some(high)) => Some(high),
                (None, None) => None,
            };
        }
        self.position.walk = None;
        if let Aim::Day(day) = walk.aim {
            let today = self.since().map_or(day, |since| today(since.clock));
            if let Some(next) = day.succ_opt().filter(|next| *next <= today) {
                self.position.walk = Some(Walk::new(Aim::Day(next)));
                return None;
            }
            self.position.day = Some(day);
        }
        if walk.pages == 1 {
            self.position.unchanged = self.offered.take();
        }
        let end = self.position.cursor();
        Some(if walk.aim == Aim::Everything {
            Next::ScanComplete { end }
        } else {
            self.rest()
        })
    }

    fn rest(&self) -> Next {
        Next::CaughtUp {
            end: self.position.cursor(),
            look_again: Duration::from_secs(self.plan.client.target().config.poll_seconds.into()),
        }
    }
}

#[async_trait]
impl ChangeStream for RestStream {
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next> {
        loop {
            let mut walk = match &self.position.walk {
                Some(walk) => walk.clone(),
                None => Walk::new(self.aim()),
            };
            let nothing_yet = walk.aim == Aim::Everything && !walk.begun;
            if self.loaded && (!self.waiting.is_empty() || !self.unreadable.is_empty()) {
                return Ok(self.give(&mut walk, limit));
            }
            if self.loaded {
                self.turn(&mut walk);
                self.position.walk = Some(walk);
                continue;
            }
            match walk.at.clone() {
                Some(token) => match self.load(walk, token).await? {
                    Some(walk) => self.position.walk = Some(walk),
                    None => {
                        self.position.walk = None;
                        return Ok(self.rest());
                    }
                },
                // A scan that found nothing must be told from one that never was.
                None if nothing_yet => return Ok(self.give(&mut walk, limit)),
                None => {
                    if let Some(next) = self.finish(walk) {
                        return Ok(next);
                    }
                }
            }
        }
    }
}

fn broken(action: &str, error: serde_json::Error) -> SourceError {
    if error.is_eof() {
        return SourceError::retry(KIND, action, format!("the answer broke off: {error}"));
    }
    not_json(action, "the answer is no JSON", error)
}

fn today(clock: HttpClock) -> NaiveDate {
    match clock {
        HttpClock::Utc => Utc::now().date_naive(),
        HttpClock::Local => Local::now().date_naive(),
    }
}
