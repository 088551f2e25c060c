//! Visiting a tree from its top, in the order of names.

use larder_core::{Descriptor, Error, ErrorCode, FileType, Result, Timestamp};

use super::{Entry, list, open_directory};

/// Directories deeper than this are named, but not entered: guests may nest
/// directories without a bound, and whoever looks at a tree holds its paths.
const MAX_DEPTH: usize = 1024;

/// One thing that was met.
pub(crate) struct Visit<'a> {
    /// What it is.
    pub(crate) entry: &'a Entry,
    /// Its path below the top.
    pub(crate) path: &'a str,
    /// For the top's entries 1, for theirs 2, ….
    pub(crate) depth: usize,
    /// For each level down to this one, whether it is the last of its directory.
    pub(crate) last: &'a [bool],
}

struct Level {
    directory: Descriptor,
    /// In reverse, so that the next is popped.
    names: Vec<String>,
    path_length: usize,
}

/// Visits everything below `top`, to at most `depth` levels.
///
/// # Errors
/// The first of `visit`'s or of reading.
pub(crate) fn walk(
    top: &Descriptor,
    now: Timestamp,
    depth: usize,
    mut visit: impl FnMut(Visit<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let depth = depth.min(MAX_DEPTH);
    let mut path = String::new();
    let mut last = Vec::new();
    let mut levels = vec![level(top.dup()?, 0)?];
    while let Some(current) = levels.last_mut() {
        path.truncate(current.path_length);
        let Some(name) = current.names.pop() else {
            levels.pop();
            last.pop();
            continue;
        };
        let is_last = current.names.is_empty();
        let entry = match Entry::read(&current.directory, &name) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NoEntry => continue,
            Err(error) => return Err(located(error, &path, &name).into()),
        };
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&name);
        last.push(is_last);
        visit(Visit { entry: &entry, path: &path, depth: last.len(), last: &last })?;
        if entry.kind == "directory" && last.len() < depth {
            let directory = open_directory(&current.directory, now, &name)?;
            levels.push(level(directory, path.len())?);
        } else {
            last.pop();
        }
    }
    Ok(())
}

fn level(directory: Descriptor, path_length: usize) -> Result<Level> {
    debug_assert_eq!(directory.file_type(), FileType::Directory);
    let mut names = list(&directory)?;
    names.reverse();
    Ok(Level { directory, names, path_length })
}

fn located(error: Error, path: &str, name: &str) -> Error {
    error.at(&format!("{path}/{name}"))
}
