//! How one field of a record is made, as people write it.
//!
//! The order of the operations is fixed, whatever the order in the document: a value is taken, cleaned as text,
//! read as what the field is (number, moment, boolean), computed with, rounded, and defaulted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::scalar::{Number, Scalar};

/// How one field is made: the name of a column, a table of operations, or, for lists such as `payments`, several.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// The column, trimmed, read as the field's type.
    Column(String),
    /// A table of operations.
    Table(Box<FieldTable>),
    /// Several tables that each add to a list (`lines`, `payments`, `barcodes`).
    Several(Vec<FieldTable>),
}

/// The operations on one field, applied in the order they are listed here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldTable {
    /// For `lines`, `payments` and `barcodes`: the child group whose rows each add one element. Without it, the row
    /// itself adds one. For a number: it is added up over the rows of this child group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// For `lines` and `payments`: how each field of the element is made. A column that the child rows lack is looked
    /// for in the row they belong to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
    /// For `lines` and `payments`: only rows for which this holds add an element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Box<Condition>>,

    /// The column to take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Several columns: the first that is not empty counts. For `barcodes`, all of them do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Not taken from a column at all: this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<Scalar>,
    /// The value of a setting of the POS system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// Several parts put together; empty parts are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concat: Vec<Part>,
    /// What stands between the parts of `concat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The source may lack the column altogether; the field is then empty.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,

    /// Code page of a column that the database hands out as bytes: `cp850`, `windows-1252`. UTF-8 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Repairs text that was read in the wrong code page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Takes blanks and control characters off both ends. On unless set to `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<bool>,
    /// Texts that mean "nothing there": `["-", "N/A", "0"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub null_if: Vec<Scalar>,
    /// A regular expression: keeps its first group, or the whole match. No match leaves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// Replaces every match of a regular expression; `$1` in `with` stands for a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<Replace>,
    /// Changes the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<Case>,
    /// Fills up to a width: `6` puts zeros in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad: Option<Pad>,
    /// Cuts text to so many characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<u32>,
    /// For `barcodes`: what separates several in one column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Replaces a value by another: `{ "1" = "EFECTIVO", "2" = "TARJETA" }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lookup: BTreeMap<String, Scalar>,
    /// What happens to a value that `lookup` lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup_else: Option<LookupElse>,

    /// How numbers are written. Without it: digits and at most one point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberFormat>,
    /// How dates are written, tried in order: `dd/mm/yyyy`, `dd/mm/yy HH:mm:ss`, `%d.%m.%Y`, `excel`, `unix`.
    /// Without it: ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<OneOrMore>,
    /// Another column that holds the time of day, where the date stands in this one: `14:30`, `02:30:00 p.m.`, `1430`, or
    /// the time of a date and time. Midnight when it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Time zone of dates that carry none, such as `America/Caracas`; the store's when absent. An hour that the
    /// clocks skip counts as that much later; an hour that happens twice counts as the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which words mean yes and no. Without it: the usual ones in Spanish and English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boolean: Option<BooleanWords>,

    /// Multiplies: a number, `to_percent` (times 100) or `to_fraction` (divided by 100).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Divides by a number; usually needs `round`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divide: Option<Number>,
    /// Changes the sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// Changes the sign of rows for which this holds, such as returns that are stored as positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negate_when: Option<Box<Condition>>,
    /// The escape hatch: an expression over the columns by name, with `value` for the value so far (`()` when there
    /// is none). Exact decimals; no loops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Rounds to so many digits after the point. Without it, a number with more than six is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<Round>,
    /// Used when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A part of `concat`: the name of a column, or a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "the name of a column, { text = … }, { setting = … } or { column = …, pad = … }"
)]
pub enum Part {
    /// A column.
    Column(String),
    /// Fixed text.
    Text {
        /// The text.
        text: String,
    },
    /// A setting.
    Setting {
        /// Its name.
        setting: String,
    },
    /// A column, filled up.
    Padded {
        /// Its name.
        column: String,
        /// The width, with zeros in front.
        pad: u32,
    },
}

/// Text that was read in the wrong code page: put back into bytes by one, and read again by the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// The code page it was wrongly read in, such as `windows-1252`.
    pub read_as: String,
    /// The code page its bytes really are in, such as `utf-8` (for `PiÃ±a`) or `cp850`. With `utf-8`, text that was
    /// not damaged stays as it is.
    pub really: String,
}

