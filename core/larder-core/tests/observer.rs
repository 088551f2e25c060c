//! An observer is told of every change once, in order, and with all that is
//! needed to make it again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test may panic"
)]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use larder_core::{
    Context, Descriptor, DescriptorFlags, Error, ErrorCode, Follow, NodeId, OpenFlags, Operation, Reply, Rights,
    SetTime, Settling, Timestamp, View, Volume, VolumeOptions,
};
use support::{
    NOW, Noted, NotedMade, Random, Recorder, balanced, context, create, entry, fails, lookup, make_directory, read,
    set_size, snapshot, whole, write,
};

fn volume() -> (Arc<Volume>, Arc<Recorder>) {
    let volume = Volume::new(VolumeOptions::default());
    let recorder = Recorder::of(&volume);
    (volume, recorder)
}

fn open(root: &Descriptor, path: &str, open: OpenFlags, flags: DescriptorFlags) -> larder_core::Result<Descriptor> {
    root.open_at(NOW, Follow::Yes, path, open, flags)
}

/// What one thread does: random operations on a few names of a few
/// directories, some of them bound to fail.
fn work(volume: &Arc<Volume>, seed: u64, steps: u64) {
    let mut random = Random(seed);
    let root = volume.root_id();
    let mut directories: Vec<NodeId> = vec![root];
    let mut nodes: Vec<NodeId> = vec![root];
    let mut handles = Vec::new();
    for step in 0..steps {
        let name = |random: &mut Random| format!("n{}", random.below(6));
        let directory = directories[random.below(directories.len() as u64) as usize];
        let other = directories[random.below(directories.len() as u64) as usize];
        let node = nodes[random.below(nodes.len() as u64) as usize];
        let time = Timestamp::from_seconds(i64::try_from(seed * 1_000_000 + step).unwrap());
        let size = random.below(70_000);
        let length = usize::try_from(random.below(9_000)).unwrap();
        let operation = match random.below(16) {
            0 => Operation::CreateDirectory { directory, name: name(&mut random), mode: 0o7_0777 },
            1..=3 => Operation::CreateFile { directory, name: name(&mut random), mode: 0o644 },
            4 => Operation::CreateSymlink { directory, name: name(&mut random), target: "n0".into() },
            5 => Operation::Link { node, directory, name: name(&mut random) },
            6 => Operation::Unlink { directory, name: name(&mut random) },
            7 => Operation::RemoveDirectory { directory, name: name(&mut random) },
            8 | 9 => Operation::Rename {
                from: directory,
                from_name: name(&mut random),
                to: other,
                to_name: name(&mut random),
            },
            10 | 11 => Operation::Write { node, offset: size, data: random.bytes(length).into() },
            12 => Operation::Append { node, data: random.bytes(length).into() },
            13 => Operation::SetSize { node, size },
            14 => Operation::SetTimes { node, accessed: SetTime::Now, modified: SetTime::At(time) },
            15 if random.below(2) == 0 => Operation::SetMode { node, mode: 0o7_7123 },
            _ => Operation::Open { node },
        };
        match volume.apply(&Context::at(time), &operation) {
            Ok(Reply::Node(made)) => {
                nodes.push(made.id);
                if matches!(operation, Operation::CreateDirectory { .. }) {
                    directories.push(made.id);
                }
            }
            Ok(Reply::Handle(handle)) => handles.push(handle),
            _ => {}
        }
        if handles.len() > 3 {
            volume.apply(&context(), &Operation::Close { handle: handles.remove(0) }).unwrap();
        }
    }
    for handle in handles {
        volume.apply(&context(), &Operation::Close { handle }).unwrap();
    }
}

#[track_caller]
fn replays(volume: &Arc<Volume>, recorder: &Recorder) {
    let second = Volume::new(VolumeOptions::default());
    let mut gone = std::collections::BTreeSet::new();
    for (context, change) in recorder.records.lock().unwrap().iter() {
        match change.replay(&second, context) {
            Ok(()) => {}
            // An open file that has no name any more: here nobody has it open.
            Err(error) if error.code() == ErrorCode::NoEntry => match change {
                Noted::Write { node, .. }
                | Noted::SetSize { node, .. }
                | Noted::SetTimes { node, .. }
                | Noted::SetMode { node, .. } => {
                    gone.insert(*node);
                }
                _ => panic!("{change:?}: {error}"),
            },
            Err(error) => panic!("{change:?}: {error}"),
        }
    }
    assert!(snapshot(volume) == snapshot(&second), "another volume");
    // Whatever was left out has no name.
    for node in gone {
        assert!(volume.attributes(node).is_err());
    }
    balanced(volume);
    balanced(&second);
}

