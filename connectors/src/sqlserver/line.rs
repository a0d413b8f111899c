//! The line to a server: TCP, then what both sides say of encryption (PRELOGIN), then TLS where it was agreed on.
//!
//! This is done here and not by tiberius because its TLS brings a second cryptography library (and a C compiler) into the
//! build, and because an agent must know and tell how the line really is. Tiberius gets a line that is ready, and is
//! told that there is nothing to agree on.
//!
//! Formats: MS-TDS 2.2.6.5 (PRELOGIN), 2.2.3.1 (packet header), 3.2.5.1 (TLS records travel inside PRELOGIN packets until the
//! handshake is over, and bare from then on).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::config::Way;

const PRELOGIN: u8 = 0x12;
const ANSWER: u8 = 0x04;
const END_OF_MESSAGE: u8 = 0x01;
const HEADER: usize = 8;

/// Packets before the login are never larger than this.
const PACKET: usize = 4096;

const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUP: u8 = 2;
const ENCRYPT_REQ: u8 = 3;

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("the line broke")]
    Io(#[from] io::Error),
    #[error("what answers on that port does not speak the language of SQL Server")]
    NotSqlServer,
    #[error("the server cannot encrypt")]
    CannotEncrypt,
    #[error("the server insists on encryption")]
    MustEncrypt,
    #[error("no encryption could be agreed on ({0})")]
    Tls(io::Error),
}

/// A line on which tiberius can log in.
pub(super) type Line = Greeted<Wire>;

/// What was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    Encrypted,
    Plain,
}

/// Agrees on encryption with the server at the other end.
pub(super) async fn agree(
    mut tcp: TcpStream,
    way: Way,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
) -> Result<(Line, Privacy), LineError> {
    let wanted = match way {
        Way::Encrypted => ENCRYPT_ON,
        Way::Plain => ENCRYPT_NOT_SUP,
    };
    tcp.write_all(&prelogin(PRELOGIN, [0; 6], wanted)).await?;
    let (version, encryption) = hear(&mut tcp).await?;
    let insists = matches!(encryption, ENCRYPT_ON | ENCRYPT_REQ);
    let (wire, privacy) = match (way, tls) {
        (Way::Plain, _) if insists => return Err(LineError::MustEncrypt),
        (Way::Plain, _) => (Wire::Plain(tcp), Privacy::Plain),
        (Way::Encrypted, Some((config, name))) if insists => {
            let shell = Shell::new(tcp);
            let connecting = TlsConnector::from(config).connect(name, shell).await;
            let mut stream = connecting.map_err(LineError::Tls)?;
            stream.get_mut().0.is_over = true;
            (Wire::Encrypted(Box::new(stream)), Privacy::Encrypted)
        }
        (Way::Encrypted, _) => return Err(LineError::CannotEncrypt),
    };
    let answer = prelogin(ANSWER, version, ENCRYPT_NOT_SUP);
    Ok((Greeted::new(wire, answer), privacy))
}

/// A PRELOGIN message: version, encryption, no instance to check, no thread, no MARS.
fn prelogin(kind: u8, version: [u8; 6], encryption: u8) -> Vec<u8> {
    let options: [(u8, &[u8]); 5] = [
        (0, &version),
        (1, &[encryption]),
        (2, &[0]),
        (3, &[0; 4]),
        (4, &[0]),
    ];
    let mut table = Vec::new();
    let mut data = Vec::new();
    for (token, value) in options {
        let offset = options.len() * 5 + 1 + data.len();
        table.push(token);
        table.extend(short(offset));
        table.extend(short(value.len()));
        data.extend_from_slice(value);
    }
    table.push(0xff);
    table.extend(data);
    packet(kind, &table)
}

fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind, END_OF_MESSAGE];
    packet.extend(short(HEADER + payload.len()));
    packet.extend([0, 0, 1, 0]);
    packet.extend_from_slice(payload);
    packet
}

fn short(number: usize) -> [u8; 2] {
    // Everything measured here is far below 64 KiB.
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

/// Reads the server's PRELOGIN: its version, and what it says of encryption.
async fn hear(tcp: &mut TcpStream) -> Result<([u8; 6], u8), LineError> {
    let mut message = Vec::new();
    loop {
        let mut header = [0; HEADER];
        tcp.read_exact(&mut header).await?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] != ANSWER || length < HEADER || message.len() > PACKET {
            return Err(LineError::NotSqlServer);
        }
        let begin = message.len();
        message.resize(begin + length - HEADER, 0);
        tcp.read_exact(&mut message[begin..]).await?;
        if header[1] & END_OF_MESSAGE != 0 {
            break;
        }
    }
    let version = option(&message, 0).and_then(|version| version.try_into().ok());
    let encryption = option(&message, 1).and_then(|value| value.first().copied());
    let encryption = encryption.ok_or(LineError::NotSqlServer)?;
    Ok((version.unwrap_or_default(), encryption))
}

/// The value of one option of a PRELOGIN message.
fn option(message: &[u8], token: u8) -> Option<&[u8]> {
    let entry = message
        .chunks_exact(5)
        .take_while(|entry| entry[0] != 0xff)
        .find(|entry| entry[0] == token)?;
    let offset = usize::from(u16::from_be_bytes([entry[1], entry[2]]));
    let length = usize::from(u16::from_be_bytes([entry[3], entry[4]]));
    message.get(offset..offset + length)
}

