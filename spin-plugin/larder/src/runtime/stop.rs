//! Signals: the first stops the guests, so that volumes are saved; the second
//! reminds of that; the third ends the process at once.

use std::process;

use tokio::sync::watch;

use crate::exit::SIGNAL_BASE;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`: the terminal is gone.
    HangUp,
}

impl Signal {
    /// What the process answers when a signal ended it.
    pub(crate) fn exit_code(self) -> u8 {
        SIGNAL_BASE
            + match self {
                Self::HangUp => 1,
                Self::Interrupt => 2,
                Self::Terminate => 15,
            }
    }
}

/// Tells all who wait that the process is to stop.
#[derive(Clone)]
pub(crate) struct Stop {
    receiver: watch::Receiver<Option<Signal>>,
}

impl Stop {
    /// Begins to listen for signals. Call it within a Tokio runtime, just before
    /// the first guest runs: until then there is nothing to save, and a signal
    /// ends the process at once, as it should.
    pub(crate) fn on_signals() -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let mut signals = match Signals::listen() {
                Ok(signals) => signals,
                Err(error) => {
                    tracing::error!("cannot listen for signals: {error}");
                    // Kept open: a closed channel would read as a stop.
                    return sender.closed().await;
                }
            };
            let first = signals.next().await;
            sender.send_replace(Some(first));
            signals.next().await;
            crate::notice("still stopping and saving; a third signal ends larder at once and keeps the volume files as they were before");
            let third = signals.next().await;
            process::exit(i32::from(third.exit_code()));
        });
        Self { receiver }
    }

    /// Waits for the first signal.
    pub(crate) async fn requested(&self) -> Signal {
        let mut receiver = self.receiver.clone();
        // Copied, since the guard that it gives must not live across an await.
        let signal = receiver.wait_for(Option::is_some).await.map(|signal| *signal);
        match signal {
            Ok(signal) => signal.unwrap_or(Signal::Terminate),
            // Without a sender no signal can come any more.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored_signals();
        let listen = |kind: SignalKind| {
            // `nohup` and shells that start a job in the background have
            // signals ignored: whoever asked for that means it.
            let number = u32::try_from(kind.as_raw_value()).unwrap_or_default();
            let is_ignored = ignored.checked_shr(number.wrapping_sub(1)).unwrap_or_default() & 1 == 1;
            if is_ignored { Ok(None) } else { signal(kind).map(Some) }
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            () = received(&mut self.interrupt) => Signal::Interrupt,
            () = received(&mut self.terminate) => Signal::Terminate,
            () = received(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The signals that the process was started with as ignored, one bit each.
/// Linux tells them without a call that would need `unsafe`; elsewhere none is
/// taken for ignored.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        Signal::Interrupt
    }
}
