//! What can be told of a FROM clause without asking the server.

use super::session::Lexis;

/// The sign that closes what this one opens, where it opens a quote at all.
pub(super) fn closing(open: u8, lexis: Lexis) -> Option<u8> {
    match open {
        b'\'' | b'"' => Some(open),
        b'`' if lexis.backticks => Some(b'`'),
        b'[' if lexis.brackets => Some(b']'),
        _ => None,
    }
}

/// Past the closing quote; a doubled or escaped one does not close.
pub(super) fn end_of_quote(text: &str, close: u8, lexis: Lexis) -> Option<usize> {
    let escapes = lexis.backslash_escapes && matches!(close, b'\'' | b'"');
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 1,
            byte if byte == close && bytes.get(at + 1) == Some(&close) => at += 1,
            byte if byte == close => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A table of a FROM clause.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    pub name: String,
    pub alias: String,
}

impl Table {
    pub fn is_called(&self, name: &str) -> bool {
        unquoted(&self.alias).eq_ignore_ascii_case(&unquoted(name))
    }
}

/// Without the quotes of any dialect.
pub(super) fn unquoted(name: &str) -> String {
    name.replace(['`', '"', '[', ']'], "")
}

/// Whether an expression mentions a column as the server names it in its messages.
pub(super) fn mentions(sql: &str, column: &str, lexis: Lexis) -> bool {
    let column = unquoted(column).to_lowercase();
    let is_column = |word: &str| {
        word == column || !column.contains('.') && word.rsplit('.').next() == Some(column.as_str())
    };
    words(&unquoted(sql).to_lowercase(), lexis)
        .iter()
        .any(|word| is_column(word))
}

/// The table that alone owns a column such as `p.updated_at`, and the column's bare name.
pub(super) fn owner<'a>(column: &'a str, tables: &'a [Table]) -> Option<(&'a str, &'a str)> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '`' | '"' | '[' | ']'))
    };
    match column.split_once('.') {
        Some((alias, name)) if is_name(alias) && is_name(name) => tables
            .iter()
            .find(|table| table.is_called(alias))
            .map(|table| (name, table.name.as_str())),
        None if is_name(column) && tables.len() == 1 => Some((column, tables[0].name.as_str())),
        _ => None,
    }
}

/// Words that end a table's name and are not its alias.
const AFTER_TABLE: [&str; 16] = [
    "LEFT",
    "RIGHT",
    "INNER",
    "CROSS",
    "JOIN",
    "STRAIGHT_JOIN",
    "NATURAL",
    "ON",
    "USING",
    "USE",
    "FORCE",
    "IGNORE",
    "PARTITION",
    "OUTER",
    "FULL",
    "WITH",
];

/// The plain tables of a FROM clause and what it calls them; derived tables are passed over.
pub(super) fn tables(from: &str, lexis: Lexis) -> Vec<Table> {
    let words = words(from, lexis);
    let mut found = Vec::new();
    let (mut depth, mut expected) = (0_u32, true);
    let mut at = 0;
    while at < words.len() {
        let word = words[at];
        at += 1;
        match word {
            "(" => {
                depth += 1;
                expected = false;
            }
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => expected = true,
            _ if depth > 0 => {}
            _ if word.eq_ignore_ascii_case("JOIN")
                || word.eq_ignore_ascii_case("STRAIGHT_JOIN") =>
            {
                expected = true
            }
            name if expected => {
                expected = false;
                if words
                    .get(at)
                    .is_some_and(|word| word.eq_ignore_ascii_case("AS"))
                {
                    at += 1;
                }
                let alias = words.get(at).copied().filter(|word| {
                    !AFTER_TABLE
                        .iter()
                        .any(|ending| ending.eq_ignore_ascii_case(word))
                        && !matches!(*word, "(" | ")" | ",")
                });
                let bare = name.rsplit('.').next().unwrap_or(name);
                found.push(Table {
                    name: name.to_owned(),
                    alias: alias.unwrap_or(bare).to_owned(),
                });
            }
            _ => {}
        }
    }
    found
}

/// Names with their dots and quotes, and single punctuation marks; text in quotes is one word.
fn words(sql: &str, lexis: Lexis) -> Vec<&str> {
    let quotes_name = |c: char| match c {
        '`' => lexis.backticks,
        '[' => lexis.brackets,
        '"' => lexis.double_quoted_names,
        _ => false,
    };
    let past_quote = |at: usize, open: char| {
        let close = if open == '[' { b']' } else { open as u8 };
        at + end_of_quote(&sql[at..], close, lexis).unwrap_or(sql.len() - at)
    };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '#');
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let start = at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if is_part(c) || quotes_name(c) {
            while let Some(c) = sql[at..].chars().next() {
                if quotes_name(c) {
                    at = past_quote(at, c);
                } else if is_part(c) {
                    at += c.len_utf8();
                } else {
                    break;
                }
            }
        } else if matches!(c, '\'' | '"') {
            at = past_quote(at, c);
        } else {
            at += c.len_utf8();
        }
        words.push(&sql[start..at]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const MYSQL: Lexis = Lexis {
        backticks: true,
        brackets: false,
        double_quoted_names: false,
        backslash_escapes: true,
        question_mark_binds: true,
    };
    const TSQL: Lexis = Lexis {
        backticks: false,
        brackets: true,
        double_quoted_names: true,
        backslash_escapes: false,
        question_mark_binds: false,
    };

    fn names(from: &str, lexis: Lexis) -> Vec<(String, String)> {
        tables(from, lexis)
            .into_iter()
            .map(|table| (table.name, table.alias))
            .collect()
    }

    fn pair(name: &str, alias: &str) -> (String, String) {
        (name.to_owned(), alias.to_owned())
    }

    #[test]
    fn the_tables_of_a_join_are_found_with_their_aliases() {
        assert_eq!(names("items", MYSQL), [pair("items", "items")]);
        assert_eq!(
            names(
                "pos.items AS p LEFT JOIN `stock` s ON s.item_id = p.item_id AND s.loc = ?",
                MYSQL
            ),
            [pair("pos.items", "p"), pair("`stock`", "s")]
        );
        assert_eq!(
            names("a, b x CROSS JOIN c USE INDEX (i)", MYSQL),
            [pair("a", "a"), pair("b", "x"), pair("c", "c")]
        );
        assert_eq!(
            names("(SELECT 1 FROM hidden) d JOIN t ON 1", MYSQL),
            [pair("t", "t")]
        );
        assert_eq!(
            names(
                "[dbo].[MA PRODUCTOS] p WITH (NOLOCK) JOIN \"s\".\"x\" ON 1=1",
                TSQL
            ),
            [
                pair("[dbo].[MA PRODUCTOS]", "p"),
                pair("\"s\".\"x\"", "\"x\"")
            ]
        );
    }

    #[test]
    fn a_mark_is_asked_of_the_table_that_owns_it() {
        let tables = tables("items p LEFT JOIN stock s ON s.id = p.id", MYSQL);
        assert_eq!(
            owner("s.updated_at", &tables),
            Some(("updated_at", "stock"))
        );
        assert_eq!(owner("GREATEST(s.a, p.b)", &tables), None);
        assert_eq!(owner("updated_at", &tables), None);
    }

    #[test]
    fn a_message_about_a_column_finds_who_reads_it() {
        assert!(mentions(
            "COALESCE(p.`sale_price`, 0)",
            "p.sale_price",
            MYSQL
        ));
        assert!(!mentions("p.sale_price_2", "p.sale_price", MYSQL));
        assert!(mentions("p.[n_precio] * 2", "n_precio", TSQL));
    }
}
