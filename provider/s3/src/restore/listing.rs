//! Listing one directory.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_bucket::{BucketError, Etag};
use larder_core::{Adopted, AdoptedEntry, Error, ErrorCode, NodeId, Result};

use super::Restore;
use super::entry::{self, Arrival};
use super::links::{self, Firsts};
use super::names::{self, Names};
use super::requests::Urgency;
use crate::catalogue::Known;
use crate::shared::Incoming;

const OPERATION: &str = "list";

/// A listing under way, for all who wait for it.
pub(super) type Flight = Shared<BoxFuture<'static, Result<()>>>;

/// A listing that is under way until this is dropped.
struct UnderWay {
    restore: Arc<Restore>,
    directory: NodeId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.restore.flights.lock().remove(&self.directory);
    }
}

/// The entries of a directory, ready for the volume.
#[derive(Default)]
struct Ready {
    entries: Vec<AdoptedEntry>,
    /// Further names of files that come with the listing, with the index of
    /// the entry that has the file.
    others: Vec<(usize, Arrival)>,
}

impl Restore {
    /// Lists a directory if it is not listed. The work goes on where nobody
    /// waits for it any more.
    pub(super) async fn listed(&self, directory: NodeId, urgency: Urgency) -> Result<()> {
        let this = self.this()?;
        let flight = {
            let mut flights = self.flights.lock();
            let begin = || {
                let task = self.shared.runtime.spawn(async move {
                    // Made here: a runtime that has ended drops the task at
                    // once, and the flights are locked.
                    let under_way = UnderWay { restore: this, directory };
                    under_way.restore.list_now(directory, urgency).await
                });
                let ended = |_| Err(Error::new(ErrorCode::Io, OPERATION));
                async move { task.await.unwrap_or_else(ended) }.boxed().shared()
            };
            flights.entry(directory).or_insert_with(begin).clone()
        };
        flight.await
    }

    async fn list_now(&self, directory: NodeId, urgency: Urgency) -> Result<()> {
        // Nobody else lists it meanwhile.
        let asked = self.with_volume(move |volume| volume.is_unlisted_directory(directory)).await;
        let is_gone = matches!(&asked, Err(error) if error.code() == ErrorCode::NoEntry);
        let path = self.shared.state.lock().mirror.path(directory);
        let Some(path) = path.filter(|_| !is_gone) else {
            self.unlisted.remove(directory);
            self.count_unlisted();
            return Err(Error::new(ErrorCode::NoEntry, OPERATION));
        };
        if asked? {
            let names = self.names(&path, urgency).await.map_err(|error| Self::failed(OPERATION, &path, &error))?;
            let arrivals = self.arrivals(&path, &names, urgency).await;
            let arrivals = arrivals.map_err(|error| Self::failed(OPERATION, &path, &error))?;
            let objects = names.files.len() as u64;
            let is_hollow = !names.is_there && !path.is_empty();
            self.fill(directory, &path, arrivals, names.marker).await?;
            if is_hollow {
                self.unlisted.add_hollow(directory);
            }
            self.shared.counters.listed_directories.fetch_add(1, Relaxed);
            self.shared.counters.listed_objects.fetch_add(objects, Relaxed);
        }
        self.unlisted.listed(directory);
        self.count_unlisted();
        Ok(())
    }

    /// What the keys of all that is in a directory begin with.
    pub(super) fn prefix(&self, path: &str) -> String {
        let keys = &self.shared.keys;
        match path {
            "" => keys.prefix().to_owned(),
            // What has no key has nothing in it.
            _ => keys.marker_key(path).unwrap_or_else(|_| format!("{}{path}/", keys.prefix())),
        }
    }

    async fn names(&self, path: &str, urgency: Urgency) -> Result<Names, BucketError> {
        let prefix = self.prefix(path);
        let mut names = Names::default();
        let mut token = None;
        loop {
            let page = self.shared.bucket.list(&prefix, true, None, token.as_deref());
            let mut page = self.requests.run(urgency, page).await?;
            token = page.next.take();
            names.add(&self.shared.keys, path, page);
            if token.is_none() {
                break;
            }
        }
        for foreign in names.foreign.drain(..) {
            self.shared.counters.foreign_key(foreign);
        }
        let both: Vec<Arc<str>> =
            names.files.keys().filter(|name| names.directories.contains_key(*name)).cloned().collect();
        for name in both {
            // Servers may show a directory that has nothing in it any more.
            if self.has_objects(&below(path, &name), urgency).await? {
                if let Some(key) = names.files.remove(&name) {
                    self.shared.counters.foreign_key(names::hidden(&key));
                }
            } else {
                names.directories.remove(&name);
            }
        }
        Ok(names)
    }

