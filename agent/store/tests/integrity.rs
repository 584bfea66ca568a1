//! What is damaged, cut short or falsely described on its way is refused, and nothing of it is stored.

mod support;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use support::{BUCKET, body, config, refusal, store};
use weir_store::{Algorithm, Store};

over_both_entrances! {
    a_false_checksum_in_a_header_is_refused;
    a_true_checksum_is_stored_and_echoed;
    a_false_content_md5_is_refused;
    without_a_checksum_the_object_gets_crc64nvme;
}

/// Something on the way that changes bodies after they were signed and summed.
#[derive(Debug, Clone)]
struct Tamper {
    client: SharedHttpClient,
    change: fn(Vec<u8>) -> Vec<u8>,
}

#[derive(Debug)]
struct TamperConnector {
    connector: SharedHttpConnector,
    change: fn(Vec<u8>) -> Vec<u8>,
}

impl HttpClient for Tamper {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(TamperConnector {
            connector,
            change: self.change,
        })
    }
}

impl HttpConnector for TamperConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let (connector, change) = (self.connector.clone(), self.change);
        HttpConnectorFuture::new(async move {
            let sent = std::mem::replace(request.body_mut(), SdkBody::empty());
            let sent = sent.collect().await.unwrap().to_bytes();
            *request.body_mut() = SdkBody::from(change(sent.to_vec()));
            connector.call(request).await
        })
    }
}

fn tampered(
    store: &Store,
    endpoint: &str,
    change: fn(Vec<u8>) -> Vec<u8>,
    checksums: RequestChecksumCalculation,
) -> Client {
    let tamper = Tamper {
        client: store.http_client(),
        change,
    };
    let config = config(store)
        .endpoint_url(endpoint)
        .http_client(tamper)
        .request_checksum_calculation(checksums);
    Client::from_conf(config.build())
}

/// Changes the image, which all these tests send, wherever it lies in the body.
fn flip(mut sent: Vec<u8>) -> Vec<u8> {
    let at = sent
        .windows(IMAGE.len())
        .position(|window| window == IMAGE)
        .expect("the image is in the body");
    sent[at] ^= 1;
    sent
}

const IMAGE: &[u8] = b"an image of the river";

/// The image as a stream.
async fn streamed() -> ByteStream {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), IMAGE).unwrap();
    // The open file outlives its name.
    ByteStream::read_from()
        .file(tokio::fs::File::open(file.path()).await.unwrap())
        .build()
        .await
        .unwrap()
}

fn sdk(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from(algorithm.name())
}

fn with_header(
    put: PutObjectFluentBuilder,
    algorithm: Algorithm,
    value: String,
) -> PutObjectFluentBuilder {
    match algorithm {
        Algorithm::Crc32 => put.checksum_crc32(value),
        Algorithm::Crc32c => put.checksum_crc32_c(value),
        Algorithm::Crc64nvme => put.checksum_crc64_nvme(value),
        Algorithm::Sha1 => put.checksum_sha1(value),
        Algorithm::Sha256 => put.checksum_sha256(value),
    }
}

async fn a_false_checksum_in_a_header_is_refused(store: Store, client: Client) {
    for algorithm in Algorithm::ALL {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(body(IMAGE));
        let put = with_header(put, algorithm, algorithm.of(b"another image"));
        assert_eq!(
            refusal(&put.send().await.unwrap_err()),
            (400, "BadDigest".into()),
            "{algorithm:?}"
        );
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(body(IMAGE));
        let put = with_header(put, algorithm, "AAAA".into());
        assert_eq!(
            refusal(&put.send().await.unwrap_err()),
            (400, "InvalidRequest".into()),
            "{algorithm:?}"
        );
        assert!(store.objects().is_empty());
    }
}

async fn a_true_checksum_is_stored_and_echoed(store: Store, client: Client) {
    for algorithm in Algorithm::ALL {
        // Of a stream the SDK does not know the checksum beforehand: it trails the signed chunks.
        for in_header in [true, false] {
            let put = client
                .put_object()
                .bucket(BUCKET)
                .key("k")
                .body(body(IMAGE));
            let put = match in_header {
                true => with_header(put, algorithm, algorithm.of(IMAGE)),
                false => put
                    .checksum_algorithm(sdk(algorithm))
                    .body(streamed().await),
            };
            let put = put.send().await.unwrap();
            let head = client
                .head_object()
                .bucket(BUCKET)
                .key("k")
                .checksum_mode(ChecksumMode::Enabled)
                .send()
                .await
                .unwrap();
            let put_echo = [
                put.checksum_crc32(),
                put.checksum_crc32_c(),
                put.checksum_crc64_nvme(),
                put.checksum_sha1(),
                put.checksum_sha256(),
            ];
            let head_echo = [
                head.checksum_crc32(),
                head.checksum_crc32_c(),
                head.checksum_crc64_nvme(),
                head.checksum_sha1(),
                head.checksum_sha256(),
            ];
            let at = Algorithm::ALL
                .iter()
                .position(|other| *other == algorithm)
                .unwrap();
            let mut expected = [None; 5];
            let sum = algorithm.of(IMAGE);
            expected[at] = Some(sum.as_str());
            assert_eq!(put_echo, expected, "{algorithm:?}, header: {in_header}");
            assert_eq!(head_echo, expected, "{algorithm:?}, header: {in_header}");
            assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
            assert_eq!(store.objects()[0].checksum.value, sum);
            let plain = client
                .head_object()
                .bucket(BUCKET)
                .key("k")
                .send()
                .await
                .unwrap();
            assert_eq!(
                plain.checksum_sha256().or(plain.checksum_crc32()),
                None,
                "only when asked for"
            );
        }
    }
}

