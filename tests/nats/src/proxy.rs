//! A network between a client and the NATS server that a test can slow down,
//! stall and cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that are brought on at a time.
const PIECE: usize = 16 << 10;

#[derive(Debug, Default)]
struct State {
    /// Nothing that clients send is brought on; it waits.
    stalled: bool,
    /// The same for what is sent to them.
    stalled_back: bool,
    /// Nobody gets in.
    closed: bool,
    /// The listener, too, is to end.
    over: bool,
    /// How long each piece takes.
    delay: Duration,
    /// Both sides of each connection.
    connections: Vec<TcpStream>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network. It ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

impl Proxy {
    /// One to a port of this machine.
    ///
    /// # Panics
    /// Where no port is left.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if own.state().over {
                    break;
                }
                accept(&own, near, port);
            }
        });
        Self { shared, port: own_port }
    }

    /// The port that clients connect to, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on nothing comes through, in either direction; connections
    /// stay, and new ones are accepted.
    pub fn stall(&self) {
        self.change(|state| (state.stalled, state.stalled_back) = (true, true));
    }

    /// The same for what clients send alone.
    pub fn stall_clients(&self) {
        self.change(|state| state.stalled = true);
    }

    /// From now on all comes through, what waited first.
    pub fn heal(&self) {
        self.change(|state| {
            (state.stalled, state.stalled_back) = (false, false);
            state.closed = false;
            state.delay = Duration::ZERO;
        });
    }

    /// From now on each 16 KiB, or less, takes this long in each direction.
    pub fn slow(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// Ends all connections; what waited is lost. New ones are ended at once
    /// until it [heals](Self::heal).
    pub fn cut(&self) {
        self.change(|state| {
            state.closed = true;
            end(&mut state.connections);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state());
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.change(|state| state.over = true);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn end(connections: &mut Vec<TcpStream>) {
    for connection in connections.drain(..) {
        let _ = connection.shutdown(Shutdown::Both);
    }
}

fn accept(shared: &Arc<Shared>, near: TcpStream, port: u16) {
    let mut state = shared.state();
    if state.closed {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { return };
    let both = [near.try_clone(), far.try_clone()];
    state.connections.extend(both.into_iter().flatten());
    drop(state);
    for (from, to, back) in [(near, far, false), (far_too, near_too, true)] {
        let _ = (from.set_nodelay(true), to.set_nodelay(true));
        let shared = Arc::clone(shared);
        std::thread::spawn(move || carry(&shared, from, to, back));
    }
}

fn carry(shared: &Shared, mut from: TcpStream, mut to: TcpStream, back: bool) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let state = shared.state();
        let state = shared.changed.wait_while(state, |state| {
            let stalled = if back { state.stalled_back } else { state.stalled };
            stalled && !state.closed
        });
        let delay = state.unwrap_or_else(PoisonError::into_inner).delay;
        std::thread::sleep(delay);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
