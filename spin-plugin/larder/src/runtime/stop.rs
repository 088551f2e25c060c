//! Signals: the first stops the guests, so that volumes are saved; the second
//! reminds of that; the third ends the process at once, unless several may be
//! meant as one.

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
            crate::notice(
                "still stopping and saving; a third signal ends larder at once and keeps the volume files as they were before",
            );
            let third = signals.next().await;
            process::exit(i32::from(third.exit_code()));
        });
        Self { receiver }
    }

    /// Stops with the first signal, or when `other` ends: whatever started this
    /// process is gone. Further signals change nothing: `spin up` sends
    /// several for one Ctrl-C, and none of them is to keep volumes from being
    /// saved. Call it as [`on_signals`](Self::on_signals).
    pub(crate) fn on_first_signal(other: impl Future<Output = ()> + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let mut signals =
                Signals::listen().inspect_err(|error| tracing::error!("cannot listen for signals: {error}"));
            let signal = async {
                match &mut signals {
                    Ok(signals) => signals.next().await,
                    Err(_) => std::future::pending().await,
                }
            };
            let first = tokio::select! {
                signal = signal => signal,
                () = other => Signal::HangUp,
            };
            sender.send_replace(Some(first));
            // Listening goes on: without it, the next one would end the process.
            sender.closed().await;
            drop(signals);
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
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Absent when hang-ups are to be ignored.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // `nohup` has hang-ups ignored: whoever asked for that means it.
        let hang_up = if is_hang_up_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            () = received(self.hang_up.as_mut()) => Signal::HangUp,
        }
    }
}

#[cfg(unix)]
async fn received(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the process was started with `SIGHUP` ignored. Linux tells without a
/// call that would need `unsafe`; elsewhere it is taken for not ignored.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // One bit for each signal, the lowest for the first, which is SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
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
