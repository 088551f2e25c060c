//! What an object's metadata says of the file.

use larder_bucket::{LARGEST_METADATA, Metadata};
use larder_core::{FileType, Timestamp};

use super::identity::{LinkId, Token};
use super::sparse::LARGEST_SIZE;
use super::{mode, time_text};

// Of s3fs-fuse and rclone.
const MODE: &str = "mode";
const MODIFIED: &str = "mtime";
const ACCESSED: &str = "atime";
const CHANGED: &str = "ctime";
/// Of gsutil; s3fs reads it as well.
const MODIFIED_GOOGLE: &str = "goog-reserved-file-mtime";
// Ours.
const LINK: &str = "larder-link";
const SPARSE: &str = "larder-sparse";
const TOKEN: &str = "larder-token";

/// The most bytes that [`ObjectMeta::to_metadata`] gives.
const MOST_BYTES: usize = 300;
const _: () = assert!(MOST_BYTES <= LARGEST_METADATA);

/// What is written for a symlink or a directory without a mode, as the mode
/// has the type.
const SYMLINK_PERMISSIONS: u32 = 0o777;
const DIRECTORY_PERMISSIONS: u32 = 0o755;

/// The attributes that an object carries. `None` is what nobody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// What the mode says; a regular file where it says nothing.
    pub kind: FileType,
    /// Permission bits (`0o7777`; a symlink's are `0o777`).
    pub mode: Option<u32>,
    /// Last change of content.
    pub modified: Option<Timestamp>,
    /// Last read.
    pub accessed: Option<Timestamp>,
    /// Last change of content or attributes.
    pub changed: Option<Timestamp>,
    /// Keys with one link are one file.
    ///
    /// Tools copy it with the object: two objects with one link whose contents
    /// differ are two files by now.
    pub link: Option<LinkId>,
    /// The file's size where the body is a sparse object; see
    /// [`SparseMap`](super::SparseMap). Tools that replace a body may leave
    /// it: a body without a valid header is the file itself.
    pub sparse_size: Option<u64>,
    /// The write that made the object.
    pub token: Option<Token>,
}

impl ObjectMeta {
    /// Of an object of which nothing is known but its kind.
    #[must_use]
    pub const fn of_kind(kind: FileType) -> Self {
        Self {
            kind,
            mode: None,
            modified: None,
            accessed: None,
            changed: None,
            link: None,
            sparse_size: None,
            token: None,
        }
    }

    /// As metadata: at most 300 bytes, all of printable ASCII, none empty.
    #[must_use]
    pub fn to_metadata(&self) -> Metadata {
        let permissions = match self.kind {
            FileType::RegularFile => self.mode,
            FileType::Directory => self.mode.or(Some(DIRECTORY_PERMISSIONS)),
            // With others, its type could be mistaken; see `mode`.
            FileType::SymbolicLink => Some(self.mode.unwrap_or(SYMLINK_PERMISSIONS) & SYMLINK_PERMISSIONS),
        };
        let fields = [
            (MODE, permissions.map(|permissions| mode::write(self.kind, permissions))),
            (MODIFIED, self.modified.map(time_text::write)),
            (ACCESSED, self.accessed.map(time_text::write)),
            (CHANGED, self.changed.map(time_text::write)),
            (LINK, self.link.map(|link| link.to_string())),
            (SPARSE, self.sparse_size.map(|size| size.to_string())),
            (TOKEN, self.token.map(|token| token.to_string())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Of what is written on an object: attributes, and who wrote it; not what
    /// its body is.
    pub(crate) fn own_fields(metadata: &Metadata) -> impl Iterator<Item = (String, String)> {
        let own = [MODE, MODIFIED, ACCESSED, CHANGED, TOKEN];
        own.into_iter().filter_map(|name| Some((name.to_owned(), metadata.get(name)?.clone())))
    }

    /// What others noted on an object, as far as it can be written again beside
    /// what Larder writes.
    pub(crate) fn foreign_fields(metadata: &Metadata) -> Metadata {
        let ours = [MODE, MODIFIED, ACCESSED, CHANGED, MODIFIED_GOOGLE, LINK, SPARSE, TOKEN];
        let is_writable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut left = LARGEST_METADATA - MOST_BYTES;
        let fields = metadata.iter().filter(|(name, value)| {
            if ours.contains(&name.as_str()) || name.is_empty() || !name.bytes().all(is_writable) {
                return false;
            }
            // What is not plain is encoded.
            let encoded = |byte: u8| if byte.is_ascii_graphic() && byte != b'%' { 1 } else { 3 };
            let bytes = name.len() + value.bytes().map(encoded).sum::<usize>().max(1);
            let fits = bytes <= left;
            left -= if fits { bytes } else { 0 };
            fits
        });
        fields.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Whatever the metadata says that makes sense, whoever wrote it. A field
    /// that makes none is as if it were absent.
    #[must_use]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        let field = |name: &str| metadata.get(name).map(String::as_str);
        let time = |name: &str| field(name).and_then(time_text::read);
        let (kind, mode) = match field(MODE).and_then(mode::read) {
            Some((kind, permissions)) => (kind.unwrap_or(FileType::RegularFile), Some(permissions)),
            None => (FileType::RegularFile, None),
        };
        Self {
            kind,
            mode,
            modified: time(MODIFIED).or_else(|| time(MODIFIED_GOOGLE)),
            accessed: time(ACCESSED),
            changed: time(CHANGED),
            link: field(LINK).and_then(LinkId::parse),
            sparse_size: field(SPARSE).and_then(size),
            token: field(TOKEN).and_then(Token::parse),
        }
    }
}

fn size(text: &str) -> Option<u64> {
    let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|size| digits && *size <= LARGEST_SIZE)
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = FileType> {
        prop::sample::select(vec![FileType::RegularFile, FileType::Directory, FileType::SymbolicLink])
    }

    fn times() -> impl Strategy<Value = Option<Timestamp>> {
        of((any::<i64>(), 0..Timestamp::NANOSECONDS)
            .prop_map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds }))
    }

