//! The options of an image, as values, and what holds without an image.

use larder_core::{Limits, Rights, Timestamp};

use crate::ImageError;

/// Everything but the trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The volumes, in the order of their indices.
    pub volumes: Vec<VolumeSpec>,
    /// What the guest sees, in the order in which it sees them (the preopens).
    pub mounts: Vec<Mount>,
    /// The environment variables that the guest sees.
    pub environment: Environment,
    /// The arguments that the guest sees.
    pub arguments: Arguments,
    /// The guest's `initial-cwd`; `None` leaves the host's.
    pub initial_directory: Option<String>,
    /// When the component was composed: the time where there is no clock, and
    /// the times of directories that the image does not describe.
    pub composed: Timestamp,
}

/// A volume that is made when the component starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeSpec {
    /// A name for messages and statistics.
    pub name: String,
    /// What the volume may hold, its tree included.
    pub limits: Limits,
}

/// A directory that the guest is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where the guest sees it: an absolute path without `.`, `..`, empty
    /// components or a slash at the end (but `/` itself).
    pub guest_path: String,
    /// The index of the volume.
    pub volume: u32,
    /// The directory in the volume, written as `guest_path` but relative;
    /// empty for its root. Made at the start if it is not there.
    pub directory: String,
    /// What the guest may do.
    pub rights: Rights,
}

/// The environment variables that the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Which of the host's.
    pub inherit: Inherit,
    /// Set in the image, name and value; they win over the host's.
    pub set: Vec<(String, String)>,
}

/// Which of the host's environment variables the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// None.
    None,
    /// All.
    All,
    /// These.
    Only(Vec<String>),
}

/// The arguments that the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// The host's.
    Host,
    /// These, the program's name first.
    Baked(Vec<String>),
}

impl Default for Options {
    /// What holds without an image: one empty volume with default limits,
    /// mounted at `/` for reading and writing; environment and arguments are
    /// the host's.
    fn default() -> Self {
        Self {
            volumes: vec![VolumeSpec { name: "volume".into(), limits: Limits::default() }],
            mounts: vec![Mount {
                guest_path: "/".into(),
                volume: 0,
                directory: String::new(),
                rights: Rights::READ_WRITE,
            }],
            environment: Environment::default(),
            arguments: Arguments::Host,
            initial_directory: None,
            composed: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self { inherit: Inherit::All, set: Vec::new() }
    }
}

impl Environment {
    /// Whether the guest sees exactly what the host gives.
    #[must_use]
    pub fn is_the_hosts(&self) -> bool {
        self.inherit == Inherit::All && self.set.is_empty()
    }

    /// Whether the guest sees the host's variable of that name.
    #[must_use]
    pub fn inherits(&self, name: &str) -> bool {
        if self.set.iter().any(|(set, _)| set == name) {
            return false;
        }
        match &self.inherit {
            Inherit::None => false,
            Inherit::All => true,
            Inherit::Only(names) => names.iter().any(|only| only == name),
        }
    }
}

impl Options {
    /// Checks what the fields promise. Builder and reader both do.
    ///
    /// # Errors
    /// [`ImageError::Options`].
    pub fn check(&self) -> Result<(), ImageError> {
        for (index, mount) in self.mounts.iter().enumerate() {
            let at = |what| refused(what, &mount.guest_path);
            if self.volumes.get(mount.volume as usize).is_none() {
                return Err(at("a mount of a volume that is not there"));
            }
            if !mount.guest_path.starts_with('/') || !is_plain(mount.guest_path.get(1..).unwrap_or_default()) {
                return Err(at("a guest path must be absolute and plain"));
            }
            if !is_plain(&mount.directory) {
                return Err(refused("a mount's directory must be relative and plain", &mount.directory));
            }
            if self.mounts.iter().take(index).any(|other| other.guest_path == mount.guest_path) {
                return Err(at("two mounts at one guest path"));
            }
        }
        let inherited = match &self.environment.inherit {
            Inherit::Only(names) => names.as_slice(),
            _ => &[],
        };
        let set = self.environment.set.iter();
        for name in set.clone().map(|(name, _)| name).chain(inherited) {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(refused("not the name of an environment variable", name));
            }
        }
        let arguments = match &self.arguments {
            Arguments::Baked(arguments) => arguments.as_slice(),
            Arguments::Host => &[],
        };
        for text in set.map(|(_, value)| value).chain(arguments).chain(&self.initial_directory) {
            if text.contains('\0') {
                return Err(refused("a NUL in an argument or a variable", text));
            }
        }
        if !self.composed.is_valid() {
            return Err(refused("not a time", "composed"));
        }
        Ok(())
    }
}

fn refused(what: &'static str, at: &str) -> ImageError {
    ImageError::Options { what, at: at.to_owned() }
}

/// Whether a path is relative, without `.`, `..`, empty components, NUL, or
/// slashes at its ends. The empty path is.
fn is_plain(path: &str) -> bool {
    path.is_empty()
        || !path.contains('\0') && path.split('/').all(|name| !name.is_empty() && name != "." && name != "..")
}
