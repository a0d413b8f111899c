//! `Capture::Log`: follows the binary log of MySQL and MariaDB.
//!
//! The log is read as a replica reads it, row events only, and gives the keys of changed rows; the stream then reads
//! the rows by its own query. Places lie between transactions. They are kept as global transaction ids where the server
//! has them, else as file and position, and a log that no longer reaches back, or is another one, is noticed and said.
//!
//! **Two looks.** A server writes its log before the change becomes visible to other sessions, by a moment usually and
//! longer when it is busy. So each key is given out twice: at once, and again when the moment has surely passed; only then
//! does the place move behind it. What did not change is dropped by its fingerprint.
//!
//! **One connection for each stream.** Streams stand at different places, above all while one of them reads a snapshot;
//! sharing one connection would need a buffer for the slowest. A POS has a handful of streams, and a connection that
//! waits for its log costs the server next to nothing.
//!
//! **What the log does not tell.** Rows that a foreign key deletes or changes by cascade are not in it (the engine does
//! that by itself); name the parent's table in `changes`. The nightly sweep is under everything.

mod allowed;
mod follower;
mod gtid;
mod layout;
mod looks;
mod place;
mod rows;
mod server;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::stream::StreamSpec;
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStream, BinlogStreamRequest, Conn, Error};
use serde_json::Value as Json;
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt as _;

pub(super) use allowed::{allows, findings};

use super::KIND;
use super::config::Target;
use super::session::connect;
use crate::error::{Remedy, SourceError};
use crate::sql::{FeedFault, KeyFeed, Keys, SqlSession};
use allowed::{fitting, missing_right};
use follower::{Follower, Lost};
use gtid::Gtids;
use looks::Looks;
use place::Place;
use rows::Followed;
use server::{Facts, Flavour, layout};
use statement::TableName;

/// How long a snapshot waits after the log was asked where it ends.
const FIRST_PAGE: Duration = Duration::from_millis(300);

/// How long to read on while the log is busy with what concerns others.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How long to wait for an event when everything was read.
const IDLE: Duration = Duration::from_millis(20);

/// How long to wait for the log's end after connecting. A server that must search a large file for a transaction id says
/// nothing meanwhile.
const ARRIVING: Duration = Duration::from_millis(400);

/// The server says something at least so often.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Nothing for so long means that the line is dead.
const SILENCE: Duration = Duration::from_secs(50);

/// Follows the log for one stream.
pub(super) struct BinlogFeed {
    target: Arc<Target>,
    stream: String,
    /// Which replica we claim to be. The same for each connection of a stream, so that the server ends one that it still
    /// holds for alive.
    server_id: u32,
    tables: Vec<Followed>,
    live: Option<Live>,
    /// The last position that was given out.
    given: Option<Json>,
}

/// A connection that follows.
struct Live {
    log: BinlogStream,
    follower: Follower,
    /// When the server last said something.
    heard: Instant,
    /// Where the log ended when we connected, until that is reached.
    head: Option<Place>,
    /// Nothing more has come.
    is_idle: bool,
    looks: Looks,
}

impl BinlogFeed {
    /// Contacts nothing yet.
    pub fn new(target: &Arc<Target>, spec: &StreamSpec, server_id: u32) -> Self {
        let mut tables: Vec<Followed> = Vec::new();
        for changed in &spec.changes {
            let name = TableName::parse(&changed.table, &target.config.database);
            match tables.iter_mut().find(|table| table.name == name) {
                Some(table) => table.keys.push(changed.key.clone()),
                None => tables.push(Followed {
                    name,
                    keys: vec![changed.key.clone()],
                    layout: None,
                    was_used: false,
                }),
            }
        }
        Self {
            target: Arc::clone(target),
            stream: spec.name.to_string(),
            server_id,
            tables,
            live: None,
            given: None,
        }
    }

    fn action(&self) -> String {
        format!(
            "follow the log of {} for stream {}",
            self.target.name(),
            self.stream
        )
    }

    /// Where the log ends.
    async fn head(&self) -> Result<Place, FeedFault> {
        let mut conn = connect(&self.target).await.map_err(FeedFault::Source)?;
        let facts = self.within(Facts::ask(&mut conn)).await?;
        let head = self.within(facts.head(&mut conn)).await?;
        self.within(conn.disconnect()).await?;
        head.ok_or_else(|| self.off(&facts))
    }

