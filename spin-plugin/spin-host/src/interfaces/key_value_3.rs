//! `spin:key-value` 3.0.0: the same with asynchronous functions, and keys as a
//! stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult, VecBuffer,
};

use super::{OpenError, OpenStore, Spin, other};
use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::context::{MOST_LISTS, Permit, SpinCtxView};
use crate::key_value::{KeyValueStore, Keys, MOST_ANSWER_BYTES, Result as StoreResult};
use crate::stores::NotOpened;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// How a list of keys ended, for the `future` beside the stream.
type Ended = Result<(), Error>;

/// Keys that a stream hands out in one go.
const BATCH: usize = 128;

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotOpened(NotOpened::AccessDenied) => Self::AccessDenied,
            OpenError::NotOpened(NotOpened::NoSuchStore) => Self::NoSuchStore,
            OpenError::TableFull => Self::StoreTableFull,
        }
    }
}

/// Asks a store that a guest has open.
fn ask<T: 'static, R>(
    accessor: &Accessor<T, Spin>,
    store: &Resource<OpenStore>,
    question: impl FnOnce(&KeyValueStore) -> StoreResult<R>,
) -> Answer<R> {
    let store = accessor.with(|mut access| access.get().store(store))?;
    Ok(question(&store).map_err(other(Error::Other)))
}

impl Host for SpinCtxView<'_> {}

impl HostStore for SpinCtxView<'_> {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(store)
    }
}

impl<T: Send> HostStoreWithStore<T> for Spin {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Answer<Resource<OpenStore>> {
        Ok(accessor.with(|mut access| access.get().open(&label))?.map_err(Error::from))
    }

    async fn get(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        ask(accessor, &store, |store| store.get(&key))
    }

    async fn set(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String, value: Vec<u8>) -> Answer<()> {
        ask(accessor, &store, |store| store.set(&key, &value))
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> Answer<()> {
        ask(accessor, &store, |store| store.delete(&key))
    }

    async fn exists(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> Answer<bool> {
        ask(accessor, &store, |store| store.exists(&key))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Ended>)> {
        accessor.with(|mut access| {
            let view = access.get();
            let (mut outcome, ended) = Outcome::new();
            let keys = view.store(&store)?.keys();
            let stream = match view.ctx.lists.take() {
                Some(permit) => StreamReader::new(&mut access, Listing { keys, outcome, _permit: permit })?,
                None => {
                    outcome.send(Err(Error::Other(format!("more than {MOST_LISTS} lists of keys are open"))));
                    StreamReader::new(&mut access, std::iter::empty())?
                }
            };
            Ok((stream, FutureReader::new(&mut access, ended)?))
        })
    }
}

/// Sends the outcome once; a stream that is dropped early ended well.
struct Outcome(Option<oneshot::Sender<Ended>>);

impl Outcome {
    fn new() -> (Self, oneshot::Receiver<Ended>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    fn send(&mut self, ended: Ended) {
        if let Some(sender) = self.0.take() {
            // The guest may have dropped the future: then it does not matter.
            let _ = sender.send(ended);
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.send(Ok(()));
    }
}

/// Reads keys as the guest asks for them.
struct Listing {
    keys: Keys,
    outcome: Outcome,
    _permit: Permit,
}

impl<D: 'static> StreamProducer<D> for Listing {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let wanted = destination.remaining(&mut store).unwrap_or(BATCH).min(BATCH);
        if wanted == 0 {
            // The reader only asks whether there is something: always.
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        Poll::Ready(Ok(match self.keys.page(wanted, MOST_ANSWER_BYTES) {
            Ok(page) => {
                destination.set_buffer(page.into());
                if self.keys.is_over() { StreamResult::Dropped } else { StreamResult::Completed }
            }
            Err(error) => {
                self.outcome.send(Err(Error::Other(error.to_string())));
                StreamResult::Dropped
            }
        }))
    }
}
