//! From nothing on this host to the whole tree listed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};

use crate::bound::{self, Sample, number};
use crate::caches::drop_caches;
use crate::contestant::Contestant;
use crate::files::Files;
use crate::host::{self, Host};
use crate::server::Server;
use crate::sizes::Sizes;

/// Bytes of each object.
const CONTENT: usize = 100;

/// Files that are made at a time.
const FILLING: usize = 8;

/// A contestant whose bucket has the tree.
pub(crate) struct Filled {
    host: Box<dyn Host>,
    files: u64,
}

/// Fills a bucket.
pub(crate) fn start(contestant: Contestant, server: &Arc<Server>, sizes: &Sizes) -> Result<Filled> {
    let mut host = host::make(contestant, server, sizes.memory, false)?;
    let directories: Vec<_> = (0..sizes.tree_directories).map(|number| format!("d{number:03}")).collect();
    let in_directory = |directory| (0..sizes.tree_files).map(move |number| format!("{directory}/f{number:03}"));
    let files: Vec<_> = directories.iter().flat_map(in_directory).collect();
    match host.ground().filter(|_| host.has_plain_objects()) {
        Some(ground) => ground.fill(&directories, &files, CONTENT)?,
        None => fill(&mut *host, &directories, &files)?,
    }
    Ok(Filled { host, files: files.len() as u64 })
}

/// By its own means. Several at a time, as each file waits for the bucket.
fn fill(host: &mut dyn Host, directories: &[String], files: &[String]) -> Result<()> {
    host.start()?;
    let tree = host.files()?;
    directories.iter().try_for_each(|path| tree.make_directory(path))?;
    let make = |path: &String| {
        bound::go_on()?;
        tree.create(path)?.write(0, &[7; CONTENT])
    };
    std::thread::scope(|scope| {
        let chunks = files.chunks(files.len().div_ceil(FILLING).max(1));
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(move || chunk.iter().try_for_each(make))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    host.stop()
}

impl Filled {
    /// Starts it, lists, stops it.
    pub(crate) fn run(&mut self, sizes: &Sizes) -> Result<Sample> {
        drop_caches(sizes)?;
        let begun = Instant::now();
        self.host.start()?;
        let files = self.host.files()?;
        let mut found = 0;
        let mut top = files.list("")?;
        // JuiceFS has files of its own there.
        top.retain(|entry| !entry.name.starts_with('.'));
        let done = bound::each(sizes.bound, top.iter(), |entry| {
            ensure!(entry.is_directory, "{} is no directory", entry.name);
            found += walk(files, &entry.name)?;
            Ok(())
        })?;
        if done.is_whole() {
            self.host.wait_listed()?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(!done.is_whole() || found == self.files, "{found} files are listed, not {}", self.files);
        self.host.stop()?;
        // A sample of one: the time for all.
        let all = seconds * number(self.files) / number(found.max(1));
        Ok(Sample { seconds: all, done: 1, of: if done.is_whole() { 1 } else { 2 } })
    }
}

fn walk(files: &dyn Files, path: &str) -> Result<u64> {
    let mut found = 0;
    for entry in files.list(path)? {
        found += if entry.is_directory { walk(files, &format!("{path}/{}", entry.name))? } else { 1 };
    }
    Ok(found)
}
