//! `wasi:filesystem`.

use larder_core::Descriptor as Core;
use larder_engine::file::{Listing, OpenFile, Place};
use larder_engine::headroom;
use larder_engine::limits::MAX_READ;

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

type Result<T> = core::result::Result<T, ErrorCode>;

impl types::Guest for Adapter {
    type Descriptor = OpenFile;
    type DirectoryEntryStream = Listing;

    fn filesystem_error_code(error: ErrorBorrow<'_>) -> Option<ErrorCode> {
        error.get::<Error>().filesystem_code()
    }
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

fn output(file: &OpenFile, place: Place) -> Result<OutputStream> {
    answer(file.writer(place)).map(|writer| OutputStream::new(Output::file(writer)))
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
    fn read_via_stream(&self, offset: Filesize) -> Result<InputStream> {
        answer(self.reader(now, offset)).map(|reader| InputStream::new(Input::file(reader)))
    }

    fn write_via_stream(&self, offset: Filesize) -> Result<OutputStream> {
        output(self, Place::At(offset))
    }

    fn append_via_stream(&self) -> Result<OutputStream> {
        output(self, Place::End)
    }

    fn advise(&self, offset: Filesize, length: Filesize, _: Advice) -> Result<()> {
        on(self, |file| file.advise(offset, length))
    }

    fn sync_data(&self) -> Result<()> {
        on(self, Core::sync_data)
    }

    fn get_flags(&self) -> Result<types::DescriptorFlags> {
        on(self, |file| Ok(convert::wasi_descriptor_flags(file.flags())))
    }

    fn get_type(&self) -> Result<DescriptorType> {
        on(self, |file| Ok(convert::kind(file.file_type())))
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        on(self, |file| file.set_size(now(), size))
    }

    fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed)?, convert::set_time(modified)?);
        on(self, |file| file.set_times(now(), accessed, modified))
    }

    fn read(&self, length: Filesize, offset: Filesize) -> Result<(Vec<u8>, bool)> {
        let readable = answer(self.readable(now, offset, length))?;
        answer(headroom::for_content(readable, "read"))?;
        let mut data = Vec::with_capacity(readable);
        answer(self.read_with(offset, readable, |piece| data.extend_from_slice(piece)))?;
        let at_end = (data.len() as Filesize) < length.min(MAX_READ as Filesize);
        Ok((data, at_end))
    }

    fn write(&self, data: Vec<u8>, offset: Filesize) -> Result<Filesize> {
        let written = OpenFile::write(self, now, offset, &data.as_slice());
        answer(written).map(|written| written as Filesize)
    }

    fn read_directory(&self) -> Result<DirectoryEntryStream> {
        answer(Listing::open(self)).map(DirectoryEntryStream::new)
    }

    fn sync(&self) -> Result<()> {
        on(self, Core::sync)
    }

    fn create_directory_at(&self, path: String) -> Result<()> {
        adding(self, "create-directory", |file| file.create_directory_at(now(), &path))
    }

    fn stat(&self) -> Result<DescriptorStat> {
        on(self, |file| Ok(convert::stat(&file.stat()?)))
    }

    fn stat_at(&self, flags: PathFlags, path: String) -> Result<DescriptorStat> {
        on(self, |file| Ok(convert::stat(&file.stat_at(convert::follow(flags), &path)?)))
    }

    fn set_times_at(
        &self,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<()> {
        let (accessed, modified) = (convert::set_time(accessed)?, convert::set_time(modified)?);
        on(self, |file| file.set_times_at(now(), convert::follow(flags), &path, accessed, modified))
    }

    fn link_at(&self, flags: PathFlags, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        let follow = convert::follow(flags);
        adding(self, "link", |file| file.link_at(now(), follow, &path, to.get::<Self>().get()?, &to_path))
    }

    fn open_at(
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

    fn readlink_at(&self, path: String) -> Result<String> {
        on(self, |file| Ok((*file.readlink_at(&path)?).to_owned()))
    }

    fn remove_directory_at(&self, path: String) -> Result<()> {
        on(self, |file| file.remove_directory_at(now(), &path))
    }

    fn rename_at(&self, path: String, to: DescriptorBorrow<'_>, to_path: String) -> Result<()> {
        adding(self, "rename", |file| file.rename_at(now(), &path, to.get::<Self>().get()?, &to_path))
    }

    fn symlink_at(&self, target: String, path: String) -> Result<()> {
        adding(self, "symlink", |file| file.symlink_at(now(), &target, &path))
    }

    fn unlink_file_at(&self, path: String) -> Result<()> {
        on(self, |file| file.unlink_file_at(now(), &path))
    }

    /// With a damaged image nothing can be told to be the same.
    fn is_same_object(&self, other: DescriptorBorrow<'_>) -> bool {
        let both = (self.get(), other.get::<Self>().get());
        matches!(both, (Ok(file), Ok(other)) if file.is_same_object(other))
    }

    fn metadata_hash(&self) -> Result<MetadataHashValue> {
        on(self, |file| Ok(hash(file.metadata_hash())))
    }

    fn metadata_hash_at(&self, flags: PathFlags, path: String) -> Result<MetadataHashValue> {
        on(self, |file| file.metadata_hash_at(convert::follow(flags), &path).map(hash))
    }
}

impl GuestDirectoryEntryStream for Listing {
    fn read_directory_entry(&self) -> Result<Option<DirectoryEntry>> {
        let entry = answer(self.next_entry())?;
        Ok(entry.map(|entry| DirectoryEntry { type_: convert::kind(entry.file_type), name: (*entry.name).to_owned() }))
    }
}
