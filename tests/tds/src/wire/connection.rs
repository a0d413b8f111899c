//! One connection, from the first packet to the last.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ServerConfig;

use super::login::{self, Login7};
use super::packet::{self, ANSWER, LOGIN7, Message, PRELOGIN, PacketWriter};
use super::prelogin::{self, Encryption};
use super::request::{self, Request};
use super::tls::{self, Line};
use super::tokens::{self, ATTENTION, COUNTED, Done, FAILED, MORE};
use crate::data::collation::Collation;
use crate::engine::{Client, Present, Reply, Session, Shared};
use crate::error::{Result, SqlError, Stop};
use crate::server::Encrypting;

/// Rows between two looks at whether the client has lost interest.
const LOOK_EVERY: usize = 64;

/// Serves a connection until it ends.
pub(crate) fn serve(
    socket: TcpStream,
    shared: &Arc<Shared>,
    config: &Arc<ServerConfig>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = socket;
    let message = packet::read_message(&mut socket)?;
    if message.kind != PRELOGIN {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "a connection that does not begin with PRELOGIN",
        ));
    }
    let asked = prelogin::read(&message.body)?;
    let identity = shared.lock().identity.clone();
    let agreed = agree(asked.encryption, identity.encryption);
    let fits = asked.instance.is_empty()
        || asked
            .instance
            .eq_ignore_ascii_case(identity.instance.as_deref().unwrap_or("MSSQLServer"));
    let answer = prelogin::answer(identity.version.number(), agreed, fits);
    let mut writer = PacketWriter::new(ANSWER, 4096, 0);
    writer.bytes().extend(answer);
    writer.finish(&mut socket)?;
    if agreed == Encryption::Required && asked.encryption == Encryption::NotSupported {
        return Ok(());
    }
    let mut line = if agreed == Encryption::NotSupported {
        Line::Plain(socket)
    } else {
        tls::accept(socket, Arc::clone(config))?
    };
    let message = packet::read_message(&mut line)?;
    if agreed == Encryption::Off {
        line = line.bare();
    }
    if message.kind != LOGIN7 {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "no login where one was due",
        ));
    }
    let login = login::read(&message.body)?;
    let encrypted = matches!(agreed, Encryption::On | Encryption::Required);
    let Some(mut connection) = enter(line, shared, &login, encrypted)? else {
        return Ok(());
    };
    connection.run()
}

/// What both sides do, from what each wants.
fn agree(client: Encryption, server: Encrypting) -> Encryption {
    match (server, client) {
        (Encrypting::Never, _) | (Encrypting::WhenAsked, Encryption::NotSupported) => {
            Encryption::NotSupported
        }
        (Encrypting::WhenAsked, Encryption::Off) => Encryption::Off,
        (Encrypting::WhenAsked, Encryption::On | Encryption::Required)
        | (Encrypting::Always, Encryption::On) => Encryption::On,
        (Encrypting::Always, _) => Encryption::Required,
    }
}

fn failed_login(user: &str, state: u8) -> SqlError {
    let mut error = SqlError::new(18456, 14, format!("Login failed for user '{user}'."));
    error.state = state;
    error
}

