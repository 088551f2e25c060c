//! The stores, over volumes in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use larder_core::{Durability, Limits, Rights, Volume, VolumeOptions};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn volume(limits: Limits) -> Arc<Volume> {
    Volume::new(VolumeOptions { limits, ..VolumeOptions::default() })
}

fn store_on(volume: &Arc<Volume>, rights: Rights) -> KeyValueStore {
    KeyValueStore::new(View::new(volume, rights).unwrap(), Arc::new(|| NOW))
}

fn store() -> Arc<KeyValueStore> {
    Arc::new(store_on(&volume(Limits::default()), Rights::READ_WRITE))
}

fn all(store: &Arc<KeyValueStore>) -> BTreeSet<String> {
    let mut keys = store.keys();
    let page = keys.page(usize::MAX, usize::MAX).unwrap();
    assert!(keys.is_over());
    let set: BTreeSet<_> = page.iter().cloned().collect();
    assert_eq!(set.len(), page.len(), "a key twice");
    set
}

/// What is in the store's directory, whatever it is.
fn files(store: &KeyValueStore) -> Vec<String> {
    let entries = store.view.root().unwrap().read_directory(0, 1000).unwrap();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

fn long(end: &str) -> String {
    format!("{}{end}", "/".repeat(MOST_KEY_BYTES - end.len()))
}

#[test]
fn values_are_set_replaced_and_deleted() {
    let store = store();
    assert_eq!(store.get("a").unwrap(), None);
    store.set("a", b"1").unwrap();
    store.set("a", b"two").unwrap();
    store.set("", b"").unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), b"two");
    assert_eq!(store.get("").unwrap().unwrap(), b"");
    assert!(store.exists("a").unwrap() && !store.exists("b").unwrap());
    assert_eq!(all(&store), ["".to_owned(), "a".to_owned()].into());
    store.delete("a").unwrap();
    store.delete("a").unwrap();
    assert_eq!(store.get("a").unwrap(), None);
    assert_eq!(files(&store), ["%"]);
}

#[test]
fn long_keys_leave_no_directories_behind() {
    let store = store();
    let keys = [long("a"), long("b"), "/".repeat(81)];
    for key in &keys {
        store.set(key, key.as_bytes()).unwrap();
    }
    assert_eq!(all(&store), keys.iter().cloned().collect());
    for key in &keys {
        assert_eq!(store.get(key).unwrap().unwrap(), key.as_bytes());
        store.delete(key).unwrap();
    }
    assert_eq!(files(&store), [""; 0]);
    assert_eq!(store.view.volume().usage().inodes, 1);
    assert_eq!(store.view.volume().usage().open_handles, 1);
}

#[test]
fn keys_values_batches_and_answers_have_bounds() {
    let store = store();
    let long = "k".repeat(MOST_KEY_BYTES + 1);
    assert_eq!(store.set(&long, b""), Err(KeyValueError::KeyTooLong));
    assert_eq!(store.get(&long), Err(KeyValueError::KeyTooLong));
    let most = vec![7; MOST_VALUE_BYTES];
    store.set("most", &most).unwrap();
    assert_eq!(store.get("most").unwrap().unwrap(), most);
    assert_eq!(store.set("more", &vec![7; MOST_VALUE_BYTES + 1]), Err(KeyValueError::ValueTooLong));
    assert_eq!(store.get_many(&["most".into(), "most".into()]), Err(KeyValueError::AnswerTooLong));
    let keys = vec![String::new(); MOST_BATCH_KEYS + 1];
    assert_eq!(store.get_many(&keys), Err(KeyValueError::BatchTooLong));
    assert_eq!(store.delete_many(&keys), Err(KeyValueError::BatchTooLong));
    assert_eq!(store.get_many(&keys[1..]).unwrap().len(), MOST_BATCH_KEYS);
    assert_eq!(files(&store), ["most"]);
}

#[test]
fn a_file_that_is_longer_than_a_value_is_an_error() {
    let store = store();
    store.set("a", b"1").unwrap();
    let root = store.view.root().unwrap();
    let file = root.open_at(NOW, Follow::No, "a", OpenFlags::empty(), DescriptorFlags::WRITE).unwrap();
    file.set_size(NOW, MOST_VALUE_BYTES as u64 + 1).unwrap();
    assert_eq!(store.get("a"), Err(KeyValueError::ValueTooLong));
    assert_eq!(store.increment("a", 1), Err(KeyValueError::ValueTooLong));
}

