//! What follows from the fields of a document without being written: a product without a SKU of its own goes by its
//! identity, an amount without a currency is in the store's.

use std::collections::BTreeMap;

use fluxion_model::entity::EntityKind;

use crate::context::Context;
use crate::field_document::{Field, FieldTable};
use crate::scalar::Scalar;
use crate::target::Target;

/// The fields of the document, and those that follow from them or from the context.
pub(crate) fn with_defaults(
    entity: EntityKind,
    given: &BTreeMap<String, Field>,
    context: &Context,
) -> BTreeMap<String, Field> {
    let mut fields = given.clone();
    let constant = |text: &str| {
        Field::Table(Box::new(FieldTable {
            constant: Some(Scalar::Text(text.to_owned())),
            ..FieldTable::default()
        }))
    };
    let like_id = match entity {
        EntityKind::Product => Some("sku"),
        EntityKind::Sale => Some("number"),
        _ => None,
    };
    if let (Some(name), Some(id)) = (like_id, given.get("id")) {
        fields.entry(name.to_owned()).or_insert_with(|| id.clone());
    }
    if entity == EntityKind::Price {
        fields
            .entry("list".to_owned())
            .or_insert_with(|| constant("default"));
    }
    let has_amount = match entity {
        EntityKind::Price
        | EntityKind::Sale
        | EntityKind::AccountPayment
        | EntityKind::CashSession => true,
        EntityKind::Product => given.contains_key("cost"),
        EntityKind::StockMovement => given.contains_key("unit_cost"),
        EntityKind::Customer => given.contains_key("credit_limit") || given.contains_key("balance"),
        EntityKind::Location
        | EntityKind::Category
        | EntityKind::Supplier
        | EntityKind::StockLevel => false,
    };
    if has_amount {
        fields
            .entry("currency".to_owned())
            .or_insert_with(|| constant(context.currency.as_str()));
    }
    fields
}

/// The two fields that make up the identity of prices and stock levels where the POS keeps none.
pub(crate) fn joined_id(
    entity: EntityKind,
    fields: &BTreeMap<String, Field>,
    targets: &[Target],
) -> Option<(usize, usize)> {
    let second = match entity {
        EntityKind::Price => "list",
        EntityKind::StockLevel => "location",
        _ => return None,
    };
    let slot = |name: &str| targets.iter().position(|target| target.name == name);
    if fields.contains_key("id") {
        None
    } else {
        slot("product").zip(slot(second))
    }
}

/// The kind and the total of a sale whose kind is not mapped: a negative total is a return.
pub(crate) fn kind_by_sign(
    entity: EntityKind,
    fields: &BTreeMap<String, Field>,
    targets: &[Target],
) -> Option<(usize, usize)> {
    if entity != EntityKind::Sale || fields.contains_key("kind") {
        return None;
    }
    let slot = |name: &str| targets.iter().position(|target| target.name == name);
    slot("kind").zip(slot("total"))
}
