//! "Did you mean": the known name that an unknown one is closest to.

/// Most changes of single characters that a typing error has.
const MOST_CHANGES: usize = 2;

/// Most bytes of a name that is compared. Guards time, which grows with the
/// product of both lengths.
const MOST_BYTES: usize = 64;

/// The name of `known` that `written` is probably meant to be. Case and the
/// choice between `-` and `_` do not count.
pub(crate) fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > MOST_BYTES {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let sought = plain(written);
    known
        .into_iter()
        .filter(|name| name.len() <= MOST_BYTES)
        .map(|name| (strsim::damerau_levenshtein(&sought, &plain(name)), name))
        // A name of two letters is two changes from every other one.
        .filter(|(changes, name)| *changes <= MOST_CHANGES && *changes < name.len().div_ceil(2))
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn typing_errors_are_found_and_other_words_are_not() {
        let known = ["volume", "path", "mode", "subdir", "s3", "file-bytes"];
        for (written, meant) in [
            ("volumes", Some("volume")),
            ("pahts", None),
            ("pth", Some("path")),
            ("Mode", Some("mode")),
            ("sub_dir", Some("subdir")),
            ("file_bytes", Some("file-bytes")),
            ("S3", Some("s3")),
            ("xy", None),
            ("", None),
        ] {
            assert_eq!(closest(written, known), meant, "{written}");
        }
    }
}