    /// Whether the bucket has anything below a directory, or its marker.
    pub(super) async fn has_objects(&self, path: &str, urgency: Urgency) -> Result<bool, BucketError> {
        let prefix = self.prefix(path);
        let page = self.requests.run(urgency, self.shared.bucket.list(&prefix, false, None, None)).await?;
        Ok(!page.objects.is_empty())
    }

    /// Asks for each object.
    async fn arrivals(&self, path: &str, names: &Names, urgency: Urgency) -> Result<Vec<Arrival>, BucketError> {
        let files = names.files.iter().map(|(name, key)| (Arc::clone(name), Arc::clone(key)));
        let files: Vec<_> = files.collect();
        let asked = stream::iter(files).map(|(name, key)| async move { self.file(&key, &name, urgency).await });
        let files: Vec<_> = asked.buffered(self.shared.options.parallel.max(1)).try_collect().await?;
        let directories = names.directories.iter().map(|(name, marker)| {
            let described = self.described(&below(path, name));
            entry::directory(name, marker.clone(), described)
        });
        Ok(directories.chain(files.into_iter().flatten()).collect())
    }

    /// Gives the volume a directory's entries.
    async fn fill(
        &self,
        directory: NodeId,
        path: &str,
        arrivals: Vec<Arrival>,
        marker: Option<(Arc<str>, Etag)>,
    ) -> Result<()> {
        let has_links = arrivals.iter().any(|arrival| arrival.incoming.link.is_some());
        let _linking = if has_links { Some(self.linking.lock().await) } else { None };
        let Ready { entries, others } = self.bring_all(directory, path, arrivals, marker)?;
        let entries = Arc::new(entries);
        let adopted = {
            let entries = Arc::clone(&entries);
            self.with_volume(move |volume| volume.adopt_listing(directory, &entries)).await
        };
        let left: Vec<Option<Incoming>> = {
            let mut state = self.shared.state.lock();
            entries.iter().map(|entry| state.incoming.remove(&(directory, Arc::clone(&entry.name)))).collect()
        };
        let adopted = adopted?;
        for ((entry, left), node) in entries.iter().zip(&left).zip(&adopted) {
            match node {
                Ok(node) => self.came(*node, &entry.what),
                Err(error) => self.refused(&below(path, &entry.name), left.as_ref(), error),
            }
        }
        for (first, mut arrival) in others {
            if let Some(Ok(node)) = adopted.get(first) {
                arrival.entry.what = Adopted::Known(*node);
                arrival.incoming.place = None;
            }
            self.bring(directory, arrival).await;
        }
        Ok(())
    }

    /// Notes what comes into a directory that is being listed.
    fn bring_all(
        &self,
        directory: NodeId,
        path: &str,
        arrivals: Vec<Arrival>,
        marker: Option<(Arc<str>, Etag)>,
    ) -> Result<Ready> {
        let mut state = self.shared.state.lock();
        if state.mirror.path(directory).as_deref() != Some(path) {
            // What was listed is another directory's by now.
            return Err(Error::new(ErrorCode::Io, OPERATION).at(path));
        }
        if let Some((key, etag)) = marker.filter(|_| !path.is_empty()) {
            state.catalogue.set_key(&key, Known { etag, node: directory, version: "".into() });
        }
        let mut ready = Ready::default();
        let mut firsts = Firsts::default();
        for mut arrival in arrivals {
            links::resolve(&state, &mut arrival);
            if let Some(first) = firsts.find(&arrival, ready.entries.len()) {
                ready.others.push((first, arrival));
                continue;
            }
            let Arrival { entry, incoming } = arrival;
            state.incoming.insert((directory, Arc::clone(&entry.name)), incoming);
            ready.entries.push(entry);
        }
        drop(state);
        Ok(ready)
    }

    /// Something came into the volume.
    pub(super) fn came(&self, node: NodeId, what: &Adopted) {
        match what {
            Adopted::Directory => {
                self.unlisted.add(node);
                self.count_unlisted();
            }
            Adopted::File { .. } => self.wants_preload(node),
            Adopted::Symlink { .. } | Adopted::Known(_) => {}
        }
    }

    /// Something did not.
    pub(super) fn refused(&self, path: &str, incoming: Option<&Incoming>, error: &Error) {
        for (key, etag) in incoming.iter().flat_map(|incoming| &incoming.keys) {
            self.left_out.add(key, etag);
        }
        let report = format!(
            "{path:?} is left out, as the volume does not take it: {error}; raise the volume's limits, or rename the object"
        );
        self.shared.counters.foreign_key(report);
    }
}

/// The path of a name in a directory.
pub(super) fn below(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
