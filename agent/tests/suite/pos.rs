//! A POS in memory behind the connector's trait, read page by page, that fails when a test tells it to.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fluxion_agent::agent::{Agent, BuildPos, Mode};
use fluxion_agent::capture::PosSystem;
use fluxion_agent::config::Loaded;
use fluxion_agent::folder::{DataFolder, Identity};
use fluxion_agent::surroundings::Surroundings;
use fluxion_connectors::{
    Allowed, Batch, BatchLimit, Catalog, ChangeStream, Connector, ConnectorKind, Next, OpenContext,
    Probe, Remedy, Said, ScanPart, Settled, SourceError, SourceResult, StartAt,
};
use fluxion_model::id::AgentId;
use fluxion_model::row::{Row, RowBatch, RowChange, RowKey, RowShape};
use fluxion_model::stream::{Capture, Cursor, StreamSpec};
use fluxion_model::value::Value;

use crate::cloud::TOKEN;

/// Rows of one table: code -> (name, price as text).
pub type Table = BTreeMap<String, (String, String)>;

/// What happens at the next call of `next`.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Passing trouble.
    Retry,
    /// The cursor is void.
    Resnapshot,
    /// A person must act.
    Halt(&'static str),
}

#[derive(Default)]
pub struct Inner {
    pub tables: BTreeMap<String, Table>,
    /// Codes in the order they changed, for streams that see changes.
    pub log: BTreeMap<String, Vec<String>>,
    /// Answers to `next`, by stream; `None` lets one call through.
    pub faults: BTreeMap<String, VecDeque<Option<Fault>>>,
    pub snapshots: u64,
    /// Ways of noticing changes that the system does not allow.
    pub refused: Vec<Capture>,
    pub settled: u64,
    /// How often somebody looked for rows.
    pub looks: u64,
    pub page: usize,
}

#[derive(Clone, Default)]
pub struct Pos(pub Arc<Mutex<Inner>>);

impl Pos {
    pub fn with(stream: &str, rows: impl IntoIterator<Item = (String, String, String)>) -> Self {
        let pos = Self::default();
        pos.inner(|inner| {
            inner.page = 10;
            let table = rows
                .into_iter()
                .map(|(code, name, price)| (code, (name, price)))
                .collect();
            inner.tables.insert(stream.to_owned(), table);
        });
        pos
    }

    pub fn inner<R>(&self, look: impl FnOnce(&mut Inner) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    pub fn set(&self, stream: &str, code: &str, name: &str, price: &str) {
        self.inner(|inner| {
            inner
                .tables
                .entry(stream.to_owned())
                .or_default()
                .insert(code.to_owned(), (name.to_owned(), price.to_owned()));
            inner
                .log
                .entry(stream.to_owned())
                .or_default()
                .push(code.to_owned());
        });
    }

    pub fn remove(&self, stream: &str, code: &str) {
        self.inner(|inner| {
            inner
                .tables
                .entry(stream.to_owned())
                .or_default()
                .remove(code);
            let log = inner.log.entry(stream.to_owned()).or_default();
            log.push(code.to_owned());
        });
    }

    pub fn fault(&self, stream: &str, after_calls: usize, fault: Fault) {
        self.inner(|inner| {
            let faults = inner.faults.entry(stream.to_owned()).or_default();
            faults.extend(std::iter::repeat_n(None, after_calls));
            faults.push_back(Some(fault));
        });
    }
}

pub fn rows(count: usize) -> impl Iterator<Item = (String, String, String)> {
    (0..count).map(|n| (format!("{n:04}"), format!("name {n}"), format!("{n}.50")))
}

struct Stream {
    pos: Pos,
    spec: StreamSpec,
    shape: Arc<RowShape>,
    at: At,
}

enum At {
    /// After this code; the place in the log where following begins.
    Scan {
        after: String,
        begun: bool,
        log: usize,
    },
    Idle {
        log: usize,
    },
}

fn write(at: &At) -> Cursor {
    let text = match at {
        At::Scan { after, log, .. } => format!("scan {log} {after}"),
        At::Idle { log } => format!("idle {log}"),
    };
    Cursor(text.into_bytes().into())
}

fn read(cursor: &Cursor) -> At {
    let text = String::from_utf8(cursor.0.to_vec()).unwrap();
    let mut parts = text.splitn(3, ' ');
    let phase = parts.next().unwrap();
    let log = parts.next().unwrap().parse().unwrap();
    if phase == "scan" {
        At::Scan {
            after: parts.next().unwrap().to_owned(),
            begun: true,
            log,
        }
    } else {
        At::Idle { log }
    }
}

fn error(action: &str, remedy: Remedy) -> SourceError {
    SourceError {
        kind: ConnectorKind::Mysql,
        action: action.to_owned(),
        remedy,
        source: "the test says so".into(),
    }
}

#[async_trait]
impl Connector for Pos {
    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Mysql
    }

