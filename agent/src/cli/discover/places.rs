//! What can be seen without asking a server: data sources of ODBC, and folders that hold tables, exports or databases.

use std::path::{Path, PathBuf};

use fluxion_connectors::registry::{self, DataSourceOwner};
use fluxion_connectors::{ConnectorKind, SourceError};
use serde_json::json;

use super::super::Lang;
use super::super::lang::say;
use super::{Discover, Source};

/// Companies below one folder that are looked at.
const FOLDERS: usize = 64;

/// How far below a folder its Firebird databases may stand: `SAE9.00/Empresa01/Datos` is three.
const DEPTH: usize = 4;

/// Folders that are looked at for Firebird databases, in all.
const VISITS: usize = 1_000;

/// Where AdminPAQ keeps its companies.
const COMPANIES: &str = r"C:\Compacw\Empresas";

/// Where Aspel and Eleventa keep their databases.
const FIREBIRD: [&str; 4] = [
    r"C:\Program Files (x86)\Common Files\Aspel\Sistemas Aspel",
    r"C:\Program Files\Common Files\Aspel\Sistemas Aspel",
    r"C:\Program Files (x86)\AbarrotesPDV\db",
    r"C:\Program Files\AbarrotesPDV\db",
];

/// The data sources of this computer. Nobody logs in.
pub(super) fn show_data_sources(lang: Lang) {
    let sources = match registry::data_sources() {
        Ok(sources) => sources,
        Err(error) => return trouble(&error),
    };
    for source in &sources {
        let owner = match source.owner {
            DataSourceOwner::System => say(lang, "del sistema", "of the system"),
            DataSourceOwner::User => say(
                lang,
                "de este usuario; el servicio necesita uno del sistema",
                "of this user; the service needs one of the system",
            ),
        };
        println!(
            "[ OK ] ODBC {}: {} ({owner})",
            clean(&source.name),
            clean(&source.driver)
        );
    }
    if !sources.is_empty() {
        let next = say(
            lang,
            "Para reconocer el POS de un origen ODBC: --dsn NOMBRE, con --user si pide una cuenta.",
            "To recognise the POS of an ODBC data source: --dsn NAME, with --user where it asks for an account.",
        );
        println!("{next}");
    }
}

fn trouble(error: &SourceError) {
    println!("[ !! ] ODBC: {}", crate::chain(error));
}

/// The folders that were named, those in them, and where AdminPAQ keeps its companies.
pub(super) fn folders(wish: &Discover, lang: Lang) -> Vec<Source> {
    let mut roots = wish.folder.clone();
    let mut databases = wish.folder.clone();
    if cfg!(windows) {
        roots.push(PathBuf::from(COMPANIES));
        databases.extend(FIREBIRD.map(PathBuf::from));
    }
    show_databases(&databases, lang);
    let mut all = Vec::new();
    for root in roots {
        let Ok(entries) = std::fs::read_dir(&root) else {
            if wish.folder.contains(&root) {
                let what = say(lang, "no se puede leer", "cannot be read");
                println!("[ !! ] {}: {what}", root.display());
            }
            continue;
        };
        let below = entries.flatten().map(|entry| entry.path());
        let mut below: Vec<_> = below.filter(|path| path.is_dir()).take(FOLDERS).collect();
        below.sort();
        all.push(root);
        all.extend(below);
    }
    let sources = all.into_iter().filter_map(|folder| {
        let connection = json!({ "folder": folder });
        Some(Source {
            kind: ConnectorKind::Files,
            title: folder.display().to_string(),
            connector: registry::build(ConnectorKind::Files, &connection).ok()?,
            connection,
            password: None,
        })
    });
    sources.collect()
}

/// A file of a Firebird database is never opened: its server is asked for it.
fn show_databases(roots: &[PathBuf], lang: Lang) {
    let mut found = Vec::new();
    let mut visits = VISITS;
    for root in roots {
        find_databases(root, DEPTH, &mut visits, &mut found);
    }
    found.sort();
    for path in found {
        let next = say(lang, "para mirarla", "to look into it");
        println!(
            "[ OK ] {}: Firebird; {next}: --connector firebird --user SYSDBA --database \"{0}\"",
            clean(&path.display().to_string())
        );
    }
}

fn find_databases(folder: &Path, depth: usize, visits: &mut usize, found: &mut Vec<PathBuf>) {
    let Some(left) = visits.checked_sub(1) else {
        return;
    };
    *visits = left;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // What a link leads to stands elsewhere, and may lead back.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            find_databases(&path, depth - 1, visits, found);
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("fdb"))
        {
            found.push(path);
        }
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