#[test]
fn the_records_of_random_work_make_an_equal_volume() {
    for seed in 0..60 {
        let (volume, recorder) = volume();
        work(&volume, seed, 300);
        replays(&volume, &recorder);
    }
}

#[test]
fn the_records_of_four_threads_make_an_equal_volume() {
    for round in 0..20 {
        let (volume, recorder) = volume();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let volume = &volume;
                scope.spawn(move || work(volume, round * 4 + thread, 300));
            }
        });
        replays(&volume, &recorder);
    }
}

#[test]
fn each_change_is_recorded_once_and_with_its_context() {
    let (volume, recorder) = volume();
    let root = volume.root_id();
    let apply = |operation| volume.apply(&context(), &operation).unwrap();
    let file = create(&volume, root, "f");
    let made = NotedMade::File { mode: 0o644 };
    assert_eq!(recorder.take(), [Noted::Create { directory: root, name: "f".into(), node: file, made, open: false }]);
    write(&volume, file, 3, b"abc").unwrap();
    apply(Operation::Append { node: file, data: "de".into() });
    assert_eq!(
        recorder.take(),
        [
            Noted::Write { node: file, offset: 3, data: "abc".into() },
            Noted::Write { node: file, offset: 6, data: "de".into() }
        ]
    );
    apply(Operation::SetMode { node: file, mode: 0o17_7777 });
    assert_eq!(recorder.take(), [Noted::SetMode { node: file, mode: 0o7777 }]);
    apply(Operation::Link { node: file, directory: root, name: "g".into() });
    assert_eq!(recorder.take(), [Noted::Link { node: file, directory: root, name: "g".into() }]);
    let other = create(&volume, root, "h");
    recorder.take();
    let rename =
        |from: &str, to: &str| Operation::Rename { from: root, from_name: from.into(), to: root, to_name: to.into() };
    apply(rename("g", "h"));
    assert_eq!(
        recorder.take(),
        [Noted::Rename {
            node: file,
            from: root,
            from_name: "g".into(),
            to: root,
            to_name: "h".into(),
            replaced: Some(other)
        }]
    );
    // Two names of one inode, and one name.
    apply(rename("f", "h"));
    apply(rename("f", "f"));
    apply(Operation::Write { node: file, offset: 1_000, data: "".into() });
    apply(Operation::Append { node: file, data: "".into() });
    assert_eq!(recorder.take(), []);
    apply(Operation::Unlink { directory: root, name: "h".into() });
    assert_eq!(recorder.take(), [Noted::Remove { node: file, directory: root, name: "h".into() }]);
    let directory = make_directory(&volume, root, "d");
    recorder.take();
    apply(Operation::RemoveDirectory { directory: root, name: "d".into() });
    assert_eq!(recorder.take(), [Noted::Remove { node: directory, directory: root, name: "d".into() }]);
}

/// One operation of each kind that the state lets succeed.
fn operations(root: NodeId, file: NodeId) -> Vec<Operation> {
    vec![
        Operation::CreateFile { directory: root, name: "new".into(), mode: 0 },
        Operation::CreateDirectory { directory: root, name: "new".into(), mode: 0 },
        Operation::CreateSymlink { directory: root, name: "new".into(), target: "t".into() },
        Operation::Link { node: file, directory: root, name: "new".into() },
        Operation::Unlink { directory: root, name: "f".into() },
        Operation::RemoveDirectory { directory: root, name: "d".into() },
        Operation::Rename { from: root, from_name: "f".into(), to: root, to_name: "g".into() },
        Operation::Write { node: file, offset: 0, data: "x".into() },
        Operation::Append { node: file, data: "x".into() },
        Operation::SetSize { node: file, size: 1 },
        Operation::SetTimes { node: file, accessed: SetTime::Now, modified: SetTime::Now },
        Operation::SetMode { node: file, mode: 0 },
    ]
}

