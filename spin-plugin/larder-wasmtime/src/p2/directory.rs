//! Listing a directory in 0.2.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::filesystem::types;

use super::abi::P2;
use crate::abi::Abi;
use crate::context::LarderView;
use crate::descriptor::Handle;
use crate::errors::or_quota;
use crate::limits::DIRECTORY_BATCH;
use crate::listing::Listing;

/// The host side of `directory-entry-stream`: a listing, and the entries read
/// ahead.
struct Entries {
    listing: Listing,
    batch: std::vec::IntoIter<larder_core::DirectoryEntry>,
}

impl Entries {
    fn next(&mut self) -> larder_core::Result<Option<Entry>> {
        if self.batch.len() == 0 {
            self.batch = self.listing.page(DIRECTORY_BATCH)?.into_iter();
        }
        Ok(self.batch.next().map(|entry| Entry { type_: P2::kind(entry.file_type), name: entry.name }))
    }
}

/// `directory-entry`, with the name that the store holds.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Entry {
    #[component(name = "type")]
    type_: types::DescriptorType,
    name: Arc<str>,
}

pub(crate) fn define<T: LarderView + 'static>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.resource("directory-entry-stream", ResourceType::host::<Entries>(), |mut store, rep| {
        store.data_mut().larder().table.delete(Resource::<Entries>::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap(
        "[method]descriptor.read-directory",
        |mut store: StoreContextMut<'_, T>, (directory,): (Handle,)| {
            let table = store.data_mut().larder().table;
            let opened = match Listing::open(table.get(&directory)?.file()) {
                Ok(listing) => {
                    or_quota(table.push(Entries { listing, batch: Vec::new().into_iter() }), "read-directory")?
                }
                Err(error) => Err(error),
            };
            Ok((opened.map_err(|error| P2::error(error.code())),))
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: StoreContextMut<'_, T>, (entries,): (Resource<Entries>,)| {
            let next = store.data_mut().larder().table.get_mut(&entries)?.next();
            Ok((next.map_err(|error| P2::error(error.code())),))
        },
    )
}