    fn off(&self, facts: &Facts) -> FeedFault {
        let hint = facts.obstacle().map_or_else(
            || "Set log_bin on the server, or use \"watermark\" for the stream.".to_owned(),
            |(_, remedy)| remedy.en,
        );
        let reason = "the server keeps no binary log";
        FeedFault::Source(SourceError::ask(
            KIND,
            self.action(),
            "unsupported",
            hint,
            reason,
        ))
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, FeedFault> {
        match timeout(self.target.limits.query, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.explain(error)),
            Err(_) => Err(self.retry("the server does not answer")),
        }
    }

    fn retry(&self, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FeedFault {
        FeedFault::Source(SourceError::retry(KIND, self.action(), reason))
    }

    fn explain(&self, error: Error) -> FeedFault {
        let Error::Server(server) = &error else {
            return self.retry(error);
        };
        match server.code {
            1236 if server.message.contains("same server") => self.retry(error),
            1236 => FeedFault::Gone(format!(
                "the server no longer has the log since then ({})",
                server.message
            )),
            1227 | 1045 | 1044 | 1142 | 1698 => FeedFault::Source(SourceError::ask(
                KIND,
                self.action(),
                "permission_denied",
                missing_right(&self.target).en,
                error,
            )),
            _ => self.retry(error),
        }
    }

    /// Connects and asks for the log after a place.
    async fn connect(&self, after: Place) -> Result<Live, FeedFault> {
        let mut conn = connect(&self.target).await.map_err(FeedFault::Source)?;
        let facts = self.within(Facts::ask(&mut conn)).await?;
        let Some(head) = self.within(facts.head(&mut conn)).await? else {
            return Err(self.off(&facts));
        };
        let mut tables = self.tables.clone();
        for table in &mut tables {
            self.learn(&mut conn, table).await?;
        }
        let log = self
            .within(request(conn, &facts, self.server_id, &after))
            .await?;
        Ok(Live {
            log,
            follower: Follower::new(tables, after, facts.has_checksums),
            heard: Instant::now(),
            head: Some(head),
            is_idle: false,
            looks: Looks::default(),
        })
    }

    async fn learn(&self, conn: &mut Conn, table: &mut Followed) -> Result<(), FeedFault> {
        let found = self.within(layout(conn, &table.name)).await?;
        let fit = |layout| {
            fitting(&self.stream, table, layout).map_err(|obstacle| {
                FeedFault::Source(SourceError::ask(
                    KIND,
                    self.action(),
                    obstacle.code,
                    obstacle.what.en.clone(),
                    obstacle.what.en,
                ))
            })
        };
        table.layout = Some(fit(found)?);
        table.was_used = false;
        Ok(())
    }

    /// Reads what the log has, until there is enough or nothing more.
    async fn read(&mut self, limit: usize) -> Result<(), FeedFault> {
        let begun = Instant::now();
        loop {
            let Some(live) = self.live.as_mut() else {
                return Err(self.retry("the connection was lost"));
            };
            live.is_idle = false;
            if live.looks.is_enough(limit) || begun.elapsed() > AT_ONCE {
                return Ok(());
            }
            let patience = if live.head.is_some() { ARRIVING } else { IDLE };
            let event = match timeout(patience, live.log.next()).await {
                Err(_) if live.heard.elapsed() > SILENCE => {
                    return Err(self.retry("the server fell silent"));
                }
                Err(_) => {
                    live.head = None;
                    live.is_idle = true;
                    return Ok(());
                }
                Ok(None) => return Err(self.retry("the server ended the log")),
                Ok(Some(Err(error))) => return Err(self.explain(error)),
                Ok(Some(Ok(event))) => event,
            };
            live.heard = Instant::now();
            self.take(&event).await?;
        }
    }

    async fn take(&mut self, event: &mysql_async::binlog::events::Event) -> Result<(), FeedFault> {
        let Some(mut live) = self.live.take() else {
            return Ok(());
        };
        let map = follower::table_id(event).and_then(|id| live.log.get_tme(id));
        if let Some(at) = live.follower.wants_layout(event, map) {
            let mut conn = connect(&self.target).await.map_err(FeedFault::Source)?;
            self.learn(&mut conn, &mut live.follower.tables[at]).await?;
            self.within(conn.disconnect()).await?;
        }
        live.follower.take(event, map).map_err(|lost| match lost {
            Lost::Gone(why) => FeedFault::Gone(why),
            Lost::Compressed => FeedFault::Source(SourceError::ask(
                KIND,
                self.action(),
                "unsupported",
                "MariaDB compresses its binary log: set log_bin_compress=OFF, or use \"watermark\" for the stream.",
                "the log is compressed",
            )),
        })?;
        live.looks.add(live.follower.drain());
        if live
            .head
            .as_ref()
            .is_some_and(|head| live.follower.reaches(head))
        {
            live.head = None;
        }
        self.live = Some(live);
        Ok(())
    }

    async fn attempt(&mut self, after: &Json, limit: usize) -> Result<(), FeedFault> {
        if self.live.is_none() || self.given.as_ref() != Some(after) {
            let place: Place = serde_json::from_value(after.clone()).map_err(|_| {
                FeedFault::Gone("the position kept is not one of this log".to_owned())
            })?;
            self.live = None;
            self.live = Some(self.connect(place).await?);
            self.given = Some(after.clone());
        }
        self.read(limit).await
    }
}

#[async_trait]
impl KeyFeed for BinlogFeed {
    async fn now(&mut self, _: &mut dyn SqlSession) -> Result<Json, FeedFault> {
        let head = self.head().await?;
        // What was logged just before must be visible when the snapshot begins.
        tokio::time::sleep(FIRST_PAGE).await;
        Ok(serde_json::to_value(head).unwrap_or_default())
    }

