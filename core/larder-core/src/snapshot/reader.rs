//! From a stream of records to a frozen tree. The input is hostile: memory
//! grows with what was read and is charged against the limits as it grows.
//! Whether the nodes form a tree is checked when the snapshot is thawed.

use std::io::Read;

use bytes::Bytes;

use super::SnapshotError;
use super::decode::{Fields, Malformed, NodeFields};
use super::layout::{CELL_BYTES, FIRST_OPTIONAL_KIND, PAGE_BYTES, kind};
use super::record_reader::{Record, RecordReader};
use crate::volume::{FrozenBody, FrozenNode};
use crate::{DirectoryEntry, ENTRY_BYTES, Error, ErrorCode, Limits, Snapshot};

/// Reads one stream, to the end of its end record and no further; returns
/// the snapshot and the length of the stream in bytes.
pub(super) fn read(input: &mut dyn Read, limits: &Limits) -> Result<(Snapshot, u64), SnapshotError> {
    let mut records = RecordReader::start(input)?;
    let mut tree = Tree::begin(records.next()?, limits)?;
    loop {
        let before = records.records();
        let record = records.next()?;
        if record.kind == kind::END {
            tree.end(&record, before).map_err(|fault| fault.at(&record))?;
            return Ok((tree.snapshot, records.offset()));
        }
        tree.add(&record).map_err(|fault| fault.at(&record))?;
    }
}

/// What is wrong with a record.
enum Fault {
    Malformed(Malformed),
    Limit(Error),
}

impl Fault {
    fn limit(code: ErrorCode) -> Self {
        Self::Limit(Error::new(code, "load"))
    }

    fn at(self, record: &Record<'_>) -> SnapshotError {
        match self {
            Self::Malformed(what) => SnapshotError::corrupt(record.offset, what),
            Self::Limit(error) => SnapshotError::Limit(error),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(what: Malformed) -> Self {
        Self::Malformed(what)
    }
}

/// The tree so far. Data and entries belong to its last node.
struct Tree<'a> {
    limits: &'a Limits,
    snapshot: Snapshot,
    /// Bytes that the volume will be charged.
    charged: u64,
    entries: u64,
    data_bytes: u64,
}

impl<'a> Tree<'a> {
    fn begin(record: Record<'_>, limits: &'a Limits) -> Result<Self, SnapshotError> {
        let snapshot = (|| {
            if record.kind != kind::VOLUME {
                return Err("the first record does not describe a volume");
            }
            let mut fields = Fields::new(record.payload);
            let snapshot = Snapshot {
                generation: fields.u64()?,
                next_ino: fields.counter()?,
                root: fields.node_id()?,
                name: fields.string()?.to_owned(),
                nodes: Vec::new(),
            };
            fields.end()?;
            Ok(snapshot)
        })()
        .map_err(|what| SnapshotError::corrupt(record.offset, what))?;
        Ok(Self { limits, snapshot, charged: 0, entries: 0, data_bytes: 0 })
    }

    fn add(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        let mut fields = Fields::new(record.payload);
        match record.kind {
            kind::FILE => {
                let node = fields.node()?;
                let size = fields.u64()?;
                fields.end()?;
                if size > self.limits.file_bytes {
                    return Err(Fault::limit(ErrorCode::FileTooLarge));
                }
                self.node(node, FrozenBody::File { size, chunks: Vec::new() })
            }
            kind::DIRECTORY => {
                let node = fields.node()?;
                let parent = fields.u64()?;
                let last_cookie = fields.counter()?;
                fields.end()?;
                self.node(node, FrozenBody::Directory { parent, entries: Vec::new(), last_cookie })
            }
            kind::SYMLINK => {
                let node = fields.node()?;
                let target = fields.string()?;
                fields.end()?;
                if target.len() as u64 > u64::from(self.limits.path_bytes) {
                    return Err(Fault::limit(ErrorCode::NameTooLong));
                }
                self.charge(target.len() as u64)?;
                self.node(node, FrozenBody::Symlink { target: target.into() })
            }
            kind::DATA => {
                let offset = fields.u64()?;
                self.data(offset, fields.rest())
            }
            kind::ENTRIES => {
                if fields.is_empty() {
                    return Err("there are no entries in the record".into());
                }
                while !fields.is_empty() {
                    self.entry(&mut fields)?;
                }
                Ok(())
            }
            FIRST_OPTIONAL_KIND.. => Ok(()),
            _ => Err("the record is of an unknown kind".into()),
        }
    }

