//! `larder inspect`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use larder_compose::inspect::{Binary, Inspection, Store, inspect as look_into};
use larder_core::{FileType, Limits, Rights, Timestamp};
use larder_image::{Arguments, Image, Inherit, Options};
use serde::Serialize;

use super::binary::read_binary;
use crate::output::{Output, printable};
use crate::units::{format_size, format_time_exact};

const EXAMPLES: &str = "\
Examples:
  larder inspect standalone.wasm
  larder inspect --files standalone.wasm
  larder inspect --json standalone.wasm | jq '.imports'

Values of environment variables are not shown, but are in the component for everybody
to read.";

/// Shows which files a component carries, its mounts and limits, and what it imports
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArguments {
    /// Lists every file
    #[arg(long)]
    files: bool,

    /// Prints JSON
    #[arg(long)]
    json: bool,

    /// A component or core module
    #[arg(value_name = "COMPONENT")]
    component: PathBuf,
}

#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    bytes: usize,
    modules: usize,
    needs_filesystem: bool,
    imports: Vec<String>,
    exports: Vec<String>,
    stores: Vec<ShownStore>,
}

#[derive(Serialize)]
struct ShownStore {
    place: String,
    module_bytes: usize,
    image_bytes: usize,
    composed: Option<String>,
    mounts: Vec<ShownMount>,
    volumes: Vec<ShownVolume>,
    environment: ShownEnvironment,
    arguments: Option<Vec<String>>,
}

#[derive(Serialize)]
struct ShownMount {
    path: String,
    volume: String,
    directory: String,
    mode: &'static str,
}

