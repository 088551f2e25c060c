//! What a request came from, and what requests that it leads to are told of
//! it. Who it is told to decides which requests go where
//! ([`outgoing`](super::outgoing)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::HeaderMap;

/// What led to a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Requests among components that led to it.
    pub(crate) depth: u8,
    /// Headers for the requests that it leads to, unless the guest sets them by
    /// itself.
    pub(crate) headers: Option<Arc<HeaderMap>>,
}

/// The requests that one instance is answering, of those that have headers for
/// others. A request is among them until its response begins.
#[derive(Debug, Default)]
pub(super) struct Trail {
    under_way: Mutex<Vec<Arc<HeaderMap>>>,
}

impl Trail {
    fn under_way(&self) -> MutexGuard<'_, Vec<Arc<HeaderMap>>> {
        // No change of it is left half done.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>, headers: Arc<HeaderMap>) -> UnderWay {
        self.under_way().push(Arc::clone(&headers));
        UnderWay { trail: Arc::clone(self), headers }
    }

    /// Adds the headers to a request that the instance makes. Of several that
    /// are under way nobody knows which one led to it: it gets none then.
    pub(super) fn lead(&self, made: &mut HeaderMap) {
        let only = match self.under_way().as_slice() {
            [only] => Arc::clone(only),
            _ => return,
        };
        if only.keys().any(|name| made.contains_key(name)) {
            return;
        }
        for (name, value) in only.iter() {
            made.append(name, value.clone());
        }
    }
}

/// A request that an instance is answering.
pub(super) struct UnderWay {
    trail: Arc<Trail>,
    headers: Arc<HeaderMap>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.trail.under_way();
        if let Some(place) = under_way.iter().position(|headers| Arc::ptr_eq(headers, &self.headers)) {
            under_way.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(value: &'static str) -> Arc<HeaderMap> {
        Arc::new(HeaderMap::from_iter([(hyper::header::FROM, HeaderValue::from_static(value))]))
    }

    fn led(trail: &Trail, given: &[&'static str]) -> Vec<String> {
        let mut made = HeaderMap::new();
        for value in given {
            made.append(hyper::header::FROM, HeaderValue::from_static(value));
        }
        trail.lead(&mut made);
        made.get_all(hyper::header::FROM).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_request_is_led_by_the_only_one_under_way() {
        let trail = Arc::new(Trail::default());
        assert!(led(&trail, &[]).is_empty());
        let first = trail.begin(headers("first"));
        assert_eq!(led(&trail, &[]), ["first"]);
        assert_eq!(led(&trail, &["the guest"]), ["the guest"]);
        let second = trail.begin(headers("second"));
        assert!(led(&trail, &[]).is_empty());
        drop(first);
        assert_eq!(led(&trail, &[]), ["second"]);
        drop(second);
        assert!(led(&trail, &[]).is_empty());
    }
}
