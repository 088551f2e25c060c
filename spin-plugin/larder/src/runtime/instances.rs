//! Instances of one app that answer requests: several one after another, and
//! where the app can (`wasi:http` 0.3), several at a time.
//!
//! An instance lives as long as it is of use: until it has had its number of
//! requests, is idle for too long, is in the way of another app's, or has to
//! end. What a guest keeps in its memory may be gone with any request.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use hyper::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, InstantiationError, ProxyHandler, ProxyPre, ShouldAccept, TrapOrPanicError,
    WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p2, p3};

use super::app::{App, Http};
use super::command::describe_trap;
use super::engine::Runtime;
use super::host::{GuestSetup, Host};
use super::http::Failure;
use super::origin::Origin;
use super::slots::{Listener, Slots};

/// The most requests that one instance can be asked to answer, one after
/// another and at a time. Guards what is kept for each.
const MOST_REUSES: usize = 1 << 16;

/// An instance that computes without a pause is not asked whether its time has
/// passed; so long after that it is stopped from outside, and so is one whose
/// guest goes on after its request was given up.
const SLACK: Duration = Duration::from_secs(1);

/// How instances of one app live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstanceLimits {
    /// Until the head of a response, waiting for an instance included.
    pub(crate) request_timeout: Duration,
    /// From there to the end of its body, and of what the guest does after it.
    pub(crate) response_timeout: Duration,
    /// Without a request.
    pub(crate) idle: Duration,
    /// Requests of one instance. One of `wasi:http` 0.2 has a single one.
    pub(crate) requests: usize,
    /// At a time.
    pub(crate) concurrent: usize,
}

/// Answers requests with instances of one app.
pub(crate) struct Instances {
    handler: ProxyHandler<Maker>,
    limits: InstanceLimits,
}

impl Instances {
    /// Instances of `app`, called `name` in messages, in places of `slots`.
    ///
    /// # Errors
    /// When the app does not serve HTTP.
    pub(crate) fn new(
        name: &str,
        runtime: &Arc<Runtime>,
        app: &App,
        setup: GuestSetup,
        slots: &Arc<Slots>,
        limits: InstanceLimits,
    ) -> Result<Self> {
        let (app, limits) = match app.as_http()? {
            Http::P2(pre) => {
                let pre = p2::bindings::ProxyPre::new(pre).map_err(|error| anyhow!("{error:#}"))?;
                (ProxyPre::P2(pre), InstanceLimits { requests: 1, concurrent: 1, ..limits })
            }
            Http::P3(pre) => {
                let pre = p3::bindings::ServicePre::new(pre).map_err(|error| anyhow!("{error:#}"))?;
                (ProxyPre::P3(pre), limits)
            }
        };
        let limits = InstanceLimits {
            requests: limits.requests.clamp(1, MOST_REUSES),
            concurrent: limits.concurrent.clamp(1, MOST_REUSES),
            ..limits
        };
        let maker =
            Maker { name: name.into(), runtime: Arc::clone(runtime), app, setup, slots: Arc::clone(slots), limits };
        Ok(Self { handler: ProxyHandler::new(maker), limits })
    }

    /// Answers a request, whose URI has its scheme and host, and which `origin`
    /// led to.
    ///
    /// # Errors
    /// Why there is no response of the guest.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
        origin: Origin,
    ) -> Result<Response<WasiBody>, Failure> {
        let InstanceLimits { request_timeout, response_timeout, .. } = self.limits;
        let asked = Arc::new(Asked::now(request_timeout, origin));
        let handled = self.handler.handle(Arc::clone(&asked), request);
        // For what is not bounded within.
        match tokio::time::timeout(request_timeout + 2 * SLACK, handled).await {
            Ok(Ok(response)) => {
                asked.extend(response_timeout);
                Ok(response)
            }
            Ok(Err(error)) => Err(failure(&error, asked.at() <= Instant::now())),
            Err(_) => Err(Failure::TimedOut),
        }
    }
}

/// Why there is no response; `is_late`: the request's time has passed.
fn failure(error: &wasmtime::Error, is_late: bool) -> Failure {
    // First: who waits for a place in vain waits for all of the request's time.
    if let Some(error) = error.downcast_ref::<InstantiationError<Arc<Asked>>>() {
        return match error.error.downcast_ref::<NoInstance>() {
            Some(NoInstance::Busy) => Failure::Unavailable,
            Some(NoInstance::TimedOut) => Failure::TimedOut,
            None => Failure::Guest(format!("the app cannot be started: {:#}", error.error)),
        };
    }
    // A guest that computes without a pause is ended with its instance, and
    // nothing else says why.
    if is_late {
        return Failure::TimedOut;
    }
    if error.is::<TrapOrPanicError>() {
        // The instance's end says more, see `Worker::drop`.
        return Failure::Guest("the guest trapped".to_owned());
    }
    Failure::Guest(format!("the guest failed: {}", describe_trap(error, "")))
}

/// Why an instance was not made.
#[derive(Clone, Copy, Debug)]
enum NoInstance {
    /// All places are taken.
    Busy,
    /// It took too long to start.
    TimedOut,
}

impl std::fmt::Display for NoInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Busy => "all instances are busy",
            Self::TimedOut => "the app took too long to start",
        })
    }
}

impl std::error::Error for NoInstance {}

