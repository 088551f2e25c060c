//! Bounds on what a guest can ask of the host in one call. Bounds on what it
//! can keep are the volume's ([`larder_core::Limits`]).

/// Most bytes that one read returns (`descriptor.read`, `input-stream.read`,
/// one turn of a 0.3 stream): 4 MiB. Longer requests are answered with this
/// much, which WASI allows. Guards the memory of the guest, which allocates
/// the answer, and the time of one call.
pub const MAX_READ: usize = 4 << 20;

/// The permit that `output-stream.check-write` gives: 4 MiB. The bytes go
/// straight into the store, so that this bounds the time of one call, not
/// memory.
pub const MAX_WRITE: usize = 4 << 20;

/// Most bytes of `blocking-write-and-flush`, as the WIT says: 4096. Longer
/// lists trap, as on every host.
pub const MAX_BLOCKING_WRITE: usize = 4096;

/// Zeros are written from a constant buffer of this many bytes: 64 KiB.
pub const ZEROS: usize = 64 << 10;

/// Directory entries that an open listing holds at a time: 128. A listing
/// continues behind its last entry by cookie, however large the directory.
pub const DIRECTORY_BATCH: usize = 128;

/// Bytes of the buffer for a host-side reader of a 0.3 stream: 64 KiB.
/// Guests bring their own buffer.
pub const HOST_READER_BUFFER: usize = 64 << 10;

/// Input streams, and output streams, that one guest can have open on files:
/// 65,536 each. Descriptors are bounded by the volume's `open_handles`; many
/// streams can share one descriptor, so they have a bound of their own. At the
/// limit: `quota`.
pub const MAX_STREAMS: usize = 1 << 16;
