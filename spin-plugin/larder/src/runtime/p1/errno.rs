//! Error numbers of WASI 0.1.

use larder_core::ErrorCode;

/// A function's result: an error number, or a trap.
pub(super) type P1Result<T> = Result<T, Failure>;

/// Why a function failed.
pub(super) enum Failure {
    /// The guest gets this number.
    Errno(Errno),
    /// The guest did what it must not, such as naming memory that it does not
    /// have.
    Trap(wasmtime::Error),
}

/// `errno` of `wasi_snapshot_preview1`, as far as larder answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Errno {
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
    pub(super) const fn code(self) -> u16 {
        self as u16
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<larder_core::Error> for Failure {
    fn from(error: larder_core::Error) -> Self {
        Self::Errno(error.code().into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Errno(match error.kind() {
            std::io::ErrorKind::BrokenPipe => Errno::Pipe,
            std::io::ErrorKind::WouldBlock => Errno::Again,
            _ => Errno::Io,
        })
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
