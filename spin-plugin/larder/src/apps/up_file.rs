//! The TOML file of `larder up`: apps and volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use larder_s3::S3Address;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use toml::Spanned;

use crate::input::read_text;
use crate::units::parse_duration;
use crate::volumes::{LimitChanges, check_guest_path};

/// The largest up file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A whole file. Unknown keys are errors everywhere: a typing error would
/// otherwise silently run an app without its volume.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpFile {
    /// Volumes by name.
    #[serde(default)]
    pub(crate) volumes: BTreeMap<String, VolumeEntry>,
    /// Apps, in the file's order.
    #[serde(default, rename = "app")]
    pub(crate) apps: Vec<AppEntry>,
}

/// `[volumes.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeEntry {
    /// The volume file, relative to the up file. Without it the volume is in
    /// memory.
    pub(crate) file: Option<PathBuf>,
    /// The address of a volume in a bucket, instead of a file; its `state` and
    /// `ca` are relative to the up file.
    pub(crate) s3: Option<Spanned<S3Address>>,
    /// Whether a guest's `fsync` saves the file.
    #[serde(default)]
    pub(crate) sync: Option<Spanned<bool>>,
    /// Its limits.
    #[serde(default)]
    pub(crate) limits: LimitChanges,
}

/// `[[app]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppEntry {
    /// Stands before each line of its output.
    pub(crate) name: Spanned<String>,
    /// The component or core module, relative to the up file.
    pub(crate) wasm: PathBuf,
    /// Arguments behind the program's name.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Its filesystem; without any mount, a fresh volume in memory at `/`.
    #[serde(default)]
    pub(crate) mounts: Vec<MountEntry>,
    /// Where it serves HTTP; without it the app is a command.
    pub(crate) listen: Option<String>,
    /// Bound on its memory, in bytes.
    pub(crate) memory: Option<crate::volumes::Size>,
    /// Bound on its run, or on each of its requests.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) timeout: Option<Duration>,
}

/// An entry of `mounts`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MountEntry {
    /// A name from `[volumes]`.
    pub(crate) volume: Spanned<String>,
    /// The guest path.
    pub(crate) path: Spanned<String>,
    /// What the guest may do.
    #[serde(default)]
    pub(crate) mode: MountMode,
    /// The directory of the volume that is mounted; its root without it.
    #[serde(default)]
    pub(crate) subdir: Option<Spanned<String>>,
}

/// `mode` of a mount.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) enum MountMode {
    /// Read only.
    #[serde(rename = "ro")]
    ReadOnly,
    /// Read and write.
    #[default]
    #[serde(rename = "rw")]
    ReadWrite,
}

/// A text such as `"30s"`, or whole seconds.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a duration such as \"30s\" or whole seconds")]
    enum Written {
        Seconds(u64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Seconds(seconds) => seconds.to_string(),
        Written::Text(text) => text,
    };
    parse_duration(&text).map(Some).map_err(D::Error::custom)
}

