//! The mirror of a real volume, whose every change it follows.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use larder_core::{
    Change, Context, Descriptor, DescriptorFlags, Follow, Observer, OpenFlags, Proposal, Result, Rights, Settling,
    Timestamp, View, Volume, VolumeOptions,
};
use proptest::prelude::*;

use super::*;

struct Following(Mutex<Mirror>);

impl Observer for Following {
    fn admit(&self, _: Proposal<'_>) -> Result<()> {
        Ok(())
    }
    fn record(&self, _: &Context, change: Change<'_>) {
        self.0.lock().unwrap().apply(&change);
    }
    fn settle(&self, _: Settling) -> Result<()> {
        Ok(())
    }
    fn closed(&self, _: NodeId) {}
    fn opening(&self, _: NodeId, _: &str) -> Result<bool> {
        Ok(false)
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn followed() -> (Arc<Volume>, Arc<Following>, Descriptor) {
    let volume = Volume::new(VolumeOptions::default());
    let following = Arc::new(Following(Mutex::new(Mirror::new(volume.root_id()))));
    volume.set_observer(following.clone()).unwrap();
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    (volume, following, root)
}

/// All paths of the volume, with what they name.
fn tree(root: &Descriptor, at: &str, out: &mut BTreeSet<(String, NodeId)>) {
    let path = if at.is_empty() { "." } else { at };
    let directory = root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
    for entry in directory.read_directory(0, usize::MAX).unwrap() {
        let path = if at.is_empty() { entry.name.to_string() } else { format!("{at}/{}", entry.name) };
        out.insert((path.clone(), entry.id));
        if entry.file_type == larder_core::FileType::Directory {
            tree(root, &path, out);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    File(String),
    Directory(String),
    Link(String, String),
    Unlink(String),
    RemoveDirectory(String),
    Rename(String, String),
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => path().prop_map(Step::File),
        3 => path().prop_map(Step::Directory),
        1 => (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => path().prop_map(Step::Unlink),
        1 => path().prop_map(Step::RemoveDirectory),
        3 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
    ]
}

fn carry_out(root: &Descriptor, step: &Step) {
    // What cannot be done changes nothing, in the mirror either.
    match step {
        Step::File(path) => {
            drop(root.open_at(NOW, Follow::No, path, OpenFlags::CREATE, DescriptorFlags::WRITE));
        }
        Step::Directory(path) => drop(root.create_directory_at(NOW, path)),
        Step::Link(from, to) => drop(root.link_at(NOW, Follow::No, from, root, to)),
        Step::Unlink(path) => drop(root.unlink_file_at(NOW, path)),
        Step::RemoveDirectory(path) => drop(root.remove_directory_at(NOW, path)),
        Step::Rename(from, to) => drop(root.rename_at(NOW, from, root, to)),
    }
}

proptest! {
    #[test]
    fn the_mirror_has_the_names_of_the_volume(steps in prop::collection::vec(step(), 0..60)) {
        let (_volume, following, root) = followed();
        for step in &steps {
            carry_out(&root, step);
            let mut real = BTreeSet::new();
            tree(&root, "", &mut real);
            let mirror = following.0.lock().unwrap();
            let mirrored: BTreeSet<_> = mirror.below(root.id()).into_iter().collect();
            prop_assert_eq!(&mirrored, &real);
            for (path, node) in &real {
                prop_assert!(mirror.paths(*node).contains(path));
                let known = mirror.path(*node).unwrap();
                prop_assert!(real.contains(&(known, *node)));
            }
            let nodes: BTreeSet<_> = real.iter().map(|(_, node)| *node).collect();
            prop_assert_eq!(mirror.names.len(), nodes.len(), "names of inodes that have none");
        }
    }
}

#[test]
fn a_renamed_directory_takes_what_is_below_it_along() {
    let (_volume, following, root) = followed();
    for step in [Step::Directory("a".into()), Step::Directory("a/b".into()), Step::File("a/b/c".into())] {
        carry_out(&root, &step);
    }
    let file = following.0.lock().unwrap().below(root.id()).into_iter().find(|(path, _)| path == "a/b/c").unwrap().1;
    carry_out(&root, &Step::Rename("a".into(), "z".into()));
    let mirror = following.0.lock().unwrap();
    assert_eq!(mirror.path(file).as_deref(), Some("z/b/c"));
    assert_eq!(mirror.longest_below(root.id()), "z/b/c".len());
    assert_eq!(mirror.path(root.id()).as_deref(), Some(""));
}

#[test]
fn what_is_open_without_a_name_has_no_path() {
    let (_volume, following, root) = followed();
    let file = root.open_at(NOW, Follow::No, "a", OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap();
    carry_out(&root, &Step::Unlink("a".into()));
    assert_eq!(following.0.lock().unwrap().path(file.id()), None);
}
