//! Views and descriptors of the model, and what is checked before a call.

use larder_core::{DescriptorFlags, ErrorCode, Follow};

use super::resolve::{Found, resolve};
use crate::model::{Answer, Model, Node};

/// A view of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    /// Two views are two devices.
    pub number: usize,
    /// Its directory.
    pub root: u64,
    /// Where the guest sees it.
    pub mount_point: String,
    /// Whether it may be changed.
    pub writable: bool,
}

impl ModelView {
    /// What an absolute target means inside.
    pub(super) fn inside<'t>(&self, target: &'t str) -> &'t str {
        match target.strip_prefix(&self.mount_point) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => target,
        }
    }
}

/// A descriptor of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDescriptor {
    /// The view that it was opened in.
    pub view: ModelView,
    /// What is open.
    pub ino: u64,
    /// The model's handle.
    pub handle: u64,
    /// What for.
    pub flags: DescriptorFlags,
    /// Whether an access time was noted through it.
    pub was_read: bool,
}

impl ModelDescriptor {
    /// The node.
    #[must_use]
    pub fn node<'m>(&self, model: &'m Model) -> &'m Node {
        &model.nodes[&self.ino]
    }

    pub(super) fn resolve(&self, model: &Model, follow: Follow, path: &str) -> Answer<Found> {
        resolve(model, &self.view, self.ino, path, follow)
    }

    /// Resolves a path to a name that is to be made, moved or removed: slashes
    /// behind it do not make a link be followed.
    pub(super) fn resolve_name(&self, model: &Model, path: &str) -> Answer<Found> {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            return self.resolve(model, Follow::No, path);
        }
        if path.len() > model.limits.path_bytes as usize {
            return Err(ErrorCode::NameTooLong);
        }
        let mut found = self.resolve(model, Follow::No, trimmed)?;
        found.slash |= trimmed != path;
        Ok(found)
    }

    pub(super) fn existing(&self, model: &Model, follow: Follow, path: &str) -> Answer<u64> {
        self.resolve(model, follow, path)?.existing(model)
    }

    /// Whether names below may be changed.
    pub(super) fn check_mutable(&self, model: &Model) -> Answer<()> {
        self.node(model).directory()?;
        if self.view.writable { Ok(()) } else { Err(ErrorCode::ReadOnly) }
    }

    pub(super) fn check_open_for(&self, flags: DescriptorFlags) -> Answer<()> {
        if self.flags.contains(flags) { Ok(()) } else { Err(ErrorCode::BadDescriptor) }
    }
}

impl Found {
    pub(super) fn existing(&self, model: &Model) -> Answer<u64> {
        let ino = self.node.ok_or(ErrorCode::NoEntry)?;
        if self.slash && !model.nodes[&ino].is_directory() { Err(ErrorCode::NotDirectory) } else { Ok(ino) }
    }

    pub(super) fn name(&self, otherwise: ErrorCode) -> Answer<&str> {
        self.name.as_deref().ok_or(otherwise)
    }
}
