//! Members of a tar stream: ustar, PAX and GNU.

use std::io::{self, Read};

use larder_core::Timestamp;
use tar::{EntryType, Header};

use super::BLOCK;
use super::member::{Content, Kind, Member};
use super::number::field;
use super::pax::Pax;
use super::sparse::{self, ContentMap, Segment};
use crate::TransferError;
use crate::volume::Meta;

/// The longest extension record, in bytes: names and attributes.
const MOST_EXTENSION: u64 = 1 << 20;

/// Padding behind the end of the archive that is read, in blocks.
const MOST_PADDING: usize = 2048;

/// Reads member by member.
pub(super) struct Reader<'a> {
    input: &'a mut dyn Read,
    offset: u64,
    /// Stored bytes of the current member that were not read.
    left: u64,
    /// Zeros behind them, up to a whole block.
    padding: u64,
    /// What the reader noticed and a person should know.
    pub(super) remarks: Vec<&'static str>,
}

/// Records that describe the member behind them.
#[derive(Default)]
struct Before {
    pax: Pax,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    any: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, offset: 0, left: 0, padding: 0, remarks: Vec::new() }
    }

    /// The next member; its content is then read with [`read`](Self::read).
    pub(super) fn next(&mut self) -> Result<Option<Member>, TransferError> {
        let mut before = Before::default();
        loop {
            self.skip()?;
            let start = self.offset;
            let Some(block) = self.header_block()? else {
                if before.any {
                    return Err(damaged(start, "it ends behind a record that describes what should follow"));
                }
                return Ok(None);
            };
            let header = Header::from_byte_slice(&block);
            check_sum(header, start)?;
            let kind = header.entry_type();
            let mut size = number(header, |old| &old.size).ok_or_else(|| damaged(start, "a length is malformed"))?;
            let extends = matches!(
                kind,
                EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
            );
            if let Some(pax) = before.pax.size.filter(|_| !extends) {
                size = pax;
            }
            // GNU tar writes the length of the file that a hard link names.
            if kind == EntryType::Link {
                size = 0;
            }
            self.left = size;
            self.padding = size.next_multiple_of(BLOCK as u64).saturating_sub(size);
            if size > i64::MAX as u64 {
                return Err(damaged(start, "a length is out of range"));
            }
            if !extends {
                return self.member(header, before, start).map(Some);
            }
            self.extension(kind, &mut before, start)?;
        }
    }

    fn extension(&mut self, kind: EntryType, before: &mut Before, start: u64) -> Result<(), TransferError> {
        if self.left > MOST_EXTENSION {
            return Err(damaged(start, "an extension record is longer than a mebibyte"));
        }
        let mut record = Vec::new();
        let want = self.left;
        let read = (&mut *self.input).take(want).read_to_end(&mut record).map_err(|error| self.failed(error))? as u64;
        self.offset += read;
        self.left -= read;
        if self.left > 0 {
            return Err(damaged(self.offset, "it ends within a record; it is cut short"));
        }
        if kind == EntryType::XGlobalHeader {
            // Git puts its commit there. Nobody else is known to write any.
            let mut global = Pax::default();
            global.take(&record).map_err(|what| damaged(start, what))?;
            if !is_only_comment(&record) {
                self.remark("a global PAX header is ignored");
            }
            return Ok(());
        }
        before.any = true;
        match kind {
            EntryType::GNULongName => before.name = Some(until_nul(&record).to_vec()),
            EntryType::GNULongLink => before.link = Some(until_nul(&record).to_vec()),
            _ => before.pax.take(&record).map_err(|what| damaged(start, what))?,
        }
        Ok(())
    }

    fn member(&mut self, header: &Header, before: Before, start: u64) -> Result<Member, TransferError> {
        let Before { pax, name, link, .. } = before;
        let kind = match header.entry_type() {
            EntryType::GNUSparse => Kind::File(self.old_sparse(header, start)?),
            EntryType::Regular | EntryType::Continuous if pax.sparse.is_sparse => {
                Kind::File(self.pax_sparse(&pax, start)?)
            }
            EntryType::Regular | EntryType::Continuous => {
                let map = vec![Segment { offset: 0, length: self.left }];
                Kind::File(Content { size: self.left, map })
            }
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::Char | EntryType::Block => Kind::Other("it is a device, which a volume cannot hold"),
            EntryType::Fifo => Kind::Other("it is a pipe, which a volume cannot hold"),
            _ => Kind::Other("it is a member of an unknown kind"),
        };
        let path = pax.sparse.name.or(pax.path).or(name).unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax
            .linkpath
            .or(link)
            .unwrap_or_else(|| header.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default());
        // Archives before POSIX had no directories, but names with a slash.
        let kind = match kind {
            Kind::File(_) if path.ends_with(b"/") => Kind::Directory,
            kind => kind,
        };
        let mode = number(header, |old| &old.mode).and_then(|mode| u32::try_from(mode & 0o7777).ok());
        let modified = field(&header.as_old().mtime).map(Timestamp::from_seconds);
        let meta = Meta { mode, modified: pax.modified.or(modified), accessed: pax.accessed };
        Ok(Member { path, link, kind, meta })
    }

    /// GNU tar's own sparse format: the map is in the header and in blocks
    /// behind it, which the length does not count.
    fn old_sparse(&mut self, header: &Header, start: u64) -> Result<Content, TransferError> {
        let bad = |what| damaged(start, what);
        let gnu = header.as_gnu().ok_or_else(|| bad("a sparse file in a header that has no map"))?;
        let size = field(&gnu.realsize).and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| bad("a length is malformed"))?;
        let mut map = Vec::new();
        sparse::from_headers(&gnu.sparse, &mut map).map_err(bad)?;
        let mut more = gnu.is_extended();
        while more {
            let mut block = [0; BLOCK];
            self.fill(&mut block)?;
            more = sparse::from_block(&block, &mut map).map_err(bad)?;
        }
        sparse::check(&map, size, self.left).map_err(bad)?;
        Ok(Content { size, map })
    }

    fn pax_sparse(&mut self, pax: &Pax, start: u64) -> Result<Content, TransferError> {
        let bad = |what| damaged(start, what);
        let size = pax.sparse.size.ok_or_else(|| bad("a sparse file without a length"))?;
        let map = if pax.sparse.map_in_content {
            let mut reader = ContentMap::default();
            loop {
                let mut block = [0; BLOCK];
                if self.left < BLOCK as u64 {
                    return Err(bad("a sparse map does not end"));
                }
                self.fill(&mut block)?;
                self.left -= BLOCK as u64;
                if let Some(map) = reader.take(&block).map_err(bad)? {
                    break map;
                }
            }
        } else {
            pax.sparse.map.clone()
        };
        sparse::check(&map, size, self.left).map_err(bad)?;
        Ok(Content { size, map })
    }

    /// Reads stored bytes of the current member; 0 at their end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransferError> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..want).unwrap_or_default();
        self.fill(buffer)?;
        self.left -= want as u64;
        Ok(want)
    }

    /// Passes over what is left of the current member.
    fn skip(&mut self) -> Result<(), TransferError> {
        let want = self.left.saturating_add(self.padding);
        (self.left, self.padding) = (0, 0);
        let skipped =
            io::copy(&mut (&mut *self.input).take(want), &mut io::sink()).map_err(|error| self.failed(error))?;
        self.offset += skipped;
        if skipped < want { Err(damaged(self.offset, "it ends within a member; it is cut short")) } else { Ok(()) }
    }

    /// The next header; `None` at the end of the archive.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, TransferError> {
        let mut block = [0; BLOCK];
        let start = self.offset;
        match self.fill_some(&mut block)? {
            BLOCK => {}
            0 if start == 0 => return Err(damaged(0, "it is empty")),
            0 => {
                self.remark("the archive has no end mark; it may be cut short");
                return Ok(None);
            }
            _ if start == 0 => return Err(damaged(start, "this is no tar archive")),
            _ => return Err(damaged(self.offset, "it ends within a header; it is cut short")),
        }
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
        // Whoever writes into a pipe wants its padding read.
        for _ in 0..MOST_PADDING {
            if self.fill_some(&mut block)? < BLOCK || block.iter().any(|byte| *byte != 0) {
                break;
            }
        }
        Ok(None)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), TransferError> {
        let want = buffer.len();
        if self.fill_some(buffer)? < want {
            return Err(damaged(self.offset, "it ends within a member; it is cut short"));
        }
        Ok(())
    }

    /// Reads until the buffer is full or the stream ends.
    fn fill_some(&mut self, buffer: &mut [u8]) -> Result<usize, TransferError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn failed(&self, error: io::Error) -> TransferError {
        TransferError::Stream { action: "read", offset: self.offset, error }
    }

    fn remark(&mut self, remark: &'static str) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

pub(super) fn damaged(offset: u64, what: impl Into<String>) -> TransferError {
    TransferError::Archive { offset, what: what.into() }
}

fn number<const N: usize>(header: &Header, of: impl Fn(&tar::OldHeader) -> &[u8; N]) -> Option<u64> {
    field(of(header.as_old())).and_then(|value| u64::try_from(value).ok())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_only_comment(records: &[u8]) -> bool {
    let mut rest = Vec::new();
    let text = String::from_utf8_lossy(records);
    let value = text.split_once("comment=").map(|(_, value)| value.trim_end_matches('\n'));
    super::pax::push(&mut rest, "comment", value.unwrap_or_default().as_bytes());
    rest == records
}

/// Checks the sum of the header's bytes, its own field counted as spaces. Some
/// old programs added signed bytes.
fn check_sum(header: &Header, start: u64) -> Result<(), TransferError> {
    let bytes = header.as_bytes();
    let others = || {
        let (head, rest) = bytes.split_at(148);
        head.iter().chain(rest.iter().skip(8))
    };
    let unsigned = others().map(|byte| i64::from(*byte)).sum::<i64>() + 8 * 32;
    let signed = others().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() + 8 * 32;
    let expected = field(&header.as_old().cksum);
    if expected == Some(unsigned) || expected == Some(signed) {
        return Ok(());
    }
    let compression = match bytes {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        _ => None,
    };
    Err(match compression {
        Some(program) if start == 0 => damaged(0, format!("it is compressed with {program}: decompress it first")),
        _ if start == 0 => damaged(0, "this is no tar archive"),
        _ => damaged(start, "the checksum of a header is wrong"),
    })
}
