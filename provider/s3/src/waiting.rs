//! Waiting for the bucket inside of an operation.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Waits, for what takes as long as a request or longer. A worker of a Tokio
/// runtime hands its other tasks over first: they would wait too, and with as
/// many operations as workers nobody would go on, signals not even noticed.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn other_tasks_of_one_worker_go_on() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (answer, answered) = sync_channel(1);
        let waits = runtime.spawn(async move {
            tokio::spawn(async move { answer.send(()) });
            waiting(|| answered.recv())
        });
        runtime.block_on(waits).unwrap().unwrap();
        // Where there is no other task, nothing is handed over.
        waiting(|| ());
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { waiting(|| ()) });
    }
}
