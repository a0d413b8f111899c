//! From text to words.

use crate::data::convert::hex;
use crate::error::SqlError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A keyword or a plain name.
    Word(String),
    /// `[name]` or `"name"`.
    Quoted(String),
    /// `@name` or `@@name`.
    Variable(String),
    /// `'text'`, and whether an `N` stood before it.
    Text(String, bool),
    /// Digits with a point, or without.
    Number(String),
    /// With an exponent.
    Float(String),
    Bytes(Vec<u8>),
    /// One or two signs.
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub line: u32,
    /// Where it starts in the text.
    pub start: usize,
}

const SIGNS: &[&str] = &[
    "<>", "<=", ">=", "!=", "!<", "!>", "+=", "-=", "*=", "/=", "::", "(", ")", ",", ";", ".", "=",
    "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "~", ":", "{", "}",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    tokens: Vec<Token>,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        tokens: Vec::new(),
    };
    while lexer.step()? {}
    Ok(lexer.tokens)
}

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '#')
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '@' | '$')
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += u32::try_from(passed.matches('\n').count()).unwrap_or(0);
        self.at += bytes;
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        self.tokens.push(Token {
            kind,
            line: self.line,
            start: self.at,
        });
        self.skip(bytes);
    }

    /// Takes one word; false at the end.
    fn step(&mut self) -> Result<bool, SqlError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.push(Kind::End, 0);
            return Ok(false);
        };
        if first.is_whitespace() || first == '\u{feff}' {
            self.skip(first.len_utf8());
        } else if rest.starts_with("--") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            let length = self.comment()?;
            self.skip(length);
        } else if first == '\'' || (matches!(first, 'N' | 'n') && rest[1..].starts_with('\'')) {
            let prefix = usize::from(first != '\'');
            let (text, length) = self.quoted(prefix, '\'')?;
            self.push(Kind::Text(text, prefix == 1), length + prefix);
        } else if first == '[' || first == '"' {
            let close = if first == '[' { ']' } else { '"' };
            let (text, length) = self.quoted(0, close)?;
            self.push(Kind::Quoted(text), length);
        } else if rest.starts_with("0x") || rest.starts_with("0X") {
            let length = length_while(&rest[2..], |c| c.is_ascii_hexdigit()) + 2;
            let mut digits = rest[2..length].to_owned();
            if digits.len() % 2 == 1 {
                digits.insert(0, '0');
            }
            self.push(Kind::Bytes(hex(&digits).unwrap_or_default()), length);
        } else if first.is_ascii_digit() || (first == '.' && second_is_digit(rest)) {
            self.number();
        } else if first == '@' {
            let length = length_while(rest, |c| continues_name(c) || c == '@');
            let name = rest[..length].to_lowercase();
            self.push(Kind::Variable(name), length);
        } else if begins_name(first) {
            let length = length_while(rest, continues_name);
            let name = rest[..length].to_owned();
            self.push(Kind::Word(name), length);
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.push(Kind::Sign(sign), sign.len());
        } else {
            return Err(SqlError::syntax(&first.to_string(), self.line));
        }
        Ok(true)
    }

    /// Length of a comment, which may hold others.
    fn comment(&self) -> Result<usize, SqlError> {
        let rest = self.rest();
        let mut depth = 0;
        let mut at = 0;
        while at < rest.len() {
            if rest[at..].starts_with("/*") {
                depth += 1;
                at += 2;
            } else if rest[at..].starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            } else {
                at += rest[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        let mut error = SqlError::new(113, 15, "Missing end comment mark '*/'.");
        error.line = self.line;
        Err(error)
    }

    /// The text between quotes, a doubled one standing for one, and its length with them.
    fn quoted(&self, skip: usize, close: char) -> Result<(String, usize), SqlError> {
        let rest = &self.rest()[skip..];
        let mut text = String::new();
        let mut at = 1;
        loop {
            let Some(found) = rest[at..].find(close) else {
                let mut error = SqlError::new(
                    105,
                    15,
                    "Unclosed quotation mark after the character string.",
                );
                error.line = self.line;
                return Err(error);
            };
            text.push_str(&rest[at..at + found]);
            at += found + 1;
            if rest[at..].starts_with(close) {
                text.push(close);
                at += 1;
            } else {
                return Ok((text, at));
            }
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut length = length_while(rest, |c| c.is_ascii_digit());
        if rest[length..].starts_with('.') {
            length += 1;
            length += length_while(&rest[length..], |c| c.is_ascii_digit());
        }
        let tail = &rest[length..];
        let exponent = tail.starts_with(['e', 'E']) && {
            let digits = tail[1..].trim_start_matches(['+', '-']);
            digits.starts_with(|c: char| c.is_ascii_digit())
        };
        if exponent {
            let mantissa = length;
            length += 1 + usize::from(rest[length + 1..].starts_with(['+', '-']));
            length += length_while(&rest[length..], |c| c.is_ascii_digit());
            let text = format!("{}{}", &rest[..mantissa], &rest[mantissa..length]);
            self.push(Kind::Float(text), length);
        } else {
            let text = rest[..length].to_owned();
            self.push(Kind::Number(text), length);
        }
    }
}

fn second_is_digit(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn length_while(text: &str, test: impl Fn(char) -> bool) -> usize {
    text.find(|c| !test(c)).unwrap_or(text.len())
}
