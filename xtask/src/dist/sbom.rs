//! A software bill of materials in CycloneDX 1.5: what is linked into a program, and nothing that only helped to build it.
//!
//! Cargo says which crates those are for a target. `Cargo.lock` knows their hashes, and the dashboard's lock file knows
//! what the service carries for browsers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{output, source_date};
use crate::build::cargo;

/// A crate, by name and version.
type Crate = (String, String);

/// A crate that is linked in.
struct Linked {
    licence: String,
    /// Whether it comes from this workspace.
    ours: bool,
    needs: BTreeSet<Crate>,
}

/// Writes the bill of one program, built for one target and released under this version.
pub fn write(program: &str, version: &str, target: &str, to: &Path) -> Result<()> {
    let tree = output(&mut cargo(&[
        "tree",
        "--locked",
        "--package",
        program,
        "--target",
        target,
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--format",
        "|{p}|{l}",
    ]))?;
    let linked = read_tree(&tree)?;
    let lock = fs::read_to_string("Cargo.lock").context("could not read Cargo.lock")?;
    let mut bill = bill(program, version, &linked, &hashes(&lock));
    if program == "fluxion-ingest" {
        let lock = fs::read_to_string("dashboard/package-lock.json")
            .context("could not read the dashboard's lock file")?;
        let shipped = browser_packages(&serde_json::from_str(&lock)?);
        if let Some(components) = bill["components"].as_array_mut() {
            components.extend(shipped);
        }
    }
    let text = serde_json::to_string_pretty(&bill)? + "\n";
    fs::write(to, text).with_context(|| format!("could not write {}", to.display()))
}

/// Reads lines like `2|rand_core v0.10.1|MIT OR Apache-2.0`: the number is how deep a crate stands below the one above it.
/// A crate that came before stands there again, marked, without what it needs.
fn read_tree(tree: &str) -> Result<BTreeMap<Crate, Linked>> {
    let mut linked: BTreeMap<Crate, Linked> = BTreeMap::new();
    let mut above: Vec<Crate> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let read = || {
            let (depth, rest) = line.split_once('|')?;
            let (package, licence) = rest.split_once('|')?;
            let mut words = package.split(' ');
            let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
            let ours = words.next().is_some_and(|word| word.starts_with("(/"));
            let licence = licence.trim_end_matches(" (*)");
            Some((depth.parse().ok()?, name, version, ours, licence))
        };
        let (depth, name, version, ours, licence): (usize, _, _, _, _) =
            read().with_context(|| format!("cargo tree says what is not understood: {line:?}"))?;
        let this: Crate = (name.to_owned(), version.to_owned());
        above.truncate(depth);
        if let Some(parent) = above.last().and_then(|parent| linked.get_mut(parent)) {
            parent.needs.insert(this.clone());
        }
        linked.entry(this.clone()).or_insert_with(|| Linked {
            licence: licence.to_owned(),
            ours,
            needs: BTreeSet::new(),
        });
        above.push(this);
    }
    Ok(linked)
}

/// The SHA-256 of each crate's archive, from the text of `Cargo.lock`.
fn hashes(lock: &str) -> BTreeMap<Crate, String> {
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches(['=', ' ', '"']).to_owned())
    };
    let packages = lock.split("[[package]]\n").skip(1);
    packages
        .filter_map(|package| {
            let this = (field(package, "name ")?, field(package, "version ")?);
            Some((this, field(package, "checksum ")?))
        })
        .collect()
}

fn bill(
    program: &str,
    version: &str,
    linked: &BTreeMap<Crate, Linked>,
    hashes: &BTreeMap<Crate, String>,
) -> Value {
    let purl = |(name, version): &Crate| format!("pkg:cargo/{name}@{version}");
    let component = |this: &Crate, linked: &Linked, kind: &str| {
        let mut component = json!({
            "type": kind, "bom-ref": purl(this), "name": this.0, "version": this.1, "purl": purl(this), "scope": "required",
        });
        if !linked.licence.is_empty() {
            // Older crates write `MIT/Apache-2.0`, which is no expression.
            component["licenses"] = json!([{ "expression": linked.licence.replace('/', " OR ") }]);
        }
        if let Some(hash) = hashes.get(this) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
        }
        if linked.ours {
            component["publisher"] = json!("Fluxion Sync");
        }
        component
    };
    let whole = linked.iter().find(|((name, _), _)| name == program);
    let parts = linked.iter().filter(|((name, _), _)| name != program);
    let mut metadata = json!({
        "tools": { "components": [{ "type": "application", "name": "cargo xtask dist", "version": super::own_version() }] },
        "component": whole.map(|(this, linked)| component(this, linked, "application")),
    });
    // Cargo knows the version of the source, and `bom-ref` and the dependencies go by that.
    metadata["component"]["version"] = json!(version);
    let seconds = source_date().and_then(|text| text.parse::<i64>().ok());
    if let Some(at) = seconds.and_then(rfc3339) {
        metadata["timestamp"] = json!(at);
    }
    let needs = |(this, linked): (&Crate, &Linked)| json!({ "ref": purl(this), "dependsOn": linked.needs.iter().map(purl).collect::<Vec<_>>() });
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": metadata,
        "components": parts.map(|(this, linked)| component(this, linked, "library")).collect::<Vec<_>>(),
        "dependencies": linked.iter().map(needs).collect::<Vec<_>>(),
    })
}

