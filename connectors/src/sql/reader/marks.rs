//! The highest values of a stream's watermark columns, and the clocks they are held against.

use chrono::{Local, NaiveDateTime, Utc};
use fluxion_model::value::Value;

use super::Reader;
use crate::error::{SourceError, SourceResult};
use crate::sql::position::Mark;
use crate::sql::query::{StreamQuery, invalid};
use crate::sql::watermark::{NoMark, Times};

impl Reader {
    /// The highest value of each watermark column.
    pub async fn marks(&mut self, last: &[Mark]) -> SourceResult<Vec<Mark>> {
        let query = self.query.clone();
        let Some(watermark) = &query.watermark else {
            return Ok(Vec::new());
        };
        let mut values = Vec::new();
        let statement = query.high_marks(watermark);
        let result = self
            .session
            .rows(&statement, &mut |row, _| values = row)
            .await;
        result.map_err(|fault| self.explain(fault))?;
        let (clock, highest) = match query.dialect.clock() {
            Some(_) => (clock(&values), values.get(2..).unwrap_or_default()),
            None => (this_pc(), &values[..]),
        };
        let mut marks = Vec::with_capacity(watermark.columns.len());
        for (i, column) in watermark.columns.iter().enumerate() {
            let highest = match highest.get(i) {
                // The highest date is a zero date: there is none yet.
                None | Some(Value::Undecodable(_)) => &Value::Null,
                Some(value) => value,
            };
            let mark = watermark.mark(highest, clock, last.get(i));
            marks.push(mark.map_err(|why| no_mark(&query, &column.text, why))?);
        }
        Ok(marks)
    }
}

fn clock(values: &[Value]) -> Times {
    let moment = |at: usize| match values.get(at) {
        Some(Value::DateTime(moment)) => Some(*moment),
        Some(Value::Timestamp(moment)) => Some(moment.naive_utc()),
        _ => None,
    };
    let utc = moment(0).unwrap_or_else(|| Utc::now().naive_utc());
    Times {
        utc: utc.and_utc(),
        local: moment(1).unwrap_or(utc),
    }
}

fn this_pc() -> Times {
    let local: NaiveDateTime = Local::now().naive_local();
    Times {
        utc: Utc::now(),
        local,
    }
}

fn no_mark(query: &StreamQuery, column: &str, why: NoMark) -> SourceError {
    let reason = match why {
        NoMark::Text => format!(
            "watermark column {column} holds no date and no number; give the `format` of its text, or use \"diff\""
        ),
        NoMark::Misfit => format!(
            "the highest value of watermark column {column} does not fit its `format`; correct the format, or the value in the POS"
        ),
        NoMark::WentBack => {
            let why =
                "the database's rowversion is lower than it was, so it was restored from a backup";
            tracing::warn!(stream = %query.name, "{why}; everything is read again and compared");
            let action = format!("go on after the last change of stream {}", query.name);
            return SourceError::resnapshot(query.kind, action, why);
        }
    };
    invalid(query.kind, &query.name, &reason)
}
