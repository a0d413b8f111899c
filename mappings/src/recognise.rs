//! Telling a POS by its tables.
//!
//! A pack's own streams say what it needs; `[recognise]` adds what they cannot. Nothing here opens a database: the
//! caller brings the names.

use std::collections::{BTreeMap, BTreeSet};

use fluxion_model::id::StreamName;
use fluxion_model::pattern::Pattern;

use crate::document::{Mapping, RecognisedTable, SettingKind, Stream};
use crate::packs;
use crate::tables::of_stream;

/// A pack that fits a database, or nearly does.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The pack's name.
    pub pack: &'static str,
    /// The connector that reads it. Packs for the same tables on different databases differ in nothing else.
    pub connector: String,
    /// From 0 to 100: how much of what its essential streams need is there.
    pub score: u8,
    /// What its essential streams lack; the pack fits when nothing is.
    pub missing: Vec<Missing>,
    /// The streams that can be read here.
    pub streams: Vec<StreamName>,
    /// The other streams that cannot, with what they lack.
    pub left_out: Vec<(StreamName, Vec<Missing>)>,
    /// Settings that follow from the names of tables, best first: the company's number, the other database's name.
    pub settings: BTreeMap<String, Vec<String>>,
    /// How many columns were found. Of two packs that fit, the one that knows more is the better.
    pub found: usize,
}

impl Match {
    /// Whether it can be used as it is.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.missing.is_empty()
    }
}

/// A table that is not there, or some of its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The table, as the pack writes it.
    pub table: String,
    /// Its columns that are not there; all of it is missing when empty.
    pub columns: Vec<String>,
}

/// What a mapping needs, as lines for people: `items: item_code, item_name`.
#[must_use]
pub fn needs(mapping: &Mapping) -> Vec<String> {
    let mut tables: Vec<RecognisedTable> = Vec::new();
    let also = mapping.recognise.iter().flat_map(|own| own.also.clone());
    for table in mapping.streams.iter().flat_map(of_stream).chain(also) {
        let known = tables
            .iter_mut()
            .find(|known| known.table.eq_ignore_ascii_case(&table.table));
        match known {
            None => tables.push(table),
            Some(known) => {
                let is_new = |column: &String| {
                    !known
                        .columns
                        .iter()
                        .any(|own| own.eq_ignore_ascii_case(column))
                };
                let new: Vec<String> = table.columns.into_iter().filter(is_new).collect();
                known.columns.extend(new);
            }
        }
    }
    let derived = tables
        .into_iter()
        .map(|table| format!("{}: {}", table.table, table.columns.join(", ")));
    let mut lines: Vec<String> = if mapping.needs.is_empty() {
        derived.collect()
    } else {
        Vec::new()
    };
    lines.extend(mapping.needs.iter().cloned());
    lines
}

/// Every pack of which at least half is there, best first. Tables come with their columns; those of another database on
/// the same server as `OTHER.dbo.TABLE`.
#[must_use]
pub fn recognise(tables: &[(String, Vec<String>)]) -> Vec<Match> {
    let place = Place::new(tables);
    let mut matches: Vec<Match> = packs::names()
        .into_iter()
        .filter_map(|name| Some((name, packs::find(name)?)))
        .filter_map(|(name, pack)| place.look_at(name, &pack))
        .filter(|found| found.score >= 50)
        .collect();
    matches.sort_by(|a, b| {
        (b.fits(), b.score, b.found)
            .cmp(&(a.fits(), a.score, a.found))
            .then_with(|| a.pack.cmp(b.pack))
    });
    matches
}

/// The tables that are there, in lower case.
struct Place(Vec<(Vec<String>, BTreeSet<String>)>);

impl Place {
    fn new(tables: &[(String, Vec<String>)]) -> Self {
        let lower = |text: &str| text.to_lowercase().replace(['`', '"', '[', ']'], "");
        let tables = tables.iter().map(|(name, columns)| {
            let parts = lower(name).split('.').map(str::to_owned).collect();
            (parts, columns.iter().map(|column| lower(column)).collect())
        });
        Self(tables.collect())
    }

    fn look_at(&self, name: &'static str, pack: &Mapping) -> Option<Match> {
        let settings = self.settings(pack);
        let chosen: BTreeMap<&str, String> = pack
            .settings
            .iter()
            .filter(|(_, setting)| setting.kind == SettingKind::Name)
            .filter_map(|(name, setting)| {
                let value = settings
                    .get(name)
                    .and_then(|values| values.first())
                    .cloned();
                let default = setting.default.as_ref().map(ToString::to_string);
                Some((name.as_str(), value.or(default)?))
            })
            .collect();
        let recognise = pack.recognise.clone().unwrap_or_default();
        if recognise
            .absent
            .iter()
            .any(|table| self.table(table, &chosen).is_some())
        {
            return None;
        }
        let is_essential = |stream: &Stream| {
            recognise.essential.is_empty() || recognise.essential.contains(&stream.name)
        };
        let mut count = Count::default();
        let mut found = Match {
            pack: name,
            connector: pack.connector.clone(),
            score: 0,
            missing: Vec::new(),
            streams: Vec::new(),
            left_out: Vec::new(),
            settings,
            found: 0,
        };
        for table in &recognise.also {
            found.missing.extend(self.lacks(table, &chosen, &mut count));
        }
        for stream in &pack.streams {
            let mut own = Count::default();
            let needed = of_stream(stream);
            if needed.is_empty() {
                continue;
            }
            let lacks: Vec<Missing> = needed
                .iter()
                .filter_map(|table| self.lacks(table, &chosen, &mut own))
                .collect();
            found.found += own.found;
            match (lacks.is_empty(), is_essential(stream)) {
                (true, _) => found.streams.push(stream.name.clone()),
                (false, true) => found.missing.extend(lacks),
                (false, false) => found.left_out.push((stream.name.clone(), lacks)),
            }
            if is_essential(stream) {
                count.found += own.found;
                count.needed += own.needed;
            }
        }
        found.missing.sort();
        found.missing.dedup();
        found.score = count.percent(found.missing.is_empty())?;
        Some(found)
    }

