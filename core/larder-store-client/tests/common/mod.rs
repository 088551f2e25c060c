//! Sessions of a service in the same process, for guests of the suite.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a case fails by panicking")]

use std::sync::Arc;

use larder_store_service::{Clock, Service, Session};
use larder_suite::{Mount, Volumes};

/// What each guest makes a service of its own from.
pub type Backing = (Volumes, Clock);

pub fn session((volumes, clock): &Backing) -> Session {
    let mut service = Service::new(Arc::clone(clock));
    for mount in Mount::ALL {
        service = service.mount(volumes.view(mount), mount.guest_path()).unwrap();
    }
    Arc::new(service).session()
}
