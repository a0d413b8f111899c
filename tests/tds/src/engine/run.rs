//! Carries plans out.

pub(super) mod walk;

use std::collections::HashSet;
use std::ops::ControlFlow;

use walk::Walk;

use super::aggregate::Groups;
use super::bind::Runner;
use super::evaluate::Frame;
use super::plan::{Data, Field, OrderBy, Plan, PlanBody, SelectPlan, Typed};
use super::table::Range;
use crate::data::convert::convert;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::Combine;

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
