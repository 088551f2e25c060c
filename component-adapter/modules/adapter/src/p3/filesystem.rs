//! `wasi:filesystem`.

use larder_core::{Descriptor as Core, DescriptorFlags};
use larder_engine::file::{Listing, OpenFile, Place};
use wit_bindgen::rt::async_support::{FutureReader, StreamReader};

use super::bindings::exports::wasi::filesystem::preopens;
use super::bindings::exports::wasi::filesystem::types::{
    self, Advice, Descriptor as Handle, DescriptorBorrow, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    Filesize, GuestDescriptor, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use super::{Adapter, convert, now, pump};

type Result<T> = core::result::Result<T, ErrorCode>;

impl types::Guest for Adapter {
    type Descriptor = OpenFile;
}

impl preopens::Guest for Adapter {
    /// An app whose directories can't be opened has none: the WIT has no error
    /// here.
    fn get_directories() -> Vec<(Handle, String)> {
        let roots = OpenFile::roots(now).unwrap_or_default();
        roots.into_iter().map(|(root, path)| (Handle::new(root), path.to_owned())).collect()
    }
}

/// The answer in the terms of WASI.
fn answer<T>(result: larder_core::Result<T>) -> Result<T> {
    result.map_err(|error| convert::error(&error))
}

fn hash(hash: larder_core::MetadataHash) -> MetadataHashValue {
    MetadataHashValue { lower: hash.lower, upper: hash.upper }
}

/// A call that needs no memory to speak of.
fn on<T>(file: &OpenFile, call: impl FnOnce(&Core) -> larder_core::Result<T>) -> Result<T> {
    answer(file.get().and_then(call))
}

/// A call that adds a name.
fn adding(file: &OpenFile, operation: &'static str, call: impl FnOnce(&Core) -> larder_core::Result<()>) -> Result<()> {
    answer(file.for_names(operation).and_then(call))
}

impl GuestDescriptor for OpenFile {
    fn read_via_stream(&self, offset: Filesize) -> (StreamReader<u8>, FutureReader<Result<()>>) {
        let file = pump::duplicate(self, DescriptorFlags::READ, "read-via-stream");
        if file.is_ok() {
            self.touch(now);
        }
        pump::read(file, offset)
    }

    fn write_via_stream(&self, data: StreamReader<u8>, offset: Filesize) -> FutureReader<Result<()>> {
        let file = pump::duplicate(self, DescriptorFlags::WRITE, "write-via-stream");
        pump::write(&data, file, Place::At(offset))
    }

    fn append_via_stream(&self, data: StreamReader<u8>) -> FutureReader<Result<()>> {
        let file = pump::duplicate(self, DescriptorFlags::WRITE, "append-via-stream");
        pump::write(&data, file, Place::End)
    }

    fn read_directory(&self) -> (StreamReader<DirectoryEntry>, FutureReader<Result<()>>) {
        pump::list(Listing::open(self))
    }

    async fn advise(&self, offset: Filesize, length: Filesize, _: Advice) -> Result<()> {
        on(self, |file| file.advise(offset, length))
    }

    async fn sync_data(&self) -> Result<()> {
        on(self, Core::sync_data)
    }

    async fn get_flags(&self) -> Result<types::DescriptorFlags> {
        on(self, |file| Ok(convert::wasi_descriptor_flags(file.flags())))
    }

    async fn get_type(&self) -> Result<DescriptorType> {
        on(self, |file| Ok(convert::kind(file.file_type())))
    }

    async fn set_size(&self, size: Filesize) -> Result<()> {
        on(self, |file| file.set_size(now(), size))
    }

    async fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed), convert::set_time(modified));
        on(self, |file| file.set_times(now(), accessed, modified))
    }

    async fn sync(&self) -> Result<()> {
        on(self, Core::sync)
    }

    async fn create_directory_at(&self, path: String) -> Result<()> {
        adding(self, "create-directory", |file| file.create_directory_at(now(), &path))
    }

    async fn stat(&self) -> Result<DescriptorStat> {
        on(self, |file| Ok(convert::stat(&file.stat()?)))
    }

    async fn stat_at(&self, flags: PathFlags, path: String) -> Result<DescriptorStat> {
        on(self, |file| Ok(convert::stat(&file.stat_at(convert::follow(flags), &path)?)))
    }

    async fn set_times_at(
        &self,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed), convert::set_time(modified));
        on(self, |file| file.set_times_at(now(), convert::follow(flags), &path, accessed, modified))
    }

    async fn link_at(&self, flags: PathFlags, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        let follow = convert::follow(flags);
        adding(self, "link", |file| file.link_at(now(), follow, &path, to.get::<Self>().get()?, &to_path))
    }

    async fn open_at(
        &self,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Result<Handle> {
        let (open_flags, flags) = (convert::open_flags(open_flags), convert::descriptor_flags(flags));
        let opened = OpenFile::open_at(self, now, convert::follow(path_flags), &path, open_flags, flags);
        answer(opened).map(Handle::new)
    }

    async fn readlink_at(&self, path: String) -> Result<String> {
        on(self, |file| Ok((*file.readlink_at(&path)?).to_owned()))
    }

    async fn remove_directory_at(&self, path: String) -> Result<()> {
        on(self, |file| file.remove_directory_at(now(), &path))
    }

    async fn rename_at(&self, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        adding(self, "rename", |file| file.rename_at(now(), &path, to.get::<Self>().get()?, &to_path))
    }

    async fn symlink_at(&self, target: String, path: String) -> Result<()> {
        adding(self, "symlink", |file| file.symlink_at(now(), &target, &path))
    }

    async fn unlink_file_at(&self, path: String) -> Result<()> {
        on(self, |file| file.unlink_file_at(now(), &path))
    }

    /// With a damaged image nothing can be told to be the same.
    async fn is_same_object(&self, other: DescriptorBorrow<'_>) -> bool {
        let both = (self.get(), other.get::<Self>().get());
        matches!(both, (Ok(file), Ok(other)) if file.is_same_object(other))
    }

    async fn metadata_hash(&self) -> Result<MetadataHashValue> {
        on(self, |file| Ok(hash(file.metadata_hash())))
    }

    async fn metadata_hash_at(&self, flags: PathFlags, path: String) -> Result<MetadataHashValue> {
        on(self, |file| file.metadata_hash_at(convert::follow(flags), &path).map(hash))
    }
}
