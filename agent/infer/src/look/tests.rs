use std::fs;
use std::io::BufReader;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;
use weir_journey::infer::{Derivative, Overlay, PictureFormat, ProductKind, Roi, Step};

use super::*;
use crate::picture::encode;
use crate::sample::{LARGER, MEANS, RED, SUM, folder, half_red};

const SIZE: Size = Size {
    width: 32,
    height: 16,
};

/// A room with an image whose left quarter is water, models, and a place for products.
struct Scene {
    room: TempDir,
    job: Job,
}

impl Scene {
    fn new() -> Self {
        let room = TempDir::new().unwrap();
        let image = room.path().join("river.png");
        fs::write(&image, encode(&half_red(SIZE, 8), PictureFormat::Png)).unwrap();
        let products = room.path().join("products");
        fs::create_dir(&products).unwrap();
        let corners = |left: i32, right: i32| vec![[left, 0], [right, 0], [right, 3], [left, 3]];
        let region = |name: &str, left, right| Roi {
            name: name.to_owned(),
            points: corners(left, right),
        };
        let view = View {
            models: vec![
                folder(room.path(), "red", "segmentation", "red", RED),
                folder(room.path(), "means", "classification", "means", MEANS),
            ],
            rois: vec![region("A", 0, 9), region("B", 6, 20)],
            stage: Some(folder(room.path(), "stage", "tabular", "sum", SUM)),
            ..View::default()
        };
        let job = Job {
            image,
            view,
            before: None,
            masks: Some(products.clone()),
            products: Some(products),
            stem: "river".to_owned(),
        };
        Self { room, job }
    }

    fn model(&self, name: &str, task: &str, network: &str, rest: &str) -> PathBuf {
        folder(self.room.path(), name, task, network, rest)
    }

    fn report(&self, threads: usize) -> Report {
        let seer = Seer::new(Settings {
            threads,
            ..Settings::default()
        });
        report(seer.look(&self.job))
    }
}

fn report(answer: Answer) -> Report {
    match answer {
        Answer::Done(report) => *report,
        Answer::Failed(failure) => panic!("{failure}"),
    }
}

#[test]
fn an_image_is_looked_at_in_every_wanted_way() {
    let mut scene = Scene::new();
    let truth = scene.room.path().join("truth.png");
    let levels: Vec<u8> = [[255; 8].as_slice(), &[0; 24]].concat().repeat(16);
    let known = Picture::from_luma(SIZE, &levels).unwrap();
    fs::write(&truth, encode(&known, PictureFormat::Png)).unwrap();
    let view = &mut scene.job.view;
    view.truth = Some(truth);
    view.verified_above = 0.9;
    view.overlay = Some(Overlay {
        width: 16,
        format: PictureFormat::Jpeg,
    });
    view.derivatives = vec![Derivative {
        name: "small".to_owned(),
        steps: vec![
            Step::Grayscale,
            Step::Resize {
                width: 4,
                height: 4,
            },
        ],
        format: PictureFormat::Png,
    }];
    for threads in [1, 3] {
        let report = scene.report(threads);
        assert_eq!(report.faults, []);
        let water = report.water.unwrap();
        assert_eq!((water.frame, water.share), (SIZE, 0.25));
        let counts: Vec<_> = water
            .rois
            .iter()
            .map(|count| (count.water, count.pixels))
            .collect();
        assert_eq!(counts, [(32, 40), (8, 60)]);
        assert_eq!((water.iou, water.verified), (Some(1.0), Some(true)));
        assert_eq!(water.stage.unwrap().value, Some(18.0));
        assert_eq!(report.classes[0].labels[0].label, "blue");
        assert_eq!(report.together, []);
        let products = scene.job.products.as_ref().unwrap();
        let made: Vec<_> = report
            .products
            .iter()
            .map(|p| (p.kind.clone(), p.path.clone()))
            .collect();
        assert_eq!(
            made,
            [
                (ProductKind::Mask, products.join("river_mask.png")),
                (ProductKind::Overlay, products.join("river_segmented.jpg")),
                (
                    ProductKind::Derivative("small".to_owned()),
                    products.join("river_small.png")
                ),
            ]
        );
        for (_, path) in made {
            assert!(picture::read(&path, &Limits::default()).is_ok());
        }
        let mask = Mask::read(&products.join("river_mask.png"), &Limits::default()).unwrap();
        assert_eq!((mask.size(), mask.share()), (SIZE, 0.25));
    }
}

/// Makes one part of a scene fail.
type Spoil = fn(&mut Scene);

