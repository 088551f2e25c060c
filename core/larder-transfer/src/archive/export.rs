//! From a volume to a tar stream.

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use larder_core::{Attributes, Descriptor, FileType, NodeId, View};
use tar::EntryType;

use super::BLOCK;
use super::sparse::{Segment, content_map};
use super::writer::{Description, Writer};
use crate::transfer::Run;
use crate::volume::{Found, Visit, is_hole, open_named, walk};
use crate::{Report, TransferError};

/// Shared with the volume at once, in bytes.
const READ_BYTES: usize = 4 << 20;

/// Between the archive and its output, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes `source` to `output`.
pub(crate) fn export(run: Run<'_>, view: &View, source: &str, output: &mut dyn Write) -> Result<Report, TransferError> {
    let top = open_named(view, source)?;
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, output);
    let writer = Writer::new(&mut output);
    let mut export = Export { run, writer, report: Report::default(), links: HashMap::new() };
    if top.file_type() == FileType::Directory {
        walk(&top, &mut export)?;
    } else {
        let attributes = top.stat().map_err(|error| TransferError::volume(source, error))?;
        let name = source.trim_matches('/').rsplit('/').next().unwrap_or_default();
        export.file(&Found { path: name, name, attributes: &attributes }, &top)?;
    }
    export.writer.finish()?;
    Ok(export.report)
}

struct Export<'r, 'a> {
    run: Run<'r>,
    writer: Writer<'a>,
    report: Report,
    /// Where the first name of a file with several is in the archive.
    links: HashMap<NodeId, String>,
}

/// Where a sparse file has data.
struct Map {
    segments: Vec<Segment>,
    /// The segments as the archive has them, before the data.
    text: Vec<u8>,
    /// Map and data, in bytes.
    stored: u64,
}

/// Adds a range with data, rounded to whole blocks: of segments that are not,
/// some programs store each from a block's start and some do not.
fn add(map: &mut Vec<Segment>, from: u64, to: u64, size: u64) {
    let from = from - from % BLOCK as u64;
    let to = to.next_multiple_of(BLOCK as u64).min(size);
    match map.last_mut() {
        Some(last) if last.offset + last.length >= from => last.length = to - last.offset,
        _ => map.push(Segment { offset: from, length: to - from }),
    }
}

impl Export<'_, '_> {
    fn headers(
        &mut self,
        path: &str,
        kind: EntryType,
        link: &str,
        attributes: &Attributes,
        stored: u64,
        sparse: Option<u64>,
    ) -> Result<(), TransferError> {
        self.writer.headers(&Description {
            path,
            kind,
            link,
            mode: attributes.mode,
            modified: attributes.modified,
            accessed: attributes.accessed,
            stored,
            sparse,
        })
    }

    /// Writes a further name of what is in the archive already.
    fn link(&mut self, found: &Found<'_>) -> Result<bool, TransferError> {
        if found.attributes.link_count < 2 {
            return Ok(false);
        }
        let Some(first) = self.links.get(&found.attributes.id).cloned() else {
            self.links.insert(found.attributes.id, found.path.to_owned());
            return Ok(false);
        };
        self.headers(found.path, EntryType::Link, &first, found.attributes, 0, None)?;
        self.report.hard_links += 1;
        Ok(true)
    }

    /// Where a sparse file has data; `None` where it is better written whole.
    fn map(found: &Found<'_>, file: &Descriptor) -> Result<Option<Map>, TransferError> {
        let Attributes { size, allocated, .. } = *found.attributes;
        if allocated >= size {
            return Ok(None);
        }
        let mut map: Vec<Segment> = Vec::new();
        let mut at = 0;
        while allocated > 0 && at < size {
            for piece in &read(found, file, at, size)? {
                let length = piece.len() as u64;
                if !is_hole(piece) {
                    add(&mut map, at, at + length, size);
                }
                at += length;
            }
        }
        if map.last().is_none_or(|last| last.offset + last.length < size) {
            // A hole at the end is told by where it ends.
            map.push(Segment { offset: size, length: 0 });
        }
        let text = content_map(&map);
        let stored = text.len() as u64 + map.iter().map(|segment| segment.length).sum::<u64>();
        Ok((stored < size).then_some(Map { segments: map, text, stored }))
    }

    fn content(&mut self, found: &Found<'_>, file: &Descriptor, from: u64, to: u64) -> Result<(), TransferError> {
        let mut at = from;
        while at < to {
            let chunks = read(found, file, at, to)?;
            for piece in &chunks {
                self.writer.data(piece)?;
            }
            at += chunks.len() as u64;
            self.report.bytes += chunks.len() as u64;
            self.run.progress.bytes(chunks.len() as u64);
            if chunks.is_empty() {
                // The header has told the length.
                self.writer.zeros(to - at)?;
                self.report.alter(found.path, "a guest cut it meanwhile: zeros are in the place of what is missing");
                break;
            }
        }
        Ok(())
    }
}

fn read(found: &Found<'_>, file: &Descriptor, at: u64, to: u64) -> Result<larder_core::Chunks, TransferError> {
    let want = usize::try_from(to - at).unwrap_or(usize::MAX).min(READ_BYTES);
    file.read(at, want).map_err(|error| TransferError::volume(found.path, error))
}

impl Visit for Export<'_, '_> {
    fn enter(&mut self, found: &Found<'_>) -> Result<bool, TransferError> {
        self.run.progress.entry(found.path);
        let path = if found.path.is_empty() { "./".to_owned() } else { format!("{}/", found.path) };
        self.headers(&path, EntryType::Directory, "", found.attributes, 0, None)?;
        self.report.directories += 1;
        Ok(true)
    }

    fn leave(&mut self, _: &Found<'_>) -> Result<(), TransferError> {
        Ok(())
    }

    fn file(&mut self, found: &Found<'_>, file: &Descriptor) -> Result<(), TransferError> {
        self.run.progress.entry(found.path);
        if self.link(found)? {
            return Ok(());
        }
        let size = found.attributes.size;
        match Self::map(found, file)? {
            None => {
                self.headers(found.path, EntryType::Regular, "", found.attributes, size, None)?;
                self.content(found, file, 0, size)?;
            }
            Some(Map { segments, text, stored }) => {
                self.headers(found.path, EntryType::Regular, "", found.attributes, stored, Some(size))?;
                self.writer.data(&text)?;
                let mut passed = 0;
                for segment in segments {
                    self.run.progress.bytes(segment.offset - passed);
                    passed = segment.offset + segment.length;
                    self.content(found, file, segment.offset, passed)?;
                }
            }
        }
        self.writer.pad()?;
        self.report.files += 1;
        Ok(())
    }

    fn symlink(&mut self, found: &Found<'_>, target: &str) -> Result<(), TransferError> {
        self.run.progress.entry(found.path);
        if self.link(found)? {
            return Ok(());
        }
        self.headers(found.path, EntryType::Symlink, target, found.attributes, 0, None)?;
        self.report.symlinks += 1;
        Ok(())
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}
