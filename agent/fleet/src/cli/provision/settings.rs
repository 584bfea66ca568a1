//! The `weir.toml` of one device.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use weir::config::Config;

use super::super::{Failed, args};
use super::place::Place;
use super::{SETTINGS, keys};

/// Its text: only what differs from the defaults, and where the keys come from. `name` is the site's or the device's.
pub(super) fn text(name: &str, sites: &[&Place], asked: &args::Provision) -> String {
    let mut text =
        format!("# The agent of {name}: put it at /etc/weir/weir.toml of the device.\n\n");
    for site in sites {
        text.push_str(&block(site));
    }
    if asked.device.devices {
        // As the package's own configuration: so that commands find the agent's queue, whoever gives them.
        text.push_str("[state]\ndirectory = \"/var/lib/weir\"\n\n");
    }
    text.push_str("[store]\n");
    if let Some(endpoint) = &asked.endpoint {
        text.push_str(&format!("endpoint = {}\n", quoted(endpoint.as_str())));
    }
    text.push_str(&format!("region = {}\n", quoted(&asked.region)));
    text.push_str(&keys::setting(name, asked));
    let pipeline = pipeline(asked);
    if !pipeline.is_empty() {
        text.push_str(&format!("\n[pipeline]\n{pipeline}"));
    }
    let looks = sites.iter().any(|site| site.results.is_some());
    if looks && asked.result_bucket != args::RESULTS {
        let bucket = quoted(&asked.result_bucket);
        text.push_str(&format!("\n[infer]\nresult_bucket = {bucket}\n"));
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn block(site: &Place) -> String {
    let position = site.position.as_ref();
    let position =
        position.map(|(latitude, longitude)| format!("latitude {latitude}, longitude {longitude}"));
    let known = [
        site.label.as_str(),
        position.as_deref().unwrap_or(""),
        &site.note,
    ];
    let known = known.iter().filter(|one| !one.is_empty());
    let known: String = known.map(|one| format!("# {one}\n")).collect();
    let mut block = format!(
        "{known}[[site]]\n\
         name = {}\n\
         directory = {}\n\
         timezone = {}\n\
         bucket = {}\n",
        quoted(site.name.as_str()),
        quoted(&site.directory),
        quoted(&site.timezone.to_string()),
        quoted(site.bucket.as_str()),
    );
    let models: Vec<_> = site.models.iter().map(|model| quoted(model)).collect();
    match models.as_slice() {
        [] => {}
        [model] => block.push_str(&format!("model = {model}\n")),
        several => block.push_str(&format!("model = [{}]\n", several.join(", "))),
    }
    block.push('\n');
    block
}

fn pipeline(asked: &args::Provision) -> String {
    let mut text = String::new();
    if let Some(sites) = asked.max_concurrent_sites {
        text.push_str(&format!("max_concurrent_sites = {sites}\n"));
    }
    if let Some(hold) = asked.hold {
        text.push_str(&format!("hold = {}\n", quoted(&hold.to_string())));
    }
    if asked.pipeline_result_bucket != args::RESULTS {
        let bucket = quoted(&asked.pipeline_result_bucket);
        text.push_str(&format!("result_bucket = {bucket}\n"));
    }
    if let Some(control) = &asked.control_bucket {
        let control = quoted(control.as_str());
        text.push_str(&format!("gate = \"s3\"\ncontrol_bucket = {control}\n"));
    }
    text
}

/// Loads it as the agent does. A program built without models refuses those of a site, where a device's own may have
/// them: then it is loaded without; the names of models were checked in the table.
///
/// # Errors
/// [`Failed`]: what is wrong with it, or that it could not be tried.
pub(super) fn check(text: &str) -> Result<Config, Failed> {
    let with_model =
        "[[site]]\nname = \"a\"\ndirectory = \"/srv/camera/a\"\nmodel = \"water-demo\"\n";
    if load(with_model).is_ok() {
        return load(text);
    }
    let lines = text.split_inclusive('\n');
    let without: String = lines
        // As empty lines, so that the lines of faults stay right.
        .map(|line| {
            if line.starts_with("model = ") {
                "\n"
            } else {
                line
            }
        })
        .collect();
    load(&without)
}

fn load(text: &str) -> Result<Config, Failed> {
    let untried =
        |error: std::io::Error| Failed::Work(format!("cannot try a configuration: {error}"));
    let mut file = tempfile::NamedTempFile::new().map_err(untried)?;
    file.write_all(text.as_bytes()).map_err(untried)?;
    // The settings in this environment are not those of the device, and its keys are there only: these stand for them.
    let keys = tempfile::tempdir().map_err(untried)?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(keys.path().join("keys"))
        .and_then(|mut file| file.write_all(b"access_key_id = none\nsecret_access_key = none\n"))
        .map_err(untried)?;
    let surroundings = std::env::var_os("HOME").map(|home| ("HOME".into(), home));
    let handed = ("CREDENTIALS_DIRECTORY".into(), keys.path().into());
    let loaded = Config::load(Some(file.path()), surroundings.into_iter().chain([handed]));
    let place = file.path().display().to_string();
    loaded.map_err(|faults| Failed::Usage(faults.to_string().replace(&place, SETTINGS)))
}
