//! Visiting a tree from its top, in the order of names.

use larder_core::{Error, ErrorCode, Follow, Result};

use super::{Directory, Entry, Named};

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
    directory: Directory,
    /// In reverse, so that the next is popped.
    names: Vec<Named>,
    path_length: usize,
}

/// Visits everything below `top`, to at most `depth` levels.
///
/// # Errors
/// The first of `visit`'s or of reading.
pub(crate) fn walk(
    top: &Directory,
    depth: usize,
    mut visit: impl FnMut(Visit<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let depth = depth.min(MAX_DEPTH);
    let mut path = String::new();
    let mut last = Vec::new();
    let mut levels = vec![level(top.enter(Follow::No, "")?, 0)?];
    while let Some(current) = levels.last_mut() {
        path.truncate(current.path_length);
        let Some(named) = current.names.pop() else {
            levels.pop();
            last.pop();
            continue;
        };
        let name = named.name.as_str();
        let is_last = current.names.is_empty();
        let entry = match current.directory.entry(&named) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NoEntry => continue,
            Err(error) => return Err(located(error, &path, name).into()),
        };
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        last.push(is_last);
        visit(Visit { entry: &entry, path: &path, depth: last.len(), last: &last })?;
        if entry.kind == "directory" && last.len() < depth {
            let directory = current.directory.enter(Follow::No, name)?;
            levels.push(level(directory, path.len())?);
        } else {
            last.pop();
        }
    }
    Ok(())
}

fn level(directory: Directory, path_length: usize) -> Result<Level> {
    let mut names = directory.names()?;
    names.reverse();
    Ok(Level { directory, names, path_length })
}

fn located(error: Error, path: &str, name: &str) -> Error {
    error.at(&format!("{path}/{name}"))
}
