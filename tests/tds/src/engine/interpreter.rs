//! Control of flow, transactions, and what happens after an error.

use std::time::{Duration, Instant};

use super::bind::Scope;
use super::evaluate::Frame;
use super::locals::{Isolation, Locals};
use super::statement::{Reply, Work};
use super::store::{Shared, State};
use crate::data::convert::{convert, display};
use crate::data::types::SqlType;
use crate::data::value::Value;
use crate::error::{Result, SqlError, Stop};
use crate::sql::ast::{Expr, Name, Stated, Statement};
use crate::sql::{parse_batch, parse_parameters};

/// Who gets the replies, and may lose patience.
pub(crate) trait Client {
    fn reply(&mut self, reply: Reply) -> Result<()>;
    fn is_cancelled(&mut self) -> bool;
}

/// Where the state comes from: locked for each statement, or held by the statement that fired a trigger.
pub(super) enum Host<'a> {
    Shared(&'a Shared),
    Held(&'a mut State),
}

/// How a block of statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return,
    /// The error was told; nothing more of this batch runs.
    Abort,
}

pub(super) struct Interpreter<'a> {
    pub host: Host<'a>,
    pub locals: &'a mut Locals,
    pub client: &'a mut dyn Client,
    /// How many TRY blocks are open.
    pub trying: u32,
}

/// How often somebody who waits looks whether the client has lost patience.
const PATIENCE: Duration = Duration::from_millis(20);

/// Errors after which nothing more of the batch runs.
fn ends_batch(error: &SqlError) -> bool {
    matches!(
        error.number,
        102 | 137
            | 156
            | 207
            | 208
            | 209
            | 241
            | 242
            | 245
            | 248
            | 295
            | 911
            | 1205
            | 2812
            | 3609
            | 3616
            | 3930
            | 4104
    ) || error.class >= 17
        || !error.procedure.is_empty()
}

/// Errors that take the transaction with them.
fn ends_transaction(error: &SqlError) -> bool {
    matches!(
        error.number,
        241 | 242 | 245 | 248 | 295 | 1205 | 3609 | 3616 | 3960
    ) || !error.procedure.is_empty()
}

