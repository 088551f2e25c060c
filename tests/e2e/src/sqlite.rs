//! SQLite that is killed at random moments: what the tests share that look
//! for what it reported as committed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kills of each test, unless `LARDER_KILLS` says another number.
const KILLS: u32 = 8;
const SEED: u64 = 0x2c1b_3c6d_9f4a_7e15;

/// The number of the last transaction in what `work` or `check` printed.
fn committed(line: &str) -> Option<u64> {
    line.strip_prefix("committed ")?.trim().parse().ok()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill -s {name}");
}

/// Lets `work` go on for some transactions and a moment more, then ends it;
/// returns the last transaction that it reported before.
fn work_and_kill(command: &mut Command, transactions: u64, moment: Duration, how: &str) -> u64 {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    for _ in 0..transactions {
        let line = lines.next().expect("work goes on until it is killed").unwrap();
        last = committed(&line).unwrap_or_else(|| panic!("work prints what it committed, not {line:?}"));
    }
    std::thread::sleep(moment);
    signal(&child, how);
    // What it reported until the kill counts as well.
    last = lines.map_while(Result::ok).filter_map(|line| committed(&line)).last().unwrap_or(last);
    let _ = child.wait().unwrap();
    last
}

/// Kills `work` again and again; after each time `check` finds a database that
/// is whole and has what was reported. `work` gives the command that makes
/// transactions, `check` what the guest's `check` prints.
///
/// `lost` is how many transactions SQLite itself may lose that it reported.
///
/// # Panics
/// Where something is lost.
pub fn survives(name: &str, lost: u64, mut work: impl FnMut() -> Command, mut check: impl FnMut() -> String) {
    let kills = std::env::var("LARDER_KILLS").map_or(KILLS, |number| number.parse().expect("LARDER_KILLS is a number"));
    let mut random = SEED ^ name.len() as u64;
    let mut below = move |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut before = 0;
    for kill in 0..kills {
        let how = if kill % 4 == 3 { "TERM" } else { "KILL" };
        let (transactions, moment) = (below(12), Duration::from_micros(below(60_000)));
        let reported = work_and_kill(&mut work(), transactions, moment, how).max(before);
        let told = check();
        let found = told.lines().find_map(committed).expect("check prints the last transaction");
        let when = format!("after SIG{how} number {kill}, {moment:?} behind {transactions} transactions");
        eprintln!("{name}: {found} transactions, {reported} reported, {when}");
        assert!(told.contains("integrity ok"), "{when}: {told}");
        // One more than reported may be there: committed, and killed before
        // it could say so.
        let expected = reported.saturating_sub(lost)..=reported + 1;
        assert!(expected.contains(&found), "{reported} were reported, {found} are there, {when}");
        before = found;
    }
    assert!(before > 0, "some transactions came through");
}
