//! Methods of `descriptor` on attributes, and times.

use larder_core::{ErrorCode, SetTime, Timestamp};
use larder_engine::file::OpenFile;

use crate::answer::{self, code, file_type, result};
use crate::app::App;
use crate::resources::{Kind, end, with_descriptor, with_descriptors};
use crate::{host, trap};

/// A flattened `new-timestamp`: the number of the case, seconds and
/// nanoseconds.
pub(super) type NewTimestamp = (u32, u64, u32);

/// The store refuses nanoseconds of a second or more, as POSIX `utimensat`.
/// Seconds that do not fit overflow.
pub(super) fn set_time((case, seconds, nanoseconds): NewTimestamp) -> Result<SetTime, ErrorCode> {
    match case {
        0 => Ok(SetTime::Keep),
        1 => Ok(SetTime::Now),
        2 => {
            let seconds = i64::try_from(seconds).map_err(|_| ErrorCode::Overflow)?;
            Ok(SetTime::At(Timestamp { seconds, nanoseconds }))
        }
        _ => trap(),
    }
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.get-flags")]
extern "C" fn get_flags(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    let flags = with_descriptor(file, |file| file.get().map(|file| file.flags().bits()));
    result::<2, _>(app, ret, 1, flags.map_err(code), |answer, flags| answer.u8(1, flags));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.get-type")]
extern "C" fn get_type(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    let kind = with_descriptor(file, |file| file.get().map(|file| file_type(file.file_type())));
    result::<2, _>(app, ret, 1, kind.map_err(code), |answer, kind| answer.u8(1, kind));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.stat")]
extern "C" fn stat(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    answer::stat(app, ret, with_descriptor(file, |file| file.get()?.stat()).map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.set-times")]
extern "C" fn set_times(
    context: u32,
    file: u32,
    accessed: u32,
    accessed_seconds: u64,
    accessed_nanoseconds: u32,
    modified: u32,
    modified_seconds: u64,
    modified_nanoseconds: u32,
    ret: u32,
) {
    let app = App::enter(context);
    let accessed = set_time((accessed, accessed_seconds, accessed_nanoseconds));
    let modified = set_time((modified, modified_seconds, modified_nanoseconds));
    let set = with_descriptor(file, |file| {
        file.get().map_err(code)?.set_times(host::now(), accessed?, modified?).map_err(code)
    });
    answer::done(app, ret, set);
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.metadata-hash")]
extern "C" fn metadata_hash(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    let hash = with_descriptor(file, OpenFile::metadata_hash);
    answer::metadata_hash(app, ret, hash.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.is-same-object")]
extern "C" fn is_same_object(context: u32, file: u32, other: u32) -> u32 {
    App::enter(context);
    with_descriptors(file, other, |file, other| match (file.get(), other.get()) {
        (Ok(file), Ok(other)) => u32::from(file.is_same_object(other)),
        _ => 0,
    })
}

#[unsafe(export_name = "wasi:filesystem/types#[resource-drop]descriptor")]
extern "C" fn drop_descriptor(context: u32, file: u32) {
    App::enter(context);
    end(file, Kind::Descriptor);
}
