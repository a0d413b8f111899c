//! The rules of a stream, bound to the shape of a source's rows: what runs once per row.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluxion_model::entity::{EntityKind, Record, SaleKind, SaleLine, SalePayment};
use fluxion_model::id::ExternalId;
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::row::{Row, RowKey, RowShape};
use rust_decimal::Decimal;

use crate::business::{Finding, Outcome};
use crate::field::Field;
use crate::problem::Problem;
use crate::rules::{Element, Plan, Rule, StreamRules, Texts};
use crate::target::{Build, MAX_FIELDS, Output, Slots, Target, build};
use crate::view::{Position, View};

/// Turns rows of one shape into records.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(crate) rules: StreamRules,
    pub(crate) shape: Arc<RowShape>,
    pub(crate) positions: Box<[Position]>,
    /// Where each child group of the rules stands in the shape.
    pub(crate) groups: Box<[Option<usize>]>,
}

/// What a row became.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// Records, in the order of the mapping.
    pub records: Vec<Record>,
    /// Records that broke a rule, one entry each.
    pub rejects: Vec<Rejected>,
    /// Records that went on although something about them is odd.
    pub warnings: Vec<Rejected>,
}

/// Child rows of a rejected row that are kept for the person who looks at it.
const CHILD_ROWS_KEPT: usize = 10;
/// Columns that are kept.
const COLUMNS_KEPT: usize = 200;

/// Why a record could not be made.
struct Failure {
    id: Option<ExternalId>,
    field: Option<&'static str>,
    column: Option<String>,
    raw: Option<String>,
    problem: Box<Problem>,
    /// Other fields that are wrong as well.
    also: Vec<String>,
}

impl Bound {
    /// What a row becomes. Pure: the same row always becomes the same records. Never panics, never fails.
    #[must_use]
    pub fn map(&self, key: &RowKey, row: &Row) -> Mapped {
        let rules = &self.rules.0;
        let view = View::parent(&row.values, &self.positions);
        let mut mapped = Mapped {
            records: Vec::with_capacity(rules.records.len()),
            ..Mapped::default()
        };
        for plan in &rules.records {
            match self.record(plan, &view, row) {
                Ok(Some(record)) => mapped.records.push(record),
                Ok(None) => {}
                Err(failure) => mapped
                    .rejects
                    .push(self.reject(plan.entity, key, row, *failure)),
            }
        }
        let mut findings = Vec::new();
        rules.business.examine(&mut mapped.records, &mut findings);
        if !findings.is_empty() {
            self.settle(findings, key, row, &mut mapped);
        }
        mapped
    }

    fn record(
        &self,
        plan: &Plan,
        view: &View<'_>,
        row: &Row,
    ) -> Result<Option<Record>, Box<Failure>> {
        match plan.when.as_ref().map(|when| when.holds(view)).transpose() {
            Ok(Some(false)) => return Ok(None),
            Ok(_) => {}
            Err(problem) => return Err(Box::new(Failure::whole(problem))),
        }
        let mut slots: Slots = [const { None }; MAX_FIELDS];
        let mut failure: Option<Box<Failure>> = None;
        for (slot, rule) in &plan.fields {
            if let Err(problem) = self.field(rule, view, row, &mut slots[*slot]) {
                let name = plan.targets[*slot].name;
                match &mut failure {
                    Some(first) => first.also.push(name.to_owned()),
                    None => failure = Some(Box::new(self.failure(name, rule, problem, view))),
                }
            }
        }
        if let Some((first, second)) = plan.joined_id {
            join_id(&mut slots, first, second);
        }
        if let Some((kind, total)) = plan.kind_by_sign
            && matches!(&slots[total], Some(Output::Number(total)) if total.is_sign_negative())
        {
            slots[kind] = Some(Output::Direction(SaleKind::Return));
        }
        let failure = failure.or_else(|| self.incomplete(plan, &slots, view).map(Box::new));
        if let Some(mut failure) = failure {
            if let Some(Output::Id(id)) = slots[0].take() {
                failure.id = Some(id);
            }
            return Err(failure);
        }
        // Nothing required is missing, so this always builds.
        Ok(build(plan.entity, &mut slots))
    }

