//! The arguments `--volume`, `--copy-in` and `--copy-out`.

use std::path::PathBuf;
use std::str::FromStr;

use super::VolumeAddress;

/// What a mount is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// The guest may not write through this mount.
    pub(crate) read_only: bool,
    /// A guest's `fsync` saves the volume file before it returns.
    pub(crate) sync: bool,
}

/// `SOURCE[#/SUB]::GUEST[:ro][:sync]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountArgument {
    /// The volume.
    pub(crate) address: VolumeAddress,
    /// The directory of the volume that is mounted, without a leading slash;
    /// empty for the root.
    pub(crate) subdirectory: String,
    /// The absolute guest path, normalised.
    pub(crate) guest: String,
    /// Rights and durability.
    pub(crate) purpose: Purpose,
}

impl FromStr for MountArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target) = text
            .rsplit_once("::")
            .ok_or_else(|| format!("`{text}` is not VOLUME::GUEST: write for instance `data.larder::/data`"))?;
        let (source, subdirectory) = match source.rsplit_once("#/") {
            Some((source, path)) => (source, normalise(path)?),
            None => (source, String::new()),
        };
        let mut parts = target.split(':');
        let guest = check_guest_path(parts.next().unwrap_or_default())?;
        let mut purpose = Purpose::default();
        for option in parts {
            match option {
                "ro" => purpose.read_only = true,
                "sync" => purpose.sync = true,
                other => return Err(format!("`{other}` in `{text}` is not an option of a volume: use `ro` or `sync`")),
            }
        }
        let address = VolumeAddress::parse(source)?;
        if let VolumeAddress::Nats(remote) = &address {
            if purpose.sync {
                return Err(format!(
                    "{remote} is a remote volume, which a guest's fsync always saves: leave `:sync` out"
                ));
            }
            if !subdirectory.is_empty() {
                return Err(format!("write the directory of a remote volume behind its name: {remote}/{subdirectory}"));
            }
        }
        if purpose.sync && matches!(address, VolumeAddress::Memory(_)) {
            return Err(format!(
                "`{source}` is a volume in memory and `:sync` has nowhere to save it: give a file such as `{source}.larder`"
            ));
        }
        if purpose.sync && purpose.read_only {
            return Err(format!("`{text}` is both `ro` and `sync`: a read-only mount has nothing to save"));
        }
        Ok(Self { address, subdirectory, guest, purpose })
    }
}

/// Which side of a copy comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopyArgument {
    /// The path on the host.
    pub(crate) host: PathBuf,
    /// The absolute guest path, normalised.
    pub(crate) guest: String,
    /// Whether the target was written with a trailing slash and is therefore a
    /// directory to copy into.
    pub(crate) into: bool,
}

impl CopyArgument {
    /// Parses `HOST::GUEST`.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn copy_in(text: &str) -> Result<Self, String> {
        let (host, guest) = text
            .rsplit_once("::")
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| format!("`{text}` is not HOST::GUEST: write for instance `./src::/app/src`"))?;
        Ok(Self { host: host.into(), guest: check_guest_path(guest)?, into: guest.ends_with('/') })
    }

    /// Parses `GUEST::HOST`.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn copy_out(text: &str) -> Result<Self, String> {
        let (guest, host) = text
            .split_once("::")
            .filter(|(_, host)| !host.is_empty())
            .ok_or_else(|| format!("`{text}` is not GUEST::HOST: write for instance `/out/report.txt::report.txt`"))?;
        Ok(Self { host: host.into(), guest: check_guest_path(guest)?, into: host.ends_with('/') })
    }
}

/// Checks and normalises an absolute guest path: `/a//b/` becomes `/a/b`.
///
/// # Errors
/// A sentence for the user when it is not absolute or has `.` or `..` in it.
pub(crate) fn check_guest_path(path: &str) -> Result<String, String> {
    let relative = path.strip_prefix('/').ok_or_else(|| format!("the guest path `{path}` must begin with a slash"))?;
    Ok(format!("/{}", normalise(relative)?))
}

/// Removes empty names from a relative path.
fn normalise(path: &str) -> Result<String, String> {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| *name == "." || *name == "..") {
        return Err(format!("`{path}` must not contain `.` or `..`"));
    }
    Ok(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(text: &str) -> Result<(String, String, String, bool, bool), String> {
        text.parse::<MountArgument>().map(|mount| {
            let Purpose { read_only, sync } = mount.purpose;
            (mount.address.to_string(), mount.subdirectory, mount.guest, read_only, sync)
        })
    }

    #[test]
    fn mounts() {
        let expect =
            |volume: &str, sub: &str, guest: &str, ro, sync| Ok((volume.into(), sub.into(), guest.into(), ro, sync));
        assert_eq!(mount("scratch::/tmp"), expect("scratch", "", "/tmp", false, false));
        assert_eq!(mount("a.larder::/"), expect("a.larder", "", "/", false, false));
        assert_eq!(mount("a.larder::/d/:ro"), expect("a.larder", "", "/d", true, false));
        assert_eq!(mount("./a::/d:sync"), expect("./a", "", "/d", false, true));
        assert_eq!(mount("a.larder#/x/y::/d"), expect("a.larder", "x/y", "/d", false, false));
        assert_eq!(mount("nats://h:1/v/d::/x:ro"), expect("nats://h:1/v/d", "", "/x", true, false));
        assert_eq!(mount("s3://b::/d"), expect("s3://b", "", "/d", false, false));
        assert_eq!(mount("s3://b/p?read=through::/d:ro"), expect("s3://b/p", "", "/d", true, false));
        assert_eq!(mount("s3://b/p#/x::/d:sync"), expect("s3://b/p", "x", "/d", false, true));
        assert_eq!(mount("s3://b?endpoint=http://[::1]:1::/d"), expect("s3://b", "", "/d", false, false));
        for wrong in [
            "s3://b",
            "s3://b?raed=through::/d",
            "nats://h/v::/d:sync",
            "nats://h/v#/sub::/d",
            "a.larder",
            "a.larder::d",
            "a.larder::/d:rx",
            "::/d",
            "scratch::/d:sync",
            "a.larder::/d:ro:sync",
            "a.larder#/../x::/d",
            "a.larder::/d/../e",
        ] {
            assert!(mount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn copies() {
        let copy = CopyArgument::copy_in("./src::/app/src/").unwrap();
        assert_eq!((copy.host, copy.guest.as_str(), copy.into), ("./src".into(), "/app/src", true));
        let copy = CopyArgument::copy_out("/out::result").unwrap();
        assert_eq!((copy.host, copy.guest.as_str(), copy.into), ("result".into(), "/out", false));
        assert!(CopyArgument::copy_in("x").is_err());
        assert!(CopyArgument::copy_in("::/x").is_err());
        assert!(CopyArgument::copy_out("x::y").is_err());
        assert!(CopyArgument::copy_out("/x::").is_err());
    }
}
