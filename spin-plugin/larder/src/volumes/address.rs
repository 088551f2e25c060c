//! What a volume is called on the command line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use larder_nats_client::{Address, AddressError, is_volume_name};
use larder_s3::{S3Address, S3AddressError};

/// Names with this suffix are files even without a `/` in them.
const FILE_SUFFIX: &str = ".larder";

/// Where a volume lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VolumeAddress {
    /// Only in this process, under a name that several mounts may share.
    Memory(String),
    /// A snapshot file on the host.
    File(PathBuf),
    /// Served by a larder-provider over NATS.
    Nats(Box<Address>),
    /// In an S3 bucket.
    S3(Box<S3Address>),
    /// Of the Spin app whose state directory a file command is told, by its
    /// name in the app's manifest.
    Spin(String),
}

/// How the address of a volume begins that is served over NATS.
const NATS_SCHEMES: [&str; 2] = ["nats://", "tls://"];

/// How that of a volume of a Spin app begins.
const SPIN_PREFIX: &str = "spin:";

impl VolumeAddress {
    /// Parses the volume part of `--volume`: a bare name is in memory, anything
    /// with a `/` or the suffix `.larder` is a file.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let stored = Self::parse_stored(text)?;
        if let Self::Spin(_) = stored {
            return Err(format!(
                "`{text}` is a volume of a Spin app, which the file commands (`larder ls`, `cp`, …) reach alone: name its file, such as ./.spin/data.larder, while the app is at rest"
            ));
        }
        if text.contains('/') || text.ends_with(FILE_SUFFIX) {
            return Ok(stored);
        }
        // A volume that exists as a file would otherwise be shadowed in silence
        // and everything that the app writes would be gone at the end.
        if Path::new(text).is_file() {
            return Err(format!(
                "`{text}` names a volume in memory, but there is a file of that name: write `./{text}` for the file, or choose another name"
            ));
        }
        Ok(Self::Memory(text.to_owned()))
    }

    /// Parses the address of a volume that outlives the process, which the file
    /// commands (`ls`, `cp`, …) work on: every plain text is a file there.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn parse_stored(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the volume's name is empty".to_owned());
        }
        if is_nats(text) {
            return text
                .parse()
                .map(|address| Self::Nats(Box::new(address)))
                .map_err(|error: AddressError| error.to_string());
        }
        if S3Address::is_meant(text) {
            return text
                .parse()
                .map(|address| Self::S3(Box::new(address)))
                .map_err(|error: S3AddressError| error.to_string());
        }
        if let Some(name) = spin_name(text) {
            if !is_volume_name(name) {
                return Err(format!(
                    "`{name}` is no name of a volume of a Spin app: write spin:VOLUME:/PATH, with the volume's name in spin.toml"
                ));
            }
            return Ok(Self::Spin(name.to_owned()));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!(
                "`{scheme}://` addresses are not supported by this version of larder: give the path of a volume file, nats://HOST/VOLUME, s3://BUCKET/PREFIX, or spin:VOLUME"
            ));
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

impl fmt::Display for VolumeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Nats(address) => write!(f, "{address}"),
            // What is configured is not what it is called.
            Self::S3(address) => f.write_str(&address.name()),
            Self::Spin(name) => write!(f, "{SPIN_PREFIX}{name}"),
        }
    }
}

/// What stands behind `spin:`. `spin:/x` is a place in the file `spin`.
fn spin_name(text: &str) -> Option<&str> {
    text.strip_prefix(SPIN_PREFIX).filter(|rest| !rest.starts_with('/'))
}

fn is_nats(text: &str) -> bool {
    NATS_SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// A place in a stored volume: `data.larder:/dir/file`, or `data.larder` for
/// its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VolumePath {
    /// The volume.
    pub(crate) address: VolumeAddress,
    /// The path in it, without a leading slash; empty for the root.
    pub(crate) path: String,
}

/// The byte at which the path part of a volume address begins (its `/`): the
/// first `:/` that is not the `://` of a scheme. That holds for
/// `s3://BUCKET/PREFIX?endpoint=http://HOST:PORT:/PATH` as well: elsewhere in
/// it a colon before a slash is written `%3A`.
fn path_start(text: &str) -> Option<usize> {
    text.match_indices(":/").map(|(at, _)| at).find(|at| !text.get(at + 2..).is_some_and(|rest| rest.starts_with('/')))
}

/// Whether a text has a path behind the volume's address.
pub(crate) fn has_path(text: &str) -> bool {
    path_start(text).is_some()
}

/// Whether an operand of `larder cp` names a place in a volume (it has `:/`)
/// and not a path of the host.
pub(crate) fn looks_like_volume_path(text: &str) -> bool {
    is_nats(text) || S3Address::is_meant(text) || spin_name(text).is_some() || path_start(text).is_some()
}

/// Splits `nats://HOST/VOLUME/dir/file`, or `nats://HOST/VOLUME:/dir/file`,
/// behind the volume's name: the path may be a file's.
fn split_nats(text: &str) -> (&str, &str) {
    let authority = text.find("://").map_or(0, |at| at + 3);
    let volume = text.get(authority..).and_then(|rest| rest.find('/')).map_or(text.len(), |at| authority + at + 1);
    let end = text.get(volume..).and_then(|rest| rest.find(['/', ':'])).map_or(text.len(), |at| volume + at);
    text.split_at(end)
}

