//! The `weir.toml` of one device.

use std::io::Write as _;

use weir::config::Config;

use super::super::{Failed, args};
use super::Place;

/// Its text: only what differs from the defaults, and where the keys go.
pub(super) fn text(site: &Place, asked: &args::Provision) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!(
        "# The agent of {name}: put it at /etc/weir/weir.toml of the device.\n\n\
         [[site]]\n\
         name = {}\n\
         directory = {}\n\
         timezone = {}\n\
         bucket = {}\n\n\
         [store]\n",
        quoted(site.name.as_str()),
        quoted(&site.directory),
        quoted(&site.timezone.to_string()),
        quoted(site.bucket.as_str()),
        name = site.name,
    );
    if let Some(endpoint) = &asked.endpoint {
        text.push_str(&format!("endpoint = {}\n", quoted(endpoint.as_str())));
    }
    text.push_str(&format!(
        "region = {}\n\
         # The device's own keys, which nobody else has: access_key_id = … and secret_access_key = …, mode 0600.\n\
         # credentials_file = \"/etc/weir/keys\"\n",
        quoted(&asked.region)
    ));
    if asked.control_bucket.is_some() || asked.max_concurrent_sites.is_some() {
        text.push_str("\n[pipeline]\n");
    }
    if let Some(sites) = asked.max_concurrent_sites {
        text.push_str(&format!("max_concurrent_sites = {sites}\n"));
    }
    if let Some(control) = &asked.control_bucket {
        let control = quoted(control.as_str());
        text.push_str(&format!("gate = \"s3\"\ncontrol_bucket = {control}\n"));
    }
    text
}

/// Loads it as the agent does.
///
/// # Errors
/// [`Failed`]: what is wrong with it, or that it could not be tried.
pub(super) fn check(text: &str) -> Result<(), Failed> {
    let untried =
        |error: std::io::Error| Failed::Work(format!("cannot try a configuration: {error}"));
    let mut file = tempfile::NamedTempFile::new().map_err(untried)?;
    file.write_all(text.as_bytes()).map_err(untried)?;
    // The settings in this environment are not those of the device.
    let home = std::env::var_os("HOME").map(|home| ("HOME".into(), home));
    let loaded = Config::load(Some(file.path()), home);
    let place = file.path().display().to_string();
    loaded
        .map(drop)
        .map_err(|faults| Failed::Usage(faults.to_string().replace(&place, "weir.toml")))
}
