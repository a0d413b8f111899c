//! DPAPI keeps the key. Whoever can run programs on this computer and read the file could open it, so the file is for the
//! service and administrators alone (`access.rs`).

use std::path::Path;

use super::SealError;

pub fn seal(_: &Path, open: &[u8]) -> Result<Vec<u8>, SealError> {
    fluxion_system::seal::seal(open).map_err(|source| SealError::System {
        action: "Windows does not seal the secret (DPAPI)".to_owned(),
        source,
    })
}

pub fn open(_: &Path, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    fluxion_system::seal::open(sealed).map_err(|error| {
        tracing::debug!(%error, "DPAPI does not open a secret");
        SealError::Foreign
    })
}