/// What the dashboard brings to browsers: the packages of its lock file that do not only help to build it.
fn browser_packages(lock: &Value) -> Vec<Value> {
    let packages = lock["packages"].as_object().into_iter().flatten();
    let mut components: Vec<Value> = packages
        .filter(|(path, package)| path.contains("node_modules/") && package["dev"] != json!(true))
        .filter_map(|(path, package)| {
            let name = path.rsplit("node_modules/").next()?;
            let version = package["version"].as_str()?;
            let purl = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
            let mut component = json!({
                "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "scope": "required",
            });
            if let Some(licence) = package["license"].as_str() {
                component["licenses"] = json!([{ "expression": licence }]);
            }
            Some(component)
        })
        .collect();
    components.sort_by_key(|component| component["purl"].to_string());
    components
}

/// A moment in seconds since 1970 as text, in UTC (a year is counted from March on, so that the leap day is its last).
fn rfc3339(seconds: i64) -> Option<String> {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days.checked_add(719_468)?;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    Some(format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0|fluxion-agent v0.1.0 (/somewhere/agent)|Apache-2.0
1|anyhow v1.0.104|MIT OR Apache-2.0
1|fluxion-model v0.1.0 (/somewhere/model)|Apache-2.0
2|anyhow v1.0.104|MIT OR Apache-2.0 (*)
2|uuid v1.29.0|Apache-2.0/MIT
";
    const LOCK: &str = "\
version = 4

[[package]]
name = \"anyhow\"
version = \"1.0.104\"
source = \"registry+https://github.com/rust-lang/crates.io-index\"
checksum = \"abc123\"

[[package]]
name = \"fluxion-agent\"
version = \"0.1.0\"
dependencies = [
 \"anyhow\",
]
";

    #[test]
    fn a_bill_names_each_crate_once_with_licence_hash_and_what_it_needs() {
        let bill = bill(
            "fluxion-agent",
            "1.4.0",
            &read_tree(TREE).unwrap(),
            &hashes(LOCK),
        );
        assert_eq!(bill["metadata"]["component"]["name"], "fluxion-agent");
        assert_eq!(bill["metadata"]["component"]["version"], "1.4.0");
        let components = bill["components"].as_array().unwrap();
        let names: Vec<_> = components.iter().map(|part| &part["name"]).collect();
        assert_eq!(names, ["anyhow", "fluxion-model", "uuid"]);
        assert_eq!(components[0]["purl"], "pkg:cargo/anyhow@1.0.104");
        assert_eq!(components[0]["hashes"][0]["content"], "abc123");
        assert_eq!(
            components[2]["licenses"][0]["expression"],
            "Apache-2.0 OR MIT"
        );
        let model = &bill["dependencies"][2];
        assert_eq!(model["ref"], "pkg:cargo/fluxion-model@0.1.0");
        assert_eq!(
            model["dependsOn"],
            json!(["pkg:cargo/anyhow@1.0.104", "pkg:cargo/uuid@1.29.0"])
        );
    }

    #[test]
    fn a_moment_is_written_as_people_and_tools_read_it() {
        assert_eq!(rfc3339(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_164_799).unwrap(), "2024-02-28T23:59:59Z");
        assert_eq!(rfc3339(1_795_258_896).unwrap(), "2026-11-21T11:01:36Z");
    }

    #[test]
    fn what_only_helps_to_build_the_dashboard_is_left_out() {
        let lock = json!({ "packages": {
            "": { "name": "fluxion-dashboard" },
            "node_modules/react": { "version": "19.3.1", "license": "MIT" },
            "node_modules/@mantine/core": { "version": "9.7.3", "license": "MIT" },
            "node_modules/vite": { "version": "8.3.8", "license": "MIT", "dev": true },
        }});
        let names: Vec<_> = browser_packages(&lock)
            .into_iter()
            .map(|part| part["purl"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["pkg:npm/%40mantine/core@9.7.3", "pkg:npm/react@19.3.1"]
        );
    }
}
