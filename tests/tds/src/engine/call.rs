//! Functions: which there are and what types they give. What they do stands in [`super::functions`].

use super::align::{coerce, fold};
use super::bind::{Runner, Scope};
use super::plan::{Node, Typed};
use crate::data::types::{MAX, SqlType};
use crate::data::value::Value;
use crate::error::{Result, SqlError, Stop};
use crate::server::Version;
use crate::sql::ast::{BinaryOp, Expr};

impl Runner<'_> {
    pub(super) fn call(&self, name: &str, arguments: &[Expr], scope: &Scope<'_>) -> Result<Typed> {
        if name == "IIF" && self.state.identity.version < Version::Sql2012 {
            return Err(unknown(name));
        }
        match name {
            // These are conditions in disguise.
            "IIF" if arguments.len() == 3 => {
                let case = Expr::Case {
                    operand: None,
                    branches: vec![(arguments[0].clone(), arguments[1].clone())],
                    otherwise: Some(Box::new(arguments[2].clone())),
                };
                return self.value(&case, scope);
            }
            "NULLIF" if arguments.len() == 2 => {
                let first = self.value(&arguments[0], scope)?;
                let equal = Expr::Binary(
                    BinaryOp::Equal,
                    Box::new(arguments[0].clone()),
                    Box::new(arguments[1].clone()),
                );
                let equal = self.condition(&equal, scope)?;
                let null = Node::Constant(Value::Null);
                let kind = first.kind;
                return Ok(Typed::new(
                    Node::Case(vec![(equal, null)], Box::new(first.node)),
                    kind,
                ));
            }
            "COALESCE" => return self.coalesce(arguments, scope),
            _ => {}
        }
        let arguments = arguments
            .iter()
            .map(|argument| self.value(argument, scope))
            .collect::<Result<Vec<_>>>()?;
        if since(name).is_some_and(|version| self.state.identity.version < version) {
            return Err(unknown(name));
        }
        let kind = result_type(name, &arguments)?;
        let arguments = if name == "ISNULL" {
            let mut arguments = arguments.into_iter();
            let first = arguments.next();
            let rest = arguments.map(|argument| fold(coerce(argument, kind)));
            first
                .into_iter()
                .map(Ok)
                .chain(rest)
                .collect::<Result<_>>()?
        } else {
            arguments
        };
        let nullable = match name {
            "ISNULL" => arguments.iter().all(|argument| argument.nullable),
            "GETDATE" | "GETUTCDATE" | "SYSDATETIME" | "SYSUTCDATETIME" | "NEWID" => false,
            _ => true,
        };
        Ok(Typed {
            node: Node::Call(name.to_owned(), arguments),
            kind,
            nullable,
        })
    }

    fn coalesce(&self, arguments: &[Expr], scope: &Scope<'_>) -> Result<Typed> {
        let values = arguments
            .iter()
            .map(|argument| self.value(argument, scope))
            .collect::<Result<Vec<_>>>()?;
        let kind = values
            .iter()
            .fold(SqlType::Null, |kind, value| kind.common(value.kind));
        let nullable = values.iter().all(|value| value.nullable);
        let mut branches = Vec::new();
        let mut last = Node::Constant(Value::Null);
        let count = values.len();
        for (at, value) in values.into_iter().enumerate() {
            let value = coerce(value, kind);
            if at + 1 == count {
                last = value.node;
            } else {
                branches.push((Node::IsNull(Box::new(value.clone()), true), value.node));
            }
        }
        Ok(Typed {
            node: Node::Case(branches, Box::new(last)),
            kind,
            nullable,
        })
    }
}

fn unknown(name: &str) -> Stop {
    let name = name.to_lowercase();
    let message = format!("'{name}' is not a recognized built-in function name.");
    SqlError::new(195, 15, message).into()
}

/// The version that brought a function, where it is younger than 2008.
fn since(name: &str) -> Option<Version> {
    Some(match name {
        "CONCAT" | "FORMAT" | "EOMONTH" | "DATEFROMPARTS" => Version::Sql2012,
        "DATEDIFF_BIG" => Version::Sql2016,
        "TRIM" | "CONCAT_WS" => Version::Sql2017,
        _ => return None,
    })
}

