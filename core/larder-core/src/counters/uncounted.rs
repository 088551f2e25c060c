//! Without the feature `counters`: operations are carried out.

use super::OperationKind;
use crate::{Operation, Reply, Result, Volume};

impl Volume {
    #[inline]
    pub(crate) fn counting_bytes<T>(
        &self,
        _: OperationKind,
        _: impl FnOnce(&T) -> u64,
        act: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        act()
    }

    #[inline]
    pub(crate) fn counting_applied(&self, _: &Operation, act: impl FnOnce() -> Result<Reply>) -> Result<Reply> {
        act()
    }
}
