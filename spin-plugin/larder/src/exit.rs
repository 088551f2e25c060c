//! Exit codes of the command, in one place because scripts rely on them.

/// The command itself failed: a file is missing, a volume is damaged, ….
pub(crate) const FAILURE: u8 = 1;
/// A volume could not be saved when the app ended (`EX_IOERR` of sysexits).
pub(crate) const NOT_SAVED: u8 = 74;
/// The guest ran longer than `--timeout`, as `timeout(1)` answers.
pub(crate) const TIMED_OUT: u8 = 124;
/// The guest trapped: 128 + `SIGABRT`, as a native program that aborts.
pub(crate) const TRAPPED: u8 = 134;
/// A signal adds its number to this, as a shell reports it.
pub(crate) const SIGNAL_BASE: u8 = 128;
