//! All that the server holds, behind one lock: databases, transactions, logins, and the clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::permission::Permission;
use super::table::{Change, Pending, Table, View};
use crate::data::collation::Collation;
use crate::data::moment;
use crate::error::{Result, SqlError, Stop};
use crate::hooks::Fault;
use crate::sql::ast::{Grant, Name};

/// What Change Tracking of a database is set to.
#[derive(Debug, Clone)]
pub(crate) struct Tracking {
    pub version: i64,
    pub retention_minutes: i64,
    pub auto_cleanup: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub id: i64,
    pub name: String,
    pub collation: &'static Collation,
    pub tables: BTreeMap<i64, Table>,
    pub views: BTreeMap<i64, View>,
    pub schemas: Vec<String>,
    /// The last rowversion given out: `@@DBTS`.
    pub rowversion: u64,
    pub tracking: Option<Tracking>,
    pub snapshot: bool,
    pub read_committed_snapshot: bool,
    pub compatibility: i64,
}

impl Database {
    fn new(id: i64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            collation: Collation::default_one(),
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
            schemas: vec!["dbo".to_owned()],
            rowversion: 2000,
            tracking: None,
            snapshot: false,
            read_committed_snapshot: false,
            compatibility: 150,
        }
    }

    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<&Table> {
        let schema = schema.unwrap_or("dbo");
        self.tables
            .values()
            .find(|t| t.name.eq_ignore_ascii_case(name) && t.schema.eq_ignore_ascii_case(schema))
    }

    pub fn view(&self, schema: Option<&str>, name: &str) -> Option<&View> {
        let schema = schema.unwrap_or("dbo");
        self.views
            .values()
            .find(|v| v.name.eq_ignore_ascii_case(name) && v.schema.eq_ignore_ascii_case(schema))
    }

    /// An id that no object has yet.
    pub fn new_object(&self) -> i64 {
        let triggers = self
            .tables
            .values()
            .flat_map(|t| t.triggers.iter().map(|t| t.id));
        let used = self.tables.keys().chain(self.views.keys()).copied();
        used.chain(triggers).max().unwrap_or(245_575_913) + 16
    }
}

/// Somebody who may log in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    pub name: String,
    pub password: String,
    /// Member of `sysadmin`.
    pub is_admin: bool,
    pub permissions: Vec<Granted>,
}

/// A permission, on one object of a database or on all, granted or denied.
pub(crate) type Granted = (Grant, Permission, Option<(String, i64)>);

/// One undone step puts one row back.
#[derive(Debug, Clone)]
struct Written {
    database: String,
    table: i64,
    row: u64,
    before: Option<Pending>,
}

/// A transaction that is open.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub session: u16,
    /// What a snapshot transaction sees, from its first statement on.
    pub snapshot: Option<u64>,
    /// The change tracking version of each database at that moment.
    pub tracking_then: HashMap<String, i64>,
    written: Vec<Written>,
    /// The lowest rowversion it gave out, by database.
    pub first_rowversion: HashMap<String, u64>,
    /// Which transaction it waits for.
    pub waits_for: Option<u64>,
    pub priority: i64,
    /// Chosen to give way in a deadlock.
    pub victim: bool,
}

/// A connection, for `sys.dm_exec_sessions`.
#[derive(Debug, Clone)]
pub(crate) struct Present {
    pub id: u16,
    pub login: String,
    pub host: String,
    pub program: String,
    pub database: String,
    pub isolation: i64,
    pub lock_timeout: i64,
    pub deadlock_priority: i64,
    pub encrypted: bool,
}

#[derive(Debug)]
pub(crate) struct State {
    pub databases: BTreeMap<String, Database>,
    pub transactions: BTreeMap<u64, Transaction>,
    pub logins: Vec<Login>,
    /// What everybody may do.
    pub public: Vec<Granted>,
    pub sessions: BTreeMap<u16, Present>,
    pub faults: Vec<Fault>,
    /// Statements as they came, for tests that look at what was asked.
    pub heard: std::collections::VecDeque<String>,
    pub identity: crate::server::Identity,
    /// Ticks that tests moved the clock on by.
    pub clock_shift: i64,
    commit: u64,
    next_transaction: u64,
    pub next_session: u16,
    last_moment: std::cell::Cell<i64>,
}

