//! What the cases are written with: a guest, and its open files and
//! directories, which close themselves.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};

use crate::{Entry, EntryType, Form, Mount, Result, Stat, Times};

/// The time at which a guest starts: 2001-09-09.
pub const START: Timestamp = Timestamp::from_seconds(1_000_000_000);

/// A guest of a form, and the check at its end: whatever a case did, the
/// charges of the volume are those of what it holds, and once everything is
/// removed they are those of the beginning.
#[derive(Debug)]
pub struct Guest<F: Form> {
    form: F,
    /// `None` for a second guest, which leaves the check to the first.
    fresh: Option<Usage>,
}

impl<F: Form> Guest<F> {
    /// A guest over new volumes.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A guest over new volumes with other limits than the default.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let form = F::start(&limits);
        let fresh = Some(form.usage());
        Self { form, fresh }
    }

    /// Another guest over the same volumes; `None` where the form has none.
    #[must_use]
    pub fn another(&self) -> Option<Self> {
        self.form.another().map(|form| Self { form, fresh: None })
    }

    /// The granted directory with the whole volume.
    #[must_use]
    pub fn root(&self) -> Node<'_, F> {
        self.mount(Mount::Main)
    }

    /// A granted directory.
    #[must_use]
    pub fn mount(&self, mount: Mount) -> Node<'_, F> {
        Node { guest: self, descriptor: Some(self.form.root(mount).unwrap()) }
    }

    /// Where the guest finds a granted directory.
    #[must_use]
    pub fn mount_path(&self, mount: Mount) -> String {
        self.form.mount_path(mount)
    }

    /// Sets the clock to some seconds after [`START`].
    pub fn after(&self, seconds: i64) -> Timestamp {
        let now = Timestamp::from_seconds(START.seconds + seconds);
        self.form.set_now(now);
        now
    }

    /// What the volume is charged.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.form.usage()
    }

    /// Bytes that the volume is charged.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.usage().bytes
    }

    /// Inodes that the volume is charged.
    #[must_use]
    pub fn inodes(&self) -> u64 {
        self.usage().inodes
    }

    fn check(&self, fresh: Usage) {
        assert_eq!(self.form.usage(), self.form.recount(), "what is charged is what is there");
        {
            let root = self.root();
            for entry in root.entries() {
                // The mount `Scoped` shows it, whatever its name is by now.
                root.remove_all(&entry);
            }
        }
        let left = self.form.usage();
        assert_eq!(left, self.form.recount(), "what is charged is what is there, after everything is removed");
        // The directory `scope` is open through its views and so keeps its
        // inode, but not its name.
        assert_eq!(left.inodes, fresh.inodes, "every inode is refunded");
        assert!(left.bytes <= fresh.bytes, "every byte is refunded: {left:?}, {fresh:?} at first");
        assert_eq!(left.open_handles, fresh.open_handles, "every descriptor is refunded");
    }
}

impl<F: Form> Default for Guest<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Form> Drop for Guest<F> {
    fn drop(&mut self) {
        if let Some(fresh) = self.fresh
            && !std::thread::panicking()
        {
            self.check(fresh);
        }
    }
}

/// An open file or directory. The methods are those of [`Form`], and a few
/// that combine them and panic where a case takes success for granted.
#[derive(Debug)]
pub struct Node<'g, F: Form> {
    guest: &'g Guest<F>,
    descriptor: Option<F::Descriptor>,
}

/// A listing under way.
#[derive(Debug)]
pub struct Listing<'g, F: Form> {
    guest: &'g Guest<F>,
    listing: Option<F::Listing>,
}

impl<F: Form> Drop for Node<'_, F> {
    fn drop(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            self.guest.form.close(descriptor);
        }
    }
}

impl<F: Form> Drop for Listing<'_, F> {
    fn drop(&mut self) {
        if let Some(listing) = self.listing.take() {
            self.guest.form.close_listing(listing);
        }
    }
}

impl<F: Form> Iterator for Listing<'_, F> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.guest.form.next_entry(self.listing.as_mut()?).unwrap()
    }
}

