//! Who may: keys, unsigned requests and presigned URLs.

mod support;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector as _, HttpConnectorSettings,
};
use aws_smithy_types::body::SdkBody;
use support::{BUCKET, body, config, refusal, store};
use weir_store::Store;

over_both_entrances! {
    a_presigned_url_stores_until_it_expires;
}

const IMAGE: &[u8] = b"an image of the river";

#[tokio::test(start_paused = true)]
async fn wrong_keys_have_their_codes() {
    let store = store().await;
    let with = |access: &str, secret: &str| {
        let keys = aws_sdk_s3::config::Credentials::new(access, secret, None, None, "test");
        let config = config(&store)
            .http_client(store.http_client())
            .credentials_provider(keys)
            .build();
        Client::from_conf(config)
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(body(IMAGE))
            .send()
    };
    assert_eq!(
        refusal(&with("nobody", "weir-secret").await.unwrap_err()),
        (403, "InvalidAccessKeyId".into())
    );
    assert_eq!(
        refusal(&with("weir", "guess").await.unwrap_err()),
        (403, "SignatureDoesNotMatch".into())
    );
    let raw = http::Request::get(format!("http://store.invalid/{BUCKET}/k"))
        .body(SdkBody::empty())
        .unwrap();
    assert_eq!(
        send(&store, raw).await,
        403,
        "a request without a signature"
    );
}

/// Sends a request as it is and returns the status.
async fn send(store: &Store, request: http::Request<SdkBody>) -> u16 {
    let components =
        aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder::for_tests()
            .build()
            .unwrap();
    let connector = store
        .http_client()
        .http_connector(&HttpConnectorSettings::default(), &components);
    connector
        .call(request.try_into().unwrap())
        .await
        .unwrap()
        .status()
        .as_u16()
}

async fn a_presigned_url_stores_until_it_expires(store: Store, client: Client) {
    let hour = PresigningConfig::expires_in(Duration::from_secs(3600)).unwrap();
    let signed = client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .presigned(hour)
        .await
        .unwrap();
    let request = || {
        let mut request = http::Request::builder()
            .method(signed.method())
            .uri(signed.uri());
        for (name, value) in signed.headers() {
            request = request.header(name, value);
        }
        request.body(SdkBody::from(IMAGE)).unwrap()
    };
    assert_eq!(send(&store, request()).await, 200);
    assert_eq!(store.objects()[0].size, IMAGE.len() as u64);
    store.clock().set_offset_seconds(3700);
    assert_eq!(send(&store, request()).await, 403);
    store.clock().set_offset_seconds(-1000);
    assert_eq!(send(&store, request()).await, 403, "signed in the future");
    store.clock().set_offset_seconds(0);
    let mut forged = request();
    *forged.uri_mut() = signed.uri().replace("/k?", "/other?").parse().unwrap();
    assert_eq!(send(&store, forged).await, 403);
    assert_eq!(store.objects().len(), 1);
}