/// A regular expression and what its matches become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// The regular expression.
    pub pattern: String,
    /// What its matches become; `$1` stands for a group.
    #[serde(default)]
    pub with: String,
}

/// Letter case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// `PIÑA`.
    Upper,
    /// `piña`.
    Lower,
    /// `Piña Colada`.
    Title,
}

/// Filling up to a width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a width, or { width = 6, with = \"0\", side = \"left\" }"
)]
pub enum Pad {
    /// So wide, with zeros in front.
    Width(u32),
    /// In full.
    Full(FullPad),
}

/// Filling up to a width, in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullPad {
    /// How many characters at least.
    pub width: u32,
    /// What with.
    #[serde(default = "zero")]
    pub with: char,
    /// On which side.
    #[serde(default)]
    pub side: Side,
}

fn zero() -> char {
    '0'
}

/// A side of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In front.
    #[default]
    Left,
    /// Behind.
    Right,
}

/// What happens to a value that a lookup table lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookupElse {
    /// The record is rejected.
    #[default]
    Reject,
    /// It stays as it is.
    Keep,
    /// It becomes nothing, so that `default` applies.
    Nothing,
}

/// How numbers are written. With it, currency signs, a per cent sign, a trailing minus and parentheses are
/// understood too: `Bs. 1.234,56`, `12,5 %`, `45,00-`, `(45,00)`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NumberFormat {
    /// The decimal mark: `,` or `.`; or a setting that holds it, as in `{decimal}`. A point when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// What separates groups of three digits; the other one of `,` and `.` when absent, nothing when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// One text or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text).iter(),
            Self::More(texts) => texts.iter(),
        }
        .map(String::as_str)
    }
}

/// Which words mean yes and no, without regard to case. When only one list is given, anything else is the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BooleanWords {
    /// Yes.
    #[serde(rename = "true", skip_serializing_if = "Vec::is_empty")]
    pub yes: Vec<Scalar>,
    /// No.
    #[serde(rename = "false", skip_serializing_if = "Vec::is_empty")]
    pub no: Vec<Scalar>,
}

/// A factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number, \"to_percent\" or \"to_fraction\"")]
pub enum Scale {
    /// A well-known one.
    Word(ScaleWord),
    /// Any.
    By(Number),
}

/// A well-known factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleWord {
    /// `0.16` becomes `16`.
    ToPercent,
    /// `16` becomes `0.16`.
    ToFraction,
}

/// What happens to the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It turns.
    Negate,
    /// It is dropped.
    Absolute,
}

/// Rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a number of digits, or { digits = 2, mode = \"half_even\" }"
)]
pub enum Round {
    /// So many digits, half away from zero.
    Digits(u32),
    /// In full.
    Full(FullRound),
}

/// Rounding, in full.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullRound {
    /// Digits after the point.
    pub digits: u32,
    /// What happens to a half.
    #[serde(default)]
    pub mode: RoundMode,
}

/// What happens to a half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundMode {
    /// Away from zero, as taught in school.
    #[default]
    HalfUp,
    /// To the even neighbour, as banks do.
    HalfEven,
}

/// Something that holds for a row or does not. Exactly one question about a column, or an expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The column that is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// It holds this. Text without regard to case and outer blanks; numbers by their value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Scalar>,
    /// It holds something else, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Scalar>,
    /// It holds one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Scalar>,
    /// `true`: it holds nothing. `false`: it holds something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
    /// An expression over the columns that gives true or false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, a table of operations, or a list of such tables")
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Field, E> {
        Ok(Field::Column(v.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
        FieldTable::deserialize(MapAccessDeserializer::new(map))
            .map(|table| Field::Table(Box::new(table)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Field, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Field::Several)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Column(name) => serializer.serialize_str(name),
            Self::Table(table) => table.serialize(serializer),
            Self::Several(tables) => tables.serialize(serializer),
        }
    }
}

impl JsonSchema for Field {
    fn schema_name() -> Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<FieldTable>();
        json_schema!({
            "description": "How one field is made: the name of a column, a table of operations, or a list of tables.",
            "anyOf": [{ "type": "string" }, table, { "type": "array", "items": table }]
        })
    }
}
