//! What mappings promise, told by whole documents and rows.

mod packs;
