//! One connection on a thread of its own, because the driver blocks.

use std::sync::Arc;
use std::sync::mpsc as jobs;
use std::thread;

use fluxion_model::value::Value;
use rsfbclient_core::{
    Dialect as SqlDialect, FbError, FirebirdClientDbOps, FirebirdClientSqlOps, FreeStmtOp, SqlType,
    TrDataAccessMode, TrIsolationLevel, TrLockResolution, TrOp, TrRecordVersion,
    TransactionConfiguration, charset,
};
use rsfbclient_rust::{DbHandle, RustFbClient, RustFbClientAttachmentConfig, TrHandle};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::KIND;
use super::config::Target;
use super::decode::Raw;
use super::dialect::is_bound;
use super::fault::{self, FirebirdFault};
use crate::error::{SourceError, SourceResult};

/// Rows handed on at a time.
const ROWS: usize = 500;

/// Blocks that wait for the reader.
const BLOCKS: usize = 4;

/// Seconds to wait for a lock before giving way to the POS.
const LOCK_SECONDS: u32 = 5;

type Job = Box<dyn FnOnce(&mut Worker) + Send>;
type Block = Result<Vec<Vec<Raw>>, FirebirdFault>;

/// What the thread holds.
struct Worker {
    client: RustFbClient,
    database: DbHandle,
    transaction: Option<TrHandle>,
}

/// A statement on its way to the thread.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub text: String,
    pub params: Vec<Value>,
    pub max_rows: Option<usize>,
}

/// The near end of a connection.
pub(super) struct Line {
    jobs: jobs::Sender<Job>,
    pub target: Arc<Target>,
}

impl Line {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        let (jobs, received) = jobs::channel::<Job>();
        let (tell, told) = oneshot::channel();
        let of_thread = Arc::clone(target);
        let spawned =
            thread::Builder::new()
                .name("firebird".to_owned())
                .spawn(move || match connect(&of_thread) {
                    Ok(mut worker) => {
                        if tell.send(Ok(())).is_ok() {
                            received.into_iter().for_each(|job| job(&mut worker));
                        }
                        worker.close();
                    }
                    Err(fault) => drop(tell.send(Err(fault))),
                });
        let action = || format!("connect to {}", target.name());
        spawned.map_err(|error| SourceError::retry(KIND, action(), error))?;
        match timeout(target.limits.connect, told).await {
            Ok(Ok(Ok(()))) => Ok(Self {
                jobs,
                target: Arc::clone(target),
            }),
            Ok(Ok(Err(fault))) => Err(fault::connecting(target, fault)),
            Ok(Err(_)) => Err(SourceError::retry(KIND, action(), FirebirdFault::Gone)),
            Err(_) => {
                let late = FirebirdFault::Late(target.limits.connect.as_secs());
                Err(SourceError::retry(KIND, action(), late))
            }
        }
    }

    /// Runs a query and hands rows on as they come.
    pub async fn rows(
        &self,
        query: Query,
        row: &mut (dyn FnMut(Vec<Raw>) + Send),
    ) -> Result<(), FirebirdFault> {
        let (send, mut blocks) = mpsc::channel::<Block>(BLOCKS);
        let job: Job = Box::new(move |worker| {
            if let Err(fault) = worker.run(&query, &send) {
                // Whoever went away does not want to know.
                drop(send.blocking_send(Err(fault)));
            }
        });
        self.jobs.send(job).map_err(|_| FirebirdFault::Gone)?;
        let work = async {
            while let Some(block) = blocks.recv().await {
                block?.into_iter().for_each(&mut *row);
            }
            Ok(())
        };
        self.within(work).await
    }

    /// Has the server check a query without running it.
    pub async fn check(&self, text: String) -> Result<(), FirebirdFault> {
        self.call(move |worker| worker.check(&text)).await
    }

    /// Begins a transaction that sees one moment of the database.
    pub async fn begin(&self) -> Result<(), FirebirdFault> {
        self.call(|worker| worker.begin(TrIsolationLevel::Concurrency))
            .await
    }

    /// Ends it.
    pub async fn end(&self) -> Result<(), FirebirdFault> {
        self.call(Worker::end).await
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<T, FirebirdFault> + Send + 'static,
    ) -> Result<T, FirebirdFault> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |worker| drop(tell.send(work(worker))));
        self.jobs.send(job).map_err(|_| FirebirdFault::Gone)?;
        self.within(async { told.await.unwrap_or(Err(FirebirdFault::Gone)) })
            .await
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, FirebirdFault>>,
    ) -> Result<T, FirebirdFault> {
        let limit = self.target.limits.query;
        match timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(FirebirdFault::Late(limit.as_secs())),
        }
    }
}

