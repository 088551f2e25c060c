//! Renames that meet: crossing, into each other, over each other.

use larder_core::{NodeId, Operation};
use larder_schedules::{Scenario, explore};

fn rename(from: NodeId, from_name: &str, to: NodeId, to_name: &str) -> Operation {
    Operation::Rename { from, from_name: from_name.into(), to, to_name: to_name.into() }
}

fn lookup(directory: NodeId, name: &str) -> Operation {
    Operation::Lookup { directory, name: name.into() }
}

/// Does the operations, one thread each, and checks the tree.
fn meet(scenario: &Scenario, operations: Vec<Operation>) -> usize {
    let threads: Vec<_> = operations
        .into_iter()
        .map(|operation| scenario.spawn(move |scenario| scenario.apply(&operation).is_ok()))
        .collect();
    let done = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|done| *done).count();
    scenario.check();
    done
}

#[test]
fn files_that_change_places() {
    explore(|| {
        let scenario = Scenario::default();
        let a = scenario.directory(scenario.root(), "a");
        let b = scenario.directory(scenario.root(), "b");
        let _ = (scenario.file(a, "f"), scenario.file(b, "f"));
        let done = meet(&scenario, vec![rename(a, "f", b, "f"), rename(b, "f", a, "f")]);
        assert!(done >= 1);
        let left = [a, b].iter().filter(|at| scenario.apply(&lookup(**at, "f")).is_ok()).count();
        // Each replaces the other's, or the second moves it back.
        assert_eq!(left, 1, "a file is lost or doubled");
    });
}

#[test]
fn two_directories_that_move_into_each_other() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (a, b) = (scenario.directory(root, "a"), scenario.directory(root, "b"));
        let done = meet(&scenario, vec![rename(root, "a", b, "x"), rename(root, "b", a, "x")]);
        assert_eq!(done, 1, "one of them must see the loop");
    });
}

#[test]
fn three_deep_directories_that_move_into_each_other() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let names = ["a", "b", "c"];
        let tops = names.map(|name| scenario.directory(root, name));
        let deep = tops.map(|top| scenario.directory(top, "deep"));
        let done = meet(&scenario, (0..3).map(|at| rename(root, names[at], deep[(at + 1) % 3], "x")).collect());
        assert_eq!(done, 2);
    });
}

#[test]
fn a_parent_that_moves_below_where_its_child_goes() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let a = scenario.directory(root, "a");
        let b = scenario.directory(a, "b");
        let c = scenario.directory(b, "c");
        let d = scenario.directory(root, "d");
        meet(&scenario, vec![rename(b, "c", root, "c"), rename(root, "a", c, "a"), rename(root, "d", b, "d")]);
        let _ = d;
    });
}

#[test]
fn renames_over_one_name() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let a = scenario.directory(root, "a");
        let b = scenario.directory(root, "b");
        let _ = (scenario.file(a, "f"), scenario.file(b, "g"), scenario.file(root, "h"));
        let done =
            meet(&scenario, vec![rename(a, "f", root, "h"), rename(b, "g", root, "h"), rename(root, "h", a, "h")]);
        assert_eq!(done, 3);
    });
}

#[test]
fn a_directory_that_moves_into_one_that_is_removed() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (_, b) = (scenario.directory(root, "a"), scenario.directory(root, "b"));
        let remove = Operation::RemoveDirectory { directory: root, name: "b".into() };
        assert_eq!(meet(&scenario, vec![rename(root, "a", b, "a"), remove]), 1);
    });
}

#[test]
fn a_directory_that_is_removed_while_it_moves() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (a, b) = (scenario.directory(root, "a"), scenario.directory(root, "b"));
        let _ = scenario.directory(b, "x");
        let remove = |directory, name: &str| Operation::RemoveDirectory { directory, name: name.into() };
        meet(&scenario, vec![rename(b, "x", a, "x"), remove(b, "x"), remove(root, "b")]);
    });
}

#[test]
fn a_directory_that_replaces_an_empty_one_while_that_is_filled() {
    explore(|| {
        let scenario = Scenario::default();
        let root = scenario.root();
        let (_, b) = (scenario.directory(root, "a"), scenario.directory(root, "b"));
        let create = Operation::CreateFile { directory: b, name: "f".into(), mode: 0 };
        assert_eq!(meet(&scenario, vec![rename(root, "a", root, "b"), create]), 1);
    });
}
