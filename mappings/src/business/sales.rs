//! Rules about sales: that the parts make up the whole.

use fluxion_model::entity::{Sale, SaleLine, SaleStatus};
use rust_decimal::Decimal;

use super::amounts::currency;
use super::{Found, RuleName};

pub(super) fn sale(sale: &Sale, found: &mut Found<'_>) {
    currency(Some(sale.currency), found);
    found.ask(RuleName::ExchangeRate, |_| exchange_rate(sale));
    // A voided document counts for nothing, and some systems empty it.
    if sale.status == SaleStatus::Completed {
        found.ask(RuleName::TotalsAddUp, |tolerance| totals(sale, tolerance));
        found.ask(RuleName::PaymentsAddUp, |tolerance| {
            payments(sale, tolerance)
        });
    }
}

type Broken = Option<(&'static str, String, String)>;

fn exchange_rate(sale: &Sale) -> Broken {
    let bad = |rate: &Option<Decimal>| rate.filter(|rate| *rate <= Decimal::ZERO);
    if let Some(rate) = bad(&sale.exchange_rate) {
        let message = "the exchange rate is not above zero; correct it at the POS".to_owned();
        return Some(("exchange_rate", rate.to_string(), message));
    }
    let payment = sale.payments.iter().find(|payment| {
        bad(&payment.exchange_rate).is_some()
            || (payment.currency.is_some_and(|own| own != sale.currency)
                && payment.exchange_rate.is_none())
    })?;
    let raw = payment
        .exchange_rate
        .map(|rate| rate.to_string())
        .unwrap_or_default();
    let message =
        "a payment in another currency has no exchange rate above zero; correct it at the POS"
            .to_owned();
    Some(("payments", raw, message))
}

/// The tolerance of the rule, and a cent a line, because each line may have been rounded.
fn within(a: Decimal, b: Decimal, tolerance: Decimal, lines: usize) -> bool {
    let lines = i64::try_from(lines).unwrap_or(i64::MAX).min(1_000_000);
    let allowed = tolerance
        .checked_add(Decimal::new(lines, 2))
        .unwrap_or(tolerance);
    a.checked_sub(b)
        .is_some_and(|difference| difference.abs() <= allowed)
}

/// Adds up, or nothing where a sum is beyond all bounds.
fn sum(mut amounts: impl Iterator<Item = Option<Decimal>>) -> Option<Decimal> {
    amounts.try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount?))
}

fn line_amount(line: &SaleLine) -> Option<Decimal> {
    match line.total {
        Some(total) => Some(total),
        None => line
            .quantity
            .checked_mul(line.unit_price)?
            .checked_sub(line.discount.unwrap_or_default()),
    }
}

/// Systems differ in whether lines contain tax and whether a subtotal is before or after the discount, so a document
/// is in order when it adds up in one of the ways that are in use.
fn totals(sale: &Sale, tolerance: Decimal) -> Broken {
    let count = sale.lines.len();
    let discount = sale.discount.unwrap_or_default();
    let tax = sale.tax.unwrap_or_default();
    let near = |a: Decimal, b: Decimal| within(a, b, tolerance, count);
    if let Some(subtotal) = sale.subtotal
        && sale.tax.is_some()
    {
        let whole = subtotal.checked_add(tax);
        let reduced = whole.and_then(|whole| whole.checked_sub(discount));
        if ![whole, reduced]
            .into_iter()
            .flatten()
            .any(|sum| near(sum, sale.total))
        {
            let message = format!(
                "subtotal {subtotal}, discount {discount} and tax {tax} do not add up to the total {}; check the document at the POS",
                sale.total
            );
            return Some(("total", sale.total.to_string(), message));
        }
    }
    if sale.lines.is_empty() {
        return None;
    }
    let lines = sum(sale.lines.iter().map(line_amount));
    let line_tax = sum(sale
        .lines
        .iter()
        .map(|line| Some(line.tax.unwrap_or_default())));
    let (Some(lines), Some(line_tax)) = (lines, line_tax) else {
        return Some(beyond(sale));
    };
    let net = lines.checked_sub(discount);
    let candidates = [
        Some(lines),
        net,
        lines.checked_add(line_tax),
        net.and_then(|net| net.checked_add(tax)),
        lines.checked_add(tax),
    ];
    let adds_up = candidates
        .into_iter()
        .flatten()
        .any(|sum| near(sum, sale.total))
        || sale.subtotal.is_some_and(|subtotal| near(lines, subtotal));
    (!adds_up).then(|| {
        let message = format!(
            "the lines add up to {}, which fits neither the subtotal nor the total {}; check the document at the POS",
            lines.normalize(),
            sale.total
        );
        ("lines", lines.normalize().to_string(), message)
    })
}

fn beyond(sale: &Sale) -> (&'static str, String, String) {
    (
        "lines",
        sale.total.to_string(),
        "the lines add up to more than can be kept; check the document at the POS".to_owned(),
    )
}

fn payments(sale: &Sale, tolerance: Decimal) -> Broken {
    if sale.payments.is_empty() {
        return None;
    }
    let paid = sum(sale.payments.iter().map(|payment| match payment.currency {
        Some(own) if own != sale.currency => payment.amount.checked_mul(payment.exchange_rate?),
        _ => Some(payment.amount),
    }))?;
    (!within(paid, sale.total, tolerance, sale.lines.len())).then(|| {
        let message = format!(
            "the payments add up to {}, the total is {}; check the document at the POS",
            paid.normalize(),
            sale.total
        );
        ("payments", paid.normalize().to_string(), message)
    })
}
