//! Why a call of a key-value store did nothing.

use thiserror::Error;

use super::{MOST_ANSWER_BYTES, MOST_BATCH_KEYS, MOST_KEY_BYTES, MOST_VALUE_BYTES};

/// An error of a store. Guests get its text as `other`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyValueError {
    /// The key is too long.
    #[error("the key has more than {MOST_KEY_BYTES} bytes")]
    KeyTooLong,
    /// The value, or the file in its place, is too long.
    #[error("the value has more than {MOST_VALUE_BYTES} bytes: keep it in a file of a mounted volume")]
    ValueTooLong,
    /// All that a call would answer is too long.
    #[error("the answer has more than {MOST_ANSWER_BYTES} bytes: ask for less at once")]
    AnswerTooLong,
    /// A batch has too many keys.
    #[error("the batch has more than {MOST_BATCH_KEYS} keys")]
    BatchTooLong,
    /// A value to be incremented is no number.
    #[error("the value is not a number of 8 bytes, little-endian")]
    NotANumber,
    /// A number would be out of range.
    #[error("the number does not fit in 64 bits")]
    Overflow,
    /// A cursor is none that the store gave.
    #[error("the cursor is not one of this store")]
    Cursor,
    /// The volume refused it.
    #[error("the store's volume: {0}")]
    Volume(larder_core::Error),
    /// It is done, and not as durable as it should be.
    #[error("it is done, but not stored yet: {0}")]
    NotStored(larder_core::Error),
}

/// A result with the store's error.
pub type Result<T, E = KeyValueError> = std::result::Result<T, E>;

/// Names the call that the guest made instead of what it came to: paths are
/// nothing that a guest knows.
pub(super) fn during(operation: &'static str) -> impl Fn(larder_core::Error) -> KeyValueError {
    move |error| KeyValueError::Volume(larder_core::Error::new(error.code(), operation))
}
