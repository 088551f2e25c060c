//! Noticing that the host is gone. A host that is killed does not take its
//! providers along: this one would go on answering beside the one that a new
//! host starts.

use std::os::unix::process::parent_id;
use std::time::Duration;

/// How often the parent is looked at: for so long two providers can answer.
const INTERVAL: Duration = Duration::from_millis(500);

/// Returns once the process that started this one has ended.
pub(crate) async fn orphaned() {
    let parent = parent_id();
    let mut interval = tokio::time::interval(INTERVAL);
    while parent_id() == parent {
        interval.tick().await;
    }
}
