//! A session: what a connection, or a test, can ask for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::interpreter::{Client, Flow, Host, Interpreter, wait_until};
use super::locals::{Locals, Variable};
use super::statement::Reply;
use super::store::Shared;
use crate::data::convert::convert;
use crate::data::types::SqlType;
use crate::data::value::Value;
use crate::error::{Result, SqlError, Stop};
use crate::hooks::Action;
use crate::sql::{parse_batch, parse_parameters};

/// A parameter of a remote procedure call.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub name: String,
    pub output: bool,
    pub kind: SqlType,
    pub value: Value,
}

pub(crate) struct Session {
    shared: Arc<Shared>,
    locals: Locals,
    prepared: HashMap<i64, (String, String)>,
    next_handle: i64,
}

impl Session {
    pub fn new(shared: Arc<Shared>, id: u16, login: &str, is_admin: bool, database: &str) -> Self {
        Self {
            shared,
            locals: Locals::new(id, login, is_admin, database),
            prepared: HashMap::new(),
            next_handle: 1,
        }
    }

    pub fn database(&self) -> &str {
        &self.locals.database
    }

    /// Sets the session back to how it was after login, as a pooled connection is.
    pub fn reset(&mut self, client: &mut dyn Client) -> Result<()> {
        self.interpreter(client).roll_back()?;
        let locals = &self.locals;
        self.locals = Locals::new(
            locals.session,
            &locals.login,
            locals.is_admin,
            &locals.database,
        );
        Ok(())
    }

    /// Rolls back what is open; to be called when the connection is gone.
    pub fn close(&mut self) {
        if let Some(id) = self.locals.transaction.take() {
            self.shared.lock().rollback(id);
        }
        self.shared.lock().sessions.remove(&self.locals.session);
        self.shared.ended.notify_all();
    }

    fn interpreter<'a>(&'a mut self, client: &'a mut dyn Client) -> Interpreter<'a> {
        Interpreter {
            host: Host::Shared(&self.shared),
            locals: &mut self.locals,
            client,
            trying: 0,
        }
    }

    /// A batch of statements.
    pub fn batch(&mut self, text: &str, client: &mut dyn Client) -> Result<()> {
        self.locals.variables.clear();
        self.locals.tables.clear();
        self.hear(text, client, |session, client| {
            let statements = parse_batch(text)?;
            session
                .interpreter(client)
                .statements(&statements)
                .map(|_| ())
        })
    }

    /// Does what a test wants to go wrong, or else what is asked for.
    fn hear(
        &mut self,
        text: &str,
        client: &mut dyn Client,
        run: impl FnOnce(&mut Self, &mut dyn Client) -> Result<()>,
    ) -> Result<()> {
        let fault = self.shared.lock().hear(text);
        let result = match fault {
            None => run(self, client),
            Some(Action::Fail(error)) => Err(error.into()),
            Some(Action::Deadlock) => Err(SqlError::deadlock(self.locals.session).into()),
            Some(Action::Disconnect) => Err(Stop::Disconnect),
            Some(Action::Stall(delay)) => {
                wait_until(Instant::now() + delay, client).and_then(|()| run(self, client))
            }
            Some(Action::DisconnectAfterRows(rows)) => {
                let mut cut = Cut {
                    client,
                    rows,
                    then: Stop::Disconnect,
                };
                run(self, &mut cut)
            }
            Some(Action::FailAfterRows(rows, error)) => {
                let mut cut = Cut {
                    client,
                    rows,
                    then: error.into(),
                };
                run(self, &mut cut)
            }
        };
        match result {
            Err(Stop::Error(error)) => {
                self.locals.last_error = error.number;
                client.reply(Reply::Error(error.clone()))?;
                if error.number == 1205 || self.locals.xact_abort {
                    self.interpreter(client).roll_back()?;
                }
                client.reply(Reply::Done(None))
            }
            Err(Stop::Blocked(_)) => Err(Stop::Disconnect),
            other => other,
        }
    }

    /// A remote procedure call, by name.
    pub fn call(
        &mut self,
        procedure: &str,
        parameters: Vec<Parameter>,
        client: &mut dyn Client,
    ) -> Result<()> {
        let text = |at: usize| {
            let value = parameters.get(at).map(|parameter| &parameter.value);
            value
                .and_then(Value::as_text)
                .unwrap_or_default()
                .to_owned()
        };
        let handle = || {
            parameters
                .first()
                .and_then(|parameter| parameter.value.as_int())
                .unwrap_or(0)
        };
        match procedure.to_lowercase().trim_start_matches("sys.") {
            "sp_executesql" => self.execute(
                &text(0),
                &text(1),
                parameters.get(2..).unwrap_or_default(),
                client,
            ),
            "sp_prepare" => {
                self.prepare(text(1), text(2), client)?;
                client.reply(Reply::Status(0))
            }
            "sp_prepexec" => {
                self.prepare(text(1), text(2), client)?;
                self.execute(
                    &text(2),
                    &text(1),
                    parameters.get(3..).unwrap_or_default(),
                    client,
                )
            }
            "sp_execute" => {
                let Some((declared, statement)) = self.prepared.get(&handle()).cloned() else {
                    let message = format!(
                        "Could not find prepared statement with handle {}.",
                        handle()
                    );
                    return self.refuse(SqlError::general(8179, message), client);
                };
                self.execute(
                    &statement,
                    &declared,
                    parameters.get(1..).unwrap_or_default(),
                    client,
                )
            }
            "sp_unprepare" => {
                self.prepared.remove(&handle());
                client.reply(Reply::Status(0))
            }
            "sp_reset_connection" => self.reset(client),
            _ => {
                let message = format!("Could not find stored procedure '{procedure}'.");
                self.refuse(SqlError::general(2812, message), client)
            }
        }
    }

