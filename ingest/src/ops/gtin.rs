//! Which barcodes identify a product worldwide.
//!
//! Only a GTIN with a right check digit does (EAN-8, UPC-A, EAN-13, GTIN-14), and not one from the ranges that GS1
//! leaves to each shop: 2-prefixed EAN-13, 4- and 2-prefixed UPC-A, 0- and 2-prefixed EAN-8. Those are scale labels and
//! in-house numbers, and mean something else next door. <https://www.gs1.org/standards/id-keys/gtin>

/// The GTIN filled up to 14 digits, so that an UPC-A and its EAN-13 are one; `None` for anything else.
#[must_use]
pub fn normalise(barcode: &str) -> Option<String> {
    let code = barcode.trim();
    if !matches!(code.len(), 8 | 12 | 13 | 14) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let full = format!("{code:0>14}");
    let sum: u32 = full
        .bytes()
        .enumerate()
        .map(|(index, byte)| u32::from(byte - b'0') * if index % 2 == 0 { 3 } else { 1 })
        .sum();
    let in_house = match code.len() {
        8 => code.starts_with(['0', '2']),
        12 => code.starts_with(['2', '4']),
        13 => code.starts_with('2') || code.starts_with("02") || code.starts_with("04"),
        _ => false,
    };
    (sum.is_multiple_of(10) && !in_house && full.bytes().any(|byte| byte != b'0')).then_some(full)
}

/// What a barcode is compared by: its GTIN where it has one, else the text as it is.
#[must_use]
pub fn code(barcode: &str) -> String {
    normalise(barcode).unwrap_or_else(|| barcode.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barcode_identifies_a_product_only_with_a_right_check_digit_and_outside_the_in_house_ranges()
     {
        assert_eq!(
            normalise("7591001000011").as_deref(),
            None,
            "wrong check digit"
        );
        assert_eq!(
            normalise("4006381333931").as_deref(),
            Some("04006381333931")
        );
        assert_eq!(
            normalise("036000291452"),
            normalise("0036000291452"),
            "UPC-A and its EAN-13 are one"
        );
        assert_eq!(normalise("96385074").as_deref(), Some("00000096385074"));
        assert_eq!(normalise("2000000000008"), None, "a scale label");
        assert_eq!(normalise("00000000"), None);
        assert_eq!(normalise("ABC-1"), None);
        assert_eq!(code(" ABC-1 "), "ABC-1");
    }
}
