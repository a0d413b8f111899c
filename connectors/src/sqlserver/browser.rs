//! Where a named instance listens, asked of the SQL Server Browser (MS-SQLR, UDP 1434).
//!
//! Its answers are not signed, so nothing but port numbers and names for people is taken from them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Asks for one instance by name.
const ONE_INSTANCE: u8 = 0x04;

/// Asks for all instances of a PC.
const ALL_INSTANCES: u8 = 0x03;

/// An answer begins with this.
const ANSWER: u8 = 0x05;

/// How long to wait for each answer. A question may get lost on the way, so it is asked more than once.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// How often a question is asked.
const QUESTIONS: u32 = 2;

/// What the Browser tells of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `MSSQLSERVER` for the one without a name.
    pub name: String,
    /// As in `15.0.2000.5`.
    pub version: String,
    /// None where TCP/IP is switched off, as it is in a fresh Express.
    pub port: Option<u16>,
}

/// Why an instance was not found.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Nobody answers: the service is stopped, or a firewall swallows the question.
    #[error("the SQL Server Browser on {0} does not answer")]
    Silent(SocketAddr),
    /// Something else answers on its port.
    #[error("the SQL Server Browser on {0} gave an answer that cannot be read")]
    Garbled(SocketAddr),
    /// It knows no such instance, or one without TCP.
    #[error("there is no instance {name:?} on that PC that listens on TCP")]
    NoPort {
        /// As it was asked for.
        name: String,
    },
    /// The question could not be sent.
    #[error("the SQL Server Browser could not be asked")]
    Io(#[from] std::io::Error),
}

/// The TCP port of an instance.
pub(super) async fn port_of(browser: SocketAddr, instance: &str) -> Result<u16, BrowserError> {
    let mut question = vec![ONE_INSTANCE];
    question.extend_from_slice(instance.as_bytes());
    question.push(0);
    let found = ask(browser, &question).await?;
    let named = found
        .iter()
        .find(|found| found.name.eq_ignore_ascii_case(instance));
    named.and_then(|found| found.port).ok_or_else(|| {
        let name = instance.to_owned();
        BrowserError::NoPort { name }
    })
}

/// Every instance of a PC, for discovery.
///
/// # Errors
/// When nobody answers, or not with what a Browser says.
pub async fn instances(browser: SocketAddr) -> Result<Vec<Instance>, BrowserError> {
    ask(browser, &[ALL_INSTANCES]).await
}

async fn ask(browser: SocketAddr, question: &[u8]) -> Result<Vec<Instance>, BrowserError> {
    let any: SocketAddr = if browser.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(browser).await?;
    let mut answer = vec![0; 65_536];
    for _ in 0..QUESTIONS {
        socket.send(question).await?;
        match timeout(PATIENCE, socket.recv(&mut answer)).await {
            Ok(Ok(length)) => {
                return read(&answer[..length]).ok_or(BrowserError::Garbled(browser));
            }
            // A closed port is reported by the system before the time is over.
            Ok(Err(_)) => return Err(BrowserError::Silent(browser)),
            Err(_) => {}
        }
    }
    Err(BrowserError::Silent(browser))
}

/// `ServerName;TILL;InstanceName;COMPAC;IsClustered;No;Version;15.0.2000.5;tcp;49172;;`, once per instance.
fn read(answer: &[u8]) -> Option<Vec<Instance>> {
    let [ANSWER, low, high, text @ ..] = answer else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let text = String::from_utf8_lossy(text.get(..length).unwrap_or(text)).into_owned();
    let instances = text.split(";;").filter(|part| !part.is_empty());
    instances
        .map(|part| {
            let words: Vec<&str> = part.split(';').collect();
            let pairs = words.chunks_exact(2);
            let facts: BTreeMap<String, &str> = pairs
                .map(|pair| (pair[0].to_ascii_lowercase(), pair[1]))
                .collect();
            Some(Instance {
                name: (*facts.get("instancename")?).to_owned(),
                version: facts.get("version").copied().unwrap_or_default().to_owned(),
                port: facts
                    .get("tcp")
                    .and_then(|port| port.parse().ok())
                    .filter(|port| *port != 0),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Vec<u8> {
        let mut answer = vec![ANSWER];
        answer.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        answer.extend(text.as_bytes());
        answer
    }

    #[test]
    fn every_instance_of_an_answer_is_found_with_its_port() {
        let found = read(&answer(
            "ServerName;TILL;InstanceName;MSSQLSERVER;IsClustered;No;Version;10.50.1600.1;tcp;1433;np;\\\\TILL\\pipe\\sql\\query;;\
             ServerName;TILL;InstanceName;COMPAC;IsClustered;No;Version;15.0.2000.5;;",
        ))
        .unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].port, Some(1433));
        assert_eq!((found[1].name.as_str(), found[1].port), ("COMPAC", None));
    }

    #[test]
    fn an_answer_that_is_none_is_refused_and_never_a_crash() {
        for broken in [&[][..], &[5], &[5, 9], &[4, 0, 0], &answer("nonsense")] {
            assert!(read(broken).is_none(), "{broken:?}");
        }
        assert_eq!(read(&answer("")), Some(vec![]));
    }
}
