//! Business rules: what a record must make sense as, after its fields were read.
//!
//! Countries differ in their figures, and those stand in `countries/*.toml`. A mapping changes a rule's action or
//! figure, or switches it off.

mod amounts;
mod sales;

use std::collections::BTreeMap;
use std::fmt;

use fluxion_model::entity::Record;
use fluxion_model::money::Currency;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Country;
use crate::document::RuleChange;
use crate::error::MappingError;
use crate::tax_id::TaxIdKind;

/// Defines the rules, with their words, from one list.
macro_rules! rule_names {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, fixable: $fixable:literal;)*) => {
        /// A business rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum RuleName { $($(#[$doc])* $rule,)* }

        impl RuleName {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The word in mappings and in reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            fn is_fixable(self) -> bool {
                match self { $(Self::$rule => $fixable,)* }
            }
        }
    };
}

rule_names! {
    /// A product without a tax rate gets that of the country. `value`: percent.
    DefaultTax = "default_tax", fixable: true;
    /// A tax rate is between 0 and 100 percent.
    TaxRateSane = "tax_rate_sane", fixable: false;
    /// A price is not negative.
    PriceNotNegative = "price_not_negative", fixable: false;
    /// A cost is not negative.
    CostNotNegative = "cost_not_negative", fixable: false;
    /// A price is at most `value` times the cost; more is usually a decimal mark in the wrong place.
    PriceSane = "price_sane", fixable: false;
    /// A price without tax is at least `value` percent above the cost.
    LowMargin = "low_margin", fixable: false;
    /// Lines, discount and tax add up to the total, within `value` and a cent a line.
    TotalsAddUp = "totals_add_up", fixable: false;
    /// Payments add up to the total, within `value` and a cent a line.
    PaymentsAddUp = "payments_add_up", fixable: false;
    /// RIF, RFC, CUIT and RUC are well-formed and their check digit is right. Fixed by leaving them out.
    TaxId = "tax_id", fixable: true;
    /// The currency is one in use in the country.
    CurrencyKnown = "currency_known", fixable: false;
    /// An exchange rate is above zero, and is there where a payment is in another currency.
    ExchangeRate = "exchange_rate", fixable: false;
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a record that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// Nothing; the rule is not asked.
    Off,
    /// It goes on, and is reported.
    Warn,
    /// It is set aside.
    Reject,
    /// It is mended silently, where the rule knows how.
    Fix,
}

/// What becomes of a record about which something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Warn,
    Reject,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// Which of the row's records.
    pub record: usize,
    pub rule: RuleName,
    pub outcome: Outcome,
    pub field: Option<&'static str>,
    pub raw: Option<String>,
    pub message: String,
}

/// A country's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountryFile {
    #[serde(default)]
    currencies: Vec<Currency>,
    #[serde(default)]
    tax_id: Option<TaxIdKind>,
    rules: BTreeMap<RuleName, RuleChange>,
}

/// What holds everywhere; a country's file changes it.
const EVERYWHERE: &str = include_str!("countries/everywhere.toml");

fn country_file(country: Country) -> &'static str {
    match country {
        Country::Venezuela => include_str!("countries/venezuela.toml"),
        Country::Mexico => include_str!("countries/mexico.toml"),
        Country::Argentina => include_str!("countries/argentina.toml"),
        Country::Panama => include_str!("countries/panama.toml"),
    }
}

/// The rules that hold for a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Business {
    /// By the place of the rule in [`RuleName::ALL`], so that asking costs no search.
    rules: [(RuleAction, Decimal); RuleName::ALL.len()],
    currencies: Vec<Currency>,
    tax_id: Option<TaxIdKind>,
    default_tax: Option<Decimal>,
}

impl Business {
    pub fn compile(
        country: Option<Country>,
        changes: &BTreeMap<RuleName, RuleChange>,
    ) -> Result<Self, MappingError> {
        let everywhere = read(EVERYWHERE)?;
        let own = country
            .map(|country| read(country_file(country)))
            .transpose()?;
        let mut rules = [(RuleAction::Off, Decimal::ZERO); RuleName::ALL.len()];
        let layers = [
            Some(&everywhere.rules),
            own.as_ref().map(|own| &own.rules),
            Some(changes),
        ];
        for (name, change) in layers.into_iter().flatten().flatten() {
            let (action, value) = &mut rules[*name as usize];
            *action = change.action.unwrap_or(*action);
            *value = change.value.map_or(*value, |value| value.0);
            if *action == RuleAction::Fix && !name.is_fixable() {
                return Err(MappingError::new(
                    format!("rules.{name}"),
                    "cannot be fixed by itself; use action = \"warn\", \"reject\" or \"off\"",
                ));
            }
        }
        let default_tax = match rules[RuleName::DefaultTax as usize] {
            (RuleAction::Fix, value) => Some(value),
            (RuleAction::Off | RuleAction::Warn | RuleAction::Reject, _) => None,
        };
        let (currencies, tax_id) = own
            .map(|own| (own.currencies, own.tax_id))
            .unwrap_or_default();
        Ok(Self {
            rules,
            currencies,
            tax_id,
            default_tax,
        })
    }

