//! Directories of a volume that is being filled.

use larder_core::{ErrorCode, Result, Timestamp, View};

/// Makes `path` and what is missing above it.
pub(super) fn make_directories(view: &View, path: &str, now: Timestamp) -> Result<()> {
    let root = view.root()?;
    let mut above = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        if !above.is_empty() {
            above.push('/');
        }
        above.push_str(name);
        match root.create_directory_at(now, &above) {
            Err(error) if error.code() != ErrorCode::Exist => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
