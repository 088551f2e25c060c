//! Removing a tree.

use larder_core::{Descriptor, ErrorCode, FileType, Follow, Result, Timestamp};

use super::{list, open_directory};

/// A directory that is being emptied.
struct Level {
    directory: Descriptor,
    names: Vec<String>,
}

/// Removes what is at `path`, a directory with all that is in it. Links are
/// removed, not followed. However deep the tree is, no path in it is longer
/// than a name.
///
/// # Errors
/// When `path` is missing or something in it cannot be removed.
pub(crate) fn remove_tree(root: &Descriptor, now: Timestamp, path: &str) -> Result<()> {
    if root.stat_at(Follow::No, path)?.file_type != FileType::Directory {
        return root.unlink_file_at(now, path);
    }
    empty(open_directory(root, now, path)?, now)?;
    root.remove_directory_at(now, path)
}

fn empty(directory: Descriptor, now: Timestamp) -> Result<()> {
    let names = list(&directory)?;
    let mut levels = vec![Level { directory, names }];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.last() else {
            levels.pop();
            // The directory that was just emptied is the last name of the one
            // above.
            if let Some(above) = levels.last_mut()
                && let Some(name) = above.names.pop()
            {
                above.directory.remove_directory_at(now, &name)?;
            }
            continue;
        };
        match level.directory.unlink_file_at(now, name) {
            Ok(()) => {
                level.names.pop();
            }
            Err(error) if error.code() == ErrorCode::IsDirectory => {
                let directory = open_directory(&level.directory, now, name)?;
                let names = list(&directory)?;
                levels.push(Level { directory, names });
            }
            Err(error) => return Err(error.at(name)),
        }
    }
    Ok(())
}
