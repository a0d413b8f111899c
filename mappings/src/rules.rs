//! A mapping, compiled: ready to be bound to the shape of a source's rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluxion_model::entity::EntityKind;
use fluxion_model::id::StreamName;
use fluxion_model::row::RowShape;
use fluxion_model::stream::StreamSpec;

use crate::bound::Bound;
use crate::business::Business;
use crate::compile;
use crate::condition::Condition;
use crate::context::Context;
use crate::document::Mapping;
use crate::error::{MappingError, MissingColumn, MissingColumns};
use crate::field::Field;
use crate::target::Target;
use crate::view::{Col, Position};

/// A compiled mapping.
#[derive(Debug, Clone)]
pub struct Rules {
    version: u32,
    streams: Vec<StreamRules>,
}

impl Rules {
    /// Compiles a mapping for the place where it is applied.
    ///
    /// # Errors
    /// When the mapping asks for something that makes no sense; the error names the place and what would.
    pub fn compile(mapping: &Mapping, context: &Context) -> Result<Self, MappingError> {
        Ok(Self {
            version: mapping.version,
            streams: compile::streams(mapping, context)?,
        })
    }

    /// The version of the mapping.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Every stream, in the order of the document.
    pub fn streams(&self) -> impl Iterator<Item = &StreamRules> {
        self.streams.iter()
    }

    /// One stream.
    #[must_use]
    pub fn stream(&self, name: &StreamName) -> Option<&StreamRules> {
        self.streams
            .iter()
            .find(|stream| stream.spec().name == *name)
    }
}

/// The rules of one stream. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StreamRules(pub(crate) Arc<Compiled>);

/// A column that a mapping uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedColumn<'a> {
    /// The child group whose rows have it, or else the rows themselves.
    pub group: Option<&'a str>,
    /// Its name.
    pub column: &'a str,
}

impl StreamRules {
    /// What a connector needs to know.
    #[must_use]
    pub fn spec(&self) -> &StreamSpec {
        &self.0.spec
    }

    /// The kinds of record that rows of this stream become.
    pub fn entities(&self) -> impl Iterator<Item = EntityKind> {
        self.0
            .records
            .iter()
            .map(|plan| plan.entity)
            .collect::<BTreeSet<_>>()
            .into_iter()
    }

    /// The columns that are used, for drift checks.
    pub fn columns_used(&self) -> impl Iterator<Item = UsedColumn<'_>> {
        self.0.columns.iter().map(|column| UsedColumn {
            group: column
                .group
                .and_then(|group| self.0.groups.get(group))
                .map(|name| &**name),
            column: &column.name,
        })
    }

    /// Finds each column in rows of this shape, once for all of them.
    ///
    /// # Errors
    /// When the source lacks columns that the mapping cannot do without.
    pub fn bind(&self, shape: &Arc<RowShape>) -> Result<Bound, MissingColumns> {
        let rules = &self.0;
        let groups: Vec<Option<usize>> = rules
            .groups
            .iter()
            .map(|name| shape.child(name).map(|(at, _)| at))
            .collect();
        let positions: Vec<Position> = rules
            .columns
            .iter()
            .map(|column| rules.position(column, shape))
            .collect();
        let missing: Vec<MissingColumn> = rules
            .needs
            .iter()
            .filter(|need| {
                need.any_of
                    .iter()
                    .all(|col| positions.get(col.index()) == Some(&Position::Absent))
            })
            .map(|need| rules.missing(need))
            .chain(
                rules
                    .groups
                    .iter()
                    .zip(&groups)
                    .filter(|(_, at)| at.is_none())
                    .map(|(name, _)| MissingColumn {
                        column: name.to_string(),
                        needed_by: "the child group of that name".to_owned(),
                    }),
            )
            .collect();
        if missing.is_empty() {
            return Ok(Bound {
                rules: self.clone(),
                shape: Arc::clone(shape),
                positions: positions.into(),
                groups: groups.into(),
            });
        }
        let children = shape
            .children
            .iter()
            .flat_map(|(group, shape)| shape.columns.iter().map(move |c| format!("{group}.{c}")));
        let known = shape
            .columns
            .iter()
            .map(|column| column.to_string())
            .chain(children)
            .take(100)
            .collect();
        Err(MissingColumns {
            stream: rules.spec.name.clone(),
            missing,
            known,
        })
    }
}

/// What [`StreamRules`] holds.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub spec: StreamSpec,
    pub records: Vec<Plan>,
    pub columns: Vec<Column>,
    /// Child groups by name; rules name them by their place here.
    pub groups: Vec<Box<str>>,
    pub needs: Vec<Need>,
    pub secret: Vec<String>,
    pub business: Business,
}

impl Compiled {
    fn position(&self, column: &Column, shape: &RowShape) -> Position {
        let child = column
            .group
            .and_then(|group| self.groups.get(group))
            .and_then(|name| shape.child(name))
            .and_then(|(_, child)| child.position(&column.name))
            .map(Position::Child);
        child
            .or_else(|| shape.position(&column.name).map(Position::Parent))
            .unwrap_or(Position::Absent)
    }

    fn missing(&self, need: &Need) -> MissingColumn {
        let names: Vec<String> = need
            .any_of
            .iter()
            .filter_map(|col| self.columns.get(col.index()))
            .map(
                |column| match column.group.and_then(|group| self.groups.get(group)) {
                    Some(group) => format!("{group}.{}", column.name),
                    None => column.name.to_string(),
                },
            )
            .collect();
        MissingColumn {
            column: names.join(" or "),
            needed_by: need.needed_by.clone(),
        }
    }

    pub fn is_secret(&self, column: &str) -> bool {
        self.secret
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(column))
    }
}

/// A column that the rules use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub group: Option<usize>,
    pub name: Box<str>,
}

/// Columns of which the source must have at least one.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub any_of: Vec<Col>,
    pub needed_by: String,
}

/// How a row becomes one record.
#[derive(Debug)]
pub(crate) struct Plan {
    pub entity: EntityKind,
    pub targets: &'static [Target],
    pub when: Option<Condition>,
    pub fields: Box<[(usize, Rule)]>,
    /// Where the POS keeps no identity: made of these two fields, the second optional.
    pub joined_id: Option<(usize, usize)>,
    /// Where a sale's kind is not mapped: the kind and the total, whose sign says it.
    pub kind_by_sign: Option<(usize, usize)>,
}

/// How one field is made.
#[derive(Debug)]
pub(crate) enum Rule {
    One(Field),
    Texts(Box<[Texts]>),
    Lines(Box<[Element]>),
    Payments(Box<[Element]>),
    /// A number of each row of a child group, added up.
    Sum(usize, Field),
}

/// What adds to a list of texts.
#[derive(Debug)]
pub(crate) struct Texts {
    pub each: Option<usize>,
    pub field: Field,
    pub split: Option<String>,
}

/// What adds to a list of lines or payments.
#[derive(Debug)]
pub(crate) struct Element {
    pub each: Option<usize>,
    pub when: Option<Condition>,
    pub targets: &'static [Target],
    pub fields: Box<[(usize, Field)]>,
}