async fn a_false_content_md5_is_refused(store: Store, client: Client) {
    let put = |md5: String| {
        client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .content_md5(md5)
            .body(body(b"hello"))
            .send()
    };
    let wrong = put(STANDARD.encode([0; 16])).await.unwrap_err();
    assert_eq!(refusal(&wrong), (400, "BadDigest".into()));
    let malformed = put("AAAA".into()).await.unwrap_err();
    assert_eq!(refusal(&malformed), (400, "InvalidDigest".into()));
    assert!(store.objects().is_empty());
    // `printf hello | openssl md5 -binary | base64`
    put("XUFAKrxLKna5cZ2REBfFkg==".into()).await.unwrap();
    assert_eq!(store.objects()[0].etag, "5d41402abc4b2a76b9719d911017c592");
}

async fn without_a_checksum_the_object_gets_crc64nvme(store: Store, _: Client) {
    let config = config(&store).http_client(store.http_client());
    let client = Client::from_conf(
        config
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build(),
    );
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body(IMAGE))
        .send()
        .await
        .unwrap();
    assert_eq!(
        put.checksum_crc64_nvme(),
        Some(Algorithm::Crc64nvme.of(IMAGE).as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_changed_on_the_way_fails_its_trailing_checksum() {
    let store = store().await;
    // Over https the SDK sends unsigned chunks, so that only the trailer protects them.
    let client = tampered(
        &store,
        "https://store.invalid",
        flip,
        RequestChecksumCalculation::WhenSupported,
    );
    for algorithm in Algorithm::ALL {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .checksum_algorithm(sdk(algorithm))
            .body(streamed().await);
        assert_eq!(
            refusal(&put.send().await.unwrap_err()),
            (400, "BadDigest".into()),
            "{algorithm:?}"
        );
        assert!(store.objects().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_trailer_must_come() {
    let store = store().await;
    let without_trailer = |sent: Vec<u8>| {
        let end = sent
            .windows(5)
            .position(|window| window == b"\r\n0\r\n")
            .expect("a last chunk");
        [&sent[..end], b"\r\n0\r\n\r\n"].concat()
    };
    let client = tampered(
        &store,
        "https://store.invalid",
        without_trailer,
        RequestChecksumCalculation::WhenSupported,
    );
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(streamed().await);
    let (status, code) = refusal(&put.send().await.unwrap_err());
    assert_eq!((status, code.as_str()), (400, "MalformedTrailerError"));
    assert!(store.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_body_fails_the_signed_payload_hash() {
    let store = store().await;
    let client = tampered(
        &store,
        "http://store.invalid",
        flip,
        RequestChecksumCalculation::WhenRequired,
    );
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body(IMAGE))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&put), (400, "XAmzContentSHA256Mismatch".into()));
    assert!(store.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_chunk_fails_its_signature() {
    let store = store().await;
    let client = tampered(
        &store,
        "http://store.invalid",
        flip,
        RequestChecksumCalculation::WhenSupported,
    );
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(streamed().await)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&put), (403, "SignatureDoesNotMatch".into()));
    assert!(store.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_incomplete() {
    let store = store().await;
    let shorter = |mut sent: Vec<u8>| {
        sent.pop();
        sent
    };
    let half = |sent: Vec<u8>| sent[..sent.len() / 3].to_vec();
    let whole = tampered(
        &store,
        "http://store.invalid",
        shorter,
        RequestChecksumCalculation::WhenRequired,
    );
    let chunked = tampered(
        &store,
        "https://store.invalid",
        half,
        RequestChecksumCalculation::WhenSupported,
    );
    let whole = whole
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body(IMAGE))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&whole), (400, "IncompleteBody".into()));
    let chunked = chunked
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(streamed().await)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&chunked), (400, "IncompleteBody".into()));
    assert!(store.objects().is_empty());
}
