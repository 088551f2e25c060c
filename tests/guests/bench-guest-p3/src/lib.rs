//! `bench-guest` for WASI 0.3: the same arguments and the same line of JSON,
//! with asynchronous calls and component-model streams. Reports, preparation
//! and the memory copy are those of `bench-guest`, through `std`, which is
//! WASI 0.2 also here.

// Parts of these belong to cases which only bench-guest has.
#[allow(dead_code)]
#[path = "../../bench-guest/src/large.rs"]
mod large;
#[allow(dead_code)]
#[path = "../../bench-guest/src/memory.rs"]
mod memory;
#[path = "../../bench-guest/src/report.rs"]
mod report;

mod metadata;
mod mounts;
mod small;
mod streams;

use report::{Case, Outcome};
use wasip3::cli::environment::get_arguments;

wasip3::cli::command::export!(Bench);

struct Bench;

const CASES: [&str; 17] = [
    "memcpy",
    "prepare",
    "seq-read",
    "seq-write",
    "seq-write-fresh",
    "random-read",
    "append",
    "small-write",
    "small-read",
    "create",
    "stat",
    "open",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "readdir",
];

impl wasip3::exports::cli::run::Guest for Bench {
    async fn run() -> Result<(), ()> {
        let arguments: Vec<String> = get_arguments().into_iter().skip(1).collect();
        if arguments.first().is_some_and(|argument| argument == "list") {
            println!("{}", CASES.join("\n"));
            return Ok(());
        }
        let case = Case::from(&arguments);
        match run(&case).await {
            Ok(measured) => {
                println!("{}", measured.json(&case));
                Ok(())
            }
            Err(error) => {
                eprintln!("bench-guest-p3: {}: {error}", case.name);
                Err(())
            }
        }
    }
}

async fn run(case: &Case) -> Outcome {
    match case.name.as_str() {
        "memcpy" => memory::copy(case),
        "prepare" => large::prepare(case),
        "seq-read" => streams::read(case).await,
        "seq-write" => streams::write(case).await,
        "seq-write-fresh" => streams::write_fresh(case).await,
        "random-read" => streams::random_read(case).await,
        "append" => streams::append(case).await,
        "small-write" => small::write(case).await,
        "small-read" => small::read(case).await,
        "create" => metadata::create(case).await,
        "stat" => metadata::stat(case).await,
        "open" => metadata::open(case).await,
        "rename" => metadata::rename(case).await,
        "unlink" => metadata::unlink(case).await,
        "mkdir" => metadata::mkdir(case).await,
        "rmdir" => metadata::rmdir(case).await,
        "readdir" => metadata::readdir(case).await,
        _ => Err("there is no such case; see `list`".into()),
    }
}
