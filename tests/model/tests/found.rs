//! What the random tests have found, each as the few steps that show it.

use larder_core::{Limits, Timestamp, VolumeOptions};
use larder_model::generate::{Action, Pick, Step, Wanted};
use larder_model::run::Run;

fn run(steps: Vec<(Wanted, Action)>) {
    let mut run = Run::new(VolumeOptions { limits: Limits::default(), generation: 7, ..VolumeOptions::default() });
    for (wanted, action) in steps {
        run.step(&Step { now: Timestamp::UNIX_EPOCH, wanted, action });
    }
    run.finish();
}

fn chosen(action: Action) -> (Wanted, Action) {
    (Wanted::Chosen, action)
}

fn file(directory: Pick, name: &str) -> Action {
    Action::CreateFile(directory, name.into(), 0o644)
}

/// The answer was `invalid` while the file knew where it was created, and
/// `not-directory` once the volume had been through a snapshot.
#[test]
fn a_directory_moved_into_a_file_of_its_own() {
    let rename = || {
        chosen(Action::Rename {
            from: Pick::Directory(0),
            from_name: "a".into(),
            to: Pick::File(0),
            to_name: "b".into(),
        })
    };
    run(vec![
        chosen(Action::CreateDirectory(Pick::Directory(0), "a".into(), 0o755)),
        chosen(file(Pick::Directory(1), "f")),
        rename(),
        chosen(Action::Reload { as_bytes: true }),
        rename(),
    ]);
}

/// The next number wrapped round to the root's, or was one that no snapshot
/// can hold.
#[test]
fn inode_numbers_at_the_end() {
    const BOUND: u64 = 1 << 62;
    for ino in [BOUND - 2, BOUND - 1, BOUND, (1 << 63) - 1, u64::MAX - 1, u64::MAX, 0] {
        run(vec![
            (Wanted::Number(ino), file(Pick::Directory(0), "a")),
            chosen(file(Pick::Directory(0), "b")),
            chosen(Action::Reload { as_bytes: true }),
            chosen(file(Pick::Directory(0), "c")),
        ]);
    }
}
