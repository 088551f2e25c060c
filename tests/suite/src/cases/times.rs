//! The three timestamps. The clock of the suite moves only when a case says.

use larder_core::{Follow, SetTime, Timestamp};

use super::*;
use crate::{Form, Guest, START, Times};

const KEEP: SetTime = SetTime::Keep;
const NOW: SetTime = SetTime::Now;

fn at(seconds: i64, nanoseconds: u32) -> SetTime {
    SetTime::At(Timestamp { seconds, nanoseconds })
}

const fn all(time: Timestamp) -> Times {
    Times { accessed: time, modified: time, changed: time }
}

pub(crate) fn a_new_inode_has_the_time_of_its_creation<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let now = guest.after(100);
    drop(root.open("f", CREATE, BOTH).unwrap());
    root.create_directory("d").unwrap();
    root.symlink("f", "link").unwrap();
    for path in ["f", "d", "link"] {
        assert_eq!(root.times_of(path), all(now), "{path}");
    }
}

pub(crate) fn a_change_of_content_is_noted<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"abc");
    let noted = |now: Timestamp, what: &str| {
        let times = root.times_of("f");
        assert_eq!((times.modified, times.changed, times.accessed), (now, now, START), "after {what}");
    };
    let now = guest.after(10);
    file.write(0, b"x").unwrap();
    noted(now, "a write");
    let now = guest.after(20);
    file.append(b"x").unwrap();
    noted(now, "an append");
    let now = guest.after(30);
    file.set_size(1).unwrap();
    noted(now, "a change of size");
    let now = guest.after(40);
    drop(root.open("f", TRUNCATE, BOTH).unwrap());
    noted(now, "an open that truncates");
    guest.after(50);
    drop(root.open("f", CREATE, BOTH).unwrap());
    noted(now, "an open that does not, nothing");
}

pub(crate) fn a_change_of_names_is_noted_by_the_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    root.put("outside", b"");
    let mut seconds = 0;
    let mut check = |what: &str, change: &dyn Fn()| {
        seconds += 10;
        let now = guest.after(seconds);
        change();
        let times = directory.stat().times;
        assert_eq!((times.modified, times.changed, times.accessed), (now, now, START), "after {what}");
    };
    check("creating a file", &|| drop(directory.open("f", CREATE, BOTH).unwrap()));
    check("creating a directory", &|| directory.create_directory("sub").unwrap());
    check("creating a link", &|| directory.symlink("f", "link").unwrap());
    check("linking", &|| directory.link("f", "same").unwrap());
    check("renaming within", &|| directory.rename("same", "again").unwrap());
    check("renaming out of it", &|| directory.rename_to("again", &root, "moved").unwrap());
    check("renaming into it", &|| root.rename_to("moved", &directory, "back").unwrap());
    check("unlinking", &|| directory.unlink("back").unwrap());
    check("removing a directory", &|| directory.remove_directory("sub").unwrap());
    let before = directory.stat().times;
    guest.after(1_000);
    directory.file("f").write(0, b"x").unwrap();
    root.rename("outside", "elsewhere").unwrap();
    refused(directory.create_directory("f"), ErrorCode::Exist);
    refused(directory.unlink("missing"), ErrorCode::NoEntry);
    assert_eq!(directory.stat().times, before, "what happens elsewhere, or fails, is not noted");
}

pub(crate) fn a_change_of_links_is_noted_by_the_file<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"x");
    let noted = |now: Timestamp, what: &str| {
        assert_eq!(file.stat().times, Times { changed: now, ..all(START) }, "after {what}");
    };
    let now = guest.after(10);
    root.link("f", "g").unwrap();
    noted(now, "linking");
    let now = guest.after(20);
    root.unlink("g").unwrap();
    noted(now, "unlinking");
    let now = guest.after(30);
    root.rename("f", "h").unwrap();
    noted(now, "renaming");
    let now = guest.after(40);
    root.put("other", b"");
    root.rename("other", "h").unwrap();
    noted(now, "being replaced");
}

