//! The arguments of the commands that say what a component carries.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docs of arguments are the help texts, whose brackets mean options"
)]

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_compose::contents::{Contents, MountSpec};
use larder_core::Limits;
use larder_image::{Arguments, Inherit};
use larder_transfer::{Progress, Report};

use crate::files::tell;
use crate::progress::{Bar, host_size};
use crate::volumes::{LimitChanges, check_guest_path};

/// Between a tar file and its reader, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// What a component is given.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What it carries")]
pub(crate) struct CarriedArguments {
    /// Puts a host directory or file in: HOST::GUEST[:ro]
    ///
    /// What is in the directory goes into the guest directory GUEST, in the volume that
    /// is mounted there. With `:ro`, it gets a volume and a mount of its own, which
    /// nobody can write to.
    #[arg(long = "dir", value_name = "HOST::GUEST[:ro]")]
    directories: Vec<Source>,

    /// Unpacks a tar file, not compressed: FILE[::GUEST[:ro]]; `-` is standard input
    #[arg(long = "tar", value_name = "FILE[::GUEST]", value_parser = Source::archive)]
    archives: Vec<Source>,

    /// Mounts a volume: NAME[#/DIR]::GUEST[:ro]; without it, an empty volume at `/`
    ///
    /// The volume is made anew for each instance, with what `--dir` and `--tar` put into
    /// it. The same NAME in several mounts is the same volume.
    #[arg(short = 'v', long = "volume", value_name = "NAME::GUEST")]
    volumes: Vec<BakedMount>,

    /// Limits of each volume: bytes=…,inodes=… (see `larder help run`)
    #[arg(long = "limit", value_name = "KEY=SIZE,…")]
    limits: Option<LimitChanges>,

    /// Sets an environment variable of the app, over the host's
    #[arg(short = 'e', long = "env", value_name = "KEY=VALUE", value_parser = parse_variable)]
    environment: Vec<(String, String)>,

    /// Which of the host's environment variables the app sees: all, none, or KEY,KEY…
    #[arg(long, value_name = "WHICH", value_parser = parse_inherit)]
    host_env: Option<Inherit>,

    /// Sets an argument of the app instead of the host's; can be given several times
    ///
    /// The app's own name comes before them.
    #[arg(long = "arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What `--dir` and `--tar` name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    host: PathBuf,
    guest: String,
    read_only: bool,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, target) = text
            .rsplit_once("::")
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| format!("`{text}` is not HOST::GUEST: write for instance `./site::/www`"))?;
        let (guest, read_only) = split_mode(target)?;
        Ok(Self { host: host.into(), guest, read_only })
    }
}

impl Source {
    fn archive(text: &str) -> Result<Self, String> {
        if text.contains("::") {
            return text.parse();
        }
        Ok(Self { host: text.into(), guest: "/".to_owned(), read_only: false })
    }
}

/// `NAME[#/DIR]::GUEST[:ro]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BakedMount(MountSpec);

impl FromStr for BakedMount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target) = text
            .rsplit_once("::")
            .ok_or_else(|| format!("`{text}` is not NAME::GUEST: write for instance `scratch::/tmp`"))?;
        let (volume, directory) = source.split_once("#/").unwrap_or((source, ""));
        if volume.is_empty() || volume.contains('/') || volume.ends_with(".larder") {
            return Err(format!(
                "`{volume}` in `{text}` is no volume's name: a component carries its volumes; put files into one with --dir"
            ));
        }
        let directory = check_guest_path(&format!("/{directory}"))?;
        let (guest_path, read_only) = split_mode(target)?;
        Ok(Self(MountSpec {
            volume: volume.to_owned(),
            directory: directory.trim_start_matches('/').to_owned(),
            guest_path,
            read_only,
        }))
    }
}

/// Splits `GUEST[:ro]`.
fn split_mode(target: &str) -> Result<(String, bool), String> {
    match target.split_once(':') {
        None => Ok((check_guest_path(target)?, false)),
        Some((guest, "ro")) => Ok((check_guest_path(guest)?, true)),
        Some((_, other)) => Err(format!("`{other}` in `{target}` is not an option here: there is only `ro`")),
    }
}

fn parse_inherit(text: &str) -> Result<Inherit, String> {
    Ok(match text {
        "all" => Inherit::All,
        "none" => Inherit::None,
        names => {
            let names: Vec<String> = names.split(',').map(str::to_owned).collect();
            if names.iter().any(|name| name.is_empty() || name.contains('=')) {
                return Err(format!("`{text}` is not all, none or a list of names"));
            }
            Inherit::Only(names)
        }
    })
}

