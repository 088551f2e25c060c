//! Bounds on what a guest can ask for in one call, and can hold in handles.
//! Bounds on what it can keep are the volume's ([`larder_core::Limits`]). They
//! are those of the host form where it has them.

/// Most bytes that one read returns: 4 MiB. Longer requests are answered with
/// this much, which WASI allows. Guards the memory of the app, which allocates
/// the answer, and the time of one call.
pub const MAX_READ: usize = 4 << 20;

/// The permit that `output-stream.check-write` gives: 4 MiB. Guards the time
/// of one call, and in adapters the memory that holds the list meanwhile.
pub const MAX_WRITE: usize = 4 << 20;

/// Most bytes of `blocking-write-and-flush`, as the WIT says: 4096. More
/// traps, as on every host.
pub const MAX_BLOCKING_WRITE: usize = 4096;

/// Most zeros of `blocking-write-zeroes-and-flush`, as the WIT says: 4096.
pub const MAX_BLOCKING_ZEROES: u64 = 4096;

/// Bytes that one `splice` between a file and another stream moves: 64 KiB.
/// The caller asks again. Guards the memory of the module, which holds them
/// meanwhile.
pub const MAX_SPLICE: usize = 64 << 10;

/// Streams that can be open on files at a time: 65,536 in each direction. Many
/// can share one descriptor, so that the volume's bound on open handles does
/// not bound them. At the limit: `quota`.
pub const MAX_STREAMS: u32 = 1 << 16;

/// Errors of streams that a guest can hold at a time: 65,536. At the limit a
/// failing stream is `closed` without saying why.
pub const MAX_ERRORS: u32 = 1 << 16;

/// Pollables that a guest can hold at a time: 65,536. More trap, as a full
/// resource table does.
pub const MAX_POLLABLES: u32 = 1 << 16;

/// Descriptors of all volumes together, and open listings: 262,144 each.
/// Guards the handle table where an image has many volumes. At the limit:
/// `quota`.
pub const MAX_DESCRIPTORS: u32 = 1 << 18;

/// Directory entries that an open listing holds at a time: 128.
pub const DIRECTORY_BATCH: usize = 128;

/// Bytes of a path, or of a symbolic link's target, that are looked at: 16
/// KiB. Longer ones are `name-too-long` whatever the volume's limit. Guards the
/// memory that holds them.
pub const MAX_PATH: usize = 16 << 10;

/// Indices that one `poll` returns: 256. A guest polls again for the rest.
/// Guards the memory that holds them.
pub const MAX_POLLED: usize = 256;
