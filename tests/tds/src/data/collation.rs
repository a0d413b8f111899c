//! Collations: the code page that `varchar` is kept in, the five bytes that name it on the wire, and an order.
//!
//! The order is that of the letters with their accents and case as tie-breakers, which is what a test needs to meet the
//! differences between a database's order and that of bytes. It is not the Windows or SQL sort tables.

use encoding_rs::WINDOWS_1252;
use oem_cp::code_table::{
    DECODING_TABLE_CP437, DECODING_TABLE_CP850, ENCODING_TABLE_CP437, ENCODING_TABLE_CP850,
};
use oem_cp::{decode_string_complete_table, encode_char_checked};

/// What bytes of `varchar` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodePage {
    Windows1252,
    Cp850,
    Cp437,
    Utf8,
}

impl CodePage {
    pub fn number(self) -> i64 {
        match self {
            Self::Windows1252 => 1252,
            Self::Cp850 => 850,
            Self::Cp437 => 437,
            Self::Utf8 => 65001,
        }
    }
}

/// What tells two texts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Letters and accents.
    CaseInsensitive,
    /// Letters alone.
    AccentInsensitive,
    /// Letters, accents and case.
    CaseSensitive,
    /// Code points.
    Binary,
}

/// One collation that the server knows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Collation {
    pub name: &'static str,
    pub page: CodePage,
    pub order: Order,
    /// Language, flags and version, as they stand in the first four bytes.
    lcid: u32,
    sort_id: u8,
}

const CI: u32 = 0x00D0_0000;
const CI_AI: u32 = 0x00F0_0000;
const CS: u32 = 0x00C0_0000;
const BIN: u32 = 0x0100_0000;
const BIN2: u32 = 0x0200_0000;
const UTF8: u32 = 0x0400_0000;
const V100: u32 = 0x2000_0000;

const fn collation(
    name: &'static str,
    page: CodePage,
    order: Order,
    lcid: u32,
    sort_id: u8,
) -> Collation {
    Collation {
        name,
        page,
        order,
        lcid,
        sort_id,
    }
}

/// The first is the server's own.
static KNOWN: &[Collation] = &{
    use CodePage::{Cp437, Cp850, Utf8 as Utf8Page, Windows1252};
    use Order::{AccentInsensitive, Binary, CaseInsensitive, CaseSensitive};
    [
        collation(
            "SQL_Latin1_General_CP1_CI_AS",
            Windows1252,
            CaseInsensitive,
            0x409 | CI,
            52,
        ),
        collation(
            "SQL_Latin1_General_CP1_CS_AS",
            Windows1252,
            CaseSensitive,
            0x409 | CS,
            51,
        ),
        collation(
            "SQL_Latin1_General_CP1_CI_AI",
            Windows1252,
            AccentInsensitive,
            0x409 | CI_AI,
            54,
        ),
        collation(
            "SQL_Latin1_General_CP850_CI_AS",
            Cp850,
            CaseInsensitive,
            0x409 | CI,
            42,
        ),
        collation(
            "SQL_Latin1_General_CP850_CS_AS",
            Cp850,
            CaseSensitive,
            0x409 | CS,
            41,
        ),
        collation(
            "SQL_Latin1_General_CP850_BIN",
            Cp850,
            Binary,
            0x409 | BIN,
            40,
        ),
        collation(
            "SQL_Latin1_General_CP437_CI_AS",
            Cp437,
            CaseInsensitive,
            0x409 | CI,
            32,
        ),
        collation(
            "Latin1_General_CI_AS",
            Windows1252,
            CaseInsensitive,
            0x409 | CI,
            0,
        ),
        collation(
            "Latin1_General_CI_AI",
            Windows1252,
            AccentInsensitive,
            0x409 | CI_AI,
            0,
        ),
        collation(
            "Latin1_General_CS_AS",
            Windows1252,
            CaseSensitive,
            0x409 | CS,
            0,
        ),
        collation("Latin1_General_BIN", Windows1252, Binary, 0x409 | BIN, 0),
        collation("Latin1_General_BIN2", Windows1252, Binary, 0x409 | BIN2, 0),
        collation(
            "Latin1_General_100_CI_AS",
            Windows1252,
            CaseInsensitive,
            0x409 | CI | V100,
            0,
        ),
        collation(
            "Latin1_General_100_BIN2",
            Windows1252,
            Binary,
            0x409 | BIN2 | V100,
            0,
        ),
        collation(
            "Latin1_General_100_CI_AS_SC_UTF8",
            Utf8Page,
            CaseInsensitive,
            0x409 | CI | UTF8 | V100,
            0,
        ),
        collation(
            "Latin1_General_100_BIN2_UTF8",
            Utf8Page,
            Binary,
            0x409 | BIN2 | UTF8 | V100,
            0,
        ),
        collation(
            "Modern_Spanish_CI_AS",
            Windows1252,
            CaseInsensitive,
            0xC0A | CI,
            0,
        ),
        collation(
            "Modern_Spanish_CI_AI",
            Windows1252,
            AccentInsensitive,
            0xC0A | CI_AI,
            0,
        ),
        collation(
            "Modern_Spanish_100_CI_AS",
            Windows1252,
            CaseInsensitive,
            0xC0A | CI | V100,
            0,
        ),
        collation(
            "Traditional_Spanish_CI_AS",
            Windows1252,
            CaseInsensitive,
            0x40A | CI,
            0,
        ),
    ]
};

