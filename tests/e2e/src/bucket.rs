//! Volumes in a bucket of a real SeaweedFS, for `larder run`.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_test_s3::{Access, Weed};
use tempfile::TempDir;

use crate::built::{guest, larder};

/// A bucket of one test alone.
pub struct TestBucket {
    access: Access,
    name: String,
}

impl TestBucket {
    /// On the server that all tests of this process use.
    ///
    /// # Panics
    /// Where SeaweedFS is not installed, or does not answer.
    #[must_use]
    pub fn make() -> Self {
        Self::on(Weed::shared())
    }

    /// On a server that a test may end.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn on(weed: &Weed) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let access = weed.access();
        let name = format!("e2e-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        access.make_bucket(&name);
        Self { access, name }
    }

    /// How its server is reached.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `s3://BUCKET/data` with a query such as `?read=through`.
    #[must_use]
    pub fn address(&self, query: &str) -> String {
        format!("s3://{}/data{query}", self.name)
    }

    /// A host that has never seen the volume.
    ///
    /// # Panics
    /// Where there is no place for its directory.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        Host { bucket: self, directory: tempfile::tempdir().unwrap() }
    }

    /// The keys below the volume's prefix, and their sizes, as other S3
    /// clients list them.
    ///
    /// # Panics
    /// Where the server does not answer.
    #[must_use]
    pub fn objects(&self) -> Vec<(String, i64)> {
        self.ask(async |client| {
            let listed = client.list_objects_v2().bucket(&self.name).prefix("data/").send().await.unwrap();
            let objects = listed.contents().iter();
            objects
                .map(|object| {
                    let key = object.key().unwrap();
                    (key.trim_start_matches("data/").to_owned(), object.size().unwrap_or(0))
                })
                .collect()
        })
    }

    /// What another S3 client puts below the volume's prefix.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub fn put(&self, path: &str, content: &str) {
        self.ask(async |client| {
            let put = client.put_object().bucket(&self.name).key(format!("data/{path}"));
            put.body(content.as_bytes().to_vec().into()).send().await.unwrap();
        });
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(larder_test_s3::Client) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(question(self.access.client()))
    }
}

/// Where `larder` runs: nothing is kept here but in its directory.
pub struct Host<'a> {
    bucket: &'a TestBucket,
    directory: TempDir,
}

impl Host<'_> {
    /// Where commands run.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A command of this host.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let Access { endpoint, access_key, secret_key, region } = self.bucket.access();
        let mut command = Command::new(program);
        command.current_dir(self.directory()).env("XDG_STATE_HOME", self.directory().join("state"));
        command.envs([
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", access_key),
            ("AWS_SECRET_ACCESS_KEY", secret_key),
            ("AWS_REGION", region),
        ]);
        command
    }

    /// `larder` with these arguments.
    #[must_use]
    pub fn larder(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&larder());
        command.args(arguments);
        command
    }

    /// Runs an app with the volume at `/`; `query` as in
    /// [`TestBucket::address`], `mode` as in `--volume`.
    #[must_use]
    pub fn run(&self, query: &str, mode: &str, app: &str, arguments: &[&str]) -> Command {
        let mut command = self.larder(&["run", "-v", &format!("{}::/{mode}", self.bucket.address(query))]);
        command.arg(guest(app)).args(arguments);
        command
    }
}
