//! Encryption. The handshake travels inside PRELOGIN packets; afterwards the records stand bare on the line.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::packet::{self, PRELOGIN, PacketWriter};

/// A line, encrypted or not.
pub(crate) enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Line {
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Back to plain text, after a login that alone was encrypted.
    pub fn bare(self) -> Self {
        match self {
            Self::Tls(stream) => Self::Plain(stream.sock),
            plain @ Self::Plain(_) => plain,
        }
    }

    /// Whether something lies here that the client has sent meanwhile.
    pub fn has_input(&mut self) -> bool {
        let socket = self.socket();
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let found = matches!(socket.peek(&mut [0]), Ok(count) if count > 0);
        socket.set_nonblocking(false).is_ok() && found
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Encryption with a certificate made for this moment, which nobody has reason to trust; and that certificate, in DER.
pub(crate) fn self_signed() -> anyhow::Result<(Arc<ServerConfig>, Vec<u8>)> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))?;
    Ok((Arc::new(config), made.cert.der().to_vec()))
}

/// The handshake, wrapped in packets.
pub(super) fn accept(mut socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Line> {
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        if connection.wants_write() {
            send(&mut connection, &mut socket)?;
            continue;
        }
        let (kind, _, body) = packet::read_packet(&mut socket)?;
        if kind != PRELOGIN {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "no handshake where one was due",
            ));
        }
        let mut records = body.as_slice();
        while !records.is_empty() {
            connection.read_tls(&mut records)?;
            connection.process_new_packets().map_err(io::Error::other)?;
        }
    }
    send(&mut connection, &mut socket)?;
    Ok(Line::Tls(Box::new(StreamOwned::new(connection, socket))))
}

fn send(connection: &mut ServerConnection, socket: &mut TcpStream) -> io::Result<()> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    if records.is_empty() {
        return Ok(());
    }
    let mut writer = PacketWriter::new(PRELOGIN, 4096, 0);
    writer.bytes().extend(records);
    writer.finish(socket)
}
