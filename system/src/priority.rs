//! Lets the till go first.

use std::ffi::c_void;
use std::io;
use std::ptr::from_ref;

use windows_sys::Wdk::System::Threading::ProcessIoPriority;
use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS};
use windows_sys::Win32::System::Threading::{
    BELOW_NORMAL_PRIORITY_CLASS, GetCurrentProcess, SetPriorityClass,
};

/// `IoPriorityLow` of the driver kit: behind the disk access of other programs, before that of the very idle.
const LOW: u32 = 1;

// Of the driver kit, and in every `ntdll.dll` since Vista.
#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtSetInformationProcess(
        process: HANDLE,
        class: i32,
        value: *const c_void,
        size: u32,
    ) -> NTSTATUS;
}

/// Puts this process and its children behind others for the processor and the disk.
///
/// Not `PROCESS_MODE_BACKGROUND_BEGIN`, although it is the documented way for both: it also keeps the working set so
/// small that a first load pages for hours.
///
/// # Errors
/// When Windows refuses one of the two; the other holds all the same.
pub fn below_normal() -> io::Result<()> {
    // SAFETY: the pseudo handle of this process needs no closing; the value is read during the call, with its size.
    let (processor, disk) = unsafe {
        let this = GetCurrentProcess();
        let processor = SetPriorityClass(this, BELOW_NORMAL_PRIORITY_CLASS);
        let processor = (processor == 0).then(io::Error::last_os_error);
        let disk = NtSetInformationProcess(
            this,
            ProcessIoPriority,
            from_ref(&LOW).cast(),
            size_of_val(&LOW) as u32,
        );
        (processor, disk)
    };
    if let Some(error) = processor {
        return Err(error);
    }
    if disk < 0 {
        return Err(io::Error::other(format!(
            "the priority of disk access: NTSTATUS {disk:#x}"
        )));
    }
    Ok(())
}
