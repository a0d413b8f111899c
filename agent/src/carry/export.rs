//! Writing what waits into a file, sealed, one delivery at a time. The file appears whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local, Utc};
use fluxion_model::carry::{
    CarriedDelivery, CarriedPosSystem, CarryError, CarryKey, Entry, FILE_EXTENSION, Head,
    MAX_FILE_BYTES, Manifest, Sealer, file_name_part,
};
use fluxion_model::id::PosSystemId;

use crate::capture::PosSystem;
use crate::config::Loaded;
use crate::folder::{DataFolder, Identity};
use crate::spool::{Carrying, SpoolError, Waiting};

/// What was written.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Where.
    pub file: PathBuf,
    /// Deliveries in it.
    pub deliveries: u64,
    /// Their lines.
    pub lines: u64,
    /// Its size.
    pub bytes: u64,
    /// When the oldest delivery was made.
    pub oldest: Option<DateTime<Utc>>,
}

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Stick {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The spool cannot be read, or began a new life meanwhile.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Deliveries of a POS system wait that nobody knows.
    #[error(
        "deliveries of the POS system {0:?} wait, but it is not in the configuration and was never declared; put it back \
         into the configuration"
    )]
    UnknownPosSystem(String),
    /// It cannot be sealed.
    #[error(transparent)]
    Carry(#[from] CarryError),
}

/// Writes all that waits to `to`: a file, or a folder in which the file gets a name of its own. `None` when nothing waits.
///
/// # Errors
/// When the file cannot be written whole; then there is none.
pub fn export(
    loaded: &Loaded,
    folder: &DataFolder,
    identity: &Identity,
    to: &Path,
) -> Result<Option<Exported>, ExportError> {
    let Some(mut carrying) = Carrying::begin(folder.path())? else {
        return Ok(None);
    };
    let file = if to.is_dir() {
        let (store, day) = (file_name_part(&identity.store_name), Local::now());
        to.join(format!(
            "fluxion-{store}-{}.{FILE_EXTENSION}",
            day.format("%Y-%m-%d")
        ))
    } else {
        to.to_owned()
    };
    let failed = |source| ExportError::Stick {
        path: file.display().to_string(),
        source,
    };
    let beside = file.with_file_name("fluxion-export.part");
    if fs4::available_space(file.parent().unwrap_or(to)).is_ok_and(|free| free < carrying.bytes) {
        return Err(failed(std::io::ErrorKind::StorageFull.into()));
    }
    let part = File::create(&beside).map_err(failed)?;
    let mut writing = Writing {
        out: BufWriter::with_capacity(256 * 1024, part),
        bytes: 0,
        failed: &failed,
    };
    let written = write(&mut writing, loaded, identity, &mut carrying).and_then(|counts| {
        let part = writing.out.into_inner();
        part.map_err(|error| failed(error.into_error()))?
            .sync_all()
            .map_err(failed)?;
        std::fs::rename(&beside, &file).map_err(failed)?;
        sync_folder(&file);
        Ok((counts, writing.bytes))
    });
    match written {
        Ok(((deliveries, lines, oldest), bytes)) => Ok(Some(Exported {
            file,
            deliveries,
            lines,
            bytes,
            oldest,
        })),
        Err(error) => {
            // On a stick that is full or gone this may fail too; the next export begins the same file anew.
            drop(std::fs::remove_file(&beside));
            Err(error)
        }
    }
}

/// Puts bytes on the stick, and says which file failed.
struct Writing<'a, F> {
    out: BufWriter<File>,
    bytes: u64,
    failed: &'a F,
}

impl<F: Fn(std::io::Error) -> ExportError> Writing<'_, F> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_FILE_BYTES {
            return Err((self.failed)(std::io::ErrorKind::FileTooLarge.into()));
        }
        self.out.write_all(bytes).map_err(self.failed)
    }
}

type Counts = (u64, u64, Option<DateTime<Utc>>);

fn write<F: Fn(std::io::Error) -> ExportError>(
    writing: &mut Writing<'_, F>,
    loaded: &Loaded,
    identity: &Identity,
    carrying: &mut Carrying,
) -> Result<Counts, ExportError> {
    let head = Head::generate(identity.agent_id)?;
    let mut sealer = Sealer::new(&CarryKey::of_token(&identity.token), &head)?;
    writing.put(head.line().as_bytes())?;
    let manifest = Manifest {
        epoch: carrying.epoch,
        first: carrying.first,
        last: carrying.last,
        made_at: Utc::now(),
        version: crate::VERSION.to_owned(),
    };
    writing.put(&sealer.seal(&Entry::Manifest(manifest))?)?;
    for (name, id) in carrying.pos_systems()? {
        let entry = Entry::PosSystem(pos_system(loaded, name, id)?);
        writing.put(&sealer.seal(&entry)?)?;
    }
    let mut after = fluxion_model::id::BatchSeq(0);
    let (mut deliveries, mut lines, mut oldest) = (0, 0, None);
    while let Some(waiting) = carrying.next(after)? {
        after = waiting.seq;
        deliveries += 1;
        lines += u64::from(waiting.lines);
        oldest.get_or_insert(waiting.made_at);
        writing.put(&sealer.seal(&Entry::Delivery(carried(waiting)))?)?;
    }
    writing.put(&sealer.seal(&Entry::End)?)?;
    Ok((deliveries, lines, oldest))
}

/// What the cloud has to know of a POS system before its deliveries.
fn pos_system(
    loaded: &Loaded,
    name: String,
    id: Option<PosSystemId>,
) -> Result<CarriedPosSystem, ExportError> {
    let config = loaded.config.pos.iter().find(|pos| pos.name == name);
    let prepared = config.and_then(|config| PosSystem::prepare(loaded, config).ok());
    let declaration = prepared.map(|pos| pos.declaration());
    if declaration.is_none() && id.is_none() {
        return Err(ExportError::UnknownPosSystem(name));
    }
    Ok(CarriedPosSystem {
        name,
        id,
        declaration,
    })
}

fn carried(waiting: Waiting) -> CarriedDelivery {
    CarriedDelivery {
        pos: waiting.pos,
        seq: waiting.seq,
        made_at: waiting.made_at,
        stream: waiting.stream,
        job: waiting.job,
        mapping_version: waiting.mapping_version,
        lines: waiting.lines,
        body: waiting.body,
    }
}

/// So that the new name is on the stick, too, when the command says so. Windows has no such call for folders.
#[cfg(unix)]
fn sync_folder(file: &Path) {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new(".")))
        && let Err(error) = folder.sync_all()
    {
        tracing::debug!(%error, "the folder could not be flushed");
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) {}
