//! Finishing what a crash left in the bucket, before anything is read of it:
//! notes of groups that were not carried out wholly, uploads and copies that
//! nobody needs.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use larder_bucket::{Bucket, BucketErrorKind, Condition, Metadata, Object};

use crate::commit::apply::{Done, Failure, carry_out};
use crate::commit::conflict::{beside, is_of};
use crate::commit::intent;
use crate::commit::step::{Do, Step};
use crate::error::S3Error;
use crate::layout::{KeySpace, Token};
use crate::options::ConflictPolicy;
use crate::session::Session;
use crate::shared::Counters;

/// What nobody has touched for so long belongs to no process that still runs.
const LEFT: Duration = Duration::from_hours(24);

/// What is finished, and how.
pub(crate) struct Recovery<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) keys: &'a KeySpace,
    pub(crate) policy: ConflictPolicy,
    pub(crate) counters: &'a Counters,
    pub(crate) session: &'a Session,
}

impl Recovery<'_> {
    /// Finishes the groups that have a note, in their order; answers the notes.
    ///
    /// # Errors
    /// What the bucket answers; a note that cannot be read; a conflict under
    /// [`ConflictPolicy::Fail`].
    pub(crate) async fn finish_groups(&self) -> Result<HashSet<String>, S3Error> {
        let mut notes = self.listed(&intent::folder(self.keys)).await?;
        notes.sort_by(|one, other| one.0.cmp(&other.0));
        let mut finished = HashSet::new();
        for (key, _) in notes {
            let Some((_, bytes)) = self.bucket.get_whole(&key, intent::LARGEST).await? else { continue };
            let note = intent::decode(bytes).map_err(|error| error.during(&format!("{key:?}")))?;
            if self.session.is_late(note.writer, note.session) {
                self.give_up(&note.steps).await?;
                self.bucket.delete(&key, &Condition::Always).await?;
                continue;
            }
            let mut steps = note.steps;
            tracing::info!(key, steps = steps.len(), "finishing changes that were interrupted");
            steps.sort_by_key(|step| step.phase);
            for step in &steps {
                self.finish(step).await?;
            }
            self.bucket.delete(&key, &Condition::Always).await?;
            finished.insert(key);
        }
        Ok(finished)
    }

    /// Ends the uploads of a group that nobody waits for any more.
    async fn give_up(&self, steps: &[Step]) -> Result<(), S3Error> {
        for step in steps {
            if let Do::Complete { upload, .. } = &step.what {
                self.bucket.abort_upload(upload).await?;
            }
        }
        Ok(())
    }

    async fn finish(&self, step: &Step) -> Result<(), S3Error> {
        match carry_out(self.bucket, step, &step.condition).await {
            Ok(_) => Ok(()),
            Err(Failure::Bucket(error)) => Err(error.into()),
            Err(Failure::SourceGone) => {
                let what = format!("an interrupted copy to {:?} could not be finished: its source is gone", step.path);
                self.counters.conflict(what);
                Ok(())
            }
            Err(Failure::Conflict(theirs)) => self.resolve(step, theirs).await,
        }
    }

    async fn resolve(&self, step: &Step, theirs: Option<Object>) -> Result<(), S3Error> {
        let Some(theirs) = theirs else { return self.insist(step, &Condition::IfAbsent).await };
        // The note came late: its writer's next process was there before.
        if Token::parse(&step.token).is_some_and(|token| is_of(&theirs, token.writer(), &step.key)) {
            return Ok(());
        }
        let path = &step.path;
        match self.policy {
            ConflictPolicy::Fail => {
                let what = format!(
                    "another client changed {path:?} while a change of it was interrupted, and the conflict policy is `fail`: open the volume with conflict=bucket-wins or conflict=ours-wins"
                );
                Err(S3Error::new(larder_core::ErrorCode::Io, what))
            }
            ConflictPolicy::BucketWins if matches!(step.what, Do::Delete) => {
                self.counters.conflict(format!("another client changed {path:?}, which was being removed: it stays"));
                Ok(())
            }
            ConflictPolicy::BucketWins => {
                let other = beside(path, &step.token);
                let key =
                    self.keys.file_key(&other).map_err(|error| S3Error::new(error.fault.code(), error.to_string()))?;
                if matches!(step.what, Do::Complete { .. }) {
                    // Parts belong to one key: theirs is kept beside ours.
                    let metadata: &Metadata = &theirs.metadata;
                    self.bucket.copy(&step.key, &theirs.etag, &key, metadata, &Condition::Always).await?;
                    self.counters.conflict(format!("another client changed {path:?}: theirs is {other:?} now"));
                    return self.insist(step, &Condition::IfMatch(theirs.etag)).await;
                }
                let beside = Step { key, path: other.clone(), condition: Condition::IfAbsent, ..step.clone() };
                self.insist(&beside, &beside.condition).await?;
                self.counters.conflict(format!("another client changed {path:?}: theirs stays, and ours is {other:?}"));
                Ok(())
            }
            ConflictPolicy::OursWins => {
                self.counters.conflict(format!("another client changed {path:?}: it was replaced by ours"));
                self.insist(step, &Condition::IfMatch(theirs.etag)).await
            }
        }
    }

    async fn insist(&self, step: &Step, condition: &Condition) -> Result<(), S3Error> {
        match carry_out(self.bucket, step, condition).await {
            Ok(Done::Object(_) | Done::Gone | Done::Resolved) | Err(Failure::SourceGone) => Ok(()),
            Err(Failure::Bucket(error)) => Err(error.into()),
            Err(Failure::Conflict(_)) => {
                let what = format!("{:?} is changed by another client all the time", step.path);
                Err(S3Error::new(larder_core::ErrorCode::Busy, what))
            }
        }
    }

    /// Removes what a crash left that is of no use: uploads, temporary copies.
    /// Only what is old: another process may be at work.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) async fn tidy(&self) -> Result<(), S3Error> {
        let is_left = |time: SystemTime| time.elapsed().is_ok_and(|age| age >= LEFT);
        for (upload, begun) in self.bucket.uploads(self.keys.prefix()).await? {
            if is_left(begun) {
                self.bucket.abort_upload(&upload).await?;
            }
        }
        for folder in ["tmp/", "orphans/"] {
            for (key, seconds) in self.listed(&format!("{}{folder}", self.keys.reserved())).await? {
                let written = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                if is_left(written) {
                    self.bucket.delete(&key, &Condition::Always).await?;
                }
            }
        }
        Ok(())
    }

    /// Keys below one, and when they were written.
    async fn listed(&self, prefix: &str) -> Result<Vec<(String, i64)>, S3Error> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self.bucket.list(prefix, false, None, token.as_deref()).await?;
            found.extend(page.objects.into_iter().map(|object| (object.key, object.modified.0)));
            token = page.next;
            if token.is_none() {
                found.retain(|(key, _)| !key.ends_with('/'));
                return Ok(found);
            }
        }
    }

    /// Whether a group that the journal says was begun was carried out.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) async fn was_carried_out(
        &self,
        group: &crate::engine::Group,
        finished: &HashSet<String>,
    ) -> Result<bool, S3Error> {
        if group.intent.as_ref().is_some_and(|intent| finished.contains(intent)) {
            return Ok(true);
        }
        let object = match self.bucket.head(&group.key).await {
            Ok(object) => object,
            Err(error) if error.kind() == BucketErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        Ok(match object {
            None => group.token.is_empty(),
            Some(_) if group.key.ends_with('/') => !group.token.is_empty(),
            Some(object) => {
                let token = crate::layout::ObjectMeta::from_metadata(&object.metadata).token;
                token.is_some_and(|token| token.to_string() == group.token)
            }
        })
    }
}
