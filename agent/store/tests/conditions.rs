//! Conditional writes: a race has exactly one winner.

mod support;

use aws_sdk_s3::Client;
use support::{BUCKET, body, refusal};
use weir_store::Store;

over_both_entrances! {
    if_none_match_has_one_winner_of_sixteen;
    if_match_is_compare_and_swap;
    conditional_deletes;
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

async fn if_none_match_has_one_winner_of_sixteen(store: Store, client: Client) {
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..16_u8 {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("slot")
            .if_none_match("*")
            .body(body([racer; 4096]));
        racers.spawn(async move {
            put.send()
                .await
                .map(|_| racer)
                .map_err(|error| refusal(&error))
        });
    }
    let results = racers.join_all().await;
    let winners: Vec<u8> = results
        .iter()
        .filter_map(|result| result.clone().ok())
        .collect();
    assert_eq!(winners.len(), 1);
    let losers = results
        .iter()
        .filter(|result| **result == Err((412, "PreconditionFailed".into())));
    assert_eq!(losers.count(), 15);
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("slot")
        .send()
        .await
        .unwrap();
    assert_eq!(
        get.body.collect().await.unwrap().into_bytes()[..],
        [winners[0]; 4096]
    );
    assert_eq!(store.objects().len(), 1);
}

async fn if_match_is_compare_and_swap(_: Store, client: Client) {
    let swap = |etag: String, value: &str| {
        client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .if_match(etag)
            .body(body(value))
            .send()
    };
    let absent = swap("\"0\"".into(), "x").await.unwrap_err();
    assert_eq!(refusal(&absent), (404, "NoSuchKey".into()));
    let first = put(&client, "k", b"0").await;
    // Sixteen who read the same version: one may write.
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..16 {
        let send = swap(first.clone(), &format!("by {racer}"));
        racers.spawn(async move { send.await.map(|put| put.e_tag.unwrap()) });
    }
    let results = racers.join_all().await;
    let won: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .collect();
    assert_eq!(won.len(), 1);
    let now = client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(now.e_tag(), Some(won[0].as_str()));
}

async fn conditional_deletes(store: Store, client: Client) {
    let old = put(&client, "k", b"old").await;
    let new = put(&client, "k", b"new").await;
    let stale = client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .if_match(old)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&stale), (412, "PreconditionFailed".into()));
    assert_eq!(store.objects().len(), 1);
    client
        .delete_object()
        .bucket(BUCKET)
        .key("k")
        .if_match(new)
        .send()
        .await
        .unwrap();
    assert!(store.objects().is_empty());
}
