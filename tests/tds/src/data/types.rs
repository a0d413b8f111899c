//! The types of SQL Server, their names, and which of two wins when they meet.

use super::collation::Collation;

/// `varchar(max)`, `nvarchar(max)`, `varbinary(max)`.
pub(crate) const MAX: u16 = u16::MAX;

/// How text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    Char,
    VarChar,
    Text,
    NChar,
    NVarChar,
    NText,
    Xml,
}

impl TextKind {
    /// Whether it is kept in UTF-16 rather than in the code page of its collation.
    pub fn is_unicode(self) -> bool {
        matches!(self, Self::NChar | Self::NVarChar | Self::NText | Self::Xml)
    }
}

/// How bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BytesKind {
    Binary,
    VarBinary,
    Image,
    /// `rowversion`, also called `timestamp`: eight bytes that the server sets.
    RowVersion,
}

/// A type with everything the wire needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SqlType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Money,
    SmallMoney,
    Real,
    Float,
    Date,
    Time(u8),
    DateTime,
    SmallDateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    Text {
        kind: TextKind,
        /// Characters, or bytes for the kinds that are not Unicode; `MAX` for unlimited.
        length: u16,
        collation: &'static Collation,
    },
    Bytes {
        kind: BytesKind,
        length: u16,
    },
    Guid,
    /// What a bare `NULL` is until it meets something typed.
    Null,
}

impl SqlType {
    pub fn nvarchar(length: u16) -> Self {
        Self::Text {
            kind: TextKind::NVarChar,
            length,
            collation: Collation::default_one(),
        }
    }

    pub fn varchar(length: u16) -> Self {
        Self::Text {
            kind: TextKind::VarChar,
            length,
            collation: Collation::default_one(),
        }
    }

    pub fn decimal(precision: u8, scale: u8) -> Self {
        Self::Decimal { precision, scale }
    }

    pub fn varbinary(length: u16) -> Self {
        Self::Bytes {
            kind: BytesKind::VarBinary,
            length,
        }
    }

    pub fn rowversion() -> Self {
        Self::Bytes {
            kind: BytesKind::RowVersion,
            length: 8,
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self, Self::Text { .. })
    }

