//! Languages, numbers and times as people of each language write them.

use chrono::{DateTime, Local, Utc};

/// The two languages of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Es,
    En,
}

impl Lang {
    pub fn code(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Es => Self::En,
            Self::En => Self::Es,
        }
    }

    /// One of two texts.
    pub fn say<'a>(self, spanish: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Es => spanish,
            Self::En => english,
        }
    }

    /// The language of a request: what it asks for by `?lang=`, else the first of ours in `Accept-Language`, else Spanish.
    pub fn asked(query: Option<&str>, accepted: Option<&str>) -> Self {
        let by_code = |code: &str| match code {
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        };
        let asked = query.unwrap_or_default().split('&');
        let asked = asked
            .filter_map(|pair| by_code(pair.strip_prefix("lang=")?))
            .next_back();
        let mut accepted: Vec<(f32, Self)> = accepted
            .unwrap_or_default()
            .split(',')
            .filter_map(|one| {
                let (tag, weight) = one.split_once(';').unwrap_or((one, ""));
                let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
                let weight = weight
                    .trim()
                    .strip_prefix("q=")
                    .and_then(|q| q.parse().ok());
                Some((weight.unwrap_or(1.0), by_code(&primary)?))
            })
            .collect();
        // Stable: of equals the first counts.
        accepted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let accepted = accepted.first().filter(|(weight, _)| *weight > 0.0);
        asked
            .or(accepted.map(|(_, lang)| *lang))
            .unwrap_or(Self::Es)
    }

    /// 1.234.567 or 1,234,567.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(self.say(".", ","));
            }
            out.push(digit);
        }
        out
    }

    pub fn size(self, bytes: u64) -> String {
        let (unit, name) = match bytes {
            0..1_000_000 => return format!("{} kB", self.number(bytes.div_ceil(1_000))),
            1_000_000..1_000_000_000 => (1_000_000, "MB"),
            _ => (1_000_000_000, "GB"),
        };
        let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
        if whole >= 100 || tenth == 0 {
            return format!("{} {name}", self.number(whole));
        }
        format!("{whole}{}{tenth} {name}", self.say(",", "."))
    }

    /// How long ago it was.
    pub fn ago(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let seconds = (now - at).num_seconds().max(0);
        let (count, unit) = match seconds {
            0..60 => (seconds, "s"),
            60..3_600 => (seconds / 60, "min"),
            3_600..172_800 => (seconds / 3_600, "h"),
            _ => (seconds / 86_400, self.say("días", "days")),
        };
        match self {
            Self::Es => format!("hace {count} {unit}"),
            Self::En => format!("{count} {unit} ago"),
        }
    }

    /// In the time zone of this computer.
    pub fn moment(self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&Local);
        local
            .format(self.say("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M"))
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_what_is_asked_for_then_what_the_browser_prefers() {
        let asked = |query, accepted| Lang::asked(query, accepted).code();
        assert_eq!(asked(None, None), "es");
        assert_eq!(asked(None, Some("en-US,en;q=0.9,es;q=0.8")), "en");
        assert_eq!(
            asked(None, Some("pt-BR,pt;q=0.9,es-MX;q=0.7,en;q=0.5")),
            "es"
        );
        assert_eq!(asked(None, Some("en;q=0.2, es-VE;q=0.9")), "es");
        assert_eq!(asked(None, Some("en;q=0, fr")), "es");
        assert_eq!(asked(Some("lang=en"), Some("es")), "en");
        assert_eq!(asked(Some("x=1&lang=xx"), Some("en")), "en");
    }

    #[test]
    fn numbers_sizes_and_times_are_written_as_people_do() {
        assert_eq!(Lang::Es.number(1_234_567), "1.234.567");
        assert_eq!(Lang::En.number(999), "999");
        assert_eq!(Lang::Es.size(1_540_000), "1,5 MB");
        assert_eq!(Lang::En.size(212_400_000_000), "212 GB");
        assert_eq!(Lang::En.size(10), "1 kB");
        let now = Utc::now();
        assert_eq!(
            Lang::Es.ago(now - chrono::TimeDelta::minutes(5), now),
            "hace 5 min"
        );
        assert_eq!(
            Lang::En.ago(now - chrono::TimeDelta::days(3), now),
            "3 days ago"
        );
    }
}
