//! Error numbers of WASI 0.1.

use larder_core::ErrorCode;

/// A function's result: an error number, or a trap.
pub type P1Result<T> = Result<T, Failure>;

/// Why a function failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The guest gets this number.
    Errno(Errno),
    /// The guest named memory that it does not have: a trap, as the
    /// interface's documents ask.
    OutOfBounds(OutOfBounds),
}

/// A range that is not in the guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// Where it begins.
    pub address: u32,
    /// Its bytes.
    pub length: usize,
}

impl core::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a pointer is out of bounds: {} bytes at {:#x}", self.length, self.address)
    }
}

impl core::error::Error for OutOfBounds {}

/// What the guest gets: 0 or an error number.
///
/// # Errors
/// The trap.
pub fn code(result: P1Result<()>) -> Result<u32, OutOfBounds> {
    match result {
        Ok(()) => Ok(0),
        Err(Failure::Errno(errno)) => Ok(u32::from(errno.code())),
        Err(Failure::OutOfBounds(outside)) => Err(outside),
    }
}

/// `errno` of `wasi_snapshot_preview1`, as far as larder answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names and meanings are the interface's")]
pub enum Errno {
    Acces = 2,
    Again = 6,
    Already = 7,
    Badf = 8,
    Busy = 10,
    Deadlk = 16,
    Dquot = 19,
    Exist = 20,
    Fbig = 22,
    Ilseq = 25,
    InProgress = 26,
    Intr = 27,
    Inval = 28,
    Io = 29,
    IsDir = 31,
    Loop = 32,
    MFile = 33,
    MLink = 34,
    MsgSize = 35,
    NameTooLong = 37,
    NoDev = 43,
    NoEnt = 44,
    NoLck = 46,
    NoMem = 48,
    NoSpc = 51,
    NotDir = 54,
    NotEmpty = 55,
    NotRecoverable = 56,
    NotSock = 57,
    NotSup = 58,
    NoTty = 59,
    NxIo = 60,
    Overflow = 61,
    Perm = 63,
    Pipe = 64,
    RoFs = 69,
    SPipe = 70,
    TxtBsy = 74,
    XDev = 75,
}

impl Errno {
    /// Its number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<OutOfBounds> for Failure {
    fn from(outside: OutOfBounds) -> Self {
        Self::OutOfBounds(outside)
    }
}

impl From<larder_core::Error> for Failure {
    fn from(error: larder_core::Error) -> Self {
        Self::Errno(error.code().into())
    }
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Access => Self::Acces,
            ErrorCode::WouldBlock => Self::Again,
            ErrorCode::Already => Self::Already,
            ErrorCode::BadDescriptor => Self::Badf,
            ErrorCode::Busy => Self::Busy,
            ErrorCode::Deadlock => Self::Deadlk,
            ErrorCode::Quota => Self::Dquot,
            ErrorCode::Exist => Self::Exist,
            ErrorCode::FileTooLarge => Self::Fbig,
            ErrorCode::IllegalByteSequence => Self::Ilseq,
            ErrorCode::InProgress => Self::InProgress,
            ErrorCode::Interrupted => Self::Intr,
            ErrorCode::Invalid => Self::Inval,
            ErrorCode::Io => Self::Io,
            ErrorCode::IsDirectory => Self::IsDir,
            ErrorCode::Loop => Self::Loop,
            ErrorCode::TooManyLinks => Self::MLink,
            ErrorCode::MessageSize => Self::MsgSize,
            ErrorCode::NameTooLong => Self::NameTooLong,
            ErrorCode::NoDevice => Self::NoDev,
            ErrorCode::NoEntry => Self::NoEnt,
            ErrorCode::NoLock => Self::NoLck,
            ErrorCode::InsufficientMemory => Self::NoMem,
            ErrorCode::InsufficientSpace => Self::NoSpc,
            ErrorCode::NotDirectory => Self::NotDir,
            ErrorCode::NotEmpty => Self::NotEmpty,
            ErrorCode::NotRecoverable => Self::NotRecoverable,
            ErrorCode::Unsupported => Self::NotSup,
            ErrorCode::NoTty => Self::NoTty,
            ErrorCode::NoSuchDevice => Self::NxIo,
            ErrorCode::Overflow => Self::Overflow,
            ErrorCode::NotPermitted => Self::Perm,
            ErrorCode::Pipe => Self::Pipe,
            ErrorCode::ReadOnly => Self::RoFs,
            ErrorCode::InvalidSeek => Self::SPipe,
            ErrorCode::TextFileBusy => Self::TxtBsy,
            ErrorCode::CrossDevice => Self::XDev,
        }
    }
}
