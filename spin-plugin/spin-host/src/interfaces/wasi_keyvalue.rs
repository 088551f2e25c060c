//! `wasi:keyvalue` 0.2.0-draft2: buckets, batches and atomics.

use wasmtime::component::Resource;

use super::{OpenError, OpenStore, Swap, or_full, other};
use crate::bindings::wasi::keyvalue::atomics::{self, CasError};
use crate::bindings::wasi::keyvalue::batch;
use crate::bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use crate::context::{MOST_OPEN_STORES, MOST_SWAPS, SpinCtxView};
use crate::key_value::MOST_ANSWER_BYTES;
use crate::stores::NotOpened;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotOpened(NotOpened::AccessDenied) => Self::AccessDenied,
            OpenError::NotOpened(NotOpened::NoSuchStore) => Self::NoSuchStore,
            OpenError::TableFull => Self::Other(format!("more than {MOST_OPEN_STORES} buckets are open")),
        }
    }
}

fn too_many_swaps() -> Error {
    Error::Other(format!("more than {MOST_SWAPS} operations of compare-and-swap are open"))
}

impl store::Host for SpinCtxView<'_> {
    fn open(&mut self, identifier: String) -> Answer<Resource<OpenStore>> {
        Ok(self.open(&identifier)?.map_err(Error::from))
    }
}

impl store::HostBucket for SpinCtxView<'_> {
    fn get(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.store(&bucket)?.get(&key).map_err(other(Error::Other)))
    }

    fn set(&mut self, bucket: Resource<OpenStore>, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(self.store(&bucket)?.set(&key, &value).map_err(other(Error::Other)))
    }

    fn delete(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(self.store(&bucket)?.delete(&key).map_err(other(Error::Other)))
    }

    fn exists(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(self.store(&bucket)?.exists(&key).map_err(other(Error::Other)))
    }

    /// As many keys as one answer may have, so that guests which know no
    /// cursors (Spin gives none) have all of them but in very large stores.
    fn list_keys(&mut self, bucket: Resource<OpenStore>, cursor: Option<String>) -> Answer<KeyResponse> {
        let store = self.store(&bucket)?;
        let keys = match cursor {
            None => Ok(store.keys()),
            Some(cursor) => store.keys_behind(&cursor),
        };
        let page = keys.and_then(|mut keys| {
            let page = keys.page(usize::MAX, MOST_ANSWER_BYTES)?;
            Ok(KeyResponse { keys: page, cursor: keys.cursor() })
        });
        Ok(page.map_err(other(Error::Other)))
    }

    fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl batch::Host for SpinCtxView<'_> {
    fn get_many(&mut self, bucket: Resource<OpenStore>, keys: Vec<String>) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let values = self.store(&bucket)?.get_many(&keys).map_err(other(Error::Other));
        Ok(values.map(|values| keys.into_iter().zip(values).collect()))
    }

    fn set_many(&mut self, bucket: Resource<OpenStore>, key_values: Vec<(String, Vec<u8>)>) -> Answer<()> {
        Ok(self.store(&bucket)?.set_many(&key_values).map_err(other(Error::Other)))
    }

    fn delete_many(&mut self, bucket: Resource<OpenStore>, keys: Vec<String>) -> Answer<()> {
        Ok(self.store(&bucket)?.delete_many(&keys).map_err(other(Error::Other)))
    }
}

impl atomics::Host for SpinCtxView<'_> {
    fn increment(&mut self, bucket: Resource<OpenStore>, key: String, delta: i64) -> Answer<i64> {
        Ok(self.store(&bucket)?.increment(&key, delta).map_err(other(Error::Other)))
    }

    fn swap(&mut self, cas: Resource<Swap>, value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        let mut swap = self.table.delete(cas)?;
        let is_swapped = swap.store.swap(&swap.key, swap.version, &value);
        let now = match is_swapped {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => swap.store.version(&swap.key),
            Err(error) => Err(error),
        };
        match now {
            Ok(version) => {
                swap.version = version;
                let again = or_full(self.table.push(swap), CasError::StoreError(too_many_swaps()))?;
                Ok(Err(again.map_or_else(|full| full, CasError::CasFailed)))
            }
            Err(error) => Ok(Err(CasError::StoreError(other(Error::Other)(error)))),
        }
    }
}

impl atomics::HostCas for SpinCtxView<'_> {
    /// The value that is there now is the one to be compared with, unless
    /// `current` asks for a newer one.
    fn new(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<Resource<Swap>> {
        let store = self.store(&bucket)?;
        let Some(permit) = self.ctx.swaps.take() else { return Ok(Err(too_many_swaps())) };
        let version = match store.version(&key) {
            Ok(version) => version,
            Err(error) => return Ok(Err(other(Error::Other)(error))),
        };
        or_full(self.table.push(Swap { store, key, version, _permit: permit }), too_many_swaps())
    }

    fn current(&mut self, cas: Resource<Swap>) -> Answer<Option<Vec<u8>>> {
        let swap = self.table.get_mut(&cas)?;
        let looked = swap.store.look(&swap.key);
        Ok(looked.map_err(other(Error::Other)).map(|(version, value)| {
            swap.version = version;
            value
        }))
    }

    fn drop(&mut self, cas: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
