//! The methods of `wasi:filesystem/types.descriptor` that 0.2 and 0.3 share.
//!
//! Paths are taken where they lie in guest memory, so that one that is not
//! UTF-8 is an error of the call (`illegal-byte-sequence`) and not a trap, and
//! none is copied.

use std::sync::Arc;

use larder_core::{Descriptor as File, ErrorCode, SetTime, Timestamp};
use wasmtime::component::{LinkerInstance, Resource, ResourceType, WasmStr};
use wasmtime::{AsContextMut, StoreContextMut};

use crate::abi::{self, Abi, Advice, MetadataHashValue, PathFlags, WasiDescriptorFlags, WasiOpenFlags};
use crate::context::LarderView;
use crate::descriptor::{self, Descriptor, Handle};
use crate::errors::or_quota;

/// What a method returns: a trap, or WASI's `result`.
type Outcome<A, R> = wasmtime::Result<Result<R, <A as Abi>::ErrorCode>>;

/// Links the resource and the shared methods.
pub(crate) fn define<A: Abi, T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.resource("descriptor", ResourceType::host::<Descriptor>(), |mut store, rep| {
        store.data_mut().larder().table.delete(Handle::new_own(rep))?;
        Ok(())
    })?;
    on_open_files::<A, T>(types)?;
    on_paths::<A, T>(types)?;
    between_directories::<A, T>(types)
}

fn on_open_files<A: Abi, T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    A::method(types, "[method]descriptor.advise", |store, (file, offset, length, _): (Handle, u64, u64, Advice)| {
        with_file::<A, T, _>(store, &file, |file| file.advise(offset, length))
    })?;
    A::method(types, "[method]descriptor.sync-data", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, File::sync_data)
    })?;
    A::method(types, "[method]descriptor.sync", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, File::sync)
    })?;
    A::method(types, "[method]descriptor.get-flags", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, |file| Ok(abi::to_descriptor_flags(file.flags())))
    })?;
    A::method(types, "[method]descriptor.get-type", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, |file| Ok(A::kind(file.file_type())))
    })?;
    A::method(types, "[method]descriptor.set-size", |store, (file, size): (Handle, u64)| {
        let now = now(store);
        with_file::<A, T, _>(store, &file, |file| file.set_size(now, size))
    })?;
    A::method(
        types,
        "[method]descriptor.set-times",
        |store, (file, accessed, modified): (Handle, A::NewTimestamp, A::NewTimestamp)| {
            let now = now(store);
            match set_times::<A>(accessed, modified) {
                Ok((accessed, modified)) => {
                    with_file::<A, T, _>(store, &file, |file| file.set_times(now, accessed, modified))
                }
                Err(code) => Ok(Err(A::error(code))),
            }
        },
    )?;
    A::method(types, "[method]descriptor.stat", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, |file| file.stat().map(|attributes| A::stat(&attributes)))
    })?;
    A::method(types, "[method]descriptor.metadata-hash", |store, (file,): (Handle,)| {
        with_file::<A, T, _>(store, &file, |file| Ok(metadata_hash(file.metadata_hash())))
    })?;
    A::method(types, "[method]descriptor.is-same-object", |store, (file, other): (Handle, Handle)| {
        let table = store.data_mut().larder().table;
        Ok(table.get(&file)?.file().is_same_object(table.get(&other)?.file()))
    })
}

fn on_paths<A: Abi, T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    A::method(types, "[method]descriptor.create-directory-at", |store, (file, path): (Handle, WasmStr)| {
        let now = now(store);
        with_path::<A, T, _>(store, &file, &path, |file, path| file.create_directory_at(now, path))
    })?;
    A::method(types, "[method]descriptor.remove-directory-at", |store, (file, path): (Handle, WasmStr)| {
        let now = now(store);
        with_path::<A, T, _>(store, &file, &path, |file, path| file.remove_directory_at(now, path))
    })?;
    A::method(types, "[method]descriptor.unlink-file-at", |store, (file, path): (Handle, WasmStr)| {
        let now = now(store);
        with_path::<A, T, _>(store, &file, &path, |file, path| file.unlink_file_at(now, path))
    })?;
    A::method(types, "[method]descriptor.readlink-at", |store, (file, path): (Handle, WasmStr)| {
        with_path::<A, T, _>(store, &file, &path, File::readlink_at)
    })?;
    A::method(types, "[method]descriptor.stat-at", |store, (file, flags, path): (Handle, PathFlags, WasmStr)| {
        with_path::<A, T, _>(store, &file, &path, |file, path| {
            file.stat_at(abi::follow(flags), path).map(|attributes| A::stat(&attributes))
        })
    })?;
    A::method(
        types,
        "[method]descriptor.metadata-hash-at",
        |store, (file, flags, path): (Handle, PathFlags, WasmStr)| {
            with_path::<A, T, _>(store, &file, &path, |file, path| {
                file.metadata_hash_at(abi::follow(flags), path).map(metadata_hash)
            })
        },
    )?;
    A::method(
        types,
        "[method]descriptor.set-times-at",
        |store, (file, flags, path, accessed, modified): (Handle, PathFlags, WasmStr, A::NewTimestamp, A::NewTimestamp)| {
            let now = now(store);
            match set_times::<A>(accessed, modified) {
                Ok((accessed, modified)) => with_path::<A, T, _>(store, &file, &path, |file, path| {
                    file.set_times_at(now, abi::follow(flags), path, accessed, modified)
                }),
                Err(code) => Ok(Err(A::error(code))),
            }
        },
    )?;
    A::method(types, "[method]descriptor.open-at", open_at::<A, T>)
}

