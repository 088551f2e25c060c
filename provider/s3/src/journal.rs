//! Which journal a volume has: files of the state directory, or a JetStream
//! stream.

use std::sync::Arc;

use async_nats::ConnectOptions;
use larder_core::ErrorCode;
use larder_journal::{Bounds, FileJournal, FileOptions, JournalStore, NatsJournal, NatsOptions, Recovered};

use crate::error::S3Error;
use crate::options::{JournalServer, S3Options, WriteMode};

/// The journal's directory in the state directory.
const DIRECTORY: &str = "journal";

/// A journal, and what it has.
pub(crate) type Opened = (Arc<dyn JournalStore>, Recovered);

/// Opens the journal of a volume; `None` where it has none. One that an earlier
/// run left is finished, whatever the mode is now.
///
/// # Errors
/// It cannot be opened, or is another volume's.
pub(crate) async fn open(options: &S3Options, identity: String) -> Result<Option<Opened>, S3Error> {
    if options.read_only {
        return Ok(None);
    }
    if let Some(server) = &options.journal_server {
        return in_stream(options, server, identity).await.map(Some);
    }
    let Some(directory) = options.state.as_ref().map(|state| state.join(DIRECTORY)) else { return Ok(None) };
    if options.write != WriteMode::Async && !directory.exists() {
        return Ok(None);
    }
    let mut file = FileOptions::new(identity);
    file.bounds = bounds(options);
    let (journal, recovered) = FileJournal::open(&directory, file).map_err(|error| failed(&error))?;
    if let Some(cut) = &recovered.cut {
        tracing::warn!(file = %cut.file.display(), bytes = cut.bytes, "a write was torn by a crash; its rest was cut off");
    }
    Ok(Some((Arc::new(journal), recovered)))
}

/// Records that wait to be written are a second copy of what a guest wrote: an
/// eighth of the volume's memory may be.
fn bounds(options: &S3Options) -> Bounds {
    Bounds { capacity: options.journal_bytes, buffer: (options.memory / 8).min(Bounds::default().buffer) }
}

async fn in_stream(options: &S3Options, server: &JournalServer, identity: String) -> Result<Opened, S3Error> {
    let unusable = |what: &str, path: &std::path::Path, error: std::io::Error| {
        S3Error::new(ErrorCode::Invalid, format!("the journal: the {what} {}: {error}", path.display()))
    };
    let mut connect = ConnectOptions::new().name("larder journal");
    if let Some(path) = &server.credentials {
        connect = connect.credentials_file(path).await.map_err(|error| unusable("credentials", path, error))?;
    }
    if let Some(path) = &server.ca {
        // Otherwise a file that is missing is an unreachable server.
        tokio::fs::metadata(path).await.map_err(|error| unusable("certificate", path, error))?;
        connect = connect.add_root_certificates(path.clone());
    }
    let mut stream = NatsOptions::new(&server.url, connect, identity);
    stream.bounds = bounds(options);
    stream.replicas = server.replicas;
    // It waits for the server.
    let opened = tokio::task::spawn_blocking(move || NatsJournal::open(stream)).await;
    let opened = opened.map_err(|error| S3Error::new(ErrorCode::Io, format!("the journal: {error}")))?;
    let (journal, recovered) = opened.map_err(|error| {
        S3Error::new(error.code(), format!("the journal at {} (`journal-server`): {error}", server.url))
    })?;
    Ok((Arc::new(journal), recovered))
}

fn failed(error: &larder_journal::Error) -> S3Error {
    S3Error::new(error.code(), format!("the journal: {error}"))
}
