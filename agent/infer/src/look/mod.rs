//! The look at an image: everything that a view wants of it, in one pass over its pixels.
//!
//! A part that fails, or that makes a library panic, becomes a [`Fault`] of the report; the others go on. Only an
//! image that cannot be decoded gives no report.

mod models;
mod products;
mod serve;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use weir_journey::infer::{
    Answer, Failure, Fault, Job, Report, RoiCount, Size, Stage, Took, Trouble, View, Water,
};

pub use serve::serve;

use crate::caught::caught;
use crate::engine::Threads;
use crate::health::examine;
use crate::picture::{self, Limits, Picture};
use crate::task::{Id, Model, Opinion, together};
use crate::water::{Mask, count, iou};
use models::{Models, name_of};

/// What a [`Seer`] may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The largest picture that is decoded.
    pub limits: Limits,
    /// Threads for the networks, at least one.
    pub threads: usize,
}

impl Default for Settings {
    /// One thread, and the default limits.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            threads: 1,
        }
    }
}

/// Looks at images, one after the other or several at once. Models stay loaded between them; one whose folder has
/// changed is loaded anew.
#[derive(Debug)]
pub struct Seer {
    limits: Limits,
    threads: Threads,
    models: Models,
}

impl Seer {
    /// With no model loaded yet.
    ///
    /// # Panics
    /// When more than one thread is wanted and the system starts none.
    pub fn new(settings: Settings) -> Self {
        Self {
            limits: settings.limits,
            threads: Threads::new(settings.threads),
            models: Models::default(),
        }
    }

    /// Looks at an image.
    pub fn look(&self, job: &Job) -> Answer {
        match caught(|| self.report(job)) {
            Ok(Ok(report)) => Answer::Done(Box::new(report)),
            Ok(Err(failure)) => Answer::Failed(failure),
            Err(panic) => Answer::Failed(Failure {
                trouble: Trouble::Picture,
                sentence: format!(
                    "{} made the agent's image code panic ({panic}): keep the image and report it",
                    job.image.display()
                ),
            }),
        }
    }

    fn report(&self, job: &Job) -> Result<Report, Failure> {
        let mut took = Took::default();
        let view = &job.view;
        let picture = timed(&mut took.decode_ms, || {
            picture::read(&job.image, &self.limits)
        });
        let picture = picture.map_err(|error| Failure {
            trouble: error.trouble(),
            sentence: format!("{}: {error}", job.image.display()),
        })?;
        let (health, print) = timed(&mut took.health_ms, || {
            examine(&picture, job.before.as_ref(), &view.bounds)
        });
        let frame = self.frame(view, &picture)?;
        let mut faults = Vec::new();
        let seen = timed(&mut took.infer_ms, || {
            self.seen(view, &picture, frame, &mut faults)
        });
        let (water, products) = timed(&mut took.products_ms, || {
            let water = seen
                .mask
                .as_ref()
                .map(|(id, mask)| self.water(id, mask, view, &mut faults));
            let mask = seen.mask.as_ref().map(|(_, mask)| mask);
            (water, products::make(job, &picture, mask, &mut faults))
        });
        let classes: Vec<_> = seen.opinions.iter().map(Opinion::shown).collect();
        Ok(Report {
            size: picture.size(),
            health,
            print,
            water,
            together: together(&seen.opinions),
            classes,
            products,
            faults,
            took,
        })
    }

    /// The reference frame: that of the view, else the picture's size.
    fn frame(&self, view: &View, picture: &Picture) -> Result<Size, Failure> {
        let frame = view.frame.unwrap_or_else(|| picture.size());
        let pixels = u64::from(frame.width) * u64::from(frame.height);
        if (1..=self.limits.pixels).contains(&pixels) {
            return Ok(frame);
        }
        Err(Failure {
            trouble: Trouble::Model,
            sentence: format!(
                "a frame of {} x {} pixels is not within 1 and {} pixels: correct the site's frame",
                frame.width, frame.height, self.limits.pixels
            ),
        })
    }

