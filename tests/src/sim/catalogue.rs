//! What the chain sells: one catalogue, of which every store carries a part.

use rust_decimal::{Decimal, RoundingStrategy};

use super::random::Random;
use super::words::{BRANDS, DEPARTMENTS, Iva, SUPPLIERS, Unit, VARIANTS};

/// One article of the catalogue. Prices are in US dollars; stores that sell in bolívares convert them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Six digits with leading zeros; the same in every store.
    pub code: String,
    /// As on the shelf label.
    pub name: String,
    /// EAN-13 of the Venezuelan range; goods sold by weight and some of the house's own have none.
    pub barcode: Option<String>,
    /// Index into [`DEPARTMENTS`].
    pub department: usize,
    /// Index into [`SUPPLIERS`].
    pub supplier: usize,
    /// Whether it pays IVA.
    pub iva: Iva,
    /// How it is counted.
    pub unit: Unit,
    /// What the store pays for one, before tax.
    pub cost: Decimal,
    /// What the customer pays for one, before tax.
    pub price: Decimal,
}

impl Article {
    /// IVA in percent.
    #[must_use]
    pub fn tax_rate(&self) -> Decimal {
        match self.iva {
            Iva::General => Decimal::from(16),
            Iva::Exempt => Decimal::ZERO,
        }
    }

    /// Name of its department.
    #[must_use]
    pub fn department_name(&self) -> &'static str {
        DEPARTMENTS[self.department].name
    }

    /// Name of its supplier.
    #[must_use]
    pub fn supplier_name(&self) -> &'static str {
        SUPPLIERS[self.supplier]
    }

    /// A quantity somebody would buy.
    pub fn quantity(&self, random: &mut Random) -> Decimal {
        match self.unit {
            Unit::Piece => Decimal::from(*random.pick(&[1, 1, 1, 1, 2, 2, 3, 6, 12])),
            Unit::Kilogram => random.decimal(85, 2_950, 3),
        }
    }

    /// Units that might be on the shelf.
    pub fn stock(&self, random: &mut Random) -> Decimal {
        match self.unit {
            Unit::Piece => Decimal::from(random.between(-2, 480)),
            Unit::Kilogram => random.decimal(0, 95_000, 3),
        }
    }
}

/// The catalogue from number `first`, so many articles long. A prefix of a longer one equals a shorter one.
#[must_use]
pub fn articles(seed: u64, first: usize, count: usize) -> Vec<Article> {
    (first..first + count)
        .map(|number| article(seed, number))
        .collect()
}

/// The article of this number, from 1.
#[must_use]
pub fn article(seed: u64, number: usize) -> Article {
    let mut random = Random::new(seed).branch(&format!("article {number}"));
    let department = random.index(DEPARTMENTS.len());
    let kind = random.pick(DEPARTMENTS[department].kinds);
    let brand = random.pick(BRANDS);
    let mut name = format!("{} {brand}", kind.name);
    for word in [
        *random.pick(VARIANTS),
        kind.sizes
            .get(random.index(kind.sizes.len().max(1)))
            .copied()
            .unwrap_or(""),
    ] {
        if !word.is_empty() {
            name = format!("{name} {word}");
        }
    }
    let cost = random.decimal(kind.cost.0, kind.cost.1, 2);
    let margin = random.decimal(112, 148, 2);
    let barcode = (kind.unit == Unit::Piece && !random.per_mille(60))
        .then(|| ean13(759_100_000_000 + number as u64));
    Article {
        code: format!("{number:06}"),
        name,
        barcode,
        department,
        supplier: random.index(SUPPLIERS.len()),
        iva: kind.iva,
        unit: kind.unit,
        cost,
        price: cents(cost * margin),
    }
}

/// Rounds to cents, half away from zero, as tills do.
#[must_use]
pub fn cents(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

/// Twelve digits and their check digit.
#[must_use]
pub fn ean13(twelve: u64) -> String {
    let digits = format!("{twelve:012}");
    let sum: u32 = digits
        .chars()
        .filter_map(|c| c.to_digit(10))
        .zip([1, 3].into_iter().cycle())
        .map(|(d, w)| d * w)
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barcodes_carry_their_check_digit() {
        assert_eq!(ean13(400_638_133_393), "4006381333931");
        assert_eq!(
            ean13(759_100_000_001),
            format!("759100000001{}", &ean13(759_100_000_001)[12..])
        );
    }

    #[test]
    fn the_catalogue_follows_from_the_seed_and_keeps_leading_zeros() {
        assert_eq!(articles(42, 1, 50)[10..], articles(42, 11, 40));
        assert_eq!(article(42, 7).code, "000007");
        assert!(
            articles(42, 1, 300)
                .iter()
                .all(|article| article.price > article.cost)
        );
    }
}
