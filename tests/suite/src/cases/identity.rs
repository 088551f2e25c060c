//! `is-same-object` and the metadata hash.

use larder_core::Follow;

use crate::{Form, Guest, Mount};

pub(crate) fn descriptors_of_one_file_are_the_same_object<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    let file = root.make_file("f", b"x");
    root.link("f", "d/same").unwrap();
    root.put("other", b"x");
    assert!(file.is_same_object(&file));
    assert!(file.is_same_object(&root.open_to_read("f").unwrap()));
    assert!(file.is_same_object(&root.file("d/same")));
    assert!(!file.is_same_object(&root.file("other")));
    assert!(!file.is_same_object(&root));
    assert!(root.is_same_object(&root.open_directory("d/..").unwrap()));
}

pub(crate) fn views_of_one_volume_show_the_same_objects<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("scope/f", b"");
    let file = root.open_to_read("scope/f").unwrap();
    for mount in [Mount::Scoped, Mount::ScopedReadOnly] {
        let same = guest.mount(mount).open_to_read("f").unwrap();
        assert!(file.is_same_object(&same));
        assert_eq!(file.metadata_hash(), same.metadata_hash());
    }
    assert!(!root.is_same_object(&guest.mount(Mount::Other)));
    assert_ne!(root.metadata_hash(), guest.mount(Mount::Other).metadata_hash(), "two volumes share no object");
}

pub(crate) fn the_hash_is_that_of_the_object<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"x");
    root.put("other", b"x");
    root.symlink("f", "link").unwrap();
    let hash = file.metadata_hash();
    assert_eq!(root.metadata_hash_at(Follow::No, "f").unwrap(), hash);
    assert_eq!(root.metadata_hash_at(Follow::Yes, "link").unwrap(), hash);
    assert_ne!(root.metadata_hash_at(Follow::No, "link").unwrap(), hash);
    assert_ne!(root.metadata_hash_at(Follow::No, "other").unwrap(), hash);
    assert_ne!(root.metadata_hash(), hash);
    root.link("f", "same").unwrap();
    assert_eq!(root.metadata_hash_at(Follow::No, "same").unwrap(), hash);
}

pub(crate) fn the_hash_stays_whatever_changes<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"x");
    let hash = file.metadata_hash();
    guest.after(100);
    file.write(0, b"something else").unwrap();
    file.set_size(1).unwrap();
    file.set_times(larder_core::SetTime::Now, larder_core::SetTime::Now).unwrap();
    root.rename("f", "g").unwrap();
    root.link("g", "h").unwrap();
    assert_eq!(file.metadata_hash(), hash, "std and libc take it for the inode number");
    root.unlink("g").unwrap();
    assert_eq!(root.metadata_hash_at(Follow::No, "h").unwrap(), hash);
}

pub(crate) fn hashes_of_many_files_differ<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let mut hashes = std::collections::BTreeSet::new();
    for i in 0..500 {
        let path = format!("f{i}");
        root.put(&path, b"");
        let hash = root.metadata_hash_at(Follow::No, &path).unwrap();
        assert!(hashes.insert(hash.0), "the lower half alone is used as an inode number");
    }
    // Nor is a hash used again for a file that comes later.
    for i in 0..100 {
        root.unlink(&format!("f{i}")).unwrap();
        root.put("again", b"");
        assert!(hashes.insert(root.metadata_hash_at(Follow::No, "again").unwrap().0));
        root.unlink("again").unwrap();
    }
}
