//! The behavioural suite on volumes in buckets, in all modes, on both servers.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod common;

use common::{Server, bucket_options, in_all_modes, new_prefix, options};
use larder_core::{Limits, Rights, SetTime, View};
use larder_s3::{ReadMode, S3Volume, WriteMode};
use larder_suite::{Backend, InProcess, START, Volumes};

fn volumes(limits: &Limits, server: Server, read: ReadMode, write: WriteMode) -> (Volumes, impl Send + Sync + use<>) {
    let state = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let bucket = bucket_options(&server.access(), server.bucket());
        let options = options(bucket, &new_prefix(), &state.path().join(name), read, write);
        let volume = S3Volume::open(options, limits.clone()).unwrap();
        // Its root is as old as the suite's clock says that all is.
        let root = View::new(volume.volume(), Rights::READ_WRITE).unwrap().root().unwrap();
        root.set_times(START, SetTime::At(START), SetTime::At(START)).unwrap();
        volume
    };
    let (main, other) = (open("main"), open("other"));
    (Volumes::of(main.volume(), other.volume()), (main, other, state))
}

macro_rules! forms {
    ($($name:ident: $server:ident $read:ident $write:ident;)*) => {
        $(mod $name {
            use super::*;

            pub(super) struct Bucket;

            impl Backend for Bucket {
                // A key has 1,024 bytes, and the prefix is a part of it.
                const LONGEST_PATH: usize = 900;

                type Kept = Box<dyn std::any::Any + Send + Sync>;

                fn volumes(limits: &Limits) -> (Volumes, Self::Kept) {
                    let (volumes, kept) =
                        super::volumes(limits, Server::$server, ReadMode::$read, WriteMode::$write);
                    (volumes, Box::new(kept))
                }
            }

            larder_suite::suite!(InProcess<Bucket>);
        })*
    };
}

in_all_modes!(forms);
