//! Makes the message types from `proto/larder.proto`, without a `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let messages = protox::compile(["larder.proto"], ["proto"])?;
    prost_build::Config::new().bytes(["."]).compile_fds(messages)?;
    Ok(())
}