impl Interpreter<'_> {
    pub fn statements(&mut self, statements: &[Stated]) -> Result<Flow> {
        for stated in statements {
            match self.one(stated)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    /// One statement, with its error dealt with where nobody else will.
    fn one(&mut self, stated: &Stated) -> Result<Flow> {
        match self.step(&stated.statement) {
            Err(Stop::Error(mut error)) => {
                if error.line == 0 {
                    error.line = stated.line;
                }
                self.failed(error)
            }
            other => other,
        }
    }

    fn failed(&mut self, error: SqlError) -> Result<Flow> {
        self.locals.last_error = error.number;
        let held = matches!(self.host, Host::Held(_));
        let fatal = self.locals.xact_abort || ends_transaction(&error);
        if self.trying > 0 {
            if fatal && self.locals.transaction.is_some() {
                self.locals.doomed = true;
            }
            return Err(error.into());
        }
        if held {
            return Err(error.into());
        }
        let abort = fatal || ends_batch(&error);
        self.client.reply(Reply::Error(error))?;
        if fatal {
            self.roll_back()?;
        }
        if abort {
            return Ok(Flow::Abort);
        }
        self.client.reply(Reply::Done(None))?;
        Ok(Flow::Next)
    }

    fn step(&mut self, statement: &Statement) -> Result<Flow> {
        match statement {
            Statement::If(condition, then, otherwise) => {
                if self.truth(condition)? {
                    self.one(then)
                } else if let Some(otherwise) = otherwise {
                    self.one(otherwise)
                } else {
                    Ok(Flow::Next)
                }
            }
            Statement::While(condition, body) => {
                while self.truth(condition)? {
                    if self.client.is_cancelled() {
                        return Err(Stop::Cancelled);
                    }
                    match self.one(body)? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => break,
                        other => return Ok(other),
                    }
                }
                Ok(Flow::Next)
            }
            Statement::Block(body) => self.statements(body),
            Statement::TryCatch(body, caught) => self.attempt(body, caught),
            Statement::Return(_) => Ok(Flow::Return),
            Statement::Break => Ok(Flow::Break),
            Statement::Continue => Ok(Flow::Continue),
            Statement::Print(text) => {
                let text = self.text(text)?;
                self.client.reply(Reply::Info(SqlError::new(0, 0, text)))?;
                Ok(Flow::Next)
            }
            Statement::RaisError(arguments) => self.raise(arguments),
            Statement::Throw(None) => match self.locals.caught.clone() {
                Some(error) => Err(error.into()),
                None => Err(SqlError::new(
                    10704,
                    15,
                    "To rethrow an error, a THROW statement must be used inside a CATCH block.",
                )
                .into()),
            },
            Statement::Throw(Some([number, message, state])) => {
                let number = self.number(number)?;
                let mut error =
                    SqlError::general(u32::try_from(number).unwrap_or(50_000), self.text(message)?);
                error.state = u8::try_from(self.number(state)?).unwrap_or(1);
                Err(error.into())
            }
            Statement::Begin => self.begin(),
            Statement::Commit => self.commit(),
            Statement::Rollback(name) => self.rollback(name.as_deref()),
            Statement::Save(name) => {
                let Some(id) = self.locals.transaction else {
                    return Err(SqlError::general(
                        628,
                        "Cannot issue SAVE TRANSACTION when there is no active transaction.",
                    )
                    .into());
                };
                let point = self.with(|work| Ok(work.state.savepoint(id)))?;
                self.locals.saves.insert(name.to_lowercase(), point);
                Ok(Flow::Next)
            }
            Statement::SetOption(words) => self.set_option(words),
            Statement::WaitFor(delay) => self.wait_for(delay),
            Statement::Execute { name, arguments } => self.execute(name, arguments),
            Statement::ExecuteText(text) => {
                let text = self.text(text)?;
                self.nested(&text, Vec::new())
            }
            other => {
                let replies = self.with(|work| work.carry_out(other))?;
                self.locals.last_error = 0;
                for reply in replies {
                    self.client.reply(reply)?;
                }
                Ok(Flow::Next)
            }
        }
    }

    /// Works on the state; waits where another transaction is in the way.
    pub fn with<T>(&mut self, mut work: impl FnMut(&mut Work<'_>) -> Result<T>) -> Result<T> {
        let shared = match &mut self.host {
            Host::Held(state) => {
                return work(&mut Work {
                    state,
                    locals: self.locals,
                });
            }
            Host::Shared(shared) => *shared,
        };
        let started = Instant::now();
        let own = self.locals.transaction;
        let mut state = shared.lock();
        loop {
            if let Some(open) = own.and_then(|id| state.transactions.get_mut(&id))
                && std::mem::take(&mut open.victim)
            {
                return Err(SqlError::deadlock(self.locals.session).into());
            }
            let before = state.transactions.len();
            let result = work(&mut Work {
                state: &mut state,
                locals: self.locals,
            });
            let Err(Stop::Blocked(by)) = result else {
                if state.transactions.len() <= before {
                    shared.ended.notify_all();
                }
                return result;
            };
            let patience = u64::try_from(self.locals.lock_timeout)
                .ok()
                .map(Duration::from_millis);
            if patience.is_some_and(|patience| started.elapsed() >= patience) {
                let mut error = SqlError::general(1222, "Lock request time out period exceeded.");
                error.state = 51;
                return Err(error.into());
            }
            if let Some(own) = own {
                if deadlocked(&mut state, own, by) {
                    return Err(SqlError::deadlock(self.locals.session).into());
                }
                if let Some(open) = state.transactions.get_mut(&own) {
                    open.waits_for = Some(by);
                }
            }
            let waited = shared.ended.wait_timeout(state, PATIENCE);
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
            if let Some(open) = own.and_then(|id| state.transactions.get_mut(&id)) {
                open.waits_for = None;
            }
            if self.client.is_cancelled() {
                return Err(Stop::Cancelled);
            }
        }
    }

    fn value(&mut self, expression: &Expr) -> Result<(Value, SqlType)> {
        self.with(|work| {
            let runner = work.runner();
            let typed = runner.value(expression, &Scope::empty())?;
            Ok((runner.constant(&typed)?, typed.kind))
        })
    }

    fn truth(&mut self, condition: &Expr) -> Result<bool> {
        self.with(|work| {
            let runner = work.runner();
            let condition = runner.condition(condition, &Scope::empty())?;
            runner.is_true(&condition, &Frame::EMPTY)
        })
    }

    fn text(&mut self, expression: &Expr) -> Result<String> {
        let (value, kind) = self.value(expression)?;
        Ok(display(&value, kind, None)?)
    }

    fn number(&mut self, expression: &Expr) -> Result<i64> {
        Ok(self.value(expression)?.0.as_int().unwrap_or(0))
    }

    fn attempt(&mut self, body: &[Stated], caught: &[Stated]) -> Result<Flow> {
        self.trying += 1;
        let result = self.statements(body);
        self.trying -= 1;
        let Err(Stop::Error(error)) = result else {
            return result;
        };
        let outer = self.locals.caught.replace(error);
        let flow = self.statements(caught);
        self.locals.caught = outer;
        flow
    }

    fn raise(&mut self, arguments: &[Expr]) -> Result<Flow> {
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        let (number, format) = match values.first() {
            Some((Value::Text(text), _)) => (50_000, text.to_string()),
            Some((value, _)) => (
                u32::try_from(value.as_int().unwrap_or(50_000)).unwrap_or(50_000),
                "Unknown error.".to_owned(),
            ),
            None => (50_000, String::new()),
        };
        let class = values.get(1).and_then(|v| v.0.as_int()).unwrap_or(16);
        let mut message = String::new();
        let mut rest = values.iter().skip(3);
        let mut parts = format.split('%');
        message.push_str(parts.next().unwrap_or_default());
        for part in parts {
            if let Some(tail) = part.strip_prefix(['s', 'd', 'i', 'u']) {
                if let Some((value, kind)) = rest.next() {
                    message.push_str(&display(value, *kind, None)?);
                }
                message.push_str(tail);
            } else {
                message.push('%');
                message.push_str(part);
            }
        }
        let mut error = SqlError::new(number, u8::try_from(class).unwrap_or(16), message);
        error.state =
            u8::try_from(values.get(2).and_then(|v| v.0.as_int()).unwrap_or(1)).unwrap_or(1);
        if error.class > 10 {
            return Err(error.into());
        }
        self.client.reply(Reply::Info(error))?;
        Ok(Flow::Next)
    }

    pub fn begin(&mut self) -> Result<Flow> {
        if self.locals.transaction.is_none() {
            let id = self.with(|work| {
                Ok(work
                    .state
                    .begin(work.locals.session, work.locals.deadlock_priority))
            })?;
            self.locals.transaction = Some(id);
            self.locals.doomed = false;
            self.locals.saves.clear();
            self.client.reply(Reply::Begun(id))?;
        }
        self.locals.depth += 1;
        Ok(Flow::Next)
    }

    pub fn commit(&mut self) -> Result<Flow> {
        let Some(id) = self.locals.transaction.filter(|_| self.locals.depth > 0) else {
            return Err(SqlError::general(
                3902,
                "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            )
            .into());
        };
        if self.locals.doomed {
            return Err(SqlError::general(3930, "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.").into());
        }
        self.locals.depth -= 1;
        if self.locals.depth == 0 {
            self.locals.transaction = None;
            self.with(|work| {
                work.state.commit(id);
                Ok(())
            })?;
            self.client.reply(Reply::Committed(id))?;
        }
        Ok(Flow::Next)
    }

    pub fn rollback(&mut self, name: Option<&str>) -> Result<Flow> {
        let Some(id) = self.locals.transaction else {
            return Err(SqlError::general(
                3903,
                "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            )
            .into());
        };
        if let Some(point) =
            name.and_then(|name| self.locals.saves.get(&name.to_lowercase()).copied())
        {
            self.with(|work| {
                work.state.undo_to(id, point);
                Ok(())
            })?;
            return Ok(Flow::Next);
        }
        self.roll_back()?;
        Ok(Flow::Next)
    }

    /// Rolls back whatever is open.
    pub fn roll_back(&mut self) -> Result<()> {
        self.locals.depth = 0;
        self.locals.doomed = false;
        self.locals.saves.clear();
        if let Some(id) = self.locals.transaction.take() {
            self.with(|work| {
                work.state.rollback(id);
                Ok(())
            })?;
            self.client.reply(Reply::RolledBack(id))?;
        }
        Ok(())
    }

    fn set_option(&mut self, words: &[String]) -> Result<Flow> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut number = |word: &str| -> Result<i64> {
            match word.parse() {
                Ok(number) => Ok(number),
                Err(_) => self.number(&Expr::Variable(word.to_owned())),
            }
        };
        match words.as_slice() {
            ["TRANSACTION", "ISOLATION", "LEVEL", rest @ ..] => {
                self.locals.isolation = match rest {
                    ["READ", "UNCOMMITTED"] => Isolation::ReadUncommitted,
                    ["REPEATABLE", "READ"] => Isolation::RepeatableRead,
                    ["SERIALIZABLE"] => Isolation::Serializable,
                    ["SNAPSHOT"] => Isolation::Snapshot,
                    _ => Isolation::ReadCommitted,
                };
            }
            ["LOCK_TIMEOUT", value] => self.locals.lock_timeout = number(value)?,
            ["DEADLOCK_PRIORITY", value] => {
                self.locals.deadlock_priority = match *value {
                    "LOW" => -5,
                    "NORMAL" => 0,
                    "HIGH" => 5,
                    other => number(other)?,
                };
            }
            ["XACT_ABORT", value] => self.locals.xact_abort = *value == "ON",
            ["IMPLICIT_TRANSACTIONS", value] => self.locals.implicit = *value == "ON",
            ["IDENTITY_INSERT", .., table, value] => {
                self.locals.identity_insert = (*value == "ON").then(|| (*table).to_owned());
            }
            [.., value] if words.contains(&"NOCOUNT") => self.locals.no_count = *value == "ON",
            // The rest is about how text is parsed and printed, and stays as it is.
            _ => {}
        }
        let session = self.locals.session;
        self.with(|work| {
            let (isolation, timeout) = (work.locals.isolation as i64, work.locals.lock_timeout);
            let priority = work.locals.deadlock_priority;
            if let Some(present) = work.state.sessions.get_mut(&session) {
                present.isolation = isolation;
                present.lock_timeout = timeout;
                present.deadlock_priority = priority;
            }
            if let Some(open) = work
                .locals
                .transaction
                .and_then(|id| work.state.transactions.get_mut(&id))
            {
                open.priority = priority;
            }
            Ok(())
        })?;
        Ok(Flow::Next)
    }

    fn wait_for(&mut self, delay: &Expr) -> Result<Flow> {
        let text = self.text(delay)?;
        let ticks = crate::data::moment::parse(&text)
            .and_then(|parsed| parsed.ticks)
            .unwrap_or(0);
        let end = Instant::now() + Duration::from_micros(u64::try_from(ticks / 10).unwrap_or(0));
        if let Host::Held(_) = self.host {
            return Err(SqlError::beyond("WAITFOR within a trigger").into());
        }
        wait_until(end, self.client)?;
        Ok(Flow::Next)
    }

    fn execute(&mut self, name: &Name, arguments: &[(Option<String>, Expr)]) -> Result<Flow> {
        if name.object.eq_ignore_ascii_case("sp_executesql") {
            let mut values = Vec::new();
            for (name, value) in arguments {
                let (value, kind) = self.value(value)?;
                values.push((name.clone(), value, kind));
            }
            let text = |at: usize| {
                values
                    .get(at)
                    .and_then(|v| v.1.as_text())
                    .unwrap_or_default()
                    .to_owned()
            };
            let declared = parse_parameters(&text(1))?;
            let mut variables = Vec::new();
            for (at, (name, kind)) in declared.into_iter().enumerate() {
                let given = values
                    .iter()
                    .skip(2)
                    .find(|value| value.0.as_deref() == Some(&name))
                    .or_else(|| values.get(at + 2).filter(|value| value.0.is_none()));
                let value = match given {
                    Some((_, value, from)) => convert(value, *from, kind)?,
                    None => Value::Null,
                };
                variables.push((name, kind, value));
            }
            return self.nested(&text(0), variables);
        }
        // What changes nothing that can be seen here is accepted.
        if [
            "sp_settriggerorder",
            "sp_updatestats",
            "sp_addextendedproperty",
            "sp_recompile",
        ]
        .iter()
        .any(|known| name.object.eq_ignore_ascii_case(known))
        {
            return Ok(Flow::Next);
        }
        Err(SqlError::general(2812, format!("Could not find stored procedure '{name}'.")).into())
    }

    /// A batch within a batch, with variables of its own; options it sets end with it.
    pub fn nested(&mut self, text: &str, variables: Vec<(String, SqlType, Value)>) -> Result<Flow> {
        let statements = parse_batch(text)?;
        let before = self.locals.clone();
        self.locals.variables.clear();
        self.locals.tables.clear();
        for (name, kind, value) in variables {
            self.locals.declare(&name, kind, value);
        }
        let flow = self.statements(&statements);
        self.locals.variables = before.variables;
        self.locals.tables = before.tables;
        self.locals.isolation = before.isolation;
        self.locals.lock_timeout = before.lock_timeout;
        self.locals.deadlock_priority = before.deadlock_priority;
        self.locals.xact_abort = before.xact_abort;
        self.locals.no_count = before.no_count;
        self.locals.database = before.database;
        match flow? {
            Flow::Return | Flow::Break | Flow::Continue => Ok(Flow::Next),
            other => Ok(other),
        }
    }
}

/// Sleeps, but not longer than the client's patience.
pub(super) fn wait_until(end: Instant, client: &mut dyn Client) -> Result<()> {
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        std::thread::sleep(rest.min(PATIENCE));
        if client.is_cancelled() {
            return Err(Stop::Cancelled);
        }
    }
}

/// Whether waiting for `by` closes a circle and we are the one to give way. The other one is told when it is not us.
fn deadlocked(state: &mut State, own: u64, by: u64) -> bool {
    let mut at = by;
    for _ in 0..state.transactions.len() {
        match state.transactions.get(&at).and_then(|open| open.waits_for) {
            Some(next) if next == own => break,
            Some(next) => at = next,
            None => return false,
        }
    }
    let closes = state.transactions.get(&at).and_then(|open| open.waits_for) == Some(own);
    let priority = |id: u64| state.transactions.get(&id).map_or(0, |open| open.priority);
    if !closes || priority(own) <= priority(by) {
        return closes;
    }
    if let Some(other) = state.transactions.get_mut(&by) {
        other.victim = true;
    }
    false
}
