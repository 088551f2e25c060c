//! Opens the stream, finds out what it holds, and takes it over.

use std::sync::Arc;

use async_nats::jetstream::stream::State;

use super::line::Line;
use super::message::{Heading, Name, OVERHEAD_BYTES, Part, Summary};
use super::records::{Frames, NatsRecords, fault_at};
use super::sink::NatsSink;
use super::stream::{Journal, Wanted};
use super::{NatsOptions, message};
use crate::frame::Kind;
use crate::queue::Queue;
use crate::{Begun, Error, Records, Recovered, Result};

/// Attempts to take the stream over while others do the same.
const ATTEMPTS: u32 = 10;
/// The largest message; bounds the memory of a window. NATS's default.
const LARGEST_MESSAGE: usize = 1 << 20;
/// The least that a server has to take.
const SMALLEST_MESSAGE: usize = 2 * OVERHEAD_BYTES;

pub(super) fn open(options: NatsOptions) -> Result<(NatsSink, Recovered)> {
    let line = Arc::new(Line::new(options.deadline, format!("JetStream stream {}", options.stream))?);
    let wanted = Wanted::new(&options, &line);
    let NatsOptions { server, connect, identity, bounds, .. } = options;
    let client = line.connect(server, connect)?;
    let largest = client.server_info().max_payload.min(LARGEST_MESSAGE);
    if largest < SMALLEST_MESSAGE {
        let reason = format!("the server takes messages of {largest} bytes, fewer than {SMALLEST_MESSAGE}");
        return Err(line.failed("use", reason));
    }
    let deadline = line.deadline();
    let journal = line.run("open", async move { Journal::open(client, wanted, deadline).await })?;
    for _ in 0..ATTEMPTS {
        let writer = getrandom::u64().map_err(|error| line.failed("draw a number for", error.to_string()))?;
        let state = fence(&line, &journal, writer)?;
        let summary = summary(&line, &journal, &state)?;
        let kept = (state.last_sequence, state.bytes);
        let most = largest - OVERHEAD_BYTES;
        let mut sink = NatsSink::new(Arc::clone(&line), journal.clone(), writer, most, bounds, kept, summary);
        if sink.take_over(&opening(&identity, summary.last))? {
            let recovered = recovered(&line, &journal, &state, summary)?;
            return Ok((sink, recovered));
        }
    }
    Err(Error::Locked { place: line.place().to_owned() })
}

/// Puts a message behind those of a writer that may still be there: it gets no
/// further, as it does not know of this one.
fn fence(line: &Line, journal: &Journal, writer: u64) -> Result<State> {
    let name = Name { writer, ticket: 0, index: 0 };
    let fence = Heading { name, part: Part::Fence, summary: Summary::default() }.message(&[]);
    let journal = journal.clone();
    line.run("take over", async move {
        journal.fence(fence).await?;
        Ok(journal.info().await?.state)
    })
}

/// A message that says nothing but that there is another writer.
fn opening(identity: &str, last: u64) -> crate::queue::Batch {
    let mut queue = Queue::default();
    queue.push_marker(Kind::Head, last, identity.as_bytes());
    queue.take().pop().unwrap_or_default()
}

/// What the journal holds: the last message that is no fence says it.
fn summary(line: &Arc<Line>, journal: &Journal, state: &State) -> Result<Summary> {
    let (first, last) = (state.first_sequence, state.last_sequence);
    let damaged = |reason| fault_at(line.place(), first, message::Fault::Damaged(reason));
    // None is ever removed in the middle.
    if state.messages.checked_add(first) != last.checked_add(1) {
        return Err(damaged("messages are missing"));
    }
    for number in (first..=last).rev() {
        let journal = journal.clone();
        let stored = line.run("read", async move { journal.read_one(number).await })?;
        let (heading, _) = Heading::read(&stored.payload).map_err(|fault| fault_at(line.place(), number, fault))?;
        if heading.part != Part::Fence {
            return Ok(heading.summary);
        }
    }
    // The last one that is not is never purged.
    if first > 1 { Err(damaged("messages are missing")) } else { Ok(Summary::default()) }
}

fn recovered(line: &Arc<Line>, journal: &Journal, state: &State, summary: Summary) -> Result<Recovered> {
    let Summary { last, stored, begun } = summary;
    let frames = |from: u64, to: u64| Frames::new(Arc::clone(line), journal.clone(), from..=to, stored);
    let begun = match begun {
        None => None,
        Some((up_to, from)) => {
            let mut frames = frames(from, state.last_sequence);
            loop {
                match frames.next()? {
                    Some((_, frame)) if frame.kind == Kind::Begin && frame.seq == up_to => {
                        break Some(Begun { up_to, group: frame.body.to_vec() });
                    }
                    Some(_) => {}
                    None => {
                        let fault = message::Fault::Damaged("the group that was begun is missing");
                        return Err(fault_at(line.place(), from, fault));
                    }
                }
            }
        }
    };
    let (first, to) = (state.first_sequence.max(1), state.last_sequence);
    let records = Records::new(NatsRecords::new(frames(first, to), stored));
    Ok(Recovered { id: journal.id(), stored, begun, records, last, cut: None })
}
