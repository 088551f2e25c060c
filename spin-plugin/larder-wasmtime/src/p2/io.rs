//! `wasi:io/streams`: file streams directly, every other stream as Wasmtime
//! does.
//!
//! The functions that carry bytes know file streams: what they write is read
//! where it lies in guest memory, what they read is lowered from the store's
//! pieces, and none waits. The others, and these for sockets, pipes and the
//! like, are Wasmtime's own.

use std::future::{Future, ready};
use std::pin::Pin;

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentNamedList, Lift, LinkerInstance, Lower, Resource, ResourceTable, ResourceType, WasmList,
};
use wasmtime_wasi::runtime::in_tokio;
use wasmtime_wasi_io::bindings::wasi::io::streams::{
    Host as _, HostInputStream, HostOutputStream, StreamError as WasiStreamError,
};
use wasmtime_wasi_io::poll::DynPollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, StreamResult};

use crate::context::{LarderCtxView, LarderView};
use crate::gather::Gather;
use crate::limits::{MAX_BLOCKING_WRITE, MAX_WRITE};

type Input = Resource<DynInputStream>;
type Output = Resource<DynOutputStream>;
/// A WIT `result<R, stream-error>`.
type Outcome<R> = Result<R, WasiStreamError>;

/// How functions that may wait are linked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    /// The store is used with Wasmtime's asynchronous calls.
    Async,
    /// It is not: the thread waits, in a runtime of wasmtime-wasi's.
    Sync,
}

pub(crate) fn define<T: LarderView + 'static>(
    streams: &mut LinkerInstance<'_, T>,
    waiting: Waiting,
) -> wasmtime::Result<()> {
    resources(streams, waiting)?;
    inputs(streams, waiting)?;
    outputs(streams, waiting)
}

fn resources<T: LarderView + 'static>(streams: &mut LinkerInstance<'_, T>, waiting: Waiting) -> wasmtime::Result<()> {
    // File streams have nothing to cancel; dropping the others may wait.
    fn drop_input<T: LarderView>(store: &mut StoreContextMut<'_, T>, rep: u32) -> wasmtime::Result<bool> {
        let LarderCtxView { ctx, table } = store.data_mut().larder();
        let ours = ctx.inputs.remove(rep);
        if ours {
            table.delete(Input::new_own(rep))?;
        }
        Ok(ours)
    }
    fn drop_output<T: LarderView>(store: &mut StoreContextMut<'_, T>, rep: u32) -> wasmtime::Result<bool> {
        let LarderCtxView { ctx, table } = store.data_mut().larder();
        let ours = ctx.outputs.remove(rep);
        if ours {
            table.delete(Output::new_own(rep))?;
        }
        Ok(ours)
    }
    let input = ResourceType::host::<DynInputStream>();
    let output = ResourceType::host::<DynOutputStream>();
    match waiting {
        Waiting::Async => {
            streams.resource_async("input-stream", input, |mut store, rep| match drop_input(&mut store, rep) {
                Ok(false) => Box::new(async move {
                    HostInputStream::drop(store.data_mut().larder().table, Input::new_own(rep)).await
                }),
                done => Box::new(ready(done.map(|_| ()))),
            })?;
            streams.resource_async("output-stream", output, |mut store, rep| match drop_output(&mut store, rep) {
                Ok(false) => Box::new(async move {
                    HostOutputStream::drop(store.data_mut().larder().table, Output::new_own(rep)).await
                }),
                done => Box::new(ready(done.map(|_| ()))),
            })
        }
        Waiting::Sync => {
            streams.resource("input-stream", input, |mut store, rep| {
                if drop_input(&mut store, rep)? {
                    return Ok(());
                }
                in_tokio(HostInputStream::drop(store.data_mut().larder().table, Input::new_own(rep)))
            })?;
            streams.resource("output-stream", output, |mut store, rep| {
                if drop_output(&mut store, rep)? {
                    return Ok(());
                }
                in_tokio(HostOutputStream::drop(store.data_mut().larder().table, Output::new_own(rep)))
            })
        }
    }
}