/// Checks who it is. None: refused, and told so.
fn enter(
    mut line: Line,
    shared: &Arc<Shared>,
    login: &Login7,
    encrypted: bool,
) -> io::Result<Option<Connection>> {
    let mut state = shared.lock();
    let server = state.identity.server_name();
    let known = state
        .logins
        .iter()
        .find(|known| {
            known.name.eq_ignore_ascii_case(&login.user) && known.password == login.password
        })
        .cloned();
    let database = if login.database.is_empty() {
        state.identity.default_database.clone()
    } else {
        login.database.clone()
    };
    let refused = if login.integrated {
        Some(vec![SqlError::new(
            18452,
            14,
            "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.",
        )])
    } else if known.is_none() {
        Some(vec![failed_login(&login.user, 1)])
    } else if state.database(&database).is_err() {
        let mut cannot = SqlError::new(
            4060,
            11,
            format!(
                "Cannot open database \"{database}\" requested by the login. The login failed."
            ),
        );
        cannot.state = 1;
        Some(vec![cannot, failed_login(&login.user, 38)])
    } else {
        state
            .identity
            .refuse_logins
            .clone()
            .map(|error| vec![error])
    };
    let mut writer = PacketWriter::new(ANSWER, 4096, 0);
    let (Some(known), None) = (known, &refused) else {
        drop(state);
        for error in refused.unwrap_or_default() {
            tokens::error(&error, &server, writer.bytes());
        }
        tokens::done(Done::Batch, FAILED, 0, 0, writer.bytes());
        writer.finish(&mut line)?;
        return Ok(None);
    };
    let id = state.next_session;
    state.next_session = state.next_session.checked_add(1).unwrap_or(51);
    let name = state
        .database(&database)
        .map_or(database.clone(), |d| d.name.clone());
    let collation = state
        .database(&database)
        .map_or(Collation::default_one(), |d| d.collation);
    state.sessions.insert(
        id,
        Present {
            id,
            login: known.name.clone(),
            host: login.host.clone(),
            program: login.program.clone(),
            database: name.clone(),
            isolation: 2,
            lock_timeout: -1,
            deadlock_priority: 0,
            encrypted,
        },
    );
    let identity = state.identity.clone();
    drop(state);
    let size = login.packet_size.clamp(512, 32_767);
    let own = identity.version.tds();
    let version = if login.version >> 24 < own >> 24 {
        login.version
    } else {
        own
    };
    let out = writer.bytes();
    tokens::changed_text(1, &name, "master", out);
    let moved = format!("Changed database context to '{name}'.");
    let mut note = SqlError::new(5701, 0, moved);
    note.state = 2;
    tokens::info(&note, &server, out);
    tokens::changed_collation(collation, out);
    tokens::changed_text(2, "us_english", "", out);
    tokens::info(
        &SqlError::new(5703, 0, "Changed language setting to us_english."),
        &server,
        out,
    );
    tokens::login_ack(
        version,
        "Microsoft SQL Server",
        identity.version.number(),
        out,
    );
    tokens::changed_text(4, &size.to_string(), "4096", out);
    tokens::done(Done::Batch, 0, 0, 0, out);
    writer.finish(&mut line)?;
    Ok(Some(Connection {
        session: Session::new(Arc::clone(shared), id, &known.name, known.is_admin, &name),
        talk: Talk {
            line,
            size,
            id,
            server,
            bitmap: version >= 0x730B_0003 || version >> 24 == 0x74,
            waiting: None,
        },
    }))
}

struct Connection {
    session: Session,
    talk: Talk,
}

/// The line and what is known of the client.
struct Talk {
    line: Line,
    size: usize,
    id: u16,
    server: String,
    /// Whether rows may carry a bitmap of their NULLs.
    bitmap: bool,
    /// A message that came while another was being answered.
    waiting: Option<Message>,
}

impl Connection {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let message = match self.talk.waiting.take() {
                Some(message) => message,
                None => match packet::read_message(&mut self.talk.line) {
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                    other => other?,
                },
            };
            if message.kind == packet::ATTENTION {
                self.talk.acknowledge()?;
                continue;
            }
            if !self.answer(&message)? {
                return Ok(());
            }
        }
    }

    /// Answers one message; false when the connection is to end.
    fn answer(&mut self, message: &Message) -> io::Result<bool> {
        let request = request::read(message)?;
        let writer = PacketWriter::new(ANSWER, self.talk.size, self.talk.id);
        let is_call = matches!(request, Request::Call(_));
        let mut answer = Answer {
            talk: &mut self.talk,
            writer,
            pending: None,
            failed: false,
            is_call,
            database: self.session.database().to_owned(),
        };
        if message.reset {
            tokens::reset_done(answer.writer.bytes());
            self.session.reset(&mut answer).unwrap_or_default();
        }
        let result = perform(&mut self.session, request, &mut answer);
        answer.end(result)
    }
}

fn perform(session: &mut Session, request: Request, answer: &mut Answer<'_>) -> Result<()> {
    match request {
        Request::Batch(text) => session.batch(&text, answer),
        Request::Call(calls) => {
            for call in calls {
                session.call(&call.procedure, call.parameters, answer)?;
            }
            Ok(())
        }
        Request::Begin { isolation } => session.begin(isolation, answer),
        Request::Commit { and_begin } => {
            session.commit(answer)?;
            and_begin.map_or(Ok(()), |isolation| session.begin(isolation, answer))
        }
        Request::Rollback { name, and_begin } => {
            session.rollback(&name, answer)?;
            and_begin.map_or(Ok(()), |isolation| session.begin(isolation, answer))
        }
        Request::Save(name) => session.save(&name, answer),
    }
}

impl Talk {
    /// Says that an attention has been heard.
    fn acknowledge(&mut self) -> io::Result<()> {
        let mut writer = PacketWriter::new(ANSWER, self.size, self.id);
        tokens::done(Done::Batch, ATTENTION, 0, 0, writer.bytes());
        writer.finish(&mut self.line)
    }
}

