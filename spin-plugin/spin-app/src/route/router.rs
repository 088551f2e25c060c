//! All routes, and which of them a path is for.

use std::cmp::Ordering;

use super::Pattern;

/// Routes with what they lead to.
#[derive(Clone, Debug, Default)]
pub struct Router<T> {
    /// In the order of precedence.
    routes: Vec<(Pattern, T)>,
}

/// Two routes match the same paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameRoute<T> {
    /// What the new route leads to.
    pub new: T,
    /// Where the other one is.
    pub other: Pattern,
}

/// A route that matches a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a, T> {
    /// The route.
    pub pattern: &'a Pattern,
    /// What it leads to.
    pub target: &'a T,
    /// The parameters' values, in the route's order.
    pub parameters: Vec<(&'a str, &'a str)>,
    /// What a wildcard stands for: empty, or with a slash at its start.
    pub path_info: String,
}

impl<T> Router<T> {
    /// No routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When another route matches the same paths; then nothing is added.
    pub fn add(&mut self, pattern: Pattern, target: T) -> Result<(), SameRoute<T>> {
        if let Some((other, _)) = self.routes.iter().find(|(other, _)| other.is_like(&pattern)) {
            return Err(SameRoute { new: target, other: other.clone() });
        }
        let at = self.routes.partition_point(|(other, _)| other.precedence(&pattern) != Ordering::Greater);
        self.routes.insert(at, (pattern, target));
        Ok(())
    }

    /// The route of a path, which is a request target's without its query.
    #[must_use]
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a, T>> {
        self.routes.iter().find_map(|(pattern, target)| {
            let (parameters, path_info) = pattern.matches(path)?;
            Some(Match { pattern, target, parameters, path_info })
        })
    }