    async fn probe(&self) -> SourceResult<Probe> {
        Ok(Probe {
            product: "a test".to_owned(),
            findings: Vec::new(),
        })
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        Ok(Catalog::default())
    }

    async fn open(
        &self,
        spec: &StreamSpec,
        start: StartAt,
        _: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let at = match start {
            StartAt::After(cursor) => read(&cursor),
            StartAt::Snapshot => {
                let log = self.inner(|inner| {
                    inner.snapshots += 1;
                    inner.log.get(spec.name.as_str()).map_or(0, Vec::len)
                });
                At::Scan {
                    after: String::new(),
                    begun: false,
                    log,
                }
            }
        };
        let shape = Arc::new(RowShape::flat(["code", "name", "price"]));
        Ok(Box::new(Stream {
            pos: self.clone(),
            spec: spec.clone(),
            shape,
            at,
        }))
    }

    async fn allows(&self, _: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        let refused = self.inner(|inner| inner.refused.contains(capture));
        Ok(if refused {
            Allowed::No {
                why: Said::new("the test says so", "la prueba lo dice"),
            }
        } else {
            Allowed::Yes
        })
    }

    async fn read_keys(
        &self,
        spec: &StreamSpec,
        keys: &[RowKey],
        _: OpenContext,
    ) -> SourceResult<RowBatch> {
        let table = self.inner(|inner| {
            inner
                .tables
                .get(spec.name.as_str())
                .cloned()
                .unwrap_or_default()
        });
        let changes = keys
            .iter()
            .map(|key| change(key.as_str(), table.get(key.as_str())))
            .collect();
        Ok(RowBatch {
            shape: Arc::new(RowShape::flat(["code", "name", "price"])),
            changes,
        })
    }
}

fn change(code: &str, row: Option<&(String, String)>) -> RowChange {
    let key = RowKey::join([code]);
    match row {
        None => RowChange::Delete { key },
        Some((name, price)) => {
            let values = vec![
                Value::text(code),
                Value::text(name.as_str()),
                Value::text(price.as_str()),
            ];
            RowChange::Upsert {
                key,
                row: Row {
                    values,
                    children: Vec::new(),
                    position: None,
                },
            }
        }
    }
}

impl Stream {
    fn batch(&self, changes: Vec<RowChange>, scan: ScanPart) -> Next {
        Next::Batch(Batch {
            rows: RowBatch {
                shape: Arc::clone(&self.shape),
                changes,
            },
            end: write(&self.at),
            mark: None,
            scan,
            unreadable: Vec::new(),
            from: "table".into(),
            expected_rows: None,
        })
    }
}

#[async_trait]
impl ChangeStream for Stream {
    async fn next(&mut self, _: BatchLimit) -> SourceResult<Next> {
        self.pos.inner(|inner| inner.looks += 1);
        let name = self.spec.name.to_string();
        let fault = self.pos.inner(|inner| {
            inner
                .faults
                .get_mut(&name)
                .and_then(VecDeque::pop_front)
                .flatten()
        });
        match fault {
            None => {}
            Some(Fault::Retry) => return Err(error("read the table", Remedy::Retry)),
            Some(Fault::Resnapshot) => return Err(error("read the log", Remedy::Resnapshot)),
            Some(Fault::Halt(code)) => {
                let remedy = Remedy::AskOperator {
                    code,
                    hint: "add the column again".to_owned(),
                };
                return Err(error("read the table", remedy));
            }
        }
        let pos = self.pos.clone();
        match &mut self.at {
            At::Scan { after, begun, log } => {
                let page: Vec<(String, (String, String))> = pos.inner(|inner| {
                    let table = inner.tables.get(&name).cloned().unwrap_or_default();
                    table
                        .into_iter()
                        .filter(|(code, _)| *code > *after)
                        .take(inner.page)
                        .collect()
                });
                if page.is_empty() && *begun {
                    self.at = At::Idle { log: *log };
                    return Ok(Next::ScanComplete {
                        end: write(&self.at),
                    });
                }
                let part = if *begun {
                    ScanPart::Later
                } else {
                    ScanPart::First
                };
                *begun = true;
                if let Some((last, _)) = page.last() {
                    last.clone_into(after);
                }
                Ok(self.batch(
                    page.iter()
                        .map(|(code, row)| change(code, Some(row)))
                        .collect(),
                    part,
                ))
            }
            At::Idle { log } => {
                assert!(
                    !pos.inner(|inner| inner.refused.contains(&self.spec.capture)),
                    "what is not allowed is not done"
                );
                let (changed, table) = pos.inner(|inner| {
                    let all = inner.log.get(&name).cloned().unwrap_or_default();
                    (
                        all[(*log).min(all.len())..].to_vec(),
                        inner.tables.get(&name).cloned().unwrap_or_default(),
                    )
                });
                if changed.is_empty() || self.spec.capture == Capture::Diff {
                    return Ok(Next::CaughtUp {
                        end: write(&self.at),
                        look_again: Duration::from_millis(100),
                    });
                }
                *log += changed.len();
                Ok(self.batch(
                    changed
                        .iter()
                        .map(|code| change(code, table.get(code)))
                        .collect(),
                    ScanPart::No,
                ))
            }
        }
    }

