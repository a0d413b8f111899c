//! One connection, as the shared machinery wants it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::value::Value;
use tokio::time::timeout;

use super::KIND;
use super::config::Target;
use super::decode::{Raw, Scale, scale_of, select_list};
use super::dialect::FirebirdDialect;
use super::fault::{self, FirebirdFault};
use super::line::{Line, Query};
use crate::connector::ConnectorKind;
use crate::error::{SourceError, SourceResult};
use crate::sql::{
    ColumnInfo, Dialect, KeyKind, RowSink, SqlFault, SqlSession, Statement, StreamQuery,
};

/// A connection and what was learnt of its columns.
pub(super) struct Session {
    line: Line,
    dialect: Arc<dyn Dialect>,
    /// By expression and tables: what its floats are.
    scales: HashMap<String, Scale>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.line.target.name())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub async fn open(target: &Arc<Target>) -> SourceResult<Self> {
        Ok(Self {
            line: Line::open(target).await?,
            dialect: Arc::new(FirebirdDialect),
            scales: HashMap::new(),
        })
    }

    /// All rows of a small query, as the server shows them.
    pub async fn ask(&mut self, query: &str) -> Result<Vec<Vec<Value>>, SqlFault> {
        let mut statement = Statement::new(&self.dialect);
        statement.push(query);
        let mut all = Vec::new();
        self.rows(&statement, &mut |row, _| all.push(row)).await?;
        Ok(all)
    }

    /// What the floats of these columns are. Asked of the server once for each expression.
    async fn learn_scales(
        &mut self,
        query: &Query,
        floats: &[usize],
    ) -> Result<Vec<Scale>, SqlFault> {
        let Some((list, tail)) = select_list(&query.text) else {
            return Ok(Vec::new());
        };
        let tables = tail.split(" WHERE ").next().unwrap_or(tail);
        let mut scales = vec![Scale::Unknown; list.len()];
        for at in floats {
            let Some(expression) = list.get(*at) else {
                continue;
            };
            let known = format!("{expression}{tables}");
            let scale = match self.scales.get(&known) {
                Some(scale) => *scale,
                None => {
                    let scale = self.ask_scale(expression, tail, query).await?;
                    self.scales.insert(known, scale);
                    scale
                }
            };
            scales[*at] = scale;
        }
        Ok(scales)
    }

    async fn ask_scale(
        &self,
        expression: &str,
        tail: &str,
        query: &Query,
    ) -> Result<Scale, SqlFault> {
        let is_aggregate = expression.starts_with("MAX(") || expression.starts_with("COUNT(");
        if expression.contains('?') || is_aggregate {
            return Ok(Scale::Float);
        }
        let third = Query {
            text: format!(
                "SELECT FIRST 1 CAST((COALESCE({expression}, 0) * 0 + 1) / 3 AS VARCHAR(64)){tail}"
            ),
            params: query.params.clone(),
            max_rows: Some(1),
        };
        let mut scale = Scale::Float;
        let mut hear = |row: Vec<Raw>| {
            if let Some(Raw::Text(text)) = row.first() {
                scale = scale_of(&String::from_utf8_lossy(text));
            }
        };
        match self.line.rows(third, &mut hear).await {
            Ok(()) => Ok(scale),
            Err(FirebirdFault::Answer { message, .. }) => {
                tracing::debug!(expression, message, "taken for a float");
                Ok(Scale::Float)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

#[async_trait]
impl SqlSession for Session {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    async fn rows(&mut self, statement: &Statement, row: RowSink<'_>) -> Result<(), SqlFault> {
        let query = Query {
            text: statement.text.clone(),
            params: statement.params.clone(),
            max_rows: statement.max_rows,
        };
        // A page: its floats are understood once it is whole.
        let mut page = Vec::new();
        self.line
            .rows(query.clone(), &mut |raw| page.push(raw))
            .await?;
        let width = page.first().map_or(0, Vec::len);
        let is_float = |at: &usize| page.iter().any(|raw| matches!(raw[*at], Raw::Float(_)));
        let floats: Vec<usize> = (0..width).filter(is_float).collect();
        let scales = match floats.is_empty() {
            true => Vec::new(),
            false => self.learn_scales(&query, &floats).await?,
        };
        let encoding = self.line.target.encoding;
        for raw in page {
            let mut bytes = raw.len() * size_of::<Value>();
            let values = raw.into_iter().enumerate().map(|(at, cell)| {
                bytes += cell.size();
                let scale = scales.get(at).copied().unwrap_or(Scale::Unknown);
                cell.value(scale, encoding)
            });
            let values = values.collect();
            row(values, bytes);
        }
        Ok(())
    }

    /// The driver does not tell types before rows come, so one row is read.
    async fn describe(&mut self, statement: &Statement) -> Result<Vec<ColumnInfo>, SqlFault> {
        self.line.check(statement.text.clone()).await?;
        let count = select_list(&statement.text).map_or(0, |(list, _)| list.len());
        let mut kinds = vec![KeyKind::ExactText; count];
        let mut one = statement.clone();
        if let Some(rest) = statement.text.strip_prefix("SELECT ") {
            one.text = format!("SELECT FIRST 1 {rest}");
        }
        one.max_rows = Some(1);
        self.rows(&one, &mut |row, _| {
            for (kind, value) in kinds.iter_mut().zip(&row) {
                *kind = match value {
                    Value::Int(_) | Value::Float(_) => KeyKind::Number,
                    Value::Decimal(_) => KeyKind::Decimal,
                    Value::Bool(_) => KeyKind::Bool,
                    Value::DateTime(_) => KeyKind::DateTime,
                    Value::Bytes(_) => KeyKind::Bytes,
                    _ => KeyKind::ExactText,
                };
            }
        })
        .await?;
        Ok(kinds.into_iter().map(ColumnInfo::of).collect())
    }

    async fn begin(&mut self) -> Result<(), SqlFault> {
        Ok(self.line.begin().await?)
    }

    async fn end(&mut self) -> Result<(), SqlFault> {
        Ok(self.line.end().await?)
    }

    fn explain(&self, fault: SqlFault, query: &StreamQuery) -> SourceError {
        fault::reading(query, fault)
    }

    async fn answers(&mut self) -> bool {
        let asked = self.ask("SELECT 1 FROM RDB$DATABASE");
        matches!(timeout(Duration::from_secs(5), asked).await, Ok(Ok(_)))
    }
}
