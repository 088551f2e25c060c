//! Why a text is no address.

use std::fmt;

/// Why a text is no address of a volume in a bucket, or a file of them cannot
/// be used. It never repeats a value, which may be a secret in the wrong
/// place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3AddressError(String);

impl S3AddressError {
    pub(super) fn new(message: String) -> Self {
        Self(message)
    }

    /// With where it was, before it.
    pub(super) fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for S3AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for S3AddressError {}

/// For what must not be in an address, which shells, logs and process lists
/// keep.
pub(super) fn credentials(what: &str) -> S3AddressError {
    S3AddressError(format!(
        "{what} must not be in an address, where others can read it: set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or put `access_key_id` and `secret_access_key` into a file for \
         --s3-config"
    ))
}
