//! What is measured.

/// How many clients at a time.
pub(crate) const CLIENTS: [usize; 3] = [1, 4, 16];

/// Bytes of a small file.
pub(crate) const SMALL: usize = 1 << 10;
/// Bytes of a large one: eight times what a client caches.
pub(crate) const LARGE: usize = 64 << 20;
/// Entries of the directory that is listed, all in one answer.
pub(crate) const ENTRIES: usize = 1000;
/// Bytes of an answer with so many entries, as it was seen on the wire.
pub(crate) const LISTING: usize = 95_000;
/// Content in one message of the protocol.
pub(crate) const MESSAGE: usize = 512 << 10;
/// Requests that raw NATS keeps in flight where the client reads ahead.
pub(crate) const IN_FLIGHT: usize = 4;

/// One case: what files do, and which requests stand for it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    /// Bytes of a raw request, and of its answer.
    pub(crate) request: usize,
    pub(crate) reply: usize,
    /// Raw requests in flight at a time.
    pub(crate) in_flight: usize,
    /// Raw requests of one round; bytes count instead of operations if any.
    pub(crate) bytes: usize,
    /// The least ratio to raw NATS that the project wants.
    pub(crate) target: Option<f64>,
}

/// What is done with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    SmallRead,
    SmallWrite,
    Stat,
    List,
    Read(usize),
    Write(usize),
    /// Content that the client has, after it asked for the version.
    CachedRead,
}

pub(crate) fn all() -> Vec<Case> {
    let small =
        |name, work, request, reply| Case { name, work, request, reply, in_flight: 1, bytes: 0, target: Some(0.8) };
    let large = |name, work, request, reply| Case {
        name,
        work,
        request,
        reply,
        in_flight: IN_FLIGHT,
        bytes: LARGE,
        target: Some(0.7),
    };
    vec![
        small("read a file of 1 KiB", Work::SmallRead, 64, SMALL + 64),
        small("write a file of 1 KiB", Work::SmallWrite, SMALL + 64, 64),
        Case { target: None, ..small("stat", Work::Stat, 64, 64) },
        Case { target: None, ..small("list 1,000 entries", Work::List, 64, LISTING) },
        large("read by 64 KiB", Work::Read(64 << 10), 64, MESSAGE),
        large("read by 1 MiB", Work::Read(1 << 20), 64, MESSAGE),
        large("write by 64 KiB", Work::Write(64 << 10), MESSAGE, 64),
        large("write by 1 MiB", Work::Write(1 << 20), MESSAGE, 64),
        Case { target: None, ..small("read 1 MiB that is cached", Work::CachedRead, 64, MESSAGE) },
    ]
}
