//! House rules that a machine can check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// Every file that git tracks, or would once it is added.
fn files() -> Vec<PathBuf> {
    let listing = [
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ];
    let output = Command::new("git")
        // A checkout may belong to another account than the one that tests it.
        .args(["-c", "safe.directory=*"])
        .args(listing)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|name| root().join(name).is_file())
        .collect()
}

fn with_ending(endings: &[&str]) -> impl Iterator<Item = PathBuf> {
    let endings: Vec<String> = endings.iter().map(ToString::to_string).collect();
    files().into_iter().filter(move |file| {
        file.extension()
            .is_some_and(|ending| endings.iter().any(|known| ending.to_str() == Some(known)))
    })
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn migrations_are_paired_by_number_and_name() {
    let (sqlite, postgres) = (
        names_in("migrations/sqlite"),
        names_in("migrations/postgres"),
    );
    assert_eq!(sqlite, postgres);
    assert!(!sqlite.is_empty());
    for (place, name) in (1..).zip(&sqlite) {
        assert!(
            name.starts_with(&format!("{place:04}_")) && name.ends_with(".sql"),
            "{name} should be number {place:04}"
        );
    }
}

#[test]
fn no_file_is_named_for_what_does_not_fit_elsewhere() {
    let forbidden = ["utils", "util", "common", "helpers", "helper", "misc"];
    let found: Vec<_> = files()
        .into_iter()
        .filter(|file| {
            file.file_stem()
                .is_some_and(|stem| forbidden.contains(&stem.to_str().unwrap_or_default()))
        })
        .collect();
    assert!(found.is_empty(), "name these for what they hold: {found:?}");
}

#[test]
fn every_pack_has_a_fixture() {
    let fixtures = names_in("mappings/fixtures");
    for pack in names_in("mappings/packs") {
        let name = pack.trim_end_matches(".toml");
        assert!(
            fixtures.iter().any(|fixture| fixture.starts_with(name)),
            "mappings/fixtures has nothing for {pack}"
        );
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not name them either.
    let places = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/home", "/"].concat(),
    ];
    let mut found = Vec::new();
    for file in files() {
        let Ok(text) = fs::read_to_string(root().join(&file)) else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            if places.iter().any(|place| line.contains(place.as_str())) {
                found.push(format!("{}:{number}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn lock_files_name_only_the_public_registries() {
    let allowed = [
        "https://registry.npmjs.org/",
        "registry+https://github.com/rust-lang/crates.io-index",
    ];
    for (file, key) in [
        ("dashboard/package-lock.json", "\"resolved\""),
        ("Cargo.lock", "source ="),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let odd = text
            .lines()
            .find(|line| line.contains(key) && !allowed.iter().any(|place| line.contains(place)));
        assert_eq!(odd, None, "{file}");
    }
}

#[test]
fn source_files_fit_a_reader() {
    let long: Vec<_> = with_ending(&["rs", "ts", "tsx"])
        // Written by a program.
        .filter(|file| !file.ends_with("dashboard/src/api/schema.d.ts"))
        .filter_map(|file| {
            let lines = fs::read_to_string(root().join(&file))
                .unwrap()
                .lines()
                .count();
            (lines > 700).then(|| format!("{} has {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "look for the seam: {long:?}");
}

#[test]
fn modules_say_what_they_are_for() {
    let silent: Vec<_> = with_ending(&["rs"])
        .filter(|file| file.components().any(|part| part.as_os_str() == "src"))
        .filter(|file| {
            !fs::read_to_string(root().join(file))
                .unwrap()
                .trim_start()
                .starts_with("//!")
        })
        .collect();
    assert!(silent.is_empty(), "begin these with a //! line: {silent:?}");
}

#[test]
fn scripts_in_ci_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(root().join(Path::new(".ci/run")))
        .unwrap()
        .permissions()
        .mode();
    assert_ne!(mode & 0o111, 0);
}
