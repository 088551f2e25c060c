//! `larder pack`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_compose::contents::Contents;
use larder_compose::inspect::inspect;
use larder_compose::pack::component_with_image;
use larder_image::Image;

use super::binary::{read_binary, write_binary};
use super::carried::CarriedArguments;
use super::compose::program;
use crate::units::format_size;

const EXAMPLES: &str = "\
Examples:
  larder pack standalone.wasm --dir ./site::/www:ro -o packed.wasm
  larder pack larder-adapter.wasm --tar data.tar::/data -o my-adapter.wasm
  larder pack --replace packed.wasm --dir ./new::/www -o packed.wasm

What the component carries already stays, unless something of the same name is added;
limits and mounts stay as well. With --replace it starts empty.";

/// Puts files into a composed component or an adapter
///
/// COMPONENT was made by `larder compose`, `larder adapter` or `wac plug` with one of
/// our adapters. No WebAssembly tools are needed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PackArguments {
    /// The component
    #[arg(value_name = "COMPONENT")]
    component: PathBuf,

    /// Where to write the result; may be COMPONENT
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Drops what the component carries, with its mounts and limits
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    carried: CarriedArguments,
}

/// Packs.
///
/// # Errors
/// When the component has no store, or several; when a source cannot be read
/// or does not fit. Nothing is written then.
pub(crate) fn pack(arguments: &PackArguments) -> Result<()> {
    let PackArguments { component: path, output, replace, carried } = arguments;
    let component = read_binary(path)?;
    let found = inspect(&component).with_context(|| format!("cannot look into {}", path.display()))?;
    let store = match found.stores.as_slice() {
        [store] => store,
        [] => bail!("{} has no Larder store in it: make one with larder compose", path.display()),
        several => bail!(
            "{} has {} Larder stores in it, and it is not clear which is meant: pack each before composing them",
            path.display(),
            several.len()
        ),
    };
    if carried.sets_environment() {
        bail!(
            "the environment and arguments of an app are decided when it is composed: give --env, --host-env and --arg to larder compose"
        );
    }
    let image = match &store.image {
        Some(image) if !replace => {
            let image = Image::parse(image.clone()).with_context(|| format!("{} is damaged", path.display()))?;
            let mut contents = Contents::of(&image).with_context(|| format!("{} is damaged", path.display()))?;
            carried.add_to(&mut contents, &program(path))?;
            contents.image()?
        }
        _ => carried.contents(&program(path))?.image()?,
    };
    let packed = component_with_image(&component, &image).with_context(|| format!("cannot pack {}", path.display()))?;
    write_binary(output, &packed)?;
    crate::notice(&format!("{}: {}", output.display(), format_size(packed.len() as u64)));
    Ok(())
}
