//! What a picture shows.

use weir_journey::infer::{Classified, Label};

use super::prepare::prepare;
use super::{Id, TaskError, misfit};
use crate::engine::{Engine, Kind, LoadError, RunError, Values};
use crate::model::Classification;
use crate::picture::Picture;

/// A model that tells what a picture shows.
#[derive(Debug)]
pub struct Classifier {
    id: Id,
    spec: Classification,
    engine: Engine,
}

impl Classifier {
    pub(super) fn new(id: Id, spec: Classification, engine: Engine) -> Result<Self, LoadError> {
        let labels = spec.labels.len();
        let ones = engine.output().iter().filter(|&&axis| axis == 1).count();
        let length: usize = engine.output().iter().product();
        let is_row = ones + 1 >= engine.output().len() && length == labels;
        if engine.kind() != Kind::Float || !is_row {
            return Err(misfit(
                &engine,
                format!("floats of shape [1, {labels}], one a label"),
            ));
        }
        Ok(Self { id, spec, engine })
    }

    /// Which model it is.
    pub const fn id(&self) -> &Id {
        &self.id
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the model says of a picture.
    ///
    /// # Errors
    /// When the model's preprocessing does not suit the picture, or the network fails.
    pub fn classify(&self, picture: &Picture) -> Result<Opinion, TaskError> {
        let prepared = prepare(picture, &self.spec.input)?;
        let Values::Floats(scores) = self.engine.run(&prepared.tensor)? else {
            return Err(RunError::Runtime("it gave integers".to_owned()).into());
        };
        let probabilities = if self.spec.logits {
            softmax(&scores)
        } else {
            scores.iter().copied().map(f64::from).collect()
        };
        Ok(Opinion {
            id: self.id.clone(),
            top: self.spec.top,
            labels: self
                .spec
                .labels
                .iter()
                .cloned()
                .zip(probabilities)
                .map(|(label, probability)| Label { label, probability })
                .collect(),
        })
    }
}

/// What a model says of a picture, of every label it knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The model.
    pub id: Id,
    /// How many labels its manifest wants shown.
    pub top: usize,
    /// Its labels in the order of its manifest.
    pub labels: Vec<Label>,
}

impl Opinion {
    /// The opinion as it is reported: its likeliest labels.
    pub fn shown(&self) -> Classified {
        Classified {
            model: self.id.name.clone(),
            model_sha256: self.id.sha256.clone(),
            labels: likeliest(self.labels.clone(), self.top),
        }
    }
}

/// What several models say together: the mean probability of each label that all of them know, likeliest first, at
/// most as many as any of them shows. Empty unless there are several.
pub fn together(opinions: &[Opinion]) -> Vec<Label> {
    let [first, others @ ..] = opinions else {
        return Vec::new();
    };
    if others.is_empty() {
        return Vec::new();
    }
    let of = |opinion: &Opinion, name: &str| {
        let label = opinion.labels.iter().find(|label| label.label == name);
        label.map(|label| label.probability)
    };
    let means = first.labels.iter().filter_map(|label| {
        let others = others.iter().map(|opinion| of(opinion, &label.label));
        let sum = others.sum::<Option<f64>>()? + label.probability;
        Some(Label {
            label: label.label.clone(),
            probability: sum / opinions.len() as f64,
        })
    });
    let top = opinions.iter().map(|opinion| opinion.top).max();
    likeliest(means.collect(), top.unwrap_or_default())
}

/// The likeliest labels first; of equals, the one that came first.
fn likeliest(mut labels: Vec<Label>, top: usize) -> Vec<Label> {
    labels.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    labels.truncate(top);
    labels
}

/// Probabilities of logits.
fn softmax(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit - highest).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opinion(top: usize, labels: &[(&str, f64)]) -> Opinion {
        let labels = labels.iter().map(|&(label, probability)| Label {
            label: label.to_owned(),
            probability,
        });
        Opinion {
            id: Id {
                name: "m".to_owned(),
                sha256: String::new(),
            },
            top,
            labels: labels.collect(),
        }
    }

    proptest! {
        #[test]
        fn probabilities_add_up_and_keep_the_order(logits in proptest::collection::vec(-500f32..500.0, 1..50)) {
            let found = softmax(&logits);
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (a, x) in logits.iter().zip(&found) {
                for (b, y) in logits.iter().zip(&found) {
                    prop_assert!(a < b || x >= y);
                }
            }
        }

        #[test]
        fn models_that_agree_say_together_what_each_says(
            probabilities in proptest::collection::vec(0f64..1.0, 1..20),
            models in 2usize..5,
        ) {
            let names: Vec<String> = (0..probabilities.len()).map(|n| n.to_string()).collect();
            let labels: Vec<_> = names.iter().map(String::as_str).zip(probabilities).collect();
            let one = opinion(labels.len(), &labels);
            let all = together(&vec![one.clone(); models]);
            for (ours, theirs) in all.iter().zip(one.shown().labels) {
                prop_assert_eq!(&ours.label, &theirs.label);
                prop_assert!((ours.probability - theirs.probability).abs() < 1e-12);
            }
            prop_assert_eq!(all.len(), names.len());
        }
    }

    #[test]
    fn only_what_all_know_counts_together() {
        let river = opinion(1, &[("river", 0.9), ("forest", 0.1)]);
        let lake = opinion(2, &[("lake", 0.5), ("forest", 0.2), ("river", 0.3)]);
        let names = |labels: &[Label]| labels.iter().map(|l| l.label.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(&together(&[river.clone(), lake.clone()])),
            ["river", "forest"]
        );
        assert!((together(&[river.clone(), lake])[0].probability - 0.6).abs() < 1e-12);
        assert_eq!(names(&river.shown().labels), ["river"]);
        assert_eq!(together(&[river]), []);
        assert_eq!(together(&[]), []);
    }
}
