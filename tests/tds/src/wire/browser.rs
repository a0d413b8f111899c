//! SQL Server Browser: tells by UDP at which port a named instance listens.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::Shared;

/// How often it looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers until told to stop.
pub(crate) fn serve(socket: &UdpSocket, shared: &Arc<Shared>, port: u16, stop: &AtomicBool) {
    if socket.set_read_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let mut buffer = [0; 1024];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let identity = shared.lock().identity.clone();
        let Some(instance) = &identity.instance else {
            continue;
        };
        let asked = match &buffer[..length] {
            // Everything there is.
            [0x02 | 0x03, ..] => true,
            // One instance by its name.
            [0x04, name @ ..] => {
                let name = String::from_utf8_lossy(name);
                name.trim_end_matches('\0').eq_ignore_ascii_case(instance)
            }
            _ => false,
        };
        if !asked {
            continue;
        }
        let [major, minor, high, low] = identity.version.number();
        let build = u16::from_be_bytes([high, low]);
        let text = format!(
            "ServerName;{};InstanceName;{instance};IsClustered;No;Version;{major}.{minor}.{build}.0;tcp;{port};;",
            identity.machine
        );
        let mut answer = vec![0x05];
        answer.extend_from_slice(&u16::try_from(text.len()).unwrap_or(0).to_le_bytes());
        answer.extend_from_slice(text.as_bytes());
        // Who does not get it asks again.
        socket.send_to(&answer, from).unwrap_or_default();
    }
}
