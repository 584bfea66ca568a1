//! What the queue keeps of what was found in an image: the part that a person asks for.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_journey::infer::{Decision, Failure, Fault, Flag, Label, Report, Stage};

/// What was found in an image, as `weir queue show` tells it.
#[derive(Debug, Serialize)]
struct Findings<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    flags: &'a [Flag],
    /// Share of the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    water: Option<f64>,
    /// Pixels of water by region.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rois: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iou: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<StageFound<'a>>,
    /// The likeliest label, by model.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'a str, &'a Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<&'a Label>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [Fault],
    /// Milliseconds, all in all.
    took_ms: f64,
}

#[derive(Debug, Serialize)]
struct StageFound<'a> {
    value: Option<f64>,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_range: Option<&'a str>,
}

impl<'a> StageFound<'a> {
    fn of(stage: &'a Stage) -> Self {
        Self {
            value: stage.value,
            unit: &stage.unit,
            out_of_range: stage.out_of_range.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    failed: &'a Failure,
}

/// What was found and decided, as JSON.
pub(super) fn found(report: &Report, decision: &Decision) -> String {
    let water = report.water.as_ref();
    let likeliest = report.classes.iter();
    let likeliest = likeliest.filter_map(|one| Some((one.model.as_str(), one.labels.first()?)));
    let rois = water.into_iter().flat_map(|water| &water.rois);
    let took = &report.took;
    written(&Findings {
        decision,
        flags: &report.health.flags,
        water: water.map(|water| water.share),
        rois: rois.map(|roi| (roi.name.as_str(), roi.water)).collect(),
        iou: water.and_then(|water| water.iou),
        verified: water.and_then(|water| water.verified),
        stage: water
            .and_then(|water| water.stage.as_ref())
            .map(StageFound::of),
        labels: likeliest.collect(),
        together: report.together.first(),
        faults: &report.faults,
        took_ms: took.decode_ms + took.health_ms + took.infer_ms + took.products_ms,
    })
}

/// Why nothing was found, as JSON.
pub(super) fn failed(failure: &Failure) -> String {
    written(&Failed { failed: failure })
}

fn written(value: &impl Serialize) -> String {
    // Texts as keys, numbers and lists: nothing that JSON lacks.
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_journey::infer::{Course, Health, Print, Size, Took, Trouble};

    #[test]
    fn what_was_not_found_is_left_out() {
        let report = Report {
            size: Size {
                width: 4,
                height: 3,
            },
            health: Health {
                brightness: 0.01,
                contrast: 0.0,
                burnt: 0.0,
                sharpness: 0.0,
                plain: 1.0,
                difference: None,
                moved: None,
                flags: vec![Flag::Dark],
            },
            print: Print {
                luma: String::new(),
                digest: 0,
            },
            water: None,
            classes: Vec::new(),
            together: Vec::new(),
            products: Vec::new(),
            faults: Vec::new(),
            took: Took {
                decode_ms: 1.5,
                ..Took::default()
            },
        };
        let decision = Decision {
            course: Course::Later,
            because: Some("dark".to_owned()),
        };
        assert_eq!(
            found(&report, &decision),
            r#"{"course":"later","because":"dark","flags":["dark"],"took_ms":1.5}"#
        );
        let failure = Failure {
            trouble: Trouble::Picture,
            sentence: "it is no picture".to_owned(),
        };
        assert_eq!(
            failed(&failure),
            r#"{"failed":{"trouble":"picture","sentence":"it is no picture"}}"#
        );
    }
}
