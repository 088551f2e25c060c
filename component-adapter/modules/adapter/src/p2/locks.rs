//! `larder:fs/locks` and `larder:fs/changes`.

use larder_core::{Error, ErrorCode};
use larder_engine::locks;

use super::bindings::exports::larder::fs::{changes, locks as wit};
use super::{Adapter, now};
use crate::codes::error_codes;

impl wit::Guest for Adapter {
    fn try_lock(path: String, kind: wit::Kind) -> Result<wit::Lock, wit::ErrorCode> {
        let locked = locks::try_lock(now, &path, kind == wit::Kind::Shared);
        locked.map(|(id, token)| wit::Lock { id, token }).map_err(code)
    }

    fn unlock(id: u64) -> Result<(), wit::ErrorCode> {
        locks::unlock(id).map_err(code)
    }
}

impl changes::Guest for Adapter {
    fn version(path: String) -> Result<u64, changes::ErrorCode> {
        use changes::ErrorCode as Code;
        let code = |code: ErrorCode| error_codes!(code => Code { WouldBlock => WouldBlock });
        locks::version(now, &path).map_err(|error| code(error.code()))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn code(error: Error) -> wit::ErrorCode {
    use wit::ErrorCode as Code;
    error_codes!(error.code() => Code { WouldBlock => WouldBlock })
}