    /// What is missing of one table; nothing when all of it is there.
    fn lacks(
        &self,
        table: &RecognisedTable,
        chosen: &BTreeMap<&str, String>,
        count: &mut Count,
    ) -> Option<Missing> {
        // The table itself counts as one.
        count.needed += table.columns.len() + 1;
        let Some(columns) = self.table(&table.table, chosen) else {
            return Some(Missing {
                table: pasted(&table.table, chosen),
                columns: Vec::new(),
            });
        };
        let missing: Vec<String> = table
            .columns
            .iter()
            .map(|column| pasted(column, chosen))
            .filter(|column| !columns.contains(&column.to_lowercase()))
            .collect();
        count.found += table.columns.len() + 1 - missing.len();
        (!missing.is_empty()).then(|| Missing {
            table: pasted(&table.table, chosen),
            columns: missing,
        })
    }

    fn table(&self, name: &str, chosen: &BTreeMap<&str, String>) -> Option<&BTreeSet<String>> {
        let name = pasted(name, chosen).to_lowercase();
        if name.contains(['*', '?']) {
            let pattern = Pattern::new(&name);
            let found = self
                .0
                .iter()
                .find(|(parts, _)| pattern.matches(&parts.join(".")));
            return found.map(|(_, columns)| columns);
        }
        let wanted: Vec<&str> = name.split('.').collect();
        let found = self.0.iter().find(|(parts, _)| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            same_table(&parts, &wanted)
        });
        found.map(|(_, columns)| columns)
    }

    /// For each setting that is part of a name: the values under which its tables are there, those with the most columns
    /// first.
    fn settings(&self, pack: &Mapping) -> BTreeMap<String, Vec<String>> {
        let needed: Vec<RecognisedTable> = pack.streams.iter().flat_map(of_stream).collect();
        let names = pack
            .settings
            .iter()
            .filter(|(_, setting)| setting.kind == SettingKind::Name);
        names
            .map(|(name, setting)| {
                let default = setting.default.as_ref().map(ToString::to_string);
                (name.clone(), self.values(name, default.as_deref(), &needed))
            })
            .filter(|(_, values)| !values.is_empty())
            .collect()
    }

    fn values(&self, name: &str, default: Option<&str>, needed: &[RecognisedTable]) -> Vec<String> {
        let placeholder = format!("{{{name}}}");
        let mut weights: BTreeMap<String, usize> = BTreeMap::new();
        for table in needed {
            let lower = table.table.to_lowercase();
            let Some((before, after)) = lower.split_once(&placeholder) else {
                continue;
            };
            for (parts, columns) in &self.0 {
                let whole = parts.join(".");
                let value = whole
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(after))
                    .or_else(|| parts.last()?.strip_prefix(before)?.strip_suffix(after));
                if let Some(value) = value.filter(|value| crate::names::is_name(value)) {
                    let there = table
                        .columns
                        .iter()
                        .filter(|column| columns.contains(&column.to_lowercase()));
                    *weights.entry(value.to_owned()).or_default() += there.count() + 1;
                }
            }
        }
        let best = weights.values().copied().max().unwrap_or_default();
        // Anything that has but a table or two by chance is no value.
        let mut values: Vec<(String, usize)> = weights
            .into_iter()
            .filter(|(_, weight)| *weight * 2 > best)
            .collect();
        let is_default = |value: &str| default.is_some_and(|own| own.eq_ignore_ascii_case(value));
        values.sort_by_key(|(value, weight)| {
            (usize::MAX - weight, !is_default(value), value.clone())
        });
        let as_written = |value: String| match default {
            Some(own) if own.eq_ignore_ascii_case(&value) => own.to_owned(),
            _ => value,
        };
        values
            .into_iter()
            .map(|(value, _)| as_written(value))
            .collect()
    }
}

/// A name without a schema or database means the connected one, whatever its schema is called.
fn same_table(there: &[&str], wanted: &[&str]) -> bool {
    match (there, wanted) {
        ([.., own], [name]) if there.len() <= 2 => own == name,
        ([schema, own], [wanted, name]) => own == name && schema == wanted,
        ([own], [schema, name]) => own == name && matches!(*schema, "dbo" | "public"),
        _ => there == wanted,
    }
}

fn pasted(name: &str, chosen: &BTreeMap<&str, String>) -> String {
    chosen
        .iter()
        .fold(name.to_owned(), |name, (setting, value)| {
            name.replace(&format!("{{{setting}}}"), value)
        })
}

#[derive(Debug, Default)]
struct Count {
    found: usize,
    needed: usize,
}

impl Count {
    /// 100 only when nothing is missing.
    fn percent(&self, complete: bool) -> Option<u8> {
        let percent = self.found.checked_mul(100)?.checked_div(self.needed)?;
        let most = if complete { 100 } else { 99 };
        u8::try_from(percent.min(most)).ok()
    }
}
