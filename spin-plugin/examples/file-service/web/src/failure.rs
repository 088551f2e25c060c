//! Why a request is not done: a status and a line of text.

use std::io::{Error, ErrorKind};

#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: u16,
    pub text: String,
}

impl Failure {
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotFound => 404,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => 403,
            ErrorKind::InvalidInput | ErrorKind::InvalidFilename => 400,
            ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::DirectoryNotEmpty => 409,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => 507,
            _ => by_number(&error),
        };
        // Without the number, which says nothing to whoever asked.
        let text = error.to_string();
        Self::new(status, text.split(" (os error").next().unwrap_or_default())
    }
}

/// Rust's std has no kind for these error numbers of WASI: access, permission,
/// read-only; exists, is a directory, is none, is not empty; quota, size, space.
fn by_number(error: &Error) -> u16 {
    match error.raw_os_error() {
        Some(2 | 63 | 69) => 403,
        Some(20 | 31 | 54 | 55) => 409,
        Some(19 | 22 | 51) => 507,
        _ => 500,
    }
}
