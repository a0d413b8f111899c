//! Rows on their way into a table by the thousand: borrowed cells in one flat vector, which each engine writes in its
//! own fastest way. Nothing here knows what the rows mean.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;

/// What a column holds, in words that both engines translate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `boolean`; 0 or 1.
    Bool,
    /// 32 bits.
    Int,
    /// 64 bits.
    Big,
    /// `numeric(20,6)`; integer millionths.
    Amount,
    /// `timestamptz`; text.
    Time,
    /// `uuid`; 16-byte blob.
    Uuid,
    /// `text`.
    Text,
    /// `jsonb`; text.
    Json,
    /// `json`, which is kept as the text it is; text.
    RawJson,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What an upsert does with it when the row is there.
    pub on_conflict: OnConflict,
}

impl Column {
    fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }
}

/// What an upsert does with a column when the row is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Part of the primary key.
    Key,
    /// Takes the new value.
    Replace,
    /// Stays as it was: `created_at`.
    Keep,
    /// Takes the value of an expression over the old row and `excluded`.
    Set(&'static str),
}

/// The columns of a table that bulk statements write, in order.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// All columns that are written.
    pub columns: &'static [Column],
}

impl Table {
    /// `"a", "b", "c"`: quoted, because some names are words of SQL.
    #[must_use]
    pub fn column_list(&self) -> String {
        join(self.columns.iter().map(Column::quoted))
    }

    /// `on conflict (key) do update set …`, or `do nothing` where only the key is written.
    #[must_use]
    pub fn on_conflict(&self) -> String {
        let key = join(
            self.columns
                .iter()
                .filter(|column| column.on_conflict == OnConflict::Key)
                .map(Column::quoted),
        );
        let set = join(
            self.columns
                .iter()
                .filter_map(|column| match column.on_conflict {
                    OnConflict::Key | OnConflict::Keep => None,
                    OnConflict::Replace => Some(format!("{0} = excluded.{0}", column.quoted())),
                    OnConflict::Set(expression) => {
                        Some(format!("{} = {expression}", column.quoted()))
                    }
                }),
        );
        if set.is_empty() {
            format!("on conflict ({key}) do nothing")
        } else {
            format!("on conflict ({key}) do update set {set}")
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// Declares a [`Table`]: `bulk_table!(PRICES "prices" { key tenant_id: Uuid, amount: Amount, keep created_at: Time, })`.
#[macro_export]
macro_rules! bulk_table {
    ($(#[$doc:meta])* $const:ident $name:literal { $($column:tt)* }) => {
        $(#[$doc])*
        pub static $const: $crate::database::bulk::Table = $crate::database::bulk::Table {
            name: $name,
            columns: $crate::bulk_table!(@columns [] $($column)*),
        };
    };
    (@columns [$($done:expr,)*]) => { &[$($done),*] };
    (@columns [$($done:expr,)*] key $name:ident : $kind:ident, $($rest:tt)*) => {
        $crate::bulk_table!(@columns [$($done,)* $crate::bulk_table!(@one $name $kind Key),] $($rest)*)
    };
    (@columns [$($done:expr,)*] keep $name:ident : $kind:ident, $($rest:tt)*) => {
        $crate::bulk_table!(@columns [$($done,)* $crate::bulk_table!(@one $name $kind Keep),] $($rest)*)
    };
    (@columns [$($done:expr,)*] set $sql:literal $name:ident : $kind:ident, $($rest:tt)*) => {
        $crate::bulk_table!(@columns [$($done,)* $crate::bulk_table!(@one $name $kind Set($sql)),] $($rest)*)
    };
    (@columns [$($done:expr,)*] $name:ident : $kind:ident, $($rest:tt)*) => {
        $crate::bulk_table!(@columns [$($done,)* $crate::bulk_table!(@one $name $kind Replace),] $($rest)*)
    };
    (@one $name:ident $kind:ident $($conflict:tt)+) => {
        $crate::database::bulk::Column {
            name: stringify!($name),
            kind: $crate::database::bulk::Kind::$kind,
            on_conflict: $crate::database::bulk::OnConflict::$($conflict)+,
        }
    };
}

/// One value. Its variant must be the column's [`Kind`], or `Null`.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// SQL NULL.
    Null,
    /// For [`Kind::Bool`].
    Bool(bool),
    /// For [`Kind::Int`].
    Int(i32),
    /// For [`Kind::Big`].
    Big(i64),
    /// For [`Kind::Amount`], in millionths.
    Amount(i64),
    /// For [`Kind::Time`].
    Time(DateTime<Utc>),
    /// For [`Kind::Uuid`].
    Uuid(Uuid),
    /// For [`Kind::Text`], [`Kind::Json`] and [`Kind::RawJson`].
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Text that lives elsewhere.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Text that may be absent.
    #[must_use]
    pub fn text_or_null(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Text made for this row.
    #[must_use]
    pub fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// A moment that may be absent.
    #[must_use]
    pub fn time_or_null(time: Option<DateTime<Utc>>) -> Self {
        time.map_or(Self::Null, Self::Time)
    }
}

/// Rows of one table.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Which.
    pub table: &'static Table,
    cells: Vec<Cell<'a>>,
}

impl<'a> Rows<'a> {
    /// None yet.
    #[must_use]
    pub fn new(table: &'static Table) -> Self {
        Self {
            table,
            cells: Vec::new(),
        }
    }

    /// Adds a row, whose cells stand in the table's order.
    pub fn push<const N: usize>(&mut self, row: [Cell<'a>; N]) {
        debug_assert_eq!(N, self.table.columns.len(), "a row of {}", self.table.name);
        self.cells.extend(row);
    }

    /// Takes back the rows after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.cells.truncate(len * self.table.columns.len());
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len() / self.table.columns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The rows, each a slice in the table's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Cell<'a>]> {
        self.cells.chunks_exact(self.table.columns.len())
    }

    /// The values of one column.
    pub fn column(&self, index: usize) -> impl ExactSizeIterator<Item = &Cell<'a>> {
        self.cells
            .iter()
            .skip(index)
            .step_by(self.table.columns.len())
    }
}
