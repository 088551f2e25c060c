//! The end of an image: tables, options, and the header in front.

use larder_core::{Error, ErrorCode, Limits, Result};

use super::content::{Area, Run, align};
use super::tree::{Body, Node, Tree, entry_cost};
use crate::checksum::checksum;
use crate::layout::{ALIGNMENT, HEADER_BYTES, MAGIC, VERSION, kind};
use crate::options::{Arguments, Inherit, Options};

fn overflow() -> Error {
    Error::new(ErrorCode::Overflow, "write-image")
}

/// Where the table of a tree's nodes is, `None` for a volume without a tree.
type Placed = Option<u64>;

pub(super) fn write(options: &Options, trees: &[Option<Tree>], content: Area) -> Result<Vec<u8>> {
    let Area { pages: mut out, small } = content;
    align(&mut out, ALIGNMENT);
    let small_start = out.len();
    out.extend_from_slice(&small);
    drop(small);
    let mut places: Vec<Placed> = Vec::with_capacity(trees.len());
    for tree in trees {
        places.push(tree.as_ref().map(|tree| write_tree(&mut out, tree, small_start)).transpose()?);
    }
    align(&mut out, ALIGNMENT);
    let start = out.len();
    write_options(&mut out, options, trees, &places)?;

    let (body, section) = out.split_at(start);
    let mut head = Vec::with_capacity(HEADER_BYTES);
    head.extend_from_slice(&MAGIC);
    u32(&mut head, VERSION);
    u32(&mut head, 0); // incompatible features
    u32(&mut head, 0); // compatible features
    u64(&mut head, out.len() as u64);
    u64(&mut head, start as u64);
    u64(&mut head, section.len() as u64);
    u32(&mut head, checksum(section));
    u32(&mut head, checksum(body.get(HEADER_BYTES..).unwrap_or_default()));
    u32(&mut head, 0); // reserved
    let sum = checksum(&head);
    u32(&mut head, sum);
    debug_assert_eq!(head.len(), HEADER_BYTES);
    out.splice(..HEADER_BYTES, head);
    Ok(out)
}

/// Writes names, extents, entries and nodes; returns where the nodes are.
fn write_tree(out: &mut Vec<u8>, tree: &Tree, small_start: usize) -> Result<u64> {
    let mut extents = Vec::new();
    let mut entries = Vec::new();
    // Where each node's extents, entries or target are: how many bytes behind
    // the start of their own table.
    let mut places = Vec::with_capacity(tree.nodes.len());
    for node in &tree.nodes {
        match &node.body {
            Body::File { runs, .. } => {
                places.push(extents.len());
                for run in runs {
                    write_extent(&mut extents, run, small_start);
                }
            }
            Body::Directory(names) => {
                places.push(entries.len());
                for (name, index) in names {
                    u64(&mut entries, out.len() as u64);
                    u32(&mut entries, u32::try_from(name.len()).map_err(|_| overflow())?);
                    u32(&mut entries, index.checked_add(1).ok_or_else(overflow)?);
                    out.extend_from_slice(name.as_bytes());
                }
            }
            Body::Symlink(target) => {
                places.push(out.len());
                out.extend_from_slice(target.as_bytes());
            }
        }
    }
    align(out, ALIGNMENT);
    let extents_start = out.len();
    out.append(&mut extents);
    align(out, ALIGNMENT);
    let entries_start = out.len();
    out.append(&mut entries);
    align(out, ALIGNMENT);
    let nodes_start = out.len();
    for (node, place) in tree.nodes.iter().zip(places) {
        write_node(out, node, place, extents_start, entries_start)?;
    }
    Ok(nodes_start as u64)
}

fn write_extent(out: &mut Vec<u8>, run: &Run, small_start: usize) {
    let start = if run.is_small { small_start + run.start } else { run.start };
    u64(out, run.offset);
    u64(out, start as u64);
    u64(out, run.len);
}

fn write_node(out: &mut Vec<u8>, node: &Node, place: usize, extents_start: usize, entries_start: usize) -> Result<()> {
    let (kind, size, start, count) = match &node.body {
        Body::File { size, runs } => (kind::FILE, *size, extents_start + place, runs.len()),
        Body::Directory(names) => {
            let charged = names.keys().map(|name| entry_cost(name)).sum();
            (kind::DIRECTORY, charged, entries_start + place, names.len())
        }
        Body::Symlink(target) => (kind::SYMLINK, 0, place, target.len()),
    };
    out.extend_from_slice(&[kind, 0]);
    let mode = u16::try_from(node.meta.mode).map_err(|_| overflow())?;
    out.extend_from_slice(&mode.to_le_bytes());
    u32(out, node.links);
    i64(out, node.meta.modified.seconds);
    u32(out, node.meta.modified.nanoseconds);
    u32(out, 0);
    u64(out, size);
    u64(out, start as u64);
    u64(out, count as u64);
    Ok(())
}

fn write_options(out: &mut Vec<u8>, options: &Options, trees: &[Option<Tree>], places: &[Placed]) -> Result<()> {
    i64(out, options.composed.seconds);
    u32(out, options.composed.nanoseconds);
    count(out, options.volumes.len())?;
    for ((spec, tree), place) in options.volumes.iter().zip(trees).zip(places) {
        string(out, &spec.name)?;
        write_limits(out, &spec.limits);
        match (tree, place) {
            (Some(tree), Some(place)) => {
                out.push(1);
                u64(out, *place);
                u64(out, tree.charged.bytes);
                u64(out, tree.charged.inodes);
            }
            _ => out.push(0),
        }
    }
    count(out, options.mounts.len())?;
    for mount in &options.mounts {
        string(out, &mount.guest_path)?;
        u32(out, mount.volume);
        string(out, &mount.directory)?;
        out.push(mount.rights.bits());
    }
    match &options.environment.inherit {
        Inherit::None => out.push(0),
        Inherit::All => out.push(1),
        Inherit::Only(names) => {
            out.push(2);
            strings(out, names)?;
        }
    }
    count(out, options.environment.set.len())?;
    for (name, value) in &options.environment.set {
        string(out, name)?;
        string(out, value)?;
    }
    match &options.arguments {
        Arguments::Host => out.push(0),
        Arguments::Baked(arguments) => {
            out.push(1);
            strings(out, arguments)?;
        }
    }
    match &options.initial_directory {
        None => out.push(0),
        Some(directory) => {
            out.push(1);
            string(out, directory)?;
        }
    }
    Ok(())
}

fn write_limits(out: &mut Vec<u8>, limits: &Limits) {
    let Limits {
        bytes,
        inodes,
        file_bytes,
        name_bytes,
        path_bytes,
        directory_entries,
        open_handles,
        links,
        symlink_depth,
    } = limits;
    for limit in [bytes, inodes, file_bytes, directory_entries, open_handles, links] {
        u64(out, *limit);
    }
    for limit in [name_bytes, path_bytes, symlink_depth] {
        u32(out, *limit);
    }
}

fn u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn count(out: &mut Vec<u8>, count: usize) -> Result<()> {
    u32(out, u32::try_from(count).map_err(|_| overflow())?);
    Ok(())
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<()> {
    count(out, text.len())?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn strings(out: &mut Vec<u8>, texts: &[String]) -> Result<()> {
    count(out, texts.len())?;
    texts.iter().try_for_each(|text| string(out, text))
}
