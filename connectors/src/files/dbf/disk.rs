//! One table on the disk: opened shared, read by number of record, closed again.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::header::{self, BadHeader, HEAD, Layout};
use super::trouble::Trouble;

/// How often a piece is read again that changes under the reader's eyes.
const GLANCES: usize = 4;

/// A table that is open for a moment.
#[derive(Debug)]
pub(in crate::files) struct TableFile {
    pub name: Arc<str>,
    pub layout: Arc<Layout>,
    /// Records that are wholly there.
    pub count: u32,
    /// Records that the header promises and the file does not hold.
    pub missing: u32,
    /// Records behind those that the header counts.
    pub uncounted: u32,
    pub stamp: Stamp,
    file: File,
}

/// What tells cheaply that a file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::files) struct Stamp {
    pub size: u64,
    pub modified: Option<SystemTime>,
    pub head: [u8; HEAD],
}

impl TableFile {
    /// Opens a table of the folder by its name, case and ending aside.
    pub fn open(folder: &Path, name: &str) -> Result<Self, Trouble> {
        let path = find(folder, name, "dbf")?;
        let name: Arc<str> = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into();
        // Shared with whoever else reads and writes, which is how Rust opens files on every system.
        let mut file = File::open(&path).map_err(|error| Trouble::of(&name, error))?;
        let (stamp, layout) = read_header(&mut file, &name)?;
        let by_size = stamp.size.saturating_sub(layout.start) / layout.record as u64;
        let by_size = u32::try_from(by_size).unwrap_or(u32::MAX);
        let promised = header::count(&stamp.head);
        Ok(Self {
            name,
            count: promised.min(by_size),
            missing: promised.saturating_sub(by_size),
            uncounted: by_size.saturating_sub(promised),
            layout: Arc::new(layout),
            stamp,
            file,
        })
    }

    /// Records from a number on, as many as were asked for or as there are.
    pub fn read(&mut self, from: u32, records: u32, into: &mut Vec<u8>) -> Result<u32, Trouble> {
        self.glance(from, records, into)
            .map_err(|error| Trouble::of(&self.name, error))
    }

    /// Reads until the file did not change meanwhile, or two looks agree, so that no record is seen half written.
    fn glance(&mut self, from: u32, records: u32, into: &mut Vec<u8>) -> io::Result<u32> {
        let mut before = self.file.metadata()?.modified().ok();
        let mut last = Vec::new();
        for glance in 0..GLANCES {
            self.read_once(from, records, into)?;
            let after = self.file.metadata()?.modified().ok();
            if after == before || (glance > 0 && last == *into) {
                break;
            }
            before = after;
            last.clone_from(into);
        }
        let whole = into.len() / self.layout.record;
        into.truncate(whole * self.layout.record);
        Ok(u32::try_from(whole).unwrap_or(u32::MAX))
    }

    fn read_once(&mut self, from: u32, records: u32, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        let records = records.min(self.count.saturating_sub(from));
        let record = self.layout.record as u64;
        self.file.seek(SeekFrom::Start(
            self.layout.start + u64::from(from) * record,
        ))?;
        (&mut self.file)
            .take(u64::from(records) * record)
            .read_to_end(into)?;
        Ok(())
    }

    /// Records in one read of a comfortable size.
    pub fn piece(&self) -> u32 {
        u32::try_from(64 * 1024 / self.layout.record)
            .unwrap_or(1)
            .max(1)
    }
}

fn read_header(file: &mut File, name: &str) -> Result<(Stamp, Layout), Trouble> {
    let bad = |bad| match bad {
        BadHeader::Damaged(reason) => Trouble::Damaged {
            table: name.to_owned(),
            reason,
        },
        BadHeader::Unsupported(reason) => Trouble::Unsupported {
            table: name.to_owned(),
            reason,
        },
    };
    let read = |file: &mut File| -> io::Result<(Vec<u8>, fs::Metadata)> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(u64::from(u16::MAX)).read_to_end(&mut bytes)?;
        Ok((bytes, file.metadata()?))
    };
    let (bytes, metadata) = read(file).map_err(|error| Trouble::of(name, error))?;
    let layout = Layout::read(&bytes).map_err(bad)?;
    let mut head = [0; HEAD];
    head.copy_from_slice(&bytes[..HEAD]);
    let stamp = Stamp {
        size: metadata.len(),
        modified: metadata.modified().ok(),
        head,
    };
    Ok((stamp, layout))
}

/// A file of the folder by its name. DOS and Windows do not tell upper case from lower.
pub(super) fn find(folder: &Path, name: &str, ending: &str) -> Result<PathBuf, Trouble> {
    let stem = name
        .get(..name.len().saturating_sub(ending.len() + 1))
        .filter(|stem| name[stem.len()..].eq_ignore_ascii_case(&format!(".{ending}")))
        .unwrap_or(name);
    let wanted = format!("{stem}.{ending}");
    if stem.is_empty() || stem.contains(['/', '\\', ':']) {
        return Err(Trouble::Mapping(format!(
            "The table's name {name:?} is no name of a file: write it without its folder, as in MGW10005."
        )));
    }
    let exact = folder.join(&wanted);
    if exact.is_file() {
        return Ok(exact);
    }
    let entries = fs::read_dir(folder).map_err(|error| Trouble::of(&wanted, error))?;
    entries
        .flatten()
        .find(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .eq_ignore_ascii_case(&wanted)
        })
        .map(|entry| entry.path())
        .ok_or(Trouble::Missing(wanted))
}

/// The tables of a folder, by name.
pub(in crate::files) fn list(folder: &Path, limit: usize) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.to_lowercase().ends_with(".dbf"))
        .collect();
    names.sort();
    names.truncate(limit);
    names
}
