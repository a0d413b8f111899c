//! The spool's own thread, and the handle by which everybody asks it.
//!
//! SQLite is blocking and has one writer: so all work goes through one thread, in the order it was asked for. A damaged
//! file is replaced right there, so that nobody else has to know how.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fluxion_connectors::Marks;
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::{FILE_NAME, Opened, QueueInfo, SpoolError, SpoolResult, Store, StreamId};

/// Requests that may wait for the thread.
const BACKLOG: usize = 8;

type Task = Box<dyn FnOnce(&mut Store) -> Option<SpoolError> + Send>;

/// Asks the spool's thread. Cheap to clone; the thread ends when the last one is dropped.
#[derive(Clone)]
pub struct Spool {
    tasks: mpsc::Sender<Task>,
    info: watch::Receiver<QueueInfo>,
    file: Arc<PathBuf>,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

impl Spool {
    /// Opens the spool in this folder and starts its thread.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> SpoolResult<(Self, Opened)> {
        let (store, opened) = Store::open(folder)?;
        let (tasks, receiver) = mpsc::channel(BACKLOG);
        let (publish, info) = watch::channel(store.info()?);
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || serve(store, receiver, &publish))
            .map_err(|source| SpoolError::Folder {
                path: folder.display().to_string(),
                source,
            })?;
        let file = Arc::new(folder.join(FILE_NAME));
        Ok((
            Self {
                tasks,
                info,
                file,
                thread: Arc::new(Mutex::new(Some(thread))),
            },
            opened,
        ))
    }

    /// Lets the spool do something.
    ///
    /// # Errors
    /// What the work says; [`SpoolError::NewLife`] when the file was found damaged and was replaced.
    pub async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> SpoolResult<R> + Send + 'static,
    ) -> SpoolResult<R> {
        let (answer, result) = oneshot::channel();
        let task: Task = Box::new(move |store| match work(store) {
            Err(error @ SpoolError::Damaged(_)) => {
                // Whoever asked has to begin anew; the thread keeps the reason for the log.
                if answer.send(Err(SpoolError::NewLife)).is_err() {
                    tracing::debug!("nobody waits for the answer any more");
                }
                Some(error)
            }
            other => {
                if answer.send(other).is_err() {
                    tracing::debug!("nobody waits for the answer any more");
                }
                None
            }
        });
        self.tasks
            .send(task)
            .await
            .map_err(|_| SpoolError::Closed)?;
        result.await.map_err(|_| SpoolError::Closed)?
    }

    /// How full it is, now and whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<QueueInfo> {
        self.info.clone()
    }

    /// How full it is now.
    #[must_use]
    pub fn info(&self) -> QueueInfo {
        self.info.borrow().clone()
    }

    /// What was processed for good, for the connector of a stream. Valid for one life of the spool.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn marks(&self, stream: StreamId) -> SpoolResult<Arc<dyn Marks>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&*self.file, flags)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.execute_batch("PRAGMA cache_size = -200;")?;
        Ok(Arc::new(SpoolMarks {
            db: Mutex::new(db),
            stream,
        }))
    }

    /// Waits for the thread to end, after which the file is closed. Every other handle must be gone.
    pub fn close(self) {
        let thread = Arc::clone(&self.thread);
        drop(self);
        let handle = thread
            .lock()
            .map(|mut slot| slot.take())
            .unwrap_or_default();
        if let Some(handle) = handle
            && handle.join().is_err()
        {
            tracing::error!("the spool's thread ended in a panic");
        }
    }
}

fn serve(mut store: Store, mut tasks: mpsc::Receiver<Task>, publish: &watch::Sender<QueueInfo>) {
    while let Some(task) = tasks.blocking_recv() {
        if let Some(error) = task(&mut store) {
            replace(&mut store, &error);
        }
        match store.info() {
            Ok(info) => {
                publish.send_if_modified(|old| {
                    let changed = *old != info;
                    *old = info;
                    changed
                });
            }
            Err(error @ SpoolError::Damaged(_)) => replace(&mut store, &error),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the spool could not be counted"
            ),
        }
    }
    store.close();
}

fn replace(store: &mut Store, why: &SpoolError) {
    match store.replace() {
        Ok(kept) => tracing::error!(
            why = why as &dyn std::error::Error,
            kept = %kept.display(),
            "the spool was damaged and has been replaced; every POS system is read and sent again. Check the disk"
        ),
        Err(error) => tracing::error!(
            why = why as &dyn std::error::Error,
            error = &error as &dyn std::error::Error,
            "the spool is damaged and could not be replaced; check the disk and restart the agent"
        ),
    }
}

struct SpoolMarks {
    db: Mutex<Connection>,
    stream: StreamId,
}

impl Marks for SpoolMarks {
    fn contains(&self, mark: &str) -> bool {
        let Ok(db) = self.db.lock() else { return false };
        let found = db
            .prepare_cached("SELECT 1 FROM marks WHERE stream = ?1 AND mark = ?2")
            .and_then(|mut statement| statement.exists(params![self.stream.0, mark]));
        // Processing something twice does no harm, because fingerprints tell; skipping something would.
        found.unwrap_or(false)
    }
}
