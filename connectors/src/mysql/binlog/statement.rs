//! Statements in the log: in row format they are the few that change a table as a whole, or its columns. Anything else
//! that touches a followed table was logged as a statement and tells no keys.

/// What a statement means for the tables that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A transaction begins.
    Begin,
    /// A transaction ends. Also a rolled back one that is logged: it changed tables without transactions.
    End,
    /// Part of a two-phase transaction that another statement ends.
    XaPart,
    /// A prepared transaction is carried out.
    XaCommit,
    /// A prepared transaction is given up.
    XaRollback,
    /// Nothing of interest.
    Nothing,
    /// The columns of a followed table changed.
    Altered,
    /// All rows of a followed table changed, or it is another table now.
    Replaced,
    /// Rows of a followed table changed, and nothing tells which.
    Unlogged,
}

/// A table as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableName {
    pub database: String,
    pub table: String,
}

impl TableName {
    /// `items` or `pos.items`, with or without backquotes.
    pub fn parse(name: &str, default_database: &str) -> Self {
        let tokens = tokens(name);
        match tokens.as_slice() {
            [database, dot, table, ..] if dot == "." => Self {
                database: database.clone(),
                table: table.clone(),
            },
            [table, ..] => Self {
                database: default_database.to_owned(),
                table: table.clone(),
            },
            [] => Self {
                database: default_database.to_owned(),
                table: String::new(),
            },
        }
    }

    /// Servers differ in whether case matters; a key too many is read for nothing, a key too few is lost.
    pub fn is(&self, database: &str, table: &str) -> bool {
        self.database.eq_ignore_ascii_case(database) && self.table.eq_ignore_ascii_case(table)
    }
}

/// Reads a statement; `database` is the one it ran in.
pub(super) fn meaning(text: &str, database: &str, followed: &[TableName]) -> Meaning {
    // A megabyte of values has its table at the beginning.
    let mut end = text.len().min(64 * 1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = tokens(&text[..end]);
    let word = |at: usize| words.get(at).map(|word| word.to_ascii_uppercase());
    let (first, second) = (word(0).unwrap_or_default(), word(1).unwrap_or_default());
    let is_followed = |names: &[String]| mentions(names, database, followed);
    match (first.as_str(), second.as_str()) {
        ("BEGIN", _) | ("START", "TRANSACTION") => Meaning::Begin,
        ("COMMIT", _) => Meaning::End,
        ("ROLLBACK", "TO") | ("SAVEPOINT" | "RELEASE", _) => Meaning::Nothing,
        ("ROLLBACK", _) => Meaning::End,
        ("XA", "COMMIT") => Meaning::XaCommit,
        ("XA", "ROLLBACK") => Meaning::XaRollback,
        ("XA", _) => Meaning::XaPart,
        (
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "LOAD" | "CALL" | "WITH" | "DO" | "SELECT",
            _,
        ) => {
            if is_followed(&words) {
                Meaning::Unlogged
            } else {
                Meaning::Nothing
            }
        }
        ("TRUNCATE" | "RENAME", _) if is_followed(&words) => Meaning::Replaced,
        ("DROP", "DATABASE" | "SCHEMA") => {
            let drops = |table: &TableName| {
                words[2..]
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&table.database))
            };
            if followed.iter().any(drops) {
                Meaning::Replaced
            } else {
                Meaning::Nothing
            }
        }
        ("CREATE" | "DROP" | "ALTER", _) => table_statement(&first, &words, database, followed),
        _ => Meaning::Nothing,
    }
}

fn table_statement(
    first: &str,
    words: &[String],
    database: &str,
    followed: &[TableName],
) -> Meaning {
    let is_table =
        |word: &String| word.eq_ignore_ascii_case("TABLE") || word.eq_ignore_ascii_case("TABLES");
    // `CREATE OR REPLACE TEMPORARY TABLE`, `ALTER ONLINE IGNORE TABLE`; beyond that it is an index, a view, a trigger.
    let Some(at) = words.iter().take(5).position(is_table) else {
        return Meaning::Nothing;
    };
    let noise = ["IF", "NOT", "EXISTS"];
    let names: Vec<String> = words[at + 1..]
        .iter()
        .skip_while(|word| noise.iter().any(|noise| word.eq_ignore_ascii_case(noise)))
        .cloned()
        .collect();
    let has = |wanted: &[&str]| {
        names
            .iter()
            .any(|word| wanted.iter().any(|one| word.eq_ignore_ascii_case(one)))
    };
    match first {
        "DROP" if mentions(&names, database, followed) => Meaning::Replaced,
        // Only what is made: `CREATE TABLE copy LIKE items` is of no interest.
        "CREATE" => {
            let is_qualified = names.get(1).is_some_and(|word| word == ".");
            let length = if is_qualified { 3 } else { 1 };
            if mentions(&names[..names.len().min(length)], database, followed) {
                Meaning::Replaced
            } else {
                Meaning::Nothing
            }
        }
        // `ALTER TABLE x RENAME TO items`, `... EXCHANGE PARTITION p WITH TABLE items`.
        "ALTER" if mentions(&names, database, followed) => {
            let renames_table = has(&["RENAME"]) && !has(&["COLUMN", "INDEX", "KEY"]);
            if renames_table || has(&["PARTITION", "PARTITIONING", "TABLESPACE"]) {
                Meaning::Replaced
            } else {
                Meaning::Altered
            }
        }
        _ => Meaning::Nothing,
    }
}

