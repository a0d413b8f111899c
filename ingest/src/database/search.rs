//! Search that ignores case and accents, the same on both engines: the folded text is kept beside what it was folded
//! from, so neither engine needs an extension or a collation.

/// Lower case without accents: `Café Ñandú` becomes `cafe nandu`. Letters that Latin American keyboards have are
/// folded; others only lose their case.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Appends the folded text.
pub fn fold_into(folded: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            for lower in c.to_lowercase() {
                folded.push(base(lower));
            }
        }
    }
}

fn base(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        'ý' | 'ÿ' => 'y',
        c => c,
    }
}

/// A LIKE pattern (escape character `\`) that finds folded text containing what a person typed.
#[must_use]
pub fn contains_pattern(typed: &str) -> String {
    let mut pattern = String::from("%");
    for c in fold(typed.trim()).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_drops_case_and_accents_and_keeps_codes() {
        assert_eq!(fold("Café ÑANDÚ 000123-Ü"), "cafe nandu 000123-u");
    }

    #[test]
    fn a_pattern_takes_wildcards_literally() {
        assert_eq!(contains_pattern(" 50%_Ñ "), "%50\\%\\_n%");
    }
}
