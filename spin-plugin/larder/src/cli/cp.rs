//! `larder cp`.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_core::{Descriptor, FileType, Follow, View};
use larder_s3::S3Address;
use larder_transfer::{Report, Transfer, TransferError, now};

use super::address::{ADDRESS_HELP, AtPath, Opened};
use super::reach::ReachArguments;
use crate::files::{Directory, create_directories, kind_of, list, open_directory, remove_tree, tell};
use crate::progress::{Bar, host_size};
use crate::volumes::{LimitChanges, VolumePath, has_path, looks_like_volume_path};

const EXAMPLES: &str = "\
Examples:
  larder cp report.pdf data.larder:/reports/
  larder cp -r ./site data.larder:/                into the root: /site
  larder cp -r ./site/. data.larder:/              what is in it
  larder cp data.larder:/logs/app.log .
  larder cp -r data.larder:/logs backup.larder:/   from volume to volume
  larder cp -r ./site nats://127.0.0.1:4222/data/  into a volume that larder-provider serves
  larder cp -r ./site s3://bucket/data:/           into a bucket
  larder cp -r ./site spin:data:/                  into a volume of a Spin app

Times, permission bits, links and holes are kept. A volume file that does not exist is
created. When a copy into a volume fails, the volume file stays as it was.

Served volumes keep no permission bits. What is copied into or out of one is in memory
meanwhile. Each file appears there whole; when the copy fails, those before stay. So they
do in a bucket, where many small files are faster with s3://BUCKET/PREFIX?write=async:/.";

/// Copies files and directories between the host and volumes, and among volumes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct CpArguments {
    /// Copies directories with all that is in them
    #[arg(short, long, visible_short_alias = 'R')]
    recursive: bool,

    /// Limits of the target volume, such as bytes=1GiB [default: none]
    #[arg(long = "limit", value_name = "KEY=SIZE,…")]
    limits: Option<LimitChanges>,

    /// Sources, then the target: host paths, or VOLUME:/PATH
    #[arg(value_name = "SOURCE|TARGET", required = true, num_args = 2..)]
    operands: Vec<Operand>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// A path on the host or in a volume.
#[derive(Clone, Debug)]
enum Operand {
    Host(PathBuf),
    /// The flag says whether it was written with a trailing slash.
    Volume(VolumePath, bool),
}

impl FromStr for Operand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What seems to be a path would be the prefix.
        if S3Address::is_meant(text) && !has_path(text) {
            return Err(format!("write `{text}:/` for its root, or s3://BUCKET/PREFIX:/PATH for a place in it"));
        }
        if looks_like_volume_path(text) {
            return Ok(Self::Volume(text.parse()?, text.ends_with('/')));
        }
        // Taken for a host path, it would replace the volume by another file.
        if text.ends_with(".larder") {
            return Err(format!(
                "`{text}` is a volume file: write `{text}:/` for its root, or copy the file itself with the system's cp"
            ));
        }
        Ok(Self::Host(PathBuf::from(text)))
    }
}

impl Operand {
    /// The name under which it goes into a directory; `None` for what has none
    /// (a root) or ends in `.`, of which only the content is copied.
    fn name(&self) -> Option<String> {
        match self {
            Self::Host(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/.") => None,
            Self::Host(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                // `..` and `/` have a name only once resolved.
                name.or_else(|| path.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned()))
                    .filter(|_| path.as_os_str() != ".")
            }
            Self::Volume(path, _) => path.file_name().filter(|name| *name != ".").map(str::to_owned),
        }
    }
}

/// Copies.
///
/// # Errors
/// When a source is missing, a directory is copied without `-r`, something
/// could not be copied, or the volume cannot be saved.
pub(crate) fn cp(arguments: &CpArguments) -> Result<()> {
    let Some((target, sources)) = arguments.operands.split_last() else {
        bail!("nothing to copy");
    };
    match target {
        Operand::Volume(path, into) => to_volume(arguments, sources, path, *into),
        Operand::Host(path) => {
            for source in sources {
                let Operand::Volume(source, _) = source else {
                    bail!(
                        "neither the source nor the target is in a volume: write VOLUME:/PATH for one of them, for instance data.larder:/{}",
                        path.display()
                    );
                };
                to_host(arguments, source, path, sources.len() > 1)?;
            }
            Ok(())
        }
    }
}

