//! Multipart uploads through the AWS SDK.

mod support;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::{BUCKET, body, client, refusal};
use weir_store::{Algorithm, Store};

const PARTS: [&[u8]; 3] = [b"first part ", b"second part ", b"end"];

async fn small_parts() -> (Store, Client) {
    let store = Store::memory().min_part_size(4).open().unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    let client = client(&store);
    (store, client)
}

/// Begins an upload and sends [`PARTS`], the last one first.
async fn upload(
    client: &Client,
    algorithm: Option<Algorithm>,
    kind: Option<ChecksumType>,
) -> (String, Vec<CompletedPart>) {
    let sdk = algorithm.map(|algorithm| ChecksumAlgorithm::from(algorithm.name()));
    let create = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .content_type("video/mp4")
        .metadata("site", "1");
    let id = create
        .set_checksum_algorithm(sdk.clone())
        .set_checksum_type(kind)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let mut parts = Vec::new();
    for (number, data) in [(3, PARTS[2]), (2, PARTS[1]), (1, PARTS[0])] {
        let part = client
            .upload_part()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&id)
            .part_number(number)
            .body(body(data));
        let sent = part
            .set_checksum_algorithm(sdk.clone())
            .send()
            .await
            .unwrap();
        parts.insert(
            0,
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .build(),
        );
    }
    (id, parts)
}

fn completion(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.to_vec()))
        .build()
}

#[tokio::test(start_paused = true)]
async fn sha256_of_an_upload_is_composite() {
    let (store, client) = small_parts().await;
    let (id, parts) = upload(&client, Some(Algorithm::Sha256), None).await;
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .multipart_upload(completion(&parts));
    let done = complete.send().await.unwrap();
    let raw: Vec<u8> = PARTS
        .iter()
        .flat_map(|part| STANDARD.decode(Algorithm::Sha256.of(part)).unwrap())
        .collect();
    let expected = format!("{}-3", Algorithm::Sha256.of(&raw));
    assert_eq!(done.checksum_sha256(), Some(expected.as_str()));
    assert_eq!(done.checksum_type(), Some(&ChecksumType::Composite));
    assert!(done.e_tag().unwrap().ends_with("-3\""));
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.checksum_sha256(), head.checksum_type()),
        (Some(expected.as_str()), Some(&ChecksumType::Composite))
    );
    assert_eq!(
        (
            head.content_type(),
            head.metadata().unwrap()["site"].as_str()
        ),
        (Some("video/mp4"), "1")
    );
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .range("bytes=8-12")
        .send()
        .await
        .unwrap();
    assert_eq!(
        get.body.collect().await.unwrap().into_bytes(),
        PARTS.concat()[8..13]
    );
    let sha256: String = STANDARD
        .decode(Algorithm::Sha256.of(&PARTS.concat()))
        .unwrap()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        store.objects()[0].sha256,
        sha256,
        "the oracle sees the hash of the whole"
    );
    let again = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .multipart_upload(completion(&parts));
    assert_eq!(
        refusal(&again.send().await.unwrap_err()),
        (404, "NoSuchUpload".into())
    );
}

#[tokio::test(start_paused = true)]
async fn checksums_of_the_full_object() {
    let whole = PARTS.concat();
    for (algorithm, kind) in [
        (Some(Algorithm::Crc64nvme), None),
        (Some(Algorithm::Crc32), Some(ChecksumType::FullObject)),
        (Some(Algorithm::Crc32c), Some(ChecksumType::FullObject)),
        (None, None),
    ] {
        let (store, client) = small_parts().await;
        let (id, parts) = upload(&client, algorithm, kind).await;
        let complete = client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(id)
            .multipart_upload(completion(&parts));
        let done = complete.send().await.unwrap();
        assert_eq!(done.checksum_type(), Some(&ChecksumType::FullObject));
        let checksum = &store.objects()[0].checksum;
        let expected = algorithm.unwrap_or(Algorithm::Crc64nvme);
        assert_eq!(
            (checksum.algorithm, &checksum.value),
            (expected, &expected.of(&whole))
        );
    }
    let (_, client) = small_parts().await;
    let impossible = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256);
    let impossible = impossible
        .checksum_type(ChecksumType::FullObject)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&impossible), (400, "InvalidRequest".into()));
}

