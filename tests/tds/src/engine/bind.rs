//! Finds what names mean and what types expressions have. Variables become constants here, because a statement is bound
//! right before it runs.

use std::cell::RefCell;

use super::align::{align, beside_decimal, coerce, fold, is_whole, keep_collation};
use super::locals::Locals;
use super::operators;
use super::plan::{AggregatePlan, Field, Node, Plan, Typed, WindowPlan};
use super::store::State;
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::data::value::Value;
use crate::error::{Result, SqlError};
use crate::server::Version;
use crate::sql::ast::{BinaryOp, Expr, Sort, UnaryOp};

/// Runs one statement for one session, on a state that does not change meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Runner<'a> {
    pub state: &'a State,
    pub locals: &'a Locals,
}

/// The sources whose columns can be named, and the query around.
pub(crate) struct Scope<'a> {
    pub sources: Vec<Named>,
    pub parent: Option<&'a Scope<'a>>,
    pub collected: RefCell<Collected>,
}

/// A source by the name it has in a query.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub alias: String,
    pub fields: Vec<Field>,
}

/// Aggregates and windows met while binding.
#[derive(Default)]
pub(crate) struct Collected {
    pub aggregates: Vec<AggregatePlan>,
    pub windows: Vec<WindowPlan>,
}

impl<'a> Scope<'a> {
    pub fn new(parent: Option<&'a Scope<'a>>) -> Self {
        Self {
            sources: Vec::new(),
            parent,
            collected: RefCell::default(),
        }
    }

    pub fn empty() -> Self {
        Self::new(None)
    }

    fn find(&self, parts: &[String], up: usize) -> Result<Option<Typed>, SqlError> {
        let Some((column, qualifier)) = parts.split_last() else {
            return Ok(None);
        };
        let mut found = None;
        for (source, named) in self.sources.iter().enumerate() {
            if let Some(alias) = qualifier.last()
                && !named.alias.eq_ignore_ascii_case(alias)
            {
                continue;
            }
            let at = named
                .fields
                .iter()
                .position(|field| field.name.eq_ignore_ascii_case(column));
            if let Some(at) = at {
                if found.is_some() {
                    return Err(SqlError::general(
                        209,
                        format!("Ambiguous column name '{column}'."),
                    ));
                }
                let field = &named.fields[at];
                found = Some(Typed {
                    node: Node::Column {
                        up,
                        source,
                        column: at,
                    },
                    kind: field.kind,
                    nullable: field.nullable,
                });
            }
        }
        match (found, self.parent) {
            (Some(found), _) => Ok(Some(found)),
            (None, Some(parent)) => parent.find(parts, up + 1),
            (None, None) => Ok(None),
        }
    }

    fn knows(&self, alias: &str) -> bool {
        self.sources
            .iter()
            .any(|s| s.alias.eq_ignore_ascii_case(alias))
            || self.parent.is_some_and(|parent| parent.knows(alias))
    }
}

const AGGREGATES: &[&str] = &[
    "COUNT",
    "COUNT_BIG",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "STRING_AGG",
    "CHECKSUM_AGG",
];

pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

