//! Tax ids and their check digits.
//!
//! The algorithms are public; python-stdnum (<https://arthurdejong.org/python-stdnum/>) documents each with sources:
//! - RIF, Venezuela (SENIAT): `stdnum.ve.rif`. Weighted sum modulo 11, the letter counting 4 to 20.
//! - RFC, Mexico (SAT): `stdnum.mx.rfc`. Weighted sum modulo 11 over letters and digits.
//! - CUIT, Argentina (AFIP): `stdnum.ar.cuit`. Weighted sum modulo 11.
//! - RUC, Panama (DGI): only the form is checked. Its check digits rest on tables that depend on the kind of person.

use serde::Deserialize;

/// A country's kind of tax id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxIdKind {
    Rif,
    Rfc,
    Cuit,
    Ruc,
}

impl TaxIdKind {
    /// Whether it is well-formed and its check digit is right. A person's identity number, which stores write into
    /// the same field, passes too.
    pub fn check(self, text: &str) -> Result<(), &'static str> {
        let compact: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | '.' | '/') && !c.is_whitespace())
            .flat_map(char::to_uppercase)
            .collect();
        match self {
            Self::Rif => rif(&compact),
            Self::Rfc => rfc(&compact),
            Self::Cuit => cuit(&compact),
            Self::Ruc => ruc(text),
        }
    }
}

const WRONG_DIGIT: &str = "its check digit does not fit";

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum()
}

fn rif(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "a RIF is a letter of V, E, J, P, G, C and nine digits, as in J-12345678-4";
    let mut chars = text.chars();
    let letter = match chars.next() {
        Some('V') => 4,
        Some('E') => 8,
        Some('J' | 'C') => 12,
        Some('P') => 16,
        Some('G') => 20,
        _ => return Err(FORM),
    };
    let digits = digits(chars.as_str()).ok_or(FORM)?;
    match digits.as_slice() {
        [number @ .., check] if number.len() == 8 => {
            let rest = (letter + weighted(number, &[3, 2, 7, 6, 5, 4, 3, 2])) % 11;
            let expected = if rest < 2 { 0 } else { 11 - rest };
            if *check == expected {
                Ok(())
            } else {
                Err(WRONG_DIGIT)
            }
        }
        // A cédula, which has no check digit.
        number if letter <= 8 && (5..=8).contains(&number.len()) => Ok(()),
        _ => Err(FORM),
    }
}

const RFC_LETTERS: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";

fn rfc(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "an RFC is three or four letters, a date as yymmdd, and three characters, as in GODE561231GR8";
    // The tax authority's own for customers without one, at home and abroad.
    if matches!(text, "XAXX010101000" | "XEXX010101000") {
        return Ok(());
    }
    let chars: Vec<char> = text.chars().collect();
    let letters = chars
        .len()
        .checked_sub(9)
        .filter(|count| matches!(count, 3 | 4))
        .ok_or(FORM)?;
    let (name, rest) = chars.split_at(letters);
    if !name
        .iter()
        .all(|c| c.is_ascii_uppercase() || matches!(c, '&' | 'Ñ'))
    {
        return Err(FORM);
    }
    let date: String = rest[..6].iter().collect();
    let date = digits(&date).ok_or(FORM)?;
    let (month, day) = (date[2] * 10 + date[3], date[4] * 10 + date[5]);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(FORM);
    }
    let values: Option<Vec<usize>> = chars
        .iter()
        .map(|c| RFC_LETTERS.chars().position(|known| known == *c))
        .collect();
    let values = values.ok_or(FORM)?;
    let (number, check) = values.split_at(values.len() - 1);
    // A company's three letters count as four with a blank (value 37) in front.
    let blank = if letters == 3 { 37 * 13 } else { 0 };
    let sum: usize = blank
        + number
            .iter()
            .rev()
            .enumerate()
            .map(|(at, value)| value * (at + 2))
            .sum::<usize>();
    if (11 - sum % 11) % 11 == check[0] {
        Ok(())
    } else {
        Err(WRONG_DIGIT)
    }
}

fn cuit(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "a CUIT is eleven digits, as in 20-05536168-2";
    let digits = digits(text).ok_or(FORM)?;
    match digits.as_slice() {
        [number @ .., check] if number.len() == 10 => {
            let expected = match 11 - weighted(number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
                11 => 0,
                10 => 9,
                digit => digit,
            };
            if *check == expected {
                Ok(())
            } else {
                Err(WRONG_DIGIT)
            }
        }
        // A DNI, which has no check digit.
        number if (7..=8).contains(&number.len()) => Ok(()),
        _ => Err(FORM),
    }
}

fn ruc(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "a RUC is three groups such as 8-442-445 or 155596713-2-2015, with or without DV and two digits";
    let upper = text.trim().to_uppercase();
    let number = match upper.split_once("DV") {
        Some((number, check)) => {
            let check = check.trim_matches([' ', '.', ':', '-']);
            if check.is_empty() || check.len() > 2 || digits(check).is_none() {
                return Err(FORM);
            }
            number.trim_matches([' ', '-'])
        }
        None => upper.as_str(),
    };
    let groups: Vec<&str> = number.split('-').map(str::trim).collect();
    let is_group = |group: &&str| {
        !group.is_empty() && group.len() <= 10 && group.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let last_is_number = groups.last().is_some_and(|group| digits(group).is_some());
    if (3..=4).contains(&groups.len()) && groups.iter().all(is_group) && last_is_number {
        Ok(())
    } else {
        Err(FORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_tax_ids_pass_and_a_changed_digit_does_not() {
        for (kind, good, bad) in [
            (TaxIdKind::Rif, "V-11470283-4", "V-11470283-5"),
            (TaxIdKind::Rfc, "GODE 561231 GR8", "GODE 561231 GR9"),
            (TaxIdKind::Cuit, "20-05536168-2", "20-05536168-3"),
        ] {
            assert_eq!(kind.check(good), Ok(()), "{good}");
            assert_eq!(kind.check(bad), Err(WRONG_DIGIT), "{bad}");
        }
    }

    #[test]
    fn what_stores_write_into_the_same_field_passes() {
        for (kind, text) in [
            (TaxIdKind::Rif, "V-12.345.678"),
            (TaxIdKind::Rif, "e81234567"),
            (TaxIdKind::Rfc, "XAXX010101000"),
            (TaxIdKind::Cuit, "5536168"),
            (TaxIdKind::Ruc, "8-442-445"),
            (TaxIdKind::Ruc, "155596713-2-2015 DV 59"),
        ] {
            assert_eq!(kind.check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_tax_id_says_what_one_looks_like() {
        for (kind, text) in [
            (TaxIdKind::Rif, "12345678"),
            (TaxIdKind::Rif, "J-123"),
            (TaxIdKind::Rfc, "GODE569931GR8"),
            (TaxIdKind::Rfc, ""),
            (TaxIdKind::Cuit, "abc"),
            (TaxIdKind::Ruc, "8-442"),
        ] {
            assert!(kind.check(text).unwrap_err().contains(" is "), "{text}");
        }
    }
}
