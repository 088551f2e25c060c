//! A network before a server of S3 that a test can spoil, request by request,
//! and that counts them.
//!
//! Requests and answers go through as they are, `Host` too: signatures hold.

mod body;
mod counts;
mod forward;
mod kind;
mod link;
mod listener;
mod plan;
mod rule;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::http::request::Parts;
use tokio::runtime::Runtime;

use body::Direction;
use listener::Listener;
use plan::Plan;

pub use counts::Counts;
pub use kind::Kind;
pub use rule::{Answer, Fault, Rule};

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    counts: Counts,
}

#[derive(Debug)]
struct Shared {
    /// The server's port.
    server: u16,
    state: Mutex<State>,
    counted: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, and says what is done to it.
    fn plan(&self, parts: &Parts, kind: Kind) -> Plan {
        let mut plan = Plan::default();
        let mut state = self.state();
        let mut spoiled = false;
        for rule in &mut state.rules {
            if rule.takes(parts, kind) {
                plan.add(rule.fault);
                spoiled |= rule.fault.spoils();
            }
        }
        let counts = &mut state.counts;
        *counts.kinds.entry(kind).or_default() += 1;
        *counts.methods.entry(parts.method.to_string()).or_default() += 1;
        counts.spoiled += u64::from(spoiled);
        drop(state);
        self.counted.notify_all();
        plan
    }

    fn carried(&self, direction: Direction, length: u64) {
        let mut state = self.state();
        match direction {
            Direction::Sent => state.counts.sent += length,
            Direction::Received => state.counts.received += length,
        }
    }
}

/// The network. It ends when this is dropped.
#[derive(Debug)]
pub struct Faults {
    shared: Arc<Shared>,
    listener: Mutex<Listener>,
    port: u16,
    runtime: Option<Runtime>,
}

impl Faults {
    /// One to a server's endpoint, `http://127.0.0.1:…`.
    ///
    /// # Panics
    /// Where that names no port, or no port is left.
    #[must_use]
    pub fn to(endpoint: &str) -> Self {
        let server = endpoint.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Arc::new(Shared { server, state: Mutex::default(), counted: Condvar::new() });
        let mut listener = Listener::new(&shared, runtime.handle());
        listener.up();
        let port = listener.port();
        Self { shared, listener: Mutex::new(listener), port, runtime: Some(runtime) }
    }

    /// What clients connect to.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds a rule. All that a request matches are applied to it.
    pub fn set(&self, rule: Rule) {
        self.shared.state().rules.push(rule);
    }

    /// Removes all rules. What they have stalled stays so.
    pub fn clear(&self) {
        self.shared.state().rules.clear();
    }

    /// Resets all connections, and refuses new ones.
    ///
    /// # Panics
    /// Where another has taken the port in between.
    pub fn down(&self) {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).down();
    }

    /// After [`down`](Self::down), on the same port.
    ///
    /// # Panics
    /// Where that can't be listened on.
    pub fn up(&self) {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).up();
    }

    /// Since it began, or since [`reset_counts`](Self::reset_counts).
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.state().counts.clone()
    }

    /// Begins to count anew; gives what was counted.
    #[must_use]
    pub fn take_counts(&self) -> Counts {
        std::mem::take(&mut self.shared.state().counts)
    }

    /// Begins to count anew.
    pub fn reset_counts(&self) {
        drop(self.take_counts());
    }

    /// Waits for requests to come, as the counts show them: a stalled one, for
    /// example. Whether they came in time.
    #[must_use]
    pub fn wait_for(&self, patience: Duration, come: impl Fn(&Counts) -> bool) -> bool {
        let waited =
            self.shared.counted.wait_timeout_while(self.shared.state(), patience, |state| !come(&state.counts));
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        !timeout.timed_out()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A test may drop it in async code, which must not wait.
            runtime.shutdown_background();
        }
    }
}
