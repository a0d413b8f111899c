//! Pieces of SQL with their bound values.

use std::sync::Arc;

use fluxion_model::value::Value;

use super::query::invalid;
use super::session::{Dialect, RowLimit};
use crate::connector::{ConnectorKind, Settings};
use crate::error::{SourceError, SourceResult};

/// A piece of SQL with its settings bound.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fragment {
    /// With `?` for each setting.
    pub text: String,
    /// Where each of these `?` stands, and its value.
    params: Vec<(usize, Value)>,
}

/// A query being put together.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// In the dialect's spelling.
    pub text: String,
    /// In the order of their placeholders.
    pub params: Vec<Value>,
    /// How many rows are wanted at most; the session stops reading there.
    pub max_rows: Option<usize>,
    dialect: Arc<dyn Dialect>,
    has_conditions: bool,
}

impl Statement {
    pub fn new(dialect: &Arc<dyn Dialect>) -> Self {
        Self {
            text: String::new(),
            params: Vec::new(),
            max_rows: None,
            dialect: Arc::clone(dialect),
            has_conditions: false,
        }
    }

    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    pub fn fragment(&mut self, fragment: &Fragment) -> &mut Self {
        let mut from = 0;
        for (at, value) in &fragment.params {
            self.text.push_str(&fragment.text[from..*at]);
            self.bind(value.clone());
            from = at + 1;
        }
        self.push(&fragment.text[from..])
    }

    /// A bound value, as the dialect writes it.
    pub fn bind(&mut self, value: Value) -> &mut Self {
        let number = self.params.len() + 1;
        self.dialect.placeholder(&mut self.text, number, &value);
        self.params.push(value);
        self
    }

    /// Begins one more condition that must hold.
    pub fn and(&mut self) -> &mut Self {
        let joint = if self.has_conditions {
            " AND "
        } else {
            " WHERE "
        };
        self.has_conditions = true;
        self.push(joint)
    }

    /// What a limit writes before the columns.
    pub fn limit_first(&mut self, rows: usize) {
        match self.dialect.row_limit() {
            RowLimit::Top => {
                self.push("TOP (").bind(count(rows)).push(") ");
            }
            RowLimit::PlainTop => {
                self.push(&format!("TOP {rows} "));
            }
            RowLimit::First => {
                self.push(&format!("FIRST {rows} "));
            }
            RowLimit::Limit | RowLimit::Fetch | RowLimit::Session => {}
        }
        self.max_rows = Some(rows);
    }

    /// What a limit writes at the end.
    pub fn limit_last(&mut self, rows: usize) {
        match self.dialect.row_limit() {
            RowLimit::Limit => {
                self.push(" LIMIT ").bind(count(rows));
            }
            RowLimit::Fetch => {
                self.push(&format!(" FETCH FIRST {rows} ROWS ONLY"));
            }
            RowLimit::Top | RowLimit::PlainTop | RowLimit::First | RowLimit::Session => {}
        }
        self.max_rows = Some(rows);
    }
}

fn count(rows: usize) -> Value {
    Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}

impl Fragment {
    /// Binds `{setting}` outside of quotes.
    pub fn compile(
        sql: &str,
        settings: &Settings,
        stream: &str,
        (kind, dialect): (ConnectorKind, &dyn Dialect),
    ) -> SourceResult<Self> {
        let lexis = dialect.lexis();
        let mut fragment = Self::default();
        let mut rest = sql.trim();
        while let Some(at) = rest.find(['\'', '"', '`', '[', '{', '?']) {
            fragment.text.push_str(&rest[..at]);
            rest = &rest[at..];
            let taken = match rest.as_bytes()[0] {
                b'{' => fragment.setting(rest, settings, (kind, stream))?,
                b'?' if lexis.question_mark_binds => {
                    return Err(invalid(
                        kind,
                        stream,
                        "`?` has no value; write `{setting}` instead",
                    ));
                }
                first => match super::tables::closing(first, lexis) {
                    Some(close) => {
                        let end =
                            super::tables::end_of_quote(rest, close, lexis).ok_or_else(|| {
                                invalid(kind, stream, &format!("a quote is left open in {sql:?}"))
                            })?;
                        fragment.text.push_str(&rest[..end]);
                        end
                    }
                    None => {
                        fragment.text.push_str(&rest[..1]);
                        1
                    }
                },
            };
            rest = &rest[taken..];
        }
        fragment.text.push_str(rest);
        Ok(fragment)
    }

    fn setting(
        &mut self,
        rest: &str,
        settings: &Settings,
        (kind, stream): (ConnectorKind, &str),
    ) -> SourceResult<usize> {
        let end = rest
            .find('}')
            .ok_or_else(|| invalid(kind, stream, "a `{` is not closed"))?;
        let name = rest[1..end].trim();
        let Some(value) = settings.get(name) else {
            let hint = format!(
                "Stream {stream:?} needs the setting `{name}`: give it under `settings` of the POS system."
            );
            let action = format!("open stream {stream}");
            return Err(SourceError::ask(
                kind,
                action,
                "missing_setting",
                hint,
                format!("no setting {name:?}"),
            ));
        };
        self.params.push((self.text.len(), value.clone()));
        self.text.push('?');
        Ok(end + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::session::tests::Plain;
    use super::*;

    fn compile(sql: &str, settings: &Settings) -> SourceResult<Fragment> {
        Fragment::compile(sql, settings, "stock", (ConnectorKind::Mysql, &Plain))
    }

    #[test]
    fn settings_are_bound_and_text_in_quotes_is_left_alone() {
        let settings = BTreeMap::from([("location_id".to_owned(), Value::Int(7))]);
        let fragment = compile(
            "s.loc = {location_id} AND s.note <> '{x} it''s ?' AND s.list[1] = {location_id}",
            &settings,
        )
        .unwrap();
        let mut statement = Statement::new(&(Arc::new(Plain) as Arc<dyn Dialect>));
        statement.fragment(&fragment);
        assert_eq!(
            statement.text,
            "s.loc = ? AND s.note <> '{x} it''s ?' AND s.list[1] = ?"
        );
        assert_eq!(statement.params, [Value::Int(7), Value::Int(7)]);
    }

    #[test]
    fn a_setting_that_is_not_given_is_named() {
        let error = compile("a = {location_id}", &BTreeMap::new()).unwrap_err();
        assert!(error.hint().unwrap().contains("location_id"), "{error:?}");
    }
}