/// Operations as they are.
#[allow(missing_docs, reason = "the operations are those of the trait `Form`")]
impl<'g, F: Form> Node<'g, F> {
    fn form(&self) -> &'g F {
        &self.guest.form
    }

    fn descriptor(&self) -> &F::Descriptor {
        self.descriptor.as_ref().unwrap()
    }

    pub fn open_at(&self, follow: Follow, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Self> {
        let descriptor = self.form().open_at(self.descriptor(), follow, path, open, flags)?;
        Ok(Self { guest: self.guest, descriptor: Some(descriptor) })
    }

    /// Opens with `symlink-follow`.
    pub fn open(&self, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Self> {
        self.open_at(Follow::Yes, path, open, flags)
    }

    pub fn flags(&self) -> DescriptorFlags {
        self.form().get_flags(self.descriptor()).unwrap()
    }

    pub fn file_type(&self) -> FileType {
        self.form().get_type(self.descriptor()).unwrap()
    }

    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.form().read(self.descriptor(), offset, length)
    }

    pub fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.form().write(self.descriptor(), offset, data)
    }

    pub fn append(&self, data: &[u8]) -> Result<()> {
        self.form().append(self.descriptor(), data)
    }

    pub fn set_size(&self, size: u64) -> Result<()> {
        self.form().set_size(self.descriptor(), size)
    }

    pub fn stat(&self) -> Stat {
        self.form().stat(self.descriptor()).unwrap()
    }

    pub fn stat_at(&self, follow: Follow, path: &str) -> Result<Stat> {
        self.form().stat_at(self.descriptor(), follow, path)
    }

    pub fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.form().set_times(self.descriptor(), accessed, modified)
    }

    pub fn set_times_at(&self, follow: Follow, path: &str, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.form().set_times_at(self.descriptor(), follow, path, accessed, modified)
    }

    pub fn create_directory(&self, path: &str) -> Result<()> {
        self.form().create_directory_at(self.descriptor(), path)
    }

    pub fn remove_directory(&self, path: &str) -> Result<()> {
        self.form().remove_directory_at(self.descriptor(), path)
    }

    pub fn unlink(&self, path: &str) -> Result<()> {
        self.form().unlink_file_at(self.descriptor(), path)
    }

    pub fn rename_to(&self, path: &str, to: &Self, new_path: &str) -> Result<()> {
        self.form().rename_at(self.descriptor(), path, to.descriptor(), new_path)
    }

    pub fn rename(&self, path: &str, new_path: &str) -> Result<()> {
        self.rename_to(path, self, new_path)
    }

    pub fn link_at(&self, follow: Follow, path: &str, to: &Self, new_path: &str) -> Result<()> {
        self.form().link_at(self.descriptor(), follow, path, to.descriptor(), new_path)
    }

    pub fn link(&self, path: &str, new_path: &str) -> Result<()> {
        self.link_at(Follow::No, path, self, new_path)
    }

    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.form().symlink_at(self.descriptor(), target, path)
    }

    pub fn readlink(&self, path: &str) -> Result<String> {
        self.form().readlink_at(self.descriptor(), path)
    }

    pub fn list(&self) -> Result<Listing<'g, F>> {
        let listing = self.form().read_directory(self.descriptor())?;
        Ok(Listing { guest: self.guest, listing: Some(listing) })
    }

    pub fn is_same_object(&self, other: &Self) -> bool {
        self.form().is_same_object(self.descriptor(), other.descriptor())
    }

    pub fn metadata_hash(&self) -> (u64, u64) {
        self.form().metadata_hash(self.descriptor()).unwrap()
    }

    pub fn metadata_hash_at(&self, follow: Follow, path: &str) -> Result<(u64, u64)> {
        self.form().metadata_hash_at(self.descriptor(), follow, path)
    }

    pub fn sync(&self) -> Result<()> {
        self.form().sync(self.descriptor())
    }

    pub fn sync_data(&self) -> Result<()> {
        self.form().sync_data(self.descriptor())
    }

    pub fn advise(&self, offset: u64, length: u64) -> Result<()> {
        self.form().advise(self.descriptor(), offset, length)
    }
}

/// What combines them; these panic where they fail.
impl<F: Form> Node<'_, F> {
    /// Opens an existing file for reading and writing.
    #[must_use]
    #[track_caller]
    pub fn file(&self, path: &str) -> Self {
        self.open(path, OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::WRITE).unwrap()
    }

    /// Opens a file for reading.
    pub fn open_to_read(&self, path: &str) -> Result<Self> {
        self.open(path, OpenFlags::empty(), DescriptorFlags::READ)
    }

    /// Opens an existing directory.
    pub fn open_directory(&self, path: &str) -> Result<Self> {
        self.open(path, OpenFlags::DIRECTORY, DescriptorFlags::READ)
    }

    /// Creates a file with some content and leaves it open for both.
    #[must_use]
    #[track_caller]
    pub fn make_file(&self, path: &str, content: &[u8]) -> Self {
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        let file = self.open(path, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, flags).unwrap();
        file.write(0, content).unwrap();
        file
    }

    /// Creates a file with some content and closes it.
    #[track_caller]
    pub fn put(&self, path: &str, content: &[u8]) {
        drop(self.make_file(path, content));
    }

    /// Creates a directory and opens it.
    #[must_use]
    #[track_caller]
    pub fn make_directory(&self, path: &str) -> Self {
        self.create_directory(path).unwrap();
        self.open_directory(path).unwrap()
    }

    /// The whole content of an open file.
    #[must_use]
    #[track_caller]
    pub fn all(&self) -> Vec<u8> {
        self.read(0, usize::try_from(self.stat().size).unwrap()).unwrap()
    }

    /// The whole content of a file.
    #[must_use]
    #[track_caller]
    pub fn content(&self, path: &str) -> Vec<u8> {
        self.open_to_read(path).unwrap().all()
    }

    /// The attributes of what a path names, links not followed.
    #[must_use]
    #[track_caller]
    pub fn stat_of(&self, path: &str) -> Stat {
        self.stat_at(Follow::No, path).unwrap()
    }

    /// The times of what a path names, links not followed.
    #[must_use]
    #[track_caller]
    pub fn times_of(&self, path: &str) -> Times {
        self.stat_of(path).times
    }

    /// Whether a name is there.
    #[must_use]
    #[track_caller]
    pub fn has(&self, path: &str) -> bool {
        match self.stat_at(Follow::No, path) {
            Ok(_) => true,
            Err(ErrorCode::NoEntry) => false,
            Err(code) => panic!("{path}: {code:?}"),
        }
    }

    /// All entries, in the order of the listing.
    #[must_use]
    #[track_caller]
    pub fn entries(&self) -> Vec<Entry> {
        self.list().unwrap().collect()
    }

    /// All names, sorted.
    #[must_use]
    #[track_caller]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries().into_iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names
    }

    fn remove_all(&self, entry: &Entry) {
        if entry.file_type != EntryType::Directory {
            return self.unlink(&entry.name).unwrap();
        }
        {
            let inside = self.open_directory(&entry.name).unwrap();
            for entry in inside.entries() {
                inside.remove_all(&entry);
            }
        }
        self.remove_directory(&entry.name).unwrap();
    }
}
