//! JSON, a record at a time: a list, a list within objects, or one object per line.
//!
//! Brackets are followed here and records cut out whole, because a JSON library holds the file or nothing of it; what
//! is cut out is read by one. Numbers are taken from their digits and never pass through a float.

use std::fmt;
use std::io::BufRead;

use fluxion_model::value::{Undecodable, Value};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::table::Broken;
use super::node::{Node, cell, parts, same};
use super::{Bounded, DEPTH, Found, RECORD_BYTES};
use crate::connector::RowProblem;

/// Lists named where records were looked for in vain.
const NAMED: usize = 8;

/// Opens the file anew.
type Opener<'a> = &'a dyn Fn() -> Result<Box<dyn BufRead + Send>, Broken>;

pub(super) enum Json {
    /// One object per line.
    Lines { reader: Bounded, read: u64 },
    /// Lists within one document.
    Document(Document),
}

pub(super) struct Document {
    scanner: Scanner,
    frames: Vec<Frame>,
    path: Vec<String>,
    wanted: Wanted,
    started: bool,
    count: u64,
    lists: Vec<String>,
    has_list: bool,
}

enum Wanted {
    /// As the mapping says.
    Named(Vec<String>),
    /// The list at this place.
    Exactly(Vec<String>),
    /// Only looking: the first list of objects.
    Looking(Option<Vec<String>>),
}

struct Frame {
    kind: FrameKind,
    /// Whether it ends a name of the path.
    named: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Object,
    List,
    Records,
}

impl Json {
    pub fn open(open: Opener<'_>, record: Option<&str>) -> Result<Self, Broken> {
        if is_lines(open()?)? {
            return Ok(Self::Lines {
                reader: Bounded::new(open()?),
                read: 0,
            });
        }
        let wanted = match record.map(parts).filter(|parts| !parts.is_empty()) {
            Some(parts) => Wanted::Named(parts),
            None => {
                let mut looking = Document::new(open()?, Wanted::Looking(None));
                while looking.next()?.is_some() {}
                match looking.wanted {
                    Wanted::Looking(found) => Wanted::Exactly(found.unwrap_or_default()),
                    other => other,
                }
            }
        };
        Ok(Self::Document(Document::new(open()?, wanted)))
    }

    pub fn next(&mut self) -> Result<Option<Found>, Broken> {
        match self {
            Self::Document(document) => document.next(),
            Self::Lines { reader, read } => loop {
                reader.reset();
                let mut line = Vec::new();
                if reader.read_until(b'\n', &mut line)? == 0 {
                    return Ok(None);
                }
                *read += 1;
                let line = line.trim_ascii();
                if !line.is_empty() {
                    return Ok(Some(node_of(line, *read, "Line")));
                }
            },
        }
    }
}

/// Whether the first line is an object by itself, and another follows.
fn is_lines(reader: Box<dyn BufRead + Send>) -> Result<bool, Broken> {
    let mut reader = Bounded::new(reader);
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(Broken::new("it is empty: export it again"));
        }
        if line.len() >= RECORD_BYTES {
            return Ok(false);
        }
    }
    let first = line.trim_ascii();
    if first.first() == Some(&b'<') {
        return Err(Broken::new(
            "it begins with < and is no JSON: it is a web page or XML; look at what the program that writes it was answered",
        ));
    }
    if first.first() != Some(&b'{') || serde_json::from_slice::<&RawValue>(first).is_err() {
        return Ok(false);
    }
    reader.reset();
    loop {
        let available = reader.fill_buf()?;
        let Some(byte) = available.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            let length = available.len();
            if length == 0 {
                return Ok(false);
            }
            reader.consume(length);
            continue;
        };
        return Ok(*byte == b'{');
    }
}

impl Document {
    fn new(reader: Box<dyn BufRead + Send>, wanted: Wanted) -> Self {
        Self {
            scanner: Scanner(Bounded::new(reader)),
            frames: Vec::new(),
            path: Vec::new(),
            wanted,
            started: false,
            count: 0,
            lists: Vec::new(),
            has_list: false,
        }
    }

    fn next(&mut self) -> Result<Option<Found>, Broken> {
        loop {
            self.scanner.0.reset();
            let Some(kind) = self.frames.last().map(|frame| frame.kind) else {
                if !std::mem::replace(&mut self.started, true) {
                    if let Some(found) = self.value(false)? {
                        return Ok(Some(found));
                    }
                    continue;
                }
                return self.end().map(|()| None);
            };
            let byte = self.scanner.significant()?;
            match (kind, byte) {
                (_, b',') => self.scanner.bump()?,
                (FrameKind::Object, b'}') | (FrameKind::List | FrameKind::Records, b']') => {
                    self.scanner.bump()?;
                    if self.frames.pop().is_some_and(|frame| frame.named) {
                        self.path.pop();
                    }
                }
                (FrameKind::Object, b'"') => {
                    let name = self.scanner.name()?;
                    self.path.push(name);
                    if self.scanner.significant()? != b':' {
                        return Err(self.cut());
                    }
                    self.scanner.bump()?;
                    if let Some(found) = self.value(true)? {
                        return Ok(Some(found));
                    }
                }
                (FrameKind::Records, _) => return self.slice().map(Some),
                (FrameKind::List, _) => {
                    if let Some(found) = self.value(false)? {
                        return Ok(Some(found));
                    }
                }
                (FrameKind::Object, _) => return Err(self.cut()),
            }
        }
    }

