//! Code pages: bytes to text, and text that was read in the wrong one back to what was meant.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use oem_cp::code_table::{DECODING_TABLE_CP_MAP, ENCODING_TABLE_CP_MAP};

/// A code page of Windows, ISO or DOS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CodePage {
    /// The encodings of the web, which include Windows' own.
    Web(&'static Encoding),
    /// DOS, by number: 437, 850, 858.
    Dos(u16),
}

impl CodePage {
    /// By name: `utf-8`, `windows-1252`, `latin1`, `cp850`.
    pub fn find(name: &str) -> Result<Self, String> {
        let label = name.trim().to_ascii_lowercase();
        let number = ["cp", "ibm", "dos-", "oem"]
            .iter()
            .find_map(|prefix| label.strip_prefix(prefix))
            .unwrap_or(&label);
        if let Ok(number) = number.parse::<u16>()
            && DECODING_TABLE_CP_MAP.contains_key(&number)
        {
            return Ok(Self::Dos(number));
        }
        let windows = number
            .parse::<u16>()
            .map(|number| format!("windows-{number}"))
            .unwrap_or_default();
        Encoding::for_label(label.as_bytes())
            .or_else(|| Encoding::for_label(windows.as_bytes()))
            .map(Self::Web)
            .ok_or_else(|| {
                format!(
                    "{name:?} is not a code page; use utf-8, windows-1252, latin1, cp850, cp437 …"
                )
            })
    }

    pub fn is_utf8(self) -> bool {
        self == Self::Web(UTF_8)
    }

    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Web(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes)
            }
            Self::Dos(number) => DECODING_TABLE_CP_MAP
                .get(&number)?
                .decode_string_checked(bytes)
                .map(Cow::Owned),
        }
    }

    pub fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Web(encoding) => {
                let (bytes, _, lossy) = encoding.encode(text);
                (!lossy).then_some(bytes)
            }
            Self::Dos(number) => {
                let table = ENCODING_TABLE_CP_MAP.get(&number)?;
                oem_cp::encode_string_checked(text, table).map(Cow::Owned)
            }
        }
    }
}

/// Puts text back into bytes by one code page and reads it again by another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repair {
    pub read_as: CodePage,
    pub really: CodePage,
}

impl Repair {
    /// The text as it was meant, `None` when that cannot be said. Text that is no damaged UTF-8 stays as it is.
    pub fn apply(self, text: &str) -> Option<String> {
        let repaired = self
            .read_as
            .encode(text)
            .and_then(|bytes| self.really.decode(&bytes).map(Cow::into_owned));
        if self.really.is_utf8() {
            Some(repaired.unwrap_or_else(|| text.to_owned()))
        } else {
            repaired
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repair(read_as: &str, really: &str) -> Repair {
        Repair {
            read_as: CodePage::find(read_as).unwrap(),
            really: CodePage::find(really).unwrap(),
        }
    }

    #[test]
    fn mojibake_is_undone_and_sound_text_is_left_alone() {
        let repair = repair("windows-1252", "utf-8");
        assert_eq!(
            repair.apply("PiÃ±a Ã³ptima").as_deref(),
            Some("Piña óptima")
        );
        assert_eq!(repair.apply("Piña óptima").as_deref(), Some("Piña óptima"));
        assert_eq!(repair.apply("日本").as_deref(), Some("日本"));
    }

    #[test]
    fn dos_text_read_as_windows_is_read_again() {
        let repair = repair("windows-1252", "cp850");
        assert_eq!(repair.apply("Pi¤a").as_deref(), Some("Piña"));
        assert_eq!(repair.apply("日本"), None);
    }

    #[test]
    fn code_pages_are_found_by_their_usual_names() {
        for name in [
            "utf-8",
            "UTF8",
            "latin1",
            "windows-1252",
            "cp1252",
            "1252",
            "850",
            "CP437",
            "ibm850",
        ] {
            assert!(CodePage::find(name).is_ok(), "{name}");
        }
        assert!(CodePage::find("klingon").is_err());
    }
}