fn to_host(arguments: &CpArguments, source: &VolumePath, target: &Path, several: bool) -> Result<()> {
    let (opened, noticed) = Opened::source(source, &arguments.reach, wanted(arguments))?;
    check_source(arguments, &opened.root()?, source)?;
    let into = several || target.is_dir() || target.as_os_str().as_encoded_bytes().ends_with(b"/");
    let target = match Operand::Volume(source.clone(), false).name() {
        Some(name) if into => target.join(name),
        _ => target.to_owned(),
    };
    let total = (source.path.is_empty()).then(|| opened.attached().volume().usage().bytes);
    let mut bar = Bar::new("copying", total);
    let report = Transfer::new()
        .with_progress(&mut bar)
        .export_host(&opened.view()?, &source.path, &target)
        .with_context(|| format!("cannot copy {source} to {}", target.display()))?;
    drop(bar);
    tell(&both(report, noticed), &format!("the copy of {source}"))
}

fn to_volume(arguments: &CpArguments, sources: &[Operand], target: &VolumePath, into: bool) -> Result<()> {
    let opened = Opened::target(target, arguments.limits.as_ref(), &arguments.reach)?;
    let view = opened.view()?;
    let root = view.root()?;
    let kind = opened.kind_of(&target.path).with_context(|| target.to_string())?;
    let into = into || kind == Some(FileType::Directory);
    if sources.len() > 1 && !into {
        bail!(
            "{target} is no directory, so that several sources cannot go into it: create it with `larder mkdir {target}`"
        );
    }
    // Links in the path to it are followed, those below not.
    let below = if into { target.path.as_str() } else { parent(&target.path) };
    if opened.is_remote() {
        create_directories(&root, now(), below.trim_end_matches('/')).at_path(target)?;
    }
    let mut incomplete = Ok(());
    for source in sources {
        let mut path = target.path.trim_end_matches('/').to_owned();
        if let (Some(name), true) = (source.name(), into) {
            path = if path.is_empty() { name } else { format!("{path}/{name}") };
        }
        create_directories(&root, now(), parent(&path)).at_path(target)?;
        let (report, what) = match source {
            Operand::Host(host) => (from_host(arguments, host, &view, &path)?, host.display().to_string()),
            Operand::Volume(from, _) if from.address == target.address => {
                if path == from.path || path.starts_with(&format!("{}/", from.path)) || from.path.is_empty() {
                    let itself = VolumePath { path, ..target.clone() };
                    bail!("cannot copy {from} into itself ({itself})");
                }
                (
                    from_volume(arguments, (!opened.is_remote()).then_some(&opened), from, &view, &path)?,
                    from.to_string(),
                )
            }
            Operand::Volume(from, _) => (from_volume(arguments, None, from, &view, &path)?, from.to_string()),
        };
        incomplete = incomplete.and(tell(&report, &format!("the copy of {what}")));
    }
    drop((root, view));
    let report = opened.save(below).with_context(|| format!("cannot copy to {target}"))?;
    incomplete.and(tell(&report, &format!("the copy to {target}")))
}

/// Whether what is below a source is copied as well.
fn wanted(arguments: &CpArguments) -> impl FnOnce(FileType) -> bool {
    let recursive = arguments.recursive;
    move |kind| recursive || kind != FileType::Directory
}

/// The directory that a path is in.
fn parent(path: &str) -> &str {
    path.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above)
}

/// What two halves of one copy have to tell.
fn both(mut report: Report, other: Report) -> Report {
    report.skipped.extend(other.skipped);
    report.altered.extend(other.altered);
    report.more_notes += other.more_notes;
    report
}

