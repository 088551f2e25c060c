//! The one error type: a WASI code, what was attempted, and where. Forms
//! translate it; they never invent codes.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $wasi:literal $text:literal,)*) => {
        /// The codes of `wasi:filesystem/types.error-code` (0.2 and 0.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $wasi, "`: ", $text, ".")] $name,)*
        }

        impl ErrorCode {
            /// The code's name in the WIT, such as `no-entry`.
            #[must_use]
            pub const fn wasi_name(self) -> &'static str {
                match self { $(Self::$name => $wasi,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Every code, in the order of the WIT.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    Access "access" "permission denied",
    WouldBlock "would-block" "resource unavailable, try again",
    Already "already" "connection already in progress",
    BadDescriptor "bad-descriptor" "bad descriptor, or not open for this access",
    Busy "busy" "device or resource busy",
    Deadlock "deadlock" "resource deadlock would occur",
    Quota "quota" "a limit of the volume is reached",
    Exist "exist" "file exists",
    FileTooLarge "file-too-large" "larger than the volume allows a file to be",
    IllegalByteSequence "illegal-byte-sequence" "not valid UTF-8",
    InProgress "in-progress" "operation in progress",
    Interrupted "interrupted" "interrupted",
    Invalid "invalid" "invalid argument",
    Io "io" "input/output error",
    IsDirectory "is-directory" "is a directory",
    Loop "loop" "too many levels of symbolic links",
    TooManyLinks "too-many-links" "too many hard links",
    MessageSize "message-size" "message too large",
    NameTooLong "name-too-long" "name or path too long",
    NoDevice "no-device" "no such device",
    NoEntry "no-entry" "no such file or directory",
    NoLock "no-lock" "no locks available",
    InsufficientMemory "insufficient-memory" "not enough memory",
    InsufficientSpace "insufficient-space" "no space left in the volume",
    NotDirectory "not-directory" "not a directory",
    NotEmpty "not-empty" "directory not empty",
    NotRecoverable "not-recoverable" "state not recoverable",
    Unsupported "unsupported" "not supported",
    NoTty "no-tty" "inappropriate I/O control operation",
    NoSuchDevice "no-such-device" "no such device or address",
    Overflow "overflow" "value too large",
    NotPermitted "not-permitted" "operation not permitted",
    Pipe "pipe" "broken pipe",
    ReadOnly "read-only" "read-only view",
    InvalidSeek "invalid-seek" "invalid seek",
    TextFileBusy "text-file-busy" "text file busy",
    CrossDevice "cross-device" "cross-device link",
}

/// What an operator can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The call was wrong for the state of the volume: fix the call.
    FixCall,
    /// Nothing was done; the same call may work later.
    Retry,
    /// A limit was reached: free something or raise the limit.
    OutOfSpace,
    /// The storage behind the volume failed or is away.
    BackendAway,
    /// Somebody else changed the same thing.
    Conflict,
}

impl ErrorCode {
    /// The coarse kind of the code.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::WouldBlock | Self::Interrupted | Self::InProgress | Self::Already => ErrorKind::Retry,
            Self::Quota
            | Self::FileTooLarge
            | Self::InsufficientMemory
            | Self::InsufficientSpace
            | Self::TooManyLinks => ErrorKind::OutOfSpace,
            Self::Io | Self::NoDevice | Self::NoSuchDevice | Self::NotRecoverable => ErrorKind::BackendAway,
            Self::Busy | Self::Deadlock | Self::NoLock | Self::TextFileBusy => ErrorKind::Conflict,
            _ => ErrorKind::FixCall,
        }
    }
}

/// An error of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    operation: &'static str,
    path: Option<Box<str>>,
}

/// A result with the store's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Paths are kept in errors up to this many bytes: a guest chooses them.
const PATH_IN_ERROR: usize = 512;

impl Error {
    /// An error of the named operation (a POSIX or WASI name such as `rename`).
    #[must_use]
    pub const fn new(code: ErrorCode, operation: &'static str) -> Self {
        Self { code, operation, path: None }
    }

    /// Adds the path, unless one is known already.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        if self.path.is_none() {
            let end = path.floor_char_boundary(PATH_IN_ERROR);
            self.path = path.get(..end).map(Into::into);
        }
        self
    }

    /// The WASI code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// What was attempted.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Where, as the caller named it.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What can be done about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.code.kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(path) = &self.path {
            write!(f, " {path:?}")?;
        }
        write!(f, ": {} ({})", self.code.text(), self.code.wasi_name())
    }
}

impl std::error::Error for Error {}

/// Names the operation of a code that came from below.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T>;
}

impl<T> During<T> for Result<T, ErrorCode> {
    fn during(self, operation: &'static str) -> Result<T> {
        self.map_err(|code| Error::new(code, operation))
    }
}
