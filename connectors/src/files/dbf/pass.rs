//! One scan of a table, from its first record to its last.

use std::sync::Arc;

use fluxion_model::row::{Row, RowChange, RowKey, RowShape};
use fluxion_model::value::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::index::{ChildIndex, Newest};
use super::plan::{DELETED, LIVE, NoKey};
use super::position::Progress;
use super::recheck::Recheck;
use super::tables::{Tables, Wish, hex};
use super::trouble::Trouble;
use crate::connector::{BatchLimit, RowProblem};

/// Problems that are told of one table; more are counted.
const PROBLEMS: usize = 500;

/// Bytes read in one step, however few of them count.
const STEP_BYTES: usize = 32 * 1024 * 1024;

/// Where a scan stands, and what it must remember.
pub(super) struct Pass {
    pub shape: Arc<RowShape>,
    pub design: u128,
    /// Records when it began.
    pub bound: u32,
    pub next: u32,
    pub pieces: Vec<Piece>,
    pub children: Vec<ChildIndex>,
    pub newest: Option<Newest>,
    pub stamps: String,
    /// Whether a batch of it was given out.
    pub begun: bool,
    /// Whether something changed while it ran: then what it saw first may be gone again.
    pub stirred: bool,
    pub rechecks: u32,
    /// Whether it never stood still: then nobody can say what is gone.
    pub restless: bool,
    pub recheck: Option<Recheck>,
    pub problems: Problems,
    read: Xxh3,
}

/// Some records as they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub from: u32,
    pub records: u32,
    pub hash: u64,
}

/// What is wrong with rows.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub list: Vec<RowProblem>,
    pub more: u64,
    /// Whether one of them may be a row that is known. Then nobody can say what is gone.
    pub flawed: bool,
}

/// Rows on their way out.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub changes: Vec<RowChange>,
    bytes: usize,
}

impl Taken {
    pub fn is_full(&self, limit: BatchLimit) -> bool {
        self.changes.len() >= limit.rows.max(1) || self.bytes >= limit.bytes
    }

    fn push(&mut self, key: RowKey, row: Row) {
        self.bytes += rough_size(&row);
        self.changes.push(RowChange::Upsert { key, row });
    }
}

fn rough_size(row: &Row) -> usize {
    let values = row.values.iter().map(|value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    });
    let own = values.sum::<usize>() + row.values.len() * size_of::<Value>();
    own + row.children.iter().flatten().map(rough_size).sum::<usize>()
}

/// Which rows of a piece are given out.
#[derive(Clone, Copy)]
pub(super) enum Choice<'a> {
    All,
    /// Those of parents whose children changed.
    Touched(&'a std::collections::HashSet<u32>),
}

impl Pass {
    /// Gets ready, from the record where a scan of the very same bytes stopped, or from the first.
    pub fn begin(
        wish: &Wish,
        tables: &mut Tables,
        progress: Option<&Progress>,
    ) -> Result<Self, Trouble> {
        let mut children = Vec::new();
        for child in &mut tables.children {
            children.push(ChildIndex::build(child)?);
        }
        let newest = match tables.parent.plan.newest {
            Some(_) => Some(Newest::build(&mut tables.parent)?),
            None => None,
        };
        let mut pass = Self {
            shape: Arc::new(tables.shape(&wish.spec)),
            design: tables.design(),
            bound: tables.parent.file.count,
            next: 0,
            pieces: Vec::new(),
            children,
            newest,
            stamps: tables.stamps(),
            begun: false,
            stirred: false,
            rechecks: 0,
            restless: false,
            recheck: None,
            problems: Problems::default(),
            read: Xxh3::new(),
        };
        let missing = tables.parent.file.missing;
        if missing > 0 {
            pass.problems.flawed = true;
            pass.problems.add(RowProblem {
                position: None,
                field: None,
                raw: None,
                message: format!(
                    "The header of {} promises {missing} records more than the file holds: it was cut short. The {} that are whole were read, and nothing was removed. Let the POS check its tables, or restore a backup.",
                    tables.parent.name(),
                    pass.bound
                ),
            });
        }
        if let Some(progress) = progress.filter(|progress| progress.stamps == pass.stamps) {
            pass.resume(tables, progress)?;
        }
        Ok(pass)
    }

    /// Passes over what was given out before, if it still is what it was.
    fn resume(&mut self, tables: &mut Tables, progress: &Progress) -> Result<(), Trouble> {
        let (step, mut bytes) = (tables.parent.file.piece(), Vec::new());
        let mut out = Taken::default();
        while self.next < progress.next {
            let wanted = step.min(progress.next - self.next);
            if self.piece(tables, wanted, &mut bytes)? == 0 {
                break;
            }
            // Its rows were given out; its problems are told with the others at the end.
            self.emit(tables, self.next_from(), &bytes, Choice::All, &mut out)?;
            out = Taken::default();
        }
        if self.next == progress.next && hex(self.read.digest128()) == progress.read {
            self.begun = true;
        } else {
            self.next = 0;
            self.pieces.clear();
            self.read = Xxh3::new();
            self.problems.list.clear();
        }
        Ok(())
    }

