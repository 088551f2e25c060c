//! What others change comes in by looking through the bucket.

use larder_bucket::Condition;
use larder_core::{FileType, Operation};

use super::support::{Outside, World, buckets, linked, through, wait};
use crate::layout::{KeySpace, ObjectMeta};

fn opened(outside: &Outside) -> World {
    let world = outside.open();
    world.walk();
    world
}

#[test]
fn changes_of_others_come_in() {
    for outside in buckets() {
        outside.put_all(["a", "b", "d/e", "d/f"].map(str::to_owned));
        let world = opened(&outside);
        assert_eq!(world.poll(), 0);
        let (a, b) = (world.node("a"), world.node("b"));
        let open = world.open_file("b").unwrap();
        assert_eq!(open.read(0, 9).unwrap().into_bytes(), "b");
        outside.put("b", "newer");
        outside.put("d/g", "new");
        outside.delete("d/e");
        assert_eq!(world.poll(), 3);
        assert_eq!(world.names("d").unwrap(), ["f", "g"]);
        assert_eq!((world.text("b"), world.text("d/g")), ("newer".into(), "new".into()));
        assert_eq!(open.read(0, 9).unwrap().into_bytes(), "b");
        assert_eq!(world.node("a"), a);
        assert_ne!(world.node("b"), b);
        assert_eq!(world.poll(), 0);
        assert_eq!(world.status().external_changes, 3);
        // A file becomes a link, a link becomes a file.
        let symlink = ObjectMeta::of_kind(FileType::SymbolicLink).to_metadata();
        outside.put_with("b", "a", &symlink);
        assert_eq!(world.poll(), 1);
        assert_eq!(world.tree()["b"], "l a");
        outside.put("b", "file");
        assert_eq!(world.poll(), 1);
        assert_eq!(world.tree()["b"], "f 644 1 4");
    }
}

#[test]
fn directories_come_and_go() {
    for outside in buckets() {
        outside.put("old/below/f", "1");
        outside.put("marked/", "");
        outside.put("marked/f", "1");
        let world = opened(&outside);
        let keys = KeySpace::new("").unwrap();
        let meta = ObjectMeta { mode: Some(0o700), ..ObjectMeta::of_kind(FileType::Directory) };
        outside.put_with(&keys.directory_attributes_key("new").unwrap(), "new", &meta.to_metadata());
        outside.put("new/below/f", "1");
        outside.put("new/below/g", "1");
        outside.put("empty/", "");
        assert_eq!(world.poll(), 2);
        assert_eq!(world.tree()["new"], "d 700");
        assert_eq!(world.text("new/below/g"), "1");
        assert_eq!(world.names("empty").unwrap(), [""; 0]);
        assert!(world.shared.state.lock().catalogue.key("empty/").is_some());
        assert_eq!(world.poll(), 0);
        outside.delete("old/below/f");
        outside.delete("marked/f");
        assert_eq!(world.poll(), 4, "two files and two directories");
        assert_eq!(world.names("").unwrap(), ["empty", "marked", "new"]);
        outside.delete("marked/");
        outside.delete("empty/");
        assert_eq!(world.poll(), 2);
        assert_eq!(world.names("").unwrap(), ["new"]);
        // Markers alone come and go without a change.
        outside.put("new/", "");
        assert_eq!(world.poll(), 0);
        assert!(world.shared.state.lock().catalogue.key("new/").is_some());
        outside.delete("new/below/f");
        outside.delete("new/below/g");
        assert_eq!(world.poll(), 3);
        assert_eq!(world.names("").unwrap(), ["new"]);
    }
}

#[test]
fn files_and_directories_take_each_others_place() {
    for outside in buckets() {
        outside.put("file", "1");
        outside.put("directory/below", "1");
        let world = opened(&outside);
        outside.put("file/below", "1");
        outside.put("directory", "file");
        assert_eq!(world.poll(), 1);
        assert_eq!((world.text("file/below"), world.text("directory/below")), ("1".into(), "1".into()));
        assert_eq!((world.reported("file"), world.reported("directory")), (1, 1));
        assert_eq!(world.poll(), 0);
        outside.delete("file/below");
        outside.delete("directory/below");
        assert!(world.poll() >= 2);
        // The files below were seen to be gone after the directories.
        world.poll();
        assert_eq!((world.text("file"), world.text("directory")), ("1".into(), "file".into()));
        assert_eq!(world.poll(), 0);
    }
}

