//! Whether the bucket still has what changes in the journal were made on.

use std::collections::HashMap;
use std::sync::Arc;

use larder_journal::Base;

use crate::commit::conflict::is_of;
use crate::error::S3Error;
use crate::shared::Shared;

/// What the bucket has under a name that was changed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What it had, or what this journal's changes made of it, or nothing.
    Same,
    /// What another client put there.
    Changed,
}

/// Names that were asked for.
pub(super) struct Bases<'a> {
    shared: &'a Arc<Shared>,
    known: HashMap<String, (Verdict, u64)>,
}

impl<'a> Bases<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>) -> Self {
        Self { shared, known: HashMap::new() }
    }

    /// What was found out of a name.
    pub(super) fn of(&self, path: &str) -> Verdict {
        self.known.get(path).map_or(Verdict::Same, |(verdict, _)| *verdict)
    }

    /// The bytes that a file had when it was first changed.
    pub(super) fn size(&self, path: &str) -> u64 {
        self.known.get(path).map_or(0, |(_, size)| *size)
    }

    /// Compares what the bucket has under a name with what it had. The name's
    /// directory is listed. A name is judged once: the bucket is not changed
    /// while the journal is done again.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(super) fn judge(&mut self, base: &Base) -> Result<Verdict, S3Error> {
        if let Some((verdict, _)) = self.known.get(&base.path) {
            return Ok(*verdict);
        }
        let verdict = self.compare(base)?;
        self.known.insert(base.path.clone(), (verdict, base.size));
        Ok(verdict)
    }

    fn compare(&self, base: &Base) -> Result<Verdict, S3Error> {
        let Ok(key) = self.shared.keys.file_key(&base.path) else { return Ok(Verdict::Same) };
        let etag = self.shared.state.lock().catalogue.key(&key).map(|known| Arc::clone(&known.etag));
        // What is gone is not in the way.
        let Some(etag) = etag else { return Ok(Verdict::Same) };
        if base.version.as_deref() == Some(&*etag) {
            return Ok(Verdict::Same);
        }
        // A group of an earlier process may have put it there, after the
        // record was noted.
        let Some(object) = self.shared.runtime.block_on(self.shared.bucket.head(&key))? else {
            return Ok(Verdict::Same);
        };
        Ok(if is_of(&object, self.shared.session.writer, &key) { Verdict::Same } else { Verdict::Changed })
    }

    /// What was found out of a name goes with what had it.
    pub(super) fn moved(&mut self, from: &str, to: &str) {
        self.known.remove(to);
        if let Some((_, size)) = self.known.remove(from) {
            self.known.insert(to.to_owned(), (Verdict::Same, size));
        }
    }
}