#[test]
fn a_full_volume_keeps_what_it_had() {
    let limits = Limits { bytes: 64 << 10, inodes: 4, ..Limits::default() };
    let store = Arc::new(store_on(&volume(limits), Rights::READ_WRITE));
    store.set("a", b"old").unwrap();
    let usage = store.view.volume().usage();
    let error = store.set("a", &[0; 64 << 10]).unwrap_err();
    assert!(error.to_string().contains("set: no space left in the volume"), "{error}");
    let many: Vec<_> = ["a", "b", "c", "d"].map(|key| (key.to_owned(), b"new".to_vec())).into();
    assert!(matches!(store.set_many(&many), Err(KeyValueError::Volume(_))));
    // The directories of a long key are taken away as well.
    assert!(matches!(store.set(&long("a"), b""), Err(KeyValueError::Volume(_))));
    assert_eq!(store.get("a").unwrap().unwrap(), b"old");
    assert_eq!(files(&store), ["a"]);
    assert_eq!(store.view.volume().usage(), usage);
}

#[test]
fn a_read_only_view_can_be_read() {
    let volume = volume(Limits::default());
    store_on(&volume, Rights::READ_WRITE).set("a", b"1").unwrap();
    let store = Arc::new(store_on(&volume, Rights::READ_ONLY));
    assert_eq!(store.get("a").unwrap().unwrap(), b"1");
    assert_eq!(all(&store), ["a".to_owned()].into());
    store.delete("none").unwrap();
    let (version, _) = store.look("a").unwrap();
    for refused in [
        store.set("a", b"2"),
        store.delete("a"),
        store.increment("n", 1).map(drop),
        store.swap("a", version, b"2").map(drop),
        store.set_many(&[("a".into(), b"2".to_vec())]),
        store.delete_many(&["a".into()]),
    ] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("read-only"), "{text}");
    }
    assert_eq!(store.get("a").unwrap().unwrap(), b"1");
}

#[test]
fn what_others_put_there_is_no_key() {
    let store = store();
    store.set("a", b"1").unwrap();
    let root = store.view.root().unwrap();
    for directory in ["d", "e+", "f.txt"] {
        root.create_directory_at(NOW, directory).unwrap();
    }
    let deep = format!("{}+", "d".repeat(240));
    root.create_directory_at(NOW, &deep).unwrap();
    root.symlink_at(NOW, "a", "link").unwrap();
    for file in [".new-0-0", ".hidden", "b c", "%zz", "d/x", "e+/x", &format!("{deep}/{deep}")] {
        root.open_at(NOW, Follow::No, file, OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap();
    }
    assert_eq!(all(&store), ["a".to_owned()].into());
    for key in ["d", "link", "f.txt"] {
        assert!(store.get(key).unwrap().is_none() && !store.exists(key).unwrap(), "{key}");
    }
    // A link is replaced, and not followed.
    store.set("link", b"2").unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), b"1");
    assert_eq!(store.get("link").unwrap().unwrap(), b"2");
    // A directory is in the way, and stays.
    assert!(store.set("d", b"").is_err() && store.delete("d").is_err());
    assert!(!files(&store).iter().any(|name| name.starts_with(".new-") && name != ".new-0-0"));
}

#[test]
fn numbers_are_added_to() {
    let store = store();
    assert_eq!(store.increment("n", 10).unwrap(), 10);
    assert_eq!(store.increment("n", -15).unwrap(), -5);
    assert_eq!(store.get("n").unwrap().unwrap(), (-5i64).to_le_bytes());
    store.set("max", &i64::MAX.to_le_bytes()).unwrap();
    assert_eq!(store.increment("max", 1), Err(KeyValueError::Overflow));
    store.set("text", b"12").unwrap();
    assert_eq!(store.increment("text", 1), Err(KeyValueError::NotANumber));
    assert_eq!(store.get("max").unwrap().unwrap(), i64::MAX.to_le_bytes());
}

#[test]
fn a_swap_needs_the_value_that_was_looked_at() {
    let store = store();
    let (none, value) = store.look("a").unwrap();
    assert_eq!(value, None);
    assert!(store.swap("a", none, b"1").unwrap());
    assert!(!store.swap("a", none, b"2").unwrap());
    let (first, value) = store.look("a").unwrap();
    assert_eq!(value.unwrap(), b"1");
    assert_eq!(store.version("a").unwrap(), first);
    // The same value again is another one.
    store.set("a", b"2").unwrap();
    store.set("a", b"1").unwrap();
    assert!(!store.swap("a", first, b"3").unwrap());
    store.delete("a").unwrap();
    assert!(!store.swap("a", first, b"3").unwrap());
    assert!(store.swap("a", none, b"3").unwrap());
    assert_eq!(files(&store), ["a"]);
}

