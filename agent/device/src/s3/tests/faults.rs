//! Every fault of the script, in process and over sockets: what is reported, and that the next attempt ends well.

use weir_journey::upload::{Cause, Scope, Transport, Verdict};
use weir_journey::verify::Proof;
use weir_store::Operation;
use weir_store::faults::{Action, Refusal, Rule};

use super::bench::{Bench, noise};
use crate::s3::{Doing, Failure, SendError};

/// What is expected of one fault.
enum Outcome {
    Delivered,
    Retry(Cause),
    Park(Scope),
    /// A break of the connection; any of these.
    Broken(&'static [Transport]),
}

use Outcome::{Broken, Delivered, Park, Retry};

fn script() -> Vec<(Action, Outcome)> {
    use Refusal::*;
    vec![
        (Action::Error(InternalError), Retry(Cause::Server)),
        (Action::Error(SlowDown), Retry(Cause::Busy)),
        (Action::Error(ServiceUnavailable), Retry(Cause::Busy)),
        (Action::Error(TooManyRequests), Retry(Cause::Busy)),
        (Action::Error(AccessDenied), Park(Scope::Site)),
        (Action::Error(InvalidAccessKeyId), Park(Scope::Account)),
        (Action::Error(SignatureDoesNotMatch), Park(Scope::Account)),
        (Action::Hang, Broken(&[Transport::Timeout])),
        (
            Action::Cut { after_bytes: 1000 },
            Broken(&[Transport::Broken]),
        ),
        (Action::LostAnswer, Broken(&[Transport::Broken])),
        (Action::WrongEtag, Delivered),
        (Action::WrongChecksum, Delivered),
        (Action::Delay { milliseconds: 300 }, Delivered),
        (
            Action::Slow {
                bytes_per_second: 50_000,
            },
            Delivered,
        ),
    ]
}

fn check(action: &Action, outcome: &Outcome, failed: Option<Box<Failure>>) {
    let Some(failure) = failed else {
        assert!(matches!(outcome, Delivered), "{action:?} went unnoticed");
        return;
    };
    assert_eq!(failure.doing, Doing::PutObject);
    match (outcome, failure.verdict()) {
        (Retry(expected), Verdict::Retry { cause, .. }) => assert_eq!(*expected, cause),
        (Park(expected), Verdict::Park { scope, .. }) => assert_eq!(*expected, scope),
        (Broken(expected), Verdict::Retry { cause, .. }) => {
            assert_eq!(cause, Cause::Link);
            let transport = failure.answer.transport.unwrap();
            assert!(expected.contains(&transport), "{action:?}: {failure}");
        }
        (_, verdict) => panic!("{action:?}: {verdict:?}: {failure}"),
    }
}

async fn plays(bench: Bench) {
    for (seed, (action, outcome)) in script().into_iter().enumerate() {
        let image = bench.image("a.jpg", &noise(60_000, seed as u64));
        let key = format!("{seed}.jpg");
        let mut parcel = image.parcel(false);
        parcel.key = &key;
        bench
            .service
            .faults()
            .set([Rule::new(action).on(Operation::PutObject)]);
        let failed = match bench.store.deliver(&parcel).await {
            Ok(_) => None,
            Err(SendError::Store(failure)) => Some(failure),
            Err(other) => panic!("{action:?}: {other}"),
        };
        check(&action, &outcome, failed);
        bench.service.faults().clear();
        parcel.unsure = true;
        let delivery = bench.store.deliver(&parcel).await.unwrap();
        assert_eq!(delivery.proof, Proof::Checksum);
        let stored = matches!(outcome, Delivered) || action == Action::LostAnswer;
        assert_eq!(delivery.already_there, stored, "{action:?}");
        let objects = bench.service.objects();
        let object = objects.iter().find(|object| object.key == key).unwrap();
        assert_eq!(object.sha256, image.sha256.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_is_told_apart_and_mended_in_process() {
    plays(Bench::in_process(weir_store::Store::memory()).await).await;
}

#[tokio::test]
async fn every_fault_is_told_apart_and_mended_over_sockets() {
    plays(Bench::over_tcp(weir_store::Store::memory()).await).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_a_broken_link_and_a_missing_bucket_a_parked_site() {
    let bench = Bench::over_tcp(weir_store::Store::memory()).await;
    let image = bench.image("a.jpg", &noise(1000, 1));
    let mut parcel = image.parcel(false);
    parcel.bucket = "nobodys";
    let Err(SendError::Store(failure)) = bench.store.deliver(&parcel).await else {
        panic!("there is no such bucket");
    };
    assert_eq!(failure.answer.code.as_deref(), Some("NoSuchBucket"));
    let Verdict::Park { fix, .. } = failure.verdict() else {
        panic!("nobody but a person can mend this: {failure}");
    };
    assert!(fix.contains("create the bucket"), "{fix}");
    let Bench { server, store, .. } = &bench;
    assert!(server.is_some());
    let (store, bench) = (store.clone(), bench);
    let parcel = image.parcel(false);
    let Bench {
        server, dir: _dir, ..
    } = bench;
    server.unwrap().abort().await;
    let Err(SendError::Store(failure)) = store.deliver(&parcel).await else {
        panic!("nobody listens");
    };
    assert_eq!(
        failure.answer.transport,
        Some(Transport::Connect),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_that_the_store_shows_to_be_other_bytes_is_never_taken_for_sent() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let image = bench.image("a.jpg", &noise(5000, 1));
    bench
        .service
        .faults()
        .set([Rule::new(Action::WrongChecksum)]);
    let result = bench.deliver(&image).await;
    assert!(
        matches!(result, Err(SendError::Unproven { .. })),
        "{result:?}"
    );
    bench.service.faults().clear();
    assert!(bench.deliver(&image).await.unwrap().already_there);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_upload_leaves_nothing_and_the_next_one_ends_well() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let image = bench.image("a.jpg", &noise(500_000, 1));
    bench.service.faults().set([Rule::new(Action::Slow {
        bytes_per_second: 1000,
    })]);
    let second = std::time::Duration::from_secs(1);
    assert!(
        tokio::time::timeout(second, bench.deliver(&image))
            .await
            .is_err()
    );
    assert!(bench.service.objects().is_empty());
    bench.service.faults().clear();
    assert!(!bench.deliver(&image).await.unwrap().already_there);
}
