//! A listing: a stream of entries, read by pages.

use std::cell::RefCell;
use std::collections::VecDeque;

use wasip3::filesystem::types::{Descriptor, DirectoryEntry, ErrorCode};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};

/// Few, so that the suite has listings of several pages.
const PAGE: usize = 7;

type Streams = (StreamReader<DirectoryEntry>, FutureReader<Result<(), ErrorCode>>);

pub struct Listing {
    /// `None` at the end, and while a page is read.
    streams: RefCell<Option<Streams>>,
    page: RefCell<VecDeque<DirectoryEntry>>,
}

impl Listing {
    /// Begins a listing; reads a page, so that an error shows here.
    pub async fn of(directory: &Descriptor) -> Result<Self, ErrorCode> {
        let streams = RefCell::new(Some(directory.read_directory()));
        let listing = Self { streams, page: RefCell::default() };
        listing.fill().await?;
        Ok(listing)
    }

    pub async fn next(&self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        if self.page.borrow().is_empty() {
            self.fill().await?;
        }
        Ok(self.page.borrow_mut().pop_front())
    }

    /// Ends it, and waits until the other side has.
    #[allow(dead_code, reason = "the puppet drops listings without waiting")]
    pub async fn close(self) {
        if let Some((stream, end)) = self.streams.into_inner() {
            drop(stream);
            // How it ended no longer matters.
            let _ = end.await;
        }
    }

    async fn fill(&self) -> Result<(), ErrorCode> {
        let Some((mut stream, end)) = self.streams.take() else { return Ok(()) };
        let (status, page) = stream.read(Vec::with_capacity(PAGE)).await;
        self.page.borrow_mut().extend(page);
        if matches!(status, StreamResult::Complete(_)) {
            self.streams.replace(Some((stream, end)));
            return Ok(());
        }
        drop(stream);
        end.await
    }
}
