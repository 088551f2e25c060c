//! What can be told of a volume without opening it.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use larder_bucket::{Bucket, BucketError, BucketErrorKind, Condition, Metadata};
use serde::Serialize;

use crate::commit::intent;
use crate::layout::{KeySpace, Token};
use crate::{S3Error, S3Options};

/// The most groups that are counted. Guards the time of a look at a bucket that
/// something else fills.
const MOST_GROUPS: usize = 100_000;

/// What the bucket shows of a volume's changes under way, whoever makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnderWay {
    /// Groups of changes that were begun and are not finished. Whoever opens
    /// the volume next finishes those that a crash left.
    pub groups: u64,
    /// Uploads in parts that are not complete.
    pub uploads: u64,
    /// When the oldest of them began, in seconds since 1970.
    pub oldest_upload: Option<u64>,
}

/// Looks at the bucket for what is under way.
///
/// # Errors
/// What the bucket answers.
pub async fn under_way(options: &S3Options) -> Result<UnderWay, S3Error> {
    let (bucket, keys) = connect(options).await?;
    let folder = intent::folder(&keys);
    let (mut groups, mut token) = (0, None);
    loop {
        let page = bucket.list(&folder, false, None, token.as_deref()).await?;
        groups += page.objects.len();
        token = page.next;
        if token.is_none() || groups >= MOST_GROUPS {
            break;
        }
    }
    let uploads = bucket.uploads(keys.prefix()).await?;
    let began = uploads.iter().filter_map(|(_, began)| began.duration_since(UNIX_EPOCH).ok());
    Ok(UnderWay {
        groups: count(groups),
        uploads: count(uploads.len()),
        oldest_upload: began.map(|since| since.as_secs()).min(),
    })
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Something that a volume needs of its bucket, and whether it is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is needed.
    pub what: &'static str,
    /// Why it is not so, and what to do; `None` where it is.
    pub trouble: Option<String>,
}

/// Tries what a volume needs of its bucket: to list it, and, unless it is only
/// read, to write, read and remove an object of its own below `.larder/`, with
/// conditions that the server keeps. What comes behind a failure is not tried.
///
/// # Errors
/// The options make no sense; what the bucket answers is in the findings.
pub async fn check(options: &S3Options) -> Result<Vec<Finding>, S3Error> {
    let (bucket, keys) = connect(options).await?;
    let mut findings = Vec::new();
    let mut found = |what, result: Result<(), String>| {
        let trouble = result.err();
        let is_fine = trouble.is_none();
        findings.push(Finding { what, trouble });
        is_fine
    };
    if found("list the volume's keys", told(bucket.check(keys.prefix()).await)) && !options.read_only {
        let key = format!("{}check-{}", keys.reserved(), Token(fastrand::u128(..)));
        let made = bucket.put(&key, Bytes::from_static(b"larder"), &Metadata::new(), &Condition::IfAbsent).await;
        let etag = made.as_ref().ok().cloned();
        if found("create an object", told(made.map(drop))) {
            found("read it", read(&bucket, &key).await);
            found("refuse to create it again (If-None-Match)", refused(&bucket, &key, &Condition::IfAbsent).await);
            let other = Condition::IfMatch("0123456789abcdef0123456789abcdef".into());
            found("refuse to replace another version (If-Match)", refused(&bucket, &key, &other).await);
            // Whatever is there now: the server may have taken what it should
            // have refused.
            let known = bucket.head(&key).await.ok().flatten().map(|object| object.etag).or(etag);
            let condition = known.map_or(Condition::Always, Condition::IfMatch);
            found("remove it", told(bucket.delete(&key, &condition).await));
        }
    }
    Ok(findings)
}

async fn connect(options: &S3Options) -> Result<(Bucket, KeySpace), S3Error> {
    let keys = KeySpace::new(&options.prefix)
        .map_err(|error| S3Error::new(larder_core::ErrorCode::Invalid, error.to_string()))?;
    Ok((Bucket::connect(options.bucket.clone()).await?, keys))
}

fn told(result: Result<(), BucketError>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}

async fn read(bucket: &Bucket, key: &str) -> Result<(), String> {
    let found = bucket.get_whole(key, 1024).await.map_err(|error| error.to_string())?;
    if found.is_some_and(|(_, bytes)| bytes == "larder") {
        Ok(())
    } else {
        Err("it is not what was written".to_owned())
    }
}

/// A write whose condition does not hold.
async fn refused(bucket: &Bucket, key: &str, condition: &Condition) -> Result<(), String> {
    match bucket.put(key, Bytes::from_static(b"other"), &Metadata::new(), condition).await {
        Err(error) if error.kind() == BucketErrorKind::Conflict => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("the server carried it out: clients of one bucket would replace each other's changes unseen. \
                      Use a server with conditional writes, such as Amazon S3 or SeaweedFS 4"
            .to_owned()),
    }
}
