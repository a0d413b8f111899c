//! A record as a tree, and the row it becomes.

use fluxion_model::stream::{ChildSpec, FileFormat};
use fluxion_model::value::{Undecodable, Value};

/// An element or a JSON value.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub value: Option<Value>,
    pub members: Vec<(Box<str>, Node)>,
    /// Whether it stands in a JSON list of that name.
    pub listed: bool,
}

/// A row: named cells, and the rows of each child group.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub cells: Vec<(Box<str>, Value)>,
    pub children: Vec<Vec<Flat>>,
}

/// Where the lines of a record stand.
pub(super) struct Nesting {
    paths: Vec<Vec<String>>,
    is_nested: bool,
    is_json: bool,
}

impl Node {
    pub fn leaf(value: Value) -> Self {
        Self {
            value: Some(value),
            ..Self::default()
        }
    }
}

/// Names between slashes.
pub(super) fn parts(path: &str) -> Vec<String> {
    path.split('/')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Text as it stands in a cell.
pub(super) fn cell(text: String) -> Value {
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Value::Undecodable(Box::new(Undecodable {
            raw: text.as_bytes()[..text.len().min(200)].into(),
            reason: "contains characters that do not exist in the file's encoding".to_owned(),
        }));
    }
    Value::Text(text.into())
}

impl Nesting {
    pub fn of(children: &[ChildSpec], format: FileFormat) -> Self {
        let is_nested = children.iter().any(|child| child.path.is_some());
        let paths = children
            .iter()
            .map(|child| parts(child.path.as_deref().unwrap_or(&child.name)))
            .collect();
        Self {
            paths: if is_nested { paths } else { Vec::new() },
            is_nested,
            is_json: format == FileFormat::Json,
        }
    }

    pub fn is_nested(&self) -> bool {
        self.is_nested
    }

    pub fn groups(&self) -> impl Iterator<Item = &Vec<String>> {
        self.paths.iter()
    }

    /// A record as a row. What is nested and no line becomes `outer.inner`; what repeats is joined by `;`.
    pub fn flatten(&self, node: Node) -> Flat {
        let mut flat = Flat {
            cells: Vec::new(),
            children: self.paths.iter().map(|_| Vec::new()).collect(),
        };
        self.add(&mut flat, &mut Vec::new(), node);
        flat
    }

    fn add(&self, flat: &mut Flat, path: &mut Vec<Box<str>>, node: Node) {
        if let Some(value) = node.value {
            put(&mut flat.cells, path.join(".").into(), value);
        }
        for (name, member) in node.members {
            path.push(name);
            match self
                .paths
                .iter()
                .position(|wanted| self.is_line(wanted, path, &member))
            {
                Some(group) => flat.children[group].push(line(member)),
                None => self.add(flat, path, member),
            }
            path.pop();
        }
    }

    fn is_line(&self, wanted: &[String], path: &[Box<str>], node: &Node) -> bool {
        let fits = |wanted: &[String]| {
            wanted.len() == path.len() && wanted.iter().zip(path).all(|(a, b)| same(a, b))
        };
        if fits(wanted) {
            return true;
        }
        // A list takes the place of the last name; one line alone is sometimes no list.
        let Some((last, before)) = wanted.split_last() else {
            return false;
        };
        self.is_json
            && !before.is_empty()
            && fits(before)
            && (node.listed || !node.members.iter().any(|(name, _)| same(name, last)))
            && !node.members.is_empty()
    }
}

/// A line has cells alone.
fn line(node: Node) -> Flat {
    let none = Nesting {
        paths: Vec::new(),
        is_nested: false,
        is_json: false,
    };
    none.flatten(node)
}

fn put(cells: &mut Vec<(Box<str>, Value)>, name: Box<str>, value: Value) {
    let name = if name.is_empty() {
        "value".into()
    } else {
        name
    };
    match cells.iter_mut().find(|(known, _)| *known == name) {
        None => cells.push((name, value)),
        Some((_, held)) if held.is_null() => *held = value,
        Some((_, held @ Value::Undecodable(_))) => {
            let _: &Value = held;
        }
        Some((_, held)) => {
            *held = match value {
                Value::Null => return,
                broken @ Value::Undecodable(_) => broken,
                value => Value::Text(format!("{held};{value}").into()),
            };
        }
    }
}
