//! `spin:variables`, the variables of `fermyon:spin`, and `wasi:config`.

use larder_spin_app::variables::{ComponentVariables, LookupError};
use wasmtime::component::Accessor;

use super::Spin;
use crate::bindings::fermyon::spin::variables as v2;
use crate::bindings::spin::variables::variables as v3;
use crate::bindings::wasi::config::store as config;
use crate::context::SpinCtxView;

/// Both versions have the same cases.
macro_rules! lookup {
    ($version:ident, $variables:expr, $name:expr) => {
        match value($variables, $name) {
            Ok(value) => Ok(value),
            Err(error @ LookupError::InvalidName(..)) => Err($version::Error::InvalidName(error.to_string())),
            Err(error @ LookupError::Undefined(_)) => Err($version::Error::Undefined(error.to_string())),
        }
    };
}

fn value(variables: &ComponentVariables, name: &str) -> Result<String, LookupError> {
    variables.get(name).map(|value| value.reveal().to_owned())
}

impl v2::Host for SpinCtxView<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, v2::Error>> {
        Ok(lookup!(v2, &self.ctx.variables, &name))
    }
}

impl v3::Host for SpinCtxView<'_> {}

impl<T: Send> v3::HostWithStore<T> for Spin {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, v3::Error>> {
        Ok(accessor.with(|mut access| lookup!(v3, &access.get().ctx.variables, &name)))
    }
}

impl config::Host for SpinCtxView<'_> {
    /// A name that is no variable's has no value: the draft has no other case
    /// for it.
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(Ok(value(&self.ctx.variables, &key).ok()))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        let all = self.ctx.variables.iter();
        Ok(Ok(all.map(|(name, value)| (name.to_owned(), value.reveal().to_owned())).collect()))
    }
}