#[test]
fn what_is_refused_changes_nothing() {
    let (volume, recorder) = volume();
    let root = volume.root_id();
    let file = create(&volume, root, "f");
    make_directory(&volume, root, "d");
    write(&volume, file, 0, b"content").unwrap();
    recorder.take();
    let before = snapshot(&volume);
    *recorder.refuse.lock().unwrap() = Some(ErrorCode::WouldBlock);
    for operation in operations(root, file) {
        fails(volume.apply(&context(), &operation), ErrorCode::WouldBlock);
    }
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let handle = view.root().unwrap();
    fails(open(&handle, "new", OpenFlags::CREATE, DescriptorFlags::WRITE), ErrorCode::WouldBlock);
    fails(open(&handle, "f", OpenFlags::TRUNCATE, DescriptorFlags::WRITE), ErrorCode::WouldBlock);
    balanced(&volume);
    assert!(before == snapshot(&volume));
    assert_eq!(recorder.take(), []);
}

#[test]
fn what_fails_is_not_recorded() {
    let (volume, recorder) = volume();
    let root = volume.root_id();
    let file = create(&volume, root, "f");
    let directory = make_directory(&volume, root, "d");
    create(&volume, directory, "inner");
    recorder.take();
    for operation in [
        Operation::CreateFile { directory: root, name: "f".into(), mode: 0 },
        Operation::CreateFile { directory: root, name: "a/b".into(), mode: 0 },
        Operation::CreateSymlink { directory: root, name: "l".into(), target: String::new() },
        Operation::Link { node: directory, directory: root, name: "e".into() },
        Operation::Link { node: file, directory: root, name: "d".into() },
        Operation::Unlink { directory: root, name: "d".into() },
        Operation::RemoveDirectory { directory: root, name: "d".into() },
        Operation::RemoveDirectory { directory: root, name: "f".into() },
        Operation::Rename { from: root, from_name: "f".into(), to: root, to_name: "d".into() },
        Operation::Rename { from: root, from_name: "d".into(), to: directory, to_name: "x".into() },
        Operation::Write { node: file, offset: u64::MAX, data: "x".into() },
        Operation::Write { node: root, offset: 0, data: "x".into() },
        Operation::SetSize { node: file, size: u64::MAX },
        Operation::SetTimes {
            node: file,
            accessed: SetTime::At(Timestamp { seconds: 0, nanoseconds: u32::MAX }),
            modified: SetTime::Keep,
        },
    ] {
        assert!(volume.apply(&context(), &operation).is_err(), "{operation:?}");
    }
    assert_eq!(recorder.take(), []);
}

#[test]
fn an_error_of_settling_comes_back_though_the_change_was_made() {
    for at in 0..12 {
        let (volume, recorder) = volume();
        let root = volume.root_id();
        let file = create(&volume, root, "f");
        make_directory(&volume, root, "d");
        recorder.take();
        let before = snapshot(&volume);
        *recorder.unsettled.lock().unwrap() = Some(ErrorCode::Io);
        fails(volume.apply(&context(), &operations(root, file)[at]), ErrorCode::Io);
        assert_eq!(recorder.take().len(), 1);
        assert!(before != snapshot(&volume));
        balanced(&volume);
    }
}

#[test]
fn a_file_whose_creation_was_not_settled_is_not_open() {
    let (volume, recorder) = volume();
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    *recorder.unsettled.lock().unwrap() = Some(ErrorCode::Io);
    fails(open(&root, "f", OpenFlags::CREATE, DescriptorFlags::WRITE), ErrorCode::Io);
    *recorder.unsettled.lock().unwrap() = None;
    balanced(&volume);
    let node = lookup(&volume, volume.root_id(), "f").unwrap();
    assert!(!volume.open_nodes().contains(&node));
    // The observer was told that somebody has it open.
    assert_eq!(*recorder.closed.lock().unwrap(), [node]);
    root.unlink_file_at(NOW, "f").unwrap();
    balanced(&volume);
    assert!(volume.attributes(node).is_err());
}

#[test]
fn a_new_file_is_recorded_before_what_is_written_to_it() {
    let (volume, recorder) = volume();
    let writer = Arc::new(std::sync::Mutex::new(None));
    let (thread, other) = (writer.clone(), volume.clone());
    *recorder.on_record.lock().unwrap() = Some(Box::new(move |change| {
        let Noted::Create { node, .. } = *change else { panic!("{change:?}") };
        // Somebody who guessed the number.
        *thread.lock().unwrap() = Some(std::thread::spawn(move || write(&other, node, 0, b"early")));
        std::thread::sleep(Duration::from_millis(100));
    }));
    create(&volume, volume.root_id(), "f");
    writer.lock().unwrap().take().unwrap().join().unwrap().unwrap();
    replays(&volume, &recorder);
}

