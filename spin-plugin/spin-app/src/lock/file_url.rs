//! File URLs, which is how the lock file and `spin up` name files.

use std::path::PathBuf;

use thiserror::Error;
use url::Url;

/// Most bytes of a file URL: 32 KiB, four times the longest path with every
/// byte percent-encoded. Guards messages, in which it is.
const MOST_BYTES: usize = 32 << 10;

/// Why a text is not the URL of a file of this host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileUrlError {
    /// It is longer than is read.
    #[error("it is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// It is no URL.
    #[error("`{0}` is no URL")]
    NotUrl(String),
    /// Its scheme is another one.
    #[error("`{0}` does not begin with file://")]
    Scheme(String),
    /// It names another host, or no path.
    #[error("`{0}` does not name a path of this host")]
    NoPath(String),
}

/// The path that a `file:` URL names, percent-decoded: the names in Spin's
/// cache have a colon (`sha256:…`), and paths of users have anything.
///
/// # Errors
/// When it is another kind of URL, names another host, or has a NUL byte.
pub fn file_path(url: &str) -> Result<PathBuf, FileUrlError> {
    if url.len() > MOST_BYTES {
        return Err(FileUrlError::TooLong);
    }
    let parsed = Url::parse(url).map_err(|_| FileUrlError::NotUrl(url.to_owned()))?;
    if parsed.scheme() != "file" {
        return Err(FileUrlError::Scheme(url.to_owned()));
    }
    let no_path = || FileUrlError::NoPath(url.to_owned());
    let path = parsed.to_file_path().map_err(|()| no_path())?;
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(no_path());
    }
    Ok(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn paths_are_decoded() {
        for (url, path) in [
            ("file:///tmp/spin.lock", "/tmp/spin.lock"),
            ("file://localhost/tmp/x", "/tmp/x"),
            ("file:///a%20b/%C3%A9%25", "/a b/é%"),
            ("file:///home/u/.cache/spin/registry/wasm/sha256:ab12", "/home/u/.cache/spin/registry/wasm/sha256:ab12"),
            ("file:///registry/wasm/sha256%3Aab12", "/registry/wasm/sha256:ab12"),
            ("file:///a%23b%3Fc", "/a#b?c"),
        ] {
            assert_eq!(file_path(url).as_deref(), Ok(Path::new(path)), "{url}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in ["", "/tmp/x", "http://h/x", "file://host/x", "file:///a%00b", "vnd.fermyon.origin-oci:x"] {
            assert!(file_path(url).is_err(), "{url}");
        }
        assert_eq!(file_path(&"x".repeat(MOST_BYTES + 1)), Err(FileUrlError::TooLong));
    }
}
