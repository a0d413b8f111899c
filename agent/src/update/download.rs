//! Fetches one file of a release, and goes on where it stopped: after a broken line, a restart, or a power cut.
//!
//! What came is not believed before it was compared with the signed hash; whoever calls does that. This only sees to it
//! that as many bytes are there as the manifest says, and that they are on the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fluxion_model::Version;
use fluxion_model::release::ReleaseFile;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use crate::sender::{Cloud, CloudError};

/// After a broken line it goes on after this, each time later, up to the last.
const PAUSES: [u64; 6] = [5, 10, 30, 60, 300, 600];

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The cloud does not have it, or not any more.
    #[error("the cloud does not hand out the new version")]
    Gone(#[source] CloudError),
    /// It cannot be kept.
    #[error("the new version cannot be written to {path}; check the disk")]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Fetches what is missing of a file. `take` is asked before each piece is kept, and holds it up as long as the line is
/// needed for other things; `progress` hears how many bytes are there.
///
/// # Errors
/// When the cloud does not have the file, or the disk does not keep it. A line that is down is waited for.
pub async fn fetch(
    cloud: &Cloud,
    version: &Version,
    file: &ReleaseFile,
    into: &Path,
    take: impl AsyncFn(u64),
    progress: impl Fn(u64),
) -> Result<(), FetchError> {
    let mut broken = 0;
    loop {
        let there = begin(into, file.size)
            .await
            .map_err(|source| disk(into, source))?;
        progress(there);
        if there == file.size {
            return Ok(());
        }
        let error = match go_on(cloud, version, file, there, into, &take, &progress).await {
            Ok(()) => None,
            Err(Stopped::Disk(source)) => return Err(disk(into, source)),
            Err(Stopped::Line(
                error @ (CloudError::NotFound { .. } | CloudError::Refused { .. }),
            )) => {
                return Err(FetchError::Gone(error));
            }
            Err(Stopped::Line(error)) => Some(error),
        };
        let came = length(into).await.map_err(|source| disk(into, source))?;
        if came == file.size {
            continue;
        }
        // An answer that ends too early is a broken line, too, and one that holds nothing must not be asked for in a loop.
        broken = if came > there { 0 } else { broken + 1 };
        let pause = Duration::from_secs(PAUSES[broken.min(PAUSES.len() - 1)]);
        let pause = match &error {
            Some(CloudError::Busy {
                retry_after: Some(after),
                ..
            }) => pause.max(*after),
            _ => pause,
        };
        let why = error.map_or_else(
            || "the answer ended too early".to_owned(),
            |error| crate::chain(&error),
        );
        tracing::info!(%version, "{why}; the download goes on in {pause:?}");
        tokio::time::sleep(pause).await;
    }
}

enum Stopped {
    Line(CloudError),
    Disk(io::Error),
}

fn disk(into: &Path, source: io::Error) -> FetchError {
    FetchError::Disk {
        path: into.to_owned(),
        source,
    }
}

async fn length(path: &Path) -> io::Result<u64> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// How much is there already; more than there can be is nothing.
async fn begin(into: &Path, size: u64) -> io::Result<u64> {
    if let Some(folder) = into.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let there = length(into).await?;
    if there > size {
        tokio::fs::remove_file(into).await?;
        return Ok(0);
    }
    Ok(there)
}

async fn go_on(
    cloud: &Cloud,
    version: &Version,
    file: &ReleaseFile,
    there: u64,
    into: &Path,
    take: &impl AsyncFn(u64),
    progress: &impl Fn(u64),
) -> Result<(), Stopped> {
    let mut pieces = cloud
        .release_file(&version.to_string(), &file.name, there)
        .await
        .map_err(Stopped::Line)?;
    // A server that does not know ranges begins at the beginning.
    let mut came = pieces.from;
    let mut part = open(into, came).await.map_err(Stopped::Disk)?;
    while came < file.size {
        let Some(piece) = pieces.next().await.map_err(Stopped::Line)? else {
            break;
        };
        // Never more than was promised, however long a wrong answer goes on.
        let piece = &piece[..piece
            .len()
            .min(usize::try_from(file.size - came).unwrap_or(usize::MAX))];
        take(piece.len() as u64).await;
        part.write_all(piece).await.map_err(Stopped::Disk)?;
        came += piece.len() as u64;
        progress(came);
    }
    part.sync_all().await.map_err(Stopped::Disk)
}

async fn open(into: &Path, from: u64) -> io::Result<File> {
    if from > 0 {
        OpenOptions::new().append(true).open(into).await
    } else {
        File::create(into).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;

    use super::*;
    use crate::config::NetworkConfig;

    #[tokio::test]
    async fn an_answer_with_nothing_in_it_is_not_asked_for_in_a_loop() {
        // There may be one already.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let nothing = async move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let app = Router::new().route("/v1/agents/releases/{version}/{name}", get(nothing));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        let cloud = Cloud::new(&server, None, &NetworkConfig::default(), folder.path()).unwrap();
        let file = ReleaseFile {
            target: "any".to_owned(),
            name: "agent".to_owned(),
            size: 10,
            sha256: "0".repeat(64),
        };
        let (version, into) = (Version::new(0, 2, 0), folder.path().join("agent"));
        let fetching = fetch(&cloud, &version, &file, &into, async |_| {}, |_| {});
        let fetched = tokio::time::timeout(Duration::from_secs(1), fetching).await;
        assert!(fetched.is_err(), "it waits before it asks again");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