fn from_host(arguments: &CpArguments, source: &Path, view: &View, path: &str) -> Result<Report> {
    let what = || format!("cannot copy {}", source.display());
    if std::fs::metadata(source).with_context(what)?.is_dir() && !arguments.recursive {
        bail!("{} is a directory: give -r to copy it with all that is in it", source.display());
    }
    let mut bar = Bar::new("copying", host_size(source));
    Transfer::new().with_progress(&mut bar).import_host(source, view, path).with_context(what)
}

fn check_source(arguments: &CpArguments, root: &Descriptor, source: &VolumePath) -> Result<FileType> {
    match kind_of(root, &source.path).at_path(source)? {
        Some(FileType::Directory) if !arguments.recursive => {
            bail!("{source} is a directory: give -r to copy it with all that is in it")
        }
        Some(kind) => Ok(kind),
        None => bail!("{source}: no such file or directory"),
    }
}

/// Copies from volume to volume, as a tar stream: what it keeps is what imports
/// and exports keep. `open` has the source if it is open already.
fn from_volume(
    arguments: &CpArguments,
    open: Option<&Opened>,
    source: &VolumePath,
    view: &View,
    path: &str,
) -> Result<Report> {
    let (opened, noticed) = match open {
        Some(_) => (None, Report::default()),
        None => Opened::source(source, &arguments.reach, wanted(arguments))
            .map(|(opened, report)| (Some(opened), report))?,
    };
    let Some(from) = open.or(opened.as_ref()) else { return Ok(noticed) };
    copy(arguments, from, source, view, path).map(|report| both(report, noticed))
}

fn copy(arguments: &CpArguments, from: &Opened, source: &VolumePath, view: &View, path: &str) -> Result<Report> {
    let is_file = check_source(arguments, &from.root()?, source)? != FileType::Directory;
    let what = || format!("cannot copy {source}");
    if !is_file {
        return pipe(&from.view()?, &source.path, view, path).with_context(what);
    }
    // A stream with one file has it under its own name: it goes into a directory
    // of its own first, and is then renamed.
    let root = view.root()?;
    let staging = format!(".larder-cp-{}", std::process::id());
    root.create_directory_at(now(), &staging).with_context(what)?;
    let result = pipe(&from.view()?, &source.path, view, &staging).map_err(anyhow::Error::from).and_then(|report| {
        let names = list(&open_directory(&root, now(), Follow::No, &staging)?)?;
        let name = names.first().context("nothing was copied")?;
        root.rename_at(now(), &format!("{staging}/{name}"), &root, path)?;
        Ok(report)
    });
    remove_tree(&Directory::Here(root), &staging).with_context(what)?;
    result.with_context(what)
}

fn pipe(from: &View, source: &str, to: &View, target: &str) -> Result<Report, TransferError> {
    let stream = |error: io::Error| TransferError::Stream { action: "create", offset: 0, error };
    let (mut reader, mut writer) = io::pipe().map_err(stream)?;
    std::thread::scope(|scope| {
        // The writer is moved: it is closed, and the stream ends, with the thread.
        let export = scope.spawn(move || Transfer::new().export_tar(from, source, &mut writer));
        let mut bar = Bar::new("copying", None);
        let imported = Transfer::new().with_progress(&mut bar).import_tar(&mut reader, to, target);
        // Ends an export that nobody reads any more.
        drop(reader);
        let exported = export.join().unwrap_or_else(|_| Err(stream(io::Error::other("the copy failed"))));
        match (imported, exported) {
            // An export that fails cuts the stream short: it is the cause.
            (_, Err(error)) if !is_closed(&error) => Err(error),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            (Ok(report), Ok(notes)) => Ok(both(report, notes)),
        }
    })
}

fn is_closed(error: &TransferError) -> bool {
    matches!(error, TransferError::Stream { error, .. } if error.kind() == io::ErrorKind::BrokenPipe)
}
