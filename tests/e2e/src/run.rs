//! Running `larder` and what it says.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use crate::built;

/// `larder run` with its options, and behind them the app and its arguments.
pub fn larder_run(directory: &Path) -> Command {
    let mut command = Command::new(built::larder());
    command.current_dir(directory).arg("run");
    command
}

/// Runs a command to its end.
///
/// # Panics
/// Where it does not exit with 0; the message has all that it said.
pub fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    assert!(output.status.success(), "{}", told(command, &output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command said, for the message of a failed test.
#[must_use]
pub fn told(command: &Command, output: &Output) -> String {
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    // The end is where it says what was wrong.
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    };
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{program} {} ended with {}\n--- stdout, its end\n{}\n--- stderr, its end\n{}",
        arguments.join(" "),
        output.status,
        last(&output.stdout),
        last(&output.stderr)
    )
}
