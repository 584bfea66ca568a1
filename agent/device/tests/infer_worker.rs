//! The process that looks at images, as it is: its bounds hold, and what is wrong with a picture or a model is an answer.
#![cfg(feature = "infer")]

use std::path::Path;
use std::time::Duration;

use weir::infer::{Died, Seer as _, Worker};
use weir_journey::fixtures::Picture;
use weir_journey::infer::{Answer, Derivative, Job, PictureFormat, Step, Trouble, View};

fn worker(memory: u64) -> Worker {
    let arguments = format!(
        "infer-worker --threads 1 --memory {memory} --nice 19 --max-pixels 50000000 --max-file 67108864"
    );
    let arguments: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
    Worker::new(
        env!("CARGO_BIN_EXE_weir"),
        arguments,
        Duration::from_secs(120),
    )
}

fn job(room: &Path, view: View) -> Job {
    Job {
        image: room.join("a.jpg"),
        view,
        before: None,
        masks: None,
        products: Some(room.to_owned()),
        stem: "a".to_owned(),
    }
}

#[tokio::test]
async fn a_broken_picture_and_a_broken_model_are_answers_and_the_process_goes_on() {
    let room = tempfile::tempdir().unwrap();
    let worker = worker(400 << 20);
    std::fs::write(room.path().join("a.jpg"), b"\xff\xd8\xff\xe0 no picture").unwrap();
    let answer = worker
        .look(&job(room.path(), View::default()))
        .await
        .unwrap();
    assert!(
        matches!(&answer, Answer::Failed(failure) if failure.trouble == Trouble::Picture),
        "{answer:?}"
    );
    std::fs::write(room.path().join("a.jpg"), Picture::new(1).jpeg()).unwrap();
    std::fs::create_dir(room.path().join("model")).unwrap();
    std::fs::write(
        room.path().join("model/model.toml"),
        "task = \"divination\"",
    )
    .unwrap();
    let view = View {
        models: vec![room.path().join("model")],
        ..View::default()
    };
    let Answer::Done(report) = worker.look(&job(room.path(), view)).await.unwrap() else {
        panic!("a picture that is whole was not looked at");
    };
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
    assert!(report.water.is_none());
}

#[tokio::test]
async fn a_look_that_wants_more_memory_than_there_is_ends_the_process_and_nothing_else() {
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join("a.jpg"), Picture::new(1).jpeg()).unwrap();
    let worker = worker(64 << 20);
    let view = View {
        derivatives: vec![Derivative {
            name: "large".to_owned(),
            steps: vec![Step::Resize {
                width: 7000,
                height: 7000,
            }],
            format: PictureFormat::Png,
        }],
        ..View::default()
    };
    let died = worker.look(&job(room.path(), view)).await.unwrap_err();
    assert!(
        matches!(&died, Died::Ended { how, .. } if how.contains("signal")),
        "{died}"
    );
    // The next image is looked at by another process.
    let answer = worker
        .look(&job(room.path(), View::default()))
        .await
        .unwrap();
    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
}