/// Whatever is wrong with one part, the others are as they are without it.
#[test]
fn a_part_that_fails_costs_itself_only() {
    let whole = Scene::new().report(1);
    let cases: [(&str, Spoil); 9] = [
        ("no-such", |scene| {
            scene.job.view.models.insert(0, "/no-such".into())
        }),
        ("odd", |scene| {
            let odd = scene.model("odd", "tabular", "unknown", SUM);
            scene.job.view.models.insert(0, odd);
        }),
        ("second", |scene| {
            let second = scene.model("second", "segmentation", "red", RED);
            scene.job.view.models.push(second);
        }),
        ("larger", |scene| {
            let larger = scene.model("larger", "tabular", "larger", LARGER);
            scene.job.view.models.push(larger);
        }),
        ("nan", |scene| {
            let rest = MEANS.replace("fit = ", "std = [1e-45, 1e-45, 1e-45]\nfit = ");
            let nan = scene.model("nan", "classification", "means", &rest);
            scene.job.view.models.push(nan);
        }),
        ("cut", |scene| {
            let rest = MEANS.replace("fit = ", "preprocess = [\"crop 0 0 99 99\"]\nfit = ");
            let cut = scene.model("cut", "classification", "means", &rest);
            scene.job.view.models.push(cut);
        }),
        ("truth", |scene| {
            scene.job.view.truth = Some("/no-such".into())
        }),
        ("huge", |scene| {
            scene.job.view.derivatives = vec![Derivative {
                name: "huge".to_owned(),
                steps: vec![Step::Resize {
                    width: 65_535,
                    height: 65_535,
                }],
                format: PictureFormat::Png,
            }];
        }),
        ("overlay", |scene| {
            scene.job.products = Some("/no-such".into());
            scene.job.view.overlay = Some(Overlay {
                width: 8,
                format: PictureFormat::Png,
            });
        }),
    ];
    for (part, spoil) in cases {
        let mut scene = Scene::new();
        spoil(&mut scene);
        for threads in [1, 2] {
            let report = scene.report(threads);
            let parts: Vec<_> = report
                .faults
                .iter()
                .map(|fault| fault.part.as_str())
                .collect();
            assert_eq!(parts, [part], "{:?}", report.faults);
            assert_eq!(
                (&report.water, &report.classes),
                (&whole.water, &whole.classes)
            );
        }
    }
    let mut scene = Scene::new();
    scene.job.view.stage = Some(scene.job.view.models[0].clone());
    let report = scene.report(1);
    assert_eq!(report.faults[0].part, "stage");
    assert!(
        report.faults[0]
            .sentence
            .contains("a model for segmentation"),
        "{:?}",
        report.faults
    );
    assert_eq!(report.water.unwrap().rois, whole.water.unwrap().rois);
}

#[test]
fn a_model_that_changed_is_loaded_anew() {
    let mut scene = Scene::new();
    let seer = Seer::new(Settings::default());
    let share = |scene: &Scene| report(seer.look(&scene.job)).water.map(|water| water.share);
    assert_eq!(share(&scene), Some(0.25));
    scene.model(
        "red",
        "segmentation",
        "red",
        &RED.replace("\"rgb\"", "\"bgr\""),
    );
    assert_eq!(share(&scene), Some(0.75));
    fs::remove_file(scene.job.view.models[0].join("model.toml")).unwrap();
    assert_eq!(share(&scene), None);
    scene.job.view.frame = Some(Size {
        width: 65_535,
        height: 65_535,
    });
    assert!(
        matches!(seer.look(&scene.job), Answer::Failed(failure) if failure.trouble == Trouble::Model)
    );
}

#[test]
fn what_is_no_picture_gives_no_report() {
    let mut scene = Scene::new();
    fs::write(&scene.job.image, b"no picture").unwrap();
    let seer = Seer::new(Settings::default());
    let Answer::Failed(failure) = seer.look(&scene.job) else {
        panic!("no picture was looked at");
    };
    assert_eq!(failure.trouble, Trouble::Picture);
    scene.job.image = "/no-such".into();
    assert!(
        matches!(seer.look(&scene.job), Answer::Failed(failure) if failure.trouble == Trouble::Device)
    );
}

fn answers(lines: &[u8]) -> Vec<Answer> {
    let mut out = Vec::new();
    serve(
        BufReader::with_capacity(7, lines),
        &mut out,
        Settings::default(),
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Every line has its answer, and a job between any lines is done.
    #[test]
    fn no_line_ends_the_loop(
        before in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5),
        cut in any::<proptest::sample::Index>(),
    ) {
        let scene = Scene::new();
        let job = serde_json::to_vec(&scene.job).unwrap();
        let mut lines = before.clone();
        lines.push(job[..cut.index(job.len())].to_vec());
        for line in &mut lines {
            line.retain(|&byte| byte != b'\n');
        }
        lines.push(job);
        let found = answers(&lines.join(&b'\n'));
        prop_assert_eq!(found.len(), lines.len());
        let (last, others) = found.split_last().unwrap();
        prop_assert!(matches!(last, Answer::Done(_)));
        prop_assert!(others.iter().all(|answer| matches!(answer, Answer::Failed(_))));
    }
}

#[test]
fn a_line_without_end_is_answered_once() {
    let job = serde_json::to_vec(&Scene::new().job).unwrap();
    let lines = [vec![b'x'; 40 << 20], job].join(&b'\n');
    let found = answers(&lines);
    assert_eq!(found.len(), 2);
    assert!(
        matches!(&found[0], Answer::Failed(failure) if failure.sentence.contains("longer than"))
    );
}
