//! Packets: eight bytes of header and up to so many of a message; several make one message.

use std::io::{self, Read, Write};

pub(super) const SQL_BATCH: u8 = 0x01;
pub(super) const RPC: u8 = 0x03;
pub(super) const ANSWER: u8 = 0x04;
pub(super) const ATTENTION: u8 = 0x06;
pub(super) const TRANSACTION: u8 = 0x0E;
pub(super) const LOGIN7: u8 = 0x10;
pub(super) const PRELOGIN: u8 = 0x12;

const END: u8 = 0x01;
/// The client takes the message back.
const IGNORE: u8 = 0x02;
/// The session is to be set back before this message.
const RESET: u8 = 0x08;

/// The longest message that is taken.
const LONGEST: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Message {
    pub kind: u8,
    pub body: Vec<u8>,
    pub reset: bool,
}

pub(super) fn read_packet(stream: &mut dyn Read) -> io::Result<(u8, u8, Vec<u8>)> {
    let mut header = [0; 8];
    stream.read_exact(&mut header)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if length < 8 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a packet shorter than its header",
        ));
    }
    let mut body = vec![0; length - 8];
    stream.read_exact(&mut body)?;
    Ok((header[0], header[1], body))
}

/// A whole message, however many packets it took.
pub(super) fn read_message(stream: &mut dyn Read) -> io::Result<Message> {
    let mut message = Message {
        kind: 0,
        body: Vec::new(),
        reset: false,
    };
    let mut first = true;
    loop {
        let (kind, status, body) = read_packet(stream)?;
        if first {
            message.kind = kind;
            message.reset = status & RESET != 0;
            first = false;
        } else if kind == ATTENTION {
            return Ok(Message {
                kind,
                body,
                reset: false,
            });
        } else if kind != message.kind {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "packets of two messages are mixed",
            ));
        }
        message.body.extend_from_slice(&body);
        if message.body.len() > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message that is too long",
            ));
        }
        if status & END != 0 {
            if status & IGNORE != 0 {
                message.body.clear();
                first = true;
                continue;
            }
            return Ok(message);
        }
    }
}

/// Cuts an answer into packets as it grows.
pub(super) struct PacketWriter {
    buffer: Vec<u8>,
    size: usize,
    kind: u8,
    number: u8,
    session: u16,
}

impl PacketWriter {
    pub fn new(kind: u8, size: usize, session: u16) -> Self {
        Self {
            buffer: Vec::with_capacity(size * 2),
            size: size.max(512) - 8,
            kind,
            number: 0,
            session,
        }
    }

    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Sends what fills whole packets, keeping at least one byte for the last one.
    pub fn send_full(&mut self, stream: &mut dyn Write) -> io::Result<()> {
        let mut sent = 0;
        while self.buffer.len() - sent > self.size {
            let chunk = self.buffer[sent..sent + self.size].to_vec();
            self.packet(stream, &chunk, 0)?;
            sent += self.size;
        }
        self.buffer.drain(..sent);
        Ok(())
    }

    /// Sends the rest as it is, without an end, as a server does that is about to fall over.
    pub fn send_cut(&mut self, stream: &mut dyn Write) -> io::Result<()> {
        self.send_full(stream)?;
        let rest = std::mem::take(&mut self.buffer);
        if !rest.is_empty() {
            self.packet(stream, &rest, 0)?;
        }
        stream.flush()
    }

    pub fn finish(mut self, stream: &mut dyn Write) -> io::Result<()> {
        self.send_full(stream)?;
        let rest = std::mem::take(&mut self.buffer);
        self.packet(stream, &rest, END)?;
        stream.flush()
    }

    fn packet(&mut self, stream: &mut dyn Write, body: &[u8], status: u8) -> io::Result<()> {
        self.number = self.number.wrapping_add(1);
        let length = u16::try_from(body.len() + 8).map_err(io::Error::other)?;
        let mut packet = Vec::with_capacity(body.len() + 8);
        packet.extend_from_slice(&[self.kind, status]);
        packet.extend_from_slice(&length.to_be_bytes());
        packet.extend_from_slice(&self.session.to_be_bytes());
        packet.extend_from_slice(&[self.number, 0]);
        packet.extend_from_slice(body);
        stream.write_all(&packet)
    }
}

/// Reads the parts of a message.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The message ended early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short;

impl From<Short> for io::Error {
    fn from(_: Short) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, "a message that ends too early")
    }
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn is_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Short> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len())
            .ok_or(Short)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        self.take(N)?.try_into().map_err(|_| Short)
    }

    pub fn u8(&mut self) -> Result<u8, Short> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        self.array()
    }

    /// So many characters of UTF-16.
    pub fn utf16(&mut self, characters: usize) -> Result<String, Short> {
        self.take(characters * 2).map(utf16)
    }

    /// A length in one byte, then characters.
    pub fn short_text(&mut self) -> Result<String, Short> {
        let length = usize::from(self.u8()?);
        self.utf16(length)
    }
}

pub(super) fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

pub(super) fn push_utf16(text: &str, into: &mut Vec<u8>) {
    into.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}