/// `KEY=VALUE`. Unlike with `larder run`, a value is never taken from the
/// environment here: it would be in the component for good.
fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not KEY=VALUE")),
    }
}

impl CarriedArguments {
    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.directories.is_empty()
            && self.archives.is_empty()
            && self.volumes.is_empty()
            && self.limits.is_none()
            && !self.sets_environment()
    }

    /// Whether the app is to see another environment or other arguments than
    /// the host's.
    pub(crate) fn sets_environment(&self) -> bool {
        !self.environment.is_empty() || self.host_env.is_some() || !self.arguments.is_empty()
    }

    /// What a new component carries. `program` is the app's name, its first
    /// argument.
    ///
    /// # Errors
    /// When a source cannot be read, does not fit, or mounts contradict one
    /// another.
    pub(crate) fn contents(&self, program: &str) -> Result<Contents> {
        let limits = self.limits.clone().unwrap_or_default().apply(Limits::default());
        let mut contents = Contents::new(larder_transfer::now(), limits);
        self.add_to(&mut contents, program)?;
        Ok(contents)
    }

    /// Adds what was asked for to what a component carries already.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub(crate) fn add_to(&self, contents: &mut Contents, program: &str) -> Result<()> {
        for BakedMount(mount) in &self.volumes {
            contents.mount(mount.clone())?;
        }
        if self.volumes.is_empty() {
            contents.mount_default()?;
        }
        for source in &self.directories {
            let mut bar = Bar::new("reading", host_size(&source.host));
            let report = contents
                .add_host(&source.host, &source.guest, source.read_only, &mut bar)
                .with_context(|| format!("cannot put {} into the component", source.host.display()))?;
            tell_of(&report, source)?;
        }
        for source in &self.archives {
            let report = add_archive(contents, source)
                .with_context(|| format!("cannot unpack {} into the component", source.host.display()))?;
            tell_of(&report, source)?;
        }
        let environment = contents.environment();
        environment.set.extend(self.environment.iter().cloned());
        if let Some(inherit) = &self.host_env {
            environment.inherit = inherit.clone();
        }
        if !self.arguments.is_empty() {
            let program = std::iter::once(program.to_owned());
            contents.set_arguments(Arguments::Baked(program.chain(self.arguments.iter().cloned()).collect()));
        }
        Ok(())
    }
}

fn add_archive(contents: &mut Contents, source: &Source) -> Result<Report> {
    let mut add = |input: &mut dyn io::Read, bar: &mut dyn Progress| {
        Ok(contents.add_tar(input, &source.guest, source.read_only, bar)?)
    };
    if source.host.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            bail!("standard input is a terminal: pipe a tar stream into the command");
        }
        let mut input = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
        return add(&mut input, &mut Bar::new("reading", None));
    }
    let mut bar = Bar::new("reading", host_size(&source.host));
    add(&mut BufReader::with_capacity(BUFFER_BYTES, File::open(&source.host)?), &mut bar)
}

fn tell_of(report: &Report, source: &Source) -> Result<()> {
    tell(report, &format!("what is put in of {}", source.host.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let source = |text: &str| text.parse::<Source>().map(|s| (s.host.display().to_string(), s.guest, s.read_only));
        assert_eq!(source("./a::/b"), Ok(("./a".into(), "/b".into(), false)));
        assert_eq!(source("./a::/b/:ro"), Ok(("./a".into(), "/b".into(), true)));
        for wrong in ["./a", "::/b", "./a::b", "./a::/b:rw", "./a::/../b"] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Source::archive("a.tar").map(|source| source.guest), Ok("/".into()));
    }

    #[test]
    fn mounts() {
        let mount = |text: &str| text.parse::<BakedMount>().map(|BakedMount(mount)| mount);
        let expected =
            MountSpec { volume: "data".into(), directory: "sub/dir".into(), guest_path: "/x".into(), read_only: true };
        assert_eq!(mount("data#/sub/dir/::/x:ro"), Ok(expected));
        for wrong in ["data", "a.larder::/", "./a::/", "::/", "a::b"] {
            assert!(mount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn environments() {
        assert_eq!(parse_inherit("none"), Ok(Inherit::None));
        assert_eq!(parse_inherit("A,B"), Ok(Inherit::Only(vec!["A".into(), "B".into()])));
        assert!(parse_inherit("A=1").is_err());
        assert!(parse_variable("A").is_err());
    }
}
