//! Subjects: where requests go.

/// Longest name of a volume, in bytes.
const MOST_NAME: usize = 64;

/// What a subject allows. NATS permissions decide who may publish there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Sessions that only read.
    Read,
    /// Sessions that read and write.
    Write,
}

/// Whether a volume can have this name: 1 to 64 of `A-Z a-z 0-9 _ -`, which
/// mean nothing in a subject.
#[must_use]
pub fn is_volume_name(name: &str) -> bool {
    (1..=MOST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The subject of a volume's requests.
#[must_use]
pub fn subject(volume: &str, access: Access) -> String {
    match access {
        Access::Read => format!("larder.v1.{volume}.read"),
        Access::Write => format!("larder.v1.{volume}.write"),
    }
}

/// The volume of a [`subject`], and what it allows; none where it is none.
#[must_use]
pub fn parse_subject(subject: &str) -> Option<(&str, Access)> {
    let (volume, access) = subject.strip_prefix("larder.v1.")?.rsplit_once('.')?;
    let access = match access {
        "read" => Access::Read,
        "write" => Access::Write,
        _ => return None,
    };
    is_volume_name(volume).then_some((volume, access))
}

/// The subject where a volume's server tells what changed.
#[must_use]
pub fn changes_subject(volume: &str) -> String {
    format!("larder.v1.{volume}.changes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_in_a_subject() {
        for name in ["a", "data_1", "A-b", &"x".repeat(64)] {
            assert!(is_volume_name(name), "{name}");
        }
        for name in ["", "a.b", "*", ">", "a b", "ä", &"x".repeat(65)] {
            assert!(!is_volume_name(name), "{name}");
        }
        assert_eq!(subject("data", Access::Read), "larder.v1.data.read");
        assert_eq!(subject("data", Access::Write), "larder.v1.data.write");
        for access in [Access::Read, Access::Write] {
            assert_eq!(parse_subject(&subject("data", access)), Some(("data", access)));
        }
        for none in ["larder.v1.data.changes", "larder.v1.read", "larder.v2.data.read", "larder.v1.a.b.read", ""] {
            assert_eq!(parse_subject(none), None, "{none}");
        }
    }
}
