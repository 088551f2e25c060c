//! Random calls on descriptors, made on a volume and on the model at once.

use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    Context, Descriptor, DescriptorFlags, Follow, Limits, OpenFlags, Operation, Reply, Result, Rights, SetTime,
    Timestamp, View, Volume, VolumeOptions,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::{ModelDescriptor, ModelView};
use crate::compare;
use crate::model::{Answer, Model, ROOT};

/// One call. Descriptors are named by their place among those that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as the methods of larder_core::Descriptor; the first number is the descriptor")]
pub enum Act {
    Stat(u8),
    StatAt(u8, bool, String),
    Readlink(u8, String),
    MakeDirectory(u8, String),
    MakeSymlink(u8, String, String),
    Unlink(u8, String),
    RemoveDirectory(u8, String),
    Rename(u8, String, u8, String),
    Link(u8, bool, String, u8, String),
    SetTimes(u8, SetTime, SetTime),
    SetTimesAt(u8, bool, String, SetTime, SetTime),
    Open(u8, bool, String, OpenFlags, DescriptorFlags),
    Close(u8),
    Read(u8, u64, u8),
    Write(u8, u64, Bytes),
    Append(u8, Bytes),
    SetSize(u8, u64),
    List(u8, u64, u8),
}

/// What is chosen anew for an `Open`.
pub type Opens = (OpenFlags, DescriptorFlags);

/// Where a view of the world begins, and how.
const VIEWS: [(&str, Rights, &str); 5] = [
    ("", Rights::READ_WRITE, ""),
    ("a", Rights::READ_WRITE, ""),
    ("", Rights::READ_WRITE, "/mnt/v"),
    ("", Rights::READ_ONLY, ""),
    ("a", Rights::READ_ONLY, ""),
];

/// A path out of few names: with dots, doubled slashes, a slash at the end.
pub fn path() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        12 => select(vec!["a", "b", "c", "l", "m"]),
        4 => Just(".."),
        2 => Just("."),
        1 => select(vec!["", "n\0l", "a-name-that-is-too-long"]),
    ];
    let text = prop::collection::vec(component, 1..6).prop_map(|components| components.join("/"));
    let lead = prop_oneof![12 => Just(""), 1 => Just("/")];
    let tail = prop_oneof![4 => Just(""), 1 => Just("/"), 1 => Just("//"), 1 => Just("/.")];
    (lead, text, tail).prop_map(|(lead, text, tail)| format!("{lead}{text}{tail}"))
}

/// A short path most often, since it has to exist for something to happen.
fn near() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["a", "b", "c", "l", "m", "a/b", "a/l", "c/l", "l/b", "a/", "l/"]).prop_map(str::to_owned),
        2 => path(),
    ]
}

/// The target of a symbolic link.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            "a", "b", "l", "m", "../l", "..", ".", "/", "/a", "/a/b", "/l", "/mnt/v/a", "/mnt/v", "/mnt/vw", "a/", "missing", "../../..",
        ])
        .prop_map(str::to_owned),
        1 => path(),
    ]
}

fn opens() -> impl Strategy<Value = Opens> {
    let open = prop_oneof![2 => Just(0u8), 3 => 0..16u8].prop_map(OpenFlags::from_bits_truncate);
    (open, (0..64u8).prop_map(DescriptorFlags::from_bits_truncate))
}

fn set_time() -> impl Strategy<Value = SetTime> {
    prop_oneof![
        Just(SetTime::Keep),
        Just(SetTime::Now),
        (0..3i64, prop_oneof![Just(0), Just(1_000_000_000u32)])
            .prop_map(|(seconds, nanoseconds)| SetTime::At(Timestamp { seconds, nanoseconds })),
    ]
}

