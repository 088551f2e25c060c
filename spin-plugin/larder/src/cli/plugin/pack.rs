//! `larder plugin pack`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use semver::{Version, VersionReq};
use url::Url;

use super::archive::{archive, digest};
use super::manifest::{Manifest, Package};
use super::platform::{Platform, platforms};
use crate::cli::binary::write_binary;
use crate::units::format_size;

/// The versions of Spin whose way to start triggers this one knows.
const SPIN_COMPATIBILITY: &str = ">=4.0, <5.0";

/// The largest executable that is packed, in bytes. A mistaken path does not
/// fill the memory.
const MOST_BYTES: u64 = 1 << 30;

/// The plugins: their names, and what `spin plugin list` says of them.
const PLUGINS: [(&str, &str); 2] = [
    ("trigger-larder", "Runs Spin apps with `[[trigger.larder]]`: components that share writable, persistent files"),
    ("larder", "Works on Larder volumes: `spin larder ls`, `cp`, `df`, and all other commands of larder"),
];

const EXAMPLES: &str = "\
Examples:
  larder plugin pack --out dist
  larder plugin pack --out dist --url-base https://example.org/larder/v0.1.0 \\
      x86_64/larder=linux/amd64 aarch64/larder=linux/aarch64 mac/larder=macos/aarch64

Then, on the host of a user:
  spin plugin install --yes --file dist/trigger-larder.json
  spin plugin install --yes --file dist/larder.json

Executables are packed as they are. `strip` makes one a sixth of its size.";

/// Makes the archives and manifests by which Spin installs larder
///
/// For each executable two archives, trigger-larder-VERSION-OS-ARCH.tar.gz and
/// larder-VERSION-OS-ARCH.tar.gz; and for all of them the manifests trigger-larder.json
/// and larder.json. The same executables have the same archives, bit for bit.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PackArguments {
    /// Built larder executables; OS (linux, macos, windows) and ARCH (amd64, aarch64, arm)
    /// are checked with the file. Without any: this executable
    #[arg(value_name = "EXECUTABLE[=OS/ARCH]")]
    executables: Vec<ExecutableArgument>,

    /// Where to put archives and manifests; the directory is made
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// The plugins' version
    #[arg(long, value_name = "VERSION", default_value = env!("CARGO_PKG_VERSION"))]
    version: Version,

    /// Where the archives will be, an http or https URL; without it, they are installed from
    /// DIR of this host
    #[arg(long, value_name = "URL", value_parser = parse_base)]
    url_base: Option<Url>,

    /// The versions of Spin that can have the plugins
    #[arg(long, value_name = "RANGE", default_value = SPIN_COMPATIBILITY)]
    spin_compatibility: VersionReq,

    /// The URL of a page about the plugins
    #[arg(long, value_name = "URL")]
    homepage: Option<Url>,
}

/// `EXECUTABLE[=OS/ARCH]`.
#[derive(Clone, Debug)]
struct ExecutableArgument {
    path: PathBuf,
    platform: Option<Platform>,
}

impl FromStr for ExecutableArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, platform) = match text.rsplit_once('=') {
            Some((path, platform)) => (path, Some(platform.parse()?)),
            None => (text, None),
        };
        if path.is_empty() {
            return Err(format!("`{text}` names no file: write EXECUTABLE or EXECUTABLE=OS/ARCH"));
        }
        Ok(Self { path: path.into(), platform })
    }
}

fn parse_base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}: write for instance https://example.org/larder"))?;
    let plain = url.query().is_none() && url.fragment().is_none();
    if ["http", "https"].contains(&url.scheme()) && plain {
        Ok(url)
    } else {
        Err("write an http or https URL without `?` and `#`".to_owned())
    }
}

/// An executable that is to be packed.
struct Executable {
    platform: Platform,
    bytes: Vec<u8>,
}

