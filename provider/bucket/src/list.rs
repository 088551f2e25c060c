//! Listing objects.

use crate::client::Bucket;
use crate::error::BucketError;
use crate::object::Page;

impl Bucket {
    /// A page of the objects whose keys begin with `prefix`, in the order of
    /// the keys' bytes (ListObjectsV2).
    ///
    /// `delimiter`: keys with a `/` after the prefix are told as
    /// [`Page::prefixes`] only. `after`: begin after this key. `token`:
    /// [`Page::next`] of the page before.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind).
    pub async fn list(
        &self,
        prefix: &str,
        delimiter: bool,
        after: Option<&str>,
        token: Option<&str>,
    ) -> Result<Page, BucketError> {
        let _ = (prefix, delimiter, after, token);
        Err(BucketError::invalid("not built yet".into()))
    }
}
