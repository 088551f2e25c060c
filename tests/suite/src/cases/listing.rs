//! Directory listings, also of directories that change meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{Entry, EntryType, Form, Guest, Node};

/// Makes files `f0000`… in a new directory.
fn many<F: Form>(guest: &Guest<F>, count: usize) -> Node<'_, F> {
    let directory = guest.root().make_directory("d");
    for i in 0..count {
        directory.put(&format!("f{i:04}"), b"");
    }
    directory
}

pub(crate) fn a_listing_has_every_entry_and_its_type<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = guest.root().make_directory("d");
    directory.put("file", b"");
    directory.create_directory("directory").unwrap();
    directory.symlink("directory", "link").unwrap();
    directory.symlink("nowhere", "dangling").unwrap();
    let mut entries = directory.entries();
    entries.sort();
    let entry = |name: &str, file_type| Entry { name: name.into(), file_type };
    assert_eq!(
        entries,
        [
            entry("dangling", EntryType::Link),
            entry("directory", EntryType::Directory),
            entry("file", EntryType::File),
            entry("link", EntryType::Link),
        ],
        "without `.` and `..`"
    );
}

pub(crate) fn a_long_listing_has_every_name_once<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = many(&guest, 2_000);
    let names: Vec<_> = directory.entries().into_iter().map(|entry| entry.name).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (2_000, 2_000));
}

pub(crate) fn only_directories_are_listed<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    refused(file.list(), ErrorCode::NotDirectory);
}

pub(crate) fn names_that_stay_are_listed_once_whatever_changes<F: Form>() {
    const STAY: usize = 500;
    let guest = Guest::<F>::new();
    let directory = many(&guest, STAY);
    for i in 0..STAY {
        directory.put(&format!("goes{i}"), b"");
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (step, entry) in directory.list().unwrap().enumerate() {
        *seen.entry(entry.name).or_default() += 1;
        // The directory is changed before, at and behind where the listing is.
        if step < STAY {
            directory.unlink(&format!("goes{}", STAY - 1 - step)).unwrap();
            directory.put(&format!("new{step}"), b"");
        }
        if step % 3 == 0 && step > 0 && step < STAY {
            directory.unlink(&format!("new{}", step / 3)).unwrap();
        }
        assert!(step < 4 * STAY, "the listing ends");
    }
    for i in 0..STAY {
        assert_eq!(seen.get(&format!("f{i:04}")), Some(&1), "f{i:04}");
    }
    assert!(seen.values().all(|times| *times == 1), "no name is listed twice");
}

pub(crate) fn removing_what_is_listed_empties_a_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = many(&guest, 1_000);
    let mut removed = 0;
    for entry in directory.list().unwrap() {
        directory.unlink(&entry.name).unwrap();
        removed += 1;
    }
    assert_eq!(removed, 1_000, "one listing is enough");
    assert_eq!(directory.entries(), []);
}

pub(crate) fn a_name_that_a_rename_replaces_is_listed_once<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = many(&guest, 200);
    let mut seen = BTreeSet::new();
    for (step, entry) in directory.list().unwrap().enumerate() {
        assert!(seen.insert(entry.name.clone()), "{} is listed twice", entry.name);
        // Replaces one listed already and one yet to come, as editors do.
        for name in ["f0000", "f0199"] {
            directory.put("new", b"");
            directory.rename("new", name).unwrap();
        }
        assert!(step < 1_000, "the listing ends");
    }
    for i in 0..200 {
        assert!(seen.contains(&format!("f{i:04}")), "f{i:04}");
    }
}

pub(crate) fn two_listings_do_not_disturb_each_other<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = many(&guest, 300);
    let mut one = directory.list().unwrap();
    let first: Vec<_> = one.by_ref().take(100).collect();
    assert_eq!(directory.entries().len(), 300);
    let rest: BTreeSet<_> = first.into_iter().chain(one).collect();
    assert_eq!(rest.len(), 300);
}

pub(crate) fn a_listing_of_a_directory_that_is_removed_ends<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = many(&guest, 20);
    let mut listing = directory.list().unwrap();
    assert!(listing.next().is_some());
    for i in 0..20 {
        directory.unlink(&format!("f{i:04}")).unwrap();
    }
    root.remove_directory("d").unwrap();
    // What the listing holds already may come still; nothing fails.
    assert!(listing.count() < 20);
}

pub(crate) fn a_listing_is_stable_while_another_guest_changes_the_directory<F: Form>() {
    const STAY: usize = 300;
    let guest = Guest::<F>::new();
    let directory = many(&guest, STAY);
    // A form with one guest has no concurrency to check.
    let Some(another) = guest.another() else { return };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let another = another;
            let directory = another.root().open_directory("d").unwrap();
            let mut numbers = Numbers(3);
            while !stop.load(Ordering::Relaxed) {
                let name = format!("other{}", numbers.below(100));
                if directory.has(&name) {
                    directory.unlink(&name).unwrap();
                } else {
                    directory.put(&name, b"");
                }
            }
        });
        for _ in 0..50 {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for entry in directory.list().unwrap() {
                *counts.entry(entry.name).or_default() += 1;
            }
            let stay = counts.iter().filter(|(name, times)| name.starts_with('f') && **times == 1).count();
            if stay != STAY {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(stay, STAY, "every name that stays is listed once");
        }
        stop.store(true, Ordering::Relaxed);
    });
}
