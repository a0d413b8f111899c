//! Mappings that ship with the product, one for each known POS.

use crate::document::Mapping;

/// Name and text of each pack.
const PACKS: &[(&str, &str)] = &[
    (
        "fluxion-export",
        include_str!("../packs/fluxion-export.toml"),
    ),
    (
        "systimax-mysql",
        include_str!("../packs/systimax-mysql.toml"),
    ),
];

/// The names of all packs.
#[must_use]
pub fn names() -> Vec<&'static str> {
    PACKS.iter().map(|(name, _)| *name).collect()
}

/// A pack by its name.
#[must_use]
pub fn find(name: &str) -> Option<Mapping> {
    // A test reads every pack, so one that is there can be read.
    Mapping::from_toml(text(name)?).ok()
}

/// The text of a pack, to start one's own mapping from.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PACKS
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, text)| *text)
}
