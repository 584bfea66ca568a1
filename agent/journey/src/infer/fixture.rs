//! A report for this module's tests.

use super::{Classified, Flag, Health, Label, Print, Report, RoiCount, Size, Stage, Took, Water};

/// What was found in an image of First Dam: the usual, and one flag.
pub(super) fn report() -> Report {
    let label = |label: &str, probability| Label {
        label: label.to_owned(),
        probability,
    };
    let classified = |model: &str, labels| Classified {
        model: model.to_owned(),
        model_sha256: "aa".repeat(32),
        labels,
    };
    let roi = |name: &str, water, pixels| RoiCount {
        name: name.to_owned(),
        water,
        pixels,
    };
    Report {
        size: Size {
            width: 1920,
            height: 1080,
        },
        health: Health {
            brightness: 0.4,
            contrast: 0.2,
            burnt: 0.01,
            sharpness: 0.03,
            plain: 0.1,
            difference: None,
            moved: None,
            flags: vec![Flag::Dark],
        },
        print: Print {
            luma: "00".repeat(64 * 36),
            digest: 7,
        },
        water: Some(Water {
            model: "water-small".to_owned(),
            model_sha256: "bb".repeat(32),
            frame: Size {
                width: 1920,
                height: 1080,
            },
            share: 0.25,
            rois: vec![roi("ROI1", 10_448, 45_370), roi("ROI2", 20_262, 52_951)],
            iou: Some(0.9),
            verified: Some(true),
            stage: Some(Stage {
                model: "stage".to_owned(),
                model_sha256: "cc".repeat(32),
                value: Some(1.25),
                unit: "ft".to_owned(),
                out_of_range: None,
            }),
        }),
        classes: vec![
            classified("a", vec![label("River", 0.9), label("Annual Crop", 0.05)]),
            classified("b", vec![label("River", 0.5), label("Sea", 0.3)]),
        ],
        together: vec![label("River", 0.7)],
        products: Vec::new(),
        faults: Vec::new(),
        took: Took::default(),
    }
}
