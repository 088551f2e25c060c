//! Uploads in parts: a file is chosen when one begins, and named when it is
//! completed.

use std::collections::BTreeMap;
use std::time::SystemTime;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Timestamp, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::conditions::Conditions;
use super::names::Upload;
use super::service::{Service, source};

impl Service {
    pub(super) async fn begin_upload(
        &self,
        mut req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let file = self.names().fresh(&bucket)?;
        req.input.key.clone_from(&file);
        let mut answer = self.files.create_multipart_upload(req).await?;
        answer.output.key = Some(key.clone());
        let id = answer.output.upload_id.clone().unwrap_or_default();
        let begun = Timestamp::from(SystemTime::now());
        self.names().uploads.insert(id, Upload { bucket, key, file, begun, parts: BTreeMap::new() });
        Ok(answer)
    }

    pub(super) async fn take_part(
        &self,
        mut req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = &mut req.input;
        input.key = self.names().upload(&input.upload_id, &input.bucket, &input.key)?.file;
        let (id, number) = (input.upload_id.clone(), input.part_number);
        let answer = self.files.upload_part(req).await?;
        self.names().add_part(&id, number, answer.output.e_tag.clone());
        Ok(answer)
    }

    pub(super) async fn copy_part(
        &self,
        mut req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = &mut req.input;
        let (bucket, key) = source(&input.copy_source)?;
        let entry = self.names().find(&bucket, &key)?;
        let conditions = Conditions {
            matches: input.copy_source_if_match.take(),
            none_matches: input.copy_source_if_none_match.take(),
        };
        conditions.check_source(&entry.etag)?;
        input.copy_source = CopySource::Bucket { bucket: bucket.into(), key: entry.file.into(), version_id: None };
        input.key = self.names().upload(&input.upload_id, &input.bucket, &input.key)?.file;
        let (id, number) = (input.upload_id.clone(), input.part_number);
        let answer = self.files.upload_part_copy(req).await?;
        let etag = answer.output.copy_part_result.as_ref().and_then(|result| result.e_tag.clone());
        self.names().add_part(&id, number, etag);
        Ok(answer)
    }

    /// The parts are gone when another writer was faster between the first
    /// check and the last: Amazon answers 409 then, and wants a new upload.
    pub(super) async fn complete_upload(
        &self,
        mut req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = &mut req.input;
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
        let conditions = Conditions { matches: input.if_match.take(), none_matches: input.if_none_match.take() };
        let upload = self.names().upload(&id, &bucket, &key)?;
        self.names().check(&bucket, &key, &conditions)?;
        for part in input.multipart_upload.iter().flat_map(|upload| upload.parts.iter().flatten()) {
            let there = part.part_number.and_then(|number| upload.parts.get(&number));
            if there.is_none() || part.e_tag.as_ref() != there {
                return Err(s3_error!(InvalidPart));
            }
        }
        input.key.clone_from(&upload.file);
        let mut answer = self.files.complete_multipart_upload(req).await?;
        if let Some(completed) = answer.output.future.take() {
            answer.output = completed.await?;
        }
        self.names().uploads.remove(&id);
        let published = self.publish(&bucket, &key, upload.file, &conditions).await;
        published.map_err(|error| match error.code() {
            S3ErrorCode::PreconditionFailed => s3_error!(ConditionalRequestConflict),
            _ => error,
        })?;
        answer.output.key = Some(key);
        Ok(answer)
    }

    pub(super) async fn abort_upload(
        &self,
        mut req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = &mut req.input;
        let id = input.upload_id.clone();
        input.key = self.names().upload(&id, &input.bucket, &input.key)?.file;
        let answer = self.files.abort_multipart_upload(req).await?;
        self.names().uploads.remove(&id);
        Ok(answer)
    }

    pub(super) async fn parts(&self, mut req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = &mut req.input;
        let key = input.key.clone();
        input.key = self.names().upload(&input.upload_id, &input.bucket, &key)?.file;
        let mut answer = self.files.list_parts(req).await?;
        answer.output.key = Some(key);
        Ok(answer)
    }

    /// All at once.
    pub(super) fn uploads(&self, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
        let names = self.names();
        names.bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let of_bucket = names.uploads.iter().filter(|(_, upload)| upload.bucket == input.bucket);
        let mut uploads: Vec<_> = of_bucket
            .filter(|(_, upload)| upload.key.starts_with(&prefix))
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.begun.clone()),
                ..Default::default()
            })
            .collect();
        uploads.sort_by(|one, other| one.key.cmp(&other.key));
        drop(names);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix,
            is_truncated: Some(false),
            uploads: Some(uploads),
            ..Default::default()
        })
    }
}
