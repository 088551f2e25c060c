//! A plugin's manifest, which `spin plugin install --file` reads.

use serde::Serialize;

/// Spin's names. Members that it does not know are ignored there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    /// In lower case. A plugin `trigger-TYPE` is the trigger of that type.
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) homepage: Option<&'a str>,
    pub(super) version: &'a str,
    /// A range of versions of Spin. A release outside of it refuses the plugin;
    /// one before a release only warns.
    pub(super) spin_compatibility: &'a str,
    pub(super) license: &'a str,
    /// The first one that fits is installed.
    pub(super) packages: Vec<Package>,
}

/// An archive for a platform.
#[derive(Debug, Serialize)]
pub(super) struct Package {
    pub(super) os: &'static str,
    pub(super) arch: &'static str,
    /// `https://…`, or `file:///…` of the host that installs.
    pub(super) url: String,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}
