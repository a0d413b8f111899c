//! Entries in the Windows event log, under "Application".
//!
//! The texts are shown through `EventCreate.exe`, which is part of Windows and whose messages 1 to 1000 say just what
//! they are given; so no message file has to be built and kept beside the agent.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

use crate::wide;

/// The program whose messages show a text as it is, as the registry names it.
pub const MESSAGE_FILE: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// The longest text Windows takes, in UTF-16 units.
const LONGEST: usize = 31_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Information,
    /// May need somebody.
    Warning,
    /// Needs somebody.
    Error,
}

/// Writes entries under one name.
#[derive(Debug)]
pub struct EventLog(HANDLE);

// SAFETY: the handle names the source in the event log service, which takes calls from any thread.
unsafe impl Send for EventLog {}
// SAFETY: as above; Windows itself puts the entries one after another.
unsafe impl Sync for EventLog {}

impl EventLog {
    /// Opens the log under the name of a source.
    ///
    /// # Errors
    /// When the event log cannot be reached.
    pub fn open(source: &str) -> io::Result<Self> {
        let source = wide(source);
        // SAFETY: `source` ends with a zero; a null server is this computer.
        let handle = unsafe { RegisterEventSourceW(null(), source.as_ptr()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(handle))
    }

    /// Writes an entry. `id` is from 1 to 1000.
    ///
    /// # Errors
    /// When the log is full or refuses.
    pub fn report(&self, level: Level, id: u16, text: &str) -> io::Result<()> {
        let kind = match level {
            Level::Information => EVENTLOG_INFORMATION_TYPE,
            Level::Warning => EVENTLOG_WARNING_TYPE,
            Level::Error => EVENTLOG_ERROR_TYPE,
        };
        let mut text = wide(text);
        if text.len() > LONGEST {
            text.truncate(LONGEST);
            text.push(0);
        }
        let texts = [text.as_ptr()];
        // SAFETY: one text is announced and one given; it ends with a zero and outlives the call.
        let done = unsafe {
            ReportEventW(
                self.0,
                kind,
                0,
                u32::from(id),
                null_mut(),
                1,
                0,
                texts.as_ptr(),
                null(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by `open` and is closed once. There is nobody to tell when that fails.
        unsafe { DeregisterEventSource(self.0) };
    }
}
