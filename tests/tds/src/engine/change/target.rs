//! The rows that an update or a delete concerns.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::data::value::Row;
use crate::engine::bind::{Runner, Scope};
use crate::engine::evaluate::Frame;
use crate::engine::permission::Permission;
use crate::engine::plan::{Data, SourcePlan, Typed};
use crate::engine::run::walk::Walk;
use crate::engine::select::{conjuncts, place};
use crate::engine::table::Sight;
use crate::error::{Result, SqlError};
use crate::sql::ast::{Body, Expr, Join, JoinKind, Select, Sort, Source, SourceKind, Target};

/// Which table a statement changes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub database: String,
    pub table: i64,
}

/// One row that is to be changed, with the rows it was joined to.
pub(super) struct Hit {
    pub id: u64,
    pub rows: Vec<Option<Row>>,
}

/// What an update or a delete found.
pub(super) struct Hits {
    pub place: Place,
    /// Which of the sources is the one that changes.
    pub at: usize,
    pub scope: Scope<'static>,
    pub rows: Vec<Hit>,
}

/// The parts of an update or a delete, once a common table expression in the way is seen through.
struct Resolved {
    from: Vec<Join>,
    filters: Vec<Expr>,
    alias: String,
    top: Option<Expr>,
    order: Vec<Sort>,
    is_common: bool,
}

impl Runner<'_> {
    /// The rows that an update or a delete concerns.
    pub(super) fn hits(&self, target: &Target, permission: Permission) -> Result<Hits> {
        let resolved = resolve(target)?;
        let mut scope = Scope::empty();
        let mut sources = Vec::new();
        let with = if resolved.is_common {
            &[][..]
        } else {
            &target.with
        };
        self.bind_from(&resolved.from, &mut scope, &mut sources, with)?;
        let at = scope
            .sources
            .iter()
            .position(|named| named.alias.eq_ignore_ascii_case(&resolved.alias));
        let at = at.ok_or_else(|| SqlError::no_object(&target.table.to_string()))?;
        let Data::Table {
            database,
            table,
            sight,
        } = &mut sources[at].data
        else {
            return Err(SqlError::general(4421, "Derived table is not updatable because a column of the derived table is derived or constant.").into());
        };
        if *sight != Sight::PassOver {
            *sight = Sight::Committed;
        }
        let place_of = Place {
            database: database.clone(),
            table: *table,
        };
        let base = self.state.database(database)?;
        if let Some(table) = base.tables.get(table) {
            self.may(permission, base, table.id, &table.name)?;
        }
        let mut guards = Vec::new();
        for filter in &resolved.filters {
            for part in conjuncts(self.condition(filter, &scope)?) {
                place(part, &mut sources, &mut guards);
            }
        }
        let mut order: Vec<(Typed, bool)> = Vec::new();
        for sort in &resolved.order {
            order.push((self.value(&sort.by, &scope)?, sort.descending));
        }
        let limit = match &resolved.top {
            None => usize::MAX,
            Some(top) => {
                let top = self.value(top, &Scope::empty())?;
                usize::try_from(self.constant(&top)?.as_int().unwrap_or(0)).unwrap_or(0)
            }
        };
        for guard in &guards {
            if !self.is_true(guard, &Frame::EMPTY)? {
                return Ok(Hits {
                    place: place_of,
                    at,
                    scope,
                    rows: Vec::new(),
                });
            }
        }
        let hits = self.collect(&sources, at, &order, limit)?;
        Ok(Hits {
            place: place_of,
            at,
            scope,
            rows: hits,
        })
    }

    fn collect(
        &self,
        sources: &[SourcePlan],
        at: usize,
        order: &[(Typed, bool)],
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let mut seen = HashSet::new();
        let mut keyed: Vec<(Vec<u8>, Hit)> = Vec::new();
        let walk = Walk::new(sources, None, None);
        if limit > 0 {
            self.walk(&walk, &mut |rows, ids| {
                if seen.insert(ids[at]) {
                    let frame = Frame {
                        rows,
                        ..Frame::EMPTY
                    };
                    let mut key = Vec::new();
                    for (by, descending) in order {
                        let start = key.len();
                        self.typed(by, &frame)?.key(by.kind, &mut key);
                        if *descending {
                            key[start..].iter_mut().for_each(|byte| *byte = !*byte);
                        }
                    }
                    let hit = Hit {
                        id: ids[at],
                        rows: rows.to_vec(),
                    };
                    keyed.push((key, hit));
                }
                Ok(if order.is_empty() && keyed.len() >= limit {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })?;
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.truncate(limit);
        Ok(keyed.into_iter().map(|(_, hit)| hit).collect())
    }
}

fn resolve(target: &Target) -> Result<Resolved> {
    let plain = target.table.schema.is_none();
    let common = target
        .with
        .iter()
        .find(|common| plain && common.name.eq_ignore_ascii_case(&target.table.object));
    if let Some(common) = common {
        let Body::Select(select) = &common.query.body else {
            return Err(SqlError::beyond("changing rows through a union").into());
        };
        return through(common.name.as_str(), select, &common.query.order, target);
    }
    if target.from.is_empty() {
        return Ok(Resolved {
            from: vec![Join {
                kind: JoinKind::Inner,
                source: Source {
                    kind: SourceKind::Table(target.table.clone()),
                    alias: None,
                    columns: Vec::new(),
                    hints: target.hints.clone(),
                },
                on: None,
            }],
            filters: target.filter.iter().cloned().collect(),
            alias: target.table.object.clone(),
            top: target.top.clone(),
            order: Vec::new(),
            is_common: false,
        });
    }
    // The target may be an alias, or the name of a table that has one.
    let aliased =
        target
            .from
            .iter()
            .find_map(|join| match (&join.source.kind, &join.source.alias) {
                (_, Some(alias)) if plain && alias.eq_ignore_ascii_case(&target.table.object) => {
                    Some(alias.clone())
                }
                (SourceKind::Table(name), Some(alias))
                    if name.object.eq_ignore_ascii_case(&target.table.object) =>
                {
                    Some(alias.clone())
                }
                _ => None,
            });
    Ok(Resolved {
        from: target.from.clone(),
        filters: target.filter.iter().cloned().collect(),
        alias: aliased.unwrap_or_else(|| target.table.object.clone()),
        top: target.top.clone(),
        order: Vec::new(),
        is_common: false,
    })
}

fn through(name: &str, select: &Select, order: &[Sort], target: &Target) -> Result<Resolved> {
    let [join] = select.from.as_slice() else {
        return Err(SqlError::beyond("changing rows through a join").into());
    };
    let mut join = join.clone();
    join.source.alias = Some(name.to_owned());
    let filters = select.filter.iter().chain(&target.filter).cloned();
    Ok(Resolved {
        from: vec![join],
        filters: filters.collect(),
        alias: name.to_owned(),
        top: select.top.clone().or_else(|| target.top.clone()),
        order: order.to_vec(),
        is_common: true,
    })
}
