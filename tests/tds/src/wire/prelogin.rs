//! The first exchange: versions, and how much of what follows is encrypted.

use super::packet::{Cursor, Short};

/// What one side says about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Only the login.
    Off = 0,
    On = 1,
    NotSupported = 2,
    Required = 3,
}

#[derive(Debug)]
pub(super) struct PreLogin {
    pub encryption: Encryption,
    pub instance: String,
}

pub(super) fn read(body: &[u8]) -> Result<PreLogin, Short> {
    let mut options = Cursor::new(body);
    let mut found = PreLogin {
        encryption: Encryption::NotSupported,
        instance: String::new(),
    };
    loop {
        let option = options.u8()?;
        if option == 0xFF {
            return Ok(found);
        }
        let [a, b, c, d] = options.fixed::<4>()?;
        let (start, length) = (
            usize::from(u16::from_be_bytes([a, b])),
            usize::from(u16::from_be_bytes([c, d])),
        );
        let data = body.get(start..start + length).ok_or(Short)?;
        match (option, data) {
            (1, [encryption, ..]) => {
                found.encryption = match encryption {
                    0 => Encryption::Off,
                    1 => Encryption::On,
                    3 => Encryption::Required,
                    _ => Encryption::NotSupported,
                };
            }
            (2, name) => {
                found.instance = String::from_utf8_lossy(name)
                    .trim_end_matches('\0')
                    .to_owned()
            }
            _ => {}
        }
    }
}

/// Our answer.
pub(super) fn answer(version: [u8; 4], encryption: Encryption, instance_fits: bool) -> Vec<u8> {
    let options: [(u8, Vec<u8>); 5] = [
        (0, [&version[..], &[0, 0]].concat()),
        (1, vec![encryption as u8]),
        (2, vec![u8::from(!instance_fits)]),
        (3, Vec::new()),
        (4, vec![0]),
    ];
    let mut head = Vec::new();
    let mut data = Vec::new();
    let start = options.len() * 5 + 1;
    for (option, value) in options {
        let at = u16::try_from(start + data.len()).unwrap_or(0);
        let length = u16::try_from(value.len()).unwrap_or(0);
        head.push(option);
        head.extend_from_slice(&at.to_be_bytes());
        head.extend_from_slice(&length.to_be_bytes());
        data.extend(value);
    }
    head.push(0xFF);
    head.extend(data);
    head
}
