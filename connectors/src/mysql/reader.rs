//! Pages of rows with the rows that belong to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fluxion_model::row::{Row, RowChange, RowKey};
use fluxion_model::value::Value;
use mysql_async::{Column, Value as Param};

use super::KIND;
use super::children::{KEYS_PER_QUERY, Nest, child_statements, one_of};
use super::decode::{Plan, moment};
use super::fault;
use super::key::{KeyColumn, KeyPart, Side, beyond, key_of, key_parts};
use super::position::Mark;
use super::session::{QueryFault, Session};
use super::sql::{Statement, StreamQuery, invalid};
use super::watermark::{self, Clock, Low};
use crate::connector::RowProblem;
use crate::error::{SourceError, SourceResult};

/// Tables with more rows than this are not counted; the server's estimate must do.
const WORTH_COUNTING: u64 = 1_000_000;

/// Reads for one stream over one connection.
#[derive(Debug)]
pub(super) struct Reader {
    session: Session,
    query: Arc<StreamQuery>,
    key_plans: Vec<Plan>,
    /// Charset and collation of text keys, once known.
    collations: Option<Vec<Option<(String, String)>>>,
}

/// Which rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scope {
    All,
    Since { column: usize, low: Low },
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
    pub fn new(session: Session, query: Arc<StreamQuery>) -> Self {
        Self {
            session,
            query,
            key_plans: Vec::new(),
            collations: None,
        }
    }

    pub fn query(&self) -> &StreamQuery {
        &self.query
    }

    pub fn shared_query(&self) -> Arc<StreamQuery> {
        self.query.clone()
    }

    pub fn into_session(self) -> Session {
        self.session
    }

    /// Has the server check every query of the stream without running it.
    pub async fn check(&mut self) -> SourceResult<()> {
        let query = self.query.clone();
        let columns = self.columns(&query.main.start()).await?;
        for at in &query.key {
            if Plan::cannot_be_a_key(&columns[*at]) {
                let name = &query.shape.columns[*at];
                let reason = format!(
                    "its key {name:?} is an ENUM, SET or FLOAT, which cannot be read in order; write CAST({} AS CHAR)",
                    query.main.columns[*at].text
                );
                return Err(invalid(&query.name, &reason));
            }
        }
        self.key_plans = query.key.iter().map(|at| Plan::of(&columns[*at])).collect();
        for child in &query.children {
            self.columns(&child.select.start()).await?;
        }
        if let Some(watermark) = &query.watermark {
            let mut statement = Statement::default();
            statement.push("SELECT 1");
            for column in &watermark.columns {
                statement.push(", ").fragment(column);
            }
            query.main.tables(&mut statement);
            self.columns(&statement).await?;
        }
        Ok(())
    }

    async fn columns(&mut self, statement: &Statement) -> SourceResult<Vec<Column>> {
        let fault = match self.session.columns(statement).await {
            Ok(columns) => return Ok(columns),
            Err(fault) => fault,
        };
        Err(self.explain(fault))
    }

    fn explain(&self, fault: QueryFault) -> SourceError {
        match fault {
            QueryFault::Server(error) => fault::reading(&self.query, error),
            QueryFault::Late(late) => {
                SourceError::retry(KIND, format!("read stream {}", self.query.name), late)
            }
        }
    }

    /// How many rows a scan will read, where that is cheap to tell.
    pub async fn count(&mut self) -> SourceResult<Option<u64>> {
        let mut estimate = Statement::default();
        estimate
            .push("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?")
            .bind(self.query.table.as_ref().into());
        let estimate = self.number(&estimate).await?;
        if estimate.is_some_and(|rows| rows > WORTH_COUNTING) {
            return Ok(estimate);
        }
        let mut count = Statement::default();
        count.push("SELECT COUNT(*)");
        self.query.main.tables(&mut count);
        self.number(&count).await
    }

    async fn number(&mut self, statement: &Statement) -> SourceResult<Option<u64>> {
        let mut number = None;
        let result = self
            .session
            .rows(statement, |_, row| {
                number = row
                    .get_opt::<Option<u64>, _>(0)
                    .and_then(Result::ok)
                    .flatten()
            })
            .await;
        result.map_err(|fault| self.explain(fault))?;
        Ok(number)
    }

    /// The highest value of each watermark column.
    pub async fn marks(&mut self, last: &[Mark]) -> SourceResult<Vec<Mark>> {
        let query = self.query.clone();
        let Some(columns) = &query.watermark else {
            return Ok(Vec::new());
        };
        let mut values = Vec::new();
        let zero_dates = self.session.target.config.zero_dates;
        let result = self
            .session
            .rows(&query.high_marks(columns), |columns, row| {
                let plans = columns.iter().map(Plan::of);
                let cells = row.unwrap().into_iter().zip(plans);
                values = cells
                    .map(|(cell, plan)| plan.read(cell, zero_dates, &mut 0))
                    .collect();
            })
            .await;
        result.map_err(|fault| self.explain(fault))?;
        let utc = values.first().and_then(moment).unwrap_or_default();
        let local = values.get(1).and_then(moment).unwrap_or(utc);
        let clock = Clock {
            utc: utc.and_utc(),
            local,
        };
        let mut marks = Vec::with_capacity(columns.columns.len());
        for (i, column) in columns.columns.iter().enumerate() {
            let highest = match values.get(i + 2) {
                // The highest date is a zero date: there is none yet.
                None | Some(Value::Undecodable(_)) => &Value::Null,
                Some(value) => value,
            };
            let mark = watermark::mark(highest, clock, last.get(i), columns.overlap);
            marks.push(mark.ok_or_else(|| {
                let reason = format!(
                    "watermark column {} holds text; write STR_TO_DATE({}, '...') with its format, or use \"diff\"",
                    column.text, column.text
                );
                invalid(&query.name, &reason)
            })?);
        }
        Ok(marks)
    }

    /// One page in key order. Rows of a document are read in one transaction, so that no sale is seen half written.
    pub async fn page(&mut self, ask: &Ask) -> SourceResult<Page> {
        let mut ask = ask.clone();
        if ask.after.is_some() {
            self.learn_collations().await?;
        }
        loop {
            let mut page = self.consistent_page(&ask).await?;
            page.is_whole = self.key_plans.contains(&Plan::Text);
            if !page.full || self.drop_last_ties(&mut page).await? {
                return Ok(page);
            }
            // One key, by the column's collation, fills the page: only a larger one gets past it.
            ask.rows = ask.rows.saturating_mul(2);
        }
    }

    /// Keys that differ may be one to the server's collation, and a page must not end between them: the last one and
    /// its equals wait for the next page. False when that leaves nothing.
    async fn drop_last_ties(&mut self, page: &mut Page) -> SourceResult<bool> {
        if !self.key_plans.contains(&Plan::Text) {
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
        self.learn_collations().await?;
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
        let mut statement = Statement::default();
        statement.push("SELECT 1");
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            if !is_text(a) {
                if a != b {
                    return Ok(false);
                }
                continue;
            }
            let collation = self.collations.as_ref().and_then(|known| known[i].clone());
            a.bind(statement.push(" AND "), collation.as_ref());
            b.bind(statement.push(" = "), collation.as_ref());
        }
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

    async fn begin(&mut self) -> SourceResult<()> {
        self.bracket("START TRANSACTION").await
    }

    async fn end(&mut self) -> SourceResult<()> {
        self.bracket("COMMIT").await
    }

    /// Only documents need a transaction.
    async fn bracket(&mut self, command: &str) -> SourceResult<()> {
        if self.query.children.is_empty() {
            return Ok(());
        }
        let result = self.session.set(command).await;
        result.map_err(|fault| self.explain(fault))
    }

    async fn main_page(&mut self, ask: &Ask) -> SourceResult<Page> {
        let query = self.query.clone();
        let mut statement = query.main.start();
        if let (Scope::Since { column, low }, Some(watermark)) = (&ask.scope, &query.watermark) {
            low.condition(statement.and().push("("), &watermark.columns[*column]);
            statement.push(")");
        }
        if let Some(after) = &ask.after {
            statement.and().push("(");
            beyond(&mut statement, &self.key_columns(), after, Side::After);
            statement.push(")");
        }
        query.main.order(&mut statement, query.key.iter().copied());
        statement
            .push(" LIMIT ?")
            .bind(Param::UInt(ask.rows as u64));
        let mut page = self.changes(&statement, ask.rows).await?;
        page.full = page.changes.len() + page.unreadable.len() >= ask.rows;
        Ok(page)
    }

    fn key_columns(&self) -> Vec<KeyColumn<'_>> {
        let columns = self.query.key.iter().enumerate().map(|(i, at)| KeyColumn {
            sql: &self.query.main.columns[*at],
            collation: self.collations.as_ref().and_then(|known| known[i].as_ref()),
        });
        columns.collect()
    }

    /// Runs a query of the stream's own columns.
    async fn changes(&mut self, statement: &Statement, expected: usize) -> SourceResult<Page> {
        let query = self.query.clone();
        let zero_dates = self.session.target.config.zero_dates;
        let mut page = Page {
            changes: Vec::with_capacity(expected.min(50_000)),
            ..Page::default()
        };
        let mut plans = Vec::new();
        let groups = query.children.len();
        let mut last = None;
        let mut key_text = String::new();
        let result = self
            .session
            .rows(statement, |columns, row| {
                if plans.is_empty() {
                    plans = columns.iter().map(Plan::of).collect::<Vec<_>>();
                }
                let values = read_row(row, &plans, zero_dates, &mut page.bytes);
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

    /// Text keys are compared in the collation of their own column, for only then does the order of the rows agree
    /// with the comparison, and only then does the index serve.
    async fn learn_collations(&mut self) -> SourceResult<()> {
        if self.collations.is_some() || !self.key_plans.contains(&Plan::Text) {
            return Ok(());
        }
        let query = self.query.clone();
        let mut statement = Statement::default();
        statement.push("SELECT 1");
        for at in &query.key {
            let column = &query.main.columns[*at];
            statement
                .push(", CHARSET(")
                .fragment(column)
                .push("), COLLATION(")
                .fragment(column)
                .push(")");
        }
        query.main.tables(&mut statement);
        statement.push(" LIMIT 1");
        let mut names: Vec<Option<String>> = Vec::new();
        let result = self
            .session
            .rows(&statement, |_, row| {
                names = (1..row.len())
                    .map(|at| row.get_opt::<String, _>(at).and_then(Result::ok))
                    .collect();
            })
            .await;
        result.map_err(|fault| self.explain(fault))?;
        // An empty table tells nothing, and needs nothing.
        if names.is_empty() {
            return Ok(());
        }
        let pairs = names
            .chunks(2)
            .zip(&self.key_plans)
            .map(|(pair, plan)| match (pair, plan) {
                ([Some(charset), Some(collation)], Plan::Text) if charset != "binary" => {
                    Some((charset.clone(), collation.clone()))
                }
                _ => None,
            });
        self.collations = Some(pairs.collect());
        Ok(())
    }

    /// The current rows of these keys.
    pub async fn keys(&mut self, keys: &[RowKey]) -> SourceResult<Vec<RowChange>> {
        self.check().await?;
        self.learn_collations().await?;
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(KEYS_PER_QUERY) {
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
            // A collation may find `ABC` where `abc` was asked for; that is another key.
            let asked: std::collections::HashSet<&RowKey> = some.iter().collect();
            found.extend(
                page.changes
                    .into_iter()
                    .filter(|change| asked.contains(change.key())),
            );
        }
        Ok(found)
    }

    fn parse(&self, key: &RowKey) -> Option<Vec<KeyPart>> {
        let parts = key.split();
        let fits = parts.len() == self.key_plans.len();
        let parse = || {
            parts
                .iter()
                .zip(&self.key_plans)
                .map(|(text, plan)| KeyPart::parse(text, *plan))
                .collect()
        };
        if fits { parse() } else { None }
    }

    async fn attach_children(&mut self, page: &mut Page, is_scan: bool) -> SourceResult<()> {
        let query = self.query.clone();
        for (group, child) in query.children.iter().enumerate() {
            let parents: Vec<Vec<KeyPart>> = page
                .changes
                .iter()
                .filter_map(|change| match change {
                    RowChange::Upsert { row, .. } => key_parts(&row.values, &query.key),
                    RowChange::Delete { .. } => None,
                })
                .collect();
            let mut nest = Nest::new(&mut page.changes, &query.key, group);
            for statement in child_statements(child, &parents, is_scan) {
                let zero_dates = self.session.target.config.zero_dates;
                let mut plans = Vec::new();
                let bytes = &mut page.bytes;
                let result = self
                    .session
                    .rows(&statement, |columns, row| {
                        if plans.is_empty() {
                            plans = columns.iter().map(Plan::of).collect::<Vec<_>>();
                        }
                        nest.add(read_row(row, &plans, zero_dates, bytes), &child.parent);
                    })
                    .await;
                result.map_err(|fault| self.explain(fault))?;
            }
        }
        Ok(())
    }
}

fn read_row(
    row: mysql_async::Row,
    plans: &[Plan],
    zero_dates: super::config::ZeroDates,
    bytes: &mut usize,
) -> Vec<Value> {
    *bytes += size_of::<Row>();
    row.unwrap()
        .into_iter()
        .zip(plans)
        .map(|(cell, plan)| plan.read(cell, zero_dates, bytes))
        .collect()
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