pub(crate) fn reading_renews_the_access_time<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"abc");
    let read = || {
        assert_eq!(root.open_to_read("f").unwrap().read(0, 3).unwrap(), b"abc");
        root.times_of("f")
    };
    let first = guest.after(10);
    assert_eq!(read(), Times { accessed: first, ..all(START) });
    // As Linux does by default (`relatime`): not again before a change…
    guest.after(20);
    assert_eq!(read().accessed, first);
    root.file("f").write(0, b"abc").unwrap();
    let now = guest.after(30);
    assert_eq!(read().accessed, now);
    // …or before a day has passed.
    if F::DAYS_PASS {
        let now = guest.after(40 + 24 * 60 * 60);
        assert_eq!(read().accessed, now);
    }
}

pub(crate) fn looking_changes_no_time<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"abc");
    root.create_directory("d").unwrap();
    root.symlink("f", "link").unwrap();
    guest.after(100);
    let file = root.open_to_read("f").unwrap();
    let directory = root.open_directory("d").unwrap();
    let _ = (file.stat(), file.metadata_hash(), file.is_same_object(&directory), root.readlink("link").unwrap());
    file.sync().unwrap();
    for path in ["f", "d", "link"] {
        assert_eq!(root.times_of(path), all(START), "{path}");
    }
}

pub(crate) fn times_are_set_to_the_nanosecond<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"x");
    let now = guest.after(100);
    file.set_times(at(5, 1), at(6, 999_999_999)).unwrap();
    let expected = Times {
        accessed: Timestamp { seconds: 5, nanoseconds: 1 },
        modified: Timestamp { seconds: 6, nanoseconds: 999_999_999 },
        changed: now,
    };
    assert_eq!(file.stat().times, expected);
    // A descriptor that was opened for reading is enough (`futimens`).
    let reader = root.open_to_read("f").unwrap();
    let now = guest.after(200);
    reader.set_times(KEEP, at(7, 0)).unwrap();
    let expected = Times { modified: Timestamp::from_seconds(7), changed: now, ..expected };
    assert_eq!(file.stat().times, expected);
    file.set_times(NOW, KEEP).unwrap();
    assert_eq!(file.stat().times, Times { accessed: now, ..expected });
    file.set_times(NOW, NOW).unwrap();
    assert_eq!(file.stat().times, all(now));
    let directory = root.make_directory("d");
    directory.set_times(at(1, 0), at(2, 0)).unwrap();
    assert_eq!(directory.stat().times.modified, Timestamp::from_seconds(2));
}

pub(crate) fn times_are_set_by_path<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.symlink("f", "link").unwrap();
    root.set_times_at(Follow::No, "link", at(1, 0), at(2, 0)).unwrap();
    root.set_times_at(Follow::Yes, "link", at(3, 0), at(4, 0)).unwrap();
    assert_eq!(root.times_of("link").accessed, Timestamp::from_seconds(1));
    assert_eq!(root.times_of("link").modified, Timestamp::from_seconds(2));
    assert_eq!(root.times_of("f").accessed, Timestamp::from_seconds(3));
    assert_eq!(root.times_of("f").modified, Timestamp::from_seconds(4));
    root.set_times_at(Follow::No, ".", at(9, 0), at(9, 0)).unwrap();
    assert_eq!(root.stat().times.accessed, Timestamp::from_seconds(9));
    refused(root.set_times_at(Follow::No, "missing", NOW, NOW), ErrorCode::NoEntry);
}

pub(crate) fn a_second_has_a_billion_nanoseconds<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"x");
    guest.after(100);
    for wrong in [at(1, 1_000_000_000), at(1, u32::MAX)] {
        refused(file.set_times(wrong, KEEP), ErrorCode::Invalid);
        refused(file.set_times(NOW, wrong), ErrorCode::Invalid);
        refused(root.set_times_at(Follow::No, "f", KEEP, wrong), ErrorCode::Invalid);
    }
    assert_eq!(file.stat().times, all(START), "nothing was set");
}

pub(crate) fn extreme_times_are_kept<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"x");
    let mut extremes = vec![0, 1, i64::from(i32::MAX) + 1, i64::from(u32::MAX) + 1, i64::MAX];
    if F::TIMES_BEFORE_1970 {
        extremes.extend([-1, i64::MIN]);
    }
    for seconds in extremes {
        let time = Timestamp { seconds, nanoseconds: 999_999_999 };
        file.set_times(SetTime::At(time), SetTime::At(time)).unwrap();
        let times = file.stat().times;
        assert_eq!((times.accessed, times.modified), (time, time));
    }
    file.write(0, b"y").unwrap();
    assert_eq!(file.stat().times.modified, START);
}
