//! The server as tests start it: on a free port, with hooks, gone when dropped.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;

use crate::data::moment;
use crate::data::value::Value;
use crate::direct::Direct;
use crate::engine::{Database, Login, Shared, State};
use crate::error::SqlError;
use crate::hooks::{Action, Fault};
use crate::wire;

/// Which SQL Server it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2008: speaks TDS 7.3.
    Sql2008,
    /// 2008 R2: TDS 7.3 with null bitmaps.
    Sql2008R2,
    /// From here on TDS 7.4.
    Sql2012,
    /// 2014.
    Sql2014,
    /// 2016.
    Sql2016,
    /// 2017.
    Sql2017,
    /// 2019.
    Sql2019,
    /// 2022.
    Sql2022,
}

impl Version {
    fn known(self) -> (&'static str, &'static str, [u8; 4]) {
        let build = |major: u8, minor: u8, build: u16| {
            let [high, low] = build.to_be_bytes();
            [major, minor, high, low]
        };
        match self {
            Self::Sql2008 => ("2008", "10.0.6000.29", build(10, 0, 6000)),
            Self::Sql2008R2 => ("2008 R2", "10.50.6000.34", build(10, 50, 6000)),
            Self::Sql2012 => ("2012", "11.0.7001.0", build(11, 0, 7001)),
            Self::Sql2014 => ("2014", "12.0.6024.0", build(12, 0, 6024)),
            Self::Sql2016 => ("2016", "13.0.6300.2", build(13, 0, 6300)),
            Self::Sql2017 => ("2017", "14.0.3456.2", build(14, 0, 3456)),
            Self::Sql2019 => ("2019", "15.0.4312.2", build(15, 0, 4312)),
            Self::Sql2022 => ("2022", "16.0.4085.2", build(16, 0, 4085)),
        }
    }

    pub(crate) fn number(self) -> [u8; 4] {
        self.known().2
    }

    /// As the login acknowledgement gives it.
    pub(crate) fn tds(self) -> u32 {
        match self {
            Self::Sql2008 => 0x730A_0003,
            Self::Sql2008R2 => 0x730B_0003,
            Self::Sql2012
            | Self::Sql2014
            | Self::Sql2016
            | Self::Sql2017
            | Self::Sql2019
            | Self::Sql2022 => 0x7400_0004,
        }
    }
}

/// Which edition it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Free, and what most tills have.
    Express,
    /// What a larger store has.
    Standard,
}

/// What the server does about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypting {
    /// It cannot.
    Never,
    /// At least the login, and the rest when the client wants it.
    WhenAsked,
    /// "Force Encryption": everything, or no connection.
    Always,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub machine: String,
    pub instance: Option<String>,
    pub version: Version,
    pub edition: Edition,
    pub encryption: Encrypting,
    pub utc_offset_minutes: i16,
    pub default_database: String,
    /// All logins fail with this.
    pub refuse_logins: Option<SqlError>,
    pub port: u16,
}

impl Identity {
    pub fn server_name(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}\\{instance}", self.machine),
            None => self.machine.clone(),
        }
    }

    pub fn major(&self) -> u8 {
        self.version.number()[0]
    }

    fn edition_name(&self) -> &'static str {
        match self.edition {
            Edition::Express => "Express Edition (64-bit)",
            Edition::Standard => "Standard Edition (64-bit)",
        }
    }

    pub fn version_text(&self) -> String {
        let (year, number, _) = self.version.known();
        format!(
            "Microsoft SQL Server {year} - {number} (X64) \n\tfluxion-tds, a stand-in for tests\n\t{} on Windows",
            self.edition_name()
        )
    }

    /// `SERVERPROPERTY`, by its name in lower case.
    pub fn property(&self, name: &str) -> Value {
        let (_, number, [major, minor, high, low]) = self.version.known();
        match name {
            "productversion" => Value::text(number),
            "productlevel" => Value::text("RTM"),
            "productmajorversion" => Value::text(major.to_string()),
            "productminorversion" => Value::text(minor.to_string()),
            "productbuild" => Value::text(u16::from_be_bytes([high, low]).to_string()),
            "edition" => Value::text(self.edition_name()),
            "engineedition" => Value::Int(match self.edition {
                Edition::Express => 4,
                Edition::Standard => 2,
            }),
            "servername" => Value::text(self.server_name()),
            "machinename" | "computernamephysicalnetbios" => Value::text(&self.machine),
            "instancename" => self.instance.as_ref().map_or(Value::Null, Value::text),
            "collation" => Value::text("SQL_Latin1_General_CP1_CI_AS"),
            "isclustered"
            | "isintegratedsecurityonly"
            | "isfulltextinstalled"
            | "ishadrenabled" => Value::Int(0),
            "lcid" => Value::Int(1033),
            _ => Value::Null,
        }
    }
}

