//! What sample rows become, for a person: `mapping check` on the command line, and the preview of the editor.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use fluxion_model::entity::Record;
use fluxion_model::reject::Rejected;
use fluxion_model::row::{Row, RowBatch, RowChange, RowKey, RowShape};
use fluxion_model::value::{Undecodable, Value};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::error::{MappingError, MissingColumns};
use crate::rules::StreamRules;

/// What the rows of a sample became. Its `Display` is what `mapping check` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The stream.
    pub stream: String,
    /// One entry for each row.
    pub rows: Vec<SampleRow>,
}

/// What one row became.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleRow {
    /// Its key at the source.
    pub key: String,
    /// Line of the file or row of the sheet, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Its records.
    pub records: Vec<Record>,
    /// What was rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Rejected>,
    /// What is odd.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Rejected>,
}

/// Applies a stream's rules to sample rows. Deletes are left out.
///
/// # Errors
/// When the rows lack columns that the mapping needs.
pub fn explain(stream: &StreamRules, batch: &RowBatch) -> Result<Sample, MissingColumns> {
    let bound = stream.bind(&batch.shape)?;
    let rows = batch
        .changes
        .iter()
        .filter_map(|change| match change {
            RowChange::Upsert { key, row } => Some((key, row)),
            RowChange::Delete { .. } => None,
        })
        .map(|(key, row)| {
            let mapped = bound.map(key, row);
            SampleRow {
                key: key.to_string(),
                position: row.position,
                records: mapped.records,
                rejects: mapped.rejects,
                warnings: mapped.warnings,
            }
        })
        .collect();
    Ok(Sample {
        stream: stream.spec().name.to_string(),
        rows,
    })
}

impl Sample {
    /// How many records were rejected.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rows.iter().map(|row| row.rejects.len()).sum()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stream {}", self.stream)?;
        for row in &self.rows {
            row.fmt(f)?;
        }
        let records: usize = self.rows.iter().map(|row| row.records.len()).sum();
        let warnings: usize = self.rows.iter().map(|row| row.warnings.len()).sum();
        writeln!(
            f,
            "  {} rows: {records} records, {} rejected, {warnings} warnings",
            self.rows.len(),
            self.rejected()
        )
    }
}

