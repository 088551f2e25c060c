//! The key-value store of `fermyon:spin` 2.0.0.

use wasmtime::component::Resource;

use super::{OpenError, OpenStore, other};
use crate::bindings::fermyon::spin::key_value::{Error, Host, HostStore};
use crate::context::SpinCtxView;
use crate::key_value::{KeyValueError, MOST_ANSWER_BYTES};
use crate::stores::NotOpened;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotOpened(NotOpened::AccessDenied) => Self::AccessDenied,
            OpenError::NotOpened(NotOpened::NoSuchStore) => Self::NoSuchStore,
            OpenError::TableFull => Self::StoreTableFull,
        }
    }
}

impl Host for SpinCtxView<'_> {}

impl HostStore for SpinCtxView<'_> {
    fn open(&mut self, label: String) -> Answer<Resource<OpenStore>> {
        Ok(self.open(&label)?.map_err(Error::from))
    }

    fn get(&mut self, store: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.store(&store)?.get(&key).map_err(other(Error::Other)))
    }

    fn set(&mut self, store: Resource<OpenStore>, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(self.store(&store)?.set(&key, &value).map_err(other(Error::Other)))
    }

    fn delete(&mut self, store: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(self.store(&store)?.delete(&key).map_err(other(Error::Other)))
    }

    fn exists(&mut self, store: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(self.store(&store)?.exists(&key).map_err(other(Error::Other)))
    }

    /// There is no way to answer a part: too many keys are an error.
    fn get_keys(&mut self, store: Resource<OpenStore>) -> Answer<Vec<String>> {
        let mut keys = self.store(&store)?.keys();
        let page = keys.page(usize::MAX, MOST_ANSWER_BYTES);
        let page = page.and_then(|page| if keys.is_over() { Ok(page) } else { Err(KeyValueError::AnswerTooLong) });
        Ok(page.map_err(other(Error::Other)))
    }

    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(store)
    }
}