/// A random call.
pub fn act() -> impl Strategy<Value = Act> {
    let d = || 0..10u8;
    let data = || (0..5000usize, any::<u8>()).prop_map(|(length, byte)| Bytes::from(vec![byte; length]));
    let times = || (set_time(), set_time());
    let names = prop_oneof![
        4 => (d(), near()).prop_map(|(d, p)| Act::MakeDirectory(d, p)),
        6 => (d(), target(), near()).prop_map(|(d, t, p)| Act::MakeSymlink(d, t, p)),
        4 => (d(), near()).prop_map(|(d, p)| Act::Unlink(d, p)),
        3 => (d(), near()).prop_map(|(d, p)| Act::RemoveDirectory(d, p)),
        7 => (d(), near(), d(), near()).prop_map(|(d, p, e, q)| Act::Rename(d, p, e, q)),
        5 => (d(), any::<bool>(), near(), d(), near()).prop_map(|(d, f, p, e, q)| Act::Link(d, f, p, e, q)),
    ]
    .boxed();
    let looks = prop_oneof![
        1 => d().prop_map(Act::Stat),
        8 => (d(), any::<bool>(), path()).prop_map(|(d, f, p)| Act::StatAt(d, f, p)),
        2 => (d(), near()).prop_map(|(d, p)| Act::Readlink(d, p)),
        2 => (d(), 0..4u64, any::<u8>()).prop_map(|(d, after, max)| Act::List(d, after, max)),
        3 => (d(), 0..10_000u64, any::<u8>()).prop_map(|(d, offset, length)| Act::Read(d, offset, length)),
    ]
    .boxed();
    let rest = prop_oneof![
        8 => (d(), any::<bool>(), near(), opens()).prop_map(|(d, f, p, (o, g))| Act::Open(d, f, p, o, g)),
        4 => d().prop_map(Act::Close),
        2 => (d(), times()).prop_map(|(d, (a, m))| Act::SetTimes(d, a, m)),
        2 => (d(), any::<bool>(), near(), times()).prop_map(|(d, f, p, (a, m))| Act::SetTimesAt(d, f, p, a, m)),
        2 => (d(), 0..10_000u64, data()).prop_map(|(d, offset, data)| Act::Write(d, offset, data)),
        2 => (d(), data()).prop_map(|(d, data)| Act::Append(d, data)),
        1 => (d(), 0..10_000u64).prop_map(|(d, size)| Act::SetSize(d, size)),
    ]
    .boxed();
    prop_oneof![names, looks, rest]
}

/// A volume with several views and open descriptors, and the same as a model.
pub struct World {
    /// The real one.
    pub volume: Arc<Volume>,
    /// What it must be like.
    pub model: Model,
    views: Vec<View>,
    open: Vec<(Descriptor, ModelDescriptor)>,
    time: i64,
}

fn follow(yes: bool) -> Follow {
    if yes { Follow::Yes } else { Follow::No }
}

impl World {
    /// A small tree with links in it, its views, and the root of each, open.
    /// `handles` more can be opened.
    #[must_use]
    pub fn new(handles: u64) -> Self {
        let limits = Limits {
            name_bytes: 12,
            path_bytes: 40,
            symlink_depth: 4,
            open_handles: 2 * VIEWS.len() as u64 + 1 + handles,
            ..Limits::default()
        };
        let options = VolumeOptions { limits, ..VolumeOptions::default() };
        let volume = Volume::new(options.clone());
        let mut world = Self { model: Model::new(&options), volume, views: Vec::new(), open: Vec::new(), time: 0 };
        let root = world.volume.root_id();
        let both = |world: &mut Self, operation: Operation| {
            let got = world.volume.apply(&Context::default(), &operation);
            let expected = world.model.apply(&Context::default(), &operation);
            compare::replies(&got, &expected, &operation);
            match got.unwrap() {
                Reply::Node(node) => node.id,
                _ => root,
            }
        };
        let a = both(&mut world, Operation::CreateDirectory { directory: root, name: "a".into(), mode: 0o755 });
        let c = both(&mut world, Operation::CreateDirectory { directory: root, name: "c".into(), mode: 0o755 });
        both(&mut world, Operation::CreateDirectory { directory: a, name: "b".into(), mode: 0o755 });
        both(&mut world, Operation::CreateFile { directory: c, name: "m".into(), mode: 0o644 });
        for (directory, name, target) in [(root, "l", "a"), (a, "l", "../c"), (c, "l", "/a/b"), (a, "m", "/mnt/v/a")] {
            both(&mut world, Operation::CreateSymlink { directory, name: name.into(), target: target.into() });
        }
        world.make_views(a.ino);
        world
    }

