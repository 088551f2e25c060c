//! The table of buckets, names and uploads. Each change is one step under its
//! lock.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use s3s::dto::{ETag, Timestamp};
use s3s::{S3Result, s3_error};

use super::conditions::Conditions;

/// How long a file stays that is replaced: longer than a reader takes between
/// asking for its name and opening it.
const KEPT: Duration = Duration::from_secs(5);

/// An object as it is named now.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name of its file in the bucket's directory.
    pub(super) file: String,
    pub(super) etag: ETag,
    pub(super) size: i64,
    pub(super) modified: Timestamp,
}

/// An upload in parts that is under way.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    /// What its file will be.
    pub(super) file: String,
    pub(super) begun: Timestamp,
    pub(super) parts: BTreeMap<i32, ETag>,
}

#[derive(Debug)]
pub(super) struct Names {
    root: PathBuf,
    pub(super) buckets: BTreeMap<String, BTreeMap<String, Entry>>,
    pub(super) uploads: BTreeMap<String, Upload>,
    replaced: VecDeque<(Instant, PathBuf)>,
    files: u64,
}

impl Names {
    pub(super) fn new(root: &Path) -> Self {
        let (buckets, uploads, replaced) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Self { root: root.to_owned(), buckets, uploads, replaced, files: 0 }
    }

    /// The name of a file that is none yet.
    pub(super) fn fresh(&mut self, bucket: &str) -> S3Result<String> {
        self.bucket(bucket)?;
        self.files += 1;
        Ok(format!("object-{}", self.files))
    }

    pub(super) fn bucket(&self, bucket: &str) -> S3Result<&BTreeMap<String, Entry>> {
        self.buckets.get(bucket).ok_or_else(|| s3_error!(NoSuchBucket))
    }

    pub(super) fn find(&self, bucket: &str, key: &str) -> S3Result<Entry> {
        self.bucket(bucket)?.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// Whether a write may be made.
    pub(super) fn check(&self, bucket: &str, key: &str, conditions: &Conditions) -> S3Result<()> {
        conditions.check_write(self.bucket(bucket)?.get(key).map(|entry| &entry.etag))
    }

    /// Names a file that is written; what the name was before is removed.
    pub(super) fn publish(
        &mut self,
        bucket: &str,
        key: &str,
        (file, etag, size): (String, ETag, i64),
        conditions: &Conditions,
    ) -> S3Result<Entry> {
        if let Err(error) = self.check(bucket, key, conditions) {
            self.retire(bucket, &file);
            return Err(error);
        }
        let entry = Entry { file, etag, size, modified: Timestamp::from(SystemTime::now()) };
        let names = self.buckets.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        if let Some(before) = names.insert(key.to_owned(), entry.clone()) {
            self.retire(bucket, &before.file);
        }
        Ok(entry)
    }

    /// What is not there is removed, too, where no condition asks for it.
    pub(super) fn remove(&mut self, bucket: &str, key: &str, conditions: &Conditions) -> S3Result<()> {
        self.check(bucket, key, conditions)?;
        if let Some(before) = self.buckets.get_mut(bucket).and_then(|names| names.remove(key)) {
            self.retire(bucket, &before.file);
        }
        Ok(())
    }

    pub(super) fn upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
        let upload = self.uploads.get(id).filter(|upload| upload.bucket == bucket && upload.key == key);
        upload.cloned().ok_or_else(|| s3_error!(NoSuchUpload))
    }

    /// A part that has come. The upload may have ended since.
    pub(super) fn add_part(&mut self, id: &str, number: i32, etag: Option<ETag>) {
        if let (Some(upload), Some(etag)) = (self.uploads.get_mut(id), etag) {
            upload.parts.insert(number, etag);
        }
    }

    fn retire(&mut self, bucket: &str, file: &str) {
        let now = Instant::now();
        self.replaced.push_back((now, self.root.join(bucket).join(file)));
        while let Some((_, file)) = self.replaced.pop_front_if(|(since, _)| now.duration_since(*since) > KEPT) {
            let _ = std::fs::remove_file(file);
        }
    }
}
