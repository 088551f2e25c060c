//! Imports of Spin apps that nothing of Larder serves, and what to do instead.

/// An import that no linker of Larder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// As the component names it.
    pub import: String,
    /// What to do instead, in one line.
    pub help: String,
}

/// What of a component's imports cannot be linked, as far as it is known what
/// they are: the interfaces of Spin and of `wasi:keyvalue` and `wasi:config`
/// that are not served, and those of versions of WASI that came to nothing.
/// Whatever else is missing, Wasmtime names.
pub fn unserved<'a>(imports: impl Iterator<Item = &'a str>) -> Vec<Unserved> {
    imports
        .filter_map(|import| Some(Unserved { import: import.to_owned(), help: help(&Name::parse(import)?)? }))
        .collect()
}

/// `package/interface@version`, such as `spin:sqlite/sqlite@3.1.0`.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    /// Empty where there is none.
    version: &'a str,
}

impl<'a> Name<'a> {
    fn parse(import: &'a str) -> Option<Self> {
        let (package, rest) = import.split_once('/')?;
        let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
        Some(Self { package, interface, version })
    }

    /// Whether it is of the version `major`, of which Wasmtime takes one for
    /// another.
    fn is_of(&self, major: &str) -> bool {
        self.version.strip_prefix(major).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// Where Spin itself has the interface.
const ELSEWHERE: &str = "move what needs it to a component with `[[trigger.http]]`, whose host has it";

fn help(import: &Name<'_>) -> Option<String> {
    match import.package {
        "fermyon:spin" => spin(import.interface, import.is_of("2")),
        "spin:key-value" | "spin:variables" => spin(import.interface, import.is_of("3")),
        package if package.starts_with("spin:") => spin(package.trim_start_matches("spin:"), false),
        "wasi:keyvalue" => wasi_draft(import, &["store", "batch", "atomics"], "0.2.0-draft2"),
        "wasi:config" => wasi_draft(import, &["store"], "0.2.0-draft-2024-09-27"),
        "wasi:otel" => Some("Larder collects no telemetry of guests: build it without `wasi:otel`".to_owned()),
        package if package.starts_with("wasi:") => snapshot(import.version),
        _ => None,
    }
}

/// What of Spin's own interfaces is not served.
fn spin(interface: &str, is_known: bool) -> Option<String> {
    let what = match interface {
        "key-value" | "variables" if is_known => return None,
        "key-value" | "variables" | "config" | "http" | "http-types" | "inbound-http" => {
            return Some(
                "it is of a version of Spin's interfaces that Larder does not serve: build it with spin-sdk 7 or 5.2"
                    .to_owned(),
            );
        }
        "sqlite" => {
            return Some(format!(
                "Larder has no SQLite of the host: build SQLite into the component, with its database in a file of a mounted volume, or {ELSEWHERE}"
            ));
        }
        "llm" => "serves no language models",
        "mqtt" => "sends no MQTT messages",
        "mysql" => "connects to no MySQL server",
        "postgres" | "rdbms-types" => "connects to no PostgreSQL server",
        "redis" | "redis-types" | "inbound-redis" => "connects to no Redis server",
        _ => "does not serve this interface of Spin's",
    };
    Some(format!("Larder {what}: {ELSEWHERE}"))
}

/// A proposal of WASI's, of which one version is served.
fn wasi_draft(import: &Name<'_>, interfaces: &[&str], version: &str) -> Option<String> {
    if import.version != version {
        return Some(format!(
            "of {}, Larder serves the version {version}, as Spin does: build it with that",
            import.package
        ));
    }
    let is_served = interfaces.contains(&import.interface);
    (!is_served)
        .then(|| format!("of {}, Larder serves {}: build it without the rest", import.package, interfaces.join(", ")))
}

/// A version of WASI's from before a release.
fn snapshot(version: &str) -> Option<String> {
    let (number, draft) = version.split_once('-')?;
    let what = match number {
        "0.3.0" if draft.starts_with("rc") => "a draft of WASI 0.3 (spin-sdk 6 has it)",
        "0.2.0" if draft.starts_with("rc") => "a draft of WASI 0.2",
        _ => return None,
    };
    Some(format!("it is of {what}, which is not WASI as it was released: build it with spin-sdk 7 or 5.2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(import: &str) -> Option<String> {
        unserved(std::iter::once(import)).pop().map(|unserved| unserved.help)
    }

    #[test]
    fn what_is_served_has_no_help() {
        for import in [
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.6",
            "wasi:cli/environment@0.2.6",
            "wasi:filesystem/types@0.3.0",
            "spin:key-value/key-value@3.0.0",
            "spin:variables/variables@3.0.0",
            "fermyon:spin/key-value@2.0.0",
            "fermyon:spin/variables@2.0.0",
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:keyvalue/atomics@0.2.0-draft2",
            "wasi:config/store@0.2.0-draft-2024-09-27",
            "my:own/thing@1.0.0",
            "run",
        ] {
            assert_eq!(help(import), None, "{import}");
        }
    }

    #[test]
    fn what_is_not_served_has_one_line_of_help() {
        for (import, expected) in [
            ("spin:sqlite/sqlite@3.1.0", "build SQLite into the component"),
            ("fermyon:spin/sqlite@2.0.0", "build SQLite into the component"),
            ("spin:redis/redis@3.0.0", "no Redis server: move"),
            ("fermyon:spin/redis@2.0.0", "no Redis server"),
            ("spin:mqtt/mqtt@3.0.0", "MQTT"),
            ("spin:mysql/mysql@3.0.0", "MySQL"),
            ("fermyon:spin/mysql@2.0.0", "MySQL"),
            ("spin:postgres/postgres@4.2.0", "PostgreSQL"),
            ("fermyon:spin/llm@2.0.0", "language models"),
            ("spin:new-thing/new-thing@1.0.0", "this interface of Spin's"),
            ("fermyon:spin/key-value", "spin-sdk 7 or 5.2"),
            ("fermyon:spin/config", "spin-sdk 7 or 5.2"),
            ("spin:key-value/key-value@4.0.0", "spin-sdk 7 or 5.2"),
            (
                "wasi:http/types@0.3.0-rc-2026-03-15",
                "(spin-sdk 6 has it), which is not WASI as it was released: build it with spin-sdk 7 or 5.2",
            ),
            ("wasi:clocks/monotonic-clock@0.3.0-rc-2026-01-06", "build it with spin-sdk 7"),
            ("wasi:http/types@0.2.0-rc-2023-11-10", "draft of WASI 0.2"),
            ("wasi:keyvalue/store@0.2.0-draft", "serves the version 0.2.0-draft2"),
            ("wasi:keyvalue/watcher@0.2.0-draft2", "serves store, batch, atomics"),
            ("wasi:config/store@0.2.0-rc.1", "0.2.0-draft-2024-09-27"),
            ("wasi:otel/tracing@0.2.0-rc.2", "no telemetry"),
        ] {
            let help = help(import).unwrap_or_default();
            assert!(help.contains(expected) && !help.contains('\n'), "{import}: {help}");
        }
    }
}
