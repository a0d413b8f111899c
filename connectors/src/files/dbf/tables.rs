//! The tables one stream reads: its own and those of its children, open for a moment.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use fluxion_model::row::RowShape;
use fluxion_model::stream::{StreamSpec, TableSource};
use xxhash_rust::xxh3::Xxh3;

use super::disk::{TableFile, find};
use super::memo::Memo;
use super::plan::Plan;
use super::trouble::Trouble;
use crate::connector::Settings;

/// What is to be opened.
#[derive(Debug, Clone)]
pub(in crate::files) struct Wish {
    pub folder: PathBuf,
    pub spec: StreamSpec,
    pub source: TableSource,
    pub settings: Settings,
}

/// A table and its children.
pub(super) struct Tables {
    pub parent: Opened,
    pub children: Vec<Opened>,
}

/// One of them.
pub(super) struct Opened {
    pub file: TableFile,
    pub plan: Plan,
    pub memo: Option<Memo>,
    memo_stamp: String,
    window: Window,
}

/// Records that were read last, because lines of a sale stand side by side.
#[derive(Default)]
struct Window {
    from: u32,
    records: u32,
    bytes: Vec<u8>,
}

impl Wish {
    /// Opens all tables, and finds every column.
    pub(super) fn open(&self) -> Result<Tables, Trouble> {
        let parent = self.open_one(&self.source, &self.spec.key, &[])?;
        let children = self.spec.children.iter().map(|child| {
            let source = child.table.as_ref().ok_or_else(|| {
                Trouble::Mapping(format!(
                    "The children {} need a `table`: the file that holds their rows.",
                    child.name
                ))
            })?;
            self.open_one(source, &child.parent, &child.order)
        });
        Ok(Tables {
            children: children.collect::<Result<_, _>>()?,
            parent,
        })
    }

    fn open_one(
        &self,
        source: &TableSource,
        key: &[String],
        order: &[String],
    ) -> Result<Opened, Trouble> {
        let file = TableFile::open(&self.folder, &source.name)?;
        let plan = Plan::bind(&file.name, &file.layout, source, key, order, &self.settings)?;
        let mut memo = None;
        let mut memo_stamp = String::new();
        if plan.has_memos() {
            let ending = file.layout.memo.ending();
            let name = format!("{}.{ending}", stem(&file.name));
            let opened = match find(&self.folder, &name, ending) {
                Ok(path) => File::open(path).map(Some),
                Err(_) => Ok(None),
            };
            memo_stamp = stamp_of(&opened);
            memo = Some(Memo::open(&name, opened, file.layout.memo));
        }
        Ok(Opened {
            file,
            plan,
            memo,
            memo_stamp,
            window: Window::default(),
        })
    }

    /// The names of all tables, for a person.
    pub fn names(&self) -> String {
        let children = self
            .spec
            .children
            .iter()
            .filter_map(|child| child.table.as_ref());
        let names: Vec<&str> = std::iter::once(&self.source)
            .chain(children)
            .map(|table| table.name.as_str())
            .collect();
        names.join(", ")
    }
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn stamp_of(opened: &io::Result<Option<File>>) -> String {
    let Ok(Some(file)) = opened else {
        return String::new();
    };
    file.metadata().map_or_else(
        |_| String::new(),
        |found| {
            let modified = found.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            format!("{}:{since:?}", found.len())
        },
    )
}

impl Tables {
    fn all(&self) -> impl Iterator<Item = &Opened> {
        std::iter::once(&self.parent).chain(&self.children)
    }

    /// The columns of a row and of its children.
    pub fn shape(&self, spec: &StreamSpec) -> RowShape {
        let flat =
            |plan: &Plan| RowShape::flat(plan.columns.iter().map(|field| field.name.clone()));
        let mut shape = flat(&self.parent.plan);
        shape.children = spec
            .children
            .iter()
            .zip(&self.children)
            .map(|(child, opened)| (child.name.as_str().into(), flat(&opened.plan)))
            .collect();
        shape
    }

    /// What tells cheaply that something changed.
    pub fn stamps(&self) -> String {
        let mut hash = Xxh3::new();
        for opened in self.all() {
            let stamp = &opened.file.stamp;
            hash.update(&stamp.size.to_le_bytes());
            hash.update(&stamp.head);
            let since = stamp
                .modified
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            hash.update(format!("{since:?}{};", opened.memo_stamp).as_bytes());
        }
        hex(hash.digest128())
    }

    /// What tells that a table was redesigned.
    pub fn design(&self) -> u128 {
        let mut hash = Xxh3::new();
        for opened in self.all() {
            hash.update(&opened.file.layout.design);
        }
        hash.digest128()
    }

    /// Everything the tables hold, as one hash, from the hash of each table's records.
    pub fn state(&self, records: impl IntoIterator<Item = u128>) -> String {
        let mut hash = Xxh3::new();
        for (opened, records) in self.all().zip(records) {
            hash.update(&opened.file.layout.design);
            hash.update(&opened.file.count.to_le_bytes());
            hash.update(&opened.file.missing.to_le_bytes());
            hash.update(&records.to_le_bytes());
            hash.update(opened.memo_stamp.as_bytes());
        }
        hex(hash.digest128())
    }

    /// The same, read from the disk.
    pub fn state_now(&mut self) -> Result<String, Trouble> {
        let mut hashes = vec![self.parent.hash_records()?];
        for child in &mut self.children {
            hashes.push(child.hash_records()?);
        }
        Ok(self.state(hashes))
    }
}

impl Opened {
    fn hash_records(&mut self) -> Result<u128, Trouble> {
        let mut hash = Xxh3::new();
        self.pieces(|_, bytes| {
            hash.update(bytes);
            Ok(())
        })?;
        Ok(hash.digest128())
    }

    /// Goes through all records, a piece at a time.
    pub fn pieces(
        &mut self,
        mut each: impl FnMut(u32, &[u8]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let step = self.file.piece();
        let mut bytes = Vec::new();
        let mut from = 0;
        loop {
            let read = self.file.read(from, step, &mut bytes)?;
            if read == 0 {
                return Ok(());
            }
            each(from, &bytes)?;
            from += read;
        }
    }

    /// One record, where it is still there.
    pub fn record(&mut self, number: u32) -> Result<Option<&[u8]>, Trouble> {
        let size = self.file.layout.record;
        let is_near = number >= self.window.from && number < self.window.from + self.window.records;
        if !is_near {
            let some = u32::try_from(8 * 1024 / size).unwrap_or(1).max(1);
            let mut bytes = std::mem::take(&mut self.window.bytes);
            self.window.records = self.file.read(number, some, &mut bytes)?;
            self.window.from = number;
            self.window.bytes = bytes;
        }
        let at = (number - self.window.from) as usize * size;
        Ok(self.window.bytes.get(at..at + size))
    }

    /// The parts a record is decoded with, side by side.
    pub fn decoder(&mut self) -> (&Plan, &mut Option<Memo>) {
        (&self.plan, &mut self.memo)
    }

    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.file.name)
    }
}

pub(super) fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}
