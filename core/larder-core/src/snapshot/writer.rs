//! From a frozen tree to a stream of records.

use std::io::Write;

use bytes::Bytes;

use super::SnapshotError;
use super::encode::Payload;
use super::layout::{ENTRIES_TARGET, PAGE_BYTES, kind};
use super::record_writer::RecordWriter;
use crate::volume::{FrozenBody, FrozenNode};
use crate::{DirectoryEntry, Snapshot};

/// Writes `snapshot`; returns the bytes written.
pub(super) fn write(snapshot: &Snapshot, out: &mut dyn Write) -> Result<u64, SnapshotError> {
    let mut writer =
        Writer { records: RecordWriter::start(out)?, payload: Payload::default(), nodes: 0, entries: 0, data_bytes: 0 };
    writer.volume(snapshot)?;
    for node in &snapshot.nodes {
        writer.node(node)?;
    }
    writer.end()
}

struct Writer<'a> {
    records: RecordWriter<'a>,
    payload: Payload,
    nodes: u64,
    entries: u64,
    data_bytes: u64,
}

impl Writer<'_> {
    fn volume(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.payload
            .clear()
            .u64(snapshot.generation)
            .u64(snapshot.next_ino)
            .node_id(snapshot.root)
            .string(&snapshot.name);
        self.records.record(kind::VOLUME, self.payload.bytes())
    }

    fn node(&mut self, node: &FrozenNode) -> Result<(), SnapshotError> {
        self.nodes += 1;
        self.payload.clear().node(node);
        match &node.body {
            FrozenBody::File { size, chunks } => {
                self.payload.u64(*size);
                self.records.record(kind::FILE, self.payload.bytes())?;
                chunks.iter().try_for_each(|(offset, bytes)| self.data(*offset, bytes))
            }
            FrozenBody::Directory { parent, entries, last_cookie } => {
                self.payload.u64(*parent).u64(*last_cookie);
                self.records.record(kind::DIRECTORY, self.payload.bytes())?;
                self.directory_entries(entries)
            }
            FrozenBody::Symlink { target } => {
                self.payload.string(target);
                self.records.record(kind::SYMLINK, self.payload.bytes())
            }
        }
    }

    fn data(&mut self, offset: u64, bytes: &Bytes) -> Result<(), SnapshotError> {
        let data = without_tail_zeros(bytes);
        if data.is_empty() {
            return Ok(());
        }
        let offset = offset.to_le_bytes();
        self.records.begin(kind::DATA, offset.len() + data.len())?;
        self.records.part(&offset)?;
        self.records.part(data)?;
        self.data_bytes += data.len() as u64;
        Ok(())
    }

    fn directory_entries(&mut self, entries: &[DirectoryEntry]) -> Result<(), SnapshotError> {
        self.entries += entries.len() as u64;
        self.payload.clear();
        for entry in entries {
            self.payload.entry(entry);
            if self.payload.bytes().len() >= ENTRIES_TARGET {
                self.records.record(kind::ENTRIES, self.payload.bytes())?;
                self.payload.clear();
            }
        }
        if self.payload.bytes().is_empty() {
            return Ok(());
        }
        self.records.record(kind::ENTRIES, self.payload.bytes())
    }

    fn end(mut self) -> Result<u64, SnapshotError> {
        self.payload
            .clear()
            .u64(self.records.records())
            .u64(self.nodes)
            .u64(self.entries)
            .u64(self.data_bytes)
            .u32(self.records.stream_checksum());
        self.records.record(kind::END, self.payload.bytes())?;
        self.records.flush()?;
        Ok(self.records.bytes())
    }
}

/// Cuts zeros off the end, within the last page and leaving it one byte: how
/// far a page was written does not show, but which pages exist is charged.
fn without_tail_zeros(bytes: &[u8]) -> &[u8] {
    let page = usize::try_from(PAGE_BYTES).unwrap_or(usize::MAX);
    let full_pages = bytes.len().saturating_sub(1) / page * page;
    let last = bytes.get(full_pages..).unwrap_or_default();
    let used = last.iter().rposition(|byte| *byte != 0).map_or(1, |at| at + 1);
    bytes.get(..full_pages + used).unwrap_or(bytes)
}
