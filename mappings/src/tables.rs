//! Which tables and columns a mapping reads, told from the SQL of its streams; of files, the pattern of their names.
//!
//! No SQL parser: table names stand behind `FROM` and `JOIN`, and columns are written with the alias of their table in
//! front. What is written otherwise is passed over, so that a pack is never refused for a column that nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use fluxion_model::stream::{Capture, QuerySource, Source};

use crate::document::{RecognisedTable, Stream};

/// The tables that a stream reads, each with the columns that it takes from them. Names are as the stream writes them,
/// without quotes.
pub(crate) fn of_stream(stream: &Stream) -> Vec<RecognisedTable> {
    let mut found = Found::default();
    match &stream.source {
        Source::Query(query) => found.query(query, &marks(stream)),
        Source::Table(table) => found.add(&table.name, table.columns.iter().cloned()),
        Source::Files(files) => found.add(&files.pattern, files.required_columns.iter().cloned()),
        Source::Http(_) | Source::Event(_) => {}
    }
    for child in &stream.children {
        if let Some(query) = &child.query {
            found.query(query, &[]);
        }
        if let Some(table) = &child.table {
            found.add(&table.name, table.columns.iter().cloned());
        }
    }
    for changed in &stream.changes {
        let table = unquoted(&changed.table);
        // Logs and triggers want the schema, queries mostly go without.
        let bare = ["dbo.", "public."]
            .iter()
            .find_map(|schema| table.strip_prefix(schema));
        found.add(bare.unwrap_or(&table), changed.key.iter().cloned());
    }
    found.into_tables()
}

/// The columns by which changes are noticed must be there as well.
fn marks(stream: &Stream) -> Vec<&str> {
    let captures = std::iter::once(&stream.capture).chain(&stream.fallback);
    let columns = captures.filter_map(|capture| match capture {
        Capture::Watermark { columns, .. } => Some(columns),
        Capture::Diff | Capture::Log | Capture::Outbox | Capture::Arrival | Capture::Push => None,
    });
    columns.flatten().map(String::as_str).collect()
}

/// Names without regard to case, the first spelling kept.
#[derive(Debug, Default)]
struct Found(Vec<(String, BTreeMap<String, String>)>);

impl Found {
    fn add(&mut self, table: &str, columns: impl Iterator<Item = String>) {
        let at = self
            .0
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(table));
        let at = at.unwrap_or_else(|| {
            self.0.push((table.to_owned(), BTreeMap::new()));
            self.0.len() - 1
        });
        for column in columns {
            let column = unquoted(&column);
            self.0[at].1.entry(column.to_lowercase()).or_insert(column);
        }
    }

    fn query(&mut self, query: &QuerySource, marks: &[&str]) {
        let expressions: Vec<&str> = query
            .columns
            .values()
            .map(String::as_str)
            .chain(query.filter.as_deref())
            .chain(marks.iter().copied())
            .collect();
        let mut aliases = Vec::new();
        let mut columns = BTreeSet::new();
        scan(&query.from, Place::Table, &mut aliases, &mut columns);
        for expression in expressions {
            scan(expression, Place::Expression, &mut aliases, &mut columns);
        }
        for (table, alias) in &aliases {
            let own = columns
                .iter()
                .filter(|(of, _)| of.eq_ignore_ascii_case(alias));
            self.add(table, own.map(|(_, column)| column.clone()));
        }
    }

    fn into_tables(self) -> Vec<RecognisedTable> {
        let tables = self.0.into_iter().map(|(table, columns)| RecognisedTable {
            table,
            columns: columns.into_values().collect(),
        });
        tables.collect()
    }
}

/// What the next word can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The name of a table.
    Table,
    /// Behind a table's name: its alias, or a join.
    Behind,
    /// Anything else.
    Expression,
}

/// Words that end a table's name and are not its alias.
const AFTER_TABLE: &[&str] = &[
    "ON", "USING", "LEFT", "RIGHT", "INNER", "OUTER", "FULL", "CROSS", "NATURAL", "WHERE", "GROUP",
    "ORDER", "HAVING", "UNION", "LIMIT", "WITH", "FETCH",
];

