//! The guest of the behavioural suite (`tests/suite`): it carries out what the
//! host tells it through its own `wasi:filesystem` 0.2.

mod content;
mod convert;
mod slots;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Advice, Descriptor, DescriptorFlags, DirectoryEntryStream, OpenFlags};

use convert::{attributes, code, follow, hash, kind, time};
use exports::larder::test::puppet::{Attributes, Code, Entry, Guest, Hash, Kind, SetTime, Slot};
use slots::Slots;

wit_bindgen::generate!({ path: "wit", world: "puppet-guest" });

struct Puppet;

export!(Puppet);

thread_local! {
    static OPEN: Slots<Descriptor> = const { Slots::new() };
    static LISTINGS: Slots<DirectoryEntryStream> = const { Slots::new() };
}

fn on<R>(slot: Slot, action: impl FnOnce(&Descriptor) -> R) -> R {
    action(&OPEN.with(|open| open.get(slot)))
}

fn on_both<R>(one: Slot, other: Slot, action: impl FnOnce(&Descriptor, &Descriptor) -> R) -> R {
    on(one, |one| on(other, |other| action(one, other)))
}

fn keep(descriptor: Descriptor) -> Slot {
    OPEN.with(|open| open.insert(descriptor))
}

impl Guest for Puppet {
    fn use_streams(yes: bool) {
        content::use_streams(yes);
    }

    fn root(path: String) -> Slot {
        let found = get_directories().into_iter().find(|(_, mounted)| *mounted == path);
        keep(found.expect("nothing is mounted there").0)
    }

    fn close(slot: Slot) {
        OPEN.with(|open| open.close(slot));
    }

    fn open_at(at: Slot, followed: bool, path: String, open: u8, flags: u8) -> Result<Slot, Code> {
        let open = OpenFlags::from_bits_retain(open);
        let flags = DescriptorFlags::from_bits_retain(flags);
        on(at, |at| at.open_at(follow(followed), &path, open, flags)).map(keep).map_err(code)
    }

    fn get_flags(of: Slot) -> Result<u8, Code> {
        on(of, Descriptor::get_flags).map(|flags| flags.bits()).map_err(code)
    }

    fn get_type(of: Slot) -> Result<Kind, Code> {
        on(of, Descriptor::get_type).map(kind).map_err(code)
    }

    fn read(from: Slot, offset: u64, length: u32) -> Result<Vec<u8>, Code> {
        on(from, |from| content::read(from, offset, length)).map_err(code)
    }

    fn write(to: Slot, offset: u64, data: Vec<u8>) -> Result<(), Code> {
        on(to, |to| content::write(to, offset, &data)).map_err(code)
    }

    fn append(to: Slot, data: Vec<u8>) -> Result<(), Code> {
        on(to, |to| content::append(to, &data)).map_err(code)
    }

    fn set_size(of: Slot, size: u64) -> Result<(), Code> {
        on(of, |of| of.set_size(size)).map_err(code)
    }

    fn stat(of: Slot) -> Result<Attributes, Code> {
        on(of, Descriptor::stat).map(attributes).map_err(code)
    }

    fn stat_at(at: Slot, followed: bool, path: String) -> Result<Attributes, Code> {
        on(at, |at| at.stat_at(follow(followed), &path)).map(attributes).map_err(code)
    }

    fn set_times(of: Slot, accessed: SetTime, modified: SetTime) -> Result<(), Code> {
        on(of, |of| of.set_times(time(accessed), time(modified))).map_err(code)
    }

    fn set_times_at(at: Slot, followed: bool, path: String, accessed: SetTime, modified: SetTime) -> Result<(), Code> {
        on(at, |at| at.set_times_at(follow(followed), &path, time(accessed), time(modified))).map_err(code)
    }

    fn create_directory_at(at: Slot, path: String) -> Result<(), Code> {
        on(at, |at| at.create_directory_at(&path)).map_err(code)
    }

    fn remove_directory_at(at: Slot, path: String) -> Result<(), Code> {
        on(at, |at| at.remove_directory_at(&path)).map_err(code)
    }

    fn unlink_file_at(at: Slot, path: String) -> Result<(), Code> {
        on(at, |at| at.unlink_file_at(&path)).map_err(code)
    }

    fn rename_at(at: Slot, path: String, to: Slot, new_path: String) -> Result<(), Code> {
        on_both(at, to, |at, to| at.rename_at(&path, to, &new_path)).map_err(code)
    }

    fn link_at(at: Slot, followed: bool, path: String, to: Slot, new_path: String) -> Result<(), Code> {
        on_both(at, to, |at, to| at.link_at(follow(followed), &path, to, &new_path)).map_err(code)
    }

    fn symlink_at(at: Slot, target: String, path: String) -> Result<(), Code> {
        on(at, |at| at.symlink_at(&target, &path)).map_err(code)
    }

    fn readlink_at(at: Slot, path: String) -> Result<String, Code> {
        on(at, |at| at.readlink_at(&path)).map_err(code)
    }

    fn read_directory(of: Slot) -> Result<Slot, Code> {
        let listing = on(of, Descriptor::read_directory).map_err(code)?;
        Ok(LISTINGS.with(|listings| listings.insert(listing)))
    }

    fn next_entry(listing: Slot) -> Result<Option<Entry>, Code> {
        let entry = LISTINGS.with(|listings| listings.get(listing)).read_directory_entry().map_err(code)?;
        Ok(entry.map(|entry| Entry { name: entry.name, kind: kind(entry.type_) }))
    }

    fn close_listing(listing: Slot) {
        LISTINGS.with(|listings| listings.close(listing));
    }

    fn is_same_object(one: Slot, other: Slot) -> bool {
        on_both(one, other, Descriptor::is_same_object)
    }

    fn metadata_hash(of: Slot) -> Result<Hash, Code> {
        on(of, Descriptor::metadata_hash).map(hash).map_err(code)
    }

    fn metadata_hash_at(at: Slot, followed: bool, path: String) -> Result<Hash, Code> {
        on(at, |at| at.metadata_hash_at(follow(followed), &path)).map(hash).map_err(code)
    }

    fn sync(of: Slot) -> Result<(), Code> {
        on(of, Descriptor::sync).map_err(code)
    }

    fn sync_data(of: Slot) -> Result<(), Code> {
        on(of, Descriptor::sync_data).map_err(code)
    }

    fn advise(of: Slot, offset: u64, length: u64) -> Result<(), Code> {
        on(of, |of| of.advise(offset, length, Advice::Normal)).map_err(code)
    }
}
