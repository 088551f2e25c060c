use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::lock::Variable;

fn variables() -> Variables {
    let declared: BTreeMap<String, Variable> = [("host", "example.org"), ("none", ""), ("secret", "user:hunter2@h")]
        .map(|(name, value)| {
            (name.to_owned(), Variable { description: None, default: Some(value.to_owned()), secret: true })
        })
        .into();
    Variables::resolve(&declared, &BTreeMap::new(), |_| None).unwrap()
}

fn parse(entries: &[&str]) -> Result<AllowedHosts, Vec<HostError>> {
    let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    AllowedHosts::parse("web", &entries, &variables(), &["web", "api"])
}

#[test]
fn entries_allow_what_they_say() {
    for (entry, allowed, denied) in [
        (
            "http://example.org",
            &["http://example.org", "http://example.org:80", "http://EXAMPLE.org"][..],
            &["https://example.org", "http://example.org:81", "http://a.example.org"][..],
        ),
        ("http://example.org/", &["http://example.org:80"], &[]),
        ("HTTPS://Example.Org", &["https://example.org"], &["http://example.org:443"]),
        ("https://example.org:5555/", &["https://example.org:5555"], &["https://example.org"]),
        ("*://example.org:7777", &["tcp://example.org:7777", "http://example.org:7777"], &["tcp://example.org"]),
        ("*://example.org:*", &["tcp://example.org", "http://example.org:1"], &["http://example.com"]),
        ("http://*:80", &["http://x", "http://192.0.2.1", "http://[::1]"], &["http://x:81"]),
        ("*://*:*", &["a://b:1", "a://b"], &[]),
        (
            "http://example.org:4444..5555",
            &["http://example.org:4444", "http://example.org:5554"],
            &["http://example.org:5555", "http://example.org:4443"],
        ),
        (
            "http://*.example.org",
            &["http://a.example.org", "http://a.b.example.org"],
            &["http://example.org", "http://myexample.org", "http://192.0.2.1"],
        ),
        (
            "http://192.168.1.1:3002",
            &["http://192.168.1.1:3002", "http://0xc0a80101:3002"],
            &["http://192.168.1.2:3002"],
        ),
        ("http://[::1]:8001", &["http://[::1]:8001", "http://[0:0::1]:8001"], &["http://[::2]:8001", "http://[::1]"]),
        ("http://[::1]", &["http://[::1]"], &["http://[::1]:81"]),
        ("http://[::1]/", &["http://[::1]"], &[]),
        ("*://127.0.0.1/24:63551", &["tcp://127.0.0.99:63551"], &["tcp://127.0.1.1:63551", "tcp://localhost:63551"]),
        ("*://ff00::/8:80", &["http://[ff12::1]"], &["http://[fe00::1]"]),
        ("http://ff00::/8", &["http://[ff12::1]"], &["http://[ff12::1]:81"]),
        ("redis://cache", &["redis://cache:6379", "redis://cache"], &["redis://cache:80"]),
        ("http://{{ host }}:{{ none }}", &["http://example.org"], &[]),
        (" http://localhost:3001 ", &["http://localhost:3001"], &[]),
        ("http://self", &[], &["http://self", "http://localhost"]),
    ] {
        let hosts = parse(&[entry]).unwrap();
        let check = |address: &str| {
            let (scheme, rest) = address.split_once("://").unwrap();
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) if !rest.ends_with(']') => (host, Some(port.parse().unwrap())),
                _ => (rest, None),
            };
            hosts.allows(scheme, host, port)
        };
        for address in allowed {
            assert!(check(address), "{entry} allows {address}");
        }
        for address in denied {
            assert!(!check(address), "{entry} denies {address}");
        }
    }
    assert!(!parse(&[]).unwrap().allows("http", "example.org", None));
}