    fn refuse(&mut self, error: SqlError, client: &mut dyn Client) -> Result<()> {
        client.reply(Reply::Error(error))?;
        client.reply(Reply::Done(None))
    }

    fn prepare(
        &mut self,
        declared: String,
        statement: String,
        client: &mut dyn Client,
    ) -> Result<()> {
        let handle = self.next_handle;
        self.next_handle += 1;
        self.prepared.insert(handle, (declared, statement));
        let variable = Variable {
            kind: SqlType::Int,
            value: Value::Int(handle),
        };
        client.reply(Reply::Output("@handle".to_owned(), variable))
    }

    fn execute(
        &mut self,
        statement: &str,
        declared: &str,
        parameters: &[Parameter],
        client: &mut dyn Client,
    ) -> Result<()> {
        let depth = self.locals.depth;
        let outputs: Vec<Parameter> = parameters
            .iter()
            .filter(|parameter| parameter.output)
            .cloned()
            .collect();
        self.hear(statement, client, |session, client| {
            let mut variables = Vec::new();
            for (at, (name, kind)) in parse_parameters(declared)?.into_iter().enumerate() {
                let named = parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(&name));
                let given = named.or_else(|| parameters.get(at).filter(|parameter| parameter.name.is_empty()));
                let Some(given) = given else {
                    let message = format!(
                        "The parameterized query '({declared}){statement}' expects the parameter '{name}', which was not supplied."
                    );
                    return Err(SqlError::general(8178, message).into());
                };
                let value = convert(&given.value, given.kind, kind)?;
                variables.push((name, kind, value));
            }
            let mut kept = None;
            let result = session.within(statement, variables, client, &mut kept);
            for parameter in &outputs {
                let found = kept.as_ref().and_then(|all: &HashMap<String, Variable>| all.get(&parameter.name.to_lowercase()));
                if let Some(variable) = found {
                    client.reply(Reply::Output(parameter.name.clone(), variable.clone()))?;
                }
            }
            result
        })?;
        if self.locals.depth != depth {
            let message = format!(
                "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count = {depth}, current count = {}.",
                self.locals.depth
            );
            client.reply(Reply::Error(SqlError::general(266, message)))?;
        }
        client.reply(Reply::Status(0))
    }

    /// Runs a statement with these parameters; keeps what became of them.
    fn within(
        &mut self,
        statement: &str,
        variables: Vec<(String, SqlType, Value)>,
        client: &mut dyn Client,
        kept: &mut Option<HashMap<String, Variable>>,
    ) -> Result<()> {
        let statements = parse_batch(statement)?;
        let before = self.locals.clone();
        self.locals.variables.clear();
        self.locals.tables.clear();
        for (name, kind, value) in variables {
            self.locals.declare(&name, kind, value);
        }
        let flow = self.interpreter(client).statements(&statements);
        let locals = &mut self.locals;
        *kept = Some(std::mem::replace(&mut locals.variables, before.variables));
        locals.tables = before.tables;
        locals.isolation = before.isolation;
        locals.lock_timeout = before.lock_timeout;
        locals.deadlock_priority = before.deadlock_priority;
        locals.xact_abort = before.xact_abort;
        locals.no_count = before.no_count;
        match flow? {
            Flow::Next | Flow::Break | Flow::Continue | Flow::Return | Flow::Abort => Ok(()),
        }
    }

    /// Requests of the transaction manager, as drivers send them.
    pub fn begin(&mut self, isolation: u8, client: &mut dyn Client) -> Result<()> {
        use super::locals::Isolation;
        match isolation {
            1 => self.locals.isolation = Isolation::ReadUncommitted,
            2 => self.locals.isolation = Isolation::ReadCommitted,
            3 => self.locals.isolation = Isolation::RepeatableRead,
            4 => self.locals.isolation = Isolation::Serializable,
            5 => self.locals.isolation = Isolation::Snapshot,
            _ => {}
        }
        self.hear("BEGIN TRANSACTION", client, |session, client| {
            session.interpreter(client).begin().map(|_| ())
        })
    }

    pub fn commit(&mut self, client: &mut dyn Client) -> Result<()> {
        self.hear("COMMIT TRANSACTION", client, |session, client| {
            session.interpreter(client).commit().map(|_| ())
        })
    }

    pub fn rollback(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        let name = Some(name).filter(|name| !name.is_empty());
        self.hear("ROLLBACK TRANSACTION", client, |session, client| {
            session.interpreter(client).rollback(name).map(|_| ())
        })
    }

    pub fn save(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        let statement = crate::sql::ast::Stated {
            line: 1,
            statement: crate::sql::ast::Statement::Save(name.to_owned()),
        };
        self.interpreter(client)
            .statements(&[statement])
            .map(|_| ())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

/// Lets so many rows through, and then no more.
struct Cut<'a> {
    client: &'a mut dyn Client,
    rows: usize,
    then: Stop,
}

impl Client for Cut<'_> {
    fn reply(&mut self, reply: Reply) -> Result<()> {
        match reply {
            Reply::Rows(fields, mut rows) if rows.len() > self.rows => {
                rows.truncate(self.rows);
                self.client.reply(Reply::Rows(fields, rows))?;
                Err(self.then.clone())
            }
            Reply::Rows(fields, rows) => {
                self.rows -= rows.len();
                self.client.reply(Reply::Rows(fields, rows))
            }
            other => self.client.reply(other),
        }
    }

    fn is_cancelled(&mut self) -> bool {
        self.client.is_cancelled()
    }
}