    fn node(&mut self, fields: NodeFields, body: FrozenBody) -> Result<(), Fault> {
        let NodeFields { id, link_count, version, accessed, modified, changed, mode } = fields;
        let nodes = &mut self.snapshot.nodes;
        if nodes.last().is_some_and(|last| last.id.ino >= id.ino) {
            return Err("the inode numbers do not ascend".into());
        }
        if nodes.len() as u64 >= self.limits.inodes {
            return Err(Fault::limit(ErrorCode::InsufficientSpace));
        }
        if !matches!(body, FrozenBody::Directory { .. }) && link_count > self.limits.links {
            return Err(Fault::limit(ErrorCode::TooManyLinks));
        }
        nodes.push(FrozenNode { id, link_count, mode, accessed, modified, changed, version, body });
        Ok(())
    }

    fn data(&mut self, offset: u64, data: &[u8]) -> Result<(), Fault> {
        let length = data.len() as u64;
        let Some(FrozenNode { body: FrozenBody::File { size, chunks }, .. }) = self.snapshot.nodes.last_mut() else {
            return Err("data that belongs to no file".into());
        };
        if length == 0 || !offset.is_multiple_of(PAGE_BYTES) || offset % CELL_BYTES + length > CELL_BYTES {
            return Err("the data is not one piece of one chunk".into());
        }
        if chunks.last().is_some_and(|(last, _)| last / CELL_BYTES >= offset / CELL_BYTES) {
            return Err("the data of a file does not ascend".into());
        }
        if offset.checked_add(length).is_none_or(|end| end > *size) {
            return Err("data behind the end of its file".into());
        }
        let charged = add(self.charged, length.next_multiple_of(PAGE_BYTES), self.limits)?;
        chunks.push((offset, Bytes::copy_from_slice(data)));
        self.charged = charged;
        self.data_bytes += length;
        Ok(())
    }

    fn entry(&mut self, fields: &mut Fields<'_>) -> Result<(), Fault> {
        let entry = fields.entry()?;
        let length = entry.name.len() as u64;
        let Some(FrozenNode { body: FrozenBody::Directory { entries, .. }, .. }) = self.snapshot.nodes.last_mut()
        else {
            return Err("entries that belong to no directory".into());
        };
        if entries.last().is_some_and(|last| last.cookie >= entry.cookie) {
            return Err("the entries of a directory do not ascend".into());
        }
        if length > u64::from(self.limits.name_bytes) {
            return Err(Fault::limit(ErrorCode::NameTooLong));
        }
        if entries.len() as u64 >= self.limits.directory_entries {
            return Err(Fault::limit(ErrorCode::Quota));
        }
        let charged = add(self.charged, length + ENTRY_BYTES, self.limits)?;
        entries.push(DirectoryEntry {
            name: entry.name.into(),
            id: entry.id,
            file_type: entry.file_type,
            cookie: entry.cookie,
        });
        self.charged = charged;
        self.entries += 1;
        Ok(())
    }

    fn charge(&mut self, bytes: u64) -> Result<(), Fault> {
        self.charged = add(self.charged, bytes, self.limits)?;
        Ok(())
    }

    fn end(&self, record: &Record<'_>, records: u64) -> Result<(), Fault> {
        let mut fields = Fields::new(record.payload);
        let counted = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let checksum = fields.u32()?;
        fields.end()?;
        let found = (records, self.snapshot.nodes.len() as u64, self.entries, self.data_bytes);
        if counted != found {
            return Err("the end record counts other records than there are".into());
        }
        if checksum != record.before {
            return Err("the checksum of the whole stream is wrong".into());
        }
        Ok(())
    }
}

fn add(charged: u64, bytes: u64, limits: &Limits) -> Result<u64, Fault> {
    charged
        .checked_add(bytes)
        .filter(|total| *total <= limits.bytes)
        .ok_or_else(|| Fault::limit(ErrorCode::InsufficientSpace))
}