#[test]
fn the_app_itself_and_its_components() {
    for (entry, itself, chaining) in [
        ("http://self", true, true),
        ("http://self.alt", true, true),
        ("https://self", false, true),
        ("*://*:*", true, false),
        ("http://*.spin.internal", false, true),
        ("http://api.spin.internal", false, true),
        ("http://example.org", false, false),
        ("http://*.example.org", false, false),
    ] {
        let hosts = parse(&[entry]).unwrap();
        assert_eq!((hosts.allows_self("http"), hosts.needs_chaining()), (itself, chaining), "{entry}");
    }
    let hosts = parse(&["http://*.spin.internal"]).unwrap();
    assert!(hosts.allows("http", "api.spin.internal", None));
    assert!(!hosts.allows("http", "other.spin.internal", None));
    for (host, target) in [
        ("api.spin.internal", Some("api")),
        ("api.spin.internal:80", Some("api")),
        ("a.b.spin.internal", None),
        (".spin.internal", None),
        ("spin.internal", None),
        ("api.spin.internal.org", None),
    ] {
        assert_eq!(chaining_target(host), target, "{host}");
    }
}

#[test]
fn what_comes_to_nothing_is_left_out() {
    assert!(parse(&["{{ none }}", "http://{{none}}", "https://{{ none }}"]).unwrap().is_empty());
    assert!(!parse(&["http://{{ host }}"]).unwrap().is_empty());
    for entry in ["", "http://", "ftp://{{ none }}"] {
        assert!(parse(&[entry]).is_err(), "{entry}");
    }
}

#[test]
fn malformed_entries_are_named_all_at_once() {
    let cases = [
        ("example.org", "the scheme is missing"),
        ("localhost:3001", "the scheme is missing"),
        ("*", "the scheme is missing"),
        ("", "the scheme is missing"),
        ("ht2p://x:1", "of letters"),
        ("://x:1", "of letters"),
        ("{http,https}://x", "lists are not supported"),
        ("http://{a,b}", "lists are not supported"),
        ("http://x:{80,443}", "lists of ports"),
        ("http://x:y", "the port is a number"),
        ("http://x:70000", "the port is a number"),
        ("http://x:1..y", "the port is a number"),
        ("http://x:5..5", "range of ports is empty"),
        ("ftp://x", "no usual port"),
        ("*://127.0.0.0/24", "no usual port"),
        ("http://x/a", "no path"),
        ("http://x:6666/a/b", "no path"),
        ("http://*.x/a", "no path"),
        ("http://a.*.x", "`*` stands for"),
        ("http://*.*.x", "`*` stands for"),
        ("http://x*", "`*` stands for"),
        ("http://*.192.0.2.1", "the host is not"),
        ("http://a b", "the host is not"),
        ("http://[::1", "the host is not"),
        ("http://127.0.0.0/33", "no path"),
        ("http://user@x", "no user"),
        ("insecure:allow-all", "write `*://*:*`"),
        ("http://{{ hots }}", "no variable `hots` (did you mean `host`?)"),
        ("http://{{ host", "no `}}` behind"),
        ("http://{{ secret }}:80", "no user"),
    ];
    let entries: Vec<&str> = cases.iter().map(|(entry, _)| *entry).collect();
    let errors = parse(&entries).unwrap_err();
    assert_eq!(errors.len(), cases.len());
    for (error, (entry, expected)) in errors.iter().zip(cases) {
        let text = error.to_string();
        assert!(text.starts_with(&format!("`[component.web] allowed_outbound_hosts`, `{entry}`: ")), "{text}");
        assert!(text.contains(expected), "{expected}\n→ {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let many: Vec<String> = vec!["http://x".to_owned(); MOST_ENTRIES + 1];
    let errors = AllowedHosts::parse("web", &many, &variables(), &[]).unwrap_err();
    assert_eq!(errors[0].problem, HostProblem::TooMany(MOST_ENTRIES + 1));
}

proptest! {
    #[test]
    fn nothing_panics(entry in "[a-z0-9:/.*@{}\\[\\] -]{0,32}|\\PC{0,24}", host in "\\PC{0,16}", port: Option<u16>) {
        if let Ok(hosts) = parse(&[&entry]) {
            let _ = (hosts.allows("http", &host, port), hosts.allows_self("http"));
        }
    }

    #[test]
    fn a_host_is_allowed_by_its_own_entry(host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", port in 1_u16..) {
        prop_assume!(host != "self" && host != "self.alt");
        let hosts = parse(&[&format!("tcp://{host}:{port}")]).unwrap();
        prop_assert!(hosts.allows("tcp", &host, Some(port)));
        let longer = format!("x{host}");
        prop_assert!(!hosts.allows("tcp", &longer, Some(port)));
        prop_assert!(!hosts.allows("tcp", &host, Some(port - 1)));
    }
}