    /// What is required and missing, if anything is.
    fn incomplete(&self, plan: &Plan, slots: &Slots, view: &View<'_>) -> Option<Failure> {
        let joined = plan.joined_id.is_some();
        let others = usize::from(joined);
        // Without the product there is no joined identity either, and the product is what a person can correct.
        let at = missing(&plan.targets[others..], &slots[others..]).map(|at| at + others);
        let at = at.or_else(|| missing(plan.targets, slots))?;
        if joined && at == 0 {
            let problem = Problem::data(
                "id",
                "made of two parts is longer than 200 bytes; correct it at the POS",
            );
            return Some(Failure {
                field: Some("id"),
                ..Failure::whole(problem)
            });
        }
        let rule = plan
            .fields
            .iter()
            .find(|(slot, _)| *slot == at)
            .map(|(_, rule)| rule);
        Some(self.required(plan.targets[at].name, rule, view))
    }

    fn field(
        &self,
        rule: &Rule,
        view: &View<'_>,
        row: &Row,
        slot: &mut Option<Output>,
    ) -> Result<(), Box<Problem>> {
        match rule {
            Rule::One(field) => return field.fill(view, slot),
            Rule::Texts(texts) => *slot = Some(self.texts(texts, view, row)?),
            Rule::Lines(elements) => {
                *slot = Some(Output::Lines(
                    self.elements::<SaleLine>(elements, view, row)?,
                ));
            }
            Rule::Payments(elements) => {
                let payments = self.elements::<SalePayment>(elements, view, row)?;
                *slot = Some(Output::Payments(payments));
            }
            Rule::Sum(group, field) => *slot = self.sum(*group, field, view, row)?,
        }
        Ok(())
    }

    /// Nothing, or the default, where there are no child rows: that is not the same as zero.
    fn sum(
        &self,
        group: usize,
        field: &Field,
        view: &View<'_>,
        row: &Row,
    ) -> Result<Option<Output>, Box<Problem>> {
        let mut sum: Option<Decimal> = None;
        for child in self.children(group, row) {
            if let Some(Output::Number(number)) = field.evaluate(&view.child(&child.values))? {
                let added = sum.unwrap_or_default().checked_add(number);
                sum = Some(added.ok_or_else(|| {
                    Problem::data(
                        "too_large",
                        "adds up to more than can be kept; correct it at the POS",
                    )
                })?);
            }
        }
        Ok(sum.map(Output::Number).or_else(|| field.default.clone()))
    }

    fn texts(&self, texts: &[Texts], view: &View<'_>, row: &Row) -> Result<Output, Box<Problem>> {
        let mut all = Vec::new();
        for text in texts {
            let split = text.split.as_deref();
            match text.each {
                None => text.field.collect(split, view, &mut all)?,
                Some(group) => {
                    for child in self.children(group, row) {
                        text.field
                            .collect(split, &view.child(&child.values), &mut all)?;
                    }
                }
            }
        }
        Ok(Output::Texts(all))
    }

