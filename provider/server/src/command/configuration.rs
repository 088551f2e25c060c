//! The configuration file.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use larder_nats_server::{DEFAULT_LEASE, MOST_IN_PROGRESS, MOST_SESSIONS, OpenVolume, VolumeSettings};
use serde::Deserialize;

use super::Arguments;

/// What the file says, with what the command line says instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    #[serde(default)]
    pub(crate) nats: Nats,
    #[serde(default)]
    pub(crate) server: Limits,
    volumes: BTreeMap<String, VolumeSettings>,
    /// Where relative paths start.
    #[serde(skip)]
    directory: PathBuf,
}

/// How NATS is reached.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Nats {
    pub(crate) url: String,
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) tls: Tls,
}

/// TLS beside what the URL asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Bounds of the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    lease_seconds: NonZeroU64,
    pub(crate) most_sessions: usize,
    pub(crate) most_in_progress: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lease_seconds: NonZeroU64::new(DEFAULT_LEASE.as_secs()).unwrap_or(NonZeroU64::MIN),
            most_sessions: MOST_SESSIONS,
            most_in_progress: MOST_IN_PROGRESS,
        }
    }
}

impl Limits {
    pub(crate) const fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.get())
    }
}

impl Nats {
    /// The URL without the user and password that it may have.
    pub(crate) fn shown_url(&self) -> String {
        self.url.split(',').map(without_user).collect::<Vec<_>>().join(",")
    }

    fn check(&self) -> Result<()> {
        if self.url.is_empty() {
            bail!("which NATS server? Give `--nats URL`, or `url` in `[nats]`, for instance nats://127.0.0.1:4222");
        }
        if self.user.is_some() != self.password_file.is_some() {
            bail!("`user` and `password_file` in `[nats]` belong together");
        }
        if self.user.is_some() && self.credentials.is_some() {
            bail!("give either `credentials` or `user` in `[nats]`, not both");
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            bail!("`certificate` and `key` in `[nats.tls]` belong together");
        }
        Ok(())
    }
}

fn without_user(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

impl Configuration {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, has a key that is not known (the message names
    /// it and its line), or contradicts itself.
    pub(crate) fn read(arguments: &Arguments) -> Result<Self> {
        let path = &arguments.config;
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, arguments).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, arguments: &Arguments) -> Result<Self> {
        let mut configuration: Self = toml::from_str(text)?;
        configuration.directory = arguments.config.parent().unwrap_or(Path::new("")).to_owned();
        let Nats { credentials, password_file, tls, .. } = &mut configuration.nats;
        let paths = [credentials, password_file, &mut tls.ca, &mut tls.certificate, &mut tls.key];
        for path in paths.into_iter().flatten() {
            *path = configuration.directory.join(&*path);
        }
        let nats = &mut configuration.nats;
        if let Some(url) = &arguments.nats {
            url.clone_into(&mut nats.url);
        }
        for (given, setting) in [
            (&arguments.creds, &mut nats.credentials),
            (&arguments.tls_ca, &mut nats.tls.ca),
            (&arguments.tls_certificate, &mut nats.tls.certificate),
            (&arguments.tls_key, &mut nats.tls.key),
        ] {
            if given.is_some() {
                setting.clone_from(given);
            }
        }
        nats.check()?;
        if configuration.volumes.is_empty() {
            bail!("there is no volume: add a table `[volumes.NAME]`");
        }
        Ok(configuration)
    }

    /// Loads all volumes and locks those that may be changed.
    ///
    /// # Errors
    /// Those of [`VolumeSettings::open`].
    pub(crate) fn open_volumes(&self) -> Result<Vec<OpenVolume>> {
        self.volumes.iter().map(|(name, settings)| settings.open(name, &self.directory)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parse(text: &str) -> Result<Configuration> {
        Configuration::parse(text, &Arguments::parse_from(["larder-provider", "--config", "/etc/larder/provider.toml"]))
    }

    #[test]
    fn everything_can_be_said() {
        let configuration = parse(
            "[nats]\nurl = 'tls://larder:secret@nats.example:4222'\nuser = 'larder'\npassword_file = 'password'\n\
             [nats.tls]\nca = '/ca.pem'\n\
             [server]\nlease_seconds = 5\nmost_sessions = 7\n\
             [volumes.data]\nfile = 'data.larder'\nwritable = true\nsave_every_seconds = 60\n\
             [volumes.data.limits]\nbytes = '1GiB'\nopen-handles = 1000\n\
             [volumes.scratch]\nmemory = true\nwritable = true\n",
        )
        .unwrap();
        assert_eq!(configuration.nats.shown_url(), "tls://nats.example:4222");
        assert_eq!(configuration.nats.password_file.as_deref(), Some(Path::new("/etc/larder/password")));
        assert_eq!(configuration.nats.tls.ca.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(configuration.server.lease(), Duration::from_secs(5));
        assert_eq!((configuration.server.most_sessions, configuration.volumes.len()), (7, 2));
    }

    #[test]
    fn what_is_not_known_is_named_with_its_place() {
        for (text, says) in [
            ("[nats]\nurl = 'nats://a'\nuzer = 'x'\n[volumes.a]\nmemory = true", ["uzer", "line 3"]),
            ("[nats]\nurl = 'nats://a'\n[volumes.a]\nmemory = true\nwriteable = true", ["writeable", "line 5"]),
            ("[nats]\nurl = 'nats://a'\n[volumes.a.limits]\nbites = 3", ["bites", "line 4"]),
            ("[nats]\nurl = 'nats://a'\n[volumes]", ["no volume", ""]),
            ("[volumes.a]\nmemory = true", ["--nats", ""]),
            ("[nats]\nurl = 'nats://a'\nuser = 'x'\n[volumes.a]\nmemory = true", ["password_file", ""]),
        ] {
            let error = parse(text).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(says.iter().all(|says| error.contains(says)), "{text}: {error}");
        }
    }
}
