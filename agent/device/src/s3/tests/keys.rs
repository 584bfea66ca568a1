//! Keys: where they come from, what is said when they cannot be had, and that nobody sees them.

use std::os::unix::fs::PermissionsExt as _;

use weir_journey::upload::{Cause, Scope, Verdict};

use super::bench::{Bench, SECRET, noise};
use crate::config::Credentials;
use crate::s3::{Failure, SendError};

async fn bench(credentials: Credentials) -> Bench {
    let mut bench = Bench::in_process(weir_store::Store::memory()).await;
    bench.restart(|config| config.credentials = credentials);
    bench
}

async fn refused(bench: &Bench) -> Box<Failure> {
    let image = bench.image("a.jpg", &noise(5000, 1));
    match bench.deliver(&image).await {
        Err(SendError::Store(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_others_may_read_are_refused_with_the_fix_until_it_is_done() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let Credentials::File(path) = &bench.config.credentials else {
        panic!("the bench keeps its keys in a file");
    };
    let mode =
        |mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let failure = refused(&bench).await;
    assert!(matches!(
        failure.verdict(),
        Verdict::Park {
            scope: Scope::Account,
            ..
        }
    ));
    assert!(failure.to_string().contains("chmod 600"), "{failure}");
    mode(0o600);
    bench
        .deliver(&bench.image("a.jpg", &noise(5000, 1)))
        .await
        .unwrap();
}

// Real time: the runtime's paused clock runs ahead of a process.
#[tokio::test]
async fn a_process_gives_the_keys_and_its_failure_passes() {
    let json =
        format!(r#"{{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"{SECRET}"}}"#);
    let good = Bench::over_tcp(weir_store::Store::memory()).await;
    let with = |command: String| {
        let mut config = good.config.clone();
        config.credentials = Credentials::Process(command);
        let http = crate::s3::https_client(None).unwrap();
        crate::s3::Store::connect(&config, http, crate::clock::Clock::system())
    };
    let image = good.image("a.jpg", &noise(5000, 1));
    for bad in [
        format!("echo no route to host >&2; : {SECRET}; exit 7"),
        format!("echo '{}'", json.replace("Version", "Verzion")),
    ] {
        let result = with(bad).deliver(&image.parcel(false)).await;
        let Err(SendError::Store(failure)) = result else {
            panic!("{result:?}");
        };
        assert!(
            matches!(
                failure.verdict(),
                Verdict::Retry {
                    cause: Cause::Link,
                    ..
                }
            ),
            "{failure}"
        );
        assert!(
            !format!("{failure} {failure:?}").contains(SECRET),
            "{failure}"
        );
    }
    let delivery = with(format!("echo '{json}'"))
        .deliver(&image.parcel(false))
        .await;
    assert!(!delivery.unwrap().already_there);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_not_there_parks_everything() {
    let bench = bench(Credentials::Profile("no-such-profile-anywhere".into())).await;
    let failure = refused(&bench).await;
    let verdict = failure.verdict();
    assert!(
        matches!(
            verdict,
            Verdict::Park {
                scope: Scope::Account,
                ..
            }
        ),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_shown_by_anything_that_can_be_printed() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    bench
        .deliver(&bench.image("a.jpg", &noise(5000, 1)))
        .await
        .unwrap();
    let shown = format!("{:?} {:?}", bench.store, bench.config);
    assert!(!shown.contains(SECRET));
    bench.service.faults().set([weir_store::faults::Rule::new(
        weir_store::faults::Action::Error(weir_store::faults::Refusal::SignatureDoesNotMatch),
    )]);
    let image = bench.image("b.jpg", &noise(5000, 2));
    let mut parcel = image.parcel(false);
    parcel.key = "b.jpg";
    let error = bench.store.deliver(&parcel).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