impl Collation {
    pub fn default_one() -> &'static Self {
        &KNOWN[0]
    }

    pub fn named(name: &str) -> Option<&'static Self> {
        if name.eq_ignore_ascii_case("database_default") {
            return Some(Self::default_one());
        }
        KNOWN.iter().find(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// The Windows number of its language.
    pub fn language(&self) -> i64 {
        i64::from(self.lcid & 0xF_FFFF)
    }

    /// As it stands in column metadata.
    pub fn wire(&self) -> [u8; 5] {
        let [a, b, c, d] = self.lcid.to_le_bytes();
        [a, b, c, d, self.sort_id]
    }

    /// From column metadata of a parameter; the server's own where it is unknown.
    pub fn from_wire(bytes: [u8; 5]) -> &'static Self {
        KNOWN
            .iter()
            .find(|c| c.wire() == bytes)
            .unwrap_or(Self::default_one())
    }

    /// Text as `varchar` of this collation keeps it; what the code page lacks becomes a question mark.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        if text.is_ascii() || self.page == CodePage::Utf8 {
            return text.as_bytes().to_vec();
        }
        text.chars().map(|c| self.encode_char(c)).collect()
    }

    fn encode_char(&self, c: char) -> u8 {
        if c.is_ascii() {
            return c as u8;
        }
        let found = match self.page {
            CodePage::Cp850 => encode_char_checked(c, &ENCODING_TABLE_CP850),
            CodePage::Cp437 => encode_char_checked(c, &ENCODING_TABLE_CP437),
            CodePage::Windows1252 | CodePage::Utf8 => {
                let mut buffer = [0; 4];
                let (bytes, _, failed) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
                bytes.first().copied().filter(|_| !failed)
            }
        };
        found.unwrap_or(b'?')
    }

    pub fn decode(&self, bytes: &[u8]) -> String {
        match self.page {
            CodePage::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            CodePage::Windows1252 => WINDOWS_1252
                .decode_without_bom_handling(bytes)
                .0
                .into_owned(),
            CodePage::Cp850 => decode_string_complete_table(bytes, &DECODING_TABLE_CP850),
            CodePage::Cp437 => decode_string_complete_table(bytes, &DECODING_TABLE_CP437),
        }
    }

    /// Bytes that sort as texts of this collation do, and are equal where the texts are equal.
    pub fn key(&self, text: &str, into: &mut Vec<u8>) {
        let text = text.trim_end_matches(' ');
        if self.order == Order::Binary {
            for c in text.chars() {
                into.extend_from_slice(&(c as u32 + 1).to_be_bytes()[1..]);
            }
            into.extend_from_slice(&[0, 0, 0]);
            return;
        }
        let mut accents = Vec::new();
        let mut cases = Vec::new();
        for c in text.chars() {
            let (weight, accent) = primary(c);
            into.extend_from_slice(&weight.to_be_bytes()[1..]);
            accents.push(accent);
            cases.push(u8::from(c.is_uppercase()) + 1);
        }
        into.extend_from_slice(&[0, 0, 0]);
        if self.order != Order::AccentInsensitive {
            into.extend_from_slice(&accents);
            into.push(0);
        }
        if self.order == Order::CaseSensitive {
            into.extend_from_slice(&cases);
            into.push(0);
        }
    }
}

/// Weight of the letter, never zero, and of its accent, never zero. Signs come first, then digits, then letters.
fn primary(c: char) -> (u32, u8) {
    let c = c.to_lowercase().next().unwrap_or(c);
    let (base, accent) = without_accent(c);
    let class: u32 = if base.is_alphabetic() {
        0x40_0000
    } else if base.is_numeric() {
        0x20_0000
    } else {
        0x01_0000
    };
    // Letters beyond the Basic Multilingual Plane share the class bits; they still differ from one another.
    (class + (base as u32 & 0x1F_FFFF) + 1, accent + 1)
}

/// `ñ` is a letter of its own in Spanish, but only a tie-breaker in the Latin collations that tills use.
fn without_accent(c: char) -> (char, u8) {
    const FORMS: &[(&str, char)] = &[
        ("áàâäãå", 'a'),
        ("éèêë", 'e'),
        ("íìîï", 'i'),
        ("óòôöõ", 'o'),
        ("úùûü", 'u'),
        ("ñ", 'n'),
        ("ç", 'c'),
        ("ýÿ", 'y'),
    ];
    if c.is_ascii() {
        return (c, 0);
    }
    for (forms, base) in FORMS {
        if let Some(at) = forms.chars().position(|form| form == c) {
            return (*base, u8::try_from(at).unwrap_or(0) + 1);
        }
    }
    (c, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(collation: &str, text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        Collation::named(collation).unwrap().key(text, &mut key);
        key
    }

    #[test]
    fn case_and_spaces_at_the_end_do_not_matter_to_ci_as() {
        let key = |text| key("SQL_Latin1_General_CP1_CI_AS", text);
        assert_eq!(key("Café  "), key("CAFÉ"));
        assert_ne!(key("cafe"), key("café"));
        assert!(key("cafe") < key("café"));
        assert!(key("café") < key("cafes"));
        assert!(key("a-1") < key("a1"));
        assert!(key("9") < key("a"));
    }

    #[test]
    fn binary_collations_see_every_difference() {
        assert!(key("Latin1_General_BIN2", "B") < key("Latin1_General_BIN2", "a"));
    }

    #[test]
    fn each_code_page_has_its_own_bytes() {
        let bytes = |name| Collation::named(name).unwrap().encode("ñ€");
        assert_eq!(bytes("SQL_Latin1_General_CP1_CI_AS"), [0xF1, 0x80]);
        assert_eq!(bytes("SQL_Latin1_General_CP850_CI_AS"), [0xA4, b'?']);
        assert_eq!(bytes("Latin1_General_100_CI_AS_SC_UTF8"), "ñ€".as_bytes());
    }
}
