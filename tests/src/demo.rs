//! The demo: a cloud, five stores with a POS each, and, with `--check`, the proof that they agree.

pub mod api;
pub mod browser;
pub mod chain;
pub mod check;
pub mod folder;
pub mod kill;
pub mod life;
pub mod narrate;
pub mod quiet;
pub mod run;
pub mod table;

pub use run::{Options, run};
