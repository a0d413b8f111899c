//! Pages of rows with the rows that belong to them.

mod marks;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fluxion_model::row::{Row, RowChange, RowKey};
use fluxion_model::value::Value;
use serde_json::Value as Json;

use super::children::{KEYS_PER_QUERY, Nest, child_statements, keys_per_query, one_of};
use super::feed::{FeedFault, KeyFeed, Keys};
use super::key::{self, KeyColumn, KeyKind, KeyPart, Side, beyond, key_of, key_parts};
use super::position::Position;
use super::query::{Select, StreamQuery, invalid};
use super::session::{Cast, ColumnInfo, KeysOf, Nulls, Ordering, SqlFault, SqlSession};
use super::statement::Statement;
use super::watermark::Window;
use crate::connector::RowProblem;
use crate::error::{SourceError, SourceResult};

/// Tables with more rows than this are not counted; the server's estimate must do.
const WORTH_COUNTING: u64 = 1_000_000;

/// A source without an order is read at once, and no larger than this.
const LARGEST_UNORDERED: usize = 256 * 1024 * 1024;

/// Reads for one stream over one connection.
pub(super) struct Reader {
    session: Box<dyn SqlSession>,
    query: Arc<StreamQuery>,
    keys: Vec<KeyKind>,
    nulls: Vec<Option<Nulls>>,
    /// What is written around key values bound for comparison, once known.
    casts: Option<Vec<Option<Cast>>>,
    child_casts: Vec<Option<Vec<Option<Cast>>>>,
    feed: Option<Box<dyn KeyFeed>>,
}

/// Which rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scope {
    All,
    Since { column: usize, window: Window },
}

/// What to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub scope: Scope,
    pub after: Option<Vec<KeyPart>>,
    pub rows: usize,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub changes: Vec<RowChange>,
    /// Rows without a usable key.
    pub unreadable: Vec<RowProblem>,
    /// Where the next page begins; none when nothing was read.
    pub last: Option<Vec<KeyPart>>,
    /// Whether there may be more.
    pub full: bool,
    /// Must not be cut, because rows whose keys the server holds for equal must stay together.
    pub is_whole: bool,
    /// Rough bytes in memory.
    pub bytes: usize,
    pub took: Duration,
}

impl Reader {
    /// Has the server check every query of the stream without running it, and learns what its columns are.
    pub async fn open(
        mut session: Box<dyn SqlSession>,
        mut query: StreamQuery,
        feed: Option<Box<dyn KeyFeed>>,
    ) -> SourceResult<Self> {
        let columns = describe(session.as_mut(), &query, &query.main.start()).await?;
        for at in &query.key {
            if let Some(why) = columns[*at].no_key {
                let name = &query.shape.columns[*at];
                let why = why.replace("{}", &query.main.columns[*at].text);
                let reason = format!("its key {name:?} {why}");
                return Err(invalid(query.kind, &query.name, &reason));
            }
        }
        let order = query.dialect.nulls();
        let keys = query.key.iter().map(|at| columns[*at].kind).collect();
        let nulls = query.key.iter().map(|at| columns[*at].nullable);
        let nulls = nulls.map(|nullable| nullable.then_some(order)).collect();
        query
            .main
            .cast(columns.into_iter().map(|column| column.cast));
        for at in 0..query.children.len() {
            let statement = query.children[at].select.start();
            let columns = describe(session.as_mut(), &query, &statement).await?;
            let casts = columns.into_iter().map(|column| column.cast);
            query.children[at].select.cast(casts);
        }
        if let Some(watermark) = &query.watermark {
            let statement = query.watermark_columns(watermark);
            let columns = describe(session.as_mut(), &query, &statement).await?;
            let casts = columns.into_iter().map(|column| column.cast).collect();
            if let Some(watermark) = &mut query.watermark {
                watermark.casts = casts;
            }
        }
        Ok(Self {
            child_casts: vec![None; query.children.len()],
            session,
            query: Arc::new(query),
            keys,
            nulls,
            casts: None,
            feed,
        })
    }