#[test]
fn closing_is_told_once_for_each_descriptor_that_could_write() {
    let (volume, recorder) = volume();
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    let closed = || std::mem::take(&mut *recorder.closed.lock().unwrap());
    let file = open(&root, "f", OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE).unwrap();
    let id = file.id();
    assert!(matches!(recorder.take()[..], [Noted::Create { open: true, .. }]));
    let again = file.dup().unwrap();
    drop(file);
    assert_eq!(closed(), [id]);
    drop(again);
    assert_eq!(closed(), [id]);
    drop(open(&root, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap());
    drop(open(&root, ".", OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY).unwrap());
    assert!(open(&root, "f", OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE).is_err());
    assert!(open(&root, ".", OpenFlags::empty(), DescriptorFlags::WRITE).is_err());
    assert_eq!(closed(), []);
}

#[test]
fn who_makes_a_file_for_reading_has_no_stream_of_changes_to_close() {
    let (volume, recorder) = volume();
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    let file = open(&root, "f", OpenFlags::CREATE, DescriptorFlags::READ).unwrap();
    assert!(matches!(recorder.take()[..], [Noted::Create { open: false, .. }]));
    assert_eq!(*recorder.settled.lock().unwrap(), [Settling::Whole]);
    drop(file);
    assert_eq!(*recorder.closed.lock().unwrap(), []);
    balanced(&volume);
}

#[test]
fn an_opening_that_changed_the_tree_is_looked_at_again() {
    let (volume, recorder) = volume();
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    let id = volume.root_id();
    let old = create(&volume, id, "f");
    let other = volume.clone();
    *recorder.on_opening.lock().unwrap() = Some(Box::new(move || {
        other.adopt(id, &entry("f", whole(10, "v"))).unwrap();
    }));
    recorder.take();
    let file = open(&root, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    assert_ne!(file.id(), old);
    assert_eq!(file.stat().unwrap().size, 10);
    assert_eq!(*recorder.opened.lock().unwrap(), [(id, "f".into())]);
    // It is gone elsewhere.
    let (other, gone) = (volume.clone(), file.id());
    *recorder.on_opening.lock().unwrap() = Some(Box::new(move || {
        assert!(other.disown(NOW, id, "f", gone).unwrap());
    }));
    fails(open(&root, "f", OpenFlags::empty(), DescriptorFlags::READ), ErrorCode::NoEntry);
    assert_eq!(recorder.opened.lock().unwrap().len(), 2);
    assert_eq!(recorder.take(), [], "what the backend did is not told");
    // It came, and nobody must make another one.
    let other = volume.clone();
    *recorder.on_opening.lock().unwrap() = Some(Box::new(move || {
        other.adopt(id, &entry("f", whole(20, "w"))).unwrap();
    }));
    let file = open(&root, "f", OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap();
    assert_eq!(file.stat().unwrap().size, 20);
    drop(open(&root, "g", OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap());
    let opened: Vec<String> = recorder.opened.lock().unwrap().iter().map(|(_, name)| name.clone()).collect();
    assert_eq!(opened, ["f", "f", "f", "g"]);
    drop(file);
    balanced(&volume);
}

#[test]
fn nobody_changes_a_volume_at_rest() {
    let (volume, recorder) = volume();
    let file = create(&volume, volume.root_id(), "f");
    write(&volume, file, 0, b"before").unwrap();
    let other = volume.clone();
    let thread = volume.at_rest(|| {
        let recorded = recorder.records.lock().unwrap().len();
        let thread = std::thread::spawn(move || write(&other, file, 0, b"behind"));
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(read(&volume, file, 0, 100).unwrap(), "before");
        assert_eq!(&volume.freeze_content(file).unwrap().bytes(0, 100).unwrap()[..], b"before");
        assert_eq!(recorder.records.lock().unwrap().len(), recorded);
        thread
    });
    thread.join().unwrap().unwrap();
    set_size(&volume, file, 3).unwrap();
    assert_eq!(read(&volume, file, 0, 100).unwrap(), "beh");
}

#[test]
fn an_observer_is_set_once() {
    let (volume, _recorder) = volume();
    let error: Error = volume.set_observer(Arc::new(Recorder::default())).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Already);
}
