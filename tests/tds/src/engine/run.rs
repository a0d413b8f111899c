//! Carries plans out.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use super::access::last_source;
use super::aggregate::Groups;
use super::bind::Runner;
use super::evaluate::Frame;
use super::plan::{Data, Field, Node, OrderBy, Plan, PlanBody, SelectPlan, SourcePlan, Typed};
use super::table::Range;
use crate::data::convert::convert;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::{BinaryOp, Combine, JoinKind};

type Flow = Result<ControlFlow<()>>;
type Emit<'a> = dyn FnMut(&[Option<Row>], &[u64]) -> Flow + 'a;
type Hashed = HashMap<Vec<u8>, Vec<(u64, Row)>>;

/// The sources of one query while they are joined.
pub(super) struct Walk<'a> {
    pub sources: &'a [SourcePlan],
    pub up: Option<&'a Frame<'a>>,
    /// Rows of a source by the value it is joined on, made when first needed.
    hashed: RefCell<HashMap<usize, Rc<Hashed>>>,
    first: Option<Range>,
}

impl<'a> Walk<'a> {
    pub fn new(sources: &'a [SourcePlan], up: Option<&'a Frame<'a>>, first: Option<Range>) -> Self {
        Self {
            sources,
            up,
            hashed: RefCell::default(),
            first,
        }
    }

    fn frame<'f>(&'f self, rows: &'f [Option<Row>]) -> Frame<'f> {
        Frame {
            rows,
            aggregates: &[],
            windows: &[],
            up: self.up,
        }
    }
}

/// A row of the result and what it is sorted by.
struct Sorted {
    key: Vec<u8>,
    row: Row,
}

