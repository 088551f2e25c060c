//! The methods of `descriptor` that only 0.2 has: reading, writing, streams.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use larder_core::{DescriptorFlags, Error, ErrorCode};
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource, WasmList};
use wasmtime_wasi::p2::bindings::filesystem::types;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, Error as IoError};

use super::abi::P2;
use super::streams::{FileInput, FileOutput, InputState, OutputState, Place};
use crate::abi::Abi;
use crate::context::{LarderCtxView, LarderView};
use crate::descriptor::Handle;
use crate::errors::or_quota;
use crate::gather::Gather;
use crate::limits::MAX_READ;
use crate::methods;

type Outcome<R> = wasmtime::Result<(Result<R, types::ErrorCode>,)>;

pub(crate) fn define<T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap("[method]descriptor.read", read::<T>)?;
    types.func_wrap("[method]descriptor.write", write::<T>)?;
    types.func_wrap("[method]descriptor.read-via-stream", read_via_stream::<T>)?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |store: StoreContextMut<'_, T>, (file, offset): (Handle, u64)| {
            open_output(store, &file, Place::At(AtomicU64::new(offset)))
        },
    )?;
    types.func_wrap("[method]descriptor.append-via-stream", |store: StoreContextMut<'_, T>, (file,): (Handle,)| {
        open_output(store, &file, Place::End)
    })?;
    types.func_wrap("filesystem-error-code", error_code::<T>)
}

fn answer<R>(result: larder_core::Result<R>) -> Outcome<R> {
    Ok((result.map_err(|error| P2::error(error.code())),))
}

fn read<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (file, length, offset): (Handle, u64, u64),
) -> Outcome<(Gather, bool)> {
    let LarderCtxView { ctx, table } = store.data_mut().larder();
    let descriptor = table.get(&file)?;
    let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
    let result = descriptor.file().read(offset, length).map(|chunks| {
        descriptor.touch(&ctx.clock);
        let at_end = chunks.len() < length;
        (Gather::Chunks(chunks), at_end)
    });
    answer(result)
}

fn write<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (file, data, offset): (Handle, WasmList<u8>, u64),
) -> Outcome<u64> {
    let now = methods::now(&mut store);
    let file = methods::file(&mut store, &file)?;
    answer(file.write(now, offset, data.as_le_slice(&store)).map(|written| written as u64))
}

fn read_via_stream<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (file, offset): (Handle, u64),
) -> Outcome<Resource<DynInputStream>> {
    let LarderCtxView { ctx, table } = store.data_mut().larder();
    let descriptor = table.get(&file)?;
    if let Err(error) = descriptor.can_stream(DescriptorFlags::READ, "read-via-stream") {
        return answer(Err(error));
    }
    let Some(admitted) = ctx.inputs.admit() else {
        return answer(Err(Error::new(ErrorCode::Quota, "read-via-stream")));
    };
    descriptor.touch(&ctx.clock);
    let state = InputState::new(Arc::clone(descriptor.file()), offset, admitted);
    let stream: DynInputStream = Box::new(FileInput(Arc::clone(&state)));
    let pushed = or_quota(table.push(stream), "read-via-stream")?;
    if let Ok(stream) = &pushed {
        ctx.inputs.insert(stream.rep(), &state);
    }
    answer(pushed)
}

fn open_output<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    file: &Handle,
    place: Place,
) -> Outcome<Resource<DynOutputStream>> {
    let LarderCtxView { ctx, table } = store.data_mut().larder();
    let descriptor = table.get(file)?;
    if let Err(error) = descriptor.can_stream(DescriptorFlags::WRITE, "write-via-stream") {
        return answer(Err(error));
    }
    let Some(admitted) = ctx.outputs.admit() else {
        return answer(Err(Error::new(ErrorCode::Quota, "write-via-stream")));
    };
    let state = OutputState::new(Arc::clone(descriptor.file()), place, ctx.clock.clone(), admitted);
    let stream: DynOutputStream = Box::new(FileOutput(Arc::clone(&state)));
    let pushed = or_quota(table.push(stream), "write-via-stream")?;
    if let Ok(stream) = &pushed {
        ctx.outputs.insert(stream.rep(), &state);
    }
    answer(pushed)
}

/// The code behind a failed stream operation, if a filesystem's.
fn error_code<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (error,): (Resource<IoError>,),
) -> wasmtime::Result<(Option<types::ErrorCode>,)> {
    let error = store.data_mut().larder().table.get(&error)?;
    let code = match error.downcast_ref::<Error>() {
        Some(error) => Some(P2::error(error.code())),
        None => error.downcast_ref::<std::io::Error>().map(types::ErrorCode::from),
    };
    Ok((code,))
}
