//! From the document to compiled rules. Everything that can be wrong with a mapping is found here, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fluxion_model::stream::{EventSource, Source, TableSource};
use fluxion_model::value::Value;

use crate::business::Business;
use crate::compile_checks::{check_events, check_stream};
use crate::compile_defaults::{joined_id, kind_by_sign, with_defaults};
use crate::compile_field::FieldCompiler;
use crate::condition::{Condition, Word};
use crate::context::{Context, check};
use crate::document::{Mapping, RecordRule, Stream};
use crate::error::MappingError;
use crate::expression::{Expression, Variable};
use crate::field_document::{self as doc, Field, FieldTable};
use crate::names::named;
use crate::rules::{Column, Compiled, Element, Need, Plan, Rule, StreamRules, Texts};
use crate::scalar::Scalar;
use crate::target::{Build, Kind, Target, targets};
use crate::view::Col;
use fluxion_model::entity::{SaleLine, SalePayment};

/// Compiles every stream.
pub(crate) fn streams(
    mapping: &Mapping,
    context: &Context,
) -> Result<Vec<StreamRules>, MappingError> {
    if mapping.name.trim().is_empty() || mapping.version == 0 {
        return Err(MappingError::new(
            "mapping",
            "needs a name and a version of 1 or more",
        ));
    }
    if mapping.streams.is_empty() {
        return Err(MappingError::new(
            "streams",
            "a mapping needs at least one [[streams]]",
        ));
    }
    let settings = settings(mapping, context)?;
    let business = Business::compile(context.country, &mapping.rules)?;
    check_events(mapping)?;
    let mut seen = BTreeSet::new();
    mapping
        .streams
        .iter()
        .map(|stream| {
            if !seen.insert(&stream.name) {
                return Err(MappingError::new(
                    format!("stream {}", stream.name),
                    "is there twice; give one another name",
                ));
            }
            check_stream(mapping, stream)?;
            let stream = named(mapping, stream, &settings);
            StreamCompiler::new(&stream, context, &settings).compile(business.clone())
        })
        .collect()
}

/// Every declared setting with its value.
fn settings(mapping: &Mapping, context: &Context) -> Result<BTreeMap<String, Value>, MappingError> {
    let mut settings = BTreeMap::new();
    for (name, setting) in &mapping.settings {
        let value = match (context.settings.get(name), &setting.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => check(name, setting, default)?,
            (None, None) => {
                return Err(MappingError::new(
                    format!("settings.{name}"),
                    "is required; add it to the settings of the POS system in the agent's configuration",
                ));
            }
        };
        settings.insert(name.clone(), value);
    }
    Ok(settings)
}

pub(crate) fn has<'a>(mut names: impl Iterator<Item = &'a String>, name: &str) -> bool {
    names.any(|known| known.eq_ignore_ascii_case(name))
}