#[test]
fn a_list_goes_on_behind_its_cursor_while_keys_come_and_go() {
    let store = store();
    let mut expected = BTreeSet::new();
    for number in 0..300 {
        let key = if number % 3 == 0 { long(&number.to_string()) } else { number.to_string() };
        store.set(&key, b"").unwrap();
        expected.insert(key);
    }
    let (mut seen, mut cursor) = (BTreeSet::new(), None::<String>);
    for step in 0.. {
        let mut keys = match &cursor {
            None => store.keys(),
            Some(cursor) => store.keys_behind(cursor).unwrap(),
        };
        for key in keys.page(7, usize::MAX).unwrap() {
            assert!(seen.insert(key.clone()), "{key} twice");
        }
        cursor = keys.cursor();
        if cursor.is_none() {
            break;
        }
        // Of the old ones, some are replaced or, where they were seen, gone.
        store.set(&step.to_string(), b"new").unwrap();
        let gone = seen.iter().nth(step % seen.len()).unwrap().clone();
        if expected.contains(&gone) {
            store.delete(&gone).unwrap();
        }
    }
    assert!(seen.is_superset(&expected), "{:?}", expected.difference(&seen));
    assert_eq!(store.keys().page(1, usize::MAX).unwrap().len(), 1);
    // A bound in bytes is passed by one key at most.
    assert_eq!(store.keys().page(usize::MAX, 1).unwrap().len(), 1);
}

#[test]
fn a_cursor_of_anybody_elses_is_refused_or_harmless() {
    let store = store();
    store.set("a", b"").unwrap();
    store.set(&long(""), b"").unwrap();
    for cursor in ["", "x", "1.", "-1", "1..2", "99999999999999999999", &vec!["1"; 1000].join(".")] {
        assert_eq!(store.keys_behind(cursor).err(), Some(KeyValueError::Cursor), "{cursor}");
    }
    for cursor in ["0", "1.0", "2.0.0.0", "18446744073709551615", "7.7"] {
        store.keys_behind(cursor).unwrap().page(usize::MAX, usize::MAX).unwrap();
    }
}

/// Counts syncs, and fails when it is told to.
#[derive(Default)]
struct Disk {
    syncs: AtomicUsize,
    is_away: AtomicBool,
}

impl Durability for Disk {
    fn sync(&self, _: &Arc<Volume>) -> larder_core::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(larder_core::Error::new(ErrorCode::Io, "sync"));
        }
        Ok(())
    }
}

#[test]
fn a_store_that_syncs_says_what_is_not_stored() {
    let volume = volume(Limits::default());
    let disk = Arc::new(Disk::default());
    volume.set_durability(Arc::<Disk>::clone(&disk)).unwrap();
    let store = store_on(&volume, Rights::READ_WRITE);
    store.set("a", b"1").unwrap();
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 0);
    let store = store.syncing();
    store.set("a", b"2").unwrap();
    store.increment("n", 1).unwrap();
    store.set_many(&[("b".into(), vec![]), ("c".into(), vec![])]).unwrap();
    store.get("a").unwrap();
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 3);
    disk.is_away.store(true, Ordering::Relaxed);
    let error = store.set("a", b"3").unwrap_err();
    assert!(error.to_string().starts_with("it is done, but not stored yet: sync: input/output error"), "{error}");
    assert_eq!(store.get("a").unwrap().unwrap(), b"3");
}

#[test]
fn threads_count_every_step() {
    const THREADS: usize = 8;
    const STEPS: usize = 200;
    let store = store();
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                for _ in 0..STEPS {
                    store.increment("incremented", 1).unwrap();
                    loop {
                        let (version, value) = store.look("swapped").unwrap();
                        let number = value.map_or(0, |value| i64::from_le_bytes(value.try_into().unwrap()));
                        if store.swap("swapped", version, &(number + 1).to_le_bytes()).unwrap() {
                            break;
                        }
                    }
                }
            });
        }
    });
    for key in ["incremented", "swapped"] {
        assert_eq!(store.increment(key, 0).unwrap(), i64::try_from(THREADS * STEPS).unwrap(), "{key}");
    }
    assert_eq!(all(&store).len(), 2);
    assert_eq!(files(&store).len(), 2);
    assert_eq!(store.view.volume().usage().open_handles, 1);
}

#[test]
fn nobody_sees_half_of_a_batch_or_of_a_value() {
    let store = store();
    let keys: Vec<_> = (0..8).map(|key| if key % 2 == 0 { long(&key.to_string()) } else { key.to_string() }).collect();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for writer in 1..=2u8 {
            let (store, keys, is_over) = (&store, &keys, &is_over);
            threads.spawn(move || {
                for round in 0..100u8 {
                    let value = vec![round * 2 + writer; 10_000];
                    let batch: Vec<_> = keys.iter().map(|key| (key.clone(), value.clone())).collect();
                    store.set_many(&batch).unwrap();
                    if round % 10 == 9 {
                        store.delete_many(keys).unwrap();
                    }
                }
                is_over.store(true, Ordering::Relaxed);
            });
        }
        while !is_over.load(Ordering::Relaxed) {
            let values = store.get_many(&keys).unwrap();
            assert!(values.windows(2).all(|pair| pair[0] == pair[1]));
            if let Some(value) = &values[0] {
                assert!(value.len() == 10_000 && value.iter().all(|byte| *byte == value[0]));
            }
            let listed = all(&store).len();
            assert!(listed == 0 || listed == keys.len(), "{listed}");
        }
    });
}

