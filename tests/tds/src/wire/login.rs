//! LOGIN7: who wants in, and where to.

use super::packet::{Cursor, Short, utf16};

#[derive(Debug)]
pub(super) struct Login7 {
    pub version: u32,
    pub packet_size: usize,
    pub host: String,
    pub user: String,
    pub password: String,
    pub program: String,
    pub database: String,
    /// It wants to be let in by Windows.
    pub integrated: bool,
}

pub(super) fn read(body: &[u8]) -> Result<Login7, Short> {
    let mut fixed = Cursor::new(body);
    fixed.u32()?;
    let version = fixed.u32()?;
    let packet_size = fixed.u32()?;
    fixed.take(12)?;
    let [_, flags, _, _] = fixed.fixed::<4>()?;
    fixed.take(8)?;
    let mut text = || -> Result<&[u8], Short> {
        let start = usize::from(fixed.u16()?);
        let length = usize::from(fixed.u16()?) * 2;
        body.get(start..start + length).ok_or(Short)
    };
    let host = utf16(text()?);
    let user = utf16(text()?);
    let scrambled = text()?;
    let program = utf16(text()?);
    for _ in 0..4 {
        // Server, extension, library, language.
        text()?;
    }
    let database = utf16(text()?);
    let password: Vec<u8> = scrambled
        .iter()
        .map(|byte| (byte ^ 0xA5).rotate_left(4))
        .collect();
    Ok(Login7 {
        version,
        packet_size: usize::try_from(packet_size).unwrap_or(4096),
        host,
        user,
        password: utf16(&password),
        program,
        database,
        integrated: flags & 0x80 != 0,
    })
}