    pub fn query(&self) -> &StreamQuery {
        &self.query
    }

    pub fn shared_query(&self) -> Arc<StreamQuery> {
        self.query.clone()
    }

    pub fn into_session(self) -> Box<dyn SqlSession> {
        self.session
    }

    /// Before the first row. The feed is asked first, so that it yields whatever changes from here on.
    pub async fn scan_from_start(&mut self) -> SourceResult<Position> {
        let feed = self.feed_now().await?;
        let marks = self.marks(&[]).await?;
        let expected = self.count().await?;
        Ok(Position::Scan {
            after: None,
            begun: false,
            expected,
            marks,
            feed,
        })
    }

    async fn feed_now(&mut self) -> SourceResult<Option<Json>> {
        let Some(feed) = &mut self.feed else {
            return Ok(None);
        };
        let now = feed.now(self.session.as_mut()).await;
        now.map(Some).map_err(|fault| self.feed_fault(fault))
    }

    /// Keys that changed after a position of the feed.
    pub async fn changed_keys(&mut self, after: &Json, limit: usize) -> SourceResult<Keys> {
        let Some(feed) = &mut self.feed else {
            let reason = "it has no log or outbox to follow";
            return Err(invalid(self.query.kind, &self.query.name, reason));
        };
        let keys = feed.next(self.session.as_mut(), after, limit).await;
        keys.map_err(|fault| self.feed_fault(fault))
    }

    /// Lets the feed prune what is durable.
    pub async fn feed_done(&mut self, position: &Json) {
        if let Some(feed) = &mut self.feed {
            feed.done(self.session.as_mut(), position).await;
        }
    }

    fn feed_fault(&self, fault: FeedFault) -> SourceError {
        match fault {
            FeedFault::Gone(why) => {
                tracing::warn!(
                    stream = %self.query.name,
                    "{why}; everything is read again and compared, so that no change is lost"
                );
                let action = format!("go on after the last change of stream {}", self.query.name);
                SourceError::resnapshot(self.query.kind, action, why)
            }
            FeedFault::Sql(fault) => self.explain(fault),
            FeedFault::Source(error) => error,
        }
    }

    fn explain(&self, fault: SqlFault) -> SourceError {
        self.session.explain(fault, &self.query)
    }

    /// How many rows a scan will read, where that is cheap to tell.
    async fn count(&mut self) -> SourceResult<Option<u64>> {
        let query = self.query.clone();
        let estimate = self.session.estimate(&query).await;
        let estimate = estimate.map_err(|fault| self.explain(fault))?;
        if estimate.is_some_and(|rows| rows > WORTH_COUNTING) {
            return Ok(estimate);
        }
        let mut count = Statement::new(&query.dialect);
        count.push("SELECT COUNT(*)");
        query.main.tables(&mut count);
        self.number(&count).await
    }

    async fn number(&mut self, statement: &Statement) -> SourceResult<Option<u64>> {
        let mut number = None;
        let result = self
            .session
            .rows(statement, &mut |values, _| {
                number = match values.first() {
                    Some(Value::Int(number)) => u64::try_from(*number).ok(),
                    Some(Value::Decimal(number)) => u64::try_from(*number).ok(),
                    _ => None,
                };
            })
            .await;
        result.map_err(|fault| self.explain(fault))?;
        Ok(number)
    }

    /// One page in key order. Rows of a document are read in one transaction, so that no sale is seen half written.
    pub async fn page(&mut self, ask: &Ask) -> SourceResult<Page> {
        if self.query.dialect.ordering() == Ordering::Here {
            return self.everything_at_once(ask).await;
        }
        let mut ask = ask.clone();
        if ask.after.is_some() {
            self.learn_casts().await?;
        }
        loop {
            let mut page = self.consistent_page(&ask).await?;
            page.is_whole = self.keys.contains(&KeyKind::Text);
            if !page.full || self.drop_last_ties(&mut page).await? {
                return Ok(page);
            }
            // One key, by the column's collation, fills the page: only a larger one gets past it.
            ask.rows = ask.rows.saturating_mul(2);
        }
    }