/// How a server is to be; start it with [`Options::start`].
#[derive(Debug, Clone)]
pub struct Options {
    identity: Identity,
    logins: Vec<(String, String)>,
    port: u16,
    browser: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            identity: Identity {
                machine: "TILL".to_owned(),
                instance: None,
                version: Version::Sql2019,
                edition: Edition::Express,
                encryption: Encrypting::WhenAsked,
                utc_offset_minutes: 0,
                default_database: "master".to_owned(),
                refuse_logins: None,
                port: 0,
            },
            logins: vec![("sa".to_owned(), "Secret-1".to_owned())],
            port: 0,
            browser: false,
        }
    }
}

impl Options {
    /// Plays this version.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.identity.version = version;
        self
    }

    /// Plays this edition.
    #[must_use]
    pub fn edition(mut self, edition: Edition) -> Self {
        self.identity.edition = edition;
        self
    }

    /// What it does about encryption.
    #[must_use]
    pub fn encryption(mut self, encryption: Encrypting) -> Self {
        self.identity.encryption = encryption;
        self
    }

    /// Is a named instance, which a Browser on a free UDP port tells the port of.
    #[must_use]
    pub fn instance(mut self, name: &str) -> Self {
        self.identity.instance = Some(name.to_owned());
        self.browser = true;
        self
    }

    /// How far the server's clock is from UTC.
    #[must_use]
    pub fn utc_offset_minutes(mut self, minutes: i16) -> Self {
        self.identity.utc_offset_minutes = minutes;
        self
    }

    /// The database to make, and where logins go that name none.
    #[must_use]
    pub fn database(mut self, name: &str) -> Self {
        name.clone_into(&mut self.identity.default_database);
        self
    }

    /// The administrator, instead of `sa` with `Secret-1`.
    #[must_use]
    pub fn administrator(mut self, name: &str, password: &str) -> Self {
        self.logins = vec![(name.to_owned(), password.to_owned())];
        self
    }

    /// Listens at this port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the server on the loopback address.
    pub fn start(self) -> anyhow::Result<Server> {
        Server::start(self)
    }
}

/// A copy of a database, to be put back later.
#[derive(Debug, Clone)]
pub struct Backup {
    name: String,
    database: Database,
}