    /// Opens the views, each of which holds a handle, and their roots.
    fn make_views(&mut self, a: u64) {
        for (number, (path, rights, mount_point)) in VIEWS.iter().enumerate() {
            let mut view = View::new(&self.volume, Rights::READ_WRITE).unwrap().subdirectory(path, *rights).unwrap();
            if !mount_point.is_empty() {
                view = view.mounted_at(mount_point).unwrap();
            }
            let model = ModelView {
                number,
                root: if path.is_empty() { ROOT } else { a },
                mount_point: (*mount_point).into(),
                writable: rights.contains(Rights::WRITE),
            };
            model.open(&mut self.model, model.root, DescriptorFlags::empty()).unwrap();
            let root = model.open(&mut self.model, model.root, DescriptorFlags::READ).unwrap();
            self.open.push((view.root().unwrap(), root));
            self.views.push(view);
        }
        compare::usage(&self.volume, &self.model);
    }

    fn at(&self, place: u8) -> usize {
        usize::from(place) % self.open.len()
    }

    /// Makes one call on both.
    ///
    /// # Panics
    /// Where they differ.
    pub fn act(&mut self, act: &Act) {
        self.time += 1;
        let now = Timestamp::from_seconds(self.time * 10_000);
        let (got, expected) = match act {
            Act::Open(d, yes, path, open, flags) => {
                let (real, model) = &self.open[self.at(*d)];
                let got = real.open_at(now, follow(*yes), path, *open, *flags);
                let expected = model.clone().open_at(&mut self.model, now, follow(*yes), path, *open, *flags);
                self.note_open(got, expected)
            }
            // The roots of the views stay open.
            Act::Close(d) if self.at(*d) >= VIEWS.len() => {
                let (real, model) = self.open.swap_remove(self.at(*d));
                drop(real);
                let operation = Operation::Close { handle: model.handle };
                (Ok(Reply::Done), self.model.apply(&Context::default(), &operation))
            }
            Act::Close(_) => return,
            _ => self.call(act, now),
        };
        compare::replies(&got, &expected, act);
        compare::usage(&self.volume, &self.model);
    }

    fn note_open(&mut self, got: Result<Descriptor>, expected: Answer<ModelDescriptor>) -> (Result<Reply>, Answer) {
        match (got, expected) {
            (Ok(real), Ok(model)) => {
                assert_eq!(real.flags(), model.flags, "the flags of what was opened");
                assert_eq!(real.id().ino, model.ino, "what was opened");
                self.open.push((real, model));
                (Ok(Reply::Done), Ok(Reply::Done))
            }
            (got, expected) => (got.map(|_| Reply::Done), expected.map(|_| Reply::Done)),
        }
    }