#[test]
fn what_waits_for_the_bucket_is_left_alone() {
    for outside in buckets() {
        outside.put_all(["written", "removed", "chmod", "gone", "d/f"].map(str::to_owned));
        let world = opened(&outside);
        let (root, data) = (world.volume.root_id(), "ours".into());
        world.apply(&Operation::Write { node: world.node("written"), offset: 0, data });
        world.apply(&Operation::Unlink { directory: root, name: "removed".into() });
        world.apply(&Operation::SetMode { node: world.node("chmod"), mode: 0o600 });
        world.apply(&Operation::SetMode { node: world.node("gone"), mode: 0o600 });
        world.apply(&Operation::CreateFile { directory: root, name: "created".into(), mode: 0o600 });
        world.apply(&Operation::CreateFile { directory: world.node("d"), name: "ours".into(), mode: 0o600 });
        for key in ["written", "removed", "chmod", "created"] {
            outside.put(key, "theirs");
        }
        outside.delete("gone");
        outside.delete("d/f");
        let before = world.tree();
        assert_eq!(world.poll(), 1, "d/f");
        let mut after = world.tree();
        after.insert("d/f".into(), before["d/f"].clone());
        assert_eq!(after, before);
        assert_eq!(world.text("written"), "oursten");
        // As the committer says that theirs stays.
        for path in ["written", "removed", "chmod", "created", "gone"] {
            world.shared.state.lock().yielding.insert(path.into());
            assert!(wait(world.restore.refresh(path)).unwrap(), "{path}");
            assert!(!wait(world.restore.refresh(path)).unwrap(), "{path}");
        }
        for path in ["written", "removed", "chmod", "created"] {
            assert_eq!(world.text(path), "theirs");
        }
        assert_eq!(world.text("gone"), "NoEntry");
    }
}

#[test]
fn own_changes_are_none_of_others() {
    for outside in buckets() {
        outside.put("f", "1");
        let world = opened(&outside);
        // A group is under way.
        let turn = wait(world.shared.turn.lock());
        let etag = outside.put("f", "ours");
        let polling = {
            let restore = std::sync::Arc::clone(&world.restore);
            super::support::runtime().spawn(async move { restore.poll_once().await })
        };
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!polling.is_finished());
        {
            let mut state = world.shared.state.lock();
            let mut known = state.catalogue.key("f").unwrap().clone();
            known.etag = etag;
            state.catalogue.set_key(&"f".into(), known);
        }
        drop(turn);
        assert_eq!(wait(polling).unwrap().unwrap(), 0);
    }
}

#[test]
fn an_answer_that_is_older_than_what_is_known_is_nothing() {
    let [_, outside] = buckets();
    outside.put("f", "1");
    let world = opened(&outside);
    let basis = world.restore.basis("f").unwrap();
    outside.put("f", "theirs");
    // Meanwhile a group was stored.
    {
        let mut state = world.shared.state.lock();
        let mut known = state.catalogue.key("f").unwrap().clone();
        known.etag = "ours".into();
        state.catalogue.set_key(&"f".into(), known);
    }
    let look = world.restore.look_at_file(
        &basis,
        crate::restore::look::Depth::Poll,
        crate::restore::requests::Urgency::Background,
    );
    assert!(!wait(look).unwrap());
    assert!(!wait(world.restore.take_away(&basis)));
    assert_eq!(world.node("f"), basis.node.unwrap());
}

#[test]
fn directories_that_nobody_looked_into_are_not_compared() {
    for outside in buckets() {
        outside.put_all(["d/e/f", "gone/f", "x"].map(str::to_owned));
        let world = outside.open_with(through());
        assert_eq!(world.names("").unwrap(), ["d", "gone", "x"]);
        outside.put("d/e/g", "1");
        outside.put("d/new", "1");
        outside.put("new/f", "1");
        outside.delete("gone/f");
        assert_eq!(world.poll(), 2, "weed: {}", outside.is_weed);
        assert_eq!(world.names("").unwrap(), ["d", "new", "x"]);
        assert_eq!(world.status().unlisted_directories, 2);
        assert_eq!(world.names("d/e").unwrap(), ["f", "g"]);
    }
}

#[test]
fn hard_links_change_together_or_part() {
    for outside in buckets() {
        for key in ["one", "two", "three"] {
            outside.put_with(key, "same", &linked(5));
        }
        let world = opened(&outside);
        // The content was loaded from one name's object; the others have it.
        let place = world.shared.state.lock().catalogue.place(world.node("one")).unwrap().key.to_string();
        outside.put_with(&place, "part", &linked(5));
        assert_eq!(world.poll(), 1);
        for key in ["one", "two", "three"] {
            assert_eq!(world.text(key), if key == place { "part" } else { "same" });
        }
        for key in ["one", "two", "three"] {
            outside.put_with(key, "again", &linked(5));
        }
        assert_eq!(world.poll(), 3);
        assert_eq!(world.tree()["two"], "f 644 3 5");
        assert_eq!(world.text("two"), "again");
        wait(outside.bucket.delete("two", &Condition::Always)).unwrap();
        assert_eq!(world.poll(), 1);
        assert_eq!(world.tree()["three"], "f 644 2 5");
    }
}

#[test]
fn many_changes_are_applied_page_by_page() {
    let [_, outside] = buckets();
    outside.put_all((0..1_500).map(|at| format!("d/{at:04}")));
    let world = opened(&outside);
    outside.put_all((500..1_500).map(|at| format!("new/{at:04}")).chain((1_500..1_700).map(|at| format!("d/{at:04}"))));
    for at in 0..50 {
        outside.delete(&format!("d/{at:04}"));
    }
    assert_eq!(world.poll(), 251);
    assert_eq!((world.names("d").unwrap().len(), world.names("new").unwrap().len()), (1_650, 1_000));
    assert_eq!(world.poll(), 0);
}
