//! Customers and suppliers with tax ids whose check digits are right.

use super::random::Random;
use super::words::{FAMILY_NAMES, GIVEN_NAMES, SUPPLIERS};

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// As on the invoice.
    pub name: String,
    /// `V-12345678-5`.
    pub rif: String,
}

/// So many customers.
#[must_use]
pub fn customers(random: &mut Random, count: usize) -> Vec<Customer> {
    (0..count)
        .map(|_| {
            let name = format!("{} {}", random.pick(GIVEN_NAMES), random.pick(FAMILY_NAMES));
            let number = random.between(3_000_000, 32_000_000);
            Customer {
                name,
                rif: rif('V', u32::try_from(number).unwrap_or(0)),
            }
        })
        .collect()
}

/// A supplier's RIF, by its place in the list.
#[must_use]
pub fn supplier_rif(index: usize) -> String {
    let number = 29_000_000 + 731_113 * (index % SUPPLIERS.len());
    rif('J', u32::try_from(number).unwrap_or(0))
}

/// A RIF with its check digit: a weighted sum modulo 11, the letter counting as V 1, E 2, J 3, P 4, G 5.
#[must_use]
pub fn rif(letter: char, number: u32) -> String {
    let digits: Vec<u32> = format!("{number:08}")
        .chars()
        .filter_map(|c| c.to_digit(10))
        .collect();
    let letter_value = match letter {
        'V' => 1,
        'E' => 2,
        'J' => 3,
        'P' => 4,
        _ => 5,
    };
    let sum: u32 = digits
        .iter()
        .zip([3, 2, 7, 6, 5, 4, 3, 2])
        .map(|(digit, weight)| digit * weight)
        .sum();
    let check = 11 - (sum + letter_value * 4) % 11;
    let check = if check >= 10 { 0 } else { check };
    format!("{letter}-{number:08}-{check}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rif_carries_the_check_digit_of_its_number() {
        // The tax administration's own.
        assert_eq!(rif('G', 20_000_303), "G-20000303-0");
    }

    #[test]
    fn customers_follow_from_the_seed() {
        assert_eq!(
            customers(&mut Random::new(1), 5),
            customers(&mut Random::new(1), 5)
        );
    }
}
