//! What the module starts from: the image, read at the first call, with its
//! volumes and mounts.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    Descriptor, DescriptorFlags, Error, ErrorCode, Follow, OpenFlags, Result, Rights, Timestamp, View, Volume,
    VolumeOptions,
};
use larder_image::{Image, OpenMount, Options};

use crate::Clock;
use crate::admission::Admitted;

/// Where `pack` finds the place for the image's address and length. Both are 0
/// where there is none.
///
/// It is written from outside before the module runs, so that its value is
/// read as volatile and never assumed.
#[unsafe(no_mangle)]
pub static mut LARDER_IMAGE: [u32; 2] = [0; 2];

thread_local! {
    static STARTED: OnceCell<&'static Started> = const { OnceCell::new() };
}

/// What the image says.
struct Started {
    /// `None`: there is one, and it can't be read.
    image: Option<Image>,
    mounts: Result<Vec<OpenMount>>,
}

fn started(clock: Clock) -> &'static Started {
    STARTED.with(|started| {
        // Lives as long as the instance, which has no end of its own.
        *started.get_or_init(|| {
            let image = read();
            let mounts = match &image {
                Some(image) => open(image, clock),
                None => Err(Error::new(ErrorCode::Io, "start").at("the image is damaged")),
            };
            Box::leak(Box::new(Started { image, mounts }))
        })
    })
}

/// The mounts, in the order in which the guest sees them. The clock tells
/// apart this life of the image's volumes from others.
///
/// # Errors
/// `io` where the image is damaged: then nothing is mounted, and every call of
/// the guest has to say so.
pub fn mounts(clock: Clock) -> Result<&'static [OpenMount], &'static Error> {
    match &started(clock).mounts {
        Ok(mounts) => Ok(mounts),
        Err(error) => Err(error),
    }
}

/// The image's options, the default ones without an image. `None` where it is
/// damaged.
#[must_use]
pub fn options(clock: Clock) -> Option<&'static Options> {
    started(clock).image.as_ref().map(Image::options)
}

/// When the component was composed; the epoch without an image. The time where
/// there is no clock.
#[must_use]
pub fn composed() -> Timestamp {
    let known = STARTED.with(|started| started.get().and_then(|started| started.image.as_ref()));
    known.map_or(Timestamp::UNIX_EPOCH, |image| image.options().composed)
}

fn read() -> Option<Image> {
    // SAFETY: nothing in the module writes it.
    let [address, length] = unsafe { (&raw const LARDER_IMAGE).read_volatile() };
    if length == 0 {
        return Some(Image::default());
    }
    let end = address.checked_add(length)?;
    if address == 0 || end as usize > core::arch::wasm32::memory_size::<0>().saturating_mul(1 << 16) {
        return None;
    }
    // SAFETY: in memory, as was just checked. Whoever put the image there
    // placed it behind all that the module's own data and stack use, and the
    // allocator only uses memory that it has grown.
    let bytes =
        unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(address as usize), length as usize) };
    Image::parse(Bytes::from_static(bytes)).ok()
}

fn open(image: &Image, clock: Clock) -> Result<Vec<OpenMount>> {
    let options = image.options();
    let now = clock();
    let generation = now.seconds.unsigned_abs().wrapping_mul(u64::from(Timestamp::NANOSECONDS));
    let generation = generation.wrapping_add(now.nanoseconds.into()).max(1);
    let volumes = options.volumes.iter().enumerate().map(|(index, spec)| {
        let options =
            VolumeOptions { name: spec.name.clone(), limits: spec.limits.clone(), generation, now: options.composed };
        match image.tree(index) {
            None => Ok(Volume::new(options)),
            Some(tree) => Volume::from_tree(options, Arc::new(Admitted(tree.clone()))),
        }
    });
    let volumes = volumes.collect::<Result<Vec<_>>>()?;
    options
        .mounts
        .iter()
        .map(|mount| {
            let volume = volumes.get(mount.volume as usize).ok_or_else(|| Error::new(ErrorCode::Invalid, "start"))?;
            let whole = View::new(volume, Rights::READ_WRITE)?;
            make_directories(&whole, &mount.directory, options.composed)?;
            let view = whole.subdirectory(&mount.directory, mount.rights)?.mounted_at(&mount.guest_path)?;
            Ok(OpenMount { guest_path: mount.guest_path.clone(), view })
        })
        .collect()
}

/// Makes `path` and what is missing above it.
fn make_directories(view: &View, path: &str, now: Timestamp) -> Result<()> {
    let mut here = view.root()?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let open =
            |from: &Descriptor| from.open_at(now, Follow::Yes, name, OpenFlags::DIRECTORY, DescriptorFlags::READ);
        here = match open(&here) {
            Err(error) if error.code() == ErrorCode::NoEntry => {
                here.create_directory_at(now, name)?;
                open(&here)?
            }
            found => found?,
        };
    }
    Ok(())
}