/// A running server; it stops when dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    certificate: Vec<u8>,
    browser: Option<u16>,
    stop: Arc<AtomicBool>,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    fn start(options: Options) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .context("could not listen for TDS")?;
        let address = listener.local_addr()?;
        let (config, certificate) =
            wire::tls::self_signed().context("could not make a certificate")?;
        let mut identity = options.identity;
        identity.port = address.port();
        let mut state = State::new(identity);
        let default = state.identity.default_database.clone();
        if state.database(&default).is_err() {
            state.create_database(&default)?;
        }
        for (name, password) in options.logins {
            state.logins.push(Login {
                name,
                password,
                is_admin: true,
                permissions: Vec::new(),
            });
        }
        let shared = Arc::new(Shared::new(state));
        let stop = Arc::new(AtomicBool::new(false));
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let mut threads = Vec::new();
        let mut browser = None;
        if options.browser {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                .context("could not listen for the Browser")?;
            browser = Some(socket.local_addr()?.port());
            let (shared, stop, port) = (Arc::clone(&shared), Arc::clone(&stop), address.port());
            threads.push(thread::spawn(move || {
                wire::browser::serve(&socket, &shared, port, &stop)
            }));
        }
        {
            let (shared, stop, sockets) =
                (Arc::clone(&shared), Arc::clone(&stop), Arc::clone(&sockets));
            threads.push(thread::spawn(move || {
                for socket in listener.incoming().map_while(Result::ok) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    accept(socket, &shared, &config, &sockets);
                }
            }));
        }
        Ok(Self {
            shared,
            address,
            certificate,
            browser,
            stop,
            sockets,
            threads,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens at.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its certificate in DER, for `localhost`, made when it was started.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The UDP port of its Browser, where it is a named instance.
    pub fn browser_port(&self) -> Option<u16> {
        self.browser
    }

    /// A session without a network between, in the default database, with all rights.
    pub fn session(&self) -> Direct {
        let mut state = self.shared.lock();
        let id = state.next_session;
        state.next_session = state.next_session.checked_add(1).unwrap_or(51);
        let database = state.identity.default_database.clone();
        drop(state);
        Direct::new(Arc::clone(&self.shared), id, &database)
    }

    /// Runs a script, with `GO` between batches, in a session of its own. Fails at the first error.
    pub fn execute(&self, script: &str) -> Result<(), SqlError> {
        self.session().execute(script)
    }

    /// The rows of a query as text, `None` for NULL.
    pub fn query(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        self.session().query(sql)
    }

    /// Lets something go wrong with the next statement that contains this text (any statement, where it is empty).
    pub fn fail(&self, when: &str, action: Action) {
        self.fail_after(when, 0, 1, action);
    }

    /// The same, after so many such statements, and so many times.
    pub fn fail_after(&self, when: &str, skip: usize, times: usize, action: Action) {
        self.shared.lock().faults.push(Fault {
            when: when.to_lowercase(),
            action,
            skip,
            times,
        });
    }

    /// Takes back what [`Server::fail`] was told and has not happened yet.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        state.faults.clear();
        state.identity.refuse_logins = None;
    }

    /// Refuses all logins with error 18456.
    pub fn refuse_logins(&self) {
        let mut error = SqlError::new(18456, 14, "Login failed for this user.");
        error.state = 1;
        self.shared.lock().identity.refuse_logins = Some(error);
    }

    /// The statements that were asked for since the last call, in order.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().heard).into()
    }

    /// Cuts all connections.
    pub fn disconnect_all(&self) {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        for socket in sockets.drain(..) {
            // One that is gone already is as good.
            socket.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }

    /// A copy of a database as it is committed now.
    pub fn back_up(&self, database: &str) -> Result<Backup, SqlError> {
        let state = self.shared.lock();
        let mut copy = state.database(database)?.clone();
        for table in copy.tables.values_mut() {
            table.forget_pending();
        }
        Ok(Backup {
            name: database.to_lowercase(),
            database: copy,
        })
    }

    /// Puts a copy back, as a restored backup does: rows, rowversions and change tracking are those of then. Cuts all
    /// connections, because SQL Server would not restore while somebody is using the database.
    pub fn restore(&self, backup: &Backup) {
        self.disconnect_all();
        let mut state = self.shared.lock();
        let open: Vec<u64> = state.transactions.keys().copied().collect();
        for transaction in open {
            state.rollback(transaction);
        }
        state
            .databases
            .insert(backup.name.clone(), backup.database.clone());
    }

    /// Lets Change Tracking of all tables of a database forget what it has seen, as if the retention had passed.
    pub fn purge_change_tracking(&self, database: &str) -> Result<(), SqlError> {
        let mut state = self.shared.lock();
        let database = state.database_mut(database)?;
        let version = database
            .tracking
            .as_ref()
            .map_or(0, |tracking| tracking.version);
        for table in database.tables.values_mut() {
            if let Some(tracked) = &mut table.tracked {
                tracked.entries.clear();
                tracked.min_valid = version;
            }
        }
        Ok(())
    }

    /// Moves the server's clock on.
    pub fn advance_clock(&self, by: Duration) {
        let ticks = i64::try_from(by.as_nanos() / 100).unwrap_or(moment::DAY);
        self.shared.lock().clock_shift += ticks;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.disconnect_all();
        // Wakes the listener, so that it sees that it is to stop.
        drop(TcpStream::connect_timeout(
            &self.address,
            Duration::from_secs(1),
        ));
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so itself.
            thread.join().unwrap_or_default();
        }
    }
}

/// Address space of a connection's thread; memory is taken only where it is used.
const CONNECTION_STACK: usize = 256 * 1024 * 1024;

fn accept(
    socket: TcpStream,
    shared: &Arc<Shared>,
    config: &Arc<rustls::ServerConfig>,
    sockets: &Arc<Mutex<Vec<TcpStream>>>,
) {
    if let Ok(copy) = socket.try_clone() {
        let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.retain(|socket| socket.peer_addr().is_ok());
        sockets.push(copy);
    }
    let (shared, config) = (Arc::clone(shared), Arc::clone(config));
    // A condition of a thousand keys is a tree of as many levels, and each level of evaluating it takes its share.
    let thread = thread::Builder::new().stack_size(CONNECTION_STACK);
    let started = thread.spawn(move || {
        let copy = socket.try_clone();
        let result = wire::connection::serve(socket, &shared, &config);
        if let Err(error) = result
            && !is_ordinary(&error)
        {
            eprintln!("fluxion-tds: a connection ended: {error}");
        }
        if let Ok(socket) = copy {
            // Often the client has closed it already.
            socket.shutdown(Shutdown::Both).unwrap_or_default();
        }
    });
    if let Err(error) = started {
        eprintln!("fluxion-tds: no thread for a connection: {error}");
    }
}

/// Ends that need no words: the client went away.
fn is_ordinary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
    )
}