#[tokio::test(start_paused = true)]
async fn a_false_completion_leaves_the_upload_as_it_was() {
    let (store, client) = small_parts().await;
    let (id, parts) = upload(&client, Some(Algorithm::Sha256), None).await;
    let complete = |parts: &[CompletedPart]| {
        client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&id)
            .multipart_upload(completion(parts))
    };
    let reversed: Vec<_> = parts.iter().rev().cloned().collect();
    assert_eq!(
        refusal(&complete(&reversed).send().await.unwrap_err()),
        (400, "InvalidPartOrder".into())
    );
    let false_etag = [CompletedPart::builder()
        .part_number(1)
        .e_tag("\"0\"")
        .build()];
    assert_eq!(
        refusal(&complete(&false_etag).send().await.unwrap_err()),
        (400, "InvalidPart".into())
    );
    let unknown = [CompletedPart::builder()
        .part_number(7)
        .e_tag("\"0\"")
        .build()];
    assert_eq!(
        refusal(&complete(&unknown).send().await.unwrap_err()),
        (400, "InvalidPart".into())
    );
    let false_sum = complete(&parts).checksum_sha256(Algorithm::Sha256.of(b"other"));
    assert_eq!(
        refusal(&false_sum.send().await.unwrap_err()),
        (400, "BadDigest".into())
    );
    let false_size = complete(&parts).mpu_object_size(1);
    assert_eq!(
        refusal(&false_size.send().await.unwrap_err()),
        (400, "InvalidRequest".into())
    );
    assert!(store.objects().is_empty());
    complete(&parts).send().await.unwrap();
    assert_eq!(store.objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn small_parts_are_refused_as_on_aws() {
    let store = Store::memory().open().unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    let client = client(&store);
    let (id, parts) = upload(&client, None, None).await;
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(id)
        .multipart_upload(completion(&parts));
    assert_eq!(
        refusal(&complete.send().await.unwrap_err()),
        (400, "EntityTooSmall".into())
    );
}

#[tokio::test(start_paused = true)]
async fn completion_is_conditional() {
    let (store, client) = small_parts().await;
    let (first, parts) = upload(&client, None, None).await;
    let (second, _) = upload(&client, None, None).await;
    let complete = |id: &str| {
        let complete = client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(id)
            .if_none_match("*");
        complete.multipart_upload(completion(&parts)).send()
    };
    let results = tokio::join!(complete(&first), complete(&second));
    let results =
        [results.0, results.1].map(|result| result.map_err(|error| refusal(&error)).map(|_| ()));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.contains(&Err((412, "PreconditionFailed".into()))));
    let uploads = client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(uploads.uploads().len(), 1, "the loser can still abort");
    assert_eq!(store.objects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parts_and_uploads_are_listed_and_aborted() {
    let (store, client) = small_parts().await;
    let (id, _) = upload(&client, Some(Algorithm::Sha256), None).await;
    let parts = || client.list_parts().bucket(BUCKET).key("k").upload_id(&id);
    let first = parts().max_parts(2).send().await.unwrap();
    assert_eq!(
        (first.is_truncated(), first.next_part_number_marker()),
        (Some(true), Some("2"))
    );
    assert_eq!(
        first.parts()[0].checksum_sha256(),
        Some(Algorithm::Sha256.of(PARTS[0]).as_str())
    );
    let rest = parts().part_number_marker("2").send().await.unwrap();
    assert_eq!(
        rest.parts()
            .iter()
            .map(|part| (part.part_number(), part.size()))
            .collect::<Vec<_>>(),
        [(Some(3), Some(3))]
    );
    // A part sent again replaces the one before.
    let again = client
        .upload_part()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .part_number(3)
        .body(body("other end"));
    again
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .unwrap();
    assert_eq!(
        parts()
            .part_number_marker("2")
            .send()
            .await
            .unwrap()
            .parts()[0]
            .size(),
        Some(9)
    );
    let foreign = client
        .list_parts()
        .bucket(BUCKET)
        .key("other")
        .upload_id(&id)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&foreign), (404, "NoSuchUpload".into()));
    let mixed = client
        .upload_part()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .part_number(1)
        .body(body("x"));
    let mixed = mixed
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&mixed), (400, "InvalidRequest".into()));
    client
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .send()
        .await
        .unwrap();
    assert!(
        client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap()
            .uploads()
            .is_empty()
    );
    assert!(store.objects().is_empty());
}
