//! From queries to plans.

use super::align::coerce;
use super::bind::{Collected, Named, Runner, Scope};
use super::plan::{
    Data, Field, Node, OrderBy, Ordering, Plan, PlanBody, SelectPlan, SourcePlan, Typed,
};
use crate::data::types::SqlType;
use crate::error::{Result, SqlError};
use crate::server::Version;
use crate::sql::ast::{
    Body, Combine, Common, Expr, Item, Join, JoinKind, Query, Select, Sort, Source, SourceKind,
};

/// How deep views and subqueries may be nested.
const DEEPEST: u32 = 32;

impl Runner<'_> {
    pub(super) fn bind_query(&self, query: &Query, parent: Option<&Scope<'_>>) -> Result<Plan> {
        self.bind_with(query, parent, &[])
    }

    /// Binds a query that may use these common table expressions.
    fn bind_with(
        &self,
        query: &Query,
        parent: Option<&Scope<'_>>,
        outer: &[Common],
    ) -> Result<Plan> {
        let mut common = outer.to_vec();
        common.extend(query.with.iter().cloned());
        let mut plan = match &query.body {
            Body::Select(select) => self.bind_select(select, &query.order, parent, &common)?,
            body => {
                let mut plan = self.bind_body(body, parent, &common)?;
                plan.order = output_order(&query.order, &plan.fields)?;
                plan
            }
        };
        let scope = Scope::empty();
        if query.offset.is_some() && self.state.identity.version < Version::Sql2012 {
            return Err(SqlError::syntax("OFFSET", 0).into());
        }
        if let Some(offset) = &query.offset {
            plan.skip = Some(self.value(offset, &scope)?);
        }
        if let Some(fetch) = &query.fetch {
            plan.limit = Some(self.value(fetch, &scope)?);
        }
        Ok(plan)
    }

    fn bind_body(
        &self,
        body: &Body,
        parent: Option<&Scope<'_>>,
        common: &[Common],
    ) -> Result<Plan> {
        match body {
            Body::Select(select) => self.bind_select(select, &[], parent, common),
            Body::Values(rows) => self.bind_values(rows, parent),
            Body::Combined { left, right, how } => {
                let left = self.bind_body(left, parent, common)?;
                let right = self.bind_body(right, parent, common)?;
                combine(left, right, *how)
            }
        }
    }

    fn bind_values(&self, rows: &[Vec<Expr>], parent: Option<&Scope<'_>>) -> Result<Plan> {
        let mut scope = Scope::empty();
        scope.parent = parent;
        let mut bound: Vec<Vec<Typed>> = Vec::new();
        for row in rows {
            let row = row
                .iter()
                .map(|value| self.value(value, &scope))
                .collect::<Result<Vec<_>>>()?;
            if bound.first().is_some_and(|first| first.len() != row.len()) {
                return Err(SqlError::general(10709, "The number of columns for each row in a table value constructor must be the same.").into());
            }
            bound.push(row);
        }
        let width = bound.first().map_or(0, Vec::len);
        let kinds: Vec<SqlType> = (0..width)
            .map(|at| {
                bound
                    .iter()
                    .map(|row| row[at].kind)
                    .reduce(SqlType::common)
                    .unwrap_or(SqlType::Int)
            })
            .collect();
        let rows = bound
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .zip(&kinds)
                    .map(|(v, k)| coerce(v, *k))
                    .collect()
            })
            .collect();
        Ok(Plan {
            fields: kinds.into_iter().map(|kind| Field::new("", kind)).collect(),
            body: PlanBody::Values(rows),
            order: Vec::new(),
            skip: None,
            limit: None,
        })
    }

    fn bind_select(
        &self,
        select: &Select,
        order: &[Sort],
        parent: Option<&Scope<'_>>,
        common: &[Common],
    ) -> Result<Plan> {
        let mut scope = Scope::new(parent);
        let mut sources = Vec::new();
        self.bind_from(&select.from, &mut scope, &mut sources, common)?;
        let mut guards = Vec::new();
        if let Some(filter) = &select.filter {
            let filter = self.condition(filter, &scope)?;
            if !scope.collected.borrow().aggregates.is_empty() {
                return Err(SqlError::new(
                    147,
                    15,
                    "An aggregate may not appear in the WHERE clause.",
                )
                .into());
            }
            place(filter, &mut sources, &mut guards);
        }
        let group = select
            .group
            .iter()
            .map(|by| self.value(by, &scope))
            .collect::<Result<Vec<_>>>()?;
        let (items, fields, assigns) = self.bind_items(&select.items, &scope)?;
        let having = match &select.having {
            None => None,
            Some(having) => Some(self.condition(having, &scope)?),
        };
        let order = self.bind_order(order, &scope, &fields, &items)?;
        let limit = match &select.top {
            None => None,
            Some(top) => Some(self.value(top, &Scope::empty())?),
        };
        let Collected {
            aggregates,
            windows,
        } = scope.collected.take();
        let grouped = !group.is_empty() || !aggregates.is_empty() || having.is_some();
        let body = SelectPlan {
            sources,
            guards,
            items,
            assigns,
            grouped,
            group,
            aggregates,
            windows,
            having,
            distinct: select.distinct,
        };
        Ok(Plan {
            fields,
            body: PlanBody::Select(Box::new(body)),
            order,
            skip: None,
            limit,
        })
    }

    /// The sources of a FROM clause, in order; later ones may refer to earlier ones.
    pub(super) fn bind_from(
        &self,
        from: &[Join],
        scope: &mut Scope<'_>,
        sources: &mut Vec<SourcePlan>,
        common: &[Common],
    ) -> Result<()> {
        for join in from {
            let (data, fields, name) = self.bind_source(&join.source, join.kind, scope, common)?;
            let alias = join.source.alias.clone().unwrap_or(name);
            if scope
                .sources
                .iter()
                .any(|named| named.alias.eq_ignore_ascii_case(&alias))
            {
                return Err(SqlError::general(1013, format!("The objects \"{alias}\" and \"{alias}\" in the FROM clause have the same exposed names. Use correlation names to distinguish them.")).into());
            }
            let mut fields = fields;
            if matches!(join.kind, JoinKind::Left | JoinKind::OuterApply) {
                fields.iter_mut().for_each(|field| field.nullable = true);
            }
            scope.sources.push(Named { alias, fields });
            let on = match &join.on {
                None => Vec::new(),
                Some(on) => conjuncts(self.condition(on, scope)?),
            };
            let join = match join.kind {
                JoinKind::Right | JoinKind::Full => {
                    return Err(SqlError::beyond("RIGHT JOIN and FULL JOIN").into());
                }
                kind => kind,
            };
            sources.push(SourcePlan {
                join,
                data,
                on,
                filter: Vec::new(),
            });
        }
        Ok(())
    }

    fn bind_source(
        &self,
        source: &Source,
        join: JoinKind,
        scope: &Scope<'_>,
        common: &[Common],
    ) -> Result<(Data, Vec<Field>, String)> {
        let (data, mut fields, name) = match &source.kind {
            SourceKind::Table(name) => {
                let shared = common.iter().rposition(|c| {
                    name.schema.is_none() && c.name.eq_ignore_ascii_case(&name.object)
                });
                match shared {
                    Some(at) => {
                        let found = &common[at];
                        // It may use those before it, never itself: recursion is beyond this server.
                        let plan = self.bind_with(&found.query, scope.parent, &common[..at])?;
                        let fields = rename(plan.fields.clone(), &found.columns)?;
                        let rows = self.rows_of(&plan, None)?;
                        (Data::Rows(rows), fields, found.name.clone())
                    }
                    None => self.bind_named(name, &source.hints)?,
                }
            }
            SourceKind::Variable(name) => {
                let Some(small) = self.locals.tables.get(name) else {
                    let message = format!("Must declare the table variable \"{name}\".");
                    return Err(SqlError::new(1087, 15, message).into());
                };
                (
                    Data::Rows(small.rows.clone()),
                    small.fields.clone(),
                    name.clone(),
                )
            }
            SourceKind::Derived(query) => {
                if matches!(join, JoinKind::CrossApply | JoinKind::OuterApply) {
                    let plan = self.bind_with(query, Some(scope), common)?;
                    let fields = plan.fields.clone();
                    (Data::Apply(Box::new(plan)), fields, String::new())
                } else {
                    let plan = self.bind_with(query, scope.parent, common)?;
                    let outer = scope.parent.is_some();
                    let fields = plan.fields.clone();
                    // Within a subquery it may refer to the query around, and is asked anew.
                    let data = if outer {
                        Data::Derived(Box::new(plan))
                    } else {
                        Data::Rows(self.rows_of(&plan, None)?)
                    };
                    (data, fields, String::new())
                }
            }
            SourceKind::Changes { table, since } => {
                let since = self.value(since, &Scope::empty())?;
                let since = self.constant(&since)?.as_int();
                let (rows, fields) = self.changes(table, since)?;
                (Data::Rows(rows), fields, "CHANGETABLE".to_owned())
            }
            SourceKind::Version { table, values } => {
                let values = values
                    .iter()
                    .map(|value| self.value(value, scope))
                    .collect::<Result<Vec<_>>>()?;
                let values = values
                    .iter()
                    .map(|value| Ok((self.constant(value)?, value.kind)))
                    .collect::<Result<Vec<_>>>()?;
                let (rows, fields) = self.version_of(table, &values)?;
                (Data::Rows(rows), fields, "CHANGETABLE".to_owned())
            }
            SourceKind::Function { name, arguments } => {
                let arguments = arguments
                    .iter()
                    .map(|argument| {
                        let argument = self.value(argument, scope)?;
                        self.constant(&argument)
                    })
                    .collect::<Result<Vec<_>>>()?;
                let (rows, fields) = self.table_function(name, &arguments)?;
                (Data::Rows(rows), fields, name.object.clone())
            }
        };
        if !source.columns.is_empty() {
            fields = rename(fields, &source.columns)?;
        }
        Ok((data, fields, name))
    }

    /// A table, a view, a system view, or what a trigger is told.
    fn bind_named(
        &self,
        name: &crate::sql::ast::Name,
        hints: &[String],
    ) -> Result<(Data, Vec<Field>, String)> {
        if name.schema.is_none()
            && let Some(firing) = self.locals.firing.last()
        {
            let small = match name.object.to_lowercase().as_str() {
                "inserted" => Some(&firing.inserted),
                "deleted" => Some(&firing.deleted),
                _ => None,
            };
            if let Some(small) = small {
                let object = name.object.clone();
                return Ok((Data::Rows(small.rows.clone()), small.fields.clone(), object));
            }
        }
        if let Some((database, table)) = self.state.table(name, &self.locals.database) {
            self.may(
                super::permission::Permission::Select,
                database,
                table.id,
                &table.name,
            )?;
            if self.locals.isolation == super::locals::Isolation::Snapshot && !database.snapshot {
                return Err(SqlError::general(3952, format!("Snapshot isolation transaction failed accessing database '{}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.", database.name)).into());
            }
            let snapshot = self
                .locals
                .transaction
                .and_then(|id| self.state.transactions.get(&id))
                .and_then(|open| open.snapshot);
            let sight = self
                .locals
                .sight(hints, snapshot, database.read_committed_snapshot);
            let fields = table
                .columns
                .iter()
                .map(|column| Field {
                    name: column.name.clone(),
                    kind: column.kind,
                    nullable: column.nullable,
                    identity: column.identity.is_some(),
                })
                .collect();
            let data = Data::Table {
                database: database.name.to_lowercase(),
                table: table.id,
                sight,
            };
            return Ok((data, fields, table.name.clone()));
        }
        if let Some((rows, fields)) = self.system_view(name)? {
            return Ok((Data::Rows(rows), fields, name.object.clone()));
        }
        let database = name.database.as_deref().unwrap_or(&self.locals.database);
        let view = self
            .state
            .database(database)
            .ok()
            .and_then(|database| database.view(name.schema.as_deref(), &name.object));
        let Some(view) = view else {
            return Err(SqlError::no_object(&name.to_string()).into());
        };
        if self.locals.nesting >= DEEPEST {
            return Err(SqlError::general(217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).").into());
        }
        let mut inner = self.locals.clone();
        inner.nesting += 1;
        database.clone_into(&mut inner.database);
        let inner = Runner {
            state: self.state,
            locals: &inner,
        };
        let plan = inner.bind_query(&view.query, None)?;
        let rows = inner.rows_of(&plan, None)?;
        let fields = rename(plan.fields, &view.columns)?;
        Ok((Data::Rows(rows), fields, view.name.clone()))
    }

    /// The select list; stars are spelled out.
    #[allow(clippy::type_complexity)]
    pub(super) fn bind_items(
        &self,
        items: &[Item],
        scope: &Scope<'_>,
    ) -> Result<(Vec<Typed>, Vec<Field>, Vec<Option<String>>)> {
        let mut values = Vec::new();
        let mut fields = Vec::new();
        let mut assigns = Vec::new();
        for item in items {
            match item {
                Item::Star(alias) => {
                    let before = values.len();
                    for (source, named) in scope.sources.iter().enumerate() {
                        if alias
                            .as_ref()
                            .is_some_and(|a| !a.eq_ignore_ascii_case(&named.alias))
                        {
                            continue;
                        }
                        for (column, field) in named.fields.iter().enumerate() {
                            values.push(Typed {
                                node: Node::Column {
                                    up: 0,
                                    source,
                                    column,
                                },
                                kind: field.kind,
                                nullable: field.nullable,
                            });
                            fields.push(field.clone());
                            assigns.push(None);
                        }
                    }
                    if values.len() == before {
                        return Err(SqlError::general(107, format!("The column prefix '{}' does not match with a table name or alias name used in the query.", alias.as_deref().unwrap_or("*"))).into());
                    }
                }
                Item::Value { of, alias } => {
                    let value = self.value(of, scope)?;
                    let name = match (alias, of) {
                        (Some(alias), _) => alias.as_str(),
                        (None, Expr::Column(parts)) => parts.last().map_or("", String::as_str),
                        (None, _) => "",
                    };
                    let mut field = Field::new(name, value.kind);
                    field.nullable = value.nullable;
                    if let Node::Column {
                        up: 0,
                        source,
                        column,
                    } = value.node
                        && let Some(named) = scope.sources.get(source)
                    {
                        field.identity = named.fields[column].identity;
                        if alias.is_none() {
                            field.name.clone_from(&named.fields[column].name);
                        }
                    }
                    fields.push(field);
                    values.push(value);
                    assigns.push(None);
                }
                Item::Assign { variable, of } => {
                    let value = self.value(of, scope)?;
                    fields.push(Field::new(variable, value.kind));
                    values.push(value);
                    assigns.push(Some(variable.clone()));
                }
            }
        }
        Ok((values, fields, assigns))
    }

    fn bind_order(
        &self,
        order: &[Sort],
        scope: &Scope<'_>,
        fields: &[Field],
        items: &[Typed],
    ) -> Result<Vec<Ordering>> {
        let mut orderings = Vec::new();
        for sort in order {
            let by = match &sort.by {
                Expr::Literal(crate::data::value::Value::Int(at), _) => {
                    let at = usize::try_from(*at).unwrap_or(0);
                    if at == 0 || at > items.len() {
                        return Err(SqlError::general(108, format!("The ORDER BY position number {at} is out of range of the number of items in the select list.")).into());
                    }
                    OrderBy::Output(at - 1)
                }
                Expr::Column(parts) if parts.len() == 1 => {
                    let at = fields
                        .iter()
                        .position(|field| field.name.eq_ignore_ascii_case(&parts[0]));
                    match at {
                        Some(at) => match &items[at].node {
                            // The column itself tells more: an index may already have its order.
                            Node::Column { up: 0, .. } => OrderBy::Value(items[at].clone()),
                            _ => OrderBy::Output(at),
                        },
                        None => OrderBy::Value(self.value(&sort.by, scope)?),
                    }
                }
                other => OrderBy::Value(self.value(other, scope)?),
            };
            let kind = match &by {
                OrderBy::Output(at) => fields[*at].kind,
                OrderBy::Value(value) => value.kind,
            };
            if matches!(kind.name(), "text" | "ntext" | "image" | "xml") {
                return Err(SqlError::general(306, "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.").into());
            }
            orderings.push(Ordering {
                by,
                descending: sort.descending,
            });
        }
        Ok(orderings)
    }
}

