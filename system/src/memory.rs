//! Memory that was set free goes back to the system. Allocators keep it for the next time, which after a first load is a
//! matter of months.

/// Lets all threads allocate from one place, so that what one sets free is used by another. To be called before there are
/// threads.
///
/// The GNU allocator gives each thread a place of its own, and what a load leaves in each of them lies around what is in use
/// and cannot be given back. The price is that threads wait for each other, which an agent with few threads does not notice.
pub fn frugal() {
    allocator::frugal();
}

/// Gives back what can be given back: what the allocator keeps, and the program's own code, of which an agent at rest needs
/// little. Takes milliseconds; what is in use stays where it is, and code comes back page by page when it runs.
pub fn give_back() {
    allocator::give_back();
    code::give_back();
}

#[cfg(windows)]
mod allocator {
    use windows_sys::Win32::System::Memory::{GetProcessHeap, HEAP_FLAGS, HeapCompact};

    // The heap of the C runtime, where SQLite and zstd have theirs.
    #[link(name = "msvcrt")]
    unsafe extern "C" {
        fn _heapmin() -> i32;
    }

    pub fn frugal() {}

    pub fn give_back() {
        const AS_IT_IS: HEAP_FLAGS = 0;
        // SAFETY: both heaps live as long as the process and take their own locks. What the calls answer is how much was
        // free, of which nothing follows.
        unsafe {
            HeapCompact(GetProcessHeap(), AS_IT_IS);
            _heapmin();
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator {
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
        fn malloc_trim(pad: usize) -> i32;
    }

    pub fn frugal() {
        const M_ARENA_MAX: i32 = -8;
        // SAFETY: two numbers; an allocator that does not know the first answers 0, and everything stays as it was.
        unsafe { mallopt(M_ARENA_MAX, 1) };
    }

    pub fn give_back() {
        // SAFETY: the function takes the allocator's own locks, and touches no memory that is in use.
        unsafe { malloc_trim(0) };
    }
}

#[cfg(not(any(windows, all(target_os = "linux", target_env = "gnu"))))]
mod allocator {
    pub fn frugal() {}

    pub fn give_back() {}
}

#[cfg(windows)]
mod code {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, SetProcessWorkingSetSize};

    pub fn give_back() {
        // SAFETY: the pseudo handle of this process needs no closing. Both sizes at their largest mean: take out what can be
        // taken out, and set no limit. Should it fail, everything stays as it was.
        unsafe { SetProcessWorkingSetSize(GetCurrentProcess(), usize::MAX, usize::MAX) };
    }
}

#[cfg(target_os = "linux")]
mod code {
    use std::ffi::c_void;

    unsafe extern "C" {
        fn madvise(address: *mut c_void, length: usize, advice: i32) -> i32;
    }

    pub fn give_back() {
        const MADV_DONTNEED: i32 = 4;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.to_string_lossy();
        for (start, end) in maps.lines().filter_map(|line| code_of(line, &program)) {
            // SAFETY: the pages are the program's own file, mapped for reading and running and never written, so whoever touches
            // one again gets the same bytes.
            unsafe { madvise(start as *mut c_void, end - start, MADV_DONTNEED) };
        }
    }

    /// From where to where, when this line of the memory map is code of the program.
    fn code_of(line: &str, program: &str) -> Option<(usize, usize)> {
        let (range, rest) = line.split_once(' ')?;
        if program.is_empty() || !rest.starts_with("r-xp") || !rest.ends_with(program) {
            return None;
        }
        let (start, end) = range.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some((address(start)?, address(end)?))
    }

    #[cfg(test)]
    #[test]
    fn only_what_runs_and_belongs_to_the_program_is_its_code() {
        let program = "/opt/fluxión ñandú/agent";
        let line = |rights: &str, file: &str| {
            format!("00aa000-00ab000 {rights} 00001000 fe:00 42   {file}")
        };
        assert_eq!(
            code_of(&line("r-xp", program), program),
            Some((0xaa000, 0xab000))
        );
        assert_eq!(code_of(&line("r--p", program), program), None);
        assert_eq!(code_of(&line("r-xp", "/lib/libc.so.6"), program), None);
        assert_eq!(code_of(&line("r-xp", program), ""), None);
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod code {
    pub fn give_back() {}
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("the kernel tells what is resident")
    }

    #[test]
    fn what_lies_free_below_something_in_use_goes_back() {
        let mut pieces: Vec<Vec<u8>> = (0..64_000).map(|_| vec![1; 1_000]).collect();
        let in_use = pieces.pop();
        let full = resident_kib();
        drop(pieces);
        let kept = resident_kib();
        give_back();
        let left = resident_kib();
        drop(in_use);
        assert!(
            kept + 8_000 > full,
            "the allocator gave back by itself: {full} {kept}"
        );
        assert!(left + 32_000 < kept, "{kept} KiB before, {left} KiB after");
    }
}
