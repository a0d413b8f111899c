//! The language in which a command speaks to whoever stands in the store.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// Español.
    Es,
    /// English.
    En,
}

pub(super) fn say<'a>(lang: Lang, spanish: &'a str, english: &'a str) -> &'a str {
    match lang {
        Lang::Es => spanish,
        Lang::En => english,
    }
}