/// Adds the tables with their aliases, and every `alias.column`, of a piece of SQL.
fn scan(
    sql: &str,
    start: Place,
    aliases: &mut Vec<(String, String)>,
    columns: &mut BTreeSet<(String, String)>,
) {
    let mut place = start;
    // Whether a comma leads to another table, for each open parenthesis.
    let mut in_from = vec![start == Place::Table];
    for word in words(sql) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if word == "(" {
            in_from.push(false);
            place = Place::Expression;
        } else if word == ")" {
            in_from.pop();
            place = Place::Expression;
        } else if word == "," {
            place = if in_from.last() == Some(&true) {
                Place::Table
            } else {
                Place::Expression
            };
        } else if is("FROM") || is("JOIN") || is("STRAIGHT_JOIN") {
            if let Some(last) = in_from.last_mut() {
                *last = true;
            }
            place = Place::Table;
        } else if ["SELECT", "WHERE", "GROUP", "ORDER", "HAVING"]
            .iter()
            .any(|word| is(word))
        {
            if let Some(last) = in_from.last_mut() {
                *last = false;
            }
            place = Place::Expression;
        } else if is("AS") {
        } else if place == Place::Table && begins_name(word) {
            let table = unquoted(word);
            let bare = table.rsplit('.').next().unwrap_or(&table).to_owned();
            aliases.push((table, bare));
            place = Place::Behind;
        } else if place == Place::Behind && begins_name(word) && !AFTER_TABLE.iter().any(|w| is(w))
        {
            if let Some(last) = aliases.last_mut() {
                last.1 = unquoted(word);
            }
            place = Place::Expression;
        } else {
            let word = unquoted(word);
            if let Some((alias, column)) = word.rsplit_once('.')
                && begins_name(&word)
                && !column.is_empty()
            {
                let alias = alias.rsplit('.').next().unwrap_or(alias);
                columns.insert((alias.to_owned(), column.to_owned()));
            }
            place = Place::Expression;
        }
    }
}

fn begins_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '[' | '`' | '"' | '{'))
}

fn unquoted(name: &str) -> String {
    name.replace(['`', '"', '[', ']'], "")
}

/// Names with their dots, quotes and settings, and single marks; texts are left out.
fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                rest = after(rest, '\'');
                continue;
            }
            c if is_part(c) || matches!(c, '"' | '`' | '[' | '{') => name(rest),
            c => c.len_utf8(),
        };
        if !first.is_whitespace() {
            words.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    words
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '.' | '@')
}

/// How long the name at the start is.
fn name(text: &str) -> usize {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '`' => after(rest, first),
            '[' => after(rest, ']'),
            '{' => after(rest, '}'),
            c if is_part(c) => &rest[c.len_utf8()..],
            _ => break,
        };
    }
    text.len() - rest.len()
}

/// Behind the next such sign after the first character, or nothing where there is none.
fn after(text: &str, close: char) -> &str {
    let inside = text.get(1..).unwrap_or_default();
    inside
        .find(close)
        .map_or("", |at| &inside[at + close.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str, expressions: &[&str]) -> Vec<(String, Vec<String>)> {
        let query = QuerySource {
            columns: expressions
                .iter()
                .enumerate()
                .map(|(at, sql)| (format!("c{at}"), (*sql).to_owned()))
                .collect(),
            from: from.to_owned(),
            filter: None,
        };
        let mut found = Found::default();
        found.query(&query, &[]);
        let tables = found.into_tables().into_iter();
        tables.map(|table| (table.table, table.columns)).collect()
    }

    fn table(name: &str, columns: &[&str]) -> (String, Vec<String>) {
        let columns = columns.iter().map(|column| (*column).to_owned());
        (name.to_owned(), columns.collect())
    }

    #[test]
    fn columns_go_by_the_alias_of_their_table() {
        assert_eq!(
            read(
                "items p LEFT JOIN stock AS s ON s.item_id = p.item_id AND s.location_id = {location_id}, shops",
                &[
                    "p.item_code",
                    "COALESCE(S.qty, 0)",
                    "shops.name",
                    "'p.text'"
                ]
            ),
            [
                table("items", &["item_code", "item_id"]),
                table("stock", &["item_id", "location_id", "qty"]),
                table("shops", &["name"]),
            ]
        );
    }

    #[test]
    fn tables_within_selects_count_and_what_is_made_of_them_does_not() {
        assert_eq!(
            read(
                "dbo.[saArticulo] a LEFT JOIN (SELECT t.co_art, MAX(t.monto) AS monto FROM saPrecio t WHERE t.x = 1 GROUP BY t.co_art) m ON m.co_art = a.co_art",
                &[
                    "a.art_des",
                    "m.monto",
                    "(SELECT MAX(r.tasa) FROM saTasa r WHERE r.co_mone = a.co_mone)"
                ]
            ),
            [
                table("dbo.saArticulo", &["art_des", "co_art", "co_mone"]),
                table("saPrecio", &["co_art", "monto", "x"]),
                table("saTasa", &["co_mone", "tasa"]),
            ]
        );
    }

    #[test]
    fn settings_stay_part_of_names() {
        assert_eq!(
            read(
                "{pos_database}.dbo.MA_PAGOS g JOIN INVE{company} i ON i.A = g.B",
                &["{pos_database}.x"]
            ),
            [
                table("{pos_database}.dbo.MA_PAGOS", &["B"]),
                table("INVE{company}", &["A"]),
            ]
        );
    }

    #[test]
    fn unfinished_sql_ends_somewhere() {
        for sql in [
            "", "'", "a 'b", "[a", "a.", "a.b.", "((", "))", "{", "ñ.ñ ñ",
        ] {
            read(sql, &[sql]);
        }
    }
}
