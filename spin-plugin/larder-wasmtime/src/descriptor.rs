//! What the resource tables hold for a `wasi:filesystem` `descriptor`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larder_core::{DescriptorFlags, Error, ErrorCode, FileType};
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

use crate::clock::Clock;

/// The host side of `wasi:filesystem/types.descriptor`, of 0.2 and 0.3 alike.
///
/// Streams share the open description with the descriptor that they came
/// from and keep it open.
#[derive(Debug)]
pub struct Descriptor {
    file: Arc<larder_core::Descriptor>,
    /// The store renews the access time at the first read alone: later ones
    /// need not ask the clock.
    read_before: AtomicBool,
}

impl Descriptor {
    /// Wraps an open description.
    #[must_use]
    pub fn new(file: larder_core::Descriptor) -> Self {
        Self { file: Arc::new(file), read_before: AtomicBool::new(false) }
    }

    /// The open description.
    #[must_use]
    pub fn file(&self) -> &Arc<larder_core::Descriptor> {
        &self.file
    }

    /// Whether a stream in this direction can work at all, so that it is
    /// refused when it is opened and not at its first use.
    pub(crate) fn can_stream(&self, needed: DescriptorFlags, operation: &'static str) -> larder_core::Result<()> {
        if self.file.file_type() == FileType::Directory {
            Err(Error::new(ErrorCode::IsDirectory, operation))
        } else if !self.file.flags().contains(needed) {
            Err(Error::new(ErrorCode::BadDescriptor, operation))
        } else {
            Ok(())
        }
    }

    /// Renews the access time, if this is the first read.
    pub(crate) fn touch(&self, clock: &Clock) {
        if !self.read_before.swap(true, Ordering::Relaxed) {
            self.file.touch_read(clock.now());
        }
    }
}

/// A guest's handle of a [`Descriptor`].
pub(crate) type Handle = Resource<Descriptor>;

/// Puts an open description into the table.
pub(crate) fn push(table: &mut ResourceTable, file: larder_core::Descriptor) -> Result<Handle, ResourceTableError> {
    table.push(Descriptor::new(file))
}