fn output_order(order: &[Sort], fields: &[Field]) -> Result<Vec<Ordering>> {
    let mut orderings = Vec::new();
    for sort in order {
        let at = match &sort.by {
            Expr::Literal(crate::data::value::Value::Int(at), _) => usize::try_from(*at - 1)
                .ok()
                .filter(|at| *at < fields.len()),
            Expr::Column(parts) => fields.iter().position(|field| {
                parts
                    .last()
                    .is_some_and(|name| field.name.eq_ignore_ascii_case(name))
            }),
            _ => None,
        };
        let Some(at) = at else {
            return Err(SqlError::general(104, "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.").into());
        };
        orderings.push(Ordering {
            by: OrderBy::Output(at),
            descending: sort.descending,
        });
    }
    Ok(orderings)
}

fn combine(left: Plan, right: Plan, how: Combine) -> Result<Plan> {
    if left.fields.len() != right.fields.len() {
        return Err(SqlError::general(205, "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.").into());
    }
    let fields = left
        .fields
        .iter()
        .zip(&right.fields)
        .map(|(a, b)| Field {
            name: a.name.clone(),
            kind: a.kind.common(b.kind),
            nullable: a.nullable || b.nullable,
            identity: false,
        })
        .collect();
    Ok(Plan {
        fields,
        body: PlanBody::Combined(Box::new(left), Box::new(right), how),
        order: Vec::new(),
        skip: None,
        limit: None,
    })
}

fn rename(mut fields: Vec<Field>, names: &[String]) -> Result<Vec<Field>> {
    if names.is_empty() {
        return Ok(fields);
    }
    if names.len() != fields.len() {
        return Err(SqlError::general(
            8158,
            "The query has a different number of columns than were specified in the column list.",
        )
        .into());
    }
    for (field, name) in fields.iter_mut().zip(names) {
        field.name.clone_from(name);
    }
    Ok(fields)
}

/// The parts of a condition that must all hold.
pub(super) fn conjuncts(condition: Node) -> Vec<Node> {
    match condition {
        Node::And(left, right) => {
            let mut parts = conjuncts(*left);
            parts.extend(conjuncts(*right));
            parts
        }
        other => vec![other],
    }
}

/// Puts each part of a condition where it can be judged first.
pub(super) fn place(condition: Node, sources: &mut [SourcePlan], guards: &mut Vec<Node>) {
    for part in conjuncts(condition) {
        match super::access::last_source(&part, sources.len()) {
            None => guards.push(part),
            Some(at) => sources[at].filter.push(part),
        }
    }
}
