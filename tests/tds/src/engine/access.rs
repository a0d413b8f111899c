//! Which rows of a table a query needs to look at: by an index where a condition allows it.

use super::bind::Runner;
use super::evaluate::Frame;
use super::operators;
use super::plan::{Data, Node, OrderBy, Ordering, Plan, SelectPlan, SourcePlan, Typed};
use super::table::{Range, Table};
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::error::Result;
use crate::sql::ast::BinaryOp;

/// The last of a query's own sources that a condition mentions; subqueries count as mentioning all of them.
pub(super) fn last_source(node: &Node, count: usize) -> Option<usize> {
    let mut last = None;
    visit(node, &mut |found| match found {
        Node::Column { up: 0, source, .. } => last = last.max(Some(*source)),
        Node::Exists(_) | Node::InQuery(..) | Node::Scalar(_) => {
            last = last.max(count.checked_sub(1))
        }
        _ => {}
    });
    last
}

fn visit<'n>(node: &'n Node, see: &mut dyn FnMut(&'n Node)) {
    see(node);
    match node {
        Node::Constant(_)
        | Node::Column { .. }
        | Node::Exists(_)
        | Node::Scalar(_)
        | Node::Aggregate(_)
        | Node::Window(_) => {}
        Node::Unary(_, of) | Node::InQuery(of, ..) | Node::IsNull(of, _) => visit(&of.node, see),
        Node::Convert { of, style, .. } => {
            visit(&of.node, see);
            if let Some(style) = style {
                visit(&style.node, see);
            }
        }
        Node::Arithmetic(_, a, b) | Node::Compare(_, a, b) => {
            visit(&a.node, see);
            visit(&b.node, see);
        }
        Node::And(a, b) | Node::Or(a, b) => {
            visit(a, see);
            visit(b, see);
        }
        Node::Not(of) => visit(of, see),
        Node::Like {
            of,
            pattern,
            escape,
            ..
        } => {
            visit(&of.node, see);
            visit(&pattern.node, see);
            if let Some(escape) = escape {
                visit(&escape.node, see);
            }
        }
        Node::In(of, list, _) => {
            visit(&of.node, see);
            list.iter().for_each(|item| visit(&item.node, see));
        }
        Node::Case(branches, otherwise) => {
            for (condition, value) in branches {
                visit(condition, see);
                visit(value, see);
            }
            visit(otherwise, see);
        }
        Node::Call(_, arguments) => arguments.iter().for_each(|a| visit(&a.node, see)),
    }
}

/// A column of a source, compared with something that is known before the source is read.
struct Compared<'n> {
    op: BinaryOp,
    column: usize,
    with: &'n Typed,
}

fn compared(node: &Node, source: usize) -> Option<Compared<'_>> {
    let Node::Compare(op, left, right) = node else {
        return None;
    };
    let known = |side: &Typed| last_source(&side.node, usize::MAX).is_none_or(|last| last < source);
    if let Some(column) = bare_column(left, source)
        && known(right)
    {
        return Some(Compared {
            op: *op,
            column,
            with: right,
        });
    }
    let op = match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => *other,
    };
    let column = bare_column(right, source)?;
    known(left).then_some(Compared {
        op,
        column,
        with: left,
    })
}

/// The column itself, or in a conversion that keeps order and equality.
fn bare_column(side: &Typed, source: usize) -> Option<usize> {
    match &side.node {
        Node::Column {
            up: 0,
            source: of,
            column,
        } if *of == source => Some(*column),
        Node::Convert {
            of,
            to,
            style: None,
            lenient: false,
        } => {
            let exact = |kind: SqlType| {
                kind.is_integer()
                    || matches!(
                        kind,
                        SqlType::Decimal { .. } | SqlType::Money | SqlType::SmallMoney
                    )
            };
            let keeps = (exact(of.kind) && exact(*to))
                || (of.kind.is_temporal() && of.kind.name() == to.name());
            if keeps { bare_column(of, source) } else { None }
        }
        _ => None,
    }
}

