//! The guest's own WASI 0.3 as a form: a case waits for each call, so that
//! only the streams within one call go on beside it.

use larder_core::{DescriptorFlags, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};
use larder_suite::{Entry, Form, Mount, Result, START, Set, Stat, next_set};
use suite_guest::{clock, volumes};
use wasip3::filesystem::preopens::get_directories;
use wasip3::filesystem::types::{Advice, Descriptor};
use wasip3::wit_bindgen::block_on;

use crate::content;
use crate::convert::{coded, file_type, followed, from_wasi, open_flags, set_time, stat, to_wasi};
use crate::listing::Listing;

/// A guest over volumes that nobody used before in this instance.
pub struct Wasi03 {
    set: Set,
}

impl Form for Wasi03 {
    type Descriptor = Descriptor;
    type Listing = Listing;
    const DAYS_PASS: bool = clock::DAYS_PASS;
    const TIMES_BEFORE_1970: bool = true;

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
        coded(block_on(at.open_at(followed(follow), path.to_owned(), open_flags(open), to_wasi(flags))))
    }

    fn get_flags(&self, of: &Descriptor) -> Result<DescriptorFlags> {
        coded(block_on(of.get_flags())).map(from_wasi)
    }

    fn get_type(&self, of: &Descriptor) -> Result<FileType> {
        coded(block_on(of.get_type())).map(file_type)
    }

    fn read(&self, from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>> {
        coded(block_on(content::read(from, offset, length)))
    }

    fn write(&self, to: &Descriptor, offset: u64, data: &[u8]) -> Result<()> {
        coded(block_on(content::write(data.to_vec(), |stream| to.write_via_stream(stream, offset))))
    }

    fn append(&self, to: &Descriptor, data: &[u8]) -> Result<()> {
        coded(block_on(content::write(data.to_vec(), |stream| to.append_via_stream(stream))))
    }

    fn set_size(&self, of: &Descriptor, size: u64) -> Result<()> {
        coded(block_on(of.set_size(size)))
    }

    fn stat(&self, of: &Descriptor) -> Result<Stat> {
        coded(block_on(of.stat())).map(stat).map(clock::shown)
    }

    fn stat_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<Stat> {
        coded(block_on(at.stat_at(followed(follow), path.to_owned()))).map(stat).map(clock::shown)
    }

    fn set_times(&self, of: &Descriptor, accessed: SetTime, modified: SetTime) -> Result<()> {
        coded(block_on(of.set_times(set_time(accessed), set_time(modified))))
    }

    fn set_times_at(
        &self,
        at: &Descriptor,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        coded(block_on(at.set_times_at(followed(follow), path.to_owned(), set_time(accessed), set_time(modified))))
    }

    fn create_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(block_on(at.create_directory_at(path.to_owned())))
    }

    fn remove_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(block_on(at.remove_directory_at(path.to_owned())))
    }

    fn unlink_file_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        coded(block_on(at.unlink_file_at(path.to_owned())))
    }

    fn rename_at(&self, at: &Descriptor, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        coded(block_on(at.rename_at(path.to_owned(), to, new_path.to_owned())))
    }

    fn link_at(&self, at: &Descriptor, follow: Follow, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        coded(block_on(at.link_at(followed(follow), path.to_owned(), to, new_path.to_owned())))
    }

    fn symlink_at(&self, at: &Descriptor, target: &str, path: &str) -> Result<()> {
        coded(block_on(at.symlink_at(target.to_owned(), path.to_owned())))
    }

    fn readlink_at(&self, at: &Descriptor, path: &str) -> Result<String> {
        coded(block_on(at.readlink_at(path.to_owned())))
    }

    fn read_directory(&self, of: &Descriptor) -> Result<Listing> {
        coded(block_on(Listing::of(of)))
    }

    fn next_entry(&self, listing: &mut Listing) -> Result<Option<Entry>> {
        let entry = coded(block_on(listing.next()))?;
        Ok(entry.map(|entry| Entry { name: entry.name, file_type: file_type(entry.type_).into() }))
    }

    fn close_listing(&self, listing: Listing) {
        block_on(listing.close());
    }

    fn is_same_object(&self, one: &Descriptor, other: &Descriptor) -> bool {
        block_on(one.is_same_object(other))
    }

    fn metadata_hash(&self, of: &Descriptor) -> Result<(u64, u64)> {
        coded(block_on(of.metadata_hash())).map(|hash| (hash.lower, hash.upper))
    }

    fn metadata_hash_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<(u64, u64)> {
        coded(block_on(at.metadata_hash_at(followed(follow), path.to_owned()))).map(|hash| (hash.lower, hash.upper))
    }

    fn sync(&self, of: &Descriptor) -> Result<()> {
        coded(block_on(of.sync()))
    }

    fn sync_data(&self, of: &Descriptor) -> Result<()> {
        coded(block_on(of.sync_data()))
    }

    fn advise(&self, of: &Descriptor, offset: u64, length: u64) -> Result<()> {
        coded(block_on(of.advise(offset, length, Advice::Normal)))
    }
}
