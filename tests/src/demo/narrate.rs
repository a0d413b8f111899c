//! Says what is going on, with the time since the beginning.

use std::io::IsTerminal;
use std::time::Instant;

/// Knows when it all began.
#[derive(Debug, Clone, Copy)]
pub struct Narrator {
    begun: Instant,
    color: bool,
}

impl Narrator {
    /// The clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            color: std::io::stdout().is_terminal(),
        }
    }

    /// Says something.
    pub fn say(&self, text: impl AsRef<str>) {
        let seconds = self.begun.elapsed().as_secs_f64();
        if self.color {
            println!("\x1b[2m[{seconds:7.1} s]\x1b[0m {}", text.as_ref());
        } else {
            println!("[{seconds:7.1} s] {}", text.as_ref());
        }
    }

    /// Seconds since the beginning.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

impl Default for Narrator {
    fn default() -> Self {
        Self::new()
    }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn thousands(number: impl TryInto<i128>) -> String {
    let number: i128 = number.try_into().unwrap_or_default();
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