/// Whether one of the tables is among these words.
fn mentions(words: &[String], database: &str, followed: &[TableName]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let qualified = at >= 2 && words[at - 1] == ".";
        let database = if qualified { &words[at - 2] } else { database };
        followed.iter().any(|table| table.is(database, word))
    })
}

/// Words, names without their quotes, and dots. Comments and text in single quotes are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("/*") {
            // `/*!40000 ALTER TABLE ... */` is carried out.
            let after = after.strip_prefix("M!").or_else(|| after.strip_prefix('!'));
            rest = match after {
                Some(code) => code.trim_start_matches(|c: char| c.is_ascii_digit()),
                None => rest.split_once("*/").map_or("", |(_, after)| after),
            };
            continue;
        }
        if c == '#' || rest.starts_with("-- ") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let taken = match c {
            '`' | '"' | '\'' => {
                let (inside, length) = quoted(rest, c);
                if c != '\'' {
                    tokens.push(inside);
                }
                length
            }
            '.' => {
                tokens.push(".".to_owned());
                1
            }
            c if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(rest[..length].to_owned());
                length
            }
            c => c.len_utf8(),
        };
        rest = &rest[taken..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// What stands between quotes, and how long it is with them. A doubled quote is one, and a backslash hides the next.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    inside.push(quote);
                    chars.next();
                }
                _ => return (inside, at + 1),
            }
        } else if c == '\\' && quote != '`' {
            chars.next();
        } else {
            inside.push(c);
        }
    }
    (inside, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Meaning {
        let followed = [
            TableName::parse("items", "pos"),
            TableName::parse("`other`.`Mov`", "pos"),
        ];
        meaning(text, "pos", &followed)
    }

    #[test]
    fn transactions_are_told_by_their_brackets() {
        assert_eq!(read("BEGIN"), Meaning::Begin);
        assert_eq!(read("COMMIT"), Meaning::End);
        assert_eq!(read("ROLLBACK"), Meaning::End);
        assert_eq!(read("ROLLBACK TO `a`"), Meaning::Nothing);
        assert_eq!(read("XA COMMIT X'61',X'',1"), Meaning::XaCommit);
        assert_eq!(read("XA START X'61',X'',1"), Meaning::XaPart);
    }

    #[test]
    fn statements_on_followed_tables_tell_no_keys() {
        assert_eq!(read("UPDATE items SET price = 1"), Meaning::Unlogged);
        assert_eq!(
            read("insert into `pos`.`Items` values (1, 'x')"),
            Meaning::Unlogged
        );
        assert_eq!(read("INSERT INTO other.mov VALUES (1)"), Meaning::Unlogged);
        assert_eq!(read("INSERT INTO other.items VALUES (1)"), Meaning::Nothing);
        assert_eq!(read("INSERT INTO mov VALUES (1)"), Meaning::Nothing);
        assert_eq!(
            read("INSERT INTO notes VALUES ('all items')"),
            Meaning::Nothing
        );
    }

    #[test]
    fn a_table_that_is_emptied_dropped_or_swapped_is_another_one() {
        for text in [
            "TRUNCATE TABLE items",
            "TRUNCATE items",
            "DROP TABLE IF EXISTS `a`, `items` /* generated by server */",
            "RENAME TABLE items TO items_old, items_new TO items",
            "ALTER TABLE items_new RENAME TO items",
            "ALTER TABLE items DROP PARTITION p1",
            "CREATE TABLE items (id int)",
            "CREATE OR REPLACE TABLE `items` AS SELECT 1",
            "DROP DATABASE pos",
            "/*!40000 DROP TABLE items */",
        ] {
            assert_eq!(read(text), Meaning::Replaced, "{text}");
        }
    }

    #[test]
    fn new_columns_are_noticed_and_what_concerns_no_row_is_not() {
        assert_eq!(
            read("ALTER TABLE items ADD COLUMN brand int FIRST"),
            Meaning::Altered
        );
        assert_eq!(
            read("alter online table `pos`.`items` rename column a to b"),
            Meaning::Altered
        );
        for text in [
            "CREATE INDEX i ON items (a)",
            "CREATE TABLE backup LIKE items",
            "CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW SET @a = 1",
            "CREATE VIEW v AS SELECT * FROM items",
            "ANALYZE TABLE items",
            "ALTER TABLE notes ADD c int",
            "# Dummy event replacing event type 160",
            "GRANT SELECT ON pos.items TO x",
            "",
        ] {
            assert_eq!(read(text), Meaning::Nothing, "{text}");
        }
    }
}
