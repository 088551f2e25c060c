//! The `spin-*` headers of a request: what Spin's HTTP trigger tells a guest.
//!
//! They are Spin 4's. The application base is always `/`.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::Match;

/// Before the name of a parameter in a header's name.
const PARAMETER: &str = "spin-path-match-";

/// The headers that every request gets.
const ALWAYS: [&str; 7] = [
    "spin-path-info",
    "spin-full-url",
    "spin-matched-route",
    "spin-base-path",
    "spin-raw-component-route",
    "spin-component-route",
    "spin-client-addr",
];

/// What the values are made of besides the route.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `http` or `https`, as the server was reached.
    pub scheme: &'a str,
    /// The request's `host` header; `localhost` stands for a missing one.
    pub host: Option<&'a str>,
    /// The path and the query, as sent.
    pub path_and_query: &'a str,
    /// Who sent it.
    pub client: SocketAddr,
}

/// Whether a header, of any case, is one that [`request_headers`] sets for some
/// route. What a client sent under such a name is removed first: a guest could
/// not tell it from what the trigger says.
#[must_use]
pub fn is_spin_header(name: &str) -> bool {
    let start = name.get(..PARAMETER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PARAMETER))
        || ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(name))
}

/// The names and values of the `spin-*` headers of a request with a route. Every
/// name is in lower case.
#[must_use]
pub fn request_headers<'a, T>(
    request: &Request<'_>,
    found: &'a Match<'_, T>,
) -> Vec<(Cow<'static, str>, Cow<'a, str>)> {
    let Request { scheme, host, path_and_query, client } = request;
    let pattern = found.pattern;
    let values: [Cow<'_, str>; ALWAYS.len()] = [
        found.path_info.as_str().into(),
        format!("{scheme}://{}{path_and_query}", host.unwrap_or("localhost")).into(),
        pattern.normalised().into(),
        "/".into(),
        pattern.raw().into(),
        pattern.prefix().into(),
        client.to_string().into(),
    ];
    let always = ALWAYS.iter().map(|name| Cow::Borrowed(*name)).zip(values);
    let parameters = found
        .parameters
        .iter()
        .map(|(name, value)| (Cow::Owned(format!("{PARAMETER}{}", in_header(name))), Cow::Borrowed(*value)));
    always.chain(parameters).collect()
}

/// A parameter's name in the name of a header.
pub(super) fn in_header(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, Router};
    use super::*;

    fn headers(route: &str, path: &str) -> Vec<(String, String)> {
        let mut router = Router::new();
        router.add(Pattern::parse(route).unwrap(), ()).unwrap();
        let request = Request {
            scheme: "https",
            host: Some("example.org:1"),
            path_and_query: &format!("{path}?a=b"),
            client: "127.0.0.1:8777".parse().unwrap(),
        };
        let found = router.find(path).unwrap();
        let headers = request_headers(&request, &found).into_iter();
        headers.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn values_are_spins() {
        let expected = |info: &str, path: &str, matched: &str, raw: &str, route: &str| {
            vec![
                ("spin-path-info", info.to_owned()),
                ("spin-full-url", format!("https://example.org:1{path}?a=b")),
                ("spin-matched-route", matched.to_owned()),
                ("spin-base-path", "/".to_owned()),
                ("spin-raw-component-route", raw.to_owned()),
                ("spin-component-route", route.to_owned()),
                ("spin-client-addr", "127.0.0.1:8777".to_owned()),
            ]
        };
        for (route, path, expected) in [
            ("/foo/...", "/foo/bar", expected("/bar", "/foo/bar", "/foo/...", "/foo/...", "/foo")),
            ("/foo/", "/foo", expected("", "/foo", "/foo", "/foo/", "/foo/")),
            ("/", "/", expected("", "/", "", "/", "/")),
            ("/...", "/x", expected("/x", "/x", "/...", "/...", "")),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(headers(route, path), expected, "{route}");
        }
        let with = headers("/foo/:User_id/...", "/foo/42/bar");
        assert_eq!(with.last().unwrap(), &("spin-path-match-user-id".to_owned(), "42".to_owned()));
        assert!(with.iter().all(|(name, _)| is_spin_header(name)));
    }

    #[test]
    fn names_that_clients_may_not_use() {
        for (name, reserved) in [
            ("Spin-Path-Info", true),
            ("SPIN-PATH-MATCH-X", true),
            ("spin-client-addr", true),
            ("spin-other", false),
            ("host", false),
        ] {
            assert_eq!(is_spin_header(name), reserved, "{name}");
        }
    }
}
