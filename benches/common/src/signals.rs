//! What a signal does.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Calls `end` whenever somebody tells this process to end, instead of ending
/// it: what it started and mounted has to end first.
///
/// # Errors
/// When signals cannot be waited for.
pub fn on_signals(end: impl Fn() + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                end();
            }
        });
    });
    Ok(())
}
