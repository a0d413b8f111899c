//! The views that describe tables: their columns, indexes, triggers.

use super::{NAME, View, bit, fields, int, type_names};
use crate::data::types::{MAX, SqlType};
use crate::data::value::{Row, Value};
use crate::engine::store::Database;
use crate::engine::table::{Column, Table};

fn each_column(database: &Database) -> impl Iterator<Item = (&Table, &Column)> {
    database
        .tables
        .values()
        .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
}

pub(super) fn columns(database: &Database) -> View {
    let rows = each_column(database).map(|(table, column)| {
        let (precision, scale) = column.kind.precision_scale();
        vec![
            Value::Int(table.id),
            Value::text(&column.name),
            Value::Int(column.id),
            Value::Int(i64::from(column.kind.id())),
            Value::Int(i64::from(column.kind.id())),
            Value::Int(column.kind.max_length()),
            Value::Int(i64::from(precision)),
            Value::Int(i64::from(scale)),
            column
                .kind
                .collation()
                .map_or(Value::Null, |c| Value::text(c.name)),
            bit(column.nullable),
            bit(column.identity.is_some()),
            bit(column.computed.is_some()),
        ]
        .into()
    });
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("name", NAME()),
        ("column_id", SqlType::Int),
        ("system_type_id", SqlType::TinyInt),
        ("user_type_id", SqlType::Int),
        ("max_length", SqlType::SmallInt),
        ("precision", SqlType::TinyInt),
        ("scale", SqlType::TinyInt),
        ("collation_name", NAME()),
        ("is_nullable", SqlType::Bit),
        ("is_identity", SqlType::Bit),
        ("is_computed", SqlType::Bit),
    ]);
    (rows.collect(), fields)
}

pub(super) fn types() -> View {
    let rows = type_names().into_iter().map(|kind| {
        let (precision, scale) = kind.precision_scale();
        vec![
            Value::text(kind.name()),
            Value::Int(i64::from(kind.id())),
            Value::Int(i64::from(kind.id())),
            Value::Int(4),
            Value::Int(kind.max_length()),
            Value::Int(i64::from(precision)),
            Value::Int(i64::from(scale)),
            bit(true),
            bit(false),
        ]
        .into()
    });
    let fields = fields(&[
        ("name", NAME()),
        ("system_type_id", SqlType::TinyInt),
        ("user_type_id", SqlType::Int),
        ("schema_id", SqlType::Int),
        ("max_length", SqlType::SmallInt),
        ("precision", SqlType::TinyInt),
        ("scale", SqlType::TinyInt),
        ("is_nullable", SqlType::Bit),
        ("is_user_defined", SqlType::Bit),
    ]);
    (rows.collect(), fields)
}

pub(super) fn indexes(database: &Database) -> View {
    let rows = database.tables.values().flat_map(|table| {
        table.indexes.iter().map(|index| {
            vec![
                Value::Int(table.id),
                Value::text(&index.name),
                Value::Int(index.id),
                Value::Int(if index.primary { 1 } else { 2 }),
                Value::text(if index.primary {
                    "CLUSTERED"
                } else {
                    "NONCLUSTERED"
                }),
                bit(index.unique),
                bit(index.primary),
                bit(index.constraint && !index.primary),
                bit(false),
                bit(false),
            ]
            .into()
        })
    });
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("name", NAME()),
        ("index_id", SqlType::Int),
        ("type", SqlType::TinyInt),
        ("type_desc", SqlType::nvarchar(60)),
        ("is_unique", SqlType::Bit),
        ("is_primary_key", SqlType::Bit),
        ("is_unique_constraint", SqlType::Bit),
        ("is_disabled", SqlType::Bit),
        ("has_filter", SqlType::Bit),
    ]);
    (rows.collect(), fields)
}

pub(super) fn index_columns(database: &Database) -> View {
    let mut rows: Vec<Row> = Vec::new();
    for table in database.tables.values() {
        for index in &table.indexes {
            for (at, column) in index.columns.iter().enumerate() {
                let row = vec![
                    Value::Int(table.id),
                    Value::Int(index.id),
                    int(at + 1),
                    Value::Int(table.columns[*column].id),
                    int(at + 1),
                    bit(false),
                    bit(false),
                ];
                rows.push(row.into());
            }
        }
    }
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("index_column_id", SqlType::Int),
        ("column_id", SqlType::Int),
        ("key_ordinal", SqlType::TinyInt),
        ("is_descending_key", SqlType::Bit),
        ("is_included_column", SqlType::Bit),
    ]);
    (rows, fields)
}

