//! Names of tables as mappings write them: `items`, `dbo.items`, `[dbo].[two words]`, `VAD20..MA_PAGOS`.

/// The parts of a name, without brackets; absent ones are empty.
pub(super) fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = name.trim().chars().peekable();
    let mut close = None;
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match (c, close) {
            (c, Some(end)) if c == end && chars.peek() == Some(&end) => {
                parts[last].push(c);
                chars.next();
            }
            (c, Some(end)) if c == end => close = None,
            (c, Some(_)) => parts[last].push(c),
            ('[', None) => close = Some(']'),
            ('"', None) => close = Some('"'),
            ('.', None) => parts.push(String::new()),
            (c, None) => parts[last].push(c),
        }
    }
    parts
}

/// The database a name points into, where it says so.
pub(super) fn database_of(name: &str) -> Option<String> {
    let parts = parts(name);
    match parts.as_slice() {
        [.., database, _, _] if !database.is_empty() => Some(database.clone()),
        _ => None,
    }
}

/// A name in brackets.
pub(super) fn bracketed(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The whole name, each part in brackets.
pub(super) fn quoted(name: &str) -> String {
    let parts = parts(name);
    let parts: Vec<String> = parts
        .iter()
        .map(|part| {
            if part.is_empty() {
                String::new()
            } else {
                bracketed(part)
            }
        })
        .collect();
    parts.join(".")
}

/// Text as a literal.
pub(super) fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_however_they_are_written() {
        for (name, expected) in [
            ("items", "[items]"),
            ("dbo.MA_PRODUCTOS", "[dbo].[MA_PRODUCTOS]"),
            ("[dbo].[two . words]", "[dbo].[two . words]"),
            ("VAD20..MA_PAGOS", "[VAD20]..[MA_PAGOS]"),
            ("[a]]b]", "[a]]b]"),
            ("\"x\"", "[x]"),
        ] {
            assert_eq!(quoted(name), expected);
        }
        assert_eq!(database_of("VAD20.dbo.MA_PAGOS").as_deref(), Some("VAD20"));
        assert_eq!(database_of("dbo.MA_PAGOS"), None);
    }

    #[test]
    fn text_cannot_leave_its_quotes() {
        assert_eq!(literal("a'b"), "N'a''b'");
    }
}
