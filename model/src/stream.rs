//! What a stream reads and how it notices changes: the protocol half of a mapping document.
//!
//! These are plain data. `mappings` carries them inside its document, `connectors` obeys them, and the agent hands
//! them from one to the other.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamName;

/// A stream as a connector needs to know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// Its name within the mapping.
    pub name: StreamName,
    /// What to read.
    pub source: Source,
    /// The columns that identify a row, in the order rows are read in. Names of `columns`, or of the file's header.
    pub key: Vec<String>,
    /// Rows that belong to a row: lines, payments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildSpec>,
    /// How changes are noticed.
    pub capture: Capture,
    /// What to do instead where the system does not allow `capture`: the first of these that it allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Capture>,
    /// The tables whose changes concern this stream, and where each holds the stream's key. `log` and `outbox` need them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangedTable>,
}

/// A table whose changed rows tell which rows of a stream to read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedTable {
    /// Its name in the database, with its schema where that is not the default one: `items`, `dbo.MA_PRODUCTOS`.
    pub table: String,
    /// Its columns that hold the stream's key, in the order of the stream's `key`.
    pub key: Vec<String>,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A select statement, taken apart so that connectors can add keyset paging to it without nesting.
    Query(QuerySource),
    /// Files that a POS drops into a folder.
    Files(FileSource),
    /// A table that a running POS keeps in a file of its own: DBF of dBase, FoxPro and Visual FoxPro.
    Table(TableSource),
    /// Lists that an HTTP API gives as JSON.
    Http(HttpSource),
    /// Calls of a POS that says by itself what happened, as JSON.
    Event(EventSource),
}

/// Calls of one kind, each of which brings one thing: a sale, a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSource {
    /// What the call says that happened, in `event_type` or `type`: `sale_completed`. No two streams of a mapping take
    /// the same.
    pub event: String,
    /// Where the thing itself stands in the body, as a JSON pointer; empty when columns are wanted from all of the body.
    #[serde(default = "data")]
    pub item: String,
    /// What each column is called and where it stands in the item, as a JSON pointer: `sku = "/code"`. A name without a
    /// slash is a member of the item.
    pub columns: BTreeMap<String, String>,
}

fn data() -> String {
    "/data".to_owned()
}

/// A list that an HTTP API gives as JSON. `{name}` in path and parameters stands for a setting of the POS system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSource {
    /// Below `connection.base_url`: `/api/items`.
    pub path: String,
    /// Query parameters of every request: `include = "lines"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Where the list stands in the answer, as a JSON pointer: `/items`. Empty when the answer itself is the list.
    #[serde(default)]
    pub items: String,
    /// What each column is called and where it stands in an item, as a JSON pointer: `sku = "/code"`. A name without a
    /// slash is a member of the item.
    pub columns: BTreeMap<String, String>,
    /// How a long list is cut into pages; the answer is the whole list when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<HttpPaging>,
    /// How to ask for what changed. `watermark` needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<HttpSince>,
    /// How to ask for one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<HttpDetail>,
}

/// How a long list is cut into pages. Only an empty page, or what the API itself says, ends a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum HttpPaging {
    /// By number.
    Page {
        /// The parameter: `page`.
        parameter: String,
        /// Number of the first page.
        #[serde(default = "one")]
        first: u32,
        /// The parameter for the size: `per_page`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Items in a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u32>,
        /// Where the answer says how many items there are. A list that grows or shrinks while it is read is read anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<String>,
        /// Where the answer says how many pages there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pages: Option<String>,
    },
    /// By how many items come before.
    Offset {
        /// The parameter: `offset`.
        parameter: String,
        /// The parameter for the size: `limit`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Items in a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u32>,
        /// Where the answer says how many items there are. A list that grows or shrinks while it is read is read anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<String>,
    },
    /// By a text that each page gives for the next.
    Cursor {
        /// The parameter: `cursor`.
        parameter: String,
        /// Where the answer holds it: `/next_cursor`.
        next: String,
        /// The parameter for the size: `limit`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Items in a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u32>,
    },
    /// By the `Link` header (RFC 8288).
    Link {
        /// The parameter for the size: `per_page`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_parameter: Option<String>,
        /// Items in a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u32>,
    },
    /// By the address of the next page in the answer.
    Next {
        /// Where the answer holds it: `/links/next`.
        next: String,
    },
}