    /// For sources that know no order: all rows, put in order here, without those before the point to go on from.
    async fn everything_at_once(&mut self, ask: &Ask) -> SourceResult<Page> {
        let mut page = self.consistent_page(ask).await?;
        if page.bytes > LARGEST_UNORDERED {
            let hint = format!(
                "The driver cannot put the rows of stream {:?} in order, and they are too many to do it here: narrow \
                 the stream with a `where`, or read the system by another driver.",
                self.query.name
            );
            return Err(SourceError::ask(
                self.query.kind,
                format!("read stream {}", self.query.name),
                "unsupported",
                hint,
                "more than 256 MB without an order",
            ));
        }
        let parts = |change: &RowChange| match change {
            RowChange::Upsert { row, .. } => key_parts(&row.values, &self.query.key),
            RowChange::Delete { .. } => None,
        };
        let mut keyed: Vec<(Vec<KeyPart>, RowChange)> = page
            .changes
            .drain(..)
            .filter_map(|change| Some((parts(&change)?, change)))
            .collect();
        if let Some(after) = &ask.after {
            keyed.retain(|(parts, _)| key::order(parts, after).is_gt());
            page.unreadable.clear();
        }
        keyed.sort_by(|(a, _), (b, _)| key::order(a, b));
        page.last = keyed.last().map(|(parts, _)| parts.clone());
        page.changes = keyed.into_iter().map(|(_, change)| change).collect();
        page.full = false;
        Ok(page)
    }

    /// Keys that differ may be one to the server's collation, and a page must not end between them: the last one and
    /// its equals wait for the next page. False when that leaves nothing.
    async fn drop_last_ties(&mut self, page: &mut Page) -> SourceResult<bool> {
        if !self.keys.contains(&KeyKind::Text) {
            return Ok(true);
        }
        let query = self.query.clone();
        let key = |change: &RowChange| match change {
            RowChange::Upsert { row, .. } => key_parts(&row.values, &query.key),
            RowChange::Delete { .. } => None,
        };
        let last = page.changes.last().and_then(key);
        let Some(last) = last.filter(|last| page.last.as_ref() == Some(last)) else {
            return Ok(true);
        };
        self.learn_casts().await?;
        loop {
            page.changes.pop();
            let before = page.changes.last().and_then(key);
            match before {
                Some(before) if self.are_equal(&before, &last).await? => {}
                before => {
                    page.last = before;
                    return Ok(page.last.is_some());
                }
            }
        }
    }

