//! Exact decimals of up to 38 digits, which is more than common crates hold.

use std::cmp::Ordering;
use std::fmt;

/// `unscaled / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub unscaled: i128,
    pub scale: u8,
}

/// The result has more than 38 digits, or a division by zero was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow;

const LIMIT: i128 = 10i128.pow(38);

impl Decimal {
    pub fn new(unscaled: i128, scale: u8) -> Self {
        Self { unscaled, scale }
    }

    /// Rounded half away from zero, as SQL Server does.
    pub fn rescale(self, scale: u8) -> Result<Self, Overflow> {
        let unscaled = match scale.cmp(&self.scale) {
            Ordering::Equal => self.unscaled,
            Ordering::Greater => self
                .unscaled
                .checked_mul(power(scale - self.scale)?)
                .ok_or(Overflow)?,
            Ordering::Less => divide_rounded(self.unscaled, power(self.scale - scale)?),
        };
        Self { unscaled, scale }.checked()
    }

    /// Cut off, not rounded.
    pub fn truncate(self, scale: u8) -> Result<Self, Overflow> {
        if scale >= self.scale {
            return self.rescale(scale);
        }
        let unscaled = self.unscaled / power(self.scale - scale)?;
        Ok(Self { unscaled, scale })
    }

    fn checked(self) -> Result<Self, Overflow> {
        if self.unscaled.abs() < LIMIT {
            Ok(self)
        } else {
            Err(Overflow)
        }
    }

    /// Whether it fits a column of this precision.
    pub fn fits(self, precision: u8) -> bool {
        precision >= 38 || self.unscaled.abs() < 10i128.pow(u32::from(precision))
    }

    pub fn add(self, other: Self) -> Result<Self, Overflow> {
        let (a, b, scale) = self.aligned(other)?;
        let unscaled = a.checked_add(b).ok_or(Overflow)?;
        Self { unscaled, scale }.checked()
    }

    pub fn subtract(self, other: Self) -> Result<Self, Overflow> {
        self.add(Self::new(-other.unscaled, other.scale))
    }

    /// With the scale that is asked for.
    pub fn multiply(self, other: Self, scale: u8) -> Result<Self, Overflow> {
        match self.unscaled.checked_mul(other.unscaled) {
            Some(unscaled) => Self::new(unscaled, self.scale + other.scale).rescale(scale),
            None => {
                // Digits behind the point are given up first.
                let (a, b) = (self.normalized(), other.normalized());
                let unscaled = a.unscaled.checked_mul(b.unscaled).ok_or(Overflow)?;
                Self::new(unscaled, a.scale + b.scale).rescale(scale)
            }
        }
    }

    /// With the scale that is asked for; further digits are cut off.
    pub fn divide(self, other: Self, scale: u8) -> Result<Self, Overflow> {
        if other.unscaled == 0 {
            return Err(Overflow);
        }
        let shift = i32::from(scale) + i32::from(other.scale) - i32::from(self.scale);
        let unscaled = if shift >= 0 {
            let factor = power(u8::try_from(shift).map_err(|_| Overflow)?)?;
            match self.unscaled.checked_mul(factor) {
                Some(top) => top / other.unscaled,
                None => long_division(self.unscaled, other.unscaled, shift)?,
            }
        } else {
            let factor = power(u8::try_from(-shift).map_err(|_| Overflow)?)?;
            self.unscaled / other.unscaled.checked_mul(factor).ok_or(Overflow)?
        };
        Self { unscaled, scale }.checked()
    }

    pub fn remainder(self, other: Self) -> Result<Self, Overflow> {
        let (a, b, scale) = self.aligned(other)?;
        if b == 0 {
            return Err(Overflow);
        }
        Ok(Self::new(a % b, scale))
    }

    fn aligned(self, other: Self) -> Result<(i128, i128, u8), Overflow> {
        let scale = self.scale.max(other.scale);
        let lift = |d: Self| {
            d.unscaled
                .checked_mul(power(scale - d.scale)?)
                .ok_or(Overflow)
        };
        Ok((lift(self)?, lift(other)?, scale))
    }

    /// Without zeros at the end.
    pub fn normalized(self) -> Self {
        let mut value = self;
        while value.scale > 0 && value.unscaled % 10 == 0 {
            value.unscaled /= 10;
            value.scale -= 1;
        }
        value
    }

    pub fn compare(self, other: Self) -> Ordering {
        match self.aligned(other) {
            Ok((a, b, _)) => a.cmp(&b),
            Err(Overflow) => self.to_f64().total_cmp(&other.to_f64()),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// From a binary number, with the digits it prints with.
    pub fn from_f64(value: f64, scale: u8) -> Result<Self, Overflow> {
        if !value.is_finite() || value.abs() >= 1e38 {
            return Err(Overflow);
        }
        Self::parse(&format!("{value:.*}", usize::from(scale.min(17))))
            .ok_or(Overflow)?
            .rescale(scale)
    }

    /// From plain digits with a sign and a point.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut unscaled: i128 = 0;
        for c in whole.chars().chain(fraction.chars()) {
            let digit = i128::from(c.to_digit(10)?);
            unscaled = unscaled.checked_mul(10)?.checked_add(digit)?;
        }
        let scale = u8::try_from(fraction.len()).ok()?;
        let unscaled = if negative { -unscaled } else { unscaled };
        Self { unscaled, scale }.checked().ok()
    }

    /// Digits of its unscaled number: the precision a literal has.
    pub fn digits(self) -> u8 {
        let mut rest = self.unscaled.unsigned_abs();
        let mut count = 0;
        while rest > 0 {
            rest /= 10;
            count += 1;
        }
        count.max(self.scale).max(1)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.unscaled);
        }
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = format!(
            "{:0>width$}",
            self.unscaled.unsigned_abs(),
            width = usize::from(self.scale) + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        write!(f, "{sign}{whole}.{fraction}")
    }
}

fn power(exponent: u8) -> Result<i128, Overflow> {
    10i128.checked_pow(u32::from(exponent)).ok_or(Overflow)
}

fn divide_rounded(value: i128, by: i128) -> i128 {
    let quotient = value / by;
    let rest = (value % by).abs();
    if rest * 2 >= by {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// Digit by digit, where the dividend does not fit once it is scaled.
fn long_division(top: i128, bottom: i128, digits: i32) -> Result<i128, Overflow> {
    let mut quotient = top / bottom;
    let mut rest = top % bottom;
    for _ in 0..digits {
        rest = rest.checked_mul(10).ok_or(Overflow)?;
        quotient = quotient
            .checked_mul(10)
            .and_then(|q| q.checked_add(rest / bottom))
            .ok_or(Overflow)?;
        rest %= bottom;
    }
    Ok(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn thirty_eight_digits_survive() {
        let text = "-9999999999999999999999999999.9999999999";
        assert_eq!(decimal(text).to_string(), text);
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        assert_eq!(decimal("2.345").rescale(2).unwrap(), decimal("2.35"));
        assert_eq!(decimal("-2.345").rescale(2).unwrap(), decimal("-2.35"));
    }

    #[test]
    fn a_third_has_as_many_digits_as_are_asked_for() {
        assert_eq!(
            decimal("1").divide(decimal("3"), 6).unwrap(),
            decimal("0.333333")
        );
    }
}
