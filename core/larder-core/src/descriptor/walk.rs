//! Path resolution, POSIX section 4.16 inside a sandbox: nothing outside the
//! directory where it begins can be named.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Follow;
use crate::inode::Inode;
use crate::{Error, ErrorCode, FileType, Result, View};

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Walked<'p> {
    /// The directory that has the last component, or the directory that the
    /// path names if it has none.
    pub(crate) parent: Arc<Inode>,
    pub(crate) last: Last<'p>,
    pub(crate) target: Target,
    /// The path ends with a slash: it can only name a directory.
    pub(crate) must_be_directory: bool,
}

/// The last component.
#[derive(Debug)]
pub(crate) enum Last<'p> {
    /// A name in the path that the caller gave.
    Given(&'p str),
    /// A name in the target of a symbolic link.
    Linked(Box<str>),
    /// None: the path ends with `.` or `..`.
    Dot,
}

#[derive(Debug)]
pub(crate) enum Target {
    Node(Arc<Inode>),
    Missing,
}

impl Walked<'_> {
    /// The last component's name; `otherwise` where there is none.
    pub(crate) fn name(&self, otherwise: ErrorCode) -> Result<&str, ErrorCode> {
        match &self.last {
            Last::Given(name) => Ok(name),
            Last::Linked(name) => Ok(name),
            Last::Dot => Err(otherwise),
        }
    }

    /// The inode that the path names.
    pub(crate) fn existing(&self) -> Result<&Arc<Inode>, ErrorCode> {
        match &self.target {
            Target::Node(inode) if self.must_be_directory && !inode.is_directory() => Err(ErrorCode::NotDirectory),
            Target::Node(inode) => Ok(inode),
            Target::Missing => Err(ErrorCode::NoEntry),
        }
    }
}

/// Text that is being resolved: the caller's path, or a symlink's target.
enum Text<'p> {
    Given(&'p str),
    Link(Arc<str>),
}

struct Frame<'p> {
    text: Text<'p>,
    at: usize,
}

impl Frame<'_> {
    fn text(&self) -> &str {
        match &self.text {
            Text::Given(text) => text,
            Text::Link(text) => text,
        }
    }

    fn rest(&self) -> &str {
        self.text().get(self.at..).unwrap_or("")
    }
}

/// Resolves `path` from `base`. With `Follow::No` a symbolic link as the last
/// component is not followed, unless a slash is behind it.
///
/// # Errors
/// `no-entry` for the empty path and missing directories on the way,
/// `not-permitted` for what leads outside, `loop`, `name-too-long`,
/// `not-directory`, `invalid` for a NUL.
pub(crate) fn walk<'p>(
    view: &View,
    base: &Arc<Inode>,
    path: &'p str,
    follow: Follow,
    operation: &'static str,
) -> Result<Walked<'p>> {
    resolve(view, base, path, follow).map_err(|code| Error::new(code, operation).at(path))
}

fn resolve<'p>(view: &View, base: &Arc<Inode>, path: &'p str, follow: Follow) -> Result<Walked<'p>, ErrorCode> {
    let volume = view.volume();
    let limits = volume.limits();
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.len() > limits.path_bytes as usize {
        return Err(ErrorCode::NameTooLong);
    }
    if path.starts_with('/') {
        return Err(ErrorCode::NotPermitted);
    }
    if path.as_bytes().contains(&0) {
        return Err(ErrorCode::Invalid);
    }
    if !base.is_directory() {
        return Err(ErrorCode::NotDirectory);
    }

    let mut frames: SmallVec<[Frame<'p>; 2]> = SmallVec::new();
    frames.push(Frame { text: Text::Given(path), at: 0 });
    // The directories from the base to where we are. `..` goes back along the
    // way we came and never above the base.
    let mut way: SmallVec<[Arc<Inode>; 8]> = SmallVec::new();
    way.push(base.clone());
    let mut links = 0;

    loop {
        // Never empty: `..` at its first directory is refused.
        let Some(here) = way.last() else { return Err(ErrorCode::NotPermitted) };
        let Some(component) = next(&mut frames) else {
            let target = Target::Node(here.clone());
            return Ok(Walked { target, parent: here.clone(), last: Last::Dot, must_be_directory: true });
        };
        match component.name() {
            "." => continue,
            ".." => {
                if way.len() == 1 {
                    return Err(ErrorCode::NotPermitted);
                }
                way.pop();
                continue;
            }
            name if name.len() > limits.name_bytes as usize => return Err(ErrorCode::NameTooLong),
            _ => {}
        }
        let found = match volume.lookup(here, component.name()) {
            Ok(inode) => inode,
            Err(error) if error.code() == ErrorCode::NoEntry && component.is_last => {
                return Ok(component.end(here.clone(), Target::Missing));
            }
            Err(error) => return Err(error.code()),
        };
        match found.file_type() {
            FileType::Directory if !component.is_last => way.push(found),
            FileType::RegularFile if !component.is_last => return Err(ErrorCode::NotDirectory),
            FileType::SymbolicLink if !component.is_last || component.slash || matches!(follow, Follow::Yes) => {
                links += 1;
                if links > limits.symlink_depth {
                    return Err(ErrorCode::Loop);
                }
                match volume.read_link(&found) {
                    Ok(target) => enter(view, base, &mut way, &mut frames, target, component.slash)?,
                    // Replaced since it was found: the name is there, and now
                    // names something else.
                    Err(error) if error.code() == ErrorCode::NoEntry => component.again(&mut frames),
                    Err(error) => return Err(error.code()),
                }
            }
            _ => return Ok(component.end(here.clone(), Target::Node(found))),
        }
    }
}