#[test]
fn a_task_that_waits_for_the_lock_holds_up_no_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let store = store();
    let (began, has_begun) = std::sync::mpsc::channel();
    let guard = store.exclude();
    let waiting = runtime.spawn({
        let store = Arc::clone(&store);
        async move {
            began.send(()).unwrap();
            store.set("a", b"1")
        }
    });
    has_begun.recv().unwrap();
    // The only worker is behind the lock; this needs one all the same.
    runtime.block_on(runtime.spawn(async {})).unwrap();
    drop(guard);
    runtime.block_on(waiting).unwrap().unwrap();
}

/// A few keys, so that they meet, of which some have directories in common.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab.+%]{0,2}",
        Just(long("")),
        Just(long("x")),
        Just("/".repeat(80)),
        Just("/".repeat(81)),
        Just("ü".repeat(200)),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Set(String, Vec<u8>),
    Delete(String),
    SetMany(Vec<(String, Vec<u8>)>),
    DeleteMany(Vec<String>),
    Increment(String, i64),
    Look(String),
    Swap(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let value = || prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Step::Set(key, value)),
        3 => key().prop_map(Step::Delete),
        1 => prop::collection::vec((key(), value()), 0..4).prop_map(Step::SetMany),
        1 => prop::collection::vec(key(), 0..4).prop_map(Step::DeleteMany),
        2 => (key(), any::<i64>()).prop_map(|(key, delta)| Step::Increment(key, delta)),
        1 => key().prop_map(Step::Look),
        1 => value().prop_map(Step::Swap),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 512 }))]

    #[test]
    fn a_store_is_a_map(steps in prop::collection::vec(step(), 1..60)) {
        let store = store();
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        // The key that was looked at, and whether it was changed since.
        let mut looked: Option<(String, Version, bool)> = None;
        let changed = |looked: &mut Option<(String, Version, bool)>, key: &str, is_changed: bool| {
            if let Some((at, _, fresh)) = looked {
                *fresh &= at != key || !is_changed;
            }
        };
        for step in steps {
            match step {
                Step::Set(key, value) => {
                    store.set(&key, &value).unwrap();
                    changed(&mut looked, &key, true);
                    model.insert(key, value);
                }
                Step::Delete(key) => {
                    store.delete(&key).unwrap();
                    changed(&mut looked, &key, model.remove(&key).is_some());
                }
                Step::SetMany(values) => {
                    store.set_many(&values).unwrap();
                    for (key, value) in values {
                        changed(&mut looked, &key, true);
                        model.insert(key, value);
                    }
                }
                Step::DeleteMany(keys) => {
                    store.delete_many(&keys).unwrap();
                    for key in keys {
                        changed(&mut looked, &key, model.remove(&key).is_some());
                    }
                }
                Step::Increment(key, delta) => {
                    let number = match model.get(&key) {
                        None => Some(0),
                        Some(value) => value.as_slice().try_into().ok().map(i64::from_le_bytes),
                    };
                    let sum = number.and_then(|number| number.checked_add(delta));
                    prop_assert_eq!(store.increment(&key, delta).ok(), sum);
                    if let Some(sum) = sum {
                        changed(&mut looked, &key, true);
                        model.insert(key, sum.to_le_bytes().into());
                    }
                }
                Step::Look(key) => {
                    let (version, value) = store.look(&key).unwrap();
                    prop_assert_eq!(value.as_ref(), model.get(&key));
                    looked = Some((key, version, true));
                }
                Step::Swap(value) => {
                    // One that was gone and is again, or is gone again, is not
                    // told from one that never was there.
                    if let Some((key, version, is_fresh)) = looked.take() {
                        let expected = is_fresh || version == Version(None) && !model.contains_key(&key);
                        prop_assert_eq!(store.swap(&key, version, &value).unwrap(), expected);
                        if expected {
                            model.insert(key, value);
                        }
                    }
                }
            }
            prop_assert_eq!(all(&store), model.keys().cloned().collect());
        }
        let keys: Vec<_> = model.keys().cloned().collect();
        let values: Vec<_> = model.values().cloned().map(Some).collect();
        prop_assert_eq!(store.get_many(&keys).unwrap(), values);
        // Nothing is left but the files and the directories above them.
        store.delete_many(&keys).unwrap();
        let usage = store.view.volume().usage();
        prop_assert_eq!((usage.inodes, usage.bytes, usage.open_handles), (1, 0, 1));
    }
}
