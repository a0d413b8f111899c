//! Joins: from the sources of a query to the combinations of their rows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::data::value::Row;
use crate::engine::access::last_source;
use crate::engine::bind::Runner;
use crate::engine::evaluate::Frame;
use crate::engine::plan::{Data, Node, SourcePlan, Typed};
use crate::engine::table::Range;
use crate::error::Result;
use crate::sql::ast::{BinaryOp, JoinKind};

type Flow = Result<ControlFlow<()>>;
type Emit<'a> = dyn FnMut(&[Option<Row>], &[u64]) -> Flow + 'a;
type Hashed = HashMap<Vec<u8>, Vec<(u64, Row)>>;

/// The sources of one query while they are joined.
pub(in crate::engine) struct Walk<'a> {
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

impl Runner<'_> {
    /// Joins the sources, and calls `emit` for each combination that meets the conditions.
    pub(in crate::engine) fn walk(&self, walk: &Walk<'_>, emit: &mut Emit<'_>) -> Result<()> {
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