    /// Whether two keys are one to the server.
    async fn are_equal(&mut self, a: &[KeyPart], b: &[KeyPart]) -> SourceResult<bool> {
        let is_text = |part: &KeyPart| matches!(part, KeyPart::Text(_));
        if a == b || !a.iter().any(is_text) {
            return Ok(a == b);
        }
        let mut statement = Statement::new(&self.query.dialect);
        statement.push("SELECT CASE WHEN ");
        let mut joint = "";
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            if !is_text(a) || !is_text(b) {
                if a != b {
                    return Ok(false);
                }
                continue;
            }
            let cast = self.casts.as_ref().and_then(|known| known[i].clone());
            a.bind(statement.push(joint), cast.as_ref());
            b.bind(statement.push(" = "), cast.as_ref());
            joint = " AND ";
        }
        statement.push(" THEN 1 ELSE 0 END");
        statement.push(self.query.dialect.from_nothing());
        Ok(self.number(&statement).await? == Some(1))
    }

    async fn consistent_page(&mut self, ask: &Ask) -> SourceResult<Page> {
        self.begin().await?;
        let begun = Instant::now();
        let mut page = self.main_page(ask).await?;
        if !page.changes.is_empty() {
            self.attach_children(&mut page, ask.scope == Scope::All)
                .await?;
        }
        page.took = begun.elapsed();
        self.end().await?;
        Ok(page)
    }

    /// Only documents need a transaction.
    async fn begin(&mut self) -> SourceResult<()> {
        if self.query.children.is_empty() {
            return Ok(());
        }
        let result = self.session.begin().await;
        result.map_err(|fault| self.explain(fault))
    }

    async fn end(&mut self) -> SourceResult<()> {
        if self.query.children.is_empty() {
            return Ok(());
        }
        let result = self.session.end().await;
        result.map_err(|fault| self.explain(fault))
    }

    async fn main_page(&mut self, ask: &Ask) -> SourceResult<Page> {
        let query = self.query.clone();
        let ordered = query.dialect.ordering() == Ordering::Server;
        let mut statement = if ordered {
            query.main.start_limited(ask.rows)
        } else {
            query.main.start()
        };
        if let (Scope::Since { column, window }, Some(watermark)) = (&ask.scope, &query.watermark) {
            window.condition(statement.and().push("("), &watermark.columns[*column]);
            statement.push(")");
        }
        if !ordered {
            return self.changes(&statement, 0).await;
        }
        if let Some(after) = &ask.after {
            statement.and().push("(");
            beyond(&mut statement, &self.key_columns(), after, Side::After);
            statement.push(")");
        }
        query.main.order(&mut statement, query.key.iter().copied());
        statement.limit_last(ask.rows);
        let mut page = self.changes(&statement, ask.rows).await?;
        page.full = page.changes.len() + page.unreadable.len() >= ask.rows;
        Ok(page)
    }

    fn key_columns(&self) -> Vec<KeyColumn<'_>> {
        let columns = self.query.key.iter().enumerate().map(|(i, at)| KeyColumn {
            sql: &self.query.main.columns[*at],
            cast: self.casts.as_ref().and_then(|known| known[i].as_ref()),
            nulls: self.nulls[i],
        });
        columns.collect()
    }

    /// Runs a query of the stream's own columns.
    async fn changes(&mut self, statement: &Statement, expected: usize) -> SourceResult<Page> {
        let query = self.query.clone();
        let mut page = Page {
            changes: Vec::with_capacity(expected.min(50_000)),
            ..Page::default()
        };
        let groups = query.children.len();
        let mut last = None;
        let mut key_text = String::new();
        let result = self
            .session
            .rows(statement, &mut |values, bytes| {
                page.bytes += size_of::<Row>() + bytes;
                match key_of(&values, &query.key, &mut key_text) {
                    Ok(key) => {
                        let row = Row {
                            values,
                            children: vec![Vec::new(); groups],
                            position: None,
                        };
                        page.changes.push(RowChange::Upsert { key, row });
                        last = None;
                    }
                    Err(at) => {
                        last = key_parts(&values, &query.key);
                        page.unreadable.push(no_key(&query, at, &values));
                    }
                }
            })
            .await;
        result.map_err(|fault| self.explain(fault))?;
        page.last = last.or_else(|| match page.changes.last() {
            Some(RowChange::Upsert { row, .. }) => key_parts(&row.values, &query.key),
            Some(RowChange::Delete { .. }) | None => None,
        });
        Ok(page)
    }

    /// Keys are compared in the type and collation of their own column, for only then does the order of the rows agree
    /// with the comparison, and only then does the index serve.
    async fn learn_casts(&mut self) -> SourceResult<()> {
        if self.casts.is_some() {
            return Ok(());
        }
        let query = self.query.clone();
        self.casts = self.key_casts(&query.main, &query.key, false).await?;
        Ok(())
    }

    async fn key_casts(
        &mut self,
        select: &Select,
        columns: &[usize],
        is_child: bool,
    ) -> SourceResult<Option<Vec<Option<Cast>>>> {
        let keys = KeysOf {
            select,
            columns,
            kinds: &self.keys,
            is_child,
        };
        let casts = self.session.key_casts(keys).await;
        casts.map_err(|fault| self.explain(fault))
    }

    /// The current rows of these keys, and of keys that the server holds for the same.
    pub async fn keys(&mut self, keys: &[RowKey]) -> SourceResult<Page> {
        self.learn_casts().await?;
        let mut all = Page::default();
        let begun = Instant::now();
        let max = self.query.dialect.max_parameters();
        let chunk = keys_per_query(self.keys.len(), KEYS_PER_QUERY, max);
        for some in keys.chunks(chunk) {
            let parts: Vec<Vec<KeyPart>> = some.iter().filter_map(|key| self.parse(key)).collect();
            if parts.is_empty() {
                continue;
            }
            self.begin().await?;
            let mut statement = self.query.main.start();
            one_of(statement.and(), &self.key_columns(), &parts);
            let mut page = self.changes(&statement, some.len()).await?;
            self.attach_children(&mut page, false).await?;
            self.end().await?;
            all.changes.append(&mut page.changes);
            all.unreadable.append(&mut page.unreadable);
            all.bytes += page.bytes;
        }
        all.took = begun.elapsed();
        Ok(all)
    }

    /// A key as it would be written for its row, whatever a trigger made of it: moments, above all. What cannot be a key
    /// stays as it is; no row will have it.
    pub fn as_written(&self, key: RowKey) -> RowKey {
        match self.parse(&key) {
            Some(parts) => RowKey::join(parts.iter().map(|part| part.value().to_string())),
            None => key,
        }
    }

    fn parse(&self, key: &RowKey) -> Option<Vec<KeyPart>> {
        let parts = key.split();
        let fits = parts.len() == self.keys.len();
        let parse = || {
            parts
                .iter()
                .zip(&self.keys)
                .map(|(text, kind)| KeyPart::parse(text, *kind))
                .collect()
        };
        if fits { parse() } else { None }
    }

    async fn attach_children(&mut self, page: &mut Page, is_range: bool) -> SourceResult<()> {
        let query = self.query.clone();
        let max = query.dialect.max_parameters();
        for (group, child) in query.children.iter().enumerate() {
            let parents: Vec<Vec<KeyPart>> = page
                .changes
                .iter()
                .filter_map(|change| match change {
                    RowChange::Upsert { row, .. } => key_parts(&row.values, &query.key),
                    RowChange::Delete { .. } => None,
                })
                .collect();
            if parents.is_empty() {
                return Ok(());
            }
            if self.child_casts[group].is_none() {
                self.child_casts[group] =
                    self.key_casts(&child.select, &child.parent, true).await?;
            }
            let casts = self.child_casts[group].as_deref().unwrap_or_default();
            let statements = child_statements(child, casts, &parents, is_range, max);
            let mut nest = Nest::new(&mut page.changes, &query.key, group);
            for statement in statements {
                let total = &mut page.bytes;
                let result = self
                    .session
                    .rows(&statement, &mut |values, bytes| {
                        *total += size_of::<Row>() + bytes;
                        nest.add(values, &child.parent);
                    })
                    .await;
                result.map_err(|fault| self.session.explain(fault, &query))?;
            }
        }
        Ok(())
    }
}