    /// All routes, in the order of precedence.
    pub fn iter(&self) -> impl Iterator<Item = (&Pattern, &T)> {
        self.routes.iter().map(|(pattern, target)| (pattern, target))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn router(routes: &[&'static str]) -> Router<&'static str> {
        let mut router = Router::new();
        for route in routes {
            router.add(Pattern::parse(route).unwrap(), *route).unwrap();
        }
        router
    }

    const ROUTES: [&str; 13] = [
        "/",
        "/foo",
        "/foo/bar",
        "/foo/...",
        "/:id",
        "/:id/x",
        "/a/:n.json",
        "/a/:n",
        "/test/...",
        "/one/two/...",
        "/one/two/three/...",
        "/:p/:q",
        "/foo/:id/...",
    ];

    /// Seen with the library that Spin 4 routes with, for these routes.
    const SEEN: [(&str, Option<&str>); 25] = [
        ("/", Some("/")),
        ("//", Some("/")),
        ("/foo", Some("/foo")),
        ("/foo/", Some("/foo")),
        ("//foo", Some("/foo")),
        ("/foo//", Some("/foo")),
        ("/foobar", Some("/:id")),
        ("/foo/bar", Some("/foo/bar")),
        ("/foo/bar/", Some("/foo/bar")),
        ("/foo/barx", Some("/foo/:id/...")),
        ("/foo/7/", Some("/foo/:id/...")),
        ("/foo/7/rest/of/it", Some("/foo/:id/...")),
        ("/testing", Some("/:id")),
        ("/test", Some("/test/...")),
        ("/test/", Some("/test/...")),
        ("/test//x", Some("/test/...")),
        ("/a/b.json", Some("/a/:n.json")),
        ("/a/b.c.json", Some("/a/:n")),
        ("/a/b", Some("/a/:n")),
        ("/a/", Some("/:id")),
        ("/one/two", Some("/one/two/...")),
        ("/one/two/three/four", Some("/one/two/three/...")),
        ("/one/twofold", Some("/:p/:q")),
        ("/1/x", Some("/:id/x")),
        ("/b/c/d", None),
    ];

    #[test]
    fn precedence_is_spins_in_any_order_of_declaration() {
        let mut routes = ROUTES.to_vec();
        for turn in 0..ROUTES.len() {
            let router = router(&routes);
            for (path, expected) in SEEN {
                assert_eq!(router.find(path).map(|found| *found.target), expected, "{path} (turn {turn})");
            }
            routes.rotate_left(1);
        }
        routes.reverse();
        let router = router(&routes);
        for (path, expected) in SEEN {
            assert_eq!(router.find(path).map(|found| *found.target), expected, "{path}");
        }
    }

    #[test]
    fn wildcards_and_parameters_are_captured() {
        for (route, path, info, parameters) in [
            ("/...", "/1/2/3", "/1/2/3", &[][..]),
            ("/...", "/", "/", &[]),
            ("/1/...", "/1/2/3", "/2/3", &[]),
            ("/test/...", "/test", "", &[]),
            ("/test/...", "/test/", "/", &[]),
            ("/test/...", "/test/hello", "/hello", &[]),
            ("/test/...", "/test/hello/", "/hello/", &[]),
            ("/test/...", "/test/hello//", "/hello/", &[]),
            ("/test/...", "/test//x", "//x", &[]),
            ("/1/:two/3", "/1/2/3/", "", &[("two", "2")]),
            ("/1/:two/...", "/1/2/3", "/3", &[("two", "2")]),
            ("/:a.:b", "/x.y.z", "", &[("a", "x"), ("b", "y.z")]),
            ("/:a.html", "/x.html", "", &[("a", "x")]),
            ("/:a", "/%2e%2F", "", &[("a", "%2e%2F")]),
        ] {
            let router = router(&[route]);
            let found = router.find(path).unwrap();
            assert_eq!((found.path_info.as_str(), found.parameters.as_slice()), (info, parameters), "{route} {path}");
        }
    }

    #[test]
    fn what_matches_the_same_paths_is_refused() {
        for (one, two) in [("/a", "/a"), ("/a", "/a/"), ("/a", "a"), ("/:x/b", "/:y/b"), ("/a/...", "/a/*"), ("/", "")]
        {
            let mut router = router(&[one]);
            let error = router.add(Pattern::parse(two).unwrap(), "new").unwrap_err();
            assert_eq!((error.new, error.other.raw()), ("new", one));
        }
        router(&["/a", "/a/...", "/:x", "/:x/...", "/:x.html", "/..."]);
    }

    fn any_route() -> impl Strategy<Value = String> {
        let name = prop_oneof!["[ab]{1,2}", ":[xyz]", ":[xyz]\\.[ab]", "[ab]\\.[ab]"];
        (prop::collection::vec(name, 0..4), prop::sample::select(vec!["", "/", "/..."]))
            .prop_map(|(names, end)| format!("/{}{end}", names.join("/")))
    }

    /// The first of all routes that match, by the rules as the module states
    /// them: told apart by the names of the path that they fix.
    fn by_the_rules<'a>(routes: &'a [Pattern], path: &str) -> Option<&'a Pattern> {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        routes.iter().filter(|route| route.matches(path).is_some()).min_by_key(|route| {
            let whole = route.normalised();
            let mut kinds: Vec<(u8, usize)> = whole
                .split('/')
                .filter(|name| !name.is_empty())
                .map(|name| match name {
                    "..." => (3, 0),
                    name if name.contains(':') => (1, 9 - name.split('.').count()),
                    _ => (0, 0),
                })
                .collect();
            if kinds.len() == names.len() && !route.is_wildcard() {
                kinds.push((2, 0));
            }
            kinds
        })
    }

    proptest! {
        #[test]
        fn the_router_follows_the_rules(
            routes in prop::collection::vec(any_route(), 1..8),
            path in "(/([abc]{1,2}|[ab]\\.[ab])){0,4}/?",
        ) {
            let mut router = Router::new();
            let mut kept = Vec::new();
            for route in routes.iter().filter_map(|route| Pattern::parse(route).ok()) {
                if router.add(route.clone(), ()).is_ok() {
                    kept.push(route);
                }
            }
            let found = router.find(&path).map(|found| found.pattern);
            prop_assert_eq!(found, by_the_rules(&kept, &path));
        }

        #[test]
        fn nothing_panics(route in "\\PC{0,20}", more in "[/:.*a?#-]{0,20}", path in "\\PC{0,20}") {
            for text in [route, more] {
                if let Ok(pattern) = Pattern::parse(&text) {
                    let mut router = Router::new();
                    router.add(pattern, ()).unwrap();
                    let _ = (router.find(&path), router.find(&text));
                    let shown = router.iter().map(|(pattern, ())| pattern.to_string()).collect::<String>();
                    prop_assert!(shown.starts_with('/'));
                }
            }
        }

        #[test]
        fn a_plain_route_matches_itself(names in prop::collection::vec("[a-z%0-9.]{1,4}", 0..5)) {
            let path = format!("/{}", names.join("/"));
            if let Ok(pattern) = Pattern::parse(&path) {
                let mut router = Router::new();
                router.add(pattern, ()).unwrap();
                prop_assert!(router.find(&path).is_some());
            }
        }
    }
}