impl HttpPaging {
    /// The parameter for the size of a page.
    #[must_use]
    pub fn size_parameter(&self) -> Option<&str> {
        match self {
            Self::Page { size_parameter, .. }
            | Self::Offset { size_parameter, .. }
            | Self::Cursor { size_parameter, .. }
            | Self::Link { size_parameter, .. } => size_parameter.as_deref(),
            Self::Next { .. } => None,
        }
    }

    /// Items in a page.
    #[must_use]
    pub fn size(&self) -> Option<u32> {
        match self {
            Self::Page { size, .. }
            | Self::Offset { size, .. }
            | Self::Cursor { size, .. }
            | Self::Link { size, .. } => *size,
            Self::Next { .. } => None,
        }
    }

    /// Where the answer says how many items there are.
    #[must_use]
    pub fn total(&self) -> Option<&str> {
        match self {
            Self::Page { total, .. } | Self::Offset { total, .. } => total.as_deref(),
            Self::Cursor { .. } | Self::Link { .. } | Self::Next { .. } => None,
        }
    }
}

/// How to ask for what changed. The watermark's `columns` are columns of the source; without any, the API's clock counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSince {
    /// The parameter: `updated_since`, `date`.
    pub parameter: String,
    /// How a moment is written in it, in the signs of `strftime`.
    #[serde(default = "iso_seconds")]
    pub format: String,
    /// Whose clock it is.
    #[serde(default)]
    pub clock: HttpClock,
    /// For an API that gives what belongs to one day, and not all that changed since: how many days the first reading goes
    /// back. Each day from then on is asked for by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// Whose clock a moment is told by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpClock {
    /// UTC.
    #[default]
    Utc,
    /// The store's, as the agent's computer has it.
    Local,
}

/// How to ask for one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpDetail {
    /// Its path, with the stream's key: `/api/items/{code}`.
    pub path: String,
    /// Where the row stands in the answer; empty when the answer itself is the row.
    #[serde(default)]
    pub item: String,
}

/// A list inside an item, and where its columns stand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonRows {
    /// Where the list stands in the item: `/lines`.
    pub items: String,
    /// What each column is called and where it stands in an entry of the list.
    pub columns: BTreeMap<String, String>,
}

fn one() -> u32 {
    1
}

fn iso_seconds() -> String {
    "%Y-%m-%dT%H:%M:%SZ".to_owned()
}

/// A table that a running POS keeps in a file. It is only ever read, shared, and never locked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableSource {
    /// The file's name, with or without `.dbf`: `MGW10005`. Case does not matter.
    pub name: String,
    /// The fields that are read; all when absent. One that is missing stops the stream, so list what the mapping needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Fields that are read too where they exist, because releases of the POS differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    /// Rows that count; all of these must hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<TableCondition>,
    /// Where several rows have the stream's key, the one with the highest value here counts: the last fiscal year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// Code page such as `windows-1252` or `cp850`; by the mark in the file, then Windows-1252 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// A question to one field. Numbers compare by value, text without regard to case and outer blanks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableCondition {
    /// Which field.
    pub column: String,
    /// It holds one of these; any value when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<TableValue>,
    /// It holds none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub none_of: Vec<TableValue>,
}

/// A value that a field is compared with. `{name}` in a text stands for a setting of the POS system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TableValue {
    /// A whole number.
    Number(i64),
    /// Text, a date as `2026-02-28`, or a decimal.
    Text(String),
}

