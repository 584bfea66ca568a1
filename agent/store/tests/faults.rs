//! Scripted faults, as a client meets them: in process on a paused clock, and over real sockets.

mod support;

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use support::{BUCKET, body, client, refusal, serve, store, tcp_client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use weir_store::faults::{Action, Refusal, Rule};
use weir_store::{Algorithm, Clock, Edge, Operation, Store};

over_both_entrances! {
    refusals_by_number_name_and_code;
    a_lost_answer_was_stored;
    a_cut_request_was_not_stored;
    answers_can_lie;
    the_clock_can_be_off;
    rules_can_be_changed_while_running;
    who_watches_the_door_sees_all_that_bring_an_object;
}

async fn put(client: &Client, key: &str) -> Result<String, (u16, String)> {
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(body([7; 3000]))
        .send()
        .await;
    put.map(|put| put.e_tag.unwrap())
        .map_err(|error| refusal(&error))
}

async fn refusals_by_number_name_and_code(store: Store, client: Client) {
    let codes = [
        (Refusal::InternalError, 500, "InternalError"),
        (Refusal::SlowDown, 503, "SlowDown"),
        (Refusal::ServiceUnavailable, 503, "ServiceUnavailable"),
        (Refusal::TooManyRequests, 429, "TooManyRequests"),
        (Refusal::AccessDenied, 403, "AccessDenied"),
        (Refusal::InvalidAccessKeyId, 403, "InvalidAccessKeyId"),
        (Refusal::SignatureDoesNotMatch, 403, "SignatureDoesNotMatch"),
    ];
    for (error, status, code) in codes {
        store.faults().set([Rule::new(Action::Error(error))
            .on(Operation::PutObject)
            .key("bad/*")
            .requests(2..=2)]);
        put(&client, "bad/1").await.unwrap();
        put(&client, "good").await.unwrap();
        assert_eq!(put(&client, "bad/2").await, Err((status, code.into())));
        put(&client, "bad/3").await.unwrap();
    }
    assert_eq!(store.objects().len(), 3);
    assert_eq!(store.stats().answered(Operation::PutObject, 503), 2);
}

async fn a_lost_answer_was_stored(store: Store, client: Client) {
    store
        .faults()
        .set([Rule::new(Action::LostAnswer).requests(1..=1)]);
    let mut events = store.subscribe();
    let lost = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .if_none_match("*")
        .body(body("x"))
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(lost, SdkError::DispatchFailure(_)),
        "{}",
        DisplayErrorContext(lost)
    );
    assert_eq!(
        (store.objects().len(), events.try_recv().unwrap().size),
        (1, 1)
    );
    let again = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .if_none_match("*")
        .body(body("x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&again).0, 412);
    assert_eq!(store.stats().answered(Operation::PutObject, 0), 1);
}

async fn a_cut_request_was_not_stored(store: Store, client: Client) {
    store
        .faults()
        .set([Rule::new(Action::Cut { after_bytes: 1000 }).requests(1..=1)]);
    let big = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body(vec![1; 300_000]))
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(big, SdkError::DispatchFailure(_)),
        "{}",
        DisplayErrorContext(big)
    );
    assert!(store.objects().is_empty());
    put(&client, "k").await.unwrap();
}

async fn answers_can_lie(store: Store, client: Client) {
    store
        .faults()
        .set([Rule::new(Action::WrongEtag).on(Operation::PutObject)]);
    let told = put(&client, "k").await.unwrap();
    assert_ne!(told, format!("\"{}\"", store.objects()[0].etag));
    let sha256 = |key: &str| {
        client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(body("x"))
    };
    store.faults().set([Rule::new(Action::WrongChecksum)]);
    let told = sha256("k").send().await.unwrap();
    assert_ne!(
        told.checksum_sha256(),
        Some(Algorithm::Sha256.of(b"x").as_str())
    );
    assert_eq!(
        store.objects()[0].checksum.value,
        Algorithm::Sha256.of(b"x")
    );
    // In a completion the ETag lies in the XML.
    store
        .faults()
        .set([Rule::new(Action::WrongEtag).on(Operation::CompleteMultipartUpload)]);
    let id = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key("m")
        .upload_id(&id)
        .part_number(1)
        .body(body("x"))
        .send()
        .await
        .unwrap();
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let done = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .upload_id(id)
        .multipart_upload(parts)
        .send()
        .await
        .unwrap();
    let stored = store
        .objects()
        .into_iter()
        .find(|object| object.key == "m")
        .unwrap();
    assert_eq!(done.e_tag().unwrap().len(), stored.etag.len() + 2);
    assert_ne!(done.e_tag().unwrap(), format!("\"{}\"", stored.etag));
}