/// An answer while it is being given.
struct Answer<'a> {
    talk: &'a mut Talk,
    writer: PacketWriter,
    /// The end of a statement, kept back until it is known whether more follows.
    pending: Option<(u16, u16, u64)>,
    failed: bool,
    is_call: bool,
    database: String,
}

impl Answer<'_> {
    fn flush_pending(&mut self, more: bool) {
        if let Some((status, command, count)) = self.pending.take() {
            let kind = if self.is_call {
                Done::InProcedure
            } else {
                Done::Batch
            };
            let status = status | if more { MORE } else { 0 };
            tokens::done(kind, status, command, count, self.writer.bytes());
        }
    }

    fn send(&mut self) -> Result<()> {
        self.writer
            .send_full(&mut self.talk.line)
            .map_err(|_| Stop::Disconnect)
    }

    /// Sends the rest; false when the connection is to end.
    fn end(mut self, result: Result<()>) -> io::Result<bool> {
        match result {
            Ok(()) => {}
            Err(Stop::Cancelled) => {
                self.flush_pending(true);
                tokens::done(Done::Batch, ATTENTION, 0, 0, self.writer.bytes());
                self.writer.finish(&mut self.talk.line)?;
                return Ok(true);
            }
            Err(Stop::Error(error)) => {
                self.flush_pending(true);
                tokens::error(&error, &self.talk.server, self.writer.bytes());
                self.failed = true;
            }
            Err(Stop::Disconnect | Stop::Blocked(_)) => {
                self.writer.send_cut(&mut self.talk.line)?;
                return Ok(false);
            }
        }
        let failed = if self.failed { FAILED } else { 0 };
        if self.is_call {
            self.flush_pending(true);
            tokens::done(Done::Procedure, failed, 0xE0, 0, self.writer.bytes());
        } else if self.pending.is_some() {
            self.flush_pending(false);
        } else {
            tokens::done(Done::Batch, failed, 0, 0, self.writer.bytes());
        }
        self.writer.finish(&mut self.talk.line)?;
        Ok(true)
    }
}

impl Client for Answer<'_> {
    fn reply(&mut self, reply: Reply) -> Result<()> {
        if !matches!(reply, Reply::Done(_)) || self.pending.is_some() {
            self.flush_pending(true);
        }
        let out = self.writer.bytes();
        match reply {
            Reply::Rows(fields, rows) => {
                tokens::columns(&fields, out);
                for (at, row) in rows.iter().enumerate() {
                    tokens::row(&fields, row, self.talk.bitmap, self.writer.bytes());
                    self.send()?;
                    if at % LOOK_EVERY == LOOK_EVERY - 1 && self.is_cancelled() {
                        return Err(Stop::Cancelled);
                    }
                }
                self.failed = false;
            }
            Reply::Done(count) => {
                let status = if count.is_some() { COUNTED } else { 0 }
                    | if self.failed { FAILED } else { 0 };
                self.pending = Some((status, 0xC1, count.unwrap_or(0)));
                self.failed = false;
            }
            Reply::Info(info) => tokens::info(&info, &self.talk.server, out),
            Reply::Error(error) => {
                tokens::error(&error, &self.talk.server, out);
                self.failed = true;
            }
            Reply::Database(name) => {
                tokens::changed_text(1, &name, &self.database, out);
                let mut note =
                    SqlError::new(5701, 0, format!("Changed database context to '{name}'."));
                note.state = 2;
                tokens::info(&note, &self.talk.server, out);
                self.database = name;
            }
            Reply::Output(name, variable) => tokens::return_value(&name, &variable, out),
            Reply::Status(status) => tokens::return_status(status, out),
            Reply::Begun(id) => tokens::changed_transaction(8, id, out),
            Reply::Committed(id) => tokens::changed_transaction(9, id, out),
            Reply::RolledBack(id) => tokens::changed_transaction(10, id, out),
        }
        self.send()
    }

    fn is_cancelled(&mut self) -> bool {
        if self.talk.waiting.is_some() || !self.talk.line.has_input() {
            return false;
        }
        match packet::read_message(&mut self.talk.line) {
            Ok(message) if message.kind == packet::ATTENTION => true,
            Ok(message) => {
                self.talk.waiting = Some(message);
                false
            }
            // Gone: nobody waits for the rest.
            Err(_) => true,
        }
    }
}
