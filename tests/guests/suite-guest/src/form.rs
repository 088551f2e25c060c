//! The guest's own WASI 0.2 as a form.

use larder_core::{DescriptorFlags, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};
use larder_suite::{Entry, Form, Mount, Result, START, Set, Stat, next_set};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Advice, Descriptor, DirectoryEntryStream};

use crate::content;
use crate::convert::{coded, file_type, followed, from_wasi, open_flags, set_time, stat, to_wasi};
use crate::{clock, volumes};

/// A guest over volumes that nobody used before in this instance.
pub struct Wasi02 {
    set: Set,
}

impl Form for Wasi02 {
    type Descriptor = Descriptor;
    type Listing = DirectoryEntryStream;
    const DAYS_PASS: bool = clock::DAYS_PASS;
    const TIMES_BEFORE_1970: bool = false;

    fn longest_path() -> usize {
        volumes::longest_path()
    }

    /// The volumes were made with the instance.
    fn start(limits: &Limits) -> Self {
        let form = Self { set: next_set(limits) };
        form.set_now(START);
        // The first look at the mounts opens their views, which count as
        // descriptors from then on.
        drop(get_directories());
        clock::begin(&form);
        form
    }

    /// A volume of a composed component belongs to one instance.
    fn another(&self) -> Option<Self> {
        None
    }

    fn set_now(&self, now: Timestamp) {
        clock::set_now(now);
    }

    fn usage(&self) -> Usage {
        volumes::usage(&self.set)
    }

    fn recount(&self) -> Usage {
        volumes::recount(&self.set)
    }

    fn mount_path(&self, mount: Mount) -> String {
        self.set.mount_path(mount)
    }

    fn root(&self, mount: Mount) -> Result<Descriptor> {
        let path = self.mount_path(mount);
        let found = get_directories().into_iter().find(|(_, mounted)| *mounted == path);
        Ok(found.unwrap_or_else(|| panic!("nothing is mounted at {path}")).0)
    }

    fn close(&self, descriptor: Descriptor) {
        drop(descriptor);
    }

    fn open_at(
        &self,
        at: &Descriptor,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor> {
        coded(at.open_at(followed(follow), path, open_flags(open), to_wasi(flags)))
    }

    fn get_flags(&self, of: &Descriptor) -> Result<DescriptorFlags> {
        coded(of.get_flags()).map(from_wasi)
    }

    fn get_type(&self, of: &Descriptor) -> Result<FileType> {
        coded(of.get_type()).map(file_type)
    }

    fn read(&self, from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>> {
        coded(content::read(from, offset, u32::try_from(length).expect("a case reads less")))
    }

    fn write(&self, to: &Descriptor, offset: u64, data: &[u8]) -> Result<()> {
        coded(content::write(to, offset, data))
    }

    fn append(&self, to: &Descriptor, data: &[u8]) -> Result<()> {
        coded(content::append(to, data))
    }

    fn set_size(&self, of: &Descriptor, size: u64) -> Result<()> {
        coded(of.set_size(size))
    }

    fn stat(&self, of: &Descriptor) -> Result<Stat> {
        coded(of.stat()).map(stat).map(clock::shown)
    }

    fn stat_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<Stat> {
        coded(at.stat_at(followed(follow), path)).map(stat).map(clock::shown)
    }

    fn set_times(&self, of: &Descriptor, accessed: SetTime, modified: SetTime) -> Result<()> {
        coded(of.set_times(set_time(accessed), set_time(modified)))
    }

    fn set_times_at(
        &self,
        at: &Descriptor,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        coded(at.set_times_at(followed(follow), path, set_time(accessed), set_time(modified)))
    }

    fn create_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(at.create_directory_at(path))
    }

    fn remove_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(at.remove_directory_at(path))
    }

    fn unlink_file_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(at.unlink_file_at(path))
    }

    fn rename_at(&self, at: &Descriptor, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        coded(at.rename_at(path, to, new_path))
    }

    fn link_at(&self, at: &Descriptor, follow: Follow, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        coded(at.link_at(followed(follow), path, to, new_path))
    }

    fn symlink_at(&self, at: &Descriptor, target: &str, path: &str) -> Result<()> {
        coded(at.symlink_at(target, path))
    }

    fn readlink_at(&self, at: &Descriptor, path: &str) -> Result<String> {
        coded(at.readlink_at(path))
    }

    fn read_directory(&self, of: &Descriptor) -> Result<DirectoryEntryStream> {
        coded(of.read_directory())
    }

    fn next_entry(&self, listing: &mut DirectoryEntryStream) -> Result<Option<Entry>> {
        let entry = coded(listing.read_directory_entry())?;
        Ok(entry.map(|entry| Entry { name: entry.name, file_type: file_type(entry.type_).into() }))
    }

    fn close_listing(&self, listing: DirectoryEntryStream) {
        drop(listing);
    }

    fn is_same_object(&self, one: &Descriptor, other: &Descriptor) -> bool {
        one.is_same_object(other)
    }

    fn metadata_hash(&self, of: &Descriptor) -> Result<(u64, u64)> {
        coded(of.metadata_hash()).map(|hash| (hash.lower, hash.upper))
    }

    fn metadata_hash_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<(u64, u64)> {
        coded(at.metadata_hash_at(followed(follow), path)).map(|hash| (hash.lower, hash.upper))
    }

    fn sync(&self, of: &Descriptor) -> Result<()> {
        coded(of.sync())
    }

    fn sync_data(&self, of: &Descriptor) -> Result<()> {
        coded(of.sync_data())
    }

    fn advise(&self, of: &Descriptor, offset: u64, length: u64) -> Result<()> {
        coded(of.advise(offset, length, Advice::Normal))
    }
}
