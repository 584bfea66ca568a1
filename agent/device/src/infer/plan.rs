//! What is wanted of the images of a site, and how the products are named.

use std::path::{Path, PathBuf};

use weir_journey::infer::{PictureFormat, Rules, View};
use weir_journey::upload::{Naming, Template};

use crate::config::{Infer, Look, NoModel, Site};
use crate::queue::Image;
use crate::upload::Destination;

/// What is wanted of the images of a site.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The site.
    pub(super) site: Destination,
    look: Look,
    /// Where models are looked for.
    models: Vec<PathBuf>,
    results: String,
    result: Template,
    overlay: Template,
    derived: String,
    derivatives: Vec<(String, Template)>,
}

/// Bucket and key.
pub(super) type Target = (String, String);

impl Plan {
    /// The plan for a site; `None` where its images are not looked at.
    pub(crate) fn of(site: &Site, infer: &Infer, destination: &Destination) -> Option<Self> {
        let look = site.look.clone()?;
        let name = |template: &crate::config::BucketTemplate| {
            // The configuration has refused names that no bucket can have.
            let bucket = template.bucket_of(&site.name).ok();
            bucket.map(|bucket| bucket.as_str().to_owned())
        };
        let derivatives = look.derivatives.iter();
        let derivatives = derivatives.filter_map(|one| {
            let template = infer.derivative_key.of(&one.name)?;
            Some((one.name.clone(), template))
        });
        Some(Self {
            site: destination.clone(),
            results: name(&infer.result_bucket)?,
            result: infer.result_key.template().clone(),
            overlay: infer.overlay_key.template().clone(),
            derivatives: derivatives.collect(),
            derived: name(&infer.derivative_bucket).unwrap_or_default(),
            models: infer.models.clone(),
            look,
        })
    }

    /// By what an image is sent first, later or not at all.
    pub(super) fn rules(&self) -> &Rules {
        &self.look.rules
    }

    /// Whether what is found is told in a result: where a model looks.
    pub(super) fn tells(&self) -> bool {
        !self.look.models.is_empty()
    }

    /// What is wanted of each image, with the models' folders as they are found now. Touches the disk.
    ///
    /// # Errors
    /// When a model is nowhere.
    pub(crate) fn view(&self) -> Result<View, NoModel> {
        self.look.view(&self.models)
    }

    /// Bucket and key of the image itself: those that it has, or gets unless the key is taken by then.
    pub(super) fn image(&self, image: &Image) -> Target {
        let target = image.target.clone();
        target.unwrap_or_else(|| self.site.target(image))
    }

    /// Bucket and key of an image's result; `object` is the image's own key.
    pub(super) fn result(&self, image: &Image, object: &str) -> Target {
        let key = self.key(&self.result, image, object, ("", "json"));
        (self.results.clone(), key)
    }

    /// Bucket and key of its overlay.
    pub(super) fn overlay(&self, image: &Image, object: &str) -> Option<(PictureFormat, Target)> {
        let format = self.look.overlay?.format;
        let key = self.key(
            &self.overlay,
            image,
            object,
            ("_segmented", format.extension()),
        );
        Some((format, (self.results.clone(), key)))
    }

    /// Bucket and key of the derivative of that name.
    pub(super) fn derivative(
        &self,
        image: &Image,
        object: &str,
        name: &str,
    ) -> Option<(PictureFormat, Target)> {
        let wanted = self.look.derivatives.iter().find(|one| one.name == name)?;
        let (_, template) = self.derivatives.iter().find(|(known, _)| known == name)?;
        let ending = format!("_{name}");
        let key = self.key(
            template,
            image,
            object,
            (&ending, wanted.format.extension()),
        );
        Some((wanted.format, (self.derived.clone(), key)))
    }

    /// A product's key. That of an image without a date states none either, whatever the template says.
    fn key(
        &self,
        template: &Template,
        image: &Image,
        object: &str,
        (ending, extension): (&str, &str),
    ) -> String {
        let name = last_part(object);
        if image.dated {
            let naming = self.site.naming(image, name.as_bytes());
            return template.render(&Naming {
                extension,
                ..naming
            });
        }
        format!("undated/{}{ending}.{extension}", stem(object))
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The last part of a key without its extension.
pub(super) fn stem(key: &str) -> &str {
    let name = last_part(key);
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    stem.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_named_after_their_images_object() {
        assert_eq!(
            stem("2026/March/image_capture_2026-03-01.jpg"),
            "image_capture_2026-03-01"
        );
        assert_eq!(stem("undated/0a1b2c3d_IMG.1.JPG"), "0a1b2c3d_IMG.1");
        assert_eq!(stem("plain"), "plain");
        assert_eq!(last_part("a/b/c.jpg"), "c.jpg");
    }
}
