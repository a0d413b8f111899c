//! Reads the events of a log one by one and keeps what matters: keys of the followed tables, and the places between
//! transactions.

use std::collections::{BTreeMap, HashMap, HashSet};

use fluxion_model::row::RowKey;
use mysql_async::binlog::BinlogChecksumAlg;
use mysql_async::binlog::events::{Event, EventData, TableMapEvent};

use super::gtid::Gtids;
use super::layout::NotUnderstood;
use super::place::Place;
use super::rows::{self, By, Followed, Located, Stale};
use super::statement::{Meaning, meaning};

/// Numbers of events that the library knows no name for, or that are MariaDB's own.
mod kind {
    pub const QUERY: u8 = 2;
    pub const ROTATE: u8 = 4;
    pub const FORMAT: u8 = 15;
    pub const XID: u8 = 16;
    pub const LOAD_QUERY: u8 = 18;
    pub const INCIDENT: u8 = 26;
    pub const GTID: u8 = 33;
    pub const XA_PREPARE: u8 = 38;
    pub const PAYLOAD: u8 = 40;
    pub const TAGGED_GTID: u8 = 42;
    pub const MARIADB_GTID: u8 = 162;
    pub const MARIADB_COMPRESSED: std::ops::RangeInclusive<u8> = 165..=171;
}

/// A MariaDB transaction that is one statement and has no end of its own.
const STANDALONE: u8 = 1;

/// Keys that wait for the end of two-phase transactions; no POS prepares so many.
const MOST_PREPARED: usize = 100_000;

/// Repeated keys of one transaction are dropped among so many.
const MOST_REMEMBERED: usize = 50_000;

/// What the log told, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// A row of the stream may have changed.
    Key(RowKey),
    /// Everything before this is a whole number of transactions.
    Place(Place),
}

/// Why the log cannot be followed any further.
#[derive(Debug, PartialEq)]
pub(super) enum Lost {
    /// Everything must be read again; says why.
    Gone(String),
    /// The server writes what we cannot read, and always will.
    Compressed,
}

impl From<NotUnderstood> for Lost {
    fn from(why: NotUnderstood) -> Self {
        Self::Gone(why.0)
    }
}

/// The state between two events.
#[derive(Debug)]
pub(super) struct Follower {
    pub tables: Vec<Followed>,
    /// The end of the last whole transaction.
    place: Place,
    /// The end of the last event.
    seen: Place,
    /// Whether events end in a checksum.
    has_checksums: bool,
    /// The log before was compared with the one offered.
    is_same_log: bool,
    in_transaction: bool,
    /// The id of the transaction under way.
    gtid: Option<Gtid>,
    /// Where a compressed transaction ends; the events inside have no places of their own.
    payload_end: Option<u32>,
    located: HashMap<u64, Option<Located>>,
    /// Keys of the transaction under way.
    remembered: HashSet<RowKey>,
    of_transaction: Vec<RowKey>,
    /// Keys of prepared transactions, by their name.
    prepared: BTreeMap<String, Vec<RowKey>>,
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy)]
enum Gtid {
    Mariadb {
        domain: u32,
        server: u32,
        sequence: u64,
    },
    Mysql {
        server: [u8; 16],
        number: u64,
    },
    /// With a tag, which we do not keep.
    Other,
}

impl Follower {
    pub fn new(tables: Vec<Followed>, place: Place, has_checksums: bool) -> Self {
        Self {
            tables,
            seen: place.clone(),
            place,
            has_checksums,
            is_same_log: false,
            in_transaction: false,
            gtid: None,
            payload_end: None,
            located: HashMap::new(),
            remembered: HashSet::new(),
            of_transaction: Vec::new(),
            prepared: BTreeMap::new(),
            items: Vec::new(),
        }
    }

