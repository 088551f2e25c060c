//! Error codes as numbers: 1 and on, in the order of `larder:fs/store`
//! `error-code`.

use larder_core::ErrorCode;

macro_rules! codes {
    ($($name:ident)*) => {
        const CODES: &[ErrorCode] = &[$(ErrorCode::$name),*];

        /// That no code of the store is left out.
        const fn _all(code: ErrorCode) {
            match code { $(ErrorCode::$name => ()),* }
        }
    };
}

codes!(Access WouldBlock Already BadDescriptor Busy Deadlock Quota Exist FileTooLarge IllegalByteSequence
    InProgress Interrupted Invalid Io IsDirectory Loop TooManyLinks MessageSize NameTooLong NoDevice NoEntry
    NoLock InsufficientMemory InsufficientSpace NotDirectory NotEmpty NotRecoverable Unsupported NoTty
    NoSuchDevice Overflow NotPermitted Pipe ReadOnly InvalidSeek TextFileBusy CrossDevice);

/// The number of a code.
pub(crate) fn number(code: ErrorCode) -> u32 {
    (1..).zip(CODES).find(|(_, known)| **known == code).map_or(0, |(number, _)| number)
}

/// The code of a number; one that is not known here is `io`.
pub(crate) fn code(number: u32) -> ErrorCode {
    let index = usize::try_from(number).unwrap_or_default().wrapping_sub(1);
    CODES.get(index).copied().unwrap_or(ErrorCode::Io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_interface() {
        assert_eq!(CODES.len(), 37);
        for known in CODES {
            assert_eq!(code(number(*known)), *known);
        }
        assert_eq!(number(ErrorCode::Access), 1);
        assert_eq!(number(ErrorCode::NoEntry), 21);
        assert_eq!(number(ErrorCode::CrossDevice), 37);
        assert_eq!([code(0), code(38), code(u32::MAX)], [ErrorCode::Io; 3]);
    }
}
