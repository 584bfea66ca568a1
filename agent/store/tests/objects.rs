//! Whole objects through the AWS SDK, in process and over TCP.

mod support;

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ChecksumMode, Delete, MetadataDirective, ObjectIdentifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::{BUCKET, body, refusal};
use weir_store::{Algorithm, Operation, Store};

over_both_entrances! {
    an_object_comes_back_with_everything_that_was_sent;
    ranges_and_conditions_of_reads;
    unknown_names_have_their_codes;
    the_life_of_a_bucket;
    listings_page_through_prefixes;
    copies;
    many_deletes_in_one_request;
    every_created_object_is_announced_once;
}

async fn put(client: &Client, key: &str, bytes: &[u8]) -> String {
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(body(bytes))
        .send()
        .await
        .unwrap();
    put.e_tag.unwrap()
}

async fn an_object_comes_back_with_everything_that_was_sent(store: Store, client: Client) {
    let key = "2024/August/a b+c%é.jpg";
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(body("river"))
        .content_type("image/jpeg");
    let put = put
        .metadata("site", "site1")
        .metadata("captured", "2024-08-09")
        .cache_control("no-cache")
        .send()
        .await
        .unwrap();
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(get.content_type(), Some("image/jpeg"));
    assert_eq!(get.cache_control(), Some("no-cache"));
    assert_eq!(
        get.content_encoding(),
        None,
        "aws-chunked belongs to the transfer"
    );
    let sent = HashMap::from(
        [("site", "site1"), ("captured", "2024-08-09")].map(|(k, v)| (k.to_owned(), v.to_owned())),
    );
    assert_eq!(get.metadata(), Some(&sent));
    assert_eq!(get.e_tag(), put.e_tag());
    assert_eq!(get.body.collect().await.unwrap().into_bytes(), "river");
    let objects = store.objects();
    assert_eq!(objects.len(), 1);
    assert_eq!((objects[0].key.as_str(), objects[0].size), (key, 5));
    let sha256 = STANDARD.encode(hex_bytes(&objects[0].sha256));
    assert_eq!(sha256, Algorithm::Sha256.of(b"river"));
    assert_eq!(objects[0].metadata.len(), 2);
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

async fn ranges_and_conditions_of_reads(_: Store, client: Client) {
    let etag = put(&client, "k", b"0123456789").await;
    for (range, expected, header) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let get = client
            .get_object()
            .bucket(BUCKET)
            .key("k")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(get.content_range(), Some(header));
        assert_eq!(
            get.body.collect().await.unwrap().into_bytes(),
            expected,
            "{range}"
        );
    }
    let past = client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .range("bytes=10-")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&past), (416, "InvalidRange".into()));
    let same = client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .if_none_match(&etag)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&same).0, 304);
    let other = client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .if_match("\"0\"")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&other).0, 412);
    client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .if_match(&etag)
        .send()
        .await
        .unwrap();
}

async fn unknown_names_have_their_codes(store: Store, client: Client) {
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("none")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&get), (404, "NoSuchKey".into()));
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("none")
        .send()
        .await
        .unwrap_err();
    assert!(head.as_service_error().unwrap().is_not_found());
    let put = client
        .put_object()
        .bucket("unknown-bucket")
        .key("k")
        .body(body("x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&put), (404, "NoSuchBucket".into()));
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key("k")
        .upload_id("u")
        .part_number(1)
        .body(body("x"));
    assert_eq!(
        refusal(&part.send().await.unwrap_err()),
        (404, "NoSuchUpload".into())
    );
    assert_eq!(store.stats().answered(Operation::GetObject, 404), 1);
    assert!(store.objects().is_empty());
}

async fn the_life_of_a_bucket(store: Store, client: Client) {
    client
        .create_bucket()
        .bucket("site2-image")
        .send()
        .await
        .unwrap();
    let again = client
        .create_bucket()
        .bucket("site2-image")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&again), (409, "BucketAlreadyOwnedByYou".into()));
    client
        .head_bucket()
        .bucket("site2-image")
        .send()
        .await
        .unwrap();
    let names = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = names
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    assert_eq!(names, [BUCKET, "site2-image"]);
    put(&client, "k", b"x").await;
    let full = client
        .delete_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&full), (409, "BucketNotEmpty".into()));
    client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    client.delete_bucket().bucket(BUCKET).send().await.unwrap();
    let gone = client
        .head_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap_err();
    assert!(gone.as_service_error().unwrap().is_not_found());
    assert!(store.objects().is_empty());
}

