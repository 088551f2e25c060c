//! The access key for volumes in S3 buckets. What says so may be secret, and is
//! never shown.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use larder_nats_server::VolumeSettings;
use wasmcloud_provider_sdk::core::secrets::SecretValue;

use crate::nats::text;

const ID: &str = "s3_access_key_id";
const SECRET: &str = "s3_secret_access_key";

/// The keys that this module is about: also those which may be secrets.
pub(crate) const KEYS: [&str; 2] = [ID, SECRET];

/// An access key's id and its secret; none where the AWS environment has them.
pub(crate) struct AccessKey(Option<(String, String)>);

impl AccessKey {
    /// Takes its keys out of the configuration, as they are: a secret may look
    /// like a number.
    ///
    /// # Errors
    /// One of the two is missing, is no text, or is a secret and in the
    /// configuration as well.
    pub(crate) fn take(config: &mut HashMap<String, String>, secrets: &HashMap<String, SecretValue>) -> Result<Self> {
        let mut take = |key: &str| {
            let configured = config.remove(key);
            let Some(secret) = secrets.get(key) else { return Ok(configured) };
            ensure!(configured.is_none(), "`{key}` is a secret and in the configuration, too");
            text(secret).with_context(|| format!("the secret `{key}` is no text")).map(Some)
        };
        match (take(ID)?, take(SECRET)?) {
            (None, None) => Ok(Self(None)),
            (Some(id), Some(secret)) => Ok(Self(Some((id, secret)))),
            _ => bail!("`{ID}` and `{SECRET}` belong together"),
        }
    }

    /// Gives it to the volumes in buckets that have none of their own.
    ///
    /// # Errors
    /// There is no such volume.
    pub(crate) fn give(&self, volumes: &mut BTreeMap<String, VolumeSettings>) -> Result<()> {
        let Some((id, secret)) = &self.0 else { return Ok(()) };
        let mut is_used = false;
        for settings in volumes.values_mut().filter(|settings| settings.s3_access_key_id.is_none()) {
            if let Some(address) = settings.s3.take() {
                settings.s3 = Some(address.with_credentials(id.clone(), secret.clone()));
                is_used = true;
            }
        }
        ensure!(
            is_used,
            "`{ID}` is for volumes in buckets, and there is none: put one with volumes.NAME.s3=s3://BUCKET"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(config: &[(&str, &str)], secrets: &[(&str, &str)], volume: &str) -> Result<String> {
        let mut config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let secret = |text: &str| SecretValue::String(text.to_owned());
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect();
        let key = AccessKey::take(&mut config, &secrets)?;
        assert!(config.is_empty());
        let mut volumes = BTreeMap::from([("data".to_owned(), toml::from_str(volume)?)]);
        key.give(&mut volumes)?;
        let settings = volumes.remove("data").context("it is there")?;
        let address = settings.s3.context("it has an address")?;
        let credentials = address.options(true)?.bucket.credentials;
        ensure!(!format!("{address:?} {address}").contains("007"), "a secret is shown");
        Ok(credentials.map_or_else(String::new, |(id, secret)| format!("{id} {secret}")))
    }

    #[test]
    fn the_key_is_for_all_volumes_in_buckets() {
        let volume = "s3 = 's3://data'";
        assert_eq!(give(&[], &[], volume).unwrap(), "");
        assert_eq!(give(&[(ID, "me")], &[(SECRET, "007")], volume).unwrap(), "me 007");
        assert_eq!(give(&[], &[(ID, "me"), (SECRET, "007")], volume).unwrap(), "me 007");
        for (config, secrets, volume, says) in [
            (&[(ID, "me")][..], &[][..], volume, "belong together"),
            (&[], &[(SECRET, "007")], volume, "belong together"),
            (&[(ID, "me"), (SECRET, "007")], &[(ID, "me")], volume, "a secret and in the configuration"),
            (&[(ID, "me")], &[(SECRET, "007")], "file = '/a'", "there is none"),
        ] {
            let error = format!("{:#}", give(config, secrets, volume).unwrap_err());
            assert!(error.contains(says) && !error.contains("007"), "{error}");
        }
    }
}