impl fmt::Display for SampleRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => writeln!(f, "  line {position}, key {}", self.key)?,
            None => writeln!(f, "  key {}", self.key)?,
        }
        for record in &self.records {
            // Records always serialise; an error here is the formatter's.
            let json = serde_json::to_string(record).map_err(|_| fmt::Error)?;
            writeln!(f, "    + {json}")?;
        }
        if self.records.is_empty() && self.rejects.is_empty() {
            writeln!(f, "    (nothing: no `when` holds for it)")?;
        }
        let marked = self
            .rejects
            .iter()
            .map(|reject| ('✗', reject))
            .chain(self.warnings.iter().map(|warning| ('!', warning)));
        for (mark, found) in marked {
            write!(f, "    {mark} {}", found.entity)?;
            if let Some(field) = &found.field {
                write!(f, ".{field}")?;
            }
            write!(f, " [{}] {}", found.rule, found.message)?;
            match &found.raw {
                Some(raw) => writeln!(f, " (found: {raw:?})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Rows from JSON: a list of objects by column, child rows as lists of objects by the name of their group.
///
/// Texts, whole numbers, exact decimals, truth values and nulls are written as JSON has them. The rest is an object
/// with one member: `{"decimal": "1.50"}`, `{"float": 1.5}`, `{"date": "2024-03-05"}`, `{"time": "12:00:00"}`,
/// `{"datetime": "2024-03-05T12:00:00"}`, `{"timestamp": "2024-03-05T12:00:00Z"}`, `{"bytes": [1, 2]}`,
/// `{"undecodable": "why"}`.
///
/// # Errors
/// When the JSON is none of this.
pub fn rows_from_json(
    stream: &StreamRules,
    json: &serde_json::Value,
) -> Result<RowBatch, MappingError> {
    let groups: Vec<&str> = stream
        .spec()
        .children
        .iter()
        .map(|child| child.name.as_str())
        .collect();
    let list = json
        .as_array()
        .ok_or_else(|| MappingError::new("sample", "is not a list of rows"))?;
    let shape = Arc::new(shape_of(list, &groups));
    let keys: Vec<Option<usize>> = stream
        .spec()
        .key
        .iter()
        .map(|key| shape.position(key))
        .collect();
    let mut changes = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        let row = row(item, &shape, at)?;
        let parts = keys.iter().map(|key| {
            key.and_then(|key| row.values.get(key))
                .map_or_else(String::new, Value::to_string)
        });
        changes.push(RowChange::Upsert {
            key: RowKey::join(parts),
            row,
        });
    }
    Ok(RowBatch { shape, changes })
}

/// All columns of all rows, in the order in which they first appear.
fn shape_of(list: &[serde_json::Value], groups: &[&str]) -> RowShape {
    let mut columns: Vec<Box<str>> = Vec::new();
    for name in list
        .iter()
        .filter_map(|row| row.as_object())
        .flat_map(|row| row.keys())
    {
        if !groups.contains(&name.as_str()) && !columns.iter().any(|column| **column == **name) {
            columns.push(name.as_str().into());
        }
    }
    let children = groups.iter().map(|group| {
        let rows: Vec<serde_json::Value> = list
            .iter()
            .filter_map(|row| row.get(*group)?.as_array())
            .flatten()
            .cloned()
            .collect();
        (Box::from(*group), shape_of(&rows, &[]))
    });
    RowShape {
        columns,
        children: children.collect(),
    }
}

fn row(item: &serde_json::Value, shape: &RowShape, at: usize) -> Result<Row, MappingError> {
    let place = || format!("sample row {}", at + 1);
    let object = item
        .as_object()
        .ok_or_else(|| MappingError::new(place(), "is not an object of columns"))?;
    let values = shape
        .columns
        .iter()
        .map(|column| match object.get(&**column) {
            None => Ok(Value::Null),
            Some(json) => value(json).ok_or_else(|| {
                MappingError::new(
                    place(),
                    format!("column {column} holds {json}, which is no value"),
                )
            }),
        })
        .collect::<Result<_, _>>()?;
    let children = shape
        .children
        .iter()
        .map(|(group, shape)| {
            let list = object
                .get(&**group)
                .and_then(|list| list.as_array())
                .map_or(&[] as &[_], Vec::as_slice);
            list.iter()
                .map(|child| row(child, shape, at))
                .collect::<Result<_, _>>()
        })
        .collect::<Result<_, _>>()?;
    Ok(Row {
        values,
        children,
        position: None,
    })
}

fn value(json: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Some(Value::Null),
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::String(text) => Some(Value::text(text.as_str())),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Some(Value::Int(whole)),
            None => Decimal::from_str_exact(&number.to_string())
                .ok()
                .map(Value::Decimal),
        },
        Json::Array(_) => None,
        Json::Object(object) => {
            let (kind, inner) = object.iter().next().filter(|_| object.len() == 1)?;
            let text = inner.as_str();
            match kind.as_str() {
                "decimal" => Decimal::from_str_exact(text?).ok().map(Value::Decimal),
                "float" => inner.as_f64().map(Value::Float),
                "date" => text?.parse::<NaiveDate>().ok().map(Value::Date),
                "time" => text?.parse::<NaiveTime>().ok().map(Value::Time),
                "datetime" => text?.parse::<NaiveDateTime>().ok().map(Value::DateTime),
                "timestamp" => text?.parse::<DateTime<Utc>>().ok().map(Value::Timestamp),
                "bytes" => {
                    let bytes: Option<Vec<u8>> = inner
                        .as_array()?
                        .iter()
                        .map(|byte| u8::try_from(byte.as_u64()?).ok())
                        .collect();
                    bytes.map(|bytes| Value::Bytes(bytes.into()))
                }
                "undecodable" => Some(Value::Undecodable(Box::new(Undecodable {
                    raw: Box::default(),
                    reason: text?.to_owned(),
                }))),
                _ => None,
            }
        }
    }
}
