//! Multipart uploads: large objects, in parallel, with parts of others.

use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, EncodingType};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::client::{Bucket, fits};
use crate::counts::Operation;
use crate::error::BucketError;
use crate::failure::Failure;
use crate::list::decoded;
use crate::metadata::{Metadata, to_headers};
use crate::object::{Condition, Etag, quoted};
use crate::read::etag_of;
use crate::write::CONTENT_TYPE;

/// The smallest part that is not the last, 5 MiB. S3 refuses a smaller one
/// when the upload is completed; this crate does not look.
pub const SMALLEST_PART: u64 = 5 << 20;

/// The largest part, 5 GiB.
pub const LARGEST_PART: u64 = 5 << 30;

/// The most parts of one upload, and the largest part number; the smallest
/// is 1.
pub const MOST_PARTS: u32 = 10_000;

/// The most uploads that [`Bucket::uploads`] tells: 10,000. Guards memory
/// against a bucket that nobody tidied; when these are aborted, it tells the
/// next ones.
pub const MOST_UPLOADS: usize = 10_000;

/// A multipart upload in progress. It stays, and costs, until it is completed
/// or aborted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Upload {
    /// The key of the object to be.
    pub key: String,
    /// The server's id for it.
    pub id: String,
}

/// A part that the server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number, from 1: the parts' order in the object.
    pub number: u32,
    /// Its version.
    pub etag: Etag,
    /// Its length in bytes.
    pub size: u64,
    /// Its CRC-32, where it is known: of a part that was uploaded, and of a
    /// copied one whose server tells it. If all parts have one, the object's
    /// is verified when the upload is completed.
    #[serde(default)]
    pub crc32: Option<u32>,
}

impl Bucket {
    /// Begins an upload (CreateMultipartUpload). A retry may leave an upload
    /// behind that nobody knows; [`uploads`](Self::uploads) finds it.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind).
    pub async fn start_upload(&self, key: &str, metadata: &Metadata) -> Result<Upload, BucketError> {
        fits(key)?;
        let headers = to_headers(key, metadata)?;
        self.call(Operation::CreateMultipartUpload, key, 0, || async {
            let request = self.0.client.create_multipart_upload().bucket(self.name()).key(key);
            let request = request
                .content_type(CONTENT_TYPE)
                .set_metadata(Some(headers.clone()))
                .checksum_algorithm(ChecksumAlgorithm::Crc32)
                .checksum_type(ChecksumType::FullObject);
            let begun = request.send().await?;
            let missing = || Failure::broken("the answer has no upload id".to_owned());
            let id = begun.upload_id().filter(|id| !id.is_empty()).ok_or_else(missing)?;
            Ok(Upload { key: key.to_owned(), id: id.to_owned() })
        })
        .await
    }

    /// Uploads a part (UploadPart), with its CRC-32, which the server
    /// verifies. The same number again replaces it.
    ///
    /// # Errors
    ///
    /// [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    /// over.
    pub async fn upload_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<Part, BucketError> {
        let of = numbered(upload, number)?;
        let crc32 = checksum::crc32(&body);
        let header = checksum::to_header(crc32);
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        self.call(Operation::UploadPart, &upload.key, size, || async {
            let request = self.0.client.upload_part().bucket(self.name()).key(&upload.key);
            let request = request.upload_id(&upload.id).part_number(of).checksum_crc32(&header);
            let request = request.body(body.clone().into()).customize();
            let request = match self.0.sign_payloads {
                true => request,
                false => request.disable_payload_signing(),
            };
            let done = request.send().await?;
            Ok(Part { number, etag: etag_of(done.e_tag())?, size, crc32: Some(crc32) })
        })
        .await
    }

    /// Makes a part of the bytes `range` of the version `from_etag` of
    /// `from`, inside the server (UploadPartCopy). The range may not be empty.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): `from` is another
    ///   version now.
    /// - [`NotFound`](crate::BucketErrorKind::NotFound): `from` is gone.
    /// - [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    ///   over.
    pub async fn copy_part(
        &self,
        upload: &Upload,
        number: u32,
        from: &str,
        from_etag: &Etag,
        range: Range<u64>,
    ) -> Result<Part, BucketError> {
        let of = numbered(upload, number)?;
        fits(from)?;
        if range.is_empty() {
            return Err(BucketError::invalid(format!("part {number} would have no bytes")));
        }
        let source = self.source(from);
        let size = range.end - range.start;
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        self.call(Operation::UploadPartCopy, &upload.key, 0, || async {
            let request = self.0.client.upload_part_copy().bucket(self.name()).key(&upload.key);
            let request = request
                .upload_id(&upload.id)
                .part_number(of)
                .copy_source(&source)
                .copy_source_if_match(quoted(from_etag))
                .copy_source_range(&bytes);
            let done = request.send().await?;
            let result = done.copy_part_result();
            let etag = etag_of(result.and_then(|result| result.e_tag()))?;
            let crc32 = result.and_then(|result| result.checksum_crc32());
            Ok(Part { number, etag, size, crc32: crc32.and_then(checksum::from_header) })
        })
        .await
    }

