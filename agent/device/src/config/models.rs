//! Models that a configuration names, compared with what is installed. One that is missing is no reason not to run: it
//! may be installed later, and the images go up without results meanwhile.

use super::fault::{Fault, Faults, Origin};
use super::load::Loaded;

/// What is missing of the models of all sites, each with the place that names it. Touches the disk.
pub(super) fn missing(loaded: &Loaded) -> Option<Faults> {
    let mut faults = Vec::new();
    for (index, site) in loaded.config.sites.iter().enumerate() {
        let Some(look) = &site.look else { continue };
        let models = look.models.iter().map(|model| ("model", model));
        let stage = look.stage.iter().map(|model| ("stage_model", model));
        for (key, model) in models.chain(stage) {
            let Err(none) = model.find(&loaded.config.infer.models) else {
                continue;
            };
            let number = index + 1;
            let mut settings = loaded.settings.iter();
            let setting = settings.find(|one| one.block == Some(number) && one.key == key);
            faults.push(Fault {
                origin: setting.map_or(Origin::Default, |setting| setting.origin.clone()),
                key: Some(format!("site[{number}].{key}")),
                message: none.to_string(),
                suggestion: None,
            });
        }
    }
    Faults::of(faults)
}