impl Runner<'_> {
    /// The key bytes of a value as this column would hold it; none when it cannot hold it exactly.
    fn key_of(&self, with: &Typed, kind: SqlType, frame: &Frame<'_>) -> Result<Option<Vec<u8>>> {
        let value = self.typed(with, frame)?;
        if value.is_null() {
            return Ok(None);
        }
        let Ok(held) = convert(&value, with.kind, kind) else {
            return Ok(None);
        };
        let Ok(back) = convert(&held, kind, with.kind) else {
            return Ok(None);
        };
        let same = match (kind.collation(), with.kind.collation()) {
            (Some(a), Some(b)) if a != b => false,
            _ => operators::compare(&back, &value, with.kind).is_eq(),
        };
        if !same {
            return Ok(None);
        }
        let mut key = Vec::new();
        held.key(kind, &mut key);
        Ok(Some(key))
    }

    fn bound(
        &self,
        node: &Node,
        (source, column, kind): (usize, usize, SqlType),
        low: bool,
        frame: &Frame<'_>,
    ) -> Result<Option<Vec<u8>>> {
        let column_is = (source, column, kind);
        match node {
            Node::And(a, b) => {
                let a = self.bound(a, column_is, low, frame)?;
                let b = self.bound(b, column_is, low, frame)?;
                Ok(match (a, b) {
                    (Some(a), Some(b)) => Some(if low { a.max(b) } else { a.min(b) }),
                    (a, b) => a.or(b),
                })
            }
            Node::Or(a, b) => {
                let a = self.bound(a, column_is, low, frame)?;
                let b = self.bound(b, column_is, low, frame)?;
                Ok(match (a, b) {
                    (Some(a), Some(b)) => Some(if low { a.min(b) } else { a.max(b) }),
                    _ => None,
                })
            }
            Node::In(of, list, false) if bare_column(of, source) == Some(column) => {
                let mut outermost: Option<Vec<u8>> = None;
                for item in list {
                    let known =
                        last_source(&item.node, usize::MAX).is_none_or(|last| last < source);
                    let Some(key) = (if known {
                        self.key_of(item, kind, frame)?
                    } else {
                        None
                    }) else {
                        return Ok(None);
                    };
                    outermost = Some(match outermost {
                        None => key,
                        Some(other) if low => other.min(key),
                        Some(other) => other.max(key),
                    });
                }
                Ok(outermost)
            }
            other => match compared(other, source) {
                Some(found) if found.column == column => {
                    let fits = match found.op {
                        BinaryOp::Equal => true,
                        BinaryOp::Greater | BinaryOp::GreaterEqual => low,
                        BinaryOp::Less | BinaryOp::LessEqual => !low,
                        _ => false,
                    };
                    if fits {
                        self.key_of(found.with, kind, frame)
                    } else {
                        Ok(None)
                    }
                }
                _ => Ok(None),
            },
        }
    }

    /// The best way to the rows of a source, given the rows before it.
    pub(super) fn range(
        &self,
        table: &Table,
        plan: &SourcePlan,
        source: usize,
        frame: &Frame<'_>,
    ) -> Result<Range> {
        let conditions: Vec<&Node> = plan.on.iter().chain(&plan.filter).collect();
        let mut best = Range {
            index: table.indexes.iter().position(|index| index.primary),
            ..Range::default()
        };
        let mut best_score = 0;
        for (at, index) in table.indexes.iter().enumerate() {
            let mut prefix = Vec::new();
            let mut score = 0;
            let mut open = None;
            for column in &index.columns {
                let kind = table.columns[*column].kind;
                let mut equal = None;
                for condition in &conditions {
                    if let Some(found) = compared(condition, source)
                        && found.column == *column
                        && found.op == BinaryOp::Equal
                        && let Some(key) = self.key_of(found.with, kind, frame)?
                    {
                        equal = Some(key);
                        break;
                    }
                }
                match equal {
                    Some(key) => {
                        prefix.extend(key);
                        score += 2;
                    }
                    None => {
                        open = Some((*column, kind));
                        break;
                    }
                }
            }
            let mut from = prefix.clone();
            let mut to = prefix;
            if let Some((column, kind)) = open {
                for condition in &conditions {
                    let column_is = (source, column, kind);
                    if let Some(low) = self.bound(condition, column_is, true, frame)? {
                        score |= 1;
                        let start = to.iter().copied().chain(low).collect::<Vec<u8>>();
                        from = from.max(start);
                    }
                }
                let mut end = None;
                for condition in &conditions {
                    let column_is = (source, column, kind);
                    if let Some(high) = self.bound(condition, column_is, false, frame)? {
                        score |= 1;
                        let high = to.iter().copied().chain(high).collect::<Vec<u8>>();
                        end = Some(match end {
                            None => high,
                            Some(end) => high.min(end),
                        });
                    }
                }
                if let Some(end) = end {
                    to = end;
                }
            }
            if score > best_score {
                best_score = score;
                let to = if to.is_empty() {
                    None
                } else {
                    to.push(0xFF);
                    Some(to)
                };
                best = Range {
                    index: Some(at),
                    from,
                    to,
                    backwards: false,
                };
            }
        }
        Ok(best)
    }

    /// Whether rows come in the order that is asked for, if the first source is read by this range: so many columns of
    /// the index are fixed by equality, the next ones must be those of the ORDER BY.
    pub(super) fn is_in_order(
        &self,
        plan: &Plan,
        select: &SelectPlan,
        range: &Range,
    ) -> Result<Option<bool>> {
        if plan.order.is_empty() {
            return Ok(Some(false));
        }
        if select.grouped || select.distinct || !select.windows.is_empty() {
            return Ok(None);
        }
        let Some(first) = select.sources.first() else {
            return Ok(None);
        };
        let (
            Data::Table {
                database, table, ..
            },
            Some(index),
        ) = (&first.data, range.index)
        else {
            return Ok(None);
        };
        let Some(table) = self
            .state
            .databases
            .get(database)
            .and_then(|d| d.tables.get(table))
        else {
            return Ok(None);
        };
        let columns: Vec<Option<usize>> = plan
            .order
            .iter()
            .map(|Ordering { by, .. }| match by {
                OrderBy::Value(value) => bare_column(value, 0),
                OrderBy::Output(at) => select.items.get(*at).and_then(|item| bare_column(item, 0)),
            })
            .collect();
        let backwards = plan.order[0].descending;
        if plan.order.iter().any(|o| o.descending != backwards) {
            return Ok(None);
        }
        let fixed = |column: usize| {
            first.filter.iter().any(|part| {
                compared(part, 0).is_some_and(|c| c.column == column && c.op == BinaryOp::Equal)
            })
        };
        let index = &table.indexes[index].columns;
        let skip = index.iter().take_while(|column| fixed(**column)).count();
        for skip in 0..=skip {
            let rest = &index[skip..];
            if rest.len() >= columns.len() && columns.iter().zip(rest).all(|(a, b)| *a == Some(*b))
            {
                return Ok(Some(backwards));
            }
        }
        Ok(None)
    }
}