    /// What the models of a view say.
    fn seen(&self, view: &View, picture: &Picture, frame: Size, faults: &mut Vec<Fault>) -> Seen {
        let mut seen = Seen::default();
        let models = self.loaded(&view.models, faults);
        // Models run beside each other, as many as there are threads: a small network alone keeps no two busy.
        for some in models.chunks(self.threads.number()) {
            let results: Vec<Result<Said, Fault>> = match some {
                [model] => vec![self.said(model, picture, frame)],
                several => thread::scope(|scope| {
                    let started: Vec<_> = several
                        .iter()
                        .map(|model| scope.spawn(|| self.said(model, picture, frame)))
                        .collect();
                    let ended = started.into_iter().zip(several);
                    ended
                        .map(|(thread, model)| {
                            thread.join().unwrap_or_else(|_| {
                                Err(fault(&model.name, "its thread ended: report this"))
                            })
                        })
                        .collect()
                }),
            };
            for result in results {
                match result {
                    Ok(Said::Mask(id, mask)) => seen.mask = Some((id, mask)),
                    Ok(Said::Opinion(opinion)) => seen.opinions.push(opinion),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        seen
    }

    /// The models that can look at a picture; a fault for each that cannot.
    fn loaded(&self, paths: &[std::path::PathBuf], faults: &mut Vec<Fault>) -> Vec<Named> {
        let mut segments = false;
        let mut models = Vec::new();
        for path in paths {
            let name = name_of(path);
            match self.models.get(path) {
                Err(sentence) => faults.push(fault(&name, sentence)),
                Ok(model) => match &*model {
                    Model::Segmenter(_) if segments => {
                        faults.push(fault(
                            &name,
                            format!("{name} is a second model that segments water: name one for the site"),
                        ));
                    }
                    Model::Table(_) => faults.push(fault(
                        &name,
                        format!("{name} takes rows of numbers and no pictures: name it as the stage model"),
                    )),
                    Model::Segmenter(_) | Model::Classifier(_) => {
                        segments |= matches!(*model, Model::Segmenter(_));
                        models.push(Named { name, model });
                    }
                },
            }
        }
        models
    }

    /// What a model says of a picture.
    fn said(&self, named: &Named, picture: &Picture, frame: Size) -> Result<Said, Fault> {
        let said = caught(|| {
            self.threads.during(|| match &*named.model {
                Model::Segmenter(model) => model
                    .segment(picture, frame)
                    .map(|mask| Some(Said::Mask(model.id().clone(), mask))),
                Model::Classifier(model) => model
                    .classify(picture)
                    .map(|opinion| Some(Said::Opinion(opinion))),
                Model::Table(_) => Ok(None),
            })
        });
        match said {
            Ok(Ok(Some(said))) => Ok(said),
            Ok(Ok(None)) => Err(fault(
                &named.name,
                "it takes no pictures: name another model",
            )),
            Ok(Err(error)) => Err(fault(&named.name, format!("{}: {error}", named.name))),
            Err(panic) => Err(fault(
                &named.name,
                format!(
                    "{}: the runtime gave up on the network ({panic}): see whether `weir infer --check` finds the \
                     model in order",
                    named.name
                ),
            )),
        }
    }

    /// What follows from the mask of a frame.
    fn water(&self, id: &Id, mask: &Mask, view: &View, faults: &mut Vec<Fault>) -> Water {
        let rois: Vec<RoiCount> = view.rois.iter().map(|roi| count(mask, roi)).collect();
        let iou = view
            .truth
            .as_ref()
            .and_then(|path| match Mask::read(path, &self.limits) {
                Ok(truth) => Some(iou(mask, &truth)),
                Err(error) => {
                    faults.push(fault("truth", format!("{}: {error}", path.display())));
                    None
                }
            });
        let stage = view
            .stage
            .as_ref()
            .and_then(|path| match self.stage(path, &rois) {
                Ok(stage) => Some(stage),
                Err(sentence) => {
                    faults.push(fault("stage", sentence));
                    None
                }
            });
        Water {
            model: id.name.clone(),
            model_sha256: id.sha256.clone(),
            frame: mask.size(),
            share: mask.share(),
            rois,
            iou,
            verified: iou.map(|iou| iou > view.verified_above),
            stage,
        }
    }

    fn stage(&self, path: &Path, rois: &[RoiCount]) -> Result<Stage, String> {
        let model = self.models.get(path)?;
        let Model::Table(table) = &*model else {
            return Err(format!(
                "{} is a model for {}, and a stage is made by a tabular one: name another model",
                path.display(),
                model.task()
            ));
        };
        match caught(|| table.stage(rois)) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(format!(
                "{}: the runtime gave up on the network ({panic}): see whether `weir infer --check` finds the model in \
                 order",
                path.display()
            )),
        }
    }
}

/// What the models of a view said.
#[derive(Default)]
struct Seen {
    mask: Option<(Id, Mask)>,
    opinions: Vec<Opinion>,
}

/// What a model said.
enum Said {
    Mask(Id, Mask),
    Opinion(Opinion),
}

/// A loaded model by the name of its folder.
struct Named {
    name: String,
    model: Arc<Model>,
}

fn fault(part: &str, sentence: impl Into<String>) -> Fault {
    Fault {
        part: part.to_owned(),
        sentence: sentence.into(),
    }
}

/// Does `work` and notes the milliseconds it took.
fn timed<T>(took: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    *took = start.elapsed().as_secs_f64() * 1000.0;
    done
}