    fn call(&mut self, act: &Act, now: Timestamp) -> (Result<Reply>, Answer) {
        let done = |result: Result<()>| result.map(|()| Reply::Done);
        let place = self.at(act.descriptor());
        let other = self.at(act.other());
        let to = &self.open[other].0;
        let model_to = self.open[other].1.clone();
        let real = &self.open[place].0;
        let ours = self.open[place].1.clone();
        let model = &mut self.model;
        match act {
            Act::Stat(_) => (real.stat().map(Reply::Node), Ok(Reply::Node(model.attributes(ours.node(model))))),
            Act::StatAt(_, yes, path) => {
                (real.stat_at(follow(*yes), path).map(Reply::Node), ours.stat_at(model, follow(*yes), path))
            }
            Act::Readlink(_, path) => (real.readlink_at(path).map(Reply::Target), ours.readlink_at(model, path)),
            Act::MakeDirectory(_, path) => {
                (done(real.create_directory_at(now, path)), ours.make_at(model, now, path, None))
            }
            Act::MakeSymlink(_, target, path) => {
                (done(real.symlink_at(now, target, path)), ours.make_at(model, now, path, Some(target)))
            }
            Act::Unlink(_, path) => (done(real.unlink_file_at(now, path)), ours.remove_at(model, now, path, false)),
            Act::RemoveDirectory(_, path) => {
                (done(real.remove_directory_at(now, path)), ours.remove_at(model, now, path, true))
            }
            Act::Rename(_, path, _, to_path) => {
                (done(real.rename_at(now, path, to, to_path)), ours.rename_at(model, now, path, &model_to, to_path))
            }
            Act::Link(_, yes, path, _, to_path) => (
                done(real.link_at(now, follow(*yes), path, to, to_path)),
                ours.link_at(model, now, follow(*yes), path, &model_to, to_path),
            ),
            Act::SetTimes(_, accessed, modified) => {
                (done(real.set_times(now, *accessed, *modified)), ours.set_times(model, now, [*accessed, *modified]))
            }
            Act::SetTimesAt(_, yes, path, accessed, modified) => (
                done(real.set_times_at(now, follow(*yes), path, *accessed, *modified)),
                ours.set_times_at(model, now, follow(*yes), path, [*accessed, *modified]),
            ),
            Act::Read(_, offset, length) => {
                let got = real.read(*offset, usize::from(*length)).map(|read| Reply::Data(read.into_bytes()));
                real.touch_read(now);
                let expected = ours.read(model, *offset, u32::from(*length));
                self.open[place].1.touch_read(&mut self.model, now);
                (got, expected)
            }
            Act::Write(_, offset, data) => {
                (done(real.write(now, *offset, data).map(drop)), ours.write(model, now, Some(*offset), data))
            }
            Act::Append(_, data) => (done(real.append(now, data).map(drop)), ours.write(model, now, None, data)),
            Act::SetSize(_, size) => (done(real.set_size(now, *size)), ours.set_size(model, now, *size)),
            Act::List(_, after, max) => (
                real.read_directory(*after, usize::from(*max)).map(Reply::Entries),
                ours.list(model, *after, u32::from(*max)),
            ),
            Act::Open(..) | Act::Close(_) => (Ok(Reply::Done), Ok(Reply::Done)),
        }
    }

    /// Compares all that there is.
    ///
    /// # Panics
    /// Where volume and model differ.
    pub fn finish(mut self) {
        let ever: Vec<_> = self.model.nodes.values().map(|node| node.id).collect();
        compare::volumes(&self.volume, &self.model, &ever);
        self.open.clear();
        self.views.clear();
        assert_eq!(self.volume.usage().open_handles, 0, "descriptors and views close what they opened");
        assert_eq!(self.volume.usage(), self.volume.recount(), "usage and recount");
    }
}

impl Act {
    fn descriptor(&self) -> u8 {
        match self {
            Self::Stat(d)
            | Self::StatAt(d, ..)
            | Self::Readlink(d, ..)
            | Self::MakeDirectory(d, ..)
            | Self::MakeSymlink(d, ..)
            | Self::Unlink(d, ..)
            | Self::RemoveDirectory(d, ..)
            | Self::Rename(d, ..)
            | Self::Link(d, ..)
            | Self::SetTimes(d, ..)
            | Self::SetTimesAt(d, ..)
            | Self::Open(d, ..)
            | Self::Close(d)
            | Self::Read(d, ..)
            | Self::Write(d, ..)
            | Self::Append(d, ..)
            | Self::SetSize(d, ..)
            | Self::List(d, ..) => *d,
        }
    }

    fn other(&self) -> u8 {
        match self {
            Self::Rename(_, _, other, _) | Self::Link(_, _, _, other, _) => *other,
            _ => self.descriptor(),
        }
    }
}