#[derive(Serialize)]
struct ShownVolume {
    name: String,
    bytes: u64,
    inodes: u64,
    limits: ShownLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<ShownFile>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownLimits {
    bytes: u64,
    inodes: u64,
    file_bytes: u64,
    name_bytes: u32,
    path_bytes: u32,
    directory_entries: u64,
    open_handles: u64,
    links: u64,
    symlink_depth: u32,
}

#[derive(Serialize)]
struct ShownFile {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

#[derive(Serialize)]
struct ShownEnvironment {
    /// `all`, `none`, or the names of the host's variables.
    host: String,
    set: Vec<String>,
}

/// Inspects.
///
/// # Errors
/// When the file is not WebAssembly or what it carries is damaged.
pub(crate) fn inspect(arguments: &InspectArguments) -> Result<()> {
    let path = &arguments.component;
    let component = read_binary(path)?;
    let found = look_into(&component).with_context(|| format!("cannot look into {}", path.display()))?;
    let stores = found.stores.iter().map(|store| shown_store(store, arguments.files));
    let stores = stores.collect::<Result<Vec<_>>>().with_context(|| format!("{} is damaged", path.display()))?;
    let mut out = Output::stdout();
    let shown = Shown::new(&found, component.len(), stores);
    if arguments.json {
        out.json(&shown)?;
    } else {
        print(&mut out, &shown)?;
    }
    out.finish()
}

impl Shown {
    fn new(found: &Inspection, bytes: usize, stores: Vec<ShownStore>) -> Self {
        Self {
            kind: match found.binary {
                Binary::Component => "component",
                Binary::Module => "core module",
            },
            bytes,
            modules: found.modules,
            needs_filesystem: found.needs_filesystem(),
            imports: found.imports.clone(),
            exports: found.exports.clone(),
            stores,
        }
    }
}

fn shown_store(store: &Store, files: bool) -> Result<ShownStore> {
    let image = match &store.image {
        Some(bytes) => Image::parse(bytes.clone())?,
        None => Image::default(),
    };
    let options = image.options();
    let volumes = (0..options.volumes.len()).map(|index| shown_volume(&image, index, files));
    Ok(ShownStore {
        place: store.place.clone(),
        module_bytes: store.bytes - image.len().min(store.bytes),
        image_bytes: image.len(),
        composed: (options.composed != Timestamp::UNIX_EPOCH).then(|| format_time_exact(options.composed)),
        mounts: options.mounts.iter().map(|mount| shown_mount(options, mount)).collect(),
        volumes: volumes.collect::<Result<_>>()?,
        environment: shown_environment(options),
        arguments: match &options.arguments {
            Arguments::Host => None,
            Arguments::Baked(arguments) => Some(arguments.clone()),
        },
    })
}

fn shown_mount(options: &Options, mount: &larder_image::Mount) -> ShownMount {
    ShownMount {
        path: mount.guest_path.clone(),
        volume: options.volumes.get(mount.volume as usize).map(|volume| volume.name.clone()).unwrap_or_default(),
        directory: format!("/{}", mount.directory),
        mode: if mount.rights.contains(Rights::WRITE) { "rw" } else { "ro" },
    }
}

fn shown_volume(image: &Image, index: usize, files: bool) -> Result<ShownVolume> {
    let volume = image.open_volume(index, 1)?;
    let usage = volume.usage();
    let listed = match image.tree(index).filter(|_| files) {
        Some(tree) => Some(tree.entries(volume.limits().path_bytes)?.into_iter().skip(1).map(shown_file).collect()),
        None => None,
    };
    let limits = volume.limits();
    Ok(ShownVolume {
        name: volume.name().to_owned(),
        bytes: usage.bytes,
        inodes: usage.inodes,
        limits: shown_limits(limits),
        files: listed,
    })
}

fn shown_limits(limits: &Limits) -> ShownLimits {
    ShownLimits {
        bytes: limits.bytes,
        inodes: limits.inodes,
        file_bytes: limits.file_bytes,
        name_bytes: limits.name_bytes,
        path_bytes: limits.path_bytes,
        directory_entries: limits.directory_entries,
        open_handles: limits.open_handles,
        links: limits.links,
        symlink_depth: limits.symlink_depth,
    }
}

fn shown_file(entry: larder_image::Entry) -> ShownFile {
    ShownFile {
        path: format!("/{}", entry.path),
        kind: match entry.node.file_type {
            FileType::RegularFile => "file",
            FileType::Directory => "directory",
            FileType::SymbolicLink => "symlink",
        },
        size: entry.node.size,
        target: entry.target,
    }
}

fn shown_environment(options: &Options) -> ShownEnvironment {
    ShownEnvironment {
        host: match &options.environment.inherit {
            Inherit::All => "all".to_owned(),
            Inherit::None => "none".to_owned(),
            Inherit::Only(names) => names.join(","),
        },
        set: options.environment.set.iter().map(|(name, _)| name.clone()).collect(),
    }
}

fn print(out: &mut Output, shown: &Shown) -> Result<()> {
    out.line(format!("{}, {}, {} core modules", shown.kind, format_size(shown.bytes as u64), shown.modules))?;
    match (shown.stores.is_empty(), shown.needs_filesystem) {
        (true, true) => out.line("no store in it; its files come from its host")?,
        (true, false) => out.line("no store in it, and it asks for no files")?,
        (false, true) => out.line("has a store, and asks its host for files as well")?,
        (false, false) => {}
    }
    for store in &shown.stores {
        print_store(out, store)?;
    }
    print_names(out, "imports", &shown.imports)?;
    print_names(out, "exports", &shown.exports)
}

fn print_store(out: &mut Output, store: &ShownStore) -> Result<()> {
    let (module, image) = (format_size(store.module_bytes as u64), format_size(store.image_bytes as u64));
    out.line(format!("\nstore in module {}: {module}, carries {image}", store.place))?;
    for mount in &store.mounts {
        out.line(format!(
            "  mount   {} {} (volume {}, directory {})",
            printable(&mount.path),
            mount.mode,
            printable(&mount.volume),
            printable(&mount.directory)
        ))?;
    }
    for volume in &store.volumes {
        let (used, limit) = (format_size(volume.bytes), format_size(volume.limits.bytes));
        out.line(format!(
            "  volume  {}: {used} of {limit}, {} of {} inodes",
            printable(&volume.name),
            volume.inodes,
            volume.limits.inodes
        ))?;
        for file in volume.files.iter().flatten() {
            let target = file.target.as_deref().map(|target| format!(" -> {}", printable(target))).unwrap_or_default();
            out.line(format!("  {:>9} {:>10}  {}{target}", file.kind, file.size, printable(&file.path)))?;
        }
    }
    let environment = &store.environment;
    if environment.host != "all" || !environment.set.is_empty() {
        let host = printable(&environment.host);
        out.line(format!("  environment: host's {host}; sets {}", printable(&environment.set.join(" "))))?;
    }
    if let Some(arguments) = &store.arguments {
        out.line(format!("  arguments: {}", printable(&arguments.join(" "))))?;
    }
    Ok(())
}

fn print_names(out: &mut Output, what: &str, names: &[String]) -> Result<()> {
    out.line(format!("\n{what} ({})", names.len()))?;
    for name in names {
        out.line(format!("  {}", printable(name)))?;
    }
    Ok(())
}
