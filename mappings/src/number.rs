//! Numbers as legacy systems write them, read exactly or not at all.

use std::fmt::Write;

use fluxion_model::money::{MAX_UNITS, SCALE};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::field_document::RoundMode;
use crate::problem::Problem;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub decimal: char,
    pub group: Option<char>,
    /// Whether currency signs, a per cent sign, a trailing minus and parentheses are understood.
    pub decorated: bool,
}

impl Format {
    /// Digits and at most one point.
    pub const PLAIN: Self = Self {
        decimal: '.',
        group: None,
        decorated: false,
    };

    /// Reads a number, or nothing when it is not written so. Group separators must stand where they belong, so that
    /// `12.50` under `1.234,56` is refused instead of becoming 1250.
    pub fn read(self, text: &str) -> Option<Decimal> {
        let text = text.trim();
        let (negative, digits) = if self.decorated {
            undecorate(text)?
        } else {
            signed(text)
        };
        let magnitude = self.magnitude(digits)?;
        Some(if negative { -magnitude } else { magnitude })
    }

    fn magnitude(self, text: &str) -> Option<Decimal> {
        let mut mantissa: i128 = 0;
        let mut digits = 0_u32;
        let mut scale: Option<u32> = None;
        let mut in_group: Option<u32> = None;
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                digits += 1;
                if digits > 60 {
                    return None;
                }
                mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit))?;
                if let Some(scale) = &mut scale {
                    *scale += 1;
                } else if let Some(count) = &mut in_group {
                    *count += 1;
                }
            } else if c == self.decimal && scale.is_none() {
                if in_group.is_some_and(|count| count != 3) {
                    return None;
                }
                scale = Some(0);
            } else if self.is_group(c) && scale.is_none() {
                let whole = match in_group {
                    None => (1..=3).contains(&digits),
                    Some(count) => count == 3,
                };
                if !whole {
                    return None;
                }
                in_group = Some(0);
            } else {
                return None;
            }
        }
        if digits == 0 || (scale.is_none() && in_group.is_some_and(|count| count != 3)) {
            return None;
        }
        shrink(mantissa, scale.unwrap_or(0))
    }

    fn is_group(self, c: char) -> bool {
        match self.group {
            Some(' ') => matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
            Some(group) => c == group,
            None => false,
        }
    }
}

/// The decimal, trailing zeros dropped where the scale is beyond what a decimal can hold.
fn shrink(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    while scale > 28 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Takes off parentheses, signs on either side, words for currencies, currency and per cent signs. Any other word makes
/// it no number: `12,3x` is a slip of the hand.
fn undecorate(text: &str) -> Option<(bool, &str)> {
    let (mut negative, mut text) = match text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(inner) => (true, inner.trim()),
        None => (false, text),
    };
    let mut signs = u32::from(negative);
    let mut sign = |c: char| {
        negative |= c == '-';
        signs += 1;
    };
    let start = text;
    let (mut word, mut from) = (0, 0);
    while let Some(first) = text.chars().next() {
        match first {
            '-' | '+' => sign(first),
            c if c.is_alphabetic() => word += 1,
            '.' | '/' if word > 0 => {}
            c if is_ornament(c) => {}
            _ => break,
        }
        text = &text[first.len_utf8()..];
        from += first.len_utf8();
    }
    let leading = &start[..from];
    let rest = text;
    let mut tail = 0;
    while let Some(last) = text.chars().next_back() {
        match last {
            '-' | '+' => sign(last),
            c if c.is_alphabetic() => tail += 1,
            '.' if tail > 0 || rest.ends_with('.') && rest.chars().any(char::is_alphabetic) => {}
            c if is_ornament(c) => {}
            _ => break,
        }
        text = &text[..text.len() - last.len_utf8()];
    }
    let trailing = &rest[text.len()..];
    let words = is_currency(leading) && is_currency(trailing) && (word == 0 || tail == 0);
    (signs <= 1 && words).then_some((negative, text))
}

/// Whether the letters around a number are nothing, a three-letter code, or what people write for their currency.
fn is_currency(around: &str) -> bool {
    let letters = || around.chars().filter(|c| c.is_alphabetic());
    let written = |word: &str| letters().flat_map(char::to_lowercase).eq(word.chars());
    let is_code = letters().count() == 3 && letters().all(|c| c.is_ascii_uppercase());
    is_code
        || ["", "bs", "bsf", "bss", "bsd", "us", "mn", "ref"]
            .iter()
            .any(|word| written(word))
        || (around.contains('/') && (written("b") || written("s")))
}

fn is_ornament(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '$' | '€' | '£' | '¥' | '¢' | '%' | '₡' | '₲' | '₱' | '₿' | '฿'
        )
}

/// The decimal that the shortest text of a binary float is: `0.1` and not `0.1000000000000000055…`.
pub(crate) fn from_float(float: f64) -> Option<Decimal> {
    // Beyond this, the plain text has more digits than a decimal holds; far beyond, hundreds.
    if !float.is_finite() || float.abs() >= 1e28 {
        return None;
    }
    if float.fract() == 0.0 && float.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Some(Decimal::from(float as i64));
    }
    let mut text = Digits::default();
    write!(text, "{float}").ok()?;
    let (negative, digits) = signed(text.as_str());
    let magnitude = Format::PLAIN.magnitude(digits)?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Room for the text of a float, without an allocation; a longer one has no exact decimal anyway.