    fn children<'r>(&self, group: usize, row: &'r Row) -> &'r [Row] {
        self.groups
            .get(group)
            .copied()
            .flatten()
            .and_then(|at| row.children.get(at))
            .map_or(&[], Vec::as_slice)
    }

    fn elements<T: Build>(
        &self,
        elements: &[Element],
        view: &View<'_>,
        row: &Row,
    ) -> Result<Vec<T>, Box<Problem>> {
        let mut all = Vec::new();
        for element in elements {
            match element.each {
                None => all.extend(self.element::<T>(element, all.len(), view)?),
                Some(group) => {
                    let children = self.children(group, row);
                    all.reserve(children.len());
                    for child in children {
                        all.extend(self.element::<T>(
                            element,
                            all.len(),
                            &view.child(&child.values),
                        )?);
                    }
                }
            }
        }
        Ok(all)
    }

    fn element<T: Build>(
        &self,
        element: &Element,
        at: usize,
        view: &View<'_>,
    ) -> Result<Option<T>, Box<Problem>> {
        if let Some(when) = &element.when
            && !when.holds(view)?
        {
            return Ok(None);
        }
        let mut slots: Slots = [const { None }; MAX_FIELDS];
        for (slot, field) in &element.fields {
            field.fill(view, &mut slots[*slot]).map_err(|problem| {
                self.inside(problem, element.targets[*slot].name, at, Some(field), view)
            })?;
        }
        if let Some(slot) = missing(element.targets, &slots) {
            let field = element
                .fields
                .iter()
                .find(|(own, _)| *own == slot)
                .map(|(_, field)| field);
            return Err(self.inside(
                Problem::required(),
                element.targets[slot].name,
                at,
                field,
                view,
            ));
        }
        Ok(T::build(&mut slots))
    }

    /// Notes where within a list it went wrong.
    fn inside(
        &self,
        mut problem: Box<Problem>,
        name: &str,
        at: usize,
        field: Option<&Field>,
        view: &View<'_>,
    ) -> Box<Problem> {
        problem.inside = Some(format!("[{}].{name}", at + 1));
        let (column, raw) = field
            .map(|field| self.evidence(field, view))
            .unwrap_or_default();
        problem.column = column;
        problem.raw = raw;
        problem
    }

    fn failure(
        &self,
        name: &'static str,
        rule: &Rule,
        mut problem: Box<Problem>,
        view: &View<'_>,
    ) -> Failure {
        let (column, raw) = match rule {
            Rule::One(field) => self.evidence(field, view),
            Rule::Texts(texts) => texts
                .first()
                .map(|text| self.evidence(&text.field, view))
                .unwrap_or_default(),
            Rule::Sum(_, field) => self.evidence(field, view),
            Rule::Lines(_) | Rule::Payments(_) => (problem.column.take(), problem.raw.take()),
        };
        Failure {
            id: None,
            field: Some(name),
            column,
            raw,
            problem,
            also: Vec::new(),
        }
    }

    fn required(&self, name: &'static str, rule: Option<&Rule>, view: &View<'_>) -> Failure {
        match rule {
            Some(rule) => self.failure(name, rule, Problem::required(), view),
            None => Failure {
                field: Some(name),
                ..Failure::whole(Problem::required())
            },
        }
    }

    /// The column a field takes from, and what it holds, unless that is secret.
    fn evidence(&self, field: &Field, view: &View<'_>) -> (Option<String>, Option<String>) {
        let rules = &self.rules.0;
        let cols = field.take.columns();
        let col = cols
            .iter()
            .find(|col| !view.value(**col).is_null())
            .or(cols.first());
        let Some(col) = col else { return (None, None) };
        let Some(column) = rules.columns.get(col.index()) else {
            return (None, None);
        };
        let value = view.value(*col);
        let raw =
            (!value.is_null() && !rules.is_secret(&column.name)).then(|| cut(&value.to_string()));
        (Some(column.name.to_string()), raw)
    }

    fn reject(&self, entity: EntityKind, key: &RowKey, row: &Row, failure: Failure) -> Rejected {
        let Failure {
            id,
            field,
            column,
            raw,
            problem,
            also,
        } = failure;
        let field = field.map(|field| match &problem.inside {
            Some(inside) => format!("{field}{inside}"),
            None => field.to_owned(),
        });
        let subject = column
            .or_else(|| field.clone())
            .map_or_else(|| "the row".to_owned(), |name| format!("`{name}`"));
        let mut message = format!("{subject} {}", problem.message);
        if !also.is_empty() {
            message.push_str("; also wrong: ");
            message.push_str(&also.join(", "));
        }
        let rejected = Rejected {
            id,
            class: problem.class,
            field,
            rule: problem.rule.to_owned(),
            raw,
            message,
            ..self.blank(entity, key)
        };
        self.with_row(rejected, row)
    }

    /// Fixed records stay; rejected ones leave; each finding is reported.
    fn settle(&self, findings: Vec<Finding>, key: &RowKey, row: &Row, mapped: &mut Mapped) {
        let mut refused = vec![false; mapped.records.len()];
        for finding in findings {
            let Some(record) = mapped.records.get(finding.record) else {
                continue;
            };
            if refused.get(finding.record) == Some(&true) {
                continue;
            }
            let rejected = Rejected {
                id: Some(record.id().clone()),
                class: ErrorClass::BusinessRule,
                field: finding.field.map(str::to_owned),
                rule: finding.rule.as_str().to_owned(),
                raw: finding.raw,
                message: finding.message,
                ..self.blank(record.kind(), key)
            };
            let rejected = self.with_row(rejected, row);
            match finding.outcome {
                Outcome::Warn => mapped.warnings.push(rejected),
                Outcome::Reject => {
                    mapped.rejects.push(rejected);
                    refused[finding.record] = true;
                }
            }
        }
        let mut refused = refused.into_iter();
        mapped.records.retain(|_| !refused.next().unwrap_or(false));
    }

    fn blank(&self, entity: EntityKind, key: &RowKey) -> Rejected {
        Rejected {
            entity,
            key: key.as_str().to_owned(),
            id: None,
            class: ErrorClass::DataValidation,
            field: None,
            rule: String::new(),
            raw: None,
            message: String::new(),
            position: None,
            row: BTreeMap::new(),
        }
    }

    /// Adds what a person needs to find and understand the row.
    fn with_row(&self, mut rejected: Rejected, row: &Row) -> Rejected {
        rejected.position = row.position.map(|position| position.to_string());
        self.keep(&mut rejected.row, "", &self.shape, row);
        for ((name, shape), children) in self.shape.children.iter().zip(&row.children) {
            for (at, child) in children.iter().take(CHILD_ROWS_KEPT).enumerate() {
                self.keep(
                    &mut rejected.row,
                    &format!("{name}[{}].", at + 1),
                    shape,
                    child,
                );
            }
        }
        rejected
    }

    fn keep(&self, kept: &mut BTreeMap<String, String>, prefix: &str, shape: &RowShape, row: &Row) {
        for (column, value) in shape.columns.iter().zip(&row.values) {
            if kept.len() < COLUMNS_KEPT && !value.is_null() && !self.rules.0.is_secret(column) {
                kept.insert(format!("{prefix}{column}"), cut(&value.to_string()));
            }
        }
    }
}

