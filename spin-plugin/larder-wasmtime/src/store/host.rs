//! The functions of the interface: translate, ask the session, translate.

use larder_core::ErrorCode;
use larder_store_service::{NewNode, Opening, Removal, Store};

use super::StoreView;
use super::bindings::larder::fs::store as wit;
use super::convert::{change, error, follow, place, set_time};
use crate::context::Served;

type Answer<T> = Result<T, wit::ErrorCode>;

impl StoreView<'_> {
    fn ask<T>(&mut self, question: impl FnOnce(&dyn Store) -> Result<T, ErrorCode>) -> Answer<T> {
        self.ask_store(question).map_err(error)
    }
}

impl wit::Host for StoreView<'_> {
    fn begin(&mut self, version: u32) -> Answer<wit::Session> {
        self.ask(|session| session.begin(version)).map(Into::into)
    }

    fn paths(&mut self) -> Option<Vec<String>> {
        match &self.ctx.served {
            Some(Served::Given(store)) => store.paths(),
            _ => Some(self.ctx.mounts().map(|(_, path)| path.to_owned()).collect()),
        }
    }

    fn begin_open(&mut self, version: u32, path: String, how: wit::Opening) -> Answer<wit::Begun> {
        let how: Opening = how.into();
        if how.changes() {
            return Err(wit::ErrorCode::Invalid);
        }
        let (session, opened) = self.ask(|session| session.begin_open(version, &path, how))?;
        Ok(wit::Begun { session: session.into(), opened: opened.map(Into::into).map_err(error) })
    }

    fn open(&mut self, call: wit::Call, at: wit::Place, how: wit::Opening) -> Answer<wit::Opened> {
        self.ask(|session| session.open(&call.into(), place(&at), how.into())).map(Into::into)
    }

    fn read(&mut self, call: wit::Call, node: wit::Node, offset: u64, length: u32) -> Answer<wit::Content> {
        self.ask(|session| session.read(&call.into(), node.into(), offset, length)).map(Into::into)
    }

    fn commit(&mut self, call: wit::Call, what: wit::Change) -> Answer<wit::Attributes> {
        self.ask(|session| session.commit(&call.into(), &change(&what)?)).map(Into::into)
    }

    fn stat(&mut self, call: wit::Call, node: wit::Node) -> Answer<wit::Attributes> {
        self.ask(|session| session.stat(&call.into(), node.into())).map(Into::into)
    }

    fn stat_at(&mut self, call: wit::Call, at: wit::Place, follows: bool) -> Answer<wit::Attributes> {
        self.ask(|session| session.stat_at(&call.into(), place(&at), follow(follows))).map(Into::into)
    }

    fn set_times_at(
        &mut self,
        call: wit::Call,
        at: wit::Place,
        follows: bool,
        accessed: wit::NewTime,
        modified: wit::NewTime,
    ) -> Answer<()> {
        self.ask(|session| {
            let (accessed, modified) = (set_time(accessed)?, set_time(modified)?);
            session.set_times_at(&call.into(), place(&at), follow(follows), accessed, modified)
        })
    }

    fn list(&mut self, call: wit::Call, directory: wit::Node, after: u64, most: u32) -> Answer<Vec<wit::Entry>> {
        let entries = self.ask(|session| session.list(&call.into(), directory.into(), after, most))?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    fn make(&mut self, call: wit::Call, at: wit::Place, what: wit::NewNode) -> Answer<wit::Attributes> {
        let what = match &what {
            wit::NewNode::Directory => NewNode::Directory,
            wit::NewNode::SymbolicLink(target) => NewNode::SymbolicLink(target),
        };
        self.ask(|session| session.make(&call.into(), place(&at), what)).map(Into::into)
    }

    fn read_link(&mut self, call: wit::Call, at: wit::Place) -> Answer<String> {
        self.ask(|session| session.read_link(&call.into(), place(&at)))
    }

    fn remove(&mut self, call: wit::Call, at: wit::Place, what: wit::Removal) -> Answer<()> {
        let what = match what {
            wit::Removal::File => Removal::File,
            wit::Removal::Directory => Removal::Directory,
        };
        self.ask(|session| session.remove(&call.into(), place(&at), what))
    }

    fn rename(&mut self, call: wit::Call, old: wit::Place, new: wit::Place) -> Answer<()> {
        self.ask(|session| session.rename(&call.into(), place(&old), place(&new)))
    }

    fn link(&mut self, call: wit::Call, old: wit::Place, follows: bool, new: wit::Place) -> Answer<()> {
        self.ask(|session| session.link(&call.into(), place(&old), follow(follows), place(&new)))
    }

    fn settle(&mut self, call: wit::Call, sync: bool) -> Answer<()> {
        self.ask(|session| session.settle(&call.into(), sync))
    }

    fn lock(&mut self, call: wit::Call, node: wit::Node, shared: bool) -> Answer<u64> {
        self.ask(|session| session.lock(&call.into(), node.into(), shared))
    }

    fn unlock(&mut self, call: wit::Call, node: wit::Node) -> Answer<()> {
        self.ask(|session| session.unlock(&call.into(), node.into()))
    }
}
