//! What `[[site]]` says of looking at its images.

use std::path::PathBuf;
use std::str::FromStr;

use weir_journey::infer::{Bounds, Condition, Derivative, Overlay, Roi, Rules, Size, View};

use super::block::Block;
use super::infer::{ModelRef, NoModel, WrittenModel};
use crate::config::form::{
    Frame, WrittenOverlay, WrittenPath, derivatives, list, one_or_more, regions, share, text,
};
use crate::config::reader::resolve;

/// What is wanted of each image of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The models that look at it.
    pub models: Vec<ModelRef>,
    /// The reference frame; the image's own size where there is none.
    pub frame: Option<Size>,
    /// Regions in which water is counted.
    pub rois: Vec<Roi>,
    /// The model that makes a stage of it.
    pub stage: Option<ModelRef>,
    /// A mask of where the water is known to be.
    pub truth: Option<PathBuf>,
    /// The mask counts as verified above this agreement with the truth.
    pub verified_above: f64,
    /// A picture of what was found, if wanted.
    pub overlay: Option<Overlay>,
    /// Pictures made of the image.
    pub derivatives: Vec<Derivative>,
    /// What follows for the image's order.
    pub rules: Rules,
}

impl Look {
    /// What is wanted of each image, with the models' folders as they are found now in `places`. Touches the disk.
    ///
    /// # Errors
    /// When a model is nowhere.
    pub fn view(&self, places: &[PathBuf]) -> Result<View, NoModel> {
        let models = self.models.iter().map(|model| model.find(places));
        let stage = self.stage.as_ref().map(|model| model.find(places));
        Ok(View {
            models: models.collect::<Result<_, _>>()?,
            frame: self.frame,
            rois: self.rois.clone(),
            stage: stage.transpose()?,
            truth: self.truth.clone(),
            verified_above: self.verified_above,
            overlay: self.overlay,
            derivatives: self.derivatives.clone(),
            bounds: Bounds::default(),
        })
    }
}

/// Agreement of mask and truth above which a segmentation counts as verified, where a site does not say.
const VERIFIED_ABOVE: f64 = 0.9;

const MODEL: &str = "a model's name such as \"water\", or a path with a \"/\"";
const CONDITION: &str =
    "a condition such as \"stage > 1.5\", \"water < 0.2\", \"label flood > 0.8\" or \"dark\"";

/// A condition; why it is none is said without its text, which the place of the fault tells.
#[derive(Debug)]
struct WrittenCondition(Condition);

impl FromStr for WrittenCondition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse::<Condition>();
        read.map(Self)
            .map_err(|error| format!("is no condition: {}", error.why()))
    }
}

/// Reads the keys of a site; `None` when none of them asks for a look.
pub(super) fn read(block: &mut Block<'_, '_>) -> Option<Look> {
    let model = || text::<WrittenModel>(MODEL);
    let models = block.optional("model", one_or_more(model()));
    let frame = block.optional(
        "frame",
        text::<Frame>("a size in pixels such as \"1920x1080\""),
    );
    let rois = block.optional("rois", regions()).unwrap_or_default();
    let stage = block.optional("stage_model", model());
    let truth = block.optional("truth", text::<WrittenPath>("a path"));
    let verified_above = block.optional("verified_above", share());
    let overlay = text::<WrittenOverlay>(
        "a width of 16 to 8192 pixels and a format, such as \"640px jpeg\" or \"640px png\"",
    );
    let overlay = block.optional("overlay", overlay.or("off")).flatten();
    let derivatives = block
        .optional("derivatives", derivatives())
        .unwrap_or_default();
    let mut conditions = |key| {
        let read = block.optional(key, list(text::<WrittenCondition>(CONDITION)));
        let read = read.into_iter().flatten();
        read.map(|WrittenCondition(condition)| condition).collect()
    };
    let rules = Rules {
        first: conditions("first"),
        later: conditions("later"),
        skip: conditions("skip"),
    };
    let at = |key, path: &std::path::Path| resolve(&block.origin(key), path);
    let look = Look {
        models: models
            .into_iter()
            .flatten()
            .map(|model| model.resolved(|path| at("model", path)))
            .collect(),
        stage: stage.map(|model| model.resolved(|path| at("stage_model", path))),
        truth: truth.map(|WrittenPath(path)| at("truth", &path)),
        frame: frame.map(|Frame(size)| size),
        verified_above: verified_above.unwrap_or(VERIFIED_ABOVE),
        rois,
        overlay: overlay.map(|WrittenOverlay(overlay)| overlay),
        derivatives,
        rules,
    };
    compare(block, &look);
    let wanted = !look.models.is_empty() || !look.derivatives.is_empty() || !look.rules.is_empty();
    wanted.then_some(look)
}

/// Records what does not fit together.
fn compare(block: &mut Block<'_, '_>, look: &Look) {
    let needs = |key: &str, other: &str, there: bool| {
        (block.table.contains_key(key) && !there)
            .then(|| (key.to_owned(), format!("means nothing without {other}")))
    };
    let models = block.table.contains_key("model");
    let mut faults: Vec<_> = [
        needs("rois", "model", models),
        needs("stage_model", "rois", block.table.contains_key("rois")),
        needs("overlay", "model", models),
        needs("truth", "model", models),
        needs("verified_above", "truth", block.table.contains_key("truth")),
        needs("frame", "model", models),
    ]
    .into_iter()
    .flatten()
    .collect();
    let faulty = look.rois.is_empty() && block.table.contains_key("rois");
    let Rules { first, later, skip } = &look.rules;
    for (key, conditions) in [("first", first), ("later", later), ("skip", skip)] {
        for condition in conditions {
            let known = |name: &str| look.rois.iter().any(|roi| roi.name == name);
            let unknown = condition.names().filter(|name| !known(name));
            // Where the regions are at fault, that is told already.
            if let Some(name) = unknown.filter(|_| !faulty) {
                faults.push((
                    key.to_owned(),
                    format!("\"{condition}\" asks for {name}, which is none of rois"),
                ));
            }
        }
    }
    for (key, message) in faults {
        block.fault(&key, message, None);
    }
}
