//! The naive resolver.

use std::collections::VecDeque;

use larder_core::{ErrorCode, Follow};

use super::ModelView;
use crate::model::{Answer, Body, Model};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The directory that has the last name.
    pub parent: u64,
    /// The last name; `None` where the path ends with `.` or `..`.
    pub name: Option<String>,
    /// What is there.
    pub node: Option<u64>,
    /// Only a directory will do: a slash is behind the name.
    pub slash: bool,
}

/// The components of a path; a last slash makes an empty one at the end.
fn components(path: &str) -> impl Iterator<Item = String> + '_ {
    path.trim_start_matches('/').split('/').map(str::to_owned)
}

/// The directory above, by looking for who has it.
fn parent(model: &Model, directory: u64) -> Option<u64> {
    model.nodes.iter().find_map(|(ino, node)| {
        let entries = &node.directory().ok()?.entries;
        entries.values().any(|entry| entry.ino == directory).then_some(*ino)
    })
}

/// Resolves `path` from the directory `base` of a view.
///
/// # Errors
/// `no-entry`, `name-too-long`, `not-permitted` outside of `base`, `invalid`
/// for a NUL, `not-directory`, `loop`.
pub fn resolve(model: &Model, view: &ModelView, base: u64, path: &str, follow: Follow) -> Answer<Found> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.len() > model.limits.path_bytes as usize {
        return Err(ErrorCode::NameTooLong);
    }
    if path.starts_with('/') {
        return Err(ErrorCode::NotPermitted);
    }
    if path.contains('\0') {
        return Err(ErrorCode::Invalid);
    }
    model.nodes[&base].directory()?;

    let mut todo: VecDeque<String> = components(path).collect();
    let mut here = base;
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." if here == base => return Err(ErrorCode::NotPermitted),
            ".." => {
                here = parent(model, here).ok_or(ErrorCode::NoEntry)?;
                continue;
            }
            name if name.len() > model.limits.name_bytes as usize => return Err(ErrorCode::NameTooLong),
            _ => {}
        }
        let last = todo.iter().all(String::is_empty);
        let slash = last && !todo.is_empty();
        let Some(entry) = model.nodes[&here].directory()?.entries.get(&name) else {
            let missing = Found { parent: here, name: Some(name), node: None, slash };
            return if last { Ok(missing) } else { Err(ErrorCode::NoEntry) };
        };
        match &model.nodes[&entry.ino].body {
            Body::Symlink(target) if !last || slash || follow == Follow::Yes => {
                links += 1;
                if links > model.limits.symlink_depth {
                    return Err(ErrorCode::Loop);
                }
                let mut target = target.as_str();
                if target.starts_with('/') {
                    if base != view.root {
                        return Err(ErrorCode::NotPermitted);
                    }
                    here = base;
                    target = view.inside(target);
                }
                for component in components(target).collect::<Vec<_>>().into_iter().rev() {
                    todo.push_front(component);
                }
            }
            _ if last => return Ok(Found { parent: here, name: Some(name), node: Some(entry.ino), slash }),
            Body::Directory(_) => here = entry.ino,
            _ => return Err(ErrorCode::NotDirectory),
        }
    }
    Ok(Found { parent: here, name: None, node: Some(here), slash: true })
}
