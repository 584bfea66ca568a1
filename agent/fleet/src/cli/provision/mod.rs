//! `weir-fleet provision`: what real sites need, from one table. Nothing is written before all of it is right, and no
//! secret is.

mod buckets;
mod policy;
mod settings;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir::config::{BucketName, TimeZoneName};
use weir_journey::identity::SiteName;

use super::output::{Manner, json, print};
use super::{Failed, args};

/// One site, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    name: SiteName,
    /// The camera's folder on the device.
    directory: String,
    timezone: TimeZoneName,
    bucket: BucketName,
}

/// Writes what the sites need.
///
/// # Errors
/// [`Failed`].
pub(super) fn provision(asked: &args::Provision, manner: Manner) -> Result<ExitCode, Failed> {
    let sites = table::sites(asked)?;
    let files = files(&sites, asked);
    check_settings(&files)?;
    if !asked.force {
        refuse_to_replace(asked, &files)?;
    }
    let client = asked.create_buckets.then(|| buckets::client(asked));
    let client = client.transpose()?;
    for file in &files {
        file.write(&asked.out)?;
    }
    let names = buckets::names(&sites, asked.control_bucket.as_ref());
    if let Some(client) = client {
        buckets::create(&client, &names, asked)?;
    }
    if manner.json {
        for site in &sites {
            json(
                &serde_json::json!({ "site": site.name.as_str(), "bucket": site.bucket.as_str() }),
            )?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let made = if asked.create_buckets {
        format!("{} buckets are there", names.len())
    } else {
        format!(
            "sh {}   makes the {} buckets",
            asked.out.join(SCRIPT).display(),
            names.len()
        )
    };
    print(&format!(
        "{} sites in {}: for each a weir.toml and a policy.json\n{made}\n",
        sites.len(),
        asked.out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

const SCRIPT: &str = "make-buckets.sh";
const SETTINGS: &str = "weir.toml";

/// A file that is to be written.
struct Planned {
    /// Below the folder of all.
    path: PathBuf,
    text: String,
    mode: u32,
}

fn files(sites: &[Place], asked: &args::Provision) -> Vec<Planned> {
    let mut files = vec![Planned {
        path: SCRIPT.into(),
        text: buckets::script(&buckets::names(sites, asked.control_bucket.as_ref()), asked),
        mode: 0o755,
    }];
    for site in sites {
        let folder = Path::new(site.name.as_str());
        files.push(Planned {
            path: folder.join(SETTINGS),
            text: settings::text(site, asked),
            mode: 0o640,
        });
        files.push(Planned {
            path: folder.join("policy.json"),
            text: policy::text(&site.bucket, asked.control_bucket.as_ref()),
            mode: 0o644,
        });
    }
    files
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
}

/// Loads every configuration as its device will.
fn check_settings(files: &[Planned]) -> Result<(), Failed> {
    let settings = files.iter().filter(|file| file.path.ends_with(SETTINGS));
    let faults: Vec<String> = settings
        .filter_map(|file| settings::check(&file.text).err())
        .map(|fault| fault.to_string())
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
    let differs = |file: &&Planned| {
        let there = fs::read_to_string(asked.out.join(&file.path));
        there.is_ok_and(|there| there != file.text)
    };
    let settings = files.iter().filter(|file| file.path.ends_with(SETTINGS));
    let changed: Vec<_> = settings.filter(differs).collect();
    let Some(first) = changed.first() else {
        return Ok(());
    };
    Err(Failed::Usage(format!(
        "{} of {} configurations are there and differ, {} for one: --force replaces them",
        changed.len(),
        files.len() / 2,
        asked.out.join(&first.path).display()
    )))
}
