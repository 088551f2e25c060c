//! Messages of the stream: how frames are cut into them, and put together.
//!
//! | Bytes | What |
//! | --- | --- |
//! | 4 | `LDRJ` |
//! | 1 | version |
//! | 1 | length of the heading |
//! | 4 | CRC-32 (ISO-HDLC) of the heading, little-endian |
//! | … | the heading, in postcard's format |
//! | … | frames, or a part of one |

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::frame::{self, FRAME_BYTES, Frame, FrameReader, Kind, Next};
use crate::queue::{Batch, LONGEST_RECORD};

const MAGIC: [u8; 4] = *b"LDRJ";
const VERSION: u8 = 1;
/// What comes before a heading.
const PREFIX_BYTES: usize = 10;
/// What a message takes besides frames: this, a heading of numbers, and
/// NATS's own headers.
pub(super) const OVERHEAD_BYTES: usize = 512;

/// What the journal holds, as of the end of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// The last number of a whole frame.
    pub(super) last: u64,
    /// The last number that is stored.
    pub(super) stored: u64,
    /// The group that was begun last, unless it is stored: its last record,
    /// and the number of the message in which its frame begins.
    pub(super) begun: Option<(u64, u64)>,
}

/// What a message has of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// Whole ones.
    Whole,
    /// The beginning of one.
    First,
    /// Its middle.
    Middle,
    /// Its end.
    Last,
    /// Nothing: somebody opens the journal, and does not know yet what it
    /// holds. Its summary says nothing.
    Fence,
}

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    /// Drawn by whoever opened the journal.
    pub(super) writer: u64,
    /// The batch's.
    pub(super) ticket: u64,
    /// Its place in the batch.
    pub(super) index: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heading {
    pub(super) name: Name,
    pub(super) part: Part,
    pub(super) summary: Summary,
}

/// Why a message is none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Version(u8),
    Damaged(&'static str),
}

impl Heading {
    pub(super) fn message(&self, content: &[u8]) -> Bytes {
        // Numbers alone: it cannot fail, nor be longer than its overhead.
        let heading = postcard::to_allocvec(self).unwrap_or_default();
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + heading.len() + content.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.push(u8::try_from(heading.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&crc32fast::hash(&heading).to_le_bytes());
        bytes.extend_from_slice(&heading);
        bytes.extend_from_slice(content);
        bytes.into()
    }

    /// The heading and the content, which shares the message's bytes.
    pub(super) fn read(message: &Bytes) -> Result<(Self, Bytes), Fault> {
        let short = Fault::Damaged("it is no message of a journal");
        let (magic, rest) = message.split_first_chunk().ok_or(short)?;
        let (version, rest) = rest.split_first().ok_or(short)?;
        if *magic != MAGIC {
            return Err(short);
        }
        if *version != VERSION {
            return Err(Fault::Version(*version));
        }
        let (length, rest) = rest.split_first().ok_or(short)?;
        let (checked, rest) = rest.split_first_chunk().ok_or(short)?;
        let (heading, content) = rest.split_at_checked(usize::from(*length)).ok_or(short)?;
        if crc32fast::hash(heading) != u32::from_le_bytes(*checked) {
            return Err(Fault::Damaged("a heading's checksum differs"));
        }
        let heading = postcard::from_bytes(heading).map_err(|_| Fault::Damaged("a heading cannot be read"))?;
        Ok((heading, message.slice_ref(content)))
    }
}

/// What of a batch is one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) part: Part,
    /// In the batch's bytes.
    pub(super) range: Range<usize>,
    /// The highest number of a frame of which it has something.
    pub(super) touched: u64,
    /// The frames that are whole with it.
    whole: Vec<(Kind, u64)>,
}

impl Piece {
    /// What the journal holds with it. `first` is the message in which its
    /// first frame begins.
    pub(super) fn summary(&self, before: Summary, first: u64) -> Summary {
        let mut summary = before;
        for (kind, seq) in &self.whole {
            summary.last = summary.last.max(*seq);
            match kind {
                Kind::Begin => summary.begun = Some((*seq, first)),
                Kind::Stored => summary.stored = summary.stored.max(*seq),
                Kind::Record | Kind::Head => {}
            }
        }
        summary.begun.take_if(|(up_to, _)| *up_to <= summary.stored);
        summary
    }
}

/// Cuts a batch into pieces of at most `most` bytes; always the same ones.
pub(super) fn cut(batch: &Batch, most: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some((kind, seq, length)) = batch.bytes.get(at..).and_then(frame::peek) {
        let end = at + length;
        match pieces.last_mut() {
            Some(piece) if piece.part == Part::Whole && end - piece.range.start <= most => {
                piece.range.end = end;
                piece.touched = piece.touched.max(seq);
                piece.whole.push((kind, seq));
            }
            _ if length <= most => {
                pieces.push(Piece { part: Part::Whole, range: at..end, touched: seq, whole: vec![(kind, seq)] });
            }
            _ => {
                for from in (at..end).step_by(most) {
                    let to = end.min(from + most);
                    let (part, whole) = match (from == at, to == end) {
                        (true, _) => (Part::First, Vec::new()),
                        (_, true) => (Part::Last, vec![(kind, seq)]),
                        _ => (Part::Middle, Vec::new()),
                    };
                    pieces.push(Piece { part, range: from..to, touched: seq, whole });
                }
            }
        }
        at = end;
    }
    pieces
}

