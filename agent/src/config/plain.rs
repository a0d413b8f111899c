//! Finds passwords that stand in a configuration as they are, and puts references in their place.
//!
//! The text is changed at those places alone, so comments, order and line breaks stay as the person wrote them.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Keys whose text is a secret. Keys such as `password_file` say where one is, and are not.
const SECRET_KEYS: &[&str] = &["password", "secret", "proxy_password"];
/// Tables whose keys have names that somebody else chose.
const FOREIGN: &[&str] = &["settings", "capture", "headers"];

/// A password that stands in a configuration as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainSecret {
    /// The POS system it belongs to, or the section it stands in.
    pub owner: String,
    /// Its key.
    pub key: String,
    /// The password.
    pub value: String,
    place: Range<usize>,
}

/// All of them, in the order of the text.
///
/// # Errors
/// When the text is no TOML.
pub fn plain_secrets(text: &str) -> Result<Vec<PlainSecret>, toml::de::Error> {
    let mut found = Vec::new();
    table(DeTable::parse(text)?.get_ref(), "", &mut found);
    found.sort_by_key(|one| one.place.start);
    Ok(found)
}

/// The text with a reference in the place of each.
#[must_use]
pub fn with_references(text: &str, named: &[(PlainSecret, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (plain, name) in named {
        out.push_str(&text[done..plain.place.start]);
        out.push_str(&format!("{{ secret = \"{name}\" }}"));
        done = plain.place.end;
    }
    out.push_str(&text[done..]);
    out
}

fn table(table: &DeTable<'_>, owner: &str, found: &mut Vec<PlainSecret>) {
    let named = table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::String(name) if key.get_ref() == "name" => Some(name.to_string()),
        _ => None,
    });
    let owner = named.as_deref().unwrap_or(owner);
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        if FOREIGN.contains(&key) {
            continue;
        }
        let below = if owner.is_empty() { key } else { owner };
        match value.get_ref() {
            DeValue::String(text) if SECRET_KEYS.contains(&key) && !text.is_empty() => {
                found.push(PlainSecret {
                    owner: owner.to_owned(),
                    key: key.to_owned(),
                    value: text.to_string(),
                    place: value.span(),
                });
            }
            DeValue::Table(inner) if !is_reference(inner) => self::table(inner, below, found),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        self::table(inner, below, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `{ secret = "NAME" }`, but not the settings of a webhook that hold nothing but its secret.
fn is_reference(table: &DeTable<'_>) -> bool {
    let mut entries = table.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => {
            let is_name =
                matches!(value.get_ref(), DeValue::String(text) if !text.starts_with("whsec_"));
            key.get_ref() == "secret" && is_name
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "server = \"https://x\" # the cloud\r\n\
        [[pos]]\r\nname = \"Caja 1\"\r\n[pos.connection]\r\nhost='h'\r\npassword   =  'a\"b' # of the owner\r\n\
        [pos.settings]\r\npassword = \"a setting\"\r\n\
        [[pos]]\r\nname = \"web\"\r\nconnection.secret = \"whsec_AAAA\"\r\n\
        [[pos]]\r\nname = \"c\"\r\nconnection = { user = \"u\", password = { secret = \"kept\" }, password_file = \"f\" }\r\n\
        [network]\r\nproxy_password = \"p\\\"x\"\r\n";

    #[test]
    fn passwords_are_found_where_they_stand_with_whose_they_are() {
        let found = plain_secrets(TEXT).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.owner.as_str(), one.key.as_str(), one.value.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("Caja 1", "password", "a\"b"),
                ("web", "secret", "whsec_AAAA"),
                ("network", "proxy_password", "p\"x"),
            ]
        );
    }

    #[test]
    fn only_the_passwords_are_replaced_and_everything_else_stays() {
        let found = plain_secrets(TEXT).unwrap();
        let named: Vec<_> = found
            .into_iter()
            .zip(["a".to_owned(), "b".to_owned(), "c".to_owned()])
            .collect();
        let expected = TEXT
            .replace("'a\"b' #", "{ secret = \"a\" } #")
            .replace("\"whsec_AAAA\"", "{ secret = \"b\" }")
            .replace("\"p\\\"x\"", "{ secret = \"c\" }");
        let changed = with_references(TEXT, &named);
        assert_eq!(changed, expected);
        assert!(plain_secrets(&changed).unwrap().is_empty());
    }
}
