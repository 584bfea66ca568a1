//! `weir-fleet provision`: what real sites need, from one table. Nothing is written before all of it is right, and no
//! secret is.

mod buckets;
mod cloud;
mod devices;
mod keys;
mod labels;
mod place;
mod policy;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::output::{self, Manner, print};
use super::{Failed, args};
use devices::Device;
use place::Place;

/// Writes what the sites or their devices need.
///
/// # Errors
/// [`Failed`].
pub(super) fn provision(asked: &args::Provision, manner: Manner) -> Result<ExitCode, Failed> {
    let sites = table::sites(asked)?;
    let of_devices = asked.device.devices.then(|| devices::of(&sites));
    let mut files = match &of_devices {
        Some(devices) => devices::files(devices, asked)?,
        None => files(&sites, asked),
    };
    let names = buckets::names(&sites, asked.control_bucket.as_ref());
    files.push(Planned {
        path: SCRIPT.into(),
        text: buckets::script(&names, asked),
        mode: 0o755,
    });
    check_settings(&files)?;
    if !asked.force {
        refuse_to_replace(asked, &files)?;
    }
    let client = asked.create_buckets.then(|| buckets::client(asked));
    let client = client.transpose()?;
    for file in &files {
        file.write(&asked.out)?;
    }
    if let Some(client) = client {
        buckets::create(&client, &names, asked)?;
    }
    for (device, characters) in too_long(&files) {
        eprintln!(
            "weir-fleet: {} has {characters} characters without spaces, and a role of AWS takes {POLICY_LIMIT}: spread its sites over two devices, or write one statement for all of its buckets",
            device.display()
        );
    }
    if manner.json {
        match &of_devices {
            Some(devices) => devices.iter().try_for_each(|device| tell(device, asked))?,
            None => sites.iter().try_for_each(|site| {
                output::json(&json!({ "site": site.name.as_str(), "bucket": site.bucket.as_str() }))
            })?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let out = asked.out.display();
    let made = if asked.create_buckets {
        let there = if names.len() == 1 { "is" } else { "are" };
        format!("{} {there} there", counted(names.len(), "bucket"))
    } else {
        format!(
            "sh {}   makes the {}",
            asked.out.join(SCRIPT).display(),
            counted(names.len(), "bucket")
        )
    };
    print(&match &of_devices {
        Some(devices) => format!(
            "{} with {} in {out}: for each a weir.toml, a policy.json and the files of cloud-init; labels.html, devices.csv\n{made}\n{}",
            counted(devices.len(), "device"),
            counted(sites.len(), "site"),
            roles(asked),
        ),
        None => format!(
            "{} in {out}: for each a weir.toml and a policy.json\n{made}\n",
            counted(sites.len(), "site"),
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

const SCRIPT: &str = "make-buckets.sh";
const SETTINGS: &str = "weir.toml";
const RIGHTS: &str = "policy.json";

/// What people change by hand.
const CONFIGURATIONS: [&str; 3] = [SETTINGS, "user-data", "network-config"];

/// All policies that stand in a role of AWS, without white space
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const POLICY_LIMIT: usize = 10_240;

/// A file that is to be written.
struct Planned {
    /// Below the folder of all.
    path: PathBuf,
    text: String,
    mode: u32,
}

/// A folder for each site.
fn files(sites: &[Place], asked: &args::Provision) -> Vec<Planned> {
    let mut files = Vec::new();
    for site in sites {
        let folder = Path::new(site.name.as_str());
        files.push(Planned {
            path: folder.join(SETTINGS),
            text: settings::text(site.name.as_str(), &[site], asked),
            mode: 0o640,
        });
        files.push(Planned {
            path: folder.join(RIGHTS),
            text: policy::text(&[site], asked.control_bucket.as_ref()),
            mode: 0o644,
        });
    }
    files
}

/// One device as an object.
fn tell(device: &Device<'_>, asked: &args::Provision) -> Result<(), Failed> {
    let of = |name: fn(&Place) -> Option<String>| -> Vec<String> {
        let sites = device.sites.iter();
        sites.filter_map(|site| name(site)).collect()
    };
    output::json(&json!({
        "device": device.name,
        "sites": of(|site| Some(site.name.to_string())),
        "buckets": of(|site| Some(site.bucket.to_string())),
        "result_buckets": of(|site| site.results.as_ref().map(ToString::to_string)),
        "folder": asked.out.join(device.name),
    }))
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn roles(asked: &args::Provision) -> String {
    if !keys::has_identity(asked) {
        return String::new();
    }
    let at = |name: &str| asked.out.join(name).display().to_string();
    format!(
        "sh {}   makes the roles\nsh {} DEVICE.csr ca.crt ca.key   signs what a device asks for\n",
        at("make-roles.sh"),
        at("sign-identity.sh"),
    )
}

impl Planned {
    /// Whole or not at all, and never readable by more people than it is to be.
    fn write(&self, folder: &Path) -> Result<(), Failed> {
        let path = folder.join(&self.path);
        let told = |error: std::io::Error| {
            Failed::Work(format!("cannot write {}: {error}", path.display()))
        };
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(told)?;
        let part = parent.join(".weir-fleet.part");
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(self.mode)
            .open(&part)
            .and_then(|mut file| {
                use std::io::Write as _;
                file.set_permissions(fs::Permissions::from_mode(self.mode))?;
                file.write_all(self.text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&part, &path))
            .map_err(told)
    }

    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.path.ends_with(name))
    }
}

/// Loads every configuration as its device will.
fn check_settings(files: &[Planned]) -> Result<(), Failed> {
    let settings = files.iter().filter(|file| file.is(&[SETTINGS]));
    let faults: Vec<String> = settings
        .filter_map(|file| {
            let fault = settings::check(&file.text).err()?;
            // Many sites with one fault of the options are told once.
            Some(fault.to_string())
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failed::Usage(faults.join("\n")))
    }
}

/// A configuration that somebody changed by hand is not lost.
fn refuse_to_replace(asked: &args::Provision, files: &[Planned]) -> Result<(), Failed> {
    let differs = |file: &&Planned| match fs::read(asked.out.join(&file.path)) {
        Ok(there) => there != file.text.as_bytes(),
        // What cannot be read may have been changed.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    let settings: Vec<_> = files
        .iter()
        .filter(|file| file.is(&CONFIGURATIONS))
        .collect();
    let changed: Vec<_> = settings.iter().copied().filter(differs).collect();
    let Some(first) = changed.first() else {
        return Ok(());
    };
    Err(Failed::Usage(format!(
        "{} of {} configurations are there and differ, {} for one: --force replaces them",
        changed.len(),
        settings.len(),
        asked.out.join(&first.path).display()
    )))
}

/// Policies that AWS would not take, each with its length.
fn too_long(files: &[Planned]) -> impl Iterator<Item = (&Path, usize)> {
    let rights = files.iter().filter(|file| file.is(&[RIGHTS]));
    rights.filter_map(|file| {
        let length = file.text.chars().filter(|c| !c.is_whitespace()).count();
        (length > POLICY_LIMIT).then_some((file.path.as_path(), length))
    })
}

/// A word of a shell script, whatever is in it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
