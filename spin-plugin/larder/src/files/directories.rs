//! Opening and creating directories.

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, Result, Timestamp};

/// What is at `path`, links followed; `None` when nothing is.
///
/// # Errors
/// Those of the look-up other than `no-entry`.
pub(crate) fn kind_of(root: &Descriptor, path: &str) -> Result<Option<FileType>> {
    let attributes = if path.is_empty() { root.stat() } else { root.stat_at(Follow::Yes, path) };
    kind_or_none(attributes.map(|attributes| attributes.file_type))
}

/// Opens the directory at `path`, which may be empty for `root` itself.
///
/// # Errors
/// When it is missing or is no directory.
pub(crate) fn open_directory(root: &Descriptor, now: Timestamp, follow: Follow, path: &str) -> Result<Descriptor> {
    if path.is_empty() {
        return root.dup();
    }
    let rights = root.flags() & (DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY);
    root.open_at(now, follow, path, OpenFlags::DIRECTORY, rights)
}

/// Creates the directory at `path` and those above it that are missing.
///
/// # Errors
/// When something else than a directory is in the way, or a limit is reached.
pub(crate) fn create_directories(root: &Descriptor, now: Timestamp, path: &str) -> Result<()> {
    create_each(path, |above| root.create_directory_at(now, above), |above| kind_of(root, above))
}

/// The same by functions that create one and tell what is there.
pub(super) fn create_each(
    path: &str,
    create: impl Fn(&str) -> Result<()>,
    kind: impl Fn(&str) -> Result<Option<FileType>>,
) -> Result<()> {
    let mut end = 0;
    while end < path.len() {
        end = path.get(end + 1..).and_then(|rest| rest.find('/')).map_or(path.len(), |at| end + 1 + at);
        let Some(above) = path.get(..end) else { break };
        match create(above) {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::Exist => {
                if kind(above)? != Some(FileType::Directory) {
                    return Err(larder_core::Error::new(ErrorCode::NotDirectory, "create-directory-at").at(above));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// That nothing is there is no error.
pub(super) fn kind_or_none(kind: Result<FileType>) -> Result<Option<FileType>> {
    match kind {
        Ok(kind) => Ok(Some(kind)),
        Err(error) if error.code() == ErrorCode::NoEntry => Ok(None),
        Err(error) => Err(error),
    }
}
