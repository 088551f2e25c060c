//! Layouts of answers in the app's memory, as the canonical ABI says.
//!
//! An answer is put together in an array of its size and written in one piece.
//! The bytes between its fields are zero.

use larder_core::{Attributes, Error, ErrorCode, FileType, MetadataHash, Timestamp};
use larder_engine::file::Stopped;

use crate::app::App;
use crate::resources;

/// Numbers of `stream-error`.
const LAST_OPERATION_FAILED: u8 = 0;
const CLOSED: u8 = 1;

/// The bytes of one answer.
pub(crate) struct Answer<const N: usize>([u8; N]);

#[allow(clippy::indexing_slicing, reason = "places are constants below N, which is the size of the answer's type")]
impl<const N: usize> Answer<N> {
    /// Zeros: the first case of a variant, `ok` of a result.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self([0; N])
    }

    #[inline]
    pub(crate) fn u8(mut self, at: usize, value: u8) -> Self {
        self.0[at] = value;
        self
    }

    #[inline]
    pub(crate) fn u32(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    #[inline]
    pub(crate) fn u64(mut self, at: usize, value: u64) -> Self {
        self.0[at..at + 8].copy_from_slice(&value.to_le_bytes());
        self
    }

    /// A list or string.
    #[inline]
    pub(crate) fn list(self, at: usize, (address, length): (u32, u32)) -> Self {
        self.u32(at, address).u32(at + 4, length)
    }

    #[inline]
    pub(crate) fn put(self, app: App, address: u32) {
        app.put(address, &self.0);
    }
}

/// Writes a `result` of N bytes with an `error-code`, whose payload is `at`
/// that place; `ok` adds the value to the answer.
#[inline]
pub(crate) fn result<const N: usize, T>(
    app: App,
    ret: u32,
    at: usize,
    result: Result<T, ErrorCode>,
    ok: impl FnOnce(Answer<N>, T) -> Answer<N>,
) {
    let answer = match result {
        Ok(value) => ok(Answer::new(), value),
        Err(code) => Answer::new().u8(0, 1).u8(at, error_code(code)),
    };
    answer.put(app, ret);
}

/// `result<_, error-code>`.
#[inline]
pub(crate) fn done(app: App, ret: u32, outcome: Result<(), ErrorCode>) {
    result::<2, ()>(app, ret, 1, outcome, |answer, ()| answer);
}

/// `result` of a handle.
#[inline]
pub(crate) fn handle(app: App, ret: u32, handle: Result<u32, ErrorCode>) {
    result::<8, u32>(app, ret, 4, handle, |answer, handle| answer.u32(4, handle));
}

/// `result<descriptor-stat, error-code>`.
#[inline]
pub(crate) fn stat(app: App, ret: u32, attributes: Result<Attributes, ErrorCode>) {
    result::<104, Attributes>(app, ret, 8, attributes, |answer, attributes| {
        let answer =
            answer.u8(8, file_type(attributes.file_type)).u64(16, attributes.link_count).u64(24, attributes.size);
        let answer = datetime(answer, 32, attributes.accessed);
        let answer = datetime(answer, 56, attributes.modified);
        datetime(answer, 80, attributes.changed)
    });
}

/// `option<datetime>`. 0.2 has no times before 1970: they are unknown.
#[inline]
fn datetime<const N: usize>(answer: Answer<N>, at: usize, time: Timestamp) -> Answer<N> {
    match u64::try_from(time.seconds) {
        Ok(seconds) => answer.u8(at, 1).u64(at + 8, seconds).u32(at + 16, time.nanoseconds),
        Err(_) => answer,
    }
}

/// `result<metadata-hash-value, error-code>`.
#[inline]
pub(crate) fn metadata_hash(app: App, ret: u32, hash: Result<MetadataHash, ErrorCode>) {
    result::<24, MetadataHash>(app, ret, 8, hash, |answer, hash| answer.u64(8, hash.lower).u64(16, hash.upper));
}

/// `result<_, stream-error>`, of 12 bytes.
#[inline]
pub(crate) fn stream_done(app: App, ret: u32, outcome: Result<(), Stopped>) {
    match outcome {
        Ok(()) => Answer::<12>::new().put(app, ret),
        Err(stopped) => stopped_at::<12>(app, ret, 4, stopped),
    }
}

/// `result<u64, stream-error>`, of 16 bytes.
#[inline]
pub(crate) fn stream_count(app: App, ret: u32, count: Result<u64, Stopped>) {
    match count {
        Ok(count) => Answer::<16>::new().u64(8, count).put(app, ret),
        Err(stopped) => stopped_at::<16>(app, ret, 8, stopped),
    }
}

/// A `result` of N bytes with a `stream-error` at that place.
pub(crate) fn stopped_at<const N: usize>(app: App, ret: u32, at: usize, stopped: Stopped) {
    let answer = Answer::<N>::new().u8(0, 1);
    let error = match stopped {
        Stopped::Closed => None,
        Stopped::Failed(error) => resources::insert_error(error),
    };
    let answer = match error {
        Some(error) => answer.u8(at, LAST_OPERATION_FAILED).u32(at + 4, error),
        None => answer.u8(at, CLOSED),
    };
    answer.put(app, ret);
}

/// The number of an `error-code`: the core has them in the order of the WIT.
#[inline]
pub(crate) const fn error_code(code: ErrorCode) -> u8 {
    code as u8
}

#[allow(clippy::indexing_slicing, reason = "below the length, and checked when it is built")]
const _: () = {
    let mut index = 0;
    while index < ErrorCode::ALL.len() {
        assert!(error_code(ErrorCode::ALL[index]) as usize == index);
        index += 1;
    }
};

/// The code of an error.
#[inline]
pub(crate) fn code(error: Error) -> ErrorCode {
    error.code()
}

/// The number of a `descriptor-type`.
#[inline]
pub(crate) const fn file_type(file_type: FileType) -> u8 {
    match file_type {
        FileType::Directory => 3,
        FileType::SymbolicLink => 5,
        FileType::RegularFile => 6,
    }
}
