//! Queries, as a driver runs them.

use fluxion_model::value::Value;
use odbc_api::buffers::{AnyColumnBufferSlice, ColumnarDynBuffer, Indicator};
use odbc_api::handles::StatementImpl;
use odbc_api::parameter::InputParameter;
use odbc_api::{
    ColumnDescription, Cursor, CursorImpl, CursorRow, DataType, IntoParameter, Nullable,
    ResultSetMetadata, Utf16String, sys,
};

use super::decode::{self, Letters, Plan};
use super::dialect::is_written_out;
use super::fault::OdbcFault;
use super::line::{Block, Worker};
use crate::sql::ColumnInfo;

/// Memory for the rows of one fetch.
const FETCH_BYTES: usize = 4 * 1024 * 1024;

/// Rows handed on at a time when they are read one by one.
const ROWS: usize = 200;

/// A statement without what ties it to the machinery.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub text: String,
    pub params: Vec<Value>,
    pub max_rows: Option<usize>,
}

impl Query {
    fn bound(&self, worker: &Worker) -> Vec<Box<dyn InputParameter>> {
        self.params
            .iter()
            .filter(|value| !is_written_out(value, worker.dialect))
            .map(|value| bind(value, worker.letters))
            .collect()
    }
}

fn bind(value: &Value, letters: Letters) -> Box<dyn InputParameter> {
    match (value, letters) {
        (Value::Null, _) => Box::new(None::<String>.into_parameter()),
        (Value::Float(number), _) => Box::new(number.into_parameter()),
        (Value::Bytes(bytes), _) => Box::new(bytes.to_vec().into_parameter()),
        (value, Letters::Wide) => {
            Box::new(Utf16String::from_str(&value.to_string()).into_parameter())
        }
        (value, Letters::Narrow(_)) => Box::new(value.to_string().into_parameter()),
    }
}

type Found<'a> = CursorImpl<StatementImpl<'a>>;

/// None where the driver says there is no result at all, as mdbtools does of a COUNT that counts nothing.
fn execute<'a>(worker: &'a Worker, query: &Query) -> Result<Option<Found<'a>>, OdbcFault> {
    let seconds = worker.target.config.query_timeout_seconds as usize;
    let params = query.bound(worker);
    let run = |limit| worker.connection.execute(&query.text, &params[..], limit);
    match run(Some(seconds)) {
        Ok(found) => Ok(found),
        Err(error) => match OdbcFault::from(error) {
            // Not every driver can be told how long a query may take.
            fault if fault.is_unsupported() => Ok(run(None)?),
            fault => Err(fault),
        },
    }
}

/// The type of a column, asked in the one way or the other: mdbtools knows the second only.
fn kind(found: &mut impl ResultSetMetadata, at: u16) -> Result<DataType, OdbcFault> {
    if let Ok(kind) = found.col_data_type(at) {
        return Ok(kind);
    }
    let mut column = ColumnDescription::default();
    found.describe_col(at, &mut column)?;
    Ok(column.data_type)
}

fn plans(worker: &Worker, found: &mut impl ResultSetMetadata) -> Result<Vec<Plan>, OdbcFault> {
    let count = u16::try_from(found.num_result_cols()?).unwrap_or(0);
    (1..=count)
        .map(|at| Ok(Plan::of(kind(found, at)?, worker.dialect)))
        .collect()
}

/// The columns a query would return: by preparing it, or where the driver then does not know them, by running it and
/// reading no row.
pub(super) fn describe(worker: &Worker, query: &Query) -> Result<Vec<ColumnInfo>, OdbcFault> {
    let mut prepared = worker.connection.prepare(&query.text)?;
    let columns = infos(worker, &mut prepared);
    match columns {
        Ok(columns) if !columns.is_empty() => Ok(columns),
        Ok(_) | Err(OdbcFault::Answer { .. }) => {
            drop(prepared);
            match execute(worker, query)? {
                Some(mut found) => infos(worker, &mut found),
                None => Err(OdbcFault::Answer {
                    state: "07005".to_owned(),
                    message: "the statement returns no columns".to_owned(),
                }),
            }
        }
        Err(fault) => Err(fault),
    }
}

fn infos(
    worker: &Worker,
    found: &mut impl ResultSetMetadata,
) -> Result<Vec<ColumnInfo>, OdbcFault> {
    let count = u16::try_from(found.num_result_cols()?).unwrap_or(0);
    (1..=count)
        .map(|at| {
            let kind = kind(found, at)?;
            let nullable = found
                .col_nullability(at)
                .map_or(true, |known| known.could_be_nullable());
            Ok(Plan::of(kind, worker.dialect).info(kind, nullable, worker.dialect))
        })
        .collect()
}