pub(super) fn key_constraints(database: &Database) -> View {
    let rows = database.tables.values().flat_map(|table| {
        table
            .indexes
            .iter()
            .filter(|index| index.constraint)
            .map(|index| {
                vec![
                    Value::text(&index.name),
                    Value::Int(table.id),
                    Value::text(if index.primary { "PK" } else { "UQ" }),
                    Value::Int(index.id),
                ]
                .into()
            })
    });
    let fields = fields(&[
        ("name", NAME()),
        ("parent_object_id", SqlType::Int),
        ("type", SqlType::varchar(2)),
        ("unique_index_id", SqlType::Int),
    ]);
    (rows.collect(), fields)
}

pub(super) fn identity_columns(database: &Database) -> View {
    let rows = each_column(database)
        .filter(|(_, column)| column.identity.is_some())
        .map(|(table, column)| {
            vec![
                Value::Int(table.id),
                Value::text(&column.name),
                Value::Int(column.id),
                Value::Int(table.identity),
            ]
            .into()
        });
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("name", NAME()),
        ("column_id", SqlType::Int),
        ("last_value", SqlType::BigInt),
    ]);
    (rows.collect(), fields)
}

pub(super) fn triggers(database: &Database) -> View {
    let rows = database.tables.values().flat_map(|table| {
        table.triggers.iter().map(|trigger| {
            vec![
                Value::text(&trigger.definition.name.object),
                Value::Int(trigger.id),
                Value::Int(1),
                Value::Int(table.id),
                Value::text("TR"),
                Value::text("SQL_TRIGGER"),
                bit(!trigger.enabled),
                bit(false),
                bit(false),
            ]
            .into()
        })
    });
    let fields = fields(&[
        ("name", NAME()),
        ("object_id", SqlType::Int),
        ("parent_class", SqlType::TinyInt),
        ("parent_id", SqlType::Int),
        ("type", SqlType::varchar(2)),
        ("type_desc", SqlType::nvarchar(60)),
        ("is_disabled", SqlType::Bit),
        ("is_instead_of_trigger", SqlType::Bit),
        ("is_ms_shipped", SqlType::Bit),
    ]);
    (rows.collect(), fields)
}

pub(super) fn trigger_events(database: &Database) -> View {
    let mut rows: Vec<Row> = Vec::new();
    for trigger in database.tables.values().flat_map(|table| &table.triggers) {
        let definition = &trigger.definition;
        let events = [
            (definition.insert, 1, "INSERT"),
            (definition.update, 2, "UPDATE"),
            (definition.delete, 3, "DELETE"),
        ];
        for (_, number, name) in events.into_iter().filter(|event| event.0) {
            rows.push(
                vec![
                    Value::Int(trigger.id),
                    Value::Int(number),
                    Value::text(name),
                ]
                .into(),
            );
        }
    }
    (
        rows,
        fields(&[
            ("object_id", SqlType::Int),
            ("type", SqlType::Int),
            ("type_desc", SqlType::nvarchar(60)),
        ]),
    )
}

pub(super) fn modules(database: &Database) -> View {
    let triggers = database.tables.values().flat_map(|table| &table.triggers);
    let triggers = triggers.map(|trigger| (trigger.id, trigger.definition.text.as_str()));
    let views = database
        .views
        .values()
        .map(|view| (view.id, view.text.as_str()));
    let rows = triggers
        .chain(views)
        .map(|(id, text)| vec![Value::Int(id), Value::text(text)].into());
    (
        rows.collect(),
        fields(&[
            ("object_id", SqlType::Int),
            ("definition", SqlType::nvarchar(MAX)),
        ]),
    )
}

pub(super) fn partitions(database: &Database) -> View {
    let rows = database.tables.values().map(|table| {
        vec![
            Value::Int(table.id),
            Value::Int(1),
            Value::Int(1),
            int(table.row_count()),
        ]
        .into()
    });
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("partition_number", SqlType::Int),
        ("rows", SqlType::BigInt),
    ]);
    (rows.collect(), fields)
}

pub(super) fn tracked_tables(database: &Database) -> View {
    let rows = database.tables.values().filter_map(|table| {
        let tracked = table.tracked.as_ref()?;
        let row = vec![
            Value::Int(table.id),
            bit(false),
            Value::Int(tracked.min_valid),
            Value::Int(tracked.begin),
            Value::Null,
        ];
        Some(row.into())
    });
    let fields = fields(&[
        ("object_id", SqlType::Int),
        ("is_track_columns_updated_on", SqlType::Bit),
        ("min_valid_version", SqlType::BigInt),
        ("begin_version", SqlType::BigInt),
        ("cleanup_version", SqlType::BigInt),
    ]);
    (rows.collect(), fields)
}
