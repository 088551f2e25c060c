//! Where a sparse host file has data.

use std::fs::File;
use std::io;
use std::ops::Range;

/// The next range with data at or behind `offset`, in bytes; `None` if only a
/// hole is left. A host that does not tell has data everywhere.
pub(super) fn next_data(file: &File, offset: u64, size: u64) -> io::Result<Option<Range<u64>>> {
    if offset >= size {
        return Ok(None);
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
    {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        match seek(file, SeekFrom::Data(offset)) {
            // Holes may end in the middle of what the file grew by meanwhile.
            Ok(start) if start >= size => return Ok(None),
            Ok(start) => {
                let end = seek(file, SeekFrom::Hole(start)).unwrap_or(size).clamp(start, size);
                return Ok((end > start).then_some(start..end));
            }
            Err(Errno::NXIO) => return Ok(None),
            // The filesystem does not tell.
            Err(_) => {}
        }
    }
    let _ = file;
    Ok(Some(offset..size))
}
