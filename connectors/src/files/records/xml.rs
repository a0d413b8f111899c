//! XML, an element at a time. Nothing is ever expanded: a document that declares entities is refused.

use std::io::BufRead;

use fluxion_model::value::Value;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::super::table::Broken;
use super::node::{Node, cell, parts, same};
use super::{Bounded, DEPTH, Found, RECORD_BYTES};
use crate::connector::RowProblem;

/// Places named where records were looked for in vain.
const NAMED: usize = 8;

pub(super) struct Xml {
    reader: Reader<Bounded>,
    buffer: Vec<u8>,
    /// Names of the open elements.
    path: Vec<String>,
    record: Option<Vec<String>>,
    count: u64,
    /// Whether the element that holds the records was seen.
    has_holder: bool,
    has_root: bool,
    others: Vec<String>,
}

/// A record being put together.
struct Building {
    open: Vec<(Box<str>, Node, String)>,
    bytes: usize,
    /// An entity that nobody defines.
    unknown: Option<String>,
}

/// One step, free of the reader's buffer.
enum Step {
    Open(String, Vec<(Box<str>, String)>, Option<String>),
    OpenAndClose(String, Vec<(Box<str>, String)>, Option<String>),
    Close,
    Text(String),
    Unknown(String),
    Nothing,
    End,
}

impl Xml {
    pub fn open(reader: Box<dyn BufRead + Send>, record: Option<&str>) -> Self {
        Self {
            reader: Reader::from_reader(Bounded::new(reader)),
            buffer: Vec::new(),
            path: Vec::new(),
            record: record.map(parts).filter(|parts| !parts.is_empty()),
            count: 0,
            has_holder: false,
            has_root: false,
            others: Vec::new(),
        }
    }

    pub fn next(&mut self) -> Result<Option<Found>, Broken> {
        loop {
            match self.step()? {
                Step::Open(name, attributes, unknown) => {
                    self.enter(name)?;
                    if self.is_record() {
                        return self.record(attributes, unknown).map(Some);
                    }
                }
                Step::OpenAndClose(name, attributes, unknown) => {
                    self.enter(name)?;
                    let is_record = self.is_record();
                    let name = self.path.pop().unwrap_or_default();
                    if is_record {
                        let building = Building::new(&name, attributes, unknown);
                        return Ok(Some(self.finish(building)));
                    }
                }
                Step::Close => {
                    self.path.pop();
                }
                Step::Text(_) | Step::Unknown(_) | Step::Nothing => {}
                Step::End => return self.end().map(|()| None),
            }
        }
    }

    fn end(&self) -> Result<(), Broken> {
        if let Some(open) = self.path.last() {
            return Err(Broken::new(format!(
                "it ends within <{open}>: it was cut short; export it again"
            )));
        }
        if !self.has_root {
            return Err(Broken::new(
                "it holds no element: it is no XML; export it again",
            ));
        }
        if self.count == 0 && !self.has_holder && !self.others.is_empty() {
            let record = self.record.as_ref().map(|parts| parts.join("/"));
            return Err(Broken::new(format!(
                "it has no element {}; it has: {}. Correct `record` in the mapping",
                record.unwrap_or_default(),
                self.others.join(", ")
            )));
        }
        Ok(())
    }

    fn enter(&mut self, name: String) -> Result<(), Broken> {
        if self.path.is_empty() && std::mem::replace(&mut self.has_root, true) {
            return Err(Broken::new(
                "it has a second root element: it is no whole XML document",
            ));
        }
        self.path.push(name);
        if self.path.len() > DEPTH {
            return Err(Broken::new(format!(
                "its elements stand more than {DEPTH} deep in each other"
            )));
        }
        let holder = self
            .record
            .as_ref()
            .map(|record| &record[..record.len() - 1]);
        self.has_holder |= match holder {
            Some([]) | None => false,
            Some(holder) => ends_with(&self.path, holder),
        };
        if self.path.len() > 1 && self.others.len() < NAMED {
            let path = self.path.join("/");
            if !self.others.contains(&path) {
                self.others.push(path);
            }
        }
        Ok(())
    }

    fn is_record(&self) -> bool {
        match &self.record {
            Some(record) => ends_with(&self.path, record),
            None => self.path.len() == 2,
        }
    }

    /// Reads a record to its end.
    fn record(
        &mut self,
        attributes: Vec<(Box<str>, String)>,
        unknown: Option<String>,
    ) -> Result<Found, Broken> {
        let name = self.path.pop().unwrap_or_default();
        let mut building = Building::new(&name, attributes, unknown);
        loop {
            let step = self.step()?;
            building.bytes += self.buffer.len() + 64;
            if building.bytes > RECORD_BYTES {
                return Err(Broken::new(format!(
                    "its record {} is longer than {RECORD_BYTES} bytes",
                    self.count + 1
                )));
            }
            match step {
                Step::Open(name, attributes, unknown) => building.enter(&name, attributes, unknown),
                Step::OpenAndClose(name, attributes, unknown) => {
                    building.enter(&name, attributes, unknown);
                    building.leave();
                }
                Step::Close if building.open.len() == 1 => return Ok(self.finish(building)),
                Step::Close => building.leave(),
                Step::Text(text) => building.text(&text),
                Step::Unknown(name) => building.unknown = building.unknown.or(Some(name)),
                Step::Nothing => {}
                Step::End => {
                    return Err(Broken::new(format!(
                        "it ends within its record {}: it was cut short; export it again",
                        self.count + 1
                    )));
                }
            }
            if self.path.len() + building.open.len() > DEPTH {
                return Err(Broken::new(format!(
                    "its elements stand more than {DEPTH} deep in each other"
                )));
            }
        }
    }

