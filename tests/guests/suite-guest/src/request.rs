//! What the guest can be asked for, as words: `list`, `run NAME`.

use larder_suite::{Form, cases, random, run};

use crate::content;

const USAGE: &str = "list | run CASE | run-streams CASE | random SEED STEPS | random-streams SEED STEPS";

/// Does what is asked for, and returns what there is to say; an error says
/// what can be asked for.
///
/// # Panics
/// Where a case fails.
pub fn answer<F: Form>(words: &[&str]) -> Result<String, String> {
    let (what, streams) = match words.first() {
        Some(first) => (first.trim_end_matches("-streams"), first.ends_with("-streams")),
        None => ("", false),
    };
    content::use_streams(streams);
    match (what, &words[1.min(words.len())..]) {
        ("list", []) => Ok(cases::<F>().iter().map(|case| format!("{}\n", case.name)).collect()),
        ("run", [name]) => {
            run::<F>(name);
            Ok(format!("ok {name}\n"))
        }
        ("random", [seed, steps]) => {
            let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
            Ok(random::<F>(number(seed)?.into(), number(steps)?))
        }
        _ => Err(format!("usage: {USAGE}")),
    }
}
