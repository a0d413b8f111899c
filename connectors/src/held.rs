//! Files that another program holds for a moment. An antivirus opens each file that was just written, and until it has looked,
//! Windows refuses to rename, delete or open it. Such a refusal passes within a second, so it is waited out here; one that
//! lasts is the caller's.

use std::io;
use std::thread::sleep;
use std::time::Duration;

/// About a second in all: longer than a scanner takes over a file of ours, and short for who waits.
const WAITS: [u64; 7] = [5, 10, 25, 50, 100, 250, 500];
/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION`. The first also says that a file is about to
/// be deleted, so it may pass too.
const HELD: [i32; 3] = [5, 32, 33];

/// Does something to a file, again after a moment while another program holds it. Blocks for a second at the most.
///
/// # Errors
/// What the last try said.
pub fn patiently<T>(act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    while_held(act, is_held)
}

/// Whether another program may hold the file, so that the same may go well later. Elsewhere than on Windows a file that is
/// open can be renamed and deleted, and these numbers mean other things.
#[must_use]
pub fn is_held(error: &io::Error) -> bool {
    cfg!(windows)
        && error
            .raw_os_error()
            .is_some_and(|code| HELD.contains(&code))
}

fn while_held<T>(
    mut act: impl FnMut() -> io::Result<T>,
    is_held: impl Fn(&io::Error) -> bool,
) -> io::Result<T> {
    for wait in WAITS {
        match act() {
            Err(error) if is_held(&error) => sleep(Duration::from_millis(wait)),
            result => return result,
        }
    }
    act()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Windows says it.
    fn sharing_violation() -> io::Error {
        io::Error::from_raw_os_error(32)
    }

    fn as_on_windows(error: &io::Error) -> bool {
        error
            .raw_os_error()
            .is_some_and(|code| HELD.contains(&code))
    }

    #[test]
    fn a_file_that_a_scanner_holds_for_a_moment_is_waited_for() {
        let mut tries = 0;
        let renamed = while_held(
            || {
                tries += 1;
                if tries < 4 {
                    Err(sharing_violation())
                } else {
                    Ok(tries)
                }
            },
            as_on_windows,
        );
        assert_eq!(renamed.unwrap(), 4);
    }

    #[test]
    fn a_file_that_stays_held_is_given_up_after_a_second_with_what_the_system_says() {
        let begun = std::time::Instant::now();
        let refused = while_held(|| Err::<(), _>(sharing_violation()), as_on_windows);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(32));
        assert!(begun.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn what_will_not_pass_is_told_at_once() {
        let mut tries = 0;
        let missing = while_held(
            || {
                tries += 1;
                Err::<(), _>(io::Error::from(io::ErrorKind::NotFound))
            },
            as_on_windows,
        );
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(tries, 1);
    }
}
