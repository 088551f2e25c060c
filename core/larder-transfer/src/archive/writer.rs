//! Writes members of a PAX tar stream.

use std::io::{self, Write};

use larder_core::Timestamp;
use tar::{EntryType, Header};

use super::BLOCK;
use super::number::time_text;
use super::pax;
use crate::TransferError;

/// The largest number in the 12 bytes of a header field.
const MOST_OCTAL: u64 = 0o77_777_777_777;

/// What goes into a member's headers.
pub(super) struct Description<'a> {
    pub(super) path: &'a str,
    pub(super) kind: EntryType,
    pub(super) link: &'a str,
    pub(super) mode: u32,
    pub(super) modified: Timestamp,
    pub(super) accessed: Timestamp,
    /// Stored bytes.
    pub(super) stored: u64,
    /// For a sparse file: its length with the holes, in bytes.
    pub(super) sparse: Option<u64>,
}

pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    offset: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, offset: 0 }
    }

    /// Writes a member's headers; its stored bytes follow with
    /// [`data`](Self::data), then [`pad`](Self::pad).
    pub(super) fn headers(&mut self, member: &Description<'_>) -> Result<(), TransferError> {
        let records = extended(member);
        if !records.is_empty() {
            let mut header = ustar("PaxHeader", EntryType::XHeader, "", 0o644);
            header.set_size(records.len() as u64);
            header.set_mtime(0);
            self.block(header)?;
            self.data(&records)?;
            self.pad()?;
        }
        let mut header = if member.sparse.is_some() {
            // What programs that do not know the format unpack.
            ustar(&format!("GNUSparseFile.0/{}", member.path), member.kind, member.link, member.mode)
        } else {
            ustar(member.path, member.kind, member.link, member.mode)
        };
        header.set_size(member.stored);
        header.set_mtime(u64::try_from(member.modified.seconds).unwrap_or(0).min(MOST_OCTAL));
        self.block(header)
    }

    pub(super) fn data(&mut self, data: &[u8]) -> Result<(), TransferError> {
        self.out.write_all(data).map_err(|error| self.failed(error))?;
        self.offset += data.len() as u64;
        Ok(())
    }

    /// Zeros up to a whole block.
    pub(super) fn pad(&mut self) -> Result<(), TransferError> {
        self.zeros(self.offset.next_multiple_of(BLOCK as u64) - self.offset)
    }

    pub(super) fn zeros(&mut self, count: u64) -> Result<(), TransferError> {
        let written = io::copy(&mut io::Read::take(io::repeat(0), count), self.out);
        self.offset += written.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The end of the archive: two blocks of zeros.
    pub(super) fn finish(mut self) -> Result<(), TransferError> {
        self.zeros(2 * BLOCK as u64)?;
        self.out.flush().map_err(|error| self.failed(error))
    }

    fn block(&mut self, mut header: Header) -> Result<(), TransferError> {
        header.set_cksum();
        self.data(header.as_bytes())
    }

    fn failed(&self, error: io::Error) -> TransferError {
        TransferError::Stream { action: "write", offset: self.offset, error }
    }
}

/// What the header cannot hold.
fn extended(member: &Description<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    let (modified, accessed) = (member.modified, member.accessed);
    let is_in_header = u64::try_from(modified.seconds).is_ok_and(|seconds| seconds <= MOST_OCTAL);
    if modified.nanoseconds != 0 || !is_in_header {
        pax::push(&mut records, "mtime", time_text(modified).as_bytes());
    }
    pax::push(&mut records, "atime", time_text(accessed).as_bytes());
    if !fits(member.path) && member.sparse.is_none() {
        pax::push(&mut records, "path", member.path.as_bytes());
    }
    if !fits(member.link) {
        pax::push(&mut records, "linkpath", member.link.as_bytes());
    }
    if member.stored > MOST_OCTAL {
        pax::push(&mut records, "size", member.stored.to_string().as_bytes());
    }
    if let Some(size) = member.sparse {
        pax::push(&mut records, "GNU.sparse.major", b"1");
        pax::push(&mut records, "GNU.sparse.minor", b"0");
        pax::push(&mut records, "GNU.sparse.name", member.path.as_bytes());
        pax::push(&mut records, "GNU.sparse.realsize", size.to_string().as_bytes());
    }
    records
}

/// Whether a header holds the name as every program reads it.
fn fits(name: &str) -> bool {
    name.len() <= 100 && name.is_ascii()
}

fn ustar(path: &str, kind: EntryType, link: &str, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    if let Some(ustar) = header.as_ustar_mut() {
        fill(&mut ustar.name, path);
        fill(&mut ustar.linkname, link);
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// As much as fits; a PAX record has the whole.
fn fill(field: &mut [u8; 100], text: &str) {
    field.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
}
