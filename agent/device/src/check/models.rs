//! Whether the models are there that a site's images are to be looked at by.

use std::path::PathBuf;

use weir_journey::identity::SiteName;

use super::finding::{Check, Finding};
use crate::config::{Look, ModelRef};

/// Looks for every model of a site, and for its mask of the truth. Blocks.
pub(super) fn check(site: &SiteName, look: Option<&Look>, folders: &[PathBuf]) -> Vec<Finding> {
    let Some(look) = look else { return Vec::new() };
    let models = look.models.iter().chain(&look.stage);
    let mut findings: Vec<_> = models.map(|model| of_model(site, model, folders)).collect();
    if let Some(truth) = &look.truth {
        let check = Check::begin("truth", site);
        findings.push(match std::fs::File::open(truth) {
            Ok(_) => check.ok(truth.display().to_string()),
            Err(error) => check.fail(
                format!("{} cannot be read: {error}", truth.display()),
                "put the mask there, or correct the site's truth",
            ),
        });
    }
    findings
}

fn of_model(site: &SiteName, model: &ModelRef, folders: &[PathBuf]) -> Finding {
    let check = Check::begin("model", site);
    match model
        .find(folders)
        .map_err(|error| error.to_string())
        .and_then(opened)
    {
        Ok(told) => check.ok(told),
        Err(why) => check.fail(
            format!("{}: {why}", model.name()),
            "until then its images go up without results",
        ),
    }
}

/// What a model's folder holds, as far as it can be read.
#[cfg(feature = "infer")]
fn opened(folder: PathBuf) -> Result<String, String> {
    let opened = weir_infer::model::Folder::open(&folder);
    opened
        .map(|_| folder.display().to_string())
        .map_err(|error| error.to_string())
}

/// A build without models refuses the configuration before anybody asks.
#[cfg(not(feature = "infer"))]
fn opened(folder: PathBuf) -> Result<String, String> {
    Ok(folder.display().to_string())
}
