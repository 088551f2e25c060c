//! How many instances run at a time, and how they are told to end.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The most instances that anybody can ask for: each reserves gigabytes of
/// address space.
const MOST_INSTANCES: usize = 1 << 14;

/// Places for instances, which all apps of a server share.
pub(crate) struct Slots {
    permits: Arc<Semaphore>,
    most: u32,
    orders: watch::Sender<Orders>,
}

/// What instances are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// Idle instances are not needed any more.
    pub(super) close: bool,
    /// All instances must end at once.
    pub(super) kill: bool,
    /// Moves on whenever somebody waits for a place: idle instances give
    /// theirs up.
    pub(super) waiting: u64,
}

impl Slots {
    /// Places for `instances`, at least one.
    pub(crate) fn new(instances: usize) -> Self {
        let most = instances.clamp(1, MOST_INSTANCES);
        Self {
            permits: Arc::new(Semaphore::new(most)),
            most: u32::try_from(most).unwrap_or(u32::MAX),
            orders: watch::Sender::new(Orders::default()),
        }
    }

    /// A place for one instance, until it is dropped. None when there was none
    /// for `patience`.
    pub(super) async fn take(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        self.orders.send_modify(|orders| orders.waiting = orders.waiting.wrapping_add(1));
        tokio::time::timeout(patience, Arc::clone(&self.permits).acquire_owned()).await.ok()?.ok()
    }

    /// Tells idle instances to end.
    pub(super) fn close(&self) {
        self.orders.send_modify(|orders| orders.close = true);
    }

    /// Tells all instances to end.
    pub(super) fn kill(&self) {
        self.orders.send_modify(|orders| orders.kill = true);
    }

    /// Waits until no instance runs.
    pub(super) async fn idle(&self) {
        // It is never closed.
        let _ = self.permits.acquire_many(self.most).await;
    }

    /// Waits until instances must end at once.
    pub(super) async fn killed(&self) {
        wait_until(&mut self.orders.subscribe(), |orders| orders.kill).await;
    }

    /// For an instance that looks at its orders when it is polled.
    pub(super) fn listen(&self) -> Listener {
        let orders = self.orders.subscribe();
        let now = *orders.borrow();
        Listener { seen: now.waiting, now, next: Mutex::new(next(orders)) }
    }
}

type Next = Pin<Box<dyn Future<Output = watch::Receiver<Orders>> + Send>>;

fn next(mut orders: watch::Receiver<Orders>) -> Next {
    Box::pin(async move {
        if orders.changed().await.is_err() {
            // Nobody can give orders any more.
            std::future::pending::<()>().await;
        }
        orders
    })
}

/// The orders of one instance.
pub(super) struct Listener {
    /// What [`take_waiting`](Self::take_waiting) has told of.
    seen: u64,
    now: Orders,
    /// Never locked: a mutex makes it shareable.
    next: Mutex<Next>,
}

impl Listener {
    /// The newest orders; whoever polls is woken when there are others.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Orders {
        let coming = self.next.get_mut().unwrap_or_else(PoisonError::into_inner);
        while let Poll::Ready(mut orders) = coming.as_mut().poll(context) {
            self.now = *orders.borrow_and_update();
            *coming = next(orders);
        }
        self.now
    }

    /// Whether somebody began to wait for a place since the last call.
    pub(super) fn take_waiting(&mut self) -> bool {
        std::mem::replace(&mut self.seen, self.now.waiting) != self.now.waiting
    }
}

/// Waits until what is watched is as wanted. For ever, when nobody can change
/// it any more.
pub(super) async fn wait_until<T>(watched: &mut watch::Receiver<T>, is_wanted: impl FnMut(&T) -> bool) {
    // Mapped, since the guard that it gives must not live across an await.
    let came = watched.wait_for(is_wanted).await.is_ok();
    if !came {
        std::future::pending::<()>().await;
    }
}
