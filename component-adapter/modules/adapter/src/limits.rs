//! Bounds on what a guest can ask for in one call. Bounds on what it can keep
//! are the volume's. They are those of the host form.

/// Most bytes that one read returns: 4 MiB. Longer requests are answered with
/// this much, which WASI allows. Guards the memory of the guest, which
/// allocates the answer, and the time of one call.
pub(crate) const MAX_READ: usize = 4 << 20;

/// The permit that `check-write` gives: 4 MiB. Guards the memory of this
/// component, which holds the list until the call is done.
pub(crate) const MAX_WRITE: usize = 4 << 20;

/// Most bytes of `blocking-write-and-flush`, as the WIT says: 4096. More
/// traps, as on every host.
pub(crate) const MAX_BLOCKING_WRITE: usize = 4096;

/// Streams that can be open on files at a time: 65,536 in each direction.
/// Many can share one descriptor, so that the volume's bound on open handles
/// does not bound them. At the limit: `quota`.
pub(crate) const MAX_STREAMS: u32 = 1 << 16;

/// Directory entries that an open listing holds at a time: 128.
pub(crate) const DIRECTORY_BATCH: usize = 128;
