//! Errors of the resource table that a guest can cause.

use larder_core::{Error, ErrorCode};
use wasmtime::component::ResourceTableError;

/// A full table is the guest's doing and an error that it can handle, as when
/// the volume's open handles run out; anything else is a host bug and traps.
pub(crate) fn or_quota<T>(
    pushed: Result<T, ResourceTableError>,
    operation: &'static str,
) -> wasmtime::Result<larder_core::Result<T>> {
    match pushed {
        Ok(resource) => Ok(Ok(resource)),
        Err(ResourceTableError::Full) => Ok(Err(Error::new(ErrorCode::Quota, operation))),
        Err(other) => Err(other.into()),
    }
}
