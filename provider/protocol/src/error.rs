//! Error codes as numbers: 1 and the position in the WIT.

use larder_core::ErrorCode;

/// The number of a code. 0 stands for none.
pub(crate) fn to_number(code: ErrorCode) -> u32 {
    let position = ErrorCode::ALL.iter().position(|each| *each == code);
    position.and_then(|position| u32::try_from(position + 1).ok()).unwrap_or(0)
}

/// The code of a number, if it is one.
pub(crate) fn from_number(number: u32) -> Option<ErrorCode> {
    let position = usize::try_from(number).ok()?.checked_sub(1)?;
    ErrorCode::ALL.get(position).copied()
}