    /// Makes the object of `parts`, in the order of their numbers
    /// (CompleteMultipartUpload).
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): the condition does
    ///   not hold. The upload may have to be aborted.
    /// - [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    ///   over; with [`after_retry`](BucketError::after_retry), perhaps because
    ///   this call completed it.
    pub async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[Part],
        condition: &Condition,
    ) -> Result<Etag, BucketError> {
        let (parts, whole) = completed(upload, parts)?;
        let whole = whole.map(checksum::to_header);
        self.call(Operation::CompleteMultipartUpload, &upload.key, 0, || async {
            let client = &self.0.client;
            let request = client.complete_multipart_upload().bucket(self.name()).key(&upload.key);
            let request = request
                .upload_id(&upload.id)
                .multipart_upload(parts.clone())
                .set_checksum_type(whole.as_ref().map(|_| ChecksumType::FullObject))
                .set_checksum_crc32(whole.clone())
                .set_if_match(condition.if_match())
                .set_if_none_match(condition.if_none_match());
            let done = request.send().await.map_err(|error| condition.failure(error.into()))?;
            etag_of(done.e_tag())
        })
        .await
    }

    /// Gives an upload up (AbortMultipartUpload). One that is over is given up
    /// already.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind); not `NoSuchUpload`.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<(), BucketError> {
        self.call(Operation::AbortMultipartUpload, &upload.key, 0, || async {
            let client = &self.0.client;
            let request = client.abort_multipart_upload().bucket(self.name()).key(&upload.key);
            match request.upload_id(&upload.id).send().await.map_err(Failure::from) {
                Ok(_) => Ok(()),
                Err(failure) if failure.no_upload() => Ok(()),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    /// The uploads in progress whose keys begin with `prefix`, and when each
    /// began (ListMultipartUploads); [`MOST_UPLOADS`] at most.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind).
    pub async fn uploads(&self, prefix: &str) -> Result<Vec<(Upload, SystemTime)>, BucketError> {
        let mut found = Vec::new();
        let mut after = None;
        while found.len() < MOST_UPLOADS {
            let (uploads, next) = self.uploads_after(prefix, after).await?;
            found.extend(uploads);
            if next.is_none() {
                break;
            }
            after = next;
        }
        found.truncate(MOST_UPLOADS);
        Ok(found)
    }

    /// A page of the uploads, after the markers of the page before.
    async fn uploads_after(
        &self,
        prefix: &str,
        after: Option<Markers>,
    ) -> Result<(Vec<(Upload, SystemTime)>, Option<Markers>), BucketError> {
        let (key, id) = after.unzip();
        self.call(Operation::ListMultipartUploads, prefix, 0, || async {
            let request = self.0.client.list_multipart_uploads().bucket(self.name());
            let request = request
                .prefix(prefix)
                .encoding_type(EncodingType::Url)
                .set_key_marker(key.clone())
                .set_upload_id_marker(id.clone());
            let listed = request.send().await?;
            let encoded = listed.encoding_type() == Some(&EncodingType::Url);
            let mut uploads = Vec::new();
            for upload in listed.uploads() {
                let began = upload.initiated().and_then(|time| SystemTime::try_from(*time).ok());
                let id = upload.upload_id().unwrap_or_default().to_owned();
                let upload = Upload { key: decoded(upload.key(), encoded)?, id };
                uploads.push((upload, began.unwrap_or(SystemTime::UNIX_EPOCH)));
            }
            let next = listed.next_key_marker().zip(listed.next_upload_id_marker());
            let next = next.filter(|_| listed.is_truncated() == Some(true));
            let next = next.map(|(key, id)| Ok::<_, Failure>((decoded(Some(key), encoded)?, id.to_owned())));
            Ok((uploads, next.transpose()?))
        })
        .await
    }
}

/// Where a page of uploads begins: after this key and this id.
type Markers = (String, String);

/// A part's number as S3 takes it.
fn numbered(upload: &Upload, number: u32) -> Result<i32, BucketError> {
    match i32::try_from(number) {
        Ok(of) if (1..=MOST_PARTS).contains(&number) => Ok(of),
        _ => Err(BucketError::invalid(format!(
            "part {number} of {:?}: parts have the numbers 1 to {MOST_PARTS}",
            upload.key
        ))),
    }
}

/// The parts as S3 takes them, and the whole's CRC-32 if that of each part is
/// known.
fn completed(upload: &Upload, parts: &[Part]) -> Result<(CompletedMultipartUpload, Option<u32>), BucketError> {
    let ascending = parts.is_sorted_by(|one, next| one.number < next.number);
    if parts.is_empty() || !ascending {
        return Err(BucketError::invalid(format!(
            "the parts of {:?} are none, or not in the order of their numbers",
            upload.key
        )));
    }
    let all = parts.iter().map(|part| Some((part.crc32?, part.size))).collect::<Option<Vec<_>>>();
    let mut list = Vec::with_capacity(parts.len());
    for part in parts {
        let known = part.crc32.filter(|_| all.is_some());
        let part = CompletedPart::builder()
            .part_number(numbered(upload, part.number)?)
            .e_tag(quoted(&part.etag))
            .set_checksum_crc32(known.map(checksum::to_header));
        list.push(part.build());
    }
    let whole = all.map(|all| checksum::combined(all.into_iter()));
    Ok((CompletedMultipartUpload::builder().set_parts(Some(list)).build(), whole))
}
