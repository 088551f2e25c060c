//! When an inode goes: unlinking, opening, closing, linking and writing at once.

use bytes::Bytes;
use larder_core::{ErrorCode, NodeId, Operation, Reply};
use larder_schedules::{Scenario, explore};

fn unlink(directory: NodeId, name: &str) -> Operation {
    Operation::Unlink { directory, name: name.into() }
}

fn append(node: NodeId) -> Operation {
    Operation::Append { node, data: Bytes::from_static(b"four") }
}

fn open(scenario: &Scenario, node: NodeId) -> Result<u64, ErrorCode> {
    scenario.apply(&Operation::Open { node }).map(|reply| match reply {
        Reply::Handle(handle) => handle,
        reply => panic!("{reply:?} for a handle"),
    })
}

/// Opens, uses what is open, closes.
fn use_open(scenario: &Scenario, node: NodeId) {
    let Ok(handle) = open(scenario, node) else { return };
    // Pinned: whatever happens to its names, it stays.
    scenario.apply(&append(node)).expect("an open file takes bytes");
    scenario.apply(&Operation::GetAttributes { node }).expect("an open file has attributes");
    scenario.apply(&Operation::Close { handle }).expect("an open handle closes");
}

fn gone(scenario: &Scenario, node: NodeId) {
    assert_eq!(scenario.apply(&Operation::GetAttributes { node }), Err(ErrorCode::NoEntry));
    assert_eq!(scenario.volume.usage().inodes, 1, "only the root is left");
    assert_eq!(scenario.volume.usage().bytes, 0);
}

#[test]
fn unlink_while_others_open_and_close() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        let users: Vec<_> = (0..2).map(|_| scenario.spawn(move |scenario| use_open(scenario, file))).collect();
        scenario.apply(&unlink(root, "f")).unwrap();
        users.into_iter().for_each(|user| user.join().unwrap());
        scenario.check();
        gone(&scenario, file);
    });
}

#[test]
fn the_last_two_closes_of_an_unlinked_file() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        scenario.apply(&append(file)).unwrap();
        let handles = [open(&scenario, file).unwrap(), open(&scenario, file).unwrap()];
        let threads: Vec<_> = handles
            .into_iter()
            .map(|handle| {
                scenario.spawn(move |scenario| scenario.apply(&Operation::Close { handle }).map(drop).unwrap())
            })
            .chain([scenario.spawn(move |scenario| scenario.apply(&unlink(root, "f")).map(drop).unwrap())])
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        scenario.check();
        gone(&scenario, file);
    });
}

#[test]
fn link_against_unlink() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        let link = Operation::Link { node: file, directory: root, name: "g".into() };
        let linked = scenario.spawn(move |scenario| scenario.apply(&link));
        scenario.apply(&unlink(root, "f")).unwrap();
        let linked = linked.join().unwrap();
        scenario.check();
        match linked {
            Ok(_) => drop(scenario.apply(&Operation::GetAttributes { node: file }).expect("it has a name")),
            Err(code) => {
                assert_eq!(code, ErrorCode::NoEntry);
                gone(&scenario, file);
            }
        }
    });
}

#[test]
fn writes_to_a_file_that_is_unlinked_leave_no_charge() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        let write = Operation::Write { node: file, offset: 0, data: Bytes::from_static(b"x") };
        let writers: Vec<_> = [append(file), write]
            .into_iter()
            .map(|operation| scenario.spawn(move |scenario| drop(scenario.apply(&operation))))
            .collect();
        scenario.apply(&unlink(root, "f")).unwrap();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        scenario.check();
        gone(&scenario, file);
    });
}

#[test]
fn create_against_removing_the_parent() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let directory = scenario.directory(root, "d");
        let create = Operation::CreateFile { directory, name: "f".into(), mode: 0 };
        let link_to = scenario.file(root, "g");
        let link = Operation::Link { node: link_to, directory, name: "h".into() };
        let makers = [create, link].map(|operation| scenario.spawn(move |scenario| scenario.apply(&operation).is_ok()));
        let removed = scenario.apply(&Operation::RemoveDirectory { directory: root, name: "d".into() });
        let made = makers.map(|maker| maker.join().unwrap());
        scenario.check();
        match removed {
            Ok(_) => assert_eq!(made, [false, false], "a name in a directory that is gone"),
            Err(code) => {
                assert_eq!(code, ErrorCode::NotEmpty);
                assert!(made[0] || made[1]);
            }
        }
    });
}

#[test]
fn one_context_for_two_creations() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let places = [scenario.directory(root, "a"), scenario.directory(root, "b")];
        let node = NodeId { ino: 99, generation: 1 };
        let made = places.map(|directory| {
            scenario.spawn(move |scenario| {
                let context = larder_core::Context { node: Some(node), ..larder_core::Context::default() };
                let create = Operation::CreateFile { directory, name: "f".into(), mode: 0 };
                scenario.volume.apply(&context, &create).is_ok()
            })
        });
        let made = made.map(|thread| thread.join().unwrap());
        scenario.check();
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "one number, one inode");
    });
}

#[test]
fn link_of_a_file_that_was_gone_before_the_name_was_there() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (file, directory) = (scenario.file(root, "f"), scenario.directory(root, "d"));
        let link = Operation::Link { node: file, directory, name: "g".into() };
        let linked = scenario.spawn(move |scenario| scenario.apply(&link));
        scenario.apply(&unlink(root, "f")).unwrap();
        let made = scenario.apply(&Operation::CreateFile { directory, name: "g".into(), mode: 0 });
        let linked = linked.join().unwrap();
        scenario.check();
        match linked {
            Ok(_) => assert_eq!(made, Err(ErrorCode::Exist)),
            Err(code) => assert_eq!(code, ErrorCode::NoEntry),
        }
    });
}

#[test]
fn a_creation_answers_what_it_made() {
    explore(|| {
        let scenario = Scenario::default();
        let directory = scenario.root();
        let node = NodeId { ino: 99, generation: 1 };
        // Who applies the same record knows the number already.
        let other = scenario.spawn(move |scenario| drop(scenario.apply(&Operation::SetMode { node, mode: 0o777 })));
        let context = larder_core::Context { node: Some(node), ..larder_core::Context::default() };
        let create = Operation::CreateFile { directory, name: "f".into(), mode: 0o600 };
        let Ok(Reply::Node(made)) = scenario.volume.apply(&context, &create) else { panic!("not made") };
        other.join().unwrap();
        assert_eq!((made.mode, made.version), (0o600, 1));
    });
}

#[test]
fn appends_are_atomic() {
    explore(|| {
        let scenario = Scenario::default();
        let file = scenario.file(scenario.root(), "f");
        let writers: Vec<_> = (0..3u8)
            .map(|byte| {
                scenario.spawn(move |scenario| {
                    for _ in 0..2 {
                        let data = Bytes::from(vec![byte; 3]);
                        scenario.apply(&Operation::Append { node: file, data }).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        scenario.check();
        let Ok(Reply::Data(data)) = scenario.apply(&Operation::Read { node: file, offset: 0, length: 99 }) else {
            panic!("no data");
        };
        assert_eq!(data.len(), 18);
        for piece in data.chunks(3) {
            assert!(piece.iter().all(|byte| *byte == piece[0]), "{data:?}");
        }
    });
}
