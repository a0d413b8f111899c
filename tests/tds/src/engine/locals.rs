//! What belongs to one session: where it stands, its variables, its options.

use std::collections::HashMap;
use std::sync::Arc;

use super::plan::Field;
use super::table::Sight;
use crate::data::types::SqlType;
use crate::data::value::{Row, Value};
use crate::error::SqlError;

/// A variable or a parameter.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub kind: SqlType,
    pub value: Value,
}

/// A table variable, or `inserted` and `deleted` within a trigger.
#[derive(Debug, Clone)]
pub(crate) struct Small {
    pub fields: Vec<Field>,
    pub rows: Vec<Row>,
}

/// As in `sys.dm_exec_sessions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadUncommitted = 1,
    ReadCommitted = 2,
    RepeatableRead = 3,
    Serializable = 4,
    Snapshot = 5,
}

/// What a trigger is running for, innermost last.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    pub trigger: i64,
    pub inserted: Arc<Small>,
    pub deleted: Arc<Small>,
}

#[derive(Debug, Clone)]
pub(crate) struct Locals {
    pub session: u16,
    pub login: String,
    pub is_admin: bool,
    pub database: String,
    pub variables: HashMap<String, Variable>,
    pub tables: HashMap<String, Arc<Small>>,
    pub firing: Vec<Firing>,
    pub transaction: Option<u64>,
    /// How many `BEGIN TRANSACTION` are open.
    pub depth: u32,
    /// A transaction that can only be rolled back.
    pub doomed: bool,
    pub isolation: Isolation,
    pub lock_timeout: i64,
    pub deadlock_priority: i64,
    pub xact_abort: bool,
    pub no_count: bool,
    pub implicit: bool,
    pub identity_insert: Option<String>,
    pub row_count: i64,
    pub last_error: u32,
    pub identity: Value,
    /// The error that a `CATCH` block deals with.
    pub caught: Option<SqlError>,
    /// Savepoints by name.
    pub saves: HashMap<String, usize>,
    /// Views being opened, so that one cannot open itself for ever.
    pub nesting: u32,
}

impl Locals {
    pub fn new(session: u16, login: &str, is_admin: bool, database: &str) -> Self {
        Self {
            session,
            login: login.to_owned(),
            is_admin,
            database: database.to_owned(),
            variables: HashMap::new(),
            tables: HashMap::new(),
            firing: Vec::new(),
            transaction: None,
            depth: 0,
            doomed: false,
            isolation: Isolation::ReadCommitted,
            lock_timeout: -1,
            deadlock_priority: 0,
            xact_abort: false,
            no_count: false,
            implicit: false,
            identity_insert: None,
            row_count: 0,
            last_error: 0,
            identity: Value::Null,
            caught: None,
            saves: HashMap::new(),
            nesting: 0,
        }
    }

    /// What this session sees of a table read with these hints.
    pub fn sight(
        &self,
        hints: &[String],
        snapshot: Option<u64>,
        read_committed_snapshot: bool,
    ) -> Sight {
        let hint = |name: &str| hints.iter().any(|hint| hint == name);
        if hint("NOLOCK") || hint("READUNCOMMITTED") {
            return Sight::Uncommitted;
        }
        if hint("READPAST") {
            return Sight::PassOver;
        }
        match (self.isolation, snapshot) {
            (Isolation::Snapshot, Some(at)) => Sight::Snapshot(at),
            (Isolation::Snapshot, None) => Sight::LastCommitted,
            (Isolation::ReadUncommitted, _) => Sight::Uncommitted,
            (Isolation::ReadCommitted, _)
                if read_committed_snapshot && !hint("READCOMMITTEDLOCK") =>
            {
                Sight::LastCommitted
            }
            _ => Sight::Committed,
        }
    }

    pub fn declare(&mut self, name: &str, kind: SqlType, value: Value) {
        let name = name.to_lowercase();
        self.variables.insert(name, Variable { kind, value });
    }
}