pub(crate) fn join<S: AsRef<str>>(names: impl Iterator<Item = S>) -> String {
    names
        .map(|name| name.as_ref().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Compiles one stream and gathers the columns it uses.
pub(crate) struct StreamCompiler<'a> {
    stream: &'a Stream,
    pub context: &'a Context,
    pub settings: &'a BTreeMap<String, Value>,
    columns: Vec<Column>,
    groups: Vec<Box<str>>,
    needs: Vec<Need>,
    /// Where in the document it is, for errors.
    place: String,
    /// What is being made, for missing columns: `product.name`.
    making: String,
    /// The child group whose rows are being read.
    group: Option<usize>,
}

impl<'a> StreamCompiler<'a> {
    fn new(
        stream: &'a Stream,
        context: &'a Context,
        settings: &'a BTreeMap<String, Value>,
    ) -> Self {
        Self {
            stream,
            context,
            settings,
            columns: Vec::new(),
            groups: Vec::new(),
            needs: Vec::new(),
            place: format!("stream {}", stream.name),
            making: String::new(),
            group: None,
        }
    }

    fn compile(mut self, business: Business) -> Result<StreamRules, MappingError> {
        let stream = self.stream;
        let records = stream
            .records
            .iter()
            .map(|record| self.record(record))
            .collect::<Result<_, _>>()?;
        Ok(StreamRules(Arc::new(Compiled {
            spec: stream.spec(),
            records,
            columns: self.columns,
            groups: self.groups,
            needs: self.needs,
            secret: stream.secret.clone(),
            business,
        })))
    }

    pub fn error(&self, problem: impl Into<String>) -> MappingError {
        MappingError::new(self.place.clone(), problem)
    }

    fn record(&mut self, record: &RecordRule) -> Result<Plan, MappingError> {
        let entity = record.entity;
        self.place = format!("stream {}, record {entity}", self.stream.name);
        self.making = format!("{entity}, `when`");
        let when = record
            .when
            .as_ref()
            .map(|when| self.condition(when))
            .transpose()?;
        let fields = with_defaults(entity, &record.fields, self.context);
        let targets = targets(entity);
        let joined_id = joined_id(entity, &fields, targets);
        self.check_names(&fields, targets, joined_id.is_some())?;
        let mut compiled = Vec::with_capacity(fields.len());
        for (slot, target) in targets.iter().enumerate() {
            if let Some(field) = fields.get(target.name) {
                self.place = format!(
                    "stream {}, record {entity}, field {}",
                    self.stream.name, target.name
                );
                self.making = format!("{entity}.{}", target.name);
                compiled.push((slot, self.rule(target, field)?));
            }
        }
        Ok(Plan {
            entity,
            targets,
            when,
            fields: compiled.into(),
            joined_id,
            kind_by_sign: kind_by_sign(entity, &fields, targets),
        })
    }

    /// That every field exists and none that is required is missing.
    fn check_names(
        &self,
        fields: &BTreeMap<String, Field>,
        targets: &[Target],
        id_is_joined: bool,
    ) -> Result<(), MappingError> {
        if let Some(unknown) = fields
            .keys()
            .find(|name| !targets.iter().any(|target| target.name == **name))
        {
            let known = join(targets.iter().map(|target| target.name));
            return Err(self.error(format!(
                "there is no field {unknown:?}; the fields are: {known}"
            )));
        }
        let missing = targets.iter().find(|target| {
            target.required
                && !fields.contains_key(target.name)
                && !(id_is_joined && target.name == "id")
        });
        match missing {
            Some(target) => Err(self.error(format!(
                "needs the field {:?}, {}",
                target.name,
                target.kind.describe()
            ))),
            None => Ok(()),
        }
    }

    fn rule(&mut self, target: &Target, field: &Field) -> Result<Rule, MappingError> {
        let tables: Vec<FieldTable> = match field {
            Field::Column(name) => vec![FieldTable {
                column: Some(name.clone()),
                ..FieldTable::default()
            }],
            Field::Table(table) => vec![(**table).clone()],
            Field::Several(tables) => tables.clone(),
        };
        match target.kind {
            Kind::Lines => Ok(Rule::Lines(self.elements(&tables, SaleLine::TARGETS)?)),
            Kind::Payments => Ok(Rule::Payments(
                self.elements(&tables, SalePayment::TARGETS)?,
            )),
            Kind::Texts => {
                let texts = tables
                    .iter()
                    .map(|table| self.texts(target, table))
                    .collect::<Result<_, _>>()?;
                Ok(Rule::Texts(texts))
            }
            _ => match tables.as_slice() {
                [table]
                    if table.each.is_none() && table.fields.is_empty() && table.when.is_none() =>
                {
                    Ok(Rule::One(self.field(target, table)?))
                }
                [table]
                    if target.kind == Kind::Number
                        && self.group.is_none()
                        && table.fields.is_empty()
                        && table.when.is_none() =>
                {
                    self.sum(target, table)
                }
                [_] => Err(self.error(
                    "`each`, `fields` and `when` are for `lines`, `payments` and `barcodes`; `each` also adds up a number",
                )),
                _ => Err(self.error(format!(
                    "is {}, so it cannot be a list",
                    target.kind.describe()
                ))),
            },
        }
    }

    /// A number of each child row, added up.
    fn sum(&mut self, target: &Target, table: &FieldTable) -> Result<Rule, MappingError> {
        let group = self.child(table.each.as_deref().unwrap_or_default())?;
        self.group = Some(group);
        let table = FieldTable {
            each: None,
            ..table.clone()
        };
        let field = self.field(target, &table);
        self.group = None;
        Ok(Rule::Sum(group, field?))
    }

    fn texts(&mut self, target: &Target, table: &FieldTable) -> Result<Texts, MappingError> {
        if !table.fields.is_empty() || table.when.is_some() || table.default.is_some() {
            return Err(
                self.error("is a list of texts; `fields`, `when` and `default` do not fit it")
            );
        }
        let each = table
            .each
            .as_deref()
            .map(|name| self.child(name))
            .transpose()?;
        self.group = each;
        let field = self.field(target, table);
        self.group = None;
        let split = table.split.clone().filter(|split| !split.is_empty());
        Ok(Texts {
            each,
            field: field?,
            split,
        })
    }

    fn field(
        &mut self,
        target: &Target,
        table: &FieldTable,
    ) -> Result<crate::field::Field, MappingError> {
        FieldCompiler {
            stream: self,
            target,
            table,
        }
        .compile()
    }

    fn elements(
        &mut self,
        tables: &[FieldTable],
        targets: &'static [Target],
    ) -> Result<Box<[Element]>, MappingError> {
        tables
            .iter()
            .map(|table| self.element(table, targets))
            .collect()
    }

    fn element(
        &mut self,
        table: &FieldTable,
        targets: &'static [Target],
    ) -> Result<Element, MappingError> {
        let plain = FieldTable {
            each: table.each.clone(),
            fields: table.fields.clone(),
            when: table.when.clone(),
            ..FieldTable::default()
        };
        if plain != *table || table.fields.is_empty() {
            return Err(self.error(
                "is a list: write { each = \"lines\", fields = { … } }, or only `fields` for one",
            ));
        }
        let (place, making) = (self.place.clone(), self.making.clone());
        let each = table
            .each
            .as_deref()
            .map(|name| self.child(name))
            .transpose()?;
        self.group = each;
        self.check_names(&table.fields, targets, false)?;
        let when = table
            .when
            .as_ref()
            .map(|when| self.condition(when))
            .transpose()?;
        let mut fields = Vec::new();
        for (slot, target) in targets.iter().enumerate() {
            let Some(field) = table.fields.get(target.name) else {
                continue;
            };
            self.place = format!("{place}.{}", target.name);
            self.making = format!("{making}.{}", target.name);
            match self.rule(target, field)? {
                Rule::One(field) => fields.push((slot, field)),
                Rule::Texts(_) | Rule::Lines(_) | Rule::Payments(_) | Rule::Sum(..) => {
                    return Err(self.error("cannot be a list within a list"));
                }
            }
        }
        (self.place, self.making, self.group) = (place, making, None);
        Ok(Element {
            each,
            when,
            targets,
            fields: fields.into(),
        })
    }

    /// The place of a child group in the list of those that are used.
    fn child(&mut self, name: &str) -> Result<usize, MappingError> {
        if !self.stream.children.iter().any(|child| child.name == name) {
            let known = join(self.stream.children.iter().map(|child| &child.name));
            return Err(self.error(format!(
                "the stream has no children {name:?}; it has: {known}"
            )));
        }
        if let Some(at) = self.groups.iter().position(|group| **group == *name) {
            return Ok(at);
        }
        self.groups.push(name.into());
        Ok(self.groups.len() - 1)
    }

    /// Takes note of columns of which at least one must be there, unless they are optional.
    pub fn columns(&mut self, names: &[String], optional: bool) -> Result<Vec<Col>, MappingError> {
        let cols = names
            .iter()
            .map(|name| self.column(name))
            .collect::<Result<Vec<_>, _>>()?;
        if !optional {
            self.needs.push(Need {
                any_of: cols.clone(),
                needed_by: self.making.clone(),
            });
        }
        Ok(cols)
    }

    fn column(&mut self, name: &str) -> Result<Col, MappingError> {
        if let Some(known) = self.declared()
            && !has(known.iter().copied(), name)
        {
            return Err(self.error(format!(
                "the query has no column {name:?}; it has: {}",
                join(known.iter())
            )));
        }
        let column = Column {
            group: self.group,
            name: name.into(),
        };
        let at = self
            .columns
            .iter()
            .position(|known| *known == column)
            .unwrap_or_else(|| {
                self.columns.push(column);
                self.columns.len() - 1
            });
        if at >= usize::from(u16::MAX) {
            return Err(self.error("too many columns are used"));
        }
        Ok(Col::at(at))
    }

    /// The columns that a query declares, or a table's list; a file's are known when it is read.
    fn declared(&self) -> Option<Vec<&'a String>> {
        let query = match &self.stream.source {
            Source::Query(query) => query,
            Source::Table(table) => return self.declared_of_table(table),
            Source::Event(event) => return Some(self.declared_of_event(event)),
            Source::Files(_) | Source::Http(_) => return None,
        };
        let group = self.group.and_then(|group| self.groups.get(group));
        let child = self
            .stream
            .children
            .iter()
            .find(|child| group.is_some_and(|group| **group == *child.name));
        let of_child = child
            .and_then(|child| child.query.as_ref())
            .into_iter()
            .flat_map(|query| query.columns.keys());
        Some(of_child.chain(query.columns.keys()).collect())
    }

    fn declared_of_event(&self, event: &'a EventSource) -> Vec<&'a String> {
        let group = self.group.and_then(|group| self.groups.get(group));
        let children = self.stream.children.iter();
        let of_child = children
            .filter(|child| group.is_some_and(|group| **group == *child.name))
            .filter_map(|child| child.json.as_ref())
            .flat_map(|rows| rows.columns.keys());
        of_child.chain(event.columns.keys()).collect()
    }

    /// Only where both the table and, within a group, its child table list what they read.
    fn declared_of_table(&self, table: &'a TableSource) -> Option<Vec<&'a String>> {
        let group = self.group.and_then(|group| self.groups.get(group));
        let child = self
            .stream
            .children
            .iter()
            .find(|child| group.is_some_and(|group| **group == *child.name));
        let (child_spec, child) = (child, child.and_then(|child| child.table.as_ref()));
        let lists: Vec<_> = std::iter::once(table).chain(child).collect();
        if lists.iter().any(|list| list.columns.is_empty()) {
            return None;
        }
        let names = lists
            .into_iter()
            .flat_map(|list| list.columns.iter().chain(&list.optional));
        let key = child_spec
            .into_iter()
            .flat_map(|child| child.parent.iter().chain(&child.order));
        Some(names.chain(key).chain(&self.stream.key).collect())
    }

    pub fn condition(&mut self, condition: &doc::Condition) -> Result<Condition, MappingError> {
        let doc::Condition {
            column,
            equals,
            not_equals,
            one_of,
            empty,
            expression,
        } = condition;
        let questions = usize::from(equals.is_some())
            + usize::from(not_equals.is_some())
            + usize::from(!one_of.is_empty())
            + usize::from(empty.is_some());
        if let (Some(expression), None, 0) = (expression, column, questions) {
            return self
                .expression(expression, false)
                .map(Condition::Expression);
        }
        let (Some(column), 1, None) = (column, questions, expression) else {
            return Err(self.error(
                "a condition is { column = …, equals = … } (or not_equals, one_of, empty), or { expression = … }",
            ));
        };
        let col = self.columns(std::slice::from_ref(column), false)?[0];
        let words = |scalars: &[Scalar]| scalars.iter().map(Word::new).collect();
        Ok(if let Some(word) = equals {
            Condition::OneOf(col, words(std::slice::from_ref(word)))
        } else if let Some(word) = not_equals {
            Condition::NoneOf(col, words(std::slice::from_ref(word)))
        } else if let Some(empty) = empty {
            Condition::Empty(col, *empty)
        } else {
            Condition::OneOf(col, words(one_of))
        })
    }

    /// An expression's variables are columns and settings. Those of an optional field may be missing, and are `()` then.
    pub fn expression(&mut self, text: &str, optional: bool) -> Result<Expression, MappingError> {
        let expression = Expression::compile(text, |name| {
            let declared = self.declared();
            let is_column = declared
                .as_ref()
                .is_some_and(|known| has(known.iter().copied(), name));
            if !is_column && let Some(setting) = self.settings.get(name) {
                let cell = crate::cell::Cell::read(setting, true, None)
                    .map_err(|problem| problem.message.to_string())?;
                return Ok(Variable::Setting(cell.into_owned()));
            }
            let col = self
                .columns(&[name.to_owned()], optional)
                .map_err(|error| error.problem)?;
            Ok(Variable::Column(col[0]))
        });
        expression.map_err(|problem| self.error(problem))
    }
}
