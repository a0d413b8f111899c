//! The binary: installs the TLS provider, then does what the command line says.

use std::process::ExitCode;

fn main() -> ExitCode {
    fluxion_agent::cli::main()
}
