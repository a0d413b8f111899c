//! What a batch says.

use crate::data::collation::Collation;
use crate::data::types::SqlType;
use crate::data::value::Value;

/// `database.schema.object`, from the right; what is missing is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub object: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        match (&self.schema, &self.database) {
            (Some(schema), _) => write!(f, "{schema}.")?,
            (None, Some(_)) => write!(f, ".")?,
            (None, None) => {}
        }
        write!(f, "{}", self.object)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Minus,
    Not,
    BitNot,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Literal(Value, SqlType),
    /// `alias.column`, `column`; the parts as written.
    Column(Vec<String>),
    /// `@name`, and `@@name` for what the server knows.
    Variable(String),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    IsNull {
        of: Box<Expr>,
        negated: bool,
    },
    Like {
        of: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    In {
        of: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        of: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Exists(Box<Query>),
    Scalar(Box<Query>),
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        of: Box<Expr>,
        to: SqlType,
        style: Option<Box<Expr>>,
        /// `TRY_CAST` and `TRY_CONVERT` give NULL where the others fail.
        lenient: bool,
    },
    Call {
        name: String,
        arguments: Vec<Expr>,
        distinct: bool,
    },
    Window {
        name: String,
        arguments: Vec<Expr>,
        partition: Vec<Expr>,
        order: Vec<Sort>,
    },
    Collate(Box<Expr>, &'static Collation),
    /// `DEFAULT` among the values of an insert.
    Default,
    /// `*` in `COUNT(*)`.
    Star,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sort {
    pub by: Expr,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub with: Vec<Common>,
    pub body: Body,
    pub order: Vec<Sort>,
    pub offset: Option<Expr>,
    pub fetch: Option<Expr>,
}

/// A common table expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Common {
    pub name: String,
    pub columns: Vec<String>,
    pub query: Query,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Select(Box<Select>),
    Combined {
        left: Box<Body>,
        right: Box<Body>,
        how: Combine,
    },
    /// `VALUES (...), (...)` as a derived table.
    Values(Vec<Vec<Expr>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combine {
    Union,
    UnionAll,
    Except,
    Intersect,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub distinct: bool,
    pub top: Option<Expr>,
    pub items: Vec<Item>,
    pub from: Vec<Join>,
    pub filter: Option<Expr>,
    pub group: Vec<Expr>,
    pub having: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// `*` or `alias.*`.
    Star(Option<String>),
    Value {
        of: Expr,
        alias: Option<String>,
    },
    /// `@variable = expression`.
    Assign {
        variable: String,
        of: Expr,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    CrossApply,
    OuterApply,
}

/// A source and how it meets the ones before it; the first one is `Inner` without a condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Join {
    pub kind: JoinKind,
    pub source: Source,
    pub on: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub kind: SourceKind,
    pub alias: Option<String>,
    /// Names given to its columns.
    pub columns: Vec<String>,
    /// In upper case.
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SourceKind {
    Table(Name),
    /// A table variable.
    Variable(String),
    Derived(Box<Query>),
    /// `CHANGETABLE(CHANGES table, @version)`.
    Changes {
        table: Name,
        since: Expr,
    },
    /// `CHANGETABLE(VERSION table, (columns), (values))`.
    Version {
        table: Name,
        values: Vec<Expr>,
    },
    /// A function that yields rows.
    Function {
        name: Name,
        arguments: Vec<Expr>,
    },
}

/// What an `OUTPUT` clause asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub items: Vec<Item>,
    pub into: Option<Source>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InsertFrom {
    Rows(Vec<Vec<Expr>>),
    Query(Box<Query>),
    DefaultValues,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Insert {
    pub into: SourceKind,
    pub columns: Vec<String>,
    pub output: Option<Output>,
    pub from: InsertFrom,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update {
    pub target: Target,
    pub set: Vec<(String, Expr)>,
    pub output: Option<Output>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delete {
    pub target: Target,
    pub output: Option<Output>,
}

/// The rows that an update or a delete works on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    pub table: Name,
    pub hints: Vec<String>,
    pub top: Option<Expr>,
    pub with: Vec<Common>,
    pub from: Vec<Join>,
    pub filter: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnDef {
    pub name: String,
    pub kind: SqlType,
    pub nullable: Option<bool>,
    pub identity: Option<(i64, i64)>,
    pub default: Option<Expr>,
    pub computed: Option<Expr>,
    pub primary: bool,
    pub unique: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyDef {
    pub name: Option<String>,
    pub primary: bool,
    pub unique: bool,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TriggerDef {
    pub name: Name,
    pub table: Name,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub body: Vec<Stated>,
    /// The whole statement, as `OBJECT_DEFINITION` gives it.
    pub text: String,
    /// `CREATE OR ALTER`, or `ALTER`.
    pub replace: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AlterTable {
    AddColumn(ColumnDef),
    AlterColumn {
        name: String,
        kind: SqlType,
        nullable: Option<bool>,
    },
    DropColumn(String),
    AddKey(KeyDef),
    AddDefault {
        column: String,
        value: Expr,
    },
    /// A foreign key or check, which is accepted and not watched over.
    AddIgnored,
    DropConstraint(String),
    ChangeTracking(bool),
    Trigger {
        name: Option<String>,
        enabled: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectKind {
    Table,
    View,
    Trigger,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    Select(Query),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Truncate(Name),
    Declare(String, SqlType, Option<Expr>),
    DeclareTable(String, Vec<ColumnDef>, Vec<KeyDef>),
    Assign(String, Expr),
    /// `SET LOCK_TIMEOUT 2000` and the like: the words behind `SET`, in upper case.
    SetOption(Vec<String>),
    If(Expr, Box<Stated>, Option<Box<Stated>>),
    While(Expr, Box<Stated>),
    Block(Vec<Stated>),
    TryCatch(Vec<Stated>, Vec<Stated>),
    Return(Option<Expr>),
    Break,
    Continue,
    Print(Expr),
    RaisError(Vec<Expr>),
    Throw(Option<[Expr; 3]>),
    Begin,
    Commit,
    Rollback(Option<String>),
    Save(String),
    Execute {
        name: Name,
        arguments: Vec<(Option<String>, Expr)>,
    },
    ExecuteText(Expr),
    WaitFor(Expr),
    Use(String),
    CreateTable(Name, Vec<ColumnDef>, Vec<KeyDef>),
    AlterTable(Name, AlterTable),
    CreateIndex {
        name: String,
        table: Name,
        unique: bool,
        columns: Vec<String>,
    },
    DropIndex {
        name: String,
        table: Name,
        lenient: bool,
    },
    CreateTrigger(TriggerDef),
    CreateView {
        name: Name,
        columns: Vec<String>,
        query: Query,
        text: String,
        replace: bool,
    },
    Drop {
        kind: ObjectKind,
        names: Vec<Name>,
        lenient: bool,
    },
    CreateSchema(String),
    CreateDatabase {
        name: String,
        collation: Option<&'static Collation>,
    },
    DropDatabase(String),
    /// The words behind `ALTER DATABASE name`, in upper case.
    AlterDatabase(Option<String>, Vec<String>),
    CreateLogin {
        name: String,
        password: String,
    },
    /// `GRANT SELECT, VIEW CHANGE TRACKING ON object TO user`, and `DENY`, `REVOKE`.
    Grant {
        how: Grant,
        permissions: Vec<String>,
        on: Option<Name>,
        to: String,
    },
    /// Accepted, and nothing happens: `UPDATE STATISTICS`, `CHECKPOINT`, `DBCC`.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Allow,
    Deny,
    Revoke,
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stated {
    pub line: u32,
    pub statement: Statement,
}