    /// What was told since the last time.
    pub fn drain(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    /// Whether everything up to there was seen.
    pub fn reaches(&self, place: &Place) -> bool {
        self.seen.reaches(place)
    }

    /// The table whose layout must be known before this event can be taken.
    pub fn wants_layout(&self, event: &Event, map: Option<&TableMapEvent<'_>>) -> Option<usize> {
        let map = map.filter(|_| is_rows(event))?;
        let at = self.followed(map)?;
        self.tables[at].layout.is_none().then_some(at)
    }

    /// Takes one event. `map` describes its table, where it is about rows.
    pub fn take(&mut self, event: &Event, map: Option<&TableMapEvent<'_>>) -> Result<(), Lost> {
        let header = event.header();
        match header.event_type_raw() {
            kind::FORMAT => self.begin_file(header.timestamp())?,
            kind::ROTATE => self.rotate(event)?,
            kind::MARIADB_GTID => self.mariadb_gtid(event)?,
            kind::GTID | kind::TAGGED_GTID => self.mysql_gtid(event)?,
            kind::PAYLOAD => self.payload_end = Some(header.log_pos()),
            kind::QUERY | kind::LOAD_QUERY => self.statement(event)?,
            kind::XID => self.end(header.log_pos()),
            kind::XA_PREPARE => self.prepare(event),
            kind::INCIDENT => {
                let why = "the server noted that its log lacks changes";
                return Err(Lost::Gone(why.to_owned()));
            }
            code if kind::MARIADB_COMPRESSED.contains(&code) => return Err(Lost::Compressed),
            _ if is_rows(event) => self.rows(event, map)?,
            _ => {}
        }
        if header.log_pos() != 0 && self.payload_end.is_none() {
            self.seen.at = self.seen.at.max(header.log_pos().into());
        }
        Ok(())
    }

    fn begin_file(&mut self, begun: u32) -> Result<(), Lost> {
        // Table ids begin anew with a server that was started again.
        self.located.clear();
        self.seen.begun = Some(begun);
        if !std::mem::replace(&mut self.is_same_log, true)
            && self.place.is_of_another_log(&self.seen)
        {
            return Err(Lost::Gone(format!(
                "the server's log was begun anew: it offers {}, the last place was in {}",
                self.seen.file, self.place.file
            )));
        }
        if self.place.file == self.seen.file {
            self.place.begun = Some(begun);
        }
        Ok(())
    }

    fn rotate(&mut self, event: &Event) -> Result<(), Lost> {
        let Some(EventData::RotateEvent(rotate)) = data(event)? else {
            return Ok(());
        };
        let mut name = rotate.name_raw();
        // The library learns of checksums from the event after this one, and takes the first for part of the name.
        if self.has_checksums && !self.is_same_log {
            name = &name[..name.len().saturating_sub(4)];
        }
        let file = String::from_utf8_lossy(name)
            .trim_end_matches('\0')
            .to_owned();
        if file != self.seen.file {
            self.seen = Place {
                file,
                at: rotate.position(),
                gtids: None,
                begun: None,
            };
        }
        Ok(())
    }

    fn mariadb_gtid(&mut self, event: &Event) -> Result<(), Lost> {
        let data = event.data();
        let (Some(sequence), Some(domain), Some(flags)) =
            (data.first_chunk::<8>(), data.get(8..12), data.get(12))
        else {
            return Err(Lost::Gone(
                "a transaction id in the log is cut short".to_owned(),
            ));
        };
        let domain = domain
            .iter()
            .rev()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        self.gtid = Some(Gtid::Mariadb {
            domain,
            server: event.header().server_id(),
            sequence: u64::from_le_bytes(*sequence),
        });
        self.in_transaction = flags & STANDALONE == 0;
        Ok(())
    }

    fn mysql_gtid(&mut self, event: &Event) -> Result<(), Lost> {
        if let Some(EventData::GtidEvent(gtid)) = data(event)? {
            self.gtid = Some(match gtid.tag() {
                None => Gtid::Mysql {
                    server: gtid.sid(),
                    number: gtid.gno(),
                },
                Some(_) => Gtid::Other,
            });
        }
        Ok(())
    }

    fn statement(&mut self, event: &Event) -> Result<(), Lost> {
        let (text, database) = match data(event)? {
            Some(EventData::QueryEvent(query)) => {
                (query.query().into_owned(), query.schema().into_owned())
            }
            Some(EventData::ExecuteLoadQueryEvent(load)) => {
                (load.query().into_owned(), load.schema().into_owned())
            }
            _ => return Ok(()),
        };
        let names: Vec<_> = self.tables.iter().map(|table| table.name.clone()).collect();
        match meaning(&text, &database, &names) {
            Meaning::Begin => self.in_transaction = true,
            Meaning::XaPart => self.in_transaction = true,
            Meaning::End => self.end(event.header().log_pos()),
            Meaning::XaCommit => {
                let keys = self.prepared.remove(&xa_name(&text)).unwrap_or_default();
                self.items.extend(keys.into_iter().map(Item::Key));
                self.end(event.header().log_pos());
            }
            Meaning::XaRollback => {
                self.prepared.remove(&xa_name(&text));
                self.end(event.header().log_pos());
            }
            Meaning::Replaced => {
                return Err(Lost::Gone(
                    "a followed table was emptied, dropped, renamed or partitioned anew".to_owned(),
                ));
            }
            Meaning::Unlogged => {
                return Err(Lost::Gone(
                    "a change of a followed table was logged as a statement, which does not tell the rows; set \
                     binlog_format=ROW on the server, or use \"watermark\" for the stream"
                        .to_owned(),
                ));
            }
            Meaning::Altered => {
                self.altered(event.header().timestamp())?;
                self.end_of_single(event);
            }
            Meaning::Nothing => self.end_of_single(event),
        }
        Ok(())
    }

    /// A statement outside of a transaction is one by itself.
    fn end_of_single(&mut self, event: &Event) {
        if !self.in_transaction {
            self.end(event.header().log_pos());
        }
    }

    /// Positions are asked for again. Rows that were read before by a layout from after the change may have been
    /// misread; that can only be when the log was behind.
    fn altered(&mut self, at: u32) -> Result<(), Lost> {
        self.located.clear();
        for table in &mut self.tables {
            let is_newer = |layout: &super::layout::Layout| layout.asked_at >= at.into();
            if std::mem::take(&mut table.was_used) && table.layout.as_ref().is_some_and(is_newer) {
                return Err(Lost::Gone(format!(
                    "table {} was altered while its changes waited to be read",
                    table.name.table
                )));
            }
            table.layout = None;
        }
        Ok(())
    }

    fn rows(&mut self, event: &Event, map: Option<&TableMapEvent<'_>>) -> Result<(), Lost> {
        let Some(map) = map else {
            return Err(Lost::Gone(
                "the log has rows of a table it did not describe".to_owned(),
            ));
        };
        let Some(at) = self.followed(map) else {
            return Ok(());
        };
        let located = match self.located.get(&map.table_id()) {
            Some(Some(located)) if located.table == at => located.clone(),
            _ => {
                let (located, by) =
                    rows::locate(map, at, &self.tables[at]).map_err(|Stale| self.stale(at))?;
                self.tables[at].was_used |= by == By::Positions;
                self.located.insert(map.table_id(), Some(located.clone()));
                located
            }
        };
        if self.payload_end.is_none() && is_damaged(event) {
            return Err(Lost::Gone(
                "an event in the log is damaged: its checksum is wrong".to_owned(),
            ));
        }
        let Some(EventData::RowsEvent(event)) = data(event)? else {
            return Ok(());
        };
        let (remembered, keys) = (&mut self.remembered, &mut self.of_transaction);
        rows::keys(&event, map, &located, |key| {
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            if remembered.insert(key.clone()) {
                keys.push(key);
            }
        })?;
        // Only a two-phase transaction must wait; a large one need not be kept together in memory.
        if self.of_transaction.len() >= MOST_PREPARED {
            let keys = std::mem::take(&mut self.of_transaction);
            self.items.extend(keys.into_iter().map(Item::Key));
        }
        Ok(())
    }

    fn stale(&self, at: usize) -> Lost {
        let table = &self.tables[at].name.table;
        Lost::Gone(format!(
            "the log describes table {table} with other columns than it has now; it was altered meanwhile"
        ))
    }

    fn followed(&self, map: &TableMapEvent<'_>) -> Option<usize> {
        let (database, table) = (map.database_name(), map.table_name());
        self.tables
            .iter()
            .position(|followed| followed.name.is(&database, &table))
    }

    /// A prepared transaction changes nothing before it is carried out. Until then no place is given out.
    fn prepare(&mut self, event: &Event) {
        let keys = std::mem::take(&mut self.of_transaction);
        self.remembered.clear();
        match prepared_name(event.data()) {
            Some(name) if !keys.is_empty() => {
                self.prepared.insert(name, keys);
            }
            Some(_) => {}
            // In one phase: carried out at once.
            None => self.of_transaction = keys,
        }
        self.end(event.header().log_pos());
    }

    /// A transaction is over.
    fn end(&mut self, log_pos: u32) {
        self.in_transaction = false;
        self.remembered.clear();
        let keys = std::mem::take(&mut self.of_transaction);
        self.items.extend(keys.into_iter().map(Item::Key));
        let end = u64::from(self.payload_end.take().unwrap_or(log_pos));
        let same_file = self.place.file == self.seen.file;
        let mut at = if end == 0 { self.seen.at } else { end };
        // The log counts with 32 bits, and one transaction may be larger.
        while same_file && at < self.place.at {
            at += 1 << 32;
        }
        self.seen.at = at;
        self.place.file.clone_from(&self.seen.file);
        self.place.at = at;
        self.place.begun = self.seen.begun;
        match (self.gtid.take(), &mut self.place.gtids) {
            (
                Some(Gtid::Mariadb {
                    domain,
                    server,
                    sequence,
                }),
                Some(Gtids::Mariadb(seen)),
            ) => {
                seen.add(domain, server, sequence);
            }
            (Some(Gtid::Mysql { server, number }), Some(Gtids::Mysql(seen))) => {
                seen.add(server, number)
            }
            (Some(Gtid::Other), seen) => *seen = None,
            (Some(_) | None, _) => {}
        }
        if !self.prepared.is_empty() {
            return;
        }
        match self.items.last_mut() {
            Some(Item::Place(last)) => last.clone_from(&self.place),
            Some(Item::Key(_)) | None => self.items.push(Item::Place(self.place.clone())),
        }
    }
}

/// Whether an event is about rows, in any of its versions.
pub(super) fn is_rows(event: &Event) -> bool {
    matches!(event.header().event_type_raw(), 23..=25 | 30..=32 | 39)
}

fn is_damaged(event: &Event) -> bool {
    let crc = BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32;
    let has = matches!(event.footer().get_checksum_alg(), Ok(Some(found)) if found == crc);
    has && event
        .checksum()
        .is_some_and(|sum| u32::from_le_bytes(sum) != event.calc_checksum(crc))
}

/// The id of the table whose rows an event is about.
pub(super) fn table_id(event: &Event) -> Option<u64> {
    if !is_rows(event) {
        return None;
    }
    let bytes = event.data().get(..6)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn data(event: &Event) -> Result<Option<EventData<'_>>, Lost> {
    event
        .read_data()
        .map_err(|error| Lost::Gone(format!("an event in the log cannot be read ({error})")))
}

/// What stands behind `XA COMMIT`, without blanks.
fn xa_name(statement: &str) -> String {
    let name = statement.split_whitespace().skip(2).collect::<String>();
    name.trim_end_matches("ONEPHASE").to_ascii_lowercase()
}

/// The same from the event of a prepared transaction; none when it is carried out in one phase.
fn prepared_name(data: &[u8]) -> Option<String> {
    let number = |at: usize| {
        data.get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_le_bytes)
    };
    if data.first() != Some(&0) {
        return None;
    }
    let (format, first, second) = (number(1)?, number(5)? as usize, number(9)? as usize);
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let name = data.get(13..13 + first)?;
    let branch = data.get(13 + first..13 + first + second)?;
    Some(format!("x'{}',x'{}',{format}", hex(name), hex(branch)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_transaction_is_found_by_the_statement_that_carries_it_out() {
        let mut data = vec![0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0];
        data.extend(b"aby");
        assert_eq!(
            prepared_name(&data).unwrap(),
            xa_name("XA COMMIT X'6162',X'79',1")
        );
        data[0] = 1;
        assert_eq!(prepared_name(&data), None);
    }
}
