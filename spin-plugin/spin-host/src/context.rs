//! What an embedder keeps in its store for each guest.

use std::sync::Arc;

use larder_spin_app::variables::ComponentVariables;
use wasmtime::component::ResourceTable;

use crate::stores::KeyValueStores;

/// Most stores and buckets that one guest has open: 256, as in Spin. At the
/// limit: `store-table-full`. Guards the host's memory.
pub const MOST_OPEN_STORES: usize = 256;

/// Most handles for compare-and-swap that one guest has: 256, as in Spin.
/// Guards the host's memory.
pub const MOST_SWAPS: usize = 256;

/// Most lists of keys that one guest has open: 256. Guards the host's memory.
pub const MOST_LISTS: usize = 256;

/// The variables and key-value stores of one guest instance.
#[derive(Debug)]
pub struct SpinCtx {
    pub(crate) variables: Arc<ComponentVariables>,
    pub(crate) stores: KeyValueStores,
    pub(crate) open_stores: Allowance,
    pub(crate) swaps: Allowance,
    pub(crate) lists: Allowance,
}

impl SpinCtx {
    /// The context of an instance that has not run yet.
    #[must_use]
    pub fn new(variables: Arc<ComponentVariables>, stores: KeyValueStores) -> Self {
        Self {
            variables,
            stores,
            open_stores: Allowance::new(MOST_OPEN_STORES),
            swaps: Allowance::new(MOST_SWAPS),
            lists: Allowance::new(MOST_LISTS),
        }
    }
}

/// How many of something a guest may have at once.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: usize,
    /// Every permit is one more owner.
    taken: Arc<()>,
}

/// One of them; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    _taken: Arc<()>,
}

impl Allowance {
    fn new(most: usize) -> Self {
        Self { most, taken: Arc::new(()) }
    }

    pub(crate) fn take(&self) -> Option<Permit> {
        (Arc::strong_count(&self.taken) <= self.most).then(|| Permit { _taken: Arc::clone(&self.taken) })
    }
}

/// Both parts of a store's data that the host functions work with.
#[derive(Debug)]
pub struct SpinCtxView<'a> {
    /// The guest's variables and stores.
    pub ctx: &'a mut SpinCtx,
    /// The guest's resources.
    pub table: &'a mut ResourceTable,
}

/// Gives the host functions access to the [`SpinCtx`] in a store's data.
pub trait SpinView: Send {
    /// Borrows the context and the table of resources.
    fn spin(&mut self) -> SpinCtxView<'_>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_given_back() {
        let allowance = Allowance::new(2);
        let one = allowance.take().unwrap();
        let _two = allowance.take().unwrap();
        assert!(allowance.take().is_none());
        drop(one);
        assert!(allowance.take().is_some());
    }
}
