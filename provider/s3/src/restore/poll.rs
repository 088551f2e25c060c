//! Looking through the bucket for what others changed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering::Relaxed;

use futures::future::join_all;
use larder_bucket::BucketError;

use super::Restore;
use super::differences::Difference;
use super::look::Depth;
use super::requests::Urgency;
use crate::options::ReadMode;

impl Restore {
    /// Compares all of the bucket with what is known of it, and applies what
    /// others changed in directories that are listed; answers how many changes
    /// that were. Versions are compared by their etags: see
    /// [`look`](super::look).
    ///
    /// # Errors
    /// What the bucket answers. What was applied by then stays.
    pub(crate) async fn poll_once(&self) -> Result<u64, BucketError> {
        let _alone = self.polling.lock().await;
        // The volume is closed.
        let Ok(root) = self.volume().map(|volume| volume.root_id()) else { return Ok(0) };
        let mut round = self.begin_round();
        let mut applied = 0;
        let mut token = None;
        loop {
            let page = self.shared.bucket.list(self.shared.keys.prefix(), false, None, token.as_deref());
            let page = self.requests.run(Urgency::Background, page).await?;
            let differences = self.compare(root, page.objects, &mut round);
            applied += self.settle(differences).await?;
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        let (files, directories) = self.gone(round);
        applied += self.settle(files).await?;
        applied += self.settle_vanished(directories).await?;
        Ok(applied)
    }

    /// Looks at each difference again, and applies it; a few at a time, with
    /// no group under way.
    async fn settle(&self, differences: BTreeSet<Difference>) -> Result<u64, BucketError> {
        let differences: Vec<_> = differences.into_iter().collect();
        let mut applied = 0;
        for some in differences.chunks(self.shared.options.parallel.max(1)) {
            let _turn = self.shared.turn.lock().await;
            for result in join_all(some.iter().map(|difference| self.settle_one(difference))).await {
                applied += self.count(result?);
            }
        }
        if applied > 0 && self.shared.options.read == ReadMode::Cached && self.is_done() {
            // What cannot be listed now is listed when somebody looks into it,
            // or next time.
            self.drain().await;
        }
        Ok(applied)
    }

    async fn settle_one(&self, difference: &Difference) -> Result<bool, BucketError> {
        match difference {
            Difference::Directory(path) => self.look_at_directory(path, Urgency::Background).await,
            Difference::File(path) => match self.basis(path) {
                Some(basis) => self.look_at_file(&basis, Depth::Poll, Urgency::Background).await,
                None => Ok(false),
            },
        }
    }

    /// Takes directories away that are gone, the deepest first, and those that
    /// are gone with them.
    async fn settle_vanished(&self, directories: HashSet<String>) -> Result<u64, BucketError> {
        let placed = |path: String| (Reverse(path.matches('/').count()), path);
        let mut open: BTreeSet<_> = directories.into_iter().map(placed).collect();
        let mut applied = 0;
        while let Some((_, path)) = open.pop_first() {
            let _turn = self.shared.turn.lock().await;
            if self.count(self.look_at_vanished(&path, Urgency::Background).await?) > 0 {
                applied += 1;
                open.extend(path.rsplit_once('/').map(|(above, _)| placed(above.to_owned())));
            }
        }
        Ok(applied)
    }

    fn count(&self, is_changed: bool) -> u64 {
        let changes = u64::from(is_changed);
        self.shared.counters.external_changes.fetch_add(changes, Relaxed);
        changes
    }
}