    async fn next(
        &mut self,
        _: &mut dyn SqlSession,
        after: &Json,
        limit: usize,
    ) -> Result<Keys, FeedFault> {
        let was_connected = self.live.is_some();
        if let Err(fault) = self.attempt(after, limit).await {
            self.live = None;
            // A server ends connections that did not listen for a while; that is no failure.
            let may_pass =
                matches!(&fault, FeedFault::Source(error) if error.remedy == Remedy::Retry);
            if !(was_connected && may_pass) {
                return Err(fault);
            }
            self.attempt(after, limit)
                .await
                .inspect_err(|_| self.live = None)?;
        }
        let mut keys = Keys {
            keys: Vec::new(),
            position: after.clone(),
            more: false,
        };
        if let Some(live) = &mut self.live {
            let place = live.looks.give(&mut keys.keys, limit);
            if let Some(place) = place {
                keys.position = serde_json::to_value(place).unwrap_or_default();
            }
            keys.more = live.looks.has_more() || !(live.is_idle || live.looks.is_full());
        }
        self.given = Some(keys.position.clone());
        Ok(keys)
    }
}

/// Turns a connection into a stream of events.
async fn request(
    mut conn: Conn,
    facts: &Facts,
    server_id: u32,
    after: &Place,
) -> Result<BinlogStream, Error> {
    let heartbeat = HEARTBEAT.as_nanos();
    conn.query_drop(format!(
        "SET @master_heartbeat_period = {heartbeat}, @source_heartbeat_period = {heartbeat}"
    ))
    .await?;
    if facts.flavour == Flavour::Mariadb {
        conn.query_drop("SET @mariadb_slave_capability = 4").await?;
    }
    let request = BinlogStreamRequest::new(server_id);
    match &after.gtids {
        Some(Gtids::Mariadb(gtids)) => {
            let state =
                format!("SET @slave_connect_state = '{gtids}', @slave_gtid_strict_mode = 0");
            conn.query_drop(state).await?;
            conn.get_binlog_stream(request).await
        }
        Some(Gtids::Mysql(gtids)) => {
            let request = request.with_gtid().with_gtid_set(gtids.sids());
            conn.get_binlog_stream(request).await
        }
        None => {
            let request = request
                .with_filename(after.file.as_bytes())
                .with_pos(after.at);
            conn.get_binlog_stream(request).await
        }
    }
}

impl std::fmt::Debug for BinlogFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinlogFeed")
            .field("stream", &self.stream)
            .field("server_id", &self.server_id)
            .finish_non_exhaustive()
    }
}