    async fn settled(&mut self, _: Settled<'_>) -> SourceResult<()> {
        self.pos.inner(|inner| inner.settled += 1);
        Ok(())
    }
}

fn stream_text(name: &str, capture: &str) -> String {
    format!(
        r#"
[[streams]]
name = "{name}"
key = ["code"]
source.query = {{ from = "items", columns = {{ code = "code", name = "name", price = "price" }} }}
capture = {capture}
[[streams.records]]
entity = "product"
[streams.records.fields]
id = {{ column = "code" }}
sku = {{ column = "code" }}
name = {{ column = "name" }}
[[streams.records]]
entity = "price"
[streams.records.fields]
id = {{ column = "code" }}
product = {{ column = "code" }}
amount = {{ column = "price" }}
"#
    )
}

/// A store whose POS has these streams, as name and capture.
pub struct Store {
    _folder: tempfile::TempDir,
    pub loaded: Loaded,
    pub pos: Pos,
}

/// Follows a log, or compares dates where there is none.
pub const LOG: &str = r#"{ strategy = "log" }
fallback = [{ strategy = "watermark", columns = ["updated_at"] }]
changes = [{ table = "items", key = ["code"] }]"#;
pub const DIFF: &str = r#"{ strategy = "diff" }"#;
pub const WATERMARK: &str = r#"{ strategy = "watermark", columns = ["updated_at"] }"#;

impl Store {
    pub fn new(server: &str, pos: Pos, streams: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mapping =
            "name = \"test\"\nversion = 1\nsystem = \"custom\"\nconnector = \"mysql\"\n".to_owned();
        for (name, capture) in streams {
            mapping.push_str(&stream_text(name, capture));
        }
        std::fs::write(folder.path().join("mapping.toml"), mapping).unwrap();
        let config = format!(
            "server = \"{server}\"\ndata_dir = \"datos del agente\"\n[[pos]]\nname = \"caja\"\nconnector = \"mysql\"\n\
             mapping = \"mapping.toml\"\ncurrency = \"VES\"\nevery = \"1s\"\n[pos.connection]\n"
        );
        let path = folder.path().join("fluxion-agent.toml");
        std::fs::write(&path, config).unwrap();
        let loaded = fluxion_agent::config::load(&path, None).unwrap();
        Self {
            _folder: folder,
            loaded,
            pos,
        }
    }

    /// The store's own choice for a stream, in the configuration.
    pub fn choose(&mut self, stream: &str, way: &str) {
        let choice = serde_json::from_value(serde_json::Value::from(way)).unwrap();
        self.loaded.config.pos[0]
            .capture
            .insert(stream.parse().unwrap(), choice);
    }

    pub fn data(&self) -> DataFolder {
        DataFolder::open(&self.loaded.data_dir).unwrap()
    }

    pub fn enrol(&self) {
        let identity = Identity {
            server: self.loaded.config.server.clone(),
            agent_id: AgentId::generate(),
            token: TOKEN.to_owned(),
            tenant_name: "Cadena".to_owned(),
            store_name: "Tienda".to_owned(),
        };
        self.data().keep_identity(&identity).unwrap();
    }

    pub fn start(&self, mode: Mode) -> Agent {
        self.start_among(Surroundings::of(&self.data()), mode)
    }

    pub fn start_among(&self, surroundings: Surroundings, mode: Mode) -> Agent {
        install_tls();
        let connector: Arc<dyn Connector> = Arc::new(self.pos.clone());
        let build: BuildPos = Arc::new(move |loaded, config| {
            PosSystem::with_connector(loaded, config, Arc::clone(&connector))
        });
        Agent::start_among(surroundings, self.loaded.clone(), self.data(), mode, build).unwrap()
    }

    pub fn spool_file(&self) -> std::path::PathBuf {
        Path::new(&self.loaded.data_dir).join(fluxion_agent::spool::FILE_NAME)
    }
}

pub fn install_tls() {
    // Several tests run in one process; the first one installs it.
    drop(rustls::crypto::ring::default_provider().install_default());
}
