//! Listing objects.

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use crate::client::Bucket;
use crate::counts::Operation;
use crate::error::BucketError;
use crate::failure::Failure;
use crate::object::{Listed, Page, timestamp};
use crate::read::etag_of;

impl Bucket {
    /// A page of the objects whose keys begin with `prefix` (ListObjectsV2).
    /// S3 lists in the order of the keys' bytes; SeaweedFS lists what is in a
    /// "directory" right after it (`a`, `a/b`, `a-c`). Do not rely on it.
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
        self.call(Operation::ListObjectsV2, prefix, 0, || async {
            let request = self.0.client.list_objects_v2().bucket(self.name()).prefix(prefix);
            let request = request
                .encoding_type(EncodingType::Url)
                .set_delimiter(delimiter.then(|| "/".to_owned()))
                .set_start_after(after.map(str::to_owned))
                .set_continuation_token(token.map(str::to_owned));
            let listed = request.send().await?;
            let encoded = listed.encoding_type() == Some(&EncodingType::Url);
            let mut page = Page { next: next(&listed)?, ..Page::default() };
            for object in listed.contents() {
                page.objects.push(Listed {
                    key: decoded(object.key(), encoded)?,
                    etag: etag_of(object.e_tag())?,
                    size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                    modified: timestamp(object.last_modified()),
                });
            }
            for prefix in listed.common_prefixes() {
                page.prefixes.push(decoded(prefix.prefix(), encoded)?);
            }
            Ok(page)
        })
        .await
    }
}

/// The next page's token. A page that says that there are more, and not
/// where, would end the listing early.
fn next(listed: &aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output) -> Result<Option<String>, Failure> {
    let token = listed.next_continuation_token().filter(|token| !token.is_empty());
    match (listed.is_truncated().unwrap_or(false), token) {
        (false, _) => Ok(None),
        (true, Some(token)) => Ok(Some(token.to_owned())),
        (true, None) => Err(Failure::broken("the page does not say where to go on".to_owned())),
    }
}

/// A key of a listing. Servers encode it as forms do: a space is a `+`.
pub(crate) fn decoded(key: Option<&str>, encoded: bool) -> Result<String, Failure> {
    let key = key.ok_or_else(|| Failure::broken("an entry has no key".to_owned()))?;
    if !encoded {
        return Ok(key.to_owned());
    }
    let key = key.replace('+', " ");
    let decoded = percent_decode_str(&key).decode_utf8();
    let decoded = decoded.map_err(|_| Failure::corrupt(format!("{key:?} is not UTF-8")))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_once() {
        let key = |key, encoded| decoded(Some(key), encoded).ok();
        assert_eq!(key("a+b%2Bc%2520d%C3%BC", true).as_deref(), Some("a b+c%20dü"));
        assert_eq!(key("a+b%2B", false).as_deref(), Some("a+b%2B"));
        assert_eq!(key("%FF", true), None);
    }
}
