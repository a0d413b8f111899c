//! Rows that travel with their parent: lines, payments.

use std::collections::HashMap;

use fluxion_model::row::{Row, RowChange, RowKey};
use fluxion_model::value::Value;

use super::key::{KeyColumn, KeyPart, Side, beyond, key_of};
use super::query::ChildQuery;
use super::session::Cast;
use super::statement::Statement;

/// Keys asked for in one query, where the system allows so many.
pub(super) const KEYS_PER_QUERY: usize = 1024;

/// How many keys of so many columns fit one statement. A list of single keys is padded to a power of two.
pub(super) fn keys_per_query(columns: usize, wanted: usize, max_parameters: usize) -> usize {
    // Settings of the mapping are bound too.
    let room = max_parameters.saturating_sub(40).max(1) / columns.max(1);
    let fitting = if columns == 1 {
        1 << room.max(1).ilog2()
    } else {
        room.max(1)
    };
    wanted.min(fitting)
}

/// The rows with one of these keys.
pub(super) fn one_of(statement: &mut Statement, columns: &[KeyColumn<'_>], keys: &[Vec<KeyPart>]) {
    if let [column] = columns {
        statement.fragment(column.sql).push(" IN (");
        // Few shapes of lists, so that the server prepares few statements.
        let padded = keys.len().next_power_of_two();
        let padding = std::iter::repeat_n(&keys[0], padded - keys.len());
        for (i, key) in keys.iter().chain(padding).enumerate() {
            statement.push(if i == 0 { "" } else { "," });
            key[0].bind(statement, column.cast);
        }
        statement.push(")");
        return;
    }
    statement.push("(");
    for (i, key) in keys.iter().enumerate() {
        statement.push(if i == 0 { "(" } else { " OR (" });
        for (j, (column, part)) in columns.iter().zip(key).enumerate() {
            statement
                .push(if j == 0 { "" } else { " AND " })
                .fragment(column.sql)
                .push(" = ");
            part.bind(statement, column.cast);
        }
        statement.push(")");
    }
    statement.push(")");
}

/// The children of a page's rows. A scan reads every key between its first and its last, so for whole numbers, whose
/// order is the same everywhere, the range is enough.
pub(super) fn child_statements(
    child: &ChildQuery,
    casts: &[Option<Cast>],
    parents: &[Vec<KeyPart>],
    is_range: bool,
    max_parameters: usize,
) -> Vec<Statement> {
    let columns: Vec<KeyColumn<'_>> = child
        .parent
        .iter()
        .enumerate()
        .map(|(i, at)| KeyColumn {
            sql: &child.select.columns[*at],
            cast: casts.get(i).and_then(Option::as_ref),
            nulls: None,
        })
        .collect();
    let order = || child.parent.iter().chain(&child.order).copied();
    let are_numbers = parents
        .iter()
        .flatten()
        .all(|part| matches!(part, KeyPart::Int(_)));
    if let (true, true, [first, .., last]) = (is_range, are_numbers, parents) {
        let mut statement = child.select.start();
        statement.and().push("(");
        beyond(&mut statement, &columns, first, Side::AtOrAfter);
        statement.push(")").and().push("(");
        beyond(&mut statement, &columns, last, Side::AtOrBefore);
        statement.push(")");
        child.select.order(&mut statement, order());
        return vec![statement];
    }
    let wanted = if columns.len() == 1 {
        4 * KEYS_PER_QUERY
    } else {
        KEYS_PER_QUERY / 4
    };
    let chunk = keys_per_query(columns.len(), wanted, max_parameters);
    let chunks = parents.chunks(chunk).map(|some| {
        let mut statement = child.select.start();
        one_of(statement.and(), &columns, some);
        child.select.order(&mut statement, order());
        statement
    });
    chunks.collect()
}
/// Puts children under their parents. Both come in the order of the key, so the parent is nearly always the one of the
/// child before, or the next.
pub(super) struct Nest<'a> {
    changes: &'a mut [RowChange],
    key: &'a [usize],
    group: usize,
    at: usize,
    /// By key, and by key as a forgiving collation compares it; made when first needed.
    index: Option<(HashMap<RowKey, usize>, HashMap<String, usize>)>,
    text: String,
}

impl<'a> Nest<'a> {
    pub fn new(changes: &'a mut [RowChange], key: &'a [usize], group: usize) -> Self {
        Self {
            changes,
            key,
            group,
            at: 0,
            index: None,
            text: String::new(),
        }
    }

    pub fn add(&mut self, values: Vec<Value>, parent: &[usize]) {
        let place = [self.at, self.at + 1]
            .into_iter()
            .find(|at| self.is_parent(*at, &values, parent))
            .or_else(|| self.search(&values, parent));
        let Some(place) = place else {
            return;
        };
        self.at = place;
        if let RowChange::Upsert { row, .. } = &mut self.changes[place] {
            row.children[self.group].push(Row {
                values,
                children: Vec::new(),
                position: None,
            });
        }
    }

    fn is_parent(&self, at: usize, values: &[Value], parent: &[usize]) -> bool {
        match self.changes.get(at) {
            Some(RowChange::Upsert { row, .. }) => self
                .key
                .iter()
                .zip(parent)
                .all(|(own, other)| row.values[*own] == values[*other]),
            Some(RowChange::Delete { .. }) | None => false,
        }
    }

    fn search(&mut self, values: &[Value], parent: &[usize]) -> Option<usize> {
        let changes = &*self.changes;
        let (exact, folded) = self.index.get_or_insert_with(|| {
            let keys = changes
                .iter()
                .enumerate()
                .map(|(at, change)| (change.key(), at));
            (
                keys.clone().map(|(key, at)| (key.clone(), at)).collect(),
                keys.map(|(key, at)| (fold(key), at)).collect(),
            )
        });
        let key = key_of(values, parent, &mut self.text).ok()?;
        exact.get(&key).or_else(|| folded.get(&fold(&key))).copied()
    }
}

/// As most collations compare: case and trailing spaces do not matter.
fn fold(key: &RowKey) -> String {
    let parts = key
        .split()
        .into_iter()
        .map(|part| part.trim_end().to_lowercase());
    RowKey::join(parts).0.into()
}
