//! Tokens: what an answer is made of.

use super::packet::push_utf16;
use super::types;
use crate::data::collation::Collation;
use crate::data::value::Row;
use crate::engine::{Field, Variable};
use crate::error::SqlError;

pub(super) const MORE: u16 = 0x01;
pub(super) const FAILED: u16 = 0x02;
pub(super) const COUNTED: u16 = 0x10;
pub(super) const ATTENTION: u16 = 0x20;

/// Which of the three tokens ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Batch = 0xFD,
    Procedure = 0xFE,
    InProcedure = 0xFF,
}

fn short_text(text: &str, out: &mut Vec<u8>) {
    let text: String = text.chars().take(255).collect();
    out.push(u8::try_from(text.encode_utf16().count()).unwrap_or(0));
    push_utf16(&text, out);
}

fn long_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(
        &u16::try_from(text.encode_utf16().count())
            .unwrap_or(0)
            .to_le_bytes(),
    );
    push_utf16(text, out);
}

/// A token whose length stands before it.
fn measured(token: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(token);
    out.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(body);
}

pub(super) fn error(error: &SqlError, server: &str, out: &mut Vec<u8>) {
    message(0xAA, error, server, out);
}

pub(super) fn info(info: &SqlError, server: &str, out: &mut Vec<u8>) {
    message(0xAB, info, server, out);
}

fn message(token: u8, error: &SqlError, server: &str, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    body.extend_from_slice(&error.number.to_le_bytes());
    body.extend_from_slice(&[error.state, error.class]);
    let text: String = error.message.chars().take(4000).collect();
    long_text(&text, &mut body);
    short_text(server, &mut body);
    short_text(&error.procedure, &mut body);
    body.extend_from_slice(&error.line.max(1).to_le_bytes());
    measured(token, &body, out);
}

pub(super) fn done(kind: Done, status: u16, command: u16, count: u64, out: &mut Vec<u8>) {
    out.push(kind as u8);
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
}

pub(super) fn return_status(status: i32, out: &mut Vec<u8>) {
    out.push(0x79);
    out.extend_from_slice(&status.to_le_bytes());
}

pub(super) fn return_value(name: &str, variable: &Variable, out: &mut Vec<u8>) {
    out.push(0xAC);
    out.extend_from_slice(&[0, 0]);
    short_text(name, out);
    out.push(1);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0; 2]);
    types::write_type(variable.kind, true, out);
    types::write_value(&variable.value, variable.kind, true, out);
}

pub(super) fn columns(fields: &[Field], out: &mut Vec<u8>) {
    out.push(0x81);
    out.extend_from_slice(&u16::try_from(fields.len()).unwrap_or(0).to_le_bytes());
    for field in fields {
        let user_type: u32 = match field.kind {
            crate::data::types::SqlType::Bytes {
                kind: crate::data::types::BytesKind::RowVersion,
                ..
            } => 80,
            _ => 0,
        };
        out.extend_from_slice(&user_type.to_le_bytes());
        out.extend_from_slice(&types::flags(field).to_le_bytes());
        types::write_type(field.kind, field.nullable, out);
        if types::names_table(field.kind) {
            out.push(1);
            long_text("t", out);
        }
        short_text(&field.name, out);
    }
}

/// A row; with a bitmap of its NULLs where that is allowed and there are some.
pub(super) fn row(fields: &[Field], row: &Row, bitmap: bool, out: &mut Vec<u8>) {
    let compressed = bitmap
        && row
            .iter()
            .zip(fields)
            .any(|(value, field)| value.is_null() && field.nullable);
    if compressed {
        out.push(0xD2);
        let mut bits = vec![0u8; fields.len().div_ceil(8)];
        for (at, value) in row.iter().enumerate() {
            if value.is_null() {
                bits[at / 8] |= 1 << (at % 8);
            }
        }
        out.extend_from_slice(&bits);
    } else {
        out.push(0xD1);
    }
    for (value, field) in row.iter().zip(fields) {
        if !(compressed && value.is_null()) {
            types::write_value(value, field.kind, field.nullable, out);
        }
    }
}

pub(super) fn login_ack(version: u32, program: &str, server_version: [u8; 4], out: &mut Vec<u8>) {
    let mut body = vec![1];
    body.extend_from_slice(&version.to_be_bytes());
    short_text(program, &mut body);
    body.extend_from_slice(&server_version);
    measured(0xAD, &body, out);
}

pub(super) fn changed_text(kind: u8, new: &str, old: &str, out: &mut Vec<u8>) {
    let mut body = vec![kind];
    short_text(new, &mut body);
    short_text(old, &mut body);
    measured(0xE3, &body, out);
}

pub(super) fn changed_collation(collation: &Collation, out: &mut Vec<u8>) {
    let mut body = vec![7, 5];
    body.extend_from_slice(&collation.wire());
    body.push(0);
    measured(0xE3, &body, out);
}

/// A transaction began (8), was committed (9) or rolled back (10).
pub(super) fn changed_transaction(kind: u8, transaction: u64, out: &mut Vec<u8>) {
    let mut body = vec![kind];
    if kind == 8 {
        body.push(8);
        body.extend_from_slice(&transaction.to_le_bytes());
        body.push(0);
    } else {
        body.push(0);
        body.push(8);
        body.extend_from_slice(&transaction.to_le_bytes());
    }
    measured(0xE3, &body, out);
}

/// The server agrees to TDS 7.4's way of going on after a reconnect: none.
pub(super) fn reset_done(out: &mut Vec<u8>) {
    measured(0xE3, &[18, 0, 0], out);
}
