//! Text of drivers that hand it over in a code page.

use encoding_rs::Encoding;
use oem_cp::code_table::DECODING_TABLE_CP_MAP;
use oem_cp::code_table_type::TableType;

/// How bytes are text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alphabet {
    Encoding(&'static Encoding),
    CodePage(&'static TableType),
}

impl Alphabet {
    /// By a name such as `windows-1252` or `cp850`.
    pub fn named(name: &str) -> Option<Self> {
        let plain = name.trim().to_lowercase();
        let digits = plain.trim_start_matches("cp").trim_start_matches("ibm");
        let page = digits.parse().ok();
        if let Some(table) = page.and_then(|page: u16| DECODING_TABLE_CP_MAP.get(&page)) {
            return Some(Self::CodePage(table));
        }
        Encoding::for_label(plain.as_bytes()).map(Self::Encoding)
    }

    /// None when some of its bytes mean nothing.
    pub fn text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Encoding(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(Into::into),
            Self::CodePage(_) if bytes.is_ascii() => String::from_utf8(bytes.to_vec()).ok(),
            Self::CodePage(table) => {
                let text = table.decode_string_lossy(bytes);
                (!text.contains(char::REPLACEMENT_CHARACTER)).then_some(text)
            }
        }
    }

    /// The longest a character can be.
    pub fn widest(self) -> usize {
        match self {
            Self::Encoding(encoding) if encoding.is_single_byte() => 1,
            Self::Encoding(_) => 4,
            Self::CodePage(_) => 1,
        }
    }
}
