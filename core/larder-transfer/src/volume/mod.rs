//! The volume's side of a transfer: writing into a directory of it, and
//! walking one.

mod sink;
mod walk;

use larder_core::{CHUNK_BYTES, Descriptor, DescriptorFlags, Follow, OpenFlags, PAGE_BYTES, Timestamp, View};

use crate::TransferError;

pub(crate) use sink::{FileSink, Meta, Refusal, Sink, noted};
pub(crate) use walk::{Found, Visit, walk};

/// Directories below one another, at most. Each level of a transfer keeps a
/// directory open on the host: a guest must not make it run out of them.
pub(crate) const MOST_LEVELS: usize = 512;

/// Why something deeper is not copied.
pub(crate) const TOO_DEEP: &str = "more than 512 directories deep";

/// Opens what a caller named, following symbolic links inside the view.
/// Slashes around the path do not matter; without more it names the root.
pub(crate) fn open_named(view: &View, path: &str) -> Result<Descriptor, TransferError> {
    let at = |error| TransferError::volume(format!("/{}", path.trim_matches('/')), error);
    let root = view.root().map_err(at)?;
    let below = path.trim_matches('/');
    if below.is_empty() {
        return Ok(root);
    }
    let flags = DescriptorFlags::READ;
    root.open_at(Timestamp::UNIX_EPOCH, Follow::Yes, below, OpenFlags::empty(), flags).map_err(at)
}

/// Whether a piece of content is worth leaving out as a hole.
pub(crate) fn is_hole(piece: &[u8]) -> bool {
    static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];
    piece.len() >= PAGE_BYTES && piece.chunks(CHUNK_BYTES).all(|part| ZEROS.get(..part.len()) == Some(part))
}

/// `directory/name`, either of which may be empty.
pub(crate) fn join(directory: &str, name: &str) -> String {
    match (directory.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => directory.to_owned(),
        _ => format!("{directory}/{name}"),
    }
}

/// The directory part and the last name of a relative path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