    fn metas() -> impl Strategy<Value = ObjectMeta> {
        let ours = (of(any::<u128>()), of(0..=LARGEST_SIZE), of(any::<u128>()));
        (kinds(), of(0..=mode::PERMISSIONS), [times(), times(), times()], ours).prop_map(
            |(kind, mode, [modified, accessed, changed], (link, sparse_size, token))| {
                // What is written for what is not known.
                let mode = match kind {
                    FileType::RegularFile => mode,
                    FileType::Directory => mode.or(Some(0o755)),
                    FileType::SymbolicLink => mode.map(|mode| mode & 0o777).or(Some(0o777)),
                };
                let (link, token) = (link.map(LinkId), token.map(Token));
                ObjectMeta { kind, mode, modified, accessed, changed, link, sparse_size, token }
            },
        )
    }

    proptest! {
        #[test]
        fn everything_survives(meta in metas()) {
            let metadata = meta.to_metadata();
            let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
            prop_assert!(size <= MOST_BYTES);
            prop_assert!(metadata.values().all(|value| !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic())));
            prop_assert_eq!(ObjectMeta::from_metadata(&metadata), meta);
        }

        #[test]
        fn hostile_values_are_read(value in any::<String>(), digits in "[-0-9.]{0,40}") {
            for value in [value, digits] {
                let names = [MODE, MODIFIED, ACCESSED, CHANGED, LINK, SPARSE, TOKEN];
                let metadata = names.into_iter().map(|name| (name.to_owned(), value.clone())).collect();
                let meta = ObjectMeta::from_metadata(&metadata);
                prop_assert!(meta.mode.is_none_or(|mode| mode <= 0o7777));
                prop_assert!(meta.sparse_size.is_none_or(|size| size <= LARGEST_SIZE));
            }
        }
    }

    #[test]
    fn what_others_noted_is_kept_as_far_as_it_fits() {
        let fields = [("mode", "33188"), ("uid", "1000"), ("a_b", "x"), ("wide", "\u{e9}"), ("empty", "")];
        let mut metadata: Metadata = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        metadata.insert("zlong".to_owned(), "x".repeat(LARGEST_METADATA - MOST_BYTES));
        let foreign = ObjectMeta::foreign_fields(&metadata);
        assert_eq!(foreign.keys().collect::<Vec<_>>(), ["empty", "uid", "wide"]);
        assert_eq!(ObjectMeta::own_fields(&metadata).map(|(name, _)| name).collect::<Vec<_>>(), ["mode"]);
    }

    #[test]
    fn garbage_is_ignored_field_by_field() {
        let fields = [
            ("mode", "garbage"),
            ("mtime", "garbage"),
            ("goog-reserved-file-mtime", "7"),
            ("atime", "5"),
            ("larder-sparse", "+5"),
            ("larder-token", "x"),
            ("uid", "0"),
        ];
        let metadata = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let expected = ObjectMeta {
            modified: Some(Timestamp::from_seconds(7)),
            accessed: Some(Timestamp::from_seconds(5)),
            ..ObjectMeta::of_kind(FileType::RegularFile)
        };
        assert_eq!(ObjectMeta::from_metadata(&metadata), expected);
        assert_eq!(ObjectMeta::from_metadata(&Metadata::new()), ObjectMeta::of_kind(FileType::RegularFile));
    }

    #[test]
    fn a_plain_file_needs_no_metadata() {
        assert_eq!(ObjectMeta::of_kind(FileType::RegularFile).to_metadata(), Metadata::new());
    }
}
