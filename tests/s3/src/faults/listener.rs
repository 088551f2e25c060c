//! The port that clients connect to: listened on, or held so that nobody else
//! gets it while connections are refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Shared, forward};

/// Waiting connections.
const BACKLOG: u32 = 1024;

#[derive(Debug)]
enum State {
    /// The port is held. Linux refuses who connects to it.
    Down(TcpSocket),
    /// It is accepted on, by a task that ends when the sender is dropped, as
    /// the receiver tells.
    Up(oneshot::Sender<()>, mpsc::Receiver<()>),
}

#[derive(Debug)]
pub(super) struct Listener {
    shared: Arc<Shared>,
    handle: Handle,
    address: SocketAddr,
    state: Option<State>,
}

impl Listener {
    /// One that refuses.
    pub(super) fn new(shared: &Arc<Shared>, handle: &Handle) -> Self {
        let socket = bound((Ipv4Addr::LOCALHOST, 0).into());
        let address = socket.local_addr().unwrap();
        Self { shared: Arc::clone(shared), handle: handle.clone(), address, state: Some(State::Down(socket)) }
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn up(&mut self) {
        self.state = match self.state.take() {
            Some(State::Down(socket)) => {
                let _in_runtime = self.handle.enter();
                let listener = socket.listen(BACKLOG).unwrap();
                let (over, ends) = oneshot::channel();
                let (ended, end) = mpsc::channel();
                self.handle.spawn(accept(Arc::clone(&self.shared), listener, ends, ended));
                Some(State::Up(over, end))
            }
            other => other,
        };
    }

    pub(super) fn down(&mut self) {
        self.state = match self.state.take() {
            Some(State::Up(over, end)) => {
                drop(over);
                // Its listener and its connections are closed then.
                let _ = end.recv();
                Some(State::Down(bound(self.address)))
            }
            other => other,
        };
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// `_ended` is dropped last.
async fn accept(shared: Arc<Shared>, listener: TcpListener, mut ends: oneshot::Receiver<()>, _ended: mpsc::Sender<()>) {
    let down = Arc::new(AtomicBool::new(false));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(forward::connection(Arc::clone(&shared), stream, Arc::clone(&down)));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut ends => break,
        }
    }
    drop(listener);
    down.store(true, Ordering::SeqCst);
    connections.shutdown().await;
}
