//! Money and quantities: exact decimals with the bounds that every database of ours can hold.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Digits kept after the decimal point: `numeric(20,6)` in PostgreSQL, integer millionths in SQLite.
pub const SCALE: u32 = 6;

/// The largest magnitude, so that millionths fit a signed 64-bit integer with room to add a few up.
pub const MAX_UNITS: i64 = 4_000_000_000_000;

/// Why a decimal cannot be kept exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfRange {
    /// Beyond [`MAX_UNITS`] on either side of zero.
    #[error("it is beyond ±4,000,000,000,000")]
    TooLarge,
    /// More than [`SCALE`] digits after the point; rounding must be asked for, never happens by itself.
    #[error("it has more than 6 digits after the point; add a rounding to the mapping")]
    TooPrecise,
}

/// The decimal as whole millionths.
///
/// # Errors
/// When it cannot be kept exactly.
pub fn to_millionths(value: Decimal) -> Result<i64, OutOfRange> {
    if value.abs() > Decimal::from(MAX_UNITS) {
        return Err(OutOfRange::TooLarge);
    }
    let value = value.normalize();
    if value.scale() > SCALE {
        return Err(OutOfRange::TooPrecise);
    }
    // Both bounds hold, so the product stays below 2^63.
    let factor = 10_i128.pow(SCALE - value.scale());
    i64::try_from(value.mantissa() * factor).map_err(|_| OutOfRange::TooLarge)
}

/// The decimal that so many millionths are.
#[must_use]
pub fn from_millionths(millionths: i64) -> Decimal {
    Decimal::new(millionths, SCALE).normalize()
}

/// An ISO 4217 code: `VES`, `USD`, `MXN`, `ARS`, `PAB`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII capitals alone")
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not three capital letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency code; use three capital letters of ISO 4217, such as VES or USD")]
pub struct InvalidCurrency(pub String);

impl FromStr for Currency {
    type Err = InvalidCurrency;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(InvalidCurrency(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millionths_are_exact_both_ways_or_refused() {
        for text in [
            "0",
            "-0.000001",
            "12.5",
            "3999999999999.999999",
            "-4000000000000",
        ] {
            let value: Decimal = text.parse().unwrap();
            assert_eq!(
                from_millionths(to_millionths(value).unwrap()),
                value.normalize(),
                "{text}"
            );
        }
        assert_eq!(
            to_millionths("0.0000001".parse().unwrap()),
            Err(OutOfRange::TooPrecise)
        );
        assert_eq!(
            to_millionths("4000000000000.1".parse().unwrap()),
            Err(OutOfRange::TooLarge)
        );
        assert_eq!(to_millionths(Decimal::MAX), Err(OutOfRange::TooLarge));
        assert_eq!(
            to_millionths("1.0000000000".parse().unwrap()),
            Ok(1_000_000)
        );
    }

    #[test]
    fn a_currency_is_three_capitals() {
        assert_eq!("VES".parse::<Currency>().unwrap().as_str(), "VES");
        assert!("ves".parse::<Currency>().is_err());
        assert!("Bs.".parse::<Currency>().is_err());
    }
}
