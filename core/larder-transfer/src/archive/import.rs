//! From a tar stream into a volume.

use std::io::{BufReader, Read};

use larder_core::View;

use super::member::{Content, Kind, Member};
use super::reader::Reader;
use crate::transfer::Run;
use crate::volume::{Refusal, Sink, noted};
use crate::{Report, TransferError};

/// Read and written at once, in bytes: whole chunks of the volume.
const BUFFER_BYTES: usize = 256 << 10;

/// Unpacks `input` into `destination`.
pub(crate) fn import(
    run: Run<'_>,
    input: &mut dyn Read,
    view: &View,
    destination: &str,
) -> Result<Report, TransferError> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let sink = Sink::open(view, destination, run.now)?;
    let mut import =
        Import { run, reader: Reader::new(&mut input), sink, report: Report::default(), buffer: vec![0; BUFFER_BYTES] };
    let mut rooted = 0;
    while let Some(member) = import.reader.next()? {
        let shown = String::from_utf8_lossy(&member.path).into_owned();
        import.run.progress.entry(&shown);
        rooted += u64::from(member.path.starts_with(b"/"));
        let unpacked = import.member(member);
        noted(&mut import.report, &shown, unpacked)?;
    }
    let Import { reader, sink, mut report, .. } = import;
    sink.finish()?;
    if rooted > 0 {
        report.alter("", format!("{rooted} absolute names were unpacked below the destination"));
    }
    reader.remarks.iter().for_each(|remark| report.alter("", *remark));
    Ok(report)
}

struct Import<'r, 'a> {
    run: Run<'r>,
    reader: Reader<'a>,
    sink: Sink,
    report: Report,
    buffer: Vec<u8>,
}

impl Import<'_, '_> {
    fn member(&mut self, member: Member) -> Result<(), Refusal> {
        let Member { path, link, kind, meta } = member;
        let path = inside(&path, "name")?;
        match kind {
            Kind::File(content) => {
                let size = content.size;
                let file = self.sink.file(&path)?;
                self.content(content, &file)?;
                file.finish(size, meta)?;
                self.report.files += 1;
            }
            Kind::Directory => {
                self.sink.directory(&path, meta)?;
                self.report.directories += 1;
            }
            Kind::Symlink => {
                let target = std::str::from_utf8(&link);
                let target = target.map_err(|_| Refusal::Skip("its target is not valid UTF-8".into()))?;
                self.sink.symlink(&path, target, meta)?;
                self.report.symlinks += 1;
            }
            Kind::HardLink => {
                self.sink.hard_link(&path, &inside(&link, "target")?)?;
                self.report.hard_links += 1;
            }
            Kind::Other(reason) => return Err(Refusal::Skip(reason.into())),
        }
        Ok(())
    }

    fn content(&mut self, content: Content, file: &crate::volume::FileSink) -> Result<(), TransferError> {
        let mut passed = 0;
        for segment in content.map {
            self.run.progress.bytes(segment.offset - passed);
            passed = segment.offset + segment.length;
            let mut at = segment.offset;
            while at < passed {
                let want = usize::try_from(passed - at).unwrap_or(usize::MAX).min(self.buffer.len());
                let read = self.reader.read(self.buffer.get_mut(..want).unwrap_or_default())?;
                file.write(at, self.buffer.get(..read).unwrap_or_default())?;
                at += read as u64;
                self.report.bytes += read as u64;
                self.run.progress.bytes(read as u64);
            }
        }
        self.run.progress.bytes(content.size - passed);
        Ok(())
    }
}

/// A path below the destination: no slash at its head, no `.`, no `..`.
fn inside(path: &[u8], what: &str) -> Result<String, Refusal> {
    let skip = |reason: &str| Refusal::Skip(format!("its {what} {reason}"));
    let path = std::str::from_utf8(path).map_err(|_| skip("is not valid UTF-8"))?;
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if names.contains(&"..") {
        return Err(skip("contains \"..\", which could lead out of the destination"));
    }
    Ok(names.join("/"))
}
