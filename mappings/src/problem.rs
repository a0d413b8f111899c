//! Why a value, a record or a row cannot go on.

use std::borrow::Cow;

use fluxion_model::reject::ErrorClass;

/// A broken rule. Where it was broken is known to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A short, stable word.
    pub rule: &'static str,
    /// Who must act.
    pub class: ErrorClass,
    /// The rest of a sentence that begins with the column or field.
    pub message: Cow<'static, str>,
    /// The field within a child, such as `lines[2].quantity`, where it is not the field itself.
    pub inside: Option<String>,
    /// The raw value, where it is not that of the field's column.
    pub raw: Option<String>,
    /// The column, where it is not the field's.
    pub column: Option<String>,
}

impl Problem {
    fn new(
        rule: &'static str,
        class: ErrorClass,
        message: impl Into<Cow<'static, str>>,
    ) -> Box<Self> {
        Box::new(Self {
            rule,
            class,
            message: message.into(),
            inside: None,
            raw: None,
            column: None,
        })
    }

    /// The value at the POS is wrong.
    pub fn data(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Box<Self> {
        Self::new(rule, ErrorClass::DataValidation, message)
    }

    /// The mapping does not fit the source.
    pub fn mapping(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Box<Self> {
        Self::new(rule, ErrorClass::Mapping, message)
    }
}
