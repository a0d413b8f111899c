//! Logins of MySQL 5.5 to 8.4. Those that MariaDB knows are tried on a real one. `caching_sha2_password`, the default of MySQL
//! 8, is tried against a few lines that play the server's part of it, because no MySQL can be had here.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use fluxion_connectors::{Connector, ConnectorKind, Remedy, registry};
use fluxion_tests::servers::{Durability, MariaDb};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const PASSWORD: &str = "clave-de-caja";
const NONCE: &[u8; 20] = b"0123456789abcdefghij";

fn connector(port: u16, user: &str) -> Box<dyn Connector> {
    let settings = json!({
        "host": "127.0.0.1", "port": port, "database": "pos", "user": user, "password": PASSWORD, "tls": "off",
    });
    registry::build(ConnectorKind::Mysql, &settings).unwrap()
}

#[tokio::test]
async fn passwords_of_mysql_4_1_to_5_7_work_and_those_before_say_what_to_do() {
    let server = MariaDb::start_with(Durability::Relaxed, &["--secure-auth=0"]).unwrap();
    server.create_database("pos").unwrap();
    let run = |sql: &str| server.query("pos", sql).unwrap();
    let hashes = run(&format!(
        "SELECT PASSWORD('{PASSWORD}'), OLD_PASSWORD('{PASSWORD}')"
    ));
    let (new, old) = hashes.trim().split_once('\t').unwrap();
    assert_eq!((new.len(), old.len()), (41, 16));
    run(&format!(
        "CREATE TABLE t (a INT);
         CREATE USER new@'%' IDENTIFIED VIA mysql_native_password USING '{new}';
         CREATE USER old@'%' IDENTIFIED VIA mysql_old_password USING '{old}';
         GRANT SELECT ON pos.* TO new@'%'; GRANT SELECT ON pos.* TO old@'%'"
    ));
    connector(server.port(), "new").probe().await.unwrap();
    let error = connector(server.port(), "old").probe().await.unwrap_err();
    let Remedy::AskOperator { code, hint } = &error.remedy else {
        panic!("{error:?}")
    };
    assert_eq!(*code, "login_refused");
    assert!(hint.contains("SET PASSWORD"), "{hint}");
}

#[tokio::test]
async fn the_login_of_mysql_8_works_when_the_server_remembers_the_password() {
    let server = Mysql8::start(Path::Fast);
    let told = connector(server.port, "caja").probe().await.unwrap_err();
    assert!(server.logged_in(), "{told:?}");
}

#[tokio::test]
async fn the_login_of_mysql_8_works_without_tls_by_the_servers_public_key() {
    let server = Mysql8::start(Path::Full);
    let told = connector(server.port, "caja").probe().await.unwrap_err();
    assert!(server.logged_in(), "{told:?}");
}

/// Which way the login takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// The server has the password's hash at hand.
    Fast,
    /// It needs the password itself, encrypted with its key.
    Full,
}

/// The server's part of a login with `caching_sha2_password`, and nothing beyond it: every query is refused.
struct Mysql8 {
    port: u16,
    thread: thread::JoinHandle<bool>,
}

impl Mysql8 {
    fn start(path: Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            serve(stream, path)
        });
        Self { port, thread }
    }

    fn logged_in(self) -> bool {
        self.thread.join().unwrap()
    }
}

/// Whether the client proved that it knows the password.
fn serve(mut stream: TcpStream, path: Path) -> bool {
    // PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_WITH_DB and what goes with them.
    const CAPABILITIES: u32 = 0x0008_a20f;
    let mut greeting = vec![10];
    greeting.extend(b"8.4.0\0");
    greeting.extend(7_u32.to_le_bytes());
    greeting.extend(&NONCE[..8]);
    greeting.push(0);
    greeting.extend(&CAPABILITIES.to_le_bytes()[..2]);
    greeting.push(255);
    greeting.extend(2_u16.to_le_bytes());
    greeting.extend(&CAPABILITIES.to_le_bytes()[2..]);
    greeting.push(21);
    greeting.extend([0; 10]);
    greeting.extend(&NONCE[8..]);
    greeting.push(0);
    greeting.extend(b"caching_sha2_password\0");
    send(&mut stream, 0, &greeting);

    let (mut sequence, response) = receive(&mut stream);
    let user_ends = 32 + response[32..].iter().position(|byte| *byte == 0).unwrap();
    assert_eq!(&response[32..user_ends], b"caja");
    let length = usize::from(response[user_ends + 1]);
    let scramble = &response[user_ends + 2..user_ends + 2 + length];
    let proven = match path {
        Path::Fast => {
            send(&mut stream, sequence + 1, &[1, 3]);
            sequence += 1;
            scramble == expected_scramble()
        }
        Path::Full => {
            send(&mut stream, sequence + 1, &[1, 4]);
            let (asked, request) = receive(&mut stream);
            assert_eq!(
                request,
                [2],
                "without TLS the client asks for the key, and never sends the password bare"
            );
            let key = openssl(
                &[
                    "genpkey",
                    "-algorithm",
                    "RSA",
                    "-pkeyopt",
                    "rsa_keygen_bits:2048",
                ],
                &[],
            );
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("key.pem");
            std::fs::write(&file, &key).unwrap();
            let mut answer = vec![1];
            answer.extend(openssl(&["pkey", "-pubout"], &key));
            send(&mut stream, asked + 1, &answer);
            let (last, encrypted) = receive(&mut stream);
            sequence = last;
            let file = file.to_str().unwrap().to_owned();
            let padding = "rsa_padding_mode:oaep";
            let hidden = openssl(
                &["pkeyutl", "-decrypt", "-inkey", &file, "-pkeyopt", padding],
                &encrypted,
            );
            let shown: Vec<u8> = hidden
                .iter()
                .zip(NONCE.iter().cycle())
                .map(|(byte, nonce)| byte ^ nonce)
                .collect();
            shown == [PASSWORD.as_bytes(), &[0]].concat()
        }
    };
    // OK, in autocommit.
    send(&mut stream, sequence + 1, &[0, 0, 0, 2, 0, 0, 0]);
    let (_, query) = receive(&mut stream);
    let mut refusal = vec![255];
    refusal.extend(1064_u16.to_le_bytes());
    refusal.extend(b"#42000that is all");
    send(&mut stream, 1, &refusal);
    // It asks its first question only when it believes to be logged in.
    proven && query.first() == Some(&3)
}

fn expected_scramble() -> Vec<u8> {
    let once = Sha256::digest(PASSWORD.as_bytes());
    let twice = Sha256::digest(once);
    let salted = Sha256::new()
        .chain_update(twice)
        .chain_update(NONCE)
        .finalize();
    once.iter().zip(salted).map(|(a, b)| a ^ b).collect()
}

fn send(stream: &mut TcpStream, sequence: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let mut packet = vec![length[0], length[1], length[2], sequence];
    packet.extend(payload);
    stream.write_all(&packet).unwrap();
}

fn receive(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).unwrap();
    (head[3], payload)
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl must be installed: apt-get install openssl");
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}
