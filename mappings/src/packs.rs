//! Mappings that ship with the product, one for each known POS.

use crate::document::Mapping;

macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each pack.
        const PACKS: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../packs/", $name, ".toml")))),*
        ];
    };
}

packs! {
    "a2",
    "adminpaq-dbf",
    "aspel-sae",
    "aspel-sae-sqlserver",
    "blendpos",
    "contpaq-comercial",
    "eleventa",
    "fluxion-export",
    "mybusiness",
    "mybusiness-mysql",
    "nexus-pos",
    "odoo",
    "pos-service",
    "profit-plus",
    "saint",
    "stellar",
    "stellar-seed",
    "systimax-api",
    "systimax-mysql",
    "systimax-oracle",
}

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