impl Failure {
    fn whole(problem: Box<Problem>) -> Self {
        Self {
            id: None,
            field: None,
            column: None,
            raw: None,
            problem,
            also: Vec::new(),
        }
    }
}

impl Problem {
    fn required() -> Box<Self> {
        Self::data(
            "required",
            "is empty and must not be; fill it in at the POS, or give a `default` in the mapping",
        )
    }
}

/// The first required field that has no value.
fn missing(targets: &[Target], slots: &[Option<Output>]) -> Option<usize> {
    targets
        .iter()
        .zip(slots)
        .position(|(target, slot)| target.required && slot.is_none())
}

/// The identity of a record that has none of its own: two fields, escaped as the parts of a row key are.
fn join_id(slots: &mut Slots, first: usize, second: usize) {
    let text = |slot: &Option<Output>| match slot {
        Some(Output::Id(id)) => Some(id.as_str().to_owned()),
        Some(Output::Text(text)) if text != "default" => Some(text.clone()),
        _ => None,
    };
    let Some(first) = text(&slots[first]) else {
        return;
    };
    let joined = match text(&slots[second]) {
        Some(second) => RowKey::join([first, second]),
        None => RowKey::join([first]),
    };
    slots[0] = ExternalId::new(joined.0).ok().map(Output::Id);
}

fn cut(text: &str) -> String {
    // Control characters would break logs and terminals; the reader needs to see that something was there.
    text.chars()
        .take(Rejected::RAW_MAX_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
