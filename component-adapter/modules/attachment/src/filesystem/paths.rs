//! Methods of `descriptor` on paths below it.

use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};

use super::attributes::set_time;
use crate::answer::{self, code, result};
use crate::app::App;
use crate::host;
use crate::resources::{insert_descriptor, with_descriptor, with_descriptors};

/// `path-flags`.
const fn follow(flags: u32) -> Follow {
    if flags & 1 == 1 { Follow::Yes } else { Follow::No }
}

/// The low bits of flags: those that a type of at most eight has.
const fn bits(flags: u32) -> u8 {
    flags.to_le_bytes()[0]
}

// The bits of the core are at the places of the WIT's.
const _: () = {
    assert!(OpenFlags::CREATE.bits() == 1 && OpenFlags::DIRECTORY.bits() == 1 << 1);
    assert!(OpenFlags::EXCLUSIVE.bits() == 1 << 2 && OpenFlags::TRUNCATE.bits() == 1 << 3);
    assert!(DescriptorFlags::READ.bits() == 1 && DescriptorFlags::WRITE.bits() == 1 << 1);
    assert!(DescriptorFlags::FILE_INTEGRITY_SYNC.bits() == 1 << 2);
    assert!(DescriptorFlags::DATA_INTEGRITY_SYNC.bits() == 1 << 3);
    assert!(DescriptorFlags::REQUESTED_WRITE_SYNC.bits() == 1 << 4);
    assert!(DescriptorFlags::MUTATE_DIRECTORY.bits() == 1 << 5);
};

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.open-at")]
extern "C" fn open_at(context: u32, at: u32, flags: u32, path: u32, length: u32, open: u32, allow: u32, ret: u32) {
    let app = App::enter(context);
    let open = OpenFlags::from_bits_truncate(bits(open));
    let allow = DescriptorFlags::from_bits_truncate(bits(allow));
    let opened = with_descriptor(at, |at| {
        app.lent(path, length).with_path(|path| at.open_at(host::now, follow(flags), path, open, allow))
    });
    answer::handle(app, ret, opened.map_err(code).and_then(insert_descriptor));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.stat-at")]
extern "C" fn stat_at(context: u32, at: u32, flags: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let found =
        with_descriptor(at, |at| app.lent(path, length).with_path(|path| at.get()?.stat_at(follow(flags), path)));
    answer::stat(app, ret, found.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.metadata-hash-at")]
extern "C" fn metadata_hash_at(context: u32, at: u32, flags: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let found = with_descriptor(at, |at| {
        app.lent(path, length).with_path(|path| at.get()?.metadata_hash_at(follow(flags), path))
    });
    answer::metadata_hash(app, ret, found.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.set-times-at")]
extern "C" fn set_times_at(
    context: u32,
    at: u32,
    flags: u32,
    path: u32,
    length: u32,
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
    let (Ok(accessed), Ok(modified)) = (accessed, modified) else {
        return answer::done(app, ret, Err(ErrorCode::Overflow));
    };
    let set = with_descriptor(at, |at| {
        app.lent(path, length)
            .with_path(|path| at.get()?.set_times_at(host::now(), follow(flags), path, accessed, modified))
    });
    answer::done(app, ret, set.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.create-directory-at")]
extern "C" fn create_directory_at(context: u32, at: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let made = with_descriptor(at, |at| {
        app.lent(path, length)
            .with_path(|path| at.for_names("create-directory")?.create_directory_at(host::now(), path))
    });
    answer::done(app, ret, made.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.remove-directory-at")]
extern "C" fn remove_directory_at(context: u32, at: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let removed = with_descriptor(at, |at| {
        app.lent(path, length).with_path(|path| at.get()?.remove_directory_at(host::now(), path))
    });
    answer::done(app, ret, removed.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.unlink-file-at")]
extern "C" fn unlink_file_at(context: u32, at: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let removed =
        with_descriptor(at, |at| app.lent(path, length).with_path(|path| at.get()?.unlink_file_at(host::now(), path)));
    answer::done(app, ret, removed.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.readlink-at")]
extern "C" fn readlink_at(context: u32, at: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let target = with_descriptor(at, |at| app.lent(path, length).with_path(|path| at.get()?.readlink_at(path)));
    let target = target.map_err(code).map(|target| app.give(target.as_bytes()));
    result::<12, _>(app, ret, 4, target, |answer, target| answer.list(4, target));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.symlink-at")]
extern "C" fn symlink_at(context: u32, at: u32, old: u32, old_length: u32, new: u32, new_length: u32, ret: u32) {
    let app = App::enter(context);
    let made = with_descriptor(at, |at| {
        app.lent(old, old_length).with_path(|target| {
            app.lent(new, new_length).with_path(|path| at.for_names("symlink")?.symlink_at(host::now(), target, path))
        })
    });
    answer::done(app, ret, made.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.rename-at")]
extern "C" fn rename_at(
    context: u32,
    from: u32,
    old: u32,
    old_length: u32,
    to: u32,
    new: u32,
    new_length: u32,
    ret: u32,
) {
    let app = App::enter(context);
    let moved = with_descriptors(from, to, |from, to| {
        app.lent(old, old_length).with_path(|old| {
            app.lent(new, new_length)
                .with_path(|new| from.for_names("rename")?.rename_at(host::now(), old, to.get()?, new))
        })
    });
    answer::done(app, ret, moved.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.link-at")]
extern "C" fn link_at(
    context: u32,
    from: u32,
    flags: u32,
    old: u32,
    old_length: u32,
    to: u32,
    new: u32,
    new_length: u32,
    ret: u32,
) {
    let app = App::enter(context);
    let linked = with_descriptors(from, to, |from, to| {
        app.lent(old, old_length).with_path(|old| {
            app.lent(new, new_length)
                .with_path(|new| from.for_names("link")?.link_at(host::now(), follow(flags), old, to.get()?, new))
        })
    });
    answer::done(app, ret, linked.map_err(code));
}