    fn cut(&self) -> Broken {
        Broken::new(format!(
            "it is no well-formed JSON behind record {}: it was cut short or written by hand; export it again",
            self.count
        ))
    }

    /// Goes into a value, or past it.
    fn value(&mut self, named: bool) -> Result<Option<Found>, Broken> {
        let kind = match self.scanner.significant()? {
            b'{' if self.is_single() => {
                let found = self.slice();
                if named {
                    self.path.pop();
                }
                return found.map(Some);
            }
            b'{' => FrameKind::Object,
            b'[' => self.list()?,
            _ => {
                self.scanner.value(None)?;
                if named {
                    self.path.pop();
                }
                return Ok(None);
            }
        };
        if kind == FrameKind::Object {
            self.scanner.bump()?;
        }
        self.frames.push(Frame { kind, named });
        if self.frames.len() > DEPTH {
            return Err(Broken::new(format!(
                "its lists and objects stand more than {DEPTH} deep in each other"
            )));
        }
        Ok(None)
    }

    /// Enters a list: one of records, or another.
    fn list(&mut self) -> Result<FrameKind, Broken> {
        self.scanner.bump()?;
        if self.lists.len() < NAMED && !self.path.is_empty() {
            let path = self.path.join("/");
            if !self.lists.contains(&path) {
                self.lists.push(path);
            }
        }
        let is_records = match &mut self.wanted {
            Wanted::Exactly(path) => *path == self.path,
            Wanted::Named(parts) => {
                let before = &parts[..parts.len() - 1];
                self.path.is_empty()
                    || ends_with(&self.path, parts)
                    || (!before.is_empty() && ends_with(&self.path, before))
            }
            Wanted::Looking(found) => {
                if found.is_none() && self.scanner.significant()? == b'{' {
                    *found = Some(self.path.clone());
                }
                false
            }
        };
        self.has_list |= is_records;
        Ok(if is_records {
            FrameKind::Records
        } else {
            FrameKind::List
        })
    }

    /// A record that stands alone where a list should be, as some converters write it.
    fn is_single(&self) -> bool {
        match &self.wanted {
            Wanted::Named(parts) => parts.len() > 1 && ends_with(&self.path, parts),
            Wanted::Exactly(_) | Wanted::Looking(_) => false,
        }
    }

    fn slice(&mut self) -> Result<Found, Broken> {
        self.count += 1;
        self.has_list = true;
        let mut text = Vec::new();
        self.scanner.0.reset();
        self.scanner.value(Some(&mut text))?;
        Ok(node_of(&text, self.count, "Record"))
    }

    fn end(&mut self) -> Result<(), Broken> {
        if self.scanner.peek_significant()?.is_some() {
            return Err(Broken::new(
                "something follows after its end: it is no JSON, or several documents that do not stand one per line",
            ));
        }
        match &self.wanted {
            Wanted::Named(parts) if !self.has_list => {
                let known = if self.lists.is_empty() {
                    "no list at all".to_owned()
                } else {
                    self.lists.join(", ")
                };
                Err(Broken::new(format!(
                    "it has no list {}; it has: {known}. If it is an error message, look at the program that writes it; else correct `record` in the mapping",
                    parts.join("/")
                )))
            }
            Wanted::Exactly(_) if !self.has_list => Err(Broken::new(
                "it holds no list of records: it may be an error message; look at the program that writes it",
            )),
            Wanted::Named(_) | Wanted::Exactly(_) | Wanted::Looking(_) => Ok(()),
        }
    }
}

fn ends_with(path: &[String], wanted: &[String]) -> bool {
    path.len() >= wanted.len()
        && path[path.len() - wanted.len()..]
            .iter()
            .zip(wanted)
            .all(|(a, b)| same(a, b))
}

/// Follows brackets and quotes.
struct Scanner(Bounded);

impl Scanner {
    fn peek(&mut self) -> Result<Option<u8>, Broken> {
        Ok(self.0.fill_buf()?.first().copied())
    }

    fn bump(&mut self) -> Result<(), Broken> {
        self.0.consume(1);
        Ok(())
    }

