//! Names and errors that concern one entry alone.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path};

/// The name as a path of one component, `None` where this host would take it
/// for something else (a drive or a backslash, on Windows).
pub(super) fn single(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let mut components = path.components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == OsStr::new(name) => Some(path),
        _ => None,
    }
}

/// Why this entry cannot be read, where others still can.
pub(super) fn unreadable(error: &Error) -> Option<String> {
    // Also what it says of an entry that is not any more what it was.
    let alone = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidInput
    );
    (alone || is_symlink_error(error)).then(|| format!("it cannot be read: {error}"))
}

/// Why this entry cannot be written, where others still can.
pub(super) fn unwritable(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => Some("a directory is in the way".into()),
        ErrorKind::NotADirectory => Some("a file is in the way of a directory".into()),
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
            Some(format!("a name or target that the host cannot hold: {error}"))
        }
        ErrorKind::Unsupported => Some(format!("the host cannot hold it: {error}")),
        _ if is_symlink_error(error) => Some("a symbolic link is in the way of a directory".into()),
        _ => None,
    }
}

/// Whether a symbolic link was met where none is followed.
fn is_symlink_error(error: &Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return error.kind() == ErrorKind::InvalidInput;
}
