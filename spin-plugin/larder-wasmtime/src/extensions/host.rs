//! The functions of the interfaces.

use larder_core::{
    Descriptor, DescriptorFlags, Error, ErrorCode, Follow, OpenFlags, Result, Usage, Volume, path_below,
};

use super::Extensions;
use super::bindings::larder::fs::{changes, locks, statistics};
use crate::abi::error_codes;

impl Extensions<'_> {
    /// The volume that is mounted at or above an absolute path.
    fn volume(&self, path: &str) -> Option<&Volume> {
        let mounts = self.ctx.mounts().filter(|(_, mount)| path_below(mount, path).is_some());
        mounts.max_by_key(|(_, mount)| mount.len()).map(|(view, _)| &**view.volume())
    }

    /// The root of the mount at or above an absolute path, and what is below it.
    fn find<'p>(&mut self, path: &'p str) -> Result<(Descriptor, &'p str)> {
        let mounts = self.ctx.mounts.iter_mut();
        let found = mounts.filter_map(|mount| path_below(&mount.guest_path, path).map(|rest| (mount, rest)));
        let found = found.max_by_key(|(mount, _)| mount.guest_path.len());
        let (mount, rest) = found.ok_or_else(|| Error::new(ErrorCode::NoEntry, "find-mount").at(path))?;
        Ok((mount.open()?, rest))
    }
}

fn charges(volume: &Volume, usage: Usage) -> statistics::Charges {
    let limits = volume.limits();
    statistics::Charges {
        bytes: usage.bytes,
        inodes: usage.inodes,
        open_handles: usage.open_handles,
        limit_bytes: limits.bytes,
        limit_inodes: limits.inodes,
        limit_open_handles: limits.open_handles,
    }
}

impl statistics::Host for Extensions<'_> {
    fn usage(&mut self, path: String) -> Option<statistics::Charges> {
        self.volume(&path).map(|volume| charges(volume, volume.usage()))
    }

    fn recount(&mut self, path: String) -> Option<statistics::Charges> {
        self.volume(&path).map(|volume| charges(volume, volume.recount()))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn not_locked(error: Error) -> locks::ErrorCode {
    use locks::ErrorCode as Code;
    error_codes!(error.code() => Code { WouldBlock => WouldBlock })
}

impl locks::Host for Extensions<'_> {
    fn try_lock(&mut self, path: String, kind: locks::Kind) -> std::result::Result<locks::Lock, locks::ErrorCode> {
        let now = self.ctx.clock.now();
        let opened = self
            .find(&path)
            .and_then(|(root, rest)| root.open_at(now, Follow::Yes, rest, OpenFlags::empty(), DescriptorFlags::READ));
        let locked = opened.and_then(|file| self.ctx.locks.lock(now, file, kind == locks::Kind::Shared));
        locked.map(|(id, token)| locks::Lock { id, token }).map_err(not_locked)
    }

    fn unlock(&mut self, id: u64) -> std::result::Result<(), locks::ErrorCode> {
        self.ctx.locks.unlock(id).map_err(not_locked)
    }
}

impl changes::Host for Extensions<'_> {
    fn version(&mut self, path: String) -> std::result::Result<u64, changes::ErrorCode> {
        use changes::ErrorCode as Code;
        let version = self.find(&path).and_then(|(root, rest)| root.stat_at(Follow::Yes, rest));
        let code = |code: ErrorCode| error_codes!(code => Code { WouldBlock => WouldBlock });
        version.map(|attributes| attributes.version).map_err(|error| code(error.code()))
    }
}
