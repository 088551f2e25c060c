//! The puppet for WASI 0.3: the same operations with asynchronous calls, and
//! with component-model streams for content and listings.

mod code;
mod content;
mod convert;
mod listing;
#[path = "../../puppet/src/slots.rs"]
mod slots;

use std::rc::Rc;

use wasip3::filesystem::preopens::get_directories;
use wasip3::filesystem::types::{Advice, Descriptor, DescriptorFlags, OpenFlags};
use wasip3::wit_bindgen;

use code::code;
use convert::{attributes, follow, hash, kind, time};
use exports::larder::test::puppet::{Attributes, Code, Entry, Guest, Hash, Kind, SetTime, Slot};
use listing::Listing;
use slots::Slots;

wit_bindgen::generate!({
    path: "wit",
    world: "puppet-guest",
    runtime_path: "wasip3::wit_bindgen::rt",
});

struct Puppet;

export!(Puppet);

thread_local! {
    static OPEN: Slots<Descriptor> = const { Slots::new() };
    static LISTINGS: Slots<Listing> = const { Slots::new() };
}

fn get(slot: Slot) -> Rc<Descriptor> {
    OPEN.with(|open| open.get(slot))
}

fn keep(descriptor: Descriptor) -> Slot {
    OPEN.with(|open| open.insert(descriptor))
}

impl Guest for Puppet {
    async fn root(path: String) -> Slot {
        let found = get_directories().into_iter().find(|(_, mounted)| *mounted == path);
        keep(found.expect("nothing is mounted there").0)
    }

    async fn close(slot: Slot) {
        OPEN.with(|open| open.close(slot));
    }

    async fn open_at(at: Slot, followed: bool, path: String, open: u8, flags: u8) -> Result<Slot, Code> {
        let open = OpenFlags::from_bits_retain(open);
        let flags = DescriptorFlags::from_bits_retain(flags);
        get(at).open_at(follow(followed), path, open, flags).await.map(keep).map_err(code)
    }

    async fn get_flags(of: Slot) -> Result<u8, Code> {
        get(of).get_flags().await.map(|flags| flags.bits()).map_err(code)
    }

    async fn get_type(of: Slot) -> Result<Kind, Code> {
        get(of).get_type().await.map(kind).map_err(code)
    }

    async fn read(from: Slot, offset: u64, length: u32) -> Result<Vec<u8>, Code> {
        content::read(&get(from), offset, length as usize).await.map_err(code)
    }

    async fn write(to: Slot, offset: u64, data: Vec<u8>) -> Result<(), Code> {
        let to = get(to);
        content::write(data, |stream| to.write_via_stream(stream, offset)).await.map_err(code)
    }

    async fn append(to: Slot, data: Vec<u8>) -> Result<(), Code> {
        let to = get(to);
        content::write(data, |stream| to.append_via_stream(stream)).await.map_err(code)
    }

    async fn set_size(of: Slot, size: u64) -> Result<(), Code> {
        get(of).set_size(size).await.map_err(code)
    }

    async fn stat(of: Slot) -> Result<Attributes, Code> {
        get(of).stat().await.map(attributes).map_err(code)
    }

    async fn stat_at(at: Slot, followed: bool, path: String) -> Result<Attributes, Code> {
        get(at).stat_at(follow(followed), path).await.map(attributes).map_err(code)
    }

    async fn set_times(of: Slot, accessed: SetTime, modified: SetTime) -> Result<(), Code> {
        get(of).set_times(time(accessed), time(modified)).await.map_err(code)
    }

    async fn set_times_at(
        at: Slot,
        followed: bool,
        path: String,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<(), Code> {
        get(at).set_times_at(follow(followed), path, time(accessed), time(modified)).await.map_err(code)
    }

    async fn create_directory_at(at: Slot, path: String) -> Result<(), Code> {
        get(at).create_directory_at(path).await.map_err(code)
    }

    async fn remove_directory_at(at: Slot, path: String) -> Result<(), Code> {
        get(at).remove_directory_at(path).await.map_err(code)
    }

    async fn unlink_file_at(at: Slot, path: String) -> Result<(), Code> {
        get(at).unlink_file_at(path).await.map_err(code)
    }

    async fn rename_at(at: Slot, path: String, to: Slot, new_path: String) -> Result<(), Code> {
        get(at).rename_at(path, &get(to), new_path).await.map_err(code)
    }

    async fn link_at(at: Slot, followed: bool, path: String, to: Slot, new_path: String) -> Result<(), Code> {
        get(at).link_at(follow(followed), path, &get(to), new_path).await.map_err(code)
    }

    async fn symlink_at(at: Slot, target: String, path: String) -> Result<(), Code> {
        get(at).symlink_at(target, path).await.map_err(code)
    }

    async fn readlink_at(at: Slot, path: String) -> Result<String, Code> {
        get(at).readlink_at(path).await.map_err(code)
    }

    async fn read_directory(of: Slot) -> Result<Slot, Code> {
        let listing = Listing::of(&get(of)).await.map_err(code)?;
        Ok(LISTINGS.with(|listings| listings.insert(listing)))
    }

    async fn next_entry(listing: Slot) -> Result<Option<Entry>, Code> {
        let listing = LISTINGS.with(|listings| listings.get(listing));
        let entry = listing.next().await.map_err(code)?;
        Ok(entry.map(|entry| Entry { name: entry.name, kind: kind(entry.type_) }))
    }

    async fn close_listing(listing: Slot) {
        LISTINGS.with(|listings| listings.close(listing));
    }

    async fn is_same_object(one: Slot, other: Slot) -> bool {
        get(one).is_same_object(&get(other)).await
    }

    async fn metadata_hash(of: Slot) -> Result<Hash, Code> {
        get(of).metadata_hash().await.map(hash).map_err(code)
    }

    async fn metadata_hash_at(at: Slot, followed: bool, path: String) -> Result<Hash, Code> {
        get(at).metadata_hash_at(follow(followed), path).await.map(hash).map_err(code)
    }

    async fn sync(of: Slot) -> Result<(), Code> {
        get(of).sync().await.map_err(code)
    }

    async fn sync_data(of: Slot) -> Result<(), Code> {
        get(of).sync_data().await.map_err(code)
    }

    async fn advise(of: Slot, offset: u64, length: u64) -> Result<(), Code> {
        get(of).advise(offset, length, Advice::Normal).await.map_err(code)
    }
}
