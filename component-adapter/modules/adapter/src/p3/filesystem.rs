//! `wasi:filesystem`.

use wit_bindgen::rt::async_support::{FutureReader, StreamReader};

use super::bindings::exports::wasi::filesystem::preopens;
use super::bindings::exports::wasi::filesystem::types::{
    self, Advice, Descriptor as Handle, DescriptorBorrow, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    Filesize, GuestDescriptor, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use super::{Adapter, convert, now, pump};
use crate::file::{Listing, OpenFile, Place};

type Result<T> = core::result::Result<T, ErrorCode>;

/// An open file or directory.
pub(super) struct Descriptor(OpenFile);

impl types::Guest for Adapter {
    type Descriptor = Descriptor;
}

impl preopens::Guest for Adapter {
    fn get_directories() -> Vec<(Handle, String)> {
        let directories = crate::store::directories(now);
        let opened = directories.into_iter();
        opened.map(|(directory, path)| (Handle::new(Descriptor(OpenFile::new(directory))), path)).collect()
    }
}

/// The answer in the terms of WASI.
fn answer<T>(result: larder_core::Result<T>) -> Result<T> {
    result.map_err(|error| convert::error(&error))
}

fn hash(hash: larder_core::MetadataHash) -> MetadataHashValue {
    MetadataHashValue { lower: hash.lower, upper: hash.upper }
}

impl Descriptor {
    fn file(&self) -> &larder_core::Descriptor {
        self.0.file()
    }

    fn write(&self, data: &StreamReader<u8>, place: Place, operation: &'static str) -> FutureReader<Result<()>> {
        pump::write(data, pump::duplicate(self.file(), larder_core::DescriptorFlags::WRITE, operation), place)
    }
}

impl GuestDescriptor for Descriptor {
    fn read_via_stream(&self, offset: Filesize) -> (StreamReader<u8>, FutureReader<Result<()>>) {
        let file = pump::duplicate(self.file(), larder_core::DescriptorFlags::READ, "read-via-stream");
        if file.is_ok() {
            self.0.touch(now);
        }
        pump::read(file, offset)
    }

    fn write_via_stream(&self, data: StreamReader<u8>, offset: Filesize) -> FutureReader<Result<()>> {
        self.write(&data, Place::At(offset), "write-via-stream")
    }

    fn append_via_stream(&self, data: StreamReader<u8>) -> FutureReader<Result<()>> {
        self.write(&data, Place::End, "append-via-stream")
    }

    fn read_directory(&self) -> (StreamReader<DirectoryEntry>, FutureReader<Result<()>>) {
        pump::list(Listing::open(self.file()))
    }

    async fn advise(&self, offset: Filesize, length: Filesize, _: Advice) -> Result<()> {
        answer(self.file().advise(offset, length))
    }

    async fn sync_data(&self) -> Result<()> {
        answer(self.file().sync_data())
    }

    async fn get_flags(&self) -> Result<types::DescriptorFlags> {
        Ok(convert::wasi_descriptor_flags(self.file().flags()))
    }

    async fn get_type(&self) -> Result<DescriptorType> {
        Ok(convert::kind(self.file().file_type()))
    }

    async fn set_size(&self, size: Filesize) -> Result<()> {
        answer(self.file().set_size(now(), size))
    }

    async fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<()> {
        answer(self.file().set_times(now(), convert::set_time(accessed), convert::set_time(modified)))
    }

    async fn sync(&self) -> Result<()> {
        answer(self.file().sync())
    }

    async fn create_directory_at(&self, path: String) -> Result<()> {
        answer(self.file().create_directory_at(now(), &path))
    }

    async fn stat(&self) -> Result<DescriptorStat> {
        answer(self.file().stat()).map(|attributes| convert::stat(&attributes))
    }

    async fn stat_at(&self, flags: PathFlags, path: String) -> Result<DescriptorStat> {
        answer(self.file().stat_at(convert::follow(flags), &path)).map(|attributes| convert::stat(&attributes))
    }

    async fn set_times_at(
        &self,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed), convert::set_time(modified));
        answer(self.file().set_times_at(now(), convert::follow(flags), &path, accessed, modified))
    }

    async fn link_at(&self, flags: PathFlags, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        let to = to.get::<Self>().file();
        answer(self.file().link_at(now(), convert::follow(flags), &path, to, &to_path))
    }

    async fn open_at(
        &self,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Result<Handle> {
        let (open_flags, flags) = (convert::open_flags(open_flags), convert::descriptor_flags(flags));
        let opened = self.file().open_at(now(), convert::follow(path_flags), &path, open_flags, flags);
        answer(opened).map(|file| Handle::new(Self(OpenFile::new(file))))
    }

    async fn readlink_at(&self, path: String) -> Result<String> {
        answer(self.file().readlink_at(&path)).map(|target| (*target).to_owned())
    }

    async fn remove_directory_at(&self, path: String) -> Result<()> {
        answer(self.file().remove_directory_at(now(), &path))
    }

    async fn rename_at(&self, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        answer(self.file().rename_at(now(), &path, to.get::<Self>().file(), &to_path))
    }

    async fn symlink_at(&self, target: String, path: String) -> Result<()> {
        answer(self.file().symlink_at(now(), &target, &path))
    }

    async fn unlink_file_at(&self, path: String) -> Result<()> {
        answer(self.file().unlink_file_at(now(), &path))
    }

    async fn is_same_object(&self, other: DescriptorBorrow<'_>) -> bool {
        self.file().is_same_object(other.get::<Self>().file())
    }

    async fn metadata_hash(&self) -> Result<MetadataHashValue> {
        Ok(hash(self.file().metadata_hash()))
    }

    async fn metadata_hash_at(&self, flags: PathFlags, path: String) -> Result<MetadataHashValue> {
        answer(self.file().metadata_hash_at(convert::follow(flags), &path)).map(hash)
    }
}
