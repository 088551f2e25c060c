//! Removing a tree.

use larder_core::{Error, ErrorCode, FileType, Follow, Result};

use super::{Directory, Named};

/// A directory that is being emptied.
struct Level {
    directory: Directory,
    names: Vec<Named>,
}

/// Removes what is at `path`, a directory with all that is in it. Links are
/// removed, not followed. However deep the tree is, no path in it is longer
/// than a name.
///
/// # Errors
/// When `path` is missing or something in it cannot be removed.
pub(crate) fn remove_tree(root: &Directory, path: &str) -> Result<()> {
    match root.kind(Follow::No, path)? {
        Some(FileType::Directory) => {}
        Some(_) => return root.unlink(path),
        None => return Err(Error::new(ErrorCode::NoEntry, "stat-at").at(path)),
    }
    empty(root.enter(Follow::No, path)?)?;
    root.remove_directory(path)
}

fn empty(directory: Directory) -> Result<()> {
    let names = directory.names()?;
    let mut levels = vec![Level { directory, names }];
    while let Some(level) = levels.last_mut() {
        let Some(named) = level.names.last() else {
            levels.pop();
            // The directory that was just emptied is the last name of the one
            // above.
            if let Some(above) = levels.last_mut()
                && let Some(named) = above.names.pop()
            {
                above.directory.remove_directory(&named.name)?;
            }
            continue;
        };
        match level.directory.unlink(&named.name) {
            Ok(()) => {
                level.names.pop();
            }
            Err(error) if error.code() == ErrorCode::IsDirectory => {
                let directory = level.directory.enter(Follow::No, &named.name)?;
                let names = directory.names()?;
                levels.push(Level { directory, names });
            }
            Err(error) => return Err(error.at(&named.name)),
        }
    }
    Ok(())
}