fn result_type(name: &str, arguments: &[Typed]) -> Result<SqlType> {
    let needs = |count: std::ops::RangeInclusive<usize>| -> Result<()> {
        if count.contains(&arguments.len()) {
            return Ok(());
        }
        let message = format!(
            "The {} function requires {} argument(s).",
            name.to_lowercase(),
            count.start()
        );
        Err(SqlError::new(174, 15, message).into())
    };
    let first = || {
        arguments
            .first()
            .map_or(SqlType::Null, |argument| argument.kind)
    };
    let text = |length: u16| {
        let kind = first();
        match kind {
            SqlType::Text {
                kind, collation, ..
            } => SqlType::Text {
                kind: if kind.is_unicode() {
                    crate::data::types::TextKind::NVarChar
                } else {
                    crate::data::types::TextKind::VarChar
                },
                length,
                collation,
            },
            _ => SqlType::varchar(length.min(8000)),
        }
    };
    let length = || match first() {
        SqlType::Text { length, .. } | SqlType::Bytes { length, .. } => length,
        _ => 8000,
    };
    Ok(match name {
        "ISNULL" => {
            needs(2..=2)?;
            match first() {
                SqlType::Null => arguments[1].kind,
                kind => kind,
            }
        }
        "LEN" | "DATALENGTH" | "ASCII" | "UNICODE" => {
            needs(1..=1)?;
            if length() == MAX {
                SqlType::BigInt
            } else {
                SqlType::Int
            }
        }
        "CHARINDEX" | "PATINDEX" | "DATEDIFF" | "DATEPART" | "YEAR" | "MONTH" | "DAY"
        | "CHECKSUM" | "BINARY_CHECKSUM" | "SIGN" => SqlType::Int,
        "DATEDIFF_BIG" => SqlType::BigInt,
        "SUBSTRING" => {
            needs(3..=3)?;
            match first() {
                SqlType::Bytes { length, .. } => SqlType::varbinary(length),
                _ => text(length()),
            }
        }
        "LEFT" | "RIGHT" => {
            needs(2..=2)?;
            text(length())
        }
        "LTRIM" | "RTRIM" | "TRIM" | "UPPER" | "LOWER" | "REVERSE" => {
            needs(1..=1)?;
            text(length())
        }
        "REPLACE" | "STUFF" | "REPLICATE" | "SPACE" => {
            text(if length() == MAX { MAX } else { 8000 })
        }
        "CONCAT" | "CONCAT_WS" => {
            if arguments.iter().any(|argument| argument.kind.is_unicode()) {
                SqlType::nvarchar(4000)
            } else {
                SqlType::varchar(8000)
            }
        }
        "CHAR" => SqlType::varchar(1),
        "NCHAR" => SqlType::nvarchar(1),
        "STR" => SqlType::varchar(10),
        "QUOTENAME" => SqlType::nvarchar(258),
        "FORMAT" | "FORMATMESSAGE" => SqlType::nvarchar(4000),
        "DATENAME" => SqlType::nvarchar(30),
        "ABS" | "FLOOR" | "CEILING" | "ROUND" => {
            needs(1..=3)?;
            match first() {
                SqlType::Decimal { precision, .. } if matches!(name, "FLOOR" | "CEILING") => {
                    SqlType::decimal(precision, 0)
                }
                SqlType::TinyInt | SqlType::SmallInt | SqlType::Bit => SqlType::Int,
                SqlType::Real => SqlType::Float,
                kind if kind.is_text() => SqlType::Float,
                kind => kind,
            }
        }
        "POWER" | "SQRT" | "RAND" => SqlType::Float,
        "GETDATE" | "GETUTCDATE" | "CURRENT_TIMESTAMP" => SqlType::DateTime,
        "SYSDATETIME" | "SYSUTCDATETIME" => SqlType::DateTime2(7),
        "SYSDATETIMEOFFSET" => SqlType::DateTimeOffset(7),
        "TODATETIMEOFFSET" | "SWITCHOFFSET" => SqlType::DateTimeOffset(7),
        "DATEADD" => {
            needs(3..=3)?;
            match arguments[2].kind {
                kind if kind.is_temporal() => kind,
                _ => SqlType::DateTime,
            }
        }
        "DATEFROMPARTS" | "EOMONTH" => SqlType::Date,
        "NEWID" | "NEWSEQUENTIALID" => SqlType::Guid,
        "HASHBYTES" => SqlType::varbinary(8000),
        "MIN_ACTIVE_ROWVERSION" => SqlType::Bytes {
            kind: crate::data::types::BytesKind::Binary,
            length: 8,
        },
        "CHANGE_TRACKING_CURRENT_VERSION" | "CHANGE_TRACKING_MIN_VALID_VERSION" => SqlType::BigInt,
        "CHANGE_TRACKING_IS_COLUMN_IN_MASK" => SqlType::Bit,
        "SCOPE_IDENTITY" | "IDENT_CURRENT" => SqlType::decimal(38, 0),
        "OBJECT_ID" | "DB_ID" | "SCHEMA_ID" | "TYPE_ID" | "HAS_PERMS_BY_NAME"
        | "IS_SRVROLEMEMBER" | "IS_MEMBER" | "IS_ROLEMEMBER" | "HAS_DBACCESS" | "COL_LENGTH"
        | "COLUMNPROPERTY" | "OBJECTPROPERTY" | "OBJECTPROPERTYEX" | "INDEXPROPERTY"
        | "ERROR_NUMBER" | "ERROR_STATE" | "ERROR_SEVERITY" | "ERROR_LINE" | "XACT_STATE"
        | "USER_ID" | "ISNUMERIC" | "ISDATE" | "TRIGGER_NESTLEVEL" | "SUSER_ID" => {
            if matches!(name, "XACT_STATE" | "COL_LENGTH" | "DB_ID") {
                SqlType::SmallInt
            } else {
                SqlType::Int
            }
        }
        "OBJECT_NAME" | "DB_NAME" | "SCHEMA_NAME" | "TYPE_NAME" | "COL_NAME" | "SUSER_SNAME"
        | "SUSER_NAME" | "ORIGINAL_LOGIN" | "USER_NAME" | "SYSTEM_USER" | "SESSION_USER"
        | "CURRENT_USER" | "USER" | "HOST_NAME" | "APP_NAME" | "PARSENAME" | "ERROR_PROCEDURE"
        | "OBJECT_SCHEMA_NAME" => SqlType::nvarchar(128),
        "ERROR_MESSAGE" => SqlType::nvarchar(4000),
        "OBJECT_DEFINITION" => SqlType::nvarchar(MAX),
        // In SQL Server these are sql_variant; here they have the type that clients read them as.
        "COLLATIONPROPERTY" => SqlType::Int,
        "SQL_VARIANT_PROPERTY" => match arguments.get(1).map(|argument| &argument.node) {
            Some(Node::Constant(Value::Text(name)))
                if ["precision", "scale", "maxlength", "totalbytes"]
                    .contains(&name.to_lowercase().as_str()) =>
            {
                SqlType::Int
            }
            _ => SqlType::nvarchar(128),
        },
        "SERVERPROPERTY" | "DATABASEPROPERTYEX" | "CONNECTIONPROPERTY" => property_type(arguments),
        _ => {
            return Err(unknown(name));
        }
    })
}

fn property_type(arguments: &[Typed]) -> SqlType {
    const NUMBERS: &[&str] = &[
        "engineedition",
        "isclustered",
        "isintegratedsecurityonly",
        "isfulltextinstalled",
        "lcid",
        "processid",
        "productmajorversion_int",
        "ishadrenabled",
        "issingleuser",
        "isautoclose",
        "issnapshotisolationallowed",
        "local_tcp_port",
        "sqlcharset",
        "sqlsortorder",
    ];
    let name = arguments.last().and_then(|argument| match &argument.node {
        Node::Constant(Value::Text(text)) => Some(text.to_lowercase()),
        _ => None,
    });
    match name {
        Some(name) if NUMBERS.contains(&name.as_str()) => SqlType::Int,
        _ => SqlType::nvarchar(128),
    }
}