fn inputs<T: LarderView + 'static>(streams: &mut LinkerInstance<'_, T>, waiting: Waiting) -> wasmtime::Result<()> {
    streams.func_wrap(
        "[method]input-stream.read",
        |mut store: StoreContextMut<'_, T>, (stream, length): (Input, u64)| {
            let LarderCtxView { ctx, table } = store.data_mut().larder();
            let read = match ctx.inputs.get(stream.rep()) {
                Some(file) => file.read(length).map(Gather::Chunks),
                None => table.get_mut(&stream)?.read(clamp(length)).map(Gather::Bytes),
            };
            Ok((answer(table, read)?,))
        },
    )?;
    may_wait(
        streams,
        waiting,
        "[method]input-stream.blocking-read",
        |store, (stream, length): &(Input, u64)| {
            let LarderCtxView { ctx, table } = store.data_mut().larder();
            match ctx.inputs.get(stream.rep()) {
                Some(file) => Ok(Some(answer(table, file.read(*length).map(Gather::Chunks))?)),
                None => Ok(None),
            }
        },
        |mut store, (stream, length)| {
            Box::pin(async move {
                let table = store.data_mut().larder().table;
                let read = table.get_mut(&stream)?.blocking_read(clamp(length)).await.map(Gather::Bytes);
                answer(table, read)
            })
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.skip",
        |mut store: StoreContextMut<'_, T>, (stream, length): (Input, u64)| {
            let table = store.data_mut().larder().table;
            let skipped = HostInputStream::skip(table, stream, length);
            Ok((answer(table, skipped)?,))
        },
    )?;
    may_wait(
        streams,
        waiting,
        "[method]input-stream.blocking-skip",
        |_, _: &(Input, u64)| Ok(None),
        |mut store, (stream, length)| {
            Box::pin(async move {
                let table = store.data_mut().larder().table;
                let skipped = HostInputStream::blocking_skip(table, stream, length).await;
                answer(table, skipped)
            })
        },
    )?;
    streams.func_wrap("[method]input-stream.subscribe", |mut store: StoreContextMut<'_, T>, (stream,): (Input,)| {
        let pollable: Resource<DynPollable> = HostInputStream::subscribe(store.data_mut().larder().table, stream)?;
        Ok((pollable,))
    })
}

fn outputs<T: LarderView + 'static>(streams: &mut LinkerInstance<'_, T>, waiting: Waiting) -> wasmtime::Result<()> {
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut store: StoreContextMut<'_, T>, (stream,): (Output,)| {
            let LarderCtxView { ctx, table } = store.data_mut().larder();
            let permit = match ctx.outputs.get(stream.rep()) {
                Some(file) => file.check().map(|()| MAX_WRITE as u64),
                None => HostOutputStream::check_write(table, stream),
            };
            Ok((answer(table, permit)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write",
        |mut store: StoreContextMut<'_, T>, (stream, data): (Output, WasmList<u8>)| {
            let written = match store.data_mut().larder().ctx.outputs.get(stream.rep()) {
                Some(file) => file.write(data.as_le_slice(&store)),
                None => {
                    let bytes = Bytes::copy_from_slice(data.as_le_slice(&store));
                    store.data_mut().larder().table.get_mut(&stream)?.write(bytes)
                }
            };
            Ok((answer(store.data_mut().larder().table, written)?,))
        },
    )?;
    may_wait(
        streams,
        waiting,
        "[method]output-stream.blocking-write-and-flush",
        |store, (stream, data): &(Output, WasmList<u8>)| {
            if data.len() > MAX_BLOCKING_WRITE {
                return Err(wasmtime::Error::msg("blocking-write-and-flush of more than 4096 bytes"));
            }
            let Some(file) = store.data_mut().larder().ctx.outputs.get(stream.rep()) else { return Ok(None) };
            let written = file.write(data.as_le_slice(&*store));
            Ok(Some(answer(store.data_mut().larder().table, written)?))
        },
        |mut store, (stream, data)| {
            Box::pin(async move {
                let bytes = Bytes::copy_from_slice(data.as_le_slice(&store));
                let table = store.data_mut().larder().table;
                let written = table.get_mut(&stream)?.blocking_write_and_flush(bytes).await;
                answer(table, written)
            })
        },
    )?;
    streams.func_wrap("[method]output-stream.flush", |mut store: StoreContextMut<'_, T>, (stream,): (Output,)| {
        let LarderCtxView { ctx, table } = store.data_mut().larder();
        let flushed = match ctx.outputs.get(stream.rep()) {
            Some(file) => file.check(),
            None => HostOutputStream::flush(table, stream),
        };
        Ok((answer(table, flushed)?,))
    })?;
    may_wait(
        streams,
        waiting,
        "[method]output-stream.blocking-flush",
        |store, (stream,): &(Output,)| {
            let LarderCtxView { ctx, table } = store.data_mut().larder();
            match ctx.outputs.get(stream.rep()) {
                Some(file) => Ok(Some(answer(table, file.check())?)),
                None => Ok(None),
            }
        },
        |mut store, (stream,)| {
            Box::pin(async move {
                let table = store.data_mut().larder().table;
                let flushed = HostOutputStream::blocking_flush(table, stream).await;
                answer(table, flushed)
            })
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut store: StoreContextMut<'_, T>, (stream,): (Output,)| {
            let pollable: Resource<DynPollable> = HostOutputStream::subscribe(store.data_mut().larder().table, stream)?;
            Ok((pollable,))
        },
    )?;
    rare_outputs(streams, waiting)
}