    fn finish(&mut self, mut building: Building) -> Found {
        self.count += 1;
        while building.open.len() > 1 {
            building.leave();
        }
        if let Some(name) = building.unknown {
            return Err(RowProblem {
                position: Some(self.count),
                field: None,
                raw: Some(format!("&{name};")),
                message: format!(
                    "Record {} uses the entity &{name}; which XML does not know: write the character itself, and export again.",
                    self.count
                ),
            });
        }
        let node = building.open.pop().map(|(_, node, text)| close(node, text));
        Ok((self.count, node.unwrap_or_default()))
    }

    fn step(&mut self) -> Result<Step, Broken> {
        self.buffer.clear();
        self.reader.get_mut().reset();
        let count = self.count;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| {
            Broken::new(format!(
                "it is no well-formed XML behind record {count} ({error}): it was cut short or written by hand; export it again"
            ))
        })?;
        Ok(match event {
            Event::Start(start) => {
                let (attributes, unknown) = attributes(&start)?;
                Step::Open(local(&start), attributes, unknown)
            }
            Event::Empty(start) => {
                let (attributes, unknown) = attributes(&start)?;
                Step::OpenAndClose(local(&start), attributes, unknown)
            }
            Event::End(_) => Step::Close,
            Event::Text(text) => Step::Text(text.xml10_content().into_owned()),
            Event::CData(text) => Step::Text(text.xml10_content().into_owned()),
            Event::GeneralRef(reference) => resolve(&reference),
            Event::DocType(text) => {
                let text: &str = &text;
                if text.contains('[') || text.to_ascii_uppercase().contains("ENTITY") {
                    return Err(Broken::new(
                        "it declares entities of its own, which are refused because they can be made to fill any memory: export it without a document type",
                    ));
                }
                Step::Nothing
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Step::Nothing,
            Event::Eof => Step::End,
        })
    }
}

fn ends_with(path: &[String], wanted: &[String]) -> bool {
    path.len() >= wanted.len()
        && path[path.len() - wanted.len()..]
            .iter()
            .zip(wanted)
            .all(|(a, b)| same(a, b))
}

fn local(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name: &str = name.as_ref();
    name.to_owned()
}

type Attributes = (Vec<(Box<str>, String)>, Option<String>);

fn attributes(start: &BytesStart<'_>) -> Result<Attributes, Broken> {
    let mut found: Vec<(Box<str>, String)> = Vec::new();
    let mut unknown = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| {
            Broken::new(format!(
                "an attribute of <{}> cannot be read ({error})",
                local(start)
            ))
        })?;
        let key: &str = attribute.key.as_ref();
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let name = key.rsplit_once(':').map_or(key, |(_, local)| local);
        match quick_xml::escape::unescape(&attribute.value) {
            Ok(value) => found.push((name.into(), value.into_owned())),
            Err(_) => unknown = Some(attribute.value.chars().take(40).collect()),
        }
    }
    Ok((found, unknown))
}

fn resolve(reference: &BytesRef<'_>) -> Step {
    if let Ok(Some(found)) = reference.resolve_char_ref() {
        return Step::Text(found.to_string());
    }
    let name: &str = reference;
    match name {
        "lt" => Step::Text("<".to_owned()),
        "gt" => Step::Text(">".to_owned()),
        "amp" => Step::Text("&".to_owned()),
        "quot" => Step::Text("\"".to_owned()),
        "apos" => Step::Text("'".to_owned()),
        other => Step::Unknown(other.chars().take(40).collect()),
    }
}

impl Building {
    fn new(name: &str, attributes: Vec<(Box<str>, String)>, unknown: Option<String>) -> Self {
        let mut building = Self {
            open: Vec::new(),
            bytes: 0,
            unknown: None,
        };
        building.enter(name, attributes, unknown);
        building
    }

    fn enter(&mut self, name: &str, attributes: Vec<(Box<str>, String)>, unknown: Option<String>) {
        let mut node = Node::default();
        for (name, value) in attributes {
            node.members.push((name, Node::leaf(cell(value))));
        }
        self.unknown = self.unknown.take().or(unknown);
        self.open.push((name.into(), node, String::new()));
    }

    fn text(&mut self, text: &str) {
        if let Some((_, _, held)) = self.open.last_mut() {
            held.push_str(text);
        }
    }

    fn leave(&mut self) {
        if let Some((name, node, text)) = self.open.pop()
            && let Some((_, parent, _)) = self.open.last_mut()
        {
            parent.members.push((name, close(node, text)));
        }
    }
}

/// Blanks between elements are no text; an empty element is an empty cell.
fn close(mut node: Node, text: String) -> Node {
    let is_blank = text.trim().is_empty();
    node.value = match (is_blank, node.members.is_empty()) {
        (true, false) => None,
        (true, true) => Some(Value::text("")),
        (false, _) => Some(cell(text)),
    };
    node
}
