//! The methods of `descriptor` that only 0.3 has: its streams.

use std::sync::Arc;

use larder_core::{Descriptor as File, DescriptorFlags, Error, ErrorCode};
use wasmtime::StoreContextMut;
use wasmtime::component::{FutureReader, LinkerInstance, StreamReader};
use wasmtime_wasi::p3::bindings::filesystem::types;

use super::streams::{Ended, Entries, Outcome, Place, Reader, Writer};
use crate::context::{LarderCtxView, LarderView};
use crate::descriptor::{Descriptor, Handle};
use crate::listing::Listing;

type Directory = (StreamReader<types::DirectoryEntry>, FutureReader<Ended>);

pub(crate) fn define<T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap("[method]descriptor.read-via-stream", read::<T>)?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |store: StoreContextMut<'_, T>, (file, data, offset): (Handle, StreamReader<u8>, u64)| {
            write(store, &file, data, Place::At(offset))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |store: StoreContextMut<'_, T>, (file, data): (Handle, StreamReader<u8>)| write(store, &file, data, Place::End),
    )?;
    types.func_wrap("[method]descriptor.read-directory", list::<T>)
}

/// What a stream holds: the open description, which it shares with the
/// descriptor that it came from and keeps open, and its place among the streams.
type Opened = (Arc<File>, Arc<()>);

fn open(
    descriptor: &Descriptor,
    needed: DescriptorFlags,
    admitted: Option<Arc<()>>,
    operation: &'static str,
) -> larder_core::Result<Opened> {
    descriptor.can_stream(needed, operation)?;
    let admitted = admitted.ok_or_else(|| Error::new(ErrorCode::Quota, operation))?;
    Ok((Arc::clone(descriptor.file()), admitted))
}

fn read<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (file, offset): (Handle, u64),
) -> wasmtime::Result<((StreamReader<u8>, FutureReader<Ended>),)> {
    let (mut outcome, ended) = Outcome::new();
    let LarderCtxView { ctx, table } = store.data_mut().larder();
    let descriptor = table.get(&file)?;
    let stream = match open(descriptor, DescriptorFlags::READ, ctx.inputs.admit(), "read-via-stream") {
        Ok((file, admitted)) => {
            descriptor.touch(&ctx.clock);
            StreamReader::new(&mut store, Reader { file, position: offset, outcome, _admitted: admitted })?
        }
        Err(error) => {
            outcome.failed(&error);
            StreamReader::new(&mut store, std::iter::empty())?
        }
    };
    Ok(((stream, FutureReader::new(&mut store, ended)?),))
}

fn write<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    file: &Handle,
    mut data: StreamReader<u8>,
    place: Place,
) -> wasmtime::Result<(FutureReader<Ended>,)> {
    let (mut outcome, ended) = Outcome::new();
    let LarderCtxView { ctx, table } = store.data_mut().larder();
    let clock = ctx.clock.clone();
    match open(table.get(file)?, DescriptorFlags::WRITE, ctx.outputs.admit(), "write-via-stream") {
        Ok((file, admitted)) => {
            data.pipe(&mut store, Writer { file, place, clock, outcome, _admitted: admitted })?;
        }
        Err(error) => {
            data.close(&mut store)?;
            outcome.failed(&error);
        }
    }
    Ok((FutureReader::new(&mut store, ended)?,))
}

fn list<T: LarderView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (directory,): (Handle,),
) -> wasmtime::Result<(Directory,)> {
    let (mut outcome, ended) = Outcome::new();
    let listing = Listing::open(store.data_mut().larder().table.get(&directory)?.file());
    let stream = match listing {
        Ok(listing) => StreamReader::new(&mut store, Entries { listing, outcome })?,
        Err(error) => {
            outcome.failed(&error);
            StreamReader::new(&mut store, std::iter::empty())?
        }
    };
    Ok(((stream, FutureReader::new(&mut store, ended)?),))
}