fn between_directories<A: Abi, T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    A::method(types, "[method]descriptor.symlink-at", |store, (file, target, path): (Handle, WasmStr, WasmStr)| {
        let now = now(store);
        with_paths::<A, T, _>(store, &file, &target, &path, |file, target, path| file.symlink_at(now, target, path))
    })?;
    A::method(
        types,
        "[method]descriptor.rename-at",
        |store, (old, old_path, new, new_path): (Handle, WasmStr, Handle, WasmStr)| {
            let now = now(store);
            let new = file(store, &new)?;
            with_paths::<A, T, _>(store, &old, &old_path, &new_path, |old, old_path, new_path| {
                old.rename_at(now, old_path, &new, new_path)
            })
        },
    )?;
    A::method(
        types,
        "[method]descriptor.link-at",
        |store, (old, flags, old_path, new, new_path): (Handle, PathFlags, WasmStr, Handle, WasmStr)| {
            let now = now(store);
            let new = file(store, &new)?;
            with_paths::<A, T, _>(store, &old, &old_path, &new_path, |old, old_path, new_path| {
                old.link_at(now, abi::follow(flags), old_path, &new, new_path)
            })
        },
    )
}

type OpenAt = (Handle, PathFlags, WasmStr, WasiOpenFlags, WasiDescriptorFlags);

fn open_at<A: Abi, T: LarderView + 'static>(
    store: &mut StoreContextMut<'_, T>,
    (directory, follow, path, open, flags): OpenAt,
) -> Outcome<A, Handle> {
    let now = now(store);
    let opened = with_path::<A, T, _>(store, &directory, &path, |directory, path| {
        directory.open_at(now, abi::follow(follow), path, abi::open_flags(open), abi::from_descriptor_flags(flags))
    })?;
    match opened {
        Ok(opened) => {
            let pushed = or_quota(descriptor::push(store.data_mut().larder().table, opened), "open")?;
            Ok(pushed.map_err(|error| A::error(error.code())))
        }
        Err(code) => Ok(Err(code)),
    }
}

/// The time for a change.
pub(crate) fn now<T: LarderView + 'static>(store: &mut StoreContextMut<'_, T>) -> Timestamp {
    store.data_mut().larder().ctx.clock.now()
}

/// The open description behind a handle, kept open while guest memory is read.
pub(crate) fn file<T: LarderView + 'static>(
    store: &mut StoreContextMut<'_, T>,
    handle: &Resource<Descriptor>,
) -> wasmtime::Result<Arc<File>> {
    Ok(Arc::clone(store.as_context_mut().data_mut().larder().table.get(handle)?.file()))
}

fn with_file<A: Abi, T: LarderView + 'static, R>(
    store: &mut StoreContextMut<'_, T>,
    handle: &Handle,
    call: impl FnOnce(&File) -> larder_core::Result<R>,
) -> Outcome<A, R> {
    let table = store.data_mut().larder().table;
    Ok(call(table.get(handle)?.file()).map_err(|error| A::error(error.code())))
}

fn with_path<A: Abi, T: LarderView + 'static, R>(
    store: &mut StoreContextMut<'_, T>,
    handle: &Handle,
    path: &WasmStr,
    call: impl FnOnce(&File, &str) -> larder_core::Result<R>,
) -> Outcome<A, R> {
    let file = file(store, handle)?;
    let Ok(path) = path.to_str(&*store) else {
        return Ok(Err(A::error(ErrorCode::IllegalByteSequence)));
    };
    Ok(call(&file, &path).map_err(|error| A::error(error.code())))
}

fn with_paths<A: Abi, T: LarderView + 'static, R>(
    store: &mut StoreContextMut<'_, T>,
    handle: &Handle,
    first: &WasmStr,
    second: &WasmStr,
    call: impl FnOnce(&File, &str, &str) -> larder_core::Result<R>,
) -> Outcome<A, R> {
    let file = file(store, handle)?;
    let (Ok(first), Ok(second)) = (first.to_str(&*store), second.to_str(&*store)) else {
        return Ok(Err(A::error(ErrorCode::IllegalByteSequence)));
    };
    Ok(call(&file, &first, &second).map_err(|error| A::error(error.code())))
}

fn set_times<A: Abi>(accessed: A::NewTimestamp, modified: A::NewTimestamp) -> Result<(SetTime, SetTime), ErrorCode> {
    Ok((A::set_time(accessed)?, A::set_time(modified)?))
}

fn metadata_hash(hash: larder_core::MetadataHash) -> MetadataHashValue {
    MetadataHashValue { lower: hash.lower, upper: hash.upper }
}
