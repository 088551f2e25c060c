//! The files that all contestants have.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use bytes::Bytes;

use crate::load::{Ask, Asker};

/// Where guests see them.
pub(crate) const ROOT: &str = "/data";

/// The file that is read.
pub(crate) const FILE: &str = "file";
const FILE_BYTES: usize = 16 << 10;

/// The directory that is listed.
pub(crate) const DIRECTORY: &str = "many";
const FILES: usize = 1000;

/// Of which nothing is read.
const SMALL: &[u8] = b"a small file\n";

/// A variable of the environment that each guest has.
pub(crate) const VARIABLE: (&str, &str) = ("LARDER_BENCH", "as it comes");

/// What is appended, without its newline.
pub(crate) const LINE: &str = r#"127.0.0.1 - - [28/Nov/2026:20:34:03 +0000] "GET /index.html HTTP/1.1" 200 5316"#;

/// What is read: nobody can compress it.
pub(crate) static CONTENT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 7_u64;
    let mut next = || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..FILE_BYTES / 8).flat_map(|_| next()).collect::<Vec<u8>>().into()
});

/// The names of the directory, sorted, one a line.
pub(crate) static NAMES: LazyLock<Bytes> =
    LazyLock::new(|| (0..FILES).map(|number| format!("{}\n", name(number))).collect::<String>().into());

fn name(number: usize) -> String {
    format!("file-{number:04}.txt")
}

/// All files: paths relative to [`ROOT`], and contents.
fn files() -> impl Iterator<Item = (String, Bytes)> {
    let small = (0..FILES).map(|number| (format!("{DIRECTORY}/{}", name(number)), Bytes::from_static(SMALL)));
    std::iter::once((FILE.to_owned(), CONTENT.clone())).chain(small)
}

/// Makes the files in a directory of the host.
pub(crate) fn fill_directory(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory.join(DIRECTORY))?;
    for (path, content) in files() {
        let path = directory.join(path);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Makes the files below `path` of a server with the component that does so
/// ([`filler`](crate::guest::filler)).
pub(crate) async fn fill(address: &str, path: &str) -> Result<()> {
    let mut asker = Asker::connect(address).await?;
    for (file, content) in files() {
        let ask = Ask::put(format!("{path}/{file}"), content);
        asker.ask(&ask).await.with_context(|| format!("PUT {}", ask.target))?;
    }
    Ok(())
}