/// The state, and a bell that rings when a transaction ends.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub ended: Condvar,
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }

    /// A session that panicked leaves whole statements undone, never half of one, so its state is good.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub fn new(identity: crate::server::Identity) -> Self {
        let mut databases = BTreeMap::new();
        for (id, name) in [(1, "master"), (2, "tempdb"), (3, "model"), (4, "msdb")] {
            databases.insert(name.to_owned(), Database::new(id, name));
        }
        Self {
            databases,
            transactions: BTreeMap::new(),
            logins: Vec::new(),
            public: Vec::new(),
            sessions: BTreeMap::new(),
            faults: Vec::new(),
            heard: std::collections::VecDeque::new(),
            identity,
            clock_shift: 0,
            commit: 1,
            next_transaction: 1,
            next_session: 51,
            last_moment: std::cell::Cell::new(0),
        }
    }

    pub fn create_database(&mut self, name: &str) -> Result<&mut Database, SqlError> {
        let key = name.to_lowercase();
        if self.databases.contains_key(&key) {
            return Err(SqlError::general(
                1801,
                format!("Database '{name}' already exists. Choose a different database name."),
            ));
        }
        let id = self.databases.values().map(|d| d.id).max().unwrap_or(4) + 1;
        Ok(self
            .databases
            .entry(key)
            .or_insert_with(|| Database::new(id, name)))
    }

    pub fn database(&self, name: &str) -> Result<&Database, SqlError> {
        self.databases
            .get(&name.to_lowercase())
            .ok_or_else(|| no_database(name))
    }

    pub fn database_mut(&mut self, name: &str) -> Result<&mut Database, SqlError> {
        self.databases
            .get_mut(&name.to_lowercase())
            .ok_or_else(|| no_database(name))
    }

    /// A table by its name, seen from a database.
    pub fn table(&self, name: &Name, current: &str) -> Option<(&Database, &Table)> {
        let database = name.database.as_deref().unwrap_or(current);
        let database = self.databases.get(&database.to_lowercase())?;
        let table = database.table(name.schema.as_deref(), &name.object)?;
        Some((database, table))
    }

    /// UTC in ticks since the year 1; never goes back, whatever the machine's clock does.
    pub fn now(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let ticks = i64::try_from(since.as_nanos() / 100).unwrap_or(i64::MAX);
        let now = moment::YEAR_1970 * moment::DAY + ticks + self.clock_shift;
        let now = now.max(self.last_moment.get());
        self.last_moment.set(now);
        now
    }

    /// The clock on the wall of the server.
    pub fn local_now(&self) -> i64 {
        self.now() + i64::from(self.identity.utc_offset_minutes) * 60 * moment::SECOND
    }

    pub fn commit_number(&self) -> u64 {
        self.commit
    }

    pub fn begin(&mut self, session: u16, priority: i64) -> u64 {
        let id = self.next_transaction;
        self.next_transaction += 1;
        self.transactions.insert(
            id,
            Transaction {
                session,
                snapshot: None,
                tracking_then: HashMap::new(),
                written: Vec::new(),
                first_rowversion: HashMap::new(),
                waits_for: None,
                priority,
                victim: false,
            },
        );
        id
    }

    /// A point to come back to with [`Self::undo_to`].
    pub fn savepoint(&self, transaction: u64) -> usize {
        self.transactions
            .get(&transaction)
            .map_or(0, |t| t.written.len())
    }

    pub fn undo_to(&mut self, transaction: u64, savepoint: usize) {
        let Some(open) = self.transactions.get_mut(&transaction) else {
            return;
        };
        let steps = open.written.split_off(savepoint.min(open.written.len()));
        for step in steps.into_iter().rev() {
            if let Some(table) = self
                .databases
                .get_mut(&step.database)
                .and_then(|d| d.tables.get_mut(&step.table))
            {
                table.restore(step.row, step.before);
            }
        }
    }

    pub fn rollback(&mut self, transaction: u64) {
        self.undo_to(transaction, 0);
        self.transactions.remove(&transaction);
    }

    /// Writes a row for a transaction, giving it the next rowversion where it has such a column.
    pub fn write(
        &mut self,
        transaction: u64,
        database: &str,
        table: i64,
        row: Option<u64>,
        values: Option<Vec<crate::data::value::Value>>,
    ) -> Result<Option<crate::data::value::Row>> {
        let gone = || Stop::Error(SqlError::no_object("(dropped meanwhile)"));
        let key = database.to_lowercase();
        let base = self.databases.get_mut(&key).ok_or_else(gone)?;
        let rowversion = &mut base.rowversion;
        let table_id = table;
        let table = base.tables.get_mut(&table).ok_or_else(gone)?;
        let mut values = values;
        if let Some(values) = &mut values
            && let Some(at) = table
                .columns
                .iter()
                .position(super::table::Column::is_rowversion)
        {
            *rowversion += 1;
            values[at] = crate::data::value::Value::bytes(rowversion.to_be_bytes());
            if let Some(open) = self.transactions.get_mut(&transaction) {
                open.first_rowversion
                    .entry(key.clone())
                    .or_insert(*rowversion);
            }
        }
        let stored: Option<crate::data::value::Row> = values.map(Into::into);
        let row = row.unwrap_or_else(|| table.new_row());
        let before = table.write(row, transaction, stored.clone())?;
        if let Some(open) = self.transactions.get_mut(&transaction) {
            open.written.push(Written {
                database: key,
                table: table_id,
                row,
                before,
            });
        }
        Ok(stored)
    }

    /// Makes a transaction's writes visible to all, and gives them one version of Change Tracking.
    pub fn commit(&mut self, transaction: u64) {
        let Some(open) = self.transactions.remove(&transaction) else {
            return;
        };
        self.commit += 1;
        let now = self.now();
        let oldest = self
            .transactions
            .values()
            .filter_map(|other| other.snapshot)
            .min();
        let mut rows: Vec<(String, i64, u64)> = open
            .written
            .into_iter()
            .map(|step| (step.database, step.table, step.row))
            .collect();
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(row.clone()));
        let mut numbered = std::collections::HashSet::new();
        for (name, table, row) in rows {
            let Some(database) = self.databases.get_mut(&name) else {
                continue;
            };
            let Some(table) = database.tables.get_mut(&table) else {
                continue;
            };
            if let (Some(tracking), true) = (&mut database.tracking, table.tracked.is_some()) {
                let changes = changes(table, row, now);
                if !changes.is_empty() && numbered.insert(name.clone()) {
                    tracking.version += 1;
                }
                if let Some(tracked) = &mut table.tracked {
                    tracked
                        .entries
                        .extend(changes.into_iter().map(|change| Change {
                            version: tracking.version,
                            ..change
                        }));
                }
            }
            table.commit(row, self.commit, oldest);
        }
    }

    /// The lowest rowversion that an open transaction has given out, or the next one.
    pub fn min_active_rowversion(&self, database: &str) -> u64 {
        let key = database.to_lowercase();
        let next = self.databases.get(&key).map_or(0, |d| d.rowversion) + 1;
        self.transactions
            .values()
            .filter_map(|open| open.first_rowversion.get(&key).copied())
            .min()
            .unwrap_or(next)
    }

    /// Forgets changes that are older than the retention.
    pub fn clean_up_tracking(&mut self) {
        let now = self.now();
        for database in self.databases.values_mut() {
            let Some(tracking) = database.tracking.as_ref().filter(|t| t.auto_cleanup) else {
                continue;
            };
            let limit = now - tracking.retention_minutes * 60 * moment::SECOND;
            for table in database.tables.values_mut() {
                // The oldest comes first.
                if let Some(tracked) = &mut table.tracked
                    && tracked
                        .entries
                        .first()
                        .is_some_and(|oldest| oldest.at < limit)
                {
                    tracked.forget(|change| change.at < limit);
                }
            }
        }
    }
}

impl super::table::Tracked {
    /// Forgets changes; what was seen only before them can no longer be followed.
    pub fn forget(&mut self, old: impl Fn(&Change) -> bool) {
        let newest = self
            .entries
            .iter()
            .filter(|change| old(change))
            .map(|change| change.version)
            .max();
        if let Some(newest) = newest {
            self.entries.retain(|change| change.version > newest);
            self.min_valid = self.min_valid.max(newest);
        }
    }
}

fn changes(table: &Table, row: u64, at: i64) -> Vec<Change> {
    let change = |operation, row| Change {
        version: 0,
        operation,
        key: table.primary_key(row),
        at,
    };
    match table.outcome(row) {
        None | Some((None, None)) => Vec::new(),
        Some((None, Some(after))) => vec![change('I', &after)],
        Some((Some(before), None)) => vec![change('D', &before)],
        Some((Some(before), Some(after))) => {
            if table.primary_key(&before) == table.primary_key(&after) {
                vec![change('U', &after)]
            } else {
                vec![change('D', &before), change('I', &after)]
            }
        }
    }
}

fn no_database(name: &str) -> SqlError {
    SqlError::general(
        911,
        format!("Database '{name}' does not exist. Make sure that the name is entered correctly."),
    )
}
