//! What is known of a volume in a bucket, for people and for programs.

use std::path::PathBuf;

use larder_s3::{Status, UnderWay};
use serde::Serialize;

use crate::output::printable;
use crate::units::format_size;

/// A process that has a volume open writes its status every 10 seconds or more
/// often: one that is older than this was left behind by a crash.
const FRESH_SECONDS: u64 = 30;

/// What is known.
pub(super) struct Report {
    /// `s3://BUCKET/PREFIX`.
    pub(super) volume: String,
    /// Where a process on this host has its state.
    pub(super) state: Option<PathBuf>,
    /// What the last one wrote there.
    pub(super) status: Option<Status>,
    /// Of the journal's files there; none where there is no journal.
    pub(super) journal_bytes: Option<u64>,
    pub(super) bucket: Option<UnderWay>,
    /// Why the bucket could not be asked.
    pub(super) trouble: Option<String>,
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    volume: &'a str,
    state_directory: Option<&'a PathBuf>,
    /// Whether a process on this host has it open to change it.
    open: bool,
    status: Option<&'a Status>,
    journal_file_bytes: Option<u64>,
    bucket: Option<&'a UnderWay>,
    trouble: Option<&'a str>,
}

impl Report {
    pub(super) fn json(&self, now: u64) -> Json<'_> {
        Json {
            volume: &self.volume,
            state_directory: self.state.as_ref(),
            open: self.open(now).is_some(),
            status: self.status.as_ref(),
            journal_file_bytes: self.journal_bytes,
            bucket: self.bucket.as_ref(),
            trouble: self.trouble.as_deref(),
        }
    }

    /// The status of a process that has it open.
    fn open(&self, now: u64) -> Option<&Status> {
        let status = self.status.as_ref()?;
        (status.state != "closed" && now.saturating_sub(status.written) <= FRESH_SECONDS).then_some(status)
    }

    /// For people.
    pub(super) fn lines(&self, now: u64) -> Vec<String> {
        let mut lines = vec![row("Volume", &self.volume)];
        match (self.open(now), &self.status) {
            (Some(status), _) => open(&mut lines, status, now),
            (None, Some(status)) => {
                let ago = ago(now, status.written);
                let (process, waits) = (status.process, waiting(status));
                lines.push(row(
                    "State",
                    &match status.state.as_str() {
                        "closed" if waits == 0 => format!("closed {ago}, with all changes in the bucket"),
                        "closed" => format!("closed {ago}, without {waits} changes in the bucket"),
                        _ => format!(
                            "no process has it open; process {process} ended without closing it, {ago} or later"
                        ),
                    },
                ));
            }
            (None, None) => lines.push(row("State", "no process of this user on this host has it open, or had")),
        }
        if let (Some(bytes), None) = (self.journal_bytes, self.open(now)) {
            let is_empty = self.status.as_ref().is_some_and(|status| status.state == "closed" && waiting(status) == 0);
            let what = if is_empty { "" } else { "; what the bucket does not have is done again at the next opening" };
            lines.push(row("Journal", &format!("{} in files{what}", format_size(bytes))));
        }
        if let Some(state) = &self.state {
            lines.push(row("Files", &state.display().to_string()));
        }
        if let Some(bucket) = &self.bucket {
            lines.push(row("Bucket", &under_way(bucket, now)));
        }
        if let Some(trouble) = &self.trouble {
            lines.push(row("Bucket", trouble));
        }
        if let Some(status) = &self.status {
            details(&mut lines, "Conflicts", &status.conflict_reports, status.conflicts);
            details(&mut lines, "Left alone", &status.foreign_keys, status.foreign);
        }
        lines
    }
}

/// Changes that the bucket does not have.
const fn waiting(status: &Status) -> u64 {
    status.recorded.saturating_sub(status.stored)
}

fn row(name: &str, value: &str) -> String {
    format!("{name:<10}  {}", printable(value))
}

fn open(lines: &mut Vec<String>, status: &Status, now: u64) {
    let waits = waiting(status);
    lines.push(row("State", &format!("{}, process {}, {}", status.state, status.process, ago(now, status.written))));
    if let Some(trouble) = &status.trouble {
        lines.push(row("Trouble", &format!("{trouble} ({} times)", status.failures)));
    }
    lines.push(row(
        "Tree",
        &format!(
            "{} directories and {} objects listed, {} directories not yet",
            status.listed_directories, status.listed_objects, status.unlisted_directories
        ),
    ));
    lines.push(row(
        "Changes",
        &format!("{} in the bucket, {waits} wait with {} of contents", status.stored, format_size(status.dirty_bytes)),
    ));
    if status.journal_bytes > 0 {
        lines.push(row("Journal", &format_size(status.journal_bytes)));
    }
    lines.push(row(
        "Memory",
        &format!(
            "{} of contents that the bucket has, {} dropped until now",
            format_size(status.clean_bytes),
            format_size(status.evicted_bytes)
        ),
    ));
    lines.push(row("Others", &format!("{} changes of other clients taken over", status.external_changes)));
    let requests: Vec<String> = status
        .requests
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(operation, count)| format!("{count} {operation}"))
        .collect();
    let requests = if requests.is_empty() { "none".to_owned() } else { requests.join(", ") };
    lines.push(row("Requests", &requests));
    lines.push(row(
        "Traffic",
        &format!("{} up, {} down", format_size(status.uploaded_bytes), format_size(status.downloaded_bytes)),
    ));
}