/// TCP, or TLS over it.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<Shell>>),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Encrypted(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Encrypted(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Encrypted(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Encrypted(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// Puts the records of a TLS handshake into PRELOGIN packets, and takes those of the server out of theirs.
#[derive(Debug)]
pub(super) struct Shell {
    tcp: TcpStream,
    /// The handshake is over; nothing is packed any more.
    is_over: bool,
    /// Written by TLS, not packed yet.
    unpacked: Vec<u8>,
    /// Packed, and how much of it is on its way.
    packed: Vec<u8>,
    sent: usize,
    /// The header being read, and how much of it is there.
    header: [u8; HEADER],
    headed: usize,
    /// Bytes of the server's packet still to come.
    left: usize,
}

impl Shell {
    fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            is_over: false,
            unpacked: Vec::new(),
            packed: Vec::new(),
            sent: 0,
            header: [0; HEADER],
            headed: 0,
            left: 0,
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for part in self.unpacked.chunks(PACKET - HEADER) {
            self.packed.extend(packet(PRELOGIN, part));
        }
        self.unpacked.clear();
        while self.sent < self.packed.len() {
            let rest = &self.packed[self.sent..];
            match ready!(Pin::new(&mut self.tcp).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.packed.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads until bytes of a packet are due. False at the end of the line.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.left == 0 {
            let mut rest = ReadBuf::new(&mut self.header[self.headed..]);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut rest))?;
            match rest.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                read => self.headed += read,
            }
            if self.headed == HEADER {
                let length = usize::from(u16::from_be_bytes([self.header[2], self.header[3]]));
                self.left = length.saturating_sub(HEADER);
                self.headed = 0;
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl AsyncRead for Shell {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over {
            return Pin::new(&mut this.tcp).poll_read(cx, buf);
        }
        ready!(this.poll_send(cx))?;
        if !ready!(this.poll_header(cx))? {
            return Poll::Ready(Ok(()));
        }
        let mut part = [0; PACKET];
        let most = this.left.min(buf.remaining()).min(part.len());
        let mut part = ReadBuf::new(&mut part[..most]);
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
        this.left -= part.filled().len();
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Shell {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_over {
            return Pin::new(&mut this.tcp).poll_write(cx, bytes);
        }
        this.unpacked.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// Answers the first message itself, for what it asks was agreed on before.
#[derive(Debug)]
pub(super) struct Greeted<S> {
    wire: S,
    stage: Stage,
    answer: Vec<u8>,
}

#[derive(Debug)]
enum Stage {
    /// The first message, as far as it was written.
    Listening(Vec<u8>),
    /// How much of the answer was read.
    Answering(usize),
    Through,
}

impl<S> Greeted<S> {
    fn new(wire: S, answer: Vec<u8>) -> Self {
        Self {
            wire,
            stage: Stage::Listening(Vec::new()),
            answer,
        }
    }
}

fn is_complete(message: &[u8]) -> bool {
    match message {
        [_, _, high, low, ..] => {
            message.len() >= usize::from(u16::from_be_bytes([*high, *low])).max(HEADER)
        }
        _ => false,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.stage {
            Stage::Through => Pin::new(&mut this.wire).poll_read(cx, buf),
            Stage::Listening(_) => Poll::Ready(Err(io::Error::other("nothing was asked yet"))),
            Stage::Answering(given) => {
                let rest = &this.answer[*given..];
                let part = &rest[..rest.len().min(buf.remaining())];
                buf.put_slice(part);
                *given += part.len();
                if *given == this.answer.len() {
                    this.stage = Stage::Through;
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match &mut this.stage {
            Stage::Listening(heard) => {
                heard.extend_from_slice(bytes);
                if is_complete(heard) {
                    this.stage = Stage::Answering(0);
                }
                Poll::Ready(Ok(bytes.len()))
            }
            Stage::Answering(_) | Stage::Through => Pin::new(&mut this.wire).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_prelogin_are_found_where_its_table_says() {
        let message = prelogin(ANSWER, [15, 0, 7, 208, 0, 0], ENCRYPT_REQ);
        let payload = &message[HEADER..];
        assert_eq!(option(payload, 0), Some(&[15, 0, 7, 208, 0, 0][..]));
        assert_eq!(option(payload, 1), Some(&[ENCRYPT_REQ][..]));
        assert_eq!(option(payload, 9), None);
        assert_eq!(message.len(), usize::from(message[3]));
    }

    #[test]
    fn a_table_that_points_outside_of_its_message_finds_nothing() {
        assert_eq!(option(&[1, 0xff, 0xff, 0, 9, 0xff], 1), None);
        assert_eq!(option(&[1, 0], 1), None);
    }

    #[tokio::test]
    async fn the_first_message_is_answered_here_and_all_others_go_through() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut line = Greeted::new(near, b"agreed".to_vec());
        let question = prelogin(PRELOGIN, [0; 6], ENCRYPT_ON);
        line.write_all(&question).await.unwrap();
        let mut answer = [0; 6];
        line.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"agreed");
        line.write_all(b"login").await.unwrap();
        let mut heard = [0; 5];
        far.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"login");
        far.write_all(b"welcome").await.unwrap();
        let mut said = [0; 7];
        line.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"welcome");
    }
}
