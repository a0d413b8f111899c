//! The views of `INFORMATION_SCHEMA`.

use super::bind::Runner;
use super::catalog::{NAME, View, fields, int};
use super::store::Database;
use crate::data::types::{BytesKind, MAX, SqlType};
use crate::data::value::{Row, Value};

impl Runner<'_> {
    pub(super) fn information_schema(&self, view: &str, database: &Database) -> Option<View> {
        Some(match view {
            "tables" => self.tables_view(database),
            "columns" => self.columns_view(database),
            "table_constraints" => constraints(database),
            "key_column_usage" => key_columns(database),
            "schemata" => {
                let rows = database
                    .schemas
                    .iter()
                    .map(|name| vec![Value::text(&database.name), Value::text(name)].into());
                (
                    rows.collect(),
                    fields(&[("CATALOG_NAME", NAME()), ("SCHEMA_NAME", NAME())]),
                )
            }
            _ => return None,
        })
    }

    fn tables_view(&self, database: &Database) -> View {
        let tables = database
            .tables
            .values()
            .filter(|table| self.sees(database, table))
            .map(|table| (&table.schema, &table.name, "BASE TABLE"));
        let views = database
            .views
            .values()
            .map(|view| (&view.schema, &view.name, "VIEW"));
        let rows = tables.chain(views).map(|(schema, name, kind)| {
            vec![
                Value::text(&database.name),
                Value::text(schema),
                Value::text(name),
                Value::text(kind),
            ]
            .into()
        });
        let fields = fields(&[
            ("TABLE_CATALOG", NAME()),
            ("TABLE_SCHEMA", NAME()),
            ("TABLE_NAME", NAME()),
            ("TABLE_TYPE", SqlType::varchar(10)),
        ]);
        (rows.collect(), fields)
    }

    fn columns_view(&self, database: &Database) -> View {
        let mut rows: Vec<Row> = Vec::new();
        for table in database
            .tables
            .values()
            .filter(|table| self.sees(database, table))
        {
            for (at, column) in table.columns.iter().enumerate() {
                let kind = column.kind;
                let (precision, scale) = kind.precision_scale();
                let length = match kind {
                    SqlType::Text { length: MAX, .. } => int(-1),
                    SqlType::Text { length, .. } => int(length),
                    SqlType::Bytes {
                        kind: BytesKind::RowVersion,
                        ..
                    } => Value::Null,
                    SqlType::Bytes { length: MAX, .. } => int(-1),
                    SqlType::Bytes { length, .. } => int(length),
                    _ => Value::Null,
                };
                let number = kind.is_number() && kind != SqlType::Bit;
                let row = vec![
                    Value::text(&database.name),
                    Value::text(&table.schema),
                    Value::text(&table.name),
                    Value::text(&column.name),
                    int(at + 1),
                    Value::Null,
                    Value::text(if column.nullable { "YES" } else { "NO" }),
                    Value::text(kind.name()),
                    length,
                    if number { int(precision) } else { Value::Null },
                    if number { int(scale) } else { Value::Null },
                    if kind.is_temporal() {
                        int(scale)
                    } else {
                        Value::Null
                    },
                    kind.collation()
                        .map_or(Value::Null, |c| Value::text(c.name)),
                ];
                rows.push(row.into());
            }
        }
        let fields = fields(&[
            ("TABLE_CATALOG", NAME()),
            ("TABLE_SCHEMA", NAME()),
            ("TABLE_NAME", NAME()),
            ("COLUMN_NAME", NAME()),
            ("ORDINAL_POSITION", SqlType::Int),
            ("COLUMN_DEFAULT", SqlType::nvarchar(4000)),
            ("IS_NULLABLE", SqlType::varchar(3)),
            ("DATA_TYPE", NAME()),
            ("CHARACTER_MAXIMUM_LENGTH", SqlType::Int),
            ("NUMERIC_PRECISION", SqlType::TinyInt),
            ("NUMERIC_SCALE", SqlType::Int),
            ("DATETIME_PRECISION", SqlType::SmallInt),
            ("COLLATION_NAME", NAME()),
        ]);
        (rows, fields)
    }
}

fn constraints(database: &Database) -> View {
    let mut rows: Vec<Row> = Vec::new();
    for table in database.tables.values() {
        for index in table.indexes.iter().filter(|index| index.constraint) {
            let row = vec![
                Value::text(&database.name),
                Value::text(&table.schema),
                Value::text(&index.name),
                Value::text(&table.schema),
                Value::text(&table.name),
                Value::text(if index.primary {
                    "PRIMARY KEY"
                } else {
                    "UNIQUE"
                }),
            ];
            rows.push(row.into());
        }
    }
    let fields = fields(&[
        ("CONSTRAINT_CATALOG", NAME()),
        ("CONSTRAINT_SCHEMA", NAME()),
        ("CONSTRAINT_NAME", NAME()),
        ("TABLE_SCHEMA", NAME()),
        ("TABLE_NAME", NAME()),
        ("CONSTRAINT_TYPE", SqlType::varchar(11)),
    ]);
    (rows, fields)
}

fn key_columns(database: &Database) -> View {
    let mut rows: Vec<Row> = Vec::new();
    for table in database.tables.values() {
        for index in table.indexes.iter().filter(|index| index.constraint) {
            for (at, column) in index.columns.iter().enumerate() {
                let row = vec![
                    Value::text(&table.schema),
                    Value::text(&index.name),
                    Value::text(&table.schema),
                    Value::text(&table.name),
                    Value::text(&table.columns[*column].name),
                    int(at + 1),
                ];
                rows.push(row.into());
            }
        }
    }
    let fields = fields(&[
        ("CONSTRAINT_SCHEMA", NAME()),
        ("CONSTRAINT_NAME", NAME()),
        ("TABLE_SCHEMA", NAME()),
        ("TABLE_NAME", NAME()),
        ("COLUMN_NAME", NAME()),
        ("ORDINAL_POSITION", SqlType::Int),
    ]);
    (rows, fields)
}
