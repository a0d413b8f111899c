//! What answers at an address: the few bytes by which a database server says what it is. Nobody logs in here.
//!
//! Answers of strangers are only shown, with control characters taken out, and never acted upon.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use fluxion_connectors::ConnectorKind;
use fluxion_connectors::sqlserver::browser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

/// For a connection, and again for an answer.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// Computers that are asked at the same time.
const AT_ONCE: usize = 128;

/// Larger segments are never searched.
const SMALLEST_PREFIX: u32 = 22;

/// A search is ended then, with what was found.
const WHOLE: Duration = Duration::from_secs(120);

/// Asks PostgreSQL whether it speaks TLS; it answers with one letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

/// Greets SQL Server: a PRELOGIN packet with a version and no wish for encryption.
const PRELOGIN: [u8; 26] = [
    0x12, 1, 0, 26, 0, 0, 1, 0, // header
    0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, // where version and encryption stand
    0, 0, 0, 0, 0, 0, 2,
];

/// Greets Firebird: the packet `op_connect` with no file and no user, which offers the protocols 10 to 12. Versions 2.5 to 5
/// accept or refuse these before anybody logs in.
const FIREBIRD: [u8; 92] = {
    let words: [u32; 23] = [
        1, 19, 2, 1, // op_connect, op_attach, version of the packet, any kind of computer
        0, 3, 0, // no file, three protocols, no user
        10, 1, 2, 3, 2, // each: number, kind of computer, from a type, to a type, weight
        0x800b, 1, 2, 3, 4, //
        0x800c, 1, 2, 3, 6, //
        0,
    ];
    let mut bytes = [0; 92];
    let mut at = 0;
    while at < words.len() {
        let word = words[at].to_be_bytes();
        let mut byte = 0;
        while byte < 4 {
            bytes[4 * at + byte] = word[byte];
            byte += 1;
        }
        at += 1;
    }
    bytes
};

/// A database server that answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    pub host: IpAddr,
    /// None for an instance that does not listen on TCP.
    pub port: Option<u16>,
    pub connector: &'static str,
    /// What it says it is.
    pub product: String,
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Wish {
    /// These ports instead of the usual ones; each is asked for everything we know.
    pub ports: Vec<u16>,
    /// Where the SQL Server Browser is asked; not at all when None.
    pub browser: Option<u16>,
}

/// What a search brought.
#[derive(Debug, Default)]
pub struct Found {
    pub servers: Vec<Server>,
    /// Computers that were not reached before the time was up.
    pub unseen: usize,
}

/// Looks at every host, a bounded number at a time, for a bounded time.
pub async fn look(hosts: Vec<IpAddr>, wish: Wish) -> Found {
    let deadline = tokio::time::Instant::now() + WHOLE;
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let wish = Arc::new(wish);
    let mut tasks = JoinSet::new();
    for host in hosts {
        let (permits, wish) = (Arc::clone(&permits), Arc::clone(&wish));
        tasks.spawn(async move {
            match permits.acquire().await {
                Ok(_permit) => look_at(host, &wish).await,
                Err(_) => Vec::new(),
            }
        });
    }
    let mut found = BTreeSet::new();
    while let Ok(Some(done)) = timeout_at(deadline, tasks.join_next()).await {
        found.extend(done.unwrap_or_default());
    }
    Found {
        servers: found.into_iter().collect(),
        unseen: tasks.len(),
    }
}

async fn look_at(host: IpAddr, wish: &Wish) -> Vec<Server> {
    let mut found = Vec::new();
    if let Some(port) = wish.browser {
        let instances = browser::instances(SocketAddr::new(host, port)).await;
        found.extend(instances.unwrap_or_default().into_iter().map(|instance| {
            let product = format!("SQL Server {} {}", instance.version, instance.name);
            Server {
                host,
                port: instance.port,
                connector: ConnectorKind::Sqlserver.as_str(),
                product: clean(product.as_bytes()),
            }
        }));
    }
    let usual = [1433, 3050, 3306, 5432];
    let ports: &[u16] = if wish.ports.is_empty() {
        &usual
    } else {
        &wish.ports
    };
    for &port in ports {
        let known = found.iter().any(|server| server.port == Some(port));
        if !known && let Some((kind, product)) = identify(SocketAddr::new(host, port)).await {
            found.push(Server {
                host,
                port: Some(port),
                connector: kind.as_str(),
                product,
            });
        }
    }
    found
}

