//! One statement, carried out on the locked state: all of it, or nothing of it.

use super::bind::{Runner, Scope};
use super::locals::{Isolation, Locals, Variable};
use super::plan::{Field, PlanBody};
use super::store::State;
use crate::data::convert::convert;
use crate::data::value::Row;
use crate::error::{Result, SqlError, Stop};
use crate::sql::ast::{Expr, Query, Statement};

/// What a client is told, in order.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A result set.
    Rows(Vec<Field>, Vec<Row>),
    /// A statement is done; how many rows it concerned, where that means something.
    Done(Option<u64>),
    Info(SqlError),
    Error(SqlError),
    /// The session stands in another database.
    Database(String),
    /// The value of an output parameter.
    Output(String, Variable),
    /// What a procedure returned.
    Status(i32),
    /// A transaction began, was committed, was rolled back.
    Begun(u64),
    Committed(u64),
    RolledBack(u64),
}

/// A statement at work.
pub(super) struct Work<'a> {
    pub state: &'a mut State,
    pub locals: &'a mut Locals,
}

impl Work<'_> {
    pub fn runner(&self) -> Runner<'_> {
        Runner {
            state: self.state,
            locals: self.locals,
        }
    }

    /// Carries out a statement that is not control of flow. Undoes it when it fails.
    pub fn carry_out(&mut self, statement: &Statement) -> Result<Vec<Reply>> {
        if self.locals.doomed && !matches!(statement, Statement::Rollback(_) | Statement::Select(_))
        {
            return Err(SqlError::general(3930, "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.").into());
        }
        self.state.clean_up_tracking();
        self.begin_snapshot();
        let own = self.needs_transaction(statement);
        if own {
            let id = self
                .state
                .begin(self.locals.session, self.locals.deadlock_priority);
            self.locals.transaction = Some(id);
        }
        let transaction = self.locals.transaction;
        let savepoint = transaction.map_or(0, |id| self.state.savepoint(id));
        let locals = self.locals.clone();
        let result = self.dispatch(statement);
        if let Err(stop) = &result {
            if let Some(id) = transaction {
                self.state.undo_to(id, savepoint);
            }
            // A blocked statement is tried again from the start.
            if matches!(stop, Stop::Blocked(_)) {
                *self.locals = locals;
            }
        }
        if own {
            // A trigger may have rolled it back already.
            if let Some(id) = self.locals.transaction.take().or(transaction) {
                match &result {
                    Ok(_) => self.state.commit(id),
                    Err(_) => self.state.rollback(id),
                }
            }
            self.locals.transaction = None;
        }
        result
    }

    /// A transaction with snapshot isolation sees what was committed at its first statement.
    fn begin_snapshot(&mut self) {
        let now = self.state.commit_number();
        let databases = self.state.databases.iter();
        let versions = databases
            .filter_map(|(name, database)| {
                Some((name.clone(), database.tracking.as_ref()?.version))
            })
            .collect();
        if self.locals.isolation == Isolation::Snapshot
            && let Some(id) = self.locals.transaction
            && let Some(open) = self.state.transactions.get_mut(&id)
            && open.snapshot.is_none()
        {
            open.snapshot = Some(now);
            open.tracking_then = versions;
        }
    }

    fn needs_transaction(&self, statement: &Statement) -> bool {
        self.locals.transaction.is_none()
            && matches!(
                statement,
                Statement::Insert(_)
                    | Statement::Update(_)
                    | Statement::Delete(_)
                    | Statement::Truncate(_)
            )
    }

    fn dispatch(&mut self, statement: &Statement) -> Result<Vec<Reply>> {
        match statement {
            Statement::Select(query) => self.select(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Truncate(name) => self.truncate(name),
            Statement::Declare(name, kind, value) => {
                let value = match value {
                    None => crate::data::value::Value::Null,
                    Some(value) => self.value_as(value, *kind)?,
                };
                self.locals.declare(name, *kind, value);
                Ok(Vec::new())
            }
            Statement::Assign(name, value) => {
                let Some(Variable { kind, .. }) = self.locals.variables.get(name) else {
                    let message = format!("Must declare the scalar variable \"{name}\".");
                    return Err(SqlError::new(137, 15, message).into());
                };
                let kind = *kind;
                let value = self.value_as(value, kind)?;
                self.locals.declare(name, kind, value);
                Ok(Vec::new())
            }
            Statement::Use(name) => {
                let name = self.state.database(name)?.name.clone();
                self.locals.database.clone_from(&name);
                if let Some(present) = self.state.sessions.get_mut(&self.locals.session) {
                    present.database.clone_from(&name);
                }
                Ok(vec![Reply::Database(name)])
            }
            other => self.define(other),
        }
    }

    /// The value of an expression, as a variable of this type holds it.
    fn value_as(
        &self,
        value: &Expr,
        kind: crate::data::types::SqlType,
    ) -> Result<crate::data::value::Value> {
        let runner = self.runner();
        let typed = runner.value(value, &Scope::empty())?;
        let value = runner.constant(&typed)?;
        Ok(convert(&value, typed.kind, kind)?)
    }

    fn select(&mut self, query: &Query) -> Result<Vec<Reply>> {
        let runner = self.runner();
        let plan = runner.query(query, None)?;
        let rows = runner.rows_of(&plan, None)?;
        let assigns = match &plan.body {
            PlanBody::Select(select) => select.assigns.clone(),
            PlanBody::Combined(..) | PlanBody::Values(_) => Vec::new(),
        };
        let count = rows.len();
        self.locals.row_count = i64::try_from(count).unwrap_or(i64::MAX);
        if assigns.iter().any(Option::is_some) {
            if let Some(last) = rows.last() {
                let last = last.clone();
                for ((variable, value), field) in assigns.iter().zip(last.iter()).zip(&plan.fields)
                {
                    let Some(name) = variable else { continue };
                    let Some(known) = self.locals.variables.get(name) else {
                        let message = format!("Must declare the scalar variable \"{name}\".");
                        return Err(SqlError::new(137, 15, message).into());
                    };
                    let kind = known.kind;
                    let value = convert(value, field.kind, kind)?;
                    self.locals.declare(name, kind, value);
                }
            }
            return Ok(Vec::new());
        }
        let count = u64::try_from(count).unwrap_or(0);
        Ok(vec![
            Reply::Rows(plan.fields, rows),
            Reply::Done(Some(count)),
        ])
    }

    /// The end of a statement that changed rows.
    pub fn affected(&mut self, count: usize) -> Reply {
        self.locals.row_count = i64::try_from(count).unwrap_or(i64::MAX);
        if self.locals.no_count {
            Reply::Done(None)
        } else {
            Reply::Done(Some(u64::try_from(count).unwrap_or(0)))
        }
    }
}
