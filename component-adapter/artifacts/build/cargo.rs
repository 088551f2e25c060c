//! Runs cargo on the workspace of the modules.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

const TARGET: &str = "wasm32-unknown-unknown";

/// Settings of the outer build that the inner one keeps: where cargo finds
/// crates, and how many jobs there are.
const KEPT: &[&str] = &["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR"];

/// Settings that would change what is built.
const REMOVED: &[&str] = &["RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS", "MIRI_SYSROOT"];

/// Packages that are built for size. What an adapter does is hidden behind the
/// runtime's copies between components: faster code measures the same.
const FOR_SIZE: &[&str] = &["larder-adapter", "larder-adapter-p3", "larder-remote"];

/// A folder to build the modules in, for several target directories together.
/// Without it each has one of its own.
const SHARED: &str = "LARDER_WASM_TARGET_DIR";

/// The workspace of the modules.
pub(crate) struct Modules {
    manifest: PathBuf,
    target: PathBuf,
    /// `RUSTFLAGS` in cargo's encoding.
    flags: String,
}

impl Modules {
    /// The modules of the repository at `root`. They are built beside the
    /// outer build, whose `OUT_DIR` is given.
    ///
    /// # Errors
    /// Where the toolchain can't build for WebAssembly.
    pub(crate) fn new(root: &Path, out: &Path) -> Result<Self> {
        check_toolchain()?;
        let profile = out.ancestors().find(|path| path.ends_with("build")).and_then(Path::parent);
        let target = profile.and_then(Path::parent).context("OUT_DIR has another shape than cargo's")?;
        println!("cargo::rerun-if-env-changed={SHARED}");
        let shared = env::var_os(SHARED).filter(|shared| !shared.is_empty()).map(PathBuf::from);
        // The modules do not depend on where they were built: no path of this
        // machine is in them.
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo")));
        let mut flags = vec![format!("--remap-path-prefix={}=larder", root.display())];
        flags.extend(cargo_home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));
        Ok(Self {
            manifest: root.join("component-adapter/modules/Cargo.toml"),
            target: shared.unwrap_or_else(|| target.join("wasm-modules")),
            flags: flags.join("\u{1f}"),
        })
    }

    /// The module of a package with these features.
    ///
    /// # Errors
    /// Where it does not build.
    pub(crate) fn build(&self, package: &str, features: &[&str]) -> Result<Vec<u8>> {
        // Builds of one package with other features have the same output file.
        fs::create_dir_all(&self.target)?;
        let turn = fs::File::create(self.target.join("turn"))?;
        turn.lock()?;
        let mut cargo = Command::new(env::var_os("CARGO").context("not run by cargo")?);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let kept = KEPT.iter().any(|kept| name.starts_with(kept));
            if REMOVED.contains(&&*name) || name.starts_with("CARGO_") && !kept {
                cargo.env_remove(&*name);
            }
        }
        cargo
            .args(["build", "--release", "--locked", "--no-default-features", "--target", TARGET])
            .args(["--package", package, "--features", &features.join(",")])
            .arg("--manifest-path")
            .arg(&self.manifest)
            .arg("--target-dir")
            .arg(&self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", &self.flags);
        if FOR_SIZE.contains(&package) {
            cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
        }
        let output = cargo.output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo cannot build {package}:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let file = self.target.join(TARGET).join("release").join(package.replace('-', "_")).with_extension("wasm");
        fs::read(&file).with_context(|| file.display().to_string())
    }
}

/// The inner cargo would say this less clearly.
fn check_toolchain() -> Result<()> {
    let rustc = env::var_os("RUSTC").context("not run by cargo")?;
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let folder = String::from_utf8(asked.stdout)?;
    if !asked.status.success() || !Path::new(folder.trim()).exists() {
        bail!("the modules of the static form need the target {TARGET}: run `rustup target add {TARGET}`");
    }
    Ok(())
}