    /// Looks at all records of one row, mends what is to be mended, and notes the rest.
    pub fn examine(&self, records: &mut [Record], findings: &mut Vec<Finding>) {
        for record in records.iter_mut() {
            self.mend(record);
        }
        for (at, record) in records.iter().enumerate() {
            let mut found = Found {
                business: self,
                record: at,
                findings,
            };
            match record {
                Record::Product(product) => amounts::product(product, &mut found),
                Record::Price(price) => amounts::price(price, &mut found),
                Record::Sale(sale) => sales::sale(sale, &mut found),
                Record::Customer(customer) => {
                    amounts::tax_id(customer.tax_id.as_deref(), &mut found);
                    amounts::currency(customer.currency, &mut found);
                }
                Record::Supplier(supplier) => {
                    amounts::tax_id(supplier.tax_id.as_deref(), &mut found)
                }
                Record::AccountPayment(payment) => {
                    amounts::currency(Some(payment.currency), &mut found)
                }
                Record::CashSession(session) => {
                    amounts::currency(Some(session.currency), &mut found)
                }
                Record::StockMovement(movement) => amounts::currency(movement.currency, &mut found),
                Record::Location(_) | Record::Category(_) | Record::StockLevel(_) => {}
            }
        }
        amounts::margins(self, records, findings);
    }

    fn mend(&self, record: &mut Record) {
        match record {
            Record::Product(product) if product.tax_rate.is_none() => {
                product.tax_rate = self.default_tax
            }
            Record::Customer(customer) => self.mend_tax_id(&mut customer.tax_id),
            Record::Supplier(supplier) => self.mend_tax_id(&mut supplier.tax_id),
            _ => {}
        }
    }

    fn mend_tax_id(&self, tax_id: &mut Option<String>) {
        if self.action(RuleName::TaxId) == RuleAction::Fix
            && let (Some(kind), Some(text)) = (self.tax_id, &tax_id)
            && kind.check(text).is_err()
        {
            *tax_id = None;
        }
    }

    fn action(&self, rule: RuleName) -> RuleAction {
        self.rules[rule as usize].0
    }

    /// The rule's figure and what happens when it is broken, if it is asked at all.
    fn asks(&self, rule: RuleName) -> Option<(Decimal, Outcome)> {
        let (action, value) = self.rules[rule as usize];
        match action {
            RuleAction::Warn => Some((value, Outcome::Warn)),
            RuleAction::Reject => Some((value, Outcome::Reject)),
            RuleAction::Off | RuleAction::Fix => None,
        }
    }
}

/// Collects what is found about one record.
struct Found<'a> {
    business: &'a Business,
    record: usize,
    findings: &'a mut Vec<Finding>,
}

impl Found<'_> {
    /// Asks a rule: `broken` gets its figure, and gives field, raw value and message when it is broken.
    fn ask(
        &mut self,
        rule: RuleName,
        broken: impl FnOnce(Decimal) -> Option<(&'static str, String, String)>,
    ) {
        let Some((value, outcome)) = self.business.asks(rule) else {
            return;
        };
        if let Some((field, raw, message)) = broken(value) {
            self.findings.push(Finding {
                record: self.record,
                rule,
                outcome,
                field: Some(field),
                raw: Some(raw),
                message,
            });
        }
    }
}

fn read(text: &str) -> Result<CountryFile, MappingError> {
    // Embedded files; a test reads all of them.
    toml::from_str(text).map_err(|error| MappingError::new("country rules", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_can_be_read_and_names_its_default_tax() {
        for (country, tax) in [
            (Country::Venezuela, 16),
            (Country::Mexico, 16),
            (Country::Argentina, 21),
            (Country::Panama, 7),
        ] {
            let business = Business::compile(Some(country), &BTreeMap::new()).unwrap();
            assert_eq!(
                business.default_tax,
                Some(Decimal::from(tax)),
                "{country:?}"
            );
            assert!(
                !business.currencies.is_empty() && business.tax_id.is_some(),
                "{country:?}"
            );
        }
        assert_eq!(
            Business::compile(None, &BTreeMap::new())
                .unwrap()
                .default_tax,
            None
        );
    }

    #[test]
    fn only_what_a_rule_can_mend_may_be_fixed() {
        let fix = |rule| {
            let change = RuleChange {
                action: Some(RuleAction::Fix),
                value: None,
            };
            Business::compile(None, &BTreeMap::from([(rule, change)]))
        };
        assert!(fix(RuleName::TaxId).is_ok());
        assert!(
            fix(RuleName::LowMargin)
                .unwrap_err()
                .to_string()
                .contains("rules.low_margin")
        );
    }

    #[test]
    fn every_rule_has_its_word() {
        for rule in RuleName::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
