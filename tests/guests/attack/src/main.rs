//! A guest that attacks its host through raw WASI 0.2: it passes what no
//! library would pass. Each attack says `ok NAME: what it got`; the first that
//! was not refused as it must be ends the program with exit code 1.
//!
//! ```text
//! attack list          names of the attacks, one a line
//! attack all           all of them but those named trap-*
//! attack NAME...       these
//! attack list-traps    names of the trap-* attacks, each to be run on its own:
//!                      a trap of the guest is a right answer, a panic or a
//!                      crash of the host is not
//! ```
//!
//! Mounts: `/` to write to; `/ro`, read-only, which holds `file` and
//! `dir/file`; `/sub`, a sub-directory of a volume with a file `secret` that
//! holds `SECRET` beside it. Environment: see `kit.rs`.

mod crowds;
mod kit;
mod offsets;
mod paths;
mod quota;
mod readonly;
mod scope;
mod streams;
mod symlinks;
mod times;
mod traps;

use std::process::ExitCode;

/// What the attack got, for the log, or why the host failed.
type Outcome = Result<String, String>;
type Attack = (&'static str, fn() -> Outcome);

fn attacks() -> Vec<Attack> {
    let groups = [
        paths::ATTACKS,
        symlinks::ATTACKS,
        offsets::ATTACKS,
        streams::ATTACKS,
        times::ATTACKS,
        crowds::ATTACKS,
        quota::ATTACKS,
        readonly::ATTACKS,
        scope::ATTACKS,
    ];
    groups.concat()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let known = attacks();
    match arguments.first().map(String::as_str) {
        None | Some("all") => run(&known),
        Some("list") => list(&known),
        Some("list-traps") => list(traps::ATTACKS),
        Some(_) => {
            let mut wanted = Vec::new();
            for name in &arguments {
                let mut all = known.iter().chain(traps::ATTACKS);
                match all.find(|(known, _)| known == name) {
                    Some(attack) => wanted.push(*attack),
                    None => {
                        eprintln!("attack: no attack is called {name}; see `attack list`");
                        return ExitCode::from(2);
                    }
                }
            }
            run(&wanted)
        }
    }
}

fn list(attacks: &[Attack]) -> ExitCode {
    for (name, _) in attacks {
        println!("{name}");
    }
    ExitCode::SUCCESS
}

fn run(attacks: &[Attack]) -> ExitCode {
    let mut allowed = 0;
    for (name, attack) in attacks {
        kit::begin(name);
        let outcome = attack();
        kit::end();
        match outcome {
            Ok(got) => println!("ok {name}: {got}"),
            Err(message) if kit::lenient() => {
                allowed += 1;
                println!("NOT REFUSED {name}: {message}");
            }
            Err(message) => {
                eprintln!("attack: {name}: {message}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("attack: {} attacks refused, {allowed} not", attacks.len() - allowed);
    ExitCode::SUCCESS
}
