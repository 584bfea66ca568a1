//! A report as a line for people, and as an object for scripts.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use weir_journey::infer::{Answer, Report};

/// One object an image: `path`, `outcome`, `error`, and what the report holds.
pub(super) fn object(path: &Path, answer: &Answer) -> Value {
    let path = path.display().to_string();
    match answer {
        Answer::Failed(failure) => {
            json!({"path": path, "outcome": "failed", "error": failure.sentence})
        }
        Answer::Done(report) => {
            let mut object = json!(report);
            if let Value::Object(fields) = &mut object {
                fields.remove("print");
                fields.insert("path".to_owned(), path.into());
                fields.insert("outcome".to_owned(), "done".into());
                let faults: Vec<_> = report
                    .faults
                    .iter()
                    .map(|fault| fault.sentence.as_str())
                    .collect();
                let error = (!faults.is_empty()).then(|| faults.join("; "));
                fields.insert("error".to_owned(), error.into());
            }
            object
        }
    }
}

/// One line an image.
pub(super) fn line(path: &Path, report: &Report) -> String {
    let mut line = format!(
        "{}  {}x{}",
        path.display(),
        report.size.width,
        report.size.height
    );
    let mut tell = |text: &str| {
        let _ = write!(line, "  {text}");
    };
    if let Some(water) = &report.water {
        tell(&format!("{:.1} % water", water.share * 100.0));
        for roi in &water.rois {
            tell(&format!("{} {} of {}", roi.name, roi.water, roi.pixels));
        }
        if let Some(iou) = water.iou {
            let verified = if water.verified == Some(true) {
                "verified"
            } else {
                "not verified"
            };
            tell(&format!("IoU {iou:.3} ({verified})"));
        }
        if let Some(stage) = &water.stage {
            match (stage.value, &stage.out_of_range) {
                (Some(value), _) => tell(&format!("stage {value:.3} {}", stage.unit)),
                (None, Some(why)) => tell(&format!("no stage: {why}")),
                (None, None) => {}
            }
        }
    }
    for classified in &report.classes {
        let labels: Vec<_> = classified
            .labels
            .iter()
            .map(|label| format!("{} {:.1} %", label.label, label.probability * 100.0))
            .collect();
        tell(&format!("{}: {}", classified.model, labels.join(", ")));
    }
    if let Some(first) = report.together.first() {
        tell(&format!(
            "together: {} {:.1} %",
            first.label,
            first.probability * 100.0
        ));
    }
    for flag in &report.health.flags {
        tell(flag.name());
    }
    line.push('\n');
    line
}