/// Makes instances.
struct Maker {
    name: Arc<str>,
    runtime: Arc<Runtime>,
    app: ProxyPre<Host>,
    setup: GuestSetup,
    slots: Arc<Slots>,
    limits: InstanceLimits,
}

impl HandlerState for Maker {
    type StoreData = Host;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Host, Expiration, Worker>> {
        let begun = Instant::now();
        let place = self.slots.take(self.limits.request_timeout).await.ok_or(NoInstance::Busy)?;
        let mut store = self.setup.store(&self.runtime).map_err(|error| wasmtime::Error::msg(format!("{error:#}")))?;
        let left = self.limits.request_timeout.saturating_sub(begun.elapsed());
        let proxy = tokio::time::timeout(left, self.app.instantiate_async(&mut store))
            .await
            .map_err(|_| NoInstance::TimedOut)??;
        let busy = Arc::new(Busy { until: Mutex::new(Instant::now()), was_late: AtomicBool::new(false) });
        let expiration = Expiration {
            orders: self.slots.listen(),
            busy: Arc::clone(&busy),
            limits: self.limits,
            sleep: Box::pin(tokio::time::sleep(self.limits.idle)),
        };
        let state = Worker { name: Arc::clone(&self.name), busy, limits: self.limits, _place: place };
        Ok(Instance { store, proxy, view: Host::http, expiration, state })
    }
}

/// A request, as its instance has it.
struct Asked {
    /// When its time has passed.
    at: Mutex<Instant>,
    /// Of the instance that has it.
    busy: OnceLock<Arc<Busy>>,
    /// What led to it.
    origin: Origin,
}

/// Until when an instance has requests whose time has not passed.
struct Busy {
    until: Mutex<Instant>,
    /// A request's time has passed. Its guest may go on without end: the
    /// instance gets no more requests, and ends behind those that it has.
    was_late: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Poisoning is of no matter: what is guarded is a number.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Busy {
    fn extend(&self, at: Instant) {
        let mut until = locked(&self.until);
        *until = (*until).max(at);
    }
}

impl Asked {
    fn now(time: Duration, origin: Origin) -> Self {
        Self { at: Mutex::new(Instant::now() + time), busy: OnceLock::new(), origin }
    }

    fn at(&self) -> Instant {
        *locked(&self.at)
    }

    /// Begins anew: the response has begun.
    fn extend(&self, time: Duration) {
        let at = Instant::now() + time;
        *locked(&self.at) = at;
        if let Some(busy) = self.busy.get() {
            busy.extend(at);
        }
    }

    /// Waits until the time has passed.
    async fn passed(&self) {
        loop {
            let at = self.at();
            tokio::time::sleep_until(at.into()).await;
            // It may have been extended meanwhile, and never goes back.
            if self.at() <= at {
                return;
            }
        }
    }
}

/// An instance at work.
struct Worker {
    name: Arc<str>,
    busy: Arc<Busy>,
    limits: InstanceLimits,
    /// Given back with the instance.
    _place: OwnedSemaphorePermit,
}

impl WorkerState for Worker {
    type StoreData = Host;
    type RequestData = Arc<Asked>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.requests || self.busy.was_late.load(Ordering::Relaxed) {
            ShouldAccept::Never
        } else if concurrent >= self.limits.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Host>,
        asked: Arc<Asked>,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.busy.extend(asked.at());
        let under_way = store.data_mut().outgoing.led_by(&asked.origin);
        // A request is in one instance.
        let _ = asked.busy.set(Arc::clone(&self.busy));
        let busy = Arc::clone(&self.busy);
        Box::pin(async move {
            // Dropped with this, when the response begins or is given up.
            let _under_way = under_way;
            asked.passed().await;
            busy.was_late.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, store: Store<Host>, result: wasmtime::Result<()>) {
        let Err(error) = result else { return };
        let hint =
            if store.data().limits.refused() { "; it was refused memory (see --max-instance-memory)" } else { "" };
        crate::notice(&format!("{}: an instance ended: {}", self.name, describe_trap(&error, hint)));
    }
}

/// When an instance ends.
struct Expiration {
    orders: Listener,
    busy: Arc<Busy>,
    limits: InstanceLimits,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: std::time::Instant,
    ) -> Poll<()> {
        let this = &mut *self;
        let orders = this.orders.poll(context);
        let unwanted = orders.close || this.orders.take_waiting();
        if orders.kill || (unwanted && status == WorkerStatus::Idle) {
            return Poll::Ready(());
        }
        let end = match status {
            WorkerStatus::Idle => start + this.limits.idle,
            WorkerStatus::Requests => *locked(&this.busy.until) + SLACK,
            WorkerStatus::PostReturn if this.busy.was_late.load(Ordering::Relaxed) => start + SLACK,
            WorkerStatus::PostReturn => start + this.limits.response_timeout,
        };
        // Each request moves the end forth and back. The timer follows when it
        // would ring too late, and otherwise once it has rung: a timer that is
        // brought forward wakes the thread that waits for timers.
        if end < this.sleep.deadline().into_std() {
            this.sleep.as_mut().reset(end.into());
        }
        while this.sleep.as_mut().poll(context).is_ready() {
            if this.sleep.deadline().into_std() >= end {
                return Poll::Ready(());
            }
            this.sleep.as_mut().reset(end.into());
        }
        Poll::Pending
    }
}