async fn the_clock_can_be_off(store: Store, client: Client) {
    store.clock().set_offset_seconds(1000);
    let skewed = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body("x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&skewed), (403, "RequestTimeTooSkewed".into()));
    let date = skewed
        .raw_response()
        .unwrap()
        .headers()
        .get("date")
        .unwrap()
        .to_owned();
    let told = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    let ahead =
        told.timestamp() - chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).timestamp();
    assert!(
        (995..=1005).contains(&ahead),
        "the answer tells the store's time: {date}"
    );
    // The SDK learns from `Date`: its next request is signed with the store's time, right or wrong.
    let skewed = Err((403, "RequestTimeTooSkewed".into()));
    put(&client, "k").await.unwrap();
    store.clock().set_offset_seconds(0);
    assert_eq!(put(&client, "k").await, skewed);
    put(&client, "k").await.unwrap();
    store
        .faults()
        .set([Rule::new(Action::ClockOff { seconds: -1000 }).requests(1..=1)]);
    assert_eq!(put(&client, "k").await, skewed);
    assert_eq!(put(&client, "k").await, skewed, "it learned the false time");
    put(&client, "k").await.unwrap();
}

async fn rules_can_be_changed_while_running(store: Store, client: Client) {
    let handle = store.faults().clone();
    handle.push(Rule::new(Action::Error(Refusal::SlowDown)).bucket("site1-*"));
    assert_eq!(put(&client, "k").await, Err((503, "SlowDown".into())));
    handle.set([Rule::new(Action::Error(Refusal::SlowDown)).bucket("site2-*")]);
    put(&client, "k").await.unwrap();
    handle.push(Rule::new(Action::Error(Refusal::AccessDenied)));
    assert_eq!(put(&client, "k").await, Err((403, "AccessDenied".into())));
    handle.clear();
    put(&client, "k").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hanging_and_slowness_take_virtual_time_only() {
    let store = Store::memory()
        .clock(Clock::tokio(SystemTime::now()))
        .open()
        .unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    let client = client(&store);
    let real = std::time::Instant::now();
    store.faults().set([
        Rule::new(Action::Hang).requests(1..=1),
        Rule::new(Action::Delay {
            milliseconds: 60_000,
        })
        .requests(2..=2),
        Rule::new(Action::Slow {
            bytes_per_second: 100,
        }),
    ]);
    assert!(
        timeout(Duration::from_secs(300), put(&client, "k"))
            .await
            .is_err()
    );
    assert!(store.objects().is_empty());
    let began = Instant::now();
    put(&client, "k").await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
    let began = Instant::now();
    put(&client, "k").await.unwrap();
    let up = began.elapsed().as_secs_f64();
    assert!(
        (30.0..45.0).contains(&up),
        "3000 bytes and their framing at 100 a second: {up}"
    );
    let began = Instant::now();
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(get.body.collect().await.unwrap().into_bytes().len(), 3000);
    let down = began.elapsed().as_secs_f64();
    assert!((30.0..35.0).contains(&down), "{down}");
    assert!(real.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn over_tcp_a_hanging_request_gets_no_byte_and_an_aborted_server_closes_it() {
    let store = store().await;
    let server = serve(&store).await;
    store.faults().set([Rule::new(Action::Hang)]);
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    stream
        .write_all(b"GET /site1-image/k HTTP/1.1\r\nhost: store\r\n\r\n")
        .await
        .unwrap();
    until(|| store.stats().requests == 1).await;
    let nothing = stream.try_read(&mut [0; 16]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    server.abort().await;
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
    assert_eq!(store.stats().answered(Operation::GetObject, 0), 1);
}

#[tokio::test]
async fn over_tcp_a_body_is_asked_for_before_it_is_sent_and_connections_are_kept() {
    let store = store().await;
    let server = serve(&store).await;
    store
        .faults()
        .set([Rule::new(Action::Error(Refusal::SlowDown))]);
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    for _ in 0..2 {
        let head = b"PUT /site1-image/k HTTP/1.1\r\nhost: store\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
        stream.write_all(head).await.unwrap();
        read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
        stream.write_all(b"river").await.unwrap();
        read_until(&mut stream, "</Error>").await;
    }
    assert_eq!(store.stats().answered(Operation::PutObject, 503), 2);
    assert_eq!(store.stats().bytes_in, 10);
}

#[tokio::test]
async fn over_tcp_a_graceful_stop_lets_a_running_request_finish() {
    let store = store().await;
    let server = serve(&store).await;
    let client = tcp_client(&store, &server);
    store
        .faults()
        .set([Rule::new(Action::Delay { milliseconds: 100 })]);
    let running = tokio::spawn(async move { put(&client, "k").await });
    until(|| store.stats().requests == 1).await;
    server.stop(Duration::from_secs(30)).await;
    running.await.unwrap().unwrap();
    assert_eq!((store.objects().len(), store.stats().puts_peak), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_store_without_conditional_writes_ignores_them() {
    let store = Store::memory()
        .conditional_writes(false)
        .auto_create_buckets(true)
        .open()
        .unwrap();
    let client = client(&store);
    for _ in 0..2 {
        client
            .put_object()
            .bucket("made-by-the-put")
            .key("k")
            .if_none_match("*")
            .body(body("x"))
            .send()
            .await
            .unwrap();
    }
    client
        .put_object()
        .bucket("made-by-the-put")
        .key("k")
        .if_match("\"0\"")
        .body(body("x"))
        .send()
        .await
        .unwrap();
    client
        .delete_object()
        .bucket("made-by-the-put")
        .key("k")
        .if_match("\"0\"")
        .send()
        .await
        .unwrap();
    assert!(store.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_discards_bodies_still_checks_and_describes_them() {
    let store = Store::memory().discard_bodies(true).open().unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    let client = client(&store);
    put(&client, "k").await.unwrap();
    let false_sum = client
        .put_object()
        .bucket(BUCKET)
        .key("x")
        .checksum_sha256(Algorithm::Sha256.of(b"y"))
        .body(body("x"));
    assert_eq!(refusal(&false_sum.send().await.unwrap_err()).1, "BadDigest");
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(3000));
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&get).0, 500);
    assert_eq!(store.objects().len(), 1);
}

/// Waits for a condition, at most ten seconds.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), wait)
        .await
        .expect("it became true");
}

async fn read_until(stream: &mut tokio::net::TcpStream, end: &str) {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut buffer = [0; 4096];
        let read = timeout(Duration::from_secs(10), stream.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

/// Enter and leave, in order; what was stored counts as done whatever the client was told.
async fn who_watches_the_door_sees_all_that_bring_an_object(store: Store, client: Client) {
    put(&client, "before").await.unwrap();
    let mut door = store.watch();
    store.faults().set([
        Rule::new(Action::LostAnswer).key("lost"),
        Rule::new(Action::Error(Refusal::SlowDown)).key("refused"),
        Rule::new(Action::WrongEtag).key("lied"),
    ]);
    for key in ["plain", "lost", "refused", "lied"] {
        let _ = put(&client, key).await;
    }
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    let mut seen = Vec::new();
    while let Ok(passage) = door.try_recv() {
        assert_eq!(passage.bucket, BUCKET);
        seen.push(passage);
    }
    let edges = |key: &str| {
        let of_key: Vec<_> = seen.iter().filter(|passage| passage.key == key).collect();
        assert!(of_key.windows(2).all(|two| two[0].at <= two[1].at));
        let same = |two: &[&weir_store::Passage]| two[0].number == two[1].number;
        assert!(of_key.chunks(2).all(same), "{of_key:?}");
        of_key
            .iter()
            .map(|passage| passage.edge)
            .collect::<Vec<_>>()
    };
    let ended = |status, done| Edge::Ended { status, done };
    assert_eq!(edges("before"), []);
    assert_eq!(edges("plain"), [Edge::Began, ended(Some(200), true)]);
    assert_eq!(edges("refused"), [Edge::Began, ended(Some(503), false)]);
    assert_eq!(edges("lied"), [Edge::Began, ended(Some(200), true)]);
    assert_eq!(edges("lost")[..2], [Edge::Began, ended(None, true)]);
    assert!(
        seen.iter()
            .all(|passage| passage.operation == Operation::PutObject)
    );
}

#[tokio::test(start_paused = true)]
async fn the_door_shows_when_a_request_ends_that_its_client_gave_up() {
    let store = store().await;
    let client = client(&store);
    store.faults().set([Rule::new(Action::Hang)]);
    let mut door = store.watch();
    let began = Instant::now();
    assert!(
        timeout(Duration::from_secs(7), put(&client, "k"))
            .await
            .is_err()
    );
    let (first, last) = (door.try_recv().unwrap(), door.try_recv().unwrap());
    assert_eq!((first.at, first.edge), (began, Edge::Began));
    let ended = Edge::Ended {
        status: None,
        done: false,
    };
    assert_eq!(
        (last.at - began, last.edge),
        (Duration::from_secs(7), ended)
    );
}
