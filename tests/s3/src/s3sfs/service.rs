//! The operations: names from the table, contents from s3s-fs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::{HeaderMap, Method, Uri};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::conditions::Conditions;
use super::listing;
use super::names::{Entry, Names};

#[derive(Debug)]
pub(super) struct Service {
    pub(super) files: FileSystem,
    names: Mutex<Names>,
}

impl Service {
    pub(super) fn new(root: &Path) -> Self {
        let files = FileSystem::new(root).unwrap();
        Self { files, names: Mutex::new(Names::new(root)) }
    }

    /// Not held across an await.
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names a file that s3s-fs has written.
    pub(super) async fn publish(
        &self,
        bucket: &str,
        key: &str,
        file: String,
        conditions: &Conditions,
    ) -> S3Result<Entry> {
        let input = HeadObjectInput { bucket: bucket.to_owned(), key: file.clone(), ..Default::default() };
        let head = self.files.head_object(request(input)).await?.output;
        let etag = head.e_tag.ok_or_else(|| s3_error!(InternalError))?;
        let written = (file, etag, head.content_length.unwrap_or_default());
        self.names().publish(bucket, key, written, conditions)
    }
}

/// The bucket and key that a copy reads.
pub(super) fn source(source: &CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket { bucket, key, .. } => Ok((bucket.to_string(), key.to_string())),
        _ => Err(s3_error!(NotImplemented)),
    }
}

fn request<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: Method::GET,
        uri: Uri::default(),
        headers: HeaderMap::default(),
        extensions: hyper::http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = req.input.bucket.clone();
        if self.names().buckets.contains_key(&bucket) {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        let answer = self.files.create_bucket(req).await?;
        self.names().buckets.insert(bucket, BTreeMap::new());
        Ok(answer)
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = req.input.bucket.clone();
        if !self.names().bucket(&bucket)?.is_empty() {
            return Err(s3_error!(BucketNotEmpty));
        }
        self.names().buckets.remove(&bucket);
        self.files.delete_bucket(req).await
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        self.files.list_buckets(req).await
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.files.get_bucket_location(req).await
    }

    async fn get_object(&self, mut req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = &mut req.input;
        let entry = self.names().find(&input.bucket, &input.key)?;
        let conditions = Conditions { matches: input.if_match.take(), none_matches: input.if_none_match.take() };
        conditions.check_read(&entry.etag)?;
        input.key.clone_from(&entry.file);
        let mut answer = self.files.get_object(req).await?;
        answer.output.last_modified = Some(entry.modified);
        Ok(answer)
    }

    async fn head_object(&self, mut req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = &mut req.input;
        let entry = self.names().find(&input.bucket, &input.key)?;
        let conditions = Conditions { matches: input.if_match.take(), none_matches: input.if_none_match.take() };
        conditions.check_read(&entry.etag)?;
        input.key.clone_from(&entry.file);
        let mut answer = self.files.head_object(req).await?;
        answer.output.last_modified = Some(entry.modified);
        Ok(answer)
    }

    async fn put_object(&self, mut req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = &mut req.input;
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let conditions = Conditions { matches: input.if_match.take(), none_matches: input.if_none_match.take() };
        let file = self.names().fresh(&bucket)?;
        input.key.clone_from(&file);
        let answer = self.files.put_object(req).await?;
        self.publish(&bucket, &key, file, &conditions).await?;
        Ok(answer)
    }

    async fn copy_object(&self, mut req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let conditions = Conditions::of_headers(&req.headers)?;
        let input = &mut req.input;
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let replaces = input.metadata_directive.as_ref().is_some_and(|how| how.as_str() == MetadataDirective::REPLACE);
        if !replaces && from_bucket == input.bucket && from_key == input.key {
            return Err(s3_error!(InvalidRequest, "This copy onto itself changes nothing."));
        }
        let from = self.names().find(&from_bucket, &from_key)?;
        let of_source = Conditions {
            matches: input.copy_source_if_match.take(),
            none_matches: input.copy_source_if_none_match.take(),
        };
        of_source.check_source(&from.etag)?;
        input.copy_source = CopySource::Bucket { bucket: from_bucket.into(), key: from.file.into(), version_id: None };
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let file = self.names().fresh(&bucket)?;
        input.key.clone_from(&file);
        let mut answer = self.files.copy_object(req).await?;
        let entry = self.publish(&bucket, &key, file, &conditions).await?;
        if let Some(result) = &mut answer.output.copy_object_result {
            result.last_modified = Some(entry.modified);
        }
        Ok(answer)
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        let conditions = Conditions { matches: input.if_match, none_matches: None };
        self.names().remove(&input.bucket, &input.key, &conditions)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let mut names = self.names();
        names.bucket(&req.input.bucket)?;
        for object in req.input.delete.objects {
            let conditions = Conditions { matches: object.e_tag.map(ETagCondition::ETag), none_matches: None };
            let key = Some(object.key.clone());
            match names.remove(&req.input.bucket, &object.key, &conditions) {
                Ok(()) => deleted.push(DeletedObject { key, ..Default::default() }),
                Err(error) => {
                    let code = Some(error.code().as_str().to_owned());
                    errors.push(Error { key, code, ..Default::default() });
                }
            }
        }
        drop(names);
        let deleted = Some(deleted).filter(|_| req.input.delete.quiet != Some(true));
        Ok(S3Response::new(DeleteObjectsOutput { deleted, errors: Some(errors), ..Default::default() }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let names = self.names();
        let output = listing::list(names.bucket(&req.input.bucket)?, req.input)?;
        drop(names);
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.begin_upload(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.take_part(req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        self.copy_part(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.complete_upload(req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.abort_upload(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.parts(req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        Ok(S3Response::new(self.uploads(req.input)?))
    }
}