/// The parts of a select statement. Every part is the database's own SQL; `{name}` in it stands for a setting of the
/// POS system (`location_id`) and is bound as a parameter, never pasted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuerySource {
    /// What each column is called and what it is: `sku = "p.item_code"`.
    pub columns: BTreeMap<String, String>,
    /// Tables and joins: `items p LEFT JOIN stock s ON s.item_id = p.item_id`.
    pub from: String,
    /// Condition, if any: `p.active = 'Y'`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Rows of another table that belong to a row of the stream and travel with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildSpec {
    /// What the mapping calls the group: `lines`, `payments`.
    pub name: String,
    /// Where they are read. For files: the columns of the same file that repeat per line, and no `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<QuerySource>,
    /// For tables kept in files: the table that holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableSource>,
    /// For HTTP APIs and events: the list inside the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonRows>,
    /// For XML and JSON files: where they stand within the record, `items/item`. In JSON a list may take the place of the
    /// last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The child's columns that hold the parent's key, in the order of the stream's `key`. Names of `columns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parent: Vec<String>,
    /// The child's columns that put its rows in order within a parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// For files: the columns that belong to the line and not to the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// How changes are noticed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "strategy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Capture {
    /// Reads everything each time; fingerprints tell what changed and what is gone.
    Diff,
    /// Reads rows whose date or number is beyond the last one seen. Sees no deletes; the nightly sweep does.
    Watermark {
        /// SQL expressions over the stream's tables, OR-ed: `["p.updated_at", "s.updated_at"]`.
        columns: Vec<String>,
        /// How far back to look each time, for rows that commit late: seconds for a date, units for a number.
        #[serde(default = "default_overlap")]
        overlap: u64,
        /// What kind of value the columns hold.
        #[serde(default)]
        kind: WatermarkKind,
        /// For dates kept as text: their format in the signs of `strftime`, such as `%Y%m%d%H%M%S`. The text must sort as
        /// the dates do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
    },
    /// Follows the database's own log of changes: the binlog of MySQL and MariaDB, SQL Server's Change Tracking. Sees
    /// deletes. The log yields keys; the rows are read by the stream's own query.
    Log,
    /// Follows a small table that triggers in the POS database write changed keys to. Sees deletes. Installed only with
    /// the owner's consent, by `fluxion-agent outbox install`.
    Outbox,
    /// A new or changed file.
    Arrival,
    /// The POS calls out, and each call says what changed.
    Push,
}

/// What a watermark's columns hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatermarkKind {
    /// A date, a moment or a rising number, told by the column's type.
    #[default]
    Value,
    /// SQL Server's `rowversion`: read up to the oldest transaction still open, so nothing that commits late is missed.
    Rowversion,
}

fn default_overlap() -> u64 {
    300
}

/// Files that a POS drops into a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// Which names: `productos*.csv`. `*` and `?` as in a shell; case does not matter.
    pub pattern: String,
    /// What is in them; by their ending when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The sheet of a workbook; the first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Where the records stand in XML or JSON: `productos/producto`, at whatever depth that is found. In JSON a list may
    /// take the place of the last name. When absent, the elements below the root, or the first list of objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// What separates the fields of a CSV; sniffed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Code page such as `windows-1252` or `cp850`; by BOM, then UTF-8 if valid, then Windows-1252 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Lines above the header to skip.
    #[serde(default)]
    pub skip_lines: u32,
    /// Whether a file holds everything there is, so that what it lacks is gone.
    #[serde(default)]
    pub content: FileContent,
    /// Columns that the mapping cannot do without; a file that lacks one is not read at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_columns: Vec<String>,
    /// Ending of a marker file that says the export is complete: `.done` waits for `ventas.csv.done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_marker: Option<String>,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Separated text.
    Csv,
    /// XLSX, XLSM, XLS or ODS.
    Excel,
    /// XML.
    Xml,
    /// JSON: a list, a list within objects, or one object per line.
    Json,
}

/// Whether a file holds everything there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileContent {
    /// Only what is new or changed.
    #[default]
    Changes,
    /// Everything; rows of earlier files that it lacks are gone, within the delete brake.
    Everything,
}

/// Where a stream stands. Opaque to all but the connector that wrote it; only ever moves forward.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(pub Box<[u8]>);

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({})", String::from_utf8_lossy(&self.0))
    }
}
