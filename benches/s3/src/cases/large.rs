//! A large file, written and read in order.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Out;
use crate::bound::{self, Sample, number};
use crate::caches::drop_caches;
use crate::files::Files;
use crate::host::Host;
use crate::server::random;
use crate::sizes::Sizes;

/// Passes over what is warm.
const PASSES: usize = 3;

/// When a file that is written is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    Never,
    AtTheEnd,
    AfterEachWrite,
}

pub(crate) fn run(host: &mut dyn Host, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    host.start()?;
    let synced = write(host.files()?, "synced", sizes.large, sizes, Sync::AtTheEnd, |bytes| until(host, bytes))?;
    out("large-write-synced", synced);
    host.settle(1, synced.done)?;
    let closed = write(host.files()?, "closed", sizes.large, sizes, Sync::Never, |_| Ok(()))?;
    out("large-write-closed", closed);
    host.settle(2, synced.done + closed.done)?;
    host.files()?.remove("closed")?;
    let each = write(host.files()?, "each", sizes.synced, sizes, Sync::AfterEachWrite, |_| Ok(()))?;
    out("large-write-each", each);
    host.settle(2, synced.done + each.done)?;
    host.stop()?;
    if host.ground().is_some() {
        drop_caches(sizes)?;
    }
    host.start()?;
    let length = synced.done;
    let cold = read(host.files()?, "synced", length, sizes)?;
    if host.ground().is_some() {
        out("large-read-cold", cold);
    }
    for _ in 0..PASSES {
        out("large-read-warm", read(host.files()?, "synced", length, sizes)?);
    }
    host.stop()
}

/// Where syncing says nothing about the bucket, it is waited for.
pub(crate) fn until(host: &dyn Host, bytes: u64) -> Result<()> {
    if host.syncs() { Ok(()) } else { host.settle(1, bytes) }
}

/// Writes a file as far as the time allows; `done` is a part of the time.
pub(crate) fn write(
    files: &dyn Files,
    path: &str,
    length: u64,
    sizes: &Sizes,
    sync: Sync,
    done: impl FnOnce(u64) -> Result<()>,
) -> Result<Sample> {
    let mut block = random(sizes.piece);
    let piece = sizes.piece as u64;
    let begun = Instant::now();
    let mut file = files.create(path)?;
    let written = bound::each(sizes.bound, pieces(length, piece), |number| {
        stamp(&mut block, number);
        file.write(number * piece, &block)?;
        if sync == Sync::AfterEachWrite { file.sync() } else { Ok(()) }
    })?;
    if sync == Sync::AtTheEnd {
        file.sync()?;
    }
    drop(file);
    let bytes = written.done * piece;
    done(bytes)?;
    Ok(Sample { seconds: begun.elapsed().as_secs_f64(), done: bytes, of: length })
}

/// Reads a file as far as the time allows, and looks whether it is the one that
/// was written.
pub(crate) fn read(files: &dyn Files, path: &str, length: u64, sizes: &Sizes) -> Result<Sample> {
    let mut block = vec![0; sizes.piece];
    let piece = sizes.piece as u64;
    let begun = Instant::now();
    let mut file = files.open(path)?;
    let done = bound::each(sizes.bound, pieces(length, piece), |number| {
        let count = file.read(number * piece, &mut block)?;
        ensure!(count == sizes.piece, "{path} is short: {count} bytes at {}", number * piece);
        ensure!(block.first_chunk() == Some(&number.to_le_bytes()), "{path} has other content in piece {number}");
        Ok(())
    })?;
    drop(file);
    Ok(Sample { seconds: begun.elapsed().as_secs_f64(), done: done.done * piece, of: length })
}

/// The pieces' numbers. A range of `u64` does not know its length.
fn pieces(length: u64, piece: u64) -> impl ExactSizeIterator<Item = u64> {
    let count = usize::try_from(length / piece).unwrap_or(usize::MAX);
    (0..count).map(|piece| piece as u64)
}

/// Makes each piece another one.
fn stamp(block: &mut [u8], number: u64) {
    if let Some(head) = block.first_chunk_mut() {
        *head = number.to_le_bytes();
    }
}

/// Memory as a sample.
pub(crate) fn memory(bytes: u64) -> Sample {
    Sample { seconds: number(bytes), done: 1, of: 1 }
}

/// A duration's sample with more time.
pub(crate) fn and(sample: Sample, more: Duration) -> Sample {
    Sample { seconds: sample.seconds + more.as_secs_f64(), ..sample }
}
