//! The parser's hand tools: looking at words and taking them.

use super::ast::{Name, Stated};
use super::lexer::{self, Kind, Token};
use crate::data::collation::Collation;
use crate::data::types::{MAX, SqlType};
use crate::error::SqlError;

pub(super) type Parsed<T> = Result<T, SqlError>;

pub(super) struct Parser<'a> {
    pub text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

/// The statements of a batch.
pub(crate) fn parse_batch(text: &str) -> Parsed<Vec<Stated>> {
    let mut parser = Parser::new(text)?;
    let mut statements = Vec::new();
    loop {
        while parser.sign(";") {}
        if parser.is_end() {
            return Ok(statements);
        }
        statements.push(parser.statement()?);
    }
}

/// `@P1 int, @P2 nvarchar(4000)`: the names and types of parameters.
pub(crate) fn parse_parameters(text: &str) -> Parsed<Vec<(String, SqlType)>> {
    let mut parser = Parser::new(text)?;
    let mut parameters = Vec::new();
    while !parser.is_end() {
        let name = parser.variable()?;
        parser.word("AS");
        let kind = parser.data_type()?;
        if parser.sign("=") {
            parser.expression()?;
        }
        if !parser.word("OUTPUT") {
            parser.word("OUT");
        }
        parameters.push((name, kind));
        if !parser.sign(",") {
            break;
        }
    }
    Ok(parameters)
}

