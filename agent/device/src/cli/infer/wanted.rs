//! What is wanted of each image: what the command line says, over what its site's configuration says.

use std::path::{Path, PathBuf};

use weir_infer::model::{self, Folder, Task};
use weir_infer::task::{Model, Table};
use weir_journey::infer::{Overlay, PictureFormat, View};

use super::args::Infer;
use crate::cli::load;
use crate::cli::output::Failed;
use crate::config::{Config, Look, Site};

/// What is wanted of images, by their sites.
pub(super) struct Wanted {
    /// Folders in which models are looked for.
    pub(super) places: Vec<PathBuf>,
    /// What the command line alone wants.
    plain: View,
    sites: Vec<Site>,
    named: Option<usize>,
}

/// The width of an overlay that only the command line asks for.
const OVERLAY: Overlay = Overlay {
    width: 960,
    format: PictureFormat::Jpeg,
};
/// Agreement with the truth above which a segmentation counts as verified, as the HydroCam pipeline has it.
const VERIFIED_ABOVE: f64 = 0.9;
/// Where models lie whatever the configuration: in a checkout, and where the package puts them.
const USUAL: [&str; 3] = [
    "models",
    "/usr/local/share/weir/models",
    "/usr/share/weir/models",
];

impl Wanted {
    /// The configuration need not be there; one that is wrong is a failure only where it was asked for.
    pub(super) fn find(path: Option<&Path>, asked: &Infer) -> Result<Self, Failed> {
        let needed = path.is_some() || asked.site.is_some();
        let config = match load(path) {
            Ok(config) => Some(config),
            Err(failed) if needed => return Err(failed),
            // Without one, the command line says all there is.
            Err(_) => None,
        };
        let mut places = asked.places.clone();
        places.extend(config.iter().flat_map(|config| config.infer.models.clone()));
        places.extend(USUAL.map(PathBuf::from));
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(place.clone()));
        let sites = config
            .map(|config: Config| config.sites)
            .unwrap_or_default();
        let named = match &asked.site {
            None => None,
            Some(name) => Some(crate::cli::timestamp::position(&sites, name)?),
        };
        let mut wanted = Self {
            places,
            plain: View::default(),
            sites,
            named,
        };
        wanted.plain = wanted.of_command_line(
            View {
                verified_above: VERIFIED_ABOVE,
                ..View::default()
            },
            asked,
        )?;
        Ok(wanted)
    }

    /// The site whose look an image gets: the one that was asked for, or the one in whose folder it lies, unless the
    /// command line names models.
    pub(super) fn site(&self, image: &Path, asked: &Infer) -> Option<&Site> {
        if let Some(named) = self.named {
            return self.sites.get(named);
        }
        if !asked.models.is_empty() {
            return None;
        }
        let image = std::path::absolute(image).ok()?;
        self.sites.iter().find(|site| {
            site.look.is_some()
                && site
                    .directories
                    .iter()
                    .any(|folder| image.starts_with(folder))
        })
    }

    /// What is wanted of the images of a site, or of those of none.
    pub(super) fn view(&self, site: Option<&Site>, asked: &Infer) -> Result<View, Failed> {
        let view = match site.map(|site| (site, &site.look)) {
            None => self.plain.clone(),
            Some((_, Some(look))) => self.of_command_line(self.of_site(look)?, asked)?,
            Some((site, None)) => {
                let name = &site.name;
                return Err(Failed::Usage(format!(
                    "site {name} wants nothing of its images: give it a `model` in its [[site]], or name one with --model"
                )));
            }
        };
        if view.models.is_empty() && view.derivatives.is_empty() {
            return Err(Failed::Usage(
                "name a model with --model (`weir infer --list` shows which there are), or a site with --site".to_owned(),
            ));
        }
        Ok(view)
    }

    fn of_site(&self, look: &Look) -> Result<View, Failed> {
        look.view(&self.places)
            .map_err(|missing| Failed::Configuration(missing.to_string()))
    }

    fn of_command_line(&self, mut view: View, asked: &Infer) -> Result<View, Failed> {
        if !asked.models.is_empty() {
            let models = asked.models.iter().map(|name| self.model(name));
            view.models = models.collect::<Result<_, _>>()?;
        }
        if let Some(frame) = asked.frame {
            view.frame = Some(frame.0);
        }
        if !asked.rois.is_empty() {
            view.rois = asked.rois.iter().map(|region| region.0.clone()).collect();
        }
        if let Some(name) = &asked.stage_model {
            view.stage = Some(self.model(name)?);
        }
        if let Some(truth) = &asked.truth {
            view.truth = Some(truth.clone());
        }
        view.overlay = asked
            .overlay
            .as_ref()
            .map(|_| view.overlay.unwrap_or(OVERLAY));
        Ok(view)
    }

    /// The folder of a model.
    fn model(&self, name: &str) -> Result<PathBuf, Failed> {
        model::find(name, &self.places).ok_or_else(|| {
            let places: Vec<_> = self.places.iter().map(|place| place.display().to_string()).collect();
            Failed::Usage(format!(
                "there is no model {name} in {}: `weir infer --list` shows which there are, --models names another folder",
                places.join(", ")
            ))
        })
    }

    /// The one model that was asked for, if it takes tables.
    pub(super) fn table(&self, asked: &Infer) -> Result<Option<Table>, Failed> {
        let [name] = asked.models.as_slice() else {
            return Ok(None);
        };
        let path = self.model(name)?;
        let refused = |error: model::ModelError| Failed::Usage(error.to_string());
        if !matches!(
            Folder::open(&path).map_err(refused)?.manifest().task,
            Task::Tabular(_)
        ) {
            return Ok(None);
        }
        match Model::open(&path).map_err(refused)? {
            Model::Table(table) => Ok(Some(table)),
            Model::Segmenter(_) | Model::Classifier(_) => Ok(None),
        }
    }

    /// Every model that a view names is there and in order, before a single image is looked at.
    pub(super) fn sound(view: &View) -> Result<(), Failed> {
        for path in view.models.iter().chain(&view.stage) {
            Folder::open(path).map_err(|error| Failed::Usage(error.to_string()))?;
        }
        Ok(())
    }
}