struct Digits {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self {
            bytes: [0; 64],
            len: 0,
        }
    }
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Rounds as asked.
pub(crate) fn round(value: Decimal, digits: u32, mode: RoundMode) -> Decimal {
    let strategy = match mode {
        RoundMode::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        RoundMode::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    value.round_dp_with_strategy(digits, strategy)
}

/// The one form of a decimal that every database keeps exactly: no trailing zeros, no negative zero.
pub(crate) fn canonical(value: Decimal) -> Result<Decimal, Box<Problem>> {
    if value.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let value = if value.scale() == 0 {
        value
    } else {
        value.normalize()
    };
    if value.scale() > SCALE {
        return Err(Problem::data(
            "too_precise",
            "has more than 6 digits after the point; add `round` to the field in the mapping",
        ));
    }
    if value.abs() > Decimal::from(MAX_UNITS) {
        return Err(Problem::data(
            "too_large",
            "is beyond ±4,000,000,000,000; correct it at the POS",
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENEZUELA: Format = Format {
        decimal: ',',
        group: Some('.'),
        decorated: true,
    };
    const MEXICO: Format = Format {
        decimal: '.',
        group: Some(','),
        decorated: true,
    };

    fn read(format: Format, text: &str) -> Option<String> {
        format.read(text).map(|v| v.to_string())
    }

    #[test]
    fn numbers_are_read_as_the_format_says() {
        for (text, expected) in [
            ("1.234,56", "1234.56"),
            ("1234,56", "1234.56"),
            ("-1.234.567,8", "-1234567.8"),
            ("Bs. 1.234,56", "1234.56"),
            ("Bs.1.234,56", "1234.56"),
            ("$ 12,50", "12.50"),
            ("12,50 USD", "12.50"),
            ("12,50-", "-12.50"),
            ("(12,50)", "-12.50"),
            ("12,50 Bs.", "12.50"),
            ("B/.12,50", "12.50"),
            ("-$12,50", "-12.50"),
            ("16 %", "16"),
            (" 7 ", "7"),
            (",5", "0.5"),
            ("5,", "5"),
        ] {
            assert_eq!(read(VENEZUELA, text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read(MEXICO, "$1,234.50").as_deref(), Some("1234.50"));
        assert_eq!(
            read(
                Format {
                    group: Some(' '),
                    ..VENEZUELA
                },
                "1\u{a0}234,5"
            )
            .as_deref(),
            Some("1234.5")
        );
    }

    #[test]
    fn what_is_not_surely_that_number_is_refused() {
        for text in [
            "12.50",
            "1.23,4",
            "1,2,3",
            "1.2345,6",
            "",
            "abc",
            "-",
            ",",
            "(-5)",
            "--5",
            "1e5",
            "12 pesos",
            "12,3x",
            "x12",
            "12kg",
            "USD 12 USD",
            "1-2",
            "-1-",
            "1.",
            "1 2",
        ] {
            assert_eq!(read(VENEZUELA, text), None, "{text:?}");
        }
        for text in ["1,5", "$1", "1.2.3", "0x10", "1_000", "NaN", "١٢"] {
            assert_eq!(read(Format::PLAIN, text), None, "{text:?}");
        }
        assert_eq!(read(Format::PLAIN, &"9".repeat(40)), None);
    }

    #[test]
    fn a_float_becomes_its_shortest_text_exactly() {
        for (float, expected) in [
            (0.1, "0.1"),
            (1234.56, "1234.56"),
            (-0.005, "-0.005"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(
                from_float(float).map(|v| v.to_string()).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(
            from_float(0.1 + 0.2).map(|v| v.to_string()).as_deref(),
            Some("0.30000000000000004")
        );
        for float in [f64::NAN, f64::INFINITY, 1e300, 1e-300, f64::MIN_POSITIVE] {
            assert_eq!(from_float(float), None, "{float}");
        }
    }

    #[test]
    fn rounding_says_what_happens_to_a_half() {
        let half = Decimal::new(10_05, 2);
        assert_eq!(round(half, 1, RoundMode::HalfUp).to_string(), "10.1");
        assert_eq!(round(half, 1, RoundMode::HalfEven).to_string(), "10.0");
        assert_eq!(round(-half, 1, RoundMode::HalfUp).to_string(), "-10.1");
    }

    #[test]
    fn a_canonical_number_has_one_text() {
        assert_eq!(
            canonical(Decimal::new(10_500, 3)).unwrap().to_string(),
            "10.5"
        );
        assert_eq!(
            canonical("-0.00".parse().unwrap()).unwrap().to_string(),
            "0"
        );
        assert_eq!(
            canonical(Decimal::new(1, 7)).unwrap_err().rule,
            "too_precise"
        );
        assert_eq!(canonical(Decimal::MAX).unwrap_err().rule, "too_large");
    }
}
