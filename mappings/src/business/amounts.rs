//! Rules about products, prices, tax ids and currencies.

use fluxion_model::entity::{Price, Product, Record, TaxInclusion};
use fluxion_model::money::Currency;
use rust_decimal::Decimal;

use super::{Business, Finding, Found, RuleName};

pub(super) fn product(product: &Product, found: &mut Found<'_>) {
    found.ask(RuleName::TaxRateSane, |_| {
        let rate = product.tax_rate.filter(|rate| rate.is_sign_negative() || *rate > Decimal::ONE_HUNDRED)?;
        let message = "the tax rate is not between 0 and 100 percent; correct it at the POS, or `scale` in the mapping";
        Some(("tax_rate", rate.to_string(), message.to_owned()))
    });
    found.ask(RuleName::DefaultTax, |_| {
        let message = "the product has no tax rate; give it one at the POS";
        product
            .tax_rate
            .is_none()
            .then(|| ("tax_rate", String::new(), message.to_owned()))
    });
    found.ask(RuleName::CostNotNegative, |_| {
        negative("cost", product.cost)
    });
    currency(product.currency, found);
}

pub(super) fn price(price: &Price, found: &mut Found<'_>) {
    found.ask(RuleName::PriceNotNegative, |_| {
        negative("amount", Some(price.amount))
    });
    currency(Some(price.currency), found);
}

fn negative(
    field: &'static str,
    amount: Option<Decimal>,
) -> Option<(&'static str, String, String)> {
    let amount = amount.filter(|amount| amount.is_sign_negative() && !amount.is_zero())?;
    Some((
        field,
        amount.to_string(),
        format!("the {field} is negative; correct it at the POS"),
    ))
}

pub(super) fn currency(currency: Option<Currency>, found: &mut Found<'_>) {
    let known = &found.business.currencies;
    let Some(currency) = currency.filter(|currency| !known.is_empty() && !known.contains(currency))
    else {
        return;
    };
    found.ask(RuleName::CurrencyKnown, |_| {
        let message = format!(
            "{currency} is no currency that is in use in the store's country; check the mapping"
        );
        Some(("currency", currency.to_string(), message))
    });
}

pub(super) fn tax_id(tax_id: Option<&str>, found: &mut Found<'_>) {
    let (Some(kind), Some(text)) = (found.business.tax_id, tax_id) else {
        return;
    };
    found.ask(RuleName::TaxId, |_| {
        let reason = kind.check(text).err()?;
        Some((
            "tax_id",
            text.to_owned(),
            format!("the tax id is not valid: {reason}; correct it at the POS"),
        ))
    });
}

/// Prices against the cost of their product, among the records of one row.
pub(super) fn margins(business: &Business, records: &[Record], findings: &mut Vec<Finding>) {
    if business.asks(RuleName::LowMargin).is_none() && business.asks(RuleName::PriceSane).is_none()
    {
        return;
    }
    for product in records.iter().filter_map(|record| match record {
        Record::Product(product) => Some(product),
        _ => None,
    }) {
        let Some(cost) = product.cost.filter(|cost| *cost > Decimal::ZERO) else {
            continue;
        };
        for (at, record) in records.iter().enumerate() {
            if let Record::Price(price) = record
                && price.product == product.id
                && Some(price.currency) == product.currency
                && price.amount > Decimal::ZERO
            {
                margin(
                    product,
                    cost,
                    price,
                    &mut Found {
                        business,
                        record: at,
                        findings,
                    },
                );
            }
        }
    }
}

fn margin(product: &Product, cost: Decimal, price: &Price, found: &mut Found<'_>) {
    let Some(net) = without_tax(price, product.tax_rate) else {
        return;
    };
    found.ask(RuleName::PriceSane, |times| {
        let limit = cost.checked_mul(times)?;
        (net > limit).then(|| {
            let message = format!(
                "the price {} is more than {times} times the cost {cost}; is a decimal mark in the wrong place?",
                price.amount
            );
            ("amount", price.amount.to_string(), message)
        })
    });
    found.ask(RuleName::LowMargin, |least| {
        let margin = net
            .checked_sub(cost)?
            .checked_mul(Decimal::ONE_HUNDRED)?
            .checked_div(cost)?;
        (margin < least).then(|| {
            let message = format!(
                "the price {} is {} % above the cost {cost}, less than {least} %; is that meant?",
                price.amount,
                margin.round_dp(2).normalize()
            );
            ("amount", price.amount.to_string(), message)
        })
    });
}

/// The price before tax. A price that does not say whether it contains tax is taken as it is.
fn without_tax(price: &Price, rate: Option<Decimal>) -> Option<Decimal> {
    match (price.tax, rate) {
        (Some(TaxInclusion::Included), Some(rate)) if rate > Decimal::ZERO => {
            let factor = Decimal::ONE.checked_add(rate.checked_div(Decimal::ONE_HUNDRED)?)?;
            price.amount.checked_div(factor)
        }
        _ => Some(price.amount),
    }
}
