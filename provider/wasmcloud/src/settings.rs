//! The provider's configuration, as a lattice has it: texts under flat keys,
//! such as `volumes.data.file=/var/lib/larder/data.larder`. A key with dots is
//! a path in the configuration file of `larder-provider`; both say the same.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use larder_nats_server::{DEFAULT_LEASE, ServerOptions, Serving, VolumeSettings};
use serde::Deserialize;
use toml::{Table, Value};
use wasmcloud_provider_sdk::HostData;
use wasmcloud_provider_sdk::core::secrets::SecretValue;

use crate::buckets::AccessKey;
use crate::nats::Access;

/// Most keys: 4,096. Guards the time of a start.
const MOST_KEYS: usize = 4096;

/// What can be configured.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Configuration {
    lease_seconds: Option<NonZeroU64>,
    volumes: BTreeMap<String, VolumeSettings>,
}

/// Opens the volumes and serves them. Answers the connection that they are
/// served over, too.
///
/// # Errors
/// A key or value that is none, a volume that can't be opened, or NATS that
/// can't be reached.
pub(crate) async fn serve(
    mut config: HashMap<String, String>,
    secrets: &HashMap<String, SecretValue>,
    host: &HostData,
) -> Result<(Serving, async_nats::Client)> {
    let access = Access::take(&mut config, secrets)?;
    let access_key = AccessKey::take(&mut config, secrets)?;
    let Configuration { lease_seconds, mut volumes } =
        table(&config)?.try_into().context("in the provider's configuration")?;
    ensure!(!volumes.is_empty(), "no volume is configured: put one with volumes.NAME.file=PATH");
    access_key.give(&mut volumes)?;
    let mut opened = Vec::new();
    for (name, settings) in &volumes {
        ensure!(
            settings.file.as_deref().is_none_or(Path::is_absolute),
            "volumes.{name}.file must be absolute: a provider has no directory of its own"
        );
        ensure!(
            settings.s3.as_ref().is_none_or(|address| !address.has_relative_paths()),
            "the paths in volumes.{name}.s3 must be absolute: a provider has no directory of its own"
        );
        opened.push(settings.open(name, Path::new("/"))?);
    }
    let nats = access.connect(host).await?;
    let lease = lease_seconds.map_or(DEFAULT_LEASE, |seconds| Duration::from_secs(seconds.get()));
    let serving = Serving::start(nats.clone(), opened, ServerOptions { lease, ..ServerOptions::default() }).await?;
    Ok((serving, nats))
}

/// The table that the flat keys say. Keys for the SDK are left out.
///
/// # Errors
/// A key of which another is a part, or too many.
pub(crate) fn table(config: &HashMap<String, String>) -> Result<Table> {
    if config.len() > MOST_KEYS {
        bail!("the configuration has more than {MOST_KEYS} keys");
    }
    let mut keys: Vec<&String> = config.keys().filter(|key| !key.to_ascii_uppercase().starts_with("OTEL_")).collect();
    keys.sort_unstable();
    let mut table = Table::new();
    for key in keys {
        let text = config.get(key).map_or("", String::as_str);
        put(&mut table, key, value(text)).with_context(|| format!("the configuration's key `{key}`"))?;
    }
    Ok(table)
}

/// A number or a truth value if it is one, otherwise the text.
fn value(text: &str) -> Value {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
    }
}

fn put(table: &mut Table, key: &str, value: Value) -> Result<()> {
    let Some((first, rest)) = key.split_once('.') else {
        if table.insert(key.to_owned(), value).is_some() {
            bail!("it is a group of other keys, too");
        }
        return Ok(());
    };
    match table.entry(first).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => put(inner, rest, value),
        _ => bail!("`{first}` has a value of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lead_into_tables() {
        let config = |pairs: &[(&str, &str)]| {
            table(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let read = config(&[("volumes.a.file", "/x.larder"), ("volumes.a.writable", "false"), ("lease_seconds", "7")]);
        let expected: Table =
            toml::from_str("lease_seconds = 7\n[volumes.a]\nfile = \"/x.larder\"\nwritable = false").unwrap();
        assert_eq!(read.unwrap(), expected);
        assert!(config(&[("a", "1"), ("a.b", "2")]).is_err());
    }
}