/// Puts the frames of messages together, one message after the other.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// A frame that is not whole, and the message of its last part.
    partial: Option<(Vec<u8>, Name)>,
    /// Whether a frame began yet: before, there may be parts of one that was
    /// purged.
    begun: bool,
}

impl Joiner {
    /// The frames that are whole with this message. What is not whole when
    /// another frame begins was given up by its writer.
    pub(super) fn push(&mut self, heading: &Heading, content: Bytes, stored: u64) -> Result<Vec<Frame>, Fault> {
        const LONGEST: usize = LONGEST_RECORD + FRAME_BYTES;
        let Heading { name, part, summary } = *heading;
        let partial = self.partial.take();
        if matches!(part, Part::Whole | Part::First) {
            self.begun = true;
        }
        match (part, partial) {
            (Part::Whole, _) => frames(&content),
            (Part::Fence, _) => Ok(Vec::new()),
            (Part::First, _) => {
                self.partial = Some((content.into(), name));
                Ok(Vec::new())
            }
            (Part::Middle | Part::Last, None) => {
                if self.begun || part == Part::Last && summary.last > stored {
                    return Err(Fault::Damaged("the beginning of a record is missing"));
                }
                Ok(Vec::new())
            }
            (Part::Middle | Part::Last, Some((mut bytes, before))) => {
                let next = Name { index: before.index.saturating_add(1), ..before };
                if name != next || bytes.len() + content.len() > LONGEST {
                    return Err(Fault::Damaged("a part of a record is missing"));
                }
                bytes.extend_from_slice(&content);
                if part == Part::Last {
                    return frames(&bytes);
                }
                self.partial = Some((bytes, name));
                Ok(Vec::new())
            }
        }
    }
}

fn frames(bytes: &[u8]) -> Result<Vec<Frame>, Fault> {
    let mut reader = FrameReader::new(bytes, 0, bytes.len() as u64);
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok(Next::Frame(frame)) => frames.push(frame),
            Ok(Next::End) => return Ok(frames),
            Ok(Next::Bad(reason)) => return Err(Fault::Damaged(reason)),
            Err(_) => return Err(Fault::Damaged("it breaks off in mid record")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [usize; 6] = [0, 10, 100, 3, 250, 20];

    fn batch() -> Batch {
        let mut batch = Batch::default();
        for (seq, size) in (1..).zip(SIZES) {
            frame::write(&mut batch.bytes, Kind::Record, seq, size, |out| out.resize(out.len() + size, 7));
        }
        batch
    }

    fn messages(most: usize) -> Vec<(Heading, Bytes)> {
        let batch = batch();
        let mut summary = Summary::default();
        let named = |(index, piece): (u32, Piece)| {
            assert!(piece.range.len() <= most);
            summary = piece.summary(summary, 1);
            let heading = Heading { name: Name { writer: 1, ticket: 2, index }, part: piece.part, summary };
            Heading::read(&heading.message(&batch.bytes[piece.range])).unwrap()
        };
        (0..).zip(cut(&batch, most)).map(named).collect()
    }

    fn join(messages: &[(Heading, Bytes)], stored: u64) -> Result<Vec<u64>, Fault> {
        let mut joiner = Joiner::default();
        let mut numbers = Vec::new();
        for (heading, content) in messages {
            let frames = joiner.push(heading, content.clone(), stored)?;
            numbers.extend(frames.iter().map(|frame| frame.seq));
            assert!(frames.last().is_none_or(|frame| frame.seq == heading.summary.last));
        }
        Ok(numbers)
    }

    #[test]
    fn frames_survive_every_length_of_messages() {
        for most in 1..600 {
            let messages = messages(most);
            assert_eq!(join(&messages, 0).unwrap(), [1, 2, 3, 4, 5, 6], "{most}");
            for purged in 1..messages.len() {
                let stored = messages[purged - 1].0.summary.last;
                let left = join(&messages[purged..], stored + 1).unwrap();
                assert!((left.first().copied().unwrap_or(7)..7).eq(left), "{most} {purged}");
            }
        }
    }

    #[test]
    fn a_missing_part_is_damage() {
        let all = messages(40);
        for missing in 0..all.len() {
            let mut messages = all.clone();
            let (heading, _) = messages.remove(missing);
            let result = join(&messages, 0);
            assert_eq!(result.is_err(), matches!(heading.part, Part::First | Part::Middle), "{missing} {result:?}");
        }
    }

    #[test]
    fn what_was_given_up_is_left_out() {
        let mut messages = messages(40);
        let last = messages.iter().rposition(|(heading, _)| heading.part == Part::Last).unwrap();
        messages.remove(last);
        assert_eq!(join(&messages, 0).unwrap(), [1, 2, 3, 4, 6]);
    }

    #[test]
    fn every_damage_of_a_message_is_noticed() {
        let heading = messages(1000)[0].0;
        let whole = heading.message(b"");
        for at in 0..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 0x10;
            assert!(Heading::read(&bytes.into()).is_err(), "{at}");
            assert!(Heading::read(&whole.slice(..at)).is_err(), "{at}");
        }
    }
}