fn under_way(bucket: &UnderWay, now: u64) -> String {
    let groups = match bucket.groups {
        0 => "no group of changes is unfinished".to_owned(),
        1 => "1 group of changes is under way, or to be finished at the next opening".to_owned(),
        groups => format!("{groups} groups of changes are under way, or to be finished at the next opening"),
    };
    match (bucket.uploads, bucket.oldest_upload) {
        (0, _) => groups,
        (uploads, Some(oldest)) => {
            format!("{groups}; {uploads} uploads in parts, the oldest begun {}", ago(now, oldest))
        }
        (uploads, None) => format!("{groups}; {uploads} uploads in parts"),
    }
}

/// Sentences of which only the newest are kept.
fn details(lines: &mut Vec<String>, name: &str, sentences: &[String], all: u64) {
    if all == 0 {
        return;
    }
    lines.push(row(name, &all.to_string()));
    lines.extend(sentences.iter().map(|sentence| format!("  {}", printable(sentence))));
    let more = all.saturating_sub(u64::try_from(sentences.len()).unwrap_or(u64::MAX));
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
}

fn ago(now: u64, then: u64) -> String {
    match now.saturating_sub(then) {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7_200 => format!("{} min ago", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let status = Status {
            process: 7,
            written: 1_000,
            state: "ready".to_owned(),
            recorded: 12,
            stored: 10,
            dirty_bytes: 2_048,
            conflicts: 2,
            conflict_reports: vec!["a\x1b[2J was changed by another".to_owned()],
            requests: vec![("PutObject".to_owned(), 3), ("CopyObject".to_owned(), 0)],
            ..Status::default()
        };
        Report {
            volume: "s3://data/a".to_owned(),
            state: Some("/state".into()),
            status: Some(status),
            journal_bytes: Some(4_096),
            bucket: Some(UnderWay { groups: 1, uploads: 2, oldest_upload: Some(400) }),
            trouble: None,
        }
    }

    fn text(report: &Report, now: u64) -> String {
        report.lines(now).join("\n")
    }

    #[test]
    fn an_open_volume_is_told_of() {
        let told = text(&report(), 1_002);
        for line in [
            "State       ready, process 7, 2 s ago",
            "Changes     10 in the bucket, 2 wait with 2.0 KiB of contents",
            "Requests    3 PutObject\n",
            "Files       /state",
            "Bucket      1 group of changes is under way, or to be finished at the next opening; 2 uploads in parts, the \
             oldest begun 10 min ago",
            "Conflicts   2\n  a\\u{1b}[2J was changed by another\n  and 1 more",
        ] {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
        let json = serde_json::to_value(report().json(1_002)).unwrap();
        assert_eq!(json.pointer("/open"), Some(&true.into()));
        assert_eq!(json.pointer("/status/stored"), Some(&10.into()));
        assert_eq!(json.pointer("/bucket/uploads"), Some(&2.into()));
    }

    #[test]
    fn what_a_crash_left_is_no_open_volume() {
        let mut report = report();
        let told = text(&report, 1_031);
        assert!(told.contains("process 7 ended without closing it, 31 s ago or later"), "{told}");
        assert!(told.contains("Journal     4.0 KiB in files"), "{told}");
        assert!(!told.contains("Requests"), "{told}");
        for (stored, says) in [(12, "with all changes in the bucket"), (10, "without 2 changes")] {
            report.status.iter_mut().for_each(|status| (status.state, status.stored) = ("closed".to_owned(), stored));
            let told = text(&report, 1_001);
            assert!(told.contains("closed 1 s ago") && told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_volume_that_nobody_had_open_and_a_bucket_that_does_not_answer() {
        let nothing = Report {
            volume: "s3://data".to_owned(),
            state: None,
            status: None,
            journal_bytes: None,
            bucket: None,
            trouble: Some("refused".to_owned()),
        };
        let told = text(&nothing, 0);
        assert!(told.contains("no process") && told.contains("Bucket      refused"), "{told}");
        let json = serde_json::to_value(nothing.json(0)).unwrap();
        assert_eq!((json.pointer("/open"), json.pointer("/trouble")), (Some(&false.into()), Some(&"refused".into())));
    }
}
