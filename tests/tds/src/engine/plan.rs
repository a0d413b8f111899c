//! Queries once names are found and types are known.

use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::sql::ast::{BinaryOp, Combine, JoinKind, UnaryOp};

use super::table::Sight;

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub name: String,
    pub kind: SqlType,
    pub nullable: bool,
    pub identity: bool,
}

impl Field {
    pub fn new(name: &str, kind: SqlType) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            nullable: true,
            identity: false,
        }
    }
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub node: Node,
    pub kind: SqlType,
    pub nullable: bool,
}

impl Typed {
    pub fn new(node: Node, kind: SqlType) -> Self {
        Self {
            node,
            kind,
            nullable: true,
        }
    }

    pub fn constant(value: Value, kind: SqlType) -> Self {
        Self {
            nullable: value.is_null(),
            node: Node::Constant(value),
            kind,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Constant(Value),
    Column {
        /// How many queries out.
        up: usize,
        source: usize,
        column: usize,
    },
    Unary(UnaryOp, Box<Typed>),
    /// Arithmetic, of two values of their own types.
    Arithmetic(BinaryOp, Box<Typed>, Box<Typed>),
    /// A comparison of two values, both already of the common type.
    Compare(BinaryOp, Box<Typed>, Box<Typed>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    IsNull(Box<Typed>, bool),
    Like {
        of: Box<Typed>,
        pattern: Box<Typed>,
        escape: Option<Box<Typed>>,
        negated: bool,
    },
    /// All of the common type.
    In(Box<Typed>, Vec<Typed>, bool),
    InQuery(Box<Typed>, Box<Plan>, bool),
    Exists(Box<Plan>),
    Scalar(Box<Plan>),
    Case(Vec<(Node, Node)>, Box<Node>),
    Convert {
        of: Box<Typed>,
        to: SqlType,
        style: Option<Box<Typed>>,
        lenient: bool,
    },
    Call(String, Vec<Typed>),
    Aggregate(usize),
    Window(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub fields: Vec<Field>,
    pub body: PlanBody,
    pub order: Vec<Ordering>,
    pub skip: Option<Typed>,
    pub limit: Option<Typed>,
}

/// What to sort by.
#[derive(Debug, Clone)]
pub(crate) struct Ordering {
    pub by: OrderBy,
    pub descending: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum OrderBy {
    /// A column of the result.
    Output(usize),
    Value(Typed),
}

#[derive(Debug, Clone)]
pub(crate) enum PlanBody {
    Select(Box<SelectPlan>),
    Combined(Box<Plan>, Box<Plan>, Combine),
    Values(Vec<Vec<Typed>>),
}

#[derive(Debug, Clone)]
pub(crate) struct SelectPlan {
    pub sources: Vec<SourcePlan>,
    /// Conditions on constants alone.
    pub guards: Vec<Node>,
    pub items: Vec<Typed>,
    /// Variables that get the values instead of a result.
    pub assigns: Vec<Option<String>>,
    pub grouped: bool,
    pub group: Vec<Typed>,
    pub aggregates: Vec<AggregatePlan>,
    pub windows: Vec<WindowPlan>,
    pub having: Option<Node>,
    pub distinct: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct AggregatePlan {
    pub name: String,
    /// None: `COUNT(*)`.
    pub of: Option<Typed>,
    pub distinct: bool,
    pub kind: SqlType,
}

#[derive(Debug, Clone)]
pub(crate) struct WindowPlan {
    pub partition: Vec<Typed>,
    pub order: Vec<(Typed, bool)>,
}

#[derive(Debug, Clone)]
pub(crate) struct SourcePlan {
    pub join: JoinKind,
    pub data: Data,
    /// Conditions of the join.
    pub on: Vec<Node>,
    /// Conditions of the query that can be judged once this source has a row.
    pub filter: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Table {
        database: String,
        table: i64,
        sight: Sight,
    },
    Rows(Vec<Row>),
    /// Asked anew for each row before it.
    Apply(Box<Plan>),
    /// A derived table within a subquery, which may look at the query around.
    Derived(Box<Plan>),
}