impl VolumePath {
    /// The path as a guest with the volume at `/` would write it.
    pub(crate) fn absolute(&self) -> String {
        format!("/{}", self.path)
    }

    /// The last name in the path; `None` for the root.
    pub(crate) fn file_name(&self) -> Option<&str> {
        self.path.rsplit('/').find(|name| !name.is_empty())
    }
}

impl fmt::Display for VolumePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            VolumeAddress::Nats(address) => write!(f, "{address}/{}", self.path),
            address => write!(f, "{address}:/{}", self.path),
        }
    }
}

impl FromStr for VolumePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (volume, path) = match path_start(text) {
            _ if is_nats(text) => split_nats(text),
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        if path.is_empty()
            && spin_name(volume).is_none()
            && let Some((name, rest)) = volume.split_once(':')
            && Path::new(name).is_file()
        {
            return Err(format!("write `{name}:/{rest}`: the path in a volume begins with a slash"));
        }
        Ok(Self {
            address: VolumeAddress::parse_stored(volume)?,
            path: path.trim_start_matches(':').trim_start_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_are_in_memory() {
        assert_eq!(VolumeAddress::parse("scratch"), Ok(VolumeAddress::Memory("scratch".into())));
        for file in ["data.larder", "./data", "/var/data", "a/b"] {
            assert_eq!(VolumeAddress::parse(file), Ok(VolumeAddress::File(file.into())), "{file}");
        }
        assert!(VolumeAddress::parse("").is_err());
        assert!(VolumeAddress::parse("gs://bucket/x").unwrap_err().contains("gs://"));
    }

    #[test]
    fn volumes_in_buckets() {
        let parse = |text: &str| text.parse::<VolumePath>().map(|path| (path.to_string(), path.path));
        for (text, shown, path) in [
            ("s3://data", "s3://data:/", ""),
            ("s3://data/a/b", "s3://data/a/b:/", ""),
            ("s3://data/a:/b/c", "s3://data/a:/b/c", "b/c"),
            ("s3://data/a%3A:/b:/c", "s3://data/a%3A:/b:/c", "b:/c"),
            ("s3://data/a?read=through:/b", "s3://data/a:/b", "b"),
            ("s3://data?endpoint=http://h:1:/b", "s3://data:/b", "b"),
            ("s3://data?endpoint=http://[::1]:/b", "s3://data:/b", "b"),
        ] {
            assert_eq!(parse(text), Ok((shown.to_owned(), path.to_owned())), "{text}");
        }
        assert!(parse("s3://data/a//b").unwrap_err().contains("prefix"));
        assert!(parse("s3://data?raed=through").unwrap_err().contains("`raed`"));
    }

    #[test]
    fn remote_volumes() {
        let address = VolumeAddress::parse("nats://me:secret@host/data/sub").unwrap();
        assert_eq!(address.to_string(), "nats://me@host:4222/data/sub");
        assert!(VolumeAddress::parse("nats://host").is_err());
        let parse = |text: &str| text.parse::<VolumePath>().map(|path| (path.address.to_string(), path.path));
        for text in ["nats://host:1/data/a/b", "nats://host:1/data:/a/b"] {
            assert_eq!(parse(text), Ok(("nats://host:1/data".into(), "a/b".into())), "{text}");
        }
        assert_eq!(parse("tls://[::1]/data"), Ok(("tls://[::1]:4222/data".into(), String::new())));
    }

    #[test]
    fn volumes_of_spin_apps() {
        let parse = |text: &str| text.parse::<VolumePath>().map(|path| (path.to_string(), path.address));
        let data = VolumeAddress::Spin("data".to_owned());
        for (text, shown) in
            [("spin:data", "spin:data:/"), ("spin:data:/", "spin:data:/"), ("spin:data:/a/b:/c", "spin:data:/a/b:/c")]
        {
            assert_eq!(parse(text), Ok((shown.to_owned(), data.clone())), "{text}");
            assert!(looks_like_volume_path(text), "{text}");
        }
        for none in ["spin:", "spin:data/a", "spin:data:a", "spin:a.larder", "spin:a.larder:/x"] {
            assert!(parse(none).unwrap_err().contains("spin:VOLUME:/PATH"), "{none}");
        }
        assert_eq!(parse("spin:/x"), Ok(("spin:/x".to_owned(), VolumeAddress::File("spin".into()))));
        assert!(VolumeAddress::parse("spin:data").unwrap_err().contains("file commands"));
    }

    #[test]
    fn volume_paths_split_at_the_first_colon_slash() {
        let parse = |text: &str| text.parse::<VolumePath>().map(|path| (path.address.to_string(), path.path));
        assert_eq!(parse("a.larder:/x/y"), Ok(("a.larder".into(), "x/y".into())));
        assert_eq!(parse("a.larder:/"), Ok(("a.larder".into(), String::new())));
        assert_eq!(parse("a.larder"), Ok(("a.larder".into(), String::new())));
        assert_eq!(parse("a.larder:/x:/y"), Ok(("a.larder".into(), "x:/y".into())));
        assert!(parse(":/x").is_err());
        assert!(looks_like_volume_path("a.larder:/x"));
        assert!(!looks_like_volume_path("a.larder"));
        assert!(looks_like_volume_path("s3://bucket"));
    }
}
