//! Options come back as they were written, and contradictions are refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

use larder_core::{Limits, Rights, Timestamp};
use larder_image::{Arguments, Environment, Image, ImageBuilder, ImageError, Inherit, Mount, Options, VolumeSpec};

fn some() -> Options {
    let limits = Limits {
        bytes: 1,
        inodes: 2,
        file_bytes: 3,
        name_bytes: 4,
        path_bytes: 5,
        directory_entries: 6,
        open_handles: 7,
        links: 8,
        symlink_depth: 9,
    };
    Options {
        volumes: vec![
            VolumeSpec { name: "one".into(), limits: Limits::default() },
            VolumeSpec { name: "zwei".into(), limits },
        ],
        mounts: vec![
            Mount { guest_path: "/b".into(), volume: 1, directory: "x/y".into(), rights: Rights::READ_ONLY },
            Mount { guest_path: "/".into(), volume: 0, directory: String::new(), rights: Rights::READ_WRITE },
        ],
        environment: Environment {
            inherit: Inherit::Only(vec!["HOME".into(), "PATH".into()]),
            set: vec![("A".into(), "1=2".into()), ("Ä".into(), String::new())],
        },
        arguments: Arguments::Baked(vec!["app".into(), "--flag".into()]),
        initial_directory: Some("/b".into()),
        composed: Timestamp { seconds: -5, nanoseconds: 999_999_999 },
    }
}

fn through_an_image(options: &Options) -> Options {
    let image = ImageBuilder::new(options.clone()).unwrap().finish().unwrap();
    Image::parse(image).unwrap().options().clone()
}

#[test]
fn they_come_back() {
    let none = Options {
        volumes: Vec::new(),
        mounts: Vec::new(),
        environment: Environment { inherit: Inherit::None, set: Vec::new() },
        ..Options::default()
    };
    for options in [some(), Options::default(), none] {
        assert_eq!(through_an_image(&options), options);
    }
}

#[test]
fn without_an_image_there_is_one_empty_volume_at_the_root() {
    let mounts = Image::default().open(1).unwrap();
    assert_eq!(mounts.len(), 1);
    assert_eq!((&*mounts[0].guest_path, mounts[0].view.rights()), ("/", Rights::READ_WRITE));
    assert_eq!(mounts[0].view.volume().usage().inodes, 1);
    assert_eq!(Image::default().options(), &Image::default_options());
}

#[test]
fn what_is_set_wins_over_what_is_inherited() {
    let mut environment = some().environment;
    assert!(environment.inherits("HOME") && !environment.inherits("A") && !environment.inherits("OTHER"));
    environment.inherit = Inherit::All;
    assert!(environment.inherits("OTHER") && !environment.inherits("A"));
    assert!(!environment.is_the_hosts() && Environment::default().is_the_hosts());
}

#[test]
fn contradictions_are_refused() {
    let refused = |change: &dyn Fn(&mut Options)| {
        let mut options = some();
        change(&mut options);
        assert!(matches!(ImageBuilder::new(options), Err(ImageError::Options { .. })));
    };
    refused(&|options| options.mounts[0].volume = 2);
    for path in ["", "b", "/b/", "//b", "/./b", "/b/..", "/\0"] {
        refused(&|options| options.mounts[0].guest_path = path.into());
    }
    refused(&|options| options.mounts[0].guest_path = "/".into());
    for path in ["/x", "x/", "x//y", "..", "x/./y"] {
        refused(&|options| options.mounts[0].directory = path.into());
    }
    refused(&|options| options.environment.set[0].0 = "A=B".into());
    refused(&|options| options.environment.set[0].1 = "\0".into());
    refused(&|options| options.environment.inherit = Inherit::Only(vec![String::new()]));
    refused(&|options| options.arguments = Arguments::Baked(vec!["a\0".into()]));
    refused(&|options| options.composed.nanoseconds = 1_000_000_000);
}