/// Packs.
///
/// # Errors
/// When an executable cannot be read or is for another platform than was said,
/// when two are for the same one, and when something cannot be written.
pub(super) fn pack(arguments: &PackArguments) -> Result<()> {
    let executables = read_all(&arguments.executables)?;
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    // Manifests name archives of this host by absolute paths.
    let out = out.canonicalize().with_context(|| format!("cannot find {}", out.display()))?;
    let version = arguments.version.to_string();
    // Compressing takes most of the time.
    let packed = std::thread::scope(|scope| {
        let packing = PLUGINS.map(|(name, _)| {
            let (executables, out, version) = (&executables, &out, &version);
            let base = arguments.url_base.as_ref();
            scope.spawn(move || packages(name, executables, out, version, base))
        });
        packing.map(|packing| packing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut installs = Vec::new();
    for ((name, description), packages) in PLUGINS.into_iter().zip(packed) {
        let manifest = Manifest {
            name,
            description,
            homepage: arguments.homepage.as_ref().map(Url::as_str),
            version: &version,
            spin_compatibility: &arguments.spin_compatibility.to_string(),
            license: env!("CARGO_PKG_LICENSE"),
            packages: packages?,
        };
        let path = out.join(format!("{name}.json"));
        let json = serde_json::to_string_pretty(&manifest).context("writing the manifest")?;
        write_binary(&path, (json + "\n").as_bytes())?;
        installs.push(format!("spin plugin install --yes --file {}", shell_word(&path.display().to_string())));
    }
    crate::notice(&format!("install with:\n  {}", installs.join("\n  ")));
    Ok(())
}

/// Writes the archives of one plugin.
fn packages(
    name: &str,
    executables: &[Executable],
    out: &Path,
    version: &str,
    base: Option<&Url>,
) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for Executable { platform, bytes } in executables {
        let Platform { os, arch } = *platform;
        let program = if os == "windows" { format!("{name}.exe") } else { name.to_owned() };
        let archive = archive(&program, bytes)?;
        let path = out.join(format!("{name}-{version}-{os}-{arch}.tar.gz"));
        write_binary(&path, &archive)?;
        crate::notice(&format!("{}: {}", path.display(), format_size(archive.len() as u64)));
        packages.push(Package { os, arch, url: address(&path, base)?, sha256: digest(&archive) });
    }
    Ok(packages)
}

/// A text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:@%,".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Reads the executables that were named, or this one, one for each platform.
fn read_all(named: &[ExecutableArgument]) -> Result<Vec<Executable>> {
    let own;
    let named = if named.is_empty() {
        let path = std::env::current_exe().context("cannot tell where this executable is: name one")?;
        own = [ExecutableArgument { path, platform: None }];
        &own
    } else {
        named
    };
    let mut executables: Vec<Executable> = Vec::new();
    for argument in named {
        let executable = read(argument)?;
        if executables.iter().any(|other| other.platform == executable.platform) {
            bail!(
                "{} is the second executable for {}: give one for each platform",
                argument.path.display(),
                executable.platform
            );
        }
        executables.push(executable);
    }
    Ok(executables)
}

fn read(argument: &ExecutableArgument) -> Result<Executable> {
    let name = argument.path.display();
    let metadata = std::fs::metadata(&argument.path).with_context(|| format!("cannot read {name}: check the path"))?;
    ensure!(metadata.is_file(), "{name} is not a file: name the executable itself");
    ensure!(metadata.len() <= MOST_BYTES, "{name} has {} bytes, and at most {MOST_BYTES} are packed", metadata.len());
    let bytes = std::fs::read(&argument.path).with_context(|| format!("cannot read {name}"))?;
    let found = platforms(&bytes);
    let platform = match (argument.platform, found.as_slice()) {
        (_, []) => {
            bail!("{name} is not an executable for Linux, macOS or Windows that Spin knows: name a built larder")
        }
        (Some(wanted), found) if found.contains(&wanted) => wanted,
        (Some(wanted), found) => bail!("{name} is an executable for {}, not for {wanted}", list(found)),
        (None, [one]) => *one,
        (None, several) => bail!("{name} is an executable for {}: say which with {name}=OS/ARCH", list(several)),
    };
    Ok(Executable { platform, bytes })
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Where an archive will be.
fn address(path: &Path, base: Option<&Url>) -> Result<String> {
    let Some(base) = base else {
        let url = Url::from_file_path(path).map_err(|()| anyhow!("{} has no URL: give --url-base", path.display()))?;
        return Ok(url.into());
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // `+` of a version is itself in a path.
    Ok(format!("{}/{name}", base.as_str().trim_end_matches('/')))
}
