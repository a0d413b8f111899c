//! What clients ask for: batches, procedure calls, transactions.

use std::io;

use super::packet::{Cursor, Message, RPC, SQL_BATCH, Short, TRANSACTION, utf16};
use super::types;
use crate::engine::Parameter;

#[derive(Debug)]
pub(super) enum Request {
    Batch(String),
    Call(Vec<Call>),
    Begin { isolation: u8 },
    Commit { and_begin: Option<u8> },
    Rollback { name: String, and_begin: Option<u8> },
    Save(String),
}

#[derive(Debug)]
pub(super) struct Call {
    pub procedure: String,
    pub parameters: Vec<Parameter>,
}

/// Procedures that are called by number.
fn by_number(number: u16) -> &'static str {
    match number {
        10 => "sp_executesql",
        11 => "sp_prepare",
        12 => "sp_execute",
        13 => "sp_prepexec",
        15 => "sp_unprepare",
        _ => "sp_cursor",
    }
}

pub(super) fn read(message: &Message) -> io::Result<Request> {
    let mut cursor = Cursor::new(&message.body);
    // All headers, which say nothing that is needed here.
    let length = usize::try_from(cursor.u32()?).map_err(|_| Short)?;
    cursor.take(length.checked_sub(4).ok_or(Short)?)?;
    match message.kind {
        SQL_BATCH => Ok(Request::Batch(utf16(cursor.rest()))),
        RPC => calls(&mut cursor).map(Request::Call),
        TRANSACTION => transaction(&mut cursor).map_err(io::Error::from),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of type 0x{other:02X}, which is not known here"),
        )),
    }
}

fn calls(cursor: &mut Cursor<'_>) -> io::Result<Vec<Call>> {
    let mut calls = Vec::new();
    while !cursor.is_end() {
        let procedure = match cursor.u16()? {
            0xFFFF => by_number(cursor.u16()?).to_owned(),
            length => cursor.utf16(usize::from(length))?,
        };
        cursor.u16()?;
        let mut parameters = Vec::new();
        while let Some(first) = cursor.rest().first() {
            // 0x80 and 0xFF begin another call.
            if matches!(first, 0x80 | 0xFF) {
                cursor.u8()?;
                break;
            }
            let name = cursor.short_text()?;
            let status = cursor.u8()?;
            let (kind, value) = types::read_parameter(cursor)?;
            parameters.push(Parameter {
                name,
                output: status & 1 != 0,
                kind,
                value,
            });
        }
        calls.push(Call {
            procedure,
            parameters,
        });
    }
    Ok(calls)
}

fn transaction(cursor: &mut Cursor<'_>) -> Result<Request, Short> {
    let what = cursor.u16()?;
    let name = |cursor: &mut Cursor<'_>| -> Result<String, Short> {
        let bytes = usize::from(cursor.u8()?);
        cursor.take(bytes).map(utf16)
    };
    let next = |cursor: &mut Cursor<'_>| -> Result<Option<u8>, Short> {
        if cursor.is_end() || cursor.u8()? & 1 == 0 {
            return Ok(None);
        }
        cursor.u8().map(Some)
    };
    match what {
        5 => Ok(Request::Begin {
            isolation: cursor.u8()?,
        }),
        7 => {
            name(cursor)?;
            Ok(Request::Commit {
                and_begin: next(cursor)?,
            })
        }
        8 => Ok(Request::Rollback {
            name: name(cursor)?,
            and_begin: next(cursor)?,
        }),
        9 => name(cursor).map(Request::Save),
        _ => Err(Short),
    }
}
