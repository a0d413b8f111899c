//! `carry`: for a store without a line. Writes what waits onto a stick, and takes the receipt that comes back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use fluxion_model::carry::RECEIPT_EXTENSION;

use super::doctor::of_this_computer;
use super::lang::say;
use super::look::size;
use super::{CarryCommand, Lang, Place};
use crate::carry::{ExportError, Exported, export, letter_box, verify};
use crate::folder::{DataFolder, Readers, write_whole};
use crate::spool::{Peek, ReceiptEffect, SpoolError, Store};

/// How long the agent that works has for taking a receipt.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn carry(place: &Place, command: &CarryCommand) -> anyhow::Result<ExitCode> {
    match command {
        CarryCommand::Export { to, lang } => {
            leave(place, to, lang.unwrap_or_else(of_this_computer))
        }
        CarryCommand::Import { receipt, lang } => {
            come_back(place, receipt, lang.unwrap_or_else(of_this_computer))
        }
    }
}

fn leave(place: &Place, to: &Path, lang: Lang) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    let folder = DataFolder::open(&loaded.data_dir)?;
    let Some(identity) = folder.identity()? else {
        bail!("{}", say(lang, NOT_ENROLLED_ES, NOT_ENROLLED_EN));
    };
    match export(&loaded, &folder, &identity, to) {
        Ok(Some(exported)) => tell(&exported, &identity.store_name, lang),
        Ok(None) => println!(
            "{}",
            say(
                lang,
                "No hay nada por llevar: la nube ya tiene todo lo que se leyó.",
                "There is nothing to carry: the cloud has everything that was read."
            )
        ),
        Err(error) => bail!("{}", advice(&error, lang)),
    }
    Ok(ExitCode::SUCCESS)
}

const NOT_ENROLLED_ES: &str = "este agente todavía no está inscrito, y eso necesita internet una vez: el de un teléfono basta.\n\
     Ejecute `fluxion-agent enroll --server URL --code CODE` con un código del panel";
const NOT_ENROLLED_EN: &str = "this agent is not enrolled yet, which needs the internet once: that of a phone will do.\n\
     Run `fluxion-agent enroll --server URL --code CODE` with a code from the dashboard";

fn tell(exported: &Exported, store: &str, lang: Lang) {
    let file = exported.file.display();
    let (deliveries, lines) = (exported.deliveries, exported.lines);
    let size = size(exported.bytes);
    let oldest = exported.oldest.map_or_else(String::new, |at| {
        let at = at.with_timezone(&chrono::Local);
        at.format("%Y-%m-%d %H:%M").to_string()
    });
    match lang {
        Lang::Es => println!(
            "Listo: {file}\n{deliveries} entregas con {lines} líneas, {size}; la más antigua es del {oldest}.\n\
             Está cifrado: quien encuentre la memoria no puede leerlo ni cambiarlo.\n\n\
             Ahora:\n\
             1. Expulse la memoria antes de sacarla, y llévela a una computadora con internet.\n\
             2. En el panel: Tiendas, {store}, el menú junto a Sincronizar ahora, Importar desde memoria USB; elija este archivo.\n\
             3. Guarde el comprobante en la memoria y tráigalo: fluxion-agent carry import ARCHIVO.{RECEIPT_EXTENSION}\n\
             Sin comprobante no se pierde nada: el próximo archivo lleva todo otra vez."
        ),
        Lang::En => println!(
            "Done: {file}\n{deliveries} deliveries with {lines} lines, {size}; the oldest is from {oldest}.\n\
             It is encrypted: whoever finds the stick can neither read nor change it.\n\n\
             Now:\n\
             1. Eject the stick before you pull it out, and carry it to a computer with internet.\n\
             2. In the dashboard: Stores, {store}, the menu beside Sync now, Import from USB stick; choose this file.\n\
             3. Save the receipt on the stick and bring it back: fluxion-agent carry import FILE.{RECEIPT_EXTENSION}\n\
             Without a receipt nothing is lost: the next file holds all of it once more."
        ),
    }
}

