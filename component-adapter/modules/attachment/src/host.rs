//! What the store asks of the host. Functions that [`imports::features`] does
//! not promise trap.

use core::cell::Cell;

use larder_core::Timestamp;
use larder_engine::start;

use crate::memory;

mod imports {
    use super::Area;

    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        pub(super) safe fn features() -> u32;
        pub(super) safe fn now(ret: &mut Area<16>);
        #[link_name = "pollable-ready"]
        pub(super) safe fn pollable_ready(pollable: u32) -> u32;
        #[link_name = "pollable-block"]
        pub(super) safe fn pollable_block(pollable: u32);
        #[link_name = "pollable-drop"]
        pub(super) safe fn pollable_drop(pollable: u32);
        #[link_name = "input-read"]
        pub(super) safe fn input_read(input: u32, length: u64, ret: &mut Area<12>);
        #[link_name = "input-blocking-read"]
        pub(super) safe fn input_blocking_read(input: u32, length: u64, ret: &mut Area<12>);
        #[link_name = "output-check-write"]
        pub(super) safe fn output_check_write(output: u32, ret: &mut Area<16>);
        #[link_name = "output-write"]
        pub(super) fn output_write(output: u32, bytes: *const u8, length: usize, ret: &mut Area<12>);
        #[link_name = "output-subscribe"]
        pub(super) safe fn output_subscribe(output: u32) -> u32;
        #[link_name = "get-environment"]
        pub(super) safe fn get_environment(ret: &mut Area<8>);
        #[link_name = "get-arguments"]
        pub(super) safe fn get_arguments(ret: &mut Area<8>);
        #[link_name = "initial-cwd"]
        pub(super) safe fn initial_cwd(ret: &mut Area<12>);
    }
}

const NOW: u32 = 1;
const POLLABLE_READY: u32 = 2;
const SPLICES: u32 = 4;
const ENVIRONMENT: u32 = 8;
#[cfg(feature = "forward")]
const SETTLES: u32 = 16;

thread_local! {
    static FEATURES: Cell<Option<u32>> = const { Cell::new(None) };
}

fn has(feature: u32) -> bool {
    let features = FEATURES.get().unwrap_or_else(|| {
        let features = imports::features();
        FEATURES.set(Some(features));
        features
    });
    features & feature != 0
}

/// Where the host writes an answer.
#[repr(C, align(8))]
struct Area<const N: usize>([u8; N]);

#[allow(clippy::indexing_slicing, reason = "places are constants below N, which is the size of the answer's type")]
impl<const N: usize> Area<N> {
    const fn new() -> Self {
        Self([0; N])
    }

    fn u32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_le_bytes(bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }

    /// The `stream-error` of a result that has it at that place.
    fn stopped(&self, at: usize) -> Option<HostStopped> {
        if self.0[0] == 0 {
            None
        } else if self.0[at] == 0 {
            Some(HostStopped::Failed(self.u32(at + 4)))
        } else {
            Some(HostStopped::Closed)
        }
    }
}

/// Why a stream of the host gave or took nothing.
pub(crate) enum HostStopped {
    /// It is at its end.
    Closed,
    /// The handle of the host's error, which is the app's to keep.
    Failed(u32),
}

/// The time now, or when the component was composed where there is no clock.
pub(crate) fn now() -> Timestamp {
    if !has(NOW) {
        return start::composed();
    }
    let mut area = Area::new();
    imports::now(&mut area);
    let seconds = i64::try_from(area.u64(0)).unwrap_or(i64::MAX);
    Timestamp { seconds, nanoseconds: area.u32(8) }
}

/// Whether a pollable of the host's is ready; `false` where that can't be
/// asked.
pub(crate) fn pollable_ready(pollable: u32) -> bool {
    has(POLLABLE_READY) && imports::pollable_ready(pollable) != 0
}

/// Whether the functions are there that a splice with a stream of the host's
/// needs. The others of this module that take streams trap without them.
pub(crate) fn splices() -> bool {
    has(SPLICES)
}

/// Whether the end of each of the app's turns is told.
#[cfg(feature = "forward")]
pub(crate) fn settles() -> bool {
    has(SETTLES)
}

/// Reads from a stream of the host's.
pub(crate) fn input_read(input: u32, length: u64, blocking: bool) -> Result<Vec<u8>, HostStopped> {
    let mut area = Area::new();
    if blocking {
        imports::input_blocking_read(input, length, &mut area);
    } else {
        imports::input_read(input, length, &mut area);
    }
    match area.stopped(4) {
        None => Ok(memory::take(area.u32(4), area.u32(8))),
        Some(stopped) => Err(stopped),
    }
}

/// How many bytes a stream of the host's takes now.
pub(crate) fn output_check_write(output: u32) -> Result<u64, HostStopped> {
    let mut area = Area::new();
    imports::output_check_write(output, &mut area);
    area.stopped(8).map_or_else(|| Ok(area.u64(8)), Err)
}

/// Writes to a stream of the host's, no more than it takes.
pub(crate) fn output_write(output: u32, bytes: &[u8]) -> Result<(), HostStopped> {
    let mut area = Area::new();
    // SAFETY: the host reads the bytes, which are ours.
    unsafe { imports::output_write(output, bytes.as_ptr(), bytes.len(), &mut area) };
    area.stopped(4).map_or(Ok(()), Err)
}

/// Waits until a stream of the host's takes something, or has ended.
pub(crate) fn output_wait(output: u32) {
    let pollable = imports::output_subscribe(output);
    imports::pollable_block(pollable);
    imports::pollable_drop(pollable);
}

/// The host's environment variables.
pub(crate) fn environment() -> Vec<(Vec<u8>, Vec<u8>)> {
    if !has(ENVIRONMENT) {
        return Vec::new();
    }
    let mut area = Area::new();
    imports::get_environment(&mut area);
    let texts = memory::take_texts(area.u32(0), area.u32(4).saturating_mul(2));
    let mut texts = texts.into_iter();
    std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect()
}

/// The host's arguments.
pub(crate) fn arguments() -> Vec<Vec<u8>> {
    if !has(ENVIRONMENT) {
        return Vec::new();
    }
    let mut area = Area::new();
    imports::get_arguments(&mut area);
    memory::take_texts(area.u32(0), area.u32(4))
}

/// The host's initial directory.
pub(crate) fn initial_directory() -> Option<Vec<u8>> {
    if !has(ENVIRONMENT) {
        return None;
    }
    let mut area = Area::<12>::new();
    imports::initial_cwd(&mut area);
    (area.u32(0) & 0xff != 0).then(|| memory::take(area.u32(4), area.u32(8)))
}
