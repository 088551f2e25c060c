//! Something that has files: started, used, stopped, started again as on
//! another machine.

mod juicefs;
mod keeper;
mod larder;
mod memory;
mod mount;
mod rclone;
mod s3fs;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::contestant::Contestant;
use crate::files::Files;
use crate::server::{Ground, Server};

pub(crate) use keeper::{peak_memory, watch};
pub(crate) use larder::{Larder, Place};

/// How long a mount, a listing of all, or an upload of what waits may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Something that has files. Dropping it ends its processes and removes what it
/// has on the disk.
pub(crate) trait Host {
    /// Its files can be used. Caches are empty.
    fn start(&mut self) -> Result<()>;

    /// The files, between `start` and `stop`.
    fn files(&self) -> Result<&dyn Files>;

    /// Returns when the bucket has all changes: `files` files of `bytes` bytes.
    fn settle(&self, files: u64, bytes: u64) -> Result<()>;

    /// Ends, and forgets what it has cached.
    fn stop(&mut self) -> Result<()>;

    /// Returns when it knows the whole tree, where it tells.
    fn wait_listed(&self) -> Result<()> {
        Ok(())
    }

    /// Whether `fsync` returns only when the bucket has the content.
    fn syncs(&self) -> bool {
        true
    }

    /// Whether files are in a bucket under their names.
    fn has_plain_objects(&self) -> bool {
        true
    }

    /// The most memory that its processes had since the start, in bytes.
    fn peak_memory(&self) -> Option<u64> {
        None
    }

    /// Where its files are; `None`: in memory alone.
    fn ground(&self) -> Option<&Ground>;
}

/// Makes a contestant's host, stopped, with an empty bucket. `durable`: in the
/// configuration in which closing a file brings it to the bucket, where there
/// are two.
pub(crate) fn make(contestant: Contestant, server: &Arc<Server>, memory: u64, durable: bool) -> Result<Box<dyn Host>> {
    let ground = || Ground::new(server);
    Ok(match contestant {
        Contestant::LarderAsync => Box::new(Larder::new(ground()?, larder_s3::WriteMode::Async, memory)?),
        Contestant::LarderThrough => Box::new(Larder::new(ground()?, larder_s3::WriteMode::Through, memory)?),
        Contestant::S3fs => Box::new(s3fs::S3fs::new(ground()?)?),
        Contestant::Rclone => Box::new(rclone::Rclone::new(ground()?, durable)?),
        Contestant::JuiceFs => Box::new(juicefs::JuiceFs::new(ground()?)?),
        Contestant::Memory => Box::new(memory::Memory::default()),
        Contestant::Requests => bail!("plain requests have no files"),
    })
}

/// A peer's program: named by the variable that `tests/tools-peers` prints, or
/// found in the `PATH`.
fn program(variable: &str, name: &str) -> std::ffi::OsString {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}