/// What few guests call: Wasmtime's own functions serve file streams too.
fn rare_outputs<T: LarderView + 'static>(
    streams: &mut LinkerInstance<'_, T>,
    waiting: Waiting,
) -> wasmtime::Result<()> {
    streams.func_wrap(
        "[method]output-stream.write-zeroes",
        |mut store: StoreContextMut<'_, T>, (stream, count): (Output, u64)| {
            let table = store.data_mut().larder().table;
            let written = HostOutputStream::write_zeroes(table, stream, count);
            Ok((answer(table, written)?,))
        },
    )?;
    may_wait(
        streams,
        waiting,
        "[method]output-stream.blocking-write-zeroes-and-flush",
        |_, _: &(Output, u64)| Ok(None),
        |mut store, (stream, count)| {
            Box::pin(async move {
                let table = store.data_mut().larder().table;
                let written = HostOutputStream::blocking_write_zeroes_and_flush(table, stream, count).await;
                answer(table, written)
            })
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.splice",
        |mut store: StoreContextMut<'_, T>, (to, from, length): (Output, Input, u64)| {
            let table = store.data_mut().larder().table;
            let spliced = HostOutputStream::splice(table, to, from, length);
            Ok((answer(table, spliced)?,))
        },
    )?;
    may_wait(
        streams,
        waiting,
        "[method]output-stream.blocking-splice",
        |_, _: &(Output, Input, u64)| Ok(None),
        |mut store, (to, from, length)| {
            Box::pin(async move {
                let table = store.data_mut().larder().table;
                let spliced = HostOutputStream::blocking_splice(table, to, from, length).await;
                answer(table, spliced)
            })
        },
    )
}

/// The part of a function that waits.
type Later<T, P, R> =
    for<'a> fn(StoreContextMut<'a, T>, P) -> Pin<Box<dyn Future<Output = wasmtime::Result<Outcome<R>>> + Send + 'a>>;

/// Links a function that waits for streams which are not files: `at_once` may
/// answer, otherwise `later` does.
fn may_wait<T, P, R, At>(
    streams: &mut LinkerInstance<'_, T>,
    waiting: Waiting,
    name: &str,
    at_once: At,
    later: Later<T, P, R>,
) -> wasmtime::Result<()>
where
    T: LarderView + 'static,
    P: ComponentNamedList + Lift + 'static,
    R: 'static,
    (Outcome<R>,): ComponentNamedList + Lower,
    At: Fn(&mut StoreContextMut<'_, T>, &P) -> wasmtime::Result<Option<Outcome<R>>> + Send + Sync + 'static,
{
    match waiting {
        Waiting::Async => streams.func_wrap_async(name, move |mut store: StoreContextMut<'_, T>, params: P| {
            match at_once(&mut store, &params) {
                Ok(None) => Box::new(async move { Ok((later(store, params).await?,)) }),
                Ok(Some(answer)) => Box::new(ready(Ok((answer,)))),
                Err(trap) => Box::new(ready(Err(trap))),
            }
        }),
        Waiting::Sync => streams.func_wrap(name, move |mut store: StoreContextMut<'_, T>, params: P| {
            let answer = match at_once(&mut store, &params)? {
                Some(answer) => answer,
                None => in_tokio(later(store, params))?,
            };
            Ok((answer,))
        }),
    }
}

fn clamp(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Gives a failed operation's error to the guest as a resource.
fn answer<R>(table: &mut ResourceTable, result: StreamResult<R>) -> wasmtime::Result<Outcome<R>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(table.convert_stream_error(error)?)),
    }
}