async fn listings_page_through_prefixes(_: Store, client: Client) {
    for key in ["a/1", "a/2", "a/b/3", "c", "d e"] {
        put(&client, key, b"x").await;
    }
    let mut pages = client
        .list_objects_v2()
        .bucket(BUCKET)
        .delimiter("/")
        .max_keys(1)
        .into_paginator()
        .send();
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.key_count(), Some(1));
        items.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
        items.extend(
            page.common_prefixes()
                .iter()
                .map(|prefix| prefix.prefix().unwrap().to_owned()),
        );
    }
    assert_eq!(items, ["a/", "c", "d e"]);
    let v1 = client
        .list_objects()
        .bucket(BUCKET)
        .prefix("a/")
        .max_keys(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (v1.is_truncated(), v1.next_marker()),
        (Some(true), Some("a/2"))
    );
    let v1 = client
        .list_objects()
        .bucket(BUCKET)
        .prefix("a/")
        .marker("a/2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        v1.contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["a/b/3"]
    );
}

async fn copies(store: Store, client: Client) {
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(body("x"))
        .metadata("mtime", "1")
        .send()
        .await
        .unwrap();
    let itself = || {
        client
            .copy_object()
            .bucket(BUCKET)
            .key("a")
            .copy_source(format!("{BUCKET}/a"))
    };
    let pointless = itself().send().await.unwrap_err();
    assert_eq!(refusal(&pointless), (400, "InvalidRequest".into()));
    let copied = itself()
        .metadata_directive(MetadataDirective::Replace)
        .metadata("mtime", "2")
        .send()
        .await
        .unwrap();
    assert_eq!(copied.copy_object_result().unwrap().e_tag(), put.e_tag());
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["mtime"], "2");
    client
        .copy_object()
        .bucket(BUCKET)
        .key("b")
        .copy_source(format!("{BUCKET}/a"))
        .send()
        .await
        .unwrap();
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("b")
        .send()
        .await
        .unwrap();
    assert_eq!(get.metadata().unwrap()["mtime"], "2");
    assert_eq!(get.body.collect().await.unwrap().into_bytes(), "x");
    assert_eq!(store.objects().len(), 2);
}

async fn many_deletes_in_one_request(store: Store, client: Client) {
    let etag = put(&client, "a", b"1").await;
    put(&client, "b", b"2").await;
    put(&client, "c", b"3").await;
    let id = |key: &str, etag: Option<&str>| {
        ObjectIdentifier::builder()
            .key(key)
            .set_e_tag(etag.map(str::to_owned))
            .build()
            .unwrap()
    };
    let delete = Delete::builder()
        .objects(id("a", Some(&etag)))
        .objects(id("b", Some("\"0\"")))
        .objects(id("none", None));
    let done = client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete.build().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        done.deleted()
            .iter()
            .filter_map(|deleted| deleted.key())
            .collect::<Vec<_>>(),
        ["a", "none"]
    );
    let errors: Vec<_> = done
        .errors()
        .iter()
        .map(|error| (error.key().unwrap(), error.code().unwrap()))
        .collect();
    assert_eq!(errors, [("b", "PreconditionFailed")]);
    assert_eq!(
        store
            .objects()
            .iter()
            .map(|object| object.key.as_str())
            .collect::<Vec<_>>(),
        ["b", "c"]
    );
}

async fn every_created_object_is_announced_once(store: Store, client: Client) {
    let mut events = store.subscribe();
    put(&client, "a", b"1").await;
    client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .if_none_match("*")
        .body(body("2"))
        .send()
        .await
        .unwrap_err();
    let etag = put(&client, "a", b"333").await;
    client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    let first = events.try_recv().unwrap();
    let second = events.try_recv().unwrap();
    assert!(events.try_recv().is_err());
    assert_eq!(
        (first.bucket.as_str(), first.key.as_str(), first.size),
        (BUCKET, "a", 1)
    );
    assert_eq!((second.size, format!("\"{}\"", second.etag)), (3, etag));
    assert!(second.sequencer > first.sequencer);
}
