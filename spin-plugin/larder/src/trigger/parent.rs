//! The end of whatever started this process. `spin up` that is killed leaves
//! its trigger behind, and a trigger that goes on would keep its volumes from
//! the next one.

use std::time::Duration;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_millis(250);

/// Who started this process, and who started them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ancestors {
    parent: u32,
    /// Only where it is the same program: `spin up` starts `spin
    /// trigger-larder`, which starts this. Whoever started something else may
    /// end as it likes.
    grandparent: Option<u32>,
}

/// Waits until whoever started this process is gone. For ever, where the system
/// does not tell.
pub(super) async fn gone() {
    let Some(at_start) = Ancestors::now() else { return std::future::pending().await };
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(now) = Ancestors::now() else { continue };
        let same_above =
            at_start.grandparent.is_none_or(|above| status(at_start.parent).is_some_and(|of| of.parent == above));
        if now.parent != at_start.parent || !same_above {
            return;
        }
    }
}

impl Ancestors {
    #[cfg(unix)]
    fn now() -> Option<Self> {
        let parent = std::os::unix::process::parent_id();
        let of_parent = status(parent);
        let grandparent = of_parent.and_then(|of_parent| {
            let above = status(of_parent.parent)?;
            (above.name == of_parent.name).then_some(of_parent.parent)
        });
        Some(Self { parent, grandparent })
    }

    #[cfg(not(unix))]
    fn now() -> Option<Self> {
        None
    }
}

/// A process, as Linux tells of it.
struct Status {
    name: String,
    parent: u32,
}

/// None where there is no such process, or no `/proc`.
fn status(process: u32) -> Option<Status> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    parse(&text)
}

/// `PID (NAME) STATE PPID …`; the name may have spaces and parentheses.
fn parse(text: &str) -> Option<Status> {
    let (before, after) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let parent = after.split_whitespace().nth(1)?.parse().ok()?;
    Some(Status { name: name.to_owned(), parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_anything() {
        let status = parse("12 (a) b (c)) S 7 12 12 0").unwrap();
        assert_eq!((status.name.as_str(), status.parent), ("a) b (c)", 7));
        assert!(parse("nothing").is_none());
    }
}
