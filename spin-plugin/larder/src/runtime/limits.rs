//! What a guest may take of the host's memory besides its volumes.

use wasmtime::ResourceLimiter;

/// Linear memory of a command, all its memories together, unless `--memory`
/// says otherwise: 4 GiB, what a 32-bit guest can address.
pub(crate) const DEFAULT_COMMAND_MEMORY: u64 = 4 << 30;

/// Linear memory of one instance that answers an HTTP request: 512 MiB. Many
/// of them run at once.
pub(crate) const DEFAULT_REQUEST_MEMORY: u64 = 512 << 20;

/// Elements of all tables together. A table element takes 8 bytes or more, and
/// the largest real guests (CPython with extensions) have some 50,000.
const TABLE_ELEMENTS: u64 = 4 << 20;

/// Entries of the table of host resources (streams, descriptors, requests).
pub(crate) const RESOURCES: usize = 1 << 17;

/// Counts the memory and tables of one store and refuses growth beyond a sum.
///
/// Wasmtime's own `StoreLimits` bounds each memory for itself, so that a
/// component of many memories would get many times the limit.
#[derive(Debug)]
pub(crate) struct GuestLimits {
    memory_limit: u64,
    memory: u64,
    elements: u64,
    refused: bool,
}

impl GuestLimits {
    /// At most `memory_limit` bytes of linear memory.
    pub(crate) fn new(memory_limit: u64) -> Self {
        Self { memory_limit, memory: 0, elements: 0, refused: false }
    }

    /// Whether the guest was refused memory, which explains many a trap.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// The bound in bytes.
    pub(crate) fn memory_limit(&self) -> u64 {
        self.memory_limit
    }
}

/// Moves `used` from `current` to `desired` unless the sum passes `limit`.
fn grow(used: &mut u64, current: usize, desired: usize, limit: u64) -> bool {
    let wanted = used.saturating_sub(current as u64).saturating_add(desired as u64);
    let granted = wanted <= limit;
    if granted {
        *used = wanted;
    }
    granted
}

impl ResourceLimiter for GuestLimits {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond the memory's own maximum the growth fails without us.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let granted = grow(&mut self.memory, current, desired, self.memory_limit);
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(grow(&mut self.elements, current, desired, TABLE_ELEMENTS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_over_memories_is_bounded() {
        let mut limits = GuestLimits::new(100);
        assert!(limits.memory_growing(0, 60, None).unwrap());
        assert!(limits.memory_growing(0, 40, None).unwrap());
        assert!(!limits.refused());
        assert!(!limits.memory_growing(40, 41, None).unwrap());
        assert!(limits.refused());
        // What was refused was not counted.
        assert!(limits.memory_growing(60, 60, None).unwrap());
    }
}