impl Runner<'_> {
    /// An expression that has a value.
    pub fn value(&self, expression: &Expr, scope: &Scope<'_>) -> Result<Typed> {
        match expression {
            Expr::Literal(value, kind) => Ok(Typed::constant(value.clone(), *kind)),
            Expr::Column(parts) => self.column(parts, scope),
            Expr::Variable(name) => self.variable(name),
            Expr::Unary(UnaryOp::Not, _) => Err(misplaced()),
            Expr::Unary(op, of) => {
                let of = self.value(of, scope)?;
                let kind = if of.kind.is_text() {
                    SqlType::Int
                } else {
                    of.kind
                };
                if let (UnaryOp::Minus, Node::Constant(value)) = (op, &of.node) {
                    return Ok(Typed::constant(operators::negate(value, of.kind)?, kind));
                }
                Ok(Typed::new(Node::Unary(*op, Box::new(of)), kind))
            }
            Expr::Binary(op, left, right) if operators::is_arithmetic(*op) => {
                let (literal_left, literal_right) = (is_whole(left), is_whole(right));
                let mut left = self.value(left, scope)?;
                let mut right = self.value(right, scope)?;
                if literal_left {
                    left = beside_decimal(left, right.kind);
                } else if literal_right {
                    right = beside_decimal(right, left.kind);
                }
                let kind = operators::result_type(*op, left.kind, right.kind)?;
                Ok(Typed::new(
                    Node::Arithmetic(*op, Box::new(left), Box::new(right)),
                    kind,
                ))
            }
            Expr::Scalar(query) => {
                let plan = self.query(query, Some(scope))?;
                if plan.fields.len() != 1 {
                    return Err(SqlError::general(116, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.").into());
                }
                let kind = plan.fields[0].kind;
                Ok(Typed::new(Node::Scalar(Box::new(plan)), kind))
            }
            Expr::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref(), scope),
            Expr::Cast {
                of,
                to,
                style,
                lenient,
            } => {
                if *lenient && self.state.identity.version < Version::Sql2012 {
                    let message = "'try_cast' is not a recognized built-in function name.";
                    return Err(SqlError::new(195, 15, message).into());
                }
                let of = self.value(of, scope)?;
                let style = match style {
                    None => None,
                    Some(style) => Some(Box::new(self.value(style, scope)?)),
                };
                let nullable = of.nullable || *lenient;
                let to = keep_collation(of.kind, *to);
                if let (Node::Constant(value), None, false) = (&of.node, &style, lenient)
                    && let Ok(value) = convert(value, of.kind, to)
                {
                    return Ok(Typed::constant(value, to));
                }
                Ok(Typed {
                    node: Node::Convert {
                        of: Box::new(of),
                        to,
                        style,
                        lenient: *lenient,
                    },
                    kind: to,
                    nullable,
                })
            }
            Expr::Call {
                name,
                arguments,
                distinct,
            } if is_aggregate(name) => self.aggregate(name, arguments, *distinct, scope),
            Expr::Call {
                name, arguments, ..
            } => self.call(name, arguments, scope),
            Expr::Window {
                name,
                arguments,
                partition,
                order,
            } => self.window(name, arguments, partition, order, scope),
            Expr::Collate(of, collation) => {
                let of = self.value(of, scope)?;
                let SqlType::Text { kind, length, .. } = of.kind else {
                    return Err(SqlError::general(
                        447,
                        format!(
                            "Expression type {} is invalid for COLLATE clause.",
                            of.kind.name()
                        ),
                    )
                    .into());
                };
                let kind = SqlType::Text {
                    kind,
                    length,
                    collation,
                };
                Ok(Typed { kind, ..of })
            }
            Expr::Default | Expr::Star => Err(misplaced()),
            Expr::Binary(..)
            | Expr::IsNull { .. }
            | Expr::Like { .. }
            | Expr::In { .. }
            | Expr::InQuery { .. }
            | Expr::Exists(_) => Err(misplaced()),
        }
    }

    fn column(&self, parts: &[String], scope: &Scope<'_>) -> Result<Typed> {
        if let Some(found) = scope.find(parts, 0)? {
            return Ok(found);
        }
        if let [.., alias, _] = parts
            && !scope.knows(alias)
        {
            return Err(SqlError::general(
                4104,
                format!(
                    "The multi-part identifier \"{}\" could not be bound.",
                    parts.join(".")
                ),
            )
            .into());
        }
        let name = parts.last().map_or("", String::as_str);
        Err(SqlError::no_column(name).into())
    }

    fn variable(&self, name: &str) -> Result<Typed> {
        if name.starts_with("@@") {
            let (value, kind) = self.global(name)?;
            return Ok(Typed::constant(value, kind));
        }
        match self.locals.variables.get(name) {
            Some(variable) => Ok(Typed::constant(variable.value.clone(), variable.kind)),
            None => {
                let message = format!("Must declare the scalar variable \"{name}\".");
                Err(SqlError::new(137, 15, message).into())
            }
        }
    }

    /// An expression that is true, false or unknown.
    pub fn condition(&self, expression: &Expr, scope: &Scope<'_>) -> Result<Node> {
        match expression {
            Expr::Unary(UnaryOp::Not, of) => {
                Ok(Node::Not(Box::new(self.condition(of, scope)?)))
            }
            Expr::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                let left = Box::new(self.condition(left, scope)?);
                let right = Box::new(self.condition(right, scope)?);
                Ok(if *op == BinaryOp::And {
                    Node::And(left, right)
                } else {
                    Node::Or(left, right)
                })
            }
            Expr::Binary(op, left, right) if !operators::is_arithmetic(*op) => {
                let left = self.value(left, scope)?;
                let right = self.value(right, scope)?;
                let (left, right) = align(left, right)?;
                Ok(Node::Compare(*op, Box::new(left), Box::new(right)))
            }
            Expr::IsNull { of, negated } => {
                let of = self.value(of, scope)?;
                Ok(Node::IsNull(Box::new(of), *negated))
            }
            Expr::Like {
                of,
                pattern,
                escape,
                negated,
            } => Ok(Node::Like {
                of: Box::new(self.value(of, scope)?),
                pattern: Box::new(self.value(pattern, scope)?),
                escape: match escape {
                    None => None,
                    Some(escape) => Some(Box::new(self.value(escape, scope)?)),
                },
                negated: *negated,
            }),
            Expr::In { of, list, negated } => {
                let of = self.value(of, scope)?;
                let list = list
                    .iter()
                    .map(|item| self.value(item, scope))
                    .collect::<Result<Vec<_>>>()?;
                let common = list
                    .iter()
                    .fold(of.kind, |kind, item| kind.common(item.kind));
                let list = list
                    .into_iter()
                    .map(|item| fold(coerce(item, common)))
                    .collect::<Result<_>>()?;
                Ok(Node::In(Box::new(coerce(of, common)), list, *negated))
            }
            Expr::InQuery { of, query, negated } => {
                let of = self.value(of, scope)?;
                let plan = self.query(query, Some(scope))?;
                Ok(Node::InQuery(Box::new(of), Box::new(plan), *negated))
            }
            Expr::Exists(query) => Ok(Node::Exists(Box::new(self.query(query, Some(scope))?))),
            _ => Err(SqlError::new(
                4145,
                15,
                "An expression of non-boolean type specified in a context where a condition is expected.",
            )
            .into()),
        }
    }

    fn case(
        &self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (when, then) in branches {
            let condition = match operand {
                None => self.condition(when, scope)?,
                Some(operand) => {
                    let equal = Expr::Binary(
                        BinaryOp::Equal,
                        Box::new(operand.clone()),
                        Box::new(when.clone()),
                    );
                    self.condition(&equal, scope)?
                }
            };
            conditions.push(condition);
            values.push(self.value(then, scope)?);
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.value(otherwise, scope)?,
            None => Typed::constant(Value::Null, SqlType::Null),
        };
        let kind = values
            .iter()
            .fold(otherwise.kind, |kind, value| kind.common(value.kind));
        let branches = conditions
            .into_iter()
            .zip(values)
            .map(|(condition, value)| (condition, coerce(value, kind).node))
            .collect();
        let otherwise = Box::new(coerce(otherwise, kind).node);
        Ok(Typed::new(Node::Case(branches, otherwise), kind))
    }

    fn aggregate(
        &self,
        name: &str,
        arguments: &[Expr],
        distinct: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        let of = match arguments.first() {
            None | Some(Expr::Star) => None,
            Some(argument) => Some(self.value(argument, scope)?),
        };
        let of_kind = of.as_ref().map_or(SqlType::Int, |of| of.kind);
        let kind = match name {
            "COUNT" | "CHECKSUM_AGG" => SqlType::Int,
            "COUNT_BIG" => SqlType::BigInt,
            "SUM" | "AVG" => match of_kind {
                SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => SqlType::Int,
                SqlType::SmallMoney | SqlType::Money => SqlType::Money,
                SqlType::Real | SqlType::Float => SqlType::Float,
                SqlType::Decimal { scale, .. } if name == "AVG" => {
                    SqlType::decimal(38, scale.max(6))
                }
                SqlType::Decimal { scale, .. } => SqlType::decimal(38, scale),
                SqlType::BigInt => SqlType::BigInt,
                other => {
                    let message = format!(
                        "Operand data type {} is invalid for {} operator.",
                        other.name(),
                        name.to_lowercase()
                    );
                    return Err(SqlError::general(8117, message).into());
                }
            },
            _ => of_kind,
        };
        let mut collected = scope.collected.borrow_mut();
        collected.aggregates.push(AggregatePlan {
            name: name.to_owned(),
            of,
            distinct,
            kind,
        });
        Ok(Typed::new(
            Node::Aggregate(collected.aggregates.len() - 1),
            kind,
        ))
    }

    fn window(
        &self,
        name: &str,
        _arguments: &[Expr],
        partition: &[Expr],
        order: &[Sort],
        scope: &Scope<'_>,
    ) -> Result<Typed> {
        if name != "ROW_NUMBER" {
            return Err(SqlError::beyond(format!("{name} with OVER")).into());
        }
        let window = WindowPlan {
            partition: partition
                .iter()
                .map(|by| self.value(by, scope))
                .collect::<Result<_>>()?,
            order: order
                .iter()
                .map(|sort| Ok((self.value(&sort.by, scope)?, sort.descending)))
                .collect::<Result<_>>()?,
        };
        let mut collected = scope.collected.borrow_mut();
        collected.windows.push(window);
        Ok(Typed::new(
            Node::Window(collected.windows.len() - 1),
            SqlType::BigInt,
        ))
    }

    /// A subquery or a whole query; see [`super::select`].
    pub fn query(
        &self,
        query: &crate::sql::ast::Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<Plan> {
        self.bind_query(query, parent)
    }
}

fn misplaced() -> crate::error::Stop {
    SqlError::new(
        102,
        15,
        "Incorrect syntax: a condition or DEFAULT stands where a value is expected.",
    )
    .into()
}
