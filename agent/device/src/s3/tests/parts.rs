//! Large files: interrupted at every part, changed on the way, lost and completed behind our back.

use std::io::{Seek as _, SeekFrom, Write as _};

use weir_journey::upload::Verdict;
use weir_store::Operation;
use weir_store::faults::{Action, Rule};

use super::bench::{Bench, noise};
use crate::config::Switch;
use crate::s3::{SendError, SourceFault};

/// Five parts of 300,000 bytes and a last one of 7.
const SIZE: usize = 1_500_007;
const PARTS: u64 = 6;

async fn bench() -> Bench {
    Bench::in_process(weir_store::Store::memory()).await
}

#[tokio::test(start_paused = true)]
async fn an_interruption_at_any_part_costs_that_part_only() {
    for at in 1..=PARTS {
        for action in [
            Action::Cut { after_bytes: 3 },
            Action::LostAnswer,
            Action::Hang,
        ] {
            let mut bench = bench().await;
            let image = bench.image("a.mp4", &noise(SIZE, at));
            let rule = Rule::new(action)
                .on(Operation::UploadPart)
                .requests(at..=at);
            bench.service.faults().set([rule]);
            assert!(bench.deliver(&image).await.is_err());
            bench.restart(|_| ());
            let delivery = bench.store.deliver(&image.parcel(true)).await.unwrap();
            assert!(!delivery.already_there);
            assert_eq!(bench.object().sha256, image.sha256.to_string());
            assert_eq!(delivery.facts.sha256, None);
            let again = u64::from(action != Action::LostAnswer);
            assert_eq!(
                bench.count(Operation::UploadPart),
                PARTS + again,
                "{action:?} at {at}"
            );
            assert_eq!(bench.count(Operation::CreateMultipartUpload), 1);
            assert_eq!(*image.log.0.lock().unwrap(), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_a_part_is_taken_up_again() {
    let mut bench = bench().await;
    let image = bench.image("a.mp4", &noise(SIZE, 1));
    let slow = Rule::new(Action::Hang)
        .on(Operation::UploadPart)
        .requests(4..=4);
    bench.service.faults().set([slow]);
    let moment = std::time::Duration::from_millis(500);
    assert!(
        tokio::time::timeout(moment, bench.deliver(&image))
            .await
            .is_err()
    );
    bench.restart(|_| ());
    bench.store.deliver(&image.parcel(true)).await.unwrap();
    assert_eq!(bench.object().sha256, image.sha256.to_string());
    assert!(bench.count(Operation::UploadPart) <= PARTS + 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_completion_makes_no_second_object() {
    let mut bench = bench().await;
    let image = bench.image("a.mp4", &noise(SIZE, 1));
    let rule = Rule::new(Action::LostAnswer).on(Operation::CompleteMultipartUpload);
    bench.service.faults().set([rule]);
    assert!(bench.deliver(&image).await.is_err());
    bench.service.faults().clear();
    // Even where nobody remembers to look first.
    bench.restart(|config| config.conditional_writes = Switch::On);
    assert!(bench.deliver(&image).await.unwrap().already_there);
    assert_eq!(bench.object().sha256, image.sha256.to_string());
    assert_eq!(*image.log.0.lock().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_the_store_forgot_is_begun_anew() {
    let bench = bench().await;
    let image = bench.image("a.mp4", &noise(SIZE, 1));
    let rule = Rule::new(Action::Cut { after_bytes: 0 })
        .on(Operation::UploadPart)
        .requests(3..=3);
    bench.service.faults().set([rule]);
    assert!(bench.deliver(&image).await.is_err());
    let record = image.log.0.lock().unwrap().clone();
    bench
        .store
        .give_up_parts(&image.parcel(false))
        .await
        .unwrap();
    *image.log.0.lock().unwrap() = record;
    bench.deliver(&image).await.unwrap();
    assert_eq!(bench.count(Operation::CreateMultipartUpload), 2);
    assert_eq!(bench.object().sha256, image.sha256.to_string());
}

fn overwrite(path: &std::path::Path, at: u64) {
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(b"other bytes").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_changed_between_two_attempts_is_noticed_and_its_parts_are_cleared_away() {
    // In a part that was sent already, and in one that was not.
    for at in [100, 1_400_000] {
        let mut bench = bench().await;
        let image = bench.image("a.mp4", &noise(SIZE, 1));
        let rule = Rule::new(Action::Cut { after_bytes: 3 })
            .on(Operation::UploadPart)
            .requests(3..=3);
        bench.service.faults().set([rule]);
        assert!(bench.deliver(&image).await.is_err());
        overwrite(&image.path, at);
        bench.restart(|_| ());
        let result = bench.store.deliver(&image.parcel(true)).await;
        assert!(
            matches!(result, Err(SendError::Source(SourceFault::Changed(_)))),
            "{result:?}"
        );
        assert!(bench.service.objects().is_empty());
        assert_eq!(bench.count(Operation::AbortMultipartUpload), 1);
        assert_eq!(*image.log.0.lock().unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_file_changed_since_it_was_accepted_is_refused_and_not_stored() {
    let bench = bench().await;
    let image = bench.image("a.jpg", &noise(50_000, 1));
    overwrite(&image.path, 100);
    match bench.deliver(&image).await {
        Err(SendError::Store(failure)) => {
            assert_eq!(failure.verdict(), Verdict::Changed, "{failure}")
        }
        other => panic!("{other:?}"),
    }
    let file = std::fs::File::options()
        .write(true)
        .open(&image.path)
        .unwrap();
    file.set_len(100).unwrap();
    let result = bench.deliver(&image).await;
    assert!(
        matches!(result, Err(SendError::Source(SourceFault::Changed(_)))),
        "{result:?}"
    );
    assert!(bench.service.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_cut_short_while_it_is_sent_is_its_own_fault_and_not_the_links() {
    let mut bench = bench().await;
    bench.restart(|config| config.bandwidth = std::num::NonZeroU64::new(100_000));
    let image = bench.image("a.jpg", &noise(900_000, 1));
    let cut = async {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let file = std::fs::File::options()
            .write(true)
            .open(&image.path)
            .unwrap();
        file.set_len(100_000).unwrap();
    };
    let (result, ()) = tokio::join!(bench.deliver(&image), cut);
    assert!(
        matches!(result, Err(SendError::Source(SourceFault::Changed(_)))),
        "{result:?}"
    );
    assert!(bench.service.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_at_the_completion_keeps_theirs_and_clears_ours_away() {
    let mut bench = bench().await;
    bench.restart(|config| config.conditional_writes = Switch::On);
    let theirs = bench.image("theirs.jpg", &noise(5000, 1));
    bench.deliver(&theirs).await.unwrap();
    let ours = bench.image("ours.mp4", &noise(SIZE, 2));
    let result = bench.deliver(&ours).await;
    assert!(
        matches!(result, Err(SendError::Conflict { .. })),
        "{result:?}"
    );
    assert_eq!(bench.object().sha256, theirs.sha256.to_string());
    assert_eq!(bench.count(Operation::AbortMultipartUpload), 1);
}
