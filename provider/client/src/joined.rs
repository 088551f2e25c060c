//! Several stores as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larder_core::{ErrorCode, Follow, SetTime};
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, Entry, Mount, NewNode, Node, Note, Opened, Opening, Place, Removal,
    Store, Target, Welcome,
};
use parking_lot::Mutex;

/// Tells apart the sessions of all joined stores.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// Several stores behind one session: mount k is mount 0 of store k, at a path
/// of the guest. Each is a device of its own.
///
/// There is one session at a time; `begin` begins one with every store.
/// Identities are handed on as they are: stores must not give one identity to
/// two inodes ([`NatsStore`](crate::NatsStore) sees to that).
pub struct Joined {
    stores: Vec<(String, Arc<dyn Store + Send + Sync>)>,
    begun: Mutex<Option<Begun>>,
}

struct Begun {
    id: u64,
    /// One of each store.
    sessions: Vec<u64>,
}

impl Joined {
    /// Stores, and the absolute paths at which the guest sees them.
    #[must_use]
    pub fn new(stores: Vec<(String, Arc<dyn Store + Send + Sync>)>) -> Self {
        Self { stores, begun: Mutex::new(None) }
    }

    /// A call to store `mount`, with its share of the notes. What was noted of
    /// other stores' nodes is told to them first.
    fn at(&self, mount: u32, call: &Call) -> Answer<(&(dyn Store + Send + Sync), Call)> {
        let sessions = self.sessions(call)?;
        let index = index(mount);
        let mut own = None;
        for (position, ((_, store), session)) in self.stores.iter().zip(sessions).enumerate() {
            let notes = notes_of(call, position);
            let call = Call { session, operation: call.operation, notes };
            if position == index {
                own = Some((store.as_ref(), call));
            } else if !call.notes.is_empty() {
                // A failure of what only lets go concerns nobody.
                let _ = store.settle(&call, false);
            }
        }
        own.ok_or(ErrorCode::BadDescriptor)
    }

    fn sessions(&self, call: &Call) -> Answer<Vec<u64>> {
        let begun = self.begun.lock();
        begun.as_ref().filter(|begun| begun.id == call.session).map(|begun| begun.sessions.clone()).ok_or(ErrorCode::Io)
    }

    /// Two names in two stores. As in larder-core, an old name that is not
    /// there is the first thing to be wrong.
    fn across(&self, call: &Call, old: Place<'_>, follow: Follow) -> Answer<()> {
        let (store, own) = self.at(old.directory.mount, call)?;
        store.stat_at(&own, inner_place(old), follow)?;
        Err(ErrorCode::CrossDevice)
    }
}

/// The position of a mount's store.
fn index(mount: u32) -> usize {
    usize::try_from(mount).unwrap_or(usize::MAX)
}

fn notes_of(call: &Call, position: usize) -> Vec<Note> {
    let own = call.notes.iter().filter(|note| index(note.node.mount) == position);
    own.map(|note| Note { node: inner(note.node), ..*note }).collect()
}

/// A node as its store knows it.
const fn inner(node: Node) -> Node {
    Node { mount: 0, ..node }
}

const fn inner_place(place: Place<'_>) -> Place<'_> {
    Place { directory: inner(place.directory), path: place.path }
}

/// Attributes as the guest knows them.
const fn outer(mount: u32, mut attributes: Attributes) -> Attributes {
    attributes.node.mount = mount;
    attributes
}

impl Store for Joined {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        let mut begun = self.begun.lock();
        *begun = None;
        let mut sessions = Vec::with_capacity(self.stores.len());
        let mut mounts = Vec::with_capacity(self.stores.len());
        for (position, (path, store)) in self.stores.iter().enumerate() {
            let mount = u32::try_from(position).map_err(|_| ErrorCode::Overflow)?;
            let welcome = store.begin(version)?;
            let Mount { root, allows, .. } = welcome.mounts.into_iter().next().ok_or(ErrorCode::Io)?;
            sessions.push(welcome.session);
            mounts.push(Mount { path: path.clone(), root: outer(mount, root), allows });
        }
        let id = SESSIONS.fetch_add(1, Ordering::Relaxed);
        *begun = Some(Begun { id, sessions });
        Ok(Welcome { session: id, mounts })
    }

    fn paths(&self) -> Option<Vec<String>> {
        Some(self.stores.iter().map(|(path, _)| path.clone()).collect())
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        let mount = at.directory.mount;
        let (store, call) = self.at(mount, call)?;
        let opened = store.open(&call, inner_place(at), how)?;
        Ok(Opened { attributes: outer(mount, opened.attributes), ..opened })
    }

    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content> {
        let (store, call) = self.at(node.mount, call)?;
        store.read(&call, inner(node), offset, length)
    }

    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        let (mount, target) = match change.target {
            Target::Node(node) => (node.mount, Target::Node(inner(node))),
            Target::File(place) => (place.directory.mount, Target::File(inner_place(place))),
        };
        let (store, call) = self.at(mount, call)?;
        let attributes = store.commit(&call, &Change { target, ..change.clone() })?;
        Ok(outer(mount, attributes))
    }

    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes> {
        let (store, call) = self.at(node.mount, call)?;
        Ok(outer(node.mount, store.stat(&call, inner(node))?))
    }

    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        let (store, call) = self.at(at.directory.mount, call)?;
        Ok(outer(at.directory.mount, store.stat_at(&call, inner_place(at), follow)?))
    }

    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()> {
        let (store, call) = self.at(at.directory.mount, call)?;
        store.set_times_at(&call, inner_place(at), follow, accessed, modified)
    }

    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        let (store, call) = self.at(directory.mount, call)?;
        let mut entries = store.list(&call, inner(directory), after, most)?;
        for entry in &mut entries {
            entry.attributes.node.mount = directory.mount;
        }
        Ok(entries)
    }

    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        let (store, call) = self.at(at.directory.mount, call)?;
        Ok(outer(at.directory.mount, store.make(&call, inner_place(at), what)?))
    }

    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        let (store, call) = self.at(at.directory.mount, call)?;
        store.read_link(&call, inner_place(at))
    }

    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        let (store, call) = self.at(at.directory.mount, call)?;
        store.remove(&call, inner_place(at), what)
    }

    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        if old.directory.mount != new.directory.mount {
            return self.across(call, old, Follow::No);
        }
        let (store, call) = self.at(old.directory.mount, call)?;
        store.rename(&call, inner_place(old), inner_place(new))
    }

    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        if old.directory.mount != new.directory.mount {
            return self.across(call, old, follow);
        }
        let (store, call) = self.at(old.directory.mount, call)?;
        store.link(&call, inner_place(old), follow, inner_place(new))
    }

    /// Goes to all stores; the first failure is answered.
    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        let sessions = self.sessions(call)?;
        let mut answer = Ok(());
        for (position, ((_, store), session)) in self.stores.iter().zip(sessions).enumerate() {
            let notes = notes_of(call, position);
            if sync || !notes.is_empty() {
                answer = answer.and(store.settle(&Call { session, operation: call.operation, notes }, sync));
            }
        }
        answer
    }

    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64> {
        let (store, call) = self.at(node.mount, call)?;
        store.lock(&call, inner(node), shared)
    }

    fn unlock(&self, call: &Call, node: Node) -> Answer<()> {
        let (store, call) = self.at(node.mount, call)?;
        store.unlock(&call, inner(node))
    }
}