/// What to do about it, in words for the store.
fn advice(error: &ExportError, lang: Lang) -> String {
    let ExportError::Stick { path, source } = error else {
        return match error {
            ExportError::Spool(SpoolError::NewLife) => say(
                lang,
                "el agente empezó de nuevo mientras se escribía el archivo; repita el comando",
                "the agent began anew while the file was written; run the command again",
            )
            .to_owned(),
            other => crate::chain(other),
        };
    };
    let what = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => say(
            lang,
            "no hay espacio; borre algo de la memoria o use una más grande",
            "there is no room; delete something from the stick, or use a larger one",
        ),
        ErrorKind::FileTooLarge => say(
            lang,
            "el archivo es demasiado grande para esta memoria; formatéela con exFAT",
            "the file is too large for this stick; format it with exFAT",
        ),
        ErrorKind::ReadOnlyFilesystem => say(
            lang,
            "la memoria está protegida contra escritura; quite el seguro o use otra",
            "the stick is write-protected; release its switch, or use another one",
        ),
        ErrorKind::PermissionDenied => say(
            lang,
            "no se permite escribir ahí; quite el seguro de la memoria, o ejecute esto como administrador",
            "writing there is not allowed; release the stick's switch, or run this as administrator",
        ),
        ErrorKind::NotFound | ErrorKind::NotADirectory => say(
            lang,
            "no existe esa carpeta; vea si la memoria está puesta y con qué letra",
            "there is no such folder; see whether the stick is in, and by which letter",
        ),
        _ => say(
            lang,
            "la memoria no responde; vea si se sacó antes de tiempo, y repita el comando",
            "the stick does not respond; see whether it was pulled out too early, and run the command again",
        ),
    };
    let cannot = say(lang, "no se pudo escribir", "cannot write");
    let nothing = say(
        lang,
        "No se perdió nada: todo sigue en espera.",
        "Nothing is lost: everything goes on waiting.",
    );
    format!("{cannot} {path}: {what} ({source})\n{nothing}")
}

fn come_back(place: &Place, path: &Path, lang: Lang) -> anyhow::Result<ExitCode> {
    let folder = place.folder()?;
    let mut all_well = true;
    for path in receipts(path, lang)? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        println!("{}", path.display());
        all_well &= take(&folder, &text, lang)
            .with_context(|| format!("{} is not used", path.display()))?;
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The file, or all receipts of a folder, by name.
fn receipts(path: &Path, lang: Lang) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries =
        std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == RECEIPT_EXTENSION))
        .collect();
    found.sort();
    if found.is_empty() {
        let none = say(
            lang,
            "no hay ningún comprobante en",
            "there is no receipt in",
        );
        bail!("{none} {}", path.display());
    }
    Ok(found)
}

/// Hands a receipt to the agent that works, or to the spool itself when none does.
fn take(folder: &DataFolder, text: &str, lang: Lang) -> anyhow::Result<bool> {
    let receipt = verify(folder, text)?;
    if let Some(lock) = folder.try_lock()? {
        let (mut store, _) = Store::open(folder.path())?;
        let effect = store.take_receipt(&receipt)?;
        store.close();
        drop(lock);
        println!("{}", outcome(effect, lang));
        return Ok(true);
    }
    let path = letter_box(folder);
    write_whole(&path, text.as_bytes(), Readers::Folder)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let begun = std::time::Instant::now();
    while path.exists() {
        if begun.elapsed() > TAKEN_WITHIN {
            eprintln!(
                "{}",
                say(
                    lang,
                    "El agente no lo ha tomado todavía; lo hará en cuanto pueda.",
                    "The agent has not taken it yet; it will as soon as it can."
                )
            );
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let waiting = match Peek::open(folder.path())? {
        Some(peek) => peek.waiting()?.0,
        None => 0,
    };
    match lang {
        Lang::Es => println!("El agente tomó el comprobante. Entregas en espera: {waiting}."),
        Lang::En => println!("The agent took the receipt. Deliveries that wait: {waiting}."),
    }
    Ok(true)
}

fn outcome(effect: ReceiptEffect, lang: Lang) -> String {
    match (effect, lang) {
        (ReceiptEffect::Forgotten(deliveries), Lang::Es) => {
            format!("{deliveries} entregas ya están en la nube y se olvidaron aquí.")
        }
        (ReceiptEffect::Forgotten(deliveries), Lang::En) => {
            format!("{deliveries} deliveries are in the cloud and were forgotten here.")
        }
        (ReceiptEffect::OtherLife, Lang::Es) => {
            "El comprobante es de antes de que el agente empezara de nuevo; no cambia nada.".to_owned()
        }
        (ReceiptEffect::OtherLife, Lang::En) => {
            "The receipt is from before the agent began anew; it changes nothing.".to_owned()
        }
        (ReceiptEffect::NewLife, Lang::Es) => {
            "La nube perdió entregas que ya tenía. El agente lee y envía todo otra vez; exporte de nuevo después de eso."
                .to_owned()
        }
        (ReceiptEffect::NewLife, Lang::En) => {
            "The cloud has lost deliveries that it had. The agent reads and sends everything again; export again after that."
                .to_owned()
        }
    }
}
