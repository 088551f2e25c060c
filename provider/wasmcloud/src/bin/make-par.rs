//! Puts the provider's executable into a provider archive, which a wasmCloud
//! host starts: `make-par EXECUTABLE ARCHIVE [ISSUER_SEED SUBJECT_SEED]`.
//! Without seeds the archive is signed with keys of its own.
#![forbid(unsafe_code)]

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use nkeys::KeyPair;
use provider_archive::ProviderArchive;

/// The platform in the archive, as hosts name it.
const TARGET: &str = const_target();

const fn const_target() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-linux" } else { "x86_64-linux" }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (executable, archive, issuer, subject) = match arguments.as_slice() {
        [executable, archive] => (executable, archive, KeyPair::new_account(), KeyPair::new_service()),
        [executable, archive, issuer, subject] => {
            (executable, archive, KeyPair::from_seed(issuer)?, KeyPair::from_seed(subject)?)
        }
        _ => bail!("usage: make-par EXECUTABLE ARCHIVE [ISSUER_SEED SUBJECT_SEED]"),
    };
    let bytes = std::fs::read(executable).with_context(|| format!("cannot read {executable}"))?;
    let mut par = ProviderArchive::new("larder", "larder", Some(1), Some(env!("CARGO_PKG_VERSION").to_owned()));
    par.add_library(TARGET, &bytes).map_err(|error| anyhow!("{error}"))?;
    let packed = Path::new(archive).extension().is_some_and(|end| end == "gz");
    par.write(archive, &issuer, &subject, packed).await.map_err(|error| anyhow!("cannot write {archive}: {error}"))
}