/// MySQL speaks first; the others answer to their own greeting.
async fn identify(address: SocketAddr) -> Option<(ConnectorKind, String)> {
    let speaks_first = match address.port() {
        1433 | 3050 | 5432 => None,
        _ => exchange(address, &[]).await?,
    };
    if let Some(greeting) = speaks_first {
        return mysql(&greeting).map(|product| (ConnectorKind::Mysql, product));
    }
    if !matches!(address.port(), 1433 | 3050)
        && let Some(answer) = exchange(address, &SSL_REQUEST).await?
        && matches!(answer.as_slice(), [b'S' | b'N'])
    {
        return Some((ConnectorKind::Postgres, "PostgreSQL".to_owned()));
    }
    if address.port() != 3050
        && let Some(answer) = exchange(address, &PRELOGIN).await?
        && let Some(product) = sqlserver(&answer)
    {
        return Some((ConnectorKind::Sqlserver, product));
    }
    let answer = exchange(address, &FIREBIRD).await??;
    is_firebird(&answer).then(|| (ConnectorKind::Firebird, "Firebird".to_owned()))
}

/// Accepted, refused, or a status why.
fn is_firebird(answer: &[u8]) -> bool {
    matches!(answer, [0, 0, 0, 3 | 4 | 9, ..] if answer.len().is_multiple_of(4))
}

fn sqlserver(answer: &[u8]) -> Option<String> {
    // A table of results, whose first entry says where the version stands.
    let [4, _, _, _, _, _, _, _, 0, high, low, ..] = *answer else {
        return None;
    };
    let at = 8 + usize::from(u16::from_be_bytes([high, low]));
    let version = answer.get(at..at + 4)?;
    let build = u16::from_be_bytes([version[2], version[3]]);
    Some(format!("SQL Server {}.{}.{build}", version[0], version[1]))
}

/// Outer None: nobody is there. Inner None: nothing is said in time.
async fn exchange(address: SocketAddr, question: &[u8]) -> Option<Option<Vec<u8>>> {
    let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
    let mut line = connected.ok()?.ok()?;
    if line.write_all(question).await.is_err() {
        return Some(None);
    }
    let mut answer = vec![0; 512];
    match timeout(PATIENCE, line.read(&mut answer)).await {
        Ok(Ok(length)) if length > 0 => {
            answer.truncate(length);
            Some(Some(answer))
        }
        _ => Some(None),
    }
}

fn mysql(greeting: &[u8]) -> Option<String> {
    match greeting {
        [_, _, _, 0, 10, version @ ..] => {
            let end = version.iter().position(|byte| *byte == 0)?;
            let version = clean(&version[..end]);
            // MariaDB writes this in front for the sake of old replicas.
            let version = version.strip_prefix("5.5.5-").unwrap_or(&version);
            let maker = if version.contains("MariaDB") {
                "MariaDB"
            } else {
                "MySQL"
            };
            Some(format!("{maker} {version}"))
        }
        [_, _, _, 0, 0xff, _, _, said @ ..] => Some(format!("MySQL: {}", clean(said))),
        _ => None,
    }
}

fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The computers of a segment such as `192.168.1.0/24`.
pub fn segment(text: &str) -> anyhow::Result<Vec<IpAddr>> {
    let (address, prefix) = text
        .split_once('/')
        .context("--lan is a segment such as 192.168.1.0/24")?;
    let address: Ipv4Addr = address
        .parse()
        .context("--lan begins with an IPv4 address")?;
    let prefix: u32 = prefix.parse().context("--lan ends with /22 to /32")?;
    if !(SMALLEST_PREFIX..=32).contains(&prefix) {
        bail!(
            "--lan {text} is too large\nhint: name a segment of /22 or smaller, such as 192.168.1.0/24"
        );
    }
    if !(address.is_private() || address.is_loopback() || address.is_link_local()) {
        bail!(
            "--lan {text} is not a private network\nhint: only the store's own network is searched"
        );
    }
    let size = 1_u32 << (32 - prefix);
    let first = u32::from(address) & !(size - 1);
    let hosts = if size > 2 {
        first + 1..first + size - 1
    } else {
        first..first + size
    };
    Ok(hosts.map(|host| Ipv4Addr::from(host).into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_small_and_private_or_it_is_refused() {
        assert_eq!(segment("192.168.1.77/24").unwrap().len(), 254);
        assert_eq!(segment("192.168.4.0/22").unwrap().len(), 1_022);
        assert_eq!(segment("10.0.0.4/32").unwrap().len(), 1);
        for refused in [
            "192.168.0.0/16",
            "192.168.0.0/21",
            "8.8.8.0/24",
            "192.168.1.0",
            "::1/128",
        ] {
            assert!(segment(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_a_stranger_says_cannot_steer_the_terminal() {
        let greeting = b"\x10\0\0\0\x0a5.5.5-10.11\x1b[2J-MariaDB\0rest";
        assert_eq!(mysql(greeting).unwrap(), "MariaDB 10.11[2J-MariaDB");
        assert_eq!(mysql(b"SSH-2.0-OpenSSH"), None);
    }
}
