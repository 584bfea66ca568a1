//! One folder for each device: what flashes it, its rights, and for all of them the labels and a list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::super::{Failed, args};
use super::place::{Place, is_one_line};
use super::{Planned, SETTINGS, cloud, keys, labels, policy, settings};

/// A device and the sites whose cameras are at it, in the order of the table.
#[derive(Debug)]
pub(super) struct Device<'a> {
    pub(super) name: &'a str,
    pub(super) sites: Vec<&'a Place>,
}

/// All of them, in the order of their first sites.
pub(super) fn of(sites: &[Place]) -> Vec<Device<'_>> {
    let mut devices: Vec<Device<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for site in sites {
        let name = site.device.as_str();
        let at = *known.entry(name).or_insert(devices.len());
        if at == devices.len() {
            let sites = Vec::new();
            devices.push(Device { name, sites });
        }
        devices[at].sites.push(site);
    }
    devices
}

/// What is to be written for them.
///
/// # Errors
/// [`Failed::Usage`]: options that do not go together, or a file of public keys that is none.
pub(super) fn files(
    devices: &[Device<'_>],
    asked: &args::Provision,
) -> Result<Vec<Planned>, Failed> {
    keys::check(asked, devices.len())?;
    let public = public_keys(&asked.device.ssh_key)?;
    let file = |path: PathBuf, text: String| Planned {
        path,
        text,
        mode: 0o644,
    };
    let mut files = Vec::new();
    for device in devices {
        let folder = Path::new(device.name);
        let settings = settings::text(device.name, &device.sites, asked);
        let user_data = cloud::user_data(device.name, &device.sites, &settings, &public, asked);
        let meta_data = cloud::meta_data(device.name, &user_data);
        let control = asked.control_bucket.as_ref();
        files.extend([
            Planned {
                mode: 0o640,
                ..file(folder.join(SETTINGS), settings)
            },
            // It holds the configuration, which is no more for all eyes than that itself.
            Planned {
                mode: 0o640,
                ..file(folder.join("user-data"), user_data)
            },
            file(folder.join("meta-data"), meta_data),
            file(folder.join("network-config"), cloud::network_config(asked)),
            file(
                folder.join("policy.json"),
                policy::text(&device.sites, control),
            ),
        ]);
        if keys::has_identity(asked) {
            files.push(file(
                folder.join("trust-policy.json"),
                keys::trust_policy(device.name, asked),
            ));
            let iot = keys::iot_policy(device.name, asked);
            files.extend(iot.map(|text| file(folder.join("iot-policy.json"), text)));
            files.push(Planned {
                mode: 0o755,
                ..file(
                    folder.join("make-identity.sh"),
                    keys::identity_script(device.name),
                )
            });
        }
    }
    if keys::has_identity(asked) {
        let names: Vec<_> = devices.iter().map(|device| device.name).collect();
        let scripts = [
            ("make-roles.sh", keys::roles_script(&names, asked)),
            ("sign-identity.sh", keys::signing_script().to_owned()),
        ];
        files.extend(scripts.map(|(name, text)| Planned {
            mode: 0o755,
            ..file(name.into(), text)
        }));
    }
    files.push(file(
        "labels.html".into(),
        labels::page(devices, Utc::now()),
    ));
    files.push(file("devices.csv".into(), list(devices, asked)?));
    Ok(files)
}

/// The public keys that may log in: whole lines, and nothing that is not one.
fn public_keys(paths: &[PathBuf]) -> Result<Vec<String>, Failed> {
    let mut keys = Vec::new();
    for path in paths {
        let place = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failed::Usage(format!("{place}: {error}")))?;
        let before = keys.len();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let kind = words.next().unwrap_or_default();
            let known = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];
            let is_key = known.iter().any(|start| kind.starts_with(start))
                && words.next().is_some_and(|key| key.starts_with("AAAA"))
                && is_one_line(line);
            if !is_key {
                return Err(Failed::Usage(format!(
                    "{place}:{}: this is no public key of OpenSSH: give the file that ends with .pub",
                    index + 1
                )));
            }
            keys.push(line.to_owned());
        }
        if keys.len() == before {
            return Err(Failed::Usage(format!("{place}: there is no key in it")));
        }
    }
    Ok(keys)
}

/// What was made, as a table: a row a site.
fn list(devices: &[Device<'_>], asked: &args::Provision) -> Result<String, Failed> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let header = [
        "device",
        "site",
        "label",
        "bucket",
        "result_bucket",
        "timezone",
        "directory",
        "model",
        "latitude",
        "longitude",
        "note",
        "folder",
    ];
    table.write_record(header).map_err(Failed::work)?;
    for device in devices {
        for site in &device.sites {
            let (latitude, longitude) = site.position.clone().unwrap_or_default();
            let results = site.results.as_ref().map(ToString::to_string);
            table
                .write_record([
                    device.name,
                    site.name.as_str(),
                    &site.label,
                    site.bucket.as_str(),
                    &results.unwrap_or_default(),
                    &site.timezone.to_string(),
                    &site.directory,
                    &site.models.join(";"),
                    &latitude,
                    &longitude,
                    &site.note,
                    &asked.out.join(device.name).display().to_string(),
                ])
                .map_err(Failed::work)?;
        }
    }
    let bytes = table.into_inner().map_err(Failed::work)?;
    String::from_utf8(bytes).map_err(Failed::work)
}
