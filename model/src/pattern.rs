//! File names as a person writes them: `productos*.{csv,xlsx}`.

/// A pattern with `*`, `?` and `{a,b}`. Case does not matter.
#[derive(Debug, Clone)]
pub struct Pattern(Vec<Vec<char>>);

impl Pattern {
    /// Reads a pattern; every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(
            alternatives(&text.to_lowercase())
                .iter()
                .map(|one| one.chars().collect())
                .collect(),
        )
    }

    /// Whether a file's name is of this kind.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        self.0.iter().any(|pattern| fits(pattern, &name))
    }
}

/// Spells out `{a,b}`.
fn alternatives(text: &str) -> Vec<String> {
    let Some((before, (inside, after))) = text
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![text.to_owned()];
    };
    let rest = alternatives(after);
    inside
        .split(',')
        .flat_map(|one| {
            rest.iter()
                .map(move |rest| format!("{before}{}{rest}", one.trim()))
        })
        .collect()
}

/// Linear: a `*` is tried again one character later only until the next one fits.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_in_a_shell_without_regard_to_case() {
        for (pattern, name, expected) in [
            ("productos*.csv", "PRODUCTOS_2026.CSV", true),
            ("productos*.csv", "ventas.csv", false),
            ("*.{csv,xlsx}", "a.xlsx", true),
            ("*.{csv,xlsx}", "a.xls", false),
            ("venta?.csv", "ventas.csv", true),
            ("{productos,items}_*.{csv,txt}", "items_1.txt", true),
            ("*a*b*", "xxaxxb", true),
            ("*a*b", "xxaxxbx", false),
            ("año*.csv", "AÑO2026.csv", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
