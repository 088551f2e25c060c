//! Small files in some directories.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::Out;
use super::large::and;
use crate::bound::{self, Sample};
use crate::caches::drop_caches;
use crate::files::Files;
use crate::host::Host;
use crate::server::random;
use crate::sizes::Sizes;

/// The life of small files.
pub(crate) fn run(host: &mut dyn Host, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    let is_remote = host.ground().is_some();
    host.start()?;
    let directories = directories(host, sizes)?;
    let mut paths = paths(&directories, sizes);
    let written = write(host.files()?, &mut paths, sizes, false)?;
    let (count, bytes) = (written.done, written.done * sizes.small as u64);
    stored(host, "small-write", "small-write-stored", written, (count, bytes), out)?;
    out("small-list", list(host.files()?, &directories, paths.len(), sizes)?);
    out("small-stat", stat(host.files()?, &paths, sizes)?);
    host.stop()?;
    if is_remote {
        drop_caches(sizes)?;
    }
    host.start()?;
    if is_remote {
        out("small-list-cold", list(host.files()?, &directories, paths.len(), sizes)?);
    }
    let cold = read(host.files()?, &paths, sizes)?;
    if is_remote {
        out("small-read-cold", cold);
    }
    // What was not read is not warm.
    let warm = paths.get(..usize::try_from(cold.done)?).unwrap_or(&paths).to_vec();
    out("small-read-warm", read(host.files()?, &warm, sizes)?);
    let files = host.files()?;
    let renamed = bound::each(sizes.bound, paths.iter_mut(), |path| {
        let new = format!("{path}-renamed");
        files.rename(path, &new)?;
        *path = new;
        Ok(())
    })?;
    stored(host, "small-rename", "small-rename-stored", renamed, (count, bytes), out)?;
    let files = host.files()?;
    let removed = bound::each(sizes.bound, paths.iter(), |path| files.remove(path))?;
    let left = count - removed.done;
    stored(host, "small-remove", "small-remove-stored", removed, (left, left * sizes.small as u64), out)?;
    host.stop()
}

/// Small files that are synced.
pub(crate) fn synced(host: &mut dyn Host, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    host.start()?;
    let directories = directories(host, sizes)?;
    out("small-write-each", write(host.files()?, &mut paths(&directories, sizes), sizes, true)?);
    host.stop()
}

/// Tells what was done, and how long it took with what was still to be done.
fn stored(
    host: &dyn Host,
    row: &'static str,
    row_stored: &'static str,
    sample: Sample,
    (files, bytes): (u64, u64),
    out: Out<'_>,
) -> Result<()> {
    out(row, sample);
    let begun = Instant::now();
    host.settle(files, bytes)?;
    if host.ground().is_some() {
        out(row_stored, and(sample, begun.elapsed()));
    }
    Ok(())
}

fn directories(host: &dyn Host, sizes: &Sizes) -> Result<Vec<String>> {
    let directories: Vec<_> = (0..sizes.directories).map(|number| format!("d{number:02}")).collect();
    directories.iter().try_for_each(|path| host.files()?.make_directory(path))?;
    host.settle(0, 0)?;
    Ok(directories)
}

fn paths(directories: &[String], sizes: &Sizes) -> Vec<String> {
    let files = |directory| (0..sizes.files).map(move |number| format!("{directory}/f{number:03}"));
    directories.iter().flat_map(files).collect()
}

/// Writes as many as the time allows; the others are no paths any more.
fn write(files: &dyn Files, paths: &mut Vec<String>, sizes: &Sizes, sync: bool) -> Result<Sample> {
    let content = random(sizes.small);
    let sample = bound::each(sizes.bound, paths.iter(), |path| {
        let mut file = files.create(path)?;
        file.write(0, &content)?;
        if sync { file.sync() } else { Ok(()) }
    })?;
    paths.truncate(usize::try_from(sample.done)?);
    Ok(sample)
}

fn list(files: &dyn Files, directories: &[String], expected: usize, sizes: &Sizes) -> Result<Sample> {
    let mut entries = 0;
    let sample = bound::each(sizes.bound, directories.iter(), |path| {
        entries += files.list(path)?.len() as u64;
        Ok(())
    })?;
    let expected = expected as u64;
    ensure!(!sample.is_whole() || entries == expected, "{entries} entries are listed, not {expected}");
    Ok(Sample { done: entries, of: expected, ..sample })
}

fn stat(files: &dyn Files, paths: &[String], sizes: &Sizes) -> Result<Sample> {
    bound::each(sizes.bound, paths.iter(), |path| {
        let size = files.size(path)?;
        ensure!(size == sizes.small as u64, "{path} has {size} bytes");
        Ok(())
    })
}

fn read(files: &dyn Files, paths: &[String], sizes: &Sizes) -> Result<Sample> {
    let mut content = vec![0; sizes.small];
    bound::each(sizes.bound, paths.iter(), |path| {
        let count = files.open(path)?.read(0, &mut content)?;
        ensure!(count == sizes.small, "{path} has {count} bytes");
        Ok(())
    })
}