/// Words that cannot be an alias without brackets.
const RESERVED: &[&str] = &[
    "ADD",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BREAK",
    "BY",
    "CASE",
    "CHECK",
    "CLOSE",
    "COLLATE",
    "COMMIT",
    "CONSTRAINT",
    "CONTINUE",
    "CONVERT",
    "CREATE",
    "CROSS",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DENY",
    "DESC",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXEC",
    "EXECUTE",
    "EXISTS",
    "FETCH",
    "FOR",
    "FOREIGN",
    "FROM",
    "FULL",
    "GO",
    "GRANT",
    "GROUP",
    "HAVING",
    "IDENTITY",
    "IF",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LEFT",
    "LIKE",
    "MERGE",
    "NOT",
    "NULL",
    "OF",
    "OFF",
    "ON",
    "OPEN",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PRIMARY",
    "PRINT",
    "RAISERROR",
    "REFERENCES",
    "RETURN",
    "REVOKE",
    "RIGHT",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TO",
    "TOP",
    "TRAN",
    "TRANSACTION",
    "TRIGGER",
    "TRUNCATE",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USE",
    "VALUES",
    "VIEW",
    "WAITFOR",
    "WHEN",
    "WHERE",
    "WHILE",
    "WITH",
];

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Parsed<Self> {
        Ok(Self {
            text,
            tokens: lexer::tokens(text)?,
            at: 0,
        })
    }

    pub fn peek(&self) -> &Kind {
        self.ahead(0)
    }

    pub fn ahead(&self, by: usize) -> &Kind {
        self.tokens
            .get(self.at + by)
            .map_or(&Kind::End, |token| &token.kind)
    }

    pub fn line(&self) -> u32 {
        self.token().map_or(1, |token| token.line)
    }

    /// Where the next word starts in the text.
    pub fn position(&self) -> usize {
        self.token().map_or(self.text.len(), |token| token.start)
    }

    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).or(self.tokens.last())
    }

    pub fn step(&mut self) {
        self.at += 1;
    }

    /// Where the parser stands, to come back to with [`Self::back`].
    pub fn mark(&self) -> usize {
        self.at
    }

    pub fn back(&mut self, mark: usize) {
        self.at = mark;
    }

    pub fn is_end(&self) -> bool {
        matches!(self.peek(), Kind::End)
    }

    pub fn fail<T>(&self) -> Parsed<T> {
        let near = match self.peek() {
            Kind::Word(text)
            | Kind::Quoted(text)
            | Kind::Variable(text)
            | Kind::Number(text)
            | Kind::Float(text) => text.clone(),
            Kind::Text(text, _) => text.clone(),
            Kind::Bytes(_) => "0x".to_owned(),
            Kind::Sign(sign) => (*sign).to_owned(),
            Kind::End => "end of batch".to_owned(),
        };
        Err(SqlError::syntax(&near, self.line()))
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.is_word_ahead(0, word)
    }

    pub fn is_word_ahead(&self, by: usize, word: &str) -> bool {
        matches!(self.ahead(by), Kind::Word(text) if text.eq_ignore_ascii_case(word))
    }

    pub fn is_sign_ahead(&self, by: usize, sign: &str) -> bool {
        matches!(self.ahead(by), Kind::Sign(found) if *found == sign)
    }

    /// Takes this word if it comes next.
    pub fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Takes these words if all of them come next.
    pub fn words(&mut self, words: &[&str]) -> bool {
        let found = (0..words.len()).all(|by| self.is_word_ahead(by, words[by]));
        if found {
            self.at += words.len();
        }
        found
    }

    pub fn need(&mut self, word: &str) -> Parsed<()> {
        if self.word(word) { Ok(()) } else { self.fail() }
    }

    pub fn sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign_ahead(0, sign);
        self.at += usize::from(found);
        found
    }

    pub fn need_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { self.fail() }
    }

    /// The next word in upper case, without taking it.
    pub fn upper(&self) -> String {
        match self.peek() {
            Kind::Word(text) => text.to_uppercase(),
            _ => String::new(),
        }
    }

    /// Any word, reserved or not, in upper case.
    pub fn any_word(&mut self) -> Parsed<String> {
        let word = self.upper();
        if word.is_empty() {
            return self.fail();
        }
        self.step();
        Ok(word)
    }

    /// A name, in brackets or not reserved.
    pub fn name(&mut self) -> Parsed<String> {
        let name = match self.peek() {
            Kind::Quoted(name) => name.clone(),
            Kind::Word(name) if !is_reserved(name) => name.clone(),
            _ => return self.fail(),
        };
        self.step();
        Ok(name)
    }

    /// A name where it could also be an ordinary word, such as a column called `key` behind a point.
    pub fn loose_name(&mut self) -> Parsed<String> {
        let name = match self.peek() {
            Kind::Quoted(name) | Kind::Word(name) => name.clone(),
            _ => return self.fail(),
        };
        self.step();
        Ok(name)
    }

    pub fn variable(&mut self) -> Parsed<String> {
        let Kind::Variable(name) = self.peek() else {
            return self.fail();
        };
        let name = name.clone();
        self.step();
        Ok(name)
    }

    pub fn text_literal(&mut self) -> Parsed<String> {
        let Kind::Text(text, _) = self.peek() else {
            return self.fail();
        };
        let text = text.clone();
        self.step();
        Ok(text)
    }

    pub fn integer(&mut self) -> Parsed<i64> {
        let negative = self.sign("-");
        let Kind::Number(text) = self.peek() else {
            return self.fail();
        };
        let Ok(number) = text.parse::<i64>() else {
            return self.fail();
        };
        self.step();
        Ok(if negative { -number } else { number })
    }

    /// An alias, if one comes next: `AS name`, `name`, `AS 'name'`.
    pub fn alias(&mut self) -> Parsed<Option<String>> {
        if self.word("AS") {
            if let Kind::Text(..) = self.peek() {
                return self.text_literal().map(Some);
            }
            return self.loose_name().map(Some);
        }
        match self.peek() {
            Kind::Quoted(_) => self.name().map(Some),
            Kind::Word(name) if !is_reserved(name) => self.name().map(Some),
            _ => Ok(None),
        }
    }

    /// `server.database.schema.object`, with empty parts as in `database..object`.
    pub fn object_name(&mut self) -> Parsed<Name> {
        let mut parts = vec![Some(self.name()?)];
        while self.sign(".") {
            if self.is_sign_ahead(0, ".") {
                parts.push(None);
            } else {
                parts.push(Some(self.loose_name()?));
            }
        }
        let Some(Some(object)) = parts.pop() else {
            return self.fail();
        };
        Ok(Name {
            object,
            schema: parts.pop().flatten(),
            database: parts.pop().flatten(),
        })
    }

    /// `(a, b, c)`.
    pub fn name_list(&mut self) -> Parsed<Vec<String>> {
        self.need_sign("(")?;
        let mut names = Vec::new();
        loop {
            names.push(self.loose_name()?);
            if !self.word("ASC") {
                self.word("DESC");
            }
            if !self.sign(",") {
                break;
            }
        }
        self.need_sign(")")?;
        Ok(names)
    }

    /// A type, with what stands in brackets behind it, and a collation if one follows.
    pub fn data_type(&mut self) -> Parsed<SqlType> {
        let line = self.line();
        let mut name = self.loose_name()?.to_lowercase();
        if self.sign(".") {
            name = self.loose_name()?.to_lowercase();
        }
        match name.as_str() {
            "double" => {
                self.word("PRECISION");
            }
            "character" | "char" if self.word("VARYING") => name = "varchar".to_owned(),
            _ => {}
        }
        let mut arguments = Vec::new();
        if self.is_sign_ahead(0, "(") && name != "xml" {
            self.step();
            loop {
                if self.word("MAX") {
                    arguments.push(MAX);
                } else {
                    let number = self.integer()?;
                    arguments.push(u16::try_from(number).unwrap_or(0));
                }
                if !self.sign(",") {
                    break;
                }
            }
            self.need_sign(")")?;
        }
        let collation = if self.is_word("COLLATE") {
            self.collation()?
        } else {
            Collation::default_one()
        };
        SqlType::named(&name, &arguments, collation).ok_or_else(|| {
            let mut error = SqlError::general(
                2715,
                format!("Column, parameter, or variable: Cannot find data type {name}."),
            );
            error.line = line;
            error
        })
    }

    pub fn collation(&mut self) -> Parsed<&'static Collation> {
        self.need("COLLATE")?;
        let line = self.line();
        let name = self.loose_name()?;
        Collation::named(&name).ok_or_else(|| {
            let mut error = SqlError::general(448, format!("Invalid collation '{name}'."));
            error.line = line;
            error
        })
    }

    pub fn comma_list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut list = vec![one(self)?];
        while self.sign(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }
}

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED
        .binary_search(&name.to_uppercase().as_str())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_in_order_for_the_search() {
        assert!(RESERVED.is_sorted());
    }
}
