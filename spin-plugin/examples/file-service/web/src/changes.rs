//! What changes in a directory, as Server-Sent Events (the HTML standard,
//! section 9.2), whoever changes it: other requests, other components, the host.
//!
//! | Event | Data |
//! |---|---|
//! | `ready` | nothing: a client that lists the directory now misses nothing |
//! | `change` | `{"change": "added" or "changed" or "removed", "entry": …}` |
//! | `summary` | the indexer's summary of all files |
//! | `gone` | nothing: the directory is not there any more |

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::unfold;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use spin_sdk::http::box_body;
use spin_sdk::time::sleep;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::listing::{self, Entry};
use crate::place::{Place, ROOT};

/// How often the directory is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long a stream may be silent: a client that has gone away is found out
/// by writing to it.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a stream lasts; then the browser opens the next. Guards the host
/// from streams that nobody reads.
const LONGEST: Duration = Duration::from_secs(300);

/// What the indexer writes, in the root.
const SUMMARY: &str = ".index.json";

/// Most bytes of the summary.
const MOST_SUMMARY_BYTES: u64 = 64 << 10;

/// A directory at one moment.
type Seen = BTreeMap<String, Entry>;

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change<'a> {
    change: &'static str,
    entry: &'a Entry,
}

pub fn get(place: Place) -> Result<Answer, Failure> {
    let watch =
        Watch { seen: look(&place)?, place, summary: String::new(), begun: Instant::now(), events: READY.into() };
    let events = unfold(Some(watch), |watch| async move {
        let (events, watch) = watch?.next().await?;
        Some((anyhow::Ok(Frame::data(Bytes::from(events))), watch))
    });
    let mut answer = answer::content(200, "text/event-stream", "");
    *answer.body_mut() = box_body(StreamBody::new(events));
    answer.headers_mut().remove("content-length");
    answer::set(&mut answer, "cache-control", "no-store");
    Ok(answer)
}

/// The first event, and how soon a browser opens the next stream.
const READY: &str = "retry: 1000\nevent: ready\ndata:\n\n";

struct Watch {
    place: Place,
    seen: Seen,
    summary: String,
    begun: Instant,
    /// What is to be sent first.
    events: String,
}

impl Watch {
    /// Waits for what is to be sent, and goes on from there; none at the end.
    async fn next(mut self) -> Option<(String, Option<Self>)> {
        let mut silent = Instant::now();
        while self.begun.elapsed() < LONGEST {
            if !self.events.is_empty() {
                return Some((std::mem::take(&mut self.events), Some(self)));
            }
            if silent.elapsed() >= SILENCE {
                silent = Instant::now();
                self.events.push_str(":\n\n");
                continue;
            }
            sleep(INTERVAL).await;
            match look(&self.place) {
                Ok(now) => {
                    self.tell(&now);
                    self.seen = now;
                }
                Err(_) => return Some(("event: gone\ndata:\n\n".into(), None)),
            }
        }
        None
    }

    fn tell(&mut self, now: &Seen) {
        for change in changes(&self.seen, now) {
            event(&mut self.events, "change", &change);
        }
        let summary = summary(&Path::new(ROOT).join(SUMMARY)).unwrap_or_default();
        if summary != self.summary {
            if !summary.is_empty() {
                let _ = write!(self.events, "event: summary\ndata: {summary}\n\n");
            }
            self.summary = summary;
        }
    }
}

fn look(place: &Place) -> std::io::Result<Seen> {
    let listing = listing::read(&place.path())?;
    Ok(listing.entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect())
}

fn changes<'a>(before: &'a Seen, now: &'a Seen) -> Vec<Change<'a>> {
    let removed = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let removed = removed.map(|(_, entry)| Change { change: "removed", entry });
    let others = now.iter().filter_map(|(name, entry)| match before.get(name) {
        None => Some(Change { change: "added", entry }),
        Some(before) if before != entry => Some(Change { change: "changed", entry }),
        Some(_) => None,
    });
    removed.chain(others).collect()
}

/// Data is one line: JSON has no line breaks of its own.
fn event(events: &mut String, name: &str, data: &impl Serialize) {
    if let Ok(json) = serde_json::to_string(data) {
        let _ = write!(events, "event: {name}\ndata: {json}\n\n");
    }
}

/// The summary in one line, where there is one that can be read.
fn summary(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST_SUMMARY_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Kind;

    fn seen(entries: &[(&str, u64)]) -> Seen {
        let entry = |name: &str, bytes| Entry { name: name.into(), kind: Kind::File, media: "", bytes, modified: 0 };
        entries.iter().map(|(name, bytes)| ((*name).to_owned(), entry(name, *bytes))).collect()
    }

    #[test]
    fn each_entry_is_told_once() {
        let (before, now) = (seen(&[("a", 1), ("b", 1), ("c", 1)]), seen(&[("b", 2), ("c", 1), ("d", 1)]));
        let told: Vec<_> = changes(&before, &now).iter().map(|change| (change.change, change.entry.bytes)).collect();
        assert_eq!(told, [("removed", 1), ("changed", 2), ("added", 1)]);
        assert!(changes(&now, &now).is_empty());
    }

    #[test]
    fn an_event_is_three_lines() {
        let (mut events, now) = (String::new(), seen(&[("a\nb", 1)]));
        event(&mut events, "change", &changes(&Seen::new(), &now)[0]);
        assert_eq!(events.lines().count(), 3);
        assert!(events.starts_with("event: change\ndata: {\"change\":\"added\",") && events.ends_with("}\n\n"));
    }
}