    fn next_from(&self) -> u32 {
        self.pieces.last().map_or(0, |piece| piece.from)
    }

    pub fn progress(&self) -> Progress {
        Progress {
            next: self.next,
            read: hex(self.read.digest128()),
            stamps: self.stamps.clone(),
        }
    }

    /// Whether every record that was there at the beginning was read.
    pub fn is_through(&self) -> bool {
        self.next >= self.bound
    }

    /// Reads on, up to the limit.
    pub fn read(&mut self, tables: &mut Tables, limit: BatchLimit) -> Result<Taken, Trouble> {
        let mut taken = Taken::default();
        let (mut bytes, mut raw) = (Vec::new(), 0);
        while !self.is_through() && !taken.is_full(limit) && raw < STEP_BYTES {
            let room = limit.rows.max(1) - taken.changes.len();
            let wanted = tables
                .parent
                .file
                .piece()
                .min(u32::try_from(room).unwrap_or(u32::MAX))
                .min(self.bound - self.next);
            let read = self.piece(tables, wanted, &mut bytes)?;
            if read == 0 {
                // It became shorter: the second look finds out how.
                self.bound = self.next;
                break;
            }
            raw += bytes.len();
            self.emit(tables, self.next_from(), &bytes, Choice::All, &mut taken)?;
        }
        Ok(taken)
    }

    /// Reads the next records and remembers what they were.
    fn piece(
        &mut self,
        tables: &mut Tables,
        wanted: u32,
        bytes: &mut Vec<u8>,
    ) -> Result<u32, Trouble> {
        let records = tables.parent.file.read(self.next, wanted, bytes)?;
        if records > 0 {
            self.read.update(bytes);
            self.pieces.push(Piece {
                from: self.next,
                records,
                hash: xxh3_64(bytes),
            });
            self.next += records;
        }
        Ok(records)
    }

    /// Makes rows of records.
    pub fn emit(
        &mut self,
        tables: &mut Tables,
        from: u32,
        bytes: &[u8],
        choice: Choice<'_>,
        out: &mut Taken,
    ) -> Result<(), Trouble> {
        let size = tables.parent.file.layout.record;
        for (number, record) in (from..).zip(bytes.chunks_exact(size)) {
            match record[0] {
                LIVE => {}
                DELETED => continue,
                other => {
                    self.problems
                        .odd_record(&tables.parent.name(), number, other);
                    continue;
                }
            }
            let plan = &tables.parent.plan;
            if !plan.fits(record) {
                continue;
            }
            let key = match plan.key_of(record) {
                Ok(key) => key,
                Err(why) => {
                    self.problems.no_key(&tables.parent.name(), number, why);
                    continue;
                }
            };
            let is_chosen = match choice {
                Choice::All => true,
                Choice::Touched(keys) => keys.contains(&super::index::short(&key)),
            };
            let counts = self
                .newest
                .as_ref()
                .is_none_or(|newest| newest.is(&key, number));
            if !is_chosen || !counts {
                continue;
            }
            let mut children = Vec::with_capacity(self.children.len());
            for (index, opened) in self.children.iter().zip(&mut tables.children) {
                children.push(index.rows(opened, &key)?);
            }
            let (plan, memo) = tables.parent.decoder();
            let row = Row {
                values: plan.values(record, memo),
                children,
                position: Some(u64::from(number) + 1),
            };
            out.push(key, row);
        }
        Ok(())
    }
}

impl Problems {
    fn add(&mut self, problem: RowProblem) {
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < PROBLEMS {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// A record that is neither there nor deleted: half written, or overwritten by something else.
    fn odd_record(&mut self, table: &str, number: u32, mark: u8) {
        self.flawed = true;
        self.add(RowProblem {
            position: Some(u64::from(number) + 1),
            field: None,
            raw: Some(format!("0x{mark:02x}")),
            message: format!(
                "Record {} of {table} is not whole: it begins with 0x{mark:02x}, where a blank or an asterisk should be. Nothing was removed because of it. If it stays so, let the POS check its tables.",
                number + 1
            ),
        });
    }

    fn no_key(&mut self, table: &str, number: u32, why: NoKey) {
        let (column, raw, reason) = match why {
            NoKey::Empty { column } => (column, None, "is empty".to_owned()),
            NoKey::Unreadable {
                column,
                raw,
                reason,
            } => {
                self.flawed = true;
                (column, Some(raw), reason)
            }
        };
        self.add(RowProblem {
            position: Some(u64::from(number) + 1),
            field: Some(column.clone()),
            raw,
            message: format!(
                "Record {} of {table} cannot be told apart from others: its {column} {reason}. Correct it at the POS.",
                number + 1
            ),
        });
    }
}
