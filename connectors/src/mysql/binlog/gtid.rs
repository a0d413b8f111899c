//! Global transaction ids. MariaDB counts per domain and keeps the last number of each; MySQL keeps every interval of
//! every server. Both are kept as the text that the server itself shows.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use mysql_async::{GnoInterval, Sid};
use serde::{Deserialize, Serialize};

/// Which transactions were seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Gtids {
    /// The last of each domain: `0-1-24`.
    Mariadb(MariadbGtids),
    /// All of each server: `uuid:1-5:7`.
    Mysql(MysqlGtids),
}

/// Text that is no set of transaction ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a list of global transaction ids")]
pub(super) struct NotGtids(String);

/// The last transaction of each domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct MariadbGtids(BTreeMap<u32, (u32, u64)>);

impl MariadbGtids {
    /// Notes that a transaction was seen.
    pub fn add(&mut self, domain: u32, server: u32, sequence: u64) {
        self.0.insert(domain, (server, sequence));
    }
}

impl fmt::Display for MariadbGtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (domain, (server, sequence))) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{domain}-{server}-{sequence}")?;
        }
        Ok(())
    }
}

impl FromStr for MariadbGtids {
    type Err = NotGtids;
    fn from_str(text: &str) -> Result<Self, NotGtids> {
        let mut gtids = Self::default();
        for gtid in text
            .split(',')
            .map(str::trim)
            .filter(|gtid| !gtid.is_empty())
        {
            let mut numbers = gtid.splitn(3, '-').map(str::parse::<u64>);
            let (Some(Ok(domain)), Some(Ok(server)), Some(Ok(sequence))) =
                (numbers.next(), numbers.next(), numbers.next())
            else {
                return Err(NotGtids(text.to_owned()));
            };
            let (Ok(domain), Ok(server)) = (u32::try_from(domain), u32::try_from(server)) else {
                return Err(NotGtids(text.to_owned()));
            };
            gtids.add(domain, server, sequence);
        }
        Ok(gtids)
    }
}

/// Intervals of numbers, both ends included, by server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct MysqlGtids(BTreeMap<[u8; 16], Vec<(u64, u64)>>);

impl MysqlGtids {
    /// Notes that a transaction was seen. They come in order, but for servers that commit several at once.
    pub fn add(&mut self, server: [u8; 16], number: u64) {
        let intervals = self.0.entry(server).or_default();
        let at = intervals.partition_point(|(_, last)| *last < number.saturating_sub(1));
        match intervals.get_mut(at) {
            Some((first, last)) if *first <= number && number <= *last => return,
            Some((_, last)) if *last + 1 == number => *last = number,
            Some((first, _)) if *first == number + 1 => *first = number,
            Some(_) | None => intervals.insert(at, (number, number)),
        }
        if let Some((next_first, next_last)) = intervals.get(at + 1).copied()
            && intervals[at].1 + 1 >= next_first
        {
            intervals[at].1 = next_last;
            intervals.remove(at + 1);
        }
    }

    /// As the request for the log wants them: the end of an interval is not part of it.
    pub fn sids(&self) -> Vec<Sid<'static>> {
        self.0
            .iter()
            .map(|(server, intervals)| {
                let intervals = intervals
                    .iter()
                    .map(|(first, last)| GnoInterval::new(*first, last + 1));
                Sid::new(*server).with_intervals(intervals.collect())
            })
            .collect()
    }
}

impl fmt::Display for MysqlGtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (server, intervals)) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            for (at, byte) in server.iter().enumerate() {
                let dash = if matches!(at, 4 | 6 | 8 | 10) {
                    "-"
                } else {
                    ""
                };
                write!(f, "{dash}{byte:02x}")?;
            }
            for (first, last) in intervals {
                if first == last {
                    write!(f, ":{first}")?;
                } else {
                    write!(f, ":{first}-{last}")?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for MysqlGtids {
    type Err = NotGtids;
    /// Tagged ids (`uuid:tag:1-5`) are refused; file and position serve then.
    fn from_str(text: &str) -> Result<Self, NotGtids> {
        let wrong = || NotGtids(text.to_owned());
        let mut gtids = Self::default();
        for of_server in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (server, intervals) = of_server.split_once(':').ok_or_else(wrong)?;
            let server = uuid(server).ok_or_else(wrong)?;
            let mut parsed = Vec::new();
            for interval in intervals.split(':') {
                let (first, last) = interval.split_once('-').unwrap_or((interval, interval));
                let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
                parsed.push((number(first)?, number(last)?));
            }
            parsed.sort_unstable();
            gtids.0.insert(server, parsed);
        }
        Ok(gtids)
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl TryFrom<String> for $kind {
            type Error = NotGtids;
            fn try_from(text: String) -> Result<Self, NotGtids> {
                text.parse()
            }
        }
        impl From<$kind> for String {
            fn from(gtids: $kind) -> Self {
                gtids.to_string()
            }
        }
    )*};
}
as_text!(MariadbGtids, MysqlGtids);

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    #[test]
    fn mariadb_keeps_the_last_of_each_domain() {
        let mut gtids: MariadbGtids = "0-1-24, 3-2-7".parse().unwrap();
        gtids.add(0, 5, 25);
        assert_eq!(gtids.to_string(), "0-5-25,3-2-7");
        assert_eq!("".parse::<MariadbGtids>().unwrap().to_string(), "");
        assert!("0-1".parse::<MariadbGtids>().is_err());
    }

    #[test]
    fn mysql_keeps_every_interval_and_joins_those_that_meet() {
        let mut gtids: MysqlGtids = format!("{SERVER}:1-5:7").parse().unwrap();
        let server = uuid(SERVER).unwrap();
        for number in [9, 6, 9, 11, 10, 3] {
            gtids.add(server, number);
        }
        assert_eq!(gtids.to_string(), format!("{SERVER}:1-7:9-11"));
        gtids.add(server, 8);
        assert_eq!(gtids.to_string(), format!("{SERVER}:1-11"));
        let sids = gtids.sids();
        assert_eq!(
            (sids[0].intervals()[0].start(), sids[0].intervals()[0].end()),
            (1, 12)
        );
    }

    #[test]
    fn tagged_ids_are_not_mistaken_for_numbers() {
        assert!(format!("{SERVER}:tag:1-5").parse::<MysqlGtids>().is_err());
    }

    #[test]
    fn they_are_kept_as_the_text_the_server_shows() {
        let gtids = Gtids::Mariadb("0-1-24".parse().unwrap());
        let json = serde_json::to_string(&gtids).unwrap();
        assert_eq!(json, r#"{"mariadb":"0-1-24"}"#);
        assert_eq!(serde_json::from_str::<Gtids>(&json).unwrap(), gtids);
    }
}
