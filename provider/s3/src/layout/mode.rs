//! The `mode` of an object: `st_mode`, the file type included.
//!
//! s3fs-fuse writes it in decimal, and so do we. rclone (`--metadata`) writes
//! it in octal under the same name. The type tells them apart: a decimal
//! number is `st_mode` where its type is one that we know, as octal digits
//! read in decimal almost never are. 41000 to 47777, a directory with setuid,
//! setgid or sticky in octal, might also be a symlink with odd permissions in
//! decimal; what s3fs writes for symlinks, 0o120777, has none of these bits,
//! so they are read as octal from there on.

use larder_core::FileType;

/// Bits of the type in `st_mode` (POSIX `S_IFMT`).
const TYPE: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Bits of the permissions: all that a volume keeps.
pub(super) const PERMISSIONS: u32 = 0o7777;

/// The longest value that is looked at. Guards the parser.
const LONGEST: usize = 16;

/// The type, where it is given, and the permissions.
type Mode = (Option<FileType>, u32);

pub(super) fn write(kind: FileType, permissions: u32) -> String {
    let kind = match kind {
        FileType::RegularFile => REGULAR,
        FileType::Directory => DIRECTORY,
        FileType::SymbolicLink => SYMLINK,
    };
    (kind | (permissions & PERMISSIONS)).to_string()
}

/// `None` for what is no mode, and for types that a volume does not have.
pub(super) fn read(text: &str) -> Option<Mode> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let octal = u32::from_str_radix(text, 8).ok().and_then(split);
    let decimal = text.parse().ok().and_then(split);
    if text.len() > 1 && text.starts_with('0') {
        return octal.or(decimal);
    }
    match (decimal, octal) {
        (Some((Some(FileType::SymbolicLink), permissions)), Some((Some(_), _))) if permissions > 0o777 => octal,
        _ => decimal.or(octal),
    }
}

fn split(mode: u32) -> Option<Mode> {
    let kind = match mode & !PERMISSIONS {
        0 => None,
        REGULAR => Some(FileType::RegularFile),
        DIRECTORY => Some(FileType::Directory),
        SYMLINK => Some(FileType::SymbolicLink),
        _ => return None,
    };
    Some((kind, mode & PERMISSIONS))
}

// The permissions and the type are apart and all there is.
const _: () = assert!(TYPE & PERMISSIONS == 0 && (SYMLINK | REGULAR | DIRECTORY) & !TYPE == 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_that_files_have_survives() {
        for permissions in 0..=PERMISSIONS {
            for kind in [FileType::RegularFile, FileType::Directory] {
                assert_eq!(read(&write(kind, permissions)), Some((Some(kind), permissions)));
            }
        }
        for permissions in 0..=0o777 {
            let link = FileType::SymbolicLink;
            assert_eq!(read(&write(link, permissions)), Some((Some(link), permissions)));
        }
    }

    #[test]
    fn what_other_tools_write() {
        let file = Some(FileType::RegularFile);
        let directory = Some(FileType::Directory);
        let link = Some(FileType::SymbolicLink);
        for (text, mode) in [
            ("33188", (file, 0o644)),
            ("16877", (directory, 0o755)),
            ("41471", (link, 0o777)),
            ("100644", (file, 0o644)),
            ("0100664", (file, 0o664)),
            ("40755", (directory, 0o755)),
            ("41777", (directory, 0o1777)),
            ("120777", (link, 0o777)),
            ("0644", (None, 0o644)),
            ("420", (None, 0o644)),
            (" 33188 ", (file, 0o644)),
            ("0", (None, 0)),
        ] {
            assert_eq!(read(text), Some(mode), "{text}");
        }
        let long = "1".repeat(9999);
        for garbage in ["", "rw-r--r--", "-1", "+1", "4294967296", "24996", "99999999999", "0x1ff", "\u{664}", &long] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
    }
}