    pub fn is_unicode(self) -> bool {
        matches!(self, Self::Text { kind, .. } if kind.is_unicode())
    }

    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt
        )
    }

    pub fn is_number(self) -> bool {
        self.is_integer()
            || matches!(
                self,
                Self::Decimal { .. } | Self::Money | Self::SmallMoney | Self::Real | Self::Float
            )
    }

    pub fn is_temporal(self) -> bool {
        matches!(
            self,
            Self::Date
                | Self::Time(_)
                | Self::DateTime
                | Self::SmallDateTime
                | Self::DateTime2(_)
                | Self::DateTimeOffset(_)
        )
    }

    pub fn collation(self) -> Option<&'static Collation> {
        match self {
            Self::Text { collation, .. } => Some(collation),
            _ => None,
        }
    }

    /// Its name in `sys.types`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int | Self::Null => "int",
            Self::BigInt => "bigint",
            Self::Decimal { .. } => "decimal",
            Self::Money => "money",
            Self::SmallMoney => "smallmoney",
            Self::Real => "real",
            Self::Float => "float",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::DateTime => "datetime",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime2(_) => "datetime2",
            Self::DateTimeOffset(_) => "datetimeoffset",
            Self::Text { kind, .. } => match kind {
                TextKind::Char => "char",
                TextKind::VarChar => "varchar",
                TextKind::Text => "text",
                TextKind::NChar => "nchar",
                TextKind::NVarChar => "nvarchar",
                TextKind::NText => "ntext",
                TextKind::Xml => "xml",
            },
            Self::Bytes { kind, .. } => match kind {
                BytesKind::Binary => "binary",
                BytesKind::VarBinary => "varbinary",
                BytesKind::Image => "image",
                BytesKind::RowVersion => "timestamp",
            },
            Self::Guid => "uniqueidentifier",
        }
    }

    /// `system_type_id` in `sys.types`.
    pub fn id(self) -> u8 {
        match self {
            Self::Bit => 104,
            Self::TinyInt => 48,
            Self::SmallInt => 52,
            Self::Int | Self::Null => 56,
            Self::BigInt => 127,
            Self::Decimal { .. } => 106,
            Self::Money => 60,
            Self::SmallMoney => 122,
            Self::Real => 59,
            Self::Float => 62,
            Self::Date => 40,
            Self::Time(_) => 41,
            Self::DateTime => 61,
            Self::SmallDateTime => 58,
            Self::DateTime2(_) => 42,
            Self::DateTimeOffset(_) => 43,
            Self::Text { kind, .. } => match kind {
                TextKind::Char => 175,
                TextKind::VarChar => 167,
                TextKind::Text => 35,
                TextKind::NChar => 239,
                TextKind::NVarChar => 231,
                TextKind::NText => 99,
                TextKind::Xml => 241,
            },
            Self::Bytes { kind, .. } => match kind {
                BytesKind::Binary => 173,
                BytesKind::VarBinary => 165,
                BytesKind::Image => 34,
                BytesKind::RowVersion => 189,
            },
            Self::Guid => 36,
        }
    }

    /// `max_length` in `sys.columns`: bytes, or -1.
    pub fn max_length(self) -> i64 {
        match self {
            Self::Bit | Self::TinyInt => 1,
            Self::SmallInt => 2,
            Self::Int | Self::Null | Self::Real | Self::SmallMoney | Self::SmallDateTime => 4,
            Self::BigInt | Self::Money | Self::Float | Self::DateTime => 8,
            Self::Decimal { precision, .. } => decimal_bytes(precision),
            Self::Date => 3,
            Self::Time(scale) => time_bytes(scale),
            Self::DateTime2(scale) => time_bytes(scale) + 3,
            Self::DateTimeOffset(scale) => time_bytes(scale) + 5,
            Self::Text { kind, length, .. } => match kind {
                TextKind::Text | TextKind::NText => 16,
                TextKind::Xml => -1,
                TextKind::Char | TextKind::VarChar | TextKind::NChar | TextKind::NVarChar
                    if length == MAX =>
                {
                    -1
                }
                TextKind::NChar | TextKind::NVarChar => i64::from(length) * 2,
                TextKind::Char | TextKind::VarChar => i64::from(length),
            },
            Self::Bytes { kind, length } => match kind {
                BytesKind::Image => 16,
                BytesKind::Binary | BytesKind::VarBinary | BytesKind::RowVersion => {
                    if length == MAX { -1 } else { i64::from(length) }
                }
            },
            Self::Guid => 16,
        }
    }

    /// `precision` and `scale` in `sys.columns`.
    pub fn precision_scale(self) -> (u8, u8) {
        match self {
            Self::Bit => (1, 0),
            Self::TinyInt => (3, 0),
            Self::SmallInt => (5, 0),
            Self::Int | Self::Null => (10, 0),
            Self::BigInt => (19, 0),
            Self::Decimal { precision, scale } => (precision, scale),
            Self::Money => (19, 4),
            Self::SmallMoney => (10, 4),
            Self::Real => (24, 0),
            Self::Float => (53, 0),
            Self::Date => (10, 0),
            Self::Time(s) => (if s == 0 { 8 } else { 9 + s }, s),
            Self::DateTime => (23, 3),
            Self::SmallDateTime => (16, 0),
            Self::DateTime2(s) => (if s == 0 { 19 } else { 20 + s }, s),
            Self::DateTimeOffset(s) => (if s == 0 { 26 } else { 27 + s }, s),
            Self::Text { .. } | Self::Bytes { .. } | Self::Guid => (0, 0),
        }
    }

    /// Place in the order of precedence: the higher one wins.
    fn rank(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bytes { kind, .. } => match kind {
                BytesKind::Binary => 1,
                BytesKind::VarBinary => 2,
                BytesKind::RowVersion => 9,
                BytesKind::Image => 10,
            },
            Self::Text { kind, .. } => match kind {
                TextKind::Char => 3,
                TextKind::VarChar => 4,
                TextKind::NChar => 5,
                TextKind::NVarChar => 6,
                TextKind::Text => 11,
                TextKind::NText => 12,
                TextKind::Xml => 31,
            },
            Self::Guid => 7,
            Self::Bit => 13,
            Self::TinyInt => 14,
            Self::SmallInt => 15,
            Self::Int => 16,
            Self::BigInt => 17,
            Self::SmallMoney => 18,
            Self::Money => 19,
            Self::Decimal { .. } => 20,
            Self::Real => 21,
            Self::Float => 22,
            Self::Time(_) => 23,
            Self::Date => 24,
            Self::SmallDateTime => 25,
            Self::DateTime => 26,
            Self::DateTime2(_) => 27,
            Self::DateTimeOffset(_) => 28,
        }
    }

    /// The type two values take before they are compared, united or chosen between.
    pub fn common(self, other: Self) -> Self {
        let (low, high) = if self.rank() <= other.rank() {
            (self, other)
        } else {
            (other, self)
        };
        match (low, high) {
            (low, Self::Decimal { precision, scale }) => {
                let (p, s) = match low {
                    Self::Decimal { precision, scale } => (precision, scale),
                    _ if low.is_number() => low.precision_scale(),
                    _ => (precision, scale),
                };
                let scale = scale.max(s);
                let whole = (precision - scale.min(precision))
                    .max(p - s.min(p))
                    .max(precision.saturating_sub(high.precision_scale().1));
                Self::Decimal {
                    precision: (whole + scale).min(38),
                    scale,
                }
            }
            (
                Self::Text { length: a, .. },
                Self::Text {
                    kind,
                    length: b,
                    collation,
                },
            ) => Self::Text {
                kind,
                length: a.max(b),
                collation,
            },
            (Self::Bytes { length: a, .. }, Self::Bytes { kind, length: b })
                if kind != BytesKind::RowVersion =>
            {
                Self::Bytes {
                    kind,
                    length: a.max(b),
                }
            }
            (Self::Time(a), Self::Time(b)) => Self::Time(a.max(b)),
            (Self::DateTime2(a), Self::DateTime2(b)) => Self::DateTime2(a.max(b)),
            (Self::DateTime2(a) | Self::DateTimeOffset(a), Self::DateTimeOffset(b)) => {
                Self::DateTimeOffset(a.max(b))
            }
            (_, high) => high,
        }
    }

    /// From a name and what stood in brackets behind it. `None` where there is no such type.
    pub fn named(name: &str, arguments: &[u16], collation: &'static Collation) -> Option<Self> {
        let first = arguments.first().copied();
        let text = |kind, default: u16| {
            Some(Self::Text {
                kind,
                length: first.unwrap_or(default),
                collation,
            })
        };
        let bytes = |kind, default: u16| {
            Some(Self::Bytes {
                kind,
                length: first.unwrap_or(default),
            })
        };
        let scale = || u8::try_from(first.unwrap_or(7)).ok();
        match name {
            "bit" => Some(Self::Bit),
            "tinyint" => Some(Self::TinyInt),
            "smallint" => Some(Self::SmallInt),
            "int" | "integer" => Some(Self::Int),
            "bigint" => Some(Self::BigInt),
            "decimal" | "numeric" | "dec" => Some(Self::Decimal {
                precision: u8::try_from(first.unwrap_or(18)).ok()?,
                scale: u8::try_from(arguments.get(1).copied().unwrap_or(0)).ok()?,
            }),
            "money" => Some(Self::Money),
            "smallmoney" => Some(Self::SmallMoney),
            "real" => Some(Self::Real),
            "float" | "double" => Some(if first.is_some_and(|bits| bits <= 24) {
                Self::Real
            } else {
                Self::Float
            }),
            "date" => Some(Self::Date),
            "time" => Some(Self::Time(scale()?)),
            "datetime" => Some(Self::DateTime),
            "smalldatetime" => Some(Self::SmallDateTime),
            "datetime2" => Some(Self::DateTime2(scale()?)),
            "datetimeoffset" => Some(Self::DateTimeOffset(scale()?)),
            "char" | "character" => text(TextKind::Char, 1),
            "varchar" => text(TextKind::VarChar, 1),
            "nchar" => text(TextKind::NChar, 1),
            "nvarchar" => text(TextKind::NVarChar, 1),
            "sysname" => text(TextKind::NVarChar, 128),
            "text" => text(TextKind::Text, MAX),
            "ntext" => text(TextKind::NText, MAX),
            "xml" => text(TextKind::Xml, MAX),
            "binary" => bytes(BytesKind::Binary, 1),
            "varbinary" => bytes(BytesKind::VarBinary, 1),
            "image" => bytes(BytesKind::Image, MAX),
            "rowversion" | "timestamp" => Some(Self::rowversion()),
            "uniqueidentifier" => Some(Self::Guid),
            _ => None,
        }
    }
}

fn decimal_bytes(precision: u8) -> i64 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

fn time_bytes(scale: u8) -> i64 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}