async fn describe(
    session: &mut dyn SqlSession,
    query: &StreamQuery,
    statement: &Statement,
) -> SourceResult<Vec<ColumnInfo>> {
    let described = session.describe(statement).await;
    described.map_err(|fault| session.explain(fault, query))
}

/// A key that was asked for and has no row is gone.
pub(super) fn with_deletes(mut found: Vec<RowChange>, asked: &[RowKey]) -> Vec<RowChange> {
    let mut known: HashSet<RowKey> = found.iter().map(|change| change.key().clone()).collect();
    for key in asked {
        if known.insert(key.clone()) {
            found.push(RowChange::Delete { key: key.clone() });
        }
    }
    found
}

fn no_key(query: &StreamQuery, at: usize, values: &[Value]) -> RowProblem {
    let column = &query.shape.columns[at];
    let (raw, what) = match &values[at] {
        Value::Undecodable(broken) => (Some(values[at].to_string()), broken.reason.clone()),
        _ => (None, "is empty".to_owned()),
    };
    RowProblem {
        position: None,
        field: Some(format!("{column} ({})", query.main.columns[at].text)),
        raw,
        message: format!(
            "The key column {column} of a row in {} {what}; the row cannot be told apart from others. Give it a value in the POS.",
            query.table
        ),
    }
}
