//! Where a volume's state is unless it is said.

use std::ffi::OsString;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::S3Options;

/// Bytes of the hash in the directory's name: two volumes never share one.
const HASH_BYTES: usize = 16;

/// What an environment says.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn text(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|value| value.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}

/// The server where the address or the environment names it; the AWS SDK's
/// variables, in its order.
pub(super) fn endpoint(options: &S3Options, environment: Environment<'_>) -> Option<String> {
    if options.bucket.endpoint.is_some() {
        return options.bucket.endpoint.clone();
    }
    let is_ignored = text(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|text| text == "true");
    let named = || text(environment, "AWS_ENDPOINT_URL_S3").or_else(|| text(environment, "AWS_ENDPOINT_URL"));
    let endpoint = if is_ignored { None } else { named() };
    endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned())
}

/// The server, the bucket and the prefix. Where the server is the profile's
/// affair, the profile stands for it.
pub(super) fn identity(options: &S3Options, environment: Environment<'_>) -> String {
    let server = endpoint(options, environment).map(|endpoint| endpoint.to_ascii_lowercase()).unwrap_or_else(|| {
        let profile = options.bucket.profile.clone().or_else(|| text(environment, "AWS_PROFILE"));
        format!("profile {}", profile.as_deref().unwrap_or("default"))
    });
    // Only the prefix may have a line break in it, and it is the last.
    format!("{server}\n{}\n{}", options.bucket.bucket, options.prefix)
}

/// The directory of this volume's state; none where the environment does not
/// say where state belongs. Relative paths do not count, as the XDG
/// specification has it.
pub(super) fn directory(options: &S3Options, environment: Environment<'_>) -> Option<PathBuf> {
    let absolute = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let hash = Sha256::digest(identity(options, environment));
    let name: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    Some(state.join("larder/s3").join(name))
}
