//! A snapshot sees each operation wholly or not at all.

use std::sync::Arc;

use bytes::Bytes;
use larder_core::{Context, NodeId, Operation, Reply, Snapshot, Volume, VolumeOptions};
use larder_schedules::{Scenario, check_tree, explore};

/// Freezes while other threads do the operations of their lists in order, and
/// checks what was frozen.
fn during(scenario: &Scenario, lists: Vec<Vec<Operation>>) -> Arc<Volume> {
    let work = |operations: Vec<Operation>| {
        scenario.spawn(move |scenario| {
            for operation in &operations {
                scenario.apply(operation).unwrap();
            }
        })
    };
    let workers: Vec<_> = lists.into_iter().map(work).collect();
    let snapshot: Snapshot = scenario.volume.freeze().unwrap();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    scenario.check();
    // Thawing refuses wrong link counts, names of nothing, and loops.
    let thawed = snapshot.into_volume(VolumeOptions::default()).expect("a whole tree");
    check_tree(&thawed);
    thawed
}

fn exists(volume: &Arc<Volume>, directory: NodeId, name: &str) -> bool {
    volume.apply(&Context::default(), &Operation::Lookup { directory, name: name.into() }).is_ok()
}

#[test]
fn of_a_rename_between_directories() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (a, b) = (scenario.directory(root, "a"), scenario.directory(root, "b"));
        let _ = (scenario.directory(a, "x"), scenario.file(b, "f"));
        let rename = |from, from_name: &str, to, to_name: &str| Operation::Rename {
            from,
            from_name: from_name.into(),
            to,
            to_name: to_name.into(),
        };
        let frozen = during(&scenario, vec![vec![rename(a, "x", b, "x"), rename(b, "f", a, "f")]]);
        assert!(exists(&frozen, a, "x") != exists(&frozen, b, "x"));
        assert!(exists(&frozen, a, "f") != exists(&frozen, b, "f"));
        // The second never without the first.
        assert!(!(exists(&frozen, a, "f") && exists(&frozen, a, "x")));
    });
}

#[test]
fn of_links_creations_and_removals() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        let name = |name: &str| (root, name.to_owned());
        let ((d1, n1), (d2, n2), (d3, n3), (d4, n4)) = (name("g"), name("d"), name("f"), name("d"));
        let frozen = during(
            &scenario,
            vec![vec![
                Operation::Link { node: file, directory: d1, name: n1 },
                Operation::CreateDirectory { directory: d2, name: n2, mode: 0 },
                Operation::Unlink { directory: d3, name: n3 },
                Operation::RemoveDirectory { directory: d4, name: n4 },
            ]],
        );
        assert!(exists(&frozen, root, "f") || exists(&frozen, root, "g"));
    });
}

#[test]
fn of_writes_and_closes() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let file = scenario.file(root, "f");
        let Ok(Reply::Handle(handle)) = scenario.apply(&Operation::Open { node: file }) else { panic!("not open") };
        let frozen = during(
            &scenario,
            vec![
                vec![
                    Operation::Append { node: file, data: Bytes::from_static(b"12") },
                    Operation::Append { node: file, data: Bytes::from_static(b"34") },
                    Operation::Unlink { directory: root, name: "f".into() },
                ],
                vec![Operation::Close { handle }],
            ],
        );
        if let Ok(Reply::Data(data)) =
            frozen.apply(&Context::default(), &Operation::Read { node: file, offset: 0, length: 9 })
        {
            assert!([&b""[..], b"12", b"1234"].contains(&&data[..]), "{data:?}");
        }
    });
}
