//! `wasi:filesystem`.

use super::bindings::exports::wasi::filesystem::preopens;
use super::bindings::exports::wasi::filesystem::types::{
    self, Advice, Descriptor as Handle, DescriptorBorrow, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorBorrow, ErrorCode, Filesize, GuestDescriptor, GuestDirectoryEntryStream, InputStream,
    MetadataHashValue, NewTimestamp, OpenFlags, OutputStream, PathFlags,
};
use super::convert;
use super::error::Error;
use super::streams::{Input, Output};
use super::{Adapter, now};
use crate::file::{Listing, OpenFile, Place};
use crate::limits::MAX_READ;

type Result<T> = core::result::Result<T, ErrorCode>;

impl types::Guest for Adapter {
    type Descriptor = OpenFile;
    type DirectoryEntryStream = Listing;

    fn filesystem_error_code(error: ErrorBorrow<'_>) -> Option<ErrorCode> {
        error.get::<Error>().filesystem_code()
    }
}

impl preopens::Guest for Adapter {
    fn get_directories() -> Vec<(Handle, String)> {
        let directories = crate::store::directories(now);
        directories.into_iter().map(|(directory, path)| (Handle::new(OpenFile::new(directory)), path)).collect()
    }
}

/// The answer in the terms of WASI.
fn answer<T>(result: larder_core::Result<T>) -> Result<T> {
    result.map_err(|error| convert::error(&error))
}

fn hash(hash: larder_core::MetadataHash) -> MetadataHashValue {
    MetadataHashValue { lower: hash.lower, upper: hash.upper }
}

impl OpenFile {
    fn output(&self, place: Place, operation: &'static str) -> Result<OutputStream> {
        answer(self.writer(place, operation)).map(|writer| OutputStream::new(Output::file(writer)))
    }
}

impl GuestDescriptor for OpenFile {
    fn read_via_stream(&self, offset: Filesize) -> Result<InputStream> {
        let reader = answer(self.reader(offset))?;
        self.touch(now);
        Ok(InputStream::new(Input::file(reader)))
    }

    fn write_via_stream(&self, offset: Filesize) -> Result<OutputStream> {
        self.output(Place::At(offset), "write-via-stream")
    }

    fn append_via_stream(&self) -> Result<OutputStream> {
        self.output(Place::End, "append-via-stream")
    }

    fn advise(&self, offset: Filesize, length: Filesize, _: Advice) -> Result<()> {
        answer(self.file().advise(offset, length))
    }

    fn sync_data(&self) -> Result<()> {
        answer(self.file().sync_data())
    }

    fn get_flags(&self) -> Result<types::DescriptorFlags> {
        Ok(convert::wasi_descriptor_flags(self.file().flags()))
    }

    fn get_type(&self) -> Result<DescriptorType> {
        Ok(convert::kind(self.file().file_type()))
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        answer(self.file().set_size(now(), size))
    }

    fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed)?, convert::set_time(modified)?);
        answer(self.file().set_times(now(), accessed, modified))
    }

    fn read(&self, length: Filesize, offset: Filesize) -> Result<(Vec<u8>, bool)> {
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let data = answer(self.read_at(offset, length))?;
        self.touch(now);
        let at_end = data.len() < length;
        Ok((data, at_end))
    }

    fn write(&self, data: Vec<u8>, offset: Filesize) -> Result<Filesize> {
        answer(self.file().write(now(), offset, &data)).map(|written| written as Filesize)
    }

    fn read_directory(&self) -> Result<DirectoryEntryStream> {
        answer(Listing::open(self.file())).map(DirectoryEntryStream::new)
    }

    fn sync(&self) -> Result<()> {
        answer(self.file().sync())
    }

    fn create_directory_at(&self, path: String) -> Result<()> {
        answer(self.file().create_directory_at(now(), &path))
    }

    fn stat(&self) -> Result<DescriptorStat> {
        answer(self.file().stat()).map(|attributes| convert::stat(&attributes))
    }

    fn stat_at(&self, flags: PathFlags, path: String) -> Result<DescriptorStat> {
        answer(self.file().stat_at(convert::follow(flags), &path)).map(|attributes| convert::stat(&attributes))
    }

    fn set_times_at(
        &self,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed)?, convert::set_time(modified)?);
        answer(self.file().set_times_at(now(), convert::follow(flags), &path, accessed, modified))
    }

    fn link_at(&self, flags: PathFlags, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        let to = to.get::<OpenFile>().file();
        answer(self.file().link_at(now(), convert::follow(flags), &path, to, &to_path))
    }

    fn open_at(
        &self,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Result<Handle> {
        let (open_flags, flags) = (convert::open_flags(open_flags), convert::descriptor_flags(flags));
        let opened = self.file().open_at(now(), convert::follow(path_flags), &path, open_flags, flags);
        answer(opened).map(|file| Handle::new(OpenFile::new(file)))
    }

    fn readlink_at(&self, path: String) -> Result<String> {
        answer(self.file().readlink_at(&path)).map(|target| (*target).to_owned())
    }

    fn remove_directory_at(&self, path: String) -> Result<()> {
        answer(self.file().remove_directory_at(now(), &path))
    }

    fn rename_at(&self, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        answer(self.file().rename_at(now(), &path, to.get::<OpenFile>().file(), &to_path))
    }

    fn symlink_at(&self, target: String, path: String) -> Result<()> {
        answer(self.file().symlink_at(now(), &target, &path))
    }

    fn unlink_file_at(&self, path: String) -> Result<()> {
        answer(self.file().unlink_file_at(now(), &path))
    }

    fn is_same_object(&self, other: DescriptorBorrow<'_>) -> bool {
        self.file().is_same_object(other.get::<OpenFile>().file())
    }

    fn metadata_hash(&self) -> Result<MetadataHashValue> {
        Ok(hash(self.file().metadata_hash()))
    }

    fn metadata_hash_at(&self, flags: PathFlags, path: String) -> Result<MetadataHashValue> {
        answer(self.file().metadata_hash_at(convert::follow(flags), &path)).map(hash)
    }
}

impl GuestDirectoryEntryStream for Listing {
    fn read_directory_entry(&self) -> Result<Option<DirectoryEntry>> {
        let entry = answer(self.next())?;
        Ok(entry.map(|entry| DirectoryEntry { type_: convert::kind(entry.file_type), name: (*entry.name).to_owned() }))
    }
}
