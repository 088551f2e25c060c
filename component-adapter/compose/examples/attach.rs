//! Attaches the store to a component, from the command line:
//! `attach IN.wasm OUT.wasm [--multi-memory] [--environment] [--image FILE] [--module FILE]`
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::error::Error;
use std::fs;

use larder_compose::attach::{AttachOptions, Bridge, attach};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let mut options = AttachOptions::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--multi-memory" => options.bridge = Bridge::MultiMemory,
            "--environment" => options.environment = true,
            "--image" => options.image = Some(fs::read(args.next().ok_or("--image FILE")?)?.into()),
            "--module" => options.module = fs::read(args.next().ok_or("--module FILE")?)?.into(),
            _ => files.push(arg),
        }
    }
    let [input, output] = files.as_slice() else {
        return Err("attach IN.wasm OUT.wasm [--multi-memory] [--environment] [--image FILE] [--module FILE]".into());
    };
    let attached = attach(&fs::read(input)?, &options)?;
    fs::write(output, &attached.component)?;
    println!("removed: {}", attached.removed.join(", "));
    Ok(())
}
