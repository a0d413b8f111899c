//! Groups and what is computed over them.

use std::collections::{HashMap, HashSet};

use super::bind::Runner;
use super::evaluate::Frame;
use super::operators;
use super::plan::{AggregatePlan, SelectPlan};
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::{Result, SqlError};
use crate::sql::ast::BinaryOp;

struct Tally {
    count: i64,
    total: Value,
    seen: HashSet<Vec<u8>>,
}

/// The first row of a group, and its results.
type Finished = (Vec<Option<Row>>, Vec<Value>);

struct Group {
    /// The first row of the group, for the columns it is grouped by.
    rows: Vec<Option<Row>>,
    tallies: Vec<Tally>,
}

/// The groups of a query, in the order in which they were met.
pub(super) struct Groups {
    by_key: HashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
}

fn tallies(select: &SelectPlan) -> Vec<Tally> {
    let fresh = |_: &AggregatePlan| Tally {
        count: 0,
        total: Value::Null,
        seen: HashSet::new(),
    };
    select.aggregates.iter().map(fresh).collect()
}

impl Groups {
    pub fn new(select: &SelectPlan) -> Self {
        let mut groups = Self {
            by_key: HashMap::new(),
            groups: Vec::new(),
        };
        if select.group.is_empty() {
            groups.by_key.insert(Vec::new(), 0);
            groups.groups.push(Group {
                rows: vec![None; select.sources.len()],
                tallies: tallies(select),
            });
        }
        groups
    }

    pub fn add(
        &mut self,
        runner: &Runner<'_>,
        select: &SelectPlan,
        frame: &Frame<'_>,
    ) -> Result<()> {
        let mut key = Vec::new();
        for by in &select.group {
            runner.typed(by, frame)?.key(by.kind, &mut key);
        }
        let at = *self.by_key.entry(key).or_insert_with(|| {
            self.groups.push(Group {
                rows: frame.rows.to_vec(),
                tallies: tallies(select),
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        for (tally, plan) in group.tallies.iter_mut().zip(&select.aggregates) {
            let Some(of) = &plan.of else {
                tally.count += 1;
                continue;
            };
            let value = runner.typed(of, frame)?;
            if value.is_null() {
                continue;
            }
            if plan.distinct {
                let mut key = Vec::new();
                value.key(of.kind, &mut key);
                if !tally.seen.insert(key) {
                    continue;
                }
            }
            tally.count += 1;
            tally.take(plan, value, of.kind)?;
        }
        Ok(())
    }

    /// The groups with their results.
    pub fn finish(self, _runner: &Runner<'_>, select: &SelectPlan) -> Result<Vec<Finished>> {
        let mut finished = Vec::with_capacity(self.groups.len());
        for group in self.groups {
            let values = group
                .tallies
                .into_iter()
                .zip(&select.aggregates)
                .map(|(tally, plan)| tally.result(plan))
                .collect::<Result<_>>()?;
            finished.push((group.rows, values));
        }
        Ok(finished)
    }
}

impl Tally {
    fn take(&mut self, plan: &AggregatePlan, value: Value, kind: SqlType) -> Result<()> {
        match plan.name.as_str() {
            "MIN" | "MAX" => {
                let better = self.total.is_null()
                    || operators::compare(&value, &self.total, kind).is_lt()
                        == (plan.name == "MIN")
                        && operators::compare(&value, &self.total, kind).is_ne();
                if better {
                    self.total = value;
                }
            }
            "SUM" | "AVG" => {
                let value = convert(&value, kind, plan.kind)?;
                self.total = if self.total.is_null() {
                    value
                } else {
                    operators::arithmetic(
                        BinaryOp::Add,
                        (&self.total, plan.kind),
                        (&value, plan.kind),
                        plan.kind,
                    )?
                };
            }
            "COUNT" | "COUNT_BIG" => {}
            other => return Err(SqlError::beyond(other).into()),
        }
        Ok(())
    }

    fn result(self, plan: &AggregatePlan) -> Result<Value> {
        Ok(match plan.name.as_str() {
            "COUNT" | "COUNT_BIG" => Value::Int(self.count),
            "AVG" if self.count > 0 => operators::arithmetic(
                BinaryOp::Divide,
                (&self.total, plan.kind),
                (&Value::Int(self.count), SqlType::BigInt),
                plan.kind,
            )?,
            _ => self.total,
        })
    }
}
