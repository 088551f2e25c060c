//! Content types, by the end of a file's name.

const TYPES: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("gif", "image/gif"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("flac", "audio/flac"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("log", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("toml", "text/plain; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("xml", "text/xml; charset=utf-8"),
    ("gz", "application/gzip"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("tar", "application/x-tar"),
    ("wasm", "application/wasm"),
    ("zip", "application/zip"),
];

/// The type of a file with this name.
pub fn of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let known = TYPES.iter().find(|(known, _)| Some(*known) == ending.as_deref());
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_last_ending() {
        assert_eq!(of("a.png"), "image/png");
        assert_eq!(of("A.PNG"), "image/png");
        assert_eq!(of("notes.tar.gz"), "application/gzip");
        assert_eq!(of("notes.txt"), "text/plain; charset=utf-8");
    }

    #[test]
    fn unknown_ones_are_bytes() {
        for name in ["png", "a.", "a.unknown", ""] {
            assert_eq!(of(name), "application/octet-stream", "{name}");
        }
    }
}