/// Goes on with a symlink's target.
fn enter<'p>(
    view: &View,
    base: &Arc<Inode>,
    way: &mut SmallVec<[Arc<Inode>; 8]>,
    frames: &mut SmallVec<[Frame<'p>; 2]>,
    target: Arc<str>,
    slash: bool,
) -> Result<(), ErrorCode> {
    let mut at = 0;
    if target.starts_with('/') {
        // An absolute target begins at the root of the view. From a directory
        // below it that would lead outside of what the caller holds.
        if !Arc::ptr_eq(base, view.root_inode()) {
            return Err(ErrorCode::NotPermitted);
        }
        way.truncate(1);
        at = target.len() - view.inside(&target).len();
    }
    if slash {
        // The slash behind the link applies to what the link names.
        frames.push(Frame { text: Text::Given("/"), at: 0 });
    }
    frames.push(Frame { text: Text::Link(target), at });
    Ok(())
}

enum Component<'p> {
    Given(&'p str),
    Link(Arc<str>, std::ops::Range<usize>),
}

struct Step<'p> {
    component: Component<'p>,
    /// Nothing but slashes is behind it.
    is_last: bool,
    /// A slash is behind the last component.
    slash: bool,
}

impl<'p> Step<'p> {
    fn name(&self) -> &str {
        match &self.component {
            Component::Given(name) => name,
            Component::Link(text, range) => text.get(range.clone()).unwrap_or(""),
        }
    }

    /// Puts the component back, to be resolved anew.
    fn again(self, frames: &mut SmallVec<[Frame<'p>; 2]>) {
        if self.slash {
            frames.push(Frame { text: Text::Given("/"), at: 0 });
        }
        frames.push(match self.component {
            Component::Given(name) => Frame { text: Text::Given(name), at: 0 },
            Component::Link(text, range) => Frame { text: Text::Link(text.get(range).unwrap_or("").into()), at: 0 },
        });
    }

    fn end(self, parent: Arc<Inode>, target: Target) -> Walked<'p> {
        let last = match self.component {
            Component::Given(name) => Last::Given(name),
            Component::Link(..) => Last::Linked(self.name().into()),
        };
        Walked { parent, last, target, must_be_directory: self.slash }
    }
}

/// Takes the next component off the frames.
fn next<'p>(frames: &mut SmallVec<[Frame<'p>; 2]>) -> Option<Step<'p>> {
    let component = loop {
        let frame = frames.last_mut()?;
        let rest = frame.rest();
        let skipped = rest.len() - rest.trim_start_matches('/').len();
        frame.at += skipped;
        let rest = frame.rest().as_bytes();
        let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        if length == 0 {
            frames.pop();
            continue;
        }
        let range = frame.at..frame.at + length;
        frame.at = range.end;
        break match &frame.text {
            Text::Given(text) => Component::Given(text.get(range).unwrap_or("")),
            Text::Link(text) => Component::Link(text.clone(), range),
        };
    };
    let is_last = frames.iter().all(|frame| frame.rest().bytes().all(|byte| byte == b'/'));
    let slash = is_last && frames.iter().any(|frame| !frame.rest().is_empty());
    if is_last {
        frames.clear();
    }
    Some(Step { component, is_last, slash })
}