/// Fetches many rows at a time. `hand_on` says whether anybody still listens.
pub(super) fn many(
    worker: &Worker,
    query: &Query,
    long: usize,
    hand_on: &mut dyn FnMut(Block) -> bool,
) -> Result<(), OdbcFault> {
    let Some(mut found) = execute(worker, query)? else {
        return Ok(());
    };
    let plans = plans(worker, &mut found)?;
    let buffers: Vec<_> = plans
        .iter()
        .map(|plan| plan.buffer(worker.letters, long))
        .collect();
    let row: usize = buffers.iter().map(|buffer| buffer.bytes_per_row()).sum();
    let mut rows = (FETCH_BYTES / row.max(1)).clamp(1, worker.target.config.rows_at_once as usize);
    let mut left = query.max_rows.unwrap_or(usize::MAX);
    rows = rows.min(left.max(1));
    let buffer = ColumnarDynBuffer::from_descs(rows, buffers);
    let mut cursor = found
        .bind_buffer(buffer)
        .map_err(|error| match OdbcFault::from(error) {
            fault if fault.is_unsupported() => OdbcFault::OneRowOnly,
            fault => fault,
        })?;
    while left > 0 {
        let Some(batch) = cursor.fetch()? else {
            break;
        };
        let count = batch.num_rows().min(left);
        left -= count;
        let mut block: Block = (0..count)
            .map(|_| {
                (
                    Vec::with_capacity(plans.len()),
                    plans.len() * size_of::<Value>(),
                )
            })
            .collect();
        for (at, plan) in plans.iter().enumerate() {
            column(*plan, worker.letters, batch.column(at), &mut block)?;
        }
        if !hand_on(block) {
            break;
        }
    }
    Ok(())
}

/// Adds one column of a batch to its rows.
fn column(
    plan: Plan,
    letters: Letters,
    cells: AnyColumnBufferSlice<'_>,
    block: &mut Block,
) -> Result<(), OdbcFault> {
    // The driver did not hand over what it was asked for.
    let wrong = || OdbcFault::OneRowOnly;
    match plan {
        Plan::Float => {
            let cells = cells.as_nullable_slice::<f64>().ok_or_else(wrong)?;
            fill(block, cells, |number| decode::float(*number));
        }
        Plan::Real => {
            let cells = cells.as_nullable_slice::<f32>().ok_or_else(wrong)?;
            fill(block, cells, |number| decode::real(*number));
        }
        Plan::Date => {
            let cells = cells.as_nullable_slice::<sys::Date>().ok_or_else(wrong)?;
            fill(block, cells, decode::date);
        }
        Plan::DateTime => {
            let cells = cells
                .as_nullable_slice::<sys::Timestamp>()
                .ok_or_else(wrong)?;
            fill(block, cells, decode::moment);
        }
        Plan::Bytes { .. } => {
            let cells = cells.as_binary().ok_or_else(wrong)?;
            if cells.has_truncated_values().is_some() {
                return Err(OdbcFault::Truncated);
            }
            fill(block, cells.iter(), |bytes| Value::Bytes(bytes.into()));
        }
        Plan::Text { .. } if matches!(letters, Letters::Wide) => {
            let cells = cells.as_wide_text().ok_or_else(wrong)?;
            check(
                cells.has_truncated_values(),
                cells.max_len(),
                |i| cells.content_length_at(i),
                block.len(),
            )?;
            let units = (0..block.len()).map(|i| cells.get(i));
            fill(block, units.collect::<Vec<_>>(), |units| plan.wide(units));
        }
        Plan::Text { .. } | Plan::Int | Plan::Decimal | Plan::Bit | Plan::Time | Plan::Moment => {
            let cells = cells.as_text().ok_or_else(wrong)?;
            check(
                cells.has_truncated_values(),
                cells.max_len(),
                |i| cells.content_length_at(i),
                block.len(),
            )?;
            let texts = (0..block.len()).map(|i| cells.get(i));
            fill(block, texts.collect::<Vec<_>>(), |bytes| {
                match (plan, letters) {
                    (Plan::Text { .. }, Letters::Narrow(alphabet)) => plan.narrow(bytes, alphabet),
                    _ => plan.digits(bytes),
                }
            });
        }
    }
    Ok(())
}

