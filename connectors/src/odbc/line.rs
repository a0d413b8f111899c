//! One connection on a thread of its own, because drivers block.
//!
//! Work is sent to the thread; rows come back through a bounded channel, so a slow reader stops the driver and not the
//! other way round. Whoever stops listening stops the query; whoever drops the line ends the connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as jobs;
use std::thread;

use fluxion_model::value::Value;
use odbc_api::{Connection, ConnectionOptions, Environment, environment};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::KIND;
use super::config::Target;
use super::decode::Letters;
use super::dialect::{DialectName, OdbcDialect};
use super::fault::{self, OdbcFault};
use super::fetch::{self, Query};
use crate::error::{SourceError, SourceResult};
use crate::sql::ColumnInfo;

/// Rows on their way: values and their rough size.
pub(super) type Block = Vec<(Vec<Value>, usize)>;

/// Blocks that wait for the reader.
const BLOCKS: usize = 4;

type Job = Box<dyn FnOnce(&Worker) + Send>;

/// What the thread knows.
pub(super) struct Worker {
    pub connection: Connection<'static>,
    pub target: Arc<Target>,
    pub dialect: OdbcDialect,
    pub letters: Letters,
}

/// The near end of a connection.
pub(super) struct Line {
    jobs: jobs::Sender<Job>,
    pub target: Arc<Target>,
    pub product: String,
    pub dialect: OdbcDialect,
}

impl Line {
    /// Connects, and asks the driver what it is.
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let (jobs, received) = jobs::channel::<Job>();
        let (tell, told) = oneshot::channel();
        let of_thread = Arc::clone(target);
        let spawned = thread::Builder::new()
            .name("odbc".to_owned())
            .spawn(move || match connect(of_thread) {
                Ok((worker, product)) => {
                    let greeting = (product, worker.dialect);
                    if tell.send(Ok(greeting)).is_ok() {
                        received.into_iter().for_each(|job| job(&worker));
                    }
                }
                Err(fault) => drop(tell.send(Err(fault))),
            });
        let action = || format!("connect to {}", target.name());
        spawned.map_err(|error| SourceError::retry(KIND, action(), error))?;
        match timeout(target.limits.connect, told).await {
            Ok(Ok(Ok((product, dialect)))) => Ok(Self {
                jobs,
                target: Arc::clone(target),
                product,
                dialect,
            }),
            Ok(Ok(Err(fault))) => Err(fault::connecting(target, fault)),
            Ok(Err(_)) => Err(SourceError::retry(KIND, action(), OdbcFault::Gone)),
            Err(_) => {
                let late = OdbcFault::Late(target.limits.connect.as_secs());
                Err(SourceError::retry(KIND, action(), late))
            }
        }
    }

    /// Has the thread do something and waits for it.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Worker) -> Result<T, OdbcFault> + Send + 'static,
    ) -> Result<T, OdbcFault> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |worker| drop(tell.send(work(worker))));
        self.jobs.send(job).map_err(|_| OdbcFault::Gone)?;
        match timeout(self.target.limits.query, told).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(OdbcFault::Gone),
            Err(_) => Err(self.late()),
        }
    }

    /// The columns a query would return.
    pub async fn describe(&self, query: Query) -> Result<Vec<ColumnInfo>, OdbcFault> {
        self.call(move |worker| fetch::describe(worker, &query))
            .await
    }

    /// Runs a query row by row, handing rows on as they come.
    pub async fn stream(
        &self,
        query: Query,
        row: &mut (dyn FnMut(Vec<Value>, usize) + Send),
    ) -> Result<(), OdbcFault> {
        let mut blocks = self.start(query, None)?;
        let work = async {
            while let Some(block) = blocks.recv().await {
                block?
                    .into_iter()
                    .for_each(|(values, bytes)| row(values, bytes));
            }
            Ok(())
        };
        match timeout(self.target.limits.query, work).await {
            Ok(result) => result,
            Err(_) => Err(self.late()),
        }
    }

    /// Runs a query with many rows at once. What was read is handed on only when all of it came whole.
    pub async fn whole(&self, query: Query, long: usize) -> Result<Block, OdbcFault> {
        let mut blocks = self.start(query, Some(long))?;
        let work = async {
            let mut all = Block::new();
            while let Some(block) = blocks.recv().await {
                all.append(&mut block?);
            }
            Ok(all)
        };
        match timeout(self.target.limits.query, work).await {
            Ok(result) => result,
            Err(_) => Err(self.late()),
        }
    }

    fn start(
        &self,
        query: Query,
        long: Option<usize>,
    ) -> Result<mpsc::Receiver<Result<Block, OdbcFault>>, OdbcFault> {
        let (send, receive) = mpsc::channel(BLOCKS);
        let job: Job = Box::new(move |worker| {
            let mut hand_on = |block: Block| send.blocking_send(Ok(block)).is_ok();
            let done = match long {
                Some(long) => fetch::many(worker, &query, long, &mut hand_on),
                None => fetch::one_by_one(worker, &query, &mut hand_on),
            };
            if let Err(fault) = done {
                // Whoever went away does not want to know.
                drop(send.blocking_send(Err(fault)));
            }
        });
        self.jobs.send(job).map_err(|_| OdbcFault::Gone)?;
        Ok(receive)
    }

    fn late(&self) -> OdbcFault {
        OdbcFault::Late(self.target.limits.query.as_secs())
    }

    /// From now on, also for other connections, one row at a time.
    pub fn row_by_row(&self) {
        self.target.row_by_row.store(true, Ordering::Relaxed);
    }

    pub fn is_row_by_row(&self) -> bool {
        self.target.row_by_row.load(Ordering::Relaxed)
    }
}

fn connect(target: Arc<Target>) -> Result<(Worker, String), OdbcFault> {
    let environment: &'static Environment = environment()?;
    let options = ConnectionOptions {
        login_timeout_sec: Some(target.config.connect_timeout_seconds),
        packet_size: None,
    };
    let text = target.connection_string();
    let connection = match environment.connect_with_connection_string(&text, options) {
        Ok(connection) => connection,
        Err(error) => match OdbcFault::from(error) {
            // Not every driver can be told how long to wait.
            fault if fault.is_unsupported() => {
                environment.connect_with_connection_string(&text, ConnectionOptions::default())?
            }
            fault => return Err(fault),
        },
    };
    let product = connection
        .database_management_system_name()
        .unwrap_or_default();
    let product = product.trim_matches(['\0', ' ']).to_owned();
    let name = match target.config.dialect {
        DialectName::Auto => DialectName::detect(&product),
        named => named,
    };
    let dialect = OdbcDialect(name);
    let letters = match target.alphabet {
        Some(alphabet) => Letters::Narrow(alphabet),
        None if dialect.is_wide() => Letters::Wide,
        None => Letters::Narrow(super::default_alphabet(name)),
    };
    let worker = Worker {
        connection,
        target,
        dialect,
        letters,
    };
    Ok((worker, product))
}