fn connect(target: &Target) -> Result<Worker, FirebirdFault> {
    let mut client = RustFbClient::new(charset::UTF_8);
    let config = RustFbClientAttachmentConfig {
        host: target.config.host.clone(),
        port: target.config.port,
        db_name: target.config.database.clone(),
        user: target.config.user.clone(),
        pass: target.password().to_owned(),
        role_name: target.config.role.clone(),
    };
    // The POS's own triggers on connecting are not for us.
    let database = client.attach_database(&config, SqlDialect::D3, false)?;
    Ok(Worker {
        client,
        database,
        transaction: None,
    })
}

fn parameter(value: &Value) -> SqlType {
    match value {
        Value::Null => SqlType::Null,
        Value::Float(number) => SqlType::Floating(*number),
        Value::Bytes(bytes) => SqlType::Binary(bytes.to_vec()),
        other => SqlType::Text(other.to_string()),
    }
}

impl Worker {
    /// Read-only, so that nothing is ever written; without waiting long where the POS holds a row.
    fn begin(&mut self, isolation: TrIsolationLevel) -> Result<(), FirebirdFault> {
        let configuration = TransactionConfiguration {
            data_access: TrDataAccessMode::ReadOnly,
            isolation,
            lock_resolution: TrLockResolution::Wait(Some(LOCK_SECONDS)),
        };
        let begun = self
            .client
            .begin_transaction(&mut self.database, configuration)?;
        self.transaction = Some(begun);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FirebirdFault> {
        if let Some(mut transaction) = self.transaction.take() {
            self.client
                .transaction_operation(&mut transaction, TrOp::Commit)?;
        }
        Ok(())
    }

    /// A statement without a transaction of the reader's gets one of its own, so that none stays open and keeps the
    /// server from cleaning up.
    fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut TrHandle) -> Result<T, FirebirdFault>,
    ) -> Result<T, FirebirdFault> {
        let is_own = self.transaction.is_none();
        if is_own {
            self.begin(TrIsolationLevel::ReadCommited(
                TrRecordVersion::RecordVersion,
            ))?;
        }
        let Some(mut transaction) = self.transaction.take() else {
            return Err(FirebirdFault::Gone);
        };
        let result = work(self, &mut transaction);
        self.transaction = Some(transaction);
        if is_own {
            let ended = self.end();
            return result.and_then(|value| ended.map(|()| value));
        }
        result
    }

    fn check(&mut self, text: &str) -> Result<(), FirebirdFault> {
        self.in_transaction(|worker, transaction| {
            let (_, mut statement) = worker.client.prepare_statement(
                &mut worker.database,
                transaction,
                SqlDialect::D3,
                text,
            )?;
            worker
                .client
                .free_statement(&mut statement, FreeStmtOp::Drop)?;
            Ok(())
        })
    }

    fn run(&mut self, query: &Query, send: &mpsc::Sender<Block>) -> Result<(), FirebirdFault> {
        let params = query.params.iter().filter(|value| is_bound(value));
        let params: Vec<SqlType> = params.map(parameter).collect();
        let most = query.max_rows.unwrap_or(usize::MAX);
        self.in_transaction(|worker, transaction| {
            let client = &mut worker.client;
            let database = &mut worker.database;
            let (_, mut statement) =
                client.prepare_statement(database, transaction, SqlDialect::D3, &query.text)?;
            client.execute(database, transaction, &mut statement, params)?;
            let mut out = Out {
                block: Vec::with_capacity(ROWS),
                count: 0,
                most,
                send,
            };
            let read = if statement.has_blob() {
                loop {
                    match client.fetch(database, transaction, &mut statement) {
                        Ok(Some(row)) => {
                            if !out.add(row.into_iter().map(Raw::from).collect()) {
                                break Ok(());
                            }
                        }
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            } else {
                let listening = "nobody listens any more";
                let read = client.stream_raw(&mut statement, |row| {
                    match out.add(row.iter().map(Raw::from).collect()) {
                        true => Ok(()),
                        false => Err(FbError::from(listening)),
                    }
                });
                match read {
                    Err(FbError::Other(why)) if why == listening => Ok(()),
                    other => other,
                }
            };
            let freed = client.free_statement(&mut statement, FreeStmtOp::Drop);
            read?;
            freed?;
            out.flush();
            Ok(())
        })
    }

    fn close(mut self) {
        if self.end().is_ok()
            && let Err(error) = self.client.detach_database(&mut self.database)
        {
            tracing::debug!(%error, "the Firebird server was gone before us");
        }
    }
}

/// Rows on their way to the reader.
struct Out<'a> {
    block: Vec<Vec<Raw>>,
    count: usize,
    most: usize,
    send: &'a mpsc::Sender<Block>,
}

impl Out<'_> {
    /// Whether anybody still wants more.
    fn add(&mut self, row: Vec<Raw>) -> bool {
        if self.count >= self.most {
            return true;
        }
        self.count += 1;
        self.block.push(row);
        self.block.len() < ROWS || self.flush()
    }

    fn flush(&mut self) -> bool {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(ROWS));
        self.send.blocking_send(Ok(block)).is_ok()
    }
}