impl Runner<'_> {
    /// All rows of a query.
    pub fn rows_of(&self, plan: &Plan, up: Option<&Frame<'_>>) -> Result<Vec<Row>> {
        self.execute(plan, up, None)
    }

    /// At most one row, for EXISTS.
    pub fn first_row(&self, plan: &Plan, up: Option<&Frame<'_>>) -> Result<Vec<Row>> {
        self.execute(plan, up, Some(1))
    }

    fn execute(&self, plan: &Plan, up: Option<&Frame<'_>>, cap: Option<usize>) -> Result<Vec<Row>> {
        let count = |value: &Option<Typed>| -> Result<Option<usize>> {
            match value {
                None => Ok(None),
                Some(value) => {
                    let number = self.constant(value)?.as_int().unwrap_or(0);
                    let number = usize::try_from(number).map_err(|_| {
                        SqlError::new(1060, 15, "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.")
                    })?;
                    Ok(Some(number))
                }
            }
        };
        let skip = count(&plan.skip)?.unwrap_or(0);
        let limit = match (count(&plan.limit)?, cap) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let enough = limit.map(|limit| limit.saturating_add(skip));
        let mut rows = match &plan.body {
            PlanBody::Select(select) => self.run_select(plan, select, up, enough)?,
            PlanBody::Values(values) => {
                let frame = Frame { up, ..Frame::EMPTY };
                let mut rows = Vec::new();
                for row in values {
                    let row = row
                        .iter()
                        .map(|value| self.typed(value, &frame))
                        .collect::<Result<Vec<_>>>()?;
                    rows.push(row.into());
                }
                rows
            }
            PlanBody::Combined(left, right, how) => {
                let rows = self.combined(left, right, *how, &plan.fields, up)?;
                sort_outputs(plan, rows)
            }
        };
        if skip > 0 {
            rows.drain(..skip.min(rows.len()));
        }
        if let Some(limit) = limit {
            rows.truncate(limit);
        }
        Ok(rows)
    }

    fn combined(
        &self,
        left: &Plan,
        right: &Plan,
        how: Combine,
        fields: &[Field],
        up: Option<&Frame<'_>>,
    ) -> Result<Vec<Row>> {
        let dress = |plan: &Plan, rows: Vec<Row>| -> Result<Vec<Row>> {
            let mut dressed = Vec::with_capacity(rows.len());
            for row in rows {
                let values = row
                    .iter()
                    .zip(plan.fields.iter().zip(fields))
                    .map(|(value, (from, to))| convert(value, from.kind, to.kind))
                    .collect::<Result<Vec<_>, _>>()?;
                dressed.push(values.into());
            }
            Ok(dressed)
        };
        let mut rows = dress(left, self.rows_of(left, up)?)?;
        let others = dress(right, self.rows_of(right, up)?)?;
        let mut seen = HashSet::new();
        match how {
            Combine::UnionAll => rows.extend(others),
            Combine::Union => {
                rows.extend(others);
                rows.retain(|row| seen.insert(row_key(row, fields)));
            }
            Combine::Except | Combine::Intersect => {
                let others: HashSet<Vec<u8>> =
                    others.iter().map(|row| row_key(row, fields)).collect();
                rows.retain(|row| {
                    let key = row_key(row, fields);
                    others.contains(&key) == (how == Combine::Intersect) && seen.insert(key)
                });
            }
        }
        Ok(rows)
    }

    fn run_select(
        &self,
        plan: &Plan,
        select: &SelectPlan,
        up: Option<&Frame<'_>>,
        enough: Option<usize>,
    ) -> Result<Vec<Row>> {
        let outer = Frame { up, ..Frame::EMPTY };
        for guard in &select.guards {
            if !self.is_true(guard, &outer)? {
                let groups = Groups::new(select);
                return if select.grouped && select.group.is_empty() {
                    self.grouped(plan, select, groups, up)
                } else {
                    Ok(Vec::new())
                };
            }
        }
        let mut first = self.first_range(select, &outer)?;
        let mut stop_at = None;
        if let Some(range) = &mut first {
            let order = if plan.order.is_empty()
                && !select.grouped
                && !select.distinct
                && select.windows.is_empty()
            {
                Some(false)
            } else {
                self.is_in_order(plan, select, range)?
                    .filter(|_| !plan.order.is_empty())
            };
            if let Some(backwards) = order {
                range.backwards = backwards;
                stop_at = enough;
            }
        }
        let in_order = stop_at.is_some();
        let walk = Walk::new(&select.sources, up, first);
        if select.grouped {
            let mut groups = Groups::new(select);
            self.walk(&walk, &mut |rows, _| {
                let frame = Frame {
                    rows,
                    aggregates: &[],
                    windows: &[],
                    up,
                };
                groups.add(self, select, &frame)?;
                Ok(ControlFlow::Continue(()))
            })?;
            return self.grouped(plan, select, groups, up);
        }
        let mut found: Vec<Sorted> = Vec::new();
        if select.windows.is_empty() {
            if stop_at == Some(0) {
                return Ok(Vec::new());
            }
            self.walk(&walk, &mut |rows, _| {
                let frame = Frame {
                    rows,
                    aggregates: &[],
                    windows: &[],
                    up,
                };
                found.push(self.output(plan, select, &frame)?);
                Ok(if stop_at.is_some_and(|enough| found.len() >= enough) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })?;
        } else {
            found = self.windowed(plan, select, &walk, up)?;
        }
        Ok(finish(plan, select, found, in_order))
    }

    fn first_range(&self, select: &SelectPlan, outer: &Frame<'_>) -> Result<Option<Range>> {
        let Some(first) = select.sources.first() else {
            return Ok(None);
        };
        let Data::Table {
            database, table, ..
        } = &first.data
        else {
            return Ok(Some(Range::default()));
        };
        let table = self
            .state
            .databases
            .get(database)
            .and_then(|d| d.tables.get(table));
        match table {
            Some(table) => self.range(table, first, 0, outer).map(Some),
            None => Ok(None),
        }
    }

    fn grouped(
        &self,
        plan: &Plan,
        select: &SelectPlan,
        groups: Groups,
        up: Option<&Frame<'_>>,
    ) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for (rows, aggregates) in groups.finish(self, select)? {
            let frame = Frame {
                rows: &rows,
                aggregates: &aggregates,
                windows: &[],
                up,
            };
            let keep = match &select.having {
                None => true,
                Some(having) => self.is_true(having, &frame)?,
            };
            if keep {
                found.push(self.output(plan, select, &frame)?);
            }
        }
        Ok(finish(plan, select, found, false))
    }

    fn windowed(
        &self,
        plan: &Plan,
        select: &SelectPlan,
        walk: &Walk<'_>,
        up: Option<&Frame<'_>>,
    ) -> Result<Vec<Sorted>> {
        let mut all: Vec<Vec<Option<Row>>> = Vec::new();
        self.walk(walk, &mut |rows, _| {
            all.push(rows.to_vec());
            Ok(ControlFlow::Continue(()))
        })?;
        let mut numbers = vec![vec![0i64; select.windows.len()]; all.len()];
        for (at, window) in select.windows.iter().enumerate() {
            let mut keys = Vec::new();
            for (row, rows) in all.iter().enumerate() {
                let frame = Frame {
                    rows,
                    aggregates: &[],
                    windows: &[],
                    up,
                };
                let mut partition = Vec::new();
                for by in &window.partition {
                    self.typed(by, &frame)?.key(by.kind, &mut partition);
                }
                let mut order = Vec::new();
                for (by, descending) in &window.order {
                    push_key(&self.typed(by, &frame)?, by.kind, *descending, &mut order);
                }
                keys.push((partition, order, row));
            }
            keys.sort();
            let mut number = 0;
            for (i, (partition, _, row)) in keys.iter().enumerate() {
                number = if i > 0 && keys[i - 1].0 == *partition {
                    number + 1
                } else {
                    1
                };
                numbers[*row][at] = number;
            }
        }
        let mut found = Vec::new();
        for (rows, windows) in all.iter().zip(&numbers) {
            let frame = Frame {
                rows,
                aggregates: &[],
                windows,
                up,
            };
            found.push(self.output(plan, select, &frame)?);
        }
        Ok(found)
    }

    fn output(&self, plan: &Plan, select: &SelectPlan, frame: &Frame<'_>) -> Result<Sorted> {
        let row = select
            .items
            .iter()
            .map(|item| self.typed(item, frame))
            .collect::<Result<Vec<_>>>()?;
        let mut key = Vec::new();
        for ordering in &plan.order {
            let (value, kind) = match &ordering.by {
                OrderBy::Output(at) => (row[*at].clone(), plan.fields[*at].kind),
                OrderBy::Value(value) => (self.typed(value, frame)?, value.kind),
            };
            push_key(&value, kind, ordering.descending, &mut key);
        }
        Ok(Sorted {
            key,
            row: row.into(),
        })
    }

    /// Joins the sources, and calls `emit` for each combination that meets the conditions.
    pub(super) fn walk(&self, walk: &Walk<'_>, emit: &mut Emit<'_>) -> Result<()> {
        let mut rows = vec![None; walk.sources.len()];
        let mut ids = vec![0; walk.sources.len()];
        self.step(walk, 0, &mut rows, &mut ids, emit).map(|_| ())
    }

    fn step(
        &self,
        walk: &Walk<'_>,
        at: usize,
        rows: &mut Vec<Option<Row>>,
        ids: &mut Vec<u64>,
        emit: &mut Emit<'_>,
    ) -> Flow {
        let Some(source) = walk.sources.get(at) else {
            return emit(rows, ids);
        };
        rows[at] = None;
        let candidates = self.candidates(walk, at, source, rows)?;
        let mut matched = false;
        let mut visit = |id: u64, row: &Row| -> Flow {
            rows[at] = Some(row.clone());
            ids[at] = id;
            let frame = walk.frame(rows);
            if !self.all_true(&source.on, &frame)? {
                return Ok(ControlFlow::Continue(()));
            }
            matched = true;
            if !self.all_true(&source.filter, &frame)? {
                return Ok(ControlFlow::Continue(()));
            }
            self.step(walk, at + 1, rows, ids, emit)
        };
        let flow = match candidates {
            Candidates::Scan(range) => {
                let Data::Table {
                    database,
                    table,
                    sight,
                } = &source.data
                else {
                    return Ok(ControlFlow::Continue(()));
                };
                let table = self
                    .state
                    .databases
                    .get(database)
                    .and_then(|d| d.tables.get(table));
                match table {
                    Some(table) => {
                        table.scan(&range, *sight, self.locals.transaction, &mut visit)?
                    }
                    None => ControlFlow::Continue(()),
                }
            }
            Candidates::Hashed(hashed, key) => {
                let mut flow = ControlFlow::Continue(());
                for (id, row) in hashed.get(&key).into_iter().flatten() {
                    flow = visit(*id, row)?;
                    if flow.is_break() {
                        break;
                    }
                }
                flow
            }
            Candidates::Rows(list) => {
                let mut flow = ControlFlow::Continue(());
                for row in &list {
                    flow = visit(0, row)?;
                    if flow.is_break() {
                        break;
                    }
                }
                flow
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
        rows[at] = None;
        ids[at] = 0;
        let outer = matches!(source.join, JoinKind::Left | JoinKind::OuterApply);
        if outer && !matched && self.all_true(&source.filter, &walk.frame(rows))? {
            return self.step(walk, at + 1, rows, ids, emit);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn all_true(&self, conditions: &[Node], frame: &Frame<'_>) -> Result<bool> {
        for condition in conditions {
            if !self.is_true(condition, frame)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn candidates(
        &self,
        walk: &Walk<'_>,
        at: usize,
        source: &SourcePlan,
        rows: &[Option<Row>],
    ) -> Result<Candidates> {
        let frame = walk.frame(rows);
        if let Data::Apply(plan) = &source.data {
            return self.rows_of(plan, Some(&frame)).map(Candidates::Rows);
        }
        if let Data::Derived(plan) = &source.data {
            return self.rows_of(plan, walk.up).map(Candidates::Rows);
        }
        let mut whole = Range::default();
        if let Data::Table {
            database, table, ..
        } = &source.data
        {
            if at == 0
                && let Some(first) = &walk.first
            {
                return Ok(Candidates::Scan(first.clone()));
            }
            let table = self
                .state
                .databases
                .get(database)
                .and_then(|d| d.tables.get(table));
            if let Some(table) = table {
                whole = self.range(table, source, at, &frame)?;
                if !whole.from.is_empty() || whole.to.is_some() {
                    return Ok(Candidates::Scan(whole));
                }
            }
        }
        if at > 0
            && let Some((own, other)) = joined_on(source, at)
        {
            let value = self.typed(other, &frame)?;
            let hashed = self.hashed(walk, at, source, own, &whole)?;
            let mut key = Vec::new();
            value.key(other.kind, &mut key);
            if value.is_null() {
                key.clear();
            }
            return Ok(Candidates::Hashed(hashed, key));
        }
        Ok(match &source.data {
            Data::Rows(list) => Candidates::Rows(list.clone()),
            Data::Table { .. } | Data::Apply(_) | Data::Derived(_) => Candidates::Scan(whole),
        })
    }

    fn hashed(
        &self,
        walk: &Walk<'_>,
        at: usize,
        source: &SourcePlan,
        own: &Typed,
        whole: &Range,
    ) -> Result<Rc<Hashed>> {
        if let Some(found) = walk.hashed.borrow().get(&at) {
            return Ok(Rc::clone(found));
        }
        let mut hashed = Hashed::new();
        let mut rows: Vec<Option<Row>> = vec![None; walk.sources.len()];
        let mut add = |id: u64, row: &Row| -> Result<()> {
            rows[at] = Some(row.clone());
            let value = self.typed(own, &walk.frame(&rows))?;
            if !value.is_null() {
                let mut key = Vec::new();
                value.key(own.kind, &mut key);
                hashed.entry(key).or_default().push((id, row.clone()));
            }
            Ok(())
        };
        match &source.data {
            Data::Rows(list) => {
                for row in list {
                    add(0, row)?;
                }
            }
            Data::Table {
                database,
                table,
                sight,
            } => {
                if let Some(table) = self
                    .state
                    .databases
                    .get(database)
                    .and_then(|d| d.tables.get(table))
                {
                    let mut each =
                        |id: u64, row: &Row| add(id, row).map(|()| ControlFlow::Continue(()));
                    table
                        .scan(whole, *sight, self.locals.transaction, &mut each)
                        .map(|_| ())?;
                }
            }
            Data::Apply(_) | Data::Derived(_) => {}
        }
        let hashed = Rc::new(hashed);
        walk.hashed.borrow_mut().insert(at, Rc::clone(&hashed));
        Ok(hashed)
    }
}

enum Candidates {
    Scan(Range),
    Hashed(Rc<Hashed>, Vec<u8>),
    Rows(Vec<Row>),
}

/// The two sides of an equality that joins a source to those before it: its own, and theirs.
fn joined_on(source: &SourcePlan, at: usize) -> Option<(&Typed, &Typed)> {
    let filter = if source.join == JoinKind::Inner {
        source.filter.as_slice()
    } else {
        &[]
    };
    source.on.iter().chain(filter).find_map(|part| {
        let Node::Compare(BinaryOp::Equal, a, b) = part else {
            return None;
        };
        let earlier =
            |side: &Typed| last_source(&side.node, usize::MAX).is_none_or(|last| last < at);
        let own = |side: &Typed| matches!(bare(&side.node), Some(source) if source == at);
        if own(a) && earlier(b) {
            Some((&**a, &**b))
        } else if own(b) && earlier(a) {
            Some((&**b, &**a))
        } else {
            None
        }
    })
}

fn bare(node: &Node) -> Option<usize> {
    match node {
        Node::Column { up: 0, source, .. } => Some(*source),
        Node::Convert { of, .. } => bare(&of.node),
        _ => None,
    }
}

fn push_key(
    value: &Value,
    kind: crate::data::types::SqlType,
    descending: bool,
    into: &mut Vec<u8>,
) {
    let start = into.len();
    value.key(kind, into);
    if descending {
        into[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

pub(super) fn row_key(row: &Row, fields: &[Field]) -> Vec<u8> {
    let mut key = Vec::new();
    for (value, field) in row.iter().zip(fields) {
        value.key(field.kind, &mut key);
    }
    key
}

fn sort_outputs(plan: &Plan, rows: Vec<Row>) -> Vec<Row> {
    let keyed = rows.into_iter().map(|row| {
        let mut key = Vec::new();
        for ordering in &plan.order {
            if let OrderBy::Output(at) = ordering.by {
                push_key(
                    &row[at],
                    plan.fields[at].kind,
                    ordering.descending,
                    &mut key,
                );
            }
        }
        Sorted { key, row }
    });
    let mut sorted: Vec<Sorted> = keyed.collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    sorted.into_iter().map(|sorted| sorted.row).collect()
}

fn finish(plan: &Plan, select: &SelectPlan, mut found: Vec<Sorted>, in_order: bool) -> Vec<Row> {
    if select.distinct {
        let mut seen = HashSet::new();
        found.retain(|sorted| seen.insert(row_key(&sorted.row, &plan.fields)));
    }
    if !in_order {
        found.sort_by(|a, b| a.key.cmp(&b.key));
    }
    found.into_iter().map(|sorted| sorted.row).collect()
}