impl UpFile {
    /// Reads and checks a file; its paths become relative to the caller's
    /// directory.
    ///
    /// # Errors
    /// When it cannot be read, or says something wrong: with the line and the
    /// key.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = read_text(path, MAX_FILE_BYTES)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).with_context(|| format!("{name} is not a valid up file"))
    }

    fn parse(text: &str, directory: &Path) -> Result<Self> {
        let mut file: Self =
            toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.to_string().trim_end()))?;
        file.check()
            .map_err(|Problem { span, message }| anyhow::anyhow!("line {}: {message}", line_of(text, span.start)))?;
        for volume in file.volumes.values_mut() {
            volume.file = volume.file.take().map(|file| directory.join(file));
            volume.s3 = volume.s3.take().map(|s3| Spanned::new(s3.span(), s3.into_inner().below(directory)));
        }
        for app in &mut file.apps {
            app.wasm = directory.join(&app.wasm);
        }
        Ok(file)
    }

    /// What serde cannot check.
    fn check(&self) -> Result<(), Problem> {
        if self.apps.is_empty() {
            return Err(Problem {
                span: 0..0,
                message: "there is no app: add a `[[app]]` with `name` and `wasm`".to_owned(),
            });
        }
        for (name, volume) in &self.volumes {
            if volume.file.as_ref().is_some_and(|file| file.to_string_lossy().contains("://")) {
                return Err(problem(
                    0..0,
                    format!(
                        "the volume `{name}` is no file: for one in a bucket write `s3 = \"s3://BUCKET/PREFIX\"`, and use `larder run` or `larder serve` with a served one"
                    ),
                ));
            }
            if let (Some(s3), Some(_)) = (&volume.s3, &volume.file) {
                return Err(problem(s3.span(), format!("the volume `{name}` has both `file` and `s3`: leave one out")));
            }
            if let (Some(sync), None, None) = (&volume.sync, &volume.file, &volume.s3)
                && *sync.get_ref()
            {
                return Err(problem(
                    sync.span(),
                    format!(
                        "the volume `{name}` is in memory and `sync` has nowhere to save it: add `file = \"{name}.larder\"`"
                    ),
                ));
            }
        }
        let mut names = BTreeSet::new();
        for app in &self.apps {
            let name = app.name.get_ref();
            if name.is_empty() || name.contains(char::is_control) {
                return Err(problem(
                    app.name.span(),
                    "an app's `name` must be a text without control characters".to_owned(),
                ));
            }
            if !names.insert(name) {
                return Err(problem(app.name.span(), format!("two apps are called `{name}`")));
            }
            let mut places = BTreeSet::new();
            for mount in &app.mounts {
                self.check_mount(mount, name)?;
                if !places.insert(mount.path.get_ref().trim_end_matches('/')) {
                    return Err(problem(
                        mount.path.span(),
                        format!("two volumes are mounted at {} in `{name}`", mount.path.get_ref()),
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_mount(&self, mount: &MountEntry, app: &str) -> Result<(), Problem> {
        let volume = mount.volume.get_ref();
        if !self.volumes.contains_key(volume) {
            let known: Vec<&str> = self.volumes.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(problem(
                mount.volume.span(),
                format!(
                    "`{app}` mounts the volume `{volume}`, which `[volumes]` does not have ({known}): add `[volumes.{volume}]`"
                ),
            ));
        }
        check_guest_path(mount.path.get_ref()).map_err(|message| problem(mount.path.span(), message))?;
        if let Some(subdir) = &mount.subdir {
            check_guest_path(&format!("/{}", subdir.get_ref())).map_err(|message| problem(subdir.span(), message))?;
        }
        Ok(())
    }
}

/// Something wrong, and where in the text.
struct Problem {
    span: Range<usize>,
    message: String,
}

fn problem(span: Range<usize>, message: String) -> Problem {
    Problem { span, message }
}

/// The number of the line with the byte `offset`, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<UpFile, String> {
        UpFile::parse(text, Path::new("dir")).map_err(|error| format!("{error:#}"))
    }

    const GOOD: &str = r#"
[volumes.data]
file = "data.larder"
sync = true
limits = { bytes = "64MiB", inodes = 1000 }

[volumes.scratch]

[volumes.shared]
s3 = "s3://bucket/shared?state=here"

[[app]]
name = "writer"
wasm = "writer.wasm"
args = ["a", "b"]
env = { KEY = "value" }
memory = "1GiB"
timeout = "30s"
mounts = [{ volume = "data", path = "/data", mode = "ro", subdir = "/sub" }, { volume = "scratch", path = "/tmp" }]

[[app]]
name = "web"
wasm = "/abs/web.wasm"
listen = "127.0.0.1:0"
"#;

    #[test]
    fn a_whole_file() {
        let file = parse(GOOD).unwrap();
        assert_eq!(file.volumes["data"].file.as_deref(), Some(Path::new("dir/data.larder")));
        let shared = file.volumes["shared"].s3.as_ref().unwrap().get_ref();
        assert_eq!(shared.to_string(), "s3://bucket/shared?state=dir/here");
        assert_eq!(file.apps.len(), 2);
        let writer = &file.apps[0];
        assert_eq!(writer.timeout, Some(Duration::from_secs(30)));
        assert_eq!(writer.mounts[0].mode, MountMode::ReadOnly);
        assert_eq!(file.apps[1].wasm, Path::new("/abs/web.wasm"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("", "there is no app"),
            ("[[app]]\nname = 'a'\nwasm = 'a.wasm'\nmount = []", "unknown field `mount`"),
            ("[volumes.d]\nfil = 'x'\n[[app]]\nname = 'a'\nwasm = 'a'", "unknown field `fil`"),
            ("[volumes.d]\nlimits = { byte = 1 }\n[[app]]\nname = 'a'\nwasm = 'a'", "unknown field `byte`"),
            ("[volumes.d]\nlimits = { bytes = 'many' }\n[[app]]\nname = 'a'\nwasm = 'a'", "`many` is not a size"),
            ("[[app]]\nname = 'a'", "missing field `wasm`"),
            (
                "[[app]]\nname = 'a'\nwasm = 'a'\nmounts = [{ volume = 'd', path = '/' }]",
                "line 4: `a` mounts the volume `d`",
            ),
            (
                "[volumes.d]\n[[app]]\nname = 'a'\nwasm = 'a'\nmounts = [{ volume = 'd', path = 'x' }]",
                "line 5: the guest path `x` must begin with a slash",
            ),
            (
                "[volumes.d]\n[[app]]\nname = 'a'\nwasm = 'a'\nmounts = [{ volume = 'd', path = '/', mode = 'w' }]",
                "unknown variant `w`",
            ),
            ("[[app]]\nname = 'a'\nwasm = 'a'\n[[app]]\nname = 'a'\nwasm = 'b'", "line 5: two apps are called `a`"),
            (
                "[volumes.d]\nfile = 'x'\ns3 = 's3://b'\n[[app]]\nname = 'a'\nwasm = 'a'",
                "line 3: the volume `d` has both",
            ),
            ("[volumes.d]\ns3 = 's3://b?raed=x'\n[[app]]\nname = 'a'\nwasm = 'a'", "`raed` is not known"),
            ("[volumes.d]\nsync = true\n[[app]]\nname = 'a'\nwasm = 'a'", "line 2: the volume `d` is in memory"),
            ("[[app]]\nname = 'a'\nwasm = 'a'\ntimeout = 'soon'", "`soon` is not a duration"),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text}\n→ {message}");
        }
    }
}