    fn peek_significant(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.bump()?;
                    // Blanks are nothing, however many there are.
                    self.0.left += 1;
                }
                other => return Ok(other),
            }
        }
    }

    fn significant(&mut self) -> Result<u8, Broken> {
        self.peek_significant()?.ok_or_else(|| {
            Broken::new("it ends before it is complete: it was cut short; export it again")
        })
    }

    fn name(&mut self) -> Result<String, Broken> {
        let mut text = Vec::new();
        self.string(&mut Some(&mut text))?;
        serde_json::from_slice(&text)
            .map_err(|error| Broken::new(format!("one of its names cannot be read ({error})")))
    }

    /// A value with all that is in it.
    fn value(&mut self, mut keep: Option<&mut Vec<u8>>) -> Result<(), Broken> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            // What is skipped may be long, but no part of it.
            if keep.is_none() {
                self.0.reset();
            }
            let byte = self.significant()?;
            match byte {
                b'"' => self.string(&mut keep)?,
                b'{' | b'[' => {
                    open.push(byte);
                    self.take(&mut keep)?;
                    if open.len() > DEPTH {
                        return Err(Broken::new(format!(
                            "its lists and objects stand more than {DEPTH} deep in each other"
                        )));
                    }
                }
                b'}' | b']' => {
                    let opening = if byte == b'}' { b'{' } else { b'[' };
                    if open.pop() != Some(opening) {
                        return Err(Broken::new(
                            "its brackets do not match: it is no well-formed JSON; export it again",
                        ));
                    }
                    self.take(&mut keep)?;
                }
                b',' | b':' if open.is_empty() => {
                    return Err(Broken::new(
                        "a value is missing in it: it is no well-formed JSON; export it again",
                    ));
                }
                b',' | b':' => self.take(&mut keep)?,
                _ => self.word(&mut keep)?,
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, keep: &mut Option<&mut Vec<u8>>) -> Result<(), Broken> {
        if let (Some(byte), Some(keep)) = (self.peek()?, keep) {
            keep.push(byte);
        }
        self.bump()
    }

    fn word(&mut self, keep: &mut Option<&mut Vec<u8>>) -> Result<(), Broken> {
        while let Some(byte) = self.peek()? {
            if byte.is_ascii_whitespace()
                || matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"')
            {
                break;
            }
            self.take(keep)?;
        }
        if let Some(keep) = keep {
            // Two words must not become one.
            keep.push(b' ');
        }
        Ok(())
    }

    fn string(&mut self, keep: &mut Option<&mut Vec<u8>>) -> Result<(), Broken> {
        self.take(keep)?;
        loop {
            match self.peek()? {
                None => {
                    return Err(Broken::new(
                        "it ends within a text: it was cut short; export it again",
                    ));
                }
                Some(b'\\') => {
                    self.take(keep)?;
                    self.take(keep)?;
                }
                Some(b'"') => return self.take(keep),
                Some(_) => self.take(keep)?,
            }
        }
    }
}

fn node_of(text: &[u8], position: u64, what: &str) -> Found {
    let problem = |reason: String| RowProblem {
        position: Some(position),
        field: None,
        raw: Some(String::from_utf8_lossy(text).chars().take(300).collect()),
        message: format!(
            "{what} {position} cannot be read: {reason}. Correct it and export it again."
        ),
    };
    if text.first() != Some(&b'{') {
        return Err(problem("it is no object".to_owned()));
    }
    let raw: &RawValue =
        serde_json::from_slice(text).map_err(|error| problem(error.to_string()))?;
    node(raw.get(), 0)
        .map(|node| (position, node))
        .map_err(|error| problem(error.to_string()))
}

fn node(raw: &str, depth: usize) -> serde_json::Result<Node> {
    let raw = raw.trim();
    Ok(match raw.as_bytes().first() {
        Some(b'{') if depth < DEPTH => {
            let mut node = Node::default();
            let members: Members = serde_json::from_str(raw)?;
            for (name, raw) in members.0 {
                // Of two members with one name the last counts, as everywhere.
                node.members.retain(|(known, _)| **known != *name);
                add(&mut node, &name, raw.get(), depth)?;
            }
            node
        }
        Some(b'"') => Node::leaf(cell(serde_json::from_str(raw)?)),
        Some(b't') => Node::leaf(Value::Bool(true)),
        Some(b'f') => Node::leaf(Value::Bool(false)),
        Some(b'n') => Node::leaf(Value::Null),
        Some(b'[' | b'{') | None => Node::default(),
        Some(_) => Node::leaf(number(raw)),
    })
}

fn add(node: &mut Node, name: &str, raw: &str, depth: usize) -> serde_json::Result<()> {
    if !raw.trim_start().starts_with('[') {
        node.members
            .push((name.into(), self::node(raw, depth + 1)?));
        return Ok(());
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw)?;
    for item in list {
        let mut item = self::node(item.get(), depth + 1)?;
        item.listed = true;
        node.members.push((name.into(), item));
    }
    Ok(())
}

fn number(raw: &str) -> Value {
    if let Ok(whole) = raw.parse::<i64>() {
        return Value::Int(whole);
    }
    match Decimal::from_str_exact(raw).or_else(|_| Decimal::from_scientific(raw)) {
        Ok(number) => Value::Decimal(number),
        Err(_) => Value::Undecodable(Box::new(Undecodable {
            raw: raw.as_bytes()[..raw.len().min(200)].into(),
            reason: "is a number with more digits than can be kept exactly".to_owned(),
        })),
    }
}

/// An object's members as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