/// A cell that fills its buffer may have been cut, whatever the driver says.
fn check(
    told: Option<Indicator>,
    longest: usize,
    length: impl Fn(usize) -> Option<usize>,
    rows: usize,
) -> Result<(), OdbcFault> {
    let is_full = |row| length(row).is_some_and(|length| length >= longest);
    if told.is_some() || (0..rows).any(is_full) {
        return Err(OdbcFault::Truncated);
    }
    Ok(())
}

fn fill<T>(
    block: &mut Block,
    cells: impl IntoIterator<Item = Option<T>>,
    read: impl Fn(T) -> Value,
) {
    for ((values, bytes), cell) in block.iter_mut().zip(cells) {
        let value = cell.map_or(Value::Null, &read);
        *bytes += size(&value);
        values.push(value);
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// Reads row by row and cell by cell: slow, but every driver can, and no cell is too long.
pub(super) fn one_by_one(
    worker: &Worker,
    query: &Query,
    hand_on: &mut dyn FnMut(Block) -> bool,
) -> Result<(), OdbcFault> {
    let Some(mut found) = execute(worker, query)? else {
        return Ok(());
    };
    let plans = plans(worker, &mut found)?;
    let mut left = query.max_rows.unwrap_or(usize::MAX);
    let mut block = Block::with_capacity(ROWS);
    while left > 0 {
        let Some(mut row) = found.next_row()? else {
            break;
        };
        left -= 1;
        let mut values = Vec::with_capacity(plans.len());
        let mut bytes = plans.len() * size_of::<Value>();
        for (at, plan) in (1..).zip(&plans) {
            let value = cell(&mut row, at, *plan, worker.letters)?;
            bytes += size(&value);
            values.push(value);
        }
        block.push((values, bytes));
        if block.len() == ROWS
            && !hand_on(std::mem::replace(&mut block, Block::with_capacity(ROWS)))
        {
            return Ok(());
        }
    }
    hand_on(block);
    Ok(())
}

fn cell(
    row: &mut CursorRow<'_>,
    at: u16,
    plan: Plan,
    letters: Letters,
) -> Result<Value, OdbcFault> {
    Ok(match plan {
        Plan::Float => {
            let mut number = Nullable::<f64>::null();
            row.get_data(at, &mut number)?;
            number.into_opt().map_or(Value::Null, decode::float)
        }
        Plan::Real => {
            let mut number = Nullable::<f32>::null();
            row.get_data(at, &mut number)?;
            number.into_opt().map_or(Value::Null, decode::real)
        }
        Plan::Date => {
            let mut date = Nullable::<sys::Date>::null();
            row.get_data(at, &mut date)?;
            date.into_opt()
                .map_or(Value::Null, |date| decode::date(&date))
        }
        Plan::DateTime => {
            let mut moment = Nullable::<sys::Timestamp>::null();
            row.get_data(at, &mut moment)?;
            let moment = moment.into_opt();
            moment.map_or(Value::Null, |moment| decode::moment(&moment))
        }
        Plan::Bytes { .. } => {
            let mut bytes = Vec::new();
            match row.get_binary(at, &mut bytes)? {
                true => Value::Bytes(bytes.into()),
                false => Value::Null,
            }
        }
        Plan::Text { .. } if matches!(letters, Letters::Wide) => {
            let mut units = Vec::new();
            match row.get_wide_text(at, &mut units)? {
                true => plan.wide(&units),
                false => Value::Null,
            }
        }
        Plan::Text { .. } | Plan::Int | Plan::Decimal | Plan::Bit | Plan::Time | Plan::Moment => {
            let mut bytes = Vec::new();
            match (row.get_text(at, &mut bytes)?, plan, letters) {
                (false, ..) => Value::Null,
                (true, Plan::Text { .. }, Letters::Narrow(alphabet)) => {
                    plan.narrow(&bytes, alphabet)
                }
                (true, ..) => plan.digits(&bytes),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_fills_its_buffer_is_not_believed() {
        let full = |longest| check(None, longest, |row| [Some(3), None, Some(10)][row], 3);
        assert!(full(11).is_ok());
        assert!(matches!(full(10), Err(OdbcFault::Truncated)));
        let told = check(Some(Indicator::NoTotal), 11, |_| Some(1), 1);
        assert!(matches!(told, Err(OdbcFault::Truncated)));
    }
}
